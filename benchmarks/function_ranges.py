"""Where every row of the function table is measured, and the local scale of its errors.

Every row has ranges that reach the ends of its domain; rows of one argument get the whole range of
the format besides, both signs and subnormal numbers included, unless ``everywhere`` is off.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log2, pi
from typing import Any, Literal, NamedTuple

import numpy as np

from benchmarks.function_scales import (
    cosc_waves,
    eighth_of_larger,
    of_angle,
    sech,
    sinc_waves,
    two_terms,
)

LIMITS = {"float64": (2.0**-1074, 2.0**1023 * (2 - 2.0**-52)), "float32": (2.0**-149, 3.4e38)}
"""The smallest subnormal number of a format, and its largest one."""


class Axis(NamedTuple):
    """How an argument is sampled.

    Attributes:
        low: where its interval begins.
        high: where it ends.
        kind: "uniform"; "log", uniform in the logarithm, of negative intervals too; "signed",
            that with both signs; "about", 1 +- 2^-u times ``low``; "multiples", k times ``low``
            for whole k up to ``high``, and a few ulp beside; "whole", whole numbers.
    """

    low: float
    high: float
    kind: Literal["uniform", "log", "signed", "about", "multiples", "whole"] = "uniform"

    def sample(self, count: int, rng: np.random.Generator, dtype: str) -> np.ndarray:
        """``count`` random arguments, as doubles that the format has."""
        smallest, largest = LIMITS[dtype]
        signs = rng.choice([-1.0, 1.0], count)
        if self.kind in ("log", "signed"):
            ends = sorted((abs(self.low), abs(self.high)))
            low, high = (log2(min(max(end, smallest), largest)) for end in ends)
            made = np.minimum(np.exp2(rng.uniform(low, high, count)), largest)
            made = made * (signs if self.kind == "signed" else np.sign(self.low))
        elif self.kind == "about":
            made = self.low * (1.0 + signs * np.exp2(rng.uniform(-53.0, -3.0, count)))
        elif self.kind == "multiples":
            made = (self.low * rng.integers(-self.high, self.high + 1, count)).astype(dtype)
            made = made + np.spacing(made) * rng.integers(-2, 3, count)
        elif self.kind == "whole":
            made = rng.integers(int(self.low), int(self.high) + 1, count)
        else:
            made = rng.uniform(self.low, self.high, count)
            made[:2] = (self.low, self.high)[:count]
        return made.astype(dtype).astype(float)

    @property
    def extreme(self) -> bool:
        """Whether arguments beyond 1e50 or, by their logarithm, below 1e-50 are in the interval."""
        ends = sorted((abs(self.low), abs(self.high)))
        by_log = self.kind in ("log", "signed")
        return ends[1] > 1e50 or (by_log and ends[0] < 1e-50)

    def __str__(self) -> str:
        mark = {"signed": "+-", "about": "about ", "multiples": "multiples of "}.get(self.kind, "")
        single = self.low == self.high or self.kind == "multiples"
        end = "" if single else f"..{self.high:.4g}"
        return f"{mark}{self.low:.4g}{end}"


Range = tuple[Axis, ...]


class Measured(NamedTuple):
    """Where a row is measured, and the scale of its errors.

    Attributes:
        ranges: an Axis for every argument, a range each.
        scale: (k, x, ...) -> what is as large as the k-th derivative between its zeros, of arrays.
        everywhere: whether a row of one argument is sampled over the whole format, too.
    """

    ranges: tuple[Range, ...]
    scale: Callable[..., Any] | None = None
    everywhere: bool = True


EVERYWHERE = Axis(2.0**-1074, LIMITS["float64"][1], "signed")


def at(value: float) -> Axis:
    return Axis(value, value)


def log(low: float, high: float) -> Axis:
    return Axis(low, high, "log")


def signed(low: float, high: float) -> Axis:
    return Axis(low, high, "signed")


def about(value: float) -> Axis:
    return Axis(value, value, "about")


def multiples(step: float, most: int) -> Axis:
    return Axis(step, most, "multiples")


def orders(low: int, high: int) -> Axis:
    return Axis(low, high, "whole")


def over(*axes: tuple[float, float] | Axis, scale: Any = None, everywhere: bool = True) -> Measured:
    """A row of one argument; a pair is a uniform interval."""
    ranges = tuple((axis if isinstance(axis, Axis) else Axis(*axis),) for axis in axes)
    return Measured(ranges, scale, everywhere)


def pairs(*ranges: tuple[tuple[float, float] | Axis, ...], scale: Any = None) -> Measured:
    """A row of several arguments; a pair is a uniform interval."""
    made = tuple(tuple(a if isinstance(a, Axis) else Axis(*a) for a in range_) for range_ in ranges)
    return Measured(made, scale)


def by_order(values: tuple[float, ...], *axes: Any, scale: Any = None) -> Measured:
    """A row whose first argument is one of ``values``; axes may be made from it."""
    made = []
    for value in values:
        for axis in axes:
            axis = axis(value) if callable(axis) else axis
            made.append((at(value), axis if isinstance(axis, Axis) else Axis(*axis)))
    return Measured(tuple(made), scale)


ANY, TINY = signed(2.0**-1074, 1e308), log(2.0**-1074, 1e-3)
FINE, EXTREME = signed(1e-3, 1e3), signed(1e-150, 1e150)
HALF_PI = pi / 2
POWERS = ("", "_below", "_below_2", "_by_base", "_by_exponent")

ORDERS = (2.0, 5.0, 20.0, 100.0, 0.5, 0.3, 2.7, 40.1)
WAVE_ORDERS, SPHERICAL = (*ORDERS, -1.2), (0.0, 1.0, 2.0, 5.0, 20.0, 100.0)

# fmt: off
TURNS = over((-0.8, 0.8), (-10, 10), (-1e3, 1e3), (-1e6, 1e6), multiples(HALF_PI, 60_000),
             multiples(HALF_PI / 2, 60_000))
HALF_TURNS = over((-1, 1), (-30, 30), (-1e4, 1e4), multiples(0.25, 60_000))

ELEMENTARY: dict[str, Measured] = {
    "exp": over((-0.35, 0.35), (-40, 40), (-104, 89), (-708, 709.78), (-745.2, -708)),
    **dict.fromkeys(("exp_minus_square", "exp_minus_square_slope"), over(
        (-26.5, 26.5), (-3, 3), (-10, 10))),
    "exp2": over((-0.5, 0.5), (-40, 40), (-150, 128), (-1022, 1024), (-1075, -1022)),
    "exp10": over((-0.5, 0.5), (-10, 10), (-45, 38.5), (-307, 308.3), (-323.5, -307)),
    "expm1": over((-0.5, 0.5), (-40, 40), (-104, 89), (-708, 709.78), signed(1e-20, 1)),
    **dict.fromkeys(("log", "log2", "log10"), over(
        (0.5, 2), (0, 100), about(1), log(2.0**-1074, 1e308))),
    "log1p": over((-0.5, 1), (-1, 0), (0, 100), about(-1), signed(1e-20, 1), log(1, 1e308)),
    **dict.fromkeys(("cbrt", "cbrt_slope"), over((-9, 9), (0.1, 1), ANY)),
    "sin": TURNS, "cos": TURNS, "tan": TURNS,
    "sinpi": HALF_TURNS, "cospi": HALF_TURNS, "tanpi": HALF_TURNS,
    "one_minus_square": over((-1, 1), (-3, 3), about(1), about(-1)),
    **dict.fromkeys(("asin", "acos"), over((-0.5, 0.5), (-1, 1), about(1), about(-1))),
    "atan": over((-1, 1), (-10, 10), (-1e3, 1e3)),
    "sinh": over((-1, 1), (-20, 20), (-89, 89), (-710.4, 710.4)),
    "cosh": over((-1, 1), (-20, 20), (-89, 89), (-710.4, 710.4)),
    "tanh": over((-1, 1), (-10, 10), (-20, 20), (-360, 360)),
    "asinh": over((-1, 1), (-10, 10), (-1e3, 1e3)),
    "acosh": over((1, 2), (1, 100), about(1), log(1, 1e308)),
    "atanh": over((-0.5, 0.5), (-1, 1), about(1), about(-1)),
    "erf": over((-1, 1), (-6, 6), signed(1e-20, 1)),
    "erfc": over((-1, 1), (-6, 6), (0, 10), (0, 26.5), (26.5, 27.3)),
    **dict.fromkeys(("floor", "ceil", "trunc", "rint"), over((-10, 10), multiples(0.5, 10**6))),
    "abs": over((-10, 10)), "sign": over((-10, 10)),
    **{row: pairs(((-3, 3), (-3, 3)), (ANY, ANY), (signed(1e-5, 1), signed(1e3, 1e5)),
                  (signed(1e3, 1e5), signed(1e-5, 1)), scale=scale)
       for row, scale in (("atan2", None), ("atan2_by_first", of_angle(-3)),
                          ("atan2_by_both", of_angle(-4, 1)))},
    **{row: pairs(((-3, 3), (-3, 3)), (ANY, ANY), (EXTREME, EXTREME), scale=scale)
       for row, scale in (("hypot", None), ("hypot_by_first", of_angle(-2)),
                          ("hypot_by_second", of_angle(-2)), ("hypot_inverse", of_angle(-3)))},
    **dict.fromkeys([f"pow{part}" for part in POWERS], pairs(
        ((0, 3), (-3, 3)), (log(1e-150, 1e150), (-2, 2)), (about(1), signed(1, 1e17)),
        ((-9, 9), orders(-20, 20)), (log(2.0**-1074, 1e308), (-1, 1)),
        (log(1e-40, 1e40), signed(1e-3, 20)), (ANY, orders(-3, 3)))),
    "fma": pairs(((-3, 3), (-3, 3), (-3, 3)), (EXTREME, EXTREME, ANY),
                 (about(1), about(1), about(-1))),
    **dict.fromkeys(("fmod", "mod", "ieee_remainder"), pairs(
        ((-30, 30), (-3, 3)), (FINE, FINE), (signed(1, 1e15), (1, 10)), (ANY, ANY))),
    **dict.fromkeys(("max", "min"), pairs(((-3, 3), (-3, 3)), (ANY, ANY))),
    "copysign": pairs(((-3, 3), (-3, 3)), (EXTREME, ANY)),
}
RECIPROCAL: dict[str, Measured] = {
    "cot": TURNS, "acot": over((-1, 1), (-10, 10), (-1e3, 1e3)),
    "asec": over((1, 9), (-9, -1), about(1), about(-1), signed(1, 1e308)),
    "acsc": over((1, 9), (-9, -1), about(1), about(-1), signed(1, 1e308)),
    "sech": over((-1, 1), (-20, 20), (-104, 104), (-745, 745), scale=two_terms(sech)),
    "csch": over((-1, 1), (-20, 20), (-104, 104), (-745, 745)),
    "coth": over((-1, 1), (-20, 20), (-360, 360)),
    **dict.fromkeys(("asech", "asech_slope"), over((0, 1), about(1), log(2.0**-1074, 1))),
    "acsch": over((-1, 1), (-10, 10)), "acoth": over((1, 9), (-9, -1), about(1), signed(1, 1e308)),
}
STABLE: dict[str, Measured] = {
    **{row: over((-6, 6), (-40, 40), (-104, 104), (-745, 745), scale=scale)
       for row, scale in (("sigmoid", None), ("tanh_half", None),
                          ("sigmoid_slope", two_terms(lambda x: sech(x / 2) ** 2 / 4)))},
    "softplus": over((-6, 6), (-40, 40), (-104, 104), (-745, 745)),
    "logaddexp": pairs(((-6, 6), (-6, 6)), ((-700, 700), (-700, 700)), (FINE, FINE),
                       ((-1, 1), (-40, 40)), scale=eighth_of_larger),
    **{row: pairs(((-6, 6), (-6, 6)), ((-700, 700), (-700, 700)), (FINE, FINE), scale=scale)
       for row, scale in (
           ("sigmoid_difference", None),
           ("sigmoid_difference_slope", two_terms(lambda a, b: sech((a - b) / 2) ** 2 / 4)))},
    "logit": over((0, 1), about(0.5), about(1), log(2.0**-1074, 0.5)),
    "logcosh": over((-1, 1), (-3, 3), (-40, 40), signed(1e-20, 1)),
    "bose": over((-1, 1), (-40, 40), (-104, 104), (-745, 745)),
    "log1mexp": over((-1, 0), (-40, 0), (-745, 0), about(-0.6931471805599453)),
    "cosm1": TURNS, "coshm1": over((-1, 1), (-20, 20), (-89, 89), (-710, 710)),
    "xlogy": pairs(((-3, 3), (0, 4)), ((-3, 3), about(1)), (EXTREME, log(2.0**-1074, 1e308))),
    "xlog1py": pairs(((-3, 3), (-1, 4)), ((-3, 3), signed(1e-20, 1)), (EXTREME, TINY)),
    "entr": over((0, 1), (0, 4), about(1), about(0.36787944117144233), log(2.0**-1074, 1e308)),
    **{f"{kind}_pow{part}": pairs(((-3, 3), (-3, 3)), (EXTREME, (-2, 2)), (ANY, (-1, 1)))
       for kind in ("abs", "sign") for part in POWERS},
    **dict.fromkeys(("pow_lowered", "abs_pow_lowered", "sign_pow_lowered"), pairs(
        ((-3, 3), (-3, 3), orders(3, 6)), (FINE, (-20, 20), orders(3, 6)))),
    "softsign": over((-1, 1), (-10, 10)),
    "tanhshrink": over((-1, 1), (-10, 10), (-360, 360), signed(1e-20, 1)),
    **{row: over((-2, 2), (-9, 9), (-100, 100), (-1e4, 1e4), multiples(HALF_PI, 1000), scale=scale)
       for row, scale in (("sinc", sinc_waves(0)), ("sinc_slope", sinc_waves(1)),
                          ("sinc_curvature", sinc_waves(2)), ("cosc", cosc_waves(0)),
                          ("cosc_slope", cosc_waves(1)))},
    **dict.fromkeys(("sinhc", "coshc"), over((-2, 2), (-9, 9), (-89, 89), (-710, 710))),
    **dict.fromkeys(("expm1c", "expm1c_slope"), over(
        (-2, 2), (-9, 9), (-100, 89), (-745, 709))),
    "exp_over_x": over((-2, 2), (-40, 40), (-104, 89), (-745, 709.78), (709.78, 716.4)),
    **dict.fromkeys(("log1pc", "log1pc_slope"), over((-1, 1), (-1, 9), about(-1), log(1, 1e308))),
    **{f"{name}_derivative": pairs((orders(0, 6), (-2, 2)), (orders(0, 6), (low, high)),
                                   (orders(7, 20), (low / 9, high / 9)),
                                   (orders(0, 4), signed(1e-300, 0.5)), scale=scale)
       for name, low, high, scale in (
           ("sinc", -50, 50, sinc_waves()), ("sinhc", -300, 300, None),
           ("expm1c", -300, 300, None), ("cosc", -50, 50, cosc_waves()),
           ("coshc", -300, 300, None), ("log1pc", -0.95, 30, None))},
}
# fmt: on


def _waves(order: float | None = None) -> Callable[..., Any]:
    """The amplitude sqrt(2/(pi x)) of a Bessel function beyond its turning point."""

    def scale(k: int, *arguments: Any) -> Any:
        least, x = (order, arguments[0]) if order is not None else arguments
        amplitude = np.sqrt(2 / (pi * np.abs(x)))
        return np.where(np.abs(x) > np.maximum(np.abs(least), 0.5), amplitude, 0.0)

    return scale


def _spherical_waves(k: int, n: Any, x: Any) -> Any:
    return np.where(np.abs(x) > np.maximum(n, 0.5), 1 / np.abs(x), 0.0)


def _airy_waves(power: float) -> Callable[..., Any]:
    def scale(k: int, x: Any) -> Any:
        size = np.abs(x) ** (power + 0.5 * k) / np.sqrt(pi)
        return np.where(x < -0.5, size, 0.0)

    return scale


def _growing_waves(k: int, x: Any) -> Any:
    """The second derivatives of sin and cos of pi x^2/2, between whose zeros arguments are few."""
    return np.where(np.abs(x) > 1, (pi * x) ** 2, 0.0) if k == 2 else 0.0 * x


def _half(k: int, x: Any) -> Any:
    """Sine and Fresnel integrals turn about their limits; their derivatives are waves."""
    return 0.5 / np.maximum(1.0, np.abs(x)) if k == 0 else 0.0 * x


def _parts_of_log_gamma(order: int) -> Callable[..., Any]:
    """Left of 0 the parts of log gamma's reflection may cancel, and those of its derivative."""

    def scale(k: int, x: Any) -> Any:
        size = 1 + (np.abs(x) if k + order == 0 else np.log1p(np.abs(x)))
        return np.where(x < 0, size, 0.0) if k + order < 2 else 0.0 * x

    return scale


def of_order_0(row: Measured) -> Measured:
    """A row of derivatives, whose order comes first, as the function itself: with two beyond."""
    scale = row.scale
    return Measured(
        tuple((at(0.0), *range_) for range_ in row.ranges),
        None if scale is None else lambda k, order, *rest: scale(k, *rest),
    )


def _bessel() -> dict[str, Measured]:
    """Bessel functions of orders 0 and 1, of integer and of real order, spherical, and Airy's."""
    waves: tuple[Any, ...] = ((1e-3, 6), (6, 60), (60, 1e4), log(1e-300, 1e-3), log(1e4, 1e15))
    growth = ((1e-3, 1.5), (1.5, 30), (30, 700), log(1e-300, 1e-3))
    made: dict[str, Measured] = {}
    wide = [
        lambda n: Axis(0.05 * max(abs(n), 1.0), 2 * max(abs(n), 1.0)),
        Axis(1, 40),
        lambda n: log(1.01 * max(abs(n), 1.0), 1e4 * max(abs(n), 1.0)),
    ]
    for kind in ("besselj", "bessely"):
        for order in (0, 1):
            made[f"{kind}{order}"] = over(*waves, scale=_waves(order), everywhere=False)
        made[kind] = by_order(WAVE_ORDERS, *wide, scale=_waves())
        made[f"{kind}_derivative"] = of_order_0(made[kind])
    for kind in ("besseli", "besselk"):
        for row in (f"{kind}0", f"{kind}1", f"{kind}0e", f"{kind}1e"):
            far = (log(1e3, 1e300),) if row.endswith("e") else ()
            made[row] = over(*growth, *far, everywhere=False)
        values = (*ORDERS, -1.2 if kind == "besselk" else 0.9)
        for name in (kind, f"{kind}e"):
            made[name] = by_order(values, wide[0], (1, 40), (40, 600))
            made[f"{name}_derivative"] = of_order_0(made[name])
    made["besseli1_slope"] = made["besseli1"]
    for row in ("besseli0e", "besseli1e"):
        made[f"{row}_slope"] = made[f"{row}_curvature"] = made[row]
    for kind in ("jn", "yn"):
        for row in (kind, f"{kind}_slope", f"{kind}_curvature"):
            made[row] = by_order(SPHERICAL, *wide, scale=_spherical_waves)
    pieces = ((-1, 1), (1, 13 / 3), (13 / 3, 20), (20, 103), (-13 / 3, -1), (-100, -13 / 3))
    for row, power in (("airyai", -0.25), ("airybi", -0.25)):
        made[row] = over(*pieces, scale=_airy_waves(power), everywhere=False)
        made[f"{row}prime"] = over(*pieces, scale=_airy_waves(-power), everywhere=False)
        for times, name in ((2, "curvature"), (3, "third")):
            scale = _airy_waves(power + 0.5 * times)
            made[f"{row}_{name}"] = over(*pieces, scale=scale, everywhere=False)
    return made


# fmt: off
RIGHT: tuple[Any, ...] = ((1e-3, 3), (3, 30), TINY)
SHAPES, BETA = (0.3, 2.5, 40.0, 1000.0), ("a", "b", "aa", "ab", "bb", "aaa", "bbb")
UNDER = (lambda a: Axis(0.01 * a, a), lambda a: Axis(a, 3 * a), lambda a: log(1e-30, 0.01 * a))
BOTH = ((0.4, 0.7), (2.5, 6.0), (40.0, 30.0))
INSIDE: tuple[Any, ...] = ((1e-3, 0.999), log(1e-30, 1e-3))
GAMMA: dict[str, Measured] = {
    **{row: over(*RIGHT, (30, 171), (-6, 0), (-100, -6))
       for row in ("gamma", "gamma_lifted", "gamma_slope", "gamma_curvature")},
    "loggamma": over(*RIGHT, log(30, 1e300), (-20, 0), about(1), about(2),
                     scale=_parts_of_log_gamma(0)),
    "digamma": over(*RIGHT, log(30, 1e300), (-20, 0), scale=_parts_of_log_gamma(1)),
    "trigamma": over(*RIGHT, log(30, 1e100), (-20, 0)),
    "polygamma": by_order((2.0, 3.0, 5.0), (1e-2, 20), log(20, 1e40)),
    **{row: pairs(((0.01, 30), (0.01, 30)), (log(1e-3, 1e3), log(1e-3, 1e3)))
       for row in ("digamma_difference", "trigamma_difference")},
    "polygamma_difference": pairs((orders(1, 2), (0.01, 30), (0.01, 30)),
                                  (orders(1, 2), log(1e-3, 1e3), log(1e-3, 1e3))),
    "zeta": over((-1, 1), (1, 3), (3, 50), about(1), (-30, -1), everywhere=False),
    "zeta_derivative": pairs((orders(1, 4), (1.01, 9)), (orders(1, 4), (-1, 1)),
                             (orders(1, 4), (9, 50))),
    "dirichlet_eta": over((-1, 3), (3, 50), everywhere=False),
    "dirichlet_eta_derivative": pairs((orders(1, 4), (0.2, 9)), (orders(1, 4), (-1, 0.2))),
    "hurwitz_zeta": pairs(((1.2, 9), (0.3, 9)), ((1.01, 3), log(1e-3, 1e3)), ((9, 30), (0.3, 9))),
    "hurwitz_zeta_derivative": pairs((orders(1, 3), (0.2, 9), (0.3, 9)), (orders(1, 3), (1e-3, 3),
                                     log(1e-3, 1e3)), (orders(1, 3), (9, 30), (0.3, 9))),
    **dict.fromkeys(("lambertw", "lambertw_slope", "lambertw_curvature"), over(
        (-0.36787, 0), (0, 20), log(1e-300, 1e300), about(-0.36787944117144233))),
    "lambertw_offset": over((-0.36787, 0), (0, 20), log(20, 1e300), about(-0.36787944117144233)),
    **{f"lambertw_minus{end}": over((-0.36787, -1e-3), log(-1e-300, -1e-3),
                                    about(-0.36787944117144233))
       for end in ("", "_offset", "_slope", "_curvature")},
    "polylog": Measured((
        *by_order((2.0, 3.0, 5.0, -2.0), (-1, 0), (0, 0.7), (0.7, 1), (-50, -1)).ranges,
        *by_order((1.5,), (-1, 0), (0, 0.7), (0.7, 1)).ranges)),
    "polylog_slope": by_order((1.0, 2.0, 4.0, -3.0, 0.5), (-1, 0), (0, 0.7), (0.7, 1), (-50, -1)),
    "polylog_ratio": by_order((2.0, 3.0, 5.0), (-1, 0), (0, 0.7), (0.7, 1), (-50, -1)),
    "polylog_series": pairs((orders(0, 3), orders(2, 5), (-0.7, 0.7))),
    **{row: by_order(SHAPES, *UNDER) for row in
       ("gammainc", "gammaincc", "gamma_density", "gamma_density_slope",
        "gamma_density_curvature")},
    **{row: by_order(SHAPES[:3], *UNDER) for row in
       ("lowergamma", "uppergamma", "gamma_kernel", "gamma_kernel_slope",
        "gamma_kernel_curvature")},
    "log_minus_digamma": pairs(((0.01, 30), (0.01, 30)), (log(1e-30, 1e3), log(1e-3, 1e3)),
                               *(((0.9 * a, 1.1 * a), at(a)) for a in SHAPES)),
    **{row: pairs(*(((at(a), at(b), axis)) for a, b in BOTH for axis in INSIDE))
       for row in ("betainc", "betaincc", "beta_density", "beta_density_slope",
                   "beta_density_curvature")},
    **{row: pairs(((0.01, 30), (0.01, 30)), (log(1e-3, 1e3), log(1e-3, 1e3)), (at(0.3), (0.01, 30)),
                  (at(40.0), (0.01, 30)), (at(1000.0), (0.01, 30)))
       for row in ("beta", "logbeta", "rising_factorial", "rising_root", "digamma_cross",
                   "rising_curvature", "digamma_of_sum", "rising_x", "rising_k", "rising_xx",
                   "rising_xk", "rising_kk", *(f"beta_{part}" for part in BETA))},
    "beta_moment": pairs((orders(1, 3), orders(1, 3), log(1e-3, 0.5), log(1e-3, 500))),
    "rising_cross": pairs(((0.01, 30), (0.01, 30)), (log(1e-3, 240), log(1e-3, 240))),
    "binomial_curvature": pairs(((5.2, 60), (0.2, 5)), ((60, 490), (0.2, 50)), ((1, 5), (0, 1))),
    **{row: pairs(((5.2, 60), (0.2, 5)), ((60, 1e3), (0.2, 50)), ((1, 5), (0, 1)))
       for row in ("binomial", "binomial_root", "binomial_n", "binomial_k", "binomial_nn",
                   "binomial_nk", "binomial_kk")},
    "expint": by_order((1.0, 2.0, 3.5, 0.3, -2.0), (0.05, 3), (3, 600), log(1e-12, 0.05)),
    "expint_derivative": pairs((orders(0, 3), (-3, 4), (0.05, 3)),
                               (orders(0, 3), (-3, 4), (3, 600)),
                               (orders(0, 3), (-3, 4), log(1e-12, 0.05))),
}
ERRORS: dict[str, Measured] = {
    "erfcx": over((-26, 0), (0, 9), (9, 1e4), log(1e-300, 1e-3), log(1e4, 1e150), everywhere=False),
    **dict.fromkeys(("exp_erfc", "exp_less_square"), pairs(((0, 9), (-3, 3)), ((9, 700), (3, 26)))),
    "erfcx_derivative": pairs((orders(0, 4), (-5, 6)), (orders(0, 4), (6, 100)),
                              (orders(5, 12), (-2, 9))),
    "dawson": over((-12, 12), log(1e-3, 1e6), signed(1e-300, 1e-3), everywhere=False),
    "dawson_derivative": pairs((orders(0, 4), (-6, 6)), (orders(0, 4), (6, 100)),
                               (orders(5, 12), (-9, 9))),
    "erfi": over((-1, 1), (-26.5, 26.5), (-9, 9)), "exp_square": over((-26.5, 26.5), (-9, 9)),
    "gaussian": over((-26.5, 26.5), (-3, 3), (-10, 10)),
    **{f"{row}_derivative": pairs((orders(0, 4), (-far, far)), (orders(0, 4), (-3, 3)))
       for row, far in (("gaussian", 26.5), ("normal_pdf", 37))},
    "erfinv": over((-0.999, 0.999), about(1), about(-1), signed(1e-300, 1e-3)),
    "erfcinv": over((1e-3, 1.999), log(2.0**-1074, 1e-3), about(1), about(2)),
    "erf2": pairs(((-5, 5), (-5, 5)), ((-1, 1), (-1, 1)), ((2, 26), (2, 26)), (about(1), about(1)),
                  ((-26, 26), (-26, 26))),
    "normal_pdf": over((-37, 37), (-4, 4), (-14, 14)), "ndtr": over((-37, -1), (-14, -1), (-1, 8)),
    **dict.fromkeys(("log_ndtr", "log_ndtr_slope", "log_ndtr_curvature"), over(
        (-1e3, -1), (-1, 30), (-6, 6), (-40, -10))),
    "log_ndtr_excess": over((-1e3, -1), (-6, 0), (-40, -10)),
    "log_ndtr_tail": pairs((orders(1, 4), (-40, -16)), (orders(1, 6), log(-16, -1e6))),
    "ndtri": over((1e-3, 0.999), log(2.0**-1074, 1e-3), about(0.5), about(1)),
    "exp_over_x_derivative": pairs((orders(0, 4), (-9, 9)), (orders(0, 4), (-700, 700)),
                                   (orders(0, 4), signed(1e-9, 1))),
    **dict.fromkeys(("cosh_over_x_derivative", "expint_e1e_derivative"), pairs(
        (orders(0, 4), (0.1, 9)), (orders(0, 4), (9, 700)), (orders(0, 4), log(1e-9, 1)))),
    **dict.fromkeys(("expint_e1", "expint_e1e"), over((1e-3, 5), (5, 700), log(1e-300, 1e-3))),
    "expint_ei": over((0.5, 5), (5, 700), (-30, -0.01), about(0.3725074107813666), TINY),
    "li": over((1.6, 9), about(1.451369234883381), about(1), log(10, 1e300), log(1e-300, 0.9)),
    "sine_integral": over((-9, 9), (-100, 100), signed(100, 1e6), scale=_half),
    "cosine_integral": over((0.8, 9), (0.1, 1), (9, 100), log(100, 1e6), TINY, scale=_half),
    "sinh_integral": over((-9, 9), (9, 700), (9, 89)),
    "cosh_integral": over((0.7, 9), (9, 700), (9, 89), (0.1, 1), TINY),
    **dict.fromkeys(("fresnel_sin", "fresnel_cos"), over(
        (-3, 3), (-60, 60), (-1e4, 1e4), scale=_growing_waves)),
    "fresnels": over((-9, 9), (9, 1e3), (-1, 1), scale=_half),
    "fresnelc": over((-9, 9), (9, 1e3), (-1, 1), scale=_half),
    "elliptic_k": over((-3, 0.8), (0.8, 1), signed(1e-300, 1e-3), log(-1e6, -3), everywhere=False),
    "elliptic_e_complete": over((-3, 0.8), (0.8, 1), signed(1e-300, 1e-3), log(-1e6, -3),
                                everywhere=False),
    **dict.fromkeys(("elliptic_k_slope", "elliptic_e_slope"), over(
        (-3, 0.8), (0.8, 1), signed(1e-300, 1e-3), log(-1e6, -3), everywhere=False)),
    **dict.fromkeys(("elliptic_f", "elliptic_e"), pairs(
        ((-1.5, 1.5), (-3, 0.8)), ((-9, 9), (-3, 0.8)), (signed(1e-3, 1.5), log(-1e3, -1)))),
    **dict.fromkeys(("elliptic_d", "elliptic_f_slope"), pairs(
        ((0.1, 1.5), (-3, 0.8)), (signed(1e-3, 1.5), (-3, 0.8)))),
    **dict.fromkeys(("elliptic_pi", "elliptic_pi_density"), pairs(
        ((-2, 0.7), (-1.5, 1.5), (-2, 0.8)))),
    "elliptic_pi_complete": pairs(((-3, 0.7), (-3, 0.8))),
    "elliptic_moment_complete": pairs((orders(0, 3), orders(0, 3), orders(0, 3), (-1, 0.6),
                                       (-1, 0.6))),
    "elliptic_moment": pairs((orders(0, 3), orders(0, 3), orders(0, 3), (-1, 0.6), (0.1, 1.5),
                              (-1, 0.6))),
}


def _hypergeometric() -> dict[str, Measured]:
    made: dict[str, Measured] = {}
    for shape, top, z in (("0f1", (), (-6, 6)), ("1f1", ((0.3, 4),), (-6, 6)),
                          ("2f1", ((0.3, 3), (0.2, 2)), (-0.9, 0.8)), ("1f2", ((0.3, 3),), (-6, 6)),
                          ("2f2", ((0.3, 3), (0.2, 2)), (-4, 4)),
                          ("3f2", ((0.3, 3), (0.2, 2), (0.5, 3)), (-0.4, 0.4))):
        below = ((0.4, 4), (0.6, 4))[: int(shape[2])]
        for suffix in ("", "_slope", "_curvature"):
            made[f"hyp{shape}{suffix}"] = pairs((*top, *below, z))
        some = (orders(0, 2),) * (len(top) + len(below)) + (orders(0, 2),)
        made[f"hyp{shape}_derivative"] = pairs((*some, *top, *below, (z[0] / 2, z[1] / 2)))
    return made


# fmt: on
ROWS: dict[str, Measured] = {
    **ELEMENTARY,
    **RECIPROCAL,
    **STABLE,
    **_bessel(),
    **GAMMA,
    **ERRORS,
    **_hypergeometric(),
}  # fmt: skip

EXCLUDED: dict[str, str] = {
    "select": "no arithmetic: it hands on one of its arguments",
    "difference_low": "what rounding took from a difference: sigmoid_difference is measured",
    "detach": "its derivatives are 0 on purpose, and its value is its argument",
    "valued": "it has the value of one argument and the derivatives of another",
    "taylor": "its coefficients are what formulas give: tests/simplify measures those",
}
"""Rows that are not measured, and why."""
