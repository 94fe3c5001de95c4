"""What `benchmarks.operations` counts: systems, the derivatives wanted, and the counts aimed at.

A `Task` is a function that any library can trace, a point, and an order. `TARGETS` is the table of
the project: its `goal` is the number of operations that the smallest known program needs.

    >>> task = TASKS["nested, order 8"]
    >>> task.orders, task.entries(1), task.goal
    ((1, 2, 3, 4, 5, 6, 7, 8), [(0, 0)], 820)
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from benchmarks.problems import (
    BLACK_SCHOLES_BOUNDS,
    BUNDLE_BOUNDS,
    TETRAHEDRON,
    TURN,
    Bounds,
    Function,
    arm,
    around,
    black_scholes,
    bundle_adjustment,
    chebyshev,
    kerr,
    kinetics,
    lattice,
    leading,
    lennard_jones,
    morse,
    nested,
    pair_energy,
    pollution,
    rosenbrock,
    spherical_harmonics,
    tersoff,
)

ORDERS = {"gradient": (1,), "jacobian": (1,), "hessian": (2,)}


@dataclass(frozen=True)
class Task:
    """A system and the derivatives that are wanted of it.

    Attributes:
        name: its key.
        inputs: n, how many leading entries of x are differentiated by.
        parameters: how many further entries of x there are.
        function: `function(m, x) -> list of m outputs`.
        bounds: (low, high) of every entry of x.
        wanted: "gradient", "jacobian", "hessian", or k for every derivative of order 1 to k.
        goal: the operations aimed at, or None.
        through_sympy: whether the system is built in SymPy before symgrad reads it.
    """

    name: str
    inputs: int
    parameters: int
    function: Function
    bounds: Bounds
    wanted: str | int
    goal: int | None = None
    through_sympy: bool = False

    @property
    def names(self) -> list[str]:
        """The names of inputs and parameters."""
        return [f"x{k}" for k in range(self.inputs + self.parameters)]

    @property
    def orders(self) -> tuple[int, ...]:
        """The orders of derivative that are wanted, lowest first."""
        return ORDERS.get(str(self.wanted)) or tuple(range(1, int(self.wanted) + 1))

    def entries(self, order: int) -> list[tuple[int, ...]]:
        """The distinct multi-indices of an order: non-increasing positions among the inputs."""
        indices = combinations_with_replacement(range(self.inputs), order)
        return [tuple(reversed(index)) for index in indices]

    @cached_property
    def point(self) -> list[float]:
        """A random point of the box, always the same for a task."""
        generator = np.random.default_rng(zlib.crc32(self.name.encode()))
        low, high = np.array(self.bounds, float).reshape(-1, 2).T
        return [float(value) for value in generator.uniform(low, high)]


def bump(m: Any, x: Any) -> list[Any]:
    """exp(sin(x y)) / (1 + x^2 + y^2): products, a composition and a quotient in two inputs."""
    a, b = x
    return [m.exp(m.sin(a * b)) / (1 + a**2 + b**2)]


def sum_of_squares(function: Function) -> Function:
    """The sum of the squared outputs of a function."""

    def squared(m: Any, x: Any) -> list[Any]:
        total: Any = 0
        for output in function(m, x):
            total = total + output**2
        return [total]

    return squared


position = leading(3, arm("iiwa7"))


def atoms(count: int, energy: Callable[[Any, Any], Any]) -> tuple[int, int, Function, Bounds]:
    """Inputs, parameters, function and box of a cluster of atoms with a pair energy."""
    return 3 * count, 0, pair_energy(count, energy), lattice(count, 1.2, 0.1)


def silicon(count: int) -> tuple[int, int, Function, Bounds]:
    """Inputs, parameters, function and box of a cluster of silicon atoms."""
    return 3 * count, 0, tersoff(count), around(TETRAHEDRON[:count], 0.2)


BUNDLE = (15, 2, bundle_adjustment, BUNDLE_BOUNDS)
BUNDLE_SQUARES = (15, 2, sum_of_squares(bundle_adjustment), BUNDLE_BOUNDS)
IIWA7 = (7, 0, arm("iiwa7"), (TURN,) * 7)
POSITION = (7, 0, position, (TURN,) * 7)
POSITION_SQUARES = (7, 0, sum_of_squares(position), (TURN,) * 7)
OPTION = (5, 0, black_scholes, BLACK_SCHOLES_BOUNDS)
KERR = (2, 2, kerr, ((3, 10), (0.3, 2.8), (0.5, 1), (0.1, 0.4)))
HARMONICS = (3, 0, spherical_harmonics(10), ((-1, 1),) * 3)
MECHANISM = (21, 0, kinetics(20, 60), ((0.1, 1),) * 20 + ((0.8, 1.6),))

# fmt: off
TARGETS: tuple[Task, ...] = (
    Task("Rosenbrock 100",           100, 0, rosenbrock(100), ((-2, 2),) * 100, "gradient", 791),
    Task("bundle adjustment",        *BUNDLE,               "jacobian", 250),
    Task("bundle, from SymPy",       *BUNDLE,               "jacobian", 270, through_sympy=True),
    Task("arm iiwa7",                *IIWA7,                "jacobian", 343),
    Task("arm UR5",                  6, 0, arm("ur5"), (TURN,) * 6, "jacobian", 130),
    Task("Black-Scholes",            *OPTION,               "gradient", 61),
    Task("Lennard-Jones 8",          *atoms(8, lennard_jones), "gradient", 672),
    Task("Morse 5",                  *atoms(5, morse),      "gradient", 235),
    Task("Tersoff 4",                *silicon(4),           "gradient", 731),
    Task("Kerr metric",              *KERR,                 "jacobian", 104),
    Task("harmonics below 10",       *HARMONICS,            "jacobian", 538),
    Task("POLLU",                    20, 0, pollution, ((0.01, 1),) * 20, "jacobian", 44),
    Task("kinetics 20 x 60",         *MECHANISM,            "jacobian", 1626),
    Task("Chebyshev T20",            1, 0, chebyshev(20), ((-0.9, 0.9),), "gradient", 103),
    Task("bundle squares, Hessian",  *BUNDLE_SQUARES,       "hessian", 1165),
    Task("position squares, Hessian", *POSITION_SQUARES,    "hessian", 566),
    Task("Black-Scholes, Hessian",   *OPTION,               "hessian", 210),
    Task("Lennard-Jones 5, Hessian", *atoms(5, lennard_jones), "hessian", 445),
    Task("Morse 5, Hessian",         *atoms(5, morse),      "hessian", 470),
    Task("Tersoff 3, Hessian",       *silicon(3),           "hessian", 974),
    Task("Tersoff 4, Hessian",       *silicon(4),           "hessian", 5128),
    Task("nested, order 8",          1, 0, nested, ((-1.5, 1.5),), 8, 820),
    Task("bump, order 6",            2, 0, bump, ((-1, 1),) * 2, 6, 947),
    Task("Black-Scholes, order 3",   *OPTION,               3, 967),
    Task("Black-Scholes, order 4",   *OPTION,               4, 3205),
    Task("arm position, order 3",    *POSITION,             3, 561),
    Task("Morse pair, order 4",      *atoms(2, morse),      4, 383),
)
# fmt: on

TASKS: dict[str, Task] = {task.name: task for task in TARGETS}
