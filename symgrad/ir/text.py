"""Graphs as text, one line a node, and back again bit for bit.

::

    graph
    %0 = symbol x
    %1 = constant 1/3
    %2 = product %0**2 * %1**-1
    %3 = sum 1 - 2*%2
    %4 = sin %3
    output value = %4

Numbers keep their type: ``2`` is exact, ``2.0`` is a double, and ``nan:`` carries the bits of a
NaN that is not the usual one. Start reading at ``write``.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import copysign, isnan
from typing import Any

from symgrad.errors import ArgumentError, FormulaError, UnknownFunctionError
from symgrad.ir.arithmetic import Number
from symgrad.ir.conditions import is_condition
from symgrad.ir.expression import HALF, NAMED_CONSTANTS, Expr, constant, named
from symgrad.ir.graph import Graph
from symgrad.ir.messages import shorten
from symgrad.ir.primitive import Primitive
from symgrad.ir.reader import read
from symgrad.ir.traverse import reachable

HEADER = "graph"
EXACT_HEADER = "graph exact"
DECIMAL_BITS = 4096
"""Longer integers are written in hexadecimal, which takes linear time to read."""

_USUAL_NAN = struct.pack("<d", float("nan"))
_INTEGER = r"(?:0x[0-9a-f]+|[0-9]+)"
_MAGNITUDE = (
    rf"{_INTEGER}/{_INTEGER}|0x[0-9a-f]+|[0-9]+\.?[0-9]*(?:e[+-]?[0-9]+)?"
    r"|inf|nan(?::[0-9a-f]{16})?"
)
_NUMBER = re.compile(rf"(-?)({_MAGNITUDE})")
_TERM = re.compile(rf" *([+-]?) *(?:({_MAGNITUDE})(?:\*%([0-9]+))?|%([0-9]+))")
_PAIR = re.compile(r" %([0-9]+) ([+-]) %([0-9]+)")
_FACTOR = re.compile(rf"(?: \*)? %([0-9]+)\*\*(-?)({_MAGNITUDE})")
_NODE = re.compile(r"%([0-9]+) = ([^\W\d]\w*)(.*)")
_OUTPUT = re.compile(r'output ("(?:[^"\\]|\\.)*"|\w+) =((?: %[0-9]+)*)')


def write(graph: Graph, outputs: Mapping[str, Sequence[int]] | None = None) -> str:
    """The text of a graph; with ``outputs`` only the nodes that they need, numbered anew.

    Args:
        graph: the graph.
        outputs: name -> nodes.

    Example:
        >>> graph = Graph({})
        >>> node = graph.sum([(graph.symbol("x"), 2)], 1)
        >>> print(write(graph, {"value": [node]}), end="")
        graph
        %0 = symbol x
        %1 = sum 1 + 2*%0
        output value = %1
    """
    roots = () if outputs is None else [node for nodes in outputs.values() for node in nodes]
    listed = range(len(graph)) if outputs is None else reachable(graph, roots)
    number = {node: index for index, node in enumerate(listed)}
    lines = [EXACT_HEADER if graph.exact else HEADER]
    for index, node in enumerate(listed):
        op, data = graph.ops[node], graph.data[node]
        args = [number[argument] for argument in graph.args[node]]
        lines.append(f"%{index} = {op}{_write_data(op, args, data)}")
    for name, nodes in (outputs or {}).items():
        listed_nodes = "".join(f" %{number[node]}" for node in nodes)
        lines.append(f"output {_write_name(name)} ={listed_nodes}")
    return "\n".join(lines) + "\n"


def _write_data(op: str, args: Sequence[int], data: Any) -> str:
    """What follows the op of a node."""
    if op == "sum":
        start, coefficients = data
        terms = [] if type(start) is int and start == 0 and args else [_write_number(start)]
        for argument, coefficient in zip(args, coefficients, strict=True):
            if type(coefficient) is int and (coefficient == 1 or coefficient == -1):
                sign = "-" if coefficient < 0 else "+"
                terms.append(f"{sign} %{argument}" if terms else f"{sign.strip('+')}%{argument}")
                continue
            size = _write_number(coefficient)
            sign = "-" if size.startswith("-") else "+"
            size = size.removeprefix("-")
            term = f"%{argument}" if size == "1" else f"{size}*%{argument}"
            terms.append(f"{sign} {term}" if terms else f"{sign.strip('+')}{term}")
        return " " + " ".join(terms)
    if op == "product":
        factors = zip(args, data, strict=True)
        return " " + " * ".join(f"%{a}**{_write_number(exponent)}" for a, exponent in factors)
    if op == "constant":
        return f" {_write_number(data)}"
    if op == "symbol":
        return f" {_write_name(data)}"
    if op in ("named", "boolean"):
        return f" {data}"
    return "".join(f" %{argument}" for argument in args)


def _write_number(value: Number) -> str:
    """A number with its type: an integer, a fraction with a stroke, or a double."""
    if type(value) is float:
        packed = struct.pack("<d", value)
        return f"nan:{packed.hex()}" if isnan(value) and packed != _USUAL_NAN else repr(value)
    if type(value) is Fraction:
        return f"{_write_integer(value.numerator)}/{_write_integer(value.denominator)}"
    return _write_integer(value)  # type: ignore[arg-type]


def _write_integer(value: int) -> str:
    return hex(value) if value.bit_length() > DECIMAL_BITS else str(value)


def _write_name(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else json.dumps(name)


def _read_number(sign: str, text: str) -> Number:
    """The number that ``_write_number`` wrote, without and with its sign."""
    value: Number
    if "/" in text:
        numerator, denominator = map(_read_integer, text.split("/"))
        value = Fraction(numerator, denominator)
    elif text.startswith("nan:"):
        (value,) = struct.unpack("<d", bytes.fromhex(text[4:]))
    elif text.isdigit() or text.startswith("0x"):
        value = _read_integer(text)
    else:
        value = float(text)
    if sign != "-":
        return value
    return copysign(value, -1.0) if type(value) is float else -value


def _read_integer(text: str) -> int:
    return int(text, 16 if text.startswith("0x") else 10)


def read_graph(
    text: str, table: Mapping[str, Primitive]
) -> tuple[Graph, dict[str, tuple[int, ...]]]:
    """The graph and the outputs that ``write`` wrote: the same ops, arguments and bits.

    Args:
        text: the text.
        table: the function rows that the graph may name.

    Raises:
        FormulaError: the text is no graph; the message gives the line.
        UnknownFunctionError: a node names a function that has no row.
    """
    lines = text.splitlines()
    if not lines or lines[0] not in (HEADER, EXACT_HEADER):
        raise FormulaError(f"a graph's text starts with the line {HEADER!r} or {EXACT_HEADER!r}")
    graph = Graph(table, exact=lines[0] == EXACT_HEADER)
    nodes: dict[str, int] = {}
    outputs: dict[str, tuple[int, ...]] = {}
    for count, line in enumerate(lines[1:], start=2):
        try:
            found = _NODE.fullmatch(line)
            if found is not None:
                label, op, rest = found.groups()
                args, data = _read_data(op, rest, nodes, table)
                nodes[label] = graph.intern(op, args, data)
                continue
            found = _OUTPUT.fullmatch(line)
            if found is None:
                raise FormulaError("it is neither a node nor an output")
            outputs[_read_name(found[1])] = _arguments(found[2], nodes)
        except FormulaError as error:
            raise type(error)(
                f"line {count} of the graph's text, {shorten(line)!r}: {error}"
            ) from None
    return graph, outputs


def _read_data(
    op: str, rest: str, nodes: Mapping[str, int], table: Mapping[str, Primitive]
) -> tuple[tuple[int, ...], Any]:
    """The arguments and data of a node from what follows its op."""
    body = rest[1:]
    if op == "sum":
        return _read_sum(rest, nodes)
    if op == "product":
        factors = _split(_FACTOR, rest)
        args = _defined((found[1] for found in factors), nodes)
        return args, tuple([_read_number(found[2], found[3]) for found in factors])
    if op == "constant":
        found = _NUMBER.fullmatch(body)
        if found is None:
            raise FormulaError("a constant is a number such as 2, 1/3 or 0.5")
        return (), _read_number(found[1], found[2])
    if op == "symbol":
        return (), _read_name(body)
    if op == "named":
        if body not in NAMED_CONSTANTS:
            raise FormulaError(f"the named constants are {', '.join(NAMED_CONSTANTS)}")
        return (), body
    if op == "boolean":
        if body not in ("True", "False"):
            raise FormulaError("a boolean is True or False")
        return (), body == "True"
    row = table.get(op)
    if row is None:
        raise UnknownFunctionError(f"function {op!r} has no row; see `symgrad functions`")
    args = _arguments(rest, nodes)
    if len(args) != row.arity:
        raise FormulaError(f"{op} takes {row.arity} argument(s), {len(args)} given")
    return args, None


def _read_sum(rest: str, nodes: Mapping[str, int]) -> tuple[tuple[int, ...], Any]:
    plain = _PAIR.fullmatch(rest)
    if plain is not None:  # a + b and a - b are most sums
        left, sign, right = plain.groups()
        return _defined((left, right), nodes), (0, (1, 1 if sign == "+" else -1))
    start: Number = 0
    labels: list[str] = []
    coefficients: list[Number] = []
    for index, found in enumerate(_split(_TERM, rest)):
        sign, size, scaled, alone = found.groups()
        if size is not None and scaled is None:
            if index:
                raise FormulaError("the constant of a sum stands first")
            start = _read_number(sign, size)
        else:
            labels.append(alone if size is None else scaled)
            coefficients.append(_read_number(sign, size or "1"))
    return _defined(labels, nodes), (start, tuple(coefficients))


def _split(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """The matches of ``pattern`` one after another, which must cover ``text``."""
    found = []
    place = 0
    while place < len(text):
        match = pattern.match(text, place)
        if match is None:
            raise FormulaError(f"{shorten(text[place:].strip(), 20)!r} is not read")
        found.append(match)
        place = match.end()
    if not found:
        raise FormulaError("nothing follows the op")
    return found


def _arguments(text: str, nodes: Mapping[str, int]) -> tuple[int, ...]:
    words = text.split()
    if any(not word.startswith("%") for word in words):
        raise FormulaError("arguments are nodes such as %0")
    return _defined((word[1:] for word in words), nodes)


def _defined(labels: Iterable[str], nodes: Mapping[str, int]) -> tuple[int, ...]:
    found = []
    for label in labels:
        if label not in nodes:
            raise FormulaError(f"%{label} is used before its line")
        found.append(nodes[label])
    return tuple(found)


def _read_name(text: str) -> str:
    if not text.startswith('"'):
        if not text.isidentifier():
            raise FormulaError(f"{shorten(text)!r} is no name; quote it")
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        raise FormulaError(f"{shorten(text)!r} is no quoted name") from None


EXPRESSION_CONSTANTS = {
    **{name: named(name) for name in NAMED_CONSTANTS},
    "inf": constant(float("inf")),
    "nan": constant(float("nan")),
}


def expression(text: str, table: Mapping[str, Primitive]) -> Expr:
    """The Expr of a formula in the rows of ``table``; every other name is a variable.

    Besides the rows there are sqrt(x) and where(condition, a, b). This is how the table of rewrite
    rules is read; users' formulas are read by ``parse/formula.py``.

    Raises:
        FormulaError: the text is no formula.
        UnknownFunctionError: a function has no row.

    Example:
        >>> expression("2*a + sqrt(b)", {})
        2*a + b**(1/2)
    """

    def call(name: str, arguments: tuple[Expr, ...]) -> Expr:
        if name == "sqrt" and len(arguments) == 1 and not is_condition(arguments[0]):
            return Expr("power", (arguments[0], HALF))
        op = "select" if name == "where" else name
        row = table.get(op)
        if row is None:
            raise UnknownFunctionError(f"function {name!r} has no row")
        if len(arguments) != row.arity:
            raise ArgumentError(f"{name} takes {row.arity} argument(s), {len(arguments)} given")
        for index, argument in enumerate(arguments):
            wanted = op in ("and", "or", "not") or (op == "select" and index == 0)
            if is_condition(argument) != wanted:
                kind = "condition" if wanted else "number"
                raise FormulaError(f"argument {index + 1} of {name} must be a {kind}")
        return Expr(op, arguments)

    known = {*table, "sqrt", "where"}
    return read(
        text,
        symbols={},
        functions=call,
        constants=EXPRESSION_CONSTANTS,
        known=known,
        free=True,
    )
