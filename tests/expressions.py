"""Hard expressions by name, branches with a known answer, and a seeded random generator.

A ``Case`` is a system with a domain in which it is smooth at random points. ``mixed_partial`` is
the oracle: it differentiates the expression as written with mpmath's own numerical differences at
high precision, so it shares no derivative rule with symgrad.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np

from symgrad.differentiate.mode import Mode
from symgrad.differentiate.tensors import derive
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.evaluate import evaluate, evaluate_expr, numpy_arithmetic
from symgrad.ir.expression import Expr, postorder, variables, wrap
from symgrad.ir.graph import Graph
from symgrad.ir.system import Request, System, Tensor

THIRD = Fraction(1, 3)

Point = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """Outputs over inputs, and where they may be sampled.

    Attributes:
        name: what it is.
        inputs: names, in order.
        outputs: one Expr an output.
        domain: one interval for all inputs, or one each.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[Expr, ...]
    domain: tuple[tuple[float, float], ...]

    def __repr__(self) -> str:
        return f"Case({self.name})"

    def points(self, count: int, seed: int = 7) -> list[dict[str, float]]:
        """Random points of the domain; the same for the same seed."""
        rng = np.random.default_rng(seed)
        return [
            {
                name: float(rng.uniform(low, high))
                for name, (low, high) in zip(self.inputs, self.domain, strict=True)
            }
            for _ in range(count)
        ]

    def system(self, *, exact: bool = False) -> System:
        """The outputs in a new graph, as a vector of m outputs."""
        return system_of(self.outputs, self.inputs, exact=exact)


def system_of(
    outputs: Expr | Sequence[Expr], inputs: Sequence[str], *, exact: bool = False
) -> System:
    """A System in a new graph: one Expr gives the shape (), a sequence (m,)."""
    graph = Graph(PRIMITIVES, exact=exact)
    single = isinstance(outputs, Expr)
    nodes = tuple(graph.add_all((outputs,) if single else tuple(outputs)))  # type: ignore[arg-type]
    tensor = Tensor("value", () if single else (len(nodes),), nodes)
    names = tuple(inputs)
    labels = tuple(f"f{i}" for i in range(len(nodes)))
    return System(graph, names, (), names, tensor, labels)


def tensor_of(system: System, order: int, mode: Mode | None = None) -> Tensor:
    """All partial derivatives of an order."""
    return derive(system, [Request("result", "tensor", order)], mode)[0]


def in_mpmath(graph: Graph, nodes: Sequence[int], point: Point) -> list[Any]:
    """The nodes' values at a point, at mpmath's present precision."""
    from tests.balls import quick_arithmetic  # needs python-flint, the rest does not

    values = {name: mpmath.mpf(value) for name, value in point.items()}
    return evaluate(graph, nodes, values, quick_arithmetic())


def number(expr: Expr, **point: float) -> Any:
    """The value of an Expr at a point, by the interpreter at mpmath's present precision."""
    graph = Graph(PRIMITIVES)
    return in_mpmath(graph, [graph.add(expr)], point)[0]


def in_float(graph: Graph, nodes: Sequence[int], point: Point) -> list[float]:
    """The nodes' values at a point in double precision; 1/0 is inf and 0/0 is nan."""
    values = {name: np.float64(value) for name, value in point.items()}
    with np.errstate(all="ignore"):
        return [float(v) for v in evaluate(graph, nodes, values, numpy_arithmetic())]


def gradient_at(expr: Expr, point: Point, mode: Mode | None = None) -> list[float]:
    """The gradient of an Expr by the inputs of ``point`` in their order, in double precision."""
    system = system_of(expr, tuple(point))
    return in_float(system.graph, tensor_of(system, 1, mode).nodes, point)


def as_written(expr: Expr, point: Point) -> Any:
    """The value of an Expr as it is written, in mpmath."""
    from tests.balls import quick_arithmetic  # as above

    values = {name: mpmath.mpf(value) for name, value in point.items()}
    return evaluate_expr(expr, values, PRIMITIVES, quick_arithmetic())


def mixed_partial(expr: Expr, point: Point, indices: Sequence[int]) -> Any:
    """The derivative of ``expr`` by the inputs at ``indices``, by numerical differences."""
    names = tuple(point)
    orders = tuple(indices.count(i) for i in range(len(names)))
    if not any(orders):
        return as_written(expr, point)

    def call(*values: Any) -> Any:
        return as_written(expr, dict(zip(names, values, strict=True)))

    return mpmath.diff(call, tuple(mpmath.mpf(point[name]) for name in names), orders)


def close(got: Any, expected: Any, tolerance: float = 1e-25) -> bool:
    """Equal up to ``tolerance``, relative above 1 and absolute below; nan only equals nan."""
    got, expected = mpmath.mpf(got), mpmath.mpf(expected)
    if mpmath.isnan(got) or mpmath.isnan(expected):
        return bool(mpmath.isnan(got) and mpmath.isnan(expected))
    if mpmath.isinf(got) or mpmath.isinf(expected):
        return bool(got == expected)
    return bool(abs(got - expected) <= tolerance * max(1, abs(got), abs(expected)))


def smallest_failing(expr: Expr, fails: Callable[[Expr], bool]) -> Expr:
    """The first subexpression, innermost first, for which ``fails`` holds: for messages."""
    return next((part for part in postorder((expr,)) if part.args and fails(part)), expr)


x, y, z, w = variables("x y z w")
_v = variables("v", 8)


def _case(name: str, inputs: str, outputs: object, *domain: tuple[float, float]) -> Case:
    names = tuple(inputs.split())
    made = tuple(wrap(o) for o in outputs) if isinstance(outputs, tuple) else (wrap(outputs),)
    return Case(name, names, made, domain if len(domain) == len(names) else domain * len(names))


def _black_scholes() -> Expr:
    root = z * math.sqrt(w)
    first = (math.log(x / y) + z**2 * w / 2) / root
    normal = [(1 + math.erf(d / math.sqrt(2))) / 2 for d in (first, first - root)]
    return x * normal[0] - y * math.exp(Fraction(-1, 20) * w) * normal[1]


def _rosenbrock(v: Sequence[Expr]) -> Expr:
    return wrap(sum((1 - a) ** 2 + 100 * (b - a**2) ** 2 for a, b in pairwise(v)))


def _lennard_jones(distance_squared: Expr) -> Expr:
    s = (1 / distance_squared) ** 3
    return 4 * (s * s - s)


def _continued_fraction(depth: int) -> Expr:
    value = x
    for level in range(1, depth):
        value = level + y / (1 + value)
    return value


def _chain(depth: int) -> Expr:
    value = x
    for _ in range(depth):
        value = math.sin(value) + y * value
    return value


def _horner(degree: int) -> Expr:
    value = wrap(1)
    for power in range(degree):
        value = value * x + Fraction(1, power + 1) * y
    return value


_shared = math.exp(x * y) + math.sqrt(x + y)
_peak = math.max(x, y, z)

CORPUS: tuple[Case, ...] = (
    _case("product_sine", "x y", x**2 * math.sin(y), (-2, 2)),
    _case("black_scholes", "x y z w", _black_scholes(), (0.5, 2)),
    _case("rosenbrock", "v0 v1 v2 v3", _rosenbrock(_v[:4]), (-2, 2)),
    _case("lennard_jones", "x y z", _lennard_jones(x**2 + y**2 + z**2), (0.6, 1.5)),
    _case("speelpenning", "v0 v1 v2 v3 v4", _v[0] * _v[1] * _v[2] * _v[3] * _v[4], (-2, 2)),
    _case("quotient", "x y", (x - y) / (x + y), (0.5, 2), (0.1, 0.4)),
    _case("repeated_quotient", "x y", (x / y) ** 3 * (y / x) ** 2 / (x * y), (0.3, 2)),
    _case("cancelling_powers", "x y", (x * y) ** 2 / (x**2 * y) - y + x**3 / x**2, (0.3, 2)),
    _case("difference_of_squares", "x y", (x + y) ** 2 - (x - y) ** 2 - 3 * x * y, (-3, 3)),
    _case("fractional_powers", "x y", x ** Fraction(3, 2) * y**-THIRD + (x * y) ** 0.75, (0.3, 3)),
    _case("power_tower", "x y", x ** (y**x), (0.3, 2)),
    _case("exponential_power", "x y", 2 ** (x * y) + math.exp2(x) * y**x, (0.3, 2)),
    _case("log_sum_exp", "x y z", math.log(math.exp(x) + math.exp(y) + math.exp(z)), (-3, 3)),
    _case("logistic", "x y", 1 / (1 + math.exp(-x * y)) * math.log1p(math.exp(x)), (-3, 3)),
    _case("polar", "x y", (math.hypot(x, y), math.atan2(y, x)), (0.3, 3)),
    _case("cartesian", "x y", (x * math.cos(y), x * math.sin(y), y), (0.3, 3)),
    _case("normalised", "x y z", x / math.sqrt(x**2 + y**2 + z**2), (0.3, 3)),
    _case("gaussian", "x y", math.erf(x * y) * math.exp(-(x**2) - y**2) + math.erfc(x), (-1, 1)),
    _case("hyperbolics", "x y", math.tanh(x * y) * math.sinh(x) / math.cosh(y), (-2, 2)),
    _case("inverses", "x y", math.asin(x * y) + math.acos(x) * math.atan(y), (-0.9, 0.9)),
    _case("area", "x y", math.asinh(x * y) + math.acosh(1 + x) * math.atanh(y), (0.1, 0.9)),
    _case("continued_fraction", "x y", _continued_fraction(6), (0.3, 2)),
    _case("chain", "x y", _chain(8), (-1, 1)),
    _case("horner", "x y", _horner(9), (-1.5, 1.5)),
    _case("shared", "x y", _shared**2 + 1 / _shared + math.sin(_shared), (0.2, 1.5)),
    _case("constants", "x", math.pi * x + math.e**x + 0.1 * x + Fraction(1, 7) * x**2, (-2, 2)),
    _case("maxima", "x y z", _peak * math.min(x * y, z) + abs(x - z), (-2, 2)),
    _case("mods", "x y", math.mod(3 * x, y) + math.fmod(x, y) * math.floor(4 * x), (0.6, 2.9)),
    _case("clamped", "x y", math.clamp(x * y, -1, 1) * x + math.relu(x - y) ** 2, (-2, 2)),
    _case("nested_where", "x y", math.where(
        x < y, math.where(x * y < 0, math.sin(x), x * y), math.where(x > 1, math.log(x), y**3)
    ), (-2, 2)),
    _case("both_sides", "x y", math.where(
        (x > 0) & (y > 0) | (x < -1), _chain(3) * math.exp(x), _chain(3) + y
    ), (-2, 2)),
    _case("many_outputs", "x y z", (x * y, y * z, x * y, x, wrap(3), math.sin(x * y) * z), (-2, 2)),
    _case("linear", "x y z", (2 * x - 3 * y, y - z, z - y, 4 * x - 6 * y + 1), (-2, 2)),
)  # fmt: skip
"""Named expressions, each hard for a different part."""


@dataclass(frozen=True)
class Branch:
    """A choice, a point, and the smooth expression that holds there.

    Attributes:
        name: what it is.
        expr: over x alone.
        taken: has the same value and derivatives at ``at`` as the side that is taken.
        at: the values of x.
    """

    name: str
    expr: Expr
    taken: Expr
    at: tuple[float, ...]

    def __repr__(self) -> str:
        return f"Branch({self.name})"


def _branch(name: str, expr: Expr, taken: object, *at: float) -> Branch:
    return Branch(name, expr, wrap(taken), at)


_root = math.sqrt(x)
_log = math.log(x)
_square = x**2 + 1
_safe = math.where(x > 0, _root, 1)

BRANCHES: tuple[Branch, ...] = (
    _branch("root", math.where(x > 0, _root, 0), 0, 0.0, -1.0),
    _branch("root_alive", math.where(x > 0, _root, 0), _root, 0.25),
    _branch("root_or_x", math.where(x > 0, _root, x), x, -1.0, 0.0),
    _branch("sinc", math.where(math.sin(x) / x < 9, math.sin(x) / x, 1), 1, 0.0),
    _branch("sinc_where", math.where(math.eq(x, 0), 1, math.sin(x) / x), 1, 0.0),
    _branch("log", math.where(x > 0, x * _log, 0), 0, 0.0, -2.0),
    _branch("negated", math.where(~(x > 0), 2 * x, _root), 2 * x, 0.0, -1.0),
    _branch("shared", math.where(x > 0, _root + math.sin(_root),
                                 math.where(x < -5, _root, x**2)), x**2, -1.0),
    _branch("inside_branch", math.where(x > 0, math.where(x > 1, math.log(x - 1), x**3),
                                        math.exp(x)), x**3, 0.5, 1.0),
    _branch("outside_branch", math.where(x > 0, math.where(x > 1, math.log(x - 1), x**3),
                                         math.exp(x)), math.exp(x), 0.0, -1.0),
    _branch("three_deep", math.where(x > 0, math.where(x > 1, math.where(
        x > 2, math.log(x - 2), _root * x), 1 / (x - 1)), _log * _root + x), 1 / (x - 1), 0.5),
    _branch("join_left", math.where(x > 0, _square * math.sin(x), _square * math.cos(x)) + _square,
            _square * (math.sin(x) + 1), 0.5),
    _branch("join_right", math.where(x > 0, _square * math.sin(x), _square * math.cos(x))
            + _square, _square * (math.cos(x) + 1), 0.0, -0.5),
    _branch("root_of_choice", 3 * math.sqrt(math.where(x > 0, x, 1)), 3, -1.0, 0.0),
    _branch("root_of_zero", math.sqrt(math.where(x > 0, x, 0)), 0, -1.0),
    _branch("exp_of_choice", math.exp(math.where(x > 0, 1 / x, 0)), 1, 0.0, -1.0),
    _branch("product_of_masks", math.where(x > 0, _root, 0) * math.where(x < 0, math.log(-x), 0),
            0, 0.0),
    _branch("masks_and_x", math.where(x > 0, _log, 0) * math.where(x > 0, _root, 0) + x, x,
            0.0, -1.0),
    _branch("opposite_masks", math.where(x > 0, _log, 0) + math.where(x <= 0, x**3, 0), x**3,
            0.0, -1.0),
    _branch("power", math.where(x > 0, x**x, 1), 1, 0.0, -1.0),
    _branch("asin", math.where(abs(x) < 1, math.asin(x), x * math.pi / 2), x * math.pi / 2,
            1.0, -1.0, 2.0),
    _branch("overflow", math.where(x < 100, x, math.exp(math.exp(x))), x, 10.0),
    _branch("quotient", 1 / (1 + math.where(x > 0, _root, 0)), 1, 0.0, -1.0),
    _branch("root_of_square", math.sqrt(1 + math.where(x > 0, _root, 0) ** 2), 1, 0.0, -1.0),
    _branch("conditions", math.where((x > 1) | (x < -1), math.sqrt(x**2 - 1), x**2), x**2,
            0.5, 1.0, -1.0),
    _branch("condition_of_choice", math.where(_safe > 0.5, _safe * _safe, 1 / _safe), 1,
            -1.0, 0.0),
    _branch("choice_of_conditions", math.where(math.where(x > 0, x > 1, x < -1), _log, x), x,
            0.5, 0.0, -0.5),
    _branch("abs_of_log", math.where(x > 0, abs(_log), x * x), x * x, 0.0, -1.0),
    _branch("max_in_dead", math.where(x > 0, math.max(_log, _root), x * x), x * x, 0.0, -1.0),
    _branch("twice", math.where(x > 0, _root * math.where(x > 0, _log, x), x), x, 0.0, -1.0),
    _branch("under_sine", math.sin(math.where(x > 0, _log, x)) * x, math.sin(x) * x, 0.0, -1.0),
)  # fmt: skip
"""Choices whose other side is undefined or infinite at the point."""

_LEAVES: tuple[object, ...] = (2, -1, 3, Fraction(1, 2), Fraction(-2, 3), 0.1, 1.75, math.pi)

_UNARY: tuple[Callable[[Expr], Expr], ...] = (
    math.sin,
    math.cos,
    math.tanh,
    math.atan,
    math.asinh,
    math.erf,
    abs,
    math.relu,
    lambda a: -a,
    lambda a: a**2,
    lambda a: a**3 / 4,
    lambda a: math.exp(math.sin(a)),
    lambda a: math.log(2 + a * a),
    lambda a: math.sqrt(1 + a**2),
    lambda a: 1 / (2 + math.cos(a)),
    lambda a: (2 + math.sin(a)) ** Fraction(2, 3),
    lambda a: (1 + a * a) ** Fraction(-3, 2),
    lambda a: math.log1p(a**2),
    lambda a: math.expm1(math.cos(a)),
    lambda a: math.cbrt(2 + math.sin(a)),
    lambda a: math.tan(math.sin(a)),
    lambda a: math.asin(Fraction(9, 10) * math.sin(a)),
    lambda a: math.acosh(2 + a**2),
    lambda a: math.atanh(math.tanh(a) / 2),
)

_BINARY: tuple[Callable[[Expr, Expr], Expr], ...] = (
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / (2 + math.sin(b)),
    lambda a, b: 2 * a - 3 * b,
    math.max,
    math.min,
    lambda a, b: math.atan2(a, 2 + math.cos(b)),
    lambda a, b: math.hypot(a, 1 + b * b),
    lambda a, b: (2 + math.sin(a)) ** math.cos(b),
    lambda a, b: math.where(a < b, math.sin(a), a * b),
    lambda a, b: math.where((a <= 0) | (b > a), a, math.cos(b)),
)


def random_expression(seed: int, depth: int, names: Sequence[str] = ("x", "y", "z")) -> Expr:
    """A random expression that is finite everywhere and smooth almost everywhere.

    Args:
        seed: the same seed gives the same expression.
        depth: levels of functions; parts are reused, so that the graph is no tree.
        names: the variables.
    """
    rng = np.random.default_rng(seed)
    symbols = [*map(variables, names)]
    levels: list[list[Expr]] = [[*symbols]]
    for _ in range(depth):
        below = [part for level in levels for part in level]
        made = []
        for _ in range(3):
            newest = levels[-1][rng.integers(len(levels[-1]))]
            other = below[rng.integers(len(below))]
            if rng.random() < 0.15:
                other = wrap(_LEAVES[rng.integers(len(_LEAVES))])
            if rng.random() < 0.5:
                made.append(_UNARY[rng.integers(len(_UNARY))](newest))
            else:
                pair = (newest, other) if rng.random() < 0.5 else (other, newest)
                made.append(_BINARY[rng.integers(len(_BINARY))](*pair))
        levels.append(made)
    top = levels[-1]
    return top[0] + top[1] * top[2]


def random_case(seed: int, depth: int = 3) -> Case:
    """A random expression of three variables as a Case."""
    names = ("x", "y", "z")
    return Case(
        f"random-{seed}", names, (random_expression(seed, depth, names),), ((-2.0, 2.0),) * 3
    )


_SINGULAR: tuple[tuple[Callable[[Expr], Expr], Callable[[Expr], Expr]], ...] = (
    (math.sqrt, lambda a: a > 0),
    (math.log, lambda a: a > 0),
    (lambda a: 1 / a, lambda a: ~(a <= 0)),
    (lambda a: a ** Fraction(-3, 2), lambda a: a > 0),
    (lambda a: math.sqrt(a) * math.log(a), lambda a: (a > 0) & (a < 4)),
    (lambda a: a**a, lambda a: a > 0),
    (lambda a: math.exp(1 / a), lambda a: a > 0),
    (math.acosh, lambda a: a > 1),
    (math.asin, lambda a: (a > -1) & (a < 1)),
    (math.atanh, lambda a: ~((a <= -1) | (a >= 1))),
)
"""A function, and the condition inside which it and its derivatives are finite."""


def random_branches(seed: int) -> Expr:
    """A random expression of x and y with choices whose other side is singular."""
    rng = np.random.default_rng(seed)

    def pick(options: Sequence[Any]) -> Any:
        return options[rng.integers(len(options))]

    pool: list[Expr] = [x, y, x - 1, y - 1, x * y, x + y]
    for _ in range(rng.integers(3, 9)):
        newest, other = pick(pool[-5:]), pick(pool)
        if rng.random() < 0.5:
            function, inside = pick(_SINGULAR)
            arm = function(other) if rng.random() < 0.5 else function(other) * newest + 1
            safe = pick((newest, 0, 1, newest * other))
            condition = inside(other)
            if rng.random() < 0.5:
                pool.append(math.where(condition, arm, safe))
            else:
                pool.append(math.where(~condition, safe, arm))
        else:
            pool.append(pick((newest * other, newest + other, math.sin(newest), newest**2)))
    return pool[-1] + pool[-2] * pool[-3]


def decided(expr: Expr, point: Point) -> Expr:
    """``expr`` with every choice replaced by the side that is taken at the point."""
    made: dict[int, Expr] = {}
    for node in postorder((expr,)):
        args = tuple(made[id(argument)] for argument in node.args)
        if node.op == "select":
            made[id(node)] = args[1] if as_written(args[0], point) else args[2]
        else:
            made[id(node)] = Expr(node.op, args, node.value) if args else node
    return made[id(expr)]
