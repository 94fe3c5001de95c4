"""Operations of CasADi: SX `jacobian` level by level, then `cse`, counted by instruction.

Forward and reverse accumulation are tried at the first level and at the later ones, with and
without `cse` before each level; second derivatives by `casadi.hessian` too. Only distinct entries
are kept at each level, those of non-increasing or those of non-decreasing indices, which makes a
difference of up to a quarter. Of all forms the one of fewest operations counts.
"""

import time
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

import casadi

from benchmarks.counting.counts import Count, chain
from benchmarks.targets import Task

FREE = frozenset({"INPUT", "OUTPUT", "CONST", "PARAMETER", "NEG", "ASSIGN"})
SEVERAL = frozenset({"POW", "CONSTPOW"})
NAMES = {value: name[3:] for name, value in vars(casadi).items() if name.startswith("OP_")}
KINDS = {"SQ": "MUL", "TWICE": "MUL", "INV": "DIV"}
WEIGHTS = {"forward": 0.0, "reverse": 1.0}


def forms(task: Task) -> Iterator[Count]:
    """The counts of every form that is worth trying."""
    once = task.orders == (1,)
    later = ("",) if once else tuple(WEIGHTS)
    for first, then, between in product(WEIGHTS, later, (False, True)):
        for rising in (False,) if once else (False, True):
            yield form(task, first, then, between, rising)
    if task.orders == (2,):
        for between in (False, True):
            yield form(task, "hessian", "", between, False)


def form(task: Task, first: str, then: str, between: bool, rising: bool) -> Count:
    """The count of one form.

    Args:
        task: what is wanted.
        first: "forward" or "reverse" for the first level, or "hessian".
        then: "forward" or "reverse" for the later levels.
        between: whether common subexpressions are eliminated before each level too.
        rising: whether the entries of non-decreasing indices are the ones derived.
    """
    x = casadi.SX.sym("x", task.inputs + task.parameters)
    entries = casadi.vertsplit(x)
    value = casadi.vertcat(*task.function(casadi, entries))
    wrt = casadi.vertcat(*entries[: task.inputs])
    start = time.process_time()
    result = derivatives(task, value, wrt, (first, then), between, rising)
    result = casadi.cse([result])[0]
    seconds = time.process_time() - start
    function = casadi.Function("derivatives", [x], [result])
    found = kinds(function)
    values = [float(entry) for entry in function(task.point).full().ravel()]
    settings = " ".join(filter(None, ("SX", first, then, "cse" * between, "rising" * rising)))
    return Count(sum(found.values()), seconds, settings, values, found)


def derivatives(
    task: Task, value: Any, wrt: Any, modes: tuple[str, str], between: bool, rising: bool
) -> casadi.SX:
    """The distinct entries of all wanted orders, in the order of `Count.values`, as a column."""
    outputs = value.numel()
    last = max(task.orders)
    if modes[0] == "hessian":
        value = casadi.cse([value])[0] if between else value
        hessians = [casadi.hessian(value[j], wrt)[0] for j in range(outputs)]
        return column([h[i, j] for h in hessians for i, j in task.entries(2)])
    wanted = []
    level = [[value[j]] for j in range(outputs)]
    indices: list[tuple[int, ...]] = [()]
    for order in range(1, last + 1):
        stacked = column([entry for row in level for entry in row])
        if between:
            stacked = casadi.cse([stacked])[0]
        weight = WEIGHTS[modes[min(order, 2) - 1]]
        made = casadi.jacobian(stacked, wrt, {"helper_options": {"ad_weight": weight}})
        rows = {index: row for row, index in enumerate(indices)}
        width = len(indices)
        indices = [index[::-1] if rising else index for index in task.entries(order)]
        level = [
            [made[j * width + rows[index[:-1]], index[-1]] for index in indices]
            for j in range(outputs)
        ]
        if order in task.orders:
            wanted += [entry for row in level for entry in row]
    return column(wanted)


def column(entries: list[Any]) -> casadi.SX:
    """Entries under each other, structural zeros as numbers."""
    return casadi.densify(casadi.vertcat(*entries))


def kinds(function: casadi.Function) -> dict[str, int]:
    """Operations of an SX Function by kind; a power with a constant exponent costs its chain."""
    found: Counter[str] = Counter()
    constants: dict[int, float] = {}  # what each place of the work vector holds
    for k in range(function.n_instructions()):
        name = NAMES[function.instruction_id(k)]
        given, into = function.instruction_input(k), function.instruction_output(k)
        if name in SEVERAL and given[1] in constants:
            found.update(chain(constants[given[1]]))
        elif name not in FREE:
            found[KINDS.get(name, name).lower()] += 1
        if name != "OUTPUT":
            constants.pop(into[0], None)
            if name == "CONST":
                constants[into[0]] = function.instruction_constant(k)
    return dict(found)
