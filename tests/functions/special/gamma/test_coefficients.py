"""The tables are what the script that is kept for them computes."""

from __future__ import annotations

import mpmath

from benchmarks.coefficients import special as special_coefficients
from symgrad.functions.special.gamma import coefficients as tables


def test_every_table_is_as_computed() -> None:
    with mpmath.workdps(special_coefficients.DIGITS):
        made = special_coefficients.FAMILIES["gamma"]()
    assert set(made) == {name for name in vars(tables) if name.isupper()}
    for name, values in made.items():
        assert getattr(tables, name) == tuple(values), name
