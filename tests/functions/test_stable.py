"""Stable rows: derivatives to order 4 in doubles where other formulas overflow or cancel."""

from __future__ import annotations

from math import copysign, inf, isnan, nan

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES, math, stable
from symgrad.ir.expression import Expr, variables
from tests.expressions import gradient_at, in_float, in_mpmath, system_of, tensor_of
from tests.functions.special.measured import values, worst_of_row

x, y = variables("x y")

TINY = (1e-100, 1e-20, 1e-8, 1e-4)
LARGE = (20.0, 40.0, 100.0, 700.0, 800.0, 1e8)
BOTH = (0.0, *LARGE, *(-value for value in LARGE))
BELOW_1 = (0.25, 0.5, 0.75, 1 - 1e-4, 1 - 1e-8, 1 - 1e-15)

# fmt: off
POINTS: dict[str, tuple[float, ...]] = {
    "sigmoid": BOTH, "softplus": BOTH, "log_sigmoid": BOTH,
    "sigmoid_slope": (*BOTH, *TINY), "tanh_half": (*BOTH, *TINY),
    "logit": (*TINY[1:], *BELOW_1, 0.5 + 1e-9), "logcosh": (0.0, *TINY[1:], 0.99, 1.01, *LARGE),
    "bose": (*TINY[1:], 1.0, 20.0, 700.0, 800.0, -1.0, -40.0, -800.0),
    "log1mexp": (-1e-20, -1e-8, -0.69, -0.7, -40.0, -700.0, -800.0),
    "cosm1": (*TINY, 1.0, 20.0), "coshm1": (*TINY, 1.0, 20.0, 700.0),
    "tanh": (0.0, *TINY, 1.0, *LARGE), "asin": (*TINY, *BELOW_1), "acos": (*TINY, *BELOW_1),
    "atanh": (*TINY, *BELOW_1), "one_minus_square": (*TINY, *BELOW_1),
    "sinc": (0.0, *TINY, 0.1, 1.0, 3.0, 20.0), "sinhc": (0.0, *TINY, 0.1, 1.0, 20.0, 716.0),
    "expm1c": (0.0, *TINY, -1e-8, 0.1, -1.0, 20.0, 700.0, -800.0),
    "log1pc": (0.0, *TINY, -0.5, -0.999, 1.0, 20.0), "cosc": (0.0, *TINY, 0.1, 1.0, 20.0),
    "coshc": (0.0, *TINY, 0.1, 1.0, 20.0, 700.0),
    "bernoulli_function": (0.5, 20.0, 700.0, 800.0, -20.0, -800.0),
    "sinc_slope": (0.0, *TINY, 0.1, 0.99, 1.01, 3.0), "cosc_slope": (0.0, *TINY, 1.99, 2.01, 20.0),
    "sinc_curvature": (0.0, *TINY, 0.1, 0.99, 1.01, 3.0),
    "expm1c_slope": (0.0, *TINY, 0.99, 1.01, -0.99, -1.01, 20.0, 715.0, -700.0),
    "log1pc_slope": (0.0, *TINY, -1e-9, -0.39, -0.41, 0.89, 0.91, -0.999, 20.0),
    "softsign": (0.0, *TINY, *LARGE), "tanhshrink": (0.0, *TINY, 0.5, 0.99, 1.01, *LARGE[:4]),
    "gelu": (0.0, *TINY, 1.0, 5.0, -5.0, -30.0), "silu": (0.0, 1.0, -20.0, 800.0, -800.0),
    "mish": (0.0, 1.0, 20.0, -20.0, 800.0, -800.0),
    "sinpi": (*TINY, 1.0, 1.5, 1e6 + 0.25), "cospi": (*TINY, 0.5, 1.0, 1e6 + 0.25),
    "tanpi": (*TINY, 0.25, 0.75), "exp10": (0.0, 22.0, -300.0), "exp2m1": (*TINY, 0.9, 1.1, -50.0),
    "entr": (*TINY[1:], 0.5, 20.0),
}
# fmt: on


def test_every_row_is_in_the_table() -> None:
    for row in stable.ROWS:
        assert PRIMITIVES[row.name] is row
        assert row.name in POINTS or row.arity > 1


@pytest.mark.parametrize("order", range(5))
@pytest.mark.parametrize("name", POINTS)
def test_no_digits_are_lost(name: str, order: int) -> None:
    system = system_of(getattr(math, name)(x), ("x",))
    nodes = system.outputs.nodes if order == 0 else tensor_of(system, order).nodes
    for value in POINTS[name]:
        with mpmath.workdps(800):
            (expected,) = in_mpmath(system.graph, nodes, {"x": value})
        (got,) = in_float(system.graph, nodes, {"x": value})
        if abs(expected) > 1e308:
            assert got == (inf if expected > 0 else -inf)
            continue
        error = abs(mpmath.mpf(got) - expected)
        assert error <= 128 * 2.0**-52 * abs(expected) + 1e-307, (value, got, float(expected))


@pytest.mark.parametrize(
    ("expr", "point", "expected"),
    [
        (math.logaddexp(x, y), {"x": 1e3, "y": 1e3}, [0.5, 0.5]),
        (math.logaddexp(x, y), {"x": 800.0, "y": -800.0}, [1.0, 0.0]),
        (math.logaddexp(x, y), {"x": inf, "y": 0.0}, [1.0, 0.0]),
        (math.xlogy(x, y), {"x": 0.0, "y": 2.0}, [0.6931471805599453, 0.0]),
        (math.xlogy(x, y), {"x": 0.0, "y": 0.0}, [-inf, 0.0]),
        (math.xlog1py(x, y), {"x": 0.0, "y": 1.0}, [0.6931471805599453, 0.0]),
        (math.abs_pow(x, y), {"x": 0.0, "y": 1.5}, [0.0, 0.0]),
        (math.abs_pow(x, y), {"x": 0.0, "y": 0.0}, [0.0, 0.0]),
        (math.sign_pow(x, y), {"x": -2.0, "y": 2.0}, [4.0, -4 * 0.6931471805599453]),
    ],
)
def test_gradients_of_two(expr: Expr, point: dict[str, float], expected: list[float]) -> None:
    assert gradient_at(expr, point) == pytest.approx(expected, rel=4e-16, abs=0)


@pytest.mark.parametrize(
    ("expr", "value", "expected"),
    [
        (math.logaddexp(x, 0), inf, inf),
        (math.logaddexp(x, 0), -inf, 0.0),
        (math.logaddexp(x, -inf), -inf, -inf),
        (math.logaddexp(x, inf), inf, inf),
        (math.logaddexp(x, 0), nan, nan),
        (math.logit(x), 0.0, -inf),
        (math.logit(x), 1.0, inf),
        (math.logit(x), 1.5, nan),
        (math.logit(x), -0.5, nan),
        (math.log1mexp(x), 0.0, -inf),
        (math.log1mexp(x), -inf, 0.0),
        (math.log1mexp(x), 0.5, nan),
        (math.xlogy(0, x), 0.0, 0.0),
        (math.xlogy(0, x), -1.0, 0.0),
        (math.xlogy(0, x), nan, nan),
        (math.xlogy(x, x), 0.0, 0.0),
        (math.entr(x), 0.0, 0.0),
        (math.entr(x), -1.0, -inf),
        (math.sinpi(x), 3.0, 0.0),
        (math.sinpi(x), 2.5, 1.0),
        (math.cospi(x), 2.5, 0.0),
        (math.cospi(x), 3.0, -1.0),
        (math.tanpi(x), 0.5, inf),
        (math.tanpi(x), 1.0, 0.0),
        (math.tanpi(x), 0.25, 1.0),
        (math.sinc(x), 0.0, 1.0),
        (math.cosc(x), 0.0, 0.5),
        (math.logcosh(x), -inf, inf),
        (math.exp10(x), 3.0, 1000.0),
        (math.softsign(x), -1.0, -0.5),
        (math.detach(x), 1.5, 1.5),
    ],
)
def test_special_values(expr: Expr, value: float, expected: float) -> None:
    system = system_of(expr, ("x",))
    (got,) = in_float(system.graph, system.outputs.nodes, {"x": value})
    assert got == expected or (isnan(got) and isnan(expected)), got


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("sinpi", -0.0, -0.0), ("sinpi", 0.0, 0.0), ("sinpi", 3.0, 0.0), ("sinpi", -2.0, -0.0),
        ("sinc_slope", inf, 0.0), ("sinc_slope", -inf, 0.0), ("sinc_slope", nan, nan),
        ("sinc_curvature", -inf, 0.0), ("sinc_curvature", nan, nan), ("cosc_slope", inf, 0.0),
        ("cosc_slope", nan, nan), ("expm1c_slope", inf, inf), ("expm1c_slope", -inf, 0.0),
        ("expm1c_slope", nan, nan), ("log1pc_slope", inf, 0.0), ("log1pc_slope", -1.0, -inf),
        ("log1pc_slope", -1.5, nan), ("log1pc_slope", nan, nan),
    ],
)  # fmt: skip
def test_ends_of_routines(name: str, point: float, expected: float) -> None:
    got = float(values(name, point))
    assert isnan(got) if isnan(expected) else got == expected
    assert isnan(got) or copysign(1, got) == copysign(1, expected)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (1, 9), (9, 700), (700, 717), (-717, -0.9)])
def test_sinhc_within_its_bound(low: float, high: float, rng: np.random.Generator) -> None:
    points = np.concatenate([rng.uniform(low, high, 200), [low, high]])
    assert worst_of_row("sinhc", points)[0] <= PRIMITIVES["sinhc"].ulp
    assert [float(values("sinhc", end)) for end in (inf, -inf)] == [inf, inf]


def test_detach_has_no_derivative() -> None:
    system = system_of(math.detach(x) * x, ("x",))
    assert in_float(system.graph, tensor_of(system, 1).nodes, {"x": 3.0}) == [3.0]


@pytest.mark.parametrize("a", [5.0, -5.0, 7.5, 4.5, -4.5, 0.5, 1e300, 3.0])
@pytest.mark.parametrize("b", [3.0, -3.0, 2.0, 1.0, inf, 5e-324])
def test_ieee_remainder(a: float, b: float) -> None:
    import math as python

    system = system_of(math.ieee_remainder(x, y), ("x", "y"))
    (got,) = in_float(system.graph, system.outputs.nodes, {"x": a, "y": b})
    assert got == python.remainder(a, b)


@pytest.mark.parametrize("a", [1.5, -1.5, 0.0, -0.0, inf, nan])
@pytest.mark.parametrize("b", [2.0, -2.0, 0.0, -0.0, inf, -inf])
def test_copysign(a: float, b: float) -> None:
    system = system_of(math.copysign(x, y), ("x", "y"))
    (got,) = in_float(system.graph, system.outputs.nodes, {"x": a, "y": b})
    assert isnan(got) if isnan(a) else (got, copysign(1, got)) == (copysign(a, b), copysign(1, b))


def test_slope_of_copysign_of_a_subnormal_number() -> None:
    """It is made of signs, as the inverse of a subnormal number overflows."""
    made = sg.compile(
        math.copysign(x, y), [x, y], ["gradient", "hessian"], wrt=[x], jit="never", cache=False
    )
    gradient, hessian = made(np.array([[-1e-310, 2.0], [5e-324, -2.0], [-5e-324, -0.0], [0, 1]]))
    assert np.ravel(gradient).tolist() == [-1, -1, 1, 0]
    assert not np.any(hessian)
