"""Compile a module once, by the passes it needs, and hand it to numba as assembler text.

numba optimises everything in its modules three times: each function, then the linked module by a
cheap and by a full pipeline. Kernels leave this package as straight-line code in SSA form without
common subexpressions, where that changes little and took two thirds of a compilation (0.60 s of
numba's for the arm's Jacobian, 0.20 s this way). So they are optimised and compiled here, and
numba's module gets their assembler text, which it does not look into; what it keeps on disk is
object code, as before.

The text is that of Linux. On other systems the optimised module is linked as it is.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

from llvmlite import binding, ir

PASSES = ("always_inliner", "instruction_combine")
"""Enough for straight-line code in a loop."""

FILE_WIDE = (".file", ".ident", ".globl", '.section\t".note.GNU-stack"')
"""Directives that concern a whole file, or show a symbol to other files."""


def new_module(builder: ir.IRBuilder) -> ir.Module:
    """An empty module for the machine for which ``builder`` emits."""
    made = ir.Module("symgrad")
    made.triple, made.data_layout = builder.module.triple, builder.module.data_layout
    return made


def link(context: Any, builder: ir.IRBuilder, entry: ir.Function, *, thorough: bool) -> ir.Function:
    """Compile the module of ``entry``, link it to the builder's, and declare ``entry`` there.

    Args:
        context: numba's target context, which is compiling the builder's module.
        builder: where ``entry`` is to be called.
        entry: a function of a ``new_module``; everything else in that is internal.
        thorough: run LLVM's own passes, for code with loops or memory of its own.
    """
    _, cpu, features = context.codegen().magic_tuple()
    text = compiled(entry, cpu, features, thorough=thorough)
    context.active_code_library.add_llvm_module(binding.parse_assembly(text))
    return ir.Function(builder.module, entry.function_type, entry.name)


def compiled(entry: ir.Function, cpu: str, features: str, *, thorough: bool) -> str:
    """LLVM text that defines ``entry`` for a CPU, in machine code on Linux."""
    module = entry.module
    entry.linkage = ""  # were it internal, nothing would be needed
    machine = _machine(cpu, features)
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    options = binding.create_pipeline_tuning_options(speed_level=1)
    options.loop_unrolling = options.loop_vectorization = options.slp_vectorization = False
    builder = binding.create_pass_builder(machine, options)
    if thorough:
        passes = builder.getModulePassManager()
    else:
        passes = binding.create_new_module_pass_manager()
        for name in PASSES:
            getattr(passes, f"add_{name}_pass")()
    passes.run(parsed, builder)
    if not sys.platform.startswith("linux"):
        return str(parsed)
    lines = machine.emit_assembly(parsed).splitlines()
    wanted = [line for line in lines if not line.strip().startswith(FILE_WIDE)]
    # The labels of a module are numbered from 0 on: those of numba's own would be the same.
    quoted = [_quoted(line.replace(".L", ".Lsg_")) for line in wanted]
    head = f'target datalayout = "{module.data_layout}"\ntarget triple = "{module.triple}"\n'
    return head + "".join(f'module asm "{line}"\n' for line in quoted)


def _quoted(line: str) -> str:
    """A line as it stands between the quotes of LLVM text."""
    return line.replace("\\", "\\5C").replace('"', "\\22").replace("\t", " ")


@cache
def _machine(cpu: str, features: str) -> Any:
    """A ``TargetMachine`` with the settings of numba's own."""
    binding.initialize_native_asmparser()
    target = binding.Target.from_default_triple()
    model = "static" if target.name.startswith("x86") else "default"
    return target.create_target_machine(
        cpu=cpu, features=features, opt=2, reloc=model, codemodel="jitdefault", jit=True
    )
