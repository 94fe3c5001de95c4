"""What a benchmark problem is: a function, the box of its points, and the derivative wanted."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Function = Callable[[Any, Any], list[Any]]
Bounds = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One benchmark problem, and the box from which its points are drawn.

    Attributes:
        name: its key in `PROBLEMS` of problems.py, or in the suite.
        inputs: n, how many leading entries of x are differentiated by.
        parameters: how many further entries of x vary per point but are not differentiated by.
        function: `function(m, x) -> list of m outputs`.
        bounds: (low, high) of every entry of x.
        derivative: "gradient" for one output, "jacobian" for several, "hessian" for either.
    """

    name: str
    inputs: int
    parameters: int
    function: Function
    bounds: Bounds
    derivative: Literal["gradient", "jacobian", "hessian"]

    def __post_init__(self) -> None:
        """Check that the box and the derivative fit the function."""
        if len(self.bounds) != self.columns:
            raise ValueError(
                f"{self.name}: {len(self.bounds)} bounds for {self.columns} inputs and parameters"
            )
        wrong = "jacobian" if self.scalar else "gradient"
        if self.derivative == wrong:
            raise ValueError(f"{self.name}: {self.derivative} of {self.outputs} outputs")

    @property
    def columns(self) -> int:
        """Inputs and parameters together: the rows of a points-last array."""
        return self.inputs + self.parameters

    @property
    def outputs(self) -> int:
        """How many outputs the function returns."""
        middle = [(low + high) / 2 for low, high in self.bounds]
        return len(self.function(math, middle))

    @property
    def scalar(self) -> bool:
        """Whether there is one output."""
        return self.outputs == 1

    @property
    def order(self) -> int:
        """How many times is differentiated."""
        return 2 if self.derivative == "hessian" else 1

    @property
    def partials(self) -> int:
        """Entries of the derivative of one output: n, or n^2 of a Hessian, row by row."""
        return int(self.inputs**self.order)

    @property
    def entries(self) -> int:
        """Numbers that are read and written for one point."""
        return self.columns + self.outputs * (1 + self.partials)

    def points(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Draw `count` points uniformly from the box, as a C-contiguous (columns, count) array."""
        low, high = np.array(self.bounds).T[:, :, None]
        return np.ascontiguousarray(generator.uniform(low, high, (self.columns, count)))
