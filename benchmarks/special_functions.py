"""The worst errors of the special functions and of their first two derivatives.

Run from the root of the repository: ``python -m benchmarks.special_functions [NAME ...]
[--points 100000] [--seconds 10]``.

Each function is compiled with its first two derivatives and evaluated at random points of its
ranges; mpmath computes the same formulas at 40 digits. An error is given in units of the last
place of the exact value, or of the function's local scale where that is larger: the amplitude of
its waves, for functions that oscillate. A range takes as many points as it is given, or as many as
mpmath manages in the seconds it is given; both are printed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from math import log
from typing import Any, Literal, NamedTuple

import mpmath
import numpy as np

import symgrad as sg
from tests.expressions import in_mpmath, system_of, tensor_of

DIGITS = 40
BITS = {"float64": 52, "float32": 23}
NORMAL = {"float64": 2.0**-1022, "float32": 2.0**-126}
TITLES = ("value", "gradient", "hessian")


class Range(NamedTuple):
    """Where the arguments are sampled: an interval for each, uniformly or in their logarithms."""

    intervals: tuple[tuple[float, float], ...]
    spaced: Literal["uniform", "log"] = "uniform"

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """``count`` random points, one a row."""
        columns = []
        for low, high in self.intervals:
            if self.spaced == "log":
                columns.append(np.exp(rng.uniform(log(low), log(high), count)))
            else:
                columns.append(rng.uniform(low, high, count))
        return np.stack(columns, axis=1)


class Measured(NamedTuple):
    """A function, where it is measured, and the scale of its errors.

    Attributes:
        build: (math, x, ...) -> the expression.
        ranges: where.
        scale: (k, x, ...) -> what is as large as the k-th derivative between its zeros, in mpmath.
    """

    build: Callable[..., Any]
    ranges: tuple[Range, ...]
    scale: Callable[..., Any] | None = None


def over(*intervals: tuple[float, float]) -> tuple[Range, ...]:
    """Ranges of one argument, uniform."""
    return tuple(Range((interval,)) for interval in intervals)


def log_over(*intervals: tuple[float, float]) -> tuple[Range, ...]:
    """Ranges of one argument, uniform in its logarithm."""
    return tuple(Range((interval,), "log") for interval in intervals)


def _waves(order: float) -> Callable[[int, Any], Any]:
    """The amplitude sqrt(2/(pi x)) of a Bessel function beyond its turning point."""

    def scale(k: int, x: Any) -> Any:
        return mpmath.sqrt(2 / (mpmath.pi * abs(x))) if abs(x) > max(order, 0.5) else 0

    return scale


def _spherical_waves(order: float) -> Callable[[int, Any], Any]:
    return lambda k, x: 1 / abs(x) if abs(x) > max(order, 0.5) else 0


def _airy_waves(power: float) -> Callable[[int, Any], Any]:
    def scale(k: int, x: Any) -> Any:
        size = abs(x) ** (power + 0.5 * k) / mpmath.sqrt(mpmath.pi)
        return size if x < -0.5 else 0

    return scale


def _bessel() -> dict[str, Measured]:
    """Bessel functions of orders 0 and 1, of integer and of real order, spherical, and Airy's."""
    waves = (*over((1e-3, 6), (6, 60), (60, 1e4)), *log_over((1e-300, 1e-3)))
    growth = (*over((1e-3, 1.5), (1.5, 30), (30, 700)), *log_over((1e-300, 1e-3)))
    made: dict[str, Measured] = {}
    for kind in ("besselj", "bessely"):
        for order in (0, 1):
            row = f"{kind}{order}"
            made[row] = Measured(_named(row), waves, _waves(order))
        for order in (2, 5, 20, 100, 0.5, 0.3, 2.7, 40.1, -1.2):
            wide = max(abs(order), 1.0)
            ranges = (*over((0.05 * wide, 2 * wide), (1, 40)), *log_over((1.01 * wide, 1e4 * wide)))
            made[f"{kind}({order}, x)"] = Measured(
                _ordered(kind, order), ranges, _waves(abs(order))
            )
    for kind in ("besseli", "besselk"):
        for row in (f"{kind}0", f"{kind}1", f"{kind}0e", f"{kind}1e"):
            made[row] = Measured(_named(row), growth)
        for order in (2, 5, 20, 100, 0.5, 0.3, 2.7, 40.1, -1.2 if kind == "besselk" else 0.9):
            wide = max(abs(order), 1.0)
            ranges = (*over((0.05 * wide, 2 * wide), (1, 40), (40, 600)),)
            for name in (kind, f"{kind}e"):
                made[f"{name}({order}, x)"] = Measured(_ordered(name, order), ranges)
    for kind in ("jn", "yn"):
        for order in (0, 1, 2, 5, 20, 100):
            wide = max(order, 1)
            ranges = (*over((0.05 * wide, 2 * wide), (1, 40)), *log_over((1.01 * wide, 1e4 * wide)))
            made[f"{kind}({order}, x)"] = Measured(
                _ordered(kind, order), ranges, _spherical_waves(order)
            )
    for row, power in (("airyai", -0.25), ("airybi", -0.25)):
        ranges = over((-1, 1), (1, 13 / 3), (13 / 3, 20), (20, 103), (-13 / 3, -1), (-100, -13 / 3))
        made[row] = Measured(_named(row), ranges, _airy_waves(power))
        made[f"{row}prime"] = Measured(_named(f"{row}prime"), ranges, _airy_waves(-power))
    return made


def _gamma_family() -> dict[str, Measured]:
    """Gamma, zeta, Lambert's W, polylogarithms and the incomplete functions."""
    right = (*over((1e-3, 3), (3, 30)), *log_over((1e-300, 1e-3)))
    made: dict[str, Measured] = {
        "gamma": Measured(_named("gamma"), (*right, *over((30, 171), (-6, 0), (-100, -6)))),
        "loggamma": Measured(
            _named("loggamma"), (*right, *log_over((30, 1e300)), *over((-20, 0))), _sum_of_logs
        ),
        "digamma": Measured(
            _named("digamma"), (*right, *log_over((30, 1e300)), *over((-20, 0))), _sum_of_logs
        ),
        "trigamma": Measured(_named("trigamma"), (*right, *log_over((30, 1e100)), *over((-20, 0)))),
        "zeta": Measured(_named("zeta"), over((-1, 1), (1, 3), (3, 50))),
        "dirichlet_eta": Measured(_named("dirichlet_eta"), over((-1, 3), (3, 50))),
        "lambertw": Measured(
            _named("lambertw"), (*over((-0.36787, 0), (0, 20)), *log_over((1e-300, 1e300)))
        ),
        "lambertw_minus": Measured(_named("lambertw_minus"), over((-0.36787, -1e-3))),
    }
    for order in (2, 3, 5):
        made[f"polygamma({order}, x)"] = Measured(
            _ordered("polygamma", order), (*over((1e-2, 20)), *log_over((20, 1e40)))
        )
        made[f"polylog({order}, x)"] = Measured(
            _ordered("polylog", order), over((-1, 0), (0, 0.7), (0.7, 1), (-50, -1))
        )
    for first in (0.3, 2.5, 40, 1000):
        for row in ("gammainc", "gammaincc", "lowergamma", "uppergamma"):
            if first < 100 or "inc" in row:
                ranges = over((0.01 * first, first), (first, 3 * first))
                made[f"{row}({first}, x)"] = Measured(_ordered(row, first), ranges)
        made[f"beta({first}, x)"] = Measured(_ordered("beta", first), over((0.01, 30)))
        made[f"rising_factorial({first}, x)"] = Measured(
            _ordered("rising_factorial", first), over((0.01, 30))
        )
    for a, b in ((0.4, 0.7), (2.5, 6), (40, 30)):
        for row in ("betainc", "betaincc"):
            made[f"{row}({a}, {b}, x)"] = Measured(_shaped(row, a, b), over((1e-3, 0.999)))
    return made


def _sum_of_logs(k: int, x: Any) -> Any:
    """Left of 0 the parts of a reflected logarithm may cancel."""
    return 1 + abs(x) if x < 0 else 0


def _shaped(row: str, a: float, b: float) -> Callable[..., Any]:
    return lambda m, x: getattr(m, row)(a, b, x)


def _named(row: str) -> Callable[..., Any]:
    return lambda m, *x: getattr(m, row)(*x)


def _ordered(row: str, order: float) -> Callable[..., Any]:
    return lambda m, x: getattr(m, row)(order, x)


def _error_family() -> dict[str, Measured]:
    """Error functions, the normal distribution, exponential, sine and Fresnel integrals."""
    tiny = log_over((1e-300, 1e-3))
    made = {
        "erfcx": (*over((-26, 0), (0, 9), (9, 1e4)), *tiny),
        "dawson": (*over((-12, 12)), *log_over((1e-3, 1e6))),
        "erfi": (*over((-26.5, 26.5)), *tiny),
        "exp_square": over((-26.5, 26.5)),
        "erfinv": (*over((-0.999, 0.999)), *tiny),
        "erfcinv": (*over((1e-3, 1.999)), *log_over((1e-300, 1e-3))),
        "normal_pdf": over((-37, 37)),
        "ndtr": over((-37, -1), (-1, 8)),
        "log_ndtr": over((-1e3, -1), (-1, 30)),
        "ndtri": (*over((1e-3, 0.999)), *log_over((1e-300, 1e-3))),
        "expint_e1": (*over((1e-3, 5), (5, 700)), *tiny),
        "expint_ei": (*over((0.5, 5), (5, 700), (-30, -0.01)), *tiny),
        "li": (*over((1.6, 9)), *log_over((10, 1e300), (1e-300, 0.9))),
        "sine_integral": over((-9, 9)),
        "cosine_integral": (*over((0.8, 9)), *tiny),
        "sinh_integral": over((-9, 9), (9, 700)),
        "cosh_integral": (*over((0.7, 9), (9, 700)), *tiny),
        "fresnels": over((-9, 9), (9, 1e3)),
        "fresnelc": over((-9, 9), (9, 1e3)),
        "elliptic_k": (*over((-3, 0.8)), *tiny),
        "elliptic_e_complete": over((-3, 0.8)),
    }
    waves = {"sine_integral", "cosine_integral", "fresnels", "fresnelc"}
    rows = {
        name: Measured(_named(name), ranges, _half if name in waves else None)
        for name, ranges in made.items()
    }
    for order in (1, 2, 3.5, 0.3, -2):
        ranges = (*over((0.05, 3), (3, 600)), *log_over((1e-12, 0.05)))
        rows[f"expint({order}, x)"] = Measured(_ordered("expint", order), ranges)
    two = (Range(((-1.5, 1.5), (-3, 0.8))),)
    rows["elliptic_f"] = Measured(_named("elliptic_f"), two)
    rows["elliptic_e"] = Measured(_named("elliptic_e"), two)
    rows["elliptic_pi"] = Measured(
        _named("elliptic_pi"), (Range(((-2, 0.7), (-1.5, 1.5), (-2, 0.8))),)
    )
    rows["erf2"] = Measured(_named("erf2"), (Range(((-5, 5), (-5, 5))),))
    return rows


def _half(k: int, x: Any) -> Any:
    return 0.5 / max(1, abs(x)) if k == 0 else 0


FUNCTIONS: dict[str, Measured] = {**_bessel(), **_gamma_family(), **_error_family()}


class Worst(NamedTuple):
    """The largest error of a derivative in ulp, and where it is."""

    ulp: float
    point: tuple[float, ...]
    count: int


def measure(
    measured: Measured, range_: Range, count: int, seconds: float, dtype: str, seed: int = 1
) -> list[Worst]:
    """The worst errors of the value, the gradient and the Hessian in a range."""
    inputs = sg.variables("x", len(range_.intervals))
    names = [str(x.value) for x in inputs]
    expression = measured.build(sg.math, *inputs)
    function = sg.compile(expression, inputs, list(TITLES), dtype=dtype, cache=False)
    points = range_.sample(count, np.random.default_rng(seed)).astype(dtype)
    got = function(points)
    columns = [np.asarray(getattr(got, title), float).reshape(count, -1) for title in TITLES]

    system = system_of(expression, names)
    nodes = [list(system.outputs.nodes)] + [list(tensor_of(system, k).nodes) for k in (1, 2)]
    worst = [Worst(0.0, (), 0)] * len(TITLES)
    until = time.perf_counter() + seconds
    with mpmath.workdps(DIGITS):
        for row, point in enumerate(points.astype(float).tolist()):
            exact = in_mpmath(
                system.graph,
                [n for part in nodes for n in part],
                dict(zip(names, point, strict=True)),
            )
            value = max(map(abs, exact[: len(nodes[0])]))
            given = [mpmath.mpf(x) for x in point]
            for k, part in enumerate(nodes):
                least = measured.scale(k, *given) if measured.scale else 0
                least = max(least, value if k else 0)
                expected, exact = exact[: len(part)], exact[len(part) :]
                errors = [
                    in_ulp(one, want, least, dtype)
                    for one, want in zip(columns[k][row].tolist(), expected, strict=True)
                ]
                error = max([worst[k].ulp, *errors])
                at = tuple(point) if error > worst[k].ulp else worst[k].point
                worst[k] = Worst(error, at, row + 1)
            if time.perf_counter() > until:
                break
    return worst


def in_ulp(value: float, expected: Any, least: Any, dtype: str) -> float:
    """The error of a value in ulp of the exact one, or of ``least`` where that is larger."""
    size = max(abs(expected), least)
    if not mpmath.isfinite(size) or size > np.finfo(dtype).max or size < NORMAL[dtype]:
        return 0.0  # subnormal results and overflows have other rules
    unit = mpmath.mpf(2) ** (mpmath.floor(mpmath.log(size, 2)) - BITS[dtype])
    error = abs(mpmath.mpf(value) - expected) / unit
    return float(error) if mpmath.isfinite(error) else float("inf")


def table(
    names: Sequence[str], points: int, seconds: float, dtypes: Sequence[str]
) -> Iterator[str]:
    """The lines of the table, each as soon as it is measured."""
    yield (
        f"{'function':18}{'dtype':9}{'range':>24}{'points':>8}"
        + "".join(f"{title:>10}" for title in TITLES)
        + "  value's worst at"
    )
    for name in names:
        measured = FUNCTIONS[name]
        for dtype in dtypes:
            for range_ in measured.ranges:
                worst = measure(measured, range_, points, seconds, dtype)
                where = ", ".join(f"{low:.3g}..{high:.3g}" for low, high in range_.intervals)
                yield (
                    f"{name:18}{dtype:9}{where:>24}{worst[0].count:8}"
                    + "".join(f"{w.ulp:10.2f}" for w in worst)
                    + f"  {', '.join(map(repr, worst[0].point))}"
                )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="functions, by prefix; all if none"
    )
    parser.add_argument("--points", type=int, default=100_000, help="points a range, at most")
    parser.add_argument("--seconds", type=float, default=10.0, help="time a range, at most")
    parser.add_argument("--dtypes", nargs="*", default=["float64", "float32"], choices=list(BITS))
    options = parser.parse_args(arguments)
    chosen = [
        name for name in FUNCTIONS if not options.names or name.startswith(tuple(options.names))
    ]
    for line in table(chosen, options.points, options.seconds, options.dtypes):
        print(line, flush=True)


if __name__ == "__main__":
    main()
