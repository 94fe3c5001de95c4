"""What the GPU benchmark runs on: the GPU, the driver, versions, programs."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import symgrad as sg
from benchmarks.on_gpu.device import device
from benchmarks.on_gpu.kernels import ARCHITECTURE, DRY_ARCH
from benchmarks.on_gpu.workers import last_line

TITLE = "Environment"
SECONDS = 20.0
PACKAGES = (
    *("symgrad", "numpy", "numba", "llvmlite", "sympy", "torch", "triton", "jax", "jaxlib"),
    *("cupy-cuda13x", "cupy-cuda12x", "cuda-core", "cuda-bindings", "numba-cuda", "python-flint"),
    *("nvidia-cuda-nvrtc", "nvidia-nvjitlink"),
)
PROGRAMS = ("nvidia-smi", "ptxas", "nvdisasm", "compute-sanitizer", "ncu", "g++")
QUERY = "driver_version,clocks.max.sm,clocks.max.memory,power.limit,temperature.gpu"


def items(options: Any) -> list[tuple[str]]:
    """Kinds of facts."""
    return [(kind,) for kind in FACTS]


def measure(kind: str) -> dict[str, Any]:
    """The facts of one kind."""
    return {"item": [kind], "facts": FACTS[kind]()}


def machine() -> dict[str, str]:
    """Processor, cores, system and Python."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((s.split(":")[1].strip() for s in lines if s.startswith("model name")), model)
    except OSError:
        pass
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        "system": platform.platform(),
        "Python": platform.python_version(),
    }


def gpu() -> dict[str, str]:
    """The GPU as its library and the driver's program describe it."""
    found = dict(device().facts)
    program = shutil.which("nvidia-smi")
    if program and not device().dry:
        command = [program, f"--query-gpu={QUERY}", "--format=csv,noheader", "-i", "0"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        if done.returncode == 0:
            values = [value.strip() for value in done.stdout.strip().split(",")]
            found |= dict(zip(QUERY.split(","), values, strict=False))
    return found


def toolkit() -> dict[str, str]:
    """What compiles kernels here, and for which CUDA the driver is."""
    found = {}
    try:
        from symgrad.runtime.cuda import nvrtc

        found["NVRTC"] = ".".join(map(str, nvrtc.version()))
    except Exception as error:  # what is missing is a fact too
        found["NVRTC"] = f"not usable: {str(error)[:200]}"
    if not device().dry:
        from symgrad.runtime.cuda.device import driver

        _, version = driver().cuDriverGetVersion()
        found["driver for CUDA"] = f"{version // 1000}.{version % 1000 // 10}"
    return found


def packages() -> dict[str, str]:
    """Versions."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def programs() -> dict[str, str]:
    """Which programs there are."""
    return {name: "yes" if shutil.which(name) else "not installed" for name in PROGRAMS}


def engines() -> dict[str, str]:
    """Which engine a user gets who names none, and whether each of them works."""
    found = {}
    for engine in (None, "nvrtc", "numba"):
        try:
            fn = sg.compile("x**2*sin(y)", "x y", target="cuda", engine=engine)
            fn.binaries(os.environ.get(ARCHITECTURE, DRY_ARCH))
        except Exception as error:  # what is missing is a fact too
            found[engine or "default"] = f"not usable: {last_line(error)}"
        else:
            found[engine or "default"] = "works" if engine else fn.engine
    return found


FACTS = {
    "machine": machine,
    "gpu": gpu,
    "toolkit": toolkit,
    "packages": packages,
    "programs": programs,
    "engines": engines,
}


def line(record: Mapping[str, Any]) -> str:
    """The facts in a line."""
    kind = record["item"][0]
    return f"{kind}: " + ", ".join(f"{key} {value}" for key, value in record["facts"].items())


def markdown(records: list[Mapping[str, Any]]) -> Iterator[str]:
    """A list for a page."""
    for record in records:
        yield f"- {line(record)}"
