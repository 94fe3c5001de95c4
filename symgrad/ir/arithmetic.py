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

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import copysign, gcd, inf, isfinite, isqrt
from sys import float_info
from typing import TYPE_CHECKING, overload

from symgrad.errors import FormulaError, LimitError

if TYPE_CHECKING:
    from symgrad.ir.graph import Graph

Number = int | Fraction | float
Exponent = int | Fraction

LONGEST_JOINED = 16
"""A flat graph joins products of up to this many factors: the partials of a long chain of
functions would otherwise grow with the square of its length."""

TINY, HUGE = float_info.min, float_info.max
"""Doubles between these have all their digits."""

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

    Where no double holds the product of floats it is exact: another number may undo it.

    Raises:
        LimitError: a result of exact numbers has more than MAX_BITS bits.
    """
    first, second = type(a), type(b)
    if first is int:
        if second is int:
            whole = a * b
            if -SMALL < whole < SMALL:
                return whole
        elif a == 0 or a == 1:
            return simplest(b) if a else 0
    elif second is int and b == 0:
        return 0
    if first is float or second is float:
        left, right = as_float(a), as_float(b)
        product = left * right
        if TINY <= abs(product) <= HUGE and (first is second or _hold(left, right)):
            return product
        return _beyond_doubles(a, b, product)
    exact = Fraction(a) * Fraction(b)
    if bits(exact) > MAX_BITS:
        raise LimitError(f"an exact constant grows beyond {MAX_BITS} bits; write it as a float")
    return simplest(exact)


def _hold(*numbers: float) -> bool:
    """Whether these have all the digits of the exact numbers that they were rounded from."""
    return all(TINY <= abs(number) <= HUGE for number in numbers)


def _beyond_doubles(a: Number, b: Number, rounded: float) -> Number:
    """``a * b``, exact where ``rounded`` is not; unless it takes too many bits."""
    if not a or not b or not all(isfinite(x) for x in (a, b) if type(x) is float):
        return rounded
    exact = Fraction(a) * Fraction(b)
    if TINY <= abs(exact) <= HUGE:
        return float(exact)
    if bits(exact) > MAX_BITS or (isfinite(rounded) and Fraction(rounded) == exact):
        return rounded
    return simplest(exact)


def add_numbers(a: Number, b: Number) -> Number:
    """``a + b``, exact where both are exact; exact zero adds nothing, not even to -0.0."""
    first = type(a)
    if first is type(b) and (first is int or first is float):
        return a + b
    if first is int and a == 0:
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
    ops, args, data = graph.ops, graph.args, graph.data
    collected: dict[int, Number] = {}
    for node, coefficient in terms:
        if type(coefficient) is int and coefficient == 0:
            continue
        op = ops[node]
        if op == "sum":
            if len(args[node]) == 1:
                inner_start, (inner,) = data[node]
                if type(inner_start) is int and inner_start == 0:
                    node = args[node][0]
                    coefficient = multiply_numbers(coefficient, inner)
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
    no_start = type(start) is int and start == 0
    if len(collected) == 1:
        ((only, coefficient),) = collected.items()
        if no_start:
            if type(coefficient) is int and coefficient == 1:
                return only
            return _intern_sum(graph, (only,), 0, (coefficient,))
        nodes: tuple[int, ...] = (only,)
        coefficients: tuple[Number, ...] = (coefficient,)
    else:
        nodes = tuple(sorted(collected))
        coefficients = tuple([collected[node] for node in nodes])
    return _primitive(graph, nodes, start, coefficients)


def _primitive(
    graph: Graph, nodes: tuple[int, ...], start: Number, coefficients: tuple[Number, ...]
) -> int:
    """The sum of collected terms, its integer content pulled out."""
    first = coefficients[0]
    content = 1 if type(first) is int and first == 1 else _content(start, coefficients)
    if content == 1:
        return _intern_sum(graph, nodes, start, coefficients)
    if content == -1:
        primitive = tuple([-c for c in coefficients])
        inner_node = _intern_sum(graph, nodes, 0, primitive)
    else:
        primitive = tuple([c // content for c in coefficients])
        inner_node = _intern_sum(graph, nodes, start // content, primitive)
    return _intern_sum(graph, (inner_node,), 0, (content,))


def total(graph: Graph, terms: Sequence[tuple[int, Number]]) -> int:
    """``make_sum`` of some terms without a constant; one that counts once is that node."""
    if len(terms) == 1:
        ((first, left),) = terms
        return first if left == 1 else scale(graph, first, left)
    if len(terms) != 2:
        return make_sum(graph, 0, terms)
    (first, left), (second, right) = terms
    ops, args = graph.ops, graph.args
    for node, coefficient in terms:
        op = ops[node]
        if op == "constant" or (op == "sum" and len(args[node]) == 1):
            return make_sum(graph, 0, terms)
        if type(coefficient) is int and coefficient == 0:
            return make_sum(graph, 0, terms)
    if first < second:
        return _primitive(graph, (first, second), 0, (left, right))
    if second < first:
        return _primitive(graph, (second, first), 0, (right, left))
    return make_sum(graph, 0, terms)


def scale(graph: Graph, node: int, coefficient: Number) -> int:
    """The node of ``coefficient * node``: ``make_sum`` of this one term."""
    whole = type(coefficient) is int
    if whole and coefficient == 1:
        return node
    if whole and coefficient == 0:
        return graph.constant(0)
    op = graph.ops[node]
    if op == "sum":
        if len(graph.args[node]) == 1:
            start, (inner,) = graph.data[node]
            if type(start) is int and start == 0:
                node = graph.args[node][0]
                coefficient = multiply_numbers(coefficient, inner)
                if type(coefficient) is int and coefficient == 1:
                    return node
    elif op == "constant":
        return graph.constant(multiply_numbers(coefficient, graph.data[node]))
    return _intern_sum(graph, (node,), 0, (coefficient,))


def _intern_sum(
    graph: Graph, nodes: tuple[int, ...], start: Number, coefficients: tuple[Number, ...]
) -> int:
    """``graph.intern`` of a sum; without floats the data are their own key."""
    data = (start, coefficients)
    if type(start) is float or float in map(type, coefficients):
        return graph.intern("sum", nodes, data)
    return graph.place(("sum", nodes, data))


def _content(start: Number, coefficients: tuple[Number, ...]) -> int:
    """The factor to pull out: the gcd of integers, and the sign where there is no constant."""
    if type(start) is not int:
        return 1
    sign = -1 if start == 0 and coefficients[0] < 0 else 1
    content = start
    for coefficient in coefficients:
        if type(coefficient) is not int:
            return sign
        content = gcd(content, coefficient)
        if content == 1:
            return sign
    return sign * content if content else sign


def intern_product(graph: Graph, nodes: tuple[int, ...], exponents: tuple[Exponent, ...]) -> int:
    """``graph.intern`` of a product; the node itself where it is one factor."""
    if len(nodes) == 1 and type(exponents[0]) is int and exponents[0] == 1:
        return nodes[0]
    return graph.place(("product", nodes, exponents))


def make_product(
    graph: Graph, factors: Iterable[tuple[int, Exponent]], coefficient: Number = 1
) -> int:
    """The node of ``coefficient * prod(node ** exponent)``."""
    ops, data, args = graph.ops, graph.data, graph.args
    collected: dict[int, Exponent] = {}
    nested: list[tuple[int, int]] = []
    for node, exponent in factors:
        if not exponent:
            continue
        whole = type(exponent) is int
        if whole and ops[node] == "sum" and len(args[node]) == 1:
            start, (factor,) = data[node]
            # A float's power could overflow or underflow where that of the whole term does not.
            exact = not isinstance(factor, float) or exponent == 1
            if exact and type(start) is int and start == 0:
                (node,) = args[node]
                if factor < 0 and exponent < 0 and exponent % 2 and ops[node] == "sum":
                    factor, node = -factor, make_sum(graph, 0, ((node, -1),))
                coefficient = multiply_numbers(coefficient, power_number(factor, int(exponent)))
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
    odd = [
        node
        for node in collected
        if ops[node] == "constant" or (ops[node] == "sum" and len(args[node]) == 1)
    ]
    if odd:
        coefficient = _fold(graph, collected, odd, coefficient)
    if not collected:
        return graph.constant(coefficient)
    nodes = tuple(sorted(collected))
    made = intern_product(graph, nodes, tuple([collected[node] for node in nodes]))
    return scale(graph, made, coefficient)


def _fold(
    graph: Graph, collected: dict[int, Exponent], odd: list[int], coefficient: Number
) -> Number:
    """The coefficient once minus signs and roots of constants that have met are taken to it."""
    ops, data, args = graph.ops, graph.data, graph.args
    for node in odd:
        exponent = collected[node]
        opposite = data[node] == (0, (-1,)) and args[node][0] in collected
        if opposite and type(exponent) is int:  # roots of x and -x are numbers for different x
            del collected[node]
            coefficient = -coefficient if exponent % 2 else coefficient
            _collect(graph, collected, args[node][0], exponent)
    for node in [node for node, exponent in collected.items() if ops[node] == "constant"]:
        exponent = collected[node]
        if type(exponent) is int:  # roots of a constant have met
            coefficient = multiply_numbers(coefficient, power_number(data[node], exponent))
            del collected[node]
    return coefficient


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
