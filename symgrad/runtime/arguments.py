"""Signature: what a kernel takes and gives; and the arguments of a call as columns over points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError, ShapeError
from symgrad.ir.messages import shorten
from symgrad.ir.program import Group
from symgrad.ir.program import Result as ResultSpec
from symgrad.runtime.arrays import (
    Columns,
    as_array,
    parameter_columns,
    points_from_columns,
    points_from_table,
    result_shape,
)
from symgrad.runtime.reduction import Reduction
from symgrad.runtime.result import Result
from symgrad.runtime.sparsity import Sparsity

CALL = frozenset({
    *("parameters", "tangent", "cotangent", "out", "accumulate", "workers", "executor"),
    *("on_chunk", "stream", "devices"),
})  # fmt: skip
"""Keywords that mean something in every call, and so no input or parameter of that name."""


@dataclass(frozen=True)
class Signature:
    """What a kernel takes and gives, for one point.

    Attributes:
        inputs: names that vary per point.
        parameters: names shared by a batch.
        wrt: names of the derivative directions.
        groups: the kernel's argument groups in order.
        results: the kernel's results in order.
        output_shape: S, the shape of the outputs.
        dtype: of every array.
        batch_axis: 0 (points first) or -1 (points last).
        single: hand out the only result itself instead of a Result.
        sparsity: of every sparse result, by name.
        reduction: how results are summed over the points of a batch; None where they are not.
    """

    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    wrt: tuple[str, ...]
    groups: tuple[Group, ...]
    results: tuple[ResultSpec, ...]
    output_shape: tuple[int, ...]
    dtype: str
    batch_axis: int
    single: bool
    sparsity: Mapping[str, Sparsity] = field(default_factory=dict)
    reduction: Reduction | None = None

    @cached_property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The dtype of every array."""
        return np.dtype(self.dtype)


def arguments(
    signature: Signature,
    points: tuple[Any, ...],
    named: Mapping[str, Any],
    tangent: Any,
    cotangent: Any,
) -> tuple[tuple[int, ...], list[Columns]]:
    """The batch shape, and the columns of every argument group.

    Args:
        signature: of the function that is called.
        points: what the call has by position.
        named: what it has by name: parameters, and inputs where ``points`` is empty.
        tangent: the direction of "jvp" and "hvp".
        cotangent: the weights of the outputs of "vjp" and "hvp".

    Raises:
        ArgumentError: something is missing, unknown or not needed.
        ShapeError: an array's shape does not fit.
        DtypeError: an array cannot become the function's dtype.
    """
    values = dict(named)
    batch: tuple[int, ...]
    if not points:
        points = inputs_by_name(signature, values)
    check_call(signature, points, values, {"tangent": tangent, "cotangent": cotangent})
    if len(points) == 1:
        batch, columns = _single(signature, points[0])
    else:
        batch, columns = _separate(signature, points)
    groups = []
    for group in signature.groups:
        if group.name == "inputs":
            groups.append(columns)
        elif group.name == "parameters":
            groups.append(_parameters(signature, values, batch))
        else:
            value = tangent if group.name == "tangent" else cotangent
            groups.append(_direction(signature, group.name, value, batch))
    return batch, groups


def check_call(
    signature: Signature,
    points: Sequence[Any],
    named: Mapping[str, Any],
    directions: Mapping[str, Any],
) -> None:
    """Refuse a call that has too much or too little, by position or by name.

    Args:
        signature: of the function that is called.
        points: the points, in one or as many as there are inputs.
        named: the parameters.
        directions: "tangent" and "cotangent"; None where they are not given.

    Raises:
        ArgumentError: something is missing, unknown or not needed.
    """
    inputs, names = signature.inputs, signature.parameters
    if len(points) not in (1, len(inputs)):
        raise ArgumentError(
            f"{len(points)} arrays given; give one of shape (*batch, {len(inputs)}) or "
            f"{len(inputs)}, for {', '.join(inputs)}"
        )
    for name in names:
        if name not in named:
            raise missing_parameter(name)
    for name in named:
        if name not in names:
            also = " and once by position" if name in inputs else ""
            known = ", ".join(names) or "none"
            raise ArgumentError(f"{name!r} is no parameter{also}; the parameters are: {known}")
    wanted = [group.name for group in signature.groups]
    for name, value in directions.items():
        if value is None and name in wanted:
            shape = direction_shape(signature, name)
            raise ArgumentError(f"{name}= is missing; its shape is (*batch, *{shape})")
        if value is not None and name not in wanted:
            raise ArgumentError(f"{name}= is given, but no result needs it")


def inputs_by_name(signature: Signature, values: dict[str, Any]) -> tuple[Any, ...]:
    """The inputs in order, taken out of values by name.

    Raises:
        ArgumentError: one is missing.
    """
    for name in signature.inputs:
        if name not in values:
            cure = f"the inputs are {signature.inputs}"
            if name in CALL:
                cure = (
                    f"{name}= has a meaning in every call: give the inputs in a dict, fn({{...}})"
                )
            raise ArgumentError(f"input {name!r} is missing; {cure}")
    return tuple([values.pop(name) for name in signature.inputs])


def unpacked(signature: Signature, points: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs that a call has by position, where that may be one dict by name.

    Raises:
        ArgumentError: one is missing or unknown.
    """
    if len(points) != 1 or not isinstance(points[0], dict):
        return points
    values = by_name(points[0])
    found = inputs_by_name(signature, values)
    for name in values:
        raise ArgumentError(f"{name!r} is no input; the inputs are {signature.inputs}")
    return found


def by_name(values: Mapping[Any, Any]) -> dict[str, Any]:
    """What a dict has by names or symbols, by names.

    Raises:
        ArgumentError: two keys have the same name.
    """
    named = {str(name): value for name, value in values.items()}
    if len(named) < len(values):
        raise ArgumentError(f"a dict names an entry twice: {shorten(str(list(values)))}")
    return named


def columns_by_title(signature: Signature, points: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs, where a call has one table (pandas, polars, Arrow, NumPy records) with them all.

    Its other columns are left alone; a table that has no input is an array like another.

    Raises:
        ArgumentError: as in ``titled``.
    """
    columns = titled(signature.inputs, points[0]) if len(points) == 1 else None
    return points if columns is None else tuple(columns)


def titled(names: Sequence[str], table: Any) -> list[Any] | None:
    """The columns of a table by their titles; None where it is no table or has none of them.

    Raises:
        ArgumentError: the table has some of the names and lacks others, one title names several
            columns, they cannot be read, or a field of records holds several numbers and another
            does not.
    """
    titles = getattr(table, "column_names", getattr(table, "columns", None))
    if titles is None:
        titles = getattr(getattr(table, "dtype", None), "names", None)
    titles = list(titles) if isinstance(titles, Iterable) else []
    counts = {name: titles.count(name) for name in names}
    if not any(counts.values()):
        return None
    for name, count in counts.items():
        if count != 1:
            said = shorten(str(titles))
            raise ArgumentError(
                f"a table has {count or 'no'} columns titled {name!r}; its titles are {said}"
            )
    try:
        columns = [table[name] for name in names]
    except TypeError as error:  # a plan of a table, as polars' LazyFrame
        raise ArgumentError(f"a {type(table).__name__} gives no columns ({error})") from error
    if len({getattr(column, "ndim", 1) for column in columns}) > 1:
        raise ArgumentError(
            "a table's columns have different numbers of axes; give one number a row"
        )
    return columns


def missing_parameter(name: str) -> ArgumentError:
    """What a call without a parameter is told."""
    given = f"parameters={{{name!r}: ...}}" if name in CALL else f"{name}=..."
    return ArgumentError(f"parameter {name!r} is missing; pass {given}")


def _single(signature: Signature, value: Any) -> tuple[tuple[int, ...], Columns]:
    array = as_array("X", value, signature.numpy_dtype)
    return points_from_table("X", array, len(signature.inputs), signature.batch_axis)


def _separate(signature: Signature, points: Sequence[Any]) -> tuple[tuple[int, ...], Columns]:
    pairs = zip(signature.inputs, points, strict=True)
    arrays = [as_array(f"input {name!r}", value, signature.numpy_dtype) for name, value in pairs]
    return points_from_columns(signature.inputs, arrays)


def _parameters(signature: Signature, values: Mapping[str, Any], batch: tuple[int, ...]) -> Columns:
    names = signature.parameters
    arrays = {n: as_array(f"parameter {n!r}", values[n], signature.numpy_dtype) for n in names}
    return parameter_columns(names, arrays, batch)


def parameter_values(signature: Signature, values: Any) -> dict[str, Any]:
    """The parameters of a dict, of a table or of an array of shape (p,) or (*batch, p), by name.

    Raises:
        ShapeError: the array has no axis with an entry for every parameter.
    """
    if values is None:
        return {}
    if isinstance(values, Mapping):
        return by_name(values)
    names = signature.parameters
    columns = titled(names, values)
    if columns is not None:
        return dict(zip(names, columns, strict=True))
    array = as_array("parameters", values, signature.numpy_dtype)
    axis = -1 if signature.batch_axis == 0 else 0
    if array.ndim == 0 or array.shape[axis] != len(names):
        wanted = f"({len(names)},) or (*batch, {len(names)})"
        raise ShapeError(f"parameters has shape {array.shape}; {wanted} is needed")
    return dict(zip(names, np.moveaxis(array, axis, 0), strict=True))


def merged_parameters(
    signature: Signature, values: Any, named: Mapping[str, Any]
) -> dict[str, Any]:
    """The parameters of ``parameters=`` and those by keyword.

    Raises:
        ArgumentError: one is given twice.
        ShapeError: as in ``parameter_values``.
    """
    given = parameter_values(signature, values)
    for name in given.keys() & named.keys():
        raise ArgumentError(f"{name!r} is given twice: in parameters= and as a keyword")
    return {**given, **named}


def given_results(signature: Signature, out: Any, accumulate: bool) -> dict[str, Any] | None:
    """What ``out=`` has for every result, unchecked; None where it is not given.

    Raises:
        ArgumentError: a result is missing, or there is more; or nothing to accumulate into.
    """
    names = [result.name for result in signature.results]
    if out is None:
        if accumulate:
            raise ArgumentError("accumulate=True adds into out=; give it")
        return None
    if isinstance(out, Result):
        out = out.as_dict()
    if not isinstance(out, Mapping):
        if len(names) != 1:
            raise ArgumentError(f"out must be a dict with an array for each of {', '.join(names)}")
        out = {names[0]: out}
    if set(out) != set(names):
        raise ArgumentError(f"out has {', '.join(map(str, out))}; {', '.join(names)} is needed")
    return dict(out)


def direction_is_shared(
    signature: Signature, name: str, shape: tuple[int, ...], batch: tuple[int, ...]
) -> bool:
    """Whether a tangent or cotangent is one vector for the whole batch, and not one per point.

    Raises:
        ShapeError: it is neither.
    """
    whole = direction_shape(signature, name)
    if shape == whole and batch != ():
        return True
    wanted = result_shape(whole, batch, signature.batch_axis)
    if shape != wanted:
        raise ShapeError(f"{name} has shape {tuple(shape)}; {wanted} is needed")
    return False


def direction_shape(signature: Signature, name: str) -> tuple[int, ...]:
    """The shape of a tangent or cotangent of one point."""
    return signature.output_shape if name == "cotangent" else (len(signature.wrt),)


def _direction(signature: Signature, name: str, value: Any, batch: tuple[int, ...]) -> Columns:
    array = as_array(name, value, signature.numpy_dtype)
    size = prod(direction_shape(signature, name))
    if direction_is_shared(signature, name, array.shape, batch):
        return Columns(array.reshape(1, size))
    if signature.batch_axis == 0:
        return Columns(array.reshape(-1, size))
    return Columns(array.reshape(size, -1).T)
