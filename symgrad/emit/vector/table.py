"""Our own vector functions by name and dtype, and which of them a CPU gets.

Every one is within 1 ulp of the real one for every argument, subnormal arguments and
results, signed zeros, infinities and nan included.
"""

from __future__ import annotations

from collections.abc import Set

from symgrad.emit.target import Dtype
from symgrad.emit.vector import exponential, logarithm, lookup, sincos
from symgrad.emit.vector.lanes import Body

OWN_ULP = 1.0

PORTABLE: dict[tuple[str, str], Body] = {
    ("sin", "float64"): sincos.sin,
    ("cos", "float64"): sincos.cos,
    ("sincos", "float64"): sincos.sincos,
    ("exp", "float64"): exponential.exp,
    ("log", "float64"): logarithm.log,
}
"""Vectors of any width, on any CPU; fast where a fused multiply-add is one instruction."""

BY_LOOKUP: dict[tuple[str, str], Body] = {
    ("erf", "float64"): lookup.erf,
    ("erfc", "float64"): lookup.erfc,
    ("exp", "float64"): lookup.exp,
    ("log", "float64"): lookup.log,
}
"""Preferred where ``lookup.supports`` the width on this CPU."""

WIDTHS = (2, 4, 8, 16, 32)


def own(name: str, width: int, dtype: Dtype, features: Set[str]) -> Body | None:
    """The body of our own function ``name`` on a CPU with ``features``, if we have one.

    >>> own("gamma", 8, "float64", {"fma"}) is None
    True
    """
    if width not in WIDTHS:
        return None
    if (name, dtype) in BY_LOOKUP and lookup.supports(width, features):
        return BY_LOOKUP[name, dtype]
    return PORTABLE.get((name, dtype))
