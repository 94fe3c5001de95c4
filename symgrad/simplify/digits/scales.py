"""Numbers of extreme size in products meet what undoes them, before anything is lost.

Derivatives of ``log(c*v)`` hold ``c**2 * v1**2 * (c*v)**-2``: with Boltzmann's constant for c both
ends are beyond float32, with 1e-200 beyond float64, though c cancels. The scale of a number is its
binary exponent, that of a sum the scale of its largest coefficient. Where a number stands beside
powers of sums whose scale undoes its own, each is multiplied by its share of the number alone:
``(2**e/u)**2``. That is in range whether v is about 1 or c*v is. Numbers and sums that are beyond
the dtype whatever the variables are give their scale to the factors around.

All of this multiplies by powers of two: where nothing was lost, no bit moves but by other orders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor, frexp, inf, isfinite
from typing import NamedTuple

from symgrad.ir.arithmetic import Exponent, Number, multiply_numbers, simplest
from symgrad.ir.graph import Graph
from symgrad.ir.system import Tensor
from symgrad.ir.traverse import reachable
from symgrad.simplify.digits.forms import flattened


class Limits(NamedTuple):
    """Scales of a dtype.

    Attributes:
        extreme: numbers up to this are left alone: their fourth powers are in range;
        lost: numbers beyond this, or what they multiply, are near the end of the range.
    """

    extreme: int
    lost: int


LIMITS: Mapping[str, Limits] = {"float64": Limits(250, 800), "float32": Limits(31, 95)}

Term = tuple[int, Number]
"""A node and its coefficient."""


def meet_scales(graph: Graph, tensors: Sequence[Tensor], dtype: str) -> list[Tensor]:
    """The tensors with extreme numbers beside what undoes them.

    Args:
        graph: where the tensors' nodes live; what replaces them is appended.
        tensors: the results.
        dtype: what they are computed in.
    """
    limits = LIMITS[dtype]
    nodes = reachable(graph, [node for tensor in tensors for node in tensor.nodes])
    if not any(graph.ops[node] == "sum" and scale_of(graph, node, limits) for node in nodes):
        return list(tensors)
    met = _rebuilt(graph, tensors, lambda node, number: _met(graph, node, number, limits))
    return _rebuilt(graph, met, lambda node, number: _spread(graph, node, number, limits))


def _rebuilt(
    graph: Graph, tensors: Sequence[Tensor], change: Callable[[int, Number], Term]
) -> list[Tensor]:
    """The tensors where each product, and each term of a sum, is what ``change`` makes of it."""
    place: dict[int, int] = {}
    for node in reachable(graph, [node for tensor in tensors for node in tensor.nodes]):
        args = tuple([place[argument] for argument in graph.args[node]])
        if graph.ops[node] == "sum":
            start, coefficients = graph.data[node]
            terms = zip(args, coefficients, strict=True)
            place[node] = graph.sum([change(*_term(graph, a, c)) for a, c in terms], start)
            continue
        made = node if args == graph.args[node] else graph.rebuild(node, args, graph)
        if graph.ops[node] == "product":
            made = graph.sum((change(*_term(graph, made, 1)),))
        place[node] = made
    return [replace(t, nodes=tuple([place[node] for node in t.nodes])) for t in tensors]


def _term(graph: Graph, node: int, number: Number) -> Term:
    """``number * node`` with the number of the node taken out."""
    if graph.ops[node] == "sum" and len(graph.args[node]) == 1 and graph.data[node][0] == 0:
        return graph.args[node][0], multiply_numbers(number, graph.data[node][1][0])
    return node, number


def scale_of(graph: Graph, node: int, limits: Limits) -> int:
    """The scale of a sum where that is extreme, else 0."""
    if graph.ops[node] != "sum":
        return 0
    start, coefficients = graph.data[node]
    scale = max([_scale(number) for number in (start, *coefficients)])
    return int(scale) if limits.extreme < abs(scale) < inf else 0


def _scale(number: Number) -> float:
    """The binary exponent of a number; that of 0 is below all others."""
    if isinstance(number, float):
        return float(frexp(number)[1]) if number and isfinite(number) else -inf
    if not number:
        return -inf
    return abs(number.numerator).bit_length() - number.denominator.bit_length()


def _met(graph: Graph, node: int, number: Number, limits: Limits) -> Term:
    """The node and the number of ``number * node``, each factor with its share of the number."""
    if graph.ops[node] != "product" or not -inf < _scale(number):
        return node, number
    held = flattened(graph, node)
    scales = {base: scale for base in held if (scale := scale_of(graph, base, limits))}
    if not scales:
        return node, number
    made: list[tuple[int, Exponent]] = []
    for base in [base for base, scale in scales.items() if abs(scale) > limits.lost]:
        power, scale = held.pop(base), scales.pop(base)
        scale -= scale % power.denominator
        made.append((_times(graph, base, -scale), power))
        number = multiply_numbers(number, _two_to(int(scale * power)))
    for base, scale in scales.items():
        wanted = -scale if held[base] > 0 else scale
        share = max(0, min(round(_scale(number) / wanted), _whole(held[base])))
        left = _scale(number) - wanted * share
        while (abs(Fraction(held[base])) - share) * abs(scale) > limits.lost > abs(left - wanted):
            share, left = share + 1, left - wanted
        if share > 0:
            number = multiply_numbers(number, _two_to(-wanted * share))
            factor = graph.constant(_two_to(wanted))
            made.append((_kept(graph, factor, _take(graph, held, base, share)), share))
    for above in [base for base in scales if held[base] >= 1]:
        for below in [base for base in scales if held[base] < 0]:
            share = min(_whole(held[above]), _whole(held[below]))
            if share > 0 and scales[above] * scales[below] > 0:
                one = _take(graph, held, above, share)
                made.append((_kept(graph, one, _take(graph, held, below, share)), share))
    if not made:
        return node, number
    return _term(graph, graph.product([*[pair for pair in held.items() if pair[1]], *made]), number)


def _spread(graph: Graph, node: int, number: Number, limits: Limits) -> Term:
    """``number * node`` where factors take their share of a number beyond the dtype.

    A number that would be with those of a sum stays apart from it.
    """
    scale = _scale(number)
    if not limits.extreme < abs(scale) < inf:
        return node, number
    held = flattened(graph, node)
    if abs(scale) > limits.lost:
        return _shared(graph, held, number)
    inner = [c for base in held if graph.ops[base] == "sum" for c in graph.data[base][1]]
    if any(limits.lost < abs(scale + _scale(c)) < inf for c in inner):
        return _kept(graph, graph.constant(number), node), 1
    return node, number


def _shared(graph: Graph, held: Mapping[int, Exponent], number: Number) -> Term:
    """The product of factors and a number of which each factor has taken its share."""
    share = round(_scale(number) / (1 + sum([abs(e.numerator) for e in held.values()])))
    made = []
    for base, power in held.items():
        factor = _two_to(share * power.denominator * (1 if power > 0 else -1))
        number = multiply_numbers(number, _two_to(-share * abs(power.numerator)))
        if graph.ops[base] == "select":
            condition, *branches = graph.args[base]
            parts = [_shared(graph, flattened(graph, branch), factor) for branch in branches]
            base = graph.call("select", (condition, *[graph.sum((part,)) for part in parts]))
        else:
            base = _kept(graph, graph.constant(factor), base)
        made.append((base, power))
    return graph.product(made), number


def _two_to(exponent: int) -> Number:
    return simplest(Fraction(2) ** exponent)


def _times(graph: Graph, node: int, exponent: int) -> int:
    """A sum times a power of two, term by term."""
    start, coefficients = graph.data[node]
    factor = _two_to(exponent)
    terms = zip(graph.args[node], coefficients, strict=True)
    return graph.sum(
        [(term, multiply_numbers(c, factor)) for term, c in terms], multiply_numbers(start, factor)
    )


def _whole(exponent: Exponent) -> int:
    """How often a factor or its reciprocal can be taken: x**(1/2)/x is as good as x**(-1/2)."""
    return floor(exponent) if exponent > 0 else ceil(-exponent)


def _take(graph: Graph, held: dict[int, Exponent], base: int, share: int) -> int:
    """The base or its reciprocal, taken out so many times."""
    sign = 1 if held[base] > 0 else -1
    held[base] = simplest(Fraction(held[base]) - sign * share)
    return graph.product(((base, sign),))


def _kept(graph: Graph, a: int, b: int) -> int:
    """``a * b`` that joins no other product."""
    return graph.call("fma", (a, b, graph.constant(-0.0)))
