"""Which implementation each function gets, and that it keeps its bound, kind and lanes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import cache

import llvmlite.binding as llvm
import mpmath
import numpy as np
import pytest
from llvmlite import ir

from symgrad.emit.providers import provider
from symgrad.emit.vector.table import BY_LOOKUP, PORTABLE
from symgrad.errors import KernelError
from tests.emit.harness import Compiled, compile_loop

DTYPES = ("float64", "float32")
WIDTH = {"float64": 4, "float32": 8}
OWNED = tuple(name for name, dtype in PORTABLE if dtype == "float64" and name != "sincos")

# Where each function is sampled: an interval for every argument.
SAMPLES = {
    "asin": [(-1, 1)], "acos": [(-1, 1)], "atanh": [(-1, 1)], "acosh": [(1, 50)],
    "log": [(0, 50)], "log2": [(0, 50)], "log10": [(0, 50)], "log1p": [(-1, 50)],
    "erf": [(-4, 4)], "erfc": [(-4, 9)], "pow": [(0, 9), (-9, 9)], "atan2": [(-9, 9), (-9, 9)],
    "hypot": [(-9, 9), (-9, 9)], "fmod": [(-99, 99), (0.1, 9)],
}  # fmt: skip
EXACT = {
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "pow": mpmath.power,
    "fmod": lambda x, y: mpmath.sign(x) * mpmath.fmod(abs(x), y),
}


@pytest.fixture
def fresh() -> Iterator[None]:
    """Forget what is known about this machine, before and after."""
    caches = (
        provider.has_libmvec,
        provider._libmvec_width,
        provider._has_fma,
        provider._has_scalar,
    )
    for remembered in caches:
        remembered.cache_clear()
    yield
    for remembered in caches:
        remembered.cache_clear()


@cache
def compiled(name: str, width: int, dtype: str, accuracy: str = "high") -> Compiled:
    """What ``define_call`` makes, in a loop over arrays."""
    arity, _ = provider.FUNCTIONS[name]
    return compile_loop(
        lambda module: provider.define_call(module, name, width, dtype, accuracy, inline=False),
        width,
        inputs=arity,
        dtype=dtype,
    )


def scalar(name: str, dtype: str) -> Compiled:
    """The C library's function, one lane at a time."""
    arity, _ = provider.FUNCTIONS[name]

    def define(module: ir.Module) -> ir.Function:
        symbol = provider._scalar_symbol(name, dtype)
        outside = provider._declare(module, symbol, 1, dtype, arity)
        return provider._define_in_parts(module, "lanes", outside, 4, 1, dtype)

    return compile_loop(define, 4, inputs=arity, dtype=dtype)


def samples(name: str, dtype: str, count: int) -> list[np.ndarray]:
    """Random arguments of one function."""
    rng = np.random.default_rng(sum(map(ord, name)))
    return [
        rng.uniform(low, high, count).astype(dtype) for low, high in SAMPLES.get(name, [(-9, 9)])
    ]


def specials(name: str, dtype: str) -> list[np.ndarray]:
    """Zeros, subnormals, ends of domains, huge values, infinities and nan; all pairs for two."""
    limits = np.finfo(dtype)
    sizes = [
        0.0, limits.smallest_subnormal, limits.tiny / 2, limits.tiny, 1e-30, 1e-6, 0.1, 0.5,
        1.0 - limits.epsneg, 1.0, 1.0 + limits.eps, 1.5, 2.0, 3.0, 27.0, 89.0, 104.0, 128.0, 150.0,
        709.0, 710.0, 746.0, 1024.0, 1075.0, 1e5, 2.0**24, 2.0**53, 1e22, 1e38, limits.max / 2,
        limits.max, np.inf,
    ]  # fmt: skip
    values = np.array([*sizes, *(-size for size in sizes), np.nan], dtype)
    if provider.FUNCTIONS[name][0] == 1:
        return [values]
    return [grid.ravel() for grid in np.meshgrid(values, values)]


def kinds(values: np.ndarray) -> np.ndarray:
    """nan, signed infinity, signed zero or an ordinary number."""
    special = np.isnan(values) * 1 + np.isinf(values) * 2 + (values == 0) * 4
    return special + 8 * (np.signbit(values) & ((special & 6) != 0))


def bits(values: np.ndarray) -> np.ndarray:
    """The bits, every nan alike."""
    integers = values.view(f"i{values.itemsize}").copy()
    integers[np.isnan(values)] = -1
    return integers


@pytest.mark.parametrize(
    ("arguments", "symbol"),
    [
        (("tan", 8, "float64", 1), "_ZGVeN8v_tan"),
        (("tan", 16, "float32", 1), "_ZGVeN16v_tanf"),
        (("atan", 4, "float64", 1), "_ZGVdN4v_atan"),
        (("erf", 2, "float64", 1), "_ZGVbN2v_erf"),
        (("erf", 4, "float32", 1), "_ZGVbN4v_erff"),
        (("pow", 8, "float64", 2), "_ZGVeN8vv_pow"),
        (("hypot", 8, "float32", 2), "_ZGVdN8vv_hypotf"),
    ],
)
def test_vector_symbol(arguments: tuple, symbol: str) -> None:
    assert provider.vector_symbol(*arguments) == symbol


def test_vector_symbol_of_an_impossible_width() -> None:
    with pytest.raises(KernelError, match="3 lanes of float64"):
        provider.vector_symbol("tan", 3, "float64", 1)


@pytest.mark.parametrize("accuracy", ["high", "fast"])
@pytest.mark.parametrize("name", OWNED)
def test_own_functions_come_first(
    name: str, accuracy: str, fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "_has_fma", cache(lambda: True))
    choice = provider.implementation(name, 4, "float64", accuracy)
    own = provider.Implementation(name, "symgrad", f"sg.{name}.v4", 1.0)
    if accuracy == "high" or (name, "float64") not in provider.LIBMVEC_FASTER_IF_SHORT:
        assert choice == own
        return
    assert choice == own or choice.provider == "libmvec"
    monkeypatch.setattr(provider, "_libmvec_width", lambda *_: 0)
    assert provider.implementation(name, 4, "float64", accuracy) == own


def test_fast_prefers_libmvec_where_it_takes_less_time(
    fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(PORTABLE) >= provider.LIBMVEC_FASTER | provider.LIBMVEC_FASTER_IF_SHORT
    monkeypatch.setattr(provider, "_has_fma", cache(lambda: True))
    monkeypatch.setattr(provider, "_libmvec_width", lambda name, width, dtype, arity: width)
    choice = provider.implementation("tan", 8, "float64", "fast")
    assert (choice.provider, choice.ulp) == ("libmvec", 4.0)
    module = ir.Module("fast")
    monkeypatch.setattr(provider, "_has_scalar", lambda symbol: True)
    function = provider.define_call(module, "tan", 8, "float64", "fast", inline=False)
    assert function.name == choice.symbol
    assert provider.implementation("atan", 8, "float64", "fast").provider == "symgrad"
    assert provider.implementation("tan", 8, "float64", "high").provider == "symgrad"
    assert provider.implementation("erfc", 8, "float64", "fast").provider == "symgrad"
    assert provider.implementation("erfc", 4, "float64", "fast").provider == "libmvec"


def test_tables_in_registers_are_preferred_where_the_cpu_has_them(
    fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "_has_fma", cache(lambda: True))
    monkeypatch.setattr(provider, "host_features", lambda: frozenset({"avx512f", "avx512dq"}))
    for (name, dtype), body in BY_LOOKUP.items():
        assert provider.own_body(name, 8, dtype) is body
        assert provider.own_body(name, 4, dtype) is PORTABLE.get((name, dtype))
    module = ir.Module("lookup")
    provider.define_call(module, "exp", 8, "float64", "high", inline=False)
    assert "llvm.x86.avx512.mask.scalef.pd.512" in module.globals


def test_without_fused_multiply_add_own_functions_stand_back(
    fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "_has_fma", cache(lambda: False))
    assert provider.implementation("exp", 4, "float64", "high").provider != "symgrad"


def test_without_libmvec_each_lane_calls_libm(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "own_body", lambda *_: None)
    monkeypatch.setattr(provider, "has_libmvec", cache(lambda: False))
    choice = provider.implementation("tan", 4, "float64", "high")
    assert choice == provider.Implementation("tan", "libm", "tan", 1.0)
    module = ir.Module("lanes")
    function = provider.define_call(module, "tan", 4, "float64", "high", inline=False)
    assert function.linkage == "internal"
    assert provider.define_call(module, "tan", 4, "float64", "high", inline=False) is function
    assert str(function).count('call double @"tan"') == 4


def test_only_instructions_of_this_cpu_are_called(
    fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "has_libmvec", cache(lambda: True))
    monkeypatch.setattr(provider.llvm, "address_of_symbol", lambda symbol: 1)
    monkeypatch.setattr(provider, "host_features", lambda: frozenset({"sse4.1", "avx2"}))
    assert provider.implementation("tan", 8, "float64", "high").symbol == "_ZGVdN4v_tan"
    provider._libmvec_width.cache_clear()
    monkeypatch.setattr(provider, "host_features", lambda: frozenset({"sse4.1"}))
    assert provider.implementation("tan", 8, "float64", "high").symbol == "_ZGVbN2v_tan"
    provider._libmvec_width.cache_clear()
    monkeypatch.setattr(provider, "host_features", frozenset)
    assert provider.implementation("tan", 8, "float64", "high").symbol == "tan"


def test_fmod_is_libm_everywhere() -> None:
    choice = provider.implementation("fmod", 8, "float32", "fast")
    assert choice == provider.Implementation("fmod", "libm", "fmodf", 0.0)


def test_unknown_function_is_named() -> None:
    with pytest.raises(KernelError, match=r"'besselj'.*Known are: sin"):
        provider.implementation("besselj", 8, "float64", "high")


def test_a_missing_symbol_is_an_error_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(provider.FUNCTIONS, "sg_nosuch", (1, 1.0))
    with pytest.raises(KernelError, match="no function 'sg_nosuch'"):
        provider.define_call(ir.Module("m"), "sg_nosuch", 4, "float64", "high", inline=False)


def test_vectors_longer_than_the_library_knows_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "own_body", lambda *_: None)
    made = compiled.__wrapped__  # without the functions that other tests have compiled
    part = provider._libmvec_width("tan", 16, "float64", 1)
    if not part:
        pytest.skip("this system has no libmvec")
    assert part <= 8
    x = samples("tan", "float64", 999)
    whole = made("tan", 16, "float64")(*x)
    parts = made("tan", part, "float64")(*x)
    np.testing.assert_array_equal(bits(whole), bits(parts))
    pair = samples("atan2", "float64", 999)
    np.testing.assert_array_equal(
        bits(made("atan2", 16, "float64")(*pair)),
        bits(made("atan2", part, "float64")(*pair)),
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", provider.FUNCTIONS)
def test_within_the_stated_bound(name: str, dtype: str) -> None:
    arguments = samples(name, dtype, 200)
    width = WIDTH[dtype]
    got = compiled(name, width, dtype)(*arguments)
    bound = provider.implementation(name, width, dtype, "high").ulp
    digits, lowest = (53, -1074) if dtype == "float64" else (24, -149)
    exact = EXACT.get(name) or getattr(mpmath, name)
    with mpmath.workdps(50):
        for result, *point in zip(got.tolist(), *(a.tolist() for a in arguments), strict=True):
            value = exact(*map(mpmath.mpf, point))
            _, exponent = mpmath.frexp(value)
            unit = mpmath.ldexp(1, max(exponent - digits, lowest))
            error = float(abs(mpmath.mpf(result) - value) / unit)
            assert error <= bound, f"{name}{tuple(point)} = {result!r}: {error} ulp"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", provider.FUNCTIONS)
def test_special_arguments_as_in_the_c_library(name: str, dtype: str) -> None:
    arguments = specials(name, dtype)
    got = compiled(name, WIDTH[dtype], dtype)(*arguments)
    expected = scalar(name, dtype)(*arguments)
    wrong = np.flatnonzero(kinds(got) != kinds(expected))
    first = [(*(float(a[i]) for a in arguments), float(got[i]), float(expected[i])) for i in wrong]
    assert not first, f"{name}: (arguments, got, libm) {first[:5]}"
    ordinary = np.isfinite(got)
    bounds = (
        provider.implementation(name, WIDTH[dtype], dtype, "high").ulp,
        provider.FUNCTIONS[name][1],
    )
    np.testing.assert_array_max_ulp(got[ordinary], expected[ordinary], maxulp=sum(bounds))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", provider.FUNCTIONS)
def test_lanes_do_not_depend_on_each_other(name: str, dtype: str) -> None:
    # Kinds mixed in one vector against vectors that hold one point only.
    width = WIDTH[dtype]
    both = [
        np.concatenate(parts)
        for parts in zip(samples(name, dtype, 150), specials(name, dtype), strict=True)
    ]
    order = np.random.default_rng(7).permutation(len(both[0]))[:300]
    arguments = [values[order] for values in both]
    mixed = compiled(name, width, dtype)(*arguments)
    alone = compiled(name, width, dtype)(*(np.repeat(values, width) for values in arguments))
    np.testing.assert_array_equal(bits(mixed), bits(alone[::width].copy()))


def test_prepare_may_be_called_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "own_body", lambda *_: None)
    provider.prepare()
    provider.prepare()
    symbol = provider.implementation("tan", 4, "float64", "high").symbol
    assert llvm.address_of_symbol(symbol)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_import_loads_no_library() -> None:
    code = (
        "import symgrad.emit.providers.provider as p\n"
        "read = lambda: 'libmvec' in open('/proc/self/maps').read()\n"
        "before = read(); p.prepare(); print(before, read() == p.has_libmvec())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["False", "True"]
