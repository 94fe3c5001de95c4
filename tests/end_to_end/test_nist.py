"""Certified nonlinear regressions: our Jacobian leads to the certified digits from both starts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import least_squares

import symgrad as sg
from tests.cases import NEEDS_CASES, Array, Case, load

pytestmark = NEEDS_CASES

DIGITS = 9

Model = Callable[[Array], tuple[Array, Array]]


def residual_and_jacobian(case: Case) -> Model:
    """The function b -> (model - data, its Jacobian), compiled once, parameters shared."""
    predictors = case.raw["predictors"]
    data = np.array(case.raw["data"])
    fn = sg.compile(
        case.outputs[0],
        predictors,
        ["value", "gradient"],
        parameters=case.wrt,
        wrt=case.wrt,
        cache=False,
    )

    def model(b: Array) -> tuple[Array, Array]:
        value, jacobian = fn(data[:, 1:], parameters=dict(zip(case.wrt, b, strict=True)))
        return value - data[:, 0], jacobian

    return model


def fit(model: Model, start: Array) -> Array:
    """Levenberg-Marquardt, then Gauss-Newton steps by QR as long as they shrink."""
    found = least_squares(
        lambda b: model(b)[0],
        start,
        jac=lambda b: model(b)[1],
        method="lm",
        x_scale="jac",
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
        max_nfev=5000,
    ).x
    before = np.inf
    for _ in range(50):
        residual, jacobian = model(found)
        scale = np.linalg.norm(jacobian, axis=0)
        q, r = np.linalg.qr(jacobian / scale)
        step = np.linalg.solve(r, q.T @ residual) / scale
        size = np.max(np.abs(step / found))
        if size >= before:
            break
        found, before = found - step, size
    return found


def digits(got: Array, certified: Array) -> float:
    """How many significant digits agree, at the worst."""
    return float(-np.log10(np.max(np.abs(got / certified - 1)) + 1e-16))


@pytest.mark.parametrize("start", ["start1", "start2"])
@pytest.mark.parametrize("case", load("nist_strd"), ids=lambda case: case.id)
def test_certified_digits(case: Case, start: str) -> None:
    model = residual_and_jacobian(case)
    published = case.raw["published"]
    certified = np.array([float(published["certified"][name]) for name in case.wrt])
    found = fit(model, np.array([case.raw[start][name] for name in case.wrt]))
    assert digits(found, certified) >= DIGITS
    residual, jacobian = model(found)
    rss = float(residual @ residual)
    assert rss == pytest.approx(float(published["rss"]), rel=1e-9)
    covariance = np.linalg.inv(jacobian.T @ jacobian) * rss / published["dof"]
    errors = np.array([float(published["std_err"][name]) for name in case.wrt])
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), errors, rtol=1e-6)
