"""The choice of a sweep: the cheaper one on clear cases, and never a different result."""

from __future__ import annotations

from typing import Any

import pytest

from symgrad.differentiate import mode as module
from symgrad.differentiate.mode import choose_mode
from symgrad.functions import math
from symgrad.ir.expression import Expr, variables
from symgrad.ir.system import System
from symgrad.ir.traverse import reachable
from tests.expressions import CORPUS, close, in_mpmath, system_of, tensor_of

x, y = variables("x y")


def wide() -> System:
    """One output, many inputs."""
    v = variables("v", 30)
    total: Expr = math.sin(v[0])
    for other in v[1:]:
        total = math.sin(total * other) + other
    return system_of(total, tuple(f"v{i}" for i in range(30)))


def tall() -> System:
    """Many outputs, one input."""
    outputs = []
    value = x
    for _ in range(30):
        value = math.sin(value) * y
        outputs.append(value)
    return system_of(outputs, ("x",))


def chosen(system: System) -> str:
    wrt = [system.graph.symbol(name) for name in system.wrt]
    return choose_mode(system.graph, system.outputs.nodes, wrt)


def test_one_output_of_many_inputs_is_reverse() -> None:
    assert chosen(wide()) == "reverse"


def test_many_outputs_of_one_input_are_forward() -> None:
    assert chosen(tall()) == "forward"


@pytest.mark.parametrize(("make", "expected"), [(wide, "reverse"), (tall, "forward")])
def test_huge_graphs_are_decided_by_the_ratio(
    make: Any, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MASK_BITS", 10)
    assert chosen(make()) == expected


@pytest.mark.parametrize("make", [wide, tall])
def test_the_choice_is_the_smaller_graph(make: Any) -> None:
    sizes = {}
    for mode in ("forward", "reverse"):
        system = make()
        sizes[mode] = len(reachable(system.graph, tensor_of(system, 1, mode).nodes))
    assert chosen(make()) == min(sizes, key=sizes.__getitem__)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_both_modes_give_the_same_numbers(case: Any, digits: int) -> None:
    point = case.points(1, seed=13)[0]
    results = []
    for mode in ("forward", "reverse", None):
        system = case.system()
        tensor = tensor_of(system, 2, mode)  # type: ignore[arg-type]
        results.append(in_mpmath(system.graph, tensor.nodes, point))
    for values in zip(*results, strict=True):
        assert close(values[0], values[1], 1e-30), case.name
        assert close(values[0], values[2], 1e-30), case.name


def test_constant_outputs_and_unused_inputs() -> None:
    assert chosen(system_of([x * 0 + 3], ("x",))) in ("forward", "reverse")
    system = system_of([math.sin(x)], ("x", "y"))
    assert [system.graph.is_zero(node) for node in tensor_of(system, 1).nodes] == [False, True]
