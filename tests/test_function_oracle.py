"""The oracle of functions' errors: what shares its work agrees with what is done by itself."""

import random

import flint
import numpy as np
import pytest
from flint import acb, arb

from benchmarks import function_measure
from benchmarks.oracle import elliptic as function_elliptic
from benchmarks.oracle import exact as function_exact
from benchmarks.oracle import gamma as function_gamma
from benchmarks.oracle import hypergeometric as function_hyper
from benchmarks.oracle import rows as function_oracle
from symgrad.functions import PRIMITIVES

FAMILIES = sorted(function_oracle.FAMILIES)


def agree(one, other, bits):
    """Whether two balls overlap and are as narrow as that."""
    return one.overlaps(other) and min(one.rel_accuracy_bits(), other.rel_accuracy_bits()) >= bits


@pytest.fixture
def precision(monkeypatch):
    return lambda bits: monkeypatch.setattr(flint.ctx, "prec", bits)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_agrees_with_its_rows_one_by_one(name, precision):
    count, function = function_oracle.FAMILIES[name]
    row = PRIMITIVES[name]
    middle = [
        float(round((low + high) / 2)) if i in row.whole else 0.37 * low + 0.63 * high
        for i, (low, high) in enumerate(row.domain)
    ]
    first, shared = middle[:count], [arb(x) for x in middle[count:]]
    orders = [tuple(arb(x + (i == k) * step) for i, x in enumerate(first))
              for k in range(count) for step in (0, 1, 2)]  # fmt: skip
    precision(96)
    together = function(orders, *shared)
    precision(320)
    for found, order in zip(together, orders, strict=True):
        assert agree(found, function_oracle.ROWS[name](*order, *shared), 60), order


SHAPES = [(0, 1, 6.0), (1, 1, 6.0), (2, 1, 0.8), (1, 2, 6.0), (2, 2, 4.0), (3, 2, 0.4)]


@pytest.mark.parametrize(("upper", "lower", "far"), SHAPES)
@pytest.mark.parametrize("least", [0.3, -1.5])
def test_sums_of_pairs_of_doubles_are_within_their_bounds(upper, lower, far, least, precision):
    rng = random.Random(1)
    for _ in range(6):
        orders = sorted({tuple(rng.randint(0, 3) for _ in range(upper + lower + 1)) for _ in "ab"})
        precision(96)
        above = [arb(rng.uniform(least, 3)) / 3 for _ in range(upper)]
        below = [arb(rng.uniform(0.3, 4)) for _ in range(lower)]
        z = arb(rng.uniform(-far, far))
        found = function_hyper.in_pairs(upper, np.array(orders), above + below, z)
        precision(256)
        exact = [arb(x.mid()) for x in above]
        for one, other in zip(
            found, function_hyper.in_balls(upper, orders, exact + below, z), strict=True
        ):
            assert abs(one.mid() - other.mid()) <= one.rad()
            assert one.rad() <= 2.0**-50 * (abs(other) + 1)


def test_what_a_sum_leaves_out_is_within_its_bound(precision, monkeypatch):
    precision(60)
    orders, given = [(0, 0, 0, 0), (2, 0, 1, 1), (0, 1, 2, 0)], [arb(2.5), arb(0.7), arb(0.4)]
    short = function_hyper.in_balls(2, orders, given, arb(0.8))
    precision(256)
    ended = function_hyper.in_balls(2, orders, given, arb(0.8))
    assert all(agree(one, other, 30) for one, other in zip(short, ended, strict=True))
    # Without a bound the sum goes on until terms no longer count.
    monkeypatch.setattr(function_hyper, "terms_needed", lambda *args: (-1, None, None))
    by_terms = function_hyper.in_balls(2, orders, given, arb(0.8))
    for one, other in zip(ended, by_terms, strict=True):
        assert abs(one - other) <= abs(other) * arb(2) ** -200


@pytest.mark.parametrize("seed", range(12))
def test_elliptic_moments_agree_with_integration(seed, precision):
    precision(96)
    rng = random.Random(seed)
    orders = [tuple(arb(rng.randint(0, 4)) for _ in range(3)) for _ in range(6)]
    n, m = arb(rng.uniform(-1, 0.6)), arb(rng.uniform(-1, 0.6))
    phi = arb.pi() / 2 if seed % 3 == 0 else arb(rng.uniform(-1.5, 9 if seed % 3 == 1 else 1.5))
    if seed == 5:
        m, orders = arb(1e-40), [(a, b, arb(0)) for a, b, _ in orders]
    if seed == 8:
        m = n
    for order, found in zip(orders, function_elliptic.moments(orders, n, phi, m), strict=True):
        whole = [int(float(x)) for x in order]
        assert agree(found, function_elliptic.integral(*whole, n, phi, m), 60)


def test_integrals_that_are_not_real_have_no_value(precision):
    precision(96)
    phi, m = arb(1.2), arb(1.5)
    assert function_oracle.ROWS["elliptic_f"](phi, m).is_nan()
    assert function_elliptic.moments([(arb(1), arb(0), arb(0))], arb(0), phi, m)[0].is_nan()
    assert not function_oracle.ROWS["elliptic_f"](arb(0.5), m).is_nan()


@pytest.mark.parametrize("name", ["bessel_j", "bessel_y", "bessel_i", "bessel_k"])
@pytest.mark.parametrize("first", [-1.0, 0.3, 7.0, 40.125])
def test_bessel_functions_by_recurrence_agree_with_arbs(name, first, precision):
    for x in (0.2, 2.5, 17.5, 30.0, 70.0):
        precision(96)
        found = function_hyper.neighbours(name, [arb(first) + k for k in range(-2, 3)], arb(x))
        precision(500)
        for k, value in enumerate(found):
            expected = getattr(arb, name)(arb(x), arb(first) + k - 2)
            assert value.overlaps(expected)
        assert found[2].rel_accuracy_bits() > 30 or x < 1


@pytest.mark.parametrize("order", [-4, -1, 0, 0.5, 1, 2, 5])
@pytest.mark.parametrize("x", [-30.5, -1.25, -0.875, -0.5, 0.25, 0.9375])
def test_polylogarithms_agree_with_arbs(order, x, precision):
    precision(128)
    expected = acb(x).polylog(acb(order)).real
    assert agree(function_hyper.polylog(arb(order), arb(x)), expected, 90)


@pytest.mark.parametrize("s", [2.0, 0.5, -1.0, -2.5])
@pytest.mark.parametrize("x", [-0.7, -0.0625, 0.25, 0.75])
def test_series_of_polylogarithms_agree_with_arbs(s, x, precision):
    precision(96)
    orders = [(arb(j),) for j in range(3)]
    found = function_hyper.polylog_series(orders, arb(s), arb(x))
    precision(200)
    li = [acb(x).polylog(acb(s - j)).real for j in range(3)]
    x = arb(x)
    first = (li[1] - li[0]) / x**2
    second = (li[2] - 3 * li[1] + 2 * li[0]) / x**3
    for one, other in zip(found, (li[0] / x, first, second), strict=True):
        assert agree(one, other, 70)


@pytest.mark.parametrize("x", [0.25, 30.5, -0.75, -7.25])
def test_polygamma_functions_agree_with_arbs(x, precision):
    precision(128)
    for n in range(5):
        found = function_gamma.polygamma(arb(n), arb(x))
        assert agree(found, acb(x).polygamma(acb(n)).real, 60), n


def test_trigamma_far_left_is_reflected(precision):
    precision(128)
    found = function_gamma.polygamma(arb(1), arb(-1e9 - 0.5))
    assert agree(found, arb.pi() ** 2 - arb(2).zeta(arb(1e9 + 1.5)), 60)


def test_values_end_where_a_row_has_none():
    tried = []
    exact = function_measure.case_of("log").exact

    class Counted:
        count = exact.count

        def __call__(self, *args):
            tried.append(flint.ctx.prec)
            return exact(*args)

    assert function_exact.values(Counted(), [-1.0], "float64")[0] is None
    assert len(tried) == len(function_exact.PRECISIONS["float64"])
    tried.clear()
    exact = function_measure.case_of("elliptic_f").exact
    assert function_exact.values(Counted(), [1.2, 1.5], "float64")[0] is None
    assert len(tried) == 1


def test_workers_find_the_same():
    pool = function_measure.Workers(2)
    alone = function_measure.measure("besselk", "float64", 60, 5.0)
    shared = function_measure.measure("besselk", "float64", 60, 5.0, pool)
    pool.close()
    assert shared == alone
    assert shared.points >= 60


def test_exact_values_stop_when_their_time_is_over():
    at = np.linspace(1.0, 2.0, 1000)[:, None]
    high, low, taken = function_measure.exact_values(("exp", "float64", at, 0.0))
    assert high.shape == low.shape == (1, 3)
    assert taken > 0
