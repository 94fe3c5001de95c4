"""LLVM IR for NVVM on the CPU: llvmlite compiles it, libdevice is libm, threads are threads.

``run(program, target, layout, groups)`` gives what the numba engine's kernel leaves in its results,
bit for bit but for the functions. NVVM's intrinsics become functions that are defined here.
"""

from __future__ import annotations

import ctypes
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

from symgrad.emit.cuda.body import INT64, REAL
from symgrad.emit.cuda.kernel import by_rows, emit_turn, numba_kernel
from symgrad.emit.cuda.sums import BLOCK, THREADS
from symgrad.emit.cuda.tiles import WARP
from symgrad.emit.target import Target
from symgrad.ir.layout import Layout, kernel_arguments
from symgrad.ir.program import Program
from tests.emit.cuda.batches import evaluate
from tests.emit.cuda.shim import Launch

Array = np.ndarray
LIBM = ctypes.CDLL(None)
NUMBER = {"float64": ctypes.c_double, "float32": ctypes.c_float}

_here = threading.local()


@ctypes.CFUNCTYPE(ctypes.c_int32)
def _thread() -> int:
    return _here.number


@ctypes.CFUNCTYPE(None, ctypes.c_int32)
def _warp_sync(mask: int) -> None:
    assert mask == -1
    _here.warp.wait(20)


@ctypes.CFUNCTYPE(None)
def _block_sync() -> None:
    _here.block.wait(20)


CALLBACKS = {
    "llvm.nvvm.read.ptx.sreg.tid.x": _thread,
    "llvm.nvvm.bar.warp.sync": _warp_sync,
    "llvm.nvvm.barrier0": _block_sync,
}


@dataclass(frozen=True)
class Host:
    """A turn of a kernel's loop in memory; ``engine`` keeps it there."""

    engine: object
    address: int
    kinds: tuple[Any, ...]

    def call(self, *arguments: Any) -> None:
        """Run it in this thread."""
        ctypes.CFUNCTYPE(None, *self.kinds)(self.address)(*arguments)

    def together(self, threads: Sequence[int], *arguments: Any) -> None:
        """Run it in several threads of one block, by their numbers in it."""
        warps = {number // WARP: threading.Barrier(WARP) for number in threads}
        block = threading.Barrier(len(threads))
        failed = []

        def one(number: int) -> None:
            _here.number, _here.warp, _here.block = number, warps[number // WARP], block
            try:
                self.call(*arguments)
            except Exception as error:
                failed.append(error)

        made = [threading.Thread(target=one, args=(number,)) for number in threads]
        for thread in made:
            thread.start()
        for thread in made:
            thread.join()
        assert not failed, failed


def compile_host(module: ir.Module, name: str, kinds: Sequence[Any]) -> Host:
    """Compile a module's function ``name`` of arguments of these ctypes."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for function in list(module.functions):
        if function.is_declaration:
            _define(function)
    # Contraction must be ours alone: the code generator is told of no fast math, and has none.
    text = re.sub(r" addrspace\(\d\)", "", str(module)).replace("llvm.nvvm.", "nvvm_")
    text = text.replace('"=l,0"', '"=r,0"')  # the letter of a 64-bit register is PTX's
    parsed = llvm.parse_assembly(text)
    parsed.verify()
    features = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=1)
    engine = llvm.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    return Host(engine, engine.get_function_address(name), tuple(kinds))


def _define(function: ir.Function) -> None:
    """What a declared function is on the CPU."""
    name = function.name
    if name in CALLBACKS:
        address = ctypes.cast(CALLBACKS[name], ctypes.c_void_p).value
        llvm.add_symbol(name.replace("llvm.nvvm.", "nvvm_"), address)
    elif name.startswith(("llvm.nvvm.mul", "__nv_rsqrt", "__nv_sincos")):
        builder = ir.IRBuilder(function.append_basic_block())
        first, *rest = function.args
        kind = first.type
        if "mul" in name:
            builder.ret(builder.fmul(first, *rest))
        elif "rsqrt" in name:
            single = "f" if name.endswith("f") else ""
            root = _outside(builder.module, f"sqrt{single}", kind)
            builder.ret(builder.fdiv(ir.Constant(kind, 1.0), builder.call(root, [first])))
        else:
            single = "f" if name.endswith("f") else ""
            for part, place in zip(("sin", "cos"), rest, strict=True):
                called = _outside(builder.module, part + single, kind)
                builder.store(builder.call(called, [first]), place)
            builder.ret_void()
    elif name.startswith("__nv_"):
        llvm.add_symbol(
            name, ctypes.cast(getattr(LIBM, name.removeprefix("__nv_")), ctypes.c_void_p).value
        )


def _outside(module: ir.Module, name: str, kind: Any) -> ir.Function:
    known = module.globals.get(name)
    return known or ir.Function(module, ir.FunctionType(kind, [kind]), name)


def compile_turn(program: Program, target: Target, layout: Layout) -> Host:
    """Compile one turn of the loop over points: its arguments are the start and the kernel's."""
    real = REAL[target.dtype]
    pairs = {
        "count": (INT64, ctypes.c_int64),
        "step": (INT64, ctypes.c_int64),
        "value": (real, NUMBER[target.dtype]),
        "address": (real.as_pointer(), ctypes.c_void_p),
    }
    chosen = [pairs["count"], *(pairs[kind.kind] for kind in kernel_arguments(program, layout))]
    module = ir.Module("kernel")
    kind = ir.FunctionType(ir.VoidType(), [first for first, _ in chosen])
    function = ir.Function(module, kind, "turn")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    emit_turn(builder, program, target, layout, function.args)
    builder.ret_void()
    return compile_host(module, "turn", [second for _, second in chosen])


def launcher(program: Program, target: Target, layout: Layout) -> Launch:
    """A launch of the numba engine's kernel: the loop that numba compiles is here in Python."""
    turn = compile_turn(program, target, layout)

    def launch(grid: int, threads: int, arguments: Sequence[int | float]) -> None:
        count, every = int(arguments[0]), grid * threads
        if target.reduced:
            for block in range(-(-count // BLOCK)):
                turn.together(range(THREADS), block, *arguments)
        elif by_rows(program, layout):
            for first in range(0, every, WARP):
                numbers = range(first % threads, first % threads + WARP)
                for start in range(first, count, every):
                    turn.together(numbers, start, *arguments)
        else:
            for first in range(every):
                for start in range(first, count, every):
                    turn.call(start, *arguments)

    return launch


def run(
    program: Program, target: Target, layout: Layout, groups: Sequence[Array], **options: Any
) -> list[Array]:
    """What the numba engine's kernel leaves in its results; see ``batches.evaluate``."""
    kernel = numba_kernel(program, target, layout)
    launch = launcher(program, target, layout)
    return evaluate(launch, kernel, program, layout, list(groups), **options)
