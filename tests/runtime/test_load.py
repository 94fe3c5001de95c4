"""Machine code is loaded from disk, and compiled anew where it is missing or damaged."""

from __future__ import annotations

import os

import numpy as np
import pytest

import symgrad as sg
from symgrad import api, signatures
from symgrad.emit.kernels.kernel import compile_kernel, cpu_target, emit_kernel, vector_bytes
from symgrad.emit.providers import provider
from symgrad.options import Options
from symgrad.parse.requests import parse_requests
from symgrad.runtime import cache, load
from symgrad.tiers import load_kernel


@pytest.fixture(scope="module")
def kernel():
    """x exp(x), not loaded."""
    options = Options()
    parsed = api.parse("x*exp(x)", "x")
    recipe = api.make_recipe(parsed, parse_requests("value", (), ("x",)), options)
    _, _, program = api.derive_program(recipe, options, signatures.argument_groups(recipe))
    return emit_kernel(program, cpu_target(program, "float64", "high"))


@pytest.fixture(scope="module")
def object_file(kernel):
    return compile_kernel(kernel)


def evaluate(code, kernel):
    x = np.linspace(-1, 1, 20)[:, None]
    out = np.empty_like(x)
    code.kernel(0, 20, 0, code.scratch.memory, x, out)
    np.testing.assert_allclose(out, x * np.exp(x), rtol=1e-15)
    return out


def never():
    raise AssertionError("compiled again")


def test_compiled_code_is_kept_and_found_again(folder, kernel, monkeypatch):
    assert not load.is_cached(kernel.name)
    first = load_kernel(kernel, provider.prepare)
    expected = evaluate(first, kernel)
    assert load.is_cached(kernel.name)
    assert not first.cached
    (file,) = folder.glob(f"kernel_*{cache.CODE}")
    before = file.read_bytes()
    load._loaded.clear()
    monkeypatch.setattr("symgrad.emit.kernels.kernel.compile_kernel", never)
    second = load_kernel(kernel, provider.prepare)
    assert second.cached
    np.testing.assert_array_equal(evaluate(second, kernel), expected)
    assert file.read_bytes() == before


def test_one_process_loads_code_once_and_prepares_it_before(folder, kernel, object_file):
    calls = []

    def compile_it():
        calls.append("compile")
        return object_file

    first = load.load(kernel, compile_it, lambda: calls.append("prepare"))
    assert load.load(kernel, never, never) is first
    assert calls == ["prepare", "compile"]


@pytest.mark.parametrize("damage", ["empty", "truncated", "a bit", "garbage", "missing"])
def test_a_damaged_file_is_made_anew(folder, kernel, object_file, damage):
    load.load(kernel, lambda: object_file, provider.prepare)
    (file,) = folder.glob(f"*{cache.CODE}")
    content = file.read_bytes()
    changed = bytearray(content)
    changed[len(content) // 2] ^= 1
    new = {
        "empty": b"",
        "truncated": content[: len(content) // 2],
        "a bit": bytes(changed),
        "garbage": b"garbage" * 20,
    }
    file.unlink()
    if damage in new:
        file.write_bytes(new[damage])
    load._loaded.clear()
    assert not load.load(kernel, lambda: object_file, provider.prepare).cached
    assert file.read_bytes() == content
    load._loaded.clear()  # and the process after that finds it whole
    evaluate(load_kernel(kernel, provider.prepare), kernel)


def test_what_kernels_share_is_read_or_compiled_once(folder, monkeypatch):
    monkeypatch.setattr(load, "_shared", {})
    assert load.shared("copies_test", lambda: b"code") == b"code"
    assert load.shared("copies_test", never) == b"code"
    load._shared.clear()
    assert load.shared("copies_test", never) == b"code"
    load._shared.clear()
    assert load.shared("copies_test", lambda: b"new", use_cache=False) == b"new"
    assert [file.name for file in folder.iterdir()] == [f"copies_test{cache.CODE}"]
    assert cache.clear() == 1


def test_code_for_rare_arguments_is_compiled_once_for_all_kernels(folder, monkeypatch):
    monkeypatch.setattr(load, "_shared", {})
    x = np.array([0.5, 1e22, -1e300])
    expected = np.array([np.sin(0.5), -0.8522008497671888, 0.8178819121159085])
    for factor in (1, 2, 3):  # the third from disk, after another process
        if factor == 3:
            load._shared.clear()
        fn = sg.compile(f"{factor}*sin(x)", "x", "value")
        np.testing.assert_allclose(fn(x), factor * expected, rtol=4e-16)
    kinds = [file.name.partition("_")[0] for file in folder.glob(f"*{cache.CODE}")]
    rare = provider.own_body("sin", vector_bytes() // 8, "float64") is not None
    assert sorted(kinds) == ["copies", *["kernel"] * 3, *["rare"] * rare]
    load._loaded.clear()
    found = sg.compile("2*sin(x)", "x", "value")
    assert found.cached
    np.testing.assert_allclose(found(x), 2 * expected, rtol=4e-16)
    cache.clear()
    assert list(folder.glob(f"*{cache.CODE}")) == []


def test_a_file_of_another_format_is_damaged(folder, kernel, object_file, monkeypatch):
    with monkeypatch.context() as other:
        other.setattr(load, "FORMAT", b"another")
        load.load(kernel, lambda: object_file, provider.prepare)
    load._loaded.clear()
    assert not load.load(kernel, lambda: object_file, provider.prepare).cached


def test_without_the_cache_a_kernel_leaves_no_files(folder, kernel):
    evaluate(load_kernel(kernel, provider.prepare, use_cache=False), kernel)
    assert list(folder.rglob("*")) == []


def test_without_a_usable_directory_code_is_in_memory_alone(
    folder, kernel, object_file, monkeypatch
):
    monkeypatch.setattr(cache.os, "access", lambda *_: False)
    assert not load.load(kernel, lambda: object_file, provider.prepare).cached
    assert list(folder.iterdir()) == []
    assert not load.is_cached(kernel.name)


def test_on_a_full_disk_code_is_in_memory_alone(folder, kernel, object_file, monkeypatch):
    monkeypatch.setattr(cache, "write", lambda *_: False)
    assert load.load(kernel, lambda: object_file, provider.prepare).address


def test_what_cannot_be_compiled_is_not_remembered(folder, kernel, object_file):
    with pytest.raises(AssertionError, match="compiled again"):
        load.load(kernel, never, provider.prepare)
    assert load.load(kernel, lambda: object_file, provider.prepare).address


def test_code_that_is_used_stays_longest(folder, kernel, object_file):
    load.load(kernel, lambda: object_file, provider.prepare)
    (file,) = folder.glob(f"*{cache.CODE}")
    os.utime(file, (0, 0))
    load._loaded.clear()
    load.load(kernel, never, provider.prepare)
    assert file.stat().st_mtime > 1e9
