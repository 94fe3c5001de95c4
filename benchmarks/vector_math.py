"""Speed and accuracy of our vector mathematics beside glibc's libmvec and scalar libm, in one run.

Run from the root of the repository: ``python -m benchmarks.vector_math [--points 100000]
[--dtype float32] [--functions exp pow]``.

A row is one function of one provider: nanoseconds an element for vectors of 16, 32 and 64 bytes in
a loop over 1,024 elements that stay in the first cache (best of eight runs), the largest error
over all points in units of the last place, and the argument where it occurs. Errors come from long
double arithmetic where that has 64 bits; the worst of them are measured again with mpmath at 50
digits, and that is what is printed. Without such a long double, mpmath does it all, slowly.

A row of ours ends in the budget of vectors of 64 bytes and whether it is kept: nanoseconds on one
idle core with AVX-512 at 3.6 GHz, a quarter above what was measured when the budget was set.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mpmath
import numpy as np
from llvmlite import ir

from benchmarks.coefficients.lookup import erfc_edges
from symgrad.emit.providers import provider
from symgrad.emit.target import Dtype
from symgrad.emit.vector import error, lookup, reduction
from symgrad.emit.vector.lanes import FORMATS, define
from symgrad.emit.vector.table import PORTABLE
from tests.emit.harness import Compiled, compile_loop

BUDGETS: dict[str, tuple[float, float]] = {
    # float64, float32
    "sincos": (1.30, 0.55), "sin": (1.05, 0.45), "cos": (1.05, 0.45), "tan": (1.70, 0.70),
    "asin": (1.20, 0.45), "acos": (1.25, 0.50), "atan": (1.40, 0.60), "exp": (0.60, 0.35),
    "exp2": (0.55, 0.30), "expm1": (1.00, 0.42), "sinh": (1.20, 0.50), "cosh": (1.10, 0.45),
    "tanh": (1.50, 0.38), "log": (0.90, 0.30), "log1p": (1.15, 0.55), "log2": (0.85, 0.30),
    "log10": (0.95, 0.30), "asinh": (2.25, 1.00), "acosh": (2.20, 0.95), "atanh": (1.70, 0.75),
    "cbrt": (1.15, 0.45), "erf": (1.40, 0.60), "erfc": (2.00, 0.70), "pow": (3.20, 2.00),
    "atan2": (1.60, 0.70), "hypot": (0.80, 0.30)}  # fmt: skip

WIDTHS = (2, 4, 8)
"""Lanes of float64; of float32 twice as many."""

RESIDENT = 1024
NAMES = (
    "sincos", "sin", "cos", "tan", "asin", "acos", "atan", "exp", "exp2", "expm1", "sinh", "cosh",
    "tanh", "log", "log1p", "log2", "log10", "asinh", "acosh", "atanh", "cbrt", "erf", "erfc",
    "pow", "atan2", "hypot")  # fmt: skip
PROVIDERS = ("symgrad", "portable", "libmvec", "libm")
TIMED = {
    "log": (0.01, 100.0), "log2": (0.01, 100.0), "log10": (0.01, 100.0), "log1p": (-0.9, 10.0),
    "erf": (-3.0, 3.0), "erfc": (-3.0, 3.0), "asin": (-1.0, 1.0), "acos": (-1.0, 1.0),
    "acosh": (1.0, 10.0), "atanh": (-1.0, 1.0), "pow": (0.1, 10.0),
}  # fmt: skip
"""Where a function is timed, if not between -10 and 10."""

SPANS = {
    "tan": [(-0.8, 0.8), (-10.0, 10.0), (-1000.0, 1000.0)],
    "asin": [(-1.0, 1.0), (-0.6, 0.6), (0.99, 1.0)],
    "acos": [(-1.0, 1.0), (-0.6, 0.6), (0.99, 1.0)],
    "atan": [(-1.0, 1.0), (-5.0, 5.0), (-100.0, 100.0)],
    "exp2": [(-0.5, 0.5), (-20.0, 20.0), (-1075.0, 1024.0), (-1075.0, -1022.0), (-150.0, -126.0)],
    "expm1": [(-0.3, 0.42), (-2.0, 2.0), (-40.0, 40.0), (36.0, 39.0), (16.0, 19.0),
              (-50.0, 709.7)],
    "sinh": [(-0.4, 0.4), (-4.0, 4.0), (-45.0, 45.0), (18.0, 20.0), (8.0, 10.0), (-710.4, 710.4)],
    "cosh": [(-0.4, 0.4), (-4.0, 4.0), (-45.0, 45.0), (18.0, 20.0), (8.0, 10.0), (-710.4, 710.4)],
    "tanh": [(-0.2, 0.2), (-1.0, 1.0), (-4.0, 4.0), (-22.0, 22.0), (18.0, 20.0)],
    "log1p": [(-0.3, 0.45), (-1.0, 1.0), (-0.999, 100.0)],
    "log2": [(0.5, 2.0), (0.95, 1.05), (0.0, 100.0)],
    "log10": [(0.5, 2.0), (0.95, 1.05), (0.0, 100.0)],
    "asinh": [(-0.5, 0.5), (-3.0, 3.0), (-1000.0, 1000.0)],
    "acosh": [(1.0, 1.01), (1.0, 2.0), (1.0, 1000.0)],
    "atanh": [(-0.3, 0.3), (-1.0, 1.0), (0.99, 1.0)],
    "cbrt": [(-1.0, 1.0), (1.0, 8.0), (-1000.0, 1000.0)],
    "pow": [(0.5, 2.0), (0.01, 20.0)],
    "atan2": [(-1.0, 1.0), (-100.0, 100.0)],
    "hypot": [(-1.0, 1.0), (-100.0, 100.0)],
}  # fmt: skip
"""Where errors are looked for; every scale comes on top. Other functions have ranges of their own,
``ranges``; the second argument has the same range, but for pow, where it is between -30 and 30."""

POWERS = (-30.0, 30.0)
DOMAINS = {
    "asin": (-1.0, 1.0), "acos": (-1.0, 1.0), "atanh": (-1.0, 1.0), "acosh": (1.0, np.inf),
    "log": (0.0, np.inf), "log2": (0.0, np.inf), "log10": (0.0, np.inf), "pow": (0.0, np.inf),
    "log1p": (-1.0, np.inf), "tan": (-1e6, 1e6), "exp2": (-1100.0, 1024.0),
}  # fmt: skip
"""Where a function is real, and where arguments are not too large for long doubles."""

NUMPY = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "pow": "power", "atan2": "arctan2",
}  # fmt: skip
EXACT: dict[str, Callable[..., Any]] = {
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "pow": mpmath.power,
    "erfc": lambda x: mpmath.erfc(min(x, mpmath.mpf(40))),  # beyond it is 0; mpmath cannot
}
"""Functions that mpmath has under another name."""

ERF_TERMS = 160
"""Terms of the series of erf; where |x| is 6 the first that is left out is below 1e-27."""

ERFC_TERMS = 160
"""Terms of the continued fraction of erfc; where x is 1.5 it is good to 23 digits."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=100_000, help="points a range of arguments")
    parser.add_argument("--functions", nargs="*", default=NAMES, choices=NAMES)
    parser.add_argument("--dtype", default="float64", choices=list(FORMATS))
    options = parser.parse_args(arguments)
    for line in table(options.points, options.functions, options.dtype):
        print(line, flush=True)


def table(points: int, names: Sequence[str] = NAMES, dtype: Dtype = "float64") -> Iterator[str]:
    """The lines of the table, each as soon as it is measured."""
    widths = [width * (64 // FORMATS[dtype].bits) for width in WIDTHS]
    heads = [f"ns W={width}" for width in widths]
    yield f"{'function':9}{'provider':9}" + "".join(f"{h:>9}" for h in heads) + "  worst ulp at"
    for name in names:
        for who in PROVIDERS:
            loops = [build(name, who, width, dtype) for width in widths]
            spent = [None if f is None else speed(f, name) for f in loops]
            times = "".join("        -" if ns is None else f"{ns:9.2f}" for ns in spent)
            widest = next((f for f in reversed(loops) if f is not None), None)
            if widest is None:
                continue
            ulp, where = worst_error(widest, name, points)
            line = f"{name:9}{who:9}{times}  {ulp:9.3f} {', '.join(map(repr, where))}"
            if who == "symgrad" and spent[-1] is not None:
                budget = BUDGETS[name][dtype == "float32"]
                line += f"  budget {budget:.2f}, {'kept' if spent[-1] <= budget else 'EXCEEDED'}"
            yield line


def build(name: str, who: str, width: int, dtype: Dtype = "float64") -> Compiled | None:
    """A loop around one provider's function; None where this machine has no such thing."""
    parts = ("sin", "cos") if name == "sincos" else (name,)
    arity = provider.FUNCTIONS[parts[0]][0]
    if who in ("symgrad", "portable"):
        chosen = provider.own_body(name, width, dtype)
        portable = PORTABLE.get((name, dtype))
        body = chosen if who == "symgrad" else portable if portable is not chosen else None

        def define_own(module: ir.Module) -> ir.Function:
            results = len(parts)
            return define(
                module, name, body, width, dtype, arity=arity, results=results, inline=True
            )

        return body and compile_loop(define_own, width, inputs=arity, dtype=dtype)
    part = 1 if who == "libm" else provider._libmvec_width(parts[0], width, dtype, arity)
    if part != (1 if who == "libm" else width):
        return None

    def define_outside(module: ir.Module) -> ir.Function:
        real = ir.VectorType(FORMATS[dtype].real, width)
        functions = []
        for piece in parts:
            symbol = (
                provider._scalar_symbol(piece, dtype)
                if part == 1
                else provider.vector_symbol(piece, width, dtype, arity)
            )
            outside = provider._declare(module, symbol, part, dtype, arity)
            if part == 1:
                outside = provider._define_in_parts(
                    module, f"lanes.{piece}", outside, width, 1, dtype
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

    return compile_loop(define_outside, width, inputs=arity, dtype=dtype)


def speed(function: Compiled, name: str) -> float:
    """Nanoseconds an element, the best of eight runs of about 5 ms."""
    rng = np.random.default_rng(1)
    low, high = TIMED.get(name, (-10.0, 10.0))
    columns = [rng.uniform(low, high, RESIDENT) for _ in range(function.inputs)]
    columns += [np.zeros(RESIDENT) for _ in range(function.outputs)]
    arrays = [column.astype(function.dtype) for column in columns]
    best = float("inf")
    for _ in range(8):
        repeat = 1000
        begin = time.perf_counter()
        function.run(arrays, RESIDENT, repeat)
        best = min(best, (time.perf_counter() - begin) / (repeat * RESIDENT))
    return best * 1e9


def worst_error(function: Compiled, name: str, points: int) -> tuple[float, tuple[float, ...]]:
    """The largest error in ulp over every range of ``name``, and its arguments."""
    parts = ("sin", "cos") if name == "sincos" else (name,)
    worst: tuple[float, tuple[float, ...]] = (0.0, ())
    for columns in every_range(name, points, function.inputs, function.dtype):
        results = function(*columns)
        for part, got in zip(parts, results if len(parts) > 1 else (results,), strict=True):
            for arguments, result in candidates(part, columns, got):
                error = exact_error(part, arguments, result, function.dtype)
                worst = max(worst, (error, arguments))
    return worst


def candidates(
    name: str, columns: Sequence[np.ndarray], got: np.ndarray
) -> list[tuple[tuple[float, ...], float]]:
    """The (arguments, result) pairs with the largest errors by long double arithmetic."""
    largest: Any = slice(None)
    if np.finfo(np.longdouble).nmant >= 63:
        layout = FORMATS[str(got.dtype)]
        digits, least = layout.fraction_bits + 1, 1 - layout.bias - layout.fraction_bits
        with np.errstate(all="ignore"):
            wide = [column.astype(np.longdouble) for column in columns]
            value = (LONG.get(name) or getattr(np, NUMPY.get(name, name)))(*wide)
            _, exponent = np.frexp(np.abs(value))
            unit = np.ldexp(np.longdouble(1), np.maximum(exponent - digits, least))
            error = np.abs(got.astype(np.longdouble) - value) / unit
            beyond = np.isinf(got) & (np.abs(value) > np.finfo(got.dtype).max)
        largest = np.argsort(np.where(beyond | (np.isnan(error) & np.isnan(got)), 0, error))[-8:]
    arguments = zip(*(column[largest].tolist() for column in columns), strict=True)
    return list(zip(arguments, got[largest].tolist(), strict=True))


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


def exact_error(
    name: str, arguments: tuple[float, ...], result: float, dtype: str = "float64"
) -> float:
    """The error of one result in ulp, by 50-digit arithmetic; nan is right where nothing is."""
    layout = FORMATS[dtype]
    with mpmath.workdps(50):
        function = EXACT.get(name) or getattr(mpmath, name)
        value = function(*map(mpmath.mpf, arguments))
        if mpmath.isinf(value) or mpmath.isnan(value):
            return 0.0 if str(float(value)) == str(result) else float("inf")
        _, exponent = mpmath.frexp(value)
        if exponent > layout.bias + 1 and abs(result) == float("inf"):
            return 0.0
        least = 1 - layout.bias - layout.fraction_bits
        unit = mpmath.ldexp(1, max(exponent - 1 - layout.fraction_bits, least))
        return float(abs(mpmath.mpf(result) - value) / unit)


def every_range(name: str, points: int, arity: int, dtype: str) -> Iterator[tuple[np.ndarray, ...]]:
    """Columns of arguments in the dtype, where the function is real."""
    most = float(np.finfo(dtype).max)
    low, high = DOMAINS.get(name, (-np.inf, np.inf))
    low, high = max(low, -most), min(high, most)
    rng = np.random.default_rng(21)
    for x in (spread if name in SPANS else ranges)(name, points):
        columns = [np.clip(x, low, high).astype(dtype)]
        if arity == 2:
            other = rng.uniform(*POWERS, len(x)) if name == "pow" else rng.permutation(x)
            columns.append(np.clip(other, -most, most).astype(dtype))
        yield tuple(columns)


def spread(name: str, points: int) -> Iterator[np.ndarray]:
    """Arrays of arguments: in every span, and of every scale."""
    rng = np.random.default_rng(20)
    signs = rng.choice([-1.0, 1.0], points)
    for low, high in SPANS[name]:
        yield rng.uniform(low, high, points)
    for low, high in ((-30.0, 8.0), (-149.0, 127.9), (-1074.0, 1023.9)):
        yield signs * np.exp2(rng.uniform(low, high, points))


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
        edges = np.array([0.4, 0.8, 1.2, 2.0, 2.8, 3.6, 4.4, lookup.LARGEST, 6.0, error.BORDER])
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
        for end in (np.pi / 4, 10.0, 1000.0, reduction.LIMITS["float64"]):
            yield rng.uniform(-end, end, points)
        yield signs * binades(-1074, 20)
        multiples = np.arange(1, 667_544)
        yield around(multiples * (np.pi / 2), 3)
        yield around(multiples * (np.pi / 4), 3)
        yield signs * binades(20, 1023.99)


if __name__ == "__main__":
    main()
