"""Local scales of the errors of elementary rows: what a derivative is between its zeros."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def sinc_waves(order: int | None = None) -> Callable[..., Any]:
    """The amplitude of the n-th derivative of sin(x)/x, the integral of t^n cos(x t + ...).

    Without an order it is the first argument.
    """

    def scale(k: int, *arguments: Any) -> Any:
        n, x = arguments if order is None else (order, arguments[0])
        return np.where(np.abs(x) > 1, 1 / (np.abs(x) + n + k + 1), 0.0)

    return scale


def cosc_waves(order: int | None = None) -> Callable[..., Any]:
    """The same of (1 - cos x)/x^2, which itself has no waves about 0."""

    def scale(k: int, *arguments: Any) -> Any:
        n, x = arguments if order is None else (order, arguments[0])
        amplitude = 1 / (np.abs(x) + n + k + 1) ** 2
        return np.where((np.abs(x) > 1) & (n + k > 0), amplitude, 0.0)

    return scale


def sech(x: Any) -> Any:
    return 1 / np.cosh(x)


def two_terms(size: Callable[..., Any]) -> Callable[..., Any]:
    """The size of two terms whose difference, a second derivative, has a zero somewhere."""
    return lambda k, *arguments: size(*arguments) if k == 2 else 0.0 * arguments[0]


def of_angle(power: int, first: int = 2) -> Callable[..., Any]:
    """Derivatives that turn with a multiple of the angle of (a, b), by the distance.

    The second ones are as large as the distance to ``power``; ``first`` is where they begin.
    """
    return lambda k, a, b: np.hypot(a, b) ** (power + 2 - k) if k >= first else 0.0 * a


def eighth_of_larger(k: int, a: Any, b: Any) -> Any:
    """Where both arguments move by an eighth, log(exp(a) + exp(b)) changes its sign below this."""
    return np.abs(np.maximum(a, b)) / 8 if k == 0 else 0.0 * a
