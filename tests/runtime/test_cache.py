"""The directory on disk: who may use it, and what a second process finds there."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import KernelError, OptionError
from symgrad.runtime import cache, load, module

ROOT = Path(__file__).parents[2]
POINT = [0.5, 0.25]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A cache directory that holds one kernel, and what the kernel computes; kept as it is."""
    path = tmp_path_factory.mktemp("filled")
    path.chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(path))
        patch.setattr(load, "_loaded", {})
        patch.setattr(module, "_loaded", {})
        patch.setattr(load, "_shared", {})
        expected = compiled()(POINT)
    return path, expected


def compiled(**options):
    return sg.compile("x*log(y) + y**3", "x y", "gradient", **options)


def forget():
    """What a new process does not have."""
    load._loaded.clear()
    module._loaded.clear()
    load._shared.clear()
    for name in [name for name in sys.modules if name.startswith(module.PREFIX)]:
        del sys.modules[name]


def test_the_variable_names_the_directory(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    assert cache.directory() == tmp_path
    monkeypatch.delenv(cache.VARIABLE)
    assert cache.directory().name == "symgrad"


def test_the_directory_is_made_for_the_user_alone(monkeypatch, tmp_path):
    path = tmp_path / "a" / "b"
    monkeypatch.setenv(cache.VARIABLE, str(path))
    assert cache.usable_directory() == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="modes are not checked here")
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o720])
def test_a_directory_that_others_can_write_is_refused(folder, mode):
    folder.chmod(mode)
    with pytest.raises(KernelError, match=r"can be written by others.*chmod go-w.*SYMGRAD_CACHE"):
        cache.usable_directory()
    with pytest.raises(KernelError, match=str(folder)):
        compiled()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="modes are not checked here")
def test_the_cure_quotes_a_path_with_blanks(monkeypatch, tmp_path):
    path = tmp_path / "my cache"
    path.mkdir(mode=0o777)
    path.chmod(0o777)
    monkeypatch.setenv(cache.VARIABLE, str(path))
    with pytest.raises(KernelError, match=f"`chmod go-w '{path}'`"):
        cache.usable_directory()


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o750])
def test_a_directory_that_others_can_read_is_used(folder, mode):
    folder.chmod(mode)
    assert cache.usable_directory() == folder


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners are not checked here")
def test_a_directory_of_somebody_else_is_refused(folder, monkeypatch):
    owner = folder.stat().st_uid
    monkeypatch.setattr(cache.os, "getuid", lambda: owner + 1)
    if owner == 0:
        assert cache.usable_directory() == folder  # root's is trusted
    else:
        with pytest.raises(KernelError, match="can be written by others"):
            cache.usable_directory()


def test_a_directory_that_cannot_be_made_is_not_used(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file"))
    assert cache.usable_directory() is None
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file" / "below"))
    assert cache.usable_directory() is None


def test_a_directory_that_cannot_be_read_is_not_used(folder, monkeypatch):
    monkeypatch.setattr(cache.os, "access", lambda *_: False)
    assert cache.usable_directory() is None
    np.testing.assert_allclose(compiled()(POINT), [np.log(0.25), 0.5 / 0.25 + 3 * 0.0625])
    assert list(folder.iterdir()) == []


def test_a_read_only_directory_is_read(folder, monkeypatch):
    expected = compiled()(POINT)
    forget()
    held = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    monkeypatch.setattr(cache.os, "access", lambda _, mode: not mode & os.W_OK)
    monkeypatch.setenv(
        cache.LIMIT_VARIABLE, "1"
    )  # nothing is deleted in favour of what is not kept
    found = compiled()
    assert found.cached
    np.testing.assert_array_equal(found(POINT), expected)
    assert not sg.compile("x*y", "x y", "value").cached
    assert {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()} == held


def test_files_appear_whole(folder):
    path = folder / "entry.json"
    assert cache.write(path, "first é")
    assert cache.write(path, "second é")
    assert path.read_text(encoding="utf-8") == "second é"
    assert [file.name for file in folder.iterdir()] == ["entry.json"]


def test_a_file_that_cannot_be_written_is_reported(folder, monkeypatch):
    assert not cache.write(folder / "missing" / "entry.json", "text")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "replace", full)
    assert not cache.write(folder / "entry.json", "text")


def test_a_file_that_cannot_be_written_leaves_nothing_behind(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "replace", full)
    cache.write(folder / "entry.json", "text")
    assert list(folder.iterdir()) == []


def test_entries_are_found_and_removed_by_name(folder):
    (folder / "__pycache__").mkdir()
    names = ["_symgrad_a.py", "__pycache__/_symgrad_a.kernel-1.py311.nbi", "_symgrad_a.k.nbc"]
    others = ["_symgrad_b.py", "__pycache__/_symgrad_b.kernel-1.py311.nbi"]
    for name in names + others:
        (folder / name).write_text("")
    assert sorted(cache.entries(folder, "_symgrad_a")) == sorted(folder / name for name in names)
    cache.remove(folder, "_symgrad_a")
    assert cache.entries(folder, "_symgrad_a") == []
    assert len(cache.entries(folder, "_symgrad_b")) == 2


def test_info_counts_and_clear_deletes_what_is_symgrads(folder):
    nothing = {"directory": str(folder), "kernels": 0, "bytes": 0, "limit": cache.LIMIT}
    assert cache.info() == nothing
    (folder / "mine.txt").write_text("not symgrad's")
    compiled()
    found = cache.info()
    assert found["kernels"] == 1
    assert found["bytes"] > 1_000
    # The derived program, code of the kernel and of what it shares, and three of what calls it.
    assert cache.clear() == 6
    assert cache.info()["bytes"] == 0
    assert (folder / "mine.txt").exists()
    forget()
    assert compiled()(POINT).shape == (2,)


def test_clearing_what_is_not_there_is_no_error(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "nowhere"))
    cache.clear()
    assert cache.info()["kernels"] == 0


def kernels_of(folder, monkeypatch, sizes, limit):
    """Files of kernels a, b, ..., each used a day after the one before, and a limit."""
    (folder / "__pycache__").mkdir()
    monkeypatch.setenv(cache.LIMIT_VARIABLE, str(limit))
    for day, (name, size) in enumerate(zip("abcdef", sizes, strict=False)):
        for file in (f"_symgrad_{name}.py", f"__pycache__/_symgrad_{name}.k.nbi"):
            (folder / file).write_bytes(bytes(size // 2))
            os.utime(folder / file, (86400.0 * day, 86400.0 * day))


def test_what_was_not_used_for_the_longest_time_is_deleted_first(folder, monkeypatch):
    kernels_of(folder, monkeypatch, [100, 100, 100, 100], limit=250)
    cache.touch(folder, "_symgrad_a")
    assert (folder / "_symgrad_a.py").stat().st_mtime == 0.0, "numba's code would be out of date"
    assert cache.shrink(keep="_symgrad_b") == 4
    assert {file.name[9] for file in folder.glob("_symgrad_*")} == {"a", "b"}
    assert cache.info()["bytes"] == 200
    assert cache.shrink() == 0


def test_a_new_kernel_makes_room_for_itself_alone(folder, monkeypatch):
    kernels_of(folder, monkeypatch, [1000, 1000], limit=1)
    assert compiled()(POINT).shape == (2,)
    assert len(list(folder.glob(f"kernel_*{cache.CODE}"))) == 1
    assert not list(folder.glob("_symgrad_a*"))
    forget()
    assert compiled()(POINT).shape == (2,)


def test_a_limit_that_is_no_number_is_refused(folder, monkeypatch):
    monkeypatch.setenv(cache.LIMIT_VARIABLE, "2 GB")
    with pytest.raises(OptionError, match="SYMGRAD_CACHE_BYTES"):
        cache.info()


SECOND = """
import symgrad.api
from symgrad.emit.kernels import kernel

def derive(*arguments):
    raise AssertionError("derived again")

def generate(*arguments):
    raise AssertionError("compiled again")

symgrad.api.derive_program = derive
kernel.compile_kernel = generate
kernel.emit_kernel = generate
from tests.runtime.test_cache import POINT, compiled
function = compiled()
print(function(POINT).tobytes().hex())
import sys
print(*[name for name in ("sympy", "torch") if name in sys.modules])
"""


def second_process(folder, script=SECOND):
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), cache.VARIABLE: str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_second_process_neither_derives_nor_compiles(filled):
    folder, expected = filled
    done = second_process(folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [expected.tobytes().hex(), ""]


def test_the_script_of_the_second_process_notices_an_empty_cache(tmp_path):
    # The test above is worth nothing if this one does not fail there.
    folder = tmp_path / "empty"
    folder.mkdir(mode=0o700)
    done = second_process(folder)
    assert done.returncode != 0
    assert "derived again" in done.stderr


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "null", "3", '{"name": "x"}', "\x00"),
        *('{"kernel": {}, "patterns": {}}', '{"kernel": {}, "patterns": {"value": {"shape": []}}}'),
        '{"kernel": {}, "patterns": []}',
    ],
)
def test_a_damaged_derived_program_is_made_anew(folder, content):
    expected = compiled()(POINT)
    (file,) = folder.glob("derived_*.json")
    whole = file.read_text()
    file.write_text(content)
    forget()
    np.testing.assert_array_equal(compiled()(POINT), expected)
    assert file.read_text() == whole


def test_a_derived_program_of_garbage_bytes_is_made_anew(folder):
    compiled()
    (file,) = folder.glob("derived_*.json")
    file.write_bytes(b"\xff\xfe")
    forget()
    compiled()
    assert json.loads(file.read_text())["kernel"]["dtype"] == "float64"


def test_without_the_cache_nothing_is_written(folder):
    assert compiled(cache=False)(POINT).shape == (2,)
    assert list(folder.iterdir()) == []


def test_an_unsafe_directory_does_not_matter_without_the_cache(folder):
    folder.chmod(0o777)
    assert compiled(cache=False)(POINT).shape == (2,)


@pytest.mark.parametrize(
    "part", ["symgrad.tiers.fingerprint", "symgrad.emit.kernels.kernel.machine"]
)
def test_other_sources_or_another_machine_derive_anew(folder, monkeypatch, part):
    compiled()
    assert len(list(folder.glob("derived_*.json"))) == 1
    monkeypatch.setattr(part, lambda: "another")
    forget()
    compiled()
    assert len(list(folder.glob("derived_*.json"))) == 2
