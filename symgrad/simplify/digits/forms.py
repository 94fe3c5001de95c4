"""Rewrites that a pattern of fixed size cannot say: sums of exponentials, even powers, limits.

Each takes a graph and a node, and gives the node that takes its place, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush
from math import factorial, inf

from symgrad.functions import math
from symgrad.ir.arithmetic import (
    Exponent,
    Number,
    add_numbers,
    multiply_numbers,
    power_number,
    simplest,
)
from symgrad.ir.expression import Expr, symbol, wrap
from symgrad.ir.graph import Graph
from symgrad.simplify.polynomials import Polynomial, combine, expand

SHIFTED = frozenset({"max", "detach"})
"""What is subtracted from the arguments of exponentials that cannot overflow."""

MOST_FACTORS = 16
"""Products of more factors are not looked into."""

LIMITS: Mapping[str, Fraction] = {
    **dict.fromkeys(("sinc", "sinhc", "expm1c", "log1pc"), Fraction(1)),
    **dict.fromkeys(("cosc", "coshc"), Fraction(1, 2)),
}
"""The values at 0 of the functions that have a removable singularity there."""


def factors(graph: Graph, node: int) -> tuple[Number, dict[int, Exponent]]:
    """``node`` as a number times nodes with exponents."""
    coefficient: Number = 1
    if graph.ops[node] == "sum" and len(graph.args[node]) == 1 and graph.data[node][0] == 0:
        coefficient = graph.data[node][1][0]
        node = graph.args[node][0]
    if graph.ops[node] == "constant":
        return graph.data[node], {}
    if graph.ops[node] == "product":
        return coefficient, dict(zip(graph.args[node], graph.data[node], strict=True))
    return coefficient, {node: 1}


def flattened(graph: Graph, node: int) -> dict[int, Exponent]:
    """The factors of a product with their exponents, those of products among them in their place.

    A product stays nested as it was written, (y*sin(x))/x, if nothing meets; here it has to.
    """
    ops, bases = graph.ops, graph.args[node]
    if ops[node] != "product" or len(bases) > MOST_FACTORS:
        return {node: 1}
    if "product" not in [ops[base] for base in bases]:
        return dict(zip(bases, graph.data[node], strict=True))
    made: dict[int, Exponent] = {}
    pending: list[tuple[int, Exponent]] = [(node, 1)]
    while pending:
        at, exponent = pending.pop()
        nested = ops[at] == "product" and type(exponent) is int
        if nested and len(made) + len(pending) + len(graph.args[at]) <= MOST_FACTORS:
            inner = zip(graph.args[at], graph.data[at], strict=True)
            pending.extend([(base, power * exponent) for base, power in inner])
        else:
            made[at] = made.get(at, 0) + exponent
    return {base: made[base] for base in sorted(made) if made[base] != 0}


def terms(graph: Graph, node: int, most: float = inf) -> tuple[Number, dict[int, Number]]:
    """A sum as a number and terms with coefficients, those of sums among them in their place.

    A sum that others share is taken apart once, after all of these, however many ways lead to it.
    Where there are more than ``most`` terms, some that are more are all that is found.
    """
    ops, below = graph.ops, graph.args[node]
    if ops[node] != "sum":
        return 0, {node: 1}
    if "sum" not in [ops[term] for term in below]:
        start, coefficients = graph.data[node]
        return start, dict(zip(below[::-1], coefficients[::-1], strict=True))
    start = 0
    made: dict[int, Number] = {}
    sums: dict[int, Number] = {node: 1}
    last = [-node]
    while last and len(made) <= most:
        at = -heappop(last)
        coefficient = sums.pop(at)
        start = add_numbers(start, multiply_numbers(coefficient, graph.data[at][0]))
        for term, c in zip(graph.args[at][::-1], graph.data[at][1][::-1], strict=True):
            if ops[term] == "sum":
                if term not in sums:
                    heappush(last, -term)
                sums[term] = add_numbers(sums.get(term, 0), multiply_numbers(coefficient, c))
            else:
                made[term] = add_numbers(made.get(term, 0), multiply_numbers(coefficient, c))
    return start, made


MOST_TERMS = 8
"""Sums of more terms are not searched for parts that belong together."""


def few_terms(graph: Graph, node: int) -> tuple[Number, dict[int, Number]]:
    """The terms of a sum, and nothing where there are more than a few."""
    start, found = terms(graph, node, MOST_TERMS)
    return (start, found) if len(found) <= MOST_TERMS else (0, {})


def log_of_exponentials(graph: Graph, node: int) -> int | None:
    """log(exp(a) + exp(b) + ...) as logaddexp(a, b, ...); positive factors join the exponents."""
    (total,) = graph.args[node]
    if graph.ops[total] != "sum":
        return None
    start, found = terms(graph, total)
    exponentials = sorted(found)
    if start < 0 or (start == 0 and len(exponentials) == 1):
        return None
    if any(graph.ops[part] != "exp" for part in exponentials):
        return None
    if not all(c > 0 for c in found.values()):
        return None
    if any(_is_shifted(graph, graph.args[part][0]) for part in exponentials):
        return None
    addends = [_exponent(graph, part, found[part]) for part in exponentials]
    if start == 1 and len(addends) == 1:
        return graph.call("softplus", (addends[0],))
    if start != 0:
        addends.insert(0, _log(graph, start))
    names = [f"a{index}" for index in range(len(addends))]
    template = math.logaddexp(*map(symbol, names))
    return graph.add(template, dict(zip(names, addends, strict=True)))


def _exponent(graph: Graph, exponential: int, factor: Number) -> int:
    """The a with exp(a) = factor exp(b), for a positive factor."""
    (b,) = graph.args[exponential]
    return b if factor == 1 else graph.sum(((b, 1), (_log(graph, factor), 1)))


def log_of_difference(graph: Graph, node: int) -> int | None:
    """log(exp(a) - exp(b)) as a + log(1 - exp(b - a)), positive factors joining the exponents.

    log|exp(a) - exp(b)| is max(a, b) + log(1 - exp(-|a - b|)).
    """
    (total,) = graph.args[node]
    either = graph.ops[total] == "abs"
    start, found = terms(graph, graph.args[total][0] if either else total)
    if start != 0 or len(found) != 2 or any(graph.ops[part] != "exp" for part in found):
        return None
    one, other = sorted(found, key=lambda part: found[part] < 0)
    if not found[other] < 0 < found[one]:
        return None
    a, b = _exponent(graph, one, found[one]), _exponent(graph, other, -found[other])
    x, y = symbol("a"), symbol("b")
    made = math.max(x, y) + math.log1mexp(-abs(x - y)) if either else x + math.log1mexp(y - x)
    return graph.add(made, {"a": a, "b": b})


SCALED: Mapping[str, tuple[int, int, str, Expr]] = {
    "erfc": (1, 2, "erfcx", wrap(1)),
    "erfi": (-1, 2, "dawson", 2 / math.sqrt(math.pi)),
    "expint_e1": (1, 1, "expint_e1e", wrap(1)),
}
"""f: s, n, g, c with exp(s u^n) f(u) = c g(u), where g does not cancel."""


def scaled_function(graph: Graph, node: int) -> int | None:
    """exp(u^2 + v) erfc(u) as exp(v) erfcx(u), and others of SCALED.

    Likewise their powers, such as exp(-u^2)/erfc(u); and exp(v) erfc(u) by a function of both where
    v has a term of u^2, for one part may be beyond all numbers then.
    """
    held = flattened(graph, node)
    for tail in [base for base in held if graph.ops[base] in SCALED]:
        sign, times, scaled, factor = SCALED[graph.ops[tail]]
        (u,) = graph.args[tail]
        square = _multiplied_out(graph, ((u, times),))
        for exponential in [base for base in held if graph.ops[base] == "exp"]:
            power = simplest(Fraction(held[exponential]) / held[tail])
            exponents = _multiplied_out(
                graph, ((graph.args[exponential][0], 1), (graph.constant(power), 1))
            )
            rest = combine(exponents, square, -sign)
            others = [pair for pair in held.items() if pair[0] not in (tail, exponential)]
            if len(rest) != len(exponents) - len(square):
                # exp(-r T), as of a discounted price, is no large number, nor is exp(1).
                grows = any(c > 0 and m and m in square for m, c in exponents.items())
                if grows and power == 1 and graph.ops[tail] == "erfc":
                    pair = graph.call("exp_erfc", (graph.args[exponential][0], u))
                    return graph.product([*others, (pair, held[tail])])
                continue
            exponent = graph.sum([(graph.product([*m]), c) for m, c in rest.items()])
            parts = (
                graph.call("exp", (exponent,)),
                graph.add(factor, {}),
                graph.call(scaled, (u,)),
            )
            return graph.product([*others, *[(part, held[tail]) for part in parts]])
    return None


SCALES = frozenset(
    {*SCALED, "exp", "besseli0", "besseli1", "besseli", "besselk0", "besselk1", "besselk"}
)
"""Functions that are looked for in products."""


def number_outside(graph: Graph, node: int) -> int | None:
    """(c f)^n as c^n f^n, so that what is looked for in products is found."""
    for base, exponent in zip(graph.args[node], graph.data[node], strict=True):
        number, held = factors(graph, base)
        if (
            number != 1
            and type(exponent) is int
            and not SCALES.isdisjoint([graph.ops[b] for b in held])
        ):
            others = [
                p for p in zip(graph.args[node], graph.data[node], strict=True) if p[0] != base
            ]
            inner = [(part, e * exponent) for part, e in held.items()]
            return graph.product([*others, *inner], power_number(number, exponent))
    return None


def _multiplied_out(graph: Graph, parts: Sequence[tuple[int, Exponent]]) -> Polynomial:
    node = graph.product(parts)
    return expand(graph, (node,))[node]


def log_of_tail(graph: Graph, node: int) -> int | None:
    """log(c erfc(u)) for c > 0 as log_ndtr(-sqrt(2) u) + log(2 c)."""
    coefficient, parts = factors(graph, graph.args[node][0])
    if coefficient <= 0 or list(parts.values()) != [1]:
        return None
    (tail,) = parts
    if graph.ops[tail] != "erfc":
        return None
    x = graph.product([(graph.args[tail][0], 1), (graph.constant(2), Fraction(1, 2))], -1)
    return graph.sum([(graph.call("log_ndtr", (x,)), 1), (_log(graph, 2 * coefficient), 1)])


def gamma_quotient(graph: Graph, node: int) -> int | None:
    """gamma(x + k)/gamma(x) for a number k as the rising factorial of x, which never overflows."""
    held = flattened(graph, node)
    gammas = [base for base in held if graph.ops[base] == "gamma" and type(held[base]) is int]
    for above in [base for base in gammas if held[base] > 0]:
        for below in [base for base in gammas if held[base] < 0]:
            (u,), (x,) = graph.args[above], graph.args[below]
            k, others = terms(graph, graph.sum(((u, 1), (x, -1))))
            if any(others.values()):
                continue
            power = min(held[above], -held[below])
            quotient = graph.call("rising_factorial", (x, graph.constant(k)))
            quotient = whole_rising_factorial(graph, quotient) or quotient
            held |= {above: held[above] - power, below: held[below] + power}
            return graph.product([*held.items(), (quotient, power)])
    return None


MOST_WHOLE = 16
"""A rising factorial of more factors is not written out."""


def whole_rising_factorial(graph: Graph, node: int) -> int | None:
    """The product x (x + 1) ... (x + k - 1) for a whole number k, and its inverse below 0."""
    x, k = graph.args[node]
    count = graph.data[k] if graph.ops[k] == "constant" else None
    if type(count) is not int or abs(count) > MOST_WHOLE:
        return None
    steps = range(count) if count >= 0 else range(count, 0)
    power = 1 if count >= 0 else -1
    return graph.product([(_plus(graph, x, step), power) for step in steps])


def whole_binomial(graph: Graph, node: int) -> int | None:
    """The product n (n - 1) ... (n - k + 1) / k! for a whole number k."""
    n, k = graph.args[node]
    count = graph.data[k] if graph.ops[k] == "constant" else None
    if type(count) is not int or not 0 <= count <= MOST_WHOLE:
        return None
    factors = [(_plus(graph, n, -step), 1) for step in range(count)]
    return graph.product(factors, Fraction(1, factorial(count)))


def _plus(graph: Graph, node: int, step: int) -> int:
    start, found = terms(graph, node)
    return graph.sum(sorted(found.items()), start + step)


def _is_shifted(graph: Graph, exponent: int) -> bool:
    terms = graph.args[exponent] if graph.ops[exponent] == "sum" else ()
    return any(graph.ops[term] in SHIFTED for term in terms)


def _log(graph: Graph, value: Number) -> int:
    return graph.call("log", (graph.constant(value),))


BELOW = {"pow_by_base": 1, "pow_below": 1, "pow_below_2": 2}
"""How much less than b the exponents of derivatives of a^b are."""

LOWERED = "_lowered"
"""The end of the names of powers whose last argument says how much less."""


def constant_power(graph: Graph, node: int) -> int | None:
    """A derivative of a^b for a number b: its exponent is a number too, and costs nothing."""
    op = graph.ops[node]
    base, exponent = graph.args[node]
    if graph.ops[exponent] != "constant" or not graph.data[exponent]:
        return None
    power = graph.power(base, graph.sum(((exponent, 1),), -BELOW[op]))
    return graph.multiply(exponent, power) if op == "pow_by_base" else power


def lowered_power(graph: Graph, node: int) -> int | None:
    """The same for the derivatives of third and higher order."""
    base, exponent, less = graph.args[node]
    if graph.ops[exponent] != "constant":
        return None
    power = graph.ops[node].removesuffix(LOWERED)
    rest = graph.sum(((exponent, 1), (less, -1)))
    return graph.power(base, rest) if power == "pow" else graph.call(power, (base, rest))


def even_powers(graph: Graph, node: int) -> int | None:
    """(x^2)^q and |x|^q without sign: x^(2q) or |x|^(2q), whose derivatives at 0 are right."""
    made: list[tuple[int, Exponent]] = []
    changed = False
    for base, exponent in zip(graph.args[node], graph.data[node], strict=True):
        found = _absolute(graph, base, exponent)
        changed = changed or found is not None
        made.extend([(base, exponent)] if found is None else found)
    return graph.product(made) if changed else None


def _absolute(graph: Graph, base: int, exponent: Exponent) -> list[tuple[int, Exponent]] | None:
    whole = type(exponent) is int
    if graph.ops[base] == "abs":
        if whole and exponent % 2:
            return None
        return [_raised(graph, graph.args[base][0], exponent)]
    if whole:
        return None
    coefficient, parts = factors(graph, base)
    even = all(type(inner) is int and inner % 2 == 0 for inner in parts.values())
    if not parts or not even or coefficient <= 0:
        return None
    made = [_raised(graph, part, inner * exponent) for part, inner in parts.items()]
    if coefficient != 1:
        made.append((graph.constant(coefficient), exponent))
    return made


def _raised(graph: Graph, base: int, exponent: Exponent) -> tuple[int, Exponent]:
    """|base| to an exponent, as a node and its exponent."""
    if exponent % 2 == 0:
        return base, int(exponent)
    if exponent % 2 == 1:
        return graph.call("abs", (base,)), int(exponent)
    return graph.call("abs_pow", (base, graph.constant(exponent))), 1


def power_of_even(graph: Graph, node: int) -> int | None:
    """(x^2)^p and |x|^p for an exponent that is no short fraction."""
    base, exponent = graph.args[node]
    if graph.ops[base] == "abs":
        return graph.call("abs_pow", (graph.args[base][0], exponent))
    if graph.ops[base] != "product" or len(graph.args[base]) != 1:
        return None
    inner = graph.data[base][0]
    if type(inner) is not int or inner % 2:
        return None
    return graph.call("abs_pow", (graph.args[base][0], graph.sum(((exponent, inner),))))


def limit_filled_in(graph: Graph, node: int) -> int | None:
    """where(v != 0, a sinc(u), a) as a sinc(u), where u vanishes with v; so for all LIMITS."""
    condition, chosen, other = graph.args[node]
    op = graph.ops[condition]
    if op not in ("eq", "ne"):
        return None
    variable, zero = graph.args[condition]
    if graph.ops[zero] != "constant" or graph.data[zero] != 0:
        return None
    if op == "eq":
        chosen, other = other, chosen
    coefficient, parts = factors(graph, chosen)
    at_zero: list[tuple[int, Exponent]] = []
    found = False
    for part, exponent in parts.items():
        limit = LIMITS.get(graph.ops[part])
        if limit is not None and _vanishes(graph, graph.args[part][0], variable):
            found = True
            at_zero.append((graph.constant(limit), exponent))
        else:
            at_zero.append((part, exponent))
    if not found:
        return None
    there, given = graph.product(at_zero, coefficient), other
    if graph.ops[there] == graph.ops[given] == "constant":
        return chosen if graph.data[there] == graph.data[given] else None
    return chosen if there == given else None


def _vanishes(graph: Graph, node: int, variable: int) -> bool:
    """Whether ``variable`` is a factor of ``node``."""
    if node == variable:
        return True
    _, own = factors(graph, node)
    _, wanted = factors(graph, variable)
    return bool(wanted) and all(
        exponent > 0 and own.get(part, 0) >= exponent for part, exponent in wanted.items()
    )


@dataclass(frozen=True, slots=True)
class Form:
    """A rewrite of all nodes of one operation.

    Attributes:
        op: the operation.
        apply: ``(graph, node)`` -> what takes its place, or None.
        safety: the class of the rewrite (``rules.py``).
        always: that it is for derivatives too, not for the formula alone.
    """

    op: str
    apply: Callable[[Graph, int], int | None]
    safety: str
    always: bool = False


FORMS: tuple[Form, ...] = (
    Form("log", log_of_exponentials, "rounding"),
    Form("log", log_of_difference, "rounding"),
    Form("log", log_of_tail, "rounding"),
    Form("product", number_outside, "rounding"),
    Form("product", scaled_function, "rounding"),
    Form("product", gamma_quotient, "rounding"),
    Form("product", even_powers, "finite"),
    Form("rising_factorial", whole_rising_factorial, "rounding"),
    Form("binomial", whole_binomial, "rounding"),
    Form("pow", power_of_even, "finite"),
    Form("select", limit_filled_in, "finite"),
    *(Form(name, constant_power, "rounding", always=True) for name in BELOW),
    *(
        Form(name + LOWERED, lowered_power, "rounding", always=True)
        for name in ("pow", "abs_pow", "sign_pow")
    ),
)
