"""Definition -> Routine: the instructions of a definition, as it is written.

Equal parts are computed once, and that is all: ``a - b`` and ``a / b`` become the instructions
that they are, powers with a small exponent squarings and square roots, rows of kind "composite"
their expansions, and constants the nearest doubles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from math import isfinite
from typing import Any

from symgrad.errors import InvariantError
from symgrad.ir.arithmetic import as_float
from symgrad.ir.definition import COUNTER, Loop, invariant_name, state_name
from symgrad.ir.expression import ARITHMETIC, MINUS_ONE, Expr, postorder
from symgrad.ir.primitive import Primitive, argument_name
from symgrad.ir.program import CONDITION_OPS, Instruction, Outside, Routine

NAMED = {
    "pi": 3.141592653589793,
    "e": 2.718281828459045,
    "euler_gamma": 0.5772156649015329,
    "golden_ratio": 1.618033988749895,
    "catalan": 0.915965594177219,
}
"""The doubles nearest to the exact constants."""

COMMUTATIVE = frozenset({"add", "mul", "eq", "ne", "and", "or"})

SQUARING_LIMIT = 64
"""Powers up to this are multiplied out; beyond it pow is faster and more exact."""

OPS = ARITHMETIC | {"boolean", "loop", "part", "lookup"}
"""Operations of a definition that are no rows."""


def routines(ops: Iterable[str], table: Mapping[str, Primitive]) -> tuple[Routine, ...]:
    """The routines among ``ops`` and all that they call, each once and before its callers.

    Raises:
        InvariantError: a definition uses a function without a row, wrongly, or calls itself.
    """
    made: dict[str, Routine] = {}
    open_: set[str] = set()
    stack = [(op, False) for op in reversed(list(dict.fromkeys(ops))) if _is_routine(op, table)]
    while stack:
        name, expanded = stack.pop()
        if name in made:
            continue
        found = routine(table[name], table)
        if expanded:
            made[name] = found
            continue
        if name in open_:
            raise InvariantError(f"the definition of {name!r} calls itself")
        open_.add(name)
        stack.append((name, True))
        code = [i.op for part in (found.code, *found.bodies) for i in part]
        callees = [op for op in dict.fromkeys(code) if _is_routine(op, table)]
        stack.extend((op, False) for op in reversed(callees))
    return tuple(made.values())


def outside(
    code: Iterable[Instruction], called: Iterable[Routine], table: Mapping[str, Primitive]
) -> tuple[Outside, ...]:
    """The users' compiled functions that code and the routines it calls need."""
    parts = [part for routine in called for part in (routine.code, *routine.bodies)]
    ops = dict.fromkeys(i.op for part in (code, *parts) for i in part)
    rows = [table[op] for op in ops if op in table and table[op].kind == "outside"]
    return tuple([Outside(row.name, row.arity, row.symbol) for row in rows])


def _is_routine(op: str, table: Mapping[str, Primitive]) -> bool:
    row = table.get(op)
    return row is not None and row.kind == "routine"


def routine(row: Primitive, table: Mapping[str, Primitive]) -> Routine:
    """The Routine of a row of kind "routine".

    Raises:
        InvariantError: its definition uses a function without a row, or wrongly.
    """
    used: dict[str, Primitive] = {}
    stack = [row]
    while stack:
        for op in _functions(stack.pop()):
            if op not in table:
                raise InvariantError(f"the definition of {row.name!r} uses {op!r}, without a row")
            if op not in used:
                used[op] = table[op]
                if table[op].expansion is not None:
                    stack.append(table[op])
    return _lowered(row, tuple(used.values()))


@cache
def _functions(row: Primitive) -> tuple[str, ...]:
    """The rows that a definition or an expansion names."""
    root = row.traced if row.expansion is None else row.expansion
    found: dict[str, None] = {}
    stack = [root]
    while stack:
        for node in postorder((stack.pop(),)):
            if isinstance(node.value, Loop):
                stack.extend((*node.value.states, node.value.going))
            if node.op not in OPS:
                found[node.op] = None
            elif node.op == "power" and _exponent(node) is None:
                found["pow"] = None
    return tuple(found)


@cache
def _lowered(row: Primitive, rows: tuple[Primitive, ...]) -> Routine:
    """The Routine of a row whose definition uses ``rows``."""
    names = [argument_name(i) for i in range(row.arity)]
    bodies: list[tuple[Instruction, ...]] = []
    tables: list[tuple[float, ...]] = []
    code = _Code(row.name, {used.name: used for used in rows}, bodies, tables)
    made = code.lower((row.traced,), names)
    return Routine(row.name, row.arity, made, tuple(bodies), tuple(tables))


class _Code:
    """The instructions of a definition or of a loop's body."""

    def __init__(
        self,
        name: str,
        rows: Mapping[str, Primitive],
        bodies: list[tuple[Instruction, ...]],
        tables: list[tuple[float, ...]],
    ) -> None:
        self.name = name
        self.rows = rows
        self.bodies = bodies
        self.tables = tables
        self.code: list[Instruction] = []
        self.numbered: dict[Any, int] = {}

    def lower(self, roots: Sequence[Expr], names: Sequence[str]) -> tuple[Instruction, ...]:
        """Code that loads what ``names`` name and stores the roots."""
        columns = {name: column for column, name in enumerate(names)}
        made = self._values(roots, columns, {})
        for position, root in enumerate(roots):
            self.code.append(Instruction("store", (made[id(root)],), (0, position)))
        return tuple(self.code)

    def _emit(self, op: str, *args: int, data: Any = None) -> int:
        """The index of the instruction, of an equal earlier one where there is one."""
        if op in COMMUTATIVE and args[0] > args[1]:
            args = (args[1], args[0])
        key = (op, args, data.hex() if type(data) is float else data)
        found = self.numbered.get(key)
        if found is None:
            found = self.numbered[key] = len(self.code)
            self.code.append(Instruction(op, args, data))
        return found

    def _number(self, value: Any) -> int:
        return self._emit("constant", data=as_float(value))

    def _values(
        self, roots: Sequence[Expr], columns: Mapping[str, int], bound: Mapping[str, int]
    ) -> dict[int, int]:
        """Where the values of the roots and of what they need are, by identity.

        Args:
            roots: what is wanted.
            columns: symbol -> the column to load.
            bound: symbol -> the value that it stands for.
        """
        made: dict[int, int] = {}
        stack = list(reversed(roots))
        while stack:
            node = stack[-1]
            missing = [a for a in _operands(node) if id(a) not in made]
            if id(node) not in made and missing:
                stack.extend(reversed(missing))
                continue
            stack.pop()
            if id(node) in made:
                continue
            if node.op == "symbol":
                name = str(node.value)
                if name not in bound and name not in columns:
                    raise InvariantError(
                        f"the definition of {self.name!r} uses the foreign symbol {name!r}"
                    )
                made[id(node)] = (
                    bound[name] if name in bound else self._emit("load", data=(0, columns[name]))
                )
            else:
                values = [made[id(argument)] for argument in _operands(node)]
                made[id(node)] = self._instructions(node, values)
        return made

    def _instructions(self, node: Expr, values: list[int]) -> int:
        """The value of a node, whose operands have ``values``."""
        op = node.op
        if op == "constant":
            return self._number(node.value)
        if op == "named":
            return self._number(NAMED[str(node.value)])
        if op == "boolean":
            return self._emit("boolean", data=node.value)
        if op == "add":
            return self._sum([_negated(a) is not None for a in node.args], values)
        if op == "multiply":
            if _negated(node) is not None:
                return self._emit("neg", values[0])
            return self._product(node, values)
        if op == "power":
            exponent = _exponent(node)
            if exponent is None:
                return self._emit("pow", *values)
            return self._power(values[0], exponent)
        if op == "loop":
            return self._loop(node, values)
        if op == "part":
            return self._emit("part", *values, data=node.value)
        if op == "lookup":
            if node.value not in self.tables:
                self.tables.append(node.value)  # type: ignore[arg-type]
            return self._emit("lookup", *values, data=self.tables.index(node.value))  # type: ignore[arg-type]
        row = self.rows[op]
        if len(values) != row.arity:
            raise InvariantError(
                f"the definition of {self.name!r}: {op} takes {row.arity} argument(s), "
                f"{len(values)} given"
            )
        if op == "select" and self.code[values[1]].op in CONDITION_OPS:
            condition, chosen, other = values
            kept = self._emit("and", condition, chosen)
            return self._emit("or", kept, self._emit("and", self._emit("not", condition), other))
        if row.expansion is None:
            return self._emit(op, *values)
        # As deep as composite rows are nested in the table, a few levels.
        bound = {argument_name(i): value for i, value in enumerate(values)}
        return self._values((row.expansion,), {}, bound)[id(row.expansion)]

    def _sum(self, negative: Sequence[bool], values: Sequence[int]) -> int:
        """The sum from left to right; ``values`` are without their signs."""
        total, minus = values[0], negative[0]
        for value, other in zip(values[1:], negative[1:], strict=True):
            if minus and not other:
                total, minus = self._emit("sub", value, total), False
                continue
            total = self._emit("neg", total) if minus else total
            total, minus = self._emit("sub" if other else "add", total, value), False
        return self._emit("neg", total) if minus else total

    def _product(self, node: Expr, values: Sequence[int]) -> int:
        total = values[0]
        for factor, value in zip(node.args[1:], values[1:], strict=True):
            exponent = _divisor(factor)
            if exponent is None:
                total = self._emit("mul", total, value)
            else:
                total = self._emit("div", total, self._power(value, exponent))
        return total

    def _power(self, value: int, exponent: Fraction) -> int:
        size = abs(exponent)
        if exponent < 0:
            return self._emit("div", self._number(1), self._power(value, size))
        if size == 0:
            return self._number(1)
        if size == Fraction(1, 4):
            return self._emit("sqrt", self._emit("sqrt", value))
        result = self._emit("sqrt", value) if size.denominator == 2 else None
        whole, square = int(size), value
        while whole:
            if whole & 1:
                result = square if result is None else self._emit("mul", result, square)
            whole >>= 1
            square = self._emit("mul", square, square) if whole else square
        assert result is not None
        return result

    def _loop(self, node: Expr, values: Sequence[int]) -> int:
        loop = node.value
        assert isinstance(loop, Loop)
        count = len(loop.states)
        names = [COUNTER, *map(state_name, range(count))]
        names += map(invariant_name, range(len(values) - count))
        inner = _Code(self.name, self.rows, self.bodies, self.tables)
        body = inner.lower((*loop.states, loop.going), names)
        if body not in self.bodies:
            self.bodies.append(body)
        data = (self.bodies.index(body), count, loop.most)
        return self._emit("loop", *values, data=data)


def _operands(node: Expr) -> tuple[Expr, ...]:
    """The parts whose values a node is made of: terms without their signs, divisors themselves."""
    if node.op == "add":
        return tuple([a if _negated(a) is None else a.args[1] for a in node.args])
    if node.op == "multiply":
        inner = _negated(node)
        if inner is not None:
            return (inner,)
        first, *rest = node.args
        return (first, *[a if _divisor(a) is None else a.args[0] for a in rest])
    if node.op == "power" and _exponent(node) is not None:
        return node.args[:1]
    return node.args


def _negated(node: Expr) -> Expr | None:
    """The node without its sign where it is ``-x``."""
    if node.op == "multiply" and len(node.args) == 2 and node.args[0] == MINUS_ONE:
        return node.args[1]
    return None


def _exponent(node: Expr) -> Fraction | None:
    """The exponent of a power that is multiplied out."""
    value = node.args[1].value if node.args[1].op == "constant" else None
    if not isinstance(value, int | Fraction | float) or not isfinite(as_float(value)):
        return None
    exponent = Fraction(value)
    fits = abs(exponent) <= SQUARING_LIMIT and exponent.denominator <= 2
    return exponent if fits or abs(exponent) == Fraction(1, 4) else None


def _divisor(node: Expr) -> Fraction | None:
    """The exponent below the bar of a factor that divides."""
    exponent = _exponent(node) if node.op == "power" else None
    return -exponent if exponent is not None and exponent < 0 else None
