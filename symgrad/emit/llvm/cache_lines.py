"""Stores of whole cache lines, which need not be read before they are overwritten."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

CACHE_LINE = 64


def store_past_cache(builder: ir.IRBuilder, value: Any, address: Any) -> None:
    """Store whole cache lines without first reading the memory they overwrite."""
    store = builder.store(value, address, align=CACHE_LINE)
    flag = builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)])
    store.set_metadata("nontemporal", flag)
