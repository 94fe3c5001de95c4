"""Multiplied out: the same values, what cancels gone, what is too long left alone."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest

from symgrad.functions import math
from symgrad.ir.expression import Expr, variables
from symgrad.simplify.polynomials import MOST_TERMS, Polynomial, combine, expand, is_near
from tests.expressions import CORPUS, Case, close, in_mpmath, random_case, system_of

x, y, z = variables("x y z")
v = variables("v", 12)
POINT = {"x": "0.7", "y": "-1.3", "z": "2.1"}


def expanded(expr: Expr, names: tuple[str, ...] = ("x", "y", "z")) -> Polynomial:
    system = system_of(expr, names)
    (node,) = system.outputs.nodes
    return expand(system.graph, [node])[node]


def difference(a: Expr, b: Expr) -> Polynomial:
    """The polynomial of ``a - b``, made of the two apart."""
    system = system_of([a, b], ("x", "y", "z"))
    first, second = system.outputs.nodes
    known = expand(system.graph, [first, second])
    return combine(known[first], known[second], -1)


@pytest.mark.parametrize(
    "case", [*CORPUS, *map(random_case, range(10))], ids=lambda case: case.name
)
def test_a_polynomial_is_its_node(case: Case, digits: int) -> None:
    system = case.system()
    (point, *_) = case.points(1)
    known = expand(system.graph, system.outputs.nodes)
    atoms = sorted({atom for p in known.values() for monomial in p for atom, _ in monomial})
    values = dict(zip(atoms, in_mpmath(system.graph, atoms, point), strict=True))
    wanted = in_mpmath(system.graph, system.outputs.nodes, point)
    for node, value in zip(system.outputs.nodes, wanted, strict=True):
        terms = []
        for monomial, c in known[node].items():
            powers = [
                mpmath.power(values[a], mpmath.mpf(e.numerator) / e.denominator)
                for a, e in monomial
            ]
            number = Fraction(c)
            terms.append(mpmath.fprod([mpmath.mpf(number.numerator) / number.denominator, *powers]))
        assert close(mpmath.fsum(terms), value, 1e-13)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((x + y) ** 2, x**2 + 2 * x * y + y**2),
        ((x + y) * (x - y), x**2 - y**2),
        (x * (y + z) / x, y + z),
        ((x + y) / math.sqrt(z) * math.sqrt(z), x + y),
        ((x + y) / (y * math.sqrt(2 * z)) * (x / math.sqrt(2 * z)), (x + y) * x / (2 * y * z)),
        (math.sqrt(x + y) ** 2 * z, x * z + y * z),
        ((x + y) ** Fraction(3, 2) / math.sqrt(x + y), x + y),
        ((x * 0.7071067811865475) ** 2, x**2 / 2),
    ],
    ids=str,
)
def test_what_is_the_same_cancels(one: Expr, other: Expr) -> None:
    assert difference(one, other) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (math.sqrt(x**2), x),
        (math.sqrt(x * y), math.sqrt(x) * math.sqrt(y)),
        (x**2 / 2, x**2 * 0.5000000001),
        (1 / (x + y), 1 / x + 1 / y),
    ],
    ids=str,
)
def test_what_differs_stays(one: Expr, other: Expr) -> None:
    assert difference(one, other) != {}


def test_what_is_long_is_an_atom() -> None:
    long = (v[0] + v[1] + v[2] + v[3]) ** 4 * (v[4] + v[5] + v[6] + v[7]) ** 4
    names = tuple(f"v{k}" for k in range(12))
    assert len(expanded(long, names)) == 1
    assert len(expanded(sum(v[1:], v[0]) ** 2, names)) == 1  # 78 terms
    assert len(expanded(sum(v[1:10], v[0]) ** 2, names)) == 55 <= MOST_TERMS
    assert len(expanded((x + y) ** 9)) == 1


def test_numbers_are_near_where_rounding_parts_them() -> None:
    assert is_near(0.1 + 0.2, 0.3)
    assert is_near(Fraction(1, 3), 1 / 3)
    assert not is_near(Fraction(1, 3), Fraction(33333333333333333, 10**17))
    assert not is_near(1.0, 1.0 + 1e-14)
    assert not is_near(0.0, 1e-300)
    assert not is_near(float("nan"), 1.0)
