"""Rows of the function table over Arb's balls, whose radius bounds the error of what they hold.

ROWS has a function of balls for every row that is no composition of others, by name; it is nan
where the row has no real value. FAMILIES has those of which a point asks for several at once: of
the others of their arguments, after their first ones, which are lists. What python-flint has no
function for is computed from formulas that lose digits at most: then the ball is wide.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flint import acb, arb

from benchmarks.oracle.balls import (
    HALF,
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
from benchmarks.oracle.bessel import derivative, lambertw_derivative
from benchmarks.oracle.bessel import spherical as spherical_derivative
from benchmarks.oracle.elliptic import elliptic_rd, moments, periods
from benchmarks.oracle.gamma import (
    beta,
    beta_density,
    beta_ratio,
    binomial,
    complete_slope,
    dawson,
    digamma_cross,
    erf2,
    erfcinv,
    erfcx,
    erfcx_derivative,
    eta_derivatives,
    exp_over_x_derivative,
    gamma_density,
    gamma_ratio,
    log_ndtr,
    log_ndtr_tail,
    logbeta,
    loggamma,
    off_poles,
    polygamma,
    polygammas,
    recurrence,
    rising,
    rising_curvature,
    rooted,
    turned,
    waning,
    zeta_derivatives,
)
from benchmarks.oracle.hypergeometric import (
    bessel,
    hypergeometric,
    hypergeometric_by_z,
    li,
    parameter_derivatives,
    polylog,
    polylog_ratio,
    polylog_series,
    polylog_slope,
    positive,
    removable,
    small_order,
    spherical,
)
from symgrad.functions.special.gamma.beta_moments import by_product_rule

Family = tuple[int, Callable[..., list[arb]]]


def removable_at(kind: str, order: int) -> Function:
    """A derivative of sinc and the like, of one argument."""
    return partial(removable, kind, arb(order))


def single(family: Family) -> Function:
    """A row of a family, its index first."""
    count, function = family
    return lambda *args: function([args[:count]], *args[count:])[0]


# fmt: off
FAMILIES: dict[str, Family] = {
    **{f"bessel{kind}": (1, partial(bessel, f"bessel_{kind}")) for kind in "jyik"},
    "besselie": (1, partial(bessel, "bessel_i_scaled")),
    "besselke": (1, partial(bessel, "bessel_k_scaled")),
    "jn": (1, partial(spherical, "bessel_j")), "yn": (1, partial(spherical, "bessel_y")),
    "elliptic_moment": (3, moments),
    "elliptic_moment_complete": (3, lambda orders, n, m: moments(orders, n, arb.pi() / 2, m)),
    "polygamma": (1, polygammas),
    "polylog_series": (1, polylog_series),
    "zeta_derivative": (1, zeta_derivatives), "dirichlet_eta_derivative": (1, eta_derivatives),
    **{f"hyp{p}f{q}_derivative": (p + q + 1, partial(parameter_derivatives, p, q))
       for p, q in ((0, 1), (1, 1), (2, 1), (1, 2), (2, 2), (3, 2))},
}
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
    "log1pc_slope": removable_at("log1pc", 1),
    "airyai": arb.airy_ai, "airyaiprime": lambda x: x.airy_ai(1),
    "airybi": arb.airy_bi, "airybiprime": lambda x: x.airy_bi(1),
    "airyai_curvature": lambda x: x * x.airy_ai(),
    "airyai_third": lambda x: x.airy_ai() + x * x.airy_ai(1),
    "airybi_curvature": lambda x: x * x.airy_bi(),
    "airybi_third": lambda x: x.airy_bi() + x * x.airy_bi(1),
    **{name: single(family) for name, family in FAMILIES.items()},
    **{f"bessel{kind}{n}": partial(small_order, f"bessel_{kind}", n)
       for kind in "jyik" for n in (0, 1)},
    **{f"besseli{n}e": partial(small_order, "bessel_i_scaled", n) for n in (0, 1)},
    **{f"besselk{n}e": partial(small_order, "bessel_k_scaled", n) for n in (0, 1)},
    "elliptic_k": lambda m: sure(not less(arb(1), m), lambda: real(acb(m).elliptic_k())),
    "elliptic_e_complete": lambda m: sure(not less(arb(1), m), lambda: real(acb(m).elliptic_e())),
    "elliptic_f": partial(periods, acb.elliptic_f),
    "elliptic_e": partial(periods, acb.elliptic_e_inc),
    "elliptic_d": partial(elliptic_rd, slope=False),
    "elliptic_f_slope": partial(elliptic_rd, slope=True),
    "elliptic_pi": lambda n, phi, m: real(acb.elliptic_pi_inc(acb(n), acb(phi), acb(m))),
    "elliptic_pi_complete": lambda n, m: real(acb.elliptic_pi(acb(n), acb(m))),
    "elliptic_k_slope": lambda m: complete_slope(HALF + 1, m),
    "elliptic_e_slope": lambda m: -complete_slope(HALF, m),
    "erf2": erf2, "gaussian": lambda x: (-x * x).exp(), "exp_square": lambda x: (x * x).exp(),
    "difference_low": lambda a, b, c: a - b - c,
    "pow_below": lambda a, b: power(a, b - 1), "pow_below_2": lambda a, b: power(a, b - 2),
    "pow_lowered": lambda a, b, k: power(a, b - k),
    "exp_minus_square": lambda x: (-x * x).exp(),
    "exp_minus_square_slope": lambda x: -2 * x * (-x * x).exp(),
    "erfcx": erfcx, "erfcx_derivative": erfcx_derivative,
    "exp_less_square": lambda a, u: (a - u * u).exp(),
    "exp_erfc": lambda a, u: a.exp() * u.erfc(),
    "dawson": dawson, "dawson_derivative": partial(recurrence, dawson, -1, lambda: arb(1)),
    "erfcinv": erfcinv, "ndtri": lambda p: -arb(2).sqrt() * erfcinv(2 * p),
    "ndtr": lambda x: (-x / arb(2).sqrt()).erfc() / 2, "log_ndtr": log_ndtr,
    "log_ndtr_tail": log_ndtr_tail,
    "log_ndtr_excess": lambda x: NAN if less(arb(0), x) else log_ndtr_tail(arb(1), x),
    "gaussian_derivative": partial(waning, arb(1)),
    "normal_pdf_derivative": lambda n, x: waning(HALF, n, x) / (2 * arb.pi()).sqrt(),
    "exp_over_x_derivative": exp_over_x_derivative,
    "cosh_over_x_derivative": lambda n, x: (
        exp_over_x_derivative(n, x) - turned(n) * exp_over_x_derivative(n, -x)) / 2,
    "normal_pdf": lambda x: (-x * x / 2).exp() / (2 * arb.pi()).sqrt(),
    "expint_e1": positive(lambda x: x.expint(arb(1))), "expint_ei": arb.ei, "li": li,
    "expint_e1e": positive(lambda x: x.exp() * x.expint(arb(1))),
    "expint_e1e_derivative": lambda n, x: sure(not less(x, arb(0)), lambda: (
        turned(n) * (n + 1).gamma() * x.exp() * x.expint(n + 1) / x**n)),
    "expint": lambda n, x: sure(not less(x, arb(0)), lambda: x.expint(n)),
    "expint_derivative": lambda k, n, x: sure(
        not less(x, arb(0)), lambda: turned(k) * x.expint(n - k)),
    "fresnel_sin": lambda x: (x * x / 2).sin_pi(), "fresnel_cos": lambda x: (x * x / 2).cos_pi(),
    "fresnels": arb.fresnel_s, "fresnelc": arb.fresnel_c,
    "sine_integral": arb.si, "cosine_integral": positive(arb.ci),
    "sinh_integral": arb.shi, "cosh_integral": positive(arb.chi),
    "gamma_lifted": off_poles(lambda x: x.gamma() * arb(2) ** (100 if less(x, arb(-20)) else 0)),
    "digamma": off_poles(arb.digamma),
    "loggamma": off_poles(loggamma), "trigamma": partial(polygamma, arb(1)),
    "digamma_difference": lambda a, b: polygamma(arb(0), a + b) - polygamma(arb(0), a),
    "trigamma_difference": lambda a, b: polygamma(arb(1), a + b) - polygamma(arb(1), a),
    "polygamma_difference": lambda n, a, b: polygamma(n, a + b) - polygamma(n, a),
    "digamma_of_sum": lambda a, b: polygamma(arb(0), a + b),
    "digamma_cross": digamma_cross, "rising_curvature": rising_curvature,
    "rising_cross": lambda x, k: ((polygamma(arb(0), x + k) - polygamma(arb(0), x))
                                  * polygamma(arb(0), x + k) + polygamma(arb(1), x + k)),
    "binomial_curvature": lambda n, k: (
        (polygamma(arb(0), n - k + 1) - polygamma(arb(0), k + 1)) ** 2
        - polygamma(arb(1), n - k + 1) - polygamma(arb(1), k + 1)),
    "rising_root": lambda x, k: rooted(rising(x, k)),
    "binomial_root": lambda n, k: rooted(binomial(n, k)),
    "beta_moment": lambda i, j, a, b: by_product_rule(
        lambda n, x: polygamma(arb(n), x), beta, int(i.unique_fmpz()), int(j.unique_fmpz()), a, b),
    "beta": beta, "logbeta": logbeta, "binomial": binomial, "rising_factorial": rising,
    "zeta": lambda s: NAN if equal(s, arb(1)) else s.zeta(),
    "hurwitz_zeta": lambda s, a: NAN if equal(s, arb(1)) else s.zeta(a),
    "hurwitz_zeta_derivative": lambda k, s, a: (
        NAN if equal(s + k, arb(1)) else turned(k) * rising(s, k) * (s + k).zeta(a)),
    "dirichlet_eta": lambda s: real(acb(s).dirichlet_eta()),
    "gamma_kernel": lambda a, x: power(x, a - 1) * (-x).exp(),
    "gamma_density": gamma_density, "beta_density": beta_density,
    "log_minus_digamma": lambda x, a: (x.log() if x > 0 else NAN) - off_poles(arb.digamma)(a),
    "gamma_kernel_slope": lambda a, x: power(x, a - 2) * (-x).exp() * (a - 1 - x),
    "gamma_kernel_curvature": lambda a, x: (
        power(x, a - 3) * (-x).exp() * ((a - 1 - x) ** 2 - (a - 1))),
    "gamma_density_slope": lambda a, x: gamma_density(a, x) * ((a - 1) / x - 1),
    "gamma_density_curvature": lambda a, x: (
        gamma_density(a, x) * (((a - 1) / x - 1) ** 2 - (a - 1) / x**2)),
    "beta_density_slope": lambda a, b, x: (
        beta_density(a, b, x) * ((a - 1) / x - (b - 1) / (1 - x))),
    "beta_density_curvature": lambda a, b, x: beta_density(a, b, x) * (
        ((a - 1) / x - (b - 1) / (1 - x)) ** 2 - (a - 1) / x**2 - (b - 1) / (1 - x) ** 2),
    "gammainc": partial(gamma_ratio, upper=False), "gammaincc": partial(gamma_ratio, upper=True),
    "lowergamma": lambda a, x: x.gamma_lower(a), "uppergamma": lambda a, x: x.gamma_upper(a),
    "betainc": lambda a, b, x: x.beta_lower(a, b, 1),
    "betaincc": beta_ratio,
    "lambertw": lambda x: x.lambertw(), "lambertw_offset": lambda x: 1 + x.lambertw(),
    "lambertw_minus": lambda x: x.lambertw(-1),
    "lambertw_minus_offset": lambda x: 1 + x.lambertw(-1),
    **{f"bessel{kind}_derivative": partial(derivative, f"bessel_{kind}", False) for kind in "jyik"},
    "besseli1_slope": lambda x: derivative("bessel_i", False, arb(1), arb(1), x),
    **{f"besseli{n}e_{which}": partial(derivative, "bessel_i", True, arb(k), arb(n))
       for n in (0, 1) for k, which in ((1, "slope"), (2, "curvature"))},
    **{f"bessel{kind}e_derivative": partial(derivative, f"bessel_{kind}", True) for kind in "ik"},
    **{f"{row}_{which}": partial(spherical_derivative, f"bessel_{kind}", times)
       for row, kind in (("jn", "j"), ("yn", "y"))
       for times, which in ((1, "slope"), (2, "curvature"))},
    **{f"{row}_{which}": partial(lambertw_derivative, branch, times)
       for row, branch in (("lambertw", 0), ("lambertw_minus", -1))
       for times, which in ((1, "slope"), (2, "curvature"))},
    "polylog_slope": polylog_slope,
    "polylog": polylog, "polylog_ratio": polylog_ratio,
    **{f"hyp{p}f{q}": partial(hypergeometric, p)
       for p, q in ((0, 1), (1, 1), (2, 1), (1, 2), (2, 2), (3, 2))},
    **{f"hyp{p}f{q}_{suffix}": partial(hypergeometric_by_z, p, k)
       for p, q in ((0, 1), (1, 1), (2, 1), (1, 2), (2, 2), (3, 2))
       for k, suffix in ((1, "slope"), (2, "curvature"))},
}
# fmt: on
