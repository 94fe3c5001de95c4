"""Both branches of Lambert's W: errors in ulp, the branch point, ends, derivatives."""

from __future__ import annotations

from math import exp, inf, isnan, nan

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import FormulaError
from symgrad.functions import PRIMITIVES
from symgrad.functions import math as functions
from symgrad.ir.expression import variables
from tests.expressions import close, in_mpmath, system_of, tensor_of
from tests.functions.special.measured import in_ulp, values, worst_of_row

START = -0.36787944117144233
NAMES = ("lambertw", "lambertw_offset", "lambertw_minus", "lambertw_minus_offset")


@pytest.mark.parametrize("name", NAMES)
def test_value(name: str, rng: np.random.Generator) -> None:
    near = START * (1 - 10.0 ** rng.uniform(-15, 0, 80))
    points = np.concatenate([near, -(10.0 ** rng.uniform(-300, -0.5, 60))])
    if "minus" not in name:
        points = np.concatenate([points, 10.0 ** rng.uniform(-300, 300, 60), rng.uniform(0, 9, 60)])
    error, point = worst_of_row(name, points)
    assert error <= PRIMITIVES[name].ulp, f"{name} at {point}: {error} ulp"


@pytest.mark.parametrize("name", ["lambertw_minus", "lambertw_minus_offset"])
def test_the_lower_branch_of_subnormal_numbers(name: str) -> None:
    """x/w has few digits there, or none."""
    points = -np.array([5e-324, 1.5e-323, 1.34e-321, 1e-320, 3e-310, 9e-301, 1.1e-300])
    error, point = worst_of_row(name, points)
    assert error <= 1, f"{name} at {point}: {error} ulp"


def same(got: float, expected: float) -> bool:
    return bool(got == expected or (isnan(got) and isnan(expected)))


@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("lambertw", START, -1.0), ("lambertw", -0.4, nan), ("lambertw", 0.0, 0.0),
        ("lambertw", -0.0, -0.0), ("lambertw", inf, inf), ("lambertw", -inf, nan),
        ("lambertw", nan, nan), ("lambertw", 2.718281828459045, 1.0), ("lambertw", 5e-324, 5e-324),
        ("lambertw_minus", START, -1.0), ("lambertw_minus", 0.0, -inf),
        ("lambertw_minus", -0.4, nan), ("lambertw_minus", 1.0, nan), ("lambertw_minus", nan, nan),
        ("lambertw_offset", START, 0.0), ("lambertw_minus_offset", START, 0.0),
        ("lambertw_offset", 0.0, 1.0),
    ],
)  # fmt: skip
def test_exact_values(name: str, point: float, expected: float) -> None:
    got = float(values(name, point))
    assert same(got, expected)
    assert np.signbit(got) == np.signbit(expected) or isnan(got) or name.endswith("offset")


def test_derivatives_at_zero_are_those_of_the_tree_function(digits: int) -> None:
    """W(x) = sum of (-k)^(k-1) x^k/k! (NIST DLMF 4.13.5): derivatives 1, -2, 9, -64."""
    x = variables("x")
    system = system_of(functions.lambertw(x), ("x",))
    for order, expected in enumerate((1, -2, 9, -64), 1):
        (got,) = in_mpmath(system.graph, tensor_of(system, order).nodes, {"x": 0.0})
        assert close(got, expected, 1e-40)


@pytest.mark.parametrize("branch", [0, -1])
def test_kernel(branch: int, rng: np.random.Generator) -> None:
    """The slope keeps its digits next to the branch point."""
    x = variables("x")
    name = "lambertw" if branch == 0 else "lambertw_minus"
    made = sg.compile(
        getattr(functions, name)(x), [x], ["value", "gradient", "hessian"], cache=False
    )
    points = START * (1 - 10.0 ** rng.uniform(-12, -1, 40))
    got = made(points)
    with mpmath.workdps(40):
        for at, slope, second in zip(
            points.tolist(), np.ravel(got.gradient).tolist(), np.ravel(got.hessian).tolist(),
            strict=True,
        ):  # fmt: skip
            w = mpmath.lambertw(mpmath.mpf(at), branch).real
            first = mpmath.exp(-w) / (1 + w)
            assert abs(slope / first - 1) < 4e-15, at
            exact = -first * first * (w + 2) / (1 + w)
            assert abs(second / exact - 1) < 2e-14, at
    assert float(np.ravel(made(np.array([1.0])).value)[0]) != exp(1) or branch == 0


@pytest.mark.parametrize(
    ("branch", "points"),
    [
        (0, [0.0, -0.3, 1e-300, 2.9, 3.1, 1e5, 1e60, 1e250]),
        (-1, [-0.36, -0.2, -1e-3, -1e-40, -1e-140, -0.27, -0.28]),
    ],
)
def test_slopes_of_large_values(branch: int, points: list[float]) -> None:
    """exp(-w) would lose as many digits as w has; the second one has a zero at -2/e^2."""
    x = variables("x")
    name = "lambertw" if branch == 0 else "lambertw_minus"
    made = sg.compile(getattr(functions, name)(x), [x], ["gradient", "hessian"], cache=False)
    got = made(np.array(points))
    with mpmath.workdps(40):
        for at, slope, second in zip(
            points, np.ravel(got.gradient).tolist(), np.ravel(got.hessian).tolist(), strict=True
        ):
            w = mpmath.lambertw(mpmath.mpf(at), branch).real
            first = mpmath.exp(-w) / (1 + w)
            assert in_ulp(slope, first) <= 8, at
            exact = -first * first * (w + 2) / (1 + w)
            assert in_ulp(second, exact, abs(first * first)) <= 16, at


def test_branches_by_name() -> None:
    got = sg.compile(["LambertW(x)", "LambertW(x, -1)"], ["x"], "value", cache=False)(
        np.array([-0.2])
    )
    exact = [float(mpmath.lambertw(-0.2, branch).real) for branch in (0, -1)]
    assert got.tolist()[0] == pytest.approx(exact, rel=4e-16)
    with pytest.raises(FormulaError, match="branches 0 and -1"):
        sg.compile("LambertW(x, 2)", ["x"])


@pytest.mark.parametrize("part", ["slope", "curvature"])
@pytest.mark.parametrize("name", ["lambertw", "lambertw_minus"])
def test_derivatives_keep_their_digits(name: str, part: str, rng: np.random.Generator) -> None:
    points = START * (1 - 10.0 ** rng.uniform(-15, 0, 60))
    if name == "lambertw":
        points = np.concatenate([points, rng.uniform(0, 20, 30), [0.0, 1e-300, 1e150]])
    else:  # a zero of the curvature
        points = np.concatenate([points[np.abs(points + 0.2707) > 0.04], [-1e-100]])
    error, point = worst_of_row(f"{name}_{part}", points)
    assert error <= 8, f"{name}_{part} at {point}: {error} ulp"


def test_ends_of_derivatives() -> None:
    assert values("lambertw_slope", [0.0, inf, START]).tolist() == [1.0, 0.0, inf]
    assert values("lambertw_curvature", [0.0, inf, START]).tolist() == [-2.0, 0.0, -inf]
    assert values("lambertw_minus_slope", [0.0, START]).tolist() == [-inf, -inf]
    assert values("lambertw_minus_curvature", [0.0, START]).tolist() == [-inf, inf]
    for part in ("slope", "curvature"):
        assert np.isnan(values(f"lambertw_{part}", [nan, -1.0])).all()
        assert np.isnan(values(f"lambertw_minus_{part}", [nan, -1.0, 1.0])).all()
