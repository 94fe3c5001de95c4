"""Every function of the table: accuracy, special values, widths, lanes, other CPUs."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import mpmath
import numba
import numpy as np
import pytest

from symgrad.emit.providers import provider
from symgrad.emit.vector import lookup, table
from symgrad.emit.vector.lanes import define
from symgrad.emit.vector.table import PORTABLE, own
from tests.emit.harness import Compiled, compile_loop
from tests.emit.vector import (
    arguments_exponential,
    arguments_logarithmic,
    arguments_trigonometric,
)
from tests.emit.vector.measured import HIGHEST, INF, NAN, compiled, errors_in_ulp, same_bits

WIDTHS = {"float64": (2, 4, 8, 16), "float32": (4, 8, 16, 32)}
USUAL = {"float64": 8, "float32": 16}
FAMILIES = (arguments_exponential, arguments_logarithmic, arguments_trigonometric)
POINTS: dict[tuple[str, str], Callable[[], Any]] = {
    key: points for family in FAMILIES for key, points in family.POINTS.items()
}
SPECIAL: dict[tuple[str, str], list[tuple[float, ...]]] = {
    key: rows for family in FAMILIES for key, rows in family.SPECIAL.items()
}
EXACT: dict[str, Callable[..., Any]] = {
    "exp2": lambda x: mpmath.mpf(2) ** x,
    **arguments_logarithmic.EXACT,
}
"""The real function where mpmath has none of the name."""

ALL = [key for key in PORTABLE if key[0] != "sincos"]
STRANGE = (0.0, -0.0, INF, -INF, NAN, 1e-40, 1e-310, 1.0, 1e6, 1.1e6, -800.0, 1e300)


def at(key: tuple[str, str]) -> list[np.ndarray]:
    """The columns of hard arguments."""
    points = POINTS[key]()
    columns = points if isinstance(points, tuple) else (points,)
    return [np.asarray(column, key[1]) for column in columns]


def portable(key: tuple[str, str], width: int, *, inline: bool = False) -> Compiled:
    """The function of the table in a loop over arrays."""
    arity = provider.FUNCTIONS[key[0]][0]
    return compiled(PORTABLE[key], width, key[1], arity=arity, inline=inline)


def test_every_function_has_arguments_and_special_values() -> None:
    assert set(POINTS) == set(SPECIAL) == set(ALL)
    assert {name for name, _ in ALL} <= set(provider.FUNCTIONS)


@pytest.mark.parametrize("key", ALL)
def test_within_one_ulp(key: tuple[str, str]) -> None:
    columns = at(key)
    got = portable(key, USUAL[key[1]])(*columns)
    errors = errors_in_ulp(got, EXACT.get(key[0]) or getattr(mpmath, key[0]), *columns)
    worst = int(np.argmax(errors))
    where = [column[worst] for column in columns]
    assert errors[worst] <= table.OWN_ULP, f"{key} {where}: {got[worst]!r}, {errors[worst]} ulp"


@pytest.mark.parametrize("inline", [False, True])
@pytest.mark.parametrize("key", ALL)
def test_every_width_gives_the_same_bits(key: tuple[str, str], inline: bool) -> None:
    columns = at(key)
    expected = portable(key, USUAL[key[1]])(*columns)
    for width in WIDTHS[key[1]]:
        got = portable(key, width, inline=inline)(*columns)
        assert same_bits(got, expected).all(), width


@pytest.mark.parametrize("key", ALL)
def test_special_values(key: tuple[str, str]) -> None:
    *columns, expected = (np.array(part, key[1]) for part in zip(*SPECIAL[key], strict=True))
    for width in WIDTHS[key[1]]:
        got = portable(key, width)(*columns)
        # In range a last bit may differ; zeros with their sign, infinities and nan may not.
        for place in np.flatnonzero(~same_bits(got, expected)):
            seen = (key, [column[place] for column in columns], got[place], expected[place])
            assert np.isfinite(expected[place]), seen
            assert expected[place] != 0.0, seen
            np.testing.assert_array_max_ulp(got[place], expected[place], maxulp=1)


@pytest.mark.parametrize("key", ALL)
def test_a_lane_does_not_depend_on_its_neighbours(key: tuple[str, str]) -> None:
    columns = [column[::31] for column in at(key)]
    count = len(columns[0])
    with np.errstate(over="ignore"):
        strange = np.array([*STRANGE, HIGHEST[key[1]], -HIGHEST[key[1]]], key[1])
    width = USUAL[key[1]]
    function = portable(key, width)
    alone = function(*(np.repeat(column, width) for column in columns))[::width]
    for neighbour in strange:
        for lane in range(width):
            vectors = [np.full((count, width), neighbour, key[1]) for _ in columns]
            for vector, column in zip(vectors, columns, strict=True):
                vector[:, lane] = column
            beside = function(*(vector.ravel() for vector in vectors))[lane::width]
            assert same_bits(beside, alone).all(), (neighbour, lane)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="names CPUs of this architecture")
@pytest.mark.parametrize("key", ALL)
@pytest.mark.parametrize(
    ("cpu", "features"), [("x86-64", ""), ("haswell", ""), ("haswell", "-fma")]
)
def test_other_cpus_give_the_same_bits(key: tuple[str, str], cpu: str, features: str) -> None:
    if cpu == "haswell" and "avx2" not in numba.core.codegen.get_host_cpu_features():
        pytest.skip("this machine cannot execute AVX2")
    name, dtype = key
    columns = [column[::3] for column in at(key)]
    width = USUAL[dtype] // 2
    arity = len(columns)
    old = compile_loop(
        lambda module: define(module, name, PORTABLE[key], width, dtype, arity=arity, inline=False),
        width,
        inputs=arity,
        dtype=dtype,
        cpu=cpu,
        features=features,
    )
    assert same_bits(old(*columns), portable(key, width)(*columns)).all()


def test_functions_by_lookup_are_preferred_where_the_cpu_has_the_tables() -> None:
    wide = frozenset({"fma", *lookup.FEATURES})
    for (name, dtype), body in table.BY_LOOKUP.items():
        assert own(name, 8, dtype, wide) is body
        assert own(name, 8, dtype, {"avx2", "fma"}) is PORTABLE.get((name, dtype))
    assert own("sin", 8, "float64", wide) is PORTABLE["sin", "float64"]


def test_other_widths_and_names_are_not_ours() -> None:
    assert own("sin", 3, "float64", {"fma"}) is None
    assert own("gamma", 8, "float64", {"fma"}) is None
