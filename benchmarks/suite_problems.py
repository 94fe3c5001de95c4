"""Every problem of the suite by name: the table of problems.py, formulas of users, and Hessians.

The formulas of users stand in ``shared/cases`` beside the project and are read there; where that
folder is missing the suite runs without them. `find("kerr, hessian")` makes a problem anew in any
process.

    >>> find("sine, hessian").entries  # two inputs, the value and four second derivatives
    7
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import symgrad as sg
from benchmarks.counting.tasks import translated
from benchmarks.problems import PROBLEMS, TURN, Problem, arm, leading
from symgrad import api
from symgrad.ir.expression import Expr
from tests.cases import AVAILABLE, Case, load

POSITION = Problem("iiwa7_position", 7, 0, leading(3, arm("iiwa7")), (TURN,) * 7, "jacobian")
"""Where the tool of an arm is: it does not depend on the last joint, so columns are zero."""

FAMILY = "real_users"
SMALL = 100
"""Second derivatives are wanted of problems that have at most so many, all outputs together."""

POINTS, FEW_POINTS, LARGE = 1_000_000, 100_000, 60
"""Points of a problem, and of one where a point reads and writes more than LARGE numbers."""


class Numeric:
    """A library's functions for formulas that also apply them to plain numbers, as sqrt(pi)."""

    __name__ = "casadi"  # rationals are written as floats, as for CasADi
    pi = math.pi

    def __init__(self, library: Any) -> None:
        """Keep the library."""
        self._library = library

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """The library's function, or Python's where all arguments are numbers."""

        def call(*args: Any) -> Any:
            plain = all(isinstance(argument, int | float) for argument in args)
            return getattr(math if plain else self._library, name)(*args)

        return call


def case_problem(case: Case) -> Problem:
    """A case as a problem: its formulas as they are written, its parameters as fixed numbers."""
    parsed = api.parse(list(case.outputs), case.variables, tuple(case.parameters), case.wrt)
    others = [name for name in case.variables if name not in case.wrt]
    names = [*case.wrt, *others]

    def function(m: Any, x: Any) -> list[Any]:
        symbols = dict(zip(names, (x[k] for k in range(len(names))), strict=True))
        numbers: dict[str, Any] = dict(case.parameters)
        if m is sg.math:
            numbers = {name: Expr("constant", (), value) for name, value in numbers.items()}
        exact = m is sg.math or getattr(m, "__name__", "") in ("sympy", "symengine")
        return translated(parsed.exprs, m if exact else Numeric(m), {**symbols, **numbers})

    return Problem(
        name=f"{FAMILY}/{case.id}",
        inputs=len(case.wrt),
        parameters=len(others),
        function=function,
        bounds=tuple(tuple(map(float, case.raw["ranges"][name][:2])) for name in names),
        derivative="gradient" if len(case.outputs) == 1 else "jacobian",
    )


@cache
def suite() -> dict[str, Problem]:
    """Every problem by its name, each with its first derivatives and the small ones with both."""
    first = [*PROBLEMS.values(), POSITION, *(case_problem(case) for case in load(FAMILY))]
    found = {}
    for problem in first:
        found[problem.name] = problem
        if problem.outputs * problem.inputs**2 <= SMALL:
            second = replace(problem, name=f"{problem.name}, hessian", derivative="hessian")
            found[second.name] = second
    return found


def find(name: str) -> Problem:
    """The problem of a name."""
    return suite()[name]


def missing() -> str | None:
    """Why the formulas of users take no part; None where they do."""
    return None if AVAILABLE else "formulas of users: no folder shared/cases beside the project"


def points_of(problem: Problem, points: int) -> int:
    """How many points a problem is timed on: fewer where one point is many numbers."""
    return points if problem.entries <= LARGE else max(1, points * FEW_POINTS // POINTS)
