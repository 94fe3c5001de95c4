"""Routines for tests: rows of no use but with everything that a definition may hold."""

from __future__ import annotations

from typing import Any

from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import Expr
from symgrad.ir.primitive import Names, Primitive, define, no_closed_form, table


def _agm(m: Any, a: Any, b: Any) -> Any:
    """The arithmetic-geometric mean: a loop whose states are moved at once."""

    def turn(k: Any, x: Any, y: Any) -> Any:
        return m.abs(x - y) > 1e-8 * x, 0.5 * (x + y), m.sqrt(x * y)

    return m.loop(turn, (a, b), 40)[0]


def _fibonacci(m: Any, n: Any) -> Any:
    """A state that becomes another one, an invariant in a condition, the number of the turn."""
    before, _ = m.loop(lambda k, x, y: (k < n - 1, y, x + y), (0, 1), 90)
    return m.where(n > 0, before, 0 * n)


def _residue(m: Any, a: Any, b: Any) -> Any:
    """The rounding error of a product, which any reassociation would lose."""
    return m.fma(a, b, -(a * b))


def _mixture(m: Any, x: Any) -> Any:
    """No loop: calls, a sine with its cosine, composite rows, conditions, powers, a routine."""
    turned = m.sin(x) * m.cos(x) + m.exp(-(x**2)) / m.sqrt(1 + m.max(x, -x)) - m.mod(x, 3)
    inside = (x > -1) & ~m.eq(x, 0.5) | (m.floor(x) < -2)
    return m.where(inside, turned, x**-3 + x**1.5) + m.agm(1, 1 + x * x) * m.pi


def _twice_mixture(m: Any, x: Any) -> Any:
    return m.mixture(x) + m.mixture(2 * x)


PRIMES = (2.0, 3.0, 5.0, 7.0, 11.0, -0.0, 1e-300)


def _prime(m: Any, n: Any) -> Any:
    """A table outside a loop and inside it, with indices of every kind."""
    last = m.loop(lambda k, s: (k < n, m.lookup(PRIMES, k + n)), (0.0,), 3)[0]
    return m.lookup(PRIMES, n) + 0.5 * last + m.lookup((4.0,), n)


def _prime_oracle(mp: Any, n: Any) -> Any:
    places = [min(int(n) + k, len(PRIMES) - 1) for k in range(3)]
    turns = [k for k in range(3) if all(j < n for j in range(k))]
    return mp.mpf(PRIMES[places[0]]) + mp.mpf(PRIMES[places[turns[-1]]]) / 2 + 4


def _mixture_oracle(mp: Any, x: Any) -> Any:
    inside = (x > -1 and x != mp.mpf("0.5")) or mp.floor(x) < -2
    value = (
        mp.sin(x) * mp.cos(x) + mp.exp(-(x**2)) / mp.sqrt(1 + abs(x)) - (x - 3 * mp.floor(x / 3))
    )
    if not inside:
        value = x**-3 + x ** mp.mpf("1.5")
    return value + mp.agm(1, 1 + x * x) * mp.pi


def _zero(y: Expr, *_: Expr) -> int:
    return 0


ROWS = table(
    *(row for row in PRIMITIVES.values() if row.kind != "unknown"),
    define("agm", lambda y, a, b: y / a, no_closed_form("the second of two means"),
           domain=(0.2, 5), kind="routine", definition=_agm, cost=50, ulp=3.0, names=Names(),
           oracle=lambda mp, a, b: mp.agm(a, b)),
    define("fibonacci", no_closed_form("a whole number"), domain=(1, 40), kind="routine",
           whole=(0,), definition=_fibonacci, cost=90, names=Names(),
           oracle=lambda mp, n: mp.fib(n)),
    define("residue", lambda y, a, b: 0, lambda y, a, b: 0, domain=(-2, 2), kind="routine",
           definition=_residue, cost=2, names=Names(), oracle=lambda mp, a, b: 0 * a),
    define("prime", lambda y, n: 0, domain=(0, 5), kind="routine", whole=(0,), definition=_prime,
           cost=20, names=Names(), oracle=_prime_oracle),
    define("mixture", lambda y, x: Expr("mixture", (x,)), domain=(0.6, 2.9), kind="routine",
           definition=_mixture, cost=80, ulp=6.0, names=Names(), oracle=_mixture_oracle),
    define("twice_mixture", lambda y, x: y, domain=(0.6, 1.4), kind="routine",
           definition=_twice_mixture, cost=160, ulp=6.0, names=Names(),
           oracle=lambda mp, x: _mixture_oracle(mp, x) + _mixture_oracle(mp, 2 * x)),
)  # fmt: skip
"""The whole table and these."""

OWN: tuple[Primitive, ...] = tuple(ROWS[name] for name in ROWS if name not in PRIMITIVES)
