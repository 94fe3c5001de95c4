from __future__ import annotations

import numpy as np
import pytest

from symgrad.api import build, compile
from symgrad.errors import DerivativeError
from symgrad.products import flattened, product, seed_name

OUTPUTS = ["k*x**2*y", "sin(x)"]
POINTS = np.array([[0.5, 2.0], [1.5, -1.0]])
X, Y = POINTS.T


def function(derivatives, **options):
    return compile(OUTPUTS, "x y", derivatives, parameters="k", jit="never", **options)


def test_all_results_become_outputs_of_one_system():
    flat = flattened(function(["value", "jacobian"]).recipe, 0)
    assert flat.inputs == ("x", "y", "k")
    assert (flat.parameters, flat.shape) == ((), (6,))
    got = build(flat)(np.column_stack([POINTS, [3.0, 3.0]]))
    zero = np.zeros(2)
    want = np.stack([3 * X**2 * Y, np.sin(X), 6 * X * Y, 3 * X**2, np.cos(X), zero], 1)
    np.testing.assert_allclose(got, want, rtol=1e-15)


def test_seeds_become_inputs_under_names_of_their_order():
    flat = flattened(function("vjp").recipe, 4)
    assert flat.inputs[3:] == tuple([seed_name(f"cotangent {i}", 4) for i in range(2)])
    again = flattened(product(flat, "vjp", ["x"], [0, 1]), 5)
    assert again.inputs[5:] == tuple([seed_name(f"cotangent {i}", 5) for i in range(2)])


def test_stored_entries_alone_are_outputs():
    fn = function("jacobian", sparse=True)
    stored = {"jacobian": fn.sparsity["jacobian"].indices}
    flat = flattened(fn.recipe, 0, stored)
    assert flat.shape == (3,)
    fewer = flattened(fn.recipe, 0, {"jacobian": [[1, 0]]})
    got = build(fewer)(np.column_stack([POINTS, [3.0, 3.0]]))
    np.testing.assert_allclose(got[:, 0], np.cos(X), rtol=1e-15)


@pytest.mark.parametrize("parameters", [(), ("k",)])
def test_products_of_chosen_outputs_by_chosen_inputs(parameters):
    flat = flattened(function("value").recipe, 0)
    pulled = build(product(flat, "vjp", ["y", "k"], [0], parameters, batch_axis=-1))
    points = POINTS.T if parameters else np.vstack([POINTS.T, [3.0, 3.0]])
    got = pulled(points, cotangent=[[1.0, 2.0]], **dict.fromkeys(parameters, 3.0))
    np.testing.assert_allclose(got, np.array([1, 2]) * [3 * X**2, X**2 * Y], rtol=1e-15)
    pushed = build(product(flat, "jvp", ["x"], [1, 0], parameters))
    got = pushed(points.T, tangent=[2.0], **dict.fromkeys(parameters, 3.0))
    np.testing.assert_allclose(got, 2 * np.stack([np.cos(X), 6 * X * Y], 1), rtol=1e-15)


def test_a_derivative_without_closed_form_is_refused():
    fn = compile("besselj(a, x)", "a x", "value", jit="never")
    flat = flattened(fn.recipe, 0)
    with pytest.raises(DerivativeError, match="besselj"):
        flattened(product(flat, "vjp", ["a"], [0]), 1)
