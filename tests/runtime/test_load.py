"""Generated modules are loaded from disk, made anew where they are damaged, or from memory."""

from __future__ import annotations

import linecache
import sys
import traceback
from dataclasses import dataclass

import numpy as np
import pytest

from symgrad import api, signatures
from symgrad.emit import provider
from symgrad.emit.kernel import cpu_target, emit_kernel
from symgrad.options import Options
from symgrad.parse.requests import parse_requests
from symgrad.runtime import cache, load

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


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache directory of the test's own, and a process that has loaded nothing."""
    path = tmp_path / "cache"
    path.mkdir(mode=0o700)
    monkeypatch.setenv(cache.VARIABLE, str(path))
    monkeypatch.setattr(load, "_loaded", {})
    yield path
    for name in [name for name in sys.modules if name.startswith("_symgrad_test")]:
        del sys.modules[name]


def nothing():
    pass


def test_a_module_is_written_and_imported(folder):
    made = load.load(text("test_a"), nothing)
    assert made() == (1, True)
    file = folder / "_symgrad_test_a.py"
    assert file.read_text() == text("test_a").source
    assert sys.modules["_symgrad_test_a"].__file__ == str(file)


def test_one_process_loads_a_module_once(folder):
    calls = []
    first = load.load(text("test_b"), lambda: calls.append(1))
    second = load.load(text("test_b"), lambda: calls.append(2))
    assert first is second
    assert calls == [1]


def test_another_process_finds_the_file(folder):
    load.load(text("test_c"), nothing)
    before = (folder / "_symgrad_test_c.py").stat().st_mtime_ns
    load._loaded.clear()
    assert load.load(text("test_c"), nothing)() == (1, True)
    assert (folder / "_symgrad_test_c.py").stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["", "def test_d(", "raise RuntimeError('old')", "\x00"])
def test_a_damaged_file_is_written_anew(folder, damage):
    (folder / "_symgrad_test_d.py").write_text(damage)
    assert load.load(text("test_d"), nothing)() == (1, True)
    assert (folder / "_symgrad_test_d.py").read_text() == text("test_d").source


def test_a_file_of_garbage_bytes_is_written_anew(folder):
    (folder / "_symgrad_test_e.py").write_bytes(b"\xff\xfe\x00")
    assert load.load(text("test_e"), nothing)() == (1, True)


def test_without_the_cache_nothing_is_written(folder):
    assert load.load(text("test_f"), nothing, use_cache=False)() == (1, False)
    assert list(folder.iterdir()) == []


def test_without_a_usable_directory_code_is_made_in_memory(folder, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file" / "below"))
    assert load.load(text("test_g"), nothing)() == (1, False)


def test_on_a_full_disk_code_is_made_in_memory(folder, monkeypatch):
    monkeypatch.setattr(cache, "write", lambda *_: False)
    with pytest.warns(UserWarning, match="compiled in memory"):
        made = load.load(text("test_h"), nothing)
    assert made() == (1, False)


def test_code_that_fails_from_disk_is_made_in_memory_with_a_warning(folder):
    source = text("test_i").source
    module = Text("test_i", "raise OSError('no locator')\n" + source, source)
    with pytest.warns(UserWarning, match="failed .no locator.; compiled in memory"):
        made = load.load(module, nothing)
    assert made() == (1, True)
    assert not (folder / "_symgrad_test_i.py").exists()


def test_what_fails_in_memory_too_is_raised(folder):
    wrong = "raise ValueError('a defect')\n"
    with pytest.raises(ValueError, match="a defect"):
        load.load(Text("test_j", wrong, wrong), nothing, use_cache=False)
    assert "test_j" not in load._loaded


def test_tracebacks_show_the_line_of_code_in_memory(folder):
    source = "def test_k():\n    return 1 / 0  # the line\n"
    made = load.load(Text("test_k", source, source), nothing, use_cache=False)
    try:
        made()
    except ZeroDivisionError:
        shown = traceback.format_exc()
    assert "return 1 / 0  # the line" in shown
    linecache.checkcache()
    assert linecache.getline("<_symgrad_test_k>", 2) == "    return 1 / 0  # the line\n"


# ----------------------------------------------------------------------------- real kernels


@pytest.fixture(scope="module")
def kernel():
    """x exp(x), not loaded."""
    options = Options()
    parsed = api.parse("x*exp(x)", "x")
    recipe = api.make_recipe(parsed, parse_requests("value", (), ("x",)), options)
    _, _, program = api.derive_program(recipe, options, signatures.argument_groups(recipe))
    return emit_kernel(program, cpu_target(program, "float64", "high"))


def evaluate(function, kernel):
    x = np.linspace(-1, 1, 20)[:, None]
    out = np.empty_like(x)
    function(0, 20, 0, np.empty(kernel.scratch_bytes, np.uint8), x, out)
    np.testing.assert_allclose(out, x * np.exp(x), rtol=1e-15)
    return out


def forget(kernel):
    """What a new process does not have."""
    load._loaded.clear()
    sys.modules.pop(load.PREFIX + kernel.name, None)


def files(folder, suffix):
    return sorted(folder.rglob(f"*.{suffix}"))


def test_compiled_code_is_kept_and_found_again(folder, kernel):
    assert not load.is_cached(kernel.name)
    first = load.load(kernel, provider.prepare)
    expected = evaluate(first, kernel)
    assert load.is_cached(kernel.name)
    assert len(files(folder, "nbi")) == len(files(folder, "nbc")) == 1
    before = files(folder, "nbc")[0].stat().st_mtime_ns
    forget(kernel)
    second = load.load(kernel, provider.prepare)
    assert second is not first
    np.testing.assert_array_equal(evaluate(second, kernel), expected)
    assert sum(second.stats.cache_hits.values()) == 1
    assert files(folder, "nbc")[0].stat().st_mtime_ns == before


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", ["empty", "truncated", "garbage", "missing"])
def test_a_damaged_cache_recovers(folder, kernel, suffix, damage):
    load.load(kernel, provider.prepare)
    (file,) = files(folder, suffix)
    content = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        new = {"empty": b"", "truncated": content[: len(content) // 2], "garbage": b"\x80garbage"}
        file.write_bytes(new[damage])
    forget(kernel)
    evaluate(load.load(kernel, provider.prepare), kernel)
    forget(kernel)  # and the process after that finds it whole
    third = load.load(kernel, provider.prepare)
    evaluate(third, kernel)
    assert sum(third.stats.cache_hits.values()) == 1


def test_without_the_cache_a_kernel_leaves_no_files(folder, kernel):
    evaluate(load.load(kernel, provider.prepare, use_cache=False), kernel)
    assert list(folder.rglob("*")) == []
