"""Callers: what turns NumPy arrays into the arguments of a kernel, and releases Python's lock.

A kernel is machine code that takes addresses and strides. numba knows how to get those from arrays,
and how to check their types, but takes 60 ms to compile a function that does: twice as long as LLVM
needs for a small kernel. That function is the same for all kernels of a dtype with as many
arguments and results, so there is one for each such shape. It finds the address of the kernel in
the memory that this works in, so that a call has no more arguments for it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from symgrad.emit.target import Dtype
from symgrad.ir.program import HEADER

TEMPLATE = '''"""Calls symgrad's kernels of {count} arrays; it is made anew when it is missing."""

from numba import njit

from symgrad.emit.kernels.caller import jump

CACHE = True


@njit({signature!r}, nogil=True, cache=CACHE, error_model="numpy")
def {name}(start, stop, stream, scratch, {arrays}):
    jump(start, stop, stream, scratch, ({arrays},))
'''


@dataclass(frozen=True, slots=True)
class Caller:
    """A generated module before it is loaded.

    Attributes:
        name: of the function in it; it holds the hash of the module.
        source: the module's text, with numba's cache on disk.
    """

    name: str
    source: str

    @property
    def uncached(self) -> str:
        """The module's text with code in memory alone."""
        return self.source.replace("\nCACHE = True\n", "\nCACHE = False\n", 1)


@cache
def emit_caller(dtype: Dtype, groups: int, results: int) -> Caller:
    """What calls kernels of ``dtype`` with so many argument groups and results.

    It is ``caller(start, stop, stream, scratch, group..., result...)``.
    """
    inputs = [f"Array({dtype}, 2, 'A', readonly=True)"] * groups
    outputs = [f"Array({dtype}, 2, 'A')"] * results
    kinds = ", ".join(["int64"] * 3 + ["Array(uint8, 1, 'C')", *inputs, *outputs])
    count = groups + results
    parts = {
        "count": count,
        "signature": f"void({kinds})",
        "arrays": ", ".join(f"array{i}" for i in range(count)),
    }
    key = TEMPLATE.format(name="", **parts) + str(HEADER) + Path(__file__).read_text("utf-8")
    name = f"caller_{hashlib.sha256(key.encode()).hexdigest()[:24]}"
    return Caller(name, TEMPLATE.format(name=name, **parts))


@intrinsic
def jump(context: Any, start: Any, stop: Any, stream: Any, scratch: Any, arrays: Any) -> Any:
    """Call the kernel of ``scratch`` with each array's memory and strides."""
    return types.void(start, stop, stream, scratch, arrays), _jump


def _jump(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    *bounds, scratch, arrays = arguments
    *_, scratch_kind, kinds = signature.args
    memory = context.make_array(scratch_kind)(context, builder, scratch).data
    passed = [*bounds, builder.gep(memory, [ir.Constant(ir.IntType(64), HEADER)])]
    for i, kind in enumerate(kinds):
        array = context.make_array(kind)(context, builder, builder.extract_value(arrays, i))
        passed.append(array.data)
        passed += [builder.extract_value(array.strides, axis) for axis in range(2)]
    kind = ir.FunctionType(ir.VoidType(), [value.type for value in passed])
    place = builder.bitcast(memory, kind.as_pointer().as_pointer())
    builder.call(builder.load(place), passed)
    return context.get_dummy_value()
