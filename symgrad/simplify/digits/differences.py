"""Rewrites of differences that lose digits, and of quotients by them that a pattern cannot say.

Each takes a graph and a node, and gives the node that takes its place, or None.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from symgrad.functions import math
from symgrad.ir.arithmetic import Exponent, Number, as_float, multiply_numbers, simplest
from symgrad.ir.expression import HALF, Expr, symbol, wrap
from symgrad.ir.graph import Graph
from symgrad.simplify.digits.conjugates import HALF_POWER, conjugate
from symgrad.simplify.digits.forms import Form, even_powers, factors, few_terms, flattened, terms

W, R, L, V = (symbol(name) for name in "wrlv")
EXACT = 1e-15

LESS_ONE: Mapping[object, Expr] = {
    HALF_POWER: math.where(W < 1, W / (1 + R), R - 1),
    -HALF_POWER: math.where(W < 1, -W / (R * (1 + R)), 1 / R - 1),
}
"""(1 + w)^p - 1 for some exponents, where r is the root of 1 + w."""

ANY_LESS_ONE = math.where(abs(L) < HALF, math.expm1(L), V)
"""exp(l) - 1, which is v as it is written."""


class Power(NamedTuple):
    """A difference as ``scale * ((1 + w)**p - 1)``.

    Attributes:
        scale: a node.
        log: of 1 + w.
        p: the exponent.
        w: a node, or of the power of something else -1.
        exponent: p as a number, where it is one.
        power: the power as it is written, where it is one of a node.
    """

    scale: int
    log: int
    p: int
    w: int = -1
    exponent: object = None
    power: int = -1


def difference(graph: Graph, node: int) -> int | None:
    """The sum m (c + w)^p - m c^p by log1p and expm1 or a conjugate; or see ``conjugate``.

    Of the former the derivatives are those of what is written: they lose nothing.
    """
    of_two = len(graph.args[node]) + (graph.data[node][0] != 0) == 2
    power = _power_less_one(graph, node) if of_two else None
    if power is None:
        return conjugate(graph, node)
    w = {} if power.w < 0 else {"w": power.w}
    log = graph.multiply(power.p, power.log)
    base = power.power
    if base < 0:
        base = graph.power(graph.sum(((power.w, 1),), 1), power.p)
    written = graph.sum(((base, 1),), -1)
    template = LESS_ONE.get(power.exponent, ANY_LESS_ONE) if w else ANY_LESS_ONE
    root = {"r": _root(graph, power)} if template is not ANY_LESS_ONE else {}
    better = graph.add(template, {**w, **root, "l": log, "v": written})
    return graph.multiply(power.scale, graph.call("valued", (better, written)))


def _root(graph: Graph, power: Power) -> int:
    """The root of 1 + w, of what is written for that where it has other digits."""
    if power.power < 0:
        return graph.product([(graph.sum(((power.w, 1),), 1), HALF_POWER)])
    return power.power if power.exponent == HALF_POWER else graph.product([(power.power, -1)])


def _power_less_one(graph: Graph, node: int) -> Power | None:
    start, coefficients = graph.data[node]
    found = list(zip(graph.args[node], coefficients, strict=True))
    if start != 0:
        found.append((graph.constant(1), start))
    for (term, a), (rest, b) in (found, found[::-1]):
        if graph.ops[term] == "pow" and graph.ops[rest] == "constant" and a == -b:
            x, p = graph.args[term]
            scale, (c, inside) = graph.constant(a), _terms_as_written(graph, x)
            if c != 1 or not inside:
                return Power(scale, graph.call("log", (x,)), p, power=term)
            w = graph.sum(sorted(inside.items()))
            log = graph.call("log1p", (w,))
            if terms(graph, x) != (c, inside):  # its own way has the digits that 1 + w has not
                small = graph.add(abs(W) < HALF, {"w": w})
                log = graph.call("select", (small, log, graph.call("log", (x,))))
            return Power(scale, log, p, w, power=term)
        if graph.ops[term] != "product":
            continue
        held, (one, others) = dict(flattened(graph, term)), factors(graph, rest)
        for base, exponent in held.items():
            if graph.ops[base] != "sum" or (2 * exponent % 1 == 0 and exponent not in LESS_ONE):
                continue  # a few multiplications and a root: logarithms would take far longer
            left = {part: e for part, e in held.items() if part != base}
            if left != others or not as_float(one) * as_float(b) * as_float(a) < 0:
                continue
            c, inside = _terms_as_written(graph, base)
            ratio = -as_float(one) * as_float(b) / as_float(a)
            if as_float(c) <= 0 or abs(as_float(c) ** float(exponent) / ratio - 1) > EXACT:
                continue
            w = graph.sum([(part, _over(k, c)) for part, k in sorted(inside.items())])
            scale = graph.multiply(graph.constant(-b), rest)
            log = graph.call("log1p", (w,))
            own = graph.power(base, graph.constant(exponent)) if c == 1 else -1
            return Power(scale, log, graph.constant(exponent), w, exponent, own)
    return None


def _terms_as_written(graph: Graph, node: int) -> tuple[Number, dict[int, Number]]:
    """The terms of a sum, of 1 - x^p too where its value is computed in another way."""
    coefficient, held = factors(graph, node)
    (part,) = held if list(held.values()) == [1] else (node,)
    if graph.ops[part] == "valued":
        node = graph.sum(((graph.args[part][1], coefficient),))
    return terms(graph, node)


def _over(number: Number, divisor: Number) -> Number:
    if type(number) is float or type(divisor) is float:
        return as_float(number) / as_float(divisor)
    return simplest(Fraction(number) / Fraction(divisor))


def divided_root(graph: Graph, node: int) -> int | None:
    """(b - sqrt(b^2 - 4 a c))/a and (1 - sqrt(1 - a c))/a, where a is no longer below."""
    held = flattened(graph, node)
    for base in [base for base in held if held[base] == 1]:
        if graph.ops[base] == "select" and graph.ops[graph.args[base][2]] == "sum":
            condition, above, written = graph.args[base]
            if conjugate(graph, written) != base:
                continue
        elif graph.ops[base] == "valued":
            power = _power_less_one(graph, graph.args[base][1])
            if power is None or power.w < 0 or power.exponent != HALF_POWER:
                continue
            condition = -1
            above = graph.add(W / (1 + R), {"w": power.w, "r": _root(graph, power)})
            above = graph.multiply(power.scale, above)
        else:
            continue
        coefficient, own = factors(graph, above)
        own = flattened(graph, graph.product([*own.items()])) if own else {}
        shared = {part: e for part, e in held.items() if e < 0 < own.get(part, 0)}
        if not shared:
            continue
        left = {part: e + shared.get(part, 0) for part, e in own.items()}
        made = graph.product([pair for pair in left.items() if pair[1]], coefficient)
        if condition >= 0:
            far = graph.product([(written, 1), *shared.items()])
            made = graph.call("select", (condition, made, far))
        others = [(part, e) for part, e in held.items() if part != base and part not in shared]
        return graph.product([*others, (made, 1)])
    return None


def quotient_by_its_argument(graph: Graph, node: int) -> int | None:
    """((1 + w)^p - 1)/w and (x^p - 1)/p near 0 by log1p(w)/w and (exp(l) - 1)/l; inverses too."""
    held = flattened(graph, node)
    for base in [base for base in held if graph.ops[base] == "valued" and abs(held[base]) == 1]:
        power = _power_less_one(graph, graph.args[base][1])
        if power is None:
            continue
        log = graph.multiply(power.p, power.log)
        for below in (power.w, power.p):
            if held.get(below) != -held[base]:
                continue
            parts = [power.scale, graph.call("expm1c", (log,))]
            if below == power.p:
                parts.append(power.log)
            else:
                parts += [power.p, graph.call("log1pc", (power.w,))]
            others = [(part, e) for part, e in held.items() if part not in (base, below)]
            near = graph.product([(part, held[base]) for part in parts])
            far = graph.product([(base, held[base]), (below, held[below])])
            # Left of -1 there is a power but no logarithm.
            chosen = graph.call("select", (graph.add(abs(L) < HALF, {"l": log}), near, far))
            return graph.product([*others, (chosen, 1)])
    return None


A, B = symbol("a"), symbol("b")
MEAN = 2 * math.atanh((A - B) / (A + B))
"""log(a/b), which loses nothing where a and b are near each other."""


def quotient_of_logarithms(graph: Graph, node: int) -> int | None:
    """(a - b)/log(a/b), (a - b)/(log(a) - log(b)) and (a - 1)/log(a) by atanh where a is near b."""
    held = flattened(graph, node)
    for base in held:
        pair = _log_of_quotient(graph, base)
        if pair is None:
            continue
        a, b = pair
        for above in (graph.sum(((a, 1), (b, -1))), graph.sum(((b, 1), (a, -1)))):
            if held.get(above) != -held[base] or type(held[base]) is not int:
                continue
            bound = graph.add(5 * abs(A - B) < 2 * abs(A + B), {"a": a, "b": b})
            log = graph.add(MEAN, {"a": a, "b": b})
            near = graph.product([(log, held[base]), (above, -held[base])])
            far = graph.product([(base, held[base]), (above, -held[base])])
            others = [(part, e) for part, e in held.items() if part not in (base, above)]
            return graph.product([*others, (graph.call("select", (bound, near, far)), 1)])
    return None


def _log_of_quotient(graph: Graph, node: int) -> tuple[int, int] | None:
    if graph.ops[node] == "log":
        (inside,) = graph.args[node]
        if graph.ops[inside] == "product" and sorted(graph.data[inside]) == [-1, 1]:
            one, other = graph.args[inside]
            return (one, other) if graph.data[inside][0] == 1 else (other, one)
        return inside, graph.constant(1)
    if graph.ops[node] == "sum" and graph.data[node] in ((0, (1, -1)), (0, (-1, 1))):
        one, other = graph.args[node]
        if graph.ops[one] == graph.ops[other] == "log":
            pair = (graph.args[one][0], graph.args[other][0])
            return pair if graph.data[node][1][0] == 1 else pair[::-1]
    return None


def quotient_of_exponentials(graph: Graph, node: int) -> int | None:
    """(exp(a) - exp(b))/v, a - b being q v, as q exp((a + b)/2) sinhc((a - b)/2)."""
    held = flattened(graph, node)
    for base in [base for base in held if graph.ops[base] == "sum" and held[base] == 1]:
        pair = _opposite_exponentials(graph, base)
        if pair is None:
            continue
        coefficient, a, b = pair
        distance = graph.sum(((a, 1), (b, -1)))
        for below in [part for part in held if held[part] == -1]:
            q = ratio(graph, distance, below)
            if q is None:
                continue
            middle = graph.sum(((a, Fraction(1, 2)), (b, Fraction(1, 2))))
            mean = graph.call("sinhc", (graph.sum(((distance, Fraction(1, 2)),)),))
            others = [(part, e) for part, e in held.items() if part not in (base, below)]
            near = graph.product(
                [(q, 1), (graph.call("exp", (middle,)), 1), (mean, 1)], coefficient
            )
            far = graph.product([(base, 1), (below, -1)])
            # Far apart nothing cancels, and the two factors would be 0 and infinite.
            inside = graph.add(abs(A) < 1, {"a": distance})
            return graph.product([*others, (graph.call("select", (inside, near, far)), 1)])
    return None


def _opposite_exponentials(graph: Graph, node: int) -> tuple[Number, int, int] | None:
    """The c, a and b of c exp(a) - c exp(b)."""
    start, coefficients = graph.data[node]
    if start != 0 or len(coefficients) != 2 or coefficients[0] != -coefficients[1]:
        return None
    if any(graph.ops[part] != "exp" for part in graph.args[node]):
        return None
    one, other = (graph.args[part][0] for part in graph.args[node])
    return coefficients[0], one, other


def ratio(graph: Graph, u: int, v: int) -> int | None:
    """The q with u = q v: v is a factor of u, or both are sums of two terms and q a product."""
    if u == v:
        return graph.constant(1)
    number, held = factors(graph, v)
    if list(held.values()) == [1]:
        (base,) = held
        coefficient, own = factors(graph, u)
        if own.get(base, 0) > 0:
            own[base] -= 1
            return graph.product(
                [pair for pair in own.items() if pair[1]], _over(coefficient, number)
            )
    one, other = terms(graph, u), terms(graph, v)
    if one[0] or other[0] or len(one[1]) != 2 or len(other[1]) != 2:
        return None
    (t, a), _ = one[1].items()
    for s, b in other[1].items():
        number, q = _over(a, b), _times(graph, t, (s, -1))
        made = [
            (_times(graph, q, (x, 1)), multiply_numbers(number, c)) for x, c in other[1].items()
        ]
        if graph.sum(made) == u:
            return graph.sum(((q, number),))
    return None


def _times(graph: Graph, node: int, factor: tuple[int, Exponent]) -> int:
    """A product in which nothing is divided by itself."""
    return graph.product([*flattened(graph, graph.product(((node, 1), factor))).items()])


def quotient_of_sums(graph: Graph, node: int) -> int | None:
    """(exp(a) - exp(b))/(exp(a) + exp(b)) as tanh((a - b)/2), and softmax by differences.

    exp(a)/(exp(a) + exp(b) + ...) overflows as it is written.
    """
    held = flattened(graph, node)
    for below in [part for part in held if graph.ops[part] == "sum" and held[part] == -1]:
        start, found = terms(graph, below)
        parts = [*found.items()]
        if start != 0:
            parts.append((graph.call("exp", (graph.constant(0),)), start))
        if len(parts) < 2 or any(graph.ops[t] != "exp" for t in found) or start < 0:
            continue
        if not all(c > 0 for _, c in parts):
            continue
        for above in held:
            if held[above] == 1 and above != below:
                made = _hyperbolic(graph, above, found, start) or _softmax(
                    graph, above, found, start
                )
                if made is not None:
                    others = [(part, e) for part, e in held.items() if part not in (above, below)]
                    return graph.product([*others, (made, 1)])
    return None


def _hyperbolic(graph: Graph, above: int, found: Mapping[int, Number], start: Number) -> int | None:
    if graph.ops[above] != "sum" or start != 0 or set(graph.args[above]) != set(found):
        return None
    pair = _opposite_exponentials(graph, above)
    below = set(found.values())
    if pair is None or len(below) != 1:
        return None
    coefficient, a, b = pair
    tangent = graph.call("tanh_half", (graph.sum(((a, 1), (b, -1))),))
    return graph.sum(((tangent, _over(coefficient, below.pop())),))


def _softmax(graph: Graph, above: int, found: Mapping[int, Number], start: Number) -> int | None:
    if above not in found or (start != 0 and len(found) == 1):
        return None
    weights = {graph.args[t][0]: c for t, c in found.items()}
    if start != 0:
        weights[graph.constant(0)] = start
    (own,) = graph.args[above]
    if any(graph.ops[t] in ("max", "detach") for e in weights for t in graph.args[e]):
        return None  # somebody has taken care
    names = [f"a{k}" for k in range(len(weights))]
    exponents = [
        graph.sum(((e, 1), (graph.call("log", (graph.constant(c),)), 1))) if c != 1 else e
        for e, c in weights.items()
    ]
    if len(exponents) == 2:
        one, other = exponents if own == next(iter(weights)) else exponents[::-1]
        made = graph.call("sigmoid_difference", (one, other))
        return graph.sum(((made, _over(1, weights[own])),))
    top = symbol(names[0])
    for name in names[1:]:
        top = math.where(top < symbol(name), symbol(name), top)
    shift = math.detach(math.where(abs(top) < float("inf"), top, 0))
    total = sum([math.exp(symbol(name) - shift) for name in names[1:]],
                math.exp(symbol(names[0]) - shift))  # fmt: skip
    template = math.exp(symbol(names[[*weights].index(own)]) - shift) / total
    made = graph.add(template, dict(zip(names, exponents, strict=True)))
    return graph.sum(((made, _over(1, weights[own])),))


def gudermannian(graph: Graph, node: int) -> int | None:
    """2 atan(exp(x)) - pi/2 as 2 atan(tanh(x/2))."""
    start, found = few_terms(graph, node)
    pi = graph.add(math.pi, {})
    for part in found:
        if graph.ops[part] != "atan" or graph.ops[graph.args[part][0]] != "exp":
            continue
        if found.get(pi) != -found[part] * Fraction(1, 4):
            continue
        half = graph.call("tanh_half", graph.args[graph.args[part][0]])
        rest = [(other, c) for other, c in found.items() if other not in (part, pi)]
        return graph.sum([*rest, (graph.call("atan", (half,)), found[part])], start)
    return None


def acosh_of_one_and_more(graph: Graph, node: int) -> int | None:
    """acosh(1 + x) as 2 asinh(sqrt(x/2))."""
    (inside,) = graph.args[node]
    if graph.ops[inside] != "sum":
        return None
    one, rest = terms(graph, inside)
    if one != 1:
        return None
    half = graph.sum([(part, _over(c, 2)) for part, c in sorted(rest.items())])
    root = graph.product([(half, HALF_POWER)])
    return graph.sum(((graph.call("asinh", (even_powers(graph, root) or root,)), 2),))


PAIRS: Mapping[tuple[str, str, int, int], Expr] = {
    ("cos", "sin", 2, 1): wrap(1),
    ("cos", "sin", 2, -1): math.cos(2 * A),
    ("cosh", "sinh", 2, 1): math.cosh(2 * A),
    ("cosh", "sinh", 2, -1): wrap(1),
    ("cosh", "sinh", 1, 1): math.exp(A),
    ("cosh", "sinh", 1, -1): math.exp(-A),
}
"""f, g, n, s: f(a)^n + s g(a)^n."""


def pair_of_functions(graph: Graph, node: int) -> int | None:
    """cos(a)^2 - sin(a)^2 as cos(2 a), and the others of PAIRS; only multiples of the very pair."""
    start, found = few_terms(graph, node)
    at = {_function_and_power(graph, term): term for term in found}
    for (f, g, n, sign), made in PAIRS.items():
        for op, argument, power in at:
            other = at.get((g, argument, n))
            if op != f or power != n or other is None:
                continue
            one = at[op, argument, power]
            if found[other] != sign * found[one]:
                continue
            rest = [(term, c) for term, c in found.items() if term not in (one, other)]
            return graph.sum([*rest, (graph.add(made, {"a": argument}), found[one])], start)
    return None


def _function_and_power(graph: Graph, node: int) -> tuple[str, int, Exponent]:
    if graph.ops[node] == "product" and len(graph.args[node]) == 1:
        (base,), (power,) = graph.args[node], graph.data[node]
    else:
        base, power = node, 1
    return graph.ops[base], (graph.args[base] or (node,))[0], power


DIFFERENCES: tuple[Form, ...] = (
    Form("sum", pair_of_functions, "rounding"),
    Form("sum", gudermannian, "rounding"),
    Form("sum", difference, "rounding"),
    Form("acosh", acosh_of_one_and_more, "rounding"),
    Form("product", quotient_by_its_argument, "rounding"),
    Form("product", divided_root, "rounding"),
    Form("product", quotient_of_logarithms, "rounding"),
    Form("product", quotient_of_exponentials, "rounding"),
    Form("product", quotient_of_sums, "rounding"),
)
