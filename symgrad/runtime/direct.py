"""Calls in the commonest forms, with nothing but what such a call needs.

The kernel takes half a microsecond for one point, and every rule of calling (what may be cast, what
broadcasts or overlaps, in how many parts and threads) as much again: some microseconds in all, and
after a large call, which leaves nothing of Python's in the caches, a hundred. Here a call is only
recognised: one array of the kernel's dtype, or a number for each input; parameters that are
numbers; tangents and cotangents; results into new arrays or into contiguous ones.
What follows from the shape of the points is kept from one call to the next. Whatever is not
recognised, and every mistake, is left to the general call: the rules stand there, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symgrad.errors import ShapeError
from symgrad.ir.program import THROUGH
from symgrad.runtime.arguments import Signature, direction_shape
from symgrad.runtime.arrays import Array, allocate, points_from_table, repeated, result_shape
from symgrad.runtime.result import Result
from symgrad.runtime.threads import Scratch

OWNED, ALIGNED, WRITABLE = 0x4, 0x100, 0x501
"""Bits of ``ndarray.flags.num``; the last: contiguous, aligned and writable."""

EXACT = 2**53

DIRECTIONS = ("tangent", "cotangent")

MOST_SHAPES = 256
"""Shapes of points whose plans are kept."""

DirectCall = Callable[..., Any]
"""(points, parameters by name, out, workers, tangent, cotangent) -> what the call gives, or
NotImplemented; tangent and cotangent may be left out."""

Large = Callable[[int, bool, int | None], Callable[..., None] | None]
"""(points, whether results are new arrays, workers) -> what evaluates so many, if that is known. It
takes the kernel's arrays."""

Shape = tuple[int, ...]
Named = list[tuple[str, Shape, Shape]]
Plan = tuple[int, bool, Shape, Named, list[tuple[str, Shape, Shape, Shape]]]
"""What follows from the shape of the points: how many there are, whether it is one without a batch
axis, the shape in which the kernel takes them; and for each result, and each tangent or cotangent,
its name, its shape, and that in which the kernel takes it; of the latter also the shape that it has
for one point. A plain tuple, because a named one takes longer to unpack."""


def direct_call(
    signature: Signature,
    kernel: Callable[..., None],
    scratch: Scratch,
    *,
    points: int,
    alone: int,
    values: int,
    large: Large,
) -> DirectCall:
    """The direct call of a function; it gives NotImplemented where the general one is needed.

    Args:
        signature: of the function.
        kernel: evaluates all points at once.
        scratch: memory for the kernel.
        points: so many are few, and evaluated at once.
        alone: the same for one worker.
        values: more values than this, in all results together, are not few.
        large: for more than a few points, if they are one array; where it gives None, they are left
            to the general call.
    """
    dtype, names, single = signature.numpy_dtype, signature.parameters, signature.single
    inputs, last = signature.inputs, signature.batch_axis == -1
    columns, parameters = len(inputs), len(names)
    most = values // max(1, sum(result.size for result in signature.results))
    few, few_alone = min(points, most), min(alone, most)
    count_of_results = len(signature.results)
    row = (columns,)
    one_point = row if columns > 1 else ()
    known = ["inputs", "parameters"][: 1 + bool(names)]
    groups = [group.name for group in signature.groups]
    simple, narrow = single and groups == known[:1], dtype != np.float64
    plans: dict[Shape, Plan] = {}
    ndarray = np.ndarray
    if signature.reduction or groups[: len(known)] != known:
        return lambda *_: NotImplemented

    def plan_of(shape: Shape) -> Plan | None:
        """The plan for points of a shape; None where they are wrong or none."""
        made = _plan(signature, shape)
        if made is None or not made[0]:
            return None
        if len(plans) >= MOST_SHAPES:
            plans.clear()
        plans[shape] = made
        return made

    # Loops are written out below: a comprehension, all() or zip() takes as long as the rest.
    def call(
        points: tuple[Any, ...],
        named: Mapping[str, Any],
        out: Any,
        workers: int | None,
        tangent: Any = None,
        cotangent: Any = None,
    ) -> Any:
        expected, most = parameters, few_alone if workers == 1 else few
        if not points:
            expected += columns
            points = tuple([named.get(name) for name in inputs])
        given: Any = points[0]
        if type(given) is ndarray and len(points) == 1:
            shape = given.shape
            plan = plans.get(shape) or plan_of(shape)
            owned = given.flags.num
            if plan is None or given.dtype != dtype or not owned & ALIGNED:
                return NotImplemented
            count, single_point, flat, results, directions = plan
            table = given if shape == flat else given.reshape(flat)
        elif len(points) == columns:
            if type(given) is ndarray:
                shape = given.shape
                for array in points:
                    if type(array) is not ndarray or array.shape != shape or array.dtype != dtype:
                        return NotImplemented
                shape = row + shape if last else shape + row
            else:
                for number in points:
                    if not (isinstance(number, float) or small_integer(number)):
                        return NotImplemented
                shape = one_point
            plan = plans.get(shape) or plan_of(shape)
            if plan is None or plan[0] > most:
                return NotImplemented
            count, single_point, flat, results, directions = plan
            # A copy, which nothing that is written can overlap.
            table, given = np.array(points, np.float64).reshape(columns, count), None
            if narrow:
                table = table.astype(dtype)
            if not last:
                table = table.T
        else:
            return NotImplemented
        if len(named) != expected:
            return NotImplemented
        evaluate = None
        if count > most:
            evaluate = large(count, out is None, workers)
            if evaluate is None:
                return NotImplemented
        if last:
            table = table.T
        if not simple:
            arguments: list[Array] = [table]
            made: dict[str, Any] = {}
        if names:
            numbers = []
            for name in names:
                number = named.get(name)
                if not (isinstance(number, float) or small_integer(number)):
                    return NotImplemented
                numbers.append(number)
            values = np.array((numbers,), np.float64)
            arguments.append(repeated(values.astype(dtype) if narrow else values, count))
        directed = tangent is not None or cotangent is not None
        if directed and (tangent is not None) + (cotangent is not None) != len(directions):
            return NotImplemented
        for name, wanted, flat, one in directions:
            direction = tangent if name == "tangent" else cotangent
            if type(direction) is not ndarray or direction.dtype != dtype:
                return NotImplemented
            if not direction.flags.num & ALIGNED:
                return NotImplemented
            if direction.shape == wanted:
                view = direction if wanted == flat else direction.reshape(flat)
                arguments.append(view.T if last else view)
            elif direction.shape == one and not single_point:
                shared = np.ascontiguousarray(direction).reshape(1, -1)
                arguments.append(repeated(shared, count))
            else:
                return NotImplemented
        whole = out is None or (single and type(out) is ndarray)
        if not whole:
            if type(out) is Result:
                out = out._arrays
            if type(out) is not dict or len(out) != count_of_results:
                return NotImplemented
        all_flags = -1
        for name, wanted, flat in results:
            if out is None:
                array = allocate(wanted, dtype, name)
            else:
                array = out if whole else out.get(name)
                if type(array) is not ndarray or array.shape != wanted or array.dtype != dtype:
                    return NotImplemented
                flags = array.flags.num
                if flags & WRITABLE != WRITABLE:
                    return NotImplemented
                if directed:
                    for direction in (tangent, cotangent):
                        if direction is not None and np.may_share_memory(direction, array):
                            return NotImplemented
                if given is not None:
                    # Two arrays that own their memory share none of it: that is quick to see.
                    apart = flags & owned & OWNED and array is not given
                    if not apart and np.may_share_memory(given, array):
                        return NotImplemented
                if not simple:
                    all_flags &= flags
                    for other in made.values():
                        apart = all_flags & OWNED and array is not other
                        if not apart and np.may_share_memory(other, array):
                            return NotImplemented
            view = array.reshape(flat)
            if last:
                view = view.T
            if simple:
                if evaluate:
                    evaluate(table, view)
                else:
                    kernel(0, count, THROUGH, scratch.memory, table, view)
                return array[()] if single_point and out is None else array
            made[name] = array
            arguments.append(view)
        if evaluate:
            evaluate(*arguments)
        else:
            kernel(0, count, THROUGH, scratch.memory, *arguments)
        if single_point and out is None:
            for name in made:
                array = made[name] = made[name][()]
        return array if single else Result(made)

    return call


def small_integer(number: object) -> bool:
    """Whether a number is an integer that a double holds exactly."""
    return type(number) is int and -EXACT <= number <= EXACT


def _plan(signature: Signature, shape: Shape) -> Plan | None:
    """The plan for points of ``shape``; None where a function cannot have such points."""
    axis, columns = signature.batch_axis, len(signature.inputs)
    # An array of any shape, without memory.
    table = np.ndarray(shape, np.uint8, b"\0", 0, (0,) * len(shape))
    try:
        batch, _ = points_from_table("X", table, columns, axis)
    except ShapeError:
        return None
    count = int(np.prod(batch, dtype=int))

    def flat(size: int) -> Shape:
        return (size, count) if axis == -1 else (count, size)

    results = [
        (result.name, result_shape(result.shape, batch, axis), flat(result.size))
        for result in signature.results
    ]
    directions = []
    for group in signature.groups:
        if group.name in DIRECTIONS:
            one = direction_shape(signature, group.name)
            shapes = result_shape(one, batch, axis), flat(len(group.columns)), one
            directions.append((group.name, *shapes))
    return count, not batch, flat(columns), results, directions
