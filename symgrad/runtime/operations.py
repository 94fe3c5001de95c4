"""Operations: how much arithmetic a compiled function does at one point; Details: all it tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from symgrad.ir.graph import Graph
from symgrad.ir.program import Program
from symgrad.runtime.sparsity import Sparsity

KINDS = {
    "additions": ("add", "sub"),
    "multiplications": ("mul",),
    "divisions": ("div",),
    "square_roots": ("sqrt",),
}
"""Kinds of arithmetic and the instructions that belong to them; all others are functions."""


@dataclass(frozen=True)
class Operations:
    """Counts of a scheduled program: negations, constants, loads and stores are not counted.

    Attributes:
        counts: instruction -> how many there are, by name.
        weighted: all of them weighted by what each costs, an addition or multiplication being 1,
            a division 5, a square root 6, and a function what its row says.

    Example:
        >>> operations = Operations({"mul": 3, "sin": 1, "sub": 2}, weighted=25)
        >>> operations.total, operations.additions, operations.functions
        (6, 2, {'sin': 1})
        >>> operations
        <6 operations, weight 25: 2 additions, 3 multiplications, 1 sin>
    """

    counts: Mapping[str, int]
    weighted: int
    derive_before: Callable[[], Operations] | None = field(default=None, repr=False, compare=False)

    @property
    def total(self) -> int:
        """All operations."""
        return sum(self.counts.values())

    @property
    def additions(self) -> int:
        """Additions and subtractions."""
        return self._kind("additions")

    @property
    def multiplications(self) -> int:
        """Multiplications."""
        return self._kind("multiplications")

    @property
    def divisions(self) -> int:
        """Divisions."""
        return self._kind("divisions")

    @property
    def square_roots(self) -> int:
        """Square roots."""
        return self._kind("square_roots")

    @property
    def arithmetic(self) -> int:
        """Additions, multiplications, divisions and square roots."""
        return sum(map(self._kind, KINDS))

    @property
    def functions(self) -> dict[str, int]:
        """Everything else by name: elementary functions, comparisons, choices."""
        known = {op for ops in KINDS.values() for op in ops}
        return {op: count for op, count in sorted(self.counts.items()) if op not in known}

    @cached_property
    def before(self) -> Operations:
        """The same counts of the derivatives as differentiation leaves them.

        What simplification and the passes after it save is the difference. They are derived and
        scheduled when first asked for.
        """
        return self.derive_before() if self.derive_before is not None else self

    def _kind(self, kind: str) -> int:
        return sum(self.counts.get(op, 0) for op in KINDS[kind])

    def __repr__(self) -> str:
        parts = {kind.replace("_", " "): self._kind(kind) for kind in KINDS} | self.functions
        shown = [
            f"{count} {name.removesuffix('s') if count == 1 and name not in self.counts else name}"
            for name, count in parts.items()
            if count
        ]
        listed = f": {', '.join(shown)}" if shown else ""
        unit = "operation" if self.total == 1 else "operations"
        return f"<{self.total} {unit}, weight {self.weighted}{listed}>"


@dataclass(frozen=True)
class Details:
    """What people look at: the program, counts, bounds, and source on demand."""

    program: Program
    operations: Operations
    bounds: Callable[[], Mapping[str, Any]]
    source: Callable[[str], str]
    llvm: Callable[[], str]
    graph: Graph
    sparsity: Mapping[str, Sparsity]

    @cached_property
    def accuracy(self) -> Mapping[str, Any]:
        """For every function that the kernel calls: who computes it and the error bound in ulp."""
        return self.bounds()
