"""Routines in compiled kernels: the bits of the interpreter, whatever the neighbours do."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from symgrad.emit.kernels.kernel import cpu_target, llvm_text
from symgrad.emit.pieces.body import all_call_sites
from symgrad.emit.providers.provider import delivered
from symgrad.ir.evaluate import numpy_arithmetic, run
from symgrad.ir.program import Group, Outside, Program, Result
from symgrad.ir.routine import routines
from symgrad.ir.verify import verify_program
from tests.emit.kernels.test_kernel import ROOT, Builder, assert_same_bits, load_program
from tests.routines import ROWS

EXACT = ("agm", "fibonacci", "residue", "prime")
"""Rows whose definitions hold instructions alone, so that every machine has the same bits."""


def program_of(*names, wide=False):
    """One result entry a row, over three columns; ``wide`` keeps no values alive."""
    do = Builder()
    columns = [do("load", data=(0, i)) for i in range(3)]
    for position, name in enumerate(names):
        value = do(name, *columns[: ROWS[name].arity])
        do("store", value, data=(0, position))
    groups = (Group("inputs", ("a", "b", "c")),)
    called = routines(names, ROWS)
    made = Program(groups, (Result("value", (len(names),)),), tuple(do.code), routines=called)
    verify_program(made)
    return made


def points(dtype="float64"):
    rng = np.random.default_rng(8)
    special = [[0, 0, 0], [1, np.nan, 0], [-1, 2, 0], [np.inf, 1, 0], [30, 1e-200, 0], [1, 1, 1]]
    mixed = np.concatenate([rng.uniform(0.1, 9, (200, 3)), special, rng.uniform(0, 90, (31, 3))])
    return mixed.astype(dtype)


def by_numpy(program, x):
    with np.errstate(all="ignore"):
        (value,) = run(program, ROWS, [list(x.astype(float).T)], numpy_arithmetic())
    return np.stack(value, axis=-1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_bits_are_those_of_the_interpreter(dtype):
    """In float32 the doubles are rounded."""
    program, x = program_of(*EXACT), points(dtype)
    got = np.empty((len(x), len(EXACT)), dtype)
    load_program(program, dtype)([x], [got])
    with np.errstate(all="ignore"):
        expected = by_numpy(program, x).astype(dtype)
    assert_same_bits(got, expected)
    # What a product of doubles leaves is not optimised away; one of floats leaves nothing.
    assert (np.count_nonzero(got[:, 2]) > 50) == (dtype == "float64")


def test_routines_that_call_functions_and_routines():
    program, x = program_of("mixture", "twice_mixture"), points()
    x = x[np.abs(x[:, 0]) < 50]
    got = np.empty((len(x), 2))
    load_program(program)([x], [got])
    np.testing.assert_allclose(got, by_numpy(program, x), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_point_does_not_depend_on_its_neighbours(dtype):
    """Lanes of one vector take different numbers of turns."""
    program, x = program_of(*EXACT, "mixture"), points(dtype)
    kernel = load_program(program, dtype)
    together = np.empty((len(x), len(EXACT) + 1), dtype)
    kernel([x], [together])
    for index in range(0, len(x), 7):
        alone = np.empty((1, len(EXACT) + 1), dtype)
        kernel([x[index : index + 1]], [alone])
        assert_same_bits(alone[0], together[index])
    backwards = np.empty_like(together)
    kernel([x[::-1]], [backwards])
    assert_same_bits(backwards[::-1], together)


@pytest.mark.parametrize("vectors", [1, 2])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_routine_is_one_function_of_registers(dtype, vectors):
    program = program_of("twice_mixture", "agm")
    target = cpu_target(program, dtype, "high")
    target = replace(target, width=target.lanes * vectors, tile=target.lanes * vectors)
    text = llvm_text(program, target)
    lanes = target.lanes * target.itemsize // 8
    for name, arity in (("twice_mixture", 1), ("mixture", 1), ("agm", 2)):
        (head,) = [
            line for line in text.splitlines() if "define" in line and f'sg.routine.{name}"' in line
        ]
        assert head.count(f"<{lanes} x double>") == 1 + arity
        assert "internal" in head
    parts = vectors * target.itemsize // 8 if dtype == "float64" else vectors * 2
    calls = [line for line in text.splitlines() if "call" in line and 'sg.routine.agm"' in line]
    assert len(calls) == parts + 1  # those of the kernel, and the one of mixture


def test_a_program_without_routines_has_no_trace_of_them():
    do = Builder()
    do("store", do("load", data=(0, 0)), data=(0, 0))
    program = Program((Group("inputs", ("a",)),), (Result("value", ()),), tuple(do.code))
    assert "routine" not in program.to_json()
    assert "routine" not in llvm_text(program, cpu_target(program, "float64", "high"))


def test_a_table_stands_once_and_is_no_call():
    program = program_of("prime")
    target = cpu_target(program, "float64", "high")
    text = llvm_text(program, target)
    assert text.count("internal constant [7 x double]") == 1
    assert text.count("internal constant [1 x double]") == 1
    assert all_call_sites(program) == 1


def test_an_outside_function_is_called_once_a_lane():
    do = Builder()
    value = do("mine", do("load", data=(0, 0)), do("load", data=(0, 1)))
    do("store", value, data=(0, 0))
    groups, results = (Group("inputs", ("a", "b")),), (Result("value", ()),)
    callee = Outside("mine", 2, "sg.user.mine.2.abc")
    program = Program(groups, results, tuple(do.code), outside=(callee,))
    target = cpu_target(program, "float64", "high")
    text = llvm_text(program, target)
    assert text.count('call double @"sg.user.mine.2.abc"') == target.lanes
    assert 'declare double @"sg.user.mine.2.abc"' in text


def test_a_routine_delivers_what_its_row_says():
    choice = delivered(ROWS["agm"], 8, "float64", "high")
    assert (choice.function, choice.provider, choice.ulp) == ("agm", "symgrad", 3.0)
    assert delivered(ROWS["agm"], 16, "float32", "high").ulp == 1.0


SCRIPT = """
from tests.emit.providers.test_routine import program_of
from symgrad.emit.kernels.kernel import cpu_target, emit_kernel, llvm_text
program = program_of("twice_mixture", "fibonacci")
target = cpu_target(program, "float64", "high")
print(emit_kernel(program, target).name)
print(llvm_text(program, target))
"""


def test_code_is_the_same_in_every_process():
    texts = set()
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment, capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
        texts.add(done.stdout)
    assert len(texts) == 1
