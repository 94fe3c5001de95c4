"""Nodes of a Graph at a point, in Arb's balls, as exactly as a float can tell.

A Graph becomes one straight Python function of balls, each node a line, or each family of nodes
that share their work; of composite rows are the nodes of their expansions. A result counts once
its ball is narrow enough for a hundredth of an ulp, after up to four rounds of growing precision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from flint import arb, ctx, fmpq

from benchmarks.oracle.balls import NAN, UndecidedError, less
from benchmarks.oracle.rows import FAMILIES, ROWS
from symgrad.functions import PRIMITIVES
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import argument_name
from symgrad.ir.traverse import reachable

BITS = {"float64": 53, "float32": 24}
PRECISIONS = {"float64": (96, 192, 384, 1024), "float32": (64, 128, 256, 512)}
"""Bits of the rounds."""

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
    """The nodes of a Graph as a function of balls, and its constants, as balls by precision."""

    call: Callable[..., tuple[Any, ...]]
    constants: tuple[Any, ...]
    count: int
    made: dict[int, list[Any]]

    def __call__(self, *args: arb) -> tuple[Any, ...]:
        """The nodes' values at the present precision."""
        balls = self.made.get(ctx.prec)
        if balls is None:
            balls = self.made[ctx.prec] = [number(value) for value in self.constants]
        return self.call(balls, *args)


def exactly(graph: Graph, roots: Sequence[int], names: Sequence[str]) -> Exact:
    """The function of balls named ``names`` that gives the values of ``roots``."""
    constants: list[Any] = []
    scope: dict[str, Any] = {"raised": raised}
    lines = []

    def constant(value: Any) -> str:
        constants.append(value)
        return f"c[{len(constants) - 1}]"

    graph, roots = flattened(graph, roots)
    order, groups = in_families(graph, roots)
    for node in order:
        op, data, args = graph.ops[node], graph.data[node], [f"v{a}" for a in graph.args[node]]
        if op in FAMILIES:
            if node in groups:
                lines.append(family_line(graph, groups[node], scope))
                scope[f"f_{op}"] = FAMILIES[op][1]
            continue
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
            scope[f"f_{op}"] = ROWS[op]
            text = f"f_{op}({', '.join(args)})"
        lines.append(f"    v{node} = {text}")
    heads = ", ".join(f"x{i}" for i in range(len(names)))
    results = "".join(f"v{root}, " for root in roots)
    source = "\n".join([f"def call(c, {heads}):", *lines, f"    return ({results})"])
    exec(source, scope)
    return Exact(scope["call"], tuple(constants), len(roots), {})


def in_families(graph: Graph, roots: Sequence[int]) -> tuple[list[int], dict[int, list[int]]]:
    """The nodes in an order in which families come at once, and families by their first node."""
    nodes = list(reachable(graph, roots))
    groups: dict[tuple[Any, ...], list[int]] = {}
    indices: list[int] = []
    for node in nodes:
        op, args = graph.ops[node], graph.args[node]
        if op in FAMILIES:
            count = FAMILIES[op][0]
            groups.setdefault((op, *args[count:]), []).append(node)
            indices += args[:count]
    early = list(reachable(graph, indices)) if indices else []
    if any(graph.ops[node] in FAMILIES for node in early):
        # Indices that depend on a family may need it first.
        return nodes, {node: [node] for group in groups.values() for node in group}
    order = early + [node for node in nodes if node not in set(early)]
    return order, {group[0]: group for group in groups.values()}


def family_line(graph: Graph, group: Sequence[int], scope: dict[str, Any]) -> str:
    """The line of a family's nodes; lists of whole numbers are constants."""
    op = graph.ops[group[0]]
    count = FAMILIES[op][0]
    rows = [graph.args[node][:count] for node in group]
    if all(graph.ops[a] == "constant" and type(graph.data[a]) is int for row in rows for a in row):
        listed = f"rows{group[0]}"
        scope[listed] = [tuple(arb(graph.data[a]) for a in row) for row in rows]
    else:
        listed = ", ".join("(" + "".join(f"v{a}, " for a in row) + ")" for row in rows)
        listed = f"[{listed}]"
    shared = "".join(f", v{a}" for a in graph.args[group[0]][count:])
    return f"    {''.join(f'v{node}, ' for node in group)}= f_{op}({listed}{shared})"


def constant_of(value: Fraction, scope: dict[str, Any]) -> str:
    """The name under which the source of a function finds a fraction."""
    name = f"q{value.numerator}_{value.denominator}".replace("-", "m")
    scope[name] = value
    return name


def flattened(graph: Graph, roots: Sequence[int]) -> tuple[Graph, list[int]]:
    """The graph with the expansions of composite rows, which then share their nodes."""
    roots = list(roots)
    while any(composite(graph.ops[node]) for node in reachable(graph, roots)):
        made = Graph(PRIMITIVES, exact=True)
        moved: dict[int, int] = {}
        for node in reachable(graph, roots):
            args = tuple(moved[a] for a in graph.args[node])
            if composite(graph.ops[node]):
                named = {argument_name(i): a for i, a in enumerate(args)}
                moved[node] = made.add(PRIMITIVES[graph.ops[node]].expansion, named)
            else:
                moved[node] = graph.rebuild(node, args, made)
        graph, roots = made, [moved[root] for root in roots]
    return graph, roots


def composite(op: str) -> bool:
    """Whether a node is known by its expansion alone."""
    return op in PRIMITIVES and op not in ROWS and PRIMITIVES[op].expansion is not None


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
    for precision in PRECISIONS[dtype]:
        last = precision == PRECISIONS[dtype][-1]
        ctx.prec = precision
        try:
            made = exact(*given)
            if made[0] is NAN:
                # A row without a value, which more digits do not change.
                break
            parts: dict[int, tuple[float, float] | None] = {}
            for i, value in enumerate(made):
                if found[i] is None:
                    if id(value) not in parts:
                        parts[id(value)] = split(value, dtype, last)
                    found[i] = parts[id(value)]
        except (UndecidedError, ZeroDivisionError, ValueError, OverflowError):
            continue
        finally:
            ctx.prec = before
        if None not in found:
            break
    return found
