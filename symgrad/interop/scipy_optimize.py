"""``fn.scipy()``: the functions that ``scipy.optimize`` asks for, of a formula's free variables.

SciPy varies a vector and knows no batches. So the names of the formula are divided anew: those that
were given values are data, the others the variables. Numbers are shared by all points of the data,
arrays are the points. ``fun`` and its derivatives are sums over the points, made in the kernel;
``residual`` keeps every point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse

from symgrad.errors import ArgumentError, ShapeError
from symgrad.ir.recipe import Recipe
from symgrad.ir.system import Request
from symgrad.runtime.arrays import Array, as_array, points_from_columns
from symgrad.runtime.function import CompiledFunction

FIRST = (Request("value", "tensor", 0), Request("first", "tensor", 1))
SECOND = (Request("second", "tensor", 2),)
ALONG = (Request("along", "hvp"),)


class ScipyFunctions:
    """What ``scipy.optimize`` asks for; ``fn.scipy()`` makes it.

    Every function takes the values of ``variables`` as a vector x of shape (n,). Value and first
    derivative come from one kernel: a call for the derivative at the x of the last value is free.

    For ``minimize``, where the formula is one expression f: the sum of f over the data's points.

    - ``fun(x)``: the value, a float.
    - ``jac(x)``: the gradient, shape (n,).
    - ``hess(x)``: the Hessian, shape (n, n).
    - ``hessp(x, p)``: the Hessian times p, shape (n,), without the Hessian.

    For ``least_squares`` and ``root``: all M outputs, of every point of the data.

    - ``residual(x)``: shape (M,).
    - ``residual_jac(x)``: shape (M, n).

    Where the function was compiled with ``sparse=True``, ``hess`` and ``residual_jac`` are SciPy's
    CSR arrays.

    Attributes:
        variables: the names whose values x holds, in order: inputs, then parameters.
    """

    def __init__(
        self,
        recipe: Recipe,
        values: Mapping[str, Any],
        build: Callable[[Recipe], CompiledFunction],
    ) -> None:
        """Divide the names of a recipe into data, which have values, and variables.

        Raises:
            ArgumentError: a name is unknown, or none is left to vary.
            ShapeError: the data's arrays do not broadcast.
        """
        names = (*recipe.inputs, *recipe.parameters)
        for name in values:
            if name not in names:
                raise ArgumentError(
                    f"{name!r} is no name of this function; it has {', '.join(names)}"
                )
        self.variables = tuple([name for name in names if name not in values])
        if not self.variables:
            raise ArgumentError(
                "every name has a value, and nothing is left to vary; leave out the names that "
                "SciPy is to find"
            )
        dtype = np.dtype(recipe.options["dtype"])
        given = {
            name: as_array(repr(name), values[name], dtype) for name in names if name in values
        }
        points = {name: array for name, array in given.items() if array.ndim}
        batch, _ = points_from_columns(tuple(points), tuple(points.values()))
        self._points = {
            name: np.broadcast_to(array, batch).reshape(-1) for name, array in points.items()
        }
        self._numbers = {name: array for name, array in given.items() if not array.ndim}
        self._recipe, self._build = recipe, build
        self._kernels: dict[Any, CompiledFunction] = {}
        self._last: dict[str | None, tuple[bytes, Any]] = {}

    def fun(self, x: Any) -> float:
        """The value: a number, the sum over the data's points.

        Raises:
            ArgumentError: the function has several outputs.
        """
        return float(self._first("sum", x).value)

    def jac(self, x: Any) -> Array:
        """The gradient of ``fun``, shape (n,)."""
        return _double(self._derivative("sum", x))

    def hess(self, x: Any) -> Any:
        """The Hessian of ``fun``, shape (n, n)."""
        kernel, made = self._call(SECOND, "sum", x)
        return kernel.to_scipy("second", made) if kernel.signature.sparsity else _double(made)

    def hessp(self, x: Any, p: Any) -> Array:
        """The Hessian of ``fun`` times a vector, shape (n,)."""
        _, made = self._call(ALONG, "sum", x, tangent=self._vector(p, "p"))
        return _double(made)

    def residual(self, x: Any) -> Array:
        """All outputs at every point of the data, shape (M,)."""
        return _double(self._first(None, x).value).reshape(-1)

    def residual_jac(self, x: Any) -> Any:
        """The Jacobian of ``residual``, shape (M, n)."""
        made, n = self._derivative(None, x), len(self.variables)
        kernel = self._kernel(FIRST, None)
        if kernel.signature.sparsity:
            # The points' matrices below each other, without a loop over them.
            blocks = kernel.to_scipy("first", made, block_diagonal=True)
            parts = (blocks.data, blocks.indices % n, blocks.indptr)
            return scipy.sparse.csr_array(parts, (blocks.shape[0], n))
        return _double(made).reshape(-1, n)

    def _first(self, reduce: str | None, x: Any) -> Any:
        """Value and first derivative; the latter is kept for a call at the same x."""
        vector = self._vector(x)
        _, made = self._call(FIRST, reduce, vector)
        self._last[reduce] = (vector.tobytes(), made)
        return made

    def _derivative(self, reduce: str | None, x: Any) -> Any:
        """The first derivative, handed out once: SciPy may write into it."""
        key, made = self._last.pop(reduce, (b"", None))
        if made is None or key != self._vector(x).tobytes():
            _, made = self._call(FIRST, reduce, x)
        return made.first

    def _vector(self, x: Any, name: str = "x") -> Array:
        vector = np.asarray(x, np.float64)
        if vector.shape != (len(self.variables),):
            raise ShapeError(
                f"{name} has shape {vector.shape}; ({len(self.variables)},) is needed, for "
                f"{', '.join(self.variables)}"
            )
        return vector

    def _call(
        self, requests: Sequence[Request], reduce: str | None, x: Any, **named: Any
    ) -> tuple[CompiledFunction, Any]:
        """A kernel and what it gives at x."""
        vector = self._vector(x)
        kernel = self._kernel(tuple(requests), reduce)
        if not self._points:
            return kernel, kernel(vector, parameters=self._numbers or None, **named)
        # Not by keyword: a formula's names may be those of arguments, as "out".
        values = {**self._numbers, **dict(zip(self.variables, vector, strict=True))}
        return kernel, kernel(*self._points.values(), parameters=values, **named)

    def _kernel(self, requests: tuple[Request, ...], reduce: str | None) -> CompiledFunction:
        key = (requests, reduce)
        if key not in self._kernels:
            if reduce and self._recipe.shape != ():
                raise ArgumentError(
                    f"fun is one expression, and this function has outputs of shape "
                    f"{self._recipe.shape}; take residual and residual_jac, for least_squares or "
                    "root"
                )
            self._kernels[key] = self._build(self._rewritten(requests, reduce))
        return self._kernels[key]

    def _rewritten(self, requests: tuple[Request, ...], reduce: str | None) -> Recipe:
        """The recipe whose points are those of the data, or one that is x."""
        options = {**self._recipe.options, "batch_axis": 0, "target": "cpu", "engine": None}
        points, numbers = tuple(self._points), tuple(self._numbers)
        return replace(
            self._recipe,
            inputs=points or self.variables,
            parameters=(*self.variables, *numbers) if points else numbers,
            wrt=self.variables,
            requests=requests,
            options={
                **options,
                "reduce": reduce if points else None,
                "sparse": options["sparse"] and (requests, reduce) != (FIRST, "sum"),
            },
        )


def _double(array: Any) -> Array:
    """Numbers as SciPy computes with them."""
    return np.asarray(array, np.float64)
