"""Fused multiply-adds: which products are taken in, and that values stay what they are."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from symgrad.emit.kernels.contract import contracted
from symgrad.emit.kernels.kernel import cpu_target, emit_kernel
from symgrad.emit.providers import provider
from symgrad.ir.program import Group, Instruction, Program, Result
from symgrad.tiers import load_kernel

X, Y, Z = (Instruction("load", (), (0, k)) for k in range(3))


def program(*code: Instruction, pieces: tuple[int, ...] = (0,)) -> Program:
    """A program of x, y, z (values 0 to 2) whose last value is its result."""
    every = (X, Y, Z, *code, Instruction("store", (2 + len(code),), (0, 0)))
    return Program((Group("inputs", ("x", "y", "z")),), (Result("value", ()),), every, pieces)


def operations(made: Program) -> list[str]:
    """The operations of a program, loads and stores left out."""
    return [i.op for i in made.code if i.op not in ("load", "store")]


def evaluate(made: Program, x: float, y: float, z: float) -> float:
    """The value of a program, whose ``fma`` is exact for the small integers that are given."""
    values: list[float] = []
    rules = {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul": lambda a, b: a * b,
        "neg": lambda a: -a,
        "fma": lambda a, b, c: a * b + c,
    }
    for op, args, data in made.code:
        if op == "load":
            values.append((x, y, z)[data[1]])
        elif op == "store":
            return values[args[0]]
        else:
            values.append(rules[op](*(values[k] for k in args)))
    raise AssertionError("nothing is stored")


PRODUCT = Instruction("mul", (0, 1))


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (Instruction("add", (3, 2)), ["fma"]),
        (Instruction("add", (2, 3)), ["fma"]),
        (Instruction("sub", (3, 2)), ["neg", "fma"]),
        (Instruction("sub", (2, 3)), ["neg", "fma"]),
    ],
)
def test_a_product_joins_the_sum_that_alone_uses_it(last: Instruction, expected: list[str]) -> None:
    plain = program(PRODUCT, last)
    made = contracted(plain)
    assert operations(made) == expected
    assert evaluate(made, 3, 5, 7) == evaluate(plain, 3, 5, 7)


def test_a_product_with_two_users_stays() -> None:
    plain = program(PRODUCT, Instruction("add", (3, 2)), Instruction("add", (4, 3)))
    assert operations(contracted(plain)) == ["mul", "add", "add"]


def test_of_two_products_neither_joins() -> None:
    plain = program(PRODUCT, Instruction("mul", (1, 2)), Instruction("sub", (3, 4)))
    assert operations(contracted(plain)) == ["mul", "mul", "sub"]


def test_a_product_of_an_earlier_piece_stays() -> None:
    plain = program(PRODUCT, Instruction("add", (3, 2)), pieces=(0, 4))
    made = contracted(plain)
    assert operations(made) == ["mul", "add"]
    assert made.pieces == (0, 4)


def test_pieces_begin_where_they_began() -> None:
    plain = program(PRODUCT, Instruction("add", (3, 2)), Instruction("mul", (4, 0)), pieces=(0, 5))
    made = contracted(plain)
    assert operations(made) == ["fma", "mul"]
    assert made.pieces == (0, 4)
    assert made.code[made.pieces[1]].op == "mul"


@pytest.mark.skipif("fma" not in provider.host_features(), reason="the CPU has no fma")
@pytest.mark.parametrize(("contract", "rounded"), [(True, 1), (False, 2)])
def test_a_kernel_rounds_once(contract: bool, rounded: int) -> None:
    plain = program(PRODUCT, Instruction("sub", (3, 2)))
    target = cpu_target(plain, "float64", "high", contract=contract)
    kernel = emit_kernel(plain, target)
    out, code = np.empty((1, 1)), load_kernel(kernel, provider.prepare, use_cache=False)
    point = np.array([[0.1, 0.7, 0.1 * 0.7]])
    code.kernel(0, 1, 0, code.scratch.memory, point, out)
    lost = Fraction(0.1) * Fraction(0.7) - Fraction(0.1 * 0.7)
    assert lost != 0
    assert out[0, 0] == (float(lost) if rounded == 1 else 0.0)


def test_a_cpu_without_it_computes_products_and_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "host_features", lambda: frozenset({"avx2"}))
    assert not cpu_target(program(PRODUCT), "float64", "high", contract=True).contract


def test_a_program_that_spills_keeps_its_products() -> None:
    products = [Instruction("mul", (0, 1))] + [Instruction("mul", (2 + k, 2)) for k in range(1, 70)]
    count = 3 + len(products)
    sums = [Instruction("add", (3, 4))]
    sums += [Instruction("add", (count + k, 5 + k)) for k in range(len(products) - 2)]
    wide = program(*products, *sums)
    assert not cpu_target(wide, "float64", "high", contract=True).contract
