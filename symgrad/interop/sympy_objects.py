"""Graph -> SymPy: what a table row is in SymPy, and the walk that builds a result.

SymPy simplifies what it builds, and takes very long over large expressions with shared parts; so
only small parts are built its way, and the others exactly as the Graph has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import sympy
from sympy.core.operations import LatticeOp
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.tensor.array.ndim_array import NDimArray

from symgrad.errors import UnknownFunctionError
from symgrad.functions import PRIMITIVES, math
from symgrad.functions.special.gamma.quotients import RATES
from symgrad.functions.special.hypergeometric.values import by_z
from symgrad.interop.sympy_functions import by_oracle, derivative_of, hyper, sum_over_orders
from symgrad.ir.expression import HALF, Expr, symbol, wrap
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import argument_name, refuse

SMALL, SHALLOW = 1000, 30
"""SymPy simplifies expressions of up to so many nodes and levels only, and none that holds a
Piecewise: it walks them as trees, recursively, and moves powers into the branches."""

CONSTANTS = {
    "pi": sympy.pi,
    "e": sympy.E,
    "euler_gamma": sympy.EulerGamma,
    "golden_ratio": sympy.GoldenRatio,
    "catalan": sympy.Catalan,
}


def _powers(
    name: str,
    power: Callable[..., Expr],
    other: Callable[..., Expr],
    log: Callable[..., Expr],
) -> dict[str, Callable[..., Expr]]:
    """The rows after a power in functions/powers.py; ``other`` is in its derivative by the base."""
    return {
        f"{name}_below": lambda a, b: power(a, b - 1),
        f"{name}_below_2": lambda a, b: power(a, b - 2),
        f"{name}_lowered": lambda a, b, k: power(a, b - k),
        f"{name}_by_base": lambda a, b: math.select(math.eq(b, 0), 0, b * other(a, b - 1)),
        f"{name}_by_exponent": lambda a, b: math.select(
            math.eq(a, 0) & (b >= 0), 0, power(a, b) * log(a)
        ),
    }


def _multiplied(name: str, rate: Callable[..., Expr]) -> Callable[..., Expr]:
    """A row of several arguments times another function of them."""
    return lambda *a: Expr(name, a) * rate(*a)


def _hyper_by_z(name: str, k: int) -> Callable[..., Expr]:
    """The k-th derivative by z of a hypergeometric function."""
    return by_z(name, int(name[3]), k)


def _derivative_at(name: str, times: int, order: int) -> Callable[[Expr], Expr]:
    return lambda x: Expr(name, (wrap(times), wrap(order), x))


def _multiplied_by_x(name: str) -> Callable[[Expr], Expr]:
    return lambda x: x * Expr(name, (x,))


def _spherical_slope(name: str) -> Callable[[Expr, Expr], Expr]:
    """(n f_{n-1} - (n + 1) f_{n+1})/(2 n + 1), NIST DLMF 10.51.2."""
    return lambda n, x: (
        n * Expr(name, (n - 1, x)) - (n + 1) * Expr(name, (n + 1, x))
    ) / (2 * n + 1)  # fmt: skip


def _lambert_slope(name: str) -> Callable[[Expr], Expr]:
    """1/(x + exp(w)), NIST DLMF 4.13.4, which is finite at 0."""
    return lambda x: 1 / (x + math.exp(Expr(name, (x,))))


def _lambert_curvature(name: str) -> Callable[[Expr], Expr]:
    """-w'^2 (2 + w)/(1 + w)."""

    def curvature(x: Expr) -> Expr:
        w = Expr(name, (x,))
        return -(Expr(f"{name}_slope", (x,)) ** 2) * (2 + w) / (1 + w)

    return curvature


HYPERGEOMETRIC = [name for name in PRIMITIVES if re.fullmatch(r"hyp\df\d", name)]


# fmt: off
FUNCTIONS: dict[str, Any] = {
    "exp": sympy.exp, "log": sympy.log, "pow": sympy.Pow,
    "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan,
    "asin": sympy.asin, "acos": sympy.acos, "atan": sympy.atan, "atan2": sympy.atan2,
    "sinh": sympy.sinh, "cosh": sympy.cosh, "tanh": sympy.tanh,
    "asinh": sympy.asinh, "acosh": sympy.acosh, "atanh": sympy.atanh,
    "cot": sympy.cot, "acot": sympy.acot, "asec": sympy.asec, "acsc": sympy.acsc,
    "sech": sympy.sech, "csch": sympy.csch, "coth": sympy.coth,
    "asech": sympy.asech, "acsch": sympy.acsch, "acoth": sympy.acoth, "sinc": sympy.sinc,
    "erf": sympy.erf, "erfc": sympy.erfc, "erf2": sympy.erf2, "erfi": sympy.erfi,
    "erfinv": sympy.erfinv, "erfcinv": sympy.erfcinv,
    "expint": sympy.expint, "expint_ei": sympy.Ei, "li": sympy.li,
    "sine_integral": sympy.Si, "cosine_integral": sympy.Ci,
    "sinh_integral": sympy.Shi, "cosh_integral": sympy.Chi,
    "fresnels": sympy.fresnels, "fresnelc": sympy.fresnelc,
    "elliptic_k": sympy.elliptic_k, "elliptic_f": sympy.elliptic_f,
    "elliptic_e": sympy.elliptic_e, "elliptic_e_complete": sympy.elliptic_e,
    "elliptic_pi": sympy.elliptic_pi, "elliptic_pi_complete": sympy.elliptic_pi,
    "erfcx_derivative": derivative_of("erfcx_derivative",
                                       lambda x: sympy.exp(x**2) * sympy.erfc(x)),
    "dawson_derivative": derivative_of(
        "dawson_derivative",
        lambda x: sympy.sqrt(sympy.pi) / 2 * sympy.exp(-(x**2)) * sympy.erfi(x)),
    "gaussian_derivative": derivative_of("gaussian_derivative", lambda x: sympy.exp(-(x**2))),
    "normal_pdf_derivative": derivative_of(
        "normal_pdf_derivative", lambda x: sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi)),
    "exp_over_x_derivative": derivative_of("exp_over_x_derivative", lambda x: sympy.exp(x) / x),
    "cosh_over_x_derivative": derivative_of("cosh_over_x_derivative", lambda x: sympy.cosh(x) / x),
    "expint_e1e_derivative": derivative_of(
        "expint_e1e_derivative", lambda x: sympy.exp(x) * sympy.expint(1, x)
    ),
    "expint_derivative": lambda k, n, x: (-1) ** k * sympy.expint(n - k, x),
    "hurwitz_zeta_derivative": lambda k, s, a: (-1) ** k * sympy.rf(s, k) * sympy.zeta(s + k, a),
    "elliptic_moment_complete": by_oracle("elliptic_moment_complete"),
    "beta_moment": by_oracle("beta_moment"),
    "sinc_derivative": derivative_of("sinc_derivative", lambda x: sympy.sin(x) / x),
    "sinhc_derivative": derivative_of("sinhc_derivative", lambda x: sympy.sinh(x) / x),
    "expm1c_derivative": derivative_of("expm1c_derivative", lambda x: (sympy.exp(x) - 1) / x),
    "log1pc_derivative": derivative_of("log1pc_derivative", lambda x: sympy.log(1 + x) / x),
    "cosc_derivative": derivative_of("cosc_derivative", lambda x: (1 - sympy.cos(x)) / x**2),
    "coshc_derivative": derivative_of("coshc_derivative", lambda x: (sympy.cosh(x) - 1) / x**2),
    "elliptic_moment": sympy.Function("elliptic_moment", nargs=6),
    "besselj": sympy.besselj, "bessely": sympy.bessely,
    "besselj0": lambda x: sympy.besselj(0, x), "besselj1": lambda x: sympy.besselj(1, x),
    "bessely0": lambda x: sympy.bessely(0, x), "bessely1": lambda x: sympy.bessely(1, x),
    "besseli0": lambda x: sympy.besseli(0, x), "besseli1": lambda x: sympy.besseli(1, x),
    "besselk0": lambda x: sympy.besselk(0, x), "besselk1": lambda x: sympy.besselk(1, x),
    "besseli0e": lambda x: sympy.exp(-sympy.Abs(x)) * sympy.besseli(0, x),
    "besseli1e": lambda x: sympy.exp(-sympy.Abs(x)) * sympy.besseli(1, x),
    "besselk0e": lambda x: sympy.exp(x) * sympy.besselk(0, x),
    "besselk1e": lambda x: sympy.exp(x) * sympy.besselk(1, x),
    "besseli": sympy.besseli, "besselk": sympy.besselk, "jn": sympy.jn, "yn": sympy.yn,
    **{f"{name}_derivative": sum_over_orders(f"{name}_derivative", getattr(sympy, name))
       for name in ("besselj", "bessely", "besseli", "besselk")},
    "besselie_derivative": sum_over_orders(
        "besselie_derivative", sympy.besseli, lambda x: -sympy.Abs(x)),
    "besselke_derivative": sum_over_orders("besselke_derivative", sympy.besselk, lambda x: x),
    "airyai": sympy.airyai, "airyaiprime": sympy.airyaiprime,
    "airybi": sympy.airybi, "airybiprime": sympy.airybiprime,
    "gamma": sympy.gamma, "loggamma": sympy.loggamma, "digamma": sympy.digamma,
    "trigamma": sympy.trigamma, "polygamma": sympy.polygamma,
    "beta": sympy.beta, "binomial": by_oracle("binomial"), "rising_factorial": sympy.rf,
    "zeta": sympy.zeta, "hurwitz_zeta": sympy.zeta,
    "zeta_derivative": by_oracle("zeta_derivative"),
    "dirichlet_eta": sympy.dirichlet_eta,
    "dirichlet_eta_derivative": by_oracle("dirichlet_eta_derivative"),
    "lambertw": sympy.LambertW, "lambertw_minus": lambda x: sympy.LambertW(x, -1),
    **{name: hyper(int(name[3])) for name in HYPERGEOMETRIC},
    **{f"{name}_derivative": by_oracle(f"{name}_derivative") for name in HYPERGEOMETRIC},
    "polylog": sympy.polylog, "polylog_series": by_oracle("polylog_series"),
    "beta_density": by_oracle("beta_density"), "log_ndtr_tail": by_oracle("log_ndtr_tail"),
    "lowergamma": sympy.lowergamma, "uppergamma": sympy.uppergamma,
    "betainc": lambda a, b, x: sympy.betainc_regularized(a, b, 0, x),
    "betaincc": lambda a, b, x: sympy.betainc_regularized(a, b, x, 1),
    "floor": sympy.floor, "ceil": sympy.ceiling, "abs": sympy.Abs, "sign": sympy.sign,
    "max": sympy.Max, "min": sympy.Min, "mod": sympy.Mod,
    "lt": sympy.StrictLessThan, "le": sympy.LessThan,
    "eq": sympy.Equality, "ne": sympy.Unequality,
    "and": sympy.And, "or": sympy.Or, "not": sympy.Not,
}
"""The rows that are functions of SymPy too; ``select`` is its Piecewise."""

WRITTEN_OUT: dict[str, Callable[..., Expr]] = {
    "exp2":  lambda x: 2**x,
    "expm1": lambda x: math.exp(x) - 1,
    "log1p": lambda x: math.log(1 + x),
    "log2":  lambda x: math.log(x) / math.log(2),
    "log10": lambda x: math.log(x) / math.log(10),
    "cbrt":  lambda x: math.sign(x) * abs(x) ** Fraction(1, 3),
    "hypot": lambda a, b: (a * a + b * b) ** HALF,
    "hypot_by_first": lambda a, b: a / math.hypot(a, b),
    "hypot_by_second": lambda a, b: b / math.hypot(a, b),
    "hypot_inverse": lambda a, b: 1 / math.hypot(a, b),
    "trunc": lambda x: math.select(x < 0, math.ceil(x), math.floor(x)),
    # Half to even: floor(x + 1/2), less 1 where x + 1/2 is odd.
    "rint":  lambda x: math.floor(x + HALF) - math.select(math.eq(math.mod(x + HALF, 2), 1), 1, 0),
    "fmod":  lambda a, b: a - b * math.trunc(a / b),
    "one_minus_square": lambda x: 1 - x**2,
    "fma":   lambda a, b, c: a * b + c,
    "sigmoid":  lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log(1 + math.exp(x)),
    "logaddexp": lambda a, b: math.log(math.exp(a) + math.exp(b)),
    "logit":    lambda x: math.log(x / (1 - x)),
    "logcosh":  lambda x: math.log(math.cosh(x)),
    "log1mexp": lambda x: math.log(1 - math.exp(x)),
    "bose":     lambda x: 1 / (math.exp(x) - 1),
    "cosm1":    lambda x: math.cos(x) - 1,
    "coshm1":   lambda x: math.cosh(x) - 1,
    "xlogy":    lambda a, b: math.select(math.eq(a, 0), 0, a * math.log(b)),
    "xlog1py":  lambda a, b: math.select(math.eq(a, 0), 0, a * math.log(1 + b)),
    "entr":     lambda x: -x * math.log(x),
    **_powers("pow", lambda a, b: a**b, lambda a, b: a**b, math.log),
    "abs_pow":  lambda a, b: abs(a) ** b,
    "sign_pow": lambda a, b: math.sign(a) * abs(a) ** b,
    **_powers("abs_pow", lambda a, b: abs(a) ** b, lambda a, b: math.sign(a) * abs(a) ** b,
              lambda a: math.log(abs(a))),
    **_powers("sign_pow", lambda a, b: math.sign(a) * abs(a) ** b, lambda a, b: abs(a) ** b,
              lambda a: math.log(abs(a))),
    "exp10":    lambda x: 10**x,
    "sinpi":    lambda x: math.sin(math.pi * x),
    "cospi":    lambda x: math.cos(math.pi * x),
    "tanpi":    lambda x: math.tan(math.pi * x),
    "softsign": lambda x: x / (1 + abs(x)),
    "tanhshrink": lambda x: x - math.tanh(x),
    "sinhc":    lambda x: math.select(math.eq(x, 0), 1 + x**2 / 6, math.sinh(x) / x),
    "expm1c":   lambda x: math.select(math.eq(x, 0), 1 + x / 2 + x**2 / 6, (math.exp(x) - 1) / x),
    "log1pc":   lambda x: math.select(math.eq(x, 0), 1 - x / 2 + x**2 / 3, math.log(1 + x) / x),
    "cosc":     lambda x: math.select(math.eq(x, 0), HALF - x**2 / 24, (1 - math.cos(x)) / x**2),
    "coshc":    lambda x: math.select(math.eq(x, 0), HALF + x**2 / 24, (math.cosh(x) - 1) / x**2),
    "expint_e1": lambda x: Expr("expint", (wrap(1), x)),
    "exp_over_x": lambda x: math.exp(x) / x,
    "exp_square": lambda x: math.exp(x * x),
    "gaussian": lambda x: math.exp(-x * x),
    "cbrt_slope": lambda x: 1 / (3 * math.cbrt(x) ** 2),
    "asech_slope": lambda x: -1 / (x * math.sqrt(1 - x**2)),
    "atan2_by_first": lambda a, b: math.select(
        math.eq(a * a + b * b, 0), 0, b / (a * a + b * b)),
    "atan2_by_both": lambda a, b: math.select(
        math.eq(a * a + b * b, 0), 0, (a * a - b * b) / (a * a + b * b) ** 2),
    "sigmoid_slope": lambda x: 1 / (4 * math.cosh(x / 2) ** 2),
    "tanh_half": lambda x: math.tanh(x / 2),
    "sigmoid_difference": lambda a, b: 1 / (1 + math.exp(b - a)),
    "sigmoid_difference_slope": lambda a, b: 1 / (4 * math.cosh((a - b) / 2) ** 2),
    "difference_low": lambda a, b, c: a - b - c,
    "exp_minus_square": lambda x: math.exp(-x * x),
    "exp_minus_square_slope": lambda x: -2 * x * math.exp(-x * x),
    "expint_e1e": lambda x: math.exp(x) * math.expint_e1(x),
    "exp_less_square": lambda a, u: math.exp(a - u**2),
    "exp_erfc": lambda a, u: math.exp(a) * math.erfc(u),
    "erfcx":    lambda x: math.exp(x * x) * math.erfc(x),
    "dawson":   lambda x: math.sqrt(math.pi) / 2 * math.exp(-x * x) * math.erfi(x),
    "normal_pdf": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    "ndtr":     lambda x: math.erfc(-x / 2**HALF) / 2,
    "log_ndtr": lambda x: math.log(math.erfc(-x / 2**HALF) / 2),
    "log_ndtr_slope": lambda x: math.normal_pdf(x) / math.ndtr(x),
    "log_ndtr_curvature": lambda x: -math.log_ndtr_slope(x) * (x + math.log_ndtr_slope(x)),
    "log_ndtr_excess": lambda x: x + math.log_ndtr_slope(x),
    "ndtri":    lambda x: -(2**HALF) * math.erfcinv(2 * x),
    "fresnel_sin": lambda x: math.sin(math.pi * x**2 / 2),
    "fresnel_cos": lambda x: math.cos(math.pi * x**2 / 2),
    "elliptic_d": lambda x, p: (math.elliptic_f(x, p) - math.elliptic_e(x, p)) / p,
    "elliptic_k_slope": lambda p: (
        (math.elliptic_e_complete(p) - (1 - p) * math.elliptic_k(p)) / (2 * p * (1 - p))),
    "elliptic_e_slope": lambda p: (math.elliptic_e_complete(p) - math.elliptic_k(p)) / (2 * p),
    "elliptic_pi_density": lambda n, x, p: (
        1 / ((1 - n * math.sin(x) ** 2) * math.sqrt(1 - p * math.sin(x) ** 2))),
    "elliptic_f_slope": lambda x, p: (
        (math.elliptic_e(x, p) - (1 - p) * math.elliptic_f(x, p)) / (p * (1 - p))
        - math.sin(x) * math.cos(x) / ((1 - p) * math.sqrt(1 - p * math.sin(x) ** 2))
    ),
    "besselie": lambda n, x: math.exp(-abs(x)) * math.besseli(n, x),
    "besselke": lambda n, x: math.exp(x) * math.besselk(n, x),
    "logbeta":  lambda a, b: math.log(math.beta(a, b)),
    "digamma_difference": lambda a, b: math.digamma(a + b) - math.digamma(a),
    "trigamma_difference": lambda a, b: math.trigamma(a + b) - math.trigamma(a),
    "polygamma_difference": lambda n, a, b: math.polygamma(n, a + b) - math.polygamma(n, a),
    "digamma_of_sum": lambda x, k: math.digamma(x + k),
    "digamma_cross": lambda a, b: (
        math.digamma_difference(a, b) * math.digamma_difference(b, a) - math.trigamma(a + b)),
    "rising_curvature": lambda x, k: (
        math.digamma_difference(x, k) ** 2 + math.trigamma_difference(x, k)),
    "rising_cross": lambda x, k: (
        math.digamma_difference(x, k) * math.digamma(x + k) + math.trigamma(x + k)),
    "binomial_curvature": lambda n, k: (
        math.digamma_difference(k + 1, n - 2 * k) ** 2
        - math.trigamma(n - k + 1) - math.trigamma(k + 1)),
    "gamma_lifted": lambda x: math.gamma(x) * math.select(x < -20, 2**100, 1),
    "gamma_slope": lambda x: math.gamma(x) * math.digamma(x),
    "gamma_curvature": lambda x: math.gamma(x) * (math.digamma(x) ** 2 + math.trigamma(x)),
    "rising_root": lambda x, k: math.sign_pow(math.rising_factorial(x, k), HALF),
    "binomial_root": lambda n, k: math.sign_pow(math.binomial(n, k), HALF),
    **{name: _multiplied(*parts) for name, parts in RATES.items()},
    "besseli1_slope": _derivative_at("besseli_derivative", 1, 1),
    **{f"besseli{n}e_{which}": _derivative_at("besselie_derivative", times, n)
       for n in (0, 1) for times, which in ((1, "slope"), (2, "curvature"))},
    **{f"{name}_slope": _spherical_slope(name) for name in ("jn", "yn")},
    **{f"{name}_curvature": _spherical_slope(f"{name}_slope") for name in ("jn", "yn")},
    **{f"{name}_curvature": _multiplied_by_x(name) for name in ("airyai", "airybi")},
    "airyai_third": lambda x: math.airyai(x) + x * math.airyaiprime(x),
    "airybi_third": lambda x: math.airybi(x) + x * math.airybiprime(x),
    **{f"{name}_slope": _lambert_slope(name) for name in ("lambertw", "lambertw_minus")},
    **{f"{name}_curvature": _lambert_curvature(name) for name in ("lambertw", "lambertw_minus")},
    "lambertw_offset": lambda x: 1 + math.lambertw(x),
    "lambertw_minus_offset": lambda x: 1 + math.lambertw_minus(x),
    "polylog_ratio": lambda s, x: math.polylog(s, x) / x,
    "polylog_slope": lambda s, x: (math.polylog(s - 1, x) - math.polylog(s, x)) / x**2,
    "gamma_kernel": lambda a, x: x ** (a - 1) * math.exp(-x),
    "gamma_density": lambda a, x: x ** (a - 1) * math.exp(-x) / math.gamma(a),
    "log_minus_digamma": lambda x, a: math.log(x) - math.digamma(a),
    "gamma_kernel_slope": lambda a, x: math.gamma_kernel(a, x) * ((a - 1) / x - 1),
    "gamma_kernel_curvature": lambda a, x: (
        math.gamma_kernel(a, x) * (((a - 1) / x - 1) ** 2 - (a - 1) / x**2)),
    "gamma_density_slope": lambda a, x: math.gamma_density(a, x) * ((a - 1) / x - 1),
    "gamma_density_curvature": lambda a, x: (
        math.gamma_density(a, x) * (((a - 1) / x - 1) ** 2 - (a - 1) / x**2)),
    "beta_density_slope": lambda a, b, x: (
        math.beta_density(a, b, x) * ((a - 1) / x - (b - 1) / (1 - x))),
    "beta_density_curvature": lambda a, b, x: math.beta_density(a, b, x) * (
        ((a - 1) / x - (b - 1) / (1 - x)) ** 2 - (a - 1) / x**2 - (b - 1) / (1 - x) ** 2),
    "gammainc": lambda a, x: math.lowergamma(a, x) / math.gamma(a),
    "gammaincc": lambda a, x: math.uppergamma(a, x) / math.gamma(a),
    # At 0 a polynomial that has the right derivatives there too.
    "sinc_slope": lambda x: math.select(
        math.eq(x, 0), x**3 / 30 - x / 3, (math.cos(x) - math.sin(x) / x) / x),
    "sinc_curvature": lambda x: math.select(
        math.eq(x, 0), x**2 / 10 - Fraction(1, 3),
        2 * math.sin(x) / x**3 - 2 * math.cos(x) / x**2 - math.sin(x) / x),
    "cosc_slope": lambda x: math.select(
        math.eq(x, 0), x**3 / 180 - x / 12, (math.sin(x) - 2 * (1 - math.cos(x)) / x) / x**2),
    "expm1c_slope": lambda x: math.select(
        math.eq(x, 0), HALF + x / 3 + x**2 / 8, (math.exp(x) * (x - 1) + 1) / x**2),
    "log1pc_slope": lambda x: math.select(
        math.eq(x, 0), 2 * x / 3 - HALF - 3 * x**2 / 4, (1 / (1 + x) - math.log(1 + x) / x) / x),
    **{f"{name}_{suffix}": _hyper_by_z(name, k)
       for name in HYPERGEOMETRIC for k, suffix in ((1, "slope"), (2, "curvature"))},
    "ieee_remainder": lambda a, b: a - b * math.rint(a / b),
    "copysign": lambda a, b: math.select(b < 0, -abs(a), abs(a)),
    "detach":   lambda x: x,
    "valued":   lambda a, b: a,
    "taylor":   lambda x, *c: sum([c[k] * x**k for k in range(1, len(c))], c[0]),
}
"""The other rows, in rows that SymPy has."""
# fmt: on

KEPT = frozenset(
    FUNCTIONS[name] for name in ("max", "min", "mod", "lt", "le", "eq", "ne", "and", "or", "not")
)
"""Never simplified: SymPy would have to prove which side is larger, or turn ``not`` around."""

LEFT_OUT = (sympy.Derivative, sympy.Subs, sympy.DiracDelta, sympy.UnevaluatedExpr, NDimArray)
"""What no result shows, as it says more or less than what it was read as."""


def known_objects(graph: Graph, pairs: Sequence[tuple[Any, Expr]]) -> dict[int, Any]:
    """SymPy objects by the nodes of their Exprs, those that hold LEFT_OUT ones excepted.

    Args:
        graph: where the Exprs have their nodes.
        pairs: SymPy objects and their Exprs, arguments before what uses them.
    """
    nodes = graph.add_all([made for _, made in pairs])
    known: dict[int, Any] = {}
    left_out: set[int] = set()
    for node, (value, _) in zip(nodes, pairs, strict=True):
        inner = bool(graph.args[node]) and isinstance(value, MatrixElement)  # (A*v)[0, 0]
        if inner or isinstance(value, LEFT_OUT) or any(id(part) in left_out for part in value.args):
            left_out.add(id(value))
        elif graph.args[node]:
            known.setdefault(node, value)
    return known


def to_sympy(
    graph: Graph, nodes: Sequence[int], symbols: Mapping[str, Any], known: Mapping[int, Any]
) -> list[Any]:
    """The nodes as SymPy objects that share what the nodes share.

    Args:
        graph: holds the nodes; rows that SymPy lacks are written out in it.
        nodes: what is wanted.
        symbols: the SymPy object of each variable's name.
        known: nodes whose SymPy object exists already.

    Raises:
        UnknownFunctionError: SymPy has no such function.
        DerivativeError: a derivative has no closed form.
    """
    made = dict(known)
    sizes: list[tuple[int, int]] = []
    stack = list(reversed(nodes))
    while stack:
        node = stack[-1]
        op = graph.ops[node]
        args = graph.args[node]
        if node not in made and op in WRITTEN_OUT:
            names = [argument_name(i) for i in range(len(args))]
            body = WRITTEN_OUT[op](*[symbol(name) for name in names])
            args = (graph.add(body, dict(zip(names, args, strict=True))),)
        missing = [] if node in made else [a for a in args if a not in made]
        if missing:
            stack.extend(reversed(missing))
            continue
        stack.pop()
        if node in made:
            continue
        parts = [made[argument] for argument in args]
        for new in range(len(sizes), len(graph)):
            below = [sizes[argument] for argument in graph.args[new]]
            chosen = SMALL if graph.ops[new] == "select" else 0
            size = 1 + chosen + sum(size for size, _ in below)
            sizes.append((min(size, SMALL + 1), 1 + max((depth for _, depth in below), default=0)))
        small = sizes[node][0] <= SMALL and sizes[node][1] <= SHALLOW
        made[node] = parts[0] if op in WRITTEN_OUT else _object(graph, node, parts, small, symbols)
    return [made[node] for node in nodes]


def _object(
    graph: Graph, node: int, parts: list[Any], small: bool, symbols: Mapping[str, Any]
) -> Any:
    """The SymPy object of one node over those of its arguments."""
    op, data = graph.ops[node], graph.data[node]
    if op == "symbol":
        return symbols[data]
    if op == "constant":
        return _number(data)
    if op == "named":
        return CONSTANTS[data]
    if op == "boolean":
        return sympy.true if data else sympy.false
    if op == "sum":
        start, coefficients = data
        terms = [_number(start)] if type(start) is float or start else []
        for part, c in zip(parts, coefficients, strict=True):
            one = type(c) is int and c == 1
            terms.append(part if one else _join(sympy.Mul, small, _number(c), part))
        return _join(sympy.Add, small, *terms)
    if op == "product":
        factors = [
            part if e == 1 else _join(sympy.Pow, small, part, _number(e))
            for part, e in zip(parts, data, strict=True)
        ]
        return _join(sympy.Mul, small, *factors)
    if op == "select":
        condition, chosen, other = parts
        pairs = [_join(ExprCondPair, False, chosen, condition)]
        if isinstance(other, sympy.Piecewise):
            pairs.extend(other.args)
        else:
            pairs.append(_join(ExprCondPair, False, other, sympy.true))
        return _join(sympy.Piecewise, False, *pairs)
    if op not in FUNCTIONS:
        if op in graph.table and graph.table[op].kind == "unknown":
            raise refuse(graph.table[op])
        if op in graph.table and op not in PRIMITIVES:  # the user's own
            return _join(sympy.Function(op), small, *parts)
        raise UnknownFunctionError(
            f"SymPy has no function {op!r} that a result could be written in; differentiate traced "
            "variables (symgrad.variables), or compile the derivative"
        )
    return _join(FUNCTIONS[op], small, *parts)


def _join(kind: Any, small: bool, *parts: Any) -> Any:
    """A SymPy object of that kind, simplified by SymPy where it is small."""
    if kind in (sympy.Add, sympy.Mul) and len(parts) == 1:
        return parts[0]
    if (small and kind not in KEPT) or not isinstance(kind, type):
        return kind(*parts)
    made = sympy.Basic.__new__(kind, *parts)
    if kind in (sympy.Add, sympy.Mul, sympy.Pow):
        made.is_commutative = True
    elif issubclass(kind, LatticeOp):
        made._argset = frozenset(parts)
    hash(made)  # kept by SymPy: from the bottom up it needs no recursion, later it would
    return made


def _number(value: int | Fraction | float) -> Any:
    if isinstance(value, Fraction):
        return sympy.Rational(value.numerator, value.denominator)
    return sympy.Integer(value) if isinstance(value, int) else sympy.Float(value)
