"""System, Tensor, Pattern: a graph with named inputs and outputs, named arrays of its nodes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

from symgrad.errors import InvariantError
from symgrad.ir.graph import Graph

Kind = Literal["tensor", "partial", "vjp", "jvp", "hvp", "normal"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which entries of a derivative array are stored; the others are exactly 0.

    Attributes:
        shape: of the whole array for one point.
        symmetric: how many of its last axes may be exchanged (partial derivatives commute): of
            entries that differ by that alone the one with non-increasing positions is stored.
        indices: one index an entry, a position an axis, in row-major order.
    """

    shape: tuple[int, ...]
    symmetric: int
    indices: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named array of nodes, row-major: one result of a compiled function.

    Attributes:
        name: the result's name, "value" or "jacobian" for instance.
        shape: its shape for one point; of a sparse array (entries,).
        nodes: one node an entry; exact zeros are structural.
        pattern: where the entries of a sparse array lie; None for a dense one.
    """

    name: str
    shape: tuple[int, ...]
    nodes: tuple[int, ...]
    pattern: Pattern | None = None

    def __post_init__(self) -> None:
        if self.pattern is not None and self.shape != (len(self.pattern.indices),):
            raise InvariantError(
                f"tensor {self.name!r} of shape {self.shape} has a pattern of "
                f"{len(self.pattern.indices)} entries"
            )
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
            partial), "vjp", "jvp", "hvp", or "normal" (products of residuals and their Jacobian).
        order: of a tensor; of a product how many of its two factors are the Jacobian: r.r, J^T r,
            J^T J.
        indices: positions in wrt of a chosen partial, one a differentiation.
    """

    name: str
    kind: Kind
    order: int = 0
    indices: tuple[int, ...] = ()
