"""Splines: SciPy's values and derivatives, knots exactly, ends, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ArgumentError, LimitError

interpolate = pytest.importorskip("scipy.interpolate")

ORDERS = ["value", 1, 2, 3, 4]
EVEN = np.linspace(-1.0, 2.0, 12)
UNEVEN = np.array([-1.0, -0.75, -0.6, 0.0, 0.1, 0.55, 0.7, 1.3, 1.5, 1.8, 2.0])
GRIDS = pytest.mark.parametrize("x", [EVEN, UNEVEN], ids=["even", "uneven"])


def table(x):
    return np.sin(3 * x) + x**2


def points(x):
    inside = np.random.default_rng(5).uniform(x[0], x[-1], 500)
    near = [x, np.nextafter(x[1:], -9), np.nextafter(x[:-1], 9)]
    return np.concatenate([inside, *near, [x[0] - 0.1, x[-1] + 0.1]])


def compiled(spline, orders=ORDERS):
    arguments = "x" if spline.arity == 1 else "x y"
    formula = f"{spline.name}({', '.join(arguments.split())})"
    return sg.compile(formula, arguments, orders, functions=spline)


def assert_near(got, expected, ulp=64):
    scale = np.spacing(np.abs(expected).max() + 1e-300)
    assert np.abs(np.ravel(got) - np.ravel(expected)).max() <= ulp * scale


@GRIDS
@pytest.mark.parametrize("ends", ["not-a-knot", "natural", "clamped", ((1, 2.0), (2, -3.0))])
def test_cubic_splines_are_those_of_scipy(x, ends):
    expected = interpolate.CubicSpline(x, table(x), bc_type=ends)
    at = points(x)
    for order, got in enumerate(compiled(sg.spline("f", x, table(x), bc_type=ends))(at)):
        assert_near(got, expected(at, order), 64 * 4**order)
        assert order < 4 or not np.any(got)


@GRIDS
def test_pchip_and_lines_are_those_of_scipy(x):
    at = points(x)
    expected = interpolate.PchipInterpolator(x, table(x))
    for order, got in enumerate(compiled(sg.spline("f", x, table(x), kind="pchip"))(at)):
        assert_near(got, expected(at, order), 64 * 8**order)
    lines = interpolate.make_interp_spline(x, table(x), k=1)
    for order, got in enumerate(compiled(sg.spline("f", x, table(x), kind="linear"))(at)):
        assert_near(got, lines(at, order))


@GRIDS
def test_knots_are_met_exactly_and_derivatives_join(x):
    fn = compiled(sg.spline("f", x, table(x)), ["value", 1, 2])
    value, slope, bend = (np.ravel(part) for part in fn(x))
    np.testing.assert_array_equal(value, table(x))
    before = [np.ravel(part) for part in fn(np.nextafter(x, -9))]
    for here, there in zip((value, slope, bend), before, strict=True):
        assert_near(here, there, 256)


@pytest.mark.parametrize("n", [2, 3, 7, 8, 9, 17])
@pytest.mark.parametrize("even", [True, False])
def test_every_point_finds_its_interval(n, even):
    """With the knots' numbers as values a line's slope and value say which interval it is."""
    x = np.arange(n) * 0.1 if even else np.cumsum(np.arange(1.0, n + 1) ** 2)
    fn = compiled(sg.spline("f", x, np.arange(n), kind="linear"), ["value", 1])
    at = np.concatenate([x, np.nextafter(x[1:], -9), np.nextafter(x[:-1], 1e9)])
    value, slope = fn(at)
    place = np.clip(np.searchsorted(x, at, side="right") - 1, 0, n - 2)
    np.testing.assert_array_equal(slope.ravel(), (1 / np.diff(x))[place])
    np.testing.assert_allclose(value, np.interp(at, x, np.arange(n)), rtol=1e-15, atol=1e-14)


def test_extrapolation():
    x, at = EVEN, np.array([-2.0, -1.0, 0.3, 2.0, 2.5])
    inside = (at >= x[0]) & (at <= x[-1])
    usual = [np.ravel(v) for v in compiled(sg.spline("f", x, table(x)))(at)]
    clamped = [np.ravel(v) for v in compiled(sg.spline("f", x, table(x), extrapolate="clamp"))(at)]
    for mode in ("nan", False):
        cut = compiled(sg.spline("f", x, table(x), extrapolate=mode))(at)
        for all_of_it, got in zip(usual[:4], list(cut)[:4], strict=True):
            np.testing.assert_array_equal(np.ravel(got), np.where(inside, all_of_it, np.nan))
    ends = table(np.clip(at, x[0], x[-1]))
    np.testing.assert_array_equal(clamped[0], np.where(inside, usual[0], ends))
    for order in (1, 2, 3):
        np.testing.assert_array_equal(clamped[order], np.where(inside, usual[order], 0))


@pytest.mark.parametrize("extrapolate", ["polynomial", "nan", "clamp"])
@pytest.mark.parametrize("kind", ["cubic", "linear"])
def test_nan_stays_nan(kind, extrapolate):
    top = 2 if kind == "linear" else 4
    fn = compiled(sg.spline("f", EVEN, EVEN, kind=kind, extrapolate=extrapolate), ORDERS[:top])
    for part in fn(np.array([np.nan, 0.5])):
        assert np.isnan(part.ravel()).tolist() == [True, False]


GRID = (np.linspace(0, 1, 9), np.linspace(0, 2, 7) ** 1.5)
SURFACE = np.sin(5 * GRID[0])[:, None] * np.cos(2 * GRID[1]) + GRID[0][:, None]


def test_two_variables_are_those_of_scipy():
    expected = interpolate.RectBivariateSpline(*GRID, SURFACE, s=0)
    rng = np.random.default_rng(3)
    x, y = (rng.uniform(axis[0], axis[-1], 300) for axis in GRID)
    fn = compiled(sg.spline("f", GRID, SURFACE), ["value", 1, 2, 3])
    result = fn(np.stack([x, y], axis=-1))
    assert_near(result.value, expected.ev(x, y))
    for i, j in ((1, 0), (0, 1)):
        assert_near(result.order1[:, j], expected.ev(x, y, i, j), 1e3)
    for i, j in ((2, 0), (1, 1), (0, 2)):
        assert_near(result.order2[:, int(i < 2), int(i < 1)], expected.ev(x, y, i, j), 1e4)
    assert_near(result.order3[:, 0, 1, 1], expected.ev(x, y, 1, 2), 1e5)


def test_two_variables_at_knots_and_beyond():
    x, y = np.meshgrid(*GRID, indexing="ij")
    for mode in ("polynomial", "nan", "clamp"):
        fn = compiled(sg.spline("f", GRID, SURFACE, extrapolate=mode), ["value", "gradient"])
        np.testing.assert_array_equal(fn(x, y).value, SURFACE)
    value, gradient = fn([[-1.0, 0.5], [0.5, 9.0], [np.nan, 0.5]])
    edge = fn([[0.0, 0.5], [0.5, GRID[1][-1]]])
    np.testing.assert_array_equal(value[:2], edge.value)
    np.testing.assert_array_equal(gradient[0], [0, edge.gradient[0, 1]])
    np.testing.assert_array_equal(gradient[1], [edge.gradient[1, 0], 0])
    assert np.isnan(value[2])


def test_a_product_of_cubics_is_met_everywhere():
    x, y = np.meshgrid(*GRID, indexing="ij")
    fn = compiled(sg.spline("f", GRID, (x**3 - x) * (y**2 + 1)), ["value", 2])
    at = np.random.default_rng(1).uniform(-0.5, 3, (100, 2))
    value, hessian = fn(at)
    a, b = at.T
    np.testing.assert_allclose(value, (a**3 - a) * (b**2 + 1), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(hessian[:, 0, 1], (3 * a**2 - 1) * 2 * b, rtol=1e-9, atol=1e-9)


def test_value_and_derivatives_share_the_search():
    fn = compiled(sg.spline("f", UNEVEN, table(UNEVEN)))
    counts = fn.operations.counts
    assert counts["f__interval_x"] == counts["f__x"] == 1
    assert counts["f__table"] == 4


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_splines_are_parts_of_formulas(dtype):
    f = sg.spline("f", UNEVEN, table(UNEVEN))
    fn = sg.compile("f(x*y)**2", "x y", ["value", "gradient", "hessian"], functions=f, dtype=dtype)
    report = sg.check(fn, against="mpmath", ranges={"x": (-0.9, 1.2), "y": (0.5, 1.5)})
    assert report, str(report)
    assert {row.oracle for row in report.rows} == {"mpmath", "difference"}


@pytest.mark.parametrize("target", ["c", "numba"])
def test_readable_source_holds_the_table(target):
    text = compiled(sg.spline("f", EVEN, table(EVEN)), ["value", 1]).source(target)
    assert repr(float(table(EVEN)[3])) in text
    assert text.count("sg_0_f__table") > 1


def test_tables_that_are_too_large_for_code():
    with pytest.raises(LimitError, match="1056784 coefficients, 1048576 is the limit"):
        sg.spline("f", (np.arange(257), np.arange(257)), np.zeros((257, 257)))


TABLE = [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("sin", TABLE, TABLE), {}, "'sin' is a function of symgrad already"),
        (("f", TABLE, TABLE[:2]), {}, "as many knots as values"),
        (("f", [1.0], [1.0]), {}, "two or more"),
        (("f", TABLE[::-1], TABLE), {}, "do not increase"),
        (("f", [1.0, 1.0, 2.0], TABLE), {}, "do not increase"),
        (("f", [1.0, np.nan, 2.0], TABLE), {}, "do not increase, or are not finite"),
        (("f", TABLE, [1.0, np.inf, 2.0]), {}, "not all finite"),
        (("f", TABLE, np.zeros((3, 3, 3))), {}, r"values of shape \(3, 3, 3\)"),
        (("f", (TABLE, TABLE), np.zeros((3, 2))), {}, r"shape \(3,\) for 2 values"),
        (("f", "abc", TABLE), {}, "'f' takes arrays of real numbers"),
        (("f", TABLE, [[1.0], [2.0, 3.0], [4.0]]), {}, "'f' takes arrays of real numbers"),
        (("f", TABLE, TABLE), {"kind": "quintic"}, "kind='quintic'"),
        (("f", TABLE, TABLE), {"extrapolate": "mirror"}, "extrapolate='mirror'"),
        (("f", TABLE, TABLE), {"bc_type": "periodic"}, "bc_type='periodic'"),
    ],
)
def test_what_cannot_be_interpolated(arguments, options, message):
    with pytest.raises(ArgumentError, match=message):
        sg.spline(*arguments, **options)
