"""Branches to code for rare arguments: which lanes they change, and what they define."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from llvmlite import ir

import symgrad as sg
from symgrad.emit.vector.lanes import FORMATS, Lanes, define
from symgrad.emit.vector.rare import KernelModule, replaced
from tests.emit.vector.measured import INF, NAN, compiled, same_bits


def negated_and_halved(lanes: Lanes, x: ir.Value) -> Sequence[ir.Value]:
    """(-x, x/2)."""
    return lanes.builder.fneg(x), lanes.builder.fmul(x, lanes.number(0.5))


def folded(lanes: Lanes, x: ir.Value) -> ir.Value:
    """(x, x + 1), but (-x, x/2) above 10 and for nan; twice, as in a longer body."""
    builder = lanes.builder
    where = builder.fcmp_unordered(">", x, lanes.number(10.0))
    values = [x, builder.fadd(x, lanes.number(1.0))]
    once = replaced(lanes, where, "folded", negated_and_halved, [x], values)
    twice = replaced(lanes, where, "folded", negated_and_halved, [x], values)
    return lanes.pair(once[0], twice[1])


@pytest.mark.parametrize("inline", [False, True])
@pytest.mark.parametrize("dtype", FORMATS)
def test_only_lanes_with_the_condition_change(dtype: str, inline: bool) -> None:
    x = np.array([1.0, 11.0, 2.0, INF, -3.0, NAN, -INF, 10.0] + [4.0] * 8, dtype)
    first, second = compiled(folded, 4, dtype, results=2, inline=inline)(x)
    rare = ~(x <= 10.0)
    assert same_bits(first, np.where(rare, -x, x)).all()
    assert same_bits(second, np.where(rare, x / 2, x + 1)).all()


def test_the_code_stands_apart_and_once() -> None:
    module = ir.Module("once")
    define(module, "folded", folded, 4, results=2, inline=True)
    functions = [name for name in module.globals if name.endswith("rare.f64.v4")]
    assert functions == ["sg.folded.rare.f64.v4"]
    function = module.globals[functions[0]]
    assert function.linkage == "internal"
    assert {"cold", "noinline"} <= set(function.attributes)
    assert str(module).count("!prof") == 2


def test_a_kernels_module_leaves_the_code_out() -> None:
    module = KernelModule("kernel")
    define(module, "folded", folded, 4, results=2, inline=True)
    (symbol,) = module.rare
    assert module.globals[symbol].is_declaration
    apart = ir.Module("apart")
    made = module.rare[symbol].define(apart, symbol)
    assert made.function_type == module.globals[symbol].function_type
    assert "fneg" in str(apart)
    assert "fneg" not in str(module)


def test_values_that_wait_while_rare_code_runs_are_kept() -> None:
    names = [f"x{k}" for k in range(4)]
    fn = sg.compile(
        "*".join(f"sin({name})" for name in names), names, ["value", "gradient"], cache=False
    )
    x = np.linspace(0.1, 1.5, 32 * 4).reshape(32, 4)
    usual = fn(x)
    for column in range(4):
        rare = x.copy()
        rare[3, column] = 1e22
        found = fn(rare)
        assert same_bits(np.delete(found.gradient, 3, 0), np.delete(usual.gradient, 3, 0)).all()
        expected = np.prod(np.sin(rare[3]))
        np.testing.assert_allclose(found.value[3], expected, rtol=1e-14)
