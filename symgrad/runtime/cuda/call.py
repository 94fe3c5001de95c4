"""Calls whose points are on a device: results there, a launch, and arrays that outlive it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from symgrad.errors import ArgumentError, DtypeError, LimitError, ShapeError
from symgrad.runtime.arguments import Signature, given_results
from symgrad.runtime.arrays import result_shape
from symgrad.runtime.cuda.accelerator import LEGACY, Devices
from symgrad.runtime.cuda.arrays import DeviceArray, Library, Seen, Shape
from symgrad.runtime.cuda.inputs import Place, Prepared, given_groups, layout_of
from symgrad.runtime.cuda.launch import Kernels
from symgrad.runtime.cuda.libraries import library_of
from symgrad.runtime.result import Result

IN_FLIGHT = 64
"""Calls whose foreign arrays are kept until the device is done with them, before the host waits."""


class DeviceCalls:
    """The calls of a function whose points are on a device."""

    def __init__(
        self,
        signature: Signature,
        kernels: Kernels,
        machine: Devices,
        libraries: Sequence[Library],
    ) -> None:
        self.signature = signature
        self._dtype = signature.numpy_dtype
        self._kernels, self._machine, self._libraries = kernels, machine, libraries
        self._flight: deque[tuple[Any, Any, Any]] = deque()
        self._lock = threading.Lock()

    def __call__(
        self,
        leader: Any,
        points: tuple[Any, ...],
        named: Mapping[str, Any],
        tangent: Any,
        cotangent: Any,
        parameters: Any,
        out: Any,
        accumulate: bool,
        stream: int | None,
    ) -> Any:
        """Evaluate; ``leader`` is the first of the points' arrays that is on a device."""
        signature = self.signature
        library = library_of(leader, self._libraries)
        assert library is not None
        handle = stream or library.stream(leader) or LEGACY
        like = library.see("X", leader, handle, self._machine)
        device = self._machine.device(max(like.device, 0))
        place = Place(
            *(signature, device, handle, library, self._machine, self._libraries),
            explicit=stream is not None,
        )
        batch, groups = given_groups(place, points, named, parameters, tangent, cotangent)
        count = prod(batch)
        given = given_results(signature, out, accumulate)
        arrays, targets = self._targets(place, like, batch, groups, given)
        addresses = [target.address for target in targets]
        if signature.reduction is not None:
            self._sum_points(place, like, groups, count, addresses, accumulate)
        elif count:
            launcher = self._kernels.launcher(layout_of(signature, groups, accumulate), device)
            launcher(count, handle, [group.arguments for group in groups], addresses)
        self._keep(place)
        made = {
            name: array if given is not None else library.handed(array)
            for name, array in arrays.items()
        }
        return next(iter(made.values())) if signature.single else Result(made)

    def _targets(
        self,
        place: Place,
        like: Seen,
        batch: Shape,
        groups: Sequence[Prepared],
        given: Mapping[str, Any] | None,
    ) -> tuple[dict[str, Any], list[Seen]]:
        """The results' arrays, new ones or those of ``out=``, by name; and what they are."""
        signature = self.signature
        arrays: dict[str, Any] = {}
        targets = []
        for result in signature.results:
            name = result.name
            shape = result.shape
            if signature.reduction is None:
                shape = result_shape(shape, batch, signature.batch_axis)
            if given is None:
                arrays[name] = self._new(place, like, name, shape)
                target = place.own(name, arrays[name])
            else:
                arrays[name] = given[name]
                target = self._checked(place, name, given[name], shape, groups)
            targets.append(target)
        return arrays, targets

    def _new(self, place: Place, like: Seen, name: str, shape: Shape) -> Any:
        try:
            return place.library.empty(like, shape, self._dtype, place.stream, place.device)
        except (LimitError, RuntimeError, MemoryError) as error:
            if not isinstance(error, LimitError) and "memory" not in str(error).lower():
                raise
            size = prod(shape) * self._dtype.itemsize
            raise LimitError(
                f"result {name!r} of shape {shape} needs {size:,} bytes, which GPU "
                f"{place.device.index} does not have; evaluate the batch in parts ({error})"
            ) from None

    def _checked(
        self, place: Place, name: str, value: Any, shape: Shape, groups: Sequence[Prepared]
    ) -> Seen:
        """An array of ``out=``, if results can be written into it."""
        name = f"out for {name!r}"
        seen = place.see(name, value)
        if seen is None:
            raise ArgumentError(
                f"{name} is a {type(value).__name__} on the host; give an array on GPU "
                f"{place.device.index}, like the points"
            )
        if seen.shape != shape:
            raise ShapeError(f"{name} has shape {seen.shape}; {shape} is needed")
        if not seen.writable:
            raise DtypeError(f"{name} cannot be written ({type(value).__name__}, read-only)")
        if not seen.contiguous:
            raise ArgumentError(
                f"{name} has gaps (strides {seen.strides} in bytes); give a contiguous array"
            )
        start, stop = extent(seen)
        for group in groups:
            for array in group.arrays:
                low, high = extent(array)
                if low < stop and start < high:
                    raise ArgumentError(
                        f"{name} overlaps what is read, and a kernel reads and writes in no "
                        "particular order; give memory of its own"
                    )
        return seen

    def _sum_points(
        self,
        place: Place,
        like: Seen,
        groups: Sequence[Prepared],
        count: int,
        addresses: Sequence[int],
        accumulate: bool,
    ) -> None:
        """Sum over the points."""
        launcher = self._kernels.launcher(layout_of(self.signature, groups, False), place.device)
        totals = self._kernels.totals(place.device, accumulate)
        rows = -(-count // launcher.block)
        size, starts = totals.places(rows)
        sums = self._new(place, like, "sums of blocks", (size,))
        seen = place.own("sums", sums)
        places = [seen.address + start * self._dtype.itemsize for start in starts]
        if count:
            launcher(count, place.stream, [group.arguments for group in groups], places)
        totals(rows, count, place.stream, places, addresses)

    def _keep(self, place: Place) -> None:
        """Have arrays live, and their memory wait, until the device is done with them.

        Libraries that work on the same stream see to that themselves. Where another one does, its
        user may let go of an array while the kernel still reads it.
        """
        if place.library.keeps and all(seen.library.keeps for seen in place.used):
            return
        event = place.device.record(place.stream)
        for seen in place.used:
            if isinstance(seen.value, DeviceArray):
                seen.value.memory.after[:] = [event]
                if seen.value.stream != place.stream:  # which readers of the array wait for
                    place.device.wait(seen.value.stream, event)
        with self._lock:
            flight = self._flight
            while flight and (len(flight) >= IN_FLIGHT or flight[0][0].finished(flight[0][1])):
                device, earlier, _ = flight.popleft()
                device.finish(earlier)
            flight.append((place.device, event, place.used))


def extent(seen: Seen) -> tuple[int, int]:
    """The first address of an array's entries and the one after the last."""
    if 0 in seen.shape:
        return seen.address, seen.address
    reach = [(n - 1) * step for n, step in zip(seen.shape, seen.strides, strict=True)]
    low = seen.address + sum(step for step in reach if step < 0)
    return low, seen.address + sum(step for step in reach if step > 0) + seen.itemsize
