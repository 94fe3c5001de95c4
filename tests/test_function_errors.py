"""The benchmark of functions' errors: its command, its exact rows, its units."""

import math

import flint
import mpmath
import numpy as np
import pytest

from benchmarks import function_errors, function_limits, function_measure, function_ranges
from benchmarks.oracle import balls as function_balls
from benchmarks.oracle import exact as function_exact
from benchmarks.oracle import rows as function_oracle
from symgrad.functions import PRIMITIVES
from tests.functions.test_rows import DEFINITIONS

NUMERIC = {n for n, row in PRIMITIVES.items() if row.kind != "unknown" and not row.boolean}


def test_function_errors_prints_rows_and_writes_them_down(capsys, tmp_path):
    written = tmp_path / "table.md"
    names = ["exp", "atan2", "besselj0", "gammainc"]
    function_errors.main([*names, "--points", "20", "--ranges", "--markdown", str(written)])
    lines = [line for line in capsys.readouterr().out.splitlines() if line[0] != " "]
    rows = {tuple(line.split()[:2]): line.split()[2:6] for line in lines[1:]}
    assert set(rows) == {(name, dtype) for name in names for dtype in function_measure.DIGITS}
    for points, outside, without, value in rows.values():
        assert int(points) >= 10
        assert int(points) + int(outside) < 60
        assert int(without) < 10
        assert 0 <= float(value) < 8
    assert 0.4 < float(rows["exp", "float64"][3]) < 2
    table = written.read_text().splitlines()
    assert [line.split("|")[1].strip() for line in table[2:]] == names


def test_function_errors_change_their_own_lines_of_a_file(tmp_path):
    written = tmp_path / "RESULTS.md"
    written.write_text("before\n")
    function_errors.write_markdown(written, {"sin": "| sin | 1 |", "exp": "| exp | 2 |"})
    written.write_text(written.read_text() + "\nafter\n")
    function_errors.write_markdown(written, {"sin": "| sin | 3 |", "cos": "| cos | 4 |"})
    expected = [*function_errors.COLUMNS, "| exp | 2 |", "| sin | 3 |", "| cos | 4 |"]
    assert written.read_text().splitlines() == ["before", "", *expected, "", "after"]


def test_function_errors_refuses_a_name_that_is_no_row(capsys):
    with pytest.raises(SystemExit):
        function_errors.main(["exp", "sine"])
    assert "no rows: sine" in capsys.readouterr().err


def test_every_numeric_row_is_measured_on_ranges_of_all_its_arguments():
    assert set(function_ranges.ROWS).isdisjoint(function_ranges.EXCLUDED)
    assert set(function_ranges.ROWS) | set(function_ranges.EXCLUDED) == NUMERIC
    for name, measured in function_ranges.ROWS.items():
        for range_ in measured.ranges:
            assert len(range_) == PRIMITIVES[name].arity, name


@pytest.mark.parametrize("name", sorted(NUMERIC & set(function_oracle.ROWS) - {"select"}))
def test_exact_row_agrees_with_mpmath(name, monkeypatch):
    monkeypatch.setattr(flint.ctx, "prec", 192)
    row = PRIMITIVES[name]
    middle = [
        float(round((low + high) / 2)) if i in row.whole else (low + high) / 2
        for i, (low, high) in enumerate(row.domain)
    ]
    ball = function_oracle.ROWS[name](*map(flint.arb, middle))
    with mpmath.workdps(55):
        expected = DEFINITIONS[name](*map(mpmath.mpf, middle))
        assert abs(function_balls.middle(ball) - expected) <= 1e-30 * abs(expected)
    assert ball.is_exact() or ball.rel_accuracy_bits() > 100


def test_every_row_that_is_no_composition_has_an_exact_one():
    kinds = {name: row.kind for name, row in PRIMITIVES.items() if row.kind != "unknown"}
    missing = {n for n, kind in kinds.items() if n not in function_oracle.ROWS}
    assert {kinds[name] for name in missing} == {"composite"}


def test_exact_values_are_as_precise_as_it_takes():
    # 1 - cos(x) loses 200 bits, which a second round has.
    exact = function_measure.case_of("cosm1").exact
    tiny = 2.0**-100
    high, low = function_exact.values(exact, [tiny], "float64")[0]
    assert high == -(2.0**-201)
    assert low == pytest.approx(2.0**-401 / 12 * 2, rel=1e-9)
    assert (
        function_exact.values(function_measure.case_of("log").exact, [-1.0], "float64")[0] is None
    )


@pytest.mark.parametrize(
    ("got", "exact", "least", "error", "subnormal"),
    [
        (1.0 + 2.0**-51, 1.0, 0.0, 2.0, 0.0),
        (1.0 + 2.0**-51, 1.0, 4.0, 0.5, 0.0),
        (2.0**-1070, 2.0**-1072, 0.0, 0.0, 12.0),
        (math.inf, math.inf, 0.0, 0.0, 0.0),
        (-math.inf, math.inf, 0.0, math.inf, 0.0),
        (math.nan, 1.0, 0.0, math.inf, 0.0),
        (math.inf, 1.0, 0.0, math.inf, 0.0),
        (3.0, math.nan, 0.0, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0, 0.0),
    ],
)
def test_error_in_ulp(got, exact, least, error, subnormal):
    arrays = (np.array([value]) for value in (got, exact, 0.0))
    with np.errstate(all="ignore"):
        found = function_measure.in_ulp(*arrays, least, "float64")
    assert [float(part[0]) for part in found] == [error, subnormal]


def test_zeros_nearby_are_found():
    case = function_measure.case_of("sin")
    assert function_measure.beside_zero(case, [3.14], 0, "float64") == pytest.approx(
        math.sin(3.14 * 0.875)
    )
    assert function_measure.beside_zero(case, [1.0], 0, "float64") == 0


def test_what_is_expected_at_special_values():
    from math import inf, nan

    found = {
        (name, value): function_limits.limits(function_measure.case_of(name).exact, [value], 0)[0]
        for name in ("exp", "sin", "log", "atan", "besselj0")
        for value in (0.0, -0.0, inf, -inf, nan)
    }
    assert found["exp", -inf] == 0
    assert found["exp", inf] == inf
    assert found["log", -0.0] == found["log", 0.0] == -inf
    assert found["atan", -inf] == pytest.approx(-math.pi / 2)
    assert math.copysign(1, found["atan", -0.0]) == -1
    assert found["besselj0", inf] == "0"
    assert math.isnan(found["sin", inf])
    assert all(math.isnan(found[name, nan]) for name in ("exp", "sin", "log"))
    assert function_limits.agree(-0.0, "0")
    assert not function_limits.agree(-0.0, 0.0)
    assert not function_limits.agree(inf, nan)
