"""Certified nonlinear regressions: our Jacobian leads to the certified digits from both starts."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import leastsq

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
    """Levenberg-Marquardt, then Gauss-Newton steps by QR; the point before the smallest step.

    The first steps are bounded in several ways, as one bound or another leads out of the valley of
    some model, and near the minimum steps may shrink slowly and not at every step.
    """
    found = min(
        (_levenberg_marquardt(model, start, bound) for bound in (100.0, 1.0, 0.1)),
        key=lambda b: np.nan_to_num(np.sum(model(b)[0] ** 2), nan=np.inf),
    )
    best, smallest, taken = found, np.inf, 0
    for step in range(200):
        residual, jacobian = model(found)
        scale = np.linalg.norm(jacobian, axis=0)
        q, r = np.linalg.qr(jacobian / scale)
        change = np.linalg.solve(r, q.T @ residual) / scale
        size = np.max(np.abs(change / found))
        if size < smallest:
            best, smallest, taken = found, size, step
        if step - taken == 10:
            break
        found = found - change
    return best


def _levenberg_marquardt(model: Model, start: Array, bound: float) -> Array:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # tolerances below what rounding allows
        return leastsq(
            lambda b: model(b)[0],
            start,
            Dfun=lambda b: model(b)[1],
            factor=bound,
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
            maxfev=5000,
        )[0]


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
    data = np.array(case.raw["data"])
    rounding = len(data) * (8 * np.finfo(float).eps * np.max(np.abs(data[:, 0]))) ** 2
    rss = float(published["rss"])
    assert residual @ residual == pytest.approx(rss, rel=1e-9, abs=rounding)
    covariance = np.linalg.inv(jacobian.T @ jacobian) * rss / (len(data) - len(case.wrt))
    errors = np.array([float(published["std_err"][name]) for name in case.wrt])
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), errors, rtol=1e-6)
