"""Recipe: everything that makes a compiled function, as text: what pickling and saving carry."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from symgrad.errors import ProblemFileError
from symgrad.ir.system import Request

SCHEMA = 1


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
            requests = [
                Request(r["name"], r["kind"], r["order"], tuple(r["indices"]))
                for r in read.pop("requests")
            ]
            ranges = {name: (low, high) for name, (low, high) in read.pop("ranges").items()}
            fields = {k: tuple(v) if isinstance(v, list) else v for k, v in read.items()}
            made = Recipe(requests=tuple(requests), ranges=ranges, **fields)  # type: ignore[arg-type]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProblemFileError(
                f"this is no saved symgrad function ({error}); save one with fn.save(path)"
            ) from None
        if schema != SCHEMA:
            raise ProblemFileError(
                f"the saved function has format {schema}, this symgrad reads format {SCHEMA}; "
                "save it again with the symgrad that made it, as a problem file"
            )
        return made
