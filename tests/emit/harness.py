"""Compile a vector function made with llvmlite.ir and call it on NumPy arrays, without numba."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

Array = np.ndarray
REAL = {"float64": ir.DoubleType(), "float32": ir.FloatType()}


@dataclass(frozen=True)
class Compiled:
    """A loop over arrays around one vector function; the engine lives as long as this does."""

    engine: object
    address: int
    width: int
    inputs: int
    outputs: int
    dtype: str

    def __call__(self, *arrays: Array, repeat: int = 1) -> Array | tuple[Array, ...]:
        """The results at every element, each padded with ones to a multiple of the width first."""
        count = len(arrays[0])
        padded = -(-count // self.width) * self.width
        sources = []
        for array in arrays:
            source = np.ones(padded, self.dtype)
            source[:count] = array
            sources.append(source)
        targets = [np.empty(padded, self.dtype) for _ in range(self.outputs)]
        self.run([*sources, *targets], padded, repeat)
        results = tuple(target[:count] for target in targets)
        return results[0] if self.outputs == 1 else results

    def run(self, arrays: list[Array], count: int, repeat: int) -> None:
        """The bare loop, ``repeat`` times over the same arrays (a multiple of the width long)."""
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
        kinds = [ctypes.c_void_p] * len(arrays) + [ctypes.c_int64] * 2
        ctypes.CFUNCTYPE(None, *kinds)(self.address)(*pointers, count, repeat)


@cache
def _target() -> llvm.Target:
    """This machine's code generator, started once."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


def compile_loop(
    define: Callable[[ir.Module], ir.Function],
    width: int,
    *,
    inputs: int = 1,
    dtype: str = "float64",
    cpu: str | None = None,
    features: str | None = None,
) -> Compiled:
    """Compile a loop that applies the function to ``width`` elements at a time, and repeats."""
    module = ir.Module("harness")
    function = define(module)
    result = function.function_type.return_type
    outputs = len(result.elements) if isinstance(result, ir.LiteralStructType) else 1
    real, index = REAL[dtype], ir.IntType(64)
    vector = ir.VectorType(real, width)
    pointers = [real.as_pointer()] * (inputs + outputs)
    kernel = ir.Function(module, ir.FunctionType(ir.VoidType(), [*pointers, index, index]), "loop")
    *arrays, count, repeat = kernel.args
    for array in arrays:
        array.add_attribute("noalias")
    entry = kernel.append_basic_block("entry")
    outer = kernel.append_basic_block("outer")
    inner = kernel.append_basic_block("inner")
    after = kernel.append_basic_block("after")
    done = kernel.append_basic_block("done")
    builder = ir.IRBuilder(entry)
    builder.branch(outer)
    builder.position_at_end(outer)
    round_number = builder.phi(index)
    round_number.add_incoming(index(0), entry)
    builder.branch(inner)
    builder.position_at_end(inner)
    i = builder.phi(index)
    i.add_incoming(index(0), outer)
    places = [builder.bitcast(builder.gep(a, [i]), vector.as_pointer()) for a in arrays]
    align = np.dtype(dtype).itemsize
    values = [builder.load(place, align=align) for place in places[:inputs]]
    value = builder.call(function, values)
    parts = [value] if outputs == 1 else [builder.extract_value(value, j) for j in range(outputs)]
    for part, place in zip(parts, places[inputs:], strict=True):
        builder.store(part, place, align=align)
    following = builder.add(i, index(width))
    i.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, count), inner, after)
    builder.position_at_end(after)
    next_round = builder.add(round_number, index(1))
    round_number.add_incoming(next_round, after)
    builder.cbranch(builder.icmp_signed("<", next_round, repeat), outer, done)
    builder.position_at_end(done)
    builder.ret_void()
    return _compile(module, width, inputs, outputs, dtype, cpu, features)


def _compile(
    module: ir.Module,
    width: int,
    inputs: int,
    outputs: int,
    dtype: str,
    cpu: str | None,
    features: str | None,
) -> Compiled:
    """Optimise at level 3 as numba does, generate code, and keep the engine."""
    # One for each engine, which becomes its owner.
    host = _target().create_target_machine(
        cpu=llvm.get_host_cpu_name() if cpu is None else cpu,
        features=llvm.get_host_cpu_features().flatten() if features is None else features,
        opt=3,
    )
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    passes = llvm.create_pass_builder(host, options)
    passes.getModulePassManager().run(parsed, passes)
    engine = llvm.create_mcjit_compiler(parsed, host)
    engine.finalize_object()
    return Compiled(engine, engine.get_function_address("loop"), width, inputs, outputs, dtype)
