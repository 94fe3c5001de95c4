"""What a call costs before the GPU begins: from a torch tensor, and as part of a CUDA graph.

Microseconds of the calling thread: calls one after the other without waiting for the GPU, fewer
than its queue holds, and few points, so that the GPU is never what is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.on_gpu.device import device, given, results_for
from benchmarks.on_gpu.kernels import Kernel, built, placed, points_of, problem_of, shapes

TITLE = "Calls"
SECONDS = 25.0
POINTS = 256
CALLS, ROUNDS = 200, 25
AIM = 15.0
PROBLEM = "black_scholes"

FORMS = ("out", "new results", "columns", "graph", "NumPy")
"""Ways to call: into given results, into new ones, a tensor an input, replayed, from NumPy."""

FLOORS = ("torch.add", "CuPy kernel", "numba kernel")
"""What the smallest call of a library costs."""


def items(options: Any) -> list[tuple[str, str]]:
    """Engines and forms, and what others' calls cost."""
    engines = ("nvrtc",) if options.dry else ("nvrtc", "numba")
    found = [(engine, form) for engine in engines for form in FORMS]
    return found if options.dry else [*found, *(("floor", name) for name in FLOORS)]


def kernel_of(engine: str) -> Kernel:
    """The kernel that is called: points last."""
    return Kernel(f"problem:{PROBLEM}", ("value", "gradient"), points="last", engine=engine)


def build(engine: str, form: str) -> None:
    """Leave the machine code on disk."""
    if engine != "floor":
        built(kernel_of(engine))


def microseconds(call: Callable[[], Any], calls: int = CALLS) -> float | None:
    """Median of what a call costs the calling thread."""
    call()
    if device().dry:
        return None
    made = []
    for _ in range(ROUNDS):
        device().finish()
        begun = perf_counter()
        for _ in range(calls):
            call()
        made.append((perf_counter() - begun) / calls)
    device().finish()
    return median(made) * 1e6


def measure(engine: str, form: str) -> dict[str, Any]:
    """One engine's call in one form."""
    if engine == "floor":
        return {"item": [engine, form], "us": microseconds(floor(form))}
    kernel = kernel_of(engine)
    fn = device().compile(kernel)
    points = points_of(problem_of(kernel), POINTS, "float64")
    x, out = device().put(placed(points, "last")), results_for(kernel, POINTS)
    record: dict[str, Any] = {"item": [engine, form]}
    if form == "graph":
        return {**record, **graph(fn, x, out, points)}
    if form == "NumPy":
        fresh = {name: np.empty((*shape, POINTS)) for name, shape in shapes(kernel).items()}
        return {**record, "us": microseconds(lambda: fn(points, out=given(fresh)), 20)}
    columns = list(x)
    call = {
        "out": lambda: fn(x, out=given(out)),
        "new results": lambda: fn(x),
        "columns": lambda: fn(*columns, out=given(out)),
    }[form]
    return {**record, "us": microseconds(call)}


def graph(fn: Any, x: Any, out: dict[str, Any], points: np.ndarray) -> dict[str, Any]:
    """Capture a call in a graph of torch, replay it on other points, and time replays."""
    fn(x, out=given(out))
    if device().dry:
        return {"us": None, "same": True}
    import torch

    captured = torch.cuda.CUDAGraph()
    with torch.cuda.graph(captured):
        fn(x, out=given(out))
    x.copy_(device().put(np.ascontiguousarray(points[:, ::-1])))
    captured.replay()
    device().finish()
    replayed = {name: device().host(array).copy() for name, array in out.items()}
    fn(x, out=given(out))
    same = all(np.array_equal(device().host(out[name]), replayed[name]) for name in out)
    return {"us": microseconds(captured.replay), "same": same}


def floor(name: str) -> Callable[[], Any]:
    """The smallest call of a library."""
    if name == "torch.add":
        import torch

        a, b = (torch.zeros(POINTS, device="cuda", dtype=torch.float64) for _ in range(2))
        return lambda: torch.add(a, a, out=b)
    if name == "CuPy kernel":
        import cupy

        text = 'extern "C" __global__ void move(const double *x, double *y) { y[0] = x[0]; }'
        kernel = cupy.RawKernel(text, "move")
        a, b = cupy.zeros(POINTS), cupy.zeros(POINTS)
        return lambda: kernel((1,), (32,), (a, b))
    from numba import cuda

    @cuda.jit
    def move(x: Any, y: Any) -> None:
        y[0] = x[0]

    a, b = cuda.to_device(np.zeros(POINTS)), cuda.to_device(np.zeros(POINTS))
    launch = move[1, 32]
    return lambda: launch(a, b)


def line(record: Mapping[str, Any]) -> str:
    """A form's line."""
    engine, form = record["item"]
    us = record["us"]
    shown = "not measured" if us is None else f"{us:.2f} us"
    notes = "" if record.get("same", True) else "  the replay's results DIFFER"
    notes += " MISSED" if form == "out" and us is not None and us > AIM else ""
    return f"{engine:<8}{form:<20}{shown:>14}{notes}"


def markdown(records: list[Mapping[str, Any]]) -> Iterator[str]:
    """The table for a page."""
    yield f"| engine | {' | '.join(FORMS)} |"
    yield "|---" * (len(FORMS) + 1) + "|"
    found = {tuple(record["item"]): record for record in records}

    def cell(engine: str, form: str) -> str:
        record = found.get((engine, form), {})
        us = record.get("us")
        if us is None:
            return "-"
        return f"{us:.2f}" + ("" if record.get("same", True) else " WRONG")

    for engine in ("nvrtc", "numba"):
        yield f"| {engine} | {' | '.join(cell(engine, form) for form in FORMS)} |"
    yield ""
    others = ", ".join(f"{name} {cell('floor', name)}" for name in FLOORS)
    yield f"us a call of {POINTS} points of {PROBLEM} (aim: {AIM:g} with `out=`). Beside: {others}."
