"""Our vector mathematics against 50-digit arithmetic: accuracy, special values, lanes."""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import cache

import mpmath
import numba
import numpy as np
import pytest
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from symgrad.emit import vectormath
from tests.emit.harness import Compiled, compile_loop

WIDTHS = (2, 4, 8, 16)
DEFINE = {
    "sin": vectormath.define_sin,
    "cos": vectormath.define_cos,
    "exp": vectormath.define_exp,
    "log": vectormath.define_log,
}
INF, NAN = float("inf"), float("nan")
TINY = 5e-324
HIGHEST = float(np.finfo(np.float64).max)


@cache
def compiled(name: str, width: int, *, inline: bool = False) -> Compiled:
    """The vector function in a loop over arrays."""
    define = getattr(vectormath, f"define_{name}")
    return compile_loop(lambda module: define(module, width, inline=inline), width)


def signed(values: np.ndarray) -> np.ndarray:
    """The values with alternating signs."""
    return values * np.where(np.arange(len(values)) % 2, -1.0, 1.0)


def powers(rng: np.random.Generator, low: float, high: float, count: int) -> np.ndarray:
    """Points spread evenly over the binades from 2**low to 2**high."""
    return np.exp2(rng.uniform(low, high, count))


def neighbours(values: np.ndarray) -> np.ndarray:
    """Each value with the doubles just below and above."""
    return np.concatenate([np.nextafter(values, -INF), values, np.nextafter(values, INF)])


def nearest_to_multiples_of_half_pi() -> np.ndarray:
    """For each binade up to 2^20, the doubles closest to a multiple of pi/2.

    In the binade of 2^e a double is m*2^(e-52); where it is next to n*pi/2, m/n is a convergent of
    the continued fraction of pi/2 * 2^(52-e).
    """
    found = []
    with mpmath.workdps(80):
        for exponent in range(20):
            ratio = mpmath.pi / 2 * mpmath.mpf(2) ** (52 - exponent)
            before, numerator, below, denominator = 0, 1, 1, 0
            rest = ratio
            for _ in range(40):
                whole = int(mpmath.floor(rest))
                before, numerator = numerator, whole * numerator + before
                below, denominator = denominator, whole * denominator + below
                if numerator >= 2**53:
                    break
                unit = mpmath.ldexp(numerator, exponent - 52)
                found.extend(float(factor * unit) for factor in range(1, 9))
                rest = 1 / (rest - whole)
    return np.array([value for value in found if value < vectormath.SINCOS_LIMIT])


def trigonometric_points() -> np.ndarray:
    """Arguments of sin and cos: every scale, quadrant borders, near zeros, huge."""
    rng = np.random.default_rng(101)
    quadrants = np.arange(1, 120) * np.pi / 4
    late = rng.integers(1, 600_000, 200) * (np.pi / 2)
    return np.concatenate([
        rng.uniform(-np.pi, np.pi, 600),
        rng.uniform(-1000.0, 1000.0, 300),
        rng.uniform(-vectormath.SINCOS_LIMIT, vectormath.SINCOS_LIMIT, 300),
        signed(powers(rng, -1074, 20, 300)),
        neighbours(quadrants),
        neighbours(late),
        nearest_to_multiples_of_half_pi(),
        neighbours(np.array([vectormath.SINCOS_LIMIT])),
        signed(powers(rng, 20, 1023, 100)),
    ])  # fmt: skip


def exponential_points() -> np.ndarray:
    """Arguments of exp: every scale, borders of the reduction, subnormal results, both ends."""
    rng = np.random.default_rng(102)
    borders = (rng.integers(-1070, 1020, 150) + 0.5) * np.log(2.0)
    return np.concatenate([
        rng.uniform(-1.0, 1.0, 500),
        rng.uniform(-708.0, 709.7, 500),
        rng.uniform(-745.1, -708.0, 500),
        signed(powers(rng, -1074, 9, 300)),
        neighbours(borders),
        neighbours(np.array([709.782712893384, -708.3964185322641, -745.1332191019411])),
    ])  # fmt: skip


def logarithm_points() -> np.ndarray:
    """Arguments of log: every scale, near 1, borders of the reduction, subnormal."""
    rng = np.random.default_rng(103)
    return np.concatenate([
        rng.uniform(0.5, 2.0, 700),
        rng.uniform(0.0, 100.0, 300),
        1.0 + signed(powers(rng, -52, -3, 400)),
        powers(rng, -1074, 1024, 700),
        neighbours(np.ldexp(np.sqrt(0.5), np.arange(-40, 40))),
        neighbours(np.ldexp(1.0, np.arange(-1000, 1000, 50))),
        TINY * np.arange(1, 50),
    ])  # fmt: skip


POINTS = {
    "sin": trigonometric_points,
    "cos": trigonometric_points,
    "exp": exponential_points,
    "log": logarithm_points,
}


def errors_in_ulp(got: np.ndarray, x: np.ndarray, exact: Callable) -> list[float]:
    """The distance of each result from the real function, in units of its last place."""
    distances = []
    with mpmath.workdps(50):
        for result, argument in zip(got.tolist(), x.tolist(), strict=True):
            value = exact(mpmath.mpf(argument))
            _, exponent = mpmath.frexp(value)
            unit = mpmath.ldexp(1, max(exponent - 53, -1074))
            if exponent > 1024 and result == INF:  # beyond the largest double
                distances.append(0.0)
                continue
            distances.append(float(abs(mpmath.mpf(result) - value) / unit))
    return distances


def same_bits(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Where two arrays hold the same bits, any nan being equal to any other."""
    return (left.view(np.int64) == right.view(np.int64)) | (np.isnan(left) & np.isnan(right))


@pytest.mark.parametrize("name", DEFINE)
def test_within_one_ulp(name: str) -> None:
    x = POINTS[name]()
    got = compiled(name, 8)(x)
    errors = errors_in_ulp(got, x, getattr(mpmath, name))
    worst = int(np.argmax(errors))
    assert errors[worst] <= 1.0, f"{name}({x[worst]!r}) = {got[worst]!r}: {errors[worst]} ulp"


@pytest.mark.parametrize("name", DEFINE)
@pytest.mark.parametrize("inline", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_width_gives_the_same_bits(name: str, width: int, inline: bool) -> None:
    x = POINTS[name]()
    assert same_bits(compiled(name, width, inline=inline)(x), compiled(name, 8)(x)).all()


@pytest.mark.parametrize("inline", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_sincos_is_sin_and_cos(width: int, inline: bool) -> None:
    x = trigonometric_points()
    sines, cosines = compiled("sincos", width, inline=inline)(x)
    assert same_bits(sines, compiled("sin", width)(x)).all()
    assert same_bits(cosines, compiled("cos", width)(x)).all()


# fmt: off
SPECIAL = {
    "sin": [(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN), (NAN, NAN), (TINY, TINY),
            (-TINY, -TINY), (1e-310, 1e-310), (1e-20, 1e-20), (-1e-20, -1e-20),
            (1e22, -0.8522008497671888), (-1e22, 0.8522008497671888),
            (HIGHEST, 0.004961954789184062)],
    "cos": [(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN), (NAN, NAN), (TINY, 1.0),
            (-1e-310, 1.0), (1e-20, 1.0), (1e22, 0.5232147853951389), (-1e22, 0.5232147853951389),
            (HIGHEST, -0.9999876894265599)],
    "exp": [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (NAN, NAN), (TINY, 1.0), (-TINY, 1.0),
            (709.782712893384, 1.797693134862273e308), (709.7827128933841, INF), (710.5, INF),
            (1e4, INF), (HIGHEST, INF), (-745.1332191019411, TINY), (-745.1332191019412, 0.0),
            (-746.5, 0.0), (-1e4, 0.0), (-HIGHEST, 0.0)],
    "log": [(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-INF, NAN), (NAN, NAN),
            (-1.0, NAN), (-TINY, NAN), (-HIGHEST, NAN), (TINY, -744.4400719213812),
            (2.0**-1022, -708.3964185322641), (HIGHEST, 709.782712893384)],
}
# fmt: on


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name: str, width: int) -> None:
    arguments, expected = (np.array(column) for column in zip(*SPECIAL[name], strict=True))
    got = compiled(name, width)(arguments)
    wrong = np.flatnonzero(~same_bits(got, expected))
    # In range a last bit may differ; zeros with their sign, infinities and nan may not.
    for place in wrong:
        assert np.isfinite(expected[place]), (name, arguments[place], got[place], expected[place])
        assert expected[place] != 0.0, (name, arguments[place], got[place], expected[place])
        np.testing.assert_array_max_ulp(got[place], expected[place], maxulp=1)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", DEFINE)
def test_a_lane_does_not_depend_on_its_neighbours(name: str, width: int) -> None:
    ordinary = POINTS[name]()[::7]
    strange = [0.0, -0.0, INF, -INF, NAN, TINY, 1e-310, HIGHEST, -HIGHEST, 1e6, 1.1e6, -800.0, 1.0]
    function = compiled(name, width)
    alone = function(np.repeat(ordinary, width))[::width]
    for neighbour in strange:
        for lane in range(width):
            vectors = np.full((len(ordinary), width), neighbour)
            vectors[:, lane] = ordinary
            beside = function(vectors.ravel())[lane::width]
            assert same_bits(beside, alone).all(), (neighbour, lane)


def test_nearest_points_are_really_near() -> None:
    # The hardest of them are within 2^-58 of a multiple of pi/2, where nothing may be lost.
    with mpmath.workdps(60):
        distances = [
            abs(mpmath.sin(2 * mpmath.mpf(value))) for value in nearest_to_multiples_of_half_pi()
        ]
        assert min(distances) < mpmath.mpf(2) ** -58


POLYNOMIALS = {
    # name: coefficients, largest |argument|, relative error of the whole function, stated bound
    "sin": (vectormath.SIN_POLYNOMIAL, mpmath.pi / 4, 57.8,
            lambda r, p: (r + r**3 * p(r**2)) / mpmath.sin(r) - 1),
    "cos": (vectormath.COS_POLYNOMIAL, mpmath.pi / 4, 63.8,
            lambda r, p: (1 - r**2 / 2 + r**4 * p(r**2)) / mpmath.cos(r) - 1),
    "exp": (vectormath.EXP_POLYNOMIAL, mpmath.log(2) / 2, 57.1,
            lambda r, p: (1 + r + r**2 * p(r)) / mpmath.exp(r) - 1),
    "log": (vectormath.LOG_POLYNOMIAL, 3 - mpmath.sqrt(8), 59.4,
            lambda s, p: (2 * s + s**3 * p(s**2)) / mpmath.log((1 + s) / (1 - s)) - 1),
}  # fmt: skip


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials_keep_their_stated_error(name: str) -> None:
    coefficients, end, bits, relative_error = POLYNOMIALS[name]
    with mpmath.workdps(50):
        exact = [mpmath.mpf(value) for value in reversed(coefficients)]
        points = [end * mpmath.mpf(place) / 400 for place in range(-400, 401) if place]
        worst = max(abs(relative_error(r, lambda t: mpmath.polyval(exact, t))) for r in points)
        assert worst < mpmath.mpf(2) ** -bits


def test_constants_are_the_nearest_splittings() -> None:
    with mpmath.workdps(60):
        half_pi = sum(map(mpmath.mpf, vectormath.HALF_PI))
        assert abs(half_pi - mpmath.pi / 2) < mpmath.mpf(2) ** -141
        for parts, bits in ((vectormath.LN2, 108), (vectormath.LN2_SHORT, 97)):
            assert abs(sum(map(mpmath.mpf, parts)) - mpmath.log(2)) < mpmath.mpf(2) ** -bits
    # The products that the reductions take for exact.
    largest = int(vectormath.SINCOS_LIMIT * vectormath.TWO_OVER_PI) + 1
    assert float(int(vectormath.HALF_PI[1] * 2.0**86) * largest) == (
        int(vectormath.HALF_PI[1] * 2.0**86) * largest
    )
    assert (vectormath.LN2_SHORT[0] * 2.0**42).is_integer()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="names CPUs of this architecture")
@pytest.mark.parametrize("name", ["sincos", "exp", "log"])
@pytest.mark.parametrize(
    ("cpu", "features"), [("x86-64", ""), ("haswell", ""), ("haswell", "-fma")]
)
def test_other_cpus_give_the_same_bits(name: str, cpu: str, features: str) -> None:
    if cpu == "haswell" and "avx2" not in numba.core.codegen.get_host_cpu_features():
        pytest.skip("this machine cannot execute AVX2")
    x = POINTS["sin" if name == "sincos" else name]()[::3]
    define = getattr(vectormath, f"define_{name}")
    old = compile_loop(
        lambda module: define(module, 4, inline=False), 4, cpu=cpu, features=features
    )
    assert same_bits(np.array(old(x)), np.array(compiled(name, 4)(x))).all()


def test_definitions_are_made_once_and_internal() -> None:
    module = ir.Module("once")
    for name in ("sincos", *DEFINE):
        define = getattr(vectormath, f"define_{name}")
        plain, inline = define(module, 4, inline=False), define(module, 4, inline=True)
        assert define(module, 4, inline=False) is plain
        assert define(module, 4, inline=True) is inline
        assert plain is not inline
        assert (plain.linkage, inline.linkage) == ("internal", "internal")
        assert "noinline" in plain.attributes
        assert "alwaysinline" in inline.attributes
        assert plain.name == f"sg.{name}.v4"


def test_inside_a_numba_kernel() -> None:
    @intrinsic
    def vector_step(typingctx, source, target, place):
        signature = numba.void(source, target, place)

        def generate(context, builder, signature, arguments):
            arrays = [
                context.make_array(kind)(context, builder, value)
                for kind, value in zip(signature.args[:2], arguments[:2], strict=True)
            ]
            vector = ir.VectorType(ir.DoubleType(), 4)
            source, target = (
                builder.bitcast(builder.gep(array.data, [arguments[2]]), vector.as_pointer())
                for array in arrays
            )
            x = builder.load(source, align=8)
            both = builder.call(vectormath.define_sincos(builder.module, 4, inline=True), [x])
            exp = vectormath.define_exp(builder.module, 4, inline=False)
            sine = builder.call(exp, [builder.extract_value(both, 0)])
            log = vectormath.define_log(builder.module, 4, inline=True)
            builder.store(builder.call(log, [sine]), target, align=8)
            return cgutils.get_null_value(ir.LiteralStructType([]).as_pointer())

        return signature, generate

    @numba.njit(nogil=True, error_model="numpy")
    def loop(source, target):
        for place in range(0, len(source), 4):
            vector_step(source, target, place)

    x = np.concatenate([np.linspace(-30.0, 30.0, 60), [INF, 1e7, -0.25, NAN]])
    got = np.empty_like(x)
    loop(x, got)
    expected = compiled("log", 4)(compiled("exp", 4)(compiled("sin", 4)(x)))
    assert same_bits(got, expected).all()
