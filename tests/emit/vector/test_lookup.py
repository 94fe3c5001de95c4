"""Functions by tables in registers: accuracy, special values, lanes, the tables."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from llvmlite import ir

from benchmarks.coefficients.lookup import (
    edges,
    erfc_edges,
    erfcx,
    fit,
    fit_erfc,
    fit_exp,
    fit_exp2,
    fit_log,
    logarithms,
    mantissas,
    powers_of_two,
)
from symgrad.emit.providers import provider
from symgrad.emit.vector import lookup
from symgrad.emit.vector.lanes import define
from symgrad.emit.vector.table import BY_LOOKUP
from tests.emit.harness import Compiled
from tests.emit.vector import measured
from tests.emit.vector.measured import same_bits

WIDTHS = (8, 16)
INF, NAN = float("inf"), float("nan")
TINY = 5e-324
HIGHEST = float(np.finfo(np.float64).max)
# The largest error that is documented, and one that a good choice of arguments exceeds.
ERRORS = {"erf": (0.83, 0.75), "erfc": (0.93, 0.75), "exp": (0.80, 0.65), "exp2": (0.80, 0.65),
          "log": (0.80, 0.65)}  # fmt: skip

needs_tables = pytest.mark.skipif(
    not lookup.supports(8, provider.host_features()), reason="needs a CPU with AVX-512"
)


def compiled(name: str, width: int, *, inline: bool = False) -> Compiled:
    """The vector function in a loop over arrays."""
    return measured.compiled(BY_LOOKUP[name, "float64"], width, inline=inline)


def around(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Forty doubles close to each value, on both sides."""
    steps = rng.integers(-300, 301, (len(values), 40))
    return (values[:, None] + np.spacing(values)[:, None] * steps).ravel()


def erf_points() -> np.ndarray:
    """Arguments on every interval, around every end and centre, of every scale and sign."""
    rng = np.random.default_rng(104)
    ends = np.array([float(end) for end in edges()])
    borders = np.concatenate([ends[1:], lookup.TABLE[0][1:], [lookup.LARGEST, 5.93]])
    sizes = np.concatenate([
        *(rng.uniform(low, high, 200) for low, high in pairwise(ends)),
        rng.uniform(0.40, 0.46, 1000),  # where the error is largest
        around(borders, rng),
        np.exp2(rng.uniform(-1074, 1024, 300)),
    ])  # fmt: skip
    return sizes * np.where(np.arange(len(sizes)) % 2, -1.0, 1.0)


def erfc_points() -> np.ndarray:
    """Arguments on every interval, around every end and centre and step of exp, of every scale."""
    rng = np.random.default_rng(108)
    ends = np.array([float(end) for end in erfc_edges()])
    steps = np.sqrt((rng.integers(1, 17_000, 20) + 0.5) * np.log(2.0) / 16)
    sizes = np.concatenate([
        *(rng.uniform(low, high, 200) for low, high in pairwise(ends)),
        rng.uniform(13.04, 13.4, 1500),  # where the error is largest
        rng.uniform(0.0, 0.2, 500),
        rng.uniform(26.54, 27.23, 500),  # subnormal results
        around(np.concatenate([ends[1:-1], lookup.ERFC_TABLE[0], steps]), rng),
        around(np.array([26.543258, 27.226017, 27.2301]), rng),
    ])  # fmt: skip
    small = np.exp2(rng.uniform(-1074, 5, 300))
    return np.concatenate([sizes, -sizes[:3000], small, -small])


def exp_points() -> np.ndarray:
    """Arguments of every scale, at the borders of the reduction, with subnormal results."""
    rng = np.random.default_rng(105)
    borders = (rng.integers(-17000, 16300, 40) + 0.5) * np.log(2.0) / 16
    small = np.exp2(rng.uniform(-1074, 9.4, 300))
    return np.concatenate([
        rng.uniform(-1.0, 1.0, 1000),
        rng.uniform(-708.0, 709.7, 500),
        rng.uniform(-745.1, -708.0, 1000),
        small * np.where(np.arange(300) % 2, -1.0, 1.0),
        around(borders, rng),
        around(np.array([709.782712893384, -708.3964185322641, -745.1332191019411]), rng),
    ])  # fmt: skip


def exp2_points() -> np.ndarray:
    """Arguments of every scale, at the borders of the reduction, with subnormal results."""
    rng = np.random.default_rng(109)
    borders = (rng.integers(-17000, 16300, 40) + 0.5) / 16
    small = np.exp2(rng.uniform(-1074, 10, 300))
    return np.concatenate([
        rng.uniform(-1.0, 1.0, 1000),
        rng.uniform(-1022.0, 1024.0, 500),
        rng.uniform(-1075.0, -1022.0, 1000),
        small * np.where(np.arange(300) % 2, -1.0, 1.0),
        around(borders, rng),
        around(np.array([1024.0, -1022.0, -1075.0]), rng),
    ])  # fmt: skip


def log_points() -> np.ndarray:
    """Arguments of every scale, near 1, at the ends of the table's intervals, subnormal."""
    rng = np.random.default_rng(106)
    ends = np.array([float(end) for interval in mantissas() for end in interval])
    near = np.exp2(rng.uniform(-52, -3, 500)) * np.where(np.arange(500) % 2, -1.0, 1.0)
    return np.concatenate([
        rng.integers(1, 0x7FF0 << 48, 500).view(np.float64),
        rng.integers(1, 1 << 52, 100).view(np.float64),
        rng.uniform(0.5, 2.0, 500),
        rng.uniform(1.11, 1.13, 1000),  # where the error is largest
        1.0 + near,
        around(ends, rng),
        TINY * np.arange(1, 50),
    ])  # fmt: skip


POINTS = {"erf": erf_points, "erfc": erfc_points, "exp": exp_points, "exp2": exp2_points,
          "log": log_points}  # fmt: skip
# fmt: off
SPECIAL = {
    "erf": [(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (NAN, NAN), (TINY, TINY),
            (-TINY, -TINY), (6.0, 1.0), (-6.0, -1.0), (1e9, 1.0), (-HIGHEST, -1.0)],
    "erfc": [(0.0, 1.0), (-0.0, 1.0), (INF, 0.0), (-INF, 2.0), (NAN, NAN), (TINY, 1.0),
             (-TINY, 1.0), (27.3, 0.0), (28.0, 0.0), (1e200, 0.0), (HIGHEST, 0.0), (-6.0, 2.0),
             (-27.3, 2.0), (-HIGHEST, 2.0), (27.2132932, TINY)],
    "exp": [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (NAN, NAN), (TINY, 1.0), (-TINY, 1.0),
            (709.7827128933841, INF), (710.5, INF), (1e4, INF), (HIGHEST, INF),
            (-745.1332191019411, TINY), (-745.1332191019412, 0.0), (-1e4, 0.0), (-HIGHEST, 0.0),
            # r would be no rest any more
            *((sign * 2.0**power, limit) for power in (30, 45, 48, 49, 52, 60, 200, 1000)
              for sign, limit in ((1, INF), (-1, 0.0)))],
    "exp2": [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (NAN, NAN), (TINY, 1.0),
             (-TINY, 1.0), (1023.0, 2.0**1023), (1024.0, INF), (HIGHEST, INF), (-1074.0, TINY),
             (-1075.0, 0.0), (-HIGHEST, 0.0), (0.5, 1.4142135623730951),
             *((sign * 2.0**power, limit) for power in (12, 45, 47, 48, 49, 52, 60, 200, 1000)
               for sign, limit in ((1, INF), (-1, 0.0)))],
    "log": [(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-INF, NAN), (NAN, NAN), (-1.0, NAN),
            (-TINY, NAN), (-HIGHEST, NAN), (TINY, -744.4400719213812), (2.0, 0.6931471805599453)],
}
# fmt: on


def error_in_ulp(name: str, argument: float, result: float) -> float:
    """The distance from the real function in units of its last place."""
    with mpmath.workdps(50):
        x = mpmath.mpf(argument)
        value = mpmath.mpf(2) ** x if name == "exp2" else getattr(mpmath, name)(x)
        _, exponent = mpmath.frexp(value)
        if exponent > 1024 and result == INF:  # beyond the largest double
            return 0.0
        unit = mpmath.ldexp(1, max(exponent - 53, -1074))
        return float(abs(mpmath.mpf(result) - value) / unit)


@needs_tables
@pytest.mark.parametrize("name", POINTS)
def test_within_the_stated_error(name: str) -> None:
    x = POINTS[name]()
    got = compiled(name, 8)(x)
    errors = [error_in_ulp(name, *pair) for pair in zip(x.tolist(), got.tolist(), strict=True)]
    worst = int(np.argmax(errors))
    most, least = ERRORS[name]
    assert errors[worst] <= most, f"{name}({x[worst]!r}) = {got[worst]!r}: {errors[worst]} ulp"
    assert errors[worst] >= least, "the hard points are not among the arguments any more"


@needs_tables
@pytest.mark.parametrize("inline", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", POINTS)
def test_every_width_gives_the_same_bits(name: str, width: int, inline: bool) -> None:
    x = POINTS[name]()
    got = compiled(name, width, inline=inline)(x)
    assert same_bits(got, compiled(name, 8)(x)).all()


@needs_tables
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name: str, width: int) -> None:
    arguments, expected = (np.array(column) for column in zip(*SPECIAL[name], strict=True))
    got = compiled(name, width)(arguments)
    assert same_bits(got, expected).all(), list(zip(arguments, got, strict=True))


@needs_tables
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", POINTS)
def test_a_lane_does_not_depend_on_its_neighbours(name: str, width: int) -> None:
    ordinary = POINTS[name]()[::17]
    function = compiled(name, width)
    alone = function(np.repeat(ordinary, width))[::width]
    for neighbour in (0.0, -0.0, INF, -INF, NAN, TINY, 0.3, -1.0, 3.0, 7.0, -800.0, HIGHEST):
        for lane in range(width):
            vectors = np.full((len(ordinary), width), neighbour)
            vectors[:, lane] = ordinary
            beside = function(vectors.ravel())[lane::width]
            assert same_bits(beside, alone).all(), (neighbour, lane)


@pytest.mark.parametrize("place", [0, 3, 6])
def test_the_table_of_erf_can_be_computed_anew(place: int) -> None:
    column, error = fit(place)
    assert column == [row[place] for row in lookup.TABLE]
    assert error < mpmath.mpf(2) ** -56


def test_the_table_of_erf_keeps_its_stated_error_on_every_interval() -> None:
    ends = edges()
    assert len(lookup.TABLE) == lookup.DEGREE + 2
    with mpmath.workdps(50):
        for place, (low, high) in enumerate(pairwise(ends)):
            c, *rest = (mpmath.mpf(row[place]) for row in lookup.TABLE)
            xs = [low + (high - low) * k / 200 for k in range(1, 201)]
            errors = [abs(mpmath.polyval(rest[::-1], x - c) / mpmath.erf(x) - 1) for x in xs]
            assert max(errors) < mpmath.mpf(2) ** -56
            assert low <= c < high
            # erf of the centre is a double to within 2^-9 of a last place.
            assert abs(mpmath.erf(c) - rest[0]) <= np.spacing(float(rest[0])) / 512


@pytest.mark.parametrize("place", [0, 2, 7])
def test_the_table_of_erfc_can_be_computed_anew(place: int) -> None:
    column, error = fit_erfc(place)
    assert column == [row[place] for row in lookup.ERFC_TABLE]
    assert error < mpmath.mpf(2) ** -56.9


def test_the_table_of_erfc_keeps_its_stated_error_on_every_interval() -> None:
    pole = lookup.ERFC_POLE
    with mpmath.workdps(50):
        for place, (low, high) in enumerate(pairwise(erfc_edges())):
            c, first, slope, *rest = (mpmath.mpf(row[place]) for row in lookup.ERFC_TABLE)
            for k in range(1, 101):
                x = low + (high - low) * k / 100
                t = x - c
                curve = mpmath.polyval(rest[::-1], t / (x + pole))
                assert (
                    abs((first + slope * t + t**2 * curve) / erfcx(x) - 1) < mpmath.mpf(2) ** -56.9
                )
            assert low < c < high
            if place:  # x - c is exact
                assert high / 2 <= c <= 2 * low
            else:
                assert c < mpmath.mpf(1) / 4
            assert abs(erfcx(c) - first) <= np.spacing(float(first)) / 16


def test_erfc_is_0_beyond_its_largest_argument_and_keeps_the_last_index() -> None:
    with mpmath.workdps(30):
        assert mpmath.erfc(lookup.ERFC_LARGEST) < mpmath.mpf(2) ** -1075
    factor, offset = lookup.ERFC_INDEX_FACTOR, lookup.ERFC_INDEX_OFFSET
    ends = [float(end) for end in erfc_edges()]
    assert ends[-2] * factor + offset == 12.0
    assert 12.0 <= lookup.ERFC_LAST_PLACE < 16.0
    bits = np.array([offset, lookup.ERFC_LAST_PLACE]).view(np.int64)
    first, last = (bits >> (52 - lookup.ERFC_INDEX_BITS)).tolist()
    assert (first - lookup.ERFC_FIRST_INDEX) % lookup.INTERVALS == 0
    assert (last - lookup.ERFC_FIRST_INDEX) % lookup.INTERVALS == 7


def test_the_tables_of_exp_exp2_and_log_can_be_computed_anew() -> None:
    assert tuple(map(tuple, powers_of_two())) == lookup.POWERS
    assert tuple(map(tuple, logarithms())) == lookup.LOGARITHMS
    fitted = (
        (fit_exp(), lookup.EXP_POLYNOMIAL),
        (fit_exp2(), lookup.EXP2_POLYNOMIAL),
        (fit_log(), lookup.LOG_POLYNOMIAL),
    )
    for (polynomial, error), present in fitted:
        assert tuple(polynomial) == present
        assert error < mpmath.mpf(2) ** -56


def test_log_loses_almost_nothing_before_its_polynomial() -> None:
    rng = np.random.default_rng(107)
    for (low, high), factor, start in zip(mantissas(), *lookup.LOGARITHMS[:2], strict=True):
        assert (factor * 64).is_integer()
        for m in rng.uniform(float(low), float(high), 100).tolist():
            exact = Fraction(m) * Fraction(factor) - 1
            lost = abs(Fraction(float(exact)) - exact)
            assert lost <= Fraction(np.spacing(abs(float(np.log(m))))) / 4
        # The first part of k*ln 2 - log f has 53 bits, and is 0 or larger than r.
        assert (start * 2.0**42).is_integer()
        assert start == 0.0 or abs(start) > max(abs(end * factor - 1) for end in (low, high))


def test_the_largest_argument_keeps_the_last_index() -> None:
    ends = [float(end) for end in edges()]
    assert (ends[0], ends[1], ends[-1]) == (0.0, 0.4, 6.0)
    top = lookup.LARGEST * lookup.INDEX_FACTOR + lookup.INDEX_OFFSET
    bits = int(np.array(top).view(np.int64)) >> (52 - lookup.INDEX_BITS)
    assert (bits - lookup.FIRST_INDEX) % lookup.INTERVALS == lookup.INTERVALS - 1
    assert 1 - mpmath.erf(lookup.LARGEST) < mpmath.mpf(2) ** -54  # so erf of it rounds to 1


@pytest.mark.parametrize(
    ("width", "features", "expected"),
    [(8, {"avx512f", "avx512dq"}, True), (16, {"avx512f", "avx512dq", "avx2"}, True),
     (4, {"avx512f", "avx512dq"}, False), (8, {"avx512f"}, False), (8, {"avx2"}, False),
     (8, set(), False)],
)  # fmt: skip
def test_supports(width: int, features: set[str], expected: bool) -> None:
    assert lookup.supports(width, features) is expected


def test_definitions_are_made_once_and_internal() -> None:
    module = ir.Module("once")
    plain, inline = (define(module, "erf", lookup.erf, 16, inline=flag) for flag in (False, True))
    assert define(module, "erf", lookup.erf, 16, inline=False) is plain
    assert plain is not inline
    assert (plain.linkage, inline.linkage) == ("internal", "internal")
    assert plain.name == "sg.erf.v16"
    # Two halves for every coefficient and the centre: no other look-ups.
    permutation = 'call <8 x double> @"llvm.x86.avx512.permvar.df.512"'
    assert str(plain).count(permutation) == 2 * len(lookup.TABLE)
