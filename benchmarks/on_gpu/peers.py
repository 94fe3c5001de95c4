"""Other libraries on the same GPU: torch.func eager, torch.compile and JAX beside symgrad.

Value and derivative in float64, inputs resident on the GPU; wall time of calls one after the other
until the last one is done, so that libraries with streams of their own are timed alike. Each
library has a process; in every round it runs just after symgrad. Both layouts and all modes of
differentiation are tried and the fastest counts, symgrad's too.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from time import monotonic, perf_counter
from typing import Any

import numpy as np

from benchmarks.on_gpu.device import device, given, results_for
from benchmarks.on_gpu.kernels import Kernel, entries_last, placed, points_of
from benchmarks.on_gpu.workers import last_line
from benchmarks.problem import Problem
from benchmarks.suite_problems import find

CHECKED = 257
MOST = 2**17
"""Points that are drawn; more are repetitions of them, made on the GPU."""

ROUND_SECONDS = 0.01
TRIED = 3

Variant = tuple[str, Callable[[], Callable[[], Any]]]
_STATE: dict[str, Any] = {}


def table_of(problem: Problem, count: int, axis: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The same points in every process, and how often they are to be repeated by axis."""
    drawn = points_of(problem, min(count, MOST), "float64")
    times = max(1, count // drawn.shape[1])
    return placed(drawn, "last" if axis else "first"), (1, times) if axis else (times, 1)


def numbers_of(parts: Any, axis: int) -> np.ndarray:
    """Value and derivative at the first points as (entries, points)."""
    rows = []
    for part in parts:
        array = np.moveaxis(part, axis, -1) if axis == 0 else part
        rows.append(np.asarray(array).reshape(-1, array.shape[-1]))
    return np.concatenate(rows)


class Timed:
    """A call that can be timed, and its results at the first points."""

    def __init__(self, label: str, call: Any, wait: Any, head: np.ndarray) -> None:
        self.label, self.call, self.wait, self.head = label, call, wait, head

    def seconds(self, calls: int = 0) -> float:
        """Wall seconds a call; of as many calls as make a round, if no number is given."""
        if not calls:
            first = self.seconds(1)
            calls = int(min(200, ROUND_SECONDS / max(first, 1e-6)))
            if calls < 2:
                return first
        self.wait()
        begun = perf_counter()
        for _ in range(calls):
            self.call()
        self.wait()
        return (perf_counter() - begun) / calls


def symgrad_variants(problem: Problem, count: int) -> list[Any]:
    """The kernels of symgrad with points last and first, into results that are reused."""

    def make(points: str) -> Timed:
        kernel = Kernel(f"problem:{problem.name}", ("value", problem.derivative), points=points)
        fn = device().compile(kernel)
        drawn = points_of(problem, min(count, MOST), "float64")
        x = device().repeated(drawn, max(1, count // drawn.shape[1]), points)
        out = results_for(kernel, count)
        fn(x, out=given(out))
        few = min(CHECKED, count)
        parts = [a[..., :few] if points == "last" else a[:few] for a in out.values()]
        head = [entries_last(device().host(part), points, few) for part in parts]
        call = partial(fn, x, out=given(out))
        return Timed(f"points {points}", call, device().finish, np.concatenate(head))

    return [partial(make, points) for points in ("last", "first")]


def torch_one_point(problem: Problem, mode: str) -> Callable[[Any], Any]:
    """Value and derivative of one point by "grad", "jacfwd" or "jacrev", or two of these."""
    import torch
    from torch.func import grad_and_value, jacfwd, jacrev

    n = problem.inputs

    def values(x: Any, parameters: Any) -> Any:
        entries = [*x, *parameters] if problem.parameters else x
        traced = problem.function(torch, entries)
        return torch.stack([t if torch.is_tensor(t) else x.new_tensor(t) for t in traced])

    def by_grad(point: Any) -> Any:
        derivative, value = grad_and_value(lambda x: values(x, point[n:])[0])(point[:n])
        return value, derivative

    def by_jacobian(point: Any) -> Any:
        def twice(x: Any) -> Any:
            result = values(x, point[n:])
            return result, result

        transformed: Any = twice
        for one in reversed(mode.split(" of ")):
            transformed = {"jacfwd": jacfwd, "jacrev": jacrev}[one](transformed, has_aux=True)
        derivative, value = transformed(point[:n])
        return value, derivative

    return by_grad if mode == "grad" else by_jacobian


def modes(problem: Problem) -> tuple[str, ...]:
    """The ways to differentiate a problem, the likeliest first."""
    found = {
        "gradient": ("grad",),
        "jacobian": ("jacrev", "jacfwd")
        if problem.outputs < problem.inputs
        else ("jacfwd", "jacrev"),
        "hessian": ("jacfwd of jacrev",),
    }
    return found[problem.derivative]


def torch_variants(problem: Problem, count: int, transform: Any = None) -> list[Any]:
    """torch.func's vmap in every mode and layout, eager or compiled."""
    import torch
    from torch.func import vmap

    where = "cpu" if device().dry else "cuda"
    wait = device().finish

    def make(mode: str, axis: int) -> Timed:
        function = vmap(torch_one_point(problem, mode), in_dims=axis, out_dims=axis)
        function = function if transform is None else transform(function)
        table, times = table_of(problem, count, axis)
        x = torch.from_numpy(table).to(where).repeat(times).contiguous()
        out: dict[str, Any] = {}

        def call() -> None:
            out.clear()  # the former results make room for these
            out["results"] = function(x)

        call()
        wait()
        few = min(CHECKED, count)
        parts = [r.narrow(axis % r.ndim, 0, few).cpu().numpy() for r in out["results"]]
        label = f"{mode}, points {'last' if axis else 'first'}"
        return Timed(label, call, wait, numbers_of(parts, axis))

    return [partial(make, mode, axis) for mode in modes(problem) for axis in (-1, 0)]


def compile_variants(problem: Problem, count: int) -> list[Any]:
    """torch.compile of the same functions, each as one graph for its number of points."""
    import torch

    def transform(function: Any) -> Any:
        torch._dynamo.reset()
        return torch.compile(function, fullgraph=True, dynamic=False)

    return torch_variants(problem, count, transform)


def jax_variants(problem: Problem, count: int) -> list[Any]:
    """JAX's jit(vmap) in every mode and layout."""
    import jax

    from benchmarks.peers.jax_vmap import one_point

    jax.config.update("jax_enable_x64", True)

    def make(mode: str, axis: int) -> Timed:
        function = jax.jit(jax.vmap(one_point(problem, mode), in_axes=axis, out_axes=axis))
        table, times = table_of(problem, count, axis)
        x = jax.block_until_ready(jax.numpy.tile(jax.device_put(table), times))
        out: dict[str, Any] = {}

        def call() -> None:
            out.clear()
            out["results"] = function(x)

        def wait() -> None:
            if out:
                jax.block_until_ready(out["results"])

        call()
        wait()
        few = min(CHECKED, count)
        parts = [np.asarray(r[..., :few] if axis else r[:few]) for r in out["results"]]
        label = f"{mode}, points {'last' if axis else 'first'}"
        return Timed(label, call, wait, numbers_of(parts, axis))

    return [partial(make, mode, axis) for mode in modes(problem) for axis in (-1, 0)]


VARIANTS: dict[str, Callable[[Problem, int], list[Any]]] = {
    "symgrad": symgrad_variants,
    "jax": jax_variants,
    "torch.compile": compile_variants,
    "torch.func": torch_variants,
}


def enter(peer: str, name: str, count: int, seconds: float) -> dict[str, Any]:
    """Choose the fastest variant of a peer; no further one is begun after so many seconds."""
    _STATE.clear()
    gc.collect()
    release()
    chosen: Timed | None = None
    begun, best, notes, failure = monotonic(), float("inf"), [], None
    for make in VARIANTS[peer](find(name), count):
        if chosen is not None and monotonic() - begun > seconds:
            notes.append("not all were tried")
            break
        one = None
        try:
            one = make()
            taken = min(one.seconds() for _ in range(TRIED))
        except Exception as error:  # one mode may need more memory than there is
            failure = last_line(error)
            notes.append(f"one failed: {failure}")
            release()
            continue
        notes.append(f"{one.label} {taken / count * 1e12:.4g}")
        if taken < best:
            chosen, best = one, taken
        del one
    if chosen is None:
        raise RuntimeError(failure or "it has no variant")
    _STATE["timed"] = chosen
    return {
        "label": chosen.label,
        "notes": "; ".join(notes),
        "head": chosen.head,
        "ready_s": monotonic() - begun,
    }


def warm(peer: str, name: str, count: int) -> None:
    """Have the peer's compiler keep on disk what all variants need."""
    enter(peer, name, count, float("inf"))
    leave()


def seconds() -> float:
    """Seconds a call of the chosen variant."""
    return float(_STATE["timed"].seconds())


def release() -> None:
    """Give unused memory of the GPU back, so that the other processes have it."""
    import sys

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def leave() -> None:
    """Forget the chosen variant and its arrays."""
    _STATE.clear()
    gc.collect()
    release()
