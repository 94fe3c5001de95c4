"""Hypergeometric functions: errors in ulp by region, ends, derivatives by z and parameters."""

from __future__ import annotations

from fractions import Fraction
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
from tests.functions.special.measured import oracle_of, values, worst_of_row

WIDE, BELOW, TWENTY = (-3, 4), (0.4, 5), (-20, 20)
COUNT = 20

REGIONS: list[tuple[str, list[tuple[float, float]], float]] = [
    ("hyp0f1", [BELOW, (-50, 200)], 1),
    ("hyp1f1", [WIDE, BELOW, (-30, 30)], 3),
    ("hyp1f1", [(0.3, 20), (0.4, 20), (-100, 100)], 4),
    ("hyp1f1", [(0.3, 20), (0.4, 20), (-900, -100)], 8),
    ("hyp1f1", [(0.3, 20), (0.4, 20), (100, 600)], 8),
    ("hyp2f1", [WIDE, (-3, 3), BELOW, (-0.5, 0.8)], 1),
    ("hyp2f1", [(0.3, 2), (0.3, 2), BELOW, (-4, -0.5)], 4),
    ("hyp2f1", [(0.2, 0.4), (0.6, 0.8), BELOW, (-1e4, -4)], 4),
    ("hyp2f1", [(0.2, 0.4), (0.6, 0.8), (1.3, 1.5), (0.8, 0.999999)], 4),
    ("hyp2f1", [TWENTY, TWENTY, TWENTY, (-4, 1)], 8),
    ("hyp3f2", [WIDE, (-3, 3), BELOW, BELOW, BELOW, (-0.8, 0.8)], 1),
    ("hyp1f2", [WIDE, BELOW, BELOW, (-20, 30)], 1),
    ("hyp2f2", [WIDE, (-3, 3), BELOW, BELOW, (-8, 30)], 1),
]


@pytest.mark.parametrize(("name", "ranges", "bound"), REGIONS)
def test_value(
    name: str, ranges: list[tuple[float, float]], bound: float, rng: np.random.Generator
) -> None:
    points = [rng.uniform(low, high, COUNT) for low, high in ranges]
    error, point = worst_of_row(name, *points)
    assert error <= bound, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize(
    ("name", "point"),
    [
        # b - a is no double, and its rounding counts
        ("hyp1f1", (15.505984582370484, 3.514263125652863, -82.45710715256291)),
        ("hyp1f1", (11.068573297557801, 3.0828802478009343, -97.93348280708709)),
        # gamma functions, powers and exponentials of large z
        ("hyp1f1", (0.4481255168204208, 4.740231811960423, -485.77051502749913)),
        ("hyp1f1", (0.5178736233001033, 4.82304657910280, 261.9210487165824)),
        ("hyp1f1", (16.5, 1.0, 635.1023906718149)),
        ("hyp1f1", (16.0, -2.5, -800.0)),
        # the difference of two large parts near 1, c - a - b nearly whole or large
        ("hyp2f1", (5.04880129603373, 6.169690296493528, 14.729151623620432, -9.811782796226991)),
        ("hyp2f1", (5.327805247113631, 13.45439235117614, 18.046814781255648, 0.9339197500819199)),
        ("hyp2f1", (1.0, 1.0, 2.0 + 2.0**-50, 0.99)), ("hyp2f1", (0.5, 0.5, 1.0 + 1e-9, 0.999)),
        ("hyp2f1", (2.0, 3.0 + 1e-12, 4.0, 0.9375)), ("hyp2f1", (1.5, 2.5 - 1e-7, 3.0, -1e6)),
        # zeros of high order at 1
        ("hyp2f1", (-14.0, 9.0, 9.0, 0.9999999999999848)),
        ("hyp2f1", (7.5, -3.5, 6.5, 0.9999999999980991)),
        ("hyp2f1", (-11.5, 11.0, -12.5, -224982081225906.84)),
        # one part is nearly lost beside the other
        ("hyp2f1", (20.0, -11.999999999992337, 0.7077017712621929, 0.9994881587216159)),
        ("hyp2f1", (13.124051200467115, 16.0, -14.75, -0.45821382399836463)),
        ("hyp2f1", (-4.0000001, 11.0, -17.75, 0.9999999999998)),
        ("hyp2f1", (0.25, 0.75, 1.0, 1.0 - 2.0**-53)), ("hyp2f1", (0.25, 0.75, 1.0, -1e200)),
    ],
)  # fmt: skip
def test_points_that_lost_digits(name: str, point: tuple[float, ...]) -> None:
    error, _ = worst_of_row(name, *(np.array([value]) for value in point))
    assert error <= 8, f"{error} ulp"


def test_waves(rng: np.random.Generator) -> None:
    """Of the amplitude gamma(b) (-z)^(1/4 - b/2)/sqrt(pi) (NIST DLMF 10.7.8), up to z = -1e12."""

    def amplitude(b: Any, z: Any) -> Any:
        return abs(mpmath.gamma(b)) * (-z) ** (0.25 - b / 2) / mpmath.sqrt(mpmath.pi)

    b = np.concatenate([rng.uniform(-20, 20, 60), rng.integers(1, 20, 20) + 0.5])
    z = -(10 ** rng.uniform(2.5, 12, b.size))
    error, point = worst_of_row("hyp0f1", b, z, scale=amplitude)
    assert error <= 8, f"at {point}: {error} ulp"


@pytest.mark.parametrize("z", [1e3 + 0.3, 2.0**40 + 0.5, 1e15])
def test_waves_of_large_arguments_keep_their_phase(z: float, digits: int) -> None:
    """0F1(; 1/2; -z^2/4) = cos(z), where 2 sqrt(-z) rounded would be another angle."""
    square = 0.25 * z * z  # rounded once more, and exact from here on
    expected = float(mpmath.cos(2 * mpmath.sqrt(mpmath.mpf(square))))
    assert float(values("hyp0f1", 0.5, -square)) == pytest.approx(expected, rel=0, abs=1e-15)


@pytest.mark.parametrize("scale", [-1e4, 1.0])
def test_logarithmic_cases(scale: float, rng: np.random.Generator) -> None:
    """Whole parameters, where c - a - b is whole as well."""
    parameters = [rng.integers(1, 5, COUNT).astype(float) for _ in range(3)]
    z = scale * rng.uniform(0.93, 0.9999, COUNT)
    error, point = worst_of_row("hyp2f1", *parameters, z)
    assert error <= 4, f"at {point}: {error} ulp"


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("hyp0f1", (2.0, 0.0), 1.0), ("hyp0f1", (0.0, 1.0), nan), ("hyp0f1", (2.0, nan), nan),
        ("hyp1f1", (1.5, 2.5, 0.0), 1.0), ("hyp1f1", (-2.0, 1.0, 2.0), -1.0),
        ("hyp1f1", (1.0, -1.0, 2.0), nan), ("hyp1f1", (nan, 1.0, 2.0), nan),
        ("hyp1f1", (-1.0, -3.0, 6.0), 3.0), ("hyp1f1", (2.0, 1.0, 1000.0), inf),
        ("hyp2f1", (1.0, 2.0, 3.0, 0.0), 1.0), ("hyp2f1", (1.0, 2.0, 3.0, 1.5), nan),
        ("hyp2f1", (-2.0, 1.0, 1.0, 3.0), 4.0), ("hyp2f1", (1.0, -2.0, 1.0, -9.0), 100.0),
        ("hyp2f1", (1.0, 1.0, 3.0, 1.0), 2.0), ("hyp2f1", (1.0, 1.0, -2.0, 0.5), nan),
        ("hyp2f1", (-1.0, 1.0, -2.0, 4.0), 3.0), ("hyp2f1", (1.0, 2.0, 3.0, nan), nan),
        ("hyp2f1", (-1.0, 1.0, -2.0, 0.9375), 1.46875), ("hyp2f1", (0.5, 0.5, 1.0, 1.0), nan),
        ("hyp2f1", (17.0, 0.0, -19.75, 0.9), 1.0), ("hyp2f1", (0.5, nan, 1.0, 0.9), nan),
        ("hyp0f1", (2.0, -inf), 0.0), ("hyp1f1", (1.0, 2.0, -inf), 0.0),
        ("hyp3f2", (1.0, 2.0, 3.0, 4.0, 5.0, 1.0), nan),
        ("hyp1f1", (1.9, 1.97, inf), inf), ("hyp1f1", (1.97, 1.9, inf), inf),
        ("hyp1f1", (1.9, 1.97, 1e20), inf), ("hyp1f1", (-0.5, 1.9, inf), -inf),
        ("hyp1f1", (2.0, 2.0, -inf), 0.0), ("hyp1f1", (3.0, 1.0, -inf), 0.0),
        ("hyp1f1", (-1.5, 2.2, -inf), inf), ("hyp1f1", (0.0, 1.5, inf), 1.0),
        ("hyp0f1", (2.0, inf), inf), ("hyp1f2", (0.5, 2.0, 1.5, inf), inf),
        ("hyp0f1", (inf, -3.0), 1.0), ("hyp1f1", (1.5, inf, -9.0), 1.0),
        ("hyp2f1", (1.5, 2.5, inf, -9.0), 1.0), ("hyp2f2", (1.5, 2.5, 1.0, inf, 2.0), 1.0),
        ("hyp2f1", (1.5, 2.5, inf, 1.5), nan), ("hyp0f1", (inf, nan), nan),
        ("hyp2f1", (0.5, 2.5, 1.25, -inf), 0.0), ("hyp2f1", (-0.5, 2.5, 1.25, -inf), inf),
        ("hyp2f1", (-0.5, 2.5, -1.25, -inf), -inf), ("hyp2f1", (2.5, 1e-6, 1.25, -inf), 0.0),
        ("hyp2f1", (-0.5, 2.5, -0.5, -inf), 0.0), ("hyp2f1", (-0.5, -2.5, 1.25, -inf), -inf),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: tuple[float, ...], expected: float) -> None:
    got = float(values(name, *point))
    assert got == pytest.approx(expected, rel=4e-15) or (isnan(got) and isnan(expected))


@pytest.mark.parametrize(
    ("name", "arguments", "position"),
    [
        ("hyp0f1", (1.5, -3.0), 0), ("hyp1f1", (0.75, 1.625, 2.0), 0),
        ("hyp1f1", (0.75, 1.625, -2.0), 1),
        ("hyp1f1", (0.75, 1.625, -2.0), 0), ("hyp2f1", (0.75, 1.625, 2.25, 0.6), 0),
        ("hyp2f1", (0.75, 1.625, 2.25, -3.0), 0), ("hyp2f1", (0.75, 1.625, 2.25, -3.0), 1),
        ("hyp2f1", (0.75, 1.625, 2.25, -3.0), 2), ("hyp2f1", (0.75, 1.625, 2.25, -3.0), 3),
        ("hyp3f2", (0.75, 1.625, 1.125, 2.25, 0.875, 0.3), 4),
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives(
    name: str, arguments: tuple[float, ...], position: int, order: int, digits: int
) -> None:
    x = variables("x")
    # Fractions stay exact, floats would round where they meet.
    given = [x if i == position else Fraction(v) for i, v in enumerate(arguments)]
    system = system_of(getattr(functions, name)(*given), ("x",))
    (got,) = in_mpmath(system.graph, tensor_of(system, order).nodes, {"x": arguments[position]})
    oracle = oracle_of(name)

    def along(value: Any) -> Any:
        return oracle(*[value if i == position else v for i, v in enumerate(arguments)])

    expected = mpmath.diff(along, mpmath.mpf(arguments[position]), order)
    assert close(got, expected, 1e-25)


def test_kernel() -> None:
    """F(1, b; 2; 1/3) = (1 - (2/3)^(1 - b))/((1 - b)/3), and its derivatives by b."""
    b = variables("b")
    made = sg.compile(
        functions.hyp2f1(1, b, 2, 1 / 3), [b], ["value", "gradient", "hessian"], cache=False
    )
    points = np.array([-1.5, 0.37, 0.9, 2.5, 7.0])
    got = made(points)
    third = mpmath.mpf(1 / 3)

    def exact(at: Any) -> Any:
        return (1 - (1 - third) ** (1 - at)) / ((1 - at) * third)

    for index, at in enumerate(points.tolist()):
        for order, result in enumerate(("value", "gradient", "hessian")):
            expected = float(mpmath.diff(exact, mpmath.mpf(at), order))
            assert float(np.ravel(got[result])[index]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("suffix", ["slope", "curvature"])
@pytest.mark.parametrize(
    ("name", "ranges"),
    [
        ("hyp0f1", [BELOW, (-50, 50)]), ("hyp1f1", [(0.3, 4), BELOW, (-30, 30)]),
        ("hyp2f1", [(0.3, 4), (0.3, 2), BELOW, (-4, 0.99)]),
        ("hyp1f2", [(0.3, 3), BELOW, BELOW, (-6, 6)]),
        ("hyp2f2", [(0.3, 3), (0.2, 2), BELOW, BELOW, (-4, 4)]),
    ],
)  # fmt: skip
def test_derivatives_by_z(
    name: str, suffix: str, ranges: list[tuple[float, float]], rng: np.random.Generator
) -> None:
    row = f"{name}_{suffix}"
    given = [rng.uniform(low, high, 12) for low, high in ranges]
    error, point = worst_of_row(row, *given)
    assert error <= PRIMITIVES[row].ulp, f"{row} at {point}: {error} ulp"


@pytest.mark.parametrize("z", [-40.0, -10.0, -1.0, 5.0])
def test_mixed_derivatives_of_kummer(z: float) -> None:
    a, b, x = variables("a b x")
    wanted = {"az": (a, x), "bz": (b, x), "azz": (a, x, x)}
    made = sg.compile(functions.hyp1f1(a, b, x), [a, b, x], wanted, cache=False)
    got = made(np.array([[0.7, 2.3, z]]))
    orders = {"az": (1, 0, 1), "bz": (0, 1, 1), "azz": (1, 0, 2)}
    with mpmath.workdps(60):
        for name, times in orders.items():
            exact = mpmath.diff(mpmath.hyp1f1, (mpmath.mpf(0.7), mpmath.mpf(2.3), z), times)
            found = float(np.ravel(getattr(got, name))[0])
            assert found == pytest.approx(float(exact), rel=1e-12, abs=0), name
