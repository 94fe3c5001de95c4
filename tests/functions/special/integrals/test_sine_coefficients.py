"""The tables are what the script that is kept for them computes."""

from __future__ import annotations

import mpmath

from benchmarks.coefficients import segments as special_segments
from symgrad.functions.special.integrals import sine_coefficients as tables


def test_every_table_is_as_computed() -> None:
    with mpmath.workdps(special_segments.DIGITS):
        made = special_segments.FAMILIES["sine_integrals"]()
    assert set(made) == {name for name in vars(tables) if name.isupper()}
    for name, values in made.items():
        assert tuple(getattr(tables, name)) == tuple(values), name
