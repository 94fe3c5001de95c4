"""What every row of the table means, in mpmath; rows with an oracle of their own come from it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath

from symgrad.functions import PRIMITIVES
from tests.functions.special.products import PRODUCTS

ONE = mpmath.mpf(1)

# fmt: off
DEFINITIONS: dict[str, Callable[..., Any]] = {
    "exp": mpmath.exp, "exp2": lambda x: mpmath.exp(x * mpmath.log(2)),
    "expm1": lambda x: mpmath.exp(x) - 1,
    "log": mpmath.log, "log1p": lambda x: mpmath.log(1 + x),
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
    "log10": lambda x: mpmath.log(x) / mpmath.log(10),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.root(abs(x), 3),
    "sin": mpmath.sin, "cos": mpmath.cos, "tan": lambda x: mpmath.sin(x) / mpmath.cos(x),
    "asin": mpmath.asin, "acos": mpmath.acos, "atan": mpmath.atan, "atan2": mpmath.atan2,
    "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh,
    "asinh": mpmath.asinh, "acosh": mpmath.acosh, "atanh": mpmath.atanh,
    "hypot": lambda a, b: mpmath.sqrt(a * a + b * b),
    "hypot_by_first": lambda a, b: a / mpmath.hypot(a, b),
    "hypot_by_second": lambda a, b: b / mpmath.hypot(a, b),
    "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b,
    "and": lambda a, b: bool(a and b), "or": lambda a, b: bool(a or b), "not": lambda a: not a,
    "select": lambda c, a, b: a if c else b,
    "floor": mpmath.floor, "ceil": mpmath.ceil, "rint": mpmath.nint,
    "trunc": lambda x: mpmath.sign(x) * mpmath.floor(abs(x)),
    "abs": abs, "sign": mpmath.sign, "max": max, "min": min,
    "fmod": lambda a, b: a - b * mpmath.sign(a / b) * mpmath.floor(abs(a / b)),
    "mod": lambda a, b: a - b * mpmath.floor(a / b),
    "erf": mpmath.erf, "erfc": mpmath.erfc,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "fma": lambda a, b, c: a * b + c,
    "taylor": lambda x, *c: mpmath.polyval(c[::-1], x),
    "one_minus_square": lambda x: 1 - x * x,
    "cot": mpmath.cot, "acot": mpmath.acot, "asec": mpmath.asec, "acsc": mpmath.acsc,
    "sech": mpmath.sech, "csch": mpmath.csch, "coth": mpmath.coth,
    "asech": mpmath.asech, "acsch": mpmath.acsch, "acoth": mpmath.acoth,
    "logaddexp": lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b)),
    "logit": lambda x: mpmath.log(x) - mpmath.log(1 - x),
    "logcosh": lambda x: mpmath.log(mpmath.cosh(x)),
    "bose": lambda x: 1 / (mpmath.exp(x) - 1),
    "log1mexp": lambda x: mpmath.log(1 - mpmath.exp(x)),
    "cosm1": lambda x: mpmath.cos(x) - 1, "coshm1": lambda x: mpmath.cosh(x) - 1,
    "xlogy": lambda a, b: a * mpmath.log(b), "xlog1py": lambda a, b: a * mpmath.log(1 + b),
    "entr": lambda x: -x * mpmath.log(x) if x else 0 * ONE,
    **{f"{name}{part}": body for name in ("pow", "abs_pow", "sign_pow") for part, body in {
           # They differ where x < 0 alone.
           "": lambda x, p: x**p, "_below": lambda x, p: x ** (p - 1),
           "_below_2": lambda x, p: x ** (p - 2), "_by_base": lambda x, p: p * x ** (p - 1),
           "_lowered": lambda x, p, k: x ** (p - k),
           "_by_exponent": lambda x, p: x**p * mpmath.log(x)}.items()},
    "exp_minus_square": lambda x: mpmath.exp(-x * x),
    "exp_minus_square_slope": lambda x: -2 * x * mpmath.exp(-x * x),
    "cbrt_slope": lambda x: 1 / (3 * mpmath.cbrt(abs(x)) ** 2),
    "asech_slope": lambda x: -1 / (x * mpmath.sqrt(1 - x**2)),
    "atan2_by_first": lambda a, b: b / (a * a + b * b),
    "hypot_inverse": lambda a, b: 1 / mpmath.hypot(a, b),
    "atan2_by_both": lambda a, b: (a * a - b * b) / (a * a + b * b) ** 2,
    "sigmoid_slope": lambda x: mpmath.sech(x / 2) ** 2 / 4,
    "tanh_half": lambda x: mpmath.tanh(x / 2),
    "sigmoid_difference": lambda a, b: 1 / (1 + mpmath.exp(b - a)),
    "sigmoid_difference_slope": lambda a, b: mpmath.sech((a - b) / 2) ** 2 / 4,
    "exp10": lambda x: mpmath.mpf(10) ** x,
    "tanpi": lambda x: mpmath.tan(mpmath.pi * x),
    "softsign": lambda x: x / (1 + abs(x)),
    "sinc": lambda x: mpmath.sinc(x),
    "expm1c": lambda x: mpmath.expm1(x) / x if x else ONE,
    "log1pc": lambda x: mpmath.log1p(x) / x if x else ONE,
    "cosc": lambda x: (1 - mpmath.cos(x)) / x**2 if x else ONE / 2,
    "coshc": lambda x: (mpmath.cosh(x) - 1) / x**2 if x else ONE / 2,
    "copysign": lambda a, b: abs(a) if b >= 0 else -abs(a),
    "ieee_remainder": lambda a, b: a - b * mpmath.nint(a / b),
    "detach": lambda x: x,
    "valued": lambda a, b: a,
    "elliptic_pi_density": lambda n, x, m: (
        1 / ((1 - n * mpmath.sin(x) ** 2) * mpmath.sqrt(1 - m * mpmath.sin(x) ** 2))),
    "hyp2f1_slope": lambda a, b, c, z: a * b / c * mpmath.hyp2f1(a + 1, b + 1, c + 1, z),
    "hyp2f1_curvature": lambda a, b, c, z: (
        mpmath.hyp2f1(a + 2, b + 2, c + 2, z)
        * mpmath.rf(a, 2) * mpmath.rf(b, 2) / mpmath.rf(c, 2)),
    "log_ndtr_slope": lambda x: mpmath.npdf(x) / mpmath.ncdf(x),
    "log_ndtr_curvature": lambda x: mpmath.diff(lambda t: mpmath.npdf(t) / mpmath.ncdf(t), x),
    **PRODUCTS,
    **{name: partial(row.oracle, mpmath) for name, row in PRIMITIVES.items() if row.oracle},
}
# fmt: on
