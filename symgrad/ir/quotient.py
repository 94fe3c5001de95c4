"""Difference quotients of a graph's value in high precision: derivatives without any rule.

In exact arithmetic D_u f(x) = (f(x + h u) - f(x)) / h + O(h). With h = 2**-400 and a working
precision that grows by 400 bits an order, a quotient of any order is right to about 120 digits.
Where the quotients to both sides differ, the derivative does not exist: a kink.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import mpmath
import numpy as np

from symgrad.ir.evaluate import evaluate, evaluate_expr, function, mpmath_arithmetic
from symgrad.ir.primitive import OUTPUT, argument_name
from symgrad.ir.system import System
from symgrad.ir.traverse import reachable

STEP_BITS = 400
TOLERANCE = 1e-12
"""Agreement of rules and quotients, no less, as a row may hold constants rounded to double."""

SMALLEST = 1e-100
"""Derivatives below this count as 0: a quotient is never exactly 0."""

CALLBACK_STEP = 2.0**-18
CALLBACK_TOLERANCE = 1e-6
"""Of central differences in double precision, whose errors are about 1e-10."""

CALLBACK_KINK = 1e-3
"""Differences to both sides that are further apart belong to a kink or a jump."""

Direction = tuple[Any, ...]
"""len(wrt) exact numbers."""


class Agreement(NamedTuple):
    """Derivatives against difference quotients at one point.

    ``error`` is relative to the sum of the moduli of what was contracted; ``output`` is the worst
    output, where the derivative is ``rules`` and the quotient is ``quotient``.
    """

    verdict: Literal["agrees", "wrong", "kink", "skipped"]
    error: float = 0.0
    output: int = 0
    rules: float = 0.0
    quotient: float = 0.0


class Slope(NamedTuple):
    """A partial of a user's function of floats against a central difference of it."""

    function: str
    argument: int
    rules: float
    quotient: float
    error: float


def callbacks(system: System) -> list[str]:
    """The users' functions of floats that the outputs call: no digits beyond double are theirs."""
    graph = system.graph
    ops = {graph.ops[node] for node in reachable(graph, system.outputs.nodes)}
    return sorted(op for op in ops if op in graph.table and graph.table[op].kind == "outside")


def callback_slopes(system: System, point: Mapping[str, Any]) -> list[Slope]:
    """The partials of every function of floats at the arguments that it has at a point.

    Those without a partial are left out, and those on a kink.
    """
    graph, table = system.graph, system.graph.table
    arithmetic = mpmath_arithmetic()
    known = set(callbacks(system))
    nodes = [n for n in reachable(graph, system.outputs.nodes) if graph.ops[n] in known]
    found = []
    for node in nodes:
        name, row = graph.ops[node], table[graph.ops[node]]
        call = function(name, table, arithmetic)
        args = [float(a) for a in evaluate(graph, graph.args[node], point, arithmetic)]
        value = float(call(*args))
        bindings = {argument_name(i): mpmath.mpf(a) for i, a in enumerate(args)}
        for index, partial in enumerate(row.partials):
            if partial.op == f"{name}'{index}":
                continue
            rules = evaluate_expr(partial, {**bindings, OUTPUT: value}, table, arithmetic)
            step = CALLBACK_STEP * max(1.0, abs(args[index]))
            low, high = (
                float(call(*args[:index], args[index] + moved, *args[index + 1 :]))
                for moved in (-step, step)
            )
            quotient = (high - low) / (2 * step)
            scale = abs(float(rules)) + abs(value) + SMALLEST
            error = abs(float(rules) - quotient) / scale
            bend = abs(high + low - 2 * value) / step / scale
            kink = error > CALLBACK_TOLERANCE and bend > CALLBACK_KINK
            if mpmath.isfinite(error) and not kink:
                found.append(Slope(name, index, float(rules), quotient, error))
    return found


def worst_slopes(
    system: System, columns: Mapping[str, Sequence[float]]
) -> dict[str, tuple[int, int, Slope]]:
    """Function -> how many slopes were compared, and the worst with its point's number.

    Args:
        system: the outputs, and what they are differentiated by.
        columns: name -> a number for each point.
    """
    found: dict[str, tuple[int, int, Slope]] = {}
    for k, values in enumerate(zip(*columns.values(), strict=True)):
        point = {name: mpmath.mpf(x) for name, x in zip(columns, values, strict=True)}
        for slope in callback_slopes(system, point):
            count, before, worst = found.get(slope.function, (0, k, slope))
            same = worst.error >= slope.error
            found[slope.function] = (count + 1, *((before, worst) if same else (k, slope)))
    return found


def compare(
    system: System,
    point: Mapping[str, Any],
    derivative: Sequence[Any],
    contracted: int,
    directions: Sequence[Direction],
    weights: Sequence[Any] | None = None,
) -> Agreement:
    """Compare a derivative array with the quotient along ``directions``.

    Args:
        system: the outputs, and what they are differentiated by.
        point: name -> number, exact.
        derivative: what the rules give, flat and row-major.
        contracted: how many trailing axes of it, of len(wrt) entries each, are contracted with
            the first direction, which stands that often in ``directions``.
        directions: one a differentiation.
        weights: of the outputs, where the derivative is that of a weighted sum.
    """
    verdict, sides = Agreement("skipped"), []
    for sign in (1, -1):
        quotients, value = difference_quotient(system, point, directions, sign)
        if not all(map(mpmath.isfinite, (*derivative, *quotients))):
            return Agreement("skipped")
        given, least = np.array(quotients), np.abs(np.array(value))
        if weights is not None:
            given = np.array([np.array(weights) @ given])
            least = np.array([np.abs(np.array(weights)) @ least])
        rules = np.array(derivative, dtype=object).reshape(-1, *(len(system.wrt),) * contracted)
        size = np.abs(rules)
        for _ in range(contracted):
            rules = rules @ np.array(directions[0])
            size = size @ np.abs(np.array(directions[0]))
        scale = size + least * mpmath.mpf(10) ** -20 + SMALLEST
        errors = [float(error) for error in np.abs(rules - given) / scale]
        sides.append(given)
        worst = int(np.argmax(errors))
        measured = (errors[worst], worst, float(rules[worst]), float(given[worst]))
        if errors[worst] <= TOLERANCE:
            # Agreement with the side behind alone: a kink where that side is the convention.
            return Agreement("agrees" if sign == 1 else "kink", *measured)
        verdict = Agreement("wrong", *measured)
    apart = np.abs(sides[0] - sides[1]) > TOLERANCE * scale
    return verdict._replace(verdict="kink") if apart.any() else verdict


def difference_quotient(
    system: System, point: Mapping[str, Any], directions: Sequence[Direction], sign: int
) -> tuple[list[Any], list[Any]]:
    """The one-sided quotient of every output along each of ``directions``, one after the other.

    Args:
        system: the outputs, and what they are differentiated by.
        point: name -> number, exact.
        directions: k of them give a derivative of order k.
        sign: 1 for steps forward, -1 for steps backward.

    Returns:
        The quotients, and the values of the outputs, as mpmath numbers.
    """
    distinct = list(dict.fromkeys(directions))
    stencil = Counter({(0,) * len(distinct): 1})
    for direction in directions:
        position = distinct.index(direction)
        following: Counter[tuple[int, ...]] = Counter()
        for shift, factor in stencil.items():
            moved = (*shift[:position], shift[position] + 1, *shift[position + 1 :])
            following[moved] += factor
            following[shift] -= factor
        stencil = following
    with mpmath.workprec(STEP_BITS * (len(directions) + 2)):
        step = mpmath.ldexp(sign, -STEP_BITS)
        arithmetic = mpmath_arithmetic()
        totals = [mpmath.mpf(0)] * len(system.outputs.nodes)
        found: list[Any] = []
        for shift, factor in sorted(stencil.items(), reverse=True):  # the point itself comes last
            at = dict(point)
            for steps, direction in zip(shift, distinct, strict=True):
                for name, part in zip(system.wrt, direction, strict=True):
                    at[name] += steps * step * part
            found = evaluate(system.graph, system.outputs.nodes, at, arithmetic)
            totals = [t + factor * value for t, value in zip(totals, found, strict=True)]
        return [total / step ** len(directions) for total in totals], found
