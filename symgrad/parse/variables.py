"""Variables: what is declared, and which Expr each SymPy object, name or Expr symbol stands for.

A SymPy Symbol ``x``, an Expr symbol ``x`` and the text ``"x"`` are one variable. SymPy objects
that are more than a name (a Dummy, an element of an array, a function of time) are themselves the
key; each gets a name of its own, so that two Dummies called ``x`` stay two variables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from symgrad.errors import (
    ArgumentError,
    DuplicateNameError,
    LimitError,
    UnknownSymbolError,
    UnsupportedExpressionError,
)
from symgrad.ir.expression import Expr, postorder, symbol
from symgrad.ir.messages import close_names, shorten
from symgrad.parse.formula import check_name
from symgrad.parse.loading import is_sympy, sympy_reader

Differentiate = Callable[[Expr, tuple[str, ...]], Expr]
"""Gives the derivative of an Expr by the named variables, one after the other."""

MAX_BITS = 10_000
"""A larger exact number is refused: no double comes near it."""

MAX_DEPTH = 16
"""Levels of nested lists; a list that holds itself is found by it."""


@dataclass(slots=True)
class Variables:
    """The declared names of one compilation.

    Attributes:
        symbols: name -> Expr, of variables and definitions, as text and Exprs know them.
        named: those of ``symbols`` that a SymPy Symbol of that name stands for.
        objects: SymPy object -> Expr, of those that are more than a name.
        labels: internal name -> what the user called it, variables alone, in order.
        places: internal name -> where it was declared.
    """

    symbols: dict[str, Expr] = field(default_factory=dict)
    named: dict[str, Expr] = field(default_factory=dict)
    objects: dict[Any, Expr] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def declare(self, *lists: list[tuple[object, str]]) -> list[tuple[str, ...]]:
        """Add variables, each given with its place, and give their internal names.

        A plain name is its own internal name. An object takes its name if nothing else has it;
        where two Dummies are both called ``x`` they become ``x_1`` and ``x_2``.

        Raises:
            DuplicateNameError: a variable is declared twice.
            ArgumentError: something cannot be a variable.
        """
        identified = [[(*identify(value, place), place) for value, place in one] for one in lists]
        wanted: dict[str, int] = {}
        for kind, key, _ in (entry for one in identified for entry in one):
            name = _object_name(key) if kind == "object" else key
            wanted[name] = wanted.get(name, 0) + 1
        taken = {key for one in identified for kind, key, _ in one if kind != "object"}
        return [tuple([self._add(*entry, wanted, taken) for entry in one]) for one in identified]

    def _add(
        self, kind: str, key: Any, place: str, wanted: Mapping[str, int], taken: set[str]
    ) -> str:
        leaf = not getattr(key, "args", ())  # a Dummy prints as _x, but is called x
        label = (getattr(key, "name", None) if leaf else None) or str(key)
        before = self.objects.get(key) if kind == "object" else self.symbols.get(key)
        if before is not None:
            raise DuplicateNameError(
                f"{shorten(label)!r} is declared twice: as {self.places[str(before.value)]} and as "
                f"{place}; remove one"
            )
        name: str = key
        if kind == "object":
            base = name = _object_name(key)
            count = 0
            while name in taken or (name == base and wanted[base] > 1):
                count += 1
                name = f"{base}_{count}"
            taken.add(name)
        made = symbol(name)
        self.symbols[name] = made
        if kind == "object":
            self.objects[key] = made
        else:
            self.named[name] = made
        self.labels[name] = label
        self.places[name] = place
        return name

    def define(self, name: str, made: Expr) -> None:
        """Let ``name`` stand for an Expr over the variables."""
        self.symbols[name] = self.named[name] = made

    def find(self, value: object, place: str) -> str:
        """The internal name of a declared variable, given in any of its forms.

        Raises:
            UnknownSymbolError: it is not declared.
            ArgumentError: it is no variable.
        """
        kind, key = identify(value, place)
        tables = {"object": self.objects, "symbol": self.named, "name": self.symbols}
        found = tables[kind].get(key)
        if found is None or found.value not in self.labels:
            raise UnknownSymbolError(
                f"{place} is {shorten(str(value))!r}, which is neither an input nor a parameter"
                f"{close_names(str(key), list(self.labels))}"
            )
        return str(found.value)


def _object_name(key: Any) -> str:
    """An identifier for a SymPy object: a Dummy's own name, ``M_0_1`` for ``M[0, 1]``."""
    text = getattr(key, "name", None)
    text = text if isinstance(text, str) else str(key)
    words = "".join(c if c.isidentifier() or c.isdigit() else " " for c in text).split()
    name = "_".join(word.strip("_") or "_" for word in words)
    return name if name.isidentifier() else f"v_{name}"


def identify(value: object, place: str) -> tuple[str, Any]:
    """How a variable is known ("name", "symbol" or "object"), and that name or object.

    Raises:
        ArgumentError: it cannot be a variable.
    """
    if isinstance(value, str):
        return "name", check_name(value, place)
    if isinstance(value, Expr):
        if value.op != "symbol":
            raise ArgumentError(f"{place} is the expression {value!r}; a variable is a symbol")
        return "name", str(value.value)
    if is_sympy(value):
        reader: ModuleType = sympy_reader()
        kind: tuple[str, Any] = reader.identify(value, place)
        return kind
    raise ArgumentError(
        f"{place} is {shorten(repr(value))}, of type {type(value).__name__}; a variable is a "
        "name, a SymPy Symbol or a traced variable"
    )


def flatten(value: object, place: str) -> list[tuple[object, str]]:
    """The single variables in ``value``, row-major, each with its place.

    One string may name several: ``"x y"`` or ``"x, y"``. Sequences may be nested and may be SymPy
    matrices.

    Raises:
        ArgumentError: a set or a mapping, which has no order.
    """
    if isinstance(value, str):
        words = value.replace(",", " ").split()
        return [
            (word, place if len(words) == 1 else f"{place}[{i}]") for i, word in enumerate(words)
        ]
    found: list[tuple[object, str]] = []
    stack = [(value, place, 0)]
    while stack:
        item, where, depth = stack.pop()
        children = elements(item, where)
        if children is None:
            found.append((item, where))
        elif depth >= MAX_DEPTH:
            raise ArgumentError(f"{place} is nested more than {MAX_DEPTH} levels deep; flatten it")
        else:
            stack.extend(
                (child, f"{where}[{i}]", depth + 1)
                for i, child in reversed(list(enumerate(children)))
            )
    return found


def elements(value: object, place: str) -> list[Any] | None:
    """The elements of a sequence, rows of a matrix or an array; None for a single thing.

    Raises:
        ArgumentError: the collection has no order.
    """
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str | bytes | Expr):
        return None
    if is_sympy(value):
        try:
            rows: list[Any] | None = sympy_reader().elements(value)
        except (LimitError, UnsupportedExpressionError) as error:
            raise type(error)(f"{place}: {error}") from None
        return rows
    if isinstance(value, set | frozenset | Mapping):
        raise ArgumentError(
            f"{place} is a {type(value).__name__}, which has no order here; write a list"
        )
    if hasattr(value, "tolist") and hasattr(value, "shape"):
        return list(value) if value.shape else None  # type: ignore[call-overload]
    if hasattr(value, "__iter__"):
        return list(value)
    return None


def substitute(exprs: Iterable[Expr], replacements: Mapping[str, Expr]) -> list[Expr]:
    """The Exprs with symbols replaced by name; what holds none of them is kept as it is."""
    roots = tuple(exprs)
    made: dict[int, Expr] = {}
    for node in postorder(roots):
        if node.op == "symbol":
            made[id(node)] = replacements.get(str(node.value), node)
            continue
        args = tuple([made[id(argument)] for argument in node.args])
        changed = any(new is not old for new, old in zip(args, node.args, strict=True))
        made[id(node)] = Expr(node.op, args, node.value) if changed else node
    return [made[id(root)] for root in roots]
