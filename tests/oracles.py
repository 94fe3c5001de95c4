"""Independent derivatives of plain Python functions, and how near a kernel has to come to them.

A system is a function ``f(m, x)``: ``m`` supplies sin, exp, sqrt, ... and ``x`` is a sequence of
numbers; it gives one number or a list of them. With ``sg.math`` and Exprs it is traced; here it
is called with mpmath, torch or NumPy. In order of trust: ``mpmath_partial``, ``torch_gradient``,
``complex_step``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np

Array = np.ndarray
Function = Callable[[Any, Sequence[Any]], Any]

# fmt: off
TOLERANCES: dict[str, tuple[float, ...]] = {
    # dtype: relative to the largest entry of an array, by order of differentiation
    "float64": (1e-14, 1e-13, 1e-12, 1e-11, 1e-10),
    "float32": (1e-5,  5e-5,  5e-4,  5e-3,  5e-2),
}
# fmt: on
"""For functions of moderate condition; a matter of formulas, so wider with every order."""


def tolerance(dtype: str, order: int) -> float:
    """The allowed error relative to the largest entry of the same array."""
    return TOLERANCES[dtype][order]


def assert_close(got: Array, want: Array, dtype: str, order: int, what: object = "") -> None:
    """Each point's array is within the tolerance of its own largest entry."""
    got, want = np.asarray(got, float), np.asarray(want, float)
    assert got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}"
    count = len(want)
    error = np.abs(got - want).reshape(count, -1).max(axis=1)
    scale = np.abs(want).reshape(count, -1).max(axis=1)
    worst = int(np.argmax(error - tolerance(dtype, order) * scale))
    assert error[worst] <= tolerance(dtype, order) * scale[worst], (
        f"{what}: off by {error[worst] / scale[worst]:.1e} of the largest entry at point {worst}:\n"
        f"got {got[worst]}\nexpected {want[worst]}"
    )


def mpmath_partial(
    function: Function, point: Sequence[float], indices: Sequence[int], digits: int = 40
) -> list[Any]:
    """A mixed partial derivative of every output, by mpmath's numerical differentiation."""
    with mpmath.workdps(digits):
        at = tuple(mpmath.mpf(float(value)) for value in point)
        orders = tuple(indices.count(i) for i in range(len(at)))
        count = len(outputs(function, mpmath, at))

        def entry(position: int) -> Any:
            return mpmath.diff(lambda *x: outputs(function, mpmath, x)[position], at, orders)

        return [entry(position) for position in range(count)]


def torch_gradient(function: Function, points: Array, order: int = 1) -> Array:
    """All derivatives of an order at every point, shape (N, m, n, ...), by ``torch.func``."""
    import torch

    def value(x: Any) -> Any:
        return torch.stack([torch.as_tensor(y) for y in outputs(function, torch, x)])

    derived = value
    for level in range(order):
        derived = torch.func.jacfwd(derived) if level else torch.func.jacrev(derived)
    rows = torch.tensor(np.asarray(points, float))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # torch's, about itself
        return np.stack([derived(row).detach().numpy() for row in rows])


def complex_step(function: Function, points: Array, step: float = 1e-30) -> Array:
    """First derivatives, shape (N, m, n): Im f(x + ih) / h, exact to rounding for analytic f.

    Squire and Trapp, SIAM Review 40 (1998) 110-112.
    """
    points = np.asarray(points, float)
    columns = []
    for k in range(points.shape[1]):
        moved = points.astype(complex)
        moved[:, k] += 1j * step
        made = outputs(function, np, list(moved.T))
        columns.append(np.stack([np.imag(y) / step for y in made], axis=-1))
    return np.stack(columns, axis=-1)


def outputs(function: Function, module: Any, x: Sequence[Any]) -> list[Any]:
    """What the function gives, always as a list."""
    made = function(module, x)
    return list(made) if isinstance(made, list | tuple) else [made]
