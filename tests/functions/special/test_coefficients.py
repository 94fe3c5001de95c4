"""The tables of coefficients are what the scripts that are kept for them compute."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import mpmath
import pytest

from benchmarks.coefficients import segments, special
from symgrad.functions import special as package

FAMILIES = {
    **{name: (special.DIGITS, make) for name, make in special.FAMILIES.items()},
    **{name: (segments.DIGITS, make) for name, make in segments.FAMILIES.items()},
}
MODULES = sorted(name for name in FAMILIES if name.endswith("coefficients"))


@pytest.mark.parametrize("name", FAMILIES)
def test_every_table_is_as_computed(name: str) -> None:
    tables = import_module(f"{package.__name__}.{name}")
    digits, make = FAMILIES[name]
    with mpmath.workdps(digits):
        made = make()
    if name in MODULES:
        assert set(made) == {name for name in vars(tables) if name.isupper()}
    for table, values in made.items():
        assert tuple(getattr(tables, table)) == tuple(values), table


def test_every_module_of_tables_has_its_script() -> None:
    folder = Path(package.__path__[0])
    found = [path.relative_to(folder) for path in folder.rglob("*coefficients.py")]
    assert sorted(path.with_suffix("").as_posix().replace("/", ".") for path in found) == MODULES


@pytest.mark.parametrize("script", [special, segments])
def test_without_a_name_a_script_prints_all_tables(script, monkeypatch, capsys) -> None:
    monkeypatch.setattr(script, "FAMILIES", {"some": lambda: {"TABLE": (1.0, 2.0)}})
    script.main([])
    assert "TABLE" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        script.main(["none"])
