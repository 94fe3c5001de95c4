"""Routine -> a function of readable source, loops included, in any language.

A language is data here as well: its operations (``walk.py``) and a RoutineStyle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from symgrad.emit.readable.walk import Language, constant, template, wrapped
from symgrad.ir.program import CONDITION_OPS, Instruction, Routine

ROUTINE = "sg_"
"""What the names of the functions begin with."""


@dataclass(frozen=True, slots=True)
class RoutineStyle:
    """How a language writes a Routine, in doubles; templates as in Language (``walk.py``).

    Attributes:
        head: the lines before the body; {0} is the function's name, {1} its arguments.
        parameter: an argument as ``head`` declares it.
        back: the last statement, of the value.
        tail: the lines after the body.
        given, taken: an argument and the result where the function is called.
        turn: the head of a loop, of its turns at most; ``k`` counts them.
        counter: the number of a turn.
        state: the definition of a variable; {0} is its name, {1} its value.
        assign: what gives it another one.
        leave: the lines that leave a loop where {0} does not hold.
        done: the lines after a loop's body.
        table: the lines of a constant table; {0} is its name, {1} the number of entries, {2} they.
        lookup: an entry of a table; {0} is its name, {1} the last place, {2} the index.
    """

    head: tuple[str, ...]
    parameter: str
    back: str
    tail: tuple[str, ...]
    turn: str
    counter: str
    state: str
    assign: str
    leave: tuple[str, ...]
    done: tuple[str, ...]
    table: tuple[str, ...]
    lookup: str
    given: str = "{0}"
    taken: str = "{0}"


def with_routines(language: Language, style: RoutineStyle, routines: Sequence[Routine]) -> Language:
    """The language with an operation for each routine: a call of the function that it becomes."""
    calls: dict[str, str] = {}
    for routine in routines:
        arguments = ", ".join(style.given.format(f"{{{i}}}") for i in range(routine.arity))
        calls[routine.name] = style.taken.format(f"{ROUTINE}{routine.name}({arguments})")
    return replace(language, operations={**language.operations, **calls})


def routine_lines(
    routines: Sequence[Routine], language: Language, style: RoutineStyle
) -> list[list[str]]:
    """The lines of a function for each routine, callees first, in a language of doubles.

    Raises:
        UnknownFunctionError: the language has no template for an operation.
    """
    # Among themselves they pass doubles on.
    language = with_routines(language, replace(style, given="{0}", taken="{0}"), routines)
    return [_Function(routine, language, style).lines for routine in routines]


class _Function:
    """The writing of one routine: its lines, and how many values and states there are so far."""

    def __init__(self, routine: Routine, language: Language, style: RoutineStyle) -> None:
        self.routine, self.language, self.style = routine, language, style
        self.values = self.states = 0
        names = [f"a{i}" for i in range(routine.arity)]
        given = ", ".join(style.parameter.format(name) for name in names)
        self.lines: list[str] = []
        for number, values in enumerate(routine.tables):
            text = ", ".join(map(language.number, values))
            made = [line.format(self._table(number), len(values), text) for line in style.table]
            self.lines += [part for line in made for part in wrapped(line, "", " " * 4)]
        self.lines += [line.format(f"{ROUTINE}{routine.name}", given) for line in style.head]
        (value,) = self._statements(routine.code, names, " " * 4)
        self.lines += [" " * 4 + style.back.format(value), *style.tail]

    def _table(self, number: int) -> str:
        return f"{ROUTINE}{number}_{self.routine.name}"  # no routine's name begins with a digit

    def _statements(
        self, code: Sequence[Instruction], columns: Sequence[str], indent: str
    ) -> list[str]:
        """Append the statements of a stretch of code; what it stores, in order."""
        language, style = self.language, self.style
        texts: list[Any] = []
        stored: dict[int, str] = {}
        for index, (op, args, data) in enumerate(code):
            given = [texts[argument] for argument in args]
            text: Any = ""
            if op == "store":
                stored[data[1]] = given[0]
            elif op == "load":
                text = columns[data[1]]
            elif op == "constant":
                text = constant(data, language)
            elif op == "boolean":
                text = language.truth[bool(data)]
            elif op == "loop":
                body, count, most = data
                text = self._loop(body, count, most, given, indent)
            elif op == "part":
                text = given[0][data]
            else:
                if op == "lookup":
                    last = language.number(len(self.routine.tables[data]) - 1.0)
                    expression = style.lookup.format(self._table(data), last, *given)
                else:
                    expression = template(op, index, language).format(*given, **language.words)
                define = language.condition if op in CONDITION_OPS else language.real
                text, self.values = f"v{self.values}", self.values + 1
                self.lines.append(indent + define.format(text, expression, **language.words))
            texts.append(text)
        return [stored[position] for position in range(len(stored))]

    def _loop(
        self, body: int, count: int, most: int, given: Sequence[str], indent: str
    ) -> list[str]:
        """Append a loop; the names of its states."""
        style, inner = self.style, indent + " " * 4
        states = [f"s{self.states + i}" for i in range(count)]
        self.states += count
        for state, value in zip(states, given[:count], strict=True):
            self.lines.append(indent + style.state.format(state, value))
        self.lines.append(indent + style.turn.format(most))
        columns = [style.counter, *states, *given[count:]]
        *after, going = self._statements(self.routine.bodies[body], columns, inner)
        moved = [value for value in after if value in states]
        for value in moved:  # a state that another one becomes must not be overwritten before
            kept, self.values = f"v{self.values}", self.values + 1
            self.lines.append(inner + self.language.real.format(kept, value, **self.language.words))
            after = [kept if other == value else other for other in after]
        for state, value in zip(states, after, strict=True):
            self.lines.append(inner + style.assign.format(state, value))
        self.lines += [inner + line.format(going) for line in style.leave]
        self.lines += [indent + line for line in style.done]
        return states
