"""The cache is shown and emptied."""

import json

import pytest

from symgrad.runtime import cache


@pytest.fixture
def folder(monkeypatch, tmp_path, run):
    path = tmp_path / "cache"
    path.mkdir(mode=0o700)
    monkeypatch.setenv(cache.VARIABLE, str(path))
    (path / "kernel_1.code").write_text("x" * 1500)
    (path / "mine.txt").write_text("not symgrad's")
    return path


def test_info_says_what_there_is(run, folder):
    found = json.loads(run("cache", "info", "--json").stdout)
    assert found == {"directory": str(folder), "kernels": 1, "bytes": 1500, "limit": cache.LIMIT}
    text = run("cache", "info").stdout
    assert str(folder) in text
    assert "1,500" in text


def test_clear_deletes_what_is_symgrads(run, folder):
    result = run("cache", "clear")
    assert result.exit_code == 0
    assert "1 files deleted, 1,500 bytes" in result.stdout
    assert [file.name for file in folder.iterdir()] == ["mine.txt"]
    assert json.loads(run("cache", "info", "--json").stdout)["bytes"] == 0


def test_a_wrong_limit_is_bad_input(run, folder, monkeypatch):
    monkeypatch.setenv(cache.LIMIT_VARIABLE, "much")
    result = run("cache", "info")
    assert result.exit_code == 2
    assert "SYMGRAD_CACHE_BYTES" in result.stderr
