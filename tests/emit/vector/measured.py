"""What tests of vector functions share: compiling one, arguments of every scale, errors in ulp."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import numpy as np

from symgrad.emit.target import Dtype
from symgrad.emit.vector.lanes import FORMATS, Body, define
from tests.emit.harness import Compiled, compile_loop

INF, NAN = float("inf"), float("nan")
TINY = {"float64": 5e-324, "float32": 2.0**-149}
HIGHEST = {name: float(np.finfo(name).max) for name in FORMATS}
BITS = {"float64": np.int64, "float32": np.int32}
DIGITS = 50


@cache
def compiled(
    body: Body,
    width: int,
    dtype: Dtype = "float64",
    *,
    arity: int = 1,
    results: int = 1,
    inline: bool = False,
) -> Compiled:
    """A function of vectors in a loop over arrays."""

    def make(module: Any) -> Any:
        name = body.__name__
        return define(module, name, body, width, dtype, arity=arity, results=results, inline=inline)

    return compile_loop(make, width, inputs=arity, dtype=dtype)


def signed(values: np.ndarray) -> np.ndarray:
    """The values with alternating signs."""
    return values * np.where(np.arange(len(values)) % 2, -1.0, 1.0)


def powers(rng: np.random.Generator, low: float, high: float, count: int) -> np.ndarray:
    """Points spread evenly over the binades from 2**low to 2**high."""
    return np.exp2(rng.uniform(low, high, count))


def neighbours(values: np.ndarray) -> np.ndarray:
    """Each value with the numbers just below and above."""
    return np.concatenate([np.nextafter(values, -INF), values, np.nextafter(values, INF)])


def errors_in_ulp(got: np.ndarray, exact: Callable[..., Any], *x: np.ndarray) -> np.ndarray:
    """The distance of each result from the real function, in units of its last place."""
    layout = FORMATS[str(got.dtype)]
    lowest = 1 - layout.bias - layout.fraction_bits
    distances = []
    with mpmath.workdps(DIGITS):
        for result, *given in zip(got.tolist(), *(part.tolist() for part in x), strict=True):
            value = exact(*map(mpmath.mpf, given))
            if mpmath.isinf(value):
                distances.append(0.0 if result == float(value) else INF)
                continue
            _, exponent = mpmath.frexp(value)
            if exponent > layout.bias + 1 and abs(result) == INF:  # beyond the largest number
                distances.append(0.0 if (result > 0) == (value > 0) else INF)
                continue
            unit = mpmath.ldexp(1, max(exponent - 1 - layout.fraction_bits, lowest))
            distances.append(float(abs(mpmath.mpf(result) - value) / unit))
    return np.array(distances)


def same_bits(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Where two arrays hold the same bits, any nan being equal to any other."""
    kind = BITS[str(left.dtype)]
    return (left.view(kind) == right.view(kind)) | (np.isnan(left) & np.isnan(right))
