"""Rows as aligned text, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Rows with their columns aligned, two blanks apart, no blanks at the ends of lines.

    Args:
        rows: texts; every row as long as the first.
        right: indices of the columns that end together, as numbers do.

    Example:
        >>> print(aligned([["name", "ulp"], ["sin", "1.0"], ["erf", "14.0"]], right=[1]))
        name   ulp
        sin    1.0
        erf   14.0
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            text.rjust(width) if i in right else text.ljust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
    return "\n".join(lines)


def clipped(text: str, width: int) -> str:
    """``text``, or its beginning and ``...`` where it is longer than ``width``."""
    return text if len(text) <= width else text[: width - 3] + "..."
