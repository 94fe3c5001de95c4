"""Levels: one reverse sweep an output, forward sweeps for the next order."""

from __future__ import annotations

import pytest

from symgrad.differentiate import levels
from symgrad.differentiate.levels import Level, jacobian_by_rows, next_level
from symgrad.errors import LimitError
from symgrad.functions import math
from symgrad.ir.expression import variables
from symgrad.ir.system import System
from tests.expressions import system_of

x, y, z = variables("x y z")


def start(system: System) -> tuple[Level, list[int]]:
    wrt = [system.graph.symbol(name) for name in system.wrt]
    return {(): dict(enumerate(system.outputs.nodes))}, wrt


def test_both_sweeps_make_the_same_first_level() -> None:
    system = system_of([x * y, 3 * z, x + 0 * y], ("x", "y", "z"))
    level, wrt = start(system)
    graph = system.graph
    a, b, one, three = graph.symbol("x"), graph.symbol("y"), graph.constant(1), graph.constant(3)
    expected = {(0,): {0: b, 2: one}, (1,): {0: a}, (2,): {1: three}}
    assert jacobian_by_rows(graph, system.outputs.nodes, wrt) == expected
    assert next_level(graph, level, wrt) == expected


def test_multi_indices_never_increase_and_zeros_are_absent() -> None:
    system = system_of([x**2 * y, z], ("x", "y", "z"))
    level, wrt = start(system)
    graph = system.graph
    second = next_level(graph, next_level(graph, level, wrt), wrt)
    two_y, two_x = graph.add_all([2 * y, 2 * x])
    assert second == {(0, 0): {0: two_y}, (1, 0): {0: two_x}}
    assert next_level(graph, next_level(graph, second, wrt), wrt) == {}


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "MAX_ENTRIES", 2)
    system = system_of(math.exp(x * y * z), ("x", "y", "z"))
    level, wrt = start(system)
    with pytest.raises(LimitError, match="more than 2 distinct entries"):
        next_level(system.graph, level, wrt)
