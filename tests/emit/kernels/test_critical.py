"""Ordering by the critical path: nothing but the order changes, and the longest chain is first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.kernels import loop
from symgrad.emit.kernels.assemble import INLINED
from symgrad.emit.kernels.critical import (
    CYCLES,
    TUNING,
    USUAL_CYCLES,
    is_straight,
    order_by_critical_path,
)
from symgrad.emit.kernels.kernel import (
    compile_kernel,
    cpu_target,
    emit_kernel,
    llvm_text,
    vector_bytes,
)
from symgrad.emit.pieces.body import define_pieces
from symgrad.emit.providers import provider
from symgrad.emit.providers.provider import own_body
from symgrad.emit.target import Target
from symgrad.ir.program import Group, Instruction, Program, Result
from symgrad.tiers import load_kernel
from tests.emit.kernels.test_kernel import assert_same_bits

WIDTH = 2 * vector_bytes() // 8
TARGET = Target("cpu", WIDTH, "float64", "high", WIDTH, WIDTH // 2)

needs_own_functions = pytest.mark.skipif(
    own_body("log", WIDTH, "float64") is None, reason="the C library computes log here"
)


def program(*functions: str) -> Program:
    """x0 + x1 + ..., a product of nine factors, and then the functions one after the other."""
    code = [Instruction("load", (), (0, 0)), Instruction("load", (), (0, 1))]
    code += [Instruction("add", (0, 1)), Instruction("store", (2,), (0, 0))]
    code.append(Instruction("mul", (0, 0)))
    code += [Instruction("mul", (index, 1)) for index in range(4, 12)]
    code.append(Instruction("store", (12,), (0, 1)))
    last = 1
    for name in functions:
        code.append(Instruction(name, (last,)))
        last = len(code) - 1
    code.append(Instruction("store", (last,), (0, 2)))
    return Program((Group("inputs", ("x", "y")),), (Result("value", (3,)),), tuple(code))


def piece(given: Program, inline: bool = True) -> ir.Function:
    module = ir.Module("critical")
    (function,) = define_pieces(module, given, TARGET)
    if not inline:
        for other in module.functions:
            other.attributes.discard("alwaysinline")
    return function


def left(instructions) -> dict[int, int]:
    """Cycles to the end of the program, by the identity of an instruction."""
    users: dict[int, list] = {}
    for instruction in instructions:
        for operand in instruction.operands:
            users.setdefault(id(operand), []).append(instruction)
    found: dict[int, int] = {}
    for instruction in reversed(instructions):
        after = max((found[id(user)] for user in users.get(id(instruction), [])), default=0)
        found[id(instruction)] = after + CYCLES.get(instruction.opname, USUAL_CYCLES)
    return found


@needs_own_functions
def test_vector_functions_are_expanded_and_every_operand_comes_first() -> None:
    function = piece(program("log", "exp", "log"))
    before = len(function.blocks[0].instructions)
    assert is_straight(function)
    order_by_critical_path(function)
    instructions = function.blocks[0].instructions
    assert len(instructions) > before + 40
    called = {i.callee.name for i in instructions if i.opname == "call"}
    assert called
    assert all(name.startswith("llvm.") for name in called)
    assert instructions[-1] is function.blocks[0].terminator
    place = {id(instruction): index for index, instruction in enumerate(instructions)}
    assert len(place) == len(instructions)
    for index, instruction in enumerate(instructions):
        assert all(place.get(id(operand), -1) < index for operand in instruction.operands)
    names = [i.name for i in instructions if i.opname not in ("store", "ret")]
    assert len(set(names)) == len(names)


@needs_own_functions
def test_the_longest_chain_comes_first() -> None:
    function = piece(program("log", "log"))
    order_by_critical_path(function)
    *instructions, _ = function.blocks[0].instructions
    cycles = left(instructions)
    found = [cycles[id(instruction)] for instruction in instructions]
    assert found == sorted(found, reverse=True)

    # The functions, at the program's end, begin before the product, and that before the sum.
    def places(name: str, loads: int) -> list[int]:
        """Where instructions stand of which so many operands are loads."""
        return [
            index
            for index, instruction in enumerate(instructions)
            if instruction.opname == name
            and sum(getattr(o, "opname", "") == "load" for o in instruction.operands) == loads
        ]

    (total,) = places("fadd", 2)
    (first_factor,) = places("fmul", 2)
    functions = [i for i, instruction in enumerate(instructions) if instruction.opname == "call"]
    assert functions[0] < first_factor < total


@needs_own_functions
@pytest.mark.parametrize(
    ("functions", "inline"),
    [((), True), (("sin",), True), (("log", "sin"), True), (("log", "tan"), True),
     (("log",), False)],
)  # fmt: skip
def test_functions_with_branches_and_outside_ones_are_not_straight(
    functions: tuple[str, ...], inline: bool
) -> None:
    assert not is_straight(piece(program(*functions), inline))


@needs_own_functions
def test_results_are_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    given = program("log", "exp", "log")
    target = cpu_target(given, "float64", "high")
    assert target.width == WIDTH
    kernel = emit_kernel(given, target)
    points = np.random.default_rng(5).uniform(0.5, 3.0, (1003, 2))
    points[:1001:91, 1] = (0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -1.0, 1e308, 1.0, 2.0, 3.0)
    results = []
    for name in (f"{kernel.name}_ordered", f"{kernel.name}_plain"):
        if name.endswith("plain"):
            monkeypatch.setattr(loop, "order_by_critical_path", lambda _: None)
        # A name of its own, as one process keeps one kernel a name.
        named = replace(kernel, name=name)
        code = load_kernel(named, provider.prepare, use_cache=False)
        made = np.empty((1003, 3))
        code.kernel(0, 1003, 0, code.scratch.memory, points, made)
        results.append((made, compile_kernel(named)))
    (ordered, text), (plain, other) = results
    assert text != other
    assert_same_bits(ordered, plain)


@needs_own_functions
def test_llvm_is_told_where_vectors_have_a_cache_line() -> None:
    wanted = vector_bytes() == 64
    assert (TUNING in llvm_text(program("log"), TARGET)) is wanted
    assert TUNING not in llvm_text(program("sin"), TARGET)
    single = Target("cpu", WIDTH // 2, "float64", "high", WIDTH // 2, WIDTH // 2)
    assert (TUNING in llvm_text(program("log"), single)) is wanted


@needs_own_functions
def test_expanded_functions_are_left_out_of_the_text() -> None:
    # Those with branches are not expanded, and there.
    for name, expected in (("log", 0), ("sin", 1)):
        text = llvm_text(program(name), replace(TARGET, past_cache_too=False))
        assert sum(x.startswith("define") and INLINED in x for x in text.splitlines()) == expected


@needs_own_functions
def test_only_two_vectors_at_a_time_are_ordered() -> None:
    for width, expected in ((WIDTH, 0), (WIDTH // 2, 1)):
        target = replace(TARGET, width=width)
        text = llvm_text(program("log"), target)
        pieces = sum(line.startswith("define") and "sg.piece" in line for line in text.splitlines())
        assert text.count(f'call <{width} x double> @"sg.log') == expected * pieces
