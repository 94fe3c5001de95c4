"""From a recipe to what evaluates it: when it is interpreted, compiled, or found on disk."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numba import njit

import symgrad as sg
from symgrad import api, tiers
from symgrad.emit.kernels import kernel
from symgrad.errors import OptionError
from symgrad.runtime import cache, load, tier
from symgrad.runtime.tier import COMPILING

X = np.random.default_rng(3).uniform(0.5, 1.5, (40, 2))
MANY = np.random.default_rng(4).uniform(0.5, 1.5, (500_000, 2))


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    """A cache of its own, and nothing known in this process; 3 operations are many."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SYMGRAD_CACHE_DIR", str(folder))
    monkeypatch.setattr(tiers, "MOST", 3)
    monkeypatch.setattr(tier, "_known", {})
    monkeypatch.setattr(load, "_loaded", {})
    return folder


def spring(**options):
    return sg.compile("x**2*sin(y) + x*y", "x y", ["value", "gradient"], **options)


def forget(monkeypatch):
    """As if this were another process."""
    monkeypatch.setattr(tier, "_known", {})
    monkeypatch.setattr(load, "_loaded", {})


def same(got, expected):
    np.testing.assert_array_equal(got, expected, strict=True)


def assert_close(got, expected):
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14, atol=1e-14)


def test_the_number_of_operations_decides():
    assert sg.compile("x + y", "x y", "value").tier == "compiled"
    assert spring().tier == "interpreted"
    assert spring(jit="always").tier == "compiled"
    assert sg.compile("x + y", "x y", "value", jit="never").tier == "interpreted"
    with pytest.raises(OptionError, match="jit='sometimes'"):
        spring(jit="sometimes")


def test_the_call_that_crosses_the_limit_is_compiled_as_a_whole():
    fn, compiled = spring(), spring(jit="always")
    before = fn(X)
    assert fn.tier == "interpreted"
    assert "interpreted" in repr(fn)
    assert fn.accuracy["sin"].provider == "numpy"
    made = fn(MANY, workers=2)
    assert fn.tier == "compiled"
    assert "interpreted" not in repr(fn)
    assert fn.accuracy["sin"].provider != "numpy"
    for got, expected in zip(made, compiled(MANY), strict=True):
        same(got, expected)
    assert_close(fn(X), before)
    same(fn(X).gradient, compiled(X).gradient)


def test_many_small_calls_cross_it_as_well():
    fn = spring()
    calls = 0
    while fn.tier == "interpreted":
        fn(X)
        calls += 1
        assert calls < 10_000
    assert calls > 100


def test_functions_of_one_recipe_share_what_was_spent_and_what_was_compiled():
    fn, other = spring(), spring()
    fn(MANY)
    assert other.tier == "interpreted"
    same(other(X).value, fn(X).value)
    assert other.tier == "compiled"
    assert pickle.loads(pickle.dumps(fn)).tier == "compiled"


def test_never_stays_as_it_is():
    fn = spring(jit="never")
    first = fn(X).gradient
    fn(MANY)
    assert fn.tier == "interpreted"
    same(fn(X).gradient, first)
    assert fn._tier.spent < COMPILING
    assert pickle.loads(pickle.dumps(fn)).tier == "interpreted"


def test_another_process_finds_the_program(monkeypatch):
    first = spring(jit="never")(X)
    forget(monkeypatch)

    def derive(*_):
        raise AssertionError("derived again")

    with monkeypatch.context() as patch:
        patch.setattr(api, "derive_program", derive)
        for jit in ("never", "auto"):
            for got, expected in zip(spring(jit=jit)(X), first, strict=True):
                same(got, expected)


def test_another_process_uses_compiled_code_at_once(monkeypatch):
    fn = spring()
    fn(MANY)
    expected = fn(X)
    forget(monkeypatch)
    monkeypatch.setattr(kernel, "compile_kernel", lambda _: b"")
    again = spring()
    assert again.tier == "compiled"
    assert again.cached
    for got, wanted in zip(again(X), expected, strict=True):
        same(got, wanted)


def test_a_kernel_without_its_code_is_not_compiled_at_once(monkeypatch, empty):
    spring(jit="always")
    for file in empty.glob(f"*{cache.CODE}"):
        file.unlink()
    forget(monkeypatch)
    assert spring().tier == "interpreted"
    assert spring(jit="always").tier == "compiled"


def test_damaged_files_are_made_anew(monkeypatch, empty):
    expected = spring(jit="never")(X)
    (file,) = empty.glob("derived_*.json")
    for text in ("", "{}", "{}\n{}", '{"gradient": 1}\n{}', '{}\n{"groups": [[1]]}', "\n\n"):
        file.write_text(text, encoding="utf-8")
        forget(monkeypatch)
        for got, wanted in zip(spring(jit="never")(X), expected, strict=True):
            same(got, wanted)
        assert file.read_text(encoding="utf-8") != text


def test_pieces_are_compiled_a_second_time_once_large_results_took_long(monkeypatch):
    fn = spring(jit="always", batch_axis=-1)
    code = fn._code
    if code.further is None:
        pytest.skip("no cache line fits into a vector register here")
    out, small = fn(MANY.T), fn(MANY[:40].T)
    for limit, replaced in ((np.inf, False), (0.0, True)):
        monkeypatch.setattr(tiers, "WHOLE_AFTER", limit)
        fn(MANY[:40].T)
        assert fn._code is code
        for got, expected in zip(fn(MANY.T), out, strict=True):
            same(got, expected)
        assert (fn._code is not code) == replaced
    assert fn._code.further is None
    same(fn(MANY[:40].T).gradient, small.gradient)
    monkeypatch.setattr(tiers, "WHOLE_AFTER", np.inf)
    forget(monkeypatch)
    again = spring(jit="always", batch_axis=-1)
    same(again(MANY.T).gradient, out.gradient)
    assert again._code.cached
    assert again._code.further is None


def test_points_first_need_second_pieces_for_few_results_alone(monkeypatch):
    monkeypatch.setattr(tiers, "WHOLE_AFTER", 0.0)
    few = spring(jit="always", cache=False)
    many = sg.compile("x**2*sin(y)", "x y", ["hessian", 3], jit="always", cache=False)
    assert many._code.further is None
    if few._code.further is None:
        pytest.skip("no cache line fits into a vector register here")
    small = few(MANY[:40])
    large = few(MANY)
    assert few._code.further is None
    for got, again, expected in zip(few(MANY[:40]), large, small, strict=True):
        same(got, expected)
        same(again[:40], expected)


def test_without_a_cache_nothing_is_written(empty):
    assert spring(jit="never", cache=False)(X).value.shape == (40,)
    assert list(empty.glob("*")) == []


def test_sums_are_interpreted_and_then_compiled():
    for reduce in ("sum", "mean"):
        fn = sg.compile("x*sin(y) + y**3", "x y", ["value", "hessian"], reduce=reduce)
        each = sg.compile("x*sin(y) + y**3", "x y", ["value", "hessian"], jit="always")
        summed = {"sum": np.sum, "mean": np.mean}[reduce]
        for points, how in ((X, "interpreted"), (MANY, "compiled")):
            made = fn(points)
            assert fn.tier == how
            expected = [summed(table, axis=0) for table in each(points)]
            for got, wanted in zip(made, expected, strict=True):
                np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_sparse_results_keep_their_pattern(monkeypatch):
    wanted = {"derivatives": ["hessian"], "sparse": True}
    fn = sg.compile("x*y**2 + y*sin(y)", "x y", **wanted)
    indices = fn.sparsity["hessian"].indices
    forget(monkeypatch)
    again = sg.compile("x*y**2 + y*sin(y)", "x y", **wanted)
    same(again.sparsity["hessian"].indices, indices)
    same(again(X), fn(X))
    assert again.shapes == {"hessian": (2,)}


def test_numba_code_gets_the_point_compiled():
    fn = sg.compile("x**2*sin(y) + x*y", "x y", "value")
    assert fn.tier == "interpreted"
    with pytest.raises(OptionError, match=r"fn\.njit is not to be had"):
        _ = sg.compile("x**2*sin(y) + x*y", "x y", "value", jit="never").njit

    @njit
    def use(x, y):
        return fn.njit(x, y) + 1.0

    assert use(2.0, 0.5) == pytest.approx(float(fn(2.0, 0.5)) + 1.0, rel=1e-15)


def test_threads_that_cross_it_together_get_one_kernels_results():
    fn, expected = spring(), spring(jit="always")(MANY)
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda _: fn(MANY), range(3)))
    for one in made:
        same(one.gradient, expected.gradient)


def test_check_accepts_both():
    for jit in ("never", "always"):
        assert sg.check(spring(jit=jit), against="mpmath")


def test_the_fingerprint_is_that_of_the_sources():
    assert len(tiers.fingerprint()) == 64
    assert tiers.fingerprint() == tiers.fingerprint()
