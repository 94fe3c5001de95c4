"""CUDA C as a language: literals that read back, names from the one table, routines."""

from __future__ import annotations

import math
import re
import struct

import numpy as np
import pytest

from symgrad.emit.cuda.dialect import (
    NOT_FINITE,
    definitions,
    functions,
    language,
    literal,
    spoken,
)
from symgrad.emit.cuda.names import NAMES
from symgrad.emit.readable.walk import rounded
from tests.emit.providers.test_routine import program_of
from tests.emit.readable.test_walk import Builder


@pytest.mark.parametrize("value", [0.1, -2.5, 1e300, 5e-324, -0.0, 1 / 3])
def test_literals_read_back(value: float) -> None:
    read = float(literal(value, "float64"))
    assert struct.pack("<d", read) == struct.pack("<d", value)


@pytest.mark.parametrize("value", [0.1, -2.5, 1e30, 1e-45, -0.0, 1 / 3])
def test_literals_of_float32_are_floats(value: float) -> None:
    single = rounded(value, "float32")
    text = literal(single, "float32")
    assert text.endswith("f")
    assert struct.pack("<f", np.float32(text[:-1])) == struct.pack("<f", single)


def test_what_is_not_finite_has_a_name_and_its_bits() -> None:
    values = {"INFINITE": math.inf, "NOT_A_NUMBER": math.nan}
    for name, value in values.items():
        for end, dtype, form in (("", "float64", "<Qd"), ("_F", "float32", "<If")):
            text = NOT_FINITE[name + end]
            bits = int(re.search("0x[0-9a-f]+", text).group(), 16)
            (read,) = struct.unpack(f"<{form[2]}", struct.pack(f"<{form[1]}", bits))
            assert read == value or (math.isnan(read) and math.isnan(value))
            assert literal(value, dtype) == name + end
    assert literal(-math.inf, "float32") == "-INFINITE_F"


def test_only_what_is_used_is_defined() -> None:
    assert definitions("v0 + 1.0") == ""
    made = definitions("a = -INFINITE;")
    assert made == f"#define INFINITE {NOT_FINITE['INFINITE']}\n"
    assert definitions("NOT_A_NUMBER_F").count("#define NOT_A_NUMBER_F ") == 1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_operation_has_the_name_of_the_table(dtype: str) -> None:
    made = language(dtype)
    found = {**made.operations, **made.pairs}
    assert found.keys() == NAMES.keys()
    assert made.operations["exp"] == NAMES["exp"].c[dtype]
    name = NAMES["sincos"].c[dtype].partition("(")[0]
    assert f"{name}({{1}}, &{{0}}_0, &{{0}}_1)" in made.pairs["sincos"]


def test_float32_calls_routines_of_doubles_and_rounds() -> None:
    program = program_of("twice_mixture")
    assert spoken(program, "float32").operations["mixture"] == "(float)sg_mixture({0})"
    assert spoken(program, "float64").operations["mixture"] == "sg_mixture({0})"
    text = functions(program, "float32")
    names = re.findall(r"static __device__ double sg_(\w+)\(", text)
    assert names == ["agm", "mixture", "twice_mixture"]
    assert "float" not in text
    assert functions(program, "float64") == text


def test_tables_of_routines_lie_in_global_memory() -> None:
    text = functions(program_of("prime"), "float64")
    assert "static __device__ const double sg_0_prime[7] = {2.0, 3.0, " in text
    assert "__constant__" not in text


def test_no_routines_no_functions() -> None:
    do = Builder()
    do("load", data=(0, 0))
    program = program_of("agm")
    assert functions(program, "float64")
    assert functions(type(program)((), (), tuple(do.code)), "float64") == ""
