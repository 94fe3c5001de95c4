"""Tasks beside the table: the acceptance cases, and seeded random expressions.

`find(key)` makes any task of a key, so that a worker process can be told which one is meant.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from itertools import count
from typing import Any

import numpy as np

import symgrad as sg
from benchmarks.counting.counts import InexpressibleError, options, recipe
from benchmarks.targets import TASKS, Task
from symgrad import api
from symgrad.errors import SymgradError, UnknownFunctionError
from symgrad.functions import PRIMITIVES
from symgrad.ir.expression import Expr, postorder
from symgrad.ir.primitive import argument_name
from tests.cases import FAMILIES, Case, load

# Rows that the peers' libraries have under another name.
ALIASES = {"casadi": {"abs": "fabs"}, "sympy": {"abs": "Abs"}, "symengine": {"abs": "Abs"}}
SHARED = (
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh"),
    *("atanh", "exp", "log", "erf", "atan2", "abs", "sign"),
)
OWN = {
    "casadi": (*SHARED, "log1p", "expm1", "log10", "hypot"),
    "sympy": (*SHARED, "erfc"),
    "symengine": (*SHARED, "erfc"),
}
DEPTHS, MOST_INPUTS = (3, 6), 4


def find(key: str) -> Task:
    """The task of a key: a name of the table, "case:family/id" or "random:seed"."""
    kind, _, rest = key.partition(":")
    if kind == "case":
        return case_task(*rest.split("/", 1))
    return random_task(int(rest)) if kind == "random" else TASKS[key]


def case_keys() -> list[str]:
    """The keys of all acceptance cases; none where their folder is missing."""
    return [f"case:{family}/{case.id}" for family in FAMILIES for case in load(family)]


@cache
def _cases(family: str) -> dict[str, Case]:
    return {case.id: case for case in load(family)}


def case_task(family: str, name: str) -> Task:
    """The Jacobian of an acceptance case at the first of its points where it is finite.

    Raises:
        InexpressibleError: symgrad itself has no row for one of its functions.
    """
    case = _cases(family)[name]
    try:
        parsed = api.parse(list(case.outputs), case.variables, tuple(case.parameters), case.wrt)
    except UnknownFunctionError as error:
        raise InexpressibleError(str(error)) from None
    jacobian = case.references["jacobian"].reshape(len(case.points), -1)
    row = int(np.argmax(np.isfinite(jacobian).all(axis=1)))
    values = {**dict(zip(case.variables, case.points[row], strict=True)), **case.parameters}
    others = [name for name in values if name not in case.wrt]
    names = [*case.wrt, *others]
    return Task(
        name=f"case:{family}/{name}",
        inputs=len(case.wrt),
        parameters=len(others),
        function=lambda m, x: translated(parsed.exprs, m, dict(zip(names, x, strict=True))),
        bounds=tuple((float(values[name]), float(values[name])) for name in names),
        wanted="jacobian",
    )


def translated(roots: Sequence[Expr], m: Any, symbols: dict[str, Any]) -> list[Any]:
    """Expressions in another library, as they are written.

    Raises:
        InexpressibleError: the library lacks a function, or the expression has branches.
    """
    if m is sg.math:
        return rebuilt(roots, symbols)
    made: dict[int, Any] = {}
    for node in postorder(tuple(roots)):
        made[id(node)] = _translated(node, [made[id(a)] for a in node.args], made, m, symbols)
    return [made[id(root)] for root in roots]


def rebuilt(roots: Sequence[Expr], symbols: dict[str, Any]) -> list[Expr]:
    """Expressions over other symbols."""
    made: dict[int, Expr] = {}
    for node in postorder(tuple(roots)):
        args = tuple(made[id(argument)] for argument in node.args)
        leaf = node.op == "symbol"
        made[id(node)] = symbols[str(node.value)] if leaf else Expr(node.op, args, node.value)
    return [made[id(root)] for root in roots]


def _translated(
    node: Expr, args: list[Any], made: dict[int, Any], m: Any, symbols: dict[str, Any]
) -> Any:
    op, value = node.op, node.value
    if op == "symbol":
        return symbols[str(value)]
    if op == "constant":
        return _number(value, m)
    if op == "named" and value in ("pi", "e"):
        return m.pi if value == "pi" else m.exp(1)
    if op == "add":
        total = args[0]
        for argument, value in zip(node.args[1:], args[1:], strict=True):
            if argument.op == "multiply" and _is(argument.args[0], -1):
                total = total - _product(argument.args[1:], made)
            else:
                total = total + value
        return total
    if op == "multiply":
        if _is(node.args[0], -1):
            return -_product(node.args[1:], made)
        return _product(node.args, made)
    if op == "power":
        return _power(node, args, m)
    return _call(op, args, m)


def _is(node: Expr, number: object) -> bool:
    return node.op == "constant" and node.value == number


def _product(factors: Sequence[Expr], made: dict[int, Any]) -> Any:
    total = made[id(factors[0])]
    for factor in factors[1:]:
        if factor.op == "power" and _is(factor.args[1], -1):
            total = total / made[id(factor.args[0])]
        else:
            total = total * made[id(factor)]
    return total


def _number(value: Any, m: Any) -> Any:
    if isinstance(value, Fraction):
        if m.__name__ == "casadi":
            return float(value)
        return m.Rational(value.numerator, value.denominator)
    return value


def _power(node: Expr, args: list[Any], m: Any) -> Any:
    exponent = node.args[1]
    if _is(exponent, -1):
        return 1 / args[0]
    if _is(exponent, Fraction(1, 2)):
        return m.sqrt(args[0])
    return args[0] ** args[1]


def _call(name: str, args: list[Any], m: Any) -> Any:
    library = m.__name__.split(".")[0]
    if name in OWN[library]:
        return getattr(m, ALIASES[library].get(name, name))(*args)
    if name == "pow":
        return args[0] ** args[1]
    row = PRIMITIVES.get(name)
    if row is None or row.expansion is None:
        raise InexpressibleError(f"{library} has no {name}")
    bindings = {argument_name(i): value for i, value in enumerate(args)}
    return translated([row.expansion], m, bindings)[0]


# name -> operands, what it makes of (m, a, b); domains hold for all real arguments, or nearly.
RANDOM: tuple[tuple[int, Callable[[Any, Any, Any], Any]], ...] = (
    *((2, lambda m, a, b: a + b),) * 4,
    *((2, lambda m, a, b: a - b),) * 3,
    *((2, lambda m, a, b: a * b),) * 6,
    *((2, lambda m, a, b: a / (b * b + 2)),) * 2,
    (2, lambda m, a, b: a / b),
    (1, lambda m, a, b: a**2),
    (1, lambda m, a, b: a**3),
    (1, lambda m, a, b: a**-2),
    (1, lambda m, a, b: 3 * a),
    (1, lambda m, a, b: 1.5 - a),
    (1, lambda m, a, b: 1 / (1 + a**2)),
    (1, lambda m, a, b: m.sqrt(1 + a**2)),
    (1, lambda m, a, b: m.sin(a)),
    (1, lambda m, a, b: m.cos(a)),
    (1, lambda m, a, b: m.exp(-a)),
    (1, lambda m, a, b: m.log(1 + a * a)),
    (1, lambda m, a, b: m.tanh(a)),
    (1, lambda m, a, b: m.atan(a)),
    (1, lambda m, a, b: m.erf(a)),
    (2, lambda m, a, b: m.exp(m.sin(a) * b)),
)
LARGEST = 1e6
SHARING = 0.3
"""How often an operand is one that is there already."""


def random_task(seed: int) -> Task:
    """The first random system of a seed that has finite values at its point."""
    for attempt in count():
        task = _random_task(f"random:{seed}", random.Random(f"{seed}.{attempt}"))
        try:
            outputs = task.function(math, task.point)
            recipe(task, options("default"))  # refuses divisions by an exact zero
        except (ArithmeticError, ValueError, SymgradError):
            continue
        if all(abs(output) < LARGEST for output in outputs):
            return task
    raise AssertionError


def _random_task(name: str, generator: random.Random) -> Task:
    """One or two random outputs of 1 to 4 inputs, 3 to 6 operations deep, with shared parts."""
    inputs = generator.randint(1, MOST_INPUTS)
    depth = generator.randint(*DEPTHS)
    # Places below `inputs` are inputs; each step is (operation, places of its operands).
    steps: list[tuple[int, list[int]]] = []
    layers = [list(range(inputs))]
    width = generator.randint(2, 4)
    for _ in range(depth):
        layer = []
        for _ in range(width):
            choice = generator.randrange(len(RANDOM))
            earlier = [place for one in layers[:-1] for place in one] or layers[-1]
            operands = [
                generator.choice(earlier if generator.random() < SHARING else layers[-1])
                for _ in range(RANDOM[choice][0])
            ]
            layer.append(inputs + len(steps))
            steps.append((choice, operands))
        layers.append(layer)
    wanted = layers[-1][: generator.randint(1, 2)]

    def function(m: Any, x: Any) -> list[Any]:
        made = [x[k] for k in range(inputs)]
        for choice, operands in steps:
            a, b = made[operands[0]], made[operands[-1]]
            made.append(RANDOM[choice][1](m, a, b))
        return [made[place] for place in wanted]

    return Task(name, inputs, 0, function, ((0.5, 1.5),) * inputs, "jacobian")
