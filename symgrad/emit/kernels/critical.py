"""The order of a piece's instructions: first those on which the longest chain depends.

A CPU looks ahead only as far as some 64 instructions that still wait for their operands. In the
program's order the logarithm of Black-Scholes is such a chain of some 20 instructions, and nothing
that could run beside it comes near. Vector functions are therefore expanded into their caller, and
all instructions sorted by the cycles from the start of each to the end of the program: whatever
is needed soonest comes first, and values are computed no earlier than chains of equal length
want them. (The critical path of list scheduling: Hu, Operations Research 9, 1961.) Black-Scholes
with its gradient takes 6.5 ns a point instead of 7.1. Values live longer for it: where the
registers hold one vector alone (a Morse cluster), it costs 8 to 19 %.

LLVM orders instructions once more after that. Its models of large CPUs take for granted that they
look ahead far enough, and its model of a small one, which does not, suits vectors of 64 bytes
better: 6.1 ns, and the Morse cluster 12 % less. Code without such chains takes as long as before.
"""

from __future__ import annotations

import copy
from typing import Any

from llvmlite import ir

from symgrad.emit.kernels.assemble import INLINED

TUNING = '"tune-cpu"="atom"'
"""The attribute of a function whose instructions LLVM is to order for a CPU that looks not ahead.
Results are the same bits."""

CYCLES = {"fdiv": 13} | dict.fromkeys(
    ("load", "bitcast", "shufflevector", "getelementptr", "insertvalue"), 0
)
USUAL_CYCLES = 4
"""From operand to result: what arithmetic and look-ups take on AMD's Zen 4, about the same on other
CPUs. A load is 0, so that it stands where its value is used and may become part of that."""

REFERRING = frozenset({"getelementptr", "extractvalue", "insertvalue", "phi"})
"""Instructions that name values besides their operands; a function with one is not expanded."""


def is_straight(function: ir.Function) -> bool:
    """Whether a piece calls vector functions, and all of them are without branches and inlined."""
    if len(function.blocks) != 1:
        return False
    calls = _calls(function.blocks[0])
    return bool(calls) and all(_can_expand(call.callee) for call in calls)


def order_by_critical_path(function: ir.Function) -> None:
    """Expand the vector functions that a straight piece calls, and sort its instructions.

    Its loads and stores must not depend on each other.
    """
    block = function.blocks[0]
    for call in _calls(block):
        _expand(block, call)
    _sort(block)


def drop_expanded(module: ir.Module) -> None:
    """Remove the vector functions that nothing calls any more: their text takes time to read."""
    blocks = (block for function in module.functions for block in function.blocks)
    called = {call.callee.name for block in blocks for call in _calls(block)}
    for function in [*module.functions]:
        if function.name.endswith(INLINED) and function.name not in called:
            del module.globals[function.name]


def _calls(block: ir.Block) -> list[Any]:
    """The calls that are no instructions by themselves."""
    calls = [instruction for instruction in block.instructions if instruction.opname == "call"]
    return [call for call in calls if not call.callee.name.startswith("llvm.")]


def _can_expand(function: ir.Function) -> bool:
    """Whether a function is to be inlined and no more than a sequence of instructions."""
    return (
        "alwaysinline" in function.attributes
        and len(function.blocks) == 1
        and all(i.opname not in REFERRING for i in function.blocks[0].instructions)
    )


def _expand(block: ir.Block, call: Any) -> None:
    """Put copies of the called function's instructions in place of a call."""
    body = call.callee.blocks[0]
    known = dict(zip(map(id, call.callee.args), call.args, strict=True))
    copies = []
    *instructions, end = body.instructions
    for instruction in instructions:
        made = copy.copy(instruction)
        made.parent = block
        made.operands = [known.get(id(operand), operand) for operand in instruction.operands]
        made.name = ""  # the caller's next free one
        made._clear_string_cache()
        known[id(instruction)] = made
        copies.append(made)
    (result,) = end.operands
    place = block.instructions.index(call)
    block.instructions[place : place + 1] = copies
    for instruction in block.instructions[place:]:
        instruction.replace_usage(call, known.get(id(result), result))
        if instruction.opname == "insertvalue":  # which names its operands once more
            instruction.aggregate, instruction.value = instruction.operands


def _sort(block: ir.Block) -> None:
    """Order instructions by the cycles to the end, equal ones as they are."""
    *instructions, end = block.instructions
    place = {id(instruction): index for index, instruction in enumerate(instructions)}
    left = [0] * len(instructions)
    for index in range(len(instructions) - 1, -1, -1):
        left[index] += CYCLES.get(instructions[index].opname, USUAL_CYCLES)
        for operand in instructions[index].operands:
            before = place.get(id(operand))
            if before is not None:
                left[before] = max(left[before], left[index])
    order = sorted(range(len(instructions)), key=lambda index: (-left[index], index))
    block.instructions[:] = [*(instructions[index] for index in order), end]
