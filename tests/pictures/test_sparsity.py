from __future__ import annotations

import re

from symgrad.pictures.sparsity import FILL, MOST_CELLS, sparsity_picture


def cells(picture):
    return [line for line in str(picture).splitlines() if FILL in line]


def test_every_entry_is_a_cell_in_its_place():
    picture = str(
        sparsity_picture(
            [0, 1], [2, 0], (2, 3), title="jacobian", row_names="fg", column_names="xyz"
        )
    )
    assert "jacobian: 2 of 6 entries, 2 x 3" in picture
    first, second = cells(picture)
    assert "<title>f, z</title>" in first
    assert "<title>g, x</title>" in second
    x, y = (float(re.search(rf' {name}="([\d.]+)"', first)[1]) for name in "xy")
    other = [float(re.search(rf' {name}="([\d.]+)"', second)[1]) for name in "xy"]
    assert (x - other[0], other[1] - y) == (56, 28)


def test_large_matrices_are_drawn_in_blocks():
    n = 3 * MOST_CELLS
    picture = sparsity_picture(range(n), range(n), (n, n))
    assert len(cells(picture)) == MOST_CELLS
    assert "in blocks of 3 x 3" in str(picture)
    assert 'fill-opacity="0.57"' in cells(picture)[0]


def test_nothing_is_said_to_be_nothing():
    picture = sparsity_picture([], [], (2, 2))
    assert "all 0" in str(picture)
    assert not cells(picture)
    assert "0 of 0 entries" in str(sparsity_picture([], [], (0, 0)))
