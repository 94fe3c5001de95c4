"""Speed and accuracy of our vector mathematics beside glibc's libmvec and scalar libm, in one run.

Run from the root of the repository: ``python -m benchmarks.vector_math [--points 100000]``.

A row is one function of one provider: nanoseconds an element for vectors of 16, 32 and 64 bytes in
a loop over 1,024 elements that stay in the first cache (best of eight runs), the largest error
over all points in units of the last place, and the argument where it occurs. Errors come from long
double arithmetic where that has 64 bits; the worst of them are measured again with mpmath at 50
digits, and that is what is printed. Without such a long double, mpmath does it all, slowly.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence

import mpmath
import numpy as np
from llvmlite import ir

from benchmarks.lookup_coefficients import erfc_edges
from symgrad.emit import provider
from symgrad.emit.vector import lookup, sincos
from symgrad.emit.vector.lanes import define
from symgrad.emit.vector.table import PORTABLE
from tests.emit.harness import Compiled, compile_loop

WIDTHS = (2, 4, 8)
RESIDENT = 1024
NAMES = ("sincos", "sin", "cos", "exp", "log", "erf", "erfc")
PROVIDERS = ("symgrad", "portable", "libmvec", "libm")
TIMED = {"log": (0.01, 100.0), "erf": (-3.0, 3.0), "erfc": (-3.0, 3.0)}
"""Where a function is timed, if not between -10 and 10."""

ERF_TERMS = 160
"""Terms of the series of erf; where |x| is 6 the first that is left out is below 1e-27."""

ERFC_TERMS = 160
"""Terms of the continued fraction of erfc; where x is 1.5 it is good to 23 digits."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=100_000, help="points a range of arguments")
    parser.add_argument("--functions", nargs="*", default=NAMES, choices=NAMES)
    options = parser.parse_args(arguments)
    for line in table(options.points, options.functions):
        print(line, flush=True)


def table(points: int, names: Sequence[str] = NAMES) -> Iterator[str]:
    """The lines of the table, each as soon as it is measured."""
    heads = [f"ns W={width}" for width in WIDTHS]
    yield f"{'function':9}{'provider':9}" + "".join(f"{h:>9}" for h in heads) + "  worst ulp at"
    for name in names:
        for who in PROVIDERS:
            loops = [build(name, who, width) for width in WIDTHS]
            times = "".join("        -" if f is None else f"{speed(f, name):9.2f}" for f in loops)
            widest = next((f for f in reversed(loops) if f is not None), None)
            if widest is None:
                continue
            ulp, where = worst_error(widest, name, points)
            yield f"{name:9}{who:9}{times}  {ulp:9.3f} {where!r}"


def build(name: str, who: str, width: int) -> Compiled | None:
    """A loop around one provider's function; None where this machine has no such thing."""
    parts = ("sin", "cos") if name == "sincos" else (name,)
    if who in ("symgrad", "portable"):
        chosen, portable = (
            provider.own_body(name, width, "float64"),
            PORTABLE.get((name, "float64")),
        )
        body = chosen if who == "symgrad" else portable if portable is not chosen else None
        return body and compile_loop(
            lambda module: define(module, name, body, width, results=len(parts), inline=True), width
        )
    part = 1 if who == "libm" else provider._libmvec_width(parts[0], width, "float64", 1)
    if part != (1 if who == "libm" else width):
        return None

    def define_outside(module: ir.Module) -> ir.Function:
        real = ir.VectorType(ir.DoubleType(), width)
        functions = []
        for piece in parts:
            symbol = piece if part == 1 else provider.vector_symbol(piece, width, "float64", 1)
            outside = provider._declare(module, symbol, part, "float64", 1)
            if part == 1:
                outside = provider._define_in_parts(
                    module, f"lanes.{piece}", outside, width, 1, "float64"
                )
            functions.append(outside)
        if len(functions) == 1:
            return functions[0]
        kind = ir.LiteralStructType([real, real])
        both = ir.Function(module, ir.FunctionType(kind, [real]), "both")
        builder = ir.IRBuilder(both.append_basic_block("entry"))
        result: ir.Value = ir.Constant(kind, ir.Undefined)
        for place, function in enumerate(functions):
            value = builder.call(function, both.args)
            result = builder.insert_value(result, value, place)
        builder.ret(result)
        return both

    return compile_loop(define_outside, width)


def speed(function: Compiled, name: str) -> float:
    """Nanoseconds an element, the best of eight runs of about 5 ms."""
    rng = np.random.default_rng(1)
    x = rng.uniform(*TIMED.get(name, (-10.0, 10.0)), RESIDENT)
    arrays = [x, *(np.empty(RESIDENT) for _ in range(function.outputs))]
    best = float("inf")
    for _ in range(8):
        repeat = 1000
        begin = time.perf_counter()
        function.run(arrays, RESIDENT, repeat)
        best = min(best, (time.perf_counter() - begin) / (repeat * RESIDENT))
    return best * 1e9


def worst_error(function: Compiled, name: str, points: int) -> tuple[float, float]:
    """The largest error in ulp over every range of ``name``, and its argument."""
    parts = ("sin", "cos") if name == "sincos" else (name,)
    worst = (0.0, 0.0)
    for x in ranges(name, points):
        results = function(x)
        for part, got in zip(parts, results if len(parts) > 1 else (results,), strict=True):
            for argument, result in candidates(part, x, got):
                error = exact_error(part, argument, result)
                worst = max(worst, (error, argument))
    return worst


def candidates(name: str, x: np.ndarray, got: np.ndarray) -> list[tuple[float, float]]:
    """The (argument, result) pairs with the largest errors by long double arithmetic."""
    if np.finfo(np.longdouble).nmant < 63:
        return list(zip(x.tolist(), got.tolist(), strict=True))
    with np.errstate(all="ignore"):
        wide = x.astype(np.longdouble)
        value = (LONG[name] if name in LONG else getattr(np, name))(wide)
        _, exponent = np.frexp(np.abs(value))
        unit = np.ldexp(np.longdouble(1), np.maximum(exponent - 53, -1074))
        error = np.abs(got.astype(np.longdouble) - value) / unit
    largest = np.argsort(error)[-8:]
    return list(zip(x[largest].tolist(), got[largest].tolist(), strict=True))


def long_erf(x: np.ndarray) -> np.ndarray:
    """The erf of long doubles to 18 digits: 2/sqrt(pi) e^(-x^2) sum 2^k x^(2k+1)/(2k+1)!!.

    All terms have one sign (NIST DLMF 7.6.2). Beyond 6 the result is 1 to 16 digits.
    """
    bounded = np.clip(x, -6, 6)
    square = bounded * bounded
    term = total = bounded
    for k in range(1, ERF_TERMS):
        term = term * (2 * square / (2 * k + 1))
        total = total + term
    series = 2 / np.sqrt(np.longdouble(np.arccos(np.longdouble(-1)))) * np.exp(-square) * total
    return np.where(np.abs(x) < 6, series, np.sign(x))


def long_erfc(x: np.ndarray) -> np.ndarray:
    """The erfc of long doubles that are doubles, to 17 digits.

    Below 1.5 by erf, beyond by the continued fraction NIST DLMF 7.9.1, from its end. There x^2 is
    h^2 + (x - h)(x + h), where h^2 is exact, because exp would enlarge what its rounding loses.
    """
    size = np.abs(x)
    near = 1 - long_erf(np.minimum(size, 1.5))
    large = np.clip(size, 1.5, 30)
    fraction = large
    for k in range(ERFC_TERMS, 0, -1):
        fraction = large + np.longdouble(k) / 2 / fraction
    high = large.astype(np.float32).astype(np.longdouble)
    power = np.exp(-high * high) * np.exp(-(large - high) * (large + high))
    root = np.sqrt(np.longdouble(np.arccos(np.longdouble(-1))))
    tail = np.where(size < 1.5, near, power / root / fraction)
    return np.where(x < 0, 2 - tail, tail)


LONG = {"erf": long_erf, "erfc": long_erfc}
"""Functions of long doubles that NumPy lacks."""


def exact_error(name: str, argument: float, result: float) -> float:
    """The error of one result in ulp, by 50-digit arithmetic."""
    with mpmath.workdps(50):
        value = getattr(mpmath, name)(mpmath.mpf(argument))
        _, exponent = mpmath.frexp(value)
        if exponent > 1024 and result == float("inf"):
            return 0.0
        unit = mpmath.ldexp(1, max(exponent - 53, -1074))
        return float(abs(mpmath.mpf(result) - value) / unit)


def ranges(name: str, points: int) -> Iterator[np.ndarray]:
    """Arrays of arguments: wide, narrow, around every border of the reductions, extreme."""
    rng = np.random.default_rng(20)
    signs = rng.choice([-1.0, 1.0], points)

    def binades(low: float, high: float) -> np.ndarray:
        return np.exp2(rng.uniform(low, high, points))

    def around(values: np.ndarray, steps: int) -> np.ndarray:
        chosen = rng.choice(values, points)
        return chosen + np.spacing(chosen) * rng.integers(-steps, steps + 1, points)

    if name == "exp":
        for end in (0.35, 1.0, 40.0):
            yield rng.uniform(-end, end, points)
        yield rng.uniform(-708.0, 709.78, points)
        yield rng.uniform(-745.2, -708.0, points)  # subnormal results
        yield signs * binades(-1074, 9.4)
        yield around((np.arange(-1070, 1020) + 0.5) * np.log(2.0), 2000)
    elif name == "log":
        yield rng.integers(1, 0x7FF0 << 48, points).view(np.float64)
        yield rng.integers(1, 1 << 52, points).view(np.float64)  # subnormal arguments
        yield rng.uniform(0.5, 2.0, points)
        yield rng.uniform(0.0, 100.0, points)
        yield 1.0 + signs * binades(-52, -3)
        yield around(np.ldexp(np.sqrt(0.5), np.arange(-1000, 1000)), 1000)
    elif name == "erf":
        edges = np.array([0.4, 0.8, 1.2, 2.0, 2.8, 3.6, 4.4, lookup.LARGEST, 6.0])
        yield rng.uniform(-6.0, 6.0, points)
        yield rng.uniform(-1.0, 1.0, points)
        yield signs * binades(-1074, 4)
        yield signs * rng.integers(1, 1 << 52, points).view(np.float64)  # subnormal
        yield around(edges, 1000)
        yield signs * binades(2, 1023.99)
    elif name == "erfc":
        steps = np.array([float(end) for end in erfc_edges()])
        yield rng.uniform(-6.0, 6.0, points)
        yield rng.uniform(-1.0, 1.0, points)
        yield rng.uniform(0.0, 26.54, points)
        yield rng.uniform(26.5, 27.3, points)  # subnormal results
        yield signs * binades(-1074, 5)
        yield signs * rng.integers(1, 1 << 52, points).view(np.float64)  # subnormal
        yield signs * around(np.concatenate([steps, lookup.ERFC_TABLE[0]]), 1000)
        yield np.sqrt((np.arange(1, points + 1) % 17_000 + 0.5) * (np.log(2.0) / 16))
        yield signs * binades(2, 1023.99)
    else:
        for end in (np.pi / 4, 10.0, 1000.0, sincos.SINCOS_LIMIT):
            yield rng.uniform(-end, end, points)
        yield signs * binades(-1074, 20)
        multiples = np.arange(1, 667_544)
        yield around(multiples * (np.pi / 2), 3)
        yield around(multiples * (np.pi / 4), 3)
        yield signs * binades(20, 1023.99)


if __name__ == "__main__":
    main()
