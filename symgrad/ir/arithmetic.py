"""Canonical sums and products: the numbers, the collecting of like terms, the signs.

A sum is ``c0 + sum(c_i * node_i)`` and a product is ``prod(node_i ** e_i)``, both with their nodes
in increasing order; coefficients are exact numbers or floats, exponents integers or fractions.
``c * node`` is a sum of one term, so that factors float outwards to the nearest sum. The integer
content of a sum is pulled out, and the sign of one without a constant, so that ``a - b``,
``b - a`` and ``2*a - 2*b`` share one node. But ``a - b`` and ``b - a`` are both +0 where they
vanish: there one is not minus the other, so ``1 - x`` keeps its sign, and so does the base of a
negative power, for 1/(1 - x) at 1 and 1/(a - b) at a = b are +inf. Sums and products stay nested
as the user wrote them, except that a product joins an enclosing product with which it shares a
base (``x * x**-1`` must meet to cancel).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import copysign, gcd, inf, isqrt
from typing import TYPE_CHECKING, overload

from symgrad.errors import FormulaError, LimitError

if TYPE_CHECKING:
    from symgrad.ir.graph import Graph

Number = int | Fraction | float
Exponent = int | Fraction

LONGEST_JOINED = 16
"""A flat graph joins products of up to this many factors: the partials of a long chain of
functions would otherwise grow with the square of its length."""

SMALL = 1 << 64
"""Whole numbers below this need no look at their length."""

MAX_BITS = 20_000
"""Exact integers beyond this many bits are refused: towers of powers must not eat the memory."""


@overload
def simplest(value: Exponent) -> Exponent: ...
@overload
def simplest(value: Number) -> Number: ...
def simplest(value: Number) -> Number:
    """``value`` with a whole Fraction turned into the int it is."""
    if type(value) is Fraction and value.denominator == 1:
        return value.numerator
    return value


def bits(value: int | Fraction) -> int:
    """The length in bits of the larger of numerator and denominator."""
    return max(abs(value.numerator).bit_length(), value.denominator.bit_length())


def multiply_numbers(a: Number, b: Number) -> Number:
    """``a * b``, exact where both are exact; exact zero annihilates floats too.

    Raises:
        LimitError: an exact result has more than MAX_BITS bits.
    """
    if type(a) is int and type(b) is int:
        whole = a * b
        if -SMALL < whole < SMALL:
            return whole
    elif (type(a) is int and a == 0) or (type(b) is int and b == 0):
        return 0
    product = simplest(_as_float(a, b) * _as_float(b, a))
    if not isinstance(product, float) and bits(product) > MAX_BITS:
        raise LimitError(f"an exact constant grows beyond {MAX_BITS} bits; write it as a float")
    return product


def add_numbers(a: Number, b: Number) -> Number:
    """``a + b``, exact where both are exact; exact zero adds nothing, not even to -0.0."""
    if type(a) is int and a == 0:
        return b
    return simplest(_as_float(a, b) + _as_float(b, a))


def _as_float(value: Number, other: Number) -> Number:
    """``value``, rounded where ``other`` is a float."""
    return as_float(value) if isinstance(other, float) else value


def as_float(value: Number) -> float:
    """The nearest float; inf for an exact number beyond all floats."""
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


def power_number(base: Number, exponent: int) -> Number:
    """``base ** exponent``, exact where the base is.

    Raises:
        FormulaError: exact zero to a negative power.
        LimitError: an exact result has more than MAX_BITS bits.
    """
    if exponent == 1:
        return base
    if isinstance(base, float):
        try:
            return base**exponent
        except OverflowError:  # Python raises it for powers too small as well
            size = 0.0 if (abs(base) < 1) == (exponent > 0) else inf
        except ZeroDivisionError:
            size = inf
        return copysign(size, base) if exponent % 2 else size
    if base == 0 and exponent < 0:
        raise FormulaError("division by exact zero; write 0.0 where an infinity is meant")
    if base not in (0, 1, -1) and bits(base) * abs(exponent) > MAX_BITS:
        raise LimitError(
            f"the power of an exact constant to {exponent} has more than {MAX_BITS} bits; "
            "write the base as a float"
        )
    return simplest(Fraction(base) ** exponent)


def exact_root(base: int | Fraction, exponent: Fraction) -> Number | None:
    """``base ** exponent`` where that is rational and base > 0, else None."""
    if base <= 0 or bits(base) * abs(exponent.numerator) > MAX_BITS:
        return None
    root = exponent.denominator
    parts = []
    for part in (Fraction(base).numerator, Fraction(base).denominator):
        near = isqrt(part) if root == 2 else round(part ** (1 / root)) if bits(part) < 900 else -1
        if near**root != part:
            return None
        parts.append(near)
    return simplest(Fraction(parts[0], parts[1]) ** exponent.numerator)


def make_sum(graph: Graph, start: Number, terms: Iterable[tuple[int, Number]]) -> int:
    """The node of ``start + sum(coefficient * node)``."""
    ops, data = graph.ops, graph.data
    collected: dict[int, Number] = {}
    for node, coefficient in terms:
        if type(coefficient) is int and coefficient == 0:
            continue
        op = ops[node]
        if op == "sum":
            inner_start, inner = data[node]
            if len(inner) == 1 and type(inner_start) is int and inner_start == 0:
                node = graph.args[node][0]
                coefficient = multiply_numbers(coefficient, inner[0])
        elif op == "constant":
            start = add_numbers(start, multiply_numbers(coefficient, data[node]))
            continue
        before = collected.get(node)
        if before is None:
            collected[node] = coefficient
        else:
            total = add_numbers(before, coefficient)
            if total == 0 and before != 0:  # exactly opposite, floats too: zero by structure
                if graph.exact:
                    collected[node] = 0.0  # keeps the nan of inf - inf
                else:
                    del collected[node]
            else:
                collected[node] = total
    if not collected:
        return graph.constant(start)
    nodes = tuple(sorted(collected))
    coefficients = tuple([collected[node] for node in nodes])
    no_start = type(start) is int and start == 0
    if len(nodes) == 1 and no_start:
        only = coefficients[0]
        if type(only) is int and only == 1:
            return nodes[0]
        return graph.intern("sum", nodes, (0, coefficients))
    content = _content(start, coefficients)
    if content == 1:
        return graph.intern("sum", nodes, (start, coefficients))
    if content == -1:
        primitive = tuple([-c for c in coefficients])
        inner_node = graph.intern("sum", nodes, (0 if no_start else -start, primitive))
    else:
        primitive = tuple([c // content for c in coefficients])
        inner_node = graph.intern("sum", nodes, (start // content, primitive))
    return graph.intern("sum", (inner_node,), (0, (content,)))


def _content(start: Number, coefficients: tuple[Number, ...]) -> int:
    """The factor to pull out: the gcd of integers, and the sign where there is no constant."""
    sign = -1 if coefficients[0] < 0 and type(start) is int and start == 0 else 1
    content = abs(start) if type(start) is int else 0
    if type(start) is not int:
        return sign
    for coefficient in coefficients:
        if type(coefficient) is not int:
            return sign
        content = gcd(content, coefficient)
        if content == 1:
            return sign
    return sign * content if content else sign


def make_product(
    graph: Graph, factors: Iterable[tuple[int, Exponent]], coefficient: Number = 1
) -> int:
    """The node of ``coefficient * prod(node ** exponent)``."""
    ops, data, args = graph.ops, graph.data, graph.args
    collected: dict[int, Exponent] = {}
    nested: list[tuple[int, int]] = []
    for node, exponent in factors:
        if exponent == 0:
            continue
        whole = type(exponent) is int
        if ops[node] == "sum" and whole:
            inner_start, inner = data[node]
            # A float's power could overflow or underflow where that of the whole term does not.
            exact = not isinstance(inner[0], float) or exponent == 1
            if len(inner) == 1 and type(inner_start) is int and inner_start == 0 and exact:
                scale, inside = inner[0], args[node][0]
                if scale < 0 and exponent < 0 and exponent % 2 and ops[inside] == "sum":
                    scale, inside = -scale, make_sum(graph, 0, ((inside, -1),))
                coefficient = multiply_numbers(coefficient, power_number(scale, int(exponent)))
                node = inside
        op = ops[node]
        if op == "constant":
            value = data[node]
            if whole:
                coefficient = multiply_numbers(coefficient, power_number(value, int(exponent)))
                continue
            if type(value) is not float:
                if value == 0 and exponent < 0:
                    power_number(value, -1)
                if value == 0:
                    coefficient = multiply_numbers(coefficient, 0)
                    continue
                root = exact_root(value, Fraction(exponent))
                if root is not None:
                    coefficient = multiply_numbers(coefficient, root)
                    continue
        elif op == "product" and whole:
            simple = len(args[node]) == 1
            if simple and (not graph.exact or type(data[node][0]) is int):
                node, exponent = args[node][0], simplest(data[node][0] * exponent)
            if ops[node] == "product" and type(exponent) is int and len(args[node]) > 1:
                nested.append((node, exponent))
                continue
        elif op == "product" and len(args[node]) == 1 and not graph.exact:
            inner_exponent, raised = data[node][0], data[node][0] * exponent
            if type(inner_exponent) is int and inner_exponent % 2 and raised.denominator > 1:
                node, exponent = args[node][0], raised  # sqrt(x**3) is x**(3/2), nan below 0 too
        _collect(graph, collected, node, exponent)
    if type(coefficient) is int and coefficient == 0:
        return graph.constant(0)
    if nested:
        _join_nested(graph, collected, nested)
    for node in [node for node in collected if data[node] == (0, (-1,)) and ops[node] == "sum"]:
        if args[node][0] in collected:  # a sum and its negative cancel
            exponent = collected.pop(node)
            coefficient = -coefficient if exponent % 2 else coefficient
            _collect(graph, collected, args[node][0], exponent)
    for node in [node for node, exponent in collected.items() if ops[node] == "constant"]:
        exponent = collected[node]
        if type(exponent) is int:  # roots of a constant have met
            coefficient = multiply_numbers(coefficient, power_number(data[node], exponent))
            del collected[node]
    nodes = sorted(collected)
    if not nodes:
        return graph.constant(coefficient)
    exponents = tuple([collected[node] for node in nodes])
    if len(nodes) == 1 and type(exponents[0]) is int and exponents[0] == 1:
        made = nodes[0]
    else:
        made = graph.intern("product", tuple(nodes), exponents)
    if type(coefficient) is int and coefficient == 1:
        return made
    return make_sum(graph, 0, ((made, coefficient),))


def _collect(graph: Graph, collected: dict[int, Exponent], node: int, exponent: Exponent) -> None:
    before = collected.get(node)
    if before is None:
        collected[node] = exponent
        return
    if graph.exact and not (type(before) is type(exponent) is int and before * exponent > 0):
        # x * x**-1 is not 1 at 0, inf and nan: under exact rewrites such factors never meet.
        if exponent == 1:
            collected[node], exponent = exponent, before
        held = graph.intern("product", (node,), (exponent,))
        collected[held] = collected.get(held, 0) + 1
        return
    total = simplest(before + exponent)
    if total == 0:
        del collected[node]
    else:
        collected[node] = total


def _join_nested(
    graph: Graph, collected: dict[int, Exponent], nested: list[tuple[int, int]]
) -> None:
    """Flatten those products that share a base with a sibling; keep the others as they are."""
    uses: dict[int, int] = dict.fromkeys(collected, 1)
    for node in {node for node, _ in nested}:
        for base in graph.args[node]:
            uses[base] = uses.get(base, 0) + 1
    if graph.exact:
        for node, exponent in nested:
            _collect(graph, collected, node, exponent)
        return
    totals: dict[int, int] = {}
    for node, exponent in nested:
        totals[node] = totals.get(node, 0) + exponent
    for node, exponent in totals.items():
        if exponent == 0:
            continue
        joined = graph.flat and len(graph.args[node]) <= LONGEST_JOINED
        if joined or any(uses[base] > 1 for base in graph.args[node]):
            for base, inner in zip(graph.args[node], graph.data[node], strict=True):
                _collect(graph, collected, base, simplest(inner * exponent))
        else:
            _collect(graph, collected, node, exponent)
