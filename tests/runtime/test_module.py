"""Generated modules are loaded from disk, made anew where they are damaged, or from memory."""

from __future__ import annotations

import linecache
import sys
import traceback
from dataclasses import dataclass

import pytest

from symgrad.runtime import cache, module

SOURCE = """CACHE = True

def {name}():
    return {value!r}, CACHE
"""


@dataclass(frozen=True)
class Text:
    """A module of plain Python, so that nothing has to be compiled."""

    name: str
    source: str
    uncached: str


def text(name, value=1):
    source = SOURCE.format(name=name, value=value)
    return Text(name, source, source.replace("True", "False"))


@pytest.fixture(autouse=True)
def forgotten():
    """No module of a test stays imported after it."""
    yield
    for name in [name for name in sys.modules if name.startswith("_symgrad_test")]:
        del sys.modules[name]


def test_a_module_is_written_and_imported(folder):
    made = module.load_module(text("test_a"))
    assert made() == (1, True)
    file = folder / "_symgrad_test_a.py"
    assert file.read_text() == text("test_a").source
    assert sys.modules["_symgrad_test_a"].__file__ == str(file)


def test_one_process_loads_a_module_once(folder):
    assert module.load_module(text("test_b")) is module.load_module(text("test_b"))


def test_another_process_finds_the_file(folder):
    module.load_module(text("test_c"))
    before = (folder / "_symgrad_test_c.py").stat().st_mtime_ns
    module._loaded.clear()
    assert module.load_module(text("test_c"))() == (1, True)
    assert (folder / "_symgrad_test_c.py").stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["", "def test_d(", "raise RuntimeError('old')", "\x00"])
def test_a_damaged_file_is_written_anew(folder, damage):
    (folder / "_symgrad_test_d.py").write_text(damage)
    assert module.load_module(text("test_d"))() == (1, True)
    assert (folder / "_symgrad_test_d.py").read_text() == text("test_d").source


def test_a_file_of_garbage_bytes_is_written_anew(folder):
    (folder / "_symgrad_test_e.py").write_bytes(b"\xff\xfe\x00")
    assert module.load_module(text("test_e"))() == (1, True)


def test_without_the_cache_nothing_is_written(folder):
    assert module.load_module(text("test_f"), use_cache=False)() == (1, False)
    assert list(folder.iterdir()) == []


def test_without_a_usable_directory_code_is_made_in_memory(folder, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file" / "below"))
    assert module.load_module(text("test_g"))() == (1, False)


def test_on_a_full_disk_code_is_made_in_memory(folder, monkeypatch):
    monkeypatch.setattr(cache, "write", lambda *_: False)
    with pytest.warns(UserWarning, match="compiled in memory"):
        made = module.load_module(text("test_h"))
    assert made() == (1, False)


def test_code_that_fails_from_disk_is_made_in_memory_with_a_warning(folder):
    source = text("test_i").source
    failing = Text("test_i", "raise OSError('no locator')\n" + source, source)
    with pytest.warns(UserWarning, match="failed .no locator.; compiled in memory"):
        made = module.load_module(failing)
    assert made() == (1, True)
    assert not (folder / "_symgrad_test_i.py").exists()


def test_what_fails_in_memory_too_is_raised(folder):
    wrong = "raise ValueError('a defect')\n"
    with pytest.raises(ValueError, match="a defect"):
        module.load_module(Text("test_j", wrong, wrong), use_cache=False)
    assert "test_j" not in module._loaded


def test_tracebacks_show_the_line_of_code_in_memory(folder):
    source = "def test_k():\n    return 1 / 0  # the line\n"
    made = module.load_module(Text("test_k", source, source), use_cache=False)
    try:
        made()
    except ZeroDivisionError:
        shown = traceback.format_exc()
    assert "return 1 / 0  # the line" in shown
    linecache.checkcache()
    assert linecache.getline("<_symgrad_test_k>", 2) == "    return 1 / 0  # the line\n"
