"""Routines in readable source: compiled C and Python compute what the interpreter computes."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symgrad.emit.readable import c as c_source
from symgrad.emit.readable import numba_source
from symgrad.emit.readable.routines import ROUTINE, routine_lines, with_routines
from symgrad.errors import UnknownFunctionError
from symgrad.ir.program import Instruction, Routine
from tests.emit.providers.test_routine import EXACT, by_numpy, points, program_of
from tests.emit.readable import test_c as test_c_source
from tests.emit.readable import test_numba_source

NAMES = (*EXACT, "mixture", "twice_mixture")


def by_c(dtype: str, x: np.ndarray, folder: Path) -> np.ndarray:
    text = test_c_source.source_of(program_of(*NAMES), dtype=dtype)
    library = ctypes.CDLL(str(test_c_source.compile_c(text, folder, "-shared", "-fPIC")))
    got = np.empty((len(x), len(NAMES)), dtype)
    test_c_source.batch(library, len(x), x, got)
    return got


def by_numba(dtype: str, x: np.ndarray, folder: Path) -> np.ndarray:
    module = test_numba_source.load(program_of(*NAMES), folder, dtype=dtype)
    got = np.empty((len(x), len(NAMES)), dtype)
    module["kernel_batch"](x, got)
    return got


@pytest.mark.parametrize("compiled", [by_c, by_numba])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_compiled_source_agrees_with_the_interpreter(
    compiled: Any, dtype: str, tmp_path: Path
) -> None:
    x = points(dtype)
    x = x[np.abs(x[:, 0]) < 50]
    got = compiled(dtype, x, tmp_path)
    expected = by_numpy(program_of(*NAMES), x)
    count = len(EXACT)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(got[:, :count], expected[:, :count].astype(dtype))
    tolerance = 1e-13 if dtype == "float64" else 1e-6
    np.testing.assert_allclose(got[:, count:], expected[:, count:], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("module", [c_source, numba_source])
def test_a_function_each_and_callees_first(module: Any) -> None:
    program = program_of("twice_mixture")
    made = routine_lines(
        program.routines, module.language("float64"), module.routine_style("float64")
    )
    texts = ["\n".join(lines) for lines in made]
    assert [routine.name for routine in program.routines] == ["agm", "mixture", "twice_mixture"]
    assert f"{ROUTINE}mixture(" in texts[2]
    assert f"{ROUTINE}agm(" in texts[1]
    assert all(
        f"{ROUTINE}{r.name}(" in text for r, text in zip(program.routines, texts, strict=True)
    )


@pytest.mark.parametrize(
    ("module", "dtype", "call"),
    [
        (c_source, "float64", "sg_agm({0}, {1})"),
        (c_source, "float32", "(float)sg_agm({0}, {1})"),
        (numba_source, "float64", "sg_agm({0}, {1})"),
        (numba_source, "float32", "np.float32(sg_agm(np.float64({0}), np.float64({1})))"),
    ],
)
def test_calls_from_a_program(module: Any, dtype: Any, call: str) -> None:
    routines = program_of("agm").routines
    spoken = with_routines(module.language(dtype), module.routine_style(dtype), routines)
    assert spoken.operations["agm"] == call
    assert spoken.operations["add"] == module.language(dtype).operations["add"]


def test_states_that_change_places_are_kept_first() -> None:
    (lines,) = routine_lines(
        program_of("fibonacci").routines,
        c_source.language("float64"),
        c_source.routine_style("float64"),
    )
    text = [line.strip() for line in lines]
    (kept,) = [line for line in text if line.endswith("= s1;") and line.startswith("const")]
    name = kept.split()[2]
    assert text.index(kept) < text.index(f"s0 = {name};")


def test_an_operation_that_a_language_lacks() -> None:
    code = (Instruction("load", (), (0, 0)), Instruction("nosuch", (0,)))
    made = Routine("toy", 1, (*code, Instruction("store", (1,), (0, 0))))
    with pytest.raises(UnknownFunctionError, match="C source has no 'nosuch'"):
        routine_lines([made], c_source.language("float64"), c_source.routine_style("float64"))
