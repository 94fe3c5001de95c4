"""The invariants of Graph and Program as code: run between stages in tests, not in production."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from symgrad.errors import InvariantError
from symgrad.ir.expression import BOOLEAN, NAMED_CONSTANTS
from symgrad.ir.graph import CONNECTIVES, LEAVES, Graph, node_key
from symgrad.ir.program import CONDITION_OPS, PARAMETERS, Instruction, Program

NUMBERS = (int, Fraction, float)
ARITY = {"add": 2, "sub": 2, "mul": 2, "div": 2, "neg": 1, "sqrt": 1, "store": 1, "lookup": 1}


def _require(holds: bool, where: str, what: str) -> None:
    if not holds:
        raise InvariantError(f"{where}: {what}")


def verify_graph(graph: Graph, *, canonical: bool = True) -> None:
    """Check every node of a Graph.

    Args:
        graph: the graph.
        canonical: whether sums and products must be canonical; after they were regrouped
            (``simplify/regroup/optimise.py``) numbers may stand among the factors of products.

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
    columns = [len(group.columns) for group in program.groups]
    results = [(result.name, result.size) for result in program.results]
    _verify_code("", program.code, columns, results)
    known = [routine.name for routine in program.routines]
    for position, routine in enumerate(program.routines):
        where = f"routine {routine.name!r}, "
        bodies: dict[int, tuple[int, int]] = {}
        tables = len(routine.tables)
        _verify_code(where, routine.code, [routine.arity], [("value", 1)], bodies, tables=tables)
        # From the last on: a loop in a body, of a row that is written out there, comes before it.
        for number in range(len(routine.bodies) - 1, -1, -1):
            _require(number in bodies, f"routine {routine.name!r}", f"no loop has body {number}")
            states, invariants = bodies[number]
            body, inner = routine.bodies[number], dict[int, tuple[int, int]]()
            inside = f"{where}body {number}, "
            after = [("turn", states + 1)]
            columns_inside = [1 + states + invariants]
            _verify_code(inside, body, columns_inside, after, inner, (0, states), tables)
            _require(all(one < number for one in inner), inside, "it comes before a loop in it")
            bodies |= inner
        calls = {i.op for code in (routine.code, *routine.bodies) for i in code}
        late = calls & {*known[position:]}
        _require(not late, f"routine {routine.name!r}", f"{sorted(late)} must come before it")
    pieces, code = program.pieces, program.code
    _require(bool(pieces) and pieces[0] == 0, "pieces", "the first piece starts at 0")
    _require(list(pieces) == sorted(set(pieces)), "pieces", "must increase")
    _require(pieces[-1] < max(len(code), 1), "pieces", "a piece starts behind the code")
    if program.shared:
        _require(len(pieces) > 1, "pieces", "there is no piece beside the one of parameters")
        for op, _, data in code[: pieces[1]]:
            alone = op != "load" or program.groups[data[0]].name == PARAMETERS
            _require(alone and op != "store", "piece 0", "must depend on parameters alone")


def _verify_code(
    place: str,
    code: Sequence[Instruction],
    columns: Sequence[int],
    results: Sequence[tuple[str, int]],
    bodies: dict[int, tuple[int, int]] | None = None,
    going: tuple[int, int] | None = None,
    tables: int = 0,
) -> None:
    """Check straight-line code.

    Args:
        place: what messages begin with.
        code: the instructions.
        columns: of each group that is loaded.
        results: name and size of each result that is stored.
        bodies: takes the number of states and of invariants of every loop; None: there is none.
        going: the entry that is a condition, in the body of a loop.
        tables: constant tables that there are.
    """
    sizes = [size for _, size in results]
    stored = [[False] * size for size in sizes]
    for index, (op, args, data) in enumerate(code):
        where = f"{place}instruction {index} ({op})"
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
        elif op == "loop":
            _require(bodies is not None, where, "there are loops in routines alone")
            body, states, most = data
            _require(0 < states <= len(args) and most > 0, where, "needs a state and a turn")
            assert bodies is not None
            bodies[body] = (states, len(args) - states)
        elif op == "lookup":
            _require(type(data) is int and 0 <= data < tables, where, "there is no such table")
        elif op == "part":
            loop = code[args[0]]
            _require(loop.op == "loop" and 0 <= data < loop.data[1], where, "there is no such part")
        if op != "part":
            _require(all(code[a].op != "loop" for a in args), where, "a loop is taken in parts")
        conditions = [code[a].op in CONDITION_OPS for a in args]
        if op == "store" and data == going:
            _require(all(conditions), where, "whether a loop goes on is a condition")
        else:
            _verify_kinds(where, op, conditions)
    for (name, _), entries in zip(results, stored, strict=True):
        _require(all(entries), f"{place}result {name!r}", "not every entry is stored")


def _within(place: object, sizes: Sequence[int]) -> bool:
    """Whether ``place`` is (array, position) inside arrays of these sizes."""
    if not isinstance(place, tuple) or len(place) != 2:
        return False
    array, position = place
    inside: bool = 0 <= array < len(sizes) and 0 <= position < sizes[array]
    return inside
