"""Rewrites of sums of exponentials, even powers and limits, and what they must leave alone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from symgrad.functions import PRIMITIVES, math
from symgrad.ir.convert import to_exprs
from symgrad.ir.expression import Expr, symbol, variables, wrap
from symgrad.ir.graph import Graph
from symgrad.ir.system import Tensor
from symgrad.ir.text import write
from symgrad.ir.traverse import reachable
from symgrad.simplify.digits.forms import FORMS, factors, flattened, terms
from symgrad.simplify.rewrite import simplify
from tests.expressions import CORPUS, close, in_mpmath
from tests.limits import errors, is_left_alone

x, y, z = variables("x y z")


def rewritten(expr: Expr, level: str = "all", *, primal: bool = True) -> tuple[Graph, int]:
    graph = Graph(PRIMITIVES)
    node = graph.add(wrap(expr))
    made, (tensor,) = simplify(graph, [Tensor("value", (), (node,))], level, primal=primal)
    return made, tensor.nodes[0]


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (math.log(math.exp(x) + math.exp(y)), math.logaddexp(x, y)),
        (math.log(2 + math.exp(x)), math.logaddexp(math.log(2), x)),
        (math.log(math.exp(x) + 3 * math.exp(y)), math.logaddexp(x, y + math.log(3))),
        (math.log(math.exp(x) + math.exp(y) + math.exp(z)), math.logaddexp(x, y, z)),
        (math.log(1 + math.exp(x)), math.softplus(x)),
        (math.sqrt(x**2), abs(x)),
        ((x**2) ** 1.5, abs(x) ** 3),
        (math.sqrt(x**4), x**2),
        ((x**2) ** 0.75, math.abs_pow(x, Fraction(3, 2))),
        (((x - 1) ** 2) ** 0.3, math.abs_pow(x - 1, 0.6)),
        (((x - 1) ** 2) ** y, math.abs_pow(x - 1, 2 * y)),
        (abs(x) ** y, math.abs_pow(x, y)),
        (abs(x) ** 2, x**2),
        (abs(x) ** 2.5, math.abs_pow(x, Fraction(5, 2))),
        (math.sqrt(4 * x**2 * y**4), 2 * y**2 * abs(x)),
        (math.where(math.ne(x, 0), math.sinc(x), 1), math.sinc(x)),
        (math.where(math.eq(x, 0), 1, math.sinc(x)), math.sinc(x)),
        (math.where(math.ne(x, 0), y * math.sin(2 * x) / x, 2 * y), 2 * y * math.sinc(2 * x)),
        (math.where(math.ne(x, 0), math.cosc(x), 0.5), math.cosc(x)),
        (math.where(math.ne(x * y, 0), math.sinc(x * y), 1), math.sinc(x * y)),
        (3 * math.sin(x) / x, 3 * math.sinc(x)),
        (math.sin(x * y) / x, y * math.sinc(x * y)),
        (math.sin(0.3 * x) / (0.3 * x), math.sinc(0.3 * x)),
        (math.sin(x) ** 2 / x**2, math.sinc(x) ** 2),
        ((1 - math.cos(x)) / x**2, math.cosc(x)),
        ((1 - math.cos(3 * x)) / x**2, 9 * math.cosc(3 * x)),
        (math.exp(-x) / (1 + math.exp(-x)) ** 2, math.sigmoid(x) * math.sigmoid(-x)),
        (3 - 3 * math.exp(x), -3 * math.expm1(x)),
        (math.exp(x + y) * math.expint_e1(x), math.exp(y) * math.expint_e1e(x)),
        (0.5 * math.exp(x) - 0.5, 0.5 * math.expm1(x)),
        (math.log(1 + x - y), math.log1p(x - y)),
        (math.exp(x**2) * math.erfc(x), math.erfcx(x)),
        (y * math.exp(4 * x**2) * (1 + math.erf(2 * x)), y * math.erfcx(-2 * x)),
        (math.exp(x**2 / 2) * math.erfc(x / math.sqrt(2)), math.erfcx(x / math.sqrt(2))),
        (
            math.exp(y + z * x**2) * math.erfc(math.sqrt(z) * x),
            math.exp(y) * math.erfcx(math.sqrt(z) * x),
        ),
        (1 / (math.exp(x**2) * math.erfc(x)), 1 / math.erfcx(x)),
        (math.exp(-(x**2)) * math.erfi(x), 2 / math.sqrt(math.pi) * math.dawson(x)),
        (math.log(math.exp(x) - math.exp(y)), x + math.log1mexp(y - x)),
        (math.log(-math.exp(x) + math.exp(y)), y + math.log1mexp(x - y)),
        (
            math.log(abs(math.exp(x) - math.exp(y))),
            math.max(x, y) + math.log1mexp(-abs(x - y)),
        ),
        (math.gamma(x + 0.5) / math.gamma(x), math.rising_factorial(x, 0.5)),
        (
            math.gamma((x + 1) / 2) / math.gamma(x / 2),
            math.rising_factorial(x / 2, Fraction(1, 2)),
        ),
        (math.gamma(x) / math.gamma(x + 2), x**-1 * (x + 1) ** -1),
        (y * math.gamma(x + 2) ** 2 / math.gamma(x), y * math.gamma(x + 2) * (x * (x + 1))),
        (math.rising_factorial(x, 3), x * (x + 1) * (x + 2)),
        (math.rising_factorial(x, 0), wrap(1)),
        (math.rising_factorial(x, -2), (x - 2) ** -1 * (x - 1) ** -1),
        (math.binomial(x, 3), x * (x - 1) * (x - 2) / 6),
        (math.log(math.erfc(x) / 2), math.log_ndtr(-math.sqrt(2) * x)),
        (math.log((1 + math.erf(x / math.sqrt(2))) / 2), math.log_ndtr(x)),
        (math.log(3 * math.erfc(x)), math.log_ndtr(-math.sqrt(2) * x) + math.log(6)),
    ],
)
def test_rewritten(expr: Expr, expected: Expr) -> None:
    graph, node = rewritten(expr)
    again, there = rewritten(expected, "exact")
    (got,), (wanted,) = to_exprs(graph, [node]), to_exprs(again, [there])
    assert graph.add(got) == graph.add(wanted)


@pytest.mark.parametrize(
    "expr",
    [
        math.log(math.exp(x) + y),
        math.log(math.exp(x) - 2),
        math.log(-math.exp(x) - math.exp(y)),
        math.log(math.exp(x) - math.exp(y) + z),
        math.exp(x**2) * math.erfc(y),
        math.exp(x) * math.erfc(x),
        math.log(-math.erfc(x)),
        math.gamma(x) / math.gamma(y),
        math.gamma(x) * math.gamma(x + 1),
        math.rising_factorial(x, 0.5),
        math.binomial(x, y),
        math.binomial(x, -1),
        math.log(math.exp(x - math.max(x, y)) + math.exp(y - math.max(x, y))),
        math.logaddexp(x, y, z),
        x**1.5,
        (x**3) ** 0.3,
        abs(x) ** 3,
        math.sqrt(x**2 + y**2),
        math.where(math.ne(x, 0), math.sinc(x), 2),
        math.where(math.ne(x, 1), math.sinc(x), 1),
        math.where(math.ne(y, 0), math.sinc(x), 1),
        math.where(math.ne(x, 0), math.sinc(x) * math.cos(x), 1),
        math.where(x > 0, math.sinc(x), 1),
        math.sin(x) * x,
        math.sin(x) / y,
        math.exp(x) + y - 1,
        math.exp(x) - 2,
        1 / (2 + math.exp(x)),
    ],
)
def test_left_alone(expr: Expr) -> None:
    graph, node = rewritten(expr)
    assert node == graph.add(wrap(expr))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.apply.__name__)
def test_forms_wait_for_their_level_and_for_formulas(form: object) -> None:
    for expr in (math.sqrt(x**2), math.log(math.exp(x) + math.exp(y)), abs(x) ** y):
        for made, node in (rewritten(expr, "exact"), rewritten(expr, primal=False)):
            assert node == made.add(wrap(expr)), form


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_values_stay(case: object, digits: int) -> None:
    system = case.system()  # type: ignore[attr-defined]
    made, (kept,) = simplify(system.graph, [system.outputs], "all", primal=True)
    for point in case.points(2, seed=7):  # type: ignore[attr-defined]
        before = in_mpmath(system.graph, system.outputs.nodes, point)
        for one, other in zip(before, in_mpmath(made, kept.nodes, point), strict=True):
            assert close(one, other, 1e-30)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_twice_changes_nothing(case: object) -> None:
    system = case.system()  # type: ignore[attr-defined]
    graph, tensors = simplify(system.graph, [system.outputs], "all", primal=True)
    graph, tensors = simplify(graph, tensors, "all", primal=True)  # numbers the nodes anew
    twice, again = simplify(graph, tensors, "all", primal=True)
    assert write(twice, {"value": again[0].nodes}) == write(graph, {"value": tensors[0].nodes})


def test_long_sums_and_products() -> None:
    total, product = wrap(0), wrap(1)
    for index in range(4000):
        part = symbol(f"v{index}")
        total, product = total + math.exp(part), product * math.sin(part)
    graph, node = rewritten(math.log(1 + total) + product / x)
    needed = [graph.ops[part] for part in reachable(graph, [node])]
    assert (needed.count("exp"), needed.count("detach"), needed.count("sin")) == (4001, 1, 4000)


def test_factors() -> None:
    graph = Graph(PRIMITIVES)
    node, first, second = graph.add_all([-3 * x**2 / y, x, y])
    assert factors(graph, node) == (-3, {first: 2, second: -1})
    assert factors(graph, first) == (1, {first: 1})
    assert factors(graph, graph.constant(7)) == (7, {})


def test_flattened() -> None:
    graph = Graph(PRIMITIVES)
    flat, nested, *parts = graph.add_all([x**2 / y, z * (x**2 / y), x, y, z])
    first, second, third = parts
    assert flattened(graph, flat) == {first: 2, second: -1}
    assert flattened(graph, nested) == {first: 2, second: -1, third: 1}
    assert flattened(graph, first) == {first: 1}


def test_sums_of_no_sums_keep_their_numbers() -> None:
    graph = Graph(PRIMITIVES)
    node, first, second = graph.add_all([0.5 + 2 * x - 0.25 * y, x, y])
    assert terms(graph, node) == (0.5, {first: 2, second: -0.25})


def test_sums_that_others_share_are_taken_apart_once() -> None:
    """There are Fibonacci(90) ways down to the first two terms of a linear recurrence."""
    graph = Graph(PRIMITIVES)
    before, last = math.sin(x), math.exp(y)
    fibonacci = [0, 1]
    for _ in range(90):
        before, last = last, before + last
        fibonacci.append(fibonacci[-2] + fibonacci[-1])
    node = graph.add(last + 3)
    assert terms(graph, node) == (
        3,
        {graph.add(math.sin(x)): fibonacci[-2], graph.add(math.exp(y)): fibonacci[-1]},
    )


def test_no_more_terms_are_looked_for_than_asked() -> None:
    graph = Graph(PRIMITIVES)
    total = wrap(1)
    for k in range(50):
        total = total + math.sin((k + 1) * x)
    assert len(terms(graph, graph.add(total))[1]) == 50
    assert 3 < len(terms(graph, graph.add(total), 3)[1]) < 10
    assert terms(graph, graph.add(x), 0) == (0, {graph.add(x): 1})


def test_exponentials_that_hold_a_part_of_a_tail() -> None:
    """As of Ogata and Banks' transport of solutes and of exponentially modified Gaussians."""
    points = [(30.0, 30.0), (0.5, 0.75), (0.5, -3.0), (0.5, -0.5)]
    assert np.max(errors("exp(x*y)*erfc((x + y)/2)", points)) <= 1e-9
    assert is_left_alone(math.exp(-x * y) * math.erfc((x - y) / 2))


def test_exponential_integrals_beside_exponentials() -> None:
    assert np.max(errors("y*exp(x)*expint(1, x)", [(40.0, 2.0), (800.0, 2.0)])) <= 1e-10
