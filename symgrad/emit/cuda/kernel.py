"""The generated module of the numba engine: an intrinsic that is a Program, in numba-cuda's loop.

numba types and lowers Python source slowly (412 s for 20,000 operations, 5 s this way), and makes
the same machine code of it. The kernel takes bare addresses, as ``ir/layout.py`` has them, so that
it is launched like any other: a launch by numba's own dispatcher costs 40 us.

The number of threads is not promised to the assembler: 255 registers are enough for 256 threads
in any case, and with the promise nvJitLink takes 2 to 3 times as many as a kernel needs (the
Jacobian of an arm: 254 in place of 80).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from llvmlite import ir
from numba.core import config, types

from symgrad.emit.cuda.body import Store, emit_body
from symgrad.emit.cuda.fills import constant_rows, without
from symgrad.emit.cuda.memory import Memory
from symgrad.emit.cuda.record import CudaKernel
from symgrad.emit.cuda.source import POINTWISE, UNROLLED
from symgrad.emit.cuda.staging import staged
from symgrad.emit.cuda.sums import BLOCK, THREADS, summed
from symgrad.emit.cuda.tiles import WARP
from symgrad.emit.cuda.warps import Warp, emit_rows, emit_sums
from symgrad.emit.target import Target
from symgrad.errors import KernelError, MissingDependencyError, OptionError
from symgrad.ir.layout import Layout, kernel_arguments
from symgrad.ir.program import Program

TEMPLATE = '''"""A kernel for NVIDIA GPUs that symgrad generated."""

from numba import cuda, int64
from numba.cuda.extending import intrinsic

from symgrad.emit.cuda.kernel import declare, generate

PROGRAM = {program!r}
TARGET = {target!r}
LAYOUT = {layout!r}
SIGNATURE = {signature!r}
UNROLLED = {unrolled!r}


@intrinsic
def body(context, start, {arguments}):
    return declare(start, {arguments}), codegen


def codegen(context, builder, signature, arguments):
    return generate(PROGRAM, TARGET, LAYOUT, context, builder, arguments)


@cuda.jit
def {name}({arguments}):
{loop}
'''

LOOP = """    start = {first}
    while start{times} < a0:
        body(start, {arguments})
        start += {step}"""

POINTS = ("cuda.grid(1)", "", "cuda.gridsize(1)")
"""Each thread begins with its own point."""

WARPS = (f"cuda.grid(1) - cuda.threadIdx.x % {WARP}", "", "cuda.gridsize(1)")
"""Each thread begins with the first point of its warp."""

BLOCKS = ("int64(cuda.blockIdx.x)", f" * {BLOCK}", "cuda.gridDim.x")
"""Each thread begins with the block of points that its block of threads sums."""

NUMPY_LIMIT = (2, 5)
"""numba-cuda 0.30 stops working with this version of NumPy: it uses names that went."""


def numba_kernel(program: Program, target: Target, layout: Layout) -> CudaKernel:
    """The generated module of a program that is lowered for CUDA.

    Args:
        program: one piece.
        target: its dtype, and whether points are summed.
        layout: how the arrays lie.
    """
    kinds = [kind.kind for kind in kernel_arguments(program, layout)]
    arguments = ", ".join(f"a{i}" for i in range(len(kinds)))
    real = target.dtype
    written = {"count": "int64", "step": "int64", "value": real, "address": f"CPointer({real})"}
    threads = points = POINTWISE
    (first, times, step), block = POINTS, 0
    if target.reduced:
        threads, points, block = THREADS, BLOCK, BLOCK
        first, times, step = BLOCKS
    elif by_rows(program, layout):
        rest = without(program, constant_rows(program))
        threads = points = staged(rest, target)[0]
        first, times, step = WARPS
    parts = {
        "program": program.to_json(),
        "target": target.to_json(),
        "layout": json.dumps(asdict(layout), sort_keys=True),
        "signature": f"void({', '.join(written[kind] for kind in kinds)})",
        "unrolled": program.total <= UNROLLED,
        "arguments": arguments,
        "loop": LOOP.format(first=first, times=times, step=step, arguments=arguments),
    }
    key = "\n".join([TEMPLATE, *map(str, parts.values())])
    name = f"sg_{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    return CudaKernel(name, TEMPLATE.format(**parts, name=name), threads, points, block)


def by_rows(program: Program, layout: Layout) -> bool:
    """Whether neighbouring threads would write apart, so that results go through tiles."""
    return layout.points == "first" and any(result.size > 1 for result in program.results)


def declare(*arguments: Any) -> Any:
    """The numba signature of the intrinsic: it returns nothing."""
    return types.void(*arguments)


def generate(
    program_text: str,
    target_text: str,
    layout_text: str,
    context: Any,
    builder: ir.IRBuilder,
    arguments: Sequence[Any],
) -> Any:
    """Emit one turn of a kernel's loop: a point, the points of a warp, or a block of sums."""
    program, target = Program.from_json(program_text), Target.from_json(target_text)
    emit_turn(builder, program, target, layout_from_json(layout_text), arguments)
    return context.get_dummy_value()


def emit_turn(
    builder: ir.IRBuilder,
    program: Program,
    target: Target,
    layout: Layout,
    arguments: Sequence[Any],
) -> None:
    """The code of ``generate``: ``arguments`` are where the turn starts, and the kernel's."""
    start, *given = arguments
    memory = Memory(builder, program, layout, given, reduced=target.reduced)
    fills = () if target.reduced else constant_rows(program)
    rest = without(program, fills)
    if target.reduced:
        threads, tiles = THREADS, summed(program, target)
    elif by_rows(program, layout):
        threads, tiles = staged(rest, target)
    else:
        memory.begin(start)
        for fill in fills:
            memory.fill(fill)
        emit_body(builder, rest, target.dtype, memory.load, memory.store)
        return
    warp = Warp(memory, target, tiles, threads // WARP)

    def emit(store: Store) -> None:
        emit_body(builder, tiles.program, target.dtype, memory.load, store)

    if target.reduced:
        emit_sums(warp, start, emit)
    else:
        emit_rows(warp, start, emit, fills)


def layout_from_json(text: str) -> Layout:
    """The Layout that a generated module holds."""
    read: dict[str, Any] = json.loads(text)
    lists = {name: tuple(value) for name, value in read.items() if isinstance(value, list)}
    return Layout(**{**read, **lists})


def check_numba_cuda() -> None:
    """Refuse a numba-cuda that cannot work, before it fails somewhere else.

    Raises:
        MissingDependencyError: it is missing, or the installed NumPy is too new for it.
        KernelError: the CUDA simulator is in its place.
    """
    try:
        found = version("numba-cuda")
    except PackageNotFoundError:
        raise MissingDependencyError(
            "engine='numba' needs numba-cuda, which is not installed; run "
            "`pip install \"symgrad[numba-cuda]\"` or use engine='nvrtc'"
        ) from None
    numpy = version("numpy")
    if tuple(int(part) for part in re.findall(r"\d+", numpy)[:2]) >= NUMPY_LIMIT:
        raise MissingDependencyError(
            f"numba-cuda {found} needs NumPy < 2.5, and NumPy {numpy} is installed; run "
            "`pip install \"numpy<2.5\"` or use engine='nvrtc'"
        )
    if getattr(config, "ENABLE_CUDASIM", 0):
        raise KernelError(
            "numba's CUDA simulator is on, and it compiles nothing; unset NUMBA_ENABLE_CUDASIM, or "
            "run what fn.source('numba-cuda') gives"
        )


def numba_ptx(kernel: CudaKernel, arch: str) -> str:
    """The PTX of a kernel, whose function has the kernel's name; no GPU is needed.

    Args:
        kernel: what is compiled.
        arch: for what, "sm_90".

    Raises:
        MissingDependencyError: numba-cuda is missing or does not work with what is installed.
        KernelError: it cannot compile the kernel.
    """
    check_numba_cuda()
    cuda: Any = import_module("numba.cuda")
    space: dict[str, Any] = {"__name__": kernel.name}
    exec(compile(kernel.text, f"<{kernel.name}>", "exec"), space)  # our own generated text
    function = space[kernel.name].py_func
    try:
        text, _ = cuda.compile_ptx(function, space["SIGNATURE"], cc=capability(arch))
    except Exception as error:
        raise KernelError(
            f"numba-cuda {version('numba-cuda')} cannot compile {kernel.name} for {arch}: {error}"
        ) from error
    return finished(text, kernel.name, unrolled=space["UNROLLED"])


def capability(arch: str) -> tuple[int, int] | tuple[int, int, str]:
    """The compute capability of an architecture, as numba-cuda takes it.

    Example:
        >>> capability("sm_120"), capability("sm_90a")
        ((12, 0), (9, 0, 'a'))
    """
    found = re.fullmatch(r"sm_(\d+)(\d)([af]?)", arch)
    if found is None:
        raise OptionError(f"{arch!r} is no architecture of NVIDIA's: write it as 'sm_90'")
    major, minor, letter = found.groups()
    return (int(major), int(minor), letter) if letter else (int(major), int(minor))


def finished(text: str, name: str, *, unrolled: bool) -> str:
    """PTX with the kernel's own name, and without what only numba's launches need."""
    found = re.search(r"\.visible \.entry (\w+)\(.*?\n\)\n", text, re.DOTALL)
    assert found is not None
    if not unrolled:
        head = found.group(0)
        text = text.replace(head, f'{head}.pragma "nounroll";\n', 1)
    text = re.sub(r"\.common \.global [^\n]* _ZN08NumbaEnv\w+;\n", "", text)
    return text.replace(found.group(1), name)
