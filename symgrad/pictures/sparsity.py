"""A derivative array as a matrix of which the entries that are not always 0 are filled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from symgrad.pictures.svg import CHARACTER, INK, LINE, PALE, Svg, box

SIDE = 480.0
"""Pixels of the longer side of the matrix, at most."""

LARGEST_CELL = 28.0
MOST_CELLS = 240
"""Cells along a side; a larger matrix is drawn in blocks, shaded by how full they are."""

NAMED = 40
"""Rows or columns that are named, at most."""

FILL = "#2563eb"


def sparsity_picture(
    rows: Sequence[int],
    cols: Sequence[int],
    shape: tuple[int, int],
    *,
    title: str = "",
    row_names: Sequence[str] = (),
    column_names: Sequence[str] = (),
    side: float = SIDE,
) -> Svg:
    """A sparsity pattern.

    Args:
        rows: of every entry.
        cols: of every entry.
        shape: of the matrix.
        title: what stands above; the count of entries is added.
        row_names: a name for each row, or none; so ``column_names``.
        column_names: as ``row_names``.
        side: pixels of the longer side, at most.

    Example:
        >>> picture = sparsity_picture([0, 1], [0, 1], (2, 2), title="jacobian")
        >>> "2 of 4 entries" in str(picture)
        True
    """
    height, width = shape
    longest = max(1, *shape)
    block = -(-longest // MOST_CELLS)
    down, across = -(-height // block), -(-width // block)
    cell = min(LARGEST_CELL, side / max(1, down, across))
    named_rows = row_names if row_names and len(row_names) <= NAMED and cell >= 10 else ()
    named_columns = column_names if column_names and len(column_names) <= NAMED else ()
    named_columns = named_columns if cell >= 10 else ()
    left = 14 + CHARACTER * max(map(len, named_rows), default=0)
    top = 34 + CHARACTER * max(map(len, named_columns), default=0)
    caption = f"{title}: " if title else ""
    caption += f"{len(rows):,} of {height * width:,} entries"
    caption += f", {height} x {width}" + (f", in blocks of {block} x {block}" if block > 1 else "")
    picture = Svg(
        max(left + cell * across + 14, 28 + CHARACTER * len(caption)), top + cell * down + 14
    )
    picture.text(14, 20, caption)
    frame = box(left, top, cell * across, cell * down)
    picture.add("rect", **frame, fill="#f9fafb", stroke=LINE)
    for i, name in enumerate(named_rows):
        picture.text(left - 5, top + cell * (i + 0.5) + 4, name, text_anchor="end", fill=PALE)
    for j, name in enumerate(named_columns):
        x, y = left + cell * (j + 0.5) + 4, top - 5
        turn = f"rotate(-90 {x:.2f} {y:.2f})"
        picture.text(x, y, name, transform=turn, fill=PALE)
    counts = Counter(zip((i // block for i in rows), (j // block for j in cols), strict=True))
    gap = 1.0 if cell >= 6 else 0.0
    for (i, j), count in sorted(counts.items()):
        said = f"row {i}, column {j}"
        if named_rows and named_columns:
            said = f"{named_rows[i]}, {named_columns[j]}"
        picture.add(
            "rect",
            title=said if block == 1 and cell >= 6 else "",
            **box(left + cell * j + gap / 2, top + cell * i + gap / 2, cell - gap, cell - gap),
            fill=FILL,
            fill_opacity=1 if block == 1 else 0.35 + 0.65 * count / block**2,
        )
    if not counts:
        middle = (left + cell * across / 2, top + cell * down / 2 + 4)
        picture.text(*middle, "all 0", text_anchor="middle", fill=INK)
    return picture
