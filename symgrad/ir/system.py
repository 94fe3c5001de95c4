"""System and Tensor: a graph with named inputs and outputs, and named arrays of its nodes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

from symgrad.errors import InvariantError
from symgrad.ir.graph import Graph

Kind = Literal["tensor", "partial", "vjp", "jvp", "hvp"]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named array of nodes, row-major: one result of a compiled function.

    Attributes:
        name: the result's name, "value" or "jacobian" for instance.
        shape: its shape for one point.
        nodes: one node an entry; exact zeros are structural.
    """

    name: str
    shape: tuple[int, ...]
    nodes: tuple[int, ...]

    def __post_init__(self) -> None:
        if prod(self.shape) != len(self.nodes):
            raise InvariantError(
                f"tensor {self.name!r} of shape {self.shape} has {len(self.nodes)} nodes"
            )


@dataclass(frozen=True, slots=True)
class System:
    """What is differentiated: outputs over inputs and parameters.

    Attributes:
        graph: where all nodes live.
        inputs: names that vary per point.
        parameters: names shared by a batch.
        wrt: names to differentiate by.
        outputs: the output nodes, of shape S.
        labels: a display name for each output entry.
    """

    graph: Graph
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    wrt: tuple[str, ...]
    outputs: Tensor
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One wanted result.

    Attributes:
        name: the result's name, the field by which the user reads it.
        kind: "tensor" (all partials of ``order``; order 0 is the value), "partial" (one chosen
            partial), "vjp", "jvp" or "hvp".
        order: of a tensor.
        indices: positions in wrt of a chosen partial, one a differentiation.
    """

    name: str
    kind: Kind
    order: int = 0
    indices: tuple[int, ...] = ()
