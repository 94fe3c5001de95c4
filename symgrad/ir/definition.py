"""Definitions: plain Python functions ``f(m, x, ...)`` that say how a function is computed.

A definition is called once with Exprs, and what it does is what every target does, operation by
operation: nothing is reassociated or simplified, so that compensated arithmetic works. ``m`` has
every row of the table by name (``m.exp(x)``, ``m.fma(a, b, c)``, ``m.eq(a, b)``) and besides
``m.sqrt``, ``m.where``, ``m.loop``, ``m.lookup``, ``m.pi`` and ``m.e``. Values are chosen by
``m.where``, never by ``if``: every point goes through the same operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from symgrad.errors import InvariantError
from symgrad.ir.expression import BOOLEAN, HALF, Expr, named, postorder, symbol, wrap

COUNTER = "k"
CONSTANTS = ("constant", "named")


def state_name(index: int) -> str:
    """The symbol of a loop's state in its body: ``s0``, ``s1``, ..."""
    return f"s{index}"


def invariant_name(index: int) -> str:
    """The symbol in a loop's body of a value from outside: ``i0``, ``i1``, ..."""
    return f"i{index}"


@dataclass(frozen=True, slots=True)
class Loop:
    """What one turn of a loop makes of the symbols ``k``, ``s0, s1, ...`` and ``i0, i1, ...``.

    It is the value of an Expr ``loop`` whose arguments are the initial states and then the
    invariants, which are whatever the turn uses from outside; an Expr ``part`` is one final state.

    Attributes:
        states: the states after the turn.
        going: the condition that there is another turn.
        most: turns at most.
    """

    states: tuple[Expr, ...]
    going: Expr
    most: int


class Mathematics:
    """The ``m`` of definitions: functions of Exprs by name."""

    pi = named("pi")
    e = named("e")

    def __init__(self) -> None:
        self._in_loop = False

    def __getattr__(self, name: str) -> partial[Expr]:
        if name.startswith("_"):
            raise AttributeError(name)
        return partial(_called, name)

    @staticmethod
    def sqrt(x: object) -> Expr:
        """The square root."""
        return wrap(x) ** HALF

    @staticmethod
    def where(condition: Expr, chosen: object, other: object) -> Expr:
        """``chosen`` where ``condition`` holds, else ``other``."""
        return _called("select", condition, chosen, other)

    @staticmethod
    def lookup(values: Iterable[float], index: object) -> Expr:
        """The entry of a constant table at ``index``, a whole number counted from 0.

        Below 0 it is the first entry, beyond the end the last one; of nan it is the first.

        Raises:
            InvariantError: the table has no entries.

        Example:
            >>> m = Mathematics()
            >>> m.lookup((2.0, 3.0, 5.0), symbol("x")).value
            (2.0, 3.0, 5.0)
        """
        table = tuple(map(float, values))
        if not table:
            raise InvariantError("a lookup needs a table of one number or more")
        return Expr("lookup", (wrap(index),), table)

    def loop(
        self, step: Callable[..., Sequence[Any]], start: Sequence[Expr | float], most: int
    ) -> tuple[Expr, ...]:
        """The final states of ``step(k, *state) -> (going, *state)`` for k = 0, 1, 2, ...

        A point whose ``going`` became False keeps the states of that turn. Loops do not nest, but
        for those of other rows that the step calls and that are written out in it.

        Args:
            step: one turn, traced once; it may use any value from outside.
            start: the initial states, numbers each.
            most: turns at most.

        Raises:
            InvariantError: the step gives another number of states, or holds a loop.

        Example:
            >>> m = Mathematics()
            >>> x = symbol("x")
            >>> total, term = m.loop(
            ...     lambda k, s, t: (abs(t) > 1e-17 * abs(s), s + t, t * x / (k + 1)), (0, 1), 99)
            >>> total.op, total.value, total.args[0].value.states
            ('part', 0, (s0 + s1, s1*i0*(k + 1)**(-1)))
        """
        count = len(start)
        own = [COUNTER, *map(state_name, range(count))]
        if self._in_loop:
            raise InvariantError("the loops of a definition do not nest")
        self._in_loop = True
        going, *after = step(*map(symbol, own))
        self._in_loop = False
        if len(after) != count or type(most) is not int or most < 1:
            raise InvariantError(
                f"a loop of {count} states, {len(after)} after a turn, and {most!r} turns at most"
            )
        body, outside = _outlined((*map(wrap, after), wrap(going)), frozenset(own))
        value = Loop(tuple(body[:-1]), body[-1], most)
        made = Expr("loop", (*map(wrap, start), *outside), value)
        return tuple(Expr("part", (made,), index) for index in range(count))


def trace(definition: Callable[..., object], arguments: Sequence[Expr]) -> Expr:
    """What a definition makes of its arguments."""
    return wrap(definition(Mathematics(), *arguments))


def _called(name: str, *arguments: object) -> Expr:
    return Expr(name, tuple([wrap(argument) for argument in arguments]))


def _outlined(roots: tuple[Expr, ...], own: frozenset[str]) -> tuple[list[Expr], tuple[Expr, ...]]:
    """The roots with symbols in place of the largest numbers that use no symbol of ``own``.

    Returns:
        The roots, and what the symbols ``i0, i1, ...`` stand for. Constants and conditions stay.
    """
    nodes = postorder(roots)
    varying: set[int] = set()
    conditions: set[int] = set()
    for node in nodes:
        if node.op in BOOLEAN or (node.op == "select" and id(node.args[1]) in conditions):
            conditions.add(id(node))
        of_own = node.op == "symbol" and node.value in own
        if of_own or any(id(argument) in varying for argument in node.args):
            varying.add(id(node))
    wanted = set(map(id, roots))
    inside: dict[int, Expr] = {}
    outside: dict[Expr, Expr] = {}
    for node in reversed(nodes):
        if id(node) in varying or (id(node) in wanted and id(node) in conditions):
            inside[id(node)] = node
            wanted.update(map(id, node.args))

    def place(node: Expr) -> Expr:
        if id(node) in inside or node.op in CONSTANTS:
            return inside.get(id(node), node)
        return outside.setdefault(node, symbol(invariant_name(len(outside))))

    for node in nodes:
        if id(node) in inside:
            arguments = tuple([place(argument) for argument in node.args])
            inside[id(node)] = Expr(node.op, arguments, node.value)
    return [place(root) for root in roots], tuple(outside)
