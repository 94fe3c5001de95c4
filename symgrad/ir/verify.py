"""The invariants of Graph and Program as code: run between stages in tests, not in production."""

from __future__ import annotations

from fractions import Fraction

from symgrad.errors import InvariantError
from symgrad.ir.expression import NAMED_CONSTANTS
from symgrad.ir.graph import LEAVES, Graph
from symgrad.ir.program import ARITHMETIC_OPS, CONDITION_OPS, Program

ARITY = {"add": 2, "sub": 2, "mul": 2, "div": 2, "neg": 1, "sqrt": 1, "store": 1}


def _require(holds: bool, where: str, what: str) -> None:
    if not holds:
        raise InvariantError(f"{where}: {what}")


def verify_graph(graph: Graph) -> None:
    """Check every node of a Graph.

    Raises:
        InvariantError: names the node and the rule that it breaks.
    """
    numbers = (int, Fraction, float)
    seen = set()
    for node, (op, args, data) in enumerate(zip(graph.ops, graph.args, graph.data, strict=True)):
        where = f"node {node} ({op})"
        _require(all(0 <= a < node for a in args), where, "arguments must come before it")
        if op in LEAVES:
            _require(not args, where, "a leaf has no arguments")
        if op == "constant":
            _require(type(data) in numbers, where, f"{data!r} is no number")
            _require(type(data) is not Fraction or data.denominator > 1, where, "is a whole number")
        elif op == "named":
            _require(data in NAMED_CONSTANTS, where, f"{data!r} is no named constant")
        elif op == "boolean":
            _require(type(data) is bool, where, f"{data!r} is no truth value")
        elif op == "symbol":
            _require(isinstance(data, str), where, f"{data!r} is no name")
        elif op in ("sum", "product"):
            pairs = data[1] if op == "sum" else data
            _require(list(args) == sorted(set(args)), where, "nodes must increase")
            _require(len(pairs) == len(args) > 0, where, "one number a node")
            for number in pairs:
                _require(type(number) in numbers, where, f"{number!r} is no number")
                _require(type(number) is not int or number != 0, where, "a term is exactly zero")
                _require(op == "sum" or type(number) is not float, where, "a float exponent")
            for argument in args:
                kind = graph.ops[argument]
                if op == "sum":
                    _require(kind != "constant", where, "a constant belongs into c0")
        else:
            row = graph.table.get(op)
            _require(row is not None, where, "has no row in the table")
            assert row is not None
            _require(len(args) == row.arity, where, f"takes {row.arity} arguments")
        key = (op, args, repr(data))
        _require(key not in seen, where, "stands twice")
        seen.add(key)


def verify_program(program: Program) -> None:
    """Check every instruction of a Program, and that each result entry is stored once.

    Raises:
        InvariantError: names the instruction and the rule that it breaks.
    """
    code = program.code
    stored = [[False] * result.size for result in program.results]
    for index, (op, args, data) in enumerate(code):
        where = f"instruction {index} ({op})"
        _require(all(0 <= a < index for a in args), where, "arguments must come before it")
        _require(all(code[a].op != "store" for a in args), where, "a store has no value")
        _require(len(args) == ARITY.get(op, len(args)), where, "wrong number of arguments")
        if op == "load":
            group, column = data
            _require(
                0 <= group < len(program.groups)
                and 0 <= column < len(program.groups[group].columns),
                where,
                f"there is no column {data}",
            )
        elif op == "store":
            result, position = data
            _require(not stored[result][position], where, f"entry {data} is stored twice")
            stored[result][position] = True
        elif op == "constant":
            _require(type(data) is float, where, f"{data!r} is no float")
        conditions = [code[a].op in CONDITION_OPS for a in args]
        if op in ("and", "or", "not"):
            _require(all(conditions), where, "takes conditions")
        elif op == "select":
            _require(conditions[0], where, "its first argument is a condition")
        elif op in ARITHMETIC_OPS or op == "store":
            _require(not any(conditions), where, "a condition is no number")
    for result, entries in zip(program.results, stored, strict=True):
        _require(all(entries), f"result {result.name!r}", "not every entry is stored")
    _require(program.pieces[0] == 0, "pieces", "the first piece starts at 0")
    _require(list(program.pieces) == sorted(set(program.pieces)), "pieces", "must increase")
