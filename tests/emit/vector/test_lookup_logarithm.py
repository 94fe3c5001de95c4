"""log, log1p, log2 and log10 by tables in registers."""

from __future__ import annotations

import pytest

from benchmarks.coefficients.logarithm import factors, logarithms
from symgrad.emit.vector import lookup_logarithm
from symgrad.emit.vector.logarithm import BINARY, DECIMAL, NATURAL
from tests.emit.vector.by_lookup import (
    assert_accurate,
    assert_lanes_apart,
    assert_preferred,
    assert_special_values,
    needs_tables,
)
from tests.emit.vector.fitted_anew import assert_computed_anew, bits_left, same

KEYS = [
    ("log", "float32"), ("log1p", "float64"), ("log1p", "float32"), ("log2", "float64"),
    ("log2", "float32"), ("log10", "float64"), ("log10", "float32"),
]  # fmt: skip
MOST = {"float64": 0.79, "float32": 0.79}
CONSTANTS = {"log": NATURAL, "log2": BINARY, "log10": DECIMAL}


@needs_tables
@pytest.mark.parametrize("key", KEYS)
def test_within_the_stated_error(key: tuple[str, str]) -> None:
    body = getattr(lookup_logarithm, key[0])
    assert_preferred(key, body)
    assert_accurate(key, body, MOST[key[1]])


@needs_tables
@pytest.mark.parametrize("key", KEYS)
def test_special_values_and_lanes(key: tuple[str, str]) -> None:
    body = getattr(lookup_logarithm, key[0])
    assert_special_values(key, body)
    assert_lanes_apart(key, body)


@pytest.mark.parametrize("key", lookup_logarithm.STARTS)
def test_the_tables_can_be_computed_anew(key: tuple[str, str]) -> None:
    for row, present in zip(logarithms(*key), lookup_logarithm.STARTS[key], strict=True):
        assert same(row, present, key[1])
    for j, factor in enumerate(factors()):
        assert lookup_logarithm.FACTORS[j] == (factor if j < 8 else factor / 2)


@pytest.mark.parametrize("key", lookup_logarithm.POLYNOMIALS)
def test_the_polynomials_can_be_computed_anew(key: tuple[str, str]) -> None:
    present = lookup_logarithm.POLYNOMIALS[key]
    name = (f"lookup {key[0]}", key[1])
    assert_computed_anew(name, present)
    assert bits_left(name, present) > (56.2 if key[1] == "float64" else 28.1)


@pytest.mark.parametrize("key", lookup_logarithm.STARTS)
def test_k_times_log_2_and_the_start_add_up_without_rounding(key: tuple[str, str]) -> None:
    step = 2.0**-43 if key[1] == "float64" else 2.0**-17
    largest, digits = (1100, 53) if key[1] == "float64" else (150, 24)
    first = CONSTANTS[key[0]][key[1]].two[0]
    for number in (first, *lookup_logarithm.STARTS[key][0]):
        assert (number / step).is_integer()
    # Where all multiples are of twice the step there is one more digit.
    coarse = all((n / step / 2).is_integer() for n in (first, *lookup_logarithm.STARTS[key][0]))
    assert (largest * first + 1.0) / (step * (2 if coarse else 1)) < 2.0**digits
