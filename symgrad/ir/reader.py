"""The reader of formula text: an allow-list grammar, read in one loop straight into an Expr.

Nothing of the text is ever executed, and nothing is recursive: open operators wait as frames on
an explicit stack, so 50,000 nested calls are read like any other formula. Binding, loosest first,
is Python's: ``or``, ``and``, ``not``, comparisons, ``|``, ``&``, ``+ -``, ``* / // %``, the signs
and ``~``, ``**``. Terms of one sum, and factors of one product, become one n-ary Expr.

Integers and their quotients are exact; a decimal is the nearest double.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from math import isinf
from typing import Any, NoReturn
from unicodedata import normalize

from symgrad.errors import (
    ArgumentError,
    FormulaError,
    LimitError,
    SymgradError,
    UnknownFunctionError,
    UnknownSymbolError,
    UnsupportedExpressionError,
)
from symgrad.ir.conditions import is_condition, piecewise
from symgrad.ir.expression import BOOLEAN, MINUS_ONE, Expr
from symgrad.ir.messages import CURES, close_names, explain_character, shorten, show_place


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a formula may be: characters, values and operations, digits of one number."""

    length: int = 5_000_000
    nodes: int = 2_000_000
    digits: int = 400


DEFAULT_LIMITS = Limits()
NOTHING_REFUSED: Mapping[str, str] = {}
TRUTHS = {"True": Expr("boolean", (), True), "False": Expr("boolean", (), False)}
PIECEWISE = frozenset({"Piecewise", "piecewise"})

_TOKEN = re.compile(
    r"[ \t\r\n\f\v]*(?:"
    r"([^\W\d]\w*)"  # 1: a name
    r"|((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"  # 2: a number
    r"|(\*\*|//|<=|>=|==|!=|[-+*/%<>&|~])"  # 3: an operator
    r"|([(),])"  # 4: a bracket or a comma
    r"|(\Z))"  # 5: the end
)
_SPACE = re.compile(r"[ \t\r\n\f\v]*")

OR, AND, NOT, COMPARE, PIPE, AMPERSAND, SUM, PRODUCT, SIGN, POWER = range(1, 11)
"""How tightly operators bind; brackets are 0, so that reducing stops at them."""

# operator -> (binding, operation, whether the operands change sides)
_COMPARISONS = {
    "<": ("lt", False),
    "<=": ("le", False),
    ">": ("lt", True),
    ">=": ("le", True),
    "==": ("eq", False),
    "!=": ("ne", False),
}
_LOGIC = {"&": (AMPERSAND, "and"), "|": (PIPE, "or"), "and": (AND, "and"), "or": (OR, "or")}
SIDE_BY_SIDE = "two values stand side by side; write '*' for a product"

_PREFIXES = {"-": "negate", "+": "plus", "~": "invert"}
_SIGNS = {"add": "+", "multiply": "*", "power": "**", "negate": "-", "plus": "+", "invert": "~"}


def negative(expr: Expr) -> Expr:
    """Minus ``expr``, a constant where it is one."""
    if expr.op == "constant":
        return Expr("constant", (), -expr.value)  # type: ignore[operator]
    return Expr("multiply", (MINUS_ONE, expr))


def read(
    text: str,
    *,
    symbols: Mapping[str, Expr],
    functions: Callable[[str, tuple[Expr, ...]], Expr],
    constants: Mapping[str, Expr],
    known: Collection[str] = (),
    refused: Mapping[str, str] = NOTHING_REFUSED,
    free: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Expr:
    """Read a formula; the result may be a condition.

    Args:
        text: the formula.
        symbols: declared names; they shadow every function and constant.
        functions: makes a function's Expr from its name and arguments.
        constants: names of constants.
        known: names of all functions, for messages; where it is empty ``functions`` decides.
        refused: names that are not read, each with the reason and the cure.
        free: take a name that is nothing else as a variable of that name.
        limits: how large the formula may be.

    Raises:
        FormulaError: the text is no formula; the message shows the place.
        UnknownFunctionError: a function is not known.
        UnknownSymbolError: a name is not declared.
        LimitError: the formula is larger than ``limits``.

    Example:
        >>> x = Expr("symbol", (), "x")
        >>> read("1/2 - x**2", symbols={"x": x}, functions=Expr, constants={})
        1*2**(-1) + (-1)*x**2
    """
    if len(text) > limits.length:
        raise LimitError(
            f"a formula of {len(text)} characters is longer than the limit of {limits.length}; "
            "split it by definitions"
        )
    return _Reader(text, symbols, functions, constants, known, refused, free, limits).run()


@dataclass(slots=True, eq=False)
class _Reader:
    """The state of one reading: the value just read and the frames that wait for one.

    A frame is ``[binding, operation, position, data, pending]``. ``data`` is the left operand, the
    list of terms or factors, or a call's name; ``pending`` is true where the next term is
    subtracted or the next factor divided by, the word of an ``and``, or the arguments of a call.
    """

    text: str
    symbols: Mapping[str, Expr]
    functions: Callable[[str, tuple[Expr, ...]], Expr]
    constants: Mapping[str, Expr]
    known: Collection[str]
    refused: Mapping[str, str]
    free: bool
    limits: Limits
    frames: list[list[Any]] = field(default_factory=lambda: [[0, "start", 0, None, False]])
    value: Any = None  # an Expr, a pair of Piecewise, or None where a value must follow
    numbers: dict[str, Expr] = field(default_factory=dict)
    freed: dict[str, Expr] = field(default_factory=dict)
    count: int = 0
    place: int = 0  # where the next token is looked for

    def run(self) -> Expr:
        """Read all tokens."""
        text, match, limit = self.text, _TOKEN.match, self.limits.nodes
        while True:
            found = match(text, self.place)
            if found is None:
                self.refuse(self.skip(self.place))
            kind = found.lastindex or 0
            token = found.group(kind)
            position, self.place = found.span(kind)
            self.count += 1
            if self.count > limit:
                self.fail(f"the formula has more than {limit} parts", position, LimitError)
            if kind == 1:
                self.word(token, position)
            elif kind == 2:
                self.number(token, position)
            elif kind == 3:
                self.operator(token, position)
            elif token == "(":
                self.open(position)
            elif token == ")":
                self.close(position)
            elif token == ",":
                self.comma(position)
            else:
                return self.end(position)

    def skip(self, position: int) -> int:
        """The place of the first character from ``position`` on that is no space."""
        found = _SPACE.match(self.text, position)
        return found.end() if found else position

    def fail(
        self, message: str, position: int, error: type[SymgradError] = FormulaError
    ) -> NoReturn:
        """Raise ``error`` with the line and a caret under ``position``."""
        line = self.text.count("\n", 0, position)
        where = f", in line {line + 1}" if line else ""
        raise error(f"{message}{where}:\n{show_place(self.text, position)}")

    def refuse(self, position: int) -> NoReturn:
        """A character that starts no token."""
        self.fail(explain_character(self.text, position), position)

    # Values

    def number(self, token: str, position: int) -> None:
        """A literal: digits alone are exact, anything else is a double."""
        if self.value is not None:
            self.fail(SIDE_BY_SIDE, position)
        made = self.numbers.get(token)
        if made is None:
            if len(token) > self.limits.digits:
                limit = f"a number of {len(token)} digits is beyond the limit"
                self.fail(f"{limit} of {self.limits.digits}", position, LimitError)
            if token.isdigit():
                made = Expr("constant", (), int(token))
            else:
                value = float(token)
                if isinf(value):
                    self.fail(f"{token} overflows double precision", position, LimitError)
                made = Expr("constant", (), value)
            self.numbers[token] = made
        self.value = made

    def word(self, token: str, position: int) -> None:
        """A name: a declared symbol, a truth, a word of logic, a function or a constant."""
        if not token.isascii() or not self.text[self.place : self.place + 1].isascii():
            token = self.check_letters(position)
        declared = self.symbols.get(token)
        if self.value is not None:
            if declared is None and token in _LOGIC and type(self.value) is not tuple:
                self.join(_LOGIC[token], token, position)
                return
            if token == "if":
                self.fail("'if' is not read; write where(condition, a, b)", position)
            self.fail(SIDE_BY_SIDE, position)
        after = self.skip(self.place)
        following = self.text[after : after + 1]
        if declared is not None:
            if following == "(":
                self.fail(
                    f"{shorten(token)!r} is declared as a variable, which shadows the function of "
                    "that name; rename the variable, or write '*' for a product",
                    position,
                )
            self.value = declared
        elif token == "not":
            self.frames.append([NOT, "not", position, None, False])
        elif token in self.refused:
            self.fail(f"{token} is not read: {self.refused[token]}", position)
        elif token in TRUTHS:
            self.value = TRUTHS[token]
        elif following == "(":
            if self.known and token not in self.known and token not in PIECEWISE:
                self.unknown_function(token, position)
            self.frames.append([0, "call", position, token, []])
            self.place = after + 1
        elif token in self.constants:
            self.value = self.constants[token]
        elif following == ".":
            self.fail(CURES["."], position)
        elif token in self.known or token in PIECEWISE:
            self.fail(f"{token} is a function; write {token}(...)", position)
        elif self.free:
            self.value = self.freed.setdefault(token, Expr("symbol", (), token))
        else:
            names = [*self.symbols, *self.constants]
            self.fail(
                f"{shorten(token)!r} is not declared; add it to the inputs or parameters"
                f"{close_names(token, names)}",
                position,
                UnknownSymbolError,
            )

    def unknown_function(self, token: str, position: int) -> NoReturn:
        """A function that the table does not have."""
        close = close_names(token, self.known)
        self.fail(
            f"function {shorten(token)!r} has no row; see `symgrad functions` or functions={close}",
            position,
            UnknownFunctionError,
        )

    def check_letters(self, position: int) -> str:
        """The whole name, with marks that join a letter; refuse look-alikes of other letters."""
        text = self.text
        while self.place < len(text) and f"a{text[self.place]}".isidentifier():
            self.place += 1
        token = text[position : self.place]
        if not token.isidentifier() or normalize("NFKC", token) != token:
            self.refuse_letters(token, position)
        return token

    def refuse_letters(self, token: str, position: int) -> NoReturn:
        """Explain the first letter that looks like another, or the name as a whole."""
        for offset, character in enumerate(token):
            whole = f"a{character}"
            if not whole.isidentifier() or normalize("NFKC", whole) != whole:
                self.refuse(position + offset)
        self.fail(f"the name {shorten(token)!r} is not in normal form (NFKC)", position)

    # Operators

    def operator(self, token: str, position: int) -> None:
        """A sign before a value, or an operator between two."""
        value = self.value
        if value is None:
            if token not in _PREFIXES:
                self.fail(f"a value is missing before {token!r}", position)
            self.frames.append([SIGN, _PREFIXES[token], position, None, False])
        elif type(value) is tuple:
            self.fail("a pair stands alone, as several values in brackets do", position)
        elif token in ("+", "-"):
            self.reduce(PRODUCT)
            self.extend(SUM, "add", token == "-", position)
        elif token in ("*", "/"):
            self.reduce(SIGN)
            while self.frames[-1][0] == PRODUCT and self.frames[-1][1] != "multiply":
                self.finish()
            self.extend(PRODUCT, "multiply", token == "/", position)
        elif token == "**":
            self.push(POWER, "power", position)
        elif token in ("//", "%"):
            self.reduce(PRODUCT)
            self.push(PRODUCT, token, position)
        elif token in _COMPARISONS:
            self.reduce(PIPE)
            if self.frames[-1][0] == COMPARE:
                self.fail("comparisons do not chain; write (a < b) & (b < c)", position)
            self.push(COMPARE, token, position)
        else:
            if token not in _LOGIC:
                self.fail(f"two values stand on both sides of {token!r}; '~' goes before", position)
            self.join(_LOGIC[token], token, position)

    def join(self, logic: tuple[int, str], token: str, position: int) -> None:
        """``and`` or ``or`` between two conditions."""
        binding, operation = logic
        self.reduce(binding)
        self.need_condition(token, position)
        self.frames.append([binding, operation, position, self.value, token])
        self.value = None

    def push(self, binding: int, operation: str, position: int) -> None:
        """An operator of two numbers, the left of which has been read."""
        self.need_number(operation, position)
        self.frames.append([binding, operation, position, self.value, False])
        self.value = None

    def extend(self, binding: int, operation: str, pending: bool, position: int) -> None:
        """One more term of the open sum, or factor of the open product; else a new one."""
        self.need_number(operation, position)
        frame = self.frames[-1]
        if frame[1] == operation:
            frame[3].append(self.signed(frame))
            frame[4] = pending
            frame[2] = position
        else:
            self.frames.append([binding, operation, position, [self.value], pending])
        self.value = None

    def signed(self, frame: list[Any]) -> Expr:
        """The value as the frame takes it: subtracted or divided by where that is pending."""
        value: Expr = self.value
        if not frame[4]:
            return value
        if frame[1] == "add":
            return negative(value)
        if value.op == "constant" and value.value == 0 and type(value.value) is int:
            self.fail("division by exact zero; write 0.0 where an infinity is meant", frame[2])
        return Expr("power", (value, MINUS_ONE))

    def need_number(self, token: str, position: int) -> None:
        """Refuse a condition where a number must be."""
        op = self.value.op
        if op in BOOLEAN or (op == "select" and is_condition(self.value)):
            self.fail(
                f"{_SIGNS.get(token, token)!r} needs numbers, and here is a condition; "
                "write where(condition, a, b), and join comparisons as (a < b) & (c < d)",
                position,
            )

    def need_condition(self, token: str, position: int) -> None:
        """Refuse a number where a condition must be."""
        if not is_condition(self.value):
            self.fail(
                f"{_SIGNS.get(token, token)!r} needs conditions, and here is a number; "
                "join comparisons as (a < b) & (c < d)",
                position,
            )

    def reduce(self, binding: int) -> None:
        """Finish every open operator that binds at least as tightly as ``binding``."""
        while self.frames[-1][0] >= binding:
            self.finish()

    def finish(self) -> None:
        """Close the last open operator: the value is its right operand."""
        frame = self.frames.pop()
        binding, operation, position, left, _ = frame
        self.count += 1
        if operation in ("and", "or"):
            self.need_condition(frame[4], position)
            self.value = Expr(operation, (left, self.value))
        elif operation in ("not", "invert"):
            self.need_condition(operation, position)
            self.value = Expr("not", (self.value,))
        else:
            self.need_number(operation, position)
            value = self.value
            if binding in (SUM, PRODUCT) and type(left) is list:
                left.append(self.signed(frame))
                self.value = Expr(operation, tuple(left))
            elif operation == "power":
                self.value = Expr("power", (left, value))
            elif operation == "negate":
                self.value = negative(value)
            elif operation == "//":
                quotient = Expr("multiply", (left, Expr("power", (value, MINUS_ONE))))
                self.value = Expr("floor", (quotient,))
            elif operation == "%":
                self.value = Expr("mod", (left, value))
            elif operation in _COMPARISONS:
                name, swapped = _COMPARISONS[operation]
                self.value = Expr(name, (value, left) if swapped else (left, value))

    # Brackets

    def open(self, position: int) -> None:
        """A bracket that belongs to no name: a group, a pair of Piecewise, or several values."""
        if self.value is not None:
            self.fail(SIDE_BY_SIDE, position)
        name = self.frames[-1][3] if self.frames[-1][1] == "call" else None
        kind = "pair" if name in PIECEWISE else "tuple" if name == "hyper" else "group"
        self.frames.append([0, kind, position, None, None if kind == "group" else []])

    def settle(self, token: str, position: int) -> list[Any]:
        """Finish everything up to the last open bracket, and return its frame."""
        if self.value is None:
            self.fail(f"a value is missing before {token!r}", position)
        if self.frames[-1][0]:
            self.reduce(OR)
        return self.frames[-1]

    def comma(self, position: int) -> None:
        """A comma between arguments."""
        frame = self.settle(",", position)
        if frame[4] is None or frame[1] == "start":
            self.fail(
                "a comma stands outside a function's arguments; give several outputs as a list",
                position,
            )
        frame[4].append(self.value)
        self.value = None

    def close(self, position: int) -> None:
        """A closing bracket."""
        frame = self.frames[-1]
        ended = self.value is None and (frame[1] == "tuple" or frame[1:5:3] == ["call", []])
        if not ended:
            frame = self.settle(")", position)
        if frame[1] == "start":
            self.fail("a ')' without its '('", position)
        self.frames.pop()
        if frame[1] == "call":
            if not ended:
                frame[4].append(self.value)
            self.value = self.call(frame[3], frame[4], frame[2])
        elif frame[1] == "tuple" and (ended or frame[4]):
            self.value = (*frame[4], *(() if ended else (self.value,)))
        elif frame[1] == "pair" and frame[4]:
            if len(frame[4]) != 1:
                self.fail("a pair of Piecewise is (value, condition)", frame[2])
            self.value = self.pair(frame[4][0], frame[2])

    def pair(self, value: Expr, position: int) -> tuple[Expr, Expr]:
        """A value and its condition in a Piecewise."""
        if is_condition(value) or not is_condition(self.value):
            self.fail("a pair of Piecewise is (value, condition)", position)
        return (value, self.value)

    def call(self, name: str, arguments: list[Any], position: int) -> Expr:
        """The Expr of a call."""
        self.count += 1
        if name in PIECEWISE:
            if not arguments or any(type(argument) is not tuple for argument in arguments):
                self.fail(f"{name} takes pairs: {name}((a, x < 0), (b, True))", position)
            return piecewise(arguments)
        try:
            return self.functions(name, tuple(arguments))
        except UnknownFunctionError as error:
            self.fail(str(error), position, UnknownFunctionError)
        except (FormulaError, ArgumentError, UnsupportedExpressionError) as error:
            self.fail(str(error), position)

    def end(self, position: int) -> Expr:
        """The end of the text: nothing may be open."""
        if self.value is None:
            if len(self.frames) == 1:
                self.fail("the formula is empty; write an expression", position)
            last = self.frames[-1]
            what = "here" if last[0] else "after '('"
            self.fail(f"the formula ends where a value is missing, {what}", position)
        self.reduce(OR)
        if len(self.frames) > 1:
            frame = self.frames[-1]
            at = frame[2] + (len(frame[3]) if frame[1] == "call" else 0)
            self.fail("a '(' without its ')'", at)
        return self.value  # type: ignore[no-any-return]
