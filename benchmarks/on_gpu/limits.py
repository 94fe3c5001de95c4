"""What the GPU itself can do: bytes copied, fused multiply-adds and functions a second.

Small kernels of our own, compiled by NVRTC with the options that symgrad's kernels have. A
program's limits are its bytes at the rate of the copy, and its instructions at these rates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from benchmarks.on_gpu.device import device

TITLE = "Limits of the GPU"
SECONDS = 25.0

COPY_BYTES = 2**31
THREADS = 256
BLOCKS = 32  # a multiprocessor: several waves, so that the last one does not count
CHAINS, TURNS = 8, 256

MEMORY = {
    "copy": "const Pair* __restrict__ x, Pair* __restrict__ y|y[i] = x[i];",
    "read": "const Pair* __restrict__ x, double* __restrict__ y|s += x[i].a + x[i].b;",
    "write": "const Pair* __restrict__ x, Pair* __restrict__ y|Pair v = {1.5, s}; y[i] = v;",
}
"""Arguments and the body of a loop over i; s is a number that starts at 0."""

# Each keeps v within a range where the function is ordinary.
OPERATIONS = {
    "fma": "fma{f}(v, a, b)",
    "add": "v + a",
    "mul": "v * a",
    "div": "b / v",
    "sqrt": "sqrt{f}(v)",
    "rsqrt": "rsqrt{f}(v)",
    "exp": "exp{f}(-v)",
    "expm1": "expm1{f}(-v)",
    "log": "log{f}(v + b)",
    "sin": "sin{f}(v)",
    "cos": "cos{f}(v)",
    "sincos": "(sincos{f}(v, &s, &c), s + c)",
    "tan": "tan{f}(v * a)",
    "tanh": "tanh{f}(v)",
    "erf": "erf{f}(v + b)",
    "erfc": "erfc{f}(v)",
    "atan2": "atan2{f}(v, b)",
    "pow": "pow{f}(v, a)",
    "asin": "asin{f}(v * T(0.5))",
    "acos": "acos{f}(v * T(0.3))",
    "atan": "atan{f}(v)",
}

SIMPLE = frozenset({"add", "sub", "mul", "fma", "lt", "le", "eq", "ne"})
"""What one instruction of the FP64 or FP32 units does."""


class Text(NamedTuple):
    """CUDA C of one kernel, as symgrad's compiler takes it."""

    name: str
    text: str
    threads: int = THREADS
    points: int = THREADS
    block: int = 0


def memory_text(name: str) -> Text:
    """The kernel of one pattern of traffic."""
    arguments, _, body = MEMORY[name].partition("|")
    # The sum is never so, which the compiler cannot know.
    tail = "if (s == 123.456) y[0] = s;" if name == "read" else ""
    text = f"""
struct __align__(16) Pair {{ double a, b; }};
extern "C" __global__ void __launch_bounds__({THREADS}) limit_{name}(long long n, {arguments}) {{
    double s = 0;
    const long long step = (long long)gridDim.x * blockDim.x;
    #pragma unroll 4
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {{
        {body}
    }}
    {tail}
}}
"""
    return Text(f"limit_{name}", text)


def operation_text(name: str, dtype: str) -> Text:
    """The kernel of chains of one operation, independent of one another."""
    suffix, kind = ("f", "float") if dtype == "float32" else ("", "double")
    step = OPERATIONS[name].format(f=suffix).replace("T(", f"({kind})(")
    starts = "\n    ".join(f"T v{k} = x[0] + (T){k} / (T)64;" for k in range(CHAINS))
    turns = "\n        ".join(
        f"{{ const T v = v{k}; T s, c; s = c = 0; v{k} = {step}; }}" for k in range(CHAINS)
    )
    total = " + ".join(f"v{k}" for k in range(CHAINS))
    text = f"""
typedef {kind} T;
extern "C" __global__ void __launch_bounds__({THREADS}) limit_{name}(
    long long n, const T* __restrict__ x, T* __restrict__ y) {{
    const T a = x[1], b = x[2];
    {starts}
    #pragma unroll 1
    for (long long i = 0; i < n; ++i) {{
        {turns}
    }}
    const T total = {total};
    if (total == (T)123.456) y[0] = total;
}}
"""
    return Text(f"limit_{name}", text)


def items(options: Any) -> list[tuple[str, ...]]:
    """What is measured: traffic, then every operation in both formats."""
    found: list[tuple[str, ...]] = [("memory", name) for name in MEMORY]
    return found + [(dtype, name) for dtype in ("float64", "float32") for name in OPERATIONS]


def measure(kind: str, name: str) -> dict[str, Any]:
    """One rate: bytes or operations a second."""
    from benchmarks.on_gpu.raw import raw

    memory = kind == "memory"
    kernel = raw(memory_text(name) if memory else operation_text(name, kind))
    record: dict[str, Any] = {"item": [kind, name], "registers": kernel.registers}
    if device().dry:
        return record
    blocks = BLOCKS * int(device().facts["multiprocessors"])
    if memory:
        count = COPY_BYTES // 16
        arrays = [device().empty((2 * count,), "float64") for _ in range(2)]
        work = COPY_BYTES * (2 if name == "copy" else 1)
        times = [
            device().seconds(lambda blocks=int(blocks * more): kernel(blocks, count, *arrays))
            for more in (0.25, 0.5, 1, 4)
        ]
        return {**record, "rate": work / min(times)}
    import numpy as np

    start = device().put(np.array([0.75, 0.9375, 1.25], kind))
    place = device().empty((1,), kind)
    seconds = device().seconds(lambda: kernel(blocks, TURNS, start, place))
    return {**record, "rate": blocks * THREADS * CHAINS * TURNS / seconds}


def line(record: Mapping[str, Any]) -> str:
    """What was measured, in a line."""
    kind, name = record["item"]
    rate = record.get("rate")
    if rate is None:
        shown = "not measured"
    elif kind == "memory":
        shown = f"{rate / 1e12:.3f} TB/s"
    else:
        shown = f"{rate / 1e9:.4g} G/s"
    return f"{kind:<10}{name:<10}{shown:>16}{record['registers']:>6} registers"


def rates(records: list[Mapping[str, Any]]) -> dict[str, float]:
    """The rates by "memory copy", "float64 fma" and so on."""
    return {" ".join(r["item"]): r["rate"] for r in records if r.get("rate")}


def markdown(records: list[Mapping[str, Any]]) -> Iterator[str]:
    """The table for a page."""
    found = rates(records)
    for name in MEMORY:
        rate = found.get(f"memory {name}")
        yield f"- {name}: {'not measured' if rate is None else f'{rate / 1e12:.3f} TB/s'}"
    yield ""
    yield "| 10^9 a second | " + " | ".join(OPERATIONS) + " |"
    yield "|---" * (len(OPERATIONS) + 1) + "|"
    for dtype in ("float64", "float32"):
        cells = [found.get(f"{dtype} {name}") for name in OPERATIONS]
        shown = ["-" if cell is None else f"{cell / 1e9:.4g}" for cell in cells]
        yield f"| {dtype} | {' | '.join(shown)} |"


def instruction_seconds(counts: Mapping[str, int], dtype: str, found: Mapping[str, float]) -> float:
    """Seconds a point of a lowered program's instructions at the measured rates.

    Functions that were not measured count nothing, nor what other units do or what is part of an
    instruction (signs, choices, constants, memory), so that this is a bound.
    """
    total = 0.0
    for op, count in counts.items():
        rate = found.get(f"{dtype} {'fma' if op in SIMPLE else op}")
        total += count / rate if rate else 0.0
    return total
