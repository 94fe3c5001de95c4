"""Choose the order of a Program's instructions: the one that keeps the fewest values waiting.

Depth-first lowering computes what a result needs right before it, but which result comes first
decides how long shared values wait for their other users: the energy of a cluster computed before
its forces keeps every pair's intermediate values alive (197 at once for eight atoms, 112 after).
The instructions stay the same, and so do all bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from symgrad.ir.program import Instruction, Program
from symgrad.schedule.pieces import cut

REGISTERS = 28
"""Values beyond this many are taken to wait in memory: 32 vector registers, a few for operands."""

LONGEST = 20_000
"""Programs of more instructions are only turned round: what results need is not counted."""

MOST_RESULTS = 300
"""Of more results than this the next one is not chosen by what is there already."""

FREE = frozenset({"load", "constant", "boolean", "store"})
"""What is read from memory, or written, where it is used."""

Code = Sequence[Instruction]


def in_best_order(program: Program) -> Program:
    """The Program in that order of its instructions, of those tried, in which the fewest wait.

    Results are computed as they stand, from the last to the first, those that need the least
    first, and each time the one that needs the least besides what is there; in the best of these
    orders also so that of two arguments the one that needs more comes first.
    """
    code = program.code
    zeros = _zeros(code)
    arguments = [args for _, args, _ in code]
    stores: dict[int, list[int]] = {}
    for index in range(zeros):
        if code[index].op == "store":
            stores.setdefault(arguments[index][0], []).append(index)
    count = _waiting_counter(code)
    best: Sequence[int] = range(len(code))
    least = count(best)
    if least == 0:
        return program

    def attempt(results: Iterable[int], rank: Callable[[int], int] | None = None) -> int:
        nonlocal best, least
        order = _ordered(arguments, [*results, *range(zeros, len(code))], stores, rank)
        waits = count(order)
        if waits < least:
            best, least = order, waits
        return waits

    results = list(stores)
    tried = [results[::-1]]
    size: Callable[[int], int] | None = None
    if len(code) <= LONGEST:
        needs = _needs(arguments)
        size = [mask.bit_count() for mask in needs].__getitem__
        tried.append(sorted(results, key=size))
        if len(results) <= MOST_RESULTS:
            tried.append(_one_after_another(results, needs))
    promising = min(tried, key=attempt)
    if size:
        attempt(promising, size)
    if isinstance(best, range):
        return program
    place = [0] * len(code)
    for position, index in enumerate(best):
        place[index] = position
    made = []
    for index in best:
        op, args, data = code[index]
        made.append(Instruction(op, tuple([place[argument] for argument in args]), data))
    pieces = cut(made, sum([index < zeros for index in best]))
    return replace(program, code=tuple(made), pieces=pieces)


def _zeros(code: Code) -> int:
    """Where the stores of structural zeros begin, which stay the last."""
    start = len(code)
    while start and code[start - 1].op == "store" and _is_zero(code[code[start - 1].args[0]]):
        start -= 1
    return start - (0 < start < len(code) and _is_zero(code[start - 1]))


def _is_zero(instruction: Instruction) -> bool:
    return instruction.op == "constant" and instruction.data == 0


def _needs(arguments: Sequence[tuple[int, ...]]) -> list[int]:
    """For each instruction a bit mask of those that it needs, itself among them."""
    masks: list[int] = []
    for index, args in enumerate(arguments):
        mask = 1 << index
        for argument in args:
            mask |= masks[argument]
        masks.append(mask)
    return masks


def _one_after_another(results: Sequence[int], needs: Sequence[int]) -> list[int]:
    """The results in that order in which each adds the fewest instructions to those before."""
    left, done = list(results), 0
    order = []
    while left:
        counts = [(needs[result] & ~done).bit_count() for result in left]
        chosen = left.pop(counts.index(min(counts)))
        done |= needs[chosen]
        order.append(chosen)
    return order


def _ordered(
    arguments: Sequence[tuple[int, ...]],
    wanted: Iterable[int],
    stores: Mapping[int, Sequence[int]],
    rank: Callable[[int], int] | None,
) -> list[int]:
    """The instructions depth first from one that is wanted after the other.

    Args:
        arguments: of each instruction.
        wanted: what is wanted.
        stores: value -> its stores, which follow it at once.
        rank: of the arguments that are missing, those of the highest rank come first; by default
            they come as they stand.
    """
    done = bytearray(len(arguments))
    order: list[int] = []
    for start in wanted:
        stack = [start]
        while stack:
            top = stack.pop()
            if top >= 0:
                if done[top]:
                    continue
                done[top] = True
                missing = [argument for argument in arguments[top] if not done[argument]]
                if missing:
                    stack.append(~top)  # once everything above it is there
                    if len(missing) > 1:
                        missing = missing[::-1] if rank is None else sorted(missing, key=rank)
                    stack += missing
                    continue
            else:
                top = ~top
            order.append(top)
            if top in stores:
                order += stores[top]
    return order


def waiting(code: Code, order: Sequence[int] | None = None) -> int:
    """How many values wait in memory, summed over the instructions in their order."""
    return _waiting_counter(code)(range(len(code)) if order is None else order)


def _waiting_counter(code: Code) -> Callable[[Sequence[int]], int]:
    """``waiting`` of a code as a function of the order alone."""
    length = len(code)
    used = np.fromiter(chain.from_iterable([args for _, args, _ in code]), np.intp)
    users = np.repeat(np.arange(length), np.array([len(args) for _, args, _ in code], np.intp))
    held = np.zeros(length, bool)
    held[used] = True
    held &= np.array([op not in FREE for op, _, _ in code], bool)

    def count(order: Sequence[int]) -> int:
        place = np.empty(length, np.intp)
        place[np.asarray(order, np.intp)] = np.arange(length)
        last = np.zeros(length, np.intp)
        np.maximum.at(last, used, place[users])
        begun = np.bincount(place[held], minlength=length + 1)
        ended = np.bincount(last[held] + 1, minlength=length + 1)
        live = np.cumsum(begun - ended)
        return int(np.maximum(live - REGISTERS, 0).sum())

    return count
