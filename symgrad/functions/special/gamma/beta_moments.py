"""The row of beta's mixed derivatives as integrals, none of whose terms cancel.

The derivative of B(a, b) by a and b, i and j times, is the integral over t from 0 to 1 of
t^(a-1) (1-t)^(b-1) log(t)^i log(1-t)^j (NIST DLMF 5.12.1). Its poles at a = 0 and b = 0 are those
of i = 0 and j = 0: products of the function and of polygammas have them all the same and lose as
many digits. With t = 1/(1 + exp(-pi sinh u)) the trapezoidal rule converges doubly exponentially
(Takahasi and Mori, *Double exponential formulas for numerical integration*, 1974).
"""

from __future__ import annotations

from itertools import product
from math import comb, cosh, exp, log1p, pi, sinh
from typing import Any

from symgrad.functions.elementary import call
from symgrad.functions.special.double import NAN
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, define, no_closed_form

STEP, NODES = 1.0 / 20.0, 76
BITS = 4
"""Orders have so many binary digits: up to 15."""

HIGHEST, LARGEST = 0.5, 500.0
"""Up to which the lesser and the greater argument may be: beyond the first one nothing cancels that
counts, beyond the other one the step is too long."""

WIDE = 15.0
"""The argument up to which every other node is enough."""

ENDS = [pi * sinh(STEP * k) for k in range(NODES)]
NEAR = [-log1p(exp(-end)) for end in ENDS]
FAR = [-end - log1p(exp(-end)) for end in ENDS]
"""The logarithms of t and 1 - t, where t is 1/2 or more; at -u they change places."""

WEIGHTS = [0.5 * STEP * pi] + [STEP * pi * cosh(STEP * k) for k in range(1, NODES)]


def _beta_moment(m: Any, i: Any, j: Any, a: Any, b: Any) -> Any:
    """Within 16 ulp to the fifth order where the arguments are in their bounds; else nan."""
    powers = [_digits(m, order) for order in (i, j)]
    least, most = m.min(a, b), m.max(a, b)
    proper = (least > 0.0) & (least <= HIGHEST) & (most <= LARGEST)
    proper = proper & (i > 0.5) & (j > 0.5) & (i < 15.5) & (j < 15.5)
    stride = m.where(most <= WIDE, 2.0, 1.0)

    def term(first: Any, second: Any) -> Any:
        made = m.exp(m.fma(a, first, b * second))
        for digits, base in zip(powers, (first, second), strict=True):
            for digit in digits:
                made = made * m.where(digit, base, 1.0)
                base = base * base
        return made

    def step(k: Any, total: Any) -> tuple[Any, Any]:
        node = k * stride
        near, far = m.lookup(NEAR, node), m.lookup(FAR, node)
        both = term(near, far) + term(far, near)
        going = proper & (node + 2.5 < NODES)
        return going, m.fma(m.lookup(WEIGHTS, node), both, total)

    return m.where(proper, stride * m.loop(step, (0.0,), NODES)[0], NAN)


def _digits(m: Any, order: Any) -> list[Any]:
    """The binary digits of a whole number as conditions, the lowest first."""
    found = []
    for _ in range(BITS):
        half = m.floor(0.5 * order)
        found.append(order - 2.0 * half > 0.5)
        order = half
    return found


def by_product_rule(psi: Any, beta: Any, i: int, j: int, a: Any, b: Any) -> Any:
    """The same derivative from those of log B, polygammas ``psi(n, x)``, which cancel."""

    def rate(p: int, q: int) -> Any:
        total = -psi(p + q - 1, a + b)
        return total if p and q else total + psi(p + q - 1, a if p else b)

    made = {(0, 0): beta(a, b)}
    for p, q in product(range(i + 1), range(j + 1)):
        # Of the last step by b, or by a, Leibniz' rule differentiates B times a rate.
        by_a, by_b = (p - 1, q) if q == 0 else (p, q - 1)
        if p or q:
            made[p, q] = sum(
                comb(by_a, k) * comb(by_b, n) * made[by_a - k, by_b - n]
                * (rate(k + 1, n) if q == 0 else rate(k, n + 1))
                for k, n in product(range(by_a + 1), range(by_b + 1))
            )  # fmt: skip
    return made[i, j]


def _oracle(mp: Any, i: Any, j: Any, a: Any, b: Any) -> Any:
    orders = int(i), int(j)
    lost = (sum(orders) + 1) * max(0, -int(mp.mag(a)), -int(mp.mag(b)))
    with mp.extradps(20 + lost // 2):
        return by_product_rule(mp.psi, mp.beta, *orders, a, b)


ORDER = "the order of a moment"


def _moment(i: object, j: object, a: object, b: object) -> Expr:
    return call("beta_moment", i, j, a, b)


# fmt: off
beta_moment = define("beta_moment", no_closed_form(ORDER), no_closed_form(ORDER),
                     lambda y, i, j, a, b: _moment(i + 1, j, a, b),
                     lambda y, i, j, a, b: _moment(i, j + 1, a, b),
                     domain=((1, 3), (1, 3), (0.05, 0.45), (0.2, 7)), kind="routine",
                     definition=_beta_moment, oracle=_oracle, whole=(0, 1), cost=2400, ulp=16.0,
                     names=Names(), source="NIST DLMF 5.12.1")
# fmt: on

ROWS = (beta_moment,)
