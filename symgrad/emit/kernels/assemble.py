"""Compile a module once, by the passes it needs, into an object file.

numba optimises everything in its modules three times: each function, then the linked module by a
cheap and by a full pipeline. Kernels leave this package as straight-line code in SSA form without
common subexpressions, where that changes little and took two thirds of a compilation (0.60 s of
numba's for the arm's Jacobian, 0.20 s this way). So numba does not see them: they are compiled
here, and called by their address (``caller.py``).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import binding, ir
from numba.core.registry import cpu_target

PIECE, INLINED = "sg.piece", ".inline"
"""What the names of pieces begin with, and those of vector functions that are inlined end with.

Where those branch, LLVM finds instructions to combine all over (sines take 2 % longer otherwise).
Else there are none but in pieces, and to look for them in the loop takes as long as a small one."""


def new_module(kind: type[ir.Module] = ir.Module) -> Any:
    """An empty module of a kind for this machine."""
    made = kind("symgrad")
    made.triple = binding.get_process_triple()
    made.data_layout = str(host_machine().target_data)
    return made


def object_code(*entries: ir.Function, thorough: bool) -> bytes:
    """The object file of a ``new_module``, which shows nothing but ``entries`` to others.

    Args:
        *entries: functions of the module; everything else in that is internal.
        thorough: run LLVM's own passes, for code with loops or memory of its own.
    """
    made: bytes = host_machine().emit_object(optimised(*entries, thorough=thorough))
    return made


def optimised(*entries: ir.Function, thorough: bool) -> Any:
    """LLVM's own form of the module of ``entries``, after the passes."""
    for entry in entries:
        entry.linkage = ""  # were it internal, nothing would be needed
    parsed = binding.parse_assembly(str(entries[0].module))
    parsed.verify()
    options = binding.create_pipeline_tuning_options(speed_level=1)
    options.loop_unrolling = options.loop_vectorization = options.slp_vectorization = False
    builder = binding.create_pass_builder(host_machine(), options)
    if thorough:
        passes = builder.getModulePassManager()
    else:
        passes = binding.create_new_module_pass_manager()
        passes.add_always_inliner_pass()
        if any(f.name.endswith(INLINED) and len(list(f.blocks)) > 1 for f in parsed.functions):
            passes.add_instruction_combine_pass()
        else:
            combine = binding.create_new_function_pass_manager()
            combine.add_instruction_combine_pass()
            for function in parsed.functions:
                if function.name.startswith(PIECE):
                    combine.run(function, builder)
    passes.run(parsed, builder)
    return parsed


@cache
def host_machine() -> Any:
    """A ``TargetMachine`` for the CPU and with the settings of numba's own."""
    _, cpu, features = cpu_target.target_context.codegen().magic_tuple()
    target = binding.Target.from_default_triple()
    model = "static" if target.name.startswith("x86") else "default"
    return target.create_target_machine(
        cpu=cpu, features=features, opt=2, reloc=model, codemodel="jitdefault", jit=True
    )
