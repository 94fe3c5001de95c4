"""Everything that a user may give as outputs and inputs -> flat Exprs over declared names.

SymPy expressions, traced Exprs, formula text and numbers mix freely, alone, in nested sequences,
matrices and arrays, or as a dict. SymPy is imported only where one of its objects is seen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from numbers import Rational, Real
from typing import Any

from symgrad.errors import (
    ArgumentError,
    DuplicateNameError,
    EmptySystemError,
    FormulaError,
    LimitError,
    SymgradError,
    UnknownSymbolError,
)
from symgrad.functions.tracing import PRIMITIVES, Traced
from symgrad.ir.conditions import is_condition
from symgrad.ir.expression import Expr, constant, postorder
from symgrad.ir.messages import close_names, shorten
from symgrad.ir.primitive import Primitive
from symgrad.parse.formula import check_name, read_formula
from symgrad.parse.loading import is_sympy, sympy_reader
from symgrad.parse.names import function_names
from symgrad.parse.variables import (
    MAX_BITS,
    MAX_DEPTH,
    Differentiate,
    Variables,
    elements,
    flatten,
    substitute,
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What is to be compiled, as Exprs over uniquely named variables.

    Attributes:
        exprs: the outputs, flat, row-major.
        shape: their shape S.
        output_names: a dict's keys; "" for a single expression; "f0", "f1", ... otherwise.
        inputs: names of the variables that vary per point.
        parameters: names of the variables that a batch shares.
        wrt: names of the variables to differentiate by.
        labels: what the user calls each input and then each parameter.
        variables: finds a variable's name from any form in which a user may give it.
    """

    exprs: tuple[Expr, ...]
    shape: tuple[int, ...]
    output_names: tuple[str, ...]
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    wrt: tuple[str, ...]
    labels: tuple[str, ...]
    variables: Variables


def parse_outputs(
    outputs: object,
    inputs: object,
    parameters: object = (),
    wrt: object = None,
    rows: Mapping[str, Primitive] = PRIMITIVES,
    *,
    definitions: Mapping[str, object] | None = None,
    differentiate: Differentiate | None = None,
) -> Parsed:
    """Read outputs over inputs and parameters.

    Args:
        outputs: an expression (SymPy, Expr, text or number), a nested sequence, matrix or array of
            them, a dict of them, or what ``sympy.cse`` returns.
        inputs: names, Symbols, traced variables or other SymPy objects that stand for a variable;
            nested sequences are flattened; one string may name several.
        parameters: likewise.
        wrt: those to differentiate by; all inputs if None.
        rows: the function table.
        definitions: names for expressions, each of which may use earlier ones.
        differentiate: evaluates SymPy's Derivative objects.

    Raises:
        EmptySystemError: there are no outputs or no inputs.
        DuplicateNameError: a name is declared twice.
        UnknownSymbolError: an output uses a symbol that is not declared, or wrt names one.
        FormulaError: a text is no formula, or an output is a condition.
        ArgumentError: something cannot be an output or a variable, or rows differ in length.

    Example:
        >>> parsed = parse_outputs({"area": "a*b", "edge": "2*(a + b)"}, "a b")
        >>> parsed.shape, parsed.output_names, parsed.exprs[0]
        ((2,), ('area', 'edge'), a*b)
    """
    variables = Variables()
    given = flatten(inputs, "input")
    if not given:
        raise EmptySystemError(
            "there are no inputs; name at least one variable, as in inputs='x y'"
        )
    declared = variables.declare(given, flatten(parameters, "parameter"))
    reading = Reading(variables, rows, differentiate)
    for name, value in (definitions or {}).items():
        reading.define(name, value)
    names, shape, flat, places = _arrange(outputs, reading)
    exprs = [reading.expr(value, place) for value, place in zip(flat, places, strict=True)]
    return Parsed(
        exprs=tuple(reading.resolve(exprs, places)),
        shape=shape,
        output_names=names,
        inputs=declared[0],
        parameters=declared[1],
        wrt=declared[0] if wrt is None else _find_all(wrt, variables),
        labels=tuple(variables.labels.values()),
        variables=variables,
    )


def _find_all(wrt: object, variables: Variables) -> tuple[str, ...]:
    """The names of what to differentiate by."""
    places: dict[str, str] = {}
    for value, place in flatten(wrt, "wrt"):
        name = variables.find(value, place)
        if name in places:
            raise DuplicateNameError(
                f"{variables.labels[name]!r} stands twice in wrt: as {places[name]} and as {place}"
            )
        places[name] = place
    if not places:
        raise EmptySystemError("wrt names nothing to differentiate by; leave it out for all inputs")
    return tuple(places)


class Reading:
    """The reading of one system's expressions: text, SymPy, Exprs and numbers alike."""

    def __init__(
        self,
        variables: Variables,
        rows: Mapping[str, Primitive],
        differentiate: Differentiate | None,
    ) -> None:
        self.variables = variables
        self.rows = rows
        self.differentiate = differentiate
        self.defined: dict[str, Expr] = {}
        self.converter: Any = None
        self.traced = False
        self.known: Collection[str] = function_names(rows)

    def define(self, name: object, value: object) -> None:
        """Let ``name`` stand for an expression.

        Raises:
            DuplicateNameError: the name is declared or defined already.
        """
        key = check_name(name, "a definition")
        place = f"the definition {key!r}"
        if key in self.variables.symbols:
            before = self.variables.places.get(key, "another definition")
            raise DuplicateNameError(f"{place} has the name of {before}; rename one of them")
        made = self.resolve([self.expr(value, place)], [place])[0]
        self.defined[key] = made
        self.variables.define(key, made)

    def replacement(self, target: Any, value: object) -> None:
        """Let a Symbol or a Dummy that ``sympy.cse`` made stand for an expression."""
        if not isinstance(target, sympy_reader().sympy.Dummy):
            self.define(target.name, value)
            return
        made = self.expr(value, f"the replacement of {target.name!r}")
        self.variables.objects[target] = made
        self.converter.declare(target, made)

    def expr(self, value: Any, place: str) -> Expr:
        """The Expr of one expression in any form; symbols of an Expr are resolved later.

        Raises:
            ArgumentError: it is no expression.
        """
        if hasattr(value, "item") and getattr(value, "shape", None) == ():
            value = value.item()  # an array of one element
        if isinstance(value, Expr):
            self.traced = True
            made = value
        elif isinstance(value, str):
            made = self.text(value, place)
        elif is_sympy(value):
            made = self.sympy(value, place)
        elif isinstance(value, bool) or not isinstance(value, Real):
            raise ArgumentError(
                f"{place} is {shorten(repr(value))}, of type {type(value).__name__}; give a "
                "SymPy expression, a traced expression, formula text or a real number"
            )
        else:
            made = self.number(value, place)
        if is_condition(made):
            raise FormulaError(
                f"{place} is a condition and no number; write where(condition, 1, 0)"
            )
        return made

    def number(self, value: Real, place: str) -> Expr:
        """The Expr of a number."""
        if isinstance(value, Rational):
            size = max(int(value.numerator).bit_length(), int(value.denominator).bit_length())
            if size > MAX_BITS:
                raise LimitError(f"{place} is an exact number of more than {MAX_BITS} bits")
        return constant(value)

    def text(self, text: str, place: str) -> Expr:
        """The Expr of formula text."""
        try:
            return read_formula(text, self.variables.symbols, self.rows, self.known)
        except (FormulaError, LimitError) as error:
            raise type(error)(f"{place}: {error}") from None

    def sympy(self, value: object, place: str) -> Expr:
        """The Expr of a SymPy object."""
        if self.converter is None:
            self.converter = sympy_reader().Converter(
                self.variables.named, self.variables.objects, self.rows, self.differentiate
            )
        made: Expr = self.converter.convert(value, place)
        return made

    def resolve(self, exprs: Sequence[Expr], places: Sequence[str]) -> list[Expr]:
        """The Exprs with definitions put in, and every symbol a declared variable.

        Text and SymPy objects are read so from the start: this is for traced Exprs.

        Raises:
            UnknownSymbolError: a symbol is not declared.
        """
        if not self.traced:
            return list(exprs)
        known = self.variables.symbols
        for node in postorder(tuple(exprs)):
            if node.op == "symbol" and node.value not in known:
                raise self.undeclared(node, exprs, places)
        return substitute(exprs, self.defined) if self.defined else list(exprs)

    def undeclared(self, node: Expr, exprs: Sequence[Expr], places: Sequence[str]) -> SymgradError:
        """The error for a symbol that is not declared, with the first output that uses it."""
        name = str(node.value)
        users = (
            place
            for expr, place in zip(exprs, places, strict=True)
            if any(part is node for part in postorder((expr,)))
        )
        close = close_names(name, list(self.variables.symbols))
        return UnknownSymbolError(
            f"the symbol {shorten(name)!r} in {next(users)} is not declared; add it to the inputs "
            f"or parameters{close}"
        )


Arranged = tuple[tuple[str, ...], tuple[int, ...], list[Any], list[str]]


def _arrange(outputs: object, reading: Reading) -> Arranged:
    """Names, shape, expressions and places of the outputs, flat."""
    if isinstance(outputs, Traced):
        raise ArgumentError(
            "the outputs are what trace() gave, which holds the inputs too; write "
            "compile(*traced, ...) with a star, or compile(traced.outputs, inputs, ...)"
        )
    if is_sympy(outputs) and hasattr(outputs, "items"):
        outputs = dict(outputs.items())  # SymPy's Dict
    if isinstance(outputs, Mapping):
        return _arrange_mapping(outputs)
    if isinstance(outputs, tuple) and len(outputs) == 2 and _is_cse(outputs):
        for target, value in outputs[0]:
            reading.replacement(target, value)
        outputs = outputs[1]
    level: list[tuple[Any, str]] = [(outputs, "")]
    shape: list[int] = []
    while True:
        children = [elements(value, "the outputs") for value, _ in level]
        if all(child is None for child in children):
            break
        if len(shape) == MAX_DEPTH:
            raise ArgumentError(f"the outputs are nested more than {MAX_DEPTH} levels deep")
        lengths = {None if child is None else len(child) for child in children}
        if len(lengths) > 1:
            raise ArgumentError(_ragged(level, children))
        shape.append(len(children[0] or ()))
        level = [
            (child, f"{where}[{i}]")
            for (_, where), row in zip(level, children, strict=True)
            for i, child in enumerate(row or ())
        ]
        if not level:
            raise EmptySystemError("there are no outputs; give at least one expression")
    if not shape:
        return ("",), (), [outputs], ["the output"]
    names = tuple(f"f{i}" for i in range(len(level)))
    flat = [value for value, _ in level]
    return names, tuple(shape), flat, [f"output {where}" for _, where in level]


def _is_cse(outputs: tuple[Any, Any]) -> bool:
    """Whether a pair is what ``sympy.cse`` returns, found without SymPy where there is none."""
    reduced = outputs[1]
    first = reduced[0] if isinstance(reduced, list) and reduced else reduced
    return is_sympy(first) and bool(sympy_reader().is_cse(outputs))


def _ragged(level: list[tuple[Any, str]], children: list[list[Any] | None]) -> str:
    """The message for rows of unequal length."""

    def size(child: list[Any] | None) -> str:
        return "a single expression" if child is None else f"a row of {len(child)}"

    other = next(i for i, child in enumerate(children) if size(child) != size(children[0]))
    return (
        f"the outputs are no rectangular array: outputs{level[0][1]} is {size(children[0])} and "
        f"outputs{level[other][1]} is {size(children[other])}; give rows of equal length, or a dict"
    )


def _arrange_mapping(outputs: Mapping[Any, object]) -> Arranged:
    """Names, shape, expressions and places of a dict of outputs."""
    if not outputs:
        raise EmptySystemError("there are no outputs; give at least one expression")
    names: dict[str, None] = {}
    for key, value in outputs.items():
        name = key if isinstance(key, str) else str(key) if is_sympy(key) else ""
        if not name:
            raise ArgumentError(f"the output name {key!r} is no text; name outputs by strings")
        if name in names:
            raise DuplicateNameError(f"two outputs are called {name!r}; rename one")
        if elements(value, f"output {name!r}") is not None:
            raise ArgumentError(
                f"output {name!r} is an array; a dict names single expressions: give each element "
                "a name of its own"
            )
        names[name] = None
    places = [f"output {name!r}" for name in names]
    return tuple(names), (len(names),), list(outputs.values()), places
