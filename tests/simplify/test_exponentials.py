"""Exponentials that meet: the same values in fewer exponentials, and what cancels cancels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad import api, signatures
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.evaluate import evaluate, mpmath_arithmetic, numpy_arithmetic, run
from symgrad.ir.expression import Expr, variables
from symgrad.ir.graph import Graph
from symgrad.ir.program import Program
from symgrad.ir.system import Request
from symgrad.ir.traverse import reachable
from symgrad.ir.verify import verify_graph
from symgrad.options import Options
from symgrad.portfolio import weighted
from symgrad.simplify.exponentials import (
    makes_exponentials,
    relate_exponentials,
    unfold_squares,
)
from symgrad.simplify.relations import EXPONENTIALS
from tests.expressions import (
    CORPUS,
    Case,
    close,
    in_mpmath,
    random_case,
    system_of,
    tensor_of,
)

S, K, r, s, t, x, y, a = variables("S K r s t x y a")
exp, log = math.exp, math.log


def call(rate: Expr | int = r, root: Any = math.sqrt) -> Expr:
    """The price of a European call (Black and Scholes 1973)."""
    width = s * root(t)
    above = (log(S / K) + (rate + s**2 / 2) * t) / width

    def normal(z: Expr) -> Expr:
        return (1 + math.erf(z / math.sqrt(2))) / 2

    return S * normal(above) - K * exp(-rate * t) * normal(above - width)


OPTION = "S K r s t"
LOW = np.array([90, 90, 0.01, 0.2, 0.25])
HIGH = np.array([110, 110, 0.05, 0.5, 2.0])

FORMULAS: dict[str, tuple[Expr, str]] = {
    "option": (call(), OPTION),
    "exchange": (
        S * math.erfc(-(log(S / K) + s**2 * t / 2) / (s * math.sqrt(2 * t)))
        - K * math.erfc(-(log(S / K) - s**2 * t / 2) / (s * math.sqrt(2 * t))),
        "S K s t",
    ),
    "Morse": (a * (exp(-2 * s * (x - y)) - 2 * exp(-s * (x - y))), "a s x y"),
    "Arrhenius": (
        exp(-x / (r * t)) * s - exp(-(x + y) / (r * t)) * a + exp(-y / (r * t)) * K,
        "x y r t s a K",
    ),
    "tilted": (exp(-((x - y) ** 2) / 2) + exp(-(x**2) / 2) * exp(x * y - y**2 / 2) * a, "x y a"),
    "sinh": ((exp(x * y) - exp(-x * y)) / 2, "x y"),
    "gamma": (exp(2 * log(x) - x * a) + exp(-x * a), "x a"),
}


def program(outputs: Expr, inputs: str, orders: Sequence[int], **chosen: Any) -> Program:
    options = Options(**chosen)
    parsed = api.parse(outputs, inputs)
    requests = [Request(f"d{order}", "tensor", order) for order in orders]
    recipe = api.make_recipe(parsed, requests, options)
    return api.derive_program(recipe, options, signatures.argument_groups(recipe))[2]


@pytest.mark.parametrize(
    "case", [*CORPUS, *map(random_case, range(10))], ids=lambda case: case.name
)
@pytest.mark.parametrize("share", [0.0, 1e9], ids=["apart", "met"])
def test_values_stay(case: Case, share: float, digits: int) -> None:
    system = case.system()
    tensors = [system.outputs, tensor_of(system, 1), tensor_of(system, 2)]
    made, _ = relate_exponentials(system.graph, tensors, share)
    verify_graph(system.graph)
    for point in case.points(2):
        for before, after in zip(tensors, made, strict=True):
            wanted = in_mpmath(system.graph, before.nodes, point)
            for got, value in zip(in_mpmath(system.graph, after.nodes, point), wanted, strict=True):
                assert close(got, value, 1e-13)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("orders", [(0, 1), (1, 2), (0, 3)], ids=str)
def test_derivatives_stay(name: str, orders: tuple[int, ...], digits: int) -> None:
    formula, inputs = FORMULAS[name]
    made = program(formula, inputs, orders)
    system = system_of(formula, tuple(inputs.split()))
    point = {n: mpmath.mpf(7 + 3 * k) / 10 for k, n in enumerate(inputs.split())}
    got = run(made, PRIMITIVES, [list(point.values())], mpmath_arithmetic())
    for order, values in zip(orders, got, strict=True):
        nodes = system.outputs.nodes if order == 0 else tensor_of(system, order).nodes
        wanted = evaluate(system.graph, nodes, point, mpmath_arithmetic())
        # 1/sqrt(2) is a float in the formula: what it rounds counts as 1/2.
        assert all(close(g, w, 1e-12) for g, w in zip(values, wanted, strict=True))


@pytest.mark.parametrize(
    ("name", "exponentials"),
    [("option", 2), ("exchange", 1), ("Morse", 1), ("Arrhenius", 2), ("tilted", 2), ("sinh", 1)],
)
def test_fewer_exponentials(name: str, exponentials: int) -> None:
    formula, inputs = FORMULAS[name]
    related, apart = (
        program(formula, inputs, (1,), rewrites=rewrites) for rewrites in ("all", "finite")
    )
    assert related.counts["exp"] == exponentials < sum(apart.counts[op] for op in EXPONENTIALS)
    assert weighted(related) < weighted(apart)


@pytest.mark.parametrize(("orders", "share"), [((1,), 0.7), ((2,), 0.6), ((1, 2, 3), 0.5)])
def test_what_cancels_is_not_derived_again(orders: tuple[int, ...], share: float) -> None:
    """S*phi(d1) - K*exp(-r*t)*phi(d2) = 0 leaves the greeks, and all that would be made of it."""
    related, apart = (
        program(call(), OPTION, orders, rewrites=rewrites) for rewrites in ("all", "finite")
    )
    assert related.total < share * apart.total


def errors(made: Program, points: Any, wanted: Sequence[Sequence[Any]]) -> list[float]:
    """The largest error at each point, relative to the largest entry there, in units of eps."""
    with np.errstate(all="ignore"):
        (found,) = run(made, PRIMITIVES, [list(points)], numpy_arithmetic())
    columns = np.array([np.broadcast_to(value, points.shape[1]) for value in found]).T
    assert np.isfinite(columns).all()
    return [
        max(float(abs(g - w)) for g, w in zip(row, exact, strict=True))
        / max(float(max(map(abs, exact))), 1e-290)
        * 2.0**52
        for row, exact in zip(columns.tolist(), wanted, strict=True)
    ]


def exact_greeks(order: int, points: Any) -> list[list[Any]]:
    system = system_of(call(), tuple(OPTION.split()))
    nodes = tensor_of(system, order).nodes
    return [
        evaluate(
            system.graph,
            nodes,
            dict(zip(OPTION.split(), map(mpmath.mpf, point), strict=True)),
            mpmath_arithmetic(),
        )
        for point in points.T.tolist()
    ]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_cancelling_beforehand_loses_fewer_digits(order: int, digits: int, rng: Any) -> None:
    points = rng.uniform(LOW[:, None], HIGH[:, None], (5, 60))
    wanted = exact_greeks(order, points)
    related, apart = (
        np.quantile(errors(program(call(), OPTION, (order,), rewrites=r), points, wanted), 0.9)
        for r in ("all", "finite")
    )
    assert related <= apart


@pytest.mark.parametrize("order", [1, 2])
def test_options_far_from_the_money(order: int, digits: int, rng: Any) -> None:
    """S/K from 1e-3 to 1e3 and from an hour to 30 years: finite, and as exact as without."""
    low, high = np.log([1, 1, 1e-4]), np.log([1e3, 1e3, 30])
    spot, strike, years = np.exp(rng.uniform(low[:, None], high[:, None], (3, 60)))
    rate, deviation = rng.uniform(-0.02, 0.15, 60), rng.uniform(0.05, 1, 60)
    points = np.array([spot, strike, rate, deviation, years])
    wanted = exact_greeks(order, points)
    related, apart = (
        max(errors(program(call(), OPTION, (order,), rewrites=r), points, wanted))
        for r in ("all", "finite")
    )
    assert related <= 2 * apart + 10


def test_level_of_rewriting() -> None:
    for rewrites in ("finite", "exact"):
        made = program(FORMULAS["Morse"][0], FORMULAS["Morse"][1], (1,), rewrites=rewrites)
        assert made.counts["exp"] == 2


def test_what_has_no_exponentials_is_left_alone() -> None:
    system = system_of(x**2 * math.sin(y), ("x", "y"))
    size = len(system.graph)
    assert relate_exponentials(system.graph, [system.outputs]) == ([system.outputs], False)
    assert len(system.graph) == size


@pytest.mark.parametrize(
    ("formula", "count"),
    [(x * y, 0), (math.erf(x) + exp(y), 2), (math.sin(x) + math.erfc(y), 1)],
    ids=str,
)
def test_exponentials_to_come_are_counted(formula: Expr, count: int) -> None:
    assert makes_exponentials(system_of(formula, ("x", "y")).graph) == count


@pytest.mark.parametrize("outputs", [(math.erf(x) + exp(-x * x),), (call(),)], ids=["own", "two"])
def test_squares_are_unfolded_where_others_are_multiples(outputs: Sequence[Expr]) -> None:
    names = ("S", "K", "r", "s", "t", "x")
    system = system_of(list(outputs), names)
    tensors = [tensor_of(system, order) for order in (1, 2)]
    before = [node for tensor in tensors for node in tensor.nodes]
    made = unfold_squares(system.graph, tensors)
    after = [node for tensor in made for node in tensor.nodes]
    assert _squares(system.graph, before)
    assert not _squares(system.graph, after)
    point = dict(zip(names, (1.1, 0.9, 0.05, 0.3, 0.8, 0.7), strict=True))
    for one, other in zip(
        in_mpmath(system.graph, before, point), in_mpmath(system.graph, after, point), strict=True
    ):
        assert close(one, other, 1e-12)


def test_squares_that_nothing_else_is_made_of_keep_their_digits() -> None:
    system = system_of([math.erf(x) + math.erfc(y)], ("x", "y"))
    tensor = tensor_of(system, 2)
    assert unfold_squares(system.graph, [tensor]) == [tensor]
    assert _squares(system.graph, tensor.nodes)


@pytest.mark.parametrize(("orders", "operations"), [((1,), 2), ((2,), 2), ((1, 2), 4)], ids=str)
def test_derivatives_of_erf_are_a_function_and_a_factor_each(
    orders: tuple[int, ...], operations: int
) -> None:
    assert program(math.erf(x), "x", orders).total == operations


def _squares(graph: Graph, nodes: Sequence[int]) -> bool:
    found = {graph.ops[node] for node in reachable(graph, nodes)}
    return bool(found & {"exp_minus_square", "exp_minus_square_slope"})
