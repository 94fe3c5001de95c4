"""Rows of expressions that lose their digits, overflow or are 0/0 as they are usually written.

The rewrite rules put them in the place of what users write. Each is closed under differentiation:
no order of derivative overflows, cancels or meets 0/0 where the function itself is smooth.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from math import exp, factorial, log
from typing import Any, Literal

from symgrad.functions.elementary import PI, call, equal, select
from symgrad.functions.special import removable
from symgrad.functions.special.double import INF, NAN, cos_pi, polynomial, sin_pi
from symgrad.ir.expression import HALF, Expr
from symgrad.ir.primitive import Names, Primitive, define

HALF_EXACT = Fraction(1, 2)
LN2 = log(2)
EXP_8, EXP_16 = exp(8.0), exp(16.0)


def _logit(x: Expr) -> Expr:
    # log(x/(1 - x)) is log1p((2x - 1)/(1 - x)): exact at 1/2, and odd about it. 1/x overflows for
    # subnormal x.
    smaller = select(x < HALF, x, select(x >= HALF, 1 - x, x))
    folded = call("sign", 2 * x - 1) * call("log1p", abs(2 * x - 1) / smaller)
    return select(x < 1e-36, call("log", x), folded)


def _logaddexp(a: Expr, b: Expr) -> Expr:
    distance = select(equal(a, b), 0, abs(a - b))  # inf - inf is no number
    return call("max", a, b) + call("log1p", call("exp", -distance))


def _difference_low(m: Any, a: Any, b: Any, rounded: Any) -> Any:
    """What rounding has taken from a - b, of which ``rounded`` is left (Knuth's sum)."""
    of_b = rounded - a
    low = (a - (rounded - of_b)) - (b + of_b)
    return m.where(m.eq(m.abs(rounded), INF), 0.0, low)


def _difference_oracle(mp: Any, a: Any, b: Any, rounded: Any) -> Any:
    return mp.mpf(0) if mp.isinf(rounded) else a - b - rounded


def _sigmoid_difference(a: Expr, b: Expr) -> Expr:
    near = call("sigmoid", a - b)
    low = call("difference_low", a, b, a - b)
    return call("fma", near * low, call("sigmoid", b - a), near)


def _sigmoid_difference_slope(a: Expr, b: Expr) -> Expr:
    slope, twist = call("sigmoid_slope", a - b), call("sigmoid", b - a) - call("sigmoid", a - b)
    return call("fma", slope * call("difference_low", a, b, a - b), twist, slope)


def _log1mexp(x: Expr) -> Expr:
    # Maechler, Accurately computing log(1 - exp(-|a|)), 2012.
    return select(x < -LN2, call("log1p", -call("exp", x)), call("log", -call("expm1", x)))


def _logcosh(x: Expr) -> Expr:
    far = abs(x) + call("log1p", call("exp", -2 * abs(x))) - call("log", 2)
    return select(abs(x) < 1, call("log1p", call("coshm1", x)), far)


def _xlogy(x: Expr, y: Expr) -> Expr:
    # The zero has the sign that the product has.
    return select(equal(x, 0) & equal(y, y), select(y < 1, -x, x), x * call("log", y))


def _xlog1py(x: Expr, y: Expr) -> Expr:
    return select(equal(x, 0) & equal(y, y), select(y < 0, -x, x), x * call("log1p", y))


def _tanhshrink(m: Any, x: Any) -> Any:
    """The value of x - tanh(x) without cancellation at 0: x^3/(K + x^2), K = 3 + x^2/(5 + ...).

    The continued fraction of tanh (NIST DLMF 4.39.1) to x^2/21 for |x| <= 1, within 3 ulp.
    """
    near = m.max(m.min(x, 1.0), -1.0)
    square = near * near
    fraction: Any = 21.0
    for k in range(19, 1, -2):
        fraction = k + square / fraction
    series = near * square / (fraction + square)
    return m.where(m.abs(x) <= 1.0, series, x - m.tanh(x))


def _alternating(shift: int, order: int, terms: int) -> list[float]:
    """Of the first or second derivative of 1/s! - x^2/(s + 2)! + ...: the coefficients of x^2k."""
    return [
        (-1) ** k * (2 * k if order == 1 else 2 * k * (2 * k - 1)) / factorial(2 * k + shift)
        for k in range(1, terms + 1)
    ]


SINC_SLOPE, SINC_CURVATURE = _alternating(1, 1, 12), _alternating(1, 2, 16)
COSC_SLOPE = _alternating(2, 1, 12)
SINHC = [1 / factorial(2 * k + 1) for k in range(10)]
LOG1PC_SLOPE = [2 / (2 * k + 3) for k in range(15)]
EXPM1C_SLOPE = [k / factorial(k + 1) for k in range(1, 18)]


def _sinc_slope(m: Any, x: Any) -> Any:
    """The derivative of sin(x)/x: Taylor's series below 2, (cos x - sin(x)/x)/x beyond."""
    near = x * polynomial(m, x * x, SINC_SLOPE)
    a = m.abs(x)
    divisor = m.where(a < 2.0, 2.0, x)
    value = m.where(a < 2.0, near, (m.cos(x) - m.sin(x) / divisor) / divisor)
    return m.where(m.eq(a, INF), 0.0, value)


def _sinc_curvature(m: Any, x: Any) -> Any:
    """The second derivative of sin(x)/x: Taylor's series below 3, beyond by x f'' + 2 f' + x f = 0.

    Its derivatives are those of NIST DLMF 13.4.1 (``special/removable.py``).
    """
    near = polynomial(m, x * x, SINC_CURVATURE)
    divisor = m.where(m.abs(x) < 3.0, 3.0, x)
    value = m.sin(x) / divisor
    slope = (m.cos(x) - value) / divisor
    far = m.where(m.eq(m.abs(x), INF), 0.0, -value - 2.0 * slope / divisor)
    return m.where(m.abs(x) < 3.0, near, far)


def _sinhc(m: Any, x: Any) -> Any:
    """sinh(x)/x: Taylor's series below 1, and finite to 717 where sinh(x) is no longer."""
    a = m.abs(x)
    near = polynomial(m, m.min(a, 1.0) ** 2, SINHC)
    large = a > 700.0
    kept = m.max(m.min(a, 800.0), 1.0)
    half = 0.5 * m.exp(m.where(large, kept - 8.0, kept))
    far = (half - 0.25 / half) / kept * m.where(large, EXP_8, 1.0)
    return m.where(a < 1.0, near, far)


def _expm1c(x: Expr) -> Expr:
    # expm1 overflows before this does. Above 64 it is exp, also 16 below.
    large = x > 64
    quotient = call("expm1", select(large, x - 16, x)) / x
    # By fma, as factors of a product may be multiplied in any order.
    scaled = call("fma", quotient, select(large, EXP_16, 1), 0)
    return select(abs(x) < 1e-30, 1, select(equal(x, INF), x, scaled))


def _cosc_slope(m: Any, x: Any) -> Any:
    """The derivative of (1 - cos x)/x^2: Taylor's series below 2, by x f' = sin(x)/x - 2 f else."""
    near = x * polynomial(m, x * x, COSC_SLOPE)
    divisor = m.where(m.abs(x) < 2.0, 2.0, x)
    sine, cosine = m.sin(x), m.cos(x)
    value = (1.0 - cosine) / divisor
    # 1 - cos x does not cancel near its zeros alone, where it is small beside sin(x)/x.
    far = m.where(m.eq(m.abs(x), INF), 0.0, (sine - 2.0 * value) / divisor / divisor)
    return m.where(m.abs(x) < 2.0, near, far)


def _expm1c_slope(m: Any, x: Any) -> Any:
    """The derivative of (exp(x) - 1)/x: Taylor's series below 1, (exp(x) (x - 1) + 1)/x^2 else."""
    near = polynomial(m, x, EXPM1C_SLOPE)
    divisor = m.where(m.abs(x) < 1.0, 1.0, x)
    kept = m.max(x, -800.0)
    large = kept > 700.0  # exp overflows before this does
    power = m.exp(m.where(large, kept - 16.0, kept))
    far = m.fma(power, kept - 1.0, m.where(large, 0.0, 1.0)) / divisor / divisor
    far = m.where(m.eq(x, INF), INF, far * m.where(large, EXP_16, 1.0))
    return m.where(m.abs(x) < 1.0, near, far)


def _log1pc_slope(m: Any, x: Any) -> Any:
    """The derivative of log(1 + x)/x: next to 0 by log(1 + x) = 2 atanh(s), s = x/(2 + x)."""
    near = (x > -0.4) & (x < 0.9)
    kept = m.where(near, x, 0.0)
    inverse = 1.0 / (2.0 + kept)
    s = kept * inverse
    series = s * inverse * polynomial(m, s * s, LOG1PC_SLOPE)
    inside = m.where(near | m.eq(x, -1.0), 1.0, x)
    far = (1.0 / (1.0 + inside) - m.log1p(inside) / inside) / inside
    far = m.where(x < INF, m.where(m.eq(x, -1.0), -INF, far), 0.0)
    value = m.where(near, -inverse * (1.0 / (1.0 + kept) + series), far)
    return m.where(x >= -1.0, value, NAN)


ORACLES = {row.name: row.oracle for row in removable.ROWS}


def _derivative(name: str, order: int, mp: Any, x: Any) -> Any:
    """The oracle of a first or second derivative: that of the derivative of any order."""
    oracle = ORACLES[f"{name}_derivative"]
    assert oracle is not None
    return oracle(mp, mp.mpf(order), x)


def _quotient(
    name: str,
    numerator: str,
    domain: tuple[float, float],
    source: str,
    parity: Literal["odd", "even"] | None = None,
    mpmath: str | None = None,
    slope: str = "",
    at_infinity: int | None = None,
) -> Primitive:
    """The row of numerator(x)/x, which is 1 at 0; its derivatives have rows of their own.

    Args:
        name: of the row.
        numerator: a row that is x near 0.
        domain: where tests sample.
        source: of its derivatives.
        parity: of the quotient.
        mpmath: its name there.
        slope: the row of its first derivative, where that is not ``{name}_derivative``.
        at_infinity: the limit, where the numerator is infinite too.
    """

    def expansion(x: Expr) -> Expr:
        quotient = call(numerator, x) / x
        if at_infinity is not None:
            quotient = select(equal(x, INF), at_infinity, quotient)
        return select(abs(x) < 1e-30, 1, quotient)

    return define(
        name,
        lambda y, x: call(slope, x) if slope else call(f"{name}_derivative", 1, x),
        domain=domain,
        kind="composite",
        expansion=expansion,
        parity=parity,
        folds={0: 1},
        cost=25,
        names=Names(mpmath=mpmath),
        source=source,
    )


def _squared(
    name: str, half: str, domain: tuple[float, float], source: str, slope: str = ""
) -> Primitive:
    """The row of half(x/2)^2/2, which is (1 - cos x)/x^2 or (cosh x - 1)/x^2."""
    return define(
        name,
        lambda y, x: call(slope, x) if slope else call(f"{name}_derivative", 1, x),
        domain=domain,
        kind="composite",
        # By fma, as a square may overflow that half of it does not.
        expansion=lambda x: call("fma", call(half, x / 2), call(half, x / 2) * HALF, 0),
        parity="even",
        folds={0: HALF},
        cost=27,
        names=Names(),
        source=source,
    )


# fmt: off
# 1/(1 + exp(-x)) and log(1 + exp(x)), written so that nothing overflows or cancels; neither do
# their derivatives of any order, as 1 - sigmoid(x) is sigmoid(-x).
sigmoid  = define("sigmoid",  lambda y, x: call("sigmoid_slope", x), domain=(-6, 6), cost=24,
                  kind="composite", names=Names(torch="sigmoid"),
                  expansion=lambda x: select(x < 0, call("exp", -abs(x)), 1)
                                      / (1 + call("exp", -abs(x))))
# sigmoid(x) sigmoid(-x) and tanh(x/2), which sigmoid(x) - sigmoid(-x) is with fewer digits at 0.
sigmoid_slope = define("sigmoid_slope", lambda y, x: -y * call("tanh_half", x), domain=(-6, 6),
                       kind="composite", parity="even", cost=24, names=Names(),
                       expansion=lambda x: call("exp", -abs(x)) / (1 + call("exp", -abs(x))) ** 2)
tanh_half = define("tanh_half", lambda y, x: 2 * call("sigmoid_slope", x), domain=(-6, 6),
                   kind="composite", parity="odd", cost=19, names=Names(), folds={0: 0},
                   expansion=lambda x: call("tanh", x / 2))
softplus = define("softplus", lambda y, x: call("sigmoid", x),      domain=(-6, 6), cost=30,
                  kind="composite", names=Names(),
                  expansion=lambda x: call("max", x, 0) + call("log1p", call("exp", -abs(x))))
logaddexp = define("logaddexp", lambda y, a, b: call("sigmoid_difference", a, b),
                   lambda y, a, b: call("sigmoid_difference", b, a), domain=(-6, 6), cost=34,
                   kind="composite", expansion=_logaddexp,
                   names=Names(torch="logaddexp", numpy="logaddexp"))
# sigmoid(a - b) with what rounding takes from the difference.
sigmoid_difference = define("sigmoid_difference",
                            lambda y, a, b: call("sigmoid_difference_slope", a, b),
                            lambda y, a, b: -call("sigmoid_difference_slope", a, b),
                            domain=(-6, 6), cost=34, kind="composite", names=Names(),
                            expansion=_sigmoid_difference)
sigmoid_difference_slope = define("sigmoid_difference_slope",
                                  lambda y, a, b: -y * call("tanh_half", a - b),
                                  lambda y, a, b: y * call("tanh_half", a - b),
                                  domain=(-6, 6), cost=44, kind="composite", names=Names(),
                                  expansion=_sigmoid_difference_slope)
difference_low = define("difference_low", lambda y, a, b, c: 1, lambda y, a, b, c: -1,
                        lambda y, a, b, c: -1, domain=(-6, 6), kind="routine",
                        definition=_difference_low, oracle=_difference_oracle, cost=6, ulp=4.0,
                        names=Names(), source="Knuth, TAOCP 2, 4.2.2")
logit = define("logit", lambda y, x: 1 / (x * (1 - x)), domain=(0.05, 0.95), cost=24,
               kind="composite", expansion=_logit, folds={HALF_EXACT: 0},
               names=Names(torch="logit"))
logcosh = define("logcosh", lambda y, x: call("tanh", x), domain=(-3, 3), parity="even", cost=60,
                 kind="composite", expansion=_logcosh, folds={0: 0}, names=Names())

# 1/(exp(x) - 1), the distribution of Bose and Einstein; 1 + bose(x) is -bose(-x).
bose = define("bose", lambda y, x: y * call("bose", -x), domain=(0.2, 6), cost=20,
              kind="composite", expansion=lambda x: 1 / call("expm1", x), names=Names())
log1mexp = define("log1mexp", lambda y, x: -call("bose", -x), domain=(-6, -0.1), cost=54,
                  kind="composite", expansion=_log1mexp, names=Names())

# cos(x) - 1 and cosh(x) - 1.
cosm1 = define("cosm1", lambda y, x: -call("sin", x), domain=(-6, 6), parity="even", cost=17,
               kind="composite", expansion=lambda x: -2 * call("sin", x / 2) ** 2, folds={0: 0},
               names=Names())
coshm1 = define("coshm1", lambda y, x: call("sinh", x), domain=(-3, 3), parity="even", cost=21,
                kind="composite", expansion=lambda x: 2 * call("sinh", x / 2) ** 2, folds={0: 0},
                names=Names())

# x log(y) and x log(1 + y), 0 where x = 0 whatever y is, nan excepted. So is the derivative by y
# at 0/0; elsewhere it is the quotient, whose derivative by x does not vanish at x = 0.
xlogy = define("xlogy", lambda y, a, b: call("log", b),
               lambda y, a, b: select(equal(a, 0) & equal(b, 0), 0, a / b), domain=(0.1, 4),
               cost=17, kind="composite", expansion=_xlogy, names=Names(torch="xlogy"))
xlog1py = define("xlog1py", lambda y, a, b: call("log1p", b),
                 lambda y, a, b: select(equal(a, 0) & equal(b, -1), 0, a / (1 + b)),
                 domain=(0.1, 4), cost=19, kind="composite", expansion=_xlog1py,
                 names=Names(torch="special.xlog1py"))
# -x log(x), 0 at 0 and -inf below; its derivative there is nan, as that of the logarithm.
entr = define("entr", lambda y, x: -call("log", x) - 1, domain=(0.1, 4), cost=18,
              kind="composite", folds={0: 0, 1: 0}, names=Names(torch="special.entr"),
              expansion=lambda x: select(x < 0, -INF, -call("xlogy", abs(x), abs(x))))

exp10 = define("exp10", lambda y, x: y * call("log", 10), domain=(-4, 4), folds={0: 1}, cost=40,
               kind="composite", expansion=lambda x: call("pow", 10, x), names=Names(c="exp10"))
sinpi = define("sinpi", lambda y, x: PI * call("cospi", x), domain=(-3, 3), parity="odd",
               kind="routine", definition=sin_pi, oracle=lambda mp, x: mp.sinpi(x), cost=30,
               ulp=1.0, folds={0: 0, HALF_EXACT: 1, 1: 0}, names=Names(mpmath="sinpi", c="sinpi"),
               source="NIST DLMF 4.19.1")
cospi = define("cospi", lambda y, x: -PI * call("sinpi", x), domain=(-3, 3), parity="even",
               kind="routine", definition=cos_pi, oracle=lambda mp, x: mp.cospi(x), cost=30,
               ulp=1.0, folds={0: 1, HALF_EXACT: 0, 1: -1}, names=Names(mpmath="cospi", c="cospi"),
               source="NIST DLMF 4.19.2")
tanpi = define("tanpi", lambda y, x: PI * (1 + y * y), domain=(-0.4, 0.4), parity="odd",
               kind="composite", cost=65, folds={0: 0, 1: 0}, names=Names(c="tanpi"),
               expansion=lambda x: call("sinpi", x) / call("cospi", x))

softsign = define("softsign", lambda y, x: (1 + abs(x)) ** -2, domain=(0.2, 3), parity="odd",
                  kind="composite", expansion=lambda x: x / (1 + abs(x)), folds={0: 0}, cost=7,
                  names=Names(torch="nn.functional.softsign"))
tanhshrink = define("tanhshrink", lambda y, x: call("tanh", x) ** 2, domain=(-3, 3), parity="odd",
                    kind="routine", definition=_tanhshrink, folds={0: 0}, cost=70, ulp=4.0,
                    oracle=lambda mp, x: x - mp.tanh(x), source="NIST DLMF 4.39.1",
                    names=Names(torch="nn.functional.tanhshrink"))
# fmt: on

sinc = _quotient("sinc", "sin", (-9, 9), "NIST DLMF 13.4.1", "even", "sinc", "sinc_slope")
sinhc = define(
    "sinhc",
    lambda y, x: call("sinhc_derivative", 1, x),
    domain=(-9, 9),
    kind="routine",
    definition=_sinhc,
    oracle=lambda mp, x: mp.sinh(x) / x if x and mp.isfinite(x) else abs(x) or mp.mpf(1),
    parity="even",
    folds={0: 1},
    cost=40,
    ulp=4.0,
    names=Names(),
    source="NIST DLMF 4.33.1",
)
expm1c = define(
    "expm1c",
    lambda y, x: call("expm1c_slope", x),
    domain=(-9, 9),
    kind="composite",
    expansion=_expm1c,
    folds={0: 1},
    cost=28,
    names=Names(),
    source="NIST DLMF 13.4.1",
)
log1pc = _quotient("log1pc", "log1p", (-0.8, 9), "NIST DLMF 15.6.1", slope="log1pc_slope",
                   at_infinity=0)  # fmt: skip
cosc = _squared("cosc", "sinc", (-9, 9), "NIST DLMF 4.21.2", "cosc_slope")
coshc = _squared("coshc", "sinhc", (-9, 9), "NIST DLMF 4.35.2")

# fmt: off
# First and second derivatives, which most people need, at less cost than those of any order.
sinc_slope = define("sinc_slope", lambda y, x: call("sinc_curvature", x), domain=(-9, 9),
                    kind="routine", definition=_sinc_slope, parity="odd", folds={0: 0}, cost=60,
                    oracle=partial(_derivative, "sinc", 1), ulp=8.0, names=Names(),
                    source="NIST DLMF 4.19.1")
sinc_curvature = define("sinc_curvature", lambda y, x: call("sinc_derivative", 3, x),
                        domain=(-9, 9), kind="routine", definition=_sinc_curvature, parity="even",
                        oracle=partial(_derivative, "sinc", 2), ulp=8.0, cost=70, names=Names(),
                        source="NIST DLMF 4.19.1")
cosc_slope = define("cosc_slope", lambda y, x: call("cosc_derivative", 2, x), domain=(-9, 9),
                    kind="routine", definition=_cosc_slope, parity="odd", folds={0: 0}, cost=70,
                    oracle=partial(_derivative, "cosc", 1), ulp=8.0, names=Names(),
                    source="NIST DLMF 4.19.2")
expm1c_slope = define("expm1c_slope", lambda y, x: call("expm1c_derivative", 2, x), domain=(-9, 9),
                      kind="routine", definition=_expm1c_slope, cost=60,
                      oracle=partial(_derivative, "expm1c", 1), ulp=8.0, names=Names(),
                      source="NIST DLMF 4.2.19")
log1pc_slope = define("log1pc_slope", lambda y, x: call("log1pc_derivative", 2, x),
                      domain=(-0.8, 9), kind="routine", definition=_log1pc_slope, cost=60,
                      oracle=partial(_derivative, "log1pc", 1), ulp=8.0, names=Names(),
                      source="NIST DLMF 4.6.4")
# fmt: on

ROWS = (
    *(sigmoid, sigmoid_slope, tanh_half, softplus, logaddexp),
    *(sigmoid_difference, sigmoid_difference_slope, difference_low),
    *(logit, logcosh, bose, log1mexp, cosm1, coshm1),
    *(xlogy, xlog1py, entr, exp10, sinpi, cospi, tanpi, softsign, tanhshrink),
    *(sinc, sinhc, expm1c, log1pc, cosc, coshc),
    *(sinc_slope, sinc_curvature, cosc_slope, expm1c_slope, log1pc_slope),
)
