"""Rewrites of quotients that are 0/0, 1^oo or lose digits in a way that no pattern can say.

Each takes a graph and a node, and gives the node that takes its place, or None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import isfinite

from symgrad.functions import math
from symgrad.functions.taylor import TERMS
from symgrad.ir.arithmetic import Exponent, Number, multiply_numbers, power_number, simplest
from symgrad.ir.expression import HALF, Expr, symbol
from symgrad.ir.graph import Graph
from symgrad.simplify.digits.conjugates import HALF_POWER, difference_of
from symgrad.simplify.digits.differences import difference, ratio
from symgrad.simplify.digits.forms import MOST_TERMS, Form, factors, few_terms, flattened, terms
from symgrad.simplify.digits.series import arc_by_root as series_of_arc
from symgrad.simplify.digits.series import polynomial
from symgrad.simplify.polynomials import Monomial, Polynomial, combine

A, B, D, M, P, W = (symbol(name) for name in "abdmpw")

MOST_LEFT = 4
"""A difference of quotients is not replaced by one with more terms above."""


def difference_of_quotients(graph: Graph, node: int) -> int | None:
    """a/T - a b/T^2 as a (T - b)/T^2 where b is a term of T: the quotient rule of a/(a + b).

    Where b is nearly all of T every digit of the difference would cancel; so for all powers of T.
    """
    if not _may_divide_by_sum(graph, node):
        return None
    start, found = few_terms(graph, node)
    if len(found) + (start != 0) < 2 or not any(_divides_by_sum(graph, term) for term in found):
        return None
    parts = [(*_whole_factors(graph, term, c), term) for term, c in found.items()]
    if start != 0:
        parts.append((start, {}, graph.constant(1)))
    for c, below, one in parts:
        for total in [base for base, e in below.items() if graph.ops[base] == "sum" and e < 0]:
            for a, above, other in parts:
                if not a or not c or above.get(total, 0) != below[total] + 1:
                    continue
                if not (_is_finite(a) and _is_finite(c)):
                    continue
                rest = _rest(graph, total, above, below, a, c)
                if rest is None:
                    continue
                made = dict(above)
                made[total] = below[total]
                quotient = graph.product([*made.items(), (rest, 1)], a)
                left = [(t, k) for t, k in found.items() if t not in (one, other)]
                kept = 0 if start != 0 and graph.constant(1) in (one, other) else start
                return graph.sum([*left, (quotient, 1)], kept)
    return None


def _is_finite(number: Number) -> bool:
    return type(number) is not float or isfinite(number)


def _may_divide_by_sum(graph: Graph, node: int) -> bool:
    """Whether a term may; most sums have none, and to find that out takes no arithmetic."""
    ops, args = graph.ops, graph.args
    pending = list(args[node])
    for term in pending:
        op = ops[term]
        if op == "sum" and len(pending) > MOST_TERMS:
            return True
        if op == "sum":
            pending += args[term]
        elif op == "product" and _divides_by_sum(graph, term):
            return True
    return False


def _divides_by_sum(graph: Graph, node: int) -> bool:
    ops = graph.ops
    if ops[node] != "product" or min(graph.data[node]) > 0:
        return False
    held = zip(graph.args[node], graph.data[node], strict=True)
    return any(exponent < 0 and ops[base] == "sum" for base, exponent in held)


def _whole_factors(graph: Graph, node: int, c: Number) -> tuple[Number, dict[int, Exponent]]:
    coefficient, held = factors(graph, node)
    return multiply_numbers(coefficient, c), held


def _rest(
    graph: Graph,
    total: int,
    above: Mapping[int, Exponent],
    below: Mapping[int, Exponent],
    a: Number,
    c: Number,
) -> int | None:
    """T - b, where c a b/T and a are the terms with opposite signs."""
    b = dict(below)
    for base, exponent in above.items():
        b[base] = b.get(base, 0) - exponent
    b[total] = b.get(total, 0) + 1
    b = {base: simplest(e) for base, e in b.items() if e}
    start, inside = terms(graph, total)
    ratio = Fraction(c) / Fraction(a)
    if not all(map(_is_finite, (start, *inside.values()))):
        return None
    if not b:
        alike = start == -ratio and len(inside) <= MOST_LEFT
        return _without(graph, total, None) if alike else None
    term = graph.product([*b.items()])
    if Fraction(inside.get(term, 0)) != -ratio or len(inside) - 1 + (start != 0) > MOST_LEFT:
        return None
    return _without(graph, total, term)


def _without(graph: Graph, total: int, term: int | None) -> int | None:
    """A sum less a term of it, or its number; the rest in the groups in which it was written.

    (x - y) + z has digits that x + z - y has not. None where the term stands in two places.
    """
    outer, at = [], total
    while True:
        start, coefficients = graph.data[at]
        pairs = list(zip(graph.args[at], coefficients, strict=True))
        sums = [part for part in graph.args[at] if graph.ops[part] == "sum"]
        inner = [part for part in sums if _holds(graph, part, term)]
        here = start != 0 if term is None else term in graph.args[at]
        if here + len(inner) != 1:
            return None
        if not inner:
            break
        outer.append((start, pairs, *inner))
        (at,) = inner
    made = graph.sum([pair for pair in pairs if pair[0] != term], start if term is not None else 0)
    for start, pairs, part in reversed(outer):
        made = graph.sum([(made if t == part else t, k) for t, k in pairs], start)
    return made


def _holds(graph: Graph, sum_: int, term: int | None) -> bool:
    start, found = terms(graph, sum_)
    return start != 0 if term is None else term in found


MOST_STEPS = 5
"""A polynomial that is divided by another gives one of no more terms."""


def quotient_of_polynomials(graph: Graph, node: int) -> int | None:
    """(x^2 - y^2)/(x - y) as x + y, and all quotients that leave no remainder."""
    held = flattened(graph, node)
    sums = [base for base, e in held.items() if graph.ops[base] == "sum" and type(e) is int]
    for below in [base for base in sums if held[base] < 0]:
        for above in [base for base in sums if held[base] > 0]:
            quotient = _divided(_polynomial(graph, above), _polynomial(graph, below))
            if quotient is None:
                continue
            made = graph.sum([(graph.product([*m]), c) for m, c in quotient.items()])
            held |= {above: held[above] - 1, below: held[below] + 1}
            return graph.product([*[pair for pair in held.items() if pair[1]], (made, 1)])
    return None


def _polynomial(graph: Graph, node: int) -> Polynomial:
    """A sum as it is written: powers of sums are not multiplied out, which costs them digits."""
    start, found = few_terms(graph, node)
    made: Polynomial = {(): start} if start else {}
    for term, c in found.items():
        number, held = factors(graph, term)
        monomial = tuple(sorted(flattened(graph, graph.product([*held.items()])).items()))
        made[monomial] = made.get(monomial, 0) + c * number
    return {monomial: c for monomial, c in made.items() if c}


def _divided(above: Polynomial, below: Polynomial) -> Polynomial | None:
    """The quotient by long division; None where something is left or a number is rounded."""
    atoms = sorted({atom for part in (*above, *below) for atom, _ in part})
    numbers = (*above.values(), *below.values())
    powers = [e for part in (*above, *below) for _, e in part]
    if (
        not above
        or not below
        or float in map(type, numbers)
        or any(type(e) is not int or e < 0 for e in powers)
    ):
        return None

    def place(monomial: Monomial) -> tuple[Exponent, ...]:
        held = dict(monomial)
        return tuple([held.get(atom, 0) for atom in atoms])

    top = max(below, key=place)
    quotient: Polynomial = {}
    while above:
        if len(quotient) == MOST_STEPS:
            return None
        first = max(above, key=place)
        steps = zip(atoms, place(first), place(top), strict=True)
        by = tuple([(atom, e - less) for atom, e, less in steps if e != less])
        if any(e < 0 for _, e in by):
            return None
        factor = simplest(Fraction(above[first]) / Fraction(below[top]))
        quotient[by] = factor
        above = combine(above, {_joined(by, part): c for part, c in below.items()}, -factor)
    return quotient


def _joined(a: Monomial, b: Monomial) -> Monomial:
    made = dict(a)
    for atom, exponent in b:
        made[atom] = made.get(atom, 0) + exponent
    return tuple(sorted(made.items()))


BY_ARGUMENT: Mapping[str, str] = {
    "sin": "sinc",
    "sinh": "sinhc",
    "expm1": "expm1c",
    "log1p": "log1pc",
}
"""f: g with f(x) = x g(x), where g(0) is 1."""


def quotient_of_vanishing(graph: Graph, node: int) -> int | None:
    """sin(a x)/sin(b x) as (a/b) sinc(a x)/sinc(b x), and others that vanish with x."""
    held = flattened(graph, node)
    small = [base for base in held if graph.ops[base] in BY_ARGUMENT and type(held[base]) is int]
    for above in [base for base in small if held[base] > 0]:
        for below in [base for base in small if held[base] < 0]:
            (u,), (w,) = graph.args[above], graph.args[below]
            one, other = _factors_of(graph, u), _factors_of(graph, w)
            if one == other or not any(e > 0 and other.get(part, 0) > 0 for part, e in one.items()):
                continue
            made = [pair for pair in held.items() if pair[0] not in (above, below)]
            for base, x in ((above, u), (below, w)):
                quotient = graph.call(BY_ARGUMENT[graph.ops[base]], (x,))
                made += [(x, held[base]), (quotient, held[base])]
            return _cancelled(graph, made)
    return None


def _cancelled(graph: Graph, parts: Iterable[tuple[int, Exponent]]) -> int:
    """A product in which nothing is divided by itself."""
    coefficient: Number = 1
    made: dict[int, Exponent] = {}
    for node, exponent in parts:
        number, held = factors(graph, node) if type(exponent) is int else (1, {node: 1})
        coefficient = multiply_numbers(coefficient, power_number(number, int(exponent)))
        for part, power in flattened(graph, graph.product([*held.items()])).items():
            made[part] = simplest(Fraction(made.get(part, 0)) + Fraction(power) * exponent)
    return graph.product([pair for pair in sorted(made.items()) if pair[1]], coefficient)


def _factors_of(graph: Graph, node: int) -> dict[int, Exponent]:
    """The factors of a node, its number apart."""
    _, held = factors(graph, node)
    return flattened(graph, graph.product([*held.items()])) if held else {}


BELOW = {("cosh", -1): "cosh", ("sinh", -1): "sinh", ("sech", 1): "cosh", ("csch", 1): "sinh"}
"""Functions and powers, and of what they are the inverse."""

FAR = 300
"""exp(-2 FAR) is nothing beside 1."""


def quotient_of_hyperbolics(graph: Graph, node: int) -> int | None:
    """cosh(u)/cosh(v) and their like by exponentials of differences, where v is far from 0."""
    held = flattened(graph, node)
    above = [base for base, e in held.items() if graph.ops[base] in ("cosh", "sinh") and e == 1]
    for below in [base for base, e in held.items() if (graph.ops[base], e) in BELOW]:
        for base in above:
            sign = 1 if graph.ops[base] == "cosh" else -1
            far = math.exp(A - abs(B)) + sign * math.exp(-A - abs(B))
            if BELOW[graph.ops[below], int(held[below])] == "sinh":
                far = math.sign(B) * far
            bindings = {"a": graph.args[base][0], "b": graph.args[below][0]}
            if bindings["a"] == bindings["b"]:
                continue
            others = [(part, e) for part, e in held.items() if part not in (base, below)]
            near = graph.product([(base, 1), (below, held[below])])
            inside = graph.add(abs(B) < FAR, bindings)
            near = quotient_of_vanishing(graph, near) or near
            chosen = graph.call("select", (inside, near, graph.add(far, bindings)))
            return graph.product([*others, (chosen, 1)])
    return None


# fmt: off
MEANS: Mapping[object, Expr] = {
    "sin": math.cos(M) * math.sinc(D / 2),    "cos": -math.sin(M) * math.sinc(D / 2),
    "sinh": math.cosh(M) * math.sinhc(D / 2), "cosh": math.sinh(M) * math.sinhc(D / 2),
    HALF_POWER: 1 / (math.sqrt(A) + math.sqrt(B)), -1: -1 / A / B,
}
# fmt: on
"""(f(a) - f(b))/d for d = a - b, with m = (a + b)/2; numbers are powers."""


def quotient_of_differences(graph: Graph, node: int) -> int | None:
    """(f(a) - f(b))/v where a - b is q v, by MEANS: nothing is 0/0 where a is b."""
    held = flattened(graph, node)
    for base in [base for base in held if graph.ops[base] == "sum" and held[base] == 1]:
        start, coefficients = graph.data[base]
        if start != 0 or len(coefficients) != 2 or coefficients[0] != -coefficients[1]:
            continue
        (name, a), (other, b) = (_function_of(graph, part) for part in graph.args[base])
        if name != other or name not in MEANS:
            continue
        distance = graph.sum(difference_of(graph, a, 1, b, 1))
        for below in [part for part in held if held[part] == -1]:
            q = ratio(graph, distance, below)
            if q is None:
                continue
            middle = graph.sum(difference_of(graph, a, HALF_POWER, b, -HALF_POWER))
            bindings = {"a": a, "b": b, "d": distance, "m": middle}
            others = [(part, e) for part, e in held.items() if part not in (base, below)]
            mean = graph.add(MEANS[name], bindings)
            return graph.product([*others, (q, 1), (mean, 1)], coefficients[0])
    return None


def _function_of(graph: Graph, node: int) -> tuple[object, int]:
    """A function or a power and its argument."""
    if graph.ops[node] == "product" and len(graph.args[node]) == 1:
        return graph.data[node][0], graph.args[node][0]
    return graph.ops[node], (graph.args[node] or (node,))[0]


ARCS = {"acos": ("sin", 1, -1), "acosh": ("sinh", -1, 1)}
"""f: the g, c and k of f(x)/g(f(x)) = f(x)/sqrt(c + k x^2), which is analytic at 1."""


def arc_by_root(graph: Graph, node: int) -> int | None:
    """acos(x)/sqrt(1 - x^2), acosh(x)/sqrt(x^2 - 1) and their inverses by a polynomial near 1."""
    held = flattened(graph, node)
    for arc in [base for base in held if graph.ops[base] in ARCS and abs(held[base]) == 1]:
        (x,), power = graph.args[arc], int(held[arc])
        sine, start, coefficient = ARCS[graph.ops[arc]]
        number, parts = factors(graph, x)
        squares = (
            graph.product(((x, 2),)),
            graph.product([(part, 2 * e) for part, e in parts.items()], number * number),
        )
        roots: dict[int, Exponent] = {graph.call(sine, (arc,)): -power}
        for square in squares:
            roots[graph.sum(((square, coefficient),), start)] = -HALF_POWER * power
        for root, exponent in [pair for pair in roots.items() if pair in held.items()]:
            others = [(part, e) for part, e in held.items() if part not in (arc, root)]
            written = graph.product([(arc, power), (root, exponent)])
            made = _near_one(graph, x, power, written, -coefficient)
            return None if made is None else graph.product([*others, (made, 1)])
    return None


def sinc_of_arc(graph: Graph, node: int) -> int | None:
    """sinc(acos(x)), which is sqrt(1 - x^2)/acos(x), likewise."""
    (arc,) = graph.args[node]
    return _near_one(graph, graph.args[arc][0], -1, node, 1) if graph.ops[arc] == "acos" else None


def _near_one(graph: Graph, x: int, power: int, written: int, side: int) -> int | None:
    """The polynomial on that side of 1 where the arc is a number."""
    found = polynomial(series_of_arc(), TERMS)
    if found is None:
        return None
    radius, _, coefficients = found
    distance = graph.sum(((x, -1),), 1)
    numbers = [*coefficients, *[0] * (TERMS - len(coefficients))]
    near = graph.call("taylor", (distance, *map(graph.constant, numbers)))
    inside = graph.add((side * W >= 0) & (side * W < radius), {"w": distance})
    return graph.call("select", (inside, graph.product(((near, power),)), written))


def power_near_one(graph: Graph, node: int) -> int | None:
    """(1 + w)^p by log1p where w is small, if p may be huge then: (1 + x y)^(-1/x)."""
    base, exponent = graph.args[node]
    if graph.ops[base] != "sum":
        return None
    one, inside = terms(graph, base)
    if one != 1:
        return None
    w = graph.sum(sorted(inside.items()))
    product = _times(graph, exponent, w, either=True)
    if product is None:
        return None
    bindings = {"w": w, "p": product}
    near = graph.add(math.exp(P * math.log1pc(W)), bindings)
    return graph.call("select", (graph.add(abs(W) < HALF, bindings), near, node))


def power_near_one_less(graph: Graph, node: int) -> int | None:
    """(1 + w)^p - 1 of such a power, which ``difference`` knows as it was written."""
    start, coefficients = graph.data[node]
    for part in graph.args[node]:
        written = graph.args[part][2] if graph.ops[part] == "select" else part
        if graph.ops[written] == "pow" and power_near_one(graph, written) == part:
            parts = [written if other == part else other for other in graph.args[node]]
            again = graph.sum(list(zip(parts, coefficients, strict=True)), start)
            return difference(graph, again)
    return None


def _times(graph: Graph, sum_: int, w: int, *, either: bool = False) -> int | None:
    """A sum times w term by term; None where no term divides by a factor of w."""
    start, found = terms(graph, sum_)
    small = _factors_of(graph, w)
    meets = False
    for term in found:
        for part, e in _factors_of(graph, term).items():
            beside = small.get(part, 0)
            meets = meets or e < 0 < beside or (either and beside < 0 < e)
    if not meets:
        return None
    parts = [(_cancelled(graph, ((term, 1), (w, 1))), c) for term, c in sorted(found.items())]
    return graph.sum([*parts, (w, start)])


def logarithm_times_sum(graph: Graph, node: int) -> int | None:
    """(1 + 1/x) log1p(x y) as (x y + y) log1pc(x y), which is no infinity times 0 at 0."""
    held = flattened(graph, node)
    for log in [base for base in held if graph.ops[base] == "log1p" and held[base] == 1]:
        (w,) = graph.args[log]
        for base in [part for part in held if graph.ops[part] == "sum" and held[part] == 1]:
            product = _times(graph, base, w)
            if product is not None:
                others = [pair for pair in held.items() if pair[0] not in (log, base)]
                near = graph.product([(product, 1), (graph.call("log1pc", (w,)), 1)])
                small = graph.add(abs(W) < HALF, {"w": w})
                written = graph.product([(log, 1), (base, 1)])
                return graph.product([*others, (graph.call("select", (small, near, written)), 1)])
    return None


QUOTIENTS: tuple[Form, ...] = (
    Form("sum", difference_of_quotients, "rounding", always=True),
    Form("product", quotient_of_polynomials, "rounding"),
    Form("sum", power_near_one_less, "rounding"),
    Form("product", quotient_of_hyperbolics, "rounding"),
    Form("product", quotient_of_vanishing, "rounding"),
    Form("product", quotient_of_differences, "rounding"),
    Form("product", arc_by_root, "rounding"),
    Form("sinc", sinc_of_arc, "rounding"),
    Form("product", logarithm_times_sum, "rounding"),
    Form("pow", power_near_one, "rounding"),
)
