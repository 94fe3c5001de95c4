"""PyTorch as an oracle: a System's value on torch tensors, and its derivatives by ``torch.func``.

The value is evaluated function by function from the graph; every derivative is torch's own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.differentiate.tensors import COTANGENT, TANGENT, seed_names
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
    system: System, request: Request, sample: Mapping[str, NDArray[Any]]
) -> NDArray[Any]:
    """One result of a system at every point, differentiated by torch.

    Args:
        system: outputs, inputs and what to differentiate by.
        request: the wanted result.
        sample: symbol -> values of shape (N,); tangent and cotangent too, where they are needed.

    Returns:
        Shape (N, entries), in float64.

    Raises:
        UnknownFunctionError: torch has no such function, and the row no expansion.
    """
    arithmetic = torch_arithmetic(system.graph.table)
    tensors = {name: torch.tensor(np.array(values, float)) for name, values in sample.items()}
    made = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)
        for k in range(len(next(iter(sample.values())))):
            point = {name: values[k] for name, values in tensors.items()}
            x = torch.stack([point[name] for name in system.wrt])
            value = partial(_value, system, arithmetic, point)
            made.append(_result(system, request, point, value)(x).reshape(-1).detach().numpy())
    return np.stack(made)


def _value(
    system: System, arithmetic: Arithmetic, point: Mapping[str, Tensor], x: Tensor
) -> Tensor:
    """All outputs, shape (m,), as a function of the variables of differentiation."""
    values = {**point, **{name: x[i] for i, name in enumerate(system.wrt)}}
    return torch.stack(evaluate(system.graph, system.outputs.nodes, values, arithmetic))


def _result(
    system: System, request: Request, point: Mapping[str, Tensor], value: Function
) -> Function:
    """The function of x that gives the wanted result."""
    n, kind = len(system.wrt), request.kind
    result = value
    if kind == "tensor":
        for order in range(request.order):
            # Forward over reverse, as torch.func.hessian does.
            result = torch.func.jacfwd(result) if order else torch.func.jacrev(result)
    elif kind == "partial":
        for index in request.indices:
            result = partial(_along, result, torch.eye(n, dtype=torch.float64)[index])
    if kind in ("vjp", "hvp"):
        names = seed_names(COTANGENT, len(system.outputs.nodes))
        one = torch.tensor(1.0, dtype=torch.float64)
        weights = torch.stack([point.get(name, one) for name in names])
        result = partial(_pulled, value, weights)
    if kind in ("jvp", "hvp"):
        tangent = torch.stack([point[name] for name in seed_names(TANGENT, n)])
        result = partial(_along, result, tangent)
    return result


def _along(function: Function, tangent: Tensor, x: Tensor) -> Tensor:
    return torch.func.jvp(function, (x,), (tangent,))[1]


def _pulled(function: Function, weights: Tensor, x: Tensor) -> Tensor:
    return torch.func.vjp(function, x)[1](weights)[0]
