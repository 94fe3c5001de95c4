"""Compiled templates make the nodes that interning their Exprs makes, in the same order."""

from __future__ import annotations

import pytest

from symgrad.errors import InvariantError
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import symbol, wrap
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import OUTPUT, argument_name
from symgrad.ir.template import compiled, instantiate

NUMERIC = [row for row in PRIMITIVES.values() if not row.boolean and row.name != "select"]


@pytest.mark.parametrize("row", NUMERIC, ids=lambda row: row.name)
def test_as_by_interning_the_expression(row) -> None:
    quick, general = Graph(PRIMITIVES), Graph(PRIMITIVES)
    for graph in (quick, general):
        for index in range(row.arity):
            graph.symbol(f"x{index}")
        graph.call(row.name, tuple(range(row.arity)))
    node = len(quick) - 1
    bindings = {argument_name(index): index for index in range(row.arity)} | {OUTPUT: node}
    for partial in row.partials:
        made = instantiate(quick, compiled(partial, row.arity), node)
        assert made == general.add(partial, bindings)
    assert repr((quick.ops, quick.args, quick.data)) == repr(
        (general.ops, general.args, general.data)
    )


def test_shared_parts_are_made_once() -> None:
    y = symbol(OUTPUT)
    part = y + 1
    steps, result = compiled(part * part, 1)
    assert steps == (
        ("constant", (), 1),
        ("add", (0, 2), None),
        ("multiply", (3, 3), None),
    )
    assert result == 4


def test_an_argument_needs_no_step() -> None:
    assert compiled(symbol(argument_name(1)), 2) == ((), 2)
    assert compiled(wrap(2), 1) == ((("constant", (), 2),), 2)


def test_foreign_symbols_are_refused() -> None:
    with pytest.raises(InvariantError, match="'a1'"):
        compiled(symbol("a1"), 1)
