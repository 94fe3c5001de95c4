"""What NVIDIA's tools say of the kernels: compute-sanitizer, Nsight Compute; and what loads where.

Both tools start `benchmarks.gpu_probe`. The clocks are left alone (``--clock-control none``).
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from benchmarks import gpu_probe
from benchmarks.on_gpu.device import device
from benchmarks.on_gpu.kernels import DRY_ARCH, built, compiler, numbers
from benchmarks.on_gpu.limits import Text
from benchmarks.on_gpu.raw import Raw, gpu, loaded

TITLE = "Portability, compute-sanitizer and Nsight Compute"
SECONDS = 45.0
SANITIZER_SECONDS, PROFILER_SECONDS = 30.0, 25.0
ROOT = Path(__file__).resolve().parents[2]
CHECKS = ("memcheck", "racecheck", "initcheck", "synccheck")

METRICS = (
    "gpu__time_duration.sum",
    "dram__bytes_read.sum",
    "dram__bytes_write.sum",
    "l1tex__t_sectors_pipe_lsu_mem_global_op_st.sum",
    "l1tex__t_requests_pipe_lsu_mem_global_op_st.sum",
    "l1tex__data_bank_conflicts_pipe_lsu_mem_shared.sum",
    "sm__warps_active.avg.pct_of_peak_sustained_active",
)
DURATION, READ, WRITTEN, SECTORS, REQUESTS, CONFLICTS, ACTIVE = METRICS

ADD = Text(
    "portable",
    """
extern "C" __global__ void portable(long long n, const double* __restrict__ x, double* y) {
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] + 1.0;
}
""",
)


def items(options: Any) -> list[tuple[str, str]]:
    """Kinds of machine code, sanitizers, the profiler."""
    loads = [("load", name) for name in LOADS]
    if options.dry:
        return loads
    return [*loads, ("sanitizer", "all"), ("profiler", "ncu")]


def build(kind: str, name: str) -> None:
    """Leave what the tools will run on disk."""
    kernels = {"sanitizer": gpu_probe.CHECKED, "profiler": gpu_probe.PROFILED}.get(kind, ())
    for kernel in kernels:
        built(kernel)


def measure(kind: str, name: str) -> dict[str, Any]:
    """Ask one of them."""
    found = {"load": load, "sanitizer": sanitize, "profiler": profiled}[kind](name)
    return {"item": [kind, name], **found}


def load(name: str) -> dict[str, Any]:
    """Whether the driver takes one form of a kernel, and whether it is right."""
    if not compiler():
        return {"answer": "NVRTC is not installed"}
    arch = DRY_ARCH if device().dry else gpu().arch
    code = LOADS[name](arch)
    if device().dry:
        return {"answer": "built"}
    try:
        kernel = code if isinstance(code, Raw) else loaded(code)
        x, y = device().put(np.arange(300.0)), device().empty((300,), "float64")
        kernel(2, 300, x, y)
        device().finish()
        right = np.array_equal(device().host(y), np.arange(300.0) + 1)
    except Exception as error:  # a refusal is the answer
        return {"answer": f"refused: {str(error).strip().splitlines()[0][:160]}"}
    return {"answer": "loads and is right" if right else "loads, but is WRONG"}


def own(arch: str) -> Any:
    """Machine code for this GPU."""
    from symgrad.runtime.cuda.nvrtc import compile_source

    return compile_source(ADD, arch, cache=False)


def older(arch: str) -> Any:
    """Machine code for a GPU of an earlier major version, which must be refused."""
    return own("sm_80" if arch != "sm_80" else "sm_75")


def virtual(arch: str) -> Any:
    """PTX of this NVRTC, which the driver takes where it is as new."""
    from symgrad.runtime.cuda.nvrtc import ptx_of_source

    text = ptx_of_source(ADD, arch)
    if device().dry:
        return text
    from cuda.core import LaunchConfig, ObjectCode, Stream, launch

    kernel = ObjectCode.from_ptx(text.encode()).get_kernel(ADD.name)

    def start(blocks: int, arguments: list[Any]) -> None:
        stream = Stream.from_handle(device().arrays.stream())
        launch(stream, LaunchConfig(grid=blocks, block=ADD.threads), kernel, *arguments)

    return Raw(None, start)


def assembled(arch: str) -> Any:
    """NVRTC's PTX made machine code by the assembler of the numba engine."""
    from symgrad.runtime.cuda.nvrtc import ptx_of_source
    from symgrad.runtime.cuda.ptx import assemble

    return assemble(ptx_of_source(ADD, arch), ADD, arch, cache=False)


LOADS = {
    "cubin for this GPU": own,
    "cubin for an older GPU (must be refused)": older,
    "PTX of this NVRTC by the driver": virtual,
    "PTX assembled here": assembled,
}


def sanitize(name: str) -> dict[str, Any]:
    """All tools of compute-sanitizer on the probe, side by side."""
    program = shutil.which("compute-sanitizer")
    if program is None:
        return {"answer": "compute-sanitizer is not installed"}
    command = [sys.executable, "-m", "benchmarks.gpu_probe"]
    until = monotonic() + SANITIZER_SECONDS
    running = {
        tool: subprocess.Popen(
            [
                *limited(SANITIZER_SECONDS),
                program,
                "--tool",
                tool,
                "--error-exitcode",
                "9",
                *command,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        for tool in CHECKS
    }
    answers = []
    for tool, process in running.items():
        try:
            said, _ = process.communicate(timeout=max(1.0, until - monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            answers.append(f"{tool}: not done in {SANITIZER_SECONDS:.0f} s")
            continue
        answers.append(f"{tool}: {verdict(said, process.returncode)}")
    return {"answer": "; ".join(answers)}


def limited(seconds: float) -> list[str]:
    """What ends a program after so long, should this process be ended before it."""
    program = shutil.which("timeout")
    return [] if program is None else [program, "-k", "1", f"{seconds:.0f}"]


def verdict(said: str, status: int) -> str:
    """What a sanitizer's output comes to."""
    lines = [text.strip("= ") for text in said.splitlines() if text.strip("= ")]
    summary = next((text for text in reversed(lines) if "SUMMARY" in text), None)
    if status == 0 and summary is not None:
        return summary.lower()
    first = next((t for t in lines if "error" in t.lower() or "Invalid" in t or "Race" in t), "")
    return f"status {status}; {summary or ''} {first or ' '.join(lines[-1:])}"[:300]


def profiled(name: str) -> dict[str, Any]:
    """Nsight Compute's counters of the probe's kernels."""
    program = shutil.which("ncu")
    if program is None:
        return {"answer": "ncu is not installed"}
    command = [
        *limited(PROFILER_SECONDS),
        *(program, "--clock-control", "none", "--csv", "--print-units", "base"),
        *("--kernel-name", "regex:^sg_", "--metrics", ",".join(METRICS)),
        *(sys.executable, "-m", "benchmarks.gpu_probe", "--profile"),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PROFILER_SECONDS + 5, cwd=ROOT, check=False
    )
    found = counters(done.stdout)
    if len(found) != len(gpu_probe.PROFILED):
        said = (done.stdout + done.stderr).strip().splitlines()
        return {
            "answer": f"{len(found)} kernels in place of {len(gpu_probe.PROFILED)}, status "
            f"{done.returncode}: {' '.join(said[-2:])[:300]}"
        }
    rows = []
    for kernel, counted in zip(gpu_probe.PROFILED, found, strict=True):
        ideal = numbers(kernel) * np.dtype(kernel.dtype).itemsize * gpu_probe.PROFILED_POINTS
        moved = counted[READ] + counted[WRITTEN]
        rows.append(
            {
                "kernel": kernel.label,
                "us": counted[DURATION] / 1e3,
                "moved": moved / ideal,
                "sectors": counted[SECTORS] / max(1.0, counted[REQUESTS]),
                "conflicts": counted[CONFLICTS],
                "active": counted[ACTIVE],
            }
        )
    return {"answer": f"{len(rows)} kernels", "rows": rows}


def counters(text: str) -> list[dict[str, float]]:
    """The metrics of every kernel of ncu's table, in the order of launches."""
    lines = text.splitlines()
    start = next((k for k, one in enumerate(lines) if one.startswith('"ID"')), None)
    if start is None:
        return []
    found: dict[str, dict[str, float]] = {}
    for row in csv.DictReader(lines[start:]):
        value = (row.get("Metric Value") or "").replace(",", "")
        try:
            found.setdefault(row["ID"], {})[row["Metric Name"]] = float(value)
        except ValueError:
            continue
    return [one for one in found.values() if set(METRICS) <= set(one)]


def line(record: Mapping[str, Any]) -> str:
    """An answer in a line."""
    kind, name = record["item"]
    return f"{kind}, {name}: {record['answer']}"


def markdown(records: list[Mapping[str, Any]]) -> Iterator[str]:
    """The answers, and the counters as a table."""
    for record in records:
        yield f"- {line(record)}"
    rows = [row for record in records for row in record.get("rows", ())]
    if not rows:
        return
    yield ""
    yield "| kernel | us | memory moved / ideal | sectors a store | bank conflicts | warps active |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        yield (
            f"| {row['kernel']} | {row['us']:.1f} | {row['moved']:.2f} | {row['sectors']:.1f} "
            f"| {row['conflicts']:.3g} | {row['active']:.0f} % |"
        )
