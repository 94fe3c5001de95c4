"""The slow reference interpreter: a Graph or a Program over any arithmetic.

Every pass is tested by evaluating before and after it, in mpmath, without numba. An Arithmetic
says how to make numbers and which functions there are; ``numpy_arithmetic`` works on arrays in
float64 and ``mpmath_arithmetic`` on real numbers of any precision. Arithmetic is real throughout:
what has no real value is nan, and 1/0 is inf.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial, reduce
from operator import add, mul, truediv
from typing import Any

from symgrad.errors import UnknownFunctionError
from symgrad.ir.arithmetic import Number, as_float, bits
from symgrad.ir.expression import Expr, postorder
from symgrad.ir.fused import fused
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import Primitive, argument_name, refuse
from symgrad.ir.program import Instruction, Program, Routine
from symgrad.ir.routine import NAMED
from symgrad.ir.routine import routine as lowered
from symgrad.ir.traverse import reachable


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """The operations that an evaluation needs.

    Attributes:
        number: an exact number, a float or the name of a constant -> a value.
        power: a value and an exact exponent -> a value.
        functions: row name -> callable, for every row that no other row or definition computes.
        divide: two values -> their quotient, inf or nan where the divisor is 0.
        routine: a row of kind "routine" or "outside" and its table -> callable; None where such
            rows are functions of this arithmetic or not to be had.
        lookup: a routine's constant table and an index -> the entry there.
    """

    number: Callable[[Number | str], Any]
    power: Callable[[Any, int | Fraction], Any]
    functions: Mapping[str, Callable[..., Any]]
    divide: Callable[[Any, Any], Any] = truediv
    routine: Callable[[Primitive, Mapping[str, Primitive]], Callable[..., Any]] | None = None
    lookup: Callable[[Sequence[float], Any], Any] | None = None


def evaluate(
    graph: Graph, roots: Sequence[int], values: Mapping[str, Any], arithmetic: Arithmetic
) -> list[Any]:
    """The values of ``roots`` at the point ``values`` (symbol name -> value).

    Raises:
        UnknownFunctionError: the arithmetic cannot evaluate a function of the graph.
    """
    made: dict[int, Any] = {}
    for node in reachable(graph, roots):
        op, data = graph.ops[node], graph.data[node]
        args = [made[argument] for argument in graph.args[node]]
        if op == "symbol":
            result = values[data]
        elif op in ("constant", "named"):
            result = arithmetic.number(data)
        elif op == "boolean":
            result = data
        elif op == "sum":
            result = _sum(arithmetic, data, args)
            if len(args) == 1 and graph.ops[graph.args[node][0]] == "sum":
                # A sum with its signs turned is +0 where the sum is (``ir/arithmetic.py``).
                result = result + arithmetic.number(0)
        elif op == "product":
            result = arithmetic.power(args[0], data[0])
            for argument, exponent in zip(args[1:], data[1:], strict=True):
                result = result * arithmetic.power(argument, exponent)
        else:
            result = function(op, graph.table, arithmetic)(*args)
        made[node] = result
    return [made[root] for root in roots]


def _sum(arithmetic: Arithmetic, data: Any, args: list[Any]) -> Any:
    start, coefficients = data
    result = None if type(start) is int and start == 0 else arithmetic.number(start)
    for argument, coefficient in zip(args, coefficients, strict=True):
        one = type(coefficient) is int and coefficient == 1
        term = argument if one else arithmetic.number(coefficient) * argument
        result = term if result is None else result + term
    return result


def function(
    name: str, table: Mapping[str, Primitive], arithmetic: Arithmetic
) -> Callable[..., Any]:
    """The row ``name`` as a callable: the arithmetic's own, or the row's expansion or definition.

    Raises:
        UnknownFunctionError: none of them is there.
        DerivativeError: the row is a derivative that has no closed form.
    """
    found = arithmetic.functions.get(name)
    if found is not None:
        return found
    row = table.get(name)
    if row is not None and row.kind == "unknown":
        raise refuse(row)
    if row is not None and row.kind in ("routine", "outside") and arithmetic.routine is not None:
        return arithmetic.routine(row, table)
    if row is None or row.expansion is None:
        raise UnknownFunctionError(f"the interpreter has no function {name!r}")
    expansion = row.expansion

    def expanded(*args: Any) -> Any:
        bindings = {argument_name(i): value for i, value in enumerate(args)}
        return evaluate_expr(expansion, bindings, table, arithmetic)

    return expanded


def evaluate_expr(
    root: Expr, values: Mapping[str, Any], table: Mapping[str, Primitive], arithmetic: Arithmetic
) -> Any:
    """The value of an Expr as it is written, nothing simplified."""
    made: dict[int, Any] = {}
    for node in postorder((root,)):
        args = [made[id(argument)] for argument in node.args]
        if node.op == "symbol":
            result = values[str(node.value)]
        elif node.op in ("constant", "named"):
            result = arithmetic.number(node.value)  # type: ignore[arg-type]
        elif node.op == "boolean":
            result = node.value
        elif node.op == "add":
            result = reduce(add, args)
        elif node.op == "multiply":
            result = reduce(mul, args)
        elif node.op == "power":
            exponent = node.args[1]
            if exponent.op == "constant" and isinstance(exponent.value, int | Fraction):
                result = arithmetic.power(args[0], exponent.value)
            else:
                result = arithmetic.functions["pow"](*args)
        else:
            result = function(node.op, table, arithmetic)(*args)
        made[id(node)] = result
    return made[id(root)]


def run(
    program: Program,
    table: Mapping[str, Primitive],
    arrays: Sequence[Sequence[Any]],
    arithmetic: Arithmetic,
) -> list[list[Any]]:
    """The results of a Program: ``arrays[group][column]`` in, ``results[result][position]`` out."""
    results = [[None] * result.size for result in program.results]
    for (result, position), value in _stores(program.code, table, arrays, arithmetic).items():
        results[result][position] = value
    return results


def compute(
    routine: Routine,
    table: Mapping[str, Primitive],
    args: Sequence[Any],
    arithmetic: Arithmetic,
) -> Any:
    """The value of a Routine, operation by operation."""
    return _stores(routine.code, table, (args,), arithmetic, routine)[0, 0]


def _stores(
    code: Sequence[Instruction],
    table: Mapping[str, Primitive],
    arrays: Sequence[Sequence[Any]],
    arithmetic: Arithmetic,
    routine: Routine | None = None,
) -> dict[tuple[int, int], Any]:
    """What code stores, by place; ``routine`` is the one that it belongs to."""
    values: list[Any] = []
    stores: dict[tuple[int, int], Any] = {}
    binary: dict[str, Callable[..., Any]] = {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul": lambda a, b: a * b,
        "div": arithmetic.divide,
        "neg": lambda a: -a,
        "sqrt": lambda a: arithmetic.power(a, Fraction(1, 2)),
    }
    for op, args, data in code:
        given = [values[argument] for argument in args]
        value = None
        if op == "load":
            value = arrays[data[0]][data[1]]
        elif op == "store":
            stores[data] = given[0]
        elif op == "constant":
            value = arithmetic.number(data)
        elif op == "boolean":
            value = data
        elif op == "loop":
            assert routine is not None
            value = _turns(routine, data, table, given, arithmetic)
        elif op == "part":
            value = given[0][data]
        elif op == "lookup":
            assert routine is not None
            assert arithmetic.lookup is not None
            value = arithmetic.lookup(routine.tables[data], given[0])
        elif op in binary:
            value = binary[op](*given)
        else:
            value = function(op, table, arithmetic)(*given)
        values.append(value)
    return stores


def _turns(
    routine: Routine,
    data: tuple[int, int, int],
    table: Mapping[str, Primitive],
    given: Sequence[Any],
    arithmetic: Arithmetic,
) -> list[Any]:
    """The final states of a loop of ``routine``; what has stopped keeps its states."""
    number, count, most = data
    body, states, invariants = routine.bodies[number], list(given[:count]), given[count:]
    both, choose = arithmetic.functions["and"], arithmetic.functions["select"]
    active: Any = True
    for turn in range(most):
        arrays = ([arithmetic.number(turn), *states, *invariants],)
        *after, going = _stores(body, table, arrays, arithmetic, routine).values()
        states = [choose(active, new, old) for new, old in zip(after, states, strict=True)]
        active = both(active, going)
        if not (active.any() if hasattr(active, "any") else active):
            break
    return states


SHORT = 1000
"""Quotients of numbers of more bits may leave the range of doubles."""


def exact_value(graph: Graph, node: int) -> float:
    """The double nearest to a constant node: evaluated with 50 digits and rounded once.

    A tiny or huge one may have lost them, and has more. What all of these move is nothing but
    rounding: sin(pi) is 0.0, and its reciprocal an infinity.
    """
    value = graph.data[node] if graph.ops[node] == "constant" else None
    if isinstance(value, float):
        return value  # mpmath has no -0.0
    if value is not None and bits(value) <= SHORT:
        return float(value)  # Python rounds quotients once, too
    import mpmath  # noqa: PLC0415 - 0.1 s that most programs never need

    def found(digits: int) -> Any:
        with mpmath.workdps(digits):
            return evaluate(graph, [node], {}, mpmath_arithmetic())[0]

    value = found(50)
    if mpmath.isnormal(value) and not 1e-20 < abs(value) < 1e20:
        for digits in (100, 200):
            before, value = value, found(digits)
            if abs(value - before) <= 1e-15 * abs(value):
                break
        else:
            return 0.0 if abs(value) < abs(before) else float("inf")
    return float(value)


def mpmath_arithmetic() -> Arithmetic:
    """Real arithmetic in mpmath at its present working precision."""
    # mpmath takes 0.1 s to import, and only checks and few constants need it.
    import mpmath  # noqa: PLC0415

    from symgrad.ir import real_mpmath  # noqa: PLC0415

    def routine(row: Primitive, table: Mapping[str, Primitive]) -> Callable[..., Any]:
        if row.kind == "outside":
            called = callback(row)
            return real_mpmath.real(lambda *args: mpmath.mpf(called(*map(float, args))))
        if row.oracle is not None:
            return real_mpmath.real(partial(row.oracle, mpmath))
        made = lowered(row, table)
        return lambda *args: compute(made, table, args, arithmetic)

    arithmetic = Arithmetic(
        real_mpmath.number,
        real_mpmath.power,
        real_mpmath.FUNCTIONS,
        real_mpmath.divide,
        routine,
        real_mpmath.lookup,
    )
    return arithmetic


def callback(row: Primitive) -> Callable[..., float]:
    """The function of floats of a row of kind "outside".

    Raises:
        UnknownFunctionError: this process does not have it.
    """
    if row.callback is None:
        raise UnknownFunctionError(
            f"{row.name!r} is a Python function that this process does not have; call "
            f"sg.function({row.name!r}, numba=...) with it first"
        )
    return row.callback


def numpy_arithmetic() -> Arithmetic:
    """float64 arithmetic on NumPy arrays; call it inside ``numpy.errstate(all="ignore")``."""
    import numpy as np  # noqa: PLC0415 - the package itself imports without NumPy

    def number(value: Number | str) -> Any:
        return np.float64(NAMED[value] if isinstance(value, str) else as_float(value))

    def power(base: Any, exponent: int | Fraction) -> Any:
        if exponent == -1:
            return 1.0 / np.asarray(base, dtype=float)
        if exponent == Fraction(1, 2):
            return np.sqrt(base)
        return np.power(np.asarray(base, dtype=float), float(exponent))

    functions: dict[str, Callable[..., Any]] = {
        name: getattr(np, numpy_name or name)
        for name, numpy_name in {
            **dict.fromkeys(("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "cbrt")),
            **dict.fromkeys(("sin", "cos", "tan", "sinh", "cosh", "tanh", "hypot", "floor")),
            **dict.fromkeys(("ceil", "trunc", "rint", "fmod", "abs")),
            "asin": "arcsin",
            "acos": "arccos",
            "atan": "arctan",
            "atan2": "arctan2",
            "asinh": "arcsinh",
            "acosh": "arccosh",
            "atanh": "arctanh",
            "pow": "power",
            "lt": "less",
            "le": "less_equal",
            "eq": "equal",
            "ne": "not_equal",
            "and": "logical_and",
            "or": "logical_or",
            "not": "logical_not",
        }.items()
    }
    functions |= {
        "select": np.where,
        "sign": lambda x: np.where(np.equal(x, 0), x, np.sign(x)),
        "erf": np.vectorize(math.erf, otypes=[float]),
        "erfc": np.vectorize(math.erfc, otypes=[float]),
        "fma": fused,
    }

    def routine(row: Primitive, table: Mapping[str, Primitive]) -> Callable[..., Any]:
        if row.kind == "outside":
            return np.vectorize(callback(row), otypes=[float])
        made = lowered(row, table)
        return lambda *args: compute(made, table, args, arithmetic)

    def lookup(values: Sequence[float], index: Any) -> Any:
        place = np.clip(np.nan_to_num(index, nan=0.0), 0, len(values) - 1).astype(int)
        return np.asarray(values, float)[place]

    arithmetic = Arithmetic(number, power, functions, np.divide, routine, lookup)
    return arithmetic
