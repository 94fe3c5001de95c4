"""The incomplete beta function: errors in ulp, ends, derivatives, SymPy's two forms."""

from __future__ import annotations

from math import inf, isnan, nan
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.functions import math as functions
from symgrad.ir.expression import variables
from tests.expressions import close, in_mpmath, system_of, tensor_of
from tests.functions.special.measured import in_ulp, values, worst_of_row


@pytest.mark.parametrize("high", [5, 60])
@pytest.mark.parametrize("name", ["betainc", "betaincc", "beta_density"])
def test_value(name: str, high: float, rng: np.random.Generator) -> None:
    a, b = rng.uniform(0.1, high, (2, 40))
    x = rng.uniform(0, 1, 40)
    scale = None if name == "beta_density" else lambda a, b, x: 1e-3
    error, point = worst_of_row(name, a, b, x, scale=scale)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


def test_tails_keep_their_digits(rng: np.random.Generator) -> None:
    a, b, x = rng.uniform(0.5, 8, 30), rng.uniform(0.5, 30, 30), 10.0 ** rng.uniform(-12, -2, 30)
    assert worst_of_row("betainc", a, b, x)[0] <= PRIMITIVES["betainc"].ulp
    assert worst_of_row("betaincc", b, a, 1 - np.ldexp(1.0, -rng.integers(8, 40, 30)))[0] <= 10


def tail(a: Any, b: Any, x: Any) -> Any:
    """I_x(a, b) by the series NIST DLMF 8.17.8, whose terms are positive."""
    term = total = mpmath.mpf(1)
    n = 0
    while term > total * mpmath.mpf(10) ** -45:
        term = term * x * (a + b + n) / (a + 1 + n)
        total += term
        n += 1
    logs = mpmath.loggamma(a + b) - mpmath.loggamma(a + 1) - mpmath.loggamma(b)
    return total * mpmath.exp(logs + a * mpmath.log(x) + b * mpmath.log1p(-x))


LARGE = [
    (46746.177920756905, 29097.36596947168, 0.616301025391304),
    (13835.055485414001, 504274.79042994604, 0.026709993964114446),
    (1918.0051711322592, 25284.542621565713, 0.07056227083153324),
    (4096.728777847806, 1048.9772321008675, 0.7951858298893603),
    (6.660335671763157, 335.3515062305709, 0.021245427352576538),
    (3213.4809056108206, 28190.23850781925, 0.1023374059007769),
    (96288.49153187993, 278681.158731075, 0.2568077367727014),
    (112474.25365960856, 43417.71162056509, 0.7214764726277589),
    (372254.190571719, 82396.96576835771, 0.8187584988883474),
]
SMALL = [
    (0.01102772627433602, 451.6189615150338, 0.0008197106926836317),
    (0.03395196419723223, 5784.22684634547, 3.377152698208222e-06),
    (0.034788973694362985, 800.8437659715512, 4.234001584851331e-05),
    (0.42034911651190954, 0.8901170406789509, 0.0017783636774815204),
    (0.568124002795317, 52.402308400005964, 0.025481770987186594),
    (1e-9, 0.25, 0.375), (0.75, 3.0, 0.125), (1e-6, 1e-3, 0.25), (0.3, 7.0, 0.1),
]  # fmt: skip


@pytest.mark.parametrize("point", LARGE)
def test_large_exponents_around_the_mean(point: tuple[float, float, float]) -> None:
    """Where the terms of the continued fraction, as a sum, cancel."""
    with mpmath.workdps(50):
        exact = tail(*map(mpmath.mpf, point))
        assert in_ulp(float(values("betainc", *point)), exact) <= 8
        assert in_ulp(float(values("betaincc", *point)), 1 - exact) <= 8


@pytest.mark.parametrize("a", [2.0**13, 2.0**29, 2.0**45])
def test_the_median_of_equal_exponents(a: float) -> None:
    """I_(1/2)(a, a) is 1/2, and a deviation beyond it that of the normal distribution."""
    assert float(values("betainc", a, a, 0.5)) == pytest.approx(0.5, rel=4e-16)
    beyond = float(values("betainc", a, a, 0.5 + 0.5 / np.sqrt(2 * a)))
    assert beyond == pytest.approx(0.8413447460685429, rel=0.1 / a + 1e-15)


@pytest.mark.parametrize("point", SMALL)
def test_small_exponents_beyond_the_mean(point: tuple[float, float, float]) -> None:
    """1 less a value near 1, with all digits: at both ends of the interval."""
    a, b, x = point
    with mpmath.workdps(50):
        exact = 1 - tail(*map(mpmath.mpf, point))
        assert in_ulp(float(values("betaincc", a, b, x)), exact) <= 8
        turned = 1.0 - x
        if 1.0 - turned == x:
            assert in_ulp(float(values("betainc", b, a, turned)), exact) <= 8


@pytest.mark.parametrize(
    "point",
    [
        (40.0, 30.0, 4e-9), (40.0, 30.0, 2.4e-9), (6.5, 7.0, 1e-58), (0.4, 0.7, 1e-303),
        (1e-9, 2.0, 4e-313), (700.0, 0.5, 0.36),
    ],
)  # fmt: skip
def test_the_density_where_it_is_a_double_but_x_times_it_is_not(point: tuple[float, ...]) -> None:
    error, _ = worst_of_row("beta_density", *np.array([point]).T)
    assert error <= PRIMITIVES["beta_density"].ulp, f"{error} ulp"


def same(got: float, expected: float) -> bool:
    return bool(got == expected or (isnan(got) and isnan(expected)))


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("betainc", (2.0, 3.0, 0.0), 0.0), ("betainc", (2.0, 3.0, 1.0), 1.0),
        ("betaincc", (2.0, 3.0, 0.0), 1.0), ("betaincc", (2.0, 3.0, 1.0), 0.0),
        ("betainc", (2.0, 3.0, 1.5), nan), ("betainc", (2.0, 3.0, -0.5), nan),
        ("betainc", (-2.0, 3.0, 0.5), nan), ("betainc", (nan, 3.0, 0.5), nan),
        ("betainc", (2.0, 3.0, nan), nan),
        ("beta_density", (1.0, 2.0, 0.0), 2.0), ("beta_density", (0.5, 1.0, 0.0), inf),
        ("beta_density", (2.0, 3.0, 1.0), 0.0), ("beta_density", (0.0, 2.0, 0.5), 0.0),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: tuple[float, ...], expected: float) -> None:
    assert same(float(values(name, *point)), expected)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives(order: int, digits: int) -> None:
    x = variables("x")
    system = system_of(functions.betainc(2, 3, x), ("x",))
    for at in (0.0, 0.25, 1.0):
        (got,) = in_mpmath(system.graph, tensor_of(system, order).nodes, {"x": at})
        polynomial = [12 * mpmath.mpf(at) * (1 - at) ** 2, 12 - 48 * at + 36 * at**2, 72 * at - 48]
        assert close(got, polynomial[order - 1], 1e-40)


def test_kernel_of_both_forms_of_sympy() -> None:
    text = ["betainc(2, 3, x/2, x)", "betainc_regularized(2, 3, 0, x)", "betainc(2, 3, x)"]
    got = sg.compile(text, ["x"], "value", cache=False)(np.array([0.4])).tolist()[0]
    exact = [mpmath.betainc(2, 3, 0.2, 0.4), mpmath.betainc(2, 3, 0, 0.4, regularized=True)]
    assert got == pytest.approx([float(exact[0]), float(exact[1]), float(exact[1])], rel=2e-15)
