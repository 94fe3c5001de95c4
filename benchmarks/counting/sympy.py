"""Operations of SymPy and of SymEngine: `diff` level by level, then `cse`, counted as written.

Every occurrence of an operation in what `cse` returns is counted once. SymPy's `cse` is tried with
its default settings and with `optimizations="basic"`, and the entries of higher order with their
indices non-increasing and non-decreasing; the form of fewest operations counts.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import add, mul
from types import ModuleType
from typing import Any

from benchmarks.counting.counts import Count, InexpressibleError, chain
from benchmarks.targets import Task

FUNCTIONS: dict[str, Callable[..., float]] = {
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: getattr(math, name) for name in ("asin", "acos", "atan", "atan2", "asinh", "acosh")},
    **{name: getattr(math, name) for name in ("atanh", "exp", "log", "erf", "erfc")},
    "abs": abs,
    "sign": lambda x: math.copysign(1.0, x) if x else 0.0,
}


def sympy_forms(task: Task) -> Iterator[Count]:
    """SymPy's forms, the quicker first."""
    import sympy

    made = {}
    for label, settings in (("cse", {}), ("cse basic", {"optimizations": "basic"})):
        for rising in (False, True)[: max(task.orders)]:
            if rising not in made:
                made[rising] = derivatives(task, sympy, rising)
            entries, seconds = made[rising]
            start = time.process_time()
            pairs, reduced = sympy.cse(entries, **settings)
            spent = seconds + time.process_time() - start
            yield counted(task, pairs, reduced, spent, label + " rising" * rising)


def symengine_forms(task: Task) -> Iterator[Count]:
    """SymEngine's forms."""
    import symengine

    for rising in (False, True)[: max(task.orders)]:
        entries, seconds = derivatives(task, symengine, rising)
        start = time.process_time()
        pairs, reduced = symengine.cse(entries)
        spent = seconds + time.process_time() - start
        yield counted(task, pairs, reduced, spent, "cse" + " rising" * rising)


def derivatives(task: Task, library: ModuleType, rising: bool) -> tuple[list[Any], float]:
    """The distinct entries of all wanted orders, and the seconds that `diff` took."""
    assumed = {"real": True} if library.__name__ == "sympy" else {}
    symbols = [library.Symbol(name, **assumed) for name in task.names]
    outputs = [library.sympify(output) for output in task.function(library, symbols)]
    start = time.process_time()
    wanted = []
    level: list[dict[tuple[int, ...], Any]] = [{(): output} for output in outputs]
    for order in range(1, max(task.orders) + 1):
        indices = [index[::-1] if rising else index for index in task.entries(order)]
        level = [
            {index: row[index[:-1]].diff(symbols[index[-1]]) for index in indices} for row in level
        ]
        if order in task.orders:
            wanted += [entry for row in level for entry in row.values()]
    return wanted, time.process_time() - start


def counted(
    task: Task, pairs: Sequence[tuple[Any, Any]], reduced: Sequence[Any], seconds: float, label: str
) -> Count:
    """The Count of what `cse` returned, with its values at the task's point."""
    found: Counter[str] = Counter()
    known = dict(zip(task.names, task.point, strict=True))
    values: dict[Any, float] = {}
    for symbol, expression in pairs:
        found.update(kinds(expression))
        known[str(symbol)] = evaluate(expression, known, values)
    for expression in reduced:
        found.update(kinds(expression))
    results = [evaluate(expression, known, values) for expression in reduced]
    return Count(sum(found.values()), seconds, label, results, dict(found))


def kinds(root: Any) -> Counter[str]:
    """Operations of one expression by kind, every occurrence counted."""
    found: Counter[str] = Counter()
    pending = [root]
    while pending:
        node = pending.pop()
        if not node.free_symbols or not node.args:
            continue  # a constant or an input
        pending += node.args
        kind = kind_of(node)
        if kind == "add":
            found["add"] += len(node.args) - 1
        elif kind == "mul":
            found.update(product_kinds(node))
            pending = pending[: -len(node.args)]
            pending += [bare(factor)[0] for factor in node.args]
        elif kind == "pow":
            base, exponent = node.args
            number = exact(exponent)
            found.update({"pow": 1} if number is None or not base.free_symbols else chain(number))
        else:
            found[kind] += 1
    return found


def product_kinds(node: Any) -> Counter[str]:
    """Operations of a product: its powers, and one less than its factors, at least a division.

    Constants among the factors are one factor, -1 is none; factors with negative exponents are
    multiplied together and divided by.
    """
    found: Counter[str] = Counter()
    constants = [factor for factor in node.args if not factor.free_symbols]
    above = int(bool(constants) and abs(reduce(mul, map(number_of, constants))) != 1)
    below = 0
    for factor in node.args:
        if not factor.free_symbols:
            continue
        _, exponent = bare(factor)
        if exponent is not None:
            found.update(chain(abs(exponent)))
        if exponent is not None and exponent < 0:
            below += 1
        else:
            above += 1
    found["mul"] += max(above - 1, 0) + max(below - 1, 0)
    found["div"] += below > 0
    return found


def bare(factor: Any) -> tuple[Any, float | None]:
    """A factor without its constant exponent, and that; a power that is no chain stays itself."""
    if not factor.is_Pow or not factor.args[0].free_symbols:
        return factor, None
    number = exact(factor.args[1])
    if number is None or "pow" in chain(number):
        return factor, None
    return factor.args[0], number


def kind_of(node: Any) -> str:
    """What an expression does: "add", "mul", "pow" or the name of a function.

    Raises:
        InexpressibleError: it is no function of the list.
    """
    if node.is_Add:
        return "add"
    if node.is_Mul:
        return "mul"
    if node.is_Pow:
        return "pow"
    name = type(node).__name__.lower()
    if name not in FUNCTIONS:
        raise InexpressibleError(f"{name} is not counted")
    return name


def exact(exponent: Any) -> float | None:
    """A constant exponent as a float, or None."""
    return None if exponent.free_symbols else number_of(exponent)


def number_of(expression: Any) -> float:
    """The value of an expression without symbols."""
    return float(expression.evalf() if hasattr(expression, "evalf") else expression)


def evaluate(root: Any, known: dict[Any, float], values: dict[Any, float]) -> float:
    """The value of an expression in floats; `known` are the symbols by name, `values` a memo."""
    pending = [root]
    while pending:
        node = pending[-1]
        missing = [argument for argument in node.args if argument not in values]
        if node in values or not missing or not node.free_symbols:
            pending.pop()
            if node not in values:
                values[node] = value_of(node, [values.get(a, math.nan) for a in node.args], known)
        else:
            pending += missing
    return values[root]


def value_of(node: Any, given: list[float], known: dict[Any, float]) -> float:
    """The value of one operation."""
    if not node.free_symbols:
        return number_of(node)
    if not node.args:
        return known[str(node)]
    kind = kind_of(node)
    try:
        if kind == "add":
            return reduce(add, given)
        if kind == "mul":
            return reduce(mul, given)
        if kind == "pow":
            return float(given[0] ** given[1])
        return float(FUNCTIONS[kind](*given))
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):
        return math.nan
