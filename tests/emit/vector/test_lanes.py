"""Definitions of vector functions: once, internal, in both dtypes, inside numba's kernels."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from symgrad.emit.vector import exponential, logarithm, sincos
from symgrad.emit.vector.lanes import FORMATS, Lanes, define
from tests.emit.vector.measured import INF, NAN, compiled, same_bits


def test_definitions_are_made_once_and_internal() -> None:
    module = ir.Module("once")
    for name, body in (("sin", sincos.sin), ("exp", exponential.exp)):
        plain, inline = (define(module, name, body, 4, inline=flag) for flag in (False, True))
        assert define(module, name, body, 4, inline=False) is plain
        assert define(module, name, body, 4, inline=True) is inline
        assert plain is not inline
        assert (plain.linkage, inline.linkage) == ("internal", "internal")
        assert "noinline" in plain.attributes
        assert "alwaysinline" in inline.attributes
        assert plain.name == f"sg.{name}.v4"


def test_a_negated_factor_of_a_constant_is_not_computed() -> None:
    module = ir.Module("negated")
    made: list[ir.Value] = []

    def body(lanes: Lanes, x: ir.Value) -> ir.Value:
        minus = lanes.builder.fneg(x)
        made.extend([lanes.fma(minus, lanes.number(3.0), x), lanes.fma(minus, x, x), minus])
        return lanes.builder.fadd(*made[:2])

    function = define(module, "negated", body, 4, inline=False)
    (x,), (by_constant, by_value, minus) = function.args, made
    assert by_constant.args[0] is x
    assert "splat (double 0xc008000000000000)" in str(by_constant)
    assert by_value.args[0] is minus


def signed_cube_plus(lanes: Lanes, x: ir.Value, y: ir.Value) -> ir.Value:
    """sign(y) |x|^3 + y, by the instructions that no function above uses."""
    builder = lanes.builder
    cube = builder.fmul(lanes.size(x), builder.fmul(x, x))
    return builder.fadd(lanes.signed(cube, y), y)


@pytest.mark.parametrize("dtype", FORMATS)
def test_instructions_in_both_dtypes(dtype: str) -> None:
    x = np.array([1.5, -2.0, 0.0, -0.0, INF, 3.0], dtype)
    y = np.array([2.0, -1.0, -0.0, 0.0, -1.0, NAN], dtype)
    got = compiled(signed_cube_plus, 4, dtype, arity=2)(x, y)
    expected = np.array([5.375, -9.0, -0.0, 0.0, -INF, NAN], dtype)
    assert same_bits(got, expected).all()


@pytest.mark.parametrize("dtype", FORMATS)
def test_the_format_is_that_of_numpy(dtype: str) -> None:
    layout, info = FORMATS[dtype], np.finfo(dtype)
    assert (layout.bits, layout.fraction_bits) == (info.bits, info.nmant)
    assert 2.0**-layout.fraction_bits == info.eps
    assert layout.sign_bit | layout.exponent_mask | layout.fraction_mask == (1 << layout.bits) - 1
    infinity = np.array(INF, dtype).view(f"u{layout.bits // 8}")
    assert int(infinity) == layout.exponent_mask


def test_inside_a_numba_kernel() -> None:
    @intrinsic
    def vector_step(typingctx, source, target, place):
        signature = numba.void(source, target, place)

        def generate(context, builder, signature, arguments):
            arrays = [
                context.make_array(kind)(context, builder, value)
                for kind, value in zip(signature.args[:2], arguments[:2], strict=True)
            ]
            vector = ir.VectorType(ir.DoubleType(), 4)
            source, target = (
                builder.bitcast(builder.gep(array.data, [arguments[2]]), vector.as_pointer())
                for array in arrays
            )
            x = builder.load(source, align=8)
            pair = define(builder.module, "sincos", sincos.sincos, 4, results=2, inline=True)
            both = builder.call(pair, [x])
            exp = define(builder.module, "exp", exponential.exp, 4, inline=False)
            sine = builder.call(exp, [builder.extract_value(both, 0)])
            log = define(builder.module, "log", logarithm.log, 4, inline=True)
            builder.store(builder.call(log, [sine]), target, align=8)
            return cgutils.get_null_value(ir.LiteralStructType([]).as_pointer())

        return signature, generate

    @numba.njit(nogil=True, error_model="numpy")
    def loop(source, target):
        for place in range(0, len(source), 4):
            vector_step(source, target, place)

    x = np.concatenate([np.linspace(-30.0, 30.0, 60), [INF, 1e7, -0.25, NAN]])
    got = np.empty_like(x)
    loop(x, got)
    expected = compiled(logarithm.log, 4)(compiled(exponential.exp, 4)(compiled(sincos.sin, 4)(x)))
    assert same_bits(got, expected).all()
