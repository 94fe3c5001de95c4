"""Nonlinear regression: the sum of two exponentials fitted to one data set, then to a thousand.

The model is y = a1 exp(-k1 t) + a2 exp(-k2 t) + c: two radioactive species above a background;
t and y vary per point, the five unknowns are parameters, and the derivatives are by these (wrt).
One data set goes to scipy.optimize.least_squares if SciPy is installed, and to the Gauss-Newton
method below. As parameters may be arrays along the batch, the same function then fits a thousand
data sets at once, and the scatter of the estimates is compared with their covariance
s^2 (J^T J)^-1 and with the true values.

Source: G. A. F. Seber, C. J. Wild, "Nonlinear Regression", Wiley 1989, sections 2.1 and 14.1.

    python examples/regression.py --sets 1000
"""

import argparse
import time

import numpy as np

import symgrad as sg

try:
    from scipy.optimize import least_squares
except ImportError:
    least_squares = None

UNKNOWNS = ("a1", "k1", "a2", "k2", "c")
TRUTH = np.array([5.0, 1.5, 2.0, 0.3, 0.5])
START = np.array([4.0, 1.0, 1.0, 0.2, 0.0])
NOISE = 0.01
TIMES = np.linspace(0, 12, 400)


def compile_residual():
    """The compiled residual and its gradient by the unknowns."""
    residual = "a1*exp(-k1*t) + a2*exp(-k2*t) + c - y"
    return sg.compile(residual, "t y", ["value", "gradient"], parameters=UNKNOWNS, wrt=UNKNOWNS)


def evaluate(fn, unknowns, data):
    """Residuals (sets, times) and gradients (sets, times, 5); unknowns are (sets, 5)."""
    columns = {name: unknowns[:, i : i + 1] for i, name in enumerate(UNKNOWNS)}
    return fn(TIMES, data, **columns)


def fit(fn, data, steps=50):
    """Gauss-Newton for all data sets at once, each with its own Levenberg-Marquardt damping."""
    unknowns, damping = np.tile(START, (len(data), 1)), np.full(len(data), 1e-2)
    r, j = evaluate(fn, unknowns, data)
    cost = np.sum(r**2, axis=1)
    for _ in range(steps):
        normal = np.einsum("stk,stl->skl", j, j)
        slope = np.einsum("stk,st->sk", j, r)
        damped = normal * (1 + damping[:, None, None] * np.eye(5))
        moves = np.linalg.solve(damped, slope[..., None])[..., 0]
        r_new, j_new = evaluate(fn, unknowns - moves, data)
        cost_new = np.sum(r_new**2, axis=1)
        better = cost_new < cost
        unknowns[better] -= moves[better]
        r[better], j[better] = r_new[better], j_new[better]
        done = np.abs(cost - cost_new) < 1e-12 * cost
        cost = np.where(better, cost_new, cost)
        damping *= np.where(better, 0.1, 10)
        if done.all():
            break
    return unknowns, r, j


def covariance(r, j):
    """The estimated covariance of the unknowns of one data set."""
    variance = np.sum(r**2) / (r.size - len(UNKNOWNS))
    return variance * np.linalg.inv(j.T @ j)


def fit_with_scipy(fn, data):
    """The same by SciPy, which asks for residuals and Jacobian in turn."""

    def call(unknowns):
        return fn(TIMES, data, parameters=dict(zip(UNKNOWNS, unknowns, strict=True)))

    return least_squares(
        lambda p: call(p).value, START, jac=lambda p: call(p).gradient, xtol=1e-12, ftol=1e-12
    )


def main(sets=300):
    """Fit simulated data and compare with the truth that made them."""
    rng = np.random.default_rng(3)
    a1, k1, a2, k2, c = TRUTH
    clean = a1 * np.exp(-k1 * TIMES) + a2 * np.exp(-k2 * TIMES) + c
    data = clean + rng.normal(0, NOISE, (sets, TIMES.size))
    fn = compile_residual()

    begin = time.perf_counter()
    evaluate(fn, np.tile(START, (sets, 1)), data)
    seconds = time.perf_counter() - begin
    print(f"first call after compile: {data.size / seconds:,.0f} points per second")

    unknowns, r, j = fit(fn, data)
    deviation = np.sqrt(np.diag(covariance(r[0], j[0])))
    print("first data set:   truth   estimate   standard deviation")
    for name, truth, found, width in zip(UNKNOWNS, TRUTH, unknowns[0], deviation, strict=True):
        print(f"  {name:14} {truth:7.3f} {found:10.5f} {width:12.5f}")
    assert np.all(np.abs(unknowns[0] - TRUTH) < 5 * deviation)
    if least_squares is not None:
        found = fit_with_scipy(fn, data[0])
        gap = np.abs(found.x - unknowns[0]) / deviation
        print(f"SciPy took {found.nfev} evaluations; differs by {gap.max():.1e} deviations")
        assert gap.max() < 1e-4

    # Over many data sets d^T C^-1 d, d the error and C the covariance, has mean 5 and variance 10.
    predicted = np.array([covariance(*pair) for pair in zip(r, j, strict=True)])
    error = unknowns - TRUTH
    distance = np.einsum("sk,sk->s", error, np.linalg.solve(predicted, error[..., None])[..., 0])
    chi = (distance.mean() - 5) / np.sqrt(10 / sets)
    ratio = error.std(axis=0) / np.sqrt(np.einsum("skk->sk", predicted).mean(axis=0))
    print(f"{sets} data sets: scatter over predicted deviation {np.round(ratio, 2)}")
    print(f"mean squared distance {distance.mean():.3f}, {chi:+.2f} deviations from 5")
    assert abs(chi) < 5
    assert np.all(np.abs(ratio - 1) < 5 / np.sqrt(2 * sets))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=1000)
    main(parser.parse_args().sets)
