"""Control flow in LLVM IR: the counted loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

INT64 = ir.IntType(64)


@contextmanager
def counted(builder: ir.IRBuilder, start: Any, stop: Any, step: Any) -> Iterator[Any]:
    """``for i in range(start, stop, step)`` around what the context emits; yields i."""
    before = builder.block
    head = builder.append_basic_block("head")
    body = builder.append_basic_block("body")
    done = builder.append_basic_block("done")
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(INT64)
    index.add_incoming(start, before)
    builder.cbranch(builder.icmp_signed("<", index, stop), body, done)
    builder.position_at_end(body)
    yield index
    index.add_incoming(builder.add(index, step), builder.block)
    builder.branch(head)
    builder.position_at_end(done)
