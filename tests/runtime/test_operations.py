"""Operations: counts by kind and how they read."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from symgrad.runtime.operations import Operations

MIXED = Operations({"add": 2, "sub": 1, "mul": 4, "div": 1, "sqrt": 2, "sin": 1, "abs": 3}, 99)


def test_kinds():
    assert MIXED.additions == 3
    assert MIXED.multiplications == 4
    assert MIXED.divisions == 1
    assert MIXED.square_roots == 2
    assert MIXED.functions == {"abs": 3, "sin": 1}
    assert list(MIXED.functions) == ["abs", "sin"]
    assert MIXED.arithmetic == 10
    assert MIXED.total == 14


def test_a_kind_that_does_not_occur_is_zero():
    assert Operations({"mul": 1}, 1).additions == 0
    assert Operations({}, 0).total == 0
    assert Operations({}, 0).functions == {}


def test_the_text_lists_every_kind_that_occurs():
    assert repr(MIXED) == (
        "<14 operations, weight 99: 3 additions, 4 multiplications, 1 division, 2 square roots, "
        "3 abs, 1 sin>"
    )
    assert repr(Operations({"cos": 1}, 15)) == "<1 operation, weight 15: 1 cos>"
    assert repr(Operations({}, 0)) == "<0 operations, weight 0>"


def test_what_was_before_is_counted_when_it_is_asked_for_and_once():
    calls = []

    def before():
        calls.append(1)
        return MIXED

    after = Operations({"mul": 1}, 1, before)
    assert repr(after) == "<1 operation, weight 1: 1 multiplication>"
    assert after == Operations({"mul": 1}, 1)
    assert not calls
    assert after.before is MIXED
    assert after.before is MIXED
    assert calls == [1]
    assert MIXED.before is MIXED


def test_they_are_immutable():
    with pytest.raises(FrozenInstanceError):
        MIXED.weighted = 3
