"""What is asked of every function by tables in registers, beside what the portable one is asked."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from symgrad.emit.providers import provider
from symgrad.emit.vector import lookup, table
from symgrad.emit.vector.lanes import Body
from tests.emit.harness import Compiled
from tests.emit.vector import arguments_exponential, arguments_logarithmic
from tests.emit.vector.arguments_logarithmic import EXACT
from tests.emit.vector.measured import HIGHEST, INF, NAN, compiled, errors_in_ulp, same_bits

WIDTHS = {"float64": (8, 16), "float32": (8, 16, 32)}
USUAL = {"float64": 8, "float32": 16}
POINTS = {**arguments_exponential.POINTS, **arguments_logarithmic.POINTS}
SPECIAL = {**arguments_exponential.SPECIAL, **arguments_logarithmic.SPECIAL}

needs_tables = pytest.mark.skipif(
    not lookup.supports(8, provider.host_features()), reason="needs a CPU with AVX-512"
)


def loop(key: tuple[str, str], body: Body, width: int, *, inline: bool = False) -> Compiled:
    """The function in a loop over arrays."""
    arity = provider.FUNCTIONS[key[0]][0]
    return compiled(body, width, key[1], arity=arity, inline=inline)


def arguments(key: tuple[str, str]) -> list[np.ndarray]:
    """The columns of hard arguments."""
    points = POINTS[key]()
    columns = points if isinstance(points, tuple) else (points,)
    return [np.asarray(column, key[1]) for column in columns]


def assert_accurate(key: tuple[str, str], body: Body, most: float) -> None:
    """No error exceeds ``most`` ulp."""
    columns = arguments(key)
    got = loop(key, body, USUAL[key[1]])(*columns)
    errors = errors_in_ulp(got, EXACT.get(key[0]) or getattr(mpmath, key[0]), *columns)
    worst = int(np.argmax(errors))
    where = [column[worst] for column in columns]
    assert errors[worst] <= most, f"{key} {where}: {got[worst]!r}, {errors[worst]} ulp"


def assert_special_values(key: tuple[str, str], body: Body) -> None:
    """Zeros, infinities and nan exactly, numbers within an ulp, for every width."""
    *columns, expected = (np.array(part, key[1]) for part in zip(*SPECIAL[key], strict=True))
    for width in WIDTHS[key[1]]:
        got = loop(key, body, width)(*columns)
        ordinary = np.isfinite(expected) & (expected != 0.0)
        assert same_bits(got, expected)[~ordinary].all()
        np.testing.assert_array_max_ulp(got[ordinary], expected[ordinary], maxulp=1)


def assert_lanes_apart(key: tuple[str, str], body: Body) -> None:
    """The same bits for every width, and beside any neighbour."""
    columns = arguments(key)
    expected = loop(key, body, USUAL[key[1]])(*columns)
    for width in WIDTHS[key[1]]:
        for inline in (False, True):
            got = loop(key, body, width, inline=inline)(*columns)
            assert same_bits(got, expected).all(), width
    width = USUAL[key[1]]
    few = [column[::37] for column in columns]
    for neighbour in (0.0, -0.0, INF, -INF, NAN, 1e-40, 0.3, -1.0, 700.0, HIGHEST[key[1]]):
        for lane in range(width):
            vectors = [np.full((len(few[0]), width), neighbour, key[1]) for _ in few]
            for vector, column in zip(vectors, few, strict=True):
                vector[:, lane] = column
            beside = loop(key, body, width)(*(vector.ravel() for vector in vectors))[lane::width]
            assert same_bits(beside, expected[::37]).all(), (neighbour, lane)


def assert_preferred(key: tuple[str, str], body: Body) -> None:
    """The table of functions has it."""
    assert table.BY_LOOKUP[key] is body
