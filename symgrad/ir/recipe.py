"""Recipe: everything that makes a compiled function, as text: what pickling and saving carry."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from symgrad.errors import ProblemFileError
from symgrad.ir.system import Kind, Request

SCHEMA = 1

NOT_SAVED = "this is no saved symgrad function ({}); save one with fn.save(path)"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A system as text, the wanted results and the options.

    Attributes:
        graph: the system's graph as ``ir/text.py`` writes it, with the outputs named "value".
        inputs: names that vary per point.
        parameters: names shared by a batch.
        wrt: names to differentiate by.
        shape: S, the shape of the outputs.
        labels: a display name for each output entry.
        requests: the wanted results.
        options: the values of the compile options by name.
        name: the function's name, for people.
        ranges: name -> (low, high): where the function is sampled for tests, as far as known.
        functions: the user's own functions that the graph needs, as ``ir/row_text.py`` writes them.
    """

    graph: str
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    wrt: tuple[str, ...]
    shape: tuple[int, ...]
    labels: tuple[str, ...]
    requests: tuple[Request, ...]
    options: dict[str, Any]
    name: str = ""
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    functions: str = ""

    def to_json(self) -> str:
        """The recipe as JSON; equal recipes give equal text."""
        return json.dumps({"symgrad": SCHEMA, **asdict(self)}, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> Recipe:
        """The recipe that ``to_json`` wrote.

        Raises:
            ProblemFileError: the text is no saved function.
        """
        try:
            read = json.loads(text)
            schema = read.pop("symgrad")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProblemFileError(NOT_SAVED.format(error)) from None
        if schema != SCHEMA:
            raise ProblemFileError(
                f"the saved function has format {schema}, this symgrad reads format {SCHEMA}; "
                "save it again with the symgrad that made it, as a problem file"
            )
        try:
            requests = [
                Request(r["name"], r["kind"], r["order"], tuple(r["indices"]))
                for r in read.pop("requests")
            ]
            ranges = {name: (low, high) for name, (low, high) in read.pop("ranges").items()}
            fields = {k: tuple(v) if isinstance(v, list) else v for k, v in read.items()}
            made = Recipe(requests=tuple(requests), ranges=ranges, **fields)  # type: ignore[arg-type]
            made.check()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProblemFileError(NOT_SAVED.format(error)) from None
        return made

    def check(self) -> None:
        """Check that every field holds what it says.

        Raises:
            TypeError: names the field that does not.
        """
        for name in ("inputs", "parameters", "wrt", "labels"):
            _require(name, getattr(self, name), str)
        _require("shape", self.shape, int)
        texts = isinstance(self.graph, str) and isinstance(self.functions, str)
        if not texts or not isinstance(self.options, dict):
            raise TypeError("graph or functions are no text, or options are no table")
        if not set(self.wrt) <= {*self.inputs, *self.parameters}:
            raise TypeError("wrt names no input or parameter")
        for request in self.requests:
            _require("indices", request.indices, int)
            if request.kind not in get_args(Kind) or not isinstance(request.order, int):
                raise TypeError(f"request {request.name!r} is unknown")


def _require(name: str, values: object, kind: type) -> None:
    if not isinstance(values, tuple) or not all(isinstance(value, kind) for value in values):
        raise TypeError(f"{name} is {values!r}, not a list of {kind.__name__}")
