"""PyTorch as an oracle: a System's value on torch tensors, and its derivatives by ``torch.func``.

The value is evaluated function by function from the graph; every derivative is torch's own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import MissingDependencyError
from symgrad.ir.arithmetic import Number
from symgrad.ir.evaluate import Arithmetic, evaluate, numpy_arithmetic
from symgrad.ir.primitive import Primitive
from symgrad.ir.system import Request, System

try:
    import torch
except ImportError as error:
    raise MissingDependencyError(
        "PyTorch is not installed; install it with: pip install symgrad[torch]"
    ) from error

Tensor = Any
Function = Callable[[Tensor], Tensor]

OVERRIDES: dict[str, Callable[..., Tensor]] = {
    "cbrt": lambda x: torch.sign(x) * torch.abs(x) ** (1 / 3),
    "lt": torch.lt,
    "le": torch.le,
    "eq": torch.eq,
    "ne": torch.ne,
    "and": torch.logical_and,
    "or": torch.logical_or,
    "not": torch.logical_not,
}
"""Rows to which the table gives no name of torch's."""


def torch_arithmetic(table: Mapping[str, Primitive]) -> Arithmetic:
    """Arithmetic on float64 tensors: the rows of ``table`` under the names torch has for them."""
    exact = numpy_arithmetic().number
    functions: dict[str, Callable[..., Tensor]] = {}
    for name, row in table.items():
        found: Any = torch if row.names.torch else None
        for part in (row.names.torch or "").split("."):
            found = getattr(found, part, None)
        if found is not None:
            functions[name] = found

    def number(value: Number | str) -> Tensor:
        return torch.tensor(float(exact(value)), dtype=torch.float64)

    def power(base: Tensor, exponent: int | Fraction) -> Tensor:
        if exponent == Fraction(1, 2):
            return torch.sqrt(base)
        if exponent == -1:
            return 1 / base
        return base if exponent == 1 else base ** float(exponent)

    return Arithmetic(number, power, functions | OVERRIDES)


def derivatives(
    system: System,
    request: Request,
    sample: Mapping[str, NDArray[Any]],
    tangent: Sequence[str] = (),
    cotangent: Sequence[str] = (),
) -> NDArray[Any]:
    """One result of a system at every point, differentiated by torch.

    Args:
        system: outputs, inputs and what to differentiate by.
        request: the wanted result.
        sample: name -> values of shape (N,).
        tangent: names in ``sample`` of the direction's entries, for "jvp" and "hvp".
        cotangent: names in ``sample`` of the outputs' weights, for "vjp" and "hvp"; none where
            there is one output of weight 1.

    Returns:
        Shape (N, entries), in float64.

    Raises:
        UnknownFunctionError: torch has no such function, and the row no expansion.
    """
    arithmetic = torch_arithmetic(system.graph.table)
    tensors = {name: torch.tensor(np.array(values, float)) for name, values in sample.items()}
    made = []
    with warnings.catch_warnings():
        # Of torch about itself: slow batching rules, and its own use of torch.jit.script.
        warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        for k in range(len(next(iter(sample.values())))):
            point = {name: values[k] for name, values in tensors.items()}
            x = torch.stack([point[name] for name in system.wrt])
            result = partial(_value, system, arithmetic, point)
            if request.kind in ("vjp", "hvp"):
                given = [point[name] for name in cotangent]
                weights = torch.stack(given or [torch.tensor(1.0, dtype=torch.float64)])
                result = partial(_pulled, result, weights)
            if request.kind in ("jvp", "hvp"):
                direction = torch.stack([point[name] for name in tangent])
                result = partial(_along, result, direction)
            made.append(_derived(request, result)(x).reshape(-1).detach().numpy())
    return np.stack(made)


def _value(
    system: System, arithmetic: Arithmetic, point: Mapping[str, Tensor], x: Tensor
) -> Tensor:
    """All outputs, shape (m,), as a function of the variables of differentiation."""
    values = {**point, **{name: x[i] for i, name in enumerate(system.wrt)}}
    return torch.stack(evaluate(system.graph, system.outputs.nodes, values, arithmetic))


def _derived(request: Request, result: Function) -> Function:
    """The partial derivatives that a request of kind "tensor", "partial" or "normal" names."""
    if request.kind == "normal":
        return partial(_normal, request.order, result)
    for order in range(request.order if request.kind == "tensor" else 0):
        # Forward over reverse, as torch.func.hessian does.
        result = torch.func.jacfwd(result) if order else torch.func.jacrev(result)
    for index in request.indices:
        result = partial(_along_axis, result, index)
    return result


def _normal(order: int, result: Function, x: Tensor) -> Tensor:
    """r.r, J^T r or J^T J of the outputs r and their Jacobian J."""
    value = result(x)
    left = torch.func.jacrev(result)(x) if order else value
    right = torch.func.jacrev(result)(x) if order == 2 else value
    return left.T @ right


def _along_axis(function: Function, index: int, x: Tensor) -> Tensor:
    return _along(function, torch.eye(len(x), dtype=torch.float64)[index], x)


def _along(function: Function, tangent: Tensor, x: Tensor) -> Tensor:
    return torch.func.jvp(function, (x,), (tangent,))[1]


def _pulled(function: Function, weights: Tensor, x: Tensor) -> Tensor:
    return torch.func.vjp(function, x)[1](weights)[0]
