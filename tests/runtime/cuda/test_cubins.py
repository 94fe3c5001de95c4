"""Machine code on disk: what makes a key, damage, room, counting."""

from __future__ import annotations

import os

import pytest

from symgrad.runtime import cache
from symgrad.runtime.cuda import cubins
from symgrad.runtime.cuda.binary import Binary
from tests.runtime.cuda.kernels import HandWritten

KERNEL = HandWritten("sg_hand", "text")
KEY = cubins.key_of(KERNEL, "sm_90", "nvrtc", "13", "5")
BINARY = Binary("sg_hand", bytes(range(256)), "sm_90", 256, 256, 0, 38, 0, 0, "log")


def test_what_is_kept_is_found(folder):
    assert cubins.find(KEY) is None
    assert cubins.keep(KEY, BINARY)
    assert cubins.find(KEY) == BINARY
    assert [file.name for file in folder.iterdir()] == [f"cubin_{KEY}.json"]


@pytest.mark.parametrize(
    ("kernel", "arch", "rest"),
    [
        (HandWritten("sg_hand", "text "), "sm_90", ("nvrtc", "13", "5")),
        (HandWritten("sg_hand2", "text"), "sm_90", ("nvrtc", "13", "5")),
        (HandWritten("sg_hand", "text", threads=128), "sm_90", ("nvrtc", "13", "5")),
        (HandWritten("sg_hand", "text", points=128), "sm_90", ("nvrtc", "13", "5")),
        (HandWritten("sg_hand", "text", block=128), "sm_90", ("nvrtc", "13", "5")),
        (KERNEL, "sm_80", ("nvrtc", "13", "5")),
        (KERNEL, "sm_90", ("nvrtc", "13", "6")),
        (KERNEL, "sm_90", ("nvrtc", "135")),
        (KERNEL, "sm_90", ("nvrtc", "13", "5", "--prec-div=false")),
        (KERNEL, "sm_90", ()),
    ],
)
def test_everything_that_the_code_depends_on_is_in_the_key(kernel, arch, rest):
    assert cubins.key_of(kernel, arch, *rest) != KEY
    assert cubins.key_of(KERNEL, "sm_90", "nvrtc", "13", "5") == KEY


@pytest.mark.parametrize(
    "content", [b"", b"half", b"\xff\xfe\x00", BINARY.to_text().encode()[:-5], b"a\n{}", b"\n"]
)
def test_a_damaged_file_is_deleted(folder, content):
    file = folder / f"cubin_{KEY}.json"
    file.write_bytes(content)
    assert cubins.find(KEY) is None
    assert not file.exists()


def test_without_a_usable_directory_nothing_is_kept(folder, monkeypatch):
    monkeypatch.setattr(cache.os, "access", lambda *_: False)
    assert not cubins.keep(KEY, BINARY)
    assert cubins.find(KEY) is None
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_no_error(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "replace", full)
    assert not cubins.keep(KEY, BINARY)
    assert list(folder.iterdir()) == []


def test_what_was_used_last_stays(folder, monkeypatch):
    keys = ["a" * 32, "b" * 32, "c" * 32]
    for day, key in enumerate(keys):
        assert cubins.keep(key, BINARY)
        os.utime(folder / f"cubin_{key}.json", (86400.0 * day, 86400.0 * day))
    assert cubins.find(keys[0]) == BINARY  # now the one that was used last
    size = (folder / f"cubin_{keys[0]}.json").stat().st_size
    monkeypatch.setenv(cache.LIMIT_VARIABLE, str(int(2.5 * size)))
    assert cubins.keep(KEY, BINARY)
    assert {file.name[6] for file in folder.iterdir()} == {"a", KEY[0]}


def test_machine_code_is_counted_and_cleared(folder):
    cubins.keep(KEY, BINARY)
    found = cache.info()
    assert found["kernels"] == 1
    assert found["bytes"] == (folder / f"cubin_{KEY}.json").stat().st_size
    assert cache.clear() == 1
    assert cubins.find(KEY) is None
