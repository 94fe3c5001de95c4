"""Argument groups of a call on a device: numbers, one row for all points, or an address and a step.

The conventions are those of ``symgrad/runtime/arguments.py``; what differs is that an array can
only be read where it lies, with one step from point to point and one from column to column.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np

from symgrad.errors import ArgumentError, DeviceError, DtypeError, ShapeError
from symgrad.ir.layout import MOST_ADDRESSES, MOST_VALUES, Layout
from symgrad.runtime.arguments import (
    Signature,
    direction_shape,
    inputs_by_name,
    merged_parameters,
    missing_parameter,
)
from symgrad.runtime.arrays import Array, as_array, result_shape
from symgrad.runtime.cuda.accelerator import Accelerator, Devices
from symgrad.runtime.cuda.arrays import Library, Seen, Shape, seen_own, uploaded
from symgrad.runtime.cuda.libraries import FOREIGN, library_of


class Prepared(NamedTuple):
    """An argument group as a kernel takes it.

    Attributes:
        kind: numbers; one row for all points; rows, each of a point; or columns that are arrays
            of their own.
        arguments: the kernel's arguments: the numbers; an address; an address and a step; the
            addresses.
        arrays: what is read, which has to live until then.
    """

    kind: str
    arguments: tuple[Any, ...]
    arrays: tuple[Seen, ...] = ()


@dataclass
class Place:
    """Where a call takes place.

    Attributes:
        signature: of the function.
        device: that computes.
        stream: on which.
        library: of the inputs, which makes the results.
        devices: of the machine.
        libraries: whose arrays are known.
        explicit: whether the user named the stream, and so orders other streams himself.
        used: every array that is read or written, copies and what they are copies of included.
    """

    signature: Signature
    device: Accelerator
    stream: int
    library: Library
    devices: Devices
    libraries: Sequence[Library]
    explicit: bool = False
    used: list[Seen] = field(default_factory=list)

    def see(self, name: str, value: Any) -> Seen | None:
        """An array on this device, in the function's dtype; None for what lies on the host.

        Raises:
            DeviceError: it is on another device.
            DtypeError: it has another dtype.
        """
        library = library_of(value, self.libraries)
        if library is None:
            return None
        if not self.explicit:
            current = library.stream(value)
            if library.keeps and current is not None and current != self.stream:
                self.device.wait(self.stream, self.device.record(current))
        seen = library.see(name, value, self.stream, self.devices)
        if seen.device not in (-1, self.device.index):
            raise DeviceError(
                f"{name} is on GPU {seen.device}, and the points are on GPU {self.device.index}; "
                "move one of them"
            )
        dtype = self.signature.dtype
        if seen.dtype != dtype:
            raise DtypeError(
                f"{name} has dtype {seen.dtype}, and this function computes in {dtype}; convert it "
                f"(in PyTorch .to(torch.{dtype})), or compile with dtype={seen.dtype!r} where that "
                "is float64 or float32"
            )
        if seen.stream is not None and seen.stream != self.stream:
            self.device.wait(self.stream, self.device.record(seen.stream))
        self.used.append(seen)
        return seen

    def own(self, name: str, value: Any) -> Seen:
        """An array that a library made for this call."""
        library = library_of(value, self.libraries)
        assert library is not None
        made = library.see(name, value, self.stream, self.devices)
        self.used.append(made)
        return made

    def contiguous(self, name: str, seen: Seen) -> Seen:
        """The array itself, or a copy by its own library, without gaps."""
        if seen.contiguous:
            return seen
        return self.own(name, seen.library.packed(name, seen, self.stream, self.device))

    def stacked(self, values: Sequence[Seen | float], shape: Shape) -> Seen:
        """Arrays and numbers as the columns of one array over the batch."""
        axis = -1 if self.signature.batch_axis == 0 else 0
        library = next(value.library for value in values if isinstance(value, Seen))
        return self.own("", library.stacked(values, shape, axis, self.device, self.stream))


def given_groups(
    place: Place,
    points: tuple[Any, ...],
    named: Mapping[str, Any],
    parameters: Any,
    tangent: Any,
    cotangent: Any,
) -> tuple[Shape, list[Prepared]]:
    """The batch shape, and every argument group of a call whose points are on a device.

    Raises:
        ArgumentError: something is missing, unknown, not needed, or on the host.
        ShapeError: an array's shape does not fit.
        DtypeError: an array has another dtype.
        DeviceError: an array is on another device.
    """
    signature = place.signature
    values = dict(named)
    batch, inputs = _points(place, points, values)
    whole = place.see("parameters", parameters)
    if whole is None and parameters is not None:
        values = merged_parameters(signature, parameters, values)
    groups = []
    for group in signature.groups:
        if group.name == "inputs":
            groups.append(inputs)
        elif group.name == "parameters":
            if whole is None:
                groups.append(_parameters(place, values, batch))
            else:
                _unknown(signature, values, ())
                row = (len(signature.parameters),)
                groups.append(_direction(place, "parameters", whole, row, batch))
        else:
            value = tangent if group.name == "tangent" else cotangent
            shape = direction_shape(signature, group.name)
            if value is None:
                raise ArgumentError(f"{group.name}= is missing; its shape is (*batch, *{shape})")
            seen = place.see(group.name, value)
            known = seen if seen is not None else as_array(group.name, value, _dtype(place))
            groups.append(_direction(place, group.name, known, shape, batch))
    if not signature.parameters:
        _unknown(signature, values, ())
    for name, value in (("tangent", tangent), ("cotangent", cotangent)):
        if value is not None and all(group.name != name for group in signature.groups):
            raise ArgumentError(f"{name}= is given, but no result needs it")
    return batch, groups


def layout_of(signature: Signature, groups: Sequence[Prepared], accumulate: bool) -> Layout:
    """The layout of a kernel that takes such groups."""
    kinds = [(group.name, made.kind) for group, made in zip(signature.groups, groups, strict=True)]
    return Layout(
        "first" if signature.batch_axis == 0 else "last",
        tuple(name for name, kind in kinds if kind == "values"),
        tuple(name for name, kind in kinds if kind == "shared"),
        accumulate and signature.reduction is None,
        tuple(name for name, kind in kinds if kind == "separate"),
    )


def numbers(values: Sequence[float], dtype: str) -> tuple[Any, ...]:
    """Numbers as a kernel of ``dtype`` takes them."""
    if dtype == "float64":
        return tuple([float(value) for value in values])
    return tuple([ctypes.c_float(value) for value in values])


def step(shape: Shape, strides: Shape) -> int | None:
    """Bytes from one entry to the next of axes seen as one; None where there is no one step."""
    found = None
    after = 0
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size == 1:
            continue
        if found is None:
            found = stride
        elif stride != after:
            return None
        after = stride * size
    return found or 0


def rows(seen: Seen, columns: int, points_first: bool) -> tuple[int, int] | None:
    """Address and step, in entries, of an array; None where a kernel cannot follow its strides.

    Args:
        seen: of shape (*batch, *columns), points first, else (*columns, *batch).
        columns: how many axes the columns have.
        points_first: where the batch axes are.
    """
    if 0 in seen.shape:
        return seen.address, 0
    size = seen.itemsize
    cut = len(seen.shape) - columns if points_first else columns
    first = step(seen.shape[:cut], seen.strides[:cut])
    last = step(seen.shape[cut:], seen.strides[cut:])
    if first is None or last is None or first % size:
        return None
    single = prod(seen.shape[cut:]) == 1
    return (seen.address, first // size) if single or last == size else None


def _dtype(place: Place) -> np.dtype[Any]:
    return place.signature.numpy_dtype


def _points(
    place: Place, points: tuple[Any, ...], values: dict[str, Any]
) -> tuple[Shape, Prepared]:
    """The batch shape and the inputs; those by name are taken out of ``values``."""
    names = place.signature.inputs
    if not points:
        points = inputs_by_name(place.signature, values)
        return _one(place, points[0]) if len(names) == 1 else _separate(place, points)
    if len(points) == 1:
        return _one(place, points[0])
    if len(points) == len(names):
        return _separate(place, points)
    raise ArgumentError(
        f"{len(points)} arrays given; give one of shape (*batch, {len(names)}) or "
        f"{len(names)}, for {', '.join(names)}"
    )


def _one(place: Place, value: Any) -> tuple[Shape, Prepared]:
    """All inputs in one array."""
    seen = place.see("X", value)
    assert seen is not None  # it is what the place was chosen by
    columns, axis = len(place.signature.inputs), place.signature.batch_axis
    first = axis == 0
    shape = seen.shape
    if columns == 1 and len(shape) <= 1:
        return shape, _rows(place, "X", seen, 0)
    if not shape or shape[-1 if first else 0] != columns:
        wanted = f"(*batch, {columns})" if first else f"({columns}, *batch)"
        raise ShapeError(f"X has shape {shape}; {wanted} is needed")
    return shape[:-1] if first else shape[1:], _rows(place, "X", seen, 1)


def _rows(place: Place, name: str, seen: Seen, columns: int) -> Prepared:
    """An array with a row for each point, the columns having so many axes."""
    first = place.signature.batch_axis == 0
    found = rows(seen, columns, first)
    if found is None:
        seen = place.contiguous(name, seen)
        found = rows(seen, columns, first)
        assert found is not None
    return Prepared("rows", found, (seen,))


def _separate(place: Place, points: Sequence[Any]) -> tuple[Shape, Prepared]:
    """Inputs that are arrays of their own, and numbers."""
    names = place.signature.inputs
    made = [
        _array_or_number(place, f"input {name!r}", value)
        for name, value in zip(names, points, strict=True)
    ]
    shapes = [value.shape if isinstance(value, Seen) else () for value in made]
    try:
        batch = np.broadcast_shapes(*shapes)
    except ValueError:
        listed = ", ".join(f"{n}: {s}" for n, s in zip(names, shapes, strict=True))
        raise ShapeError(f"the inputs do not broadcast to one shape ({listed})") from None
    return batch, _columns(place, made, batch)


def _columns(place: Place, values: Sequence[Seen | float], batch: Shape) -> Prepared:
    """Columns over the batch: where they lie, if they are those of one array or have no gaps."""
    first = place.signature.batch_axis == 0
    seen = [value for value in values if isinstance(value, Seen)]
    if len(seen) == len(values) and all(value.shape == batch for value in seen):
        size = seen[0].itemsize
        steps = {step(value.shape, value.strides) for value in seen}
        apart = {b.address - a.address for a, b in pairwise(seen)}
        along, between = steps.pop(), apart.pop() if apart else size
        regular = not steps and not apart and along is not None
        one = prod(batch) == 1
        packed = one or (not steps and along == size)
        if regular and first and between == size and along is not None and along % size == 0:
            return Prepared("rows", (seen[0].address, along // size), tuple(seen))
        if regular and not first and (along == size or one) and between % size == 0:
            return Prepared("rows", (seen[0].address, between // size), tuple(seen))
        if packed and len(seen) <= MOST_ADDRESSES:
            return Prepared("separate", tuple([value.address for value in seen]), tuple(seen))
    made = place.stacked(values, batch)
    prepared = _rows(place, "", made, 1)
    return prepared._replace(arrays=(*prepared.arrays, *seen))


def _array_or_number(place: Place, name: str, value: Any) -> Seen | float:
    seen = place.see(name, value)
    if seen is not None:
        return seen
    array = as_array(name, value, _dtype(place))
    if array.size != 1:
        raise _mixed(place, name, array)
    return float(array.reshape(()))


def _mixed(place: Place, name: str, array: Array) -> ArgumentError:
    return ArgumentError(
        f"{name} of shape {array.shape} is on the host, and other arrays are on GPU "
        f"{place.device.index}; move it there, or all of them to the host (numbers may be anywhere)"
    )


def _unknown(signature: Signature, values: Mapping[str, Any], known: Sequence[str]) -> None:
    for name in values:
        if name not in known:
            also = " and once by position" if name in signature.inputs else ""
            if name in signature.parameters:
                raise ArgumentError(f"{name!r} is given twice: in parameters= and as a keyword")
            listed = ", ".join(signature.parameters) or "none"
            raise ArgumentError(f"{name!r} is no parameter{also}; the parameters are: {listed}")


def _parameters(place: Place, values: Mapping[str, Any], batch: Shape) -> Prepared:
    """Parameters one by one: numbers, a row for the whole batch, or columns along it."""
    names = place.signature.parameters
    for name in names:
        if name not in values:
            raise missing_parameter(name)
    _unknown(place.signature, values, names)
    made: list[Seen | float] = []
    for name in names:
        if type(values[name]) is float:
            made.append(values[name])
            continue
        found = place.see(f"parameter {name!r}", values[name])
        if found is None:
            array = as_array(f"parameter {name!r}", values[name], _dtype(place))
            if array.size != 1:
                raise _mixed(place, f"parameter {name!r}", array)
            made.append(float(array.reshape(())))
            continue
        try:
            fits = prod(found.shape) == 1 or np.broadcast_shapes(found.shape, batch) == batch
        except ValueError:
            fits = False
        if not fits:
            raise ShapeError(
                f"parameter {name!r} has shape {found.shape}; give one number, or an array that "
                f"broadcasts to the batch {batch}"
            )
        made.append(found)
    seen = [value for value in made if isinstance(value, Seen)]
    if not seen:
        if len(made) <= MOST_VALUES:
            return Prepared("values", numbers(made, place.signature.dtype))  # type: ignore[arg-type]
        return _shared_numbers(place, np.array(made, np.float64))
    if any(prod(value.shape) != 1 for value in seen):
        return _columns(place, made, batch)
    if len(made) == 1:
        return Prepared("shared", (seen[0].address,), tuple(seen))
    alike = [v._replace(shape=(), strides=()) if isinstance(v, Seen) else v for v in made]
    if any(value.shape != () for value in seen):
        alike = [_scalar(value) if isinstance(value, Seen) else value for value in made]
    stacked = place.stacked(alike, ())
    return Prepared("shared", (stacked.address,), (stacked, *seen))


def _scalar(seen: Seen) -> Seen:
    """An array of one entry as one without axes."""
    value = seen.value.reshape(()) if hasattr(seen.value, "reshape") else seen.value
    return seen._replace(value=value, shape=(), strides=())


def _shared_numbers(place: Place, values: Array) -> Prepared:
    """Numbers for the whole batch: as arguments where they are few, else as a row."""
    if values.size <= MOST_VALUES:
        return Prepared("values", numbers(values.ravel().tolist(), place.signature.dtype))
    row = uploaded(values.astype(_dtype(place)).ravel(), place.stream, place.device)
    seen = seen_own(row, FOREIGN)
    place.used.append(seen)
    return Prepared("shared", (row.memory.address,), (seen,))


def _direction(
    place: Place, name: str, value: Seen | Array, shape: Shape, batch: Shape
) -> Prepared:
    """A tangent, a cotangent or all parameters: one row for each point, or one for all."""
    wanted = result_shape(shape, batch, place.signature.batch_axis)
    if value.shape != wanted and value.shape != shape:
        raise ShapeError(f"{name} has shape {value.shape}; {wanted} is needed")
    if not isinstance(value, Seen):
        if value.shape != shape:
            raise _mixed(place, name, value)
        return _shared_numbers(place, value)
    if value.shape == shape and batch != ():
        value = place.contiguous(name, value)
        return Prepared("shared", (value.address,), (value,))
    return _rows(place, name, value, len(shape))
