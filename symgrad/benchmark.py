"""``fn.benchmark``: how long a call takes, beside what the memory allows and what others take."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from symgrad.api import read_options, read_system, simplified
from symgrad.errors import ArgumentError
from symgrad.options import choose
from symgrad.peers import AT_HAND, PEERS, Case
from symgrad.runtime.arrays import Array, allocate, result_shape
from symgrad.sampling import RANGE

if TYPE_CHECKING:
    from symgrad.runtime.function import CompiledFunction

POINTS = 100_000

SECONDS = 0.3
"""How long a contender is called again and again; its least time counts."""

MEMORY_BYTES = 2**26
"""What is copied to see how fast memory is: more than most caches hold."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One contender.

    Attributes:
        name: "symgrad" or a peer's name.
        seconds: the least time of a call of all points.
        ratio: times as long as symgrad.
        prepared: seconds to derive and compile; None for symgrad, which was compiled before.
        differs: the largest difference from symgrad's results, relative to the largest entry of
            the same array; None for symgrad.
    """

    name: str
    seconds: float
    ratio: float
    prepared: float | None = None
    differs: float | None = None


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What ``fn.benchmark`` measured; ``str`` is a table.

    Attributes:
        function: the function's ``repr``.
        points: how many points a call had.
        workers: threads of symgrad; the peers have one, JAX apart.
        ns_per_point: nanoseconds a point.
        points_per_second: points a second.
        bytes: what a call reads and writes: inputs and results.
        memory_share: the part of the speed at which this machine copies memory: at 1 a call takes
            as long as its bytes do; small batches in the caches can exceed that.
        rows: symgrad first, then the peers.
        notes: peers that were left out, and why.
    """

    function: str
    points: int
    workers: int
    ns_per_point: float
    points_per_second: float
    bytes: int
    memory_share: float
    rows: tuple[Timing, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The figures as JSON."""
        return json.dumps({"schema": 1, **asdict(self)}, indent=2)

    def __str__(self) -> str:
        threads = "" if self.workers == 1 else f", {self.workers} threads"
        lines = [
            f"{self.function}: {self.points:,} points{threads}",
            f"{self.ns_per_point:.2f} ns a point, {self.points_per_second:,.0f} points a second",
            f"{self.bytes:,} bytes a call, {self.memory_share:.0%} of the speed of memory",
        ]
        for row in self.rows:
            each = f"{row.name:10} {row.seconds / max(self.points, 1) * 1e9:10.2f} ns a point"
            lines.append(f"{each} {row.ratio:8.2f} times symgrad")
            if row.differs is not None and not row.differs < 1e-6:
                lines[-1] += f", but differs by {row.differs:.1e}"
        return "\n".join([*lines, *self.notes])


def benchmark(
    fn: CompiledFunction,
    points: Any = POINTS,
    *,
    parameters: Mapping[str, Any] | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    peers: bool | str | Iterable[str] = AT_HAND,
    workers: int = 1,
    seed: int = 0,
) -> Benchmark:
    """Time a call of ``fn`` (``CompiledFunction.benchmark``).

    Raises:
        ArgumentError: the points do not fit, or the function is not for the CPU.
        OptionError: there is no such peer, parameter or input.
    """
    if fn.recipe.options["target"] != "cpu":
        raise ArgumentError("fn.benchmark() times calls on the CPU; see benchmarks/gpu.py for GPUs")
    signature = fn.signature
    parameters = {str(name): value for name, value in (parameters or {}).items()}
    ranges = {str(name): ends for name, ends in (ranges or {}).items()}
    for name in parameters:
        choose("parameter", name, signature.parameters)
    for name in ranges:
        choose("range's name", name, (*signature.inputs, *signature.parameters))
    limits = {**fn.recipe.ranges, **ranges}
    rng = np.random.default_rng(seed)
    table = _table(fn, points, limits, rng)
    count = len(table)
    numbers = {
        name: float(parameters.get(name, np.mean(limits.get(name, RANGE))))
        for name in signature.parameters
    }
    last = signature.batch_axis == -1
    named: dict[str, Any] = dict(numbers)
    for group in signature.groups:
        if group.name in ("tangent", "cotangent"):
            shape = signature.output_shape if group.name == "cotangent" else (len(group.columns),)
            named[group.name] = rng.random(result_shape(shape, (count,), signature.batch_axis))
    given = np.ascontiguousarray(table.T if last else table, signature.numpy_dtype)
    call: Callable[..., Any] = partial(fn, given, workers=workers, **named)
    made = call()
    arrays = {signature.results[0].name: made} if signature.single else made.as_dict()
    read = given.nbytes + sum(np.asarray(value).nbytes for value in named.values())
    moved = read + sum(np.asarray(array).nbytes for array in arrays.values())
    if signature.reduction is None:
        out = {name: allocate(array.shape, array.dtype, name) for name, array in arrays.items()}
        call = partial(call, out=out)
    seconds = least(call)
    timings, notes = [Timing("symgrad", seconds, 1.0)], []
    wanted = [peers] if isinstance(peers, str) else peers or ()
    for name in PEERS if wanted is True else wanted:
        choose("peer", name, PEERS)
        try:
            timings.append(_beside(name, fn, table, numbers, arrays, seconds))
        except Exception as error:  # another library's, whatever it is
            notes.append(f"{name} left out: {_first_line(error)}")
    return Benchmark(
        function=repr(fn),
        points=count,
        workers=workers,
        ns_per_point=seconds / max(count, 1) * 1e9,
        points_per_second=count / seconds,
        bytes=moved,
        memory_share=moved / seconds / memory_speed(),
        rows=tuple(timings),
        notes=tuple(notes),
    )


def least(call: Callable[[], Any], seconds: float = SECONDS) -> float:
    """The least time of a call that is made again and again for so many seconds, twice at least."""
    best, end, calls = float("inf"), perf_counter() + seconds, 0
    while calls < 2 or perf_counter() < end:
        begin = perf_counter()
        call()
        best, calls = min(best, perf_counter() - begin), calls + 1
    return best


def memory_speed() -> float:
    """Bytes a second that one thread reads and writes when it copies memory."""
    source, target = np.zeros(MEMORY_BYTES, np.uint8), np.empty(MEMORY_BYTES, np.uint8)
    return 2 * MEMORY_BYTES / least(partial(np.copyto, target, source), SECONDS / 3)


def _table(
    fn: CompiledFunction, points: Any, limits: Mapping[str, tuple[float, float]], rng: Any
) -> Array:
    """The points, of shape (N, n), drawn from the ranges where their number alone is given."""
    inputs = fn.signature.inputs
    if isinstance(points, int | np.integer) and points >= 0:
        low, high = np.array([limits.get(name, RANGE) for name in inputs]).T
        return np.asarray(rng.uniform(low, high, (points, len(inputs))))
    table = np.asarray(points, np.float64)
    if table.ndim != 2 or table.shape[1] != len(inputs) or not len(table):
        raise ArgumentError(
            f"points has shape {table.shape}; give a number of points, or an array of shape "
            f"(N, {len(inputs)}), for {', '.join(inputs)}"
        )
    return table


def _beside(
    name: str,
    fn: CompiledFunction,
    table: Array,
    numbers: Mapping[str, float],
    arrays: Mapping[str, Array],
    seconds: float,
) -> Timing:
    """A peer at the same points."""
    package, prepare = PEERS[name]
    if find_spec(package) is None:
        raise ArgumentError(f"{package} is not installed")
    requests, signature = fn.recipe.requests, fn.signature
    orders = tuple([request.order for request in requests])
    plain = all(request.kind == "tensor" for request in requests) and max(orders) <= 2
    if not plain or signature.reduction is not None or signature.sparsity:
        raise ArgumentError("peers are given values, gradients, Jacobians and Hessians, all dense")
    system = simplified(read_system(fn.recipe), read_options(fn.recipe))
    varied = [name for name in system.wrt if name in numbers]
    columns = [*table.T.copy(), *(np.full(len(table), numbers[name]) for name in varied)]
    fixed = {name: value for name, value in numbers.items() if name not in varied}
    begin = perf_counter()
    run = prepare(Case(system, orders, (*system.inputs, *varied), columns, fixed))
    with np.errstate(all="ignore"):
        rows = run()
        prepared = perf_counter() - begin
        best = least(run)
    return Timing(name, best, best / seconds, prepared, _difference(fn, rows, arrays))


def _difference(fn: CompiledFunction, rows: Any, arrays: Mapping[str, Array]) -> float:
    """How far a peer's results are from symgrad's."""
    place, worst = 0, 0.0
    for result in fn.signature.results:
        got = np.moveaxis(arrays[result.name], fn.signature.batch_axis, 0)
        flat = got.reshape(len(got), result.size).T.astype(float)
        scale = np.abs(flat[np.isfinite(flat)]).max(initial=0.0) or 1.0
        for row in flat:
            error = np.abs(np.asarray(rows[place], float) - row)
            worst = max(worst, float(error[np.isfinite(row)].max(initial=0.0)) / scale)
            place += 1
    return worst


def _first_line(error: Exception) -> str:
    text = str(error).strip().split("\n")[0]
    return text or type(error).__name__
