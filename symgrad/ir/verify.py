"""The invariants of Graph and Program as code: run between stages in tests, not in production."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symgrad.errors import InvariantError
from symgrad.ir.expression import BOOLEAN, NAMED_CONSTANTS
from symgrad.ir.graph import CONNECTIVES, LEAVES, Graph, node_key
from symgrad.ir.program import CONDITION_OPS, Program

NUMBERS = (int, Fraction, float)
ARITY = {"add": 2, "sub": 2, "mul": 2, "div": 2, "neg": 1, "sqrt": 1, "store": 1}


def _require(holds: bool, where: str, what: str) -> None:
    if not holds:
        raise InvariantError(f"{where}: {what}")


def verify_graph(graph: Graph, *, canonical: bool = True) -> None:
    """Check every node of a Graph.

    Args:
        graph: the graph.
        canonical: whether sums and products must be canonical; after they were regrouped
            (``simplify/optimise.py``) numbers may stand among the factors of products.

    Raises:
        InvariantError: names the node and the rule that it breaks.
    """
    seen = set()
    for node, (op, args, data) in enumerate(zip(graph.ops, graph.args, graph.data, strict=True)):
        where = f"node {node} ({op})"
        _require(all(0 <= a < node for a in args), where, "arguments must come before it")
        if op in LEAVES:
            _require(not args, where, "a leaf has no arguments")
            _verify_leaf(where, op, data)
        elif op in ("sum", "product"):
            _verify_arithmetic(graph, where, op, args, data, canonical)
        else:
            row = graph.table.get(op)
            _require(row is not None, where, "has no row in the table")
            assert row is not None
            _require(len(args) == row.arity, where, f"takes {row.arity} arguments")
            _require(data is None, where, "a function has no data")
            _verify_kinds(where, op, [graph.ops[a] in BOOLEAN for a in args])
        key = (op, args, node_key(op, data))
        _require(key not in seen, where, "stands twice")
        seen.add(key)


def _verify_leaf(where: str, op: str, data: object) -> None:
    if op == "constant":
        _require(type(data) in NUMBERS, where, f"{data!r} is no number")
        whole = isinstance(data, Fraction) and data.denominator == 1
        _require(not whole, where, "is a whole number")
    elif op == "named":
        _require(data in NAMED_CONSTANTS, where, f"{data!r} is no named constant")
    elif op == "boolean":
        _require(type(data) is bool, where, f"{data!r} is no truth value")
    else:
        _require(isinstance(data, str), where, f"{data!r} is no name")


def _verify_arithmetic(
    graph: Graph, where: str, op: str, args: tuple[int, ...], data: Any, canonical: bool
) -> None:
    """The canonical form of sums and products (``ir/arithmetic.py``)."""
    numbers = data[1] if op == "sum" else data
    _require(list(args) == sorted(set(args)), where, "nodes must increase")
    _require(len(numbers) == len(args) > 0, where, "one number a node")
    for number in numbers:
        _require(type(number) in NUMBERS, where, f"{number!r} is no number")
        _require(type(number) is not int or number != 0, where, "a term is exactly zero")
        _require(op == "sum" or type(number) is not float, where, "a float exponent")
    if op == "sum":
        _require(type(data[0]) in NUMBERS, where, f"{data[0]!r} is no number")
    alone = len(args) == 1 and type(numbers[0]) is int and numbers[0] == 1
    start = data[0] if op == "sum" else 0
    _require(not alone or start != 0 or type(start) is float, where, "is its argument itself")
    for argument, number in zip(args, numbers, strict=True):
        kind = graph.ops[argument]
        _require(kind not in BOOLEAN, where, "a condition is no number")
        belongs = kind == "constant" and (op == "sum" or (canonical and type(number) is int))
        _require(not belongs, where, "a constant belongs into c0")


def _verify_kinds(where: str, op: str, conditions: list[bool]) -> None:
    """Conditions where conditions are wanted, numbers everywhere else."""
    if op in CONNECTIVES:
        _require(all(conditions), where, "takes conditions")
    elif op == "select":
        _require(conditions[0], where, "its first argument is a condition")
        _require(not any(conditions[1:]), where, "it chooses between numbers")
    else:
        _require(not any(conditions), where, "a condition is no number")


def verify_program(program: Program) -> None:
    """Check every instruction of a Program, and that each result entry is stored once.

    Raises:
        InvariantError: names the instruction and the rule that it breaks.
    """
    code = program.code
    stored = [[False] * result.size for result in program.results]
    columns = [len(group.columns) for group in program.groups]
    sizes = [result.size for result in program.results]
    for index, (op, args, data) in enumerate(code):
        where = f"instruction {index} ({op})"
        _require(all(0 <= a < index for a in args), where, "arguments must come before it")
        _require(all(code[a].op != "store" for a in args), where, "a store has no value")
        _require(len(args) == ARITY.get(op, len(args)), where, "wrong number of arguments")
        if op == "load":
            _require(_within(data, columns), where, f"there is no column {data}")
        elif op == "store":
            _require(_within(data, sizes), where, f"there is no entry {data}")
            result, position = data
            _require(not stored[result][position], where, f"entry {data} is stored twice")
            stored[result][position] = True
        elif op == "constant":
            _require(type(data) is float, where, f"{data!r} is no float")
        elif op == "boolean":
            _require(type(data) is bool, where, f"{data!r} is no truth value")
        _verify_kinds(where, op, [code[a].op in CONDITION_OPS for a in args])
    for result_spec, entries in zip(program.results, stored, strict=True):
        _require(all(entries), f"result {result_spec.name!r}", "not every entry is stored")
    pieces = program.pieces
    _require(bool(pieces) and pieces[0] == 0, "pieces", "the first piece starts at 0")
    _require(list(pieces) == sorted(set(pieces)), "pieces", "must increase")
    _require(pieces[-1] < max(len(code), 1), "pieces", "a piece starts behind the code")


def _within(place: object, sizes: Sequence[int]) -> bool:
    """Whether ``place`` is (array, position) inside arrays of these sizes."""
    if not isinstance(place, tuple) or len(place) != 2:
        return False
    array, position = place
    inside: bool = 0 <= array < len(sizes) and 0 <= position < sizes[array]
    return inside
