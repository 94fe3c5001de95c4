"""Nodes of a Graph at a point, in Arb's balls, as exactly as a float can tell.

A Graph becomes one straight Python function of balls, each node a line; composite rows are graphs
of their own. A result counts once its ball is narrow enough for a hundredth of an ulp, after up to
four rounds at doubled precision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from flint import arb, ctx, fmpq

from benchmarks.function_balls import NAN, UndecidedError, less
from benchmarks.function_oracle import ROWS
from symgrad.functions import PRIMITIVES
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import argument_name
from symgrad.ir.traverse import reachable

BITS = {"float64": 53, "float32": 24}
START = {"float64": 128, "float32": 64}
"""Bits of the first round."""

ROUNDS = 4
MORE = 8
"""Bits beyond the format's own that a result must have."""

NAMED: dict[str, Callable[[], arb]] = {
    "pi": arb.pi,
    "e": arb.const_e,
    "euler_gamma": arb.const_euler,
    "golden_ratio": lambda: (1 + arb(5).sqrt()) / 2,
    "catalan": arb.const_catalan,
}


def number(value: Any) -> Any:
    """A constant of a Graph as a ball, at the present precision."""
    if isinstance(value, str):
        return NAMED[value]()
    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    return value if isinstance(value, bool) else arb(value)


def raised(base: arb, exponent: int | Fraction) -> arb:
    """A power with an exact exponent; nan below 0 unless the exponent is whole."""
    if isinstance(exponent, int):
        return base**exponent
    if exponent.denominator == 2:
        return base.sqrt() ** exponent.numerator
    if base.is_zero() and exponent > 0:
        return base
    return NAN if less(base, arb(0)) else base ** number(exponent)


class Exact(NamedTuple):
    """The nodes of a Graph as a function of balls, and the constants that it needs."""

    call: Callable[..., tuple[Any, ...]]
    constants: tuple[Any, ...]
    count: int

    def __call__(self, *args: arb) -> tuple[Any, ...]:
        """The nodes' values at the present precision."""
        return self.call([number(value) for value in self.constants], *args)


def exactly(graph: Graph, roots: Sequence[int], names: Sequence[str]) -> Exact:
    """The function of balls named ``names`` that gives the values of ``roots``."""
    constants: list[Any] = []
    scope: dict[str, Any] = {"raised": raised}
    lines = []

    def constant(value: Any) -> str:
        constants.append(value)
        return f"c[{len(constants) - 1}]"

    for node in reachable(graph, roots):
        op, data, args = graph.ops[node], graph.data[node], [f"v{a}" for a in graph.args[node]]
        if op == "symbol":
            text = f"x{list(names).index(str(data))}"
        elif op in ("constant", "named", "boolean"):
            text = constant(data)
        elif op == "sum":
            start, coefficients = data
            terms = [] if type(start) is int and start == 0 else [constant(start)]
            for a, k in zip(args, coefficients, strict=True):
                small = isinstance(k, int) and abs(k) < 1000
                terms.append(a if k == 1 else f"{k}*{a}" if small else f"{constant(k)}*{a}")
            text = " + ".join(terms)
        elif op == "product":
            factors = []
            for a, k in zip(args, data, strict=True):
                fraction = "" if isinstance(k, int) else constant_of(k, scope)
                power = f"raised({a}, {fraction})" if fraction else f"{a}**{k}"
                factors.append(a if k == 1 else power)
            text = " * ".join(factors)
        else:
            scope[f"f_{op}"] = function(op)
            text = f"f_{op}({', '.join(args)})"
        lines.append(f"    v{node} = {text}")
    heads = ", ".join(f"x{i}" for i in range(len(names)))
    results = "".join(f"v{root}, " for root in roots)
    source = "\n".join([f"def call(c, {heads}):", *lines, f"    return ({results})"])
    exec(source, scope)
    return Exact(scope["call"], tuple(constants), len(roots))


def constant_of(value: Fraction, scope: dict[str, Any]) -> str:
    """The name under which the source of a function finds a fraction."""
    name = f"q{value.numerator}_{value.denominator}".replace("-", "m")
    scope[name] = value
    return name


_EXPANDED: dict[str, Callable[..., Any]] = {}


def function(name: str) -> Callable[..., Any]:
    """A row of the table as a function of balls; of composite rows, its expansion."""
    if name in ROWS:
        return ROWS[name]
    if name not in _EXPANDED:
        row = PRIMITIVES[name]
        graph = Graph(PRIMITIVES, exact=True)
        roots = graph.add_all((row.expansion,))
        made = exactly(graph, roots, [argument_name(i) for i in range(row.arity)])
        _EXPANDED[name] = lambda *args: made(*args)[0]
    return _EXPANDED[name]


def split(value: Any, dtype: str, last: bool) -> tuple[float, float] | None:
    """A ball in two doubles; None where it is too wide.

    What is 0 to the last digit in the last round is taken for 0.
    """
    if isinstance(value, bool):
        return float(value), 0.0
    if value.is_nan():
        return None
    if value.rel_accuracy_bits() >= BITS[dtype] + MORE or value.is_exact():
        high = float(value)
        return (high, float(value - high)) if abs(high) < float("inf") else (high, 0.0)
    if abs(value) < (ALMOST[dtype] if last else SMALL[dtype]):
        return 0.0, 0.0
    return None


SMALL = {"float64": arb(2) ** -1085, "float32": arb(2) ** -160}
"""What is below is 0, to less than a thousandth of the smallest subnormal number."""


ALMOST = {"float64": arb(2) ** -900, "float32": SMALL["float32"]}
"""What 1024 bits of terms near 1 leave where they cancel."""


def values(exact: Exact, point: Sequence[float], dtype: str) -> list[tuple[float, float] | None]:
    """The exact values at a point, each in two doubles."""
    found: list[tuple[float, float] | None] = [None] * exact.count
    given = [arb(x) for x in point]
    before = ctx.prec
    for round_ in range(ROUNDS):
        last = round_ == ROUNDS - 1
        ctx.prec = START[dtype] << round_
        try:
            made = exact(*given)
        except (UndecidedError, ZeroDivisionError, ValueError, OverflowError):
            continue
        finally:
            ctx.prec = before
        for i, value in enumerate(made):
            if found[i] is None:
                found[i] = split(value, dtype, last)
        if None not in found:
            break
    return found
