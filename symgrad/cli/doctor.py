"""``symgrad doctor``: what this machine offers, and what is wrong with it."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from symgrad.cli.table import aligned
from symgrad.errors import DeviceError, KernelError
from symgrad.functions import PRIMITIVES
from symgrad.runtime import cache, threads

REQUIRED = ("numpy", "sympy", "mpmath", "numba", "llvmlite", "click", "platformdirs")
OPTIONAL = ("torch", "dask", "scipy", "cuda-bindings", "cuda-core", "numba-cuda")
DTYPES = ("float64", "float32")
TESTED_POINTS = 64
TIMED_POINTS = 4096
TIMED_CALLS = 30


@click.command("doctor")
@click.option(
    "--test",
    "tested",
    is_flag=True,
    help="Compile every function, compare it with exact arithmetic and time it (half a minute).",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def doctor(tested: bool, as_json: bool) -> None:
    """Report versions, CPU, vector mathematics with its error bounds, cache and threads.

    Exit status 1 where something that symgrad needs is missing, or a function is wrong.
    """
    found = findings(tested)
    click.echo(json.dumps(found, indent=2) if as_json else as_text(found))
    if found["problems"]:
        raise click.exceptions.Exit(1)


def findings(tested: bool = False) -> dict[str, Any]:
    """Everything that is reported, as it stands in the JSON document."""
    versions = {name: _version(name) for name in ("symgrad", *REQUIRED, *OPTIONAL)}
    problems = [f"{name} is not installed" for name in REQUIRED if versions[name] is None]
    mathematics: dict[str, Any] = {}
    gpu: dict[str, Any] = {"engines": [], "devices": [], "lacking": None}
    vector_bytes = None
    try:
        # numba or llvmlite may be what is broken, and that is worth a line, not a traceback.
        vector_bytes = import_module("symgrad.emit.kernels.kernel").vector_bytes()
        mathematics = _vector_mathematics(vector_bytes)
        if tested:
            problems += _tested(mathematics)
        gpu = _gpu()
    except Exception as error:
        problems.append(f"kernels cannot be compiled: {type(error).__name__}: {error}")
    stored, usable = _cache()
    if not usable:
        problems.append(stored["state"])
    return {
        "schema": 1,
        "versions": versions,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "c_library": " ".join(platform.libc_ver()).strip() or None,
        "cpu": processor(),
        "vector_bytes": vector_bytes,
        "threads": threads.available(),
        "vector_mathematics": mathematics,
        "gpu": gpu,
        "cache": stored,
        "problems": problems,
    }


def processor() -> str:
    """The CPU's name, as the system knows it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                key, _, value = line.partition(":")
                if key.strip() == "model name":
                    return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    """A package's version without importing it: torch alone takes seconds."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _vector_mathematics(vector_bytes: int) -> dict[str, Any]:
    """Who computes every function in a kernel here, and the error bound that it delivers."""
    provider = import_module("symgrad.emit.providers.provider")
    itemsize = import_module("symgrad.emit.target").ITEMSIZE
    made: dict[str, Any] = {}
    for name, row in PRIMITIVES.items():
        if row.kind in ("call", "routine"):
            made[name] = {}
            for dtype in DTYPES:
                choice = provider.delivered(row, vector_bytes // itemsize[dtype], dtype, "high")
                made[name][dtype] = {"provider": choice.provider, "ulp": choice.ulp}
    return made


def _gpu() -> dict[str, Any]:
    """The engines that compile for GPUs here, the GPUs, and what target="cuda" lacks to run."""
    stages = import_module("symgrad.cuda")
    device = import_module("symgrad.runtime.cuda.device")
    machine = device.Machine()
    names = [machine.device(number).name for number in range(machine.count())]
    lacking = None
    if not names:
        try:
            machine.device(0)
        except DeviceError as error:
            lacking = str(error)
    return {"engines": stages.usable_engines(), "devices": names, "lacking": lacking}


def _tested(mathematics: dict[str, Any]) -> list[str]:
    """Add to every function the error seen and its nanoseconds a point; which ones are wrong."""
    wrong = []
    for name, choices in mathematics.items():
        if PRIMITIVES[name].kind != "call":
            continue
        for dtype, choice in choices.items():
            choice["seen"], choice["ns"] = _error_and_time(name, dtype)
            if not choice["seen"] <= choice["ulp"]:
                wrong.append(
                    f"{name} in {dtype} by {choice['provider']} is {choice['seen']:.3g} ulp off "
                    f"where {choice['ulp']:g} are promised: please report it; with "
                    "NUMBA_CPU_NAME=x86-64 kernels call the C library instead"
                )
    return wrong


def _error_and_time(name: str, dtype: str) -> tuple[float, float]:
    """The largest error in ulp at random points, and nanoseconds a point of one thread."""
    numpy = import_module("numpy")
    domain = PRIMITIVES[name].domain
    inputs = [f"x{place}" for place in range(len(domain))]
    formula = f"{name}({', '.join(inputs)})"
    function = import_module("symgrad.api").compile(formula, inputs, "value", dtype=dtype)
    report = import_module("symgrad.check").check(
        function, None, "mpmath", count=TESTED_POINTS, ranges=dict(zip(inputs, domain, strict=True))
    )
    (row,) = report.rows
    rng = numpy.random.default_rng(0)
    low, high = numpy.array(domain).T
    points = rng.uniform(low, high, (TIMED_POINTS, len(inputs))).astype(dtype)
    out = function(points)
    best = float("inf")
    for _ in range(TIMED_CALLS):
        start = time.perf_counter()
        function(points, out=out, workers=1)
        best = min(best, time.perf_counter() - start)
    return (row.worst_ulp if row.passed else float("inf")), best / TIMED_POINTS * 1e9


def _cache() -> tuple[dict[str, Any], bool]:
    """The cache directory and its state, and whether that is fit for use."""
    try:
        path = cache.usable_directory()
    except KernelError as error:
        return {"directory": str(cache.directory()), "state": str(error)}, False
    if path is None:
        state = "cannot be made or read: every process compiles anew, in memory"
        return {"directory": str(cache.directory()), "state": f"the cache {state}"}, False
    if not cache.is_writable(path):
        state = "cannot be written: every process compiles what is not in it anew, in memory"
        return {**cache.info(), "state": f"the cache {state}"}, False
    return {**cache.info(), "state": "writable, and by you alone"}, True


def as_text(found: dict[str, Any]) -> str:
    """The findings for people."""
    vector_bytes = found["vector_bytes"]
    lanes = f"{vector_bytes * 8} bits: {vector_bytes // 8} float64" if vector_bytes else "unknown"
    packages = [
        [f"  {name}", number or ("missing" if name in REQUIRED else "not installed")]
        for name, number in found["versions"].items()
    ]
    machine = [
        ["  python", f"{found['python']} ({sys.executable})"],
        ["  system", f"{found['system']}, {found['c_library'] or 'C library unknown'}"],
        ["  cpu", found["cpu"]],
        ["  vectors", lanes],
        ["  threads", f"{found['threads']} of {os.cpu_count()} processors"],
    ]
    stored = found["cache"]
    cached = [["  directory", stored["directory"]], ["  state", stored["state"]]]
    if "kernels" in stored:
        size = f"{stored['kernels']} in {stored['bytes'] / 1e6:.1f} MB"
        cached.append(["  kernels", size])
    parts = [
        ("Versions", aligned(packages)),
        ("Machine", aligned(machine)),
        ("GPU", aligned(_gpu_rows(found["gpu"]))),
        ("Cache", aligned(cached)),
        ('Vector mathematics, accuracy="high"', _mathematics_text(found["vector_mathematics"])),
        ("Problems", "\n".join(f"  {problem}" for problem in found["problems"]) or "  none"),
    ]
    return "\n\n".join(f"{title}\n{text}" for title, text in parts)


def _gpu_rows(found: dict[str, Any]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [["  engines", ", ".join(found["engines"]) or "none installed"]]
    rows += [["  device", name] for name in found["devices"]]
    return rows + ([["  to run", found["lacking"]]] if found["lacking"] else [])


def _mathematics_text(mathematics: dict[str, Any]) -> str:
    if not mathematics:
        return "  unknown"
    rows: list[Sequence[str]] = [["  function", *(f"{dtype}, within" for dtype in DTYPES)]]
    for name, choices in mathematics.items():
        rows.append([f"  {name}", *(_choice_text(choices[dtype]) for dtype in DTYPES)])
    return aligned(rows)


def _choice_text(choice: dict[str, Any]) -> str:
    said = f"{choice['provider']} {choice['ulp']:g} ulp"
    return said + (
        f", seen {choice['seen']:.2f}, {choice['ns']:.2f} ns" if "seen" in choice else ""
    )
