"""Rewrites of products and logarithms that are finite where parts of them overflow or vanish.

Each takes a graph and a node, and gives the node that takes its place, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import combinations
from math import inf

from symgrad.functions import math
from symgrad.ir.arithmetic import Exponent, simplest
from symgrad.ir.expression import Expr, symbol
from symgrad.ir.graph import Graph
from symgrad.simplify.digits.forms import (
    Form,
    factors,
    few_terms,
    flattened,
    log_of_exponentials,
    log_of_tail,
    terms,
)

U, X, Y = (symbol(name) for name in "uxy")


def joined_exponentials(graph: Graph, node: int) -> int | None:
    """exp(a)/exp(b) as exp(a - b), and roots likewise.

    exp(a) exp(b) stays: somebody else may have one of them, and three would be needed.
    """
    held = flattened(graph, node)
    powers = {base: e for base, e in held.items() if graph.ops[base] == "exp"}
    if all(type(e) is int and e > 0 for e in powers.values()):
        return None
    exponent = graph.sum([(graph.args[base][0], e) for base, e in powers.items()])
    others = [(base, e) for base, e in held.items() if base not in powers]
    return graph.product([*others, (graph.call("exp", (exponent,)), 1)])


def power_of_exponential(graph: Graph, node: int) -> int | None:
    """exp(x)^y as exp(x y)."""
    base, exponent = graph.args[node]
    if graph.ops[base] != "exp":
        return None
    return graph.call("exp", (graph.multiply(graph.args[base][0], exponent),))


SCALED_BESSEL: Mapping[str, tuple[int, str]] = {
    **{f"besseli{order}": (1, f"besseli{order}e") for order in ("0", "1", "")},
    **{f"besselk{order}": (-1, f"besselk{order}e") for order in ("0", "1", "")},
}
"""f: s and g with f(x) = exp(s |x|) g(x); x is not below 0 where s is -1."""


def scaled_bessel_functions(graph: Graph, node: int) -> int | None:
    """Bessel functions I and K beside others or an exponential, by the scaled ones."""
    held = flattened(graph, node)
    found = [base for base in held if graph.ops[base] in SCALED_BESSEL]
    exponentials = [base for base in held if graph.ops[base] == "exp"]
    grows = {SCALED_BESSEL[graph.ops[base]][0] * held[base] > 0 for base in found}
    if not found or (not exponentials and len(grows) < 2):
        return None  # all are huge or all vanish: nothing is won, and at infinity they are numbers
    positive = {_argument(graph, base) for base in found if SCALED_BESSEL[graph.ops[base]][0] < 0}
    exponents: dict[int, Fraction] = {}
    made = []
    for base in exponentials:
        exponents[graph.args[base][0]] = Fraction(held[base])
    for base in found:
        sign, name = SCALED_BESSEL[graph.ops[base]]
        x = _argument(graph, base)
        size = x if x in positive else graph.call("abs", (x,))
        exponents[size] = exponents.get(size, Fraction(0)) + sign * held[base]
        made.append((graph.call(name, graph.args[base]), held[base]))
    exponent = graph.sum([(part, simplest(e)) for part, e in exponents.items() if e])
    exponential = graph.call("exp", (exponent,))
    taken = {*found, *exponentials}
    others = [(base, e) for base, e in held.items() if base not in taken]
    return graph.product([*others, *made, (exponential, 1)])


def _argument(graph: Graph, node: int) -> int:
    return graph.args[node][-1]


def log_of_bessel_function(graph: Graph, node: int) -> int | None:
    """The logarithms of the Bessel functions I and K by the scaled ones, that of I far from 0."""
    (inside,) = graph.args[node]
    if graph.ops[inside] not in SCALED_BESSEL:
        return None
    sign, name = SCALED_BESSEL[graph.ops[inside]]
    bindings = {"x": _argument(graph, inside), "y": graph.call(name, graph.args[inside])}
    if sign < 0:
        return graph.add(math.log(Y) - X, bindings)
    far = graph.add(math.log(Y) + abs(X), bindings)
    usable = (abs(X) >= 8) & (abs(X) < inf)
    return graph.call("select", (graph.add(usable, bindings), far, node))


ABOVE: Mapping[str, tuple[Expr, Expr]] = {
    "gamma": (X > 0, math.loggamma(X)),
    "factorial": (X > -1, math.loggamma(1 + X)),
    "beta": ((X > 0) & (Y > 0), math.logbeta(X, Y)),
    "binomial": ((Y > -1) & (X - Y > -1), -math.log1p(X) - math.logbeta(1 + X - Y, 1 + Y)),
}
"""Functions that overflow: where they are certainly above 0, and their logarithms there."""

POWER = (X > 0, Y * math.log(X))


def log_of_factorials(graph: Graph, node: int) -> int | None:
    """log(x^n exp(-x)/n!) by the logarithms of the factors, where they are all above 0."""
    (inside,) = graph.args[node]
    coefficient, parts = factors(graph, inside)
    held = flattened(graph, graph.product([*parts.items()])) if parts else {}
    if coefficient <= 0 or not any(graph.ops[base] in ABOVE for base in held):
        return None
    condition, addends = None, []
    rest: list[tuple[int, Exponent]] = []
    for base, e in held.items():
        made = POWER if graph.ops[base] == "pow" else ABOVE.get(graph.ops[base])
        if made is None:
            rest.append((base, e))
            continue
        above, logarithm = (
            graph.add(expr, dict(zip("xy", graph.args[base], strict=False))) for expr in made
        )
        condition = above if condition is None else graph.call("and", (condition, above))
        addends.append((logarithm, e))
    assert condition is not None
    others = graph.call("log", (graph.sum(((graph.product(rest), coefficient),)),))
    if graph.ops[others] == "log":
        others = log_of_product(graph, others) or others
    total = graph.sum([*addends, (others, 1)])
    return graph.call("select", (condition, total, node))


POSITIVE: Mapping[str, Expr | Callable[[Graph, int], int | None]] = {
    "exp": X,
    "sigmoid": -math.softplus(-X),
    "sigmoid_difference": -math.softplus(Y - X),
    "cosh": math.logcosh(X),
    "erfc": log_of_tail,
    "sum": log_of_exponentials,
    **dict.fromkeys(("besseli0", "besselk0", "besselk1", "besselk"), log_of_bessel_function),
}
"""The logarithms of functions that are above 0 wherever they are a number, and of sums that are."""


def log_of_product(graph: Graph, node: int) -> int | None:
    """The logarithm of a product, those of POSITIVE factors by themselves."""
    (inside,) = graph.args[node]
    coefficient, parts = factors(graph, inside)
    held = flattened(graph, graph.product([*parts.items()]))
    logarithms = {base: made for base in held if (made := _logarithm(graph, base)) is not None}
    rest = graph.product([(base, e) for base, e in held.items() if base not in logarithms])
    rest = graph.sum(((rest, coefficient),))
    if not logarithms or (graph.ops[rest] == "constant" and graph.data[rest] <= 0):
        return None
    addends = [(made, held[base]) for base, made in logarithms.items()]
    return graph.sum([*addends, (graph.call("log", (rest,)), 1)])


def _logarithm(graph: Graph, base: int) -> int | None:
    made = POSITIVE.get(graph.ops[base])
    if isinstance(made, Expr):
        return graph.add(made, dict(zip("xy", graph.args[base], strict=False)))
    return None if made is None else made(graph, graph.call("log", (base,)))


def sum_of_log_gammas(graph: Graph, node: int) -> int | None:
    """The sum log G(a + b) - log G(a) - log G(b) by the logarithm of the beta function.

    With G(a + b - 1), as in a binomial coefficient, too.
    """
    start, found = few_terms(graph, node)
    gammas = {t: c for t, c in found.items() if graph.ops[t] == "loggamma"}
    if len(gammas) < 3:
        return None
    for whole, c in gammas.items():
        (u,) = graph.args[whole]
        for one, other in combinations([t for t, k in gammas.items() if k == -c], 2):
            (a,), (b,) = graph.args[one], graph.args[other]
            less, others = terms(graph, graph.sum(((a, 1), (b, 1), (u, -1))))
            if less not in (0, 1) or any(others.values()):
                continue
            rest = [(t, k) for t, k in found.items() if t not in (whole, one, other)]
            bindings = {"x": a, "y": b, "u": u}
            made = math.logbeta(X, Y) + (math.log(abs(U)) if less else 0)
            better = graph.sum(((graph.add(made, bindings), -c),))
            written = graph.sum(((whole, c), (one, -c), (other, -c)))
            above = graph.add((X > 0) & (Y > 0), bindings)
            chosen = graph.call("select", (above, better, written))
            return graph.sum([*rest, (chosen, 1)], start)
    return None


def log_of_error_functions(graph: Graph, node: int) -> int | None:
    """The logarithm of erf(b) - erf(a) or erfc(a) - erfc(b), whose digits cancel in the tails."""
    (inside,) = graph.args[node]
    start, found = few_terms(graph, inside)
    if start != 0 or len(found) != 2:
        return None
    (one, c), (other, k) = found.items()
    if c != -k or graph.ops[one] != graph.ops[other] or graph.ops[one] not in ("erf", "erfc"):
        return None
    a, b = graph.args[other][0], graph.args[one][0]
    made = graph.call("erf2", (a, b) if graph.ops[one] == "erf" else (b, a))
    return graph.call("log", (graph.sum(((made, c),)),))


OVERFLOWS: tuple[Form, ...] = (
    Form("sum", sum_of_log_gammas, "rounding"),
    Form("log", log_of_factorials, "rounding"),
    Form("log", log_of_error_functions, "rounding"),
    Form("log", log_of_bessel_function, "rounding"),
    Form("log", log_of_product, "rounding"),
    Form("product", scaled_bessel_functions, "rounding"),
    Form("product", joined_exponentials, "rounding"),
    Form("pow", power_of_exponential, "rounding"),
)
