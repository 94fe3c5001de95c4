"""Aligned text."""

from symgrad.cli.table import aligned, clipped


def test_columns_are_two_blanks_apart_and_lines_end_without_blanks():
    assert aligned([["a", "bb", "c"], ["aaa", "b", ""]]) == "a    bb  c\naaa  b"


def test_numbers_end_together():
    assert aligned([["n", "1"], ["m", "100"]], right=[1]) == "n    1\nm  100"


def test_long_text_is_clipped_to_the_width():
    assert clipped("abcdefgh", 8) == "abcdefgh"
    assert clipped("abcdefghi", 8) == "abcde..."
