"""Counting the operations of a derivative program, in the same way for every system.

`benchmarks.operations` states the rules; here they are applied to symgrad's own programs, and the
cost of a power is defined for all.
"""

import math
import time
from collections import Counter
from dataclasses import dataclass, fields

import numpy as np

import symgrad as sg
from benchmarks.targets import Task
from symgrad import api, signatures
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import numpy_arithmetic, run
from symgrad.ir.program import Program
from symgrad.ir.recipe import Recipe
from symgrad.ir.system import Request
from symgrad.options import Options

MOST = 128
"""Powers beyond this, counted in halves, are one call of pow."""

FREE = ("load", "store", "constant", "boolean", "neg")


class InexpressibleError(Exception):
    """A system lacks a function of the task, or makes one whose operations are not defined."""


@dataclass(frozen=True, slots=True)
class Count:
    """What a system made of a task.

    Attributes:
        operations: how many there are.
        seconds: CPU time of the derivation, elimination of common subexpressions included.
        settings: which of its forms this is.
        values: the distinct entries of the derivatives at the task's point, as
            `Task.entries` orders them, output by output, order by order.
        kinds: operations by kind.
    """

    operations: int
    seconds: float
    settings: str
    values: list[float]
    kinds: dict[str, int]


def chain(exponent: float) -> dict[str, int]:
    """Operations of a power with a constant exponent: squaring and multiplying, a root, a division.

    >>> chain(10), chain(-0.5), chain(1 / 3)
    ({'mul': 4}, {'sqrt': 1, 'div': 1}, {'pow': 1})
    """
    half = 2 * exponent
    if half != round(half) or abs(half) > MOST:
        return {"pow": 1}
    root = round(half) % 2 == 1
    count = abs(round(half if root else exponent))
    products = math.frexp(count)[1] - 2 + count.bit_count() if count else 0
    found = {"mul": products, "sqrt": int(root), "div": int(exponent < 0)}
    return {kind: number for kind, number in found.items() if number}


def options(optimize: str) -> Options:
    """The Options of a level of optimisation; symgrad without such levels has one only."""
    if any(field.name == "optimize" for field in fields(Options)):
        return Options(optimize=optimize)  # type: ignore[call-arg]
    return Options()


def recipe(task: Task, chosen: Options) -> Recipe:
    """The Recipe of a task: its outputs as a list, traced by symgrad or built in SymPy first."""
    names = task.names
    if task.through_sympy:
        import sympy

        inputs = sympy.symbols(names, real=True)
        outputs = task.function(sympy, inputs)
    else:
        inputs = [sg.variables(name) for name in names]
        outputs = task.function(sg.math, inputs)
    parsed = api.parse(outputs, inputs[: task.inputs], inputs[task.inputs :])
    requests = [Request(f"order{order}", "tensor", order) for order in task.orders]
    return api.make_recipe(parsed, requests, chosen)


def ours(task: Task, optimize: str = "default") -> Count:
    """What symgrad makes of a task."""
    chosen = options(optimize)
    made = recipe(task, chosen)
    start = time.process_time()
    _, _, program = api.derive_program(made, chosen, signatures.argument_groups(made))
    seconds = time.process_time() - start
    return Count(counted(program), seconds, optimize, values(task, program), kinds(program))


def kinds(program: Program) -> dict[str, int]:
    """Operations of a Program by kind, those alone on which a store depends."""
    needed: set[int] = set()
    for k in range(len(program.code) - 1, -1, -1):
        op, args, _ = program.code[k]
        if op == "store" or k in needed:
            needed.update(args)
    return dict(Counter(program.code[k].op for k in needed if program.code[k].op not in FREE))


def counted(program: Program) -> int:
    """The operations of a Program, counted twice.

    Raises:
        ValueError: its own total is another, for instance because it computes what it never stores.
    """
    found = sum(kinds(program).values())
    if found != program.total:
        raise ValueError(f"the program says {program.total} operations and stores need {found}")
    return found


def values(task: Task, program: Program) -> list[float]:
    """The distinct entries of a program's results at the task's point, by the interpreter."""
    point = [np.float64(value) for value in task.point]
    groups = [point[: task.inputs], point[task.inputs :]]
    with np.errstate(all="ignore"):
        results = run(program, PRIMITIVES, groups, numpy_arithmetic())
    found: list[float] = []
    for order, result in zip(task.orders, results, strict=True):
        columns = [
            int(np.ravel_multi_index(index, (task.inputs,) * order))
            for index in task.entries(order)
        ]
        width = task.inputs**order
        for first in range(0, len(result), width):
            found += [float(result[first + column]) for column in columns]
    return found
