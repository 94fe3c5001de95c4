"""What a kernel is made of; and how the tests of the emitter load and call one."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest

from symgrad.emit.kernels.kernel import (
    Kernel,
    cpu_target,
    emit_kernel,
    emitter_sources,
    emitters,
    llvm_text,
    machine,
    vector_bytes,
    whole_kernel,
)
from symgrad.emit.memory.scratch import scratch_layout
from symgrad.emit.providers import provider
from symgrad.emit.target import ITEMSIZE, Target
from symgrad.errors import KernelError
from symgrad.ir.program import Group, Instruction, Program, Result
from symgrad.ir.verify import verify_program
from symgrad.runtime.tier import Code
from symgrad.tiers import load_kernel

ROOT = Path(__file__).parents[3]


class Builder:
    """Collects instructions; every call gives the index of the new value."""

    def __init__(self) -> None:
        self.code: list[Instruction] = []

    def __call__(self, op: str, *args: int, data: Any = None) -> int:
        self.code.append(Instruction(op, args, data))
        return len(self.code) - 1


@dataclass(frozen=True)
class Loaded:
    """A compiled kernel."""

    code: Code
    kernel: Kernel
    target: Target

    def __call__(self, groups, results, *, start=0, stop=None, stream=0):
        """Evaluate the points from start to stop; every array is (points, columns)."""
        stop = len(results[0]) if stop is None else stop
        self.code.kernel(start, stop, stream, self.code.scratch.memory, *groups, *results)


def load_program(program, dtype="float64", accuracy="high", tile=None, contract=False):
    """The compiled kernel of a Program on this machine."""
    verify_program(program)
    target = cpu_target(program, dtype, accuracy, contract=contract)
    if tile is not None:
        target = replace(target, tile=tile)
    kernel = emit_kernel(program, target)
    kernel = whole_kernel(kernel) if kernel.whole_target else kernel
    return Loaded(load_kernel(kernel, provider.prepare), kernel, target)


def assert_same_bits(got, expected):
    """Equal bit for bit, signs of zero included; a nan equals every nan."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(
        np.signbit(got) & ~np.isnan(got), np.signbit(expected) & ~np.isnan(expected)
    )


def polynomial(columns=("x", "y")):
    """x + 2 y, x y: as small as a kernel can be."""
    do = Builder()
    x, y = do("load", data=(0, 0)), do("load", data=(0, 1))
    do("store", do("add", x, do("mul", do("constant", data=2.0), y)), data=(0, 0))
    do("store", do("mul", x, y), data=(0, 1))
    return Program((Group("inputs", tuple(columns)),), (Result("value", (2,)),), tuple(do.code))


def test_a_loaded_kernel_evaluates(rng):
    points = rng.normal(size=(21, 2))
    made = np.full((21, 2), np.nan)
    load_program(polynomial())([points], [made])
    np.testing.assert_array_equal(made[:, 0], points[:, 0] + 2 * points[:, 1])
    np.testing.assert_array_equal(made[:, 1], points[:, 0] * points[:, 1])


def variants():
    program = polynomial()
    target = cpu_target(program, "float64", "high")
    yield "as it is", program, target
    yield "a column's name", polynomial(("x", "z")), target
    yield "a label", replace(program, labels=("sum", "product")), target
    yield "pieces", replace(program, pieces=(0, 3)), target
    changed = [*program.code]
    changed[2] = Instruction("constant", (), 2.0000000000000004)
    yield "the last bit of a constant", replace(program, code=tuple(changed)), target
    yield "dtype", program, cpu_target(program, "float32", "high")
    yield "accuracy", program, replace(target, accuracy="fast")
    yield "tile", program, replace(target, tile=target.tile - target.width)
    yield "width", program, replace(target, width=2)


def test_everything_that_code_generation_reads_is_in_the_name():
    names = {what: emit_kernel(program, target).name for what, program, target in variants()}
    assert len(set(names.values())) == len(names), names
    assert all(name.isidentifier() for name in names.values())


@pytest.mark.parametrize("part", ["machine", "emitters"])
def test_the_machine_and_the_emitters_sources_are_in_the_name(part, monkeypatch):
    program = polynomial()
    target = cpu_target(program, "float64", "high")
    before = emit_kernel(program, target).name
    monkeypatch.setattr(f"symgrad.emit.kernels.kernel.{part}", lambda: "another")
    assert emit_kernel(program, target).name != before


def test_the_machine_is_described_by_what_code_depends_on():
    words = machine().split()
    assert "numba" in words
    assert "llvmlite" in words
    assert str(vector_bytes()) in words
    assert llvm.get_host_cpu_name() in words
    assert set(words) > provider.host_features()
    assert len(emitters()) == 64
    package = Path(provider.__file__).parents[1]
    assert set(emitter_sources()) > set(package.rglob("*.py"))


def test_code_of_another_cpu_has_another_name(monkeypatch):
    program = polynomial()
    target = cpu_target(program, "float64", "high")
    machine.cache_clear()
    before = emit_kernel(program, target).name
    try:
        for setting, value in (("CPU_NAME", "generic"), ("CPU_FEATURES", "-fma")):
            with monkeypatch.context() as patch:
                patch.setattr(provider.config, setting, value, raising=False)
                machine.cache_clear()
                assert emit_kernel(program, target).name != before
    finally:
        machine.cache_clear()
    assert emit_kernel(program, target).name == before


def test_vectors_fit_a_register():
    assert vector_bytes() in (16, 32, 64)
    for dtype, size in ITEMSIZE.items():
        target = cpu_target(polynomial(), dtype, "high")
        assert target.width * size == vector_bytes()
        assert target.tile % target.width == 0


def test_a_kernel_says_how_much_scratch_memory_it_needs():
    program = polynomial()
    target = cpu_target(program, "float32", "high")
    kernel = emit_kernel(program, target)
    assert kernel.scratch_bytes == scratch_layout(program, target)[2]
    assert (kernel.dtype, kernel.width) == ("float32", target.width)


HASHED = """
from tests.emit.kernels.test_kernel import variants
from symgrad.emit.kernels.kernel import emit_kernel, llvm_text
import hashlib
text = "".join(emit_kernel(p, t).name + llvm_text(p, t) for _, p, t in variants())
print(hashlib.sha256(text.encode()).hexdigest())
"""


def test_emitted_code_does_not_depend_on_the_hash_seed():
    made = set()
    for seed in ("1", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        run = subprocess.run(
            [sys.executable, "-c", HASHED],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        made.add(run.stdout)
    assert len(made) == 1


@pytest.mark.parametrize("dtype", ITEMSIZE)
def test_the_text_for_people_is_valid_llvm(dtype):
    program = polynomial()
    text = llvm_text(program, cpu_target(program, dtype, "high"))
    module = llvm.parse_assembly(text)
    module.verify()
    assert {f.name for f in module.functions} >= {"sg.loop", "sg.piece0"}
    assert f"x {'double' if dtype == 'float64' else 'float'}>" in text


def test_no_flag_allows_to_change_the_meaning_of_nan_and_inf():
    do = Builder()
    x = do("load", data=(0, 0))
    value = do("sqrt", do("div", do("add", x, x), do("sub", do("mul", x, x), do("neg", x))))
    do("store", value, data=(0, 0))
    program = Program((Group("inputs", ("x",)),), (Result("value", ()),), tuple(do.code))
    text = llvm_text(program, cpu_target(program, "float64", "high"))
    # The piece is there twice where its stores may go past the cache.
    pieces = sum(line.startswith("define") and "sg.piece" in line for line in text.splitlines())
    operations = [line for line in text.splitlines() if " = f" in line and "fcmp" not in line]
    assert len(operations) == 5 * pieces > 0
    for line in operations:
        words = set(line.replace(",", " ").split())
        assert not words & {"fast", "nnan", "ninf", "nsz", "arcp", "contract", "afn", "reassoc"}


def test_a_function_that_no_library_has_is_named():
    do = Builder()
    do("store", do("besselj", do("load", data=(0, 0))), data=(0, 0))
    program = Program((Group("inputs", ("x",)),), (Result("value", ()),), tuple(do.code))
    with pytest.raises(KernelError, match=r"besselj.*Known are: .*sin"):
        llvm_text(program, cpu_target(program, "float64", "high"))
