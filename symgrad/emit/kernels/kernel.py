"""A kernel before it is loaded: what it is made of, its name, and its machine code.

It holds the Program and the Target as text, which only code generation decodes; a process that
finds machine code of its name on disk never does.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

from llvmlite import ir

from symgrad.emit.kernels.assemble import new_module, object_code
from symgrad.emit.kernels.contract import contracted
from symgrad.emit.kernels.loop import LOOP, can_write_past, define_loop
from symgrad.emit.kernels.pressure import live_values, vectors_at_a_time
from symgrad.emit.kernels.sums import BLOCK
from symgrad.emit.memory.copies import define_copies
from symgrad.emit.memory.scratch import scratch_layout, sums_layout, tile_points
from symgrad.emit.pieces.body import call_sites
from symgrad.emit.pieces.turned import turns
from symgrad.emit.providers import provider
from symgrad.emit.providers.routine import emitted
from symgrad.emit.sums.summands import summands
from symgrad.emit.target import (
    DEFAULT_VECTOR_BYTES,
    ITEMSIZE,
    REGISTERS,
    VECTOR_BYTES,
    Accuracy,
    Dtype,
    Target,
)
from symgrad.emit.vector.rare import KernelModule, RareFunction
from symgrad.ir.program import Program


@dataclass(frozen=True, slots=True)
class Kernel:
    """Code before it is compiled.

    Attributes:
        name: it holds the hash of all that the code is made from.
        entry: the symbol of the function that is called.
        program: what it computes, as text.
        target: what it is compiled for, as text.
        groups: argument arrays.
        results: result arrays.
        scratch_bytes: memory that one call needs besides its arrays.
        dtype: of every array.
        width: points that are computed at a time.
        lanes: of a vector register.
        block: points whose sums are a row of each result; 0 where every point has its own.
        whole_target: the target of ``whole_kernel``, as text; empty where there is none.
    """

    name: str
    entry: str
    program: str
    target: str
    groups: int
    results: int
    scratch_bytes: int
    dtype: Dtype
    width: int
    lanes: int
    block: int = 0
    whole_target: str = ""


def vector_bytes() -> int:
    """Bytes of the widest vector register that this machine's CPU has."""
    features = provider.host_features()
    for feature, size in VECTOR_BYTES:
        if feature in features:
            return size
    return DEFAULT_VECTOR_BYTES


def cpu_target(
    program: Program,
    dtype: Dtype,
    accuracy: Accuracy,
    *,
    reduced: bool = False,
    contract: bool = False,
    rows: bool = False,
) -> Target:
    """The Target of this machine for ``program``.

    Args:
        program: what is computed.
        dtype: of every value.
        accuracy: of the functions.
        reduced: whether results are sums.
        contract: whether products may become fused multiply-adds, where the CPU has those.
        rows: whether batches have points first.
    """
    program = summands(program).program if reduced else program
    itemsize = ITEMSIZE[dtype]
    lanes = vector_bytes() // itemsize
    width = lanes * vectors_at_a_time(program, call_sites(program), REGISTERS[vector_bytes()])
    tile = tile_points(program, width, itemsize, reduced=reduced)
    # Where values spill, a fused product keeps two operands waiting in place of one value.
    fits = live_values(program) <= REGISTERS[vector_bytes()]
    fused = contract and "fma" in provider.host_features()
    return Target(
        *("cpu", width, dtype, accuracy, tile, lanes, reduced, fused and fits, fused and reduced),
        past_cache_too=turns(program) or not rows,
    )


def emit_kernel(program: Program, target: Target) -> Kernel:
    """The kernel of ``program`` for ``target``: of pieces that may be there twice it has one.

    That takes two thirds of the time to compile. The whole of it is ``whole_kernel``.
    """
    program = contracted(program) if target.contract else program
    if target.reduced:
        _, _, scratch = sums_layout(summands(program), target)
        return described(LOOP, program, target, scratch, BLOCK)
    _, _, scratch = scratch_layout(program, target)
    kernel = described(LOOP, program, replace(target, past_cache_too=False), scratch)
    twice = target.past_cache_too and can_write_past(program, target)
    return replace(kernel, whole_target=target.to_json()) if twice else kernel


def whole_kernel(kernel: Kernel) -> Kernel:
    """A kernel with the second pieces that ``emit_kernel`` left out."""
    name = _name(kernel.entry, kernel.program, kernel.whole_target)
    return replace(kernel, name=name, target=kernel.whole_target, whole_target="")


def described(
    entry: str, program: Program, target: Target, scratch_bytes: int = 0, block: int = 0
) -> Kernel:
    """A Kernel of a Program, named by the hash of all that its code is made from."""
    texts = (program.to_json(), target.to_json())
    return Kernel(
        _name(entry, *texts),
        *(entry, *texts, len(program.groups), len(program.results)),
        *(scratch_bytes, target.dtype, target.width, target.lanes, block),
    )


def _name(entry: str, program: str, target: str) -> str:
    """The name of the code for a Program and a Target, given as text."""
    return _hashed("kernel", entry, program, target)


def _hashed(kind: str, *texts: str) -> str:
    """The name of code that is made from texts here."""
    key = "\n".join([*texts, machine(), emitters()])
    return f"{kind}_{hashlib.sha256(key.encode()).hexdigest()[:24]}"


@cache
def machine() -> str:
    """Everything besides symgrad's own sources that generated code depends on."""
    return " ".join(
        [
            *(f"{package} {version(package)}" for package in ("numba", "llvmlite")),
            *(platform.machine(), *platform.libc_ver()),
            *(str(vector_bytes()), f"libmvec {provider.has_libmvec()}"),
            *provider.host_cpu(),
        ]
    )


@cache
def emitters() -> str:
    """A hash of the sources that turn a Program into code."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in emitter_sources())).hexdigest()


def emitter_sources() -> list[Path]:
    """The files that turn a Program into code."""
    here = Path(__file__).parents[1]
    return [*sorted(here.rglob("*.py")), here.parent / "ir" / "program.py"]


Share = Callable[[str, Callable[[], bytes]], bytes]
"""(name, what compiles it) -> an object file that kernels have in common."""


def compile_kernel(kernel: Kernel, share: Share = lambda _, compile: compile()) -> list[bytes]:
    """The object files of a kernel: its loop over points, and what that calls for rare arguments.

    Args:
        kernel: what is compiled.
        share: knows what was compiled for other kernels.
    """
    program, target = Program.from_json(kernel.program), Target.from_json(kernel.target)
    module = new_module(KernelModule)
    loop = define_loop(module, program, target)
    made = [object_code(loop, thorough=bool(emitted(program, target)))]
    for symbol, function in module.rare.items():
        name = _hashed("rare", symbol)
        made.append(share(name, partial(_compile_rare, symbol, function)))
    return made


def _compile_rare(symbol: str, function: RareFunction) -> bytes:
    return object_code(function.define(new_module(), symbol), thorough=False)


@dataclass(frozen=True, slots=True)
class Copies:
    """Code that all kernels of a kind share (``memory/copies.py``), before it is compiled.

    Attributes:
        name: it holds the hash of all that the code is made from.
        dtype: of every array.
        lanes: of a vector register.
    """

    name: str
    dtype: Dtype
    lanes: int


@cache
def emit_copies(dtype: Dtype, lanes: int) -> Copies:
    """What kernels of a dtype in registers of so many lanes share."""
    return Copies(_hashed("copies", dtype, str(lanes)), dtype, lanes)


def compile_copies(copies: Copies) -> bytes:
    """The object file of what kernels share."""
    made = define_copies(new_module(), copies.dtype, copies.lanes)
    return object_code(*made, thorough=False)


def llvm_text(program: Program, target: Target) -> str:
    """The LLVM IR of the loop and its pieces, before optimisation, for people."""
    module = ir.Module("symgrad")
    define_loop(module, contracted(program) if target.contract else program, target)
    return str(module)
