"""The incomplete beta function: errors in ulp, ends, derivatives, SymPy's two forms."""

from __future__ import annotations

from math import inf, isnan, nan

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.functions import math as functions
from symgrad.ir.expression import variables
from tests.expressions import close, in_mpmath, system_of, tensor_of
from tests.functions.special.measured import values, worst_of_row


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
