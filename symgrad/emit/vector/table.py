"""Our own vector functions by name and dtype, and which of them a CPU gets.

Every one is within 1 ulp of the real one for every argument, subnormal arguments and
results, signed zeros, infinities and nan included.
"""

from __future__ import annotations

from collections.abc import Set

from symgrad.emit.target import Dtype
from symgrad.emit.vector import (
    cbrt,
    erfc,
    error,
    expm1,
    exponential,
    gaussian,
    hyperbolic,
    hypot,
    inverse_hyperbolic,
    inverse_trigonometric,
    logarithm,
    lookup,
    lookup_cbrt,
    lookup_erfc,
    lookup_inverse_hyperbolic,
    lookup_logarithm,
    lookup_power,
    lookup_tanh,
    power,
    sech,
    sincos,
    tangent,
)
from symgrad.emit.vector.lanes import Body

OWN_ULP = 1.0

PORTABLE: dict[tuple[str, str], Body] = {
    ("sin", "float64"): sincos.sin,
    ("cos", "float64"): sincos.cos,
    ("sincos", "float64"): sincos.sincos,
    ("sin", "float32"): sincos.sin,
    ("cos", "float32"): sincos.cos,
    ("sincos", "float32"): sincos.sincos,
    ("tan", "float64"): tangent.tan,
    ("tan", "float32"): tangent.tan,
    ("asin", "float64"): inverse_trigonometric.asin,
    ("asin", "float32"): inverse_trigonometric.asin,
    ("acos", "float64"): inverse_trigonometric.acos,
    ("acos", "float32"): inverse_trigonometric.acos,
    ("atan", "float64"): inverse_trigonometric.atan,
    ("atan", "float32"): inverse_trigonometric.atan,
    ("atan2", "float64"): inverse_trigonometric.atan2,
    ("atan2", "float32"): inverse_trigonometric.atan2,
    ("hypot", "float64"): hypot.hypot,
    ("hypot", "float32"): hypot.hypot,
    ("exp", "float64"): exponential.exp,
    ("exp", "float32"): exponential.exp,
    ("exp2", "float64"): exponential.exp2,
    ("exp2", "float32"): exponential.exp2,
    ("expm1", "float64"): expm1.expm1,
    ("expm1", "float32"): expm1.expm1,
    ("sinh", "float64"): hyperbolic.sinh,
    ("sinh", "float32"): hyperbolic.sinh,
    ("cosh", "float64"): hyperbolic.cosh,
    ("cosh", "float32"): hyperbolic.cosh,
    ("tanh", "float64"): hyperbolic.tanh,
    ("tanh", "float32"): hyperbolic.tanh,
    ("erf", "float64"): error.erf,
    ("erf", "float32"): error.erf,
    ("erfc", "float64"): erfc.erfc,
    ("erfc", "float32"): erfc.erfc,
    ("log", "float64"): logarithm.log,
    ("log", "float32"): logarithm.log,
    ("log1p", "float64"): logarithm.log1p,
    ("log1p", "float32"): logarithm.log1p,
    ("log2", "float64"): logarithm.log2,
    ("log2", "float32"): logarithm.log2,
    ("log10", "float64"): logarithm.log10,
    ("log10", "float32"): logarithm.log10,
    ("pow", "float64"): power.pow,
    ("pow", "float32"): power.pow,
    ("cbrt", "float64"): cbrt.cbrt,
    ("cbrt", "float32"): cbrt.cbrt,
    ("asinh", "float64"): inverse_hyperbolic.asinh,
    ("asinh", "float32"): inverse_hyperbolic.asinh,
    ("acosh", "float64"): inverse_hyperbolic.acosh,
    ("acosh", "float32"): inverse_hyperbolic.acosh,
    ("atanh", "float64"): inverse_hyperbolic.atanh,
    ("atanh", "float32"): inverse_hyperbolic.atanh,
}
"""Vectors of any width, on any CPU; fast where a fused multiply-add is one instruction."""

BY_LOOKUP: dict[tuple[str, str], Body] = {
    ("erf", "float64"): lookup.erf,
    ("erfc", "float64"): lookup.erfc,
    ("erfc", "float32"): lookup_erfc.erfc,
    ("tanh", "float32"): lookup_tanh.tanh,
    ("exp", "float64"): lookup.exp,
    ("exp2", "float64"): lookup.exp2,
    ("log", "float64"): lookup.log,
    ("log", "float32"): lookup_logarithm.log,
    ("log1p", "float64"): lookup_logarithm.log1p,
    ("log1p", "float32"): lookup_logarithm.log1p,
    ("log2", "float64"): lookup_logarithm.log2,
    ("log2", "float32"): lookup_logarithm.log2,
    ("log10", "float64"): lookup_logarithm.log10,
    ("log10", "float32"): lookup_logarithm.log10,
    ("asinh", "float64"): lookup_inverse_hyperbolic.asinh,
    ("asinh", "float32"): lookup_inverse_hyperbolic.asinh,
    ("acosh", "float64"): lookup_inverse_hyperbolic.acosh,
    ("acosh", "float32"): lookup_inverse_hyperbolic.acosh,
    ("pow", "float64"): lookup_power.pow,
    ("cbrt", "float64"): lookup_cbrt.cbrt,
    ("cbrt", "float32"): lookup_cbrt.cbrt,
}
"""Preferred where ``lookup.supports`` the width on this CPU."""

GAUSSIAN = (gaussian.exp_minus_square, gaussian.lookup_exp_minus_square)
GAUSSIAN_SLOPE = (gaussian.exp_minus_square_slope, gaussian.lookup_exp_minus_square_slope)

ROUTINES: dict[tuple[str, str], tuple[Body, Body]] = {
    ("exp_minus_square", "float64"): GAUSSIAN,
    ("exp_minus_square", "float32"): GAUSSIAN,
    ("exp_minus_square_slope", "float64"): GAUSSIAN_SLOPE,
    ("exp_minus_square_slope", "float32"): GAUSSIAN_SLOPE,
    ("sech", "float32"): (sech.sech, sech.sech),
}
"""Rows of kind "routine", portable and by lookup: no C library has them."""

WIDTHS = (2, 4, 8, 16, 32)


def own(name: str, width: int, dtype: Dtype, features: Set[str]) -> Body | None:
    """The body of our own function ``name`` on a CPU with ``features``, if we have one.

    >>> own("gamma", 8, "float64", {"fma"}) is None
    True
    """
    if width not in WIDTHS:
        return None
    by_lookup = lookup.supports(width, features)
    if (name, dtype) in ROUTINES:
        return ROUTINES[name, dtype][by_lookup]
    if (name, dtype) in BY_LOOKUP and by_lookup:
        return BY_LOOKUP[name, dtype]
    return PORTABLE.get((name, dtype))
