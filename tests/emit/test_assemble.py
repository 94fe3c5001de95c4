"""Kernels are compiled once, and linked to numba's module as assembler text."""

from __future__ import annotations

import sys

import llvmlite.binding as llvm
import numpy as np
import pytest
from llvmlite import ir

import symgrad as sg
from symgrad.emit import assemble
from symgrad.emit.assemble import new_module

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the text is Linux's")

DOUBLE = ir.DoubleType()


def module() -> ir.Module:
    """An empty module for this machine."""
    made = ir.Module("caller")
    made.triple = llvm.get_process_triple()
    return made


def host() -> tuple[str, str]:
    """The CPU and its features."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def polynomial(constant: float) -> ir.Function:
    """``f(x) = g(x) * constant`` in a module of its own, where ``g(x) = x + 0.1`` is inlined."""
    made = new_module(
        ir.IRBuilder(ir.Function(module(), ir.FunctionType(DOUBLE, []), "f").append_basic_block())
    )
    kind = ir.FunctionType(DOUBLE, [DOUBLE])
    inner = ir.Function(made, kind, "g")
    inner.linkage = "internal"
    inner.attributes.add("alwaysinline")
    builder = ir.IRBuilder(inner.append_basic_block())
    builder.ret(builder.fadd(inner.args[0], DOUBLE(0.1)))
    entry = ir.Function(made, kind, "sg.entry")
    builder = ir.IRBuilder(entry.append_basic_block())
    builder.ret(builder.fmul(builder.call(inner, entry.args), DOUBLE(constant)))
    return entry


@LINUX
@pytest.mark.parametrize("thorough", [False, True])
def test_the_text_holds_machine_code_of_the_entry_alone(thorough: bool) -> None:
    text = assemble.compiled(polynomial(0.3), *host(), thorough=thorough)
    assert 'module asm "sg.entry:"' in text
    assert "define" not in text
    assert "g:" not in text.replace("sg.entry:", "")
    assert ".globl" not in text


@LINUX
def test_labels_do_not_meet_those_of_the_module_that_it_is_linked_to() -> None:
    text = assemble.compiled(polynomial(0.3), *host(), thorough=False)
    assert ".Lsg_CPI" in text  # the constants
    assert ".LCPI" not in text


def test_elsewhere_the_module_is_linked_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assemble.sys, "platform", "darwin")
    text = assemble.compiled(polynomial(0.3), *host(), thorough=False)
    assert "module asm" not in text
    parsed = llvm.parse_assembly(text)
    assert [
        f.name for f in parsed.functions if not f.is_declaration and f.linkage.name == "external"
    ] == ["sg.entry"]
    x = np.linspace(0.1, 2, 77)
    fn = sg.compile("x**3*exp(-x)*7.25", ["x"], "value", cache=False)
    np.testing.assert_allclose(fn(x), 7.25 * np.exp(-x) * x**3, rtol=1e-14)


def test_two_kernels_with_constants_and_outside_functions_keep_theirs() -> None:
    x = np.linspace(0.3, 3, 100)
    first = sg.compile("fmod(x, 0.7)*0.37 + 5.5", ["x"], "value", cache=False)
    second = sg.compile("fmod(x, 0.9)*0.41 + 6.5", ["x"], "value", cache=False)
    np.testing.assert_allclose(first(x), np.fmod(x, 0.7) * 0.37 + 5.5, rtol=1e-15)
    np.testing.assert_allclose(second(x), np.fmod(x, 0.9) * 0.41 + 6.5, rtol=1e-15)
    np.testing.assert_allclose(first(x), np.fmod(x, 0.7) * 0.37 + 5.5, rtol=1e-15)
