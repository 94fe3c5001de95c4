"""Stores past the cache."""

from __future__ import annotations

from llvmlite import ir

from symgrad.emit.llvm.cache_lines import CACHE_LINE, store_past_cache
from symgrad.emit.llvm.instructions import splat


def test_a_store_is_aligned_to_a_line_and_marked() -> None:
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [ir.PointerType()]), "f")
    builder = ir.IRBuilder(function.append_basic_block())
    store_past_cache(builder, splat(ir.VectorType(ir.DoubleType(), 8), 1.0), function.args[0])
    (line,) = [line for line in str(module).splitlines() if "store" in line]
    assert f"align {CACHE_LINE}" in line
    assert "!nontemporal" in line
