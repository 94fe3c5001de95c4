"""Functions that are written in others: values and derivatives against mpmath."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import exp, frexp, inf, log, nan
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import FormulaError
from symgrad.functions import COMPOSITIONS, PRIMITIVES
from symgrad.functions.tracing import apply
from symgrad.ir.expression import Expr, constant, variables
from tests.expressions import close, gradient_at, in_float, in_mpmath, system_of, tensor_of

x, y, z = variables("x y z")


def _log_sum_exp(*values: Any) -> Any:
    return mpmath.log(sum(map(mpmath.exp, values)))


def _gelu_tanh(a: Any) -> Any:
    inner = mpmath.sqrt(2 / mpmath.pi) * (a + a**3 * 44715 / 1000000)
    return a / 2 * (1 + mpmath.tanh(inner))


# fmt: off
DEFINITIONS: dict[str, tuple[Callable[..., Any], tuple[float, ...]]] = {
    "sqrt":       (mpmath.sqrt, (2.5,)),
    "rsqrt":      (lambda a: 1 / mpmath.sqrt(a), (2.5,)),
    "square":     (lambda a: a * a, (-1.5,)),
    "reciprocal": (lambda a: 1 / a, (-1.5,)),
    "log":        (mpmath.log, (2.5,)),
    "ln":         (mpmath.log, (2.5,)),
    "sec":        (mpmath.sec, (0.7,)),
    "csc":        (mpmath.csc, (0.7,)),
    "max":        (max, (0.5, 2.0, 1.5)),
    "min":        (min, (0.5, -2.0, 1.5)),
    "heaviside":  (lambda a: mpmath.mpf(a > 0), (0.5,)),
    "relu":       (lambda a: max(a, mpmath.mpf(0)), (0.5,)),
    "clamp":      (lambda a, low, high: min(max(a, low), high), (0.5, -1.0, 1.0)),
    "frac":       (lambda a: a - mpmath.floor(a), (2.7,)),
    "modf":       (lambda a: a - mpmath.ceil(a), (-2.7,)),
    "round":      (mpmath.nint, (2.7,)),
    "round_away": (lambda a: mpmath.mpf(3), (2.5,)),
    "nearbyint":  (mpmath.nint, (2.7,)),
    "logb":       (lambda a: mpmath.mpf(2), (7.5,)),
    "positive":   (lambda a: a, (2.7,)),
    "negative":   (lambda a: -a, (2.7,)),
    "fdim":       (lambda a, b: max(a - b, mpmath.mpf(0)), (2.5, 1.25)),
    "ldexp":      (lambda a, n: a * mpmath.mpf(2) ** n, (2.5, 3.0)),
    "lerp":       (lambda a, b, t: a + t * (b - a), (2.5, 1.25, 0.75)),
    "deg2rad":    (mpmath.radians, (30.0,)),
    "rad2deg":    (mpmath.degrees, (0.5,)),
    "nan_to_num": (lambda a: a, (0.5,)),
    "sinc_pi":    (mpmath.sincpi, (0.7,)),
    "asinpi":     (lambda a: mpmath.asin(a) / mpmath.pi, (0.7,)),
    "acospi":     (lambda a: mpmath.acos(a) / mpmath.pi, (0.7,)),
    "atanpi":     (lambda a: mpmath.atan(a) / mpmath.pi, (0.7,)),
    "atan2pi":    (lambda a, b: mpmath.atan2(a, b) / mpmath.pi, (0.7, -0.3)),
    "exp2m1":     (lambda a: mpmath.mpf(2) ** a - 1, (0.7,)),
    "exp10m1":    (lambda a: mpmath.mpf(10) ** a - 1, (1.7,)),
    "log2p1":     (lambda a: mpmath.log(1 + a, 2), (0.7,)),
    "log10p1":    (lambda a: mpmath.log(1 + a, 10), (0.7,)),
    "logaddexp":  (_log_sum_exp, (0.7, 0.2, -1.5)),
    "logaddexp2": (lambda a, b: mpmath.log(2**a + 2**b, 2), (0.7, 0.2)),
    "bernoulli_function": (lambda a: a / mpmath.expm1(a), (0.7,)),
    "softplus":   (lambda a, beta: mpmath.log(1 + mpmath.exp(beta * a)) / beta, (0.7, 3.0)),
    "log_sigmoid": (lambda a: -mpmath.log(1 + mpmath.exp(-a)), (0.7,)),
    "relu6":      (lambda a: min(max(a, mpmath.mpf(0)), mpmath.mpf(6)), (0.7,)),
    "leaky_relu": (lambda a: a / 100, (-0.7,)),
    "rrelu":      (lambda a: a * 11 / 48, (-0.7,)),
    "elu":        (mpmath.expm1, (-0.7,)),
    "celu":       (lambda a, alpha: alpha * mpmath.expm1(a / alpha), (-0.7, 1.5)),
    "selu":       (lambda a: mpmath.mpf(1.0507009873554805) * mpmath.mpf(1.6732632423543772)
                   * mpmath.expm1(a), (-0.7,)),
    "gelu":       (lambda a: a * mpmath.ncdf(a), (0.7,)),
    "gelu_tanh":  (_gelu_tanh, (0.7,)),
    "silu":       (lambda a: a / (1 + mpmath.exp(-a)), (0.7,)),
    "mish":       (lambda a: a * mpmath.tanh(mpmath.log1p(mpmath.exp(a))), (0.7,)),
    "hardtanh":   (lambda a: a, (0.7,)),
    "hardsigmoid": (lambda a: (a + 3) / 6, (0.7,)),
    "hardswish":  (lambda a: a * (a + 3) / 6, (0.7,)),
    "hardshrink": (lambda a: a, (0.7,)),
    "softshrink": (lambda a: a + mpmath.mpf(0.5), (-0.7,)),
    "threshold":  (lambda a, b, c: a, (0.7, 0.5, 9.0)),
    "powm1":      (lambda a, b: a**b - 1, (0.7, 1.3)),
}
# fmt: on


OWN = "symgrad.functions.compositions"

WITH_THEIR_FAMILY = {"erf2inv", "expint", "Li", "elliptic_e", "elliptic_pi"}
"""Compositions of special rows, tested in special/."""

# fmt: off
BY_NUMBER = {
    "multigamma": (lambda x, p: mpmath.pi ** (mpmath.mpf(p) * (p - 1) / 4)
                   * mpmath.fprod(mpmath.gamma(x - mpmath.mpf(k) / 2) for k in range(p)),
                   [(2.5, 1), (2.5, 4)]),
    "mvlgamma":   (lambda x, p: mpmath.log(mpmath.pi) * p * (p - 1) / 4
                   + mpmath.fsum(mpmath.loggamma(x - mpmath.mpf(k) / 2) for k in range(p)),
                   [(2.5, 1), (2.5, 4)]),
    "riemann_xi": (lambda s: s * (s - 1) / 2 * mpmath.gamma(s / 2) * mpmath.zeta(s)
                   / mpmath.pi ** (s / 2), [(2.5,)]),
}
"""Compositions whose second argument is a number, and one that mpmath differentiates slowly."""
# fmt: on


def test_every_composition_has_a_definition() -> None:
    own = {name for name, (_, build) in COMPOSITIONS.items() if build.__module__ == OWN}
    tested = set(DEFINITIONS) | WITH_THEIR_FAMILY | set(BY_NUMBER)
    assert tested | {"where"} >= own
    assert tested <= set(COMPOSITIONS)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("name", DEFINITIONS)
def test_derivatives(name: str, order: int, digits: int) -> None:
    definition, point = DEFINITIONS[name]
    names = tuple("xyz"[: len(point)])
    expr = apply(name, tuple(map(variables, names)), PRIMITIVES)
    system = system_of(expr, names)
    got = in_mpmath(
        system.graph, tensor_of(system, order).nodes, dict(zip(names, point, strict=True))
    )
    given = tuple(map(mpmath.mpf, point))
    orders = (order, *[0] * (len(point) - 1))
    expected = mpmath.diff(definition, given, orders) if order else definition(*given)
    assert close(got[0], expected, 1e-28), name


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", BY_NUMBER)
def test_derivatives_by_the_first_argument(name: str, order: int, digits: int) -> None:
    definition, points = BY_NUMBER[name]
    for point, *numbers in points:
        system = system_of(apply(name, (x, *map(constant, numbers)), PRIMITIVES), ("x",))
        got = in_mpmath(system.graph, tensor_of(system, order).nodes, {"x": point})
        of_x = partial(_with_numbers, definition, numbers)
        expected = mpmath.diff(of_x, mpmath.mpf(point), order) if order else of_x(point)
        assert close(got[0], expected, 1e-12), (name, point, numbers)


def _with_numbers(definition: Callable[..., Any], numbers: list[int], at: Any) -> Any:
    return definition(mpmath.mpf(at), *numbers)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("multigamma", (0,)), ("mvlgamma", (2.5,))],
)
def test_numbers_that_name_no_function(name: str, arguments: tuple[float, ...]) -> None:
    with pytest.raises(FormulaError, match=name):
        apply(name, (x, *map(constant, arguments)), PRIMITIVES)


@pytest.mark.parametrize("name", ["threshold", "fdim", "max", "min"])
def test_a_nan_is_handed_on(name: str) -> None:
    arguments = {"threshold": (x, constant(1), constant(3))}.get(name, (x, -x))
    fn = sg.compile(apply(name, arguments, PRIMITIVES), [x], "value", cache=False)
    assert np.isnan(fn(np.array([np.nan])))


@pytest.mark.parametrize("value", [-1.5, 0.0, 0.25, 1.0, 4.0])
def test_where(value: float) -> None:
    expr = apply("where", (x > 0, x * 2, x - 1), PRIMITIVES)
    system = system_of(expr, ("x",))
    expected = value * 2 if value > 0 else value - 1
    assert in_float(system.graph, system.outputs.nodes, {"x": value}) == [expected]
    assert gradient_at(expr, {"x": value}) == [2.0 if value > 0 else 1.0]


@pytest.mark.parametrize(
    ("value", "at_zero", "expected"),
    [(-1.0, None, 0.0), (0.0, None, 0.5), (-0.0, None, 0.5), (2.0, None, 1.0), (0.0, 0.25, 0.25)],
)
def test_heaviside(value: float, at_zero: float | None, expected: float) -> None:
    arguments = (x,) if at_zero is None else (x, at_zero)
    system = system_of(apply("heaviside", arguments, PRIMITIVES), ("x",))
    assert in_float(system.graph, system.outputs.nodes, {"x": value}) == [expected]


HANDING_ON = sorted(
    name
    for name, (arities, _) in COMPOSITIONS.items()
    if 1 in arities and name not in ("nan_to_num", "max", "min", "logaddexp", "logaddexp2")
)


@pytest.mark.parametrize("name", HANDING_ON)
def test_nan_is_handed_on(name: str) -> None:
    system = system_of(apply(name, (x,), PRIMITIVES), ("x",))
    (got,) = in_float(system.graph, system.outputs.nodes, {"x": nan})
    assert got != got


def test_clamp_of_nan() -> None:
    system = system_of(apply("clamp", (x, -1, 1), PRIMITIVES), ("x",))
    (got,) = in_float(system.graph, system.outputs.nodes, {"x": nan})
    assert got != got


@pytest.mark.parametrize(("low", "high"), [(nan, 1.0), (-1.0, nan), (nan, nan)])
def test_clamp_to_nan_is_nan(low: float, high: float) -> None:
    """As PyTorch and NumPy have it, of bounds that are numbers and of those that are arguments."""
    for bounds in ((low, high), (y, z)):
        system = system_of(apply("clamp", (x, *bounds), PRIMITIVES), ("x", "y", "z"))
        for value in (-2.0, 0.5, 2.0):
            point = {"x": value, "y": low, "z": high}
            (got,) = in_float(system.graph, system.outputs.nodes, point)
            assert got != got


def test_clamp_takes_the_upper_of_two_bounds_that_cross() -> None:
    for bounds in ((2, 1), (y + 2, y + 1)):
        system = system_of(apply("clamp", (x, *bounds), PRIMITIVES), ("x", "y"))
        for value in (0.0, 1.5, 3.0):
            assert in_float(system.graph, system.outputs.nodes, {"x": value, "y": 0.0}) == [1.0]


def test_softplus_is_linear_beyond_a_threshold_that_is_given() -> None:
    expr = apply("softplus", (x, 3, 0.25), PRIMITIVES)
    system = system_of(expr, ("x",))
    assert in_float(system.graph, system.outputs.nodes, {"x": 0.5}) == [0.5]
    assert gradient_at(expr, {"x": 0.5}) == [1.0]
    (near,) = in_float(system.graph, system.outputs.nodes, {"x": 0.0})
    assert near == pytest.approx(np.log(2) / 3, rel=1e-15)
    assert apply("softplus", (x,), PRIMITIVES) == Expr("softplus", (x,))


def test_log_to_a_base(digits: int) -> None:
    system = system_of(apply("log", (x, 3), PRIMITIVES), ("x",))
    (got,) = in_mpmath(system.graph, system.outputs.nodes, {"x": 7.0})
    assert close(got, mpmath.log(7, 3), 1e-45)


def test_ties_of_three_share_their_derivative() -> None:
    expr: Expr = apply("max", (x, y, z), PRIMITIVES)
    gradient = gradient_at(expr, {"x": 1.0, "y": 1.0, "z": 1.0})
    assert sum(gradient) == 1.0


@pytest.mark.parametrize(("base", "row"), [(2, "log2"), (10, "log10"), (10.0, "log10")])
def test_usual_bases_have_rows_of_their_own(base: float, row: str) -> None:
    assert apply("log", (x, base), PRIMITIVES).op == row


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2.5, 3.0),
        (-2.5, -3.0),
        (0.49999999999999994, 0.0),
        (4503599627370497.0, 4503599627370497.0),
    ],
)
def test_round_away_is_round_of_c(value: float, expected: float) -> None:
    system = system_of(apply("round_away", (x,), PRIMITIVES), ("x",))
    assert in_float(system.graph, system.outputs.nodes, {"x": value}) == [expected]


@pytest.mark.parametrize(("value", "decimals"), [(2.675, 2), (-1234.5, -2), (0.15, 1)])
def test_round_to_decimals_is_numpys(value: float, decimals: int) -> None:
    system = system_of(apply("round", (x, decimals), PRIMITIVES), ("x",))
    got = in_float(system.graph, system.outputs.nodes, {"x": value})
    assert got == [pytest.approx(np.round(value, decimals), rel=1e-15)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((-inf, -inf, -inf), -inf),
        ((inf, 0.0, 1.0), inf),
        ((-inf, 0.0, -inf), 0.0),
        ((1000.0, 1000.0, 1000.0), 1000.0 + log(3.0)),
        ((-1000.0, -1000.0, -1001.0), -1000.0 + log(2 + exp(-1))),
        ((nan, 0.0, 1.0), nan),
    ],
)
def test_logaddexp_of_three(values: tuple[float, ...], expected: float) -> None:
    system = system_of(apply("logaddexp", (x, y, z), PRIMITIVES), ("x", "y", "z"))
    point = dict(zip("xyz", values, strict=True))
    (got,) = in_float(system.graph, system.outputs.nodes, point)
    assert got == pytest.approx(expected, rel=1e-15, nan_ok=True)


def test_derivatives_of_logaddexp_are_softmax() -> None:
    expr = apply("logaddexp", (x, y, z), PRIMITIVES)
    assert gradient_at(expr, {"x": 1e3, "y": 1e3, "z": -1e3}) == [0.5, 0.5, 0.0]


@pytest.mark.parametrize("value", [nan, inf, -inf, 1.5])
def test_nan_to_num_is_numpys(value: float) -> None:
    system = system_of(apply("nan_to_num", (x,), PRIMITIVES), ("x",))
    assert in_float(system.graph, system.outputs.nodes, {"x": value}) == [np.nan_to_num(value)]


@pytest.mark.parametrize("name", ["hardtanh", "relu6", "hardsigmoid"])
def test_edges_that_belong_to_the_outside(name: str) -> None:
    expr = apply(name, (x,), PRIMITIVES)
    for edge in {"hardtanh": (-1.0, 1.0), "relu6": (0.0, 6.0), "hardsigmoid": (-3.0, 3.0)}[name]:
        assert gradient_at(expr, {"x": edge}) == [0.0]


@pytest.mark.parametrize("value", [1.0, 0.75, 8.0, 7.999999999999999, 2.0**-1040, 1e308, -3.0])
def test_logb(value: float) -> None:
    system = system_of(apply("logb", (x,), PRIMITIVES), ("x",))
    (got,) = in_float(system.graph, system.outputs.nodes, {"x": value})
    assert got == frexp(value)[1] - 1


@pytest.mark.parametrize(("value", "expected"), [(0.0, -inf), (inf, inf), (-inf, inf)])
def test_logb_at_the_ends(value: float, expected: float) -> None:
    system = system_of(apply("logb", (x,), PRIMITIVES), ("x",))
    assert in_float(system.graph, system.outputs.nodes, {"x": value}) == [expected]
