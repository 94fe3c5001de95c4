"""CudaKernel: the text of a kernel for a GPU and what launching it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CudaKernel:
    """A kernel as text, not compiled yet.

    Attributes:
        name: of the kernel's function.
        text: CUDA C++ that includes nothing.
        threads: of a block.
        points: that a block handles at a time: n points keep ceil(n / points) blocks busy, and any
            smaller number of blocks does the same work.
        block: where points are summed, those whose sums are a row of each result; else 0.
    """

    name: str
    text: str
    threads: int
    points: int
    block: int = 0
