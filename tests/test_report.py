from __future__ import annotations

import dataclasses
import json
import math

import pytest

from symgrad.report import Report, Row

GOOD = Row(
    result="hessian",
    oracle="mpmath",
    passed=True,
    entries=64,
    worst_ulp=1.25,
    worst_relative=2.5e-16,
    worst_bound=0.375,
    point={"x": 0.5, "y": -2.0},
    entry=(0, 1),
    got=3.0,
    expected=3.0000000000000004,
)
BAD = dataclasses.replace(
    GOOD,
    oracle="difference",
    passed=False,
    worst_ulp=None,
    worst_bound=None,
    entry=(),
    got=math.nan,
    note="1 points lie on a kink",
)


def report(*rows: Row, notes: tuple[str, ...] = ()) -> Report:
    return Report("<function>", 4, 7, rows, notes)


def test_a_report_is_true_while_every_row_passes():
    assert report(GOOD)
    assert report()
    assert not report(GOOD, BAD)


def test_text_has_a_line_a_row_with_its_worst_place():
    lines = str(report(GOOD)).splitlines()
    assert lines[0] == "<function>: 4 points, seed 7"
    assert lines[1].split() == [
        "result",
        "oracle",
        "ulp",
        "of",
        "largest",
        "of",
        "bound",
        "worst",
        "entry",
    ]
    assert lines[2].split()[:6] == ["hessian", "mpmath", "ok", "1.2", "2.5e-16", "0.38"]
    assert lines[2].endswith("[0][1] at x=0.5, y=-2.0")
    assert lines[-1] == "passed"
    assert len(lines) == 4


def test_text_of_a_failure_has_both_values_notes_and_the_verdict():
    lines = str(report(GOOD, BAD, notes=("torch was left out",))).splitlines()
    assert lines[3].split()[:6] == ["hessian", "difference", "FAILED", "-", "2.5e-16", "-"]
    assert lines[4:] == [
        "hessian against difference: got nan, expected 3.0000000000000004, at x=0.5, y=-2.0",
        "hessian against difference: 1 points lie on a kink",
        "torch was left out",
        "FAILED",
    ]


def test_columns_are_aligned():
    lines = str(report(GOOD, BAD)).splitlines()
    starts = {line.index(word) for line, word in zip(lines[2:4], ("mpmath", "diff"), strict=True)}
    assert starts == {lines[1].index("oracle")}


def test_json_is_valid_and_keeps_everything():
    read = json.loads(
        report(GOOD, BAD, notes=("a",)).to_json(), parse_constant=lambda name: pytest.fail(name)
    )
    assert read["passed"] is False
    assert (read["function"], read["points"], read["seed"]) == ("<function>", 4, 7)
    assert read["notes"] == ["a"]
    first, second = read["rows"]
    assert first["expected"] == GOOD.expected
    assert first["point"] == {"x": 0.5, "y": -2.0}
    assert first["entry"] == [0, 1]
    assert second["got"] == "nan"
    assert second["worst_ulp"] is None


def test_reports_are_values():
    assert report(GOOD) == report(dataclasses.replace(GOOD))
    with pytest.raises(dataclasses.FrozenInstanceError):
        report(GOOD).seed = 1  # type: ignore[misc]
