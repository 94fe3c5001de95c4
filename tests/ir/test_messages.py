"""The places, cures and close names that error messages show."""

from __future__ import annotations

import pytest

from symgrad.ir.messages import WIDTH, close_names, explain_character, shorten, show_place


def test_close_names_come_nearest_first_and_the_other_case_before_all() -> None:
    known = ["cosine", "tan", "SINE", "sin"]
    assert close_names("Sine", known) == ". Known names close to it: SINE, sin, cosine"


@pytest.mark.parametrize(("name", "known"), [("q", ["sin", "cos"]), ("x" * 1000, ["x" * 999])])
def test_no_close_name_gives_no_sentence(name: str, known: list[str]) -> None:
    assert close_names(name, known) == ""


def test_shorten_keeps_short_texts_and_cuts_long_ones() -> None:
    assert shorten("abc") == "abc"
    assert shorten("x" * 100, 10) == "x" * 7 + "..."
    assert len(shorten("x" * 1000)) == WIDTH


def test_the_caret_stands_under_the_place() -> None:
    assert show_place("x + ?", 4) == "  x + ?\n      ^"
    assert show_place("a\nb + ?\nc", 6) == "  b + ?\n      ^"


@pytest.mark.parametrize("position", [0, 3, 34, 35, 36, 400, 499])
def test_a_long_line_is_cropped_around_the_caret(position: int) -> None:
    text = "".join(chr(ord("a") + i % 26) for i in range(500))
    line, caret = show_place(text, position).split("\n")
    assert line[caret.index("^")] == text[position]
    assert len(line) <= WIDTH + 8
    assert line.startswith("  ...") == (position > WIDTH // 2)
    assert line.endswith("...") == (position < 500 - WIDTH // 2)


def test_control_characters_do_not_move_the_caret() -> None:
    assert show_place("\tx\x1b[31m?", 7) == "   x [31m?\n         ^"


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("x^2", 1, "write '**'"),
        ("x=2", 1, "write '=='"),
        ("x:=2", 2, "':' is not read"),
        ("x²", 1, "SUPERSCRIPT TWO) is not read; write '**2'"),
        ("x\u200b", 1, "U+200B, ZERO WIDTH SPACE"),
        ("x\u0001", 1, "U+0001, a character without a name"),
        ("x$", 1, "'$' (U+0024, DOLLAR SIGN) is not read"),
    ],
)
def test_a_character_is_explained_with_its_cure(text: str, position: int, words: str) -> None:
    assert words in explain_character(text, position)
