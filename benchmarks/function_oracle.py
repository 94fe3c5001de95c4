"""Rows of the function table over Arb's balls, whose radius bounds the error of what they hold.

ROWS has a function of balls for every row that is no composition of others, by name; it is nan
where the row has no real value. What python-flint has no function for is computed from formulas
that lose digits at most: then the ball is wide.
"""

from __future__ import annotations

from functools import partial

from flint import acb, arb

from benchmarks.function_balls import (
    NAN,
    Function,
    cbrt,
    equal,
    fmod,
    less,
    nearest,
    power,
    real,
    rounded,
    sign,
    sure,
    truncated,
)
from benchmarks.function_gamma import (
    beta,
    beta_density,
    beta_ratio,
    binomial,
    carlson_periods,
    dawson,
    elliptic_rd,
    erf2,
    erfcinv,
    erfcx,
    erfcx_derivative,
    eta_derivative,
    gamma_density,
    gamma_ratio,
    log_ndtr,
    log_ndtr_tail,
    logbeta,
    loggamma,
    moment,
    off_poles,
    polygamma,
    recurrence,
    rising,
    zeta_derivative,
)
from benchmarks.function_hyper import (
    _falling,
    hypergeometric,
    li,
    ordered,
    parameter_derivative,
    polylog,
    polylog_ratio,
    polylog_series,
    positive,
    removable,
    spherical,
)


def removable_at(kind: str, order: int) -> Function:
    """A derivative of sinc and the like, of one argument."""
    return partial(removable, kind, arb(order))


# fmt: off
ROWS: dict[str, Function] = {
    **{name: getattr(arb, name) for name in (
        "exp", "expm1", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
        "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "sech", "erfi", "erfinv")},
    "log": lambda x: NAN if x.is_zero() else x.log(),
    "log2": lambda x: x.log() / arb(2).log(), "log10": lambda x: x.log() / arb(10).log(),
    "exp2": lambda x: arb(2) ** x, "cbrt": cbrt, "pow": power, "fmod": fmod,
    "atan2": lambda a, b: arb.atan2(a, b), "hypot": lambda a, b: (a * a + b * b).sqrt(),
    "fma": lambda a, b, c: a * b + c, "abs": abs, "sign": sign,
    "floor": lambda x: rounded(x, arb.floor), "ceil": lambda x: rounded(x, arb.ceil),
    "trunc": truncated, "rint": nearest,
    "lt": less, "le": lambda a, b: not (a.is_nan() or b.is_nan() or less(b, a)), "eq": equal,
    "ne": lambda a, b: not equal(a, b), "and": lambda a, b: a and b, "or": lambda a, b: a or b,
    "not": lambda a: not a, "select": lambda c, a, b: a if c else b,
    "sinpi": arb.sin_pi, "cospi": arb.cos_pi, "tanhshrink": lambda x: x - x.tanh(),
    **{f"{name}_derivative": partial(removable, name)
       for name in ("sinc", "sinhc", "expm1c", "cosc", "coshc", "log1pc")},
    **{name: removable_at(name, 0) for name in ("sinhc", "expm1c", "log1pc", "coshc")},
    "exp_over_x": lambda x: NAN if x.is_zero() else x.exp() / x,
    "sinc_slope": removable_at("sinc", 1), "sinc_curvature": removable_at("sinc", 2),
    "cosc_slope": removable_at("cosc", 1), "expm1c_slope": removable_at("expm1c", 1),
    "airyai": arb.airy_ai, "airyaiprime": lambda x: x.airy_ai(1),
    "airybi": arb.airy_bi, "airybiprime": lambda x: x.airy_bi(1),
    **{f"bessel{kind}{n}": partial(ordered(f"bessel_{kind}"), arb(n))
       for kind in "jyik" for n in (0, 1)},
    **{f"bessel{kind}": ordered(f"bessel_{kind}") for kind in "jyik"},
    **{f"besseli{n}e": partial(ordered("bessel_i", _falling), arb(n)) for n in (0, 1)},
    **{f"besselk{n}e": partial(ordered("bessel_k", arb.exp), arb(n)) for n in (0, 1)},
    "besselie": ordered("bessel_i", _falling), "besselke": ordered("bessel_k", arb.exp),
    "jn": partial(spherical, "bessel_j"), "yn": partial(spherical, "bessel_y"),
    "elliptic_k": lambda m: real(acb(m).elliptic_k()),
    "elliptic_e_complete": lambda m: real(acb(m).elliptic_e()),
    "elliptic_f": partial(carlson_periods, acb.elliptic_f),
    "elliptic_e": partial(carlson_periods, acb.elliptic_e_inc),
    "elliptic_d": partial(elliptic_rd, slope=False),
    "elliptic_f_slope": partial(elliptic_rd, slope=True),
    "elliptic_pi": lambda n, phi, m: real(acb.elliptic_pi_inc(acb(n), acb(phi), acb(m))),
    "elliptic_pi_complete": lambda n, m: real(acb.elliptic_pi(acb(n), acb(m))),
    "elliptic_moment": moment,
    "erf2": erf2, "gaussian": lambda x: (-x * x).exp(), "exp_square": lambda x: (x * x).exp(),
    "erfcx": erfcx, "erfcx_derivative": erfcx_derivative,
    "dawson": dawson, "dawson_derivative": partial(recurrence, dawson, -1, lambda: arb(1)),
    "erfcinv": erfcinv, "ndtri": lambda p: -arb(2).sqrt() * erfcinv(2 * p),
    "ndtr": lambda x: (-x / arb(2).sqrt()).erfc() / 2, "log_ndtr": log_ndtr,
    "log_ndtr_tail": log_ndtr_tail,
    "normal_pdf": lambda x: (-x * x / 2).exp() / (2 * arb.pi()).sqrt(),
    "expint_e1": positive(lambda x: x.expint(arb(1))), "expint_ei": arb.ei, "li": li,
    "expint": lambda n, x: sure(not less(x, arb(0)), lambda: x.expint(n)),
    "fresnel_sin": lambda x: (x * x / 2).sin_pi(), "fresnel_cos": lambda x: (x * x / 2).cos_pi(),
    "fresnels": arb.fresnel_s, "fresnelc": arb.fresnel_c,
    "sine_integral": arb.si, "cosine_integral": positive(arb.ci),
    "sinh_integral": arb.shi, "cosh_integral": positive(arb.chi),
    "gamma": off_poles(arb.gamma), "digamma": off_poles(arb.digamma),
    "loggamma": off_poles(loggamma), "trigamma": partial(polygamma, arb(1)),
    "polygamma": polygamma,
    "digamma_difference": lambda a, b: polygamma(arb(0), a + b) - polygamma(arb(0), a),
    "trigamma_difference": lambda a, b: polygamma(arb(1), a + b) - polygamma(arb(1), a),
    "beta": beta, "logbeta": logbeta, "binomial": binomial, "rising_factorial": rising,
    "zeta": lambda s: NAN if equal(s, arb(1)) else s.zeta(), "zeta_derivative": zeta_derivative,
    "hurwitz_zeta": lambda s, a: NAN if equal(s, arb(1)) else s.zeta(a),
    "dirichlet_eta": partial(eta_derivative, arb(0)), "dirichlet_eta_derivative": eta_derivative,
    "gamma_kernel": lambda a, x: power(x, a - 1) * (-x).exp(),
    "gamma_density": gamma_density, "beta_density": beta_density,
    "gammainc": partial(gamma_ratio, upper=False), "gammaincc": partial(gamma_ratio, upper=True),
    "lowergamma": lambda a, x: x.gamma_lower(a), "uppergamma": lambda a, x: x.gamma_upper(a),
    "betainc": lambda a, b, x: x.beta_lower(a, b, 1),
    "betaincc": beta_ratio,
    "lambertw": lambda x: x.lambertw(), "lambertw_offset": lambda x: 1 + x.lambertw(),
    "lambertw_minus": lambda x: x.lambertw(-1),
    "lambertw_minus_offset": lambda x: 1 + x.lambertw(-1),
    "polylog": polylog, "polylog_ratio": polylog_ratio, "polylog_series": polylog_series,
    **{f"hyp{p}f{q}": partial(hypergeometric, p)
       for p, q in ((0, 1), (1, 1), (2, 1), (1, 2), (2, 2), (3, 2))},
    **{f"hyp{p}f{q}_derivative": partial(parameter_derivative, p, q)
       for p, q in ((0, 1), (1, 1), (2, 1), (1, 2), (2, 2), (3, 2))},
}
# fmt: on
