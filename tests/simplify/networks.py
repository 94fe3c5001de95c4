"""Networks of formulas, their text, and what every pass over them has to keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from hypothesis import strategies as st

from symgrad.details import count_operations
from symgrad.differentiate.tensors import derive
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.evaluate import mpmath_arithmetic, numpy_arithmetic, run
from symgrad.ir.expression import Expr, variables, wrap
from symgrad.ir.graph import Graph
from symgrad.ir.program import Group, Program
from symgrad.ir.system import Request, System, Tensor
from symgrad.ir.verify import verify_program
from symgrad.schedule.expand import expand
from symgrad.schedule.lower import schedule
from symgrad.simplify.regroup.inline import inline
from symgrad.simplify.regroup.literals import coefficients_to_literals
from symgrad.simplify.regroup.network import ONE, Network, read, write
from tests.expressions import CORPUS, Case, close, in_mpmath, random_case, system_of

NAMES = ("x", "y", "z", "w")
x, y, z, w = variables("x y z w")

CASES: list[Case] = [*CORPUS, *map(random_case, range(6))]
"""What every pass is tried on, with derivatives."""

Step = Callable[[Network], Any]


def network_of(*outputs: object, joined: bool = True) -> Network:
    """The network of formulas over x, y, z and w."""
    system = system_of([wrap(output) for output in outputs], NAMES)
    network = read(system.graph, [system.outputs])
    return inline(network) if joined else network


def after(step: Step, *outputs: object, literals: bool = False) -> str:
    """The text of formulas once a pass has changed them, with coefficients as factors or not."""
    network = network_of(*outputs)
    if literals:
        coefficients_to_literals(network)
        network = inline(network)
    step(network)
    return text(inline(network))


def text(network: Network) -> str:
    """What each root is, shared parts as a, b, ... before them: ``a = x*y; a + z; a*z``."""
    nodes = network.order()
    uses = network.uses(nodes)
    names: dict[int, str] = {}
    lines: list[str] = []
    for node in nodes:
        kind, source = network.kinds[node], network.sources[node]
        if kind in ("number", "leaf"):
            op, data = network.graph.ops[source], network.graph.data[source]
            names[node] = str(data) if op in ("constant", "named", "symbol") else op
            continue
        bag = network.bags[node]
        if kind == "call":
            made = f"{source}({', '.join(_bare(names[a]) for a in network.args[node])})"
        elif kind == "product":
            made = "*".join([_power(names[k], exponent) for k, exponent in bag.items()])
        else:
            made = "".join([_term(names[k], c) for k, c in bag.items() if k != ONE])
            made += _term("", bag[ONE]) if ONE in bag else ""
            made = f"({made.removeprefix('+')})"
        if uses[node] > 1:
            letter = chr(ord("a") + len(lines))
            lines.append(f"{letter} = {_bare(made) if kind == 'sum' else made}")
            made = letter
        names[node] = made
    return "; ".join([*lines, *[names[root] for root in network.roots]])


def _bare(name: str) -> str:
    return name[1:-1] if name.startswith("(") and name.find(")") == len(name) - 1 else name


def _power(name: str, exponent: Any) -> str:
    name = f"({name})" if "*" in name and not name.startswith("(") else name
    return name if exponent == 1 else f"{name}**{exponent}".replace("1/2", "(1/2)")


def _term(name: str, coefficient: Any) -> str:
    size = abs(coefficient)
    sign = "-" if str(coefficient).startswith("-") else "+"
    if not name:
        return f"{sign}{size}"
    return f"{sign}{name}" if size == 1 else f"{sign}{size}*{name}"


def derivatives(case: Case, *orders: int) -> tuple[Graph, list[Tensor]]:
    """A case with its derivatives of those orders, composite functions expanded."""
    system = case.system()
    requests = [Request(f"order{k}", "tensor", k) for k in orders]
    made = derive(system, requests)
    assert made is not None
    return expand(system.graph, [system.outputs, *made])


def roots(tensors: Sequence[Tensor]) -> list[int]:
    return [node for tensor in tensors for node in tensor.nodes]


def is_acyclic(network: Network) -> bool:
    """Whether every node comes after what it is made of in the network's order."""
    place = {node: k for k, node in enumerate(network.order())}
    return all(place[k] < place[node] for node in place for k in network.below(node))


def assert_keeps_values(
    graph: Graph, tensors: Sequence[Tensor], made: Graph, kept: Sequence[Tensor], point: Any
) -> None:
    """Finite values before are the same values after, in 50 digits; floats may be multiplied."""
    old, new = in_mpmath(graph, roots(tensors), point), in_mpmath(made, roots(kept), point)
    for position, (one, other) in enumerate(zip(old, new, strict=True)):
        if mpmath.isfinite(one):
            assert close(one, other, 1e-14), f"root {position} at {point}: {one} became {other}"


def assert_pass_keeps(step: Step, case: Case) -> None:
    """A pass keeps the values of a case and of its derivatives, and makes no cycle."""
    for orders in ((1,), (1, 2)):
        for literals in (False, True):
            graph, tensors = derivatives(case, *orders)
            network = inline(read(graph, tensors))
            if literals:
                coefficients_to_literals(network)
                network = inline(network)
            step(network)
            assert is_acyclic(network)
            made, kept = write(inline(network), tensors)
            assert_keeps_values(graph, tensors, made, kept, case.points(1, seed=41)[0])


def program_of(graph: Graph, tensors: Sequence[Tensor], names: Sequence[str] = NAMES) -> Program:
    program = schedule(graph, tensors, [Group("inputs", tuple(names))])
    verify_program(program)
    return program


def cost(graph: Graph, tensors: Sequence[Tensor], names: Sequence[str] = NAMES) -> int:
    """Weighted operations of the scheduled program."""
    return count_operations(program_of(graph, tensors, names)).weighted


def in_float(program: Program, point: Sequence[float]) -> list[float]:
    """A program's results in double precision."""
    with np.errstate(all="ignore"):
        columns = [[np.float64(value) for value in point]]
        results = run(program, PRIMITIVES, columns, numpy_arithmetic())
    return [float(value) for result in results for value in result]


def in_digits(program: Program, point: Sequence[float]) -> list[Any]:
    """A program's results at mpmath's present precision."""
    columns = [[mpmath.mpf(value) for value in point]]
    results = run(program, PRIMITIVES, columns, mpmath_arithmetic())
    return [value for result in results for value in result]


def system(*outputs: object) -> System:
    return system_of([wrap(output) for output in outputs], NAMES)


_NUMBERS = st.sampled_from([-3, -2, -1, 1, 2, 3, 24, Fraction(1, 2), Fraction(-2, 3), 0.1, 1.5])
_EXPONENTS = st.sampled_from([2, 3, -1, -2, Fraction(1, 2), Fraction(-1, 2), Fraction(-3, 2)])


@st.composite
def formulas(draw: st.DrawFn, *, positive: bool = True) -> tuple[Expr, ...]:
    """One to four polynomials, quotients and roots of x, y, z and w that share their parts.

    Args:
        draw: given by hypothesis.
        positive: build from terms with a plus, so that no base of a power is 0 or negative.
    """
    pool: list[Expr] = [x, y, z, w]
    for _ in range(draw(st.integers(2, 9))):
        part = st.sampled_from(pool)
        shape = draw(st.integers(0, 4))
        if shape == 0:
            terms = draw(st.lists(st.tuples(_NUMBERS, part, part), min_size=2, max_size=4))
            signed = [(abs(c) if positive else c) * a * b for c, a, b in terms]
            pool.append(wrap(sum(signed[1:], signed[0])))
        elif shape == 1:
            factors = draw(st.lists(part, min_size=2, max_size=4))
            made = factors[0]
            for factor in factors[1:]:
                made = made * factor
            pool.append(made)
        elif shape == 2 and positive:
            pool.append(draw(part) ** draw(_EXPONENTS) * draw(part))
        elif shape == 3:
            pool.append(draw(part) + (abs(c) if positive else c) if (c := draw(_NUMBERS)) else x)
        else:
            pool.append(math.exp(-draw(part) / 64) if positive else math.sin(draw(part)))
    count = draw(st.integers(1, 4))
    tops = pool[-count:]
    if positive and len(tops) > 1:  # differences on top, where nothing divides by them
        tops.append(draw(_NUMBERS) * tops[0] - tops[1] * tops[-1])
    return tuple(tops)


def assert_formulas_keep(step: Step, *outputs: Expr, literals: bool = False) -> Network:
    """A pass over formulas keeps their values and makes no cycle; the network after it."""
    source = system(*outputs)
    network = inline(read(source.graph, [source.outputs]))
    if literals:
        coefficients_to_literals(network)
        network = inline(network)
    step(network)
    assert is_acyclic(network)
    made, kept = write(inline(network), [source.outputs])
    point = dict(zip(NAMES, (0.7, 1.3, 0.4, 1.1), strict=True))
    assert_keeps_values(source.graph, [source.outputs], made, kept, point)
    return network
