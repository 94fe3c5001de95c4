"""Products along directions: tangents and cotangents, a point or the whole batch at a time."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ArgumentError, DtypeError, ShapeError


def same(got, expected):
    np.testing.assert_array_equal(got, expected, strict=True)


def test_products_along_directions(products, rng):
    table, t, c = rng.normal(size=(3, 50, 2))
    x, y = table.T
    jacobian = np.stack([np.stack([y, x], -1), np.stack([2 * x * y, x**2], -1)], 1)
    hessian = np.zeros((50, 2, 2, 2))
    hessian[:, 0] = [[0, 1], [1, 0]]
    hessian[:, 1, 0, 0], hessian[:, 1, 0, 1], hessian[:, 1, 1, 0] = 2 * y, 2 * x, 2 * x
    result = products(table, tangent=t, cotangent=c)
    for got, expected in (
        (result.jvp, np.einsum("pij,pj->pi", jacobian, t)),
        (result.vjp, np.einsum("pij,pi->pj", jacobian, c)),
        (result.hvp, np.einsum("pkij,pk,pj->pi", hessian, c, t)),
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-14)


def test_one_direction_for_the_whole_batch(products, rng):
    table = rng.normal(size=(30, 2))
    t, c = [1.0, -2.0], [0.5, 3.0]
    shared = products(table, tangent=t, cotangent=c)
    full = products(table, tangent=[t] * 30, cotangent=[c] * 30)
    for name in ("vjp", "jvp", "hvp"):
        same(shared[name], full[name])
    one = products(table[0], tangent=t, cotangent=c)
    same(one.hvp, full.hvp[0])


def test_directions_with_points_last():
    fn = sg.compile(["x*y", "x**2*y"], "x y", ["vjp", "jvp"], batch_axis=-1)
    table, t, c = np.random.default_rng(1).normal(size=(3, 2, 4, 5))
    result = fn(table, tangent=t, cotangent=c)
    assert result.jvp.shape == (2, 4, 5)
    x, y = table
    np.testing.assert_allclose(result.vjp[0], y * c[0] + 2 * x * y * c[1], rtol=1e-14)
    np.testing.assert_allclose(result.jvp[0], y * t[0] + x * t[1], rtol=1e-14)


def test_the_cotangent_of_one_expression_is_a_number_a_point():
    fn = sg.compile("x**2*y", "x y", ["vjp", "hvp"])
    table = np.array([[3.0, 5.0], [1.0, 2.0]])
    with pytest.raises(ArgumentError, match="cotangent= is missing"):
        fn(table, tangent=[1, 0])
    result = fn(table, tangent=[1, 0], cotangent=[2.0, 10.0])
    same(result.vjp, np.array([[60.0, 18.0], [40.0, 10.0]]))
    same(result.hvp, np.array([[10.0, 6.0], [4.0, 2.0]]))
    same(fn(table, tangent=[1, 0], cotangent=2.0).vjp[0], result.vjp[0])


def test_the_hvp_of_one_expression_takes_no_cotangent():
    fn = sg.compile("x**2*y", "x y", "hvp")
    same(fn([3.0, 5.0], tangent=[1.0, 0.0]), np.array([10.0, 6.0]))
    with pytest.raises(ArgumentError, match="cotangent= is given, but no result needs it"):
        fn([3.0, 5.0], tangent=[1.0, 0.0], cotangent=1.0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"cotangent": [1, 1]}, ArgumentError, r"tangent= is missing; .*\(2,\)"),
        ({"tangent": [1, 1]}, ArgumentError, r"cotangent= is missing; .*\(2,\)"),
        ({"tangent": [1, 1, 1], "cotangent": [1, 1]}, ShapeError, r"tangent .*\(3,\); \(5, 2\)"),
        ({"tangent": np.ones((4, 2)), "cotangent": [1, 1]}, ShapeError, r"tangent .*\(5, 2\)"),
        ({"tangent": [1j, 1], "cotangent": [1, 1]}, DtypeError, "tangent has dtype complex128"),
    ],
    ids=["no tangent", "no cotangent", "columns", "points", "dtype"],
)
def test_a_wrong_direction_is_refused(products, options, error, message):
    with pytest.raises(error, match=message):
        products(np.ones((5, 2)), **options)
