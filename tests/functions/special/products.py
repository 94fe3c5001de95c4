"""What the derivatives of gamma, beta, rising factorials and binomials are, over mpmath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
from mpmath import beta, binomial, gamma, psi, rf


def rise(x: Any, step: Any, order: int = 0) -> Any:
    """What a polygamma function gains by a step."""
    return psi(order, x + step) - psi(order, x)


# fmt: off
PRODUCTS: dict[str, Callable[..., Any]] = {
    "gamma": mpmath.gamma,
    "gamma_slope": lambda x: gamma(x) * psi(0, x),
    "gamma_curvature": lambda x: gamma(x) * (psi(0, x) ** 2 + psi(1, x)),
    "beta_a": lambda a, b: -beta(a, b) * rise(a, b),
    "beta_b": lambda a, b: -beta(a, b) * rise(b, a),
    "beta_aa": lambda a, b: beta(a, b) * (rise(a, b) ** 2 - rise(a, b, 1)),
    "beta_bb": lambda a, b: beta(a, b) * (rise(b, a) ** 2 - rise(b, a, 1)),
    "beta_aaa": lambda a, b: beta(a, b) * (
        3 * rise(a, b) * rise(a, b, 1) - rise(a, b) ** 3 - rise(a, b, 2)),
    "beta_bbb": lambda a, b: beta(a, b) * (
        3 * rise(b, a) * rise(b, a, 1) - rise(b, a) ** 3 - rise(b, a, 2)),
    "beta_ab": lambda a, b: beta(a, b) * (rise(a, b) * rise(b, a) - psi(1, a + b)),
    "rising_x": lambda x, k: rf(x, k) * rise(x, k),
    "rising_k": lambda x, k: rf(x, k) * psi(0, x + k),
    "rising_xx": lambda x, k: rf(x, k) * (rise(x, k) ** 2 + rise(x, k, 1)),
    "rising_xk": lambda x, k: rf(x, k) * (rise(x, k) * psi(0, x + k) + psi(1, x + k)),
    "rising_kk": lambda x, k: rf(x, k) * (psi(0, x + k) ** 2 + psi(1, x + k)),
    "binomial_n": lambda n, k: binomial(n, k) * rise(n - k + 1, k),
    "binomial_k": lambda n, k: binomial(n, k) * rise(k + 1, n - 2 * k),
    "binomial_nn": lambda n, k: binomial(n, k) * (rise(n - k + 1, k) ** 2
                                                  + rise(n - k + 1, k, 1)),
    "binomial_nk": lambda n, k: binomial(n, k) * (rise(n - k + 1, k) * rise(k + 1, n - 2 * k)
                                                  + psi(1, n - k + 1)),
    "binomial_kk": lambda n, k: binomial(n, k) * (rise(k + 1, n - 2 * k) ** 2
                                                  - psi(1, n - k + 1) - psi(1, k + 1)),
}
# fmt: on
