"""Every row of the table: value, partials to order 4, kinks, both sweeps, both arithmetics.

The oracle is each function's definition in mpmath or Arb, differentiated numerically in many
digits: it shares nothing with the rows' partials and expansions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations_with_replacement, product
from math import inf, isnan, nan
from operator import attrgetter
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.functions import PRIMITIVES, math
from symgrad.ir.evaluate import evaluate, function, mpmath_arithmetic, numpy_arithmetic
from symgrad.ir.expression import Expr, constant, variables
from symgrad.ir.primitive import Primitive
from symgrad.ir.system import System
from tests.balls import quickly
from tests.differences import partials_of
from tests.expressions import (
    close,
    gradient_at,
    in_float,
    in_mpmath,
    system_of,
    tensor_of,
)
from tests.functions.definitions import DEFINITIONS

UNKNOWN = {name for name, row in PRIMITIVES.items() if row.kind == "unknown"}

CONDITIONS = {name for name, row in PRIMITIVES.items() if row.boolean}
LOGICAL = {"and", "or", "not"}
NUMERIC = sorted(set(PRIMITIVES) - CONDITIONS - UNKNOWN - {"select"})
HELD = {"detach", "valued"}
"""Rows whose derivatives are not those of their values, on purpose."""

EDGE = 1e-6
"""How near the ends of a domain are sampled, as a part of its length."""

VALUES = {"lt": (-1.5, 2.0), "le": (2.0, 2.0), "eq": (2.0, 2.0), "ne": (2.0, 2.0)}


def arguments_of(row: Primitive) -> tuple[Expr, ...]:
    made = variables("a", row.arity)
    return tuple(made)


def sampled(row: Primitive, count: int = 4) -> list[tuple[float, ...]]:
    """Random points of the row's domain, and points near both ends of each argument."""
    rng = np.random.default_rng(len(row.name) + row.arity)
    middle = [(low + high) / 2 for low, high in row.domain]
    points = [tuple(rng.uniform(low, high) for low, high in row.domain) for _ in range(count)]
    for index, (low, high) in enumerate(row.domain):
        ends = (low + EDGE * (high - low), high - EDGE * (high - low))
        points.extend((*middle[:index], end, *middle[index + 1 :]) for end in ends)
    return [
        tuple(float(round(v)) if i in row.whole else float(v) for i, v in enumerate(point))
        for point in points
    ]


def cornered(row: Primitive, count: int) -> list[tuple[float, ...]]:
    """``sampled``, but for many arguments all at once near their low ends, or near their high."""
    if row.arity < 3 or (row.arity == 3 and row.kind != "routine"):
        return sampled(row, count)
    count = 1
    points = sampled(row, count)
    ends = points[count:]
    return points[:count] + [
        tuple(ends[2 * i + side][i] for i in range(row.arity)) for side in (0, 1)
    ]


def row_at(name: str) -> tuple[Expr, tuple[str, ...]]:
    row = PRIMITIVES[name]
    arguments = arguments_of(row)
    return Expr(name, arguments), tuple(str(a.value) for a in arguments)


def message(name: str, point: object, got: object, expected: object) -> str:
    return f"{name} at {point}: got {got}, expected {expected} (mpmath)"


def test_every_row_has_a_definition() -> None:
    assert set(DEFINITIONS) == set(PRIMITIVES) - UNKNOWN


WRITTEN = [
    name
    for name in NUMERIC
    if PRIMITIVES[name].oracle is None or PRIMITIVES[name].kind not in ("routine", "outside")
]
"""Rows that mpmath computes by a formula of ours, and not by what they are compared with."""


@pytest.mark.parametrize("name", WRITTEN)
def test_value(name: str, digits: int) -> None:
    call = function(name, PRIMITIVES, mpmath_arithmetic())
    for point in sampled(PRIMITIVES[name]):
        given = tuple(map(mpmath.mpf, point))
        got, expected = call(*given), DEFINITIONS[name](*given)
        assert close(got, expected, 1e-45), message(name, point, got, expected)


@pytest.mark.parametrize("name", NUMERIC)
def test_value_in_double_precision(name: str, digits: int) -> None:
    call = function(name, PRIMITIVES, numpy_arithmetic())
    points = sampled(PRIMITIVES[name])
    bound = max(8, PRIMITIVES[name].ulp) * 2.0**-52
    with np.errstate(all="ignore"):
        found = np.broadcast_to(call(*np.array(points).T), len(points))
    for point, got in zip(points, found.tolist(), strict=True):
        expected = DEFINITIONS[name](*map(mpmath.mpf, point))
        assert close(got, expected, bound), message(name, point, got, expected)


def indices_of(known: list[int], order: int) -> list[tuple[int, ...]]:
    """The derivatives of an order, each once; of many arguments pure ones and one that mixes."""
    every = list(combinations_with_replacement(known, order))
    if len(known) < 4 or order < 3:
        return every
    return [index for index in every if len(set(index)) == 1 or index == tuple(known[:order])]


INTEGRALS = ("elliptic_moment", "elliptic_moment_complete")
"""Rows that none but rows call, whose oracle is an integral: to order 3, those above them to 4."""


def deepest(row: Primitive) -> int:
    """The highest order of partials to look at.

    A row that is its own partial, of another order of differentiation, shows nothing new beyond
    the second.
    """
    if any(partial.op == row.name for partial in row.partials):
        return 2
    return 3 if row.name in INTEGRALS else 4


@dataclass(frozen=True)
class Derived:
    """The partials of orders 1 to 4, mixed ones too, and where they are asked for.

    Attributes:
        system: of the row by itself.
        nodes: the node of each partial, by the arguments that it is by.
        points: inside and near all ends of the domain.
        values: of the partials' formulas, in 40 digits, at each point.
    """

    system: System
    nodes: dict[tuple[int, ...], int]
    points: list[tuple[float, ...]]
    values: list[list[Any]]


@cache
def derived(name: str) -> Derived:
    expr, names = row_at(name)
    row = PRIMITIVES[name]
    known = [i for i, partial in enumerate(row.partials) if partial.op not in UNKNOWN]
    system = replace(system_of(expr, names), wrt=tuple(names[i] for i in known))
    nodes: dict[tuple[int, ...], int] = {}
    for k in range(1, deepest(row) + 1):
        cube = dict(zip(product(known, repeat=k), tensor_of(system, k).nodes, strict=True))
        nodes |= {index: cube[index] for index in indices_of(known, k)}
    points = cornered(row, 2)
    with mpmath.workdps(40):
        values = [
            in_mpmath(system.graph, list(nodes.values()), dict(zip(names, point, strict=True)))
            for point in points
        ]
    return Derived(system, nodes, points, values)


@pytest.mark.parametrize("name", [name for name in NUMERIC if name not in HELD])
def test_partials(name: str) -> None:
    """The partials' formulas against differences of the row's definition."""
    made, call = derived(name), quickly(name, DEFINITIONS[name])
    arity = PRIMITIVES[name].arity
    times = {index: tuple(index.count(i) for i in range(arity)) for index in made.nodes}
    for point, values in zip(made.points, made.values, strict=True):
        expected = partials_of(call, point, times.values())
        with mpmath.workdps(40):
            for (index, order), got in zip(times.items(), values, strict=True):
                assert close(got, expected[order], 1e-24), message(
                    f"d{index} {name}", point, got, expected[order]
                )


IN_DOUBLES = [
    name
    for name, row in PRIMITIVES.items()
    if name in NUMERIC
    and name not in HELD
    and (row.arity == 1 or (row.arity < 4 and row.kind != "routine"))
]
"""All but functions of an order or of parameters, whose derivatives are rows like themselves."""


@pytest.mark.parametrize("name", IN_DOUBLES)
def test_partials_in_double_precision(name: str) -> None:
    """Eleven digits of the partials' formulas."""
    made = derived(name)
    columns = dict(zip(made.system.inputs, np.array(made.points).T, strict=True))
    with np.errstate(all="ignore"):
        found = evaluate(made.system.graph, list(made.nodes.values()), columns, numpy_arithmetic())
    for i, point in enumerate(made.points):
        for index, got, expected in zip(made.nodes, found, made.values[i], strict=True):
            number = float(np.broadcast_to(got, len(made.points))[i])
            assert abs(number - expected) <= 1e-11 * abs(expected), message(
                f"d{index} {name}", point, number, expected
            )


FAR = [sign * x for x in (1e-300, 1e-160, 1e-30, 1e-10, 1e3, 1e10, 1e30) for sign in (1, -1)]
FARTHEST = [-1e300, -1e160, 1e160, 1e300]
SQUARED = {"asinh", "atan", "erf", "erfc", "log_ndtr_slope", "log_ndtr_curvature"}
"""Their derivatives have x*x in them, so that they end at 1e154, where they are 1e-154 or less."""


@pytest.mark.parametrize(
    "name", [n for n in IN_DOUBLES if PRIMITIVES[n].arity == 1 and PRIMITIVES[n].kind != "routine"]
)
def test_partials_are_right_far_out(name: str) -> None:
    """Nine digits to order 4 at tiny and huge arguments, wherever doubles have the result."""
    expr, names = row_at(name)
    system = system_of(expr, names)
    nodes = [node for k in range(1, 5) for node in tensor_of(system, k).nodes]
    for x in FAR + (FARTHEST if name not in SQUARED else []):
        value, *found = in_float(system.graph, [*system.outputs.nodes, *nodes], {names[0]: x})
        if isnan(value):
            continue
        with mpmath.workdps(60):
            values = in_mpmath(system.graph, nodes, {names[0]: x})
        for got, expected in zip(found, values, strict=True):
            if mpmath.isfinite(expected) and abs(expected) < 1e308:
                assert abs(got - expected) <= 1e-9 * abs(expected) + 1e-280, message(
                    f"a partial of {name}", x, got, expected
                )


@pytest.mark.parametrize("name", NUMERIC)
def test_forward_equals_reverse(name: str, digits: int) -> None:
    """Both sweeps end in the same nodes, or in nodes of the same values, up to order 3."""
    row = PRIMITIVES[name]
    expr, names = row_at(name)
    known = [i for i, p in enumerate(row.partials) if p.op not in UNKNOWN]
    system = replace(system_of(expr, names), wrt=tuple(names[i] for i in known))
    pairs: list[tuple[int, int]] = []
    for order in (1, 2, 3):
        forward, reverse = (tensor_of(system, order, mode) for mode in ("forward", "reverse"))
        pairs += zip(forward.nodes, reverse.nodes, strict=True)
    different = sorted({pair for pair in pairs if pair[0] != pair[1]})
    nodes = [node for pair in different for node in pair]
    points = cornered(row, 1)
    for point in points[:1] if row.kind == "routine" else points:
        values = in_mpmath(system.graph, nodes, dict(zip(names, point, strict=True)))
        for one, other in zip(values[::2], values[1::2], strict=True):
            assert close(one, other, 1e-40), message(name, point, one, other)


@pytest.mark.parametrize("taken", [True, False])
def test_select(taken: bool, digits: int) -> None:
    a, b, c = variables("a b c")
    system = system_of(math.where(c > 0, a, b), ("a", "b", "c"))
    point = {"a": 1.25, "b": -3.5, "c": 1.0 if taken else -1.0}
    assert in_mpmath(system.graph, system.outputs.nodes, point) == [1.25 if taken else -3.5]
    gradient = in_mpmath(system.graph, tensor_of(system, 1).nodes, point)
    assert gradient == ([1, 0, 0] if taken else [0, 1, 0])
    assert all(system.graph.is_zero(node) for node in tensor_of(system, 2).nodes)


@pytest.mark.parametrize("name", sorted(CONDITIONS - LOGICAL))
@pytest.mark.parametrize("pair", [(1.0, 2.0), (2.0, 1.0), (2.0, 2.0), (nan, 1.0), (0.0, -0.0)])
def test_comparisons(name: str, pair: tuple[float, float]) -> None:
    expected = DEFINITIONS[name](*pair)
    for arithmetic in (mpmath_arithmetic(), numpy_arithmetic()):
        made = [arithmetic.number(value) for value in pair]
        assert bool(arithmetic.functions[name](*made)) is expected


@pytest.mark.parametrize("name", sorted(LOGICAL))
@pytest.mark.parametrize("pair", [(True, True), (True, False), (False, True), (False, False)])
def test_logic(name: str, pair: tuple[bool, bool]) -> None:
    given = pair[: PRIMITIVES[name].arity]
    expected = DEFINITIONS[name](*given)
    for arithmetic in (mpmath_arithmetic(), numpy_arithmetic()):
        assert bool(arithmetic.functions[name](*given)) is expected


@pytest.mark.parametrize(
    "name", sorted(n for n, r in PRIMITIVES.items() if r.kind in ("call", "instruction"))
)
def test_every_simple_row_is_in_both_arithmetics(name: str) -> None:
    assert name in mpmath_arithmetic().functions
    assert name in numpy_arithmetic().functions


@pytest.mark.parametrize("name", sorted(n for n, r in PRIMITIVES.items() if r.parity))
def test_parity(name: str, digits: int) -> None:
    row = PRIMITIVES[name]
    for (value,) in sampled(row):
        there = DEFINITIONS[name](mpmath.mpf(value))
        mirrored = DEFINITIONS[name](mpmath.mpf(-value))
        assert close(mirrored, there if row.parity == "even" else -there, 1e-45)


@pytest.mark.parametrize("name", sorted(n for n, r in PRIMITIVES.items() if r.folds))
def test_folds(name: str, digits: int) -> None:
    row = PRIMITIVES[name]
    others = tuple(variables("b", row.arity - 1))
    names = tuple(str(other.value) for other in others)
    for argument in row.folds:
        system = system_of(Expr(name, (constant(argument), *others)), names or ("b0",))
        graph, node = system.graph, system.outputs.nodes[0]
        assert graph.ops[node] != name, f"{name}({argument}) is not folded"
        first = mpmath.mpf(argument.numerator) / argument.denominator
        for point in sampled(row, 2) if others else [(0.0,)]:
            rest = point[1:]
            (got,) = in_mpmath(graph, [node], dict(zip(names, rest, strict=True)))
            expected = DEFINITIONS[name](first, *map(mpmath.mpf, rest))
            assert close(got, expected, 1e-40), message(name, (argument, *rest), got, expected)


@pytest.mark.parametrize("name", sorted(n for n, r in PRIMITIVES.items() if r.names.mpmath))
def test_name_in_mpmath(name: str, digits: int) -> None:
    row = PRIMITIVES[name]
    for point in sampled(row):
        given = tuple(map(mpmath.mpf, point))
        assert close(getattr(mpmath, row.names.mpmath)(*given), DEFINITIONS[name](*given), 1e-45)


@pytest.mark.parametrize("name", sorted(n for n, r in PRIMITIVES.items() if r.names.numpy))
def test_name_in_numpy(name: str) -> None:
    row = PRIMITIVES[name]
    points = [(True, 1.5, -2.5), (False, 1.5, -2.5)] if name == "select" else sampled(row)
    found: Any = getattr(np, row.names.numpy, None)
    if found is None:
        assert name in ("erf", "erfc"), f"numpy has no {row.names.numpy}"
        return
    for point in points:
        assert close(float(found(*point)), DEFINITIONS[name](*point), 1e-14)


@pytest.mark.parametrize(
    "name", sorted(n for n in NUMERIC if PRIMITIVES[n].names.torch is not None)
)
def test_gradient_equals_torch(name: str, torch: ModuleType) -> None:
    row = PRIMITIVES[name]
    expr, names = row_at(name)
    call = attrgetter(row.names.torch)(torch)
    for point in sampled(row):
        at = dict(zip(names, point, strict=True))
        expected = torch_gradient(torch, call, point)
        got = gradient_at(expr, at)
        for one, other in zip(got, expected, strict=True):
            # PyTorch's derivatives of special functions are good to nine or ten digits.
            tolerance = 1e-9 if row.kind == "routine" else 1e-12
            assert close(one, other, tolerance), message(name, point, got, expected)


def torch_gradient(
    torch: ModuleType, call: Callable[..., Any], point: tuple[float, ...]
) -> list[float]:
    leaves = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in point]
    call(*leaves).backward()
    return [0.0 if leaf.grad is None else leaf.grad.item() for leaf in leaves]


_a, _b = variables("a b")

# fmt: off
KINKS: dict[str, tuple[Expr, tuple[float, ...], tuple[float, ...]]] = {
    "abs":            (abs(_a),               (0.0,),      (0.0,)),
    "abs_negative_0": (abs(_a),               (-0.0,),     (0.0,)),
    "sign":           (math.sign(_a),         (0.0,),      (0.0,)),
    "maximum":        (math.max(_a, _b),      (1.5, 1.5),  (0.5, 0.5)),
    "minimum":        (math.min(_a, _b),      (1.5, 1.5),  (0.5, 0.5)),
    "maximum_zeros":  (math.max(_a, _b),      (0.0, -0.0), (0.5, 0.5)),
    "maximum_nan":    (math.max(_a, _b),      (nan, 1.0),  (1.0, 1.0)),
    "minimum_nan":    (math.min(_a, _b),      (1.0, nan),  (1.0, 1.0)),
    "relu":           (math.relu(_a),         (0.0,),      (0.0,)),
    "clamp_low":      (math.clamp(_a, -1, 1), (-1.0,),     (1.0,)),
    "clamp_high":     (math.clamp(_a, -1, 1), (1.0,),      (1.0,)),
    "sqrt":           (math.sqrt(_a),         (0.0,),      (inf,)),
    "cbrt":           (math.cbrt(_a),         (0.0,),      (inf,)),
    "atan2":          (math.atan2(_a, _b),    (0.0, 0.0),  (0.0, 0.0)),
    "atan2_negative": (math.atan2(_a, _b),    (0.0, -1.0), (-1.0, 0.0)),
    "pow_0_0":        (_a**_b,                (0.0, 0.0),  (0.0, 0.0)),
    "pow_0_1":        (_a**_b,                (0.0, 1.0),  (1.0, 0.0)),
    "pow_0_2":        (_a**_b,                (0.0, 2.0),  (0.0, 0.0)),
    "pow_0_half":     (_a**_b,                (0.0, 0.5),  (inf, 0.0)),
    "pow_0_minus_1":  (_a**_b,                (0.0, -1.0), (-inf, -inf)),
    "pow_2_0":        (_a**_b,                (2.0, 0.0),  (0.0, float(np.log(2.0)))),
    "pow_negative":   (_a**_b,                (-2.0, 3.0), (12.0, nan)),
    "floor":          (math.floor(_a),        (2.0,),      (0.0,)),
    "ceil":           (math.ceil(_a),         (2.0,),      (0.0,)),
    "trunc":          (math.trunc(_a),        (-2.0,),     (0.0,)),
    "rint":           (math.rint(_a),         (0.5,),      (0.0,)),
    "remainder":      (math.mod(_a, _b),      (6.0, 3.0),  (1.0, -2.0)),
    "remainder_up":   (math.mod(_a, _b),      (-5.0, 3.0), (1.0, 2.0)),
    "fmod":           (math.fmod(_a, _b),     (-5.0, 3.0), (1.0, 1.0)),
    "hypot":          (math.hypot(_a, _b),    (0.0, 0.0),  (0.0, 0.0)),
    "log_0":          (math.log(_a),          (0.0,),      (inf,)),
    "log_negative":   (math.log(_a),          (-1.0,),     (-1.0,)),
    "asin":           (math.asin(_a),         (1.0,),      (inf,)),
    "acos":           (math.acos(_a),         (-1.0,),     (-inf,)),
    "acosh":          (math.acosh(_a),        (1.0,),      (inf,)),
    "atanh":          (math.atanh(_a),        (1.0,),      (inf,)),
    "heaviside":      (math.heaviside(_a),    (0.0,),      (0.0,)),
    "square_at_0":    (_a**2,                 (0.0,),      (0.0,)),
    "cube_root_power": (_a**1.5,              (0.0,),      (0.0,)),
    "reciprocal":     (1 / _a,                (0.0,),      (-inf,)),
}
IN_TORCH: dict[str, Callable[..., Any]] = {
    "abs": lambda t, a: t.abs(a), "abs_negative_0": lambda t, a: t.abs(a),
    "sign": lambda t, a: t.sign(a),
    "maximum": lambda t, a, b: t.maximum(a, b), "minimum": lambda t, a, b: t.minimum(a, b),
    "maximum_zeros": lambda t, a, b: t.maximum(a, b),
    "maximum_nan": lambda t, a, b: t.maximum(a, b),
    "minimum_nan": lambda t, a, b: t.minimum(a, b),
    "relu": lambda t, a: t.relu(a), "clamp_low": lambda t, a: t.clamp(a, -1, 1),
    "clamp_high": lambda t, a: t.clamp(a, -1, 1), "sqrt": lambda t, a: t.sqrt(a),
    "atan2": lambda t, a, b: t.atan2(a, b), "atan2_negative": lambda t, a, b: t.atan2(a, b),
    **{name: lambda t, a, b: t.pow(a, b) for name in KINKS if name.startswith("pow_")},
    "floor": lambda t, a: t.floor(a), "ceil": lambda t, a: t.ceil(a),
    "trunc": lambda t, a: t.trunc(a), "rint": lambda t, a: t.round(a),
    "remainder": lambda t, a, b: t.remainder(a, b),
    "remainder_up": lambda t, a, b: t.remainder(a, b), "fmod": lambda t, a, b: t.fmod(a, b),
    "hypot": lambda t, a, b: t.hypot(a, b),
    "log_0": lambda t, a: t.log(a), "log_negative": lambda t, a: t.log(a),
    "asin": lambda t, a: t.asin(a), "acos": lambda t, a: t.acos(a),
    "acosh": lambda t, a: t.acosh(a), "atanh": lambda t, a: t.atanh(a),
    "square_at_0": lambda t, a: a**2, "cube_root_power": lambda t, a: a**1.5,
    "reciprocal": lambda t, a: 1 / a,
}
# fmt: on


def same(got: float, expected: float) -> bool:
    return got == expected or (isnan(got) and isnan(expected))


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("name", KINKS)
def test_kink(name: str, mode: Any) -> None:
    expr, point, expected = KINKS[name]
    got = gradient_at(expr, dict(zip("ab", point, strict=False)), mode)
    assert all(map(same, got, expected)), f"{expr} at {point}: got {got}, expected {expected}"


@pytest.mark.parametrize("name", IN_TORCH)
def test_kink_equals_torch(name: str, torch: ModuleType) -> None:
    _, point, expected = KINKS[name]
    got = torch_gradient(torch, lambda *leaves: IN_TORCH[name](torch, *leaves), point)
    if name == "hypot":  # the one deliberate difference: PyTorch has nan there
        assert expected == (0.0, 0.0)
        return
    assert all(map(same, got, expected)), f"torch at {point}: {got}, table: {expected}"


SECOND: dict[str, tuple[Expr, float, float]] = {
    "abs": (abs(_a), 0.0, 0.0),
    "sqrt": (math.sqrt(_a), 0.0, -inf),
    "relu": (math.relu(_a), 0.0, 0.0),
    "three_halves": (_a**1.5, 0.0, inf),
    "square": (_a**2, 0.0, 2.0),
    "maximum": (math.max(_a, 2 * _a), 0.0, 0.0),
    "abs_squared": (abs(_a) ** 2, 0.0, 0.0),
}


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("name", SECOND)
def test_second_derivative_at_kink(name: str, mode: Any) -> None:
    expr, point, expected = SECOND[name]
    system = system_of(expr, ("a",))
    got = in_float(system.graph, tensor_of(system, 2, mode).nodes, {"a": point})
    assert got == [expected]
