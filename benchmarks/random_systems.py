"""Random systems: every row of the table, powers, sums, products and quotients of shared parts.

Parts grow on each other and are kept if they are finite and of moderate size at the points, so
that roots, logarithms and inverse functions stand on arguments as they come, not only on guarded
ones.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath

from symgrad.functions import PRIMITIVES, math
from symgrad.ir.evaluate import evaluate_expr, mpmath_arithmetic
from symgrad.ir.expression import Expr, variables, wrap

KINKS = ("abs", "sign", "max", "min", "floor", "ceil", "trunc", "rint", "fmod", "mod")
GUARDED = ("atan2", "pow", "hypot")
"""Rows whose partials choose: only sweeps apply to most of their systems."""

SMOOTH = (
    *(n for n, row in PRIMITIVES.items() if row.kind == "call" and n not in (*GUARDED, *KINKS)),
    *("sigmoid", "softplus", "sech", "gamma", "besselj0"),
)

NUMBERS: tuple[Any, ...] = (
    *(1, 1, -1, 2, 2, -2, 3, 4, -3, 5, 6, 12),
    *(Fraction(1, 2), Fraction(-1, 2), Fraction(1, 3), Fraction(2, 3), Fraction(-5, 4)),
    *(0.1, 1.75, -0.3, 2.0, 1e-3),
)
EXPONENTS = (2, 2, 2, 3, 4, -1, -1, -2, -3, -6, 6, 12)
ROOTS = (*[Fraction(k, 6) for k in (3, -3, 9, -9, 2, -2, 4, 1, 15, -15)], 0.7, -1.3)


@dataclass(frozen=True)
class Problem:
    """A random system and where it is evaluated: points[k][j] is input j at point k."""

    seed: int
    outputs: tuple[Expr, ...]
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    wrt: tuple[str, ...]
    order: int
    points: tuple[tuple[float, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Inputs and parameters."""
        return self.inputs + self.parameters


class Maker:
    """Grows expressions that are finite and of moderate size at the points."""

    def __init__(self, rng: random.Random, names: Sequence[str], points: Any) -> None:
        self.rng = rng
        self.points = [dict(zip(names, map(mpmath.mpf, point), strict=True)) for point in points]
        self.arithmetic = mpmath_arithmetic()
        self.leaves = [variables(name) for name in names]
        self.pool: list[Expr] = list(self.leaves)
        self.kinks = rng.random() < 0.12
        self.guarded = rng.random() < 0.15
        self.floats = rng.random() < 0.3

    def values(self, expr: Expr) -> list[Any]:
        """At the points."""
        return [evaluate_expr(expr, point, PRIMITIVES, self.arithmetic) for point in self.points]

    def number(self) -> Any:
        """A coefficient."""
        while True:
            number = self.rng.choice(NUMBERS)
            if self.floats or not isinstance(number, float):
                return number

    def pick(self) -> Expr:
        """A part, more often one of the last."""
        rng, pool = self.rng, self.pool
        if rng.random() < 0.25:
            return rng.choice(self.leaves)
        return rng.choice(pool[-4:]) if rng.random() < 0.6 else rng.choice(pool)

    def moderate(self, expr: Expr) -> bool:
        """Whether it is finite and neither huge nor tiny."""
        return all(
            mpmath.isfinite(value) and 1e-3 < abs(value) < 300 for value in self.values(expr)
        )

    def inside(self, expr: Expr, low: float, high: float) -> Expr:
        """The expression, moved into an interval if it is not there."""
        if all(low < value < high for value in self.values(expr)):
            return expr
        middle = Fraction((low + high) / 2).limit_denominator(20)
        half = Fraction((high - low) / 2 * 0.9).limit_denominator(20)
        if self.rng.random() < 0.5:
            return wrap(middle + half * math.sin(expr))
        return wrap(Fraction(low).limit_denominator(20) + 2 * half / (1 + expr**2))

    def row(self) -> Expr:
        """A function of the table."""
        names = SMOOTH
        if self.guarded and self.rng.random() < 0.3:
            names = GUARDED
        if self.kinks and self.rng.random() < 0.5:
            names = KINKS
        name = self.rng.choice(names)
        row = PRIMITIVES[name]
        domains = row.domain if isinstance(row.domain[0], tuple) else (row.domain,) * row.arity
        args = [self.inside(self.pick(), *domain) for domain in domains]  # type: ignore[misc]
        return Expr(name, tuple(args))

    def sum(self) -> Expr:
        """Terms with coefficients."""
        rng = self.rng
        count = rng.choice((2, 2, 3, 3, 4, 6))
        equal = self.number() if rng.random() < 0.4 else None
        total = wrap(self.number()) if rng.random() < 0.4 else wrap(0)
        for _ in range(count):
            factor = equal if equal is not None else self.number()
            total = total + factor * self.pick() * (self.pick() if rng.random() < 0.3 else 1)
        return total

    def product(self) -> Expr:
        """Factors, some of them powers, some below the line."""
        rng = self.rng
        total = wrap(self.number() if rng.random() < 0.3 else 1)
        for _ in range(rng.choice((2, 2, 3, 4, 5))):
            part = self.pick()
            total = total / part if rng.random() < 0.3 else total * part
        return total

    def power(self) -> Expr:
        """An integer or a fractional power."""
        rng, base = self.rng, self.pick()
        if rng.random() < 0.6:
            return base ** rng.choice(EXPONENTS)
        exponent = rng.choice(ROOTS)
        if isinstance(exponent, float) and not self.guarded:
            exponent = Fraction(3, 2)
        return self.inside(base, 0.05, 60) ** exponent

    def squares(self) -> Expr:
        """Squared residuals."""
        parts = [self.pick() - self.number() * self.pick() for _ in range(self.rng.choice((2, 3)))]
        if self.rng.random() < 0.5:
            parts = [part - self.number() for part in parts]
        return wrap(sum(part**2 for part in parts)) * (
            Fraction(1, 2) if self.rng.random() < 0.3 else 1
        )

    def distance(self) -> Expr:
        """A function of the distance of two pairs of parts."""
        rng = self.rng
        squared = wrap(
            sum((self.pick() - self.pick()) ** 2 for _ in range(rng.choice((1, 2, 3))))
        ) + (0 if rng.random() < 0.7 else Fraction(1, 2))
        kind = rng.randrange(5)
        if kind == 0:
            return math.sqrt(squared)
        if kind == 1:
            return 1 / squared**3
        if kind == 2:
            return 4 * ((1 / squared) ** 6 - (1 / squared) ** 3)
        if kind == 3:
            return (1 - math.exp(-(math.sqrt(squared) - 1))) ** 2
        return squared ** Fraction(-3, 2)

    def linear(self) -> Expr:
        """A linear combination of variables."""
        count = min(len(self.leaves), self.rng.choice((1, 2, 2, 3)))
        chosen = self.rng.sample(self.leaves, count)
        return wrap(sum(self.number() * leaf for leaf in chosen)) + (
            self.number() if self.rng.random() < 0.3 else 0
        )

    def constant(self) -> Expr:
        """A part and a named constant."""
        named = self.rng.choice((math.pi, math.e, math.sqrt(2), math.log(2)))
        part = self.pick()
        return self.rng.choice((named * part, part / named, part + named, part - 2 * named))

    def exponential(self) -> Expr:
        """Exponentials, logarithms and their like, in forms that rules rewrite."""
        a, b = self.pick(), self.pick()
        kind = self.rng.randrange(8)
        if kind == 0:
            return math.exp(self.inside(a, -3, 3)) * math.exp(self.inside(b, -2, 2))
        if kind == 1:
            return math.log(self.inside(a * b, 0.1, 50)) - math.log(self.inside(b, 0.1, 50))
        if kind == 2:
            return 1 / (1 + math.exp(-self.inside(a, -5, 5)))
        if kind == 3:
            return math.sin(a) ** 2 + math.cos(a) ** 2 * b
        if kind == 4:
            return math.exp(-(a**2) / 2) / math.sqrt(2 * math.pi)
        if kind == 5:
            return math.log(self.inside(a, 0.1, 50) / self.inside(b, 0.1, 50)) * a
        if kind == 6:
            return 1 - math.tanh(a * b) ** 2
        return math.exp(self.inside(a * b, -3, 3)) / self.inside(b, 0.1, 50)

    def choice(self) -> Expr:
        """A kink now and then."""
        a, b = self.pick(), self.pick()
        if not self.kinks:
            return a * b + a
        kind = self.rng.randrange(5)
        if kind == 0:
            return math.where(a < b, a * b, math.sin(a))
        if kind == 1:
            return math.where((a > 0) & (b > 1), math.sqrt(self.inside(a, 0.1, 9)), b**2)
        return (math.max(a, b), math.min(a, b), abs(a) * b)[kind - 2]

    def grow(self) -> bool:
        """Add a part; whether one was found."""
        kinds: Sequence[Callable[[], Expr]] = (
            *(self.row, self.row, self.row, self.sum, self.sum, self.product, self.product),
            *(self.power, self.squares, self.distance, self.linear, self.linear, self.constant),
            *(self.exponential, self.choice),
        )
        for _ in range(30):
            made = self.rng.choice(kinds)()
            if self.moderate(made):
                self.pool.append(made)
                return True
        return False


def random_problem(seed: int) -> Problem:
    """The random problem of a seed."""
    rng = random.Random(seed)
    inputs = tuple(f"x{j}" for j in range(rng.choice((1, 2, 2, 3, 3, 4))))
    parameters = tuple(f"k{j}" for j in range(rng.choice((0, 0, 0, 1, 2))))
    low, high = rng.choice(((0.2, 2.5), (0.2, 2.5), (-2.0, 2.0), (0.05, 0.95)))
    names = inputs + parameters
    points = tuple(tuple(rng.uniform(low, high) for _ in names) for _ in range(2))
    with mpmath.workdps(20):
        maker = Maker(rng, names, points)
        for _ in range(rng.choice((2, 3, 3, 4, 5, 7))):
            if not maker.grow():
                break
        count = rng.choice((1, 1, 1, 2, 3))
        outputs = []
        for _ in range(count):
            top = maker.pool[-1 - rng.randrange(min(3, len(maker.pool)))]
            kind = rng.random()
            if kind < 0.3:
                top = top + maker.number() * maker.pick()
            elif kind < 0.5:
                top = top * maker.pick()
            outputs.append(top)
    wrt = inputs
    if parameters and rng.random() < 0.3:
        wrt = (*inputs, parameters[0])
    elif len(inputs) > 1 and rng.random() < 0.1:
        wrt = inputs[1:]
    order = rng.choice((0, 1, 1, 1, 2, 2, 2, 2, 3, 3))
    return Problem(seed, tuple(outputs), inputs, parameters, wrt, order, points)


def special_points(problem: Problem) -> list[tuple[float, ...]]:
    """Points at which some inputs are 0, 1, -1 or equal to each other."""
    rng = random.Random(problem.seed)
    first = problem.points[0]
    found = []
    for value in (0.0, 0.0, 1.0, -1.0):
        which = rng.randrange(len(first))
        found.append(tuple(value if j == which else v for j, v in enumerate(first)))
    found.append(tuple([0.0] * len(first)))
    found.append(tuple([first[0]] * len(first)))
    return found
