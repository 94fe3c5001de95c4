"""The processor's fused multiply-add on arrays, 20 times as fast as what emulates it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np


def fused(a: Any, b: Any, c: Any) -> Any:
    """What ``symgrad.ir.fused.fused`` gives, to the bit but for results below normal numbers.

    ``tests/ir/test_fused.py`` compares them.
    """
    with np.errstate(all="ignore"):
        return _compiled()(a, b, c)


@cache
def _compiled() -> Any:
    from numba import float64, vectorize
    from numba.extending import intrinsic

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.fma(*values)

    @intrinsic
    def fma(context: Any, a: Any, b: Any, c: Any) -> Any:
        return float64(float64, float64, float64), generate

    @vectorize([float64(float64, float64, float64)])
    def made(a: Any, b: Any, c: Any) -> Any:
        return fma(a, b, c)

    return made
