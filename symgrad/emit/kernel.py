"""The generated module: one numba intrinsic whose body is the whole Program, in one njit function.

The file holds the Program and the Target as text, which only code generation decodes; a process
that finds compiled code in numba's cache beside the file never does.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from llvmlite import ir
from numba.core import types

from symgrad.emit import provider
from symgrad.emit.assemble import link, new_module
from symgrad.emit.body import POINTER, call_sites
from symgrad.emit.contract import contracted
from symgrad.emit.loop import define_loop
from symgrad.emit.pressure import live_values, vectors_at_a_time
from symgrad.emit.reduction import BLOCK
from symgrad.emit.scratch import scratch_layout, tile_points
from symgrad.emit.target import (
    DEFAULT_VECTOR_BYTES,
    ITEMSIZE,
    REGISTERS,
    VECTOR_BYTES,
    Accuracy,
    Dtype,
    Target,
)
from symgrad.ir.program import Program

TEMPLATE = '''"""A kernel that symgrad generated; it is made anew when it is missing."""

from numba import njit
from numba.extending import intrinsic

from symgrad.emit.kernel import declare, generate

CACHE = True
PROGRAM = {program!r}
TARGET = {target!r}


@intrinsic
def body(context, start, stop, stream, scratch, {arrays}):
    return declare(start, stop, stream, scratch, {arrays}), codegen


def codegen(context, builder, signature, arguments):
    return generate(PROGRAM, TARGET, context, builder, signature, arguments)


@njit({signature!r}, nogil=True, cache=CACHE, error_model="numpy")
def {name}(start, stop, stream, scratch, {arrays}):
    body(start, stop, stream, scratch, {arrays})
'''


@dataclass(frozen=True, slots=True)
class Kernel:
    """A generated module before it is loaded.

    Attributes:
        name: of the kernel function and, with a prefix, of the module; it holds the hash.
        source: the module's text, with numba's cache on disk.
        scratch_bytes: memory that one call needs besides its arrays.
        dtype: of every array.
        width: lanes of a vector.
        block: points whose sums are a row of each result; 0 where every point has its own.
    """

    name: str
    source: str
    scratch_bytes: int
    dtype: Dtype
    width: int
    block: int = 0

    @property
    def uncached(self) -> str:
        """The module's text with code in memory alone."""
        return self.source.replace("\nCACHE = True\n", "\nCACHE = False\n", 1)


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
) -> Target:
    """The Target of this machine for ``program``.

    Args:
        program: what is computed.
        dtype: of every value.
        accuracy: of the functions.
        reduced: whether results are sums.
        contract: whether products may become fused multiply-adds, where the CPU has those.
    """
    itemsize = ITEMSIZE[dtype]
    lanes = vector_bytes() // itemsize
    width = lanes * vectors_at_a_time(program, call_sites(program), REGISTERS[vector_bytes()])
    tile = tile_points(program, width, itemsize, reduced=reduced)
    # Where values spill, a fused product keeps two operands waiting in place of one value.
    fits = live_values(program) <= REGISTERS[vector_bytes()]
    contract = contract and fits and "fma" in provider.host_features()
    return Target("cpu", width, dtype, accuracy, tile, lanes, reduced, contract)


def emit_kernel(program: Program, target: Target) -> Kernel:
    """The generated module of ``program`` for ``target``, named by the hash of all its inputs."""
    program = contracted(program) if target.contract else program
    count = len(program.groups) + len(program.results)
    arrays = ", ".join(f"array{i}" for i in range(count))
    inputs = [f"Array({target.dtype}, 2, 'A', readonly=True)"] * len(program.groups)
    outputs = [f"Array({target.dtype}, 2, 'A')"] * len(program.results)
    signature = f"void(int64, int64, int64, Array(uint8, 1, 'C'), {', '.join(inputs + outputs)})"
    parts = {"program": program.to_json(), "target": target.to_json(), "arrays": arrays}
    _, _, scratch = scratch_layout(program, target)
    key = "\n".join([TEMPLATE, *parts.values(), signature, machine(), emitters()])
    name = f"kernel_{hashlib.sha256(key.encode()).hexdigest()[:24]}"
    parts |= {"name": name}
    return Kernel(
        name=name,
        source=TEMPLATE.format(**parts, signature=signature),
        scratch_bytes=scratch,
        dtype=target.dtype,
        width=target.width,
        block=BLOCK if target.reduced else 0,
    )


@cache
def machine() -> str:
    """Everything besides symgrad's own sources that generated code depends on."""
    return " ".join(
        [
            *(f"{package} {version(package)}" for package in ("numba", "llvmlite")),
            *(platform.machine(), *platform.libc_ver()),
            *(str(vector_bytes()), f"libmvec {provider.has_libmvec()}"),
        ]
    )


@cache
def emitters() -> str:
    """A hash of the sources that turn a Program into code."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in emitter_sources())).hexdigest()


def emitter_sources() -> list[Path]:
    """The files that turn a Program into code."""
    here = Path(__file__).parent
    return [*sorted(here.rglob("*.py")), here.parent / "ir" / "program.py"]


def declare(*arrays: Any) -> Any:
    """The numba signature of the intrinsic: it returns nothing."""
    return types.void(*arrays)


def generate(
    program_text: str, target_text: str, context: Any, builder: Any, signature: Any, arguments: Any
) -> Any:
    """Link the loop to the caller's module and call it with each array's memory and strides."""
    program, target = Program.from_json(program_text), Target.from_json(target_text)
    provider.prepare()
    made = define_loop(new_module(builder), program, target)
    loop = link(context, builder, made, thorough=bool(program.routines))
    start, stop, stream, *arrays = arguments
    structs = [
        context.make_array(kind)(context, builder, value)
        for kind, value in zip(signature.args[3:], arrays, strict=True)
    ]
    scratch, *data = structs
    passed = [start, stop, stream, builder.bitcast(scratch.data, POINTER)]
    for struct in data:
        passed.append(builder.bitcast(struct.data, POINTER))
        passed += [builder.extract_value(struct.strides, i) for i in range(2)]
    builder.call(loop, passed)
    return context.get_dummy_value()


def llvm_text(program: Program, target: Target) -> str:
    """The LLVM IR of the loop and its pieces, before optimisation, for people."""
    module = ir.Module("symgrad")
    define_loop(module, contracted(program) if target.contract else program, target)
    return str(module)
