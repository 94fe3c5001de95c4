"""Kernels are compiled once, into an object file that shows its entry alone."""

from __future__ import annotations

import ctypes

import llvmlite.binding as llvm
import numpy as np
import pytest
from llvmlite import ir

import symgrad as sg
from symgrad.emit.kernels import assemble
from symgrad.emit.kernels.assemble import new_module
from symgrad.runtime import load

DOUBLE = ir.DoubleType()


def polynomial(constant: float) -> ir.Function:
    """``f(x) = g(x) * constant`` in a module of its own, where ``g(x) = x + 0.1`` is inlined."""
    made = new_module()
    kind = ir.FunctionType(DOUBLE, [DOUBLE])
    inner = ir.Function(made, kind, "g")
    inner.linkage = "internal"
    inner.attributes.add("alwaysinline")
    builder = ir.IRBuilder(inner.append_basic_block())
    builder.ret(builder.fadd(inner.args[0], DOUBLE(0.1)))
    entry = ir.Function(made, kind, "sg.entry")
    entry.linkage = "internal"
    builder = ir.IRBuilder(entry.append_basic_block())
    builder.ret(builder.fmul(builder.call(inner, entry.args), DOUBLE(constant)))
    return entry


@pytest.mark.parametrize("thorough", [False, True])
def test_what_is_inlined_is_gone_and_the_entry_is_seen(thorough: bool) -> None:
    module = assemble.optimised(polynomial(0.3), thorough=thorough)
    defined = [f for f in module.functions if not f.is_declaration]
    shown = [f.name for f in defined if f.linkage == llvm.Linkage.external]
    assert shown == ["sg.entry"]
    (entry,) = (f for f in defined if f.name == "sg.entry")
    assert "call" not in str(entry)


@pytest.mark.parametrize(
    ("names", "combined"),
    [(["sg.piece0"], True), (["sg.other"], False), (["sg.other", "sg.sin.v8.inline"], True)],
)
def test_instructions_of_pieces_and_around_branches_are_combined(
    names: list[str], combined: bool
) -> None:
    entry = polynomial(0.3)
    for name in names:
        function = ir.Function(entry.module, entry.function_type, name)
        builder = ir.IRBuilder(function.append_basic_block())
        if name.endswith(assemble.INLINED):
            after = function.append_basic_block()
            builder.branch(after)
            builder.position_at_end(after)
        builder.ret(builder.fneg(builder.fmul(function.args[0], DOUBLE(2.0))))
    module = assemble.optimised(entry, thorough=False)
    assert ("fneg" not in str(module)) is combined


def test_the_object_file_runs() -> None:
    made = assemble.object_code(polynomial(0.3), thorough=False)
    function = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(load._link([made], "sg.entry"))
    assert function(2.0) == (2.0 + 0.1) * 0.3


def test_two_kernels_with_constants_and_outside_functions_keep_theirs() -> None:
    x = np.linspace(0.3, 3, 100)
    first = sg.compile("fmod(x, 0.7)*0.37 + 5.5", ["x"], "value", cache=False)
    second = sg.compile("fmod(x, 0.9)*0.41 + 6.5", ["x"], "value", cache=False)
    np.testing.assert_allclose(first(x), np.fmod(x, 0.7) * 0.37 + 5.5, rtol=1e-15)
    np.testing.assert_allclose(second(x), np.fmod(x, 0.9) * 0.41 + 6.5, rtol=1e-15)
    np.testing.assert_allclose(first(x), np.fmod(x, 0.7) * 0.37 + 5.5, rtol=1e-15)
