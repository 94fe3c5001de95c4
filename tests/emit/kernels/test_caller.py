"""What calls kernels: one function for each dtype and number of arrays."""

from __future__ import annotations

import ast

import numpy as np
import pytest

import symgrad as sg
from symgrad.emit.kernels.caller import emit_caller
from symgrad.ir.program import HEADER


def test_the_module_is_named_by_its_content():
    made = [emit_caller(d, g, r) for d in ("float64", "float32") for g in (1, 2) for r in (1, 2)]
    assert len({one.name for one in made}) == len(made)
    assert all(one.name.isidentifier() for one in made)
    assert f"def {made[3].name}(start, stop, stream, scratch, array0, array1, array2, array3" in (
        made[3].source
    )
    inputs, outputs = ["Array(float32, 2, 'A', readonly=True)"] * 2, ["Array(float32, 2, 'A')"]
    assert ", ".join(inputs + outputs) in emit_caller("float32", 2, 1).source


def test_the_module_differs_in_its_cache_flag_alone():
    made = emit_caller("float64", 1, 2)
    ast.parse(made.source)
    pairs = zip(made.source.splitlines(), made.uncached.splitlines(), strict=True)
    assert [pair for pair in pairs if pair[0] != pair[1]] == [("CACHE = True", "CACHE = False")]


def test_kernels_with_as_many_arrays_share_one():
    fns = [sg.compile(text, "x y", "gradient") for text in ("x*y**2", "sin(x) + y")]
    first, second = (fn._code for fn in fns)
    assert first.kernel is second.kernel
    assert any(first.scratch.memory[:HEADER] != second.scratch.memory[:HEADER])
    np.testing.assert_array_equal(fns[0]([3.0, 2.0]), [4.0, 12.0])
    np.testing.assert_array_equal(fns[1]([0.0, 2.0]), [1.0, 1.0])


@pytest.mark.parametrize("wrong", [np.ones((3, 2), np.float32), np.ones(6), [[1.0, 2.0]]])
def test_other_arrays_are_refused(wrong):
    fn = sg.compile("x*y**2", "x y", "value")
    with pytest.raises(TypeError, match="No matching definition"):
        fn._code.kernel(0, 3, 0, fn._code.scratch.memory, wrong, np.empty((3, 1)))
