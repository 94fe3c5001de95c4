"""Rows as text: what comes back computes the same, and other text is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from symgrad.errors import ProblemFileError
from symgrad.functions import PRIMITIVES, math
from symgrad.functions.user import make_row
from symgrad.ir.evaluate import function, numpy_arithmetic
from symgrad.ir.expression import Expr, named
from symgrad.ir.row_text import read_rows, write_rows


def mine(x: float) -> float:
    return x + 1


def _loops(m: Any, a: Any, b: Any) -> Any:
    """Everything that a definition may hold."""
    table = (0.1, float("inf"), 5e-324)
    total, _ = m.loop(lambda k, s, t: (k < b, s + t * a, t / (k + 1)), (0, Fraction(1, 3)), 9)
    return m.where((a > 0.1) & ~m.eq(b, 2), total, m.lookup(table, b)) + m.pi * 0.1


ROWS = (
    make_row("loops", 2, [lambda y, a, b: y * Fraction(2, 7) + named("catalan"), None],
             definition=_loops, cost=31, ulp=6.0),
    make_row("square_of_sine", 1, [lambda y, x: 2 * math.sin(x) * math.cos(x)],
             expansion=lambda x: math.sin(x) ** 2),
    make_row("double", 1, None, expansion=lambda x: 2 * x),
    make_row("mine", 1, [lambda y, x: 1], symbol="sg.user.mine.1.0", callback=mine),
)  # fmt: skip


def found(name: str, arity: int, symbol: str) -> Callable[..., float]:
    assert (name, arity, symbol) == ("mine", 1, "sg.user.mine.1.0")
    return mine


def test_round_trip() -> None:
    text = write_rows(ROWS)
    read = read_rows(text, PRIMITIVES, found)
    assert read.keys() - PRIMITIVES.keys() == {row.name for row in ROWS} | {"loops'1"}
    for row in ROWS:
        again = read[row.name]
        assert (again.arity, again.kind, again.cost, again.ulp, again.symbol) == (
            *(row.arity, row.kind, row.cost, row.ulp, row.symbol),
        )
        assert again.partials == row.partials
        assert again.expansion == row.expansion
        assert [u.source for u in again.unknown] == [u.source for u in row.unknown]
    assert read["loops"].traced == ROWS[0].traced
    assert read["mine"].callback is mine
    assert write_rows([read[row.name] for row in reversed(ROWS)]) == text


def test_what_comes_back_computes_the_same() -> None:
    before = {**PRIMITIVES, "loops": ROWS[0]}
    after = read_rows(write_rows(ROWS[:1]), PRIMITIVES, found)
    a, b = np.linspace(-1, 3, 50), np.linspace(0, 5, 50)
    with np.errstate(all="ignore"):
        one, other = (function("loops", t, numpy_arithmetic())(a, b) for t in (before, after))
    assert one.tobytes() == other.tobytes()
    assert np.unique(one).size > 30


def test_no_rows_are_no_text() -> None:
    assert write_rows([]) == ""
    assert read_rows("", PRIMITIVES, found) == PRIMITIVES


def test_a_template_is_written_once_however_often_it_is_used() -> None:
    part = math.sin(Expr("symbol", (), "a0"))
    for _ in range(200):
        part = part * part
    row = make_row("deep", 1, [lambda y, x: 1], expansion=lambda x: part)
    assert len(write_rows([row])) < 10_000


BASIC = json.loads(write_rows(ROWS[1:2]))[0]


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[3]",
        '[{"name": "f"}]',
        json.dumps([{**BASIC, "name": "a b"}]),
        json.dumps([{**BASIC, "name": "sin"}]),
        json.dumps([{**BASIC, "kind": "call"}]),
        json.dumps([{**BASIC, "kind": "unknown"}]),
        json.dumps([{**BASIC, "arity": 0}]),
        json.dumps([{**BASIC, "roots": [0]}]),
        json.dumps([{**BASIC, "roots": [0, 99]}]),
        json.dumps([{**BASIC, "nodes": [["nosuch", [], None]], "roots": [0, 0]}]),
        json.dumps([{**BASIC, "nodes": [["symbol", [], "z"]], "roots": [0, 0]}]),
        json.dumps([{**BASIC, "nodes": [["symbol", [-1], "a0"]], "roots": [0, 0]}]),
        json.dumps([{**BASIC, "nodes": [["named", [], "tau"]], "roots": [0, 0]}]),
        json.dumps([{**BASIC, "nodes": [["lookup", [], None]], "roots": [0, 0]}]),
        json.dumps([{**BASIC, "nodes": [["symbol", [], "a0"], ["sin", [0, 0], None]]}]),
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ProblemFileError, match="functions of this saved function cannot be read"):
        read_rows(text, PRIMITIVES, found)
