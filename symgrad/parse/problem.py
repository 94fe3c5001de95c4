"""Problem files: a system of formulas with its variables and wanted derivatives, in TOML.

::

    inputs = ["x1", "x2"]
    parameters = ["k"]                       # or a table of defaults: [parameters] k = 2.0
    derivatives = ["value", "gradient"]      # or an order, or a table of partials
    sparse = false                           # optional, as dtype and optimize are
    [definitions]                            # optional, in order, may use earlier ones
    r2 = "x1**2 + x2**2"
    [outputs]
    energy = "k*r2*sin(x2)"
    [ranges]                                 # optional: where checks and plots sample
    x1 = [-1, 1]

Formulas are read like any formula text; a problem file executes nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from os import PathLike
from pathlib import Path
from typing import Any

from symgrad.errors import ArgumentError, ProblemFileError
from symgrad.ir.messages import close_names, shorten
from symgrad.parse.formula import check_name
from symgrad.parse.variables import flatten

Derivatives = int | tuple[str | int, ...] | dict[str, tuple[str, ...]] | None
"""What ``derivatives`` may be: an order, names and orders, or chosen partials by name."""

MAX_BYTES = 64_000_000
"""A larger file is refused."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a problem file says.

    Attributes:
        outputs: name -> formula text, in order; the name "" for a formula without a name.
        inputs: names that vary per point.
        parameters: names that a batch shares.
        parameter_values: values of parameters where the file gives them.
        derivatives: what to compile; None for the default.
        definitions: name -> formula text, in order.
        ranges: name -> (low, high), where to sample.
        dtype: the type of all numbers, None if the file does not say.
        sparse: whether derivatives hold no structural zeros, None if the file does not say.
        optimize: how hard to look for a cheaper program, None if the file does not say.
        source: the file, for messages; "" for a formula without one.
        name: what to call the compiled function, "" if the file does not say.
    """

    outputs: dict[str, str]
    inputs: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    parameter_values: dict[str, float] = field(default_factory=dict)
    derivatives: Derivatives = None
    definitions: dict[str, str] = field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    dtype: str | None = None
    name: str = ""
    sparse: bool | None = None
    optimize: str | None = None
    source: str = field(default="", compare=False)

    def system(self) -> str | dict[str, str]:
        """The outputs as ``compile`` takes them: a single one is one expression, with S = ()."""
        return next(iter(self.outputs.values())) if len(self.outputs) == 1 else self.outputs


KEYS = (
    *("inputs", "parameters", "derivatives", "definitions", "outputs", "ranges"),
    *("dtype", "sparse", "optimize", "name"),
)


def read_problem(path: str | PathLike[str]) -> Problem:
    """Read a problem file.

    Raises:
        ProblemFileError: the file cannot be read, is no TOML, or has an unknown or unusable entry;
            the message names the file, the entry and the cure.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise ProblemFileError(f"{file} has {size} bytes, more than the limit of {MAX_BYTES}")
        text = file.read_text("utf-8-sig")
    except OSError as error:
        raise ProblemFileError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ProblemFileError(f"{file} is no text in UTF-8; save it as such") from None
    return parse_problem(text, str(file))


def parse_problem(text: str, source: str) -> Problem:
    """Read a problem from the text of its file; ``source`` names it in messages.

    Raises:
        ProblemFileError: the text is no TOML, or has an unknown or unusable entry.
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ProblemFileError(f"{source} is no TOML: {error}") from None
    entries = _Entries(data, source)
    for key in data:
        if key not in KEYS:
            raise entries.error(
                key, f"is unknown; the entries are {', '.join(KEYS)}{close_names(key, KEYS)}"
            )
    parameters, values = entries.parameters()
    problem = Problem(
        outputs=entries.outputs(),
        inputs=entries.names("inputs"),
        parameters=parameters,
        parameter_values=values,
        derivatives=entries.derivatives(),
        definitions=entries.formulas("definitions"),
        ranges=entries.ranges(),
        dtype=entries.text("dtype", None),
        sparse=entries.truth("sparse"),
        optimize=entries.text("optimize", None),
        name=entries.text("name", "") or "",
        source=source,
    )
    if not problem.inputs:
        raise entries.error("inputs", 'is missing; name the variables, as in inputs = ["x", "y"]')
    if not problem.outputs:
        raise entries.error("outputs", 'is missing; write [outputs] and below it f = "x*y"')
    for name in problem.ranges:
        if name not in {*problem.inputs, *problem.parameters}:
            known = [*problem.inputs, *problem.parameters]
            raise entries.error(
                f"ranges.{name}", f"names no input or parameter{close_names(name, known)}"
            )
    return problem


def problem_from_formula(
    text: str, inputs: str | Sequence[str], parameters: str | Sequence[str] = ()
) -> Problem:
    """The Problem of one formula; names come as a sequence, or as one string such as "x,y".

    Raises:
        ArgumentError: a name is none.

    Example:
        >>> problem_from_formula("x**2*sin(y)", "x,y").inputs
        ('x', 'y')
    """
    varying, shared = (
        tuple(check_name(name, place) for name, place in flatten(given, title))
        for given, title in ((inputs, "input"), (parameters, "parameter"))
    )
    return Problem(outputs={"": text}, inputs=varying, parameters=shared)


class _Entries:
    """The entries of a problem file, each read with its kind checked."""

    def __init__(self, data: Mapping[str, Any], source: str) -> None:
        self.data = data
        self.source = source

    def error(self, key: str, message: str) -> ProblemFileError:
        """The error for an entry."""
        return ProblemFileError(f"{self.source}: the entry {shorten(key)!r} {message}")

    def text(self, key: str, default: str | None) -> str | None:
        """A single text."""
        value = self.data.get(key, default)
        if value is not default and not isinstance(value, str):
            raise self.error(key, f"is {shorten(repr(value))}; it must be text")
        return value

    def truth(self, key: str) -> bool | None:
        """True or false, None where it is missing."""
        value = self.data.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.error(key, f"is {shorten(repr(value))}; it must be true or false")
        return value

    def name(self, value: object, key: str) -> str:
        """A name that formulas can use."""
        try:
            return check_name(value, "it")
        except ArgumentError as error:
            raise self.error(key, f"cannot be used: {error}") from None

    def number(self, value: object, key: str) -> float:
        """A finite real number."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise self.error(key, f"is {shorten(repr(value))}; it must be a finite number")
        return float(value)

    def table(self, key: str) -> dict[str, Any]:
        """A table of entries, empty where it is missing."""
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"must be a table; write [{key}] and its entries below")
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """A list of names, or one string of several."""
        value = self.data.get(key, [])
        if isinstance(value, str):
            value = value.replace(",", " ").split()
        if not isinstance(value, list):
            raise self.error(key, f'must be a list of names, as in {key} = ["x", "y"]')
        return tuple(self.name(entry, key) for entry in value)

    def parameters(self) -> tuple[tuple[str, ...], dict[str, float]]:
        """Names of parameters, and their values where the entry is a table."""
        value = self.data.get("parameters", [])
        if not isinstance(value, dict):
            return self.names("parameters"), {}
        places = {self.name(name, f"parameters.{name}"): f"parameters.{name}" for name in value}
        return tuple(places), {n: self.number(value[n], place) for n, place in places.items()}

    def formulas(self, key: str) -> dict[str, str]:
        """A table of formula texts; a number stands for itself."""
        found: dict[str, str] = {}
        for name, value in self.table(key).items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                value = repr(value)
            if not isinstance(value, str):
                raise self.error(f"{key}.{name}", 'must be formula text, as in f = "x*y"')
            found[name] = value
        if key == "definitions":
            return {self.name(name, f"{key}.{name}"): value for name, value in found.items()}
        return found

    def outputs(self) -> dict[str, str]:
        """The outputs: a table, or one formula."""
        value = self.data.get("outputs", {})
        return {"": value} if isinstance(value, str) else self.formulas("outputs")

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Where to sample each variable."""
        found: dict[str, tuple[float, float]] = {}
        for name, value in self.table("ranges").items():
            key = f"ranges.{name}"
            if not isinstance(value, list) or len(value) != 2:
                raise self.error(key, "must be two numbers, as in x = [-1, 1]")
            low, high = (self.number(entry, key) for entry in value)
            if low > high:
                raise self.error(key, f"goes from {low} down to {high}; exchange the two")
            found[name] = (low, high)
        return found

    def derivatives(self) -> Derivatives:
        """The wanted derivatives: an order, a list of names and orders, or a table of partials."""
        value = self.data.get("derivatives")
        cure = 'must be a name, an order, a list of these, or a table such as {u_x = ["x"]}'
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list):
            if any(isinstance(entry, bool) or not isinstance(entry, str | int) for entry in value):
                raise self.error("derivatives", cure)
            return tuple(value)
        if not isinstance(value, dict):
            raise self.error("derivatives", cure)
        found: dict[str, tuple[str, ...]] = {}
        for name, variables in value.items():
            key = f"derivatives.{name}"
            words = variables.split() if isinstance(variables, str) else variables
            if not isinstance(words, list):
                raise self.error(key, 'must be a list of variables, as in u_xy = ["x", "y"]')
            found[name] = tuple(self.name(word, key) for word in words)
        return found
