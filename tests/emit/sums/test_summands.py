"""Programs of sums taken apart: the same sums, and no column that nothing needs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import symgrad as sg
from symgrad.emit.sums.summands import COLUMNS, SUMS, summands
from symgrad.ir.program import Group, Instruction, Program, Result

X, Y, Z = (Instruction("load", (), (0, column)) for column in range(3))


def program(*code, entries, **options):
    groups = (Group("inputs", ("x", "y", "z")),)
    return Program(groups, (Result("sums", (entries,)),), code, **options)


def store(value, entry):
    return Instruction("store", (value,), (0, entry))


def multiply(a, b):
    return Instruction("mul", (a, b))


def test_products_that_sums_alone_need_are_left_to_them():
    xx, xy, yy = ((a, b) for a, b in ((0, 0), (0, 1), (1, 1)))
    code = [
        X,
        Y,
        multiply(*xx),
        store(2, 0),
        multiply(*xy),
        store(4, 1),
        multiply(*yy),
        store(6, 2),
    ]
    made = summands(program(*code, entries=3))
    assert made.terms == ((0, 0), (0, 1), (1, 1))
    assert made.entries == ((0, 1, 2),)
    first, second = (Instruction("store", (i,), (COLUMNS, n)) for i, n in ((0, 0), (2, 1)))
    assert made.program.code == (X, first, Y, second), "columns are written when they are there"
    assert [result.size for result in made.program.results] == [2, 3]


def test_what_is_no_factor_is_added_by_the_program():
    # x*y shares no factor, and z*z is needed for something else.
    code = [X, Y, Z, multiply(0, 1), store(3, 0), multiply(2, 2), store(5, 1)]
    code += [Instruction("neg", (5,)), store(7, 2)]
    made = summands(program(*code, entries=3))
    assert made.terms == ((), (), ())
    stores = [one for one in made.program.code if one.op == "store"]
    assert [one.data for one in stores] == [(SUMS, 0), (SUMS, 1), (SUMS, 2)]
    code = made.program.code
    assert [[code[argument].op for argument in one.args] for one in stores] == [
        ["load", "load"],
        ["mul"],
        ["neg"],
    ]


def test_factors_that_nothing_else_needs_are_no_columns():
    code = [X, Y, Z, multiply(0, 1), store(3, 0), multiply(0, 2), store(5, 1), store(0, 2)]
    made = summands(program(*code, entries=3))
    assert made.terms == ((), (), ())
    stores = [(one.args, one.data) for one in made.program.code if one.op == "store"]
    assert stores == [((0, 1), (SUMS, 0)), ((0, 2), (SUMS, 1)), ((0,), (SUMS, 2))]


def test_values_that_are_factors_as_well_are_columns():
    code = [X, Y, store(0, 0), multiply(0, 1), store(3, 1), multiply(1, 1), store(5, 2)]
    made = summands(program(*code, entries=3))
    assert made.terms == ((0,), (0, 1), (1, 1))
    assert sum(one.op == "store" for one in made.program.code) == 2


def test_a_value_is_summed_once_for_all_of_its_entries():
    code = [X, store(0, 2), store(0, 0), Instruction("constant", (), 1.5), store(3, 1)]
    made = summands(program(*code, entries=3))
    assert made.terms == ((), 1.5)
    assert made.entries == ((0, 1, 0),)


def test_what_a_batch_shares_is_written_for_its_points():
    code = [X, Y, multiply(0, 0), store(2, 0), multiply(0, 1), store(4, 1), store(1, 2)]
    given = program(*code, entries=3, pieces=(0, 1), shared=True)
    made = summands(given)
    assert made.program.pieces == (0, 1)
    assert [one.op for one in made.program.code] == ["load", "load", "store", "store"]
    assert made.program.code[2:] == (
        Instruction("store", (1,), (COLUMNS, 1)),
        Instruction("store", (0,), (COLUMNS, 0)),
    )
    assert made.terms == ((0, 0), (0, 1), (1,))
    alone = summands(replace(given, pieces=(0,), shared=False))
    assert alone.program.code[1] == Instruction("store", (0,), (COLUMNS, 0))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_sums_are_right_whatever_they_are_sums_of(dtype):
    names = "a b c"
    fn = sg.compile(
        ["a*exp(-b*t) + c - y", "2.5*a + c*t"],
        "t y",
        reduce="normal",
        parameters=names,
        wrt=names,
        dtype=dtype,
    )
    each = sg.compile(
        ["a*exp(-b*t) + c - y", "2.5*a + c*t"],
        "t y",
        ["value", "jacobian"],
        parameters=names,
        wrt=names,
    )
    at = {"a": 1.5, "b": 0.75, "c": -0.25}
    limit = 1e-13 if dtype == "float64" else 2e-6
    for count in (1, 3, 8, 15, 16, 17, 100, 333, 4096, 9001):
        x = np.random.default_rng(count).uniform(0, 2, size=(count, 2)).astype(dtype)
        made, parts = fn(x, **at), each(x, **at)
        j, r = parts.jacobian, parts.value
        for got, left, right in ((made.jtj, j, j), (made.jtr, j, r[..., None])):
            expected = np.einsum("nki,nkj->ij", left, right).reshape(got.shape)
            size = np.einsum("nki,nkj->ij", abs(left), abs(right)).reshape(got.shape)
            assert (np.abs(got - expected) <= limit * size).all(), count
        np.testing.assert_allclose(made.rss, (r * r).sum(), rtol=limit)
