"""Instructions on whole registers: vectors of every width, tables of both lengths."""

from __future__ import annotations

import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.vector import registers
from symgrad.emit.vector.lanes import FORMATS, Lanes
from tests.emit.vector.by_lookup import WIDTHS, needs_tables
from tests.emit.vector.measured import INF, NAN, compiled, same_bits

CASES = [(dtype, width) for dtype in FORMATS for width in WIDTHS[dtype]]
X = [0.75, 1.0, -6.0, 0.0, INF, NAN, 1e-38, 1024.0, 3.0, 5.0, 1e-45, 7.0, 1.5, -0.5, 9.0, 2.0]


def taken_apart(lanes: Lanes, x: ir.Value) -> ir.Value:
    """(the mantissa's size, the exponent)."""
    m = registers.mantissa(lanes, x, registers.SIZE_FROM_ONE)
    return lanes.pair(m, registers.exponent(lanes, x))


def put_together(lanes: Lanes, x: ir.Value) -> ir.Value:
    """The number from its mantissa and exponent."""
    m = registers.mantissa(lanes, x, registers.FROM_ONE)
    return registers.scale(lanes, m, registers.exponent(lanes, x))


def limited(lanes: Lanes, x: ir.Value) -> ir.Value:
    """x, but of size 2 at most; 2 for nan."""
    return registers.nearer_to_zero(lanes, x, lanes.number(2.0))


def repaired(lanes: Lanes, x: ir.Value) -> ir.Value:
    """42, repaired as a logarithm."""
    return registers.repaired(lanes, lanes.number(42.0), x, registers.LOG_REPAIRS)


def picked(lanes: Lanes, x: ir.Value) -> ir.Value:
    """(row[x], long row[x]) for whole numbers x, the rows being squares and cubes."""
    index = lanes.as_bits(lanes.builder.fadd(x, lanes.number(lanes.format.rounder)))
    count = 512 // lanes.format.bits
    (cube,) = registers.chosen_rows(lanes, [[float(i**3) for i in range(4 * count)]], index)
    return lanes.pair(registers.chosen(lanes, [float(i * i) for i in range(16)], index), cube)


@needs_tables
@pytest.mark.parametrize(("dtype", "width"), CASES)
def test_a_number_is_taken_apart_and_put_together(dtype: str, width: int) -> None:
    x = np.array(X * 2, dtype)
    m, exponent = compiled(taken_apart, width, dtype, results=2)(x)
    ordinary = np.isfinite(x) & (x != 0.0)
    fraction, power = np.frexp(np.abs(x[ordinary]))
    assert np.array_equal(m[ordinary], 2 * fraction)
    assert np.array_equal(exponent[ordinary], power - 1)
    assert same_bits(exponent[3:6], np.array([-INF, INF, NAN], dtype)).all()
    back = compiled(put_together, width, dtype)(x)
    assert same_bits(back[ordinary], x[ordinary]).all()


@needs_tables
@pytest.mark.parametrize(("dtype", "width"), CASES)
def test_limits_and_repairs(dtype: str, width: int) -> None:
    x = np.array([1.0, 3.0, -5.0, -INF, NAN, 0.0, -0.0, INF, 2.5, -1e-40, 1e-40], dtype)
    got = compiled(limited, width, dtype)(x)
    wanted = [1.0, 2.0, -2.0, -2.0, 2.0, 0.0, -0.0, 2.0, 2.0, -1e-40, 1e-40]
    assert same_bits(got, np.array(wanted, dtype)).all()
    got = compiled(repaired, width, dtype)(x)
    wanted = [42.0, 42.0, NAN, NAN, NAN, -INF, -INF, INF, 42.0, NAN, 42.0]
    assert same_bits(got, np.array(wanted, dtype)).all()


@needs_tables
@pytest.mark.parametrize(("dtype", "width"), CASES)
def test_numbers_are_picked_from_tables(dtype: str, width: int) -> None:
    count = 512 // FORMATS[dtype].bits
    x = np.arange(4 * count, dtype=dtype)
    square, cube = compiled(picked, width, dtype, results=2)(x)
    assert np.array_equal(square, (x % 16) ** 2)
    assert np.array_equal(cube, x**3)
