"""Arrays of the host through GPUs: in pieces, copies both ways while a kernel runs.

A batch is cut into pieces. Each lane has page-locked memory on the host, memory on the device and a
stream of its own: while one lane's kernel runs, another's arguments go up and a third's results
come down. What the host does meanwhile is to fill and to empty page-locked memory, with several
threads. Several devices share a batch, each with lanes of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from queue import SimpleQueue
from typing import Any

import numpy as np

from symgrad.errors import ArgumentError
from symgrad.ir.layout import MOST_VALUES
from symgrad.runtime.arguments import Signature, arguments, merged_parameters
from symgrad.runtime.arrays import Array, Columns, allocate, check_out, flat_view, result_shape
from symgrad.runtime.cuda.accelerator import Accelerator, Devices
from symgrad.runtime.cuda.arrays import DeviceArray, own_array, uploaded
from symgrad.runtime.cuda.inputs import Prepared, layout_of, numbers
from symgrad.runtime.cuda.lanes import Lane, Station, aligned, piece_points, spread, stage
from symgrad.runtime.cuda.launch import Kernels, Launcher, Totals
from symgrad.runtime.result import Result

LANES = 3
"""One to fill and empty, one whose kernel runs, one whose copies do."""


@dataclass(frozen=True)
class _Job:
    """One call: what is read, what is written, and how."""

    columns: Sequence[Columns]
    prepared: Sequence[Prepared | None]
    targets: Sequence[Array]
    count: int
    accumulate: bool
    workers: int | None
    done: Callable[[int], None]


class Pipeline:
    """Calls of a function with arrays of the host."""

    def __init__(self, signature: Signature, kernels: Kernels, devices: Devices) -> None:
        self._signature, self._kernels, self._devices = signature, kernels, devices
        self._dtype = signature.numpy_dtype
        self._stations: dict[int, Station] = {}

    def run(
        self,
        call: tuple[tuple[Any, ...], Mapping[str, Any], Any, Any, Any],
        given: Mapping[str, Any] | None,
        accumulate: bool,
        *,
        devices: Any,
        workers: int | None,
        on_chunk: Callable[[int, int], None] | None,
    ) -> Any:
        """Evaluate; arguments are those of ``CudaFunction.__call__``."""
        if workers is not None and (not isinstance(workers, int | np.integer) or workers < 1):
            raise ArgumentError(f"workers={workers!r} is not possible; give a number of threads")
        signature = self._signature
        points, named, tangent, cotangent, parameters = call
        if parameters is not None:
            named = merged_parameters(signature, parameters, named)
        batch, columns = arguments(signature, points, named, tangent, cotangent)
        count = prod(batch)
        stations = self._chosen(devices)
        if signature.reduction is not None:
            sums = self._sums(columns, count, workers, on_chunk, stations)
            return self._reduced(sums, given, accumulate)
        arrays: dict[str, Array] = {}
        targets: list[Array] = []
        copies: list[tuple[Array, Array]] = []
        for result in signature.results:
            shape = result_shape(result.shape, batch, signature.batch_axis)
            if given is None:
                array = allocate(shape, self._dtype, result.name)
            else:
                array = check_out(result.name, given[result.name], shape, self._dtype)
            flat = flat_view(array, result.size, count, signature.batch_axis)
            shared = given is not None and any(group.overlaps(array) for group in columns)
            if flat is None or shared:
                made = np.zeros(shape, self._dtype)
                copies.append((array, made))
                flat = flat_view(made, result.size, count, signature.batch_axis)
            assert flat is not None
            arrays[result.name] = array
            targets.append(flat)
        self._fill(columns, targets, count, accumulate, workers, on_chunk, stations)
        for array, made in copies:
            array[...] = array + made if accumulate else made
        if given is None and batch == ():
            return self._handed({name: array[()] for name, array in arrays.items()})
        return self._handed(arrays)

    def _handed(self, arrays: Mapping[str, Any]) -> Any:
        return next(iter(arrays.values())) if self._signature.single else Result(arrays)

    def _chosen(self, devices: Any) -> list[Station]:
        """The devices that share a batch, from what the user gave."""
        chosen = [0] if devices is None else devices
        if devices == "all":
            chosen = list(range(max(1, self._devices.count())))
        elif isinstance(devices, int) and not isinstance(devices, bool):
            chosen = [devices]
        if (
            isinstance(chosen, str)
            or not isinstance(chosen, Sequence)
            or not chosen
            or not all(isinstance(index, int) for index in chosen)
            or len(set(chosen)) != len(chosen)
        ):
            raise ArgumentError(
                f'devices={devices!r}: give the numbers of GPUs, [0, 1] for instance, or "all"'
            )
        stations = []
        for index in chosen:
            device = self._devices.device(index)
            if index not in self._stations:
                self._stations.setdefault(index, Station(device))
            stations.append(self._stations[index])
        return stations

    def _prepared(self, columns: Sequence[Columns], count: int) -> list[Prepared | None]:
        """Groups with one row for the whole batch; None for those with a row for each point."""
        made: list[Prepared | None] = []
        for group, given in zip(self._signature.groups, columns, strict=True):
            table = given.table
            for_one = group.name == "inputs" or (count == 1 and group.name != "parameters")
            if table is None or table.shape[0] != 1 or for_one:
                made.append(None)
            elif table.size <= MOST_VALUES:
                values = numbers(table.ravel().tolist(), self._signature.dtype)
                made.append(Prepared("values", values))
            else:
                made.append(Prepared("shared", ()))
        return made

    def _fill(
        self,
        columns: Sequence[Columns],
        targets: Sequence[Array],
        count: int,
        accumulate: bool,
        workers: int | None,
        on_chunk: Callable[[int, int], None] | None,
        stations: Sequence[Station],
    ) -> None:
        """Write the results of all points into (points, entries) arrays."""
        if not count:
            return
        prepared = self._prepared(columns, count)

        def share(station: Station, start: int, stop: int, done: Callable[[int], None]) -> None:
            job = _Job(columns, prepared, targets, count, accumulate, workers, done)
            self._share(job, station, start, stop, None)

        shared(share, stations, count, 1, on_chunk)

    def _launcher(self, prepared: Sequence[Prepared | None], device: Accelerator) -> Launcher:
        rows = Prepared("rows", ())
        layout = layout_of(self._signature, [made or rows for made in prepared], False)
        return self._kernels.launcher(layout, device)

    def _share(
        self,
        job: _Job,
        station: Station,
        start: int,
        stop: int,
        sums: tuple[Sequence[int], int, int] | None,
    ) -> None:
        """Evaluate the points from start to stop on one device.

        Args:
            job: the call.
            station: of the device.
            start: the first point.
            stop: the point after the last.
            sums: where points are summed the addresses of the sums' first rows, the first row's
                number, and the points of a row.
        """
        device, itemsize = station.device, self._dtype.itemsize
        launcher = self._launcher(job.prepared, device)
        widths = [len(group.columns) for group in self._signature.groups]
        sizes = [] if sums else [result.size for result in self._signature.results]
        moving = [w for w, p in zip(widths, job.prepared, strict=True) if p is None]
        a_point = (sum(moving) + sum(sizes)) * itemsize
        unit = sums[2] if sums else 1
        points = piece_points(stop - start, max(a_point, 1), unit)
        pieces = [(a, min(a + points, stop)) for a in range(start, stop, points)]
        up = sum(aligned(width * points * itemsize) for width in moving)
        down = sum(aligned(size * points * itemsize) for size in sizes)
        with station.lock:
            lanes = station.lanes(min(LANES, len(pieces)), up, down)
            fixed = self._rows(job, device, station.stream)
            if any(row is not None for row in fixed):
                device.synchronize(station.stream)
            try:
                for number, piece in enumerate(pieces):
                    lane = lanes[number % len(lanes)]
                    self._collect(job, device, lane, sizes)
                    self._send(job, device, lane, piece, launcher, fixed, sums)
                following = len(pieces) % len(lanes)
                for lane in (*lanes[following:], *lanes[:following]):
                    self._collect(job, device, lane, sizes)
            finally:
                # After an error nothing may still run into memory that others will use.
                for lane in lanes:
                    if lane.piece is not None:
                        lane.piece = None
                        device.synchronize(lane.stream)

    def _rows(self, job: _Job, device: Accelerator, stream: int) -> list[DeviceArray | None]:
        """On the device, the groups that have one row for all points and too many numbers."""
        return [
            uploaded(given.table[0].astype(self._dtype), stream, device)
            if made is not None and made.kind == "shared" and given.table is not None
            else None
            for made, given in zip(job.prepared, job.columns, strict=True)
        ]

    def _view(self, memory: Array, offset: int, points: int, width: int) -> Array:
        """An array of a piece in page-locked memory, seen as (points, columns)."""
        nbytes = points * width * self._dtype.itemsize
        flat = memory[offset : offset + nbytes].view(self._dtype)
        if self._signature.batch_axis == 0:
            return flat.reshape(points, width)
        return flat.reshape(width, points).T

    def _send(
        self,
        job: _Job,
        device: Accelerator,
        lane: Lane,
        piece: tuple[int, int],
        launcher: Launcher,
        fixed: Sequence[DeviceArray | None],
        sums: tuple[Sequence[int], int, int] | None,
    ) -> None:
        """Put a piece on a lane: fill its memory, and queue the copies and the kernel."""
        start, stop = piece
        points, itemsize, offset = stop - start, self._dtype.itemsize, 0
        groups: list[tuple[Any, ...]] = []
        for group, given, made, row in zip(
            self._signature.groups, job.columns, job.prepared, fixed, strict=True
        ):
            if row is not None:
                groups.append((row.memory.address,))
                continue
            if made is not None:
                groups.append(made.arguments)
                continue
            width = len(group.columns)
            stage(given, self._view(lane.staged, offset, points, width), start, job.workers)
            first = self._signature.batch_axis == 0
            groups.append((lane.upper.address + offset, width if first else points))
            offset += aligned(points * width * itemsize)
        device.upload(lane.upper.address, lane.staged[:offset], lane.stream)
        results, offset = [], 0
        written: list[tuple[int, int]] = []
        for number, result in enumerate(self._signature.results):
            if sums is not None:
                row_bytes = self._entries(number) * itemsize
                results.append(sums[0][number] + (start // sums[2] - sums[1]) * row_bytes)
            else:
                results.append(lane.lower.address + offset)
                written.append((offset, offset + points * result.size * itemsize))
                offset = aligned(written[-1][1])
        # Even where the kernel cannot be launched, the upload may be under way.
        lane.piece = piece
        launcher(points, lane.stream, groups, results)
        for begin, end in written:  # nothing is between them that could be read
            if begin < end:
                device.download(lane.fetched[begin:end], lane.lower.address + begin, lane.stream)
        lane.event = device.record(lane.stream)

    def _collect(self, job: _Job, device: Accelerator, lane: Lane, sizes: Sequence[int]) -> None:
        """Wait for a lane's piece and hand out its results."""
        if lane.piece is None:
            return
        start, stop = lane.piece
        device.finish(lane.event)
        lane.piece, offset = None, 0
        for size, target in zip(sizes, job.targets, strict=False):
            fetched = self._view(lane.fetched, offset, stop - start, size)
            part = target[start:stop]
            offset += aligned(fetched.nbytes)

            def copy(a: int, b: int, part: Array = part, fetched: Array = fetched) -> None:
                if job.accumulate:
                    part[a:b] += fetched[a:b]
                else:
                    part[a:b] = fetched[a:b]

            spread(copy, stop - start, fetched.nbytes, job.workers)
        job.done(stop - start)

    def _entries(self, number: int) -> int:
        """How many entries of a result are summed."""
        result, reduction = self._signature.results[number], self._signature.reduction
        assert reduction is not None
        return reduction.entries(result.name, result.size)

    def _sums(
        self,
        columns: Sequence[Columns],
        count: int,
        workers: int | None,
        on_chunk: Callable[[int, int], None] | None,
        stations: Sequence[Station],
    ) -> dict[str, Array]:
        """The results of a batch whose points are summed.

        Every device sums blocks of points; the first adds up the sums of all, so that the result
        has the same bits for any number of devices and for arrays that are on a device already.
        """
        signature, reduction = self._signature, self._signature.reduction
        assert reduction is not None
        if not count:
            return {
                result.name: reduction.result(
                    result.name,
                    np.zeros((0, self._entries(number))),
                    *(0, result.shape, self._dtype),
                )
                for number, result in enumerate(signature.results)
            }
        prepared = self._prepared(columns, count)
        main = stations[0].device
        totals = self._kernels.totals(main, False)
        block = self._launcher(prepared, main).block
        parts: dict[int, tuple[Station, int, DeviceArray]] = {}

        def share(station: Station, start: int, stop: int, done: Callable[[int], None]) -> None:
            job = _Job(columns, prepared, (), count, False, workers, done)
            first, rows = start // block, -(-(stop - start) // block)
            size, starts = totals.places(rows)
            made = own_array((size,), self._dtype, station.stream, station.device)
            station.device.synchronize(station.stream)
            places = [made.memory.address + place * self._dtype.itemsize for place in starts]
            self._share(job, station, start, stop, (places, first, block))
            parts[first] = station, rows, made

        shared(share, stations, count, block, on_chunk)
        return self._added(totals, parts, count, stations[0])

    def _added(
        self,
        totals: Totals,
        parts: Mapping[int, tuple[Station, int, DeviceArray]],
        count: int,
        main: Station,
    ) -> dict[str, Array]:
        """The results from the sums of blocks, which the devices have."""
        device, stream, itemsize = main.device, main.stream, self._dtype.itemsize
        rows = sum(part_rows for _, part_rows, _ in parts.values())
        size, starts = totals.places(rows)
        if len(parts) == 1:
            ((_, _, sums),) = parts.values()
        else:
            sums = own_array((size,), self._dtype, stream, device)
            for first, (_, part_rows, made) in parts.items():
                found, (_, places) = made.numpy(), totals.places(part_rows)
                for number, (start, place) in enumerate(zip(starts, places, strict=True)):
                    stored = self._entries(number)
                    part = found[place : place + part_rows * stored]
                    offset = (start + first * stored) * itemsize
                    if part.size:
                        device.upload(sums.memory.address + offset, part, stream)
        results = self._signature.results
        arrays = [own_array(result.shape, self._dtype, stream, device) for result in results]
        totals(
            *(rows, count, stream),
            [sums.memory.address + start * itemsize for start in starts],
            [array.memory.address for array in arrays],
        )
        return {r.name: array.numpy() for r, array in zip(results, arrays, strict=True)}

    def _reduced(
        self, sums: Mapping[str, Array], given: Mapping[str, Any] | None, accumulate: bool
    ) -> Any:
        """What a call gives: sums, or ``out=`` with the sums in it, or added to it."""
        if given is None:
            return self._handed({name: array[()] for name, array in sums.items()})
        for name, array in sums.items():
            place = check_out(name, given[name], array.shape, self._dtype)
            place[...] = place + array if accumulate else array
        return self._handed(given)


def shared(
    work: Callable[[Station, int, int, Callable[[int], None]], None],
    stations: Sequence[Station],
    count: int,
    unit: int,
    on_chunk: Callable[[int, int], None] | None,
) -> None:
    """Have devices share the points of a batch, in multiples of ``unit``, a thread for each.

    ``on_chunk`` is called in this thread with (points done, points in all) after every piece.
    """
    units = -(-count // unit)
    bounds = [
        min(units * place // len(stations) * unit, count) for place in range(len(stations) + 1)
    ]
    parts = [
        (station, start, stop)
        for station, start, stop in zip(stations, bounds[:-1], bounds[1:], strict=True)
        if start < stop
    ]
    total = 0

    def note(points: int) -> None:
        nonlocal total
        total += points
        if on_chunk is not None:
            on_chunk(total, count)

    if len(parts) == 1:
        work(*parts[0], note)
        return
    news: SimpleQueue[int] = SimpleQueue()
    with ThreadPoolExecutor(len(parts), "symgrad-device") as pool:
        running = [pool.submit(work, *part, news.put) for part in parts]
        for future in running:
            # An end is news too: without points.
            future.add_done_callback(lambda _: news.put(0))
        ended = 0
        while ended < len(running):
            points = news.get()
            ended += not points
            if points:
                note(points)
        for future in running:
            future.result()
