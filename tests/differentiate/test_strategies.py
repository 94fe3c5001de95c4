"""Every strategy gives the derivatives that the sweeps give, or says that it does not apply."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from symgrad.differentiate.levels import Level
from symgrad.differentiate.strategies import STRATEGIES, sweeps
from symgrad.functions import math
from symgrad.ir.expression import variables
from symgrad.ir.system import System, Tensor
from symgrad.ir.traverse import reachable
from symgrad.ir.verify import verify_graph
from tests.expressions import CORPUS, close, in_mpmath, system_of

x, y, z = variables("x y z")
BUDGET = 100_000


def levels_by(name: str, system: System, order: int) -> list[Level] | None:
    wrt = [system.graph.symbol(symbol) for symbol in system.wrt]
    return STRATEGIES[name](system.graph, system.outputs.nodes, wrt, order, BUDGET)


def values(system: System, found: list[Level], point: Any) -> list[Any]:
    n, rows = len(system.wrt), len(system.outputs.nodes)
    zero = system.graph.constant(0)
    nodes = [
        level.get(tuple(sorted(index, reverse=True)), {}).get(row, zero)
        for order, level in enumerate(found)
        for row in range(rows)
        for index in product(range(n), repeat=order)
    ]
    return list(in_mpmath(system.graph, nodes, point))


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", STRATEGIES)
def test_agrees_with_forward_sweeps(name: str, order: int, digits: int) -> None:
    applied = 0
    for case in CORPUS[:: 3 if order == 3 else 1]:
        system = case.system()
        found = levels_by(name, system, order)
        if found is None:
            continue
        applied += 1
        verify_graph(system.graph)
        assert len(found) == order + 1
        expected = levels_by("forward", system, order)
        assert expected is not None
        point = case.points(1, seed=3)[0]
        pairs = zip(values(system, found, point), values(system, expected, point), strict=True)
        assert all(close(one, other, 1e-12) for one, other in pairs), case.name
    if not (name.startswith("pushing") and order == 1) and name != "separable":
        assert applied or (name == "swept elimination" and order == 1)


def test_sweeps_stop_at_the_budget() -> None:
    system = system_of(math.exp(math.sin(x * y) * z), ("x", "y", "z"))
    wrt = [system.graph.symbol(name) for name in system.wrt]
    assert sweeps(system.graph, system.outputs.nodes, wrt, 4, 5) is None


@pytest.mark.parametrize(
    "name", [n for n in STRATEGIES if n not in ("sweeps", "forward", "reverse")]
)
def test_branches_are_left_to_the_sweeps(name: str) -> None:
    system = system_of(math.where(x > 0, math.sqrt(x), x) * y, ("x", "y"))
    assert levels_by(name, system, 2) is None


def test_sweeps_choose_the_cheaper_mode() -> None:
    wide = system_of(math.sin(x * y * z), ("x", "y", "z"))
    tall = system_of([math.sin(x) * k for k in range(1, 9)], ("x",))
    for system in (wide, tall):
        sizes = {}
        for name in ("sweeps", "forward", "reverse"):
            found = levels_by(name, system, 1)
            assert found is not None
            nodes = [node for column in found[1].values() for node in column.values()]
            sizes[name] = len(reachable(system.graph, nodes))
        assert sizes["sweeps"] == min(sizes.values())


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("name", STRATEGIES)
def test_functions_of_a_product(name: str, flat: bool, digits: int) -> None:
    # In a flat graph the partials of erf(q), q = sin(x)*y, name sin(x) and y but not q.
    expr = math.erf(math.sin(x) * y) + math.tanh(math.sqrt(1 + x**2) * y) * math.sin(x) * y
    system = system_of(expr, ("x", "y"))
    system.graph.flat = flat
    node = system.graph.add(expr)
    system = System(system.graph, ("x", "y"), (), ("x", "y"), Tensor("value", (), (node,)), ("",))
    found = levels_by(name, system, 3)
    expected = levels_by("forward", system, 3)
    assert found is not None or name == "separable"
    assert expected is not None
    point = {"x": 0.92, "y": -0.1156}
    for one, other in zip(
        values(system, found or expected, point), values(system, expected, point), strict=True
    ):
        assert close(one, other, 1e-12)
