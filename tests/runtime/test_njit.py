"""``fn.njit`` in numba code: the bits of ``fn``, every form, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import timeit
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

import symgrad as sg
from symgrad.errors import ArgumentError

ROOT = Path(__file__).parents[2]
FORMULA = "exp(-x**2/2)*sin(y) + x*y/(1 + y**2) - 3*x"


@pytest.fixture(scope="module")
def wave():
    """One number of two numbers."""
    return sg.compile(FORMULA, "x y", "value")


def same(got, expected):
    np.testing.assert_array_equal(np.asarray(got), np.asarray(expected), strict=True)


# -------------------------------------------------------------------------- numbers in and out


def test_one_result_is_a_function_of_numbers(wave, points):
    table = points[:200]

    @njit
    def evaluate(table):
        made = np.empty(len(table))
        for i in range(len(table)):
            made[i] = wave.njit(table[i, 0], table[i, 1])
        return made

    same(evaluate(table), wave(table))


def test_it_can_be_given_a_name_and_called_from_python(wave):
    f = wave.njit
    assert wave.njit is f
    assert f(0.3, 0.7) == wave(0.3, 0.7)


def test_parameters_follow_the_inputs():
    fn = sg.compile("a*x + b*y", "x y", "value", parameters="a b")
    assert fn.njit(1.0, 2.0, 3.0, 4.0) == fn(1.0, 2.0, a=3.0, b=4.0) == 11.0


def test_integers_and_truth_values_are_numbers(wave):
    assert wave.njit(2, True) == wave(2.0, 1.0)


def test_single_precision(single):
    f = single.njit

    @njit
    def call(x, y):
        return f(x, y)

    made = call(0.1, 3.0)
    assert np.float32(made) == made == single(0.1, 3.0)
    assert call(np.float32(0.1), np.float32(3)) == single(0.1, 3.0)


def test_a_caller_with_two_functions(wave, cube):
    @njit
    def both(x):
        return cube.njit(x) - wave.njit(x, x)

    assert both(0.5) == cube(0.5) - wave(0.5, 0.5)


# ------------------------------------------------------------------------------- arrays filled


def test_several_results_fill_arrays(spring, points):
    table, k = points[:100], 2.5
    value, gradient = np.empty(100), np.empty((100, 2))

    @njit
    def evaluate(table, p, value, gradient):
        for i in range(len(table)):
            spring.njit(table[i], p, value[i : i + 1], gradient[i])

    evaluate(table, np.array([k]), value, gradient)
    expected = spring(table, k=k)
    same(value, expected.value)
    same(gradient, expected.gradient)
    one = np.empty(())
    spring.njit(table[3], np.array([k]), one, gradient[3])
    assert one == expected.value[3]


@pytest.mark.parametrize("fortran", [False, True])
def test_arrays_may_have_any_strides(pair, points, fortran):
    table = np.asfortranarray(points[:20]) if fortran else points[:40:2].repeat(2, 1)[:, ::2]
    made = np.full((2, 2, 20), -7.0)

    @njit
    def evaluate(table, made):
        for i in range(len(table)):
            pair.njit(table[i], made[:, :, i])

    evaluate(table, made)
    same(made.transpose(2, 0, 1).copy(), pair(table))


def test_strided_results_leave_their_neighbours_alone(pair):
    memory = np.full((4, 6), -7.0)
    pair.njit(np.array([1.5, 0.5]), memory[1:3, 2:6:2])
    same(memory[1:3, 2:6:2].copy(), pair(1.5, 0.5))
    assert (memory == -7.0).sum() == 24 - 4


def test_a_result_may_overlap_the_point():
    fn = sg.compile(["x*y", "x - y"], "x y", "value")
    x = np.array([3.0, 0.5])
    expected = fn(x.copy())
    fn.njit(x, x)
    same(x, expected)


def test_read_only_points(pair):
    x, made = np.array([1.5, 0.5]), np.empty((2, 2))
    x.flags.writeable = False
    pair.njit(x, made)
    same(made, pair(1.5, 0.5))


def test_tangents_and_cotangents(products):
    x, v, w = np.array([1.5, 0.5]), np.array([0.3, -2.0]), np.array([0.7, 1.1])
    vjp, jvp, hvp = np.empty(2), np.empty(2), np.empty(2)
    products.njit(x, v, w, vjp, jvp, hvp)
    expected = products(x, tangent=v, cotangent=w)
    for made, name in ((vjp, "vjp"), (jvp, "jvp"), (hvp, "hvp")):
        same(made, expected[name])


def test_single_precision_arrays(points):
    fn = sg.compile(FORMULA, "x y", ["value", "hessian"], dtype="float32")
    x = points[7].astype("f4")
    value, hessian = np.empty((), "f4"), np.empty((2, 2), "f4")
    fn.njit(x, value, hessian)
    expected = fn(x)
    same(value[()], expected.value)
    same(hessian, expected.hessian)


def test_sparse_results(points):
    fn = sg.compile("x**2*sin(y) + z", "x y z", "hessian", sparse=True)
    made = np.empty(fn.shapes["hessian"])
    fn.njit(np.array([0.5, 1.5, 2.5]), made)
    same(made, fn([0.5, 1.5, 2.5]))


@pytest.mark.parametrize("batch_axis", [0, -1])
def test_the_batch_axis_has_no_part_in_one_point(batch_axis):
    fn = sg.compile(["x*y", "x + sin(y)"], "x y", "value", batch_axis=batch_axis)
    made = np.empty(2)
    fn.njit(np.array([1.5, 0.5]), made)
    same(made, fn(np.array([1.5, 0.5])))


def test_many_columns_are_spread_in_a_loop_and_many_results_lie_on_the_heap():
    names = [f"x{i}" for i in range(150)]
    text = " + ".join(f"sin({a}*{b})" for a, b in pairwise(names))
    fn = sg.compile(text, names, ["gradient", "hessian"], optimize="fast")
    x = np.linspace(-1, 1, 150)
    gradient, hessian = np.empty(150), np.empty((150, 150))
    fn.njit(x, gradient, hessian)
    expected = fn(x)
    same(gradient, expected.gradient)
    same(hessian, expected.hessian)


@pytest.mark.parametrize(
    "text",
    ["besselj(1.5, x)*gamma(y)", "where(x > y, sqrt(x - y), log(y - x))", "erf(x)*tan(y)**3",
     "Max(x, y)/(x - y)", "atan2(x, y) + floor(3*x)"],
)  # fmt: skip
def test_the_bits_of_a_batch(text):
    fn = sg.compile(text, "x y", ["value", "gradient"])
    table = np.random.default_rng(5).uniform(0.1, 4, (64, 2))
    table[0] = 1.0
    table[1] = np.nan, np.inf
    value, gradient = np.empty(64), np.empty((64, 2))
    for i in range(64):
        fn.njit(table[i], value[i : i + 1], gradient[i])
    expected = fn(table)
    same(value, expected.value)
    same(gradient, expected.gradient)


def test_threads_do_not_disturb_each_other(pair, points):
    table = points[:20_000]
    f = pair.njit

    @njit(nogil=True)
    def evaluate(table, made):
        for i in range(len(table)):
            f(table[i], made[i])

    made = np.empty((20_000, 2, 2))
    evaluate(table[:1], made[:1])
    running = [threading.Thread(target=evaluate, args=(table[i::4], made[i::4])) for i in range(4)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    same(made, pair(table))


# ------------------------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.0,), r"takes 2 number\(s\): x, y; 1 are given"),
        ((1.0, 2.0, 3.0), "3 are given"),
        ((1.0, 2j), "y is complex128, which is no real number"),
        ((np.ones(2), 1.0), r"x is array\(float64, 1d, C\)"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(wave, arguments, message):
    with pytest.raises(TypingError, match=message):
        wave.njit(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones(2),), r"takes 2 array\(s\) of float64: inputs of shape \(2,\), jacobian"),
        ((np.ones(2), np.ones((2, 2)), np.ones(2)), "3 are given"),
        ((1.0, np.ones((2, 2))), "inputs is float64"),
        ((np.ones(2, "f4"), np.ones((2, 2))), r"inputs is array\(float32"),
        ((np.ones(2), np.ones(4)), "jacobian has 1 axes"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(pair, arguments, message):
    with pytest.raises(TypingError, match=message):
        pair.njit(*arguments)


def test_a_read_only_result_is_refused(pair):
    made = np.empty((2, 2))
    made.flags.writeable = False
    with pytest.raises(TypingError, match="jacobian is read-only"):
        pair.njit(np.ones(2), made)


@pytest.mark.parametrize("shapes", [((3,), (2, 2)), ((2,), (2, 3)), ((1,), (2, 2)), ((2,), (0, 2))])
def test_another_shape_raises_and_nothing_is_written(pair, shapes):
    x, made = np.ones(shapes[0]), np.full(shapes[1], -7.0)
    with pytest.raises(ValueError, match=r"has another shape than \(2"):
        pair.njit(x, made)
    assert (made == -7.0).all()


def test_a_function_that_sums_over_its_points_has_none():
    fn = sg.compile("x**2*y", "x y", "gradient", reduce="sum")
    with pytest.raises(ArgumentError, match="compile it without reduce="):
        _ = fn.njit


def test_numba_code_knows_nothing_else_of_a_function(wave):
    @njit
    def other():
        return wave.inputs

    with pytest.raises(TypingError, match="Unknown attribute 'inputs' of type symgrad"):
        other()


# --------------------------------------------------------------------------------------- caches

USER = """
    import warnings
    import numba
    import symgrad as sg

    fn = sg.compile(FORMULA, "x", "value")

    @numba.njit(cache=True)
    def use(x):
        return fn.njit(x) + 1.0

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = use(2.0)
    assert any("dynamic globals" in str(warning.message) for warning in caught)
    assert not use.stats.cache_hits
    print(made)
"""


def test_numba_does_not_keep_a_caller_which_would_keep_the_address(tmp_path):
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SYMGRAD_CACHE_DIR": str(tmp_path / "symgrad"),
    }
    script = tmp_path / "user.py"
    made = []
    for formula in ("x**2", "x**3", "x**3"):
        script.write_text(textwrap.dedent(USER).replace("FORMULA", repr(formula)))
        os.utime(script, (1, 1))  # numba tells sources apart by their time and size
        run = subprocess.run(
            [sys.executable, str(script)],
            env=environment, capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
        made.append(float(run.stdout))
    assert made == [5.0, 9.0, 9.0]
    assert not list(tmp_path.rglob("user.*.nbc"))
    # The entry itself is kept beside the kernel: one for each formula.
    assert len(list((tmp_path / "symgrad").glob("kernel_*.code"))) == 4


def test_without_the_disk_it_is_compiled_in_memory():
    fn = sg.compile("x**2 + 3*y", "x y", "value", cache=False)
    assert fn.njit(2.0, 1.0) == 7.0


# --------------------------------------------------------------------------------------- latency


def test_a_call_costs_little_beyond_the_function_itself():
    fn = sg.compile("x + 1", "x", "value")
    f = fn.njit

    @njit
    def loop(n):
        x = 0.0
        for _ in range(n):
            x = f(x)
        return x

    assert loop(1000) == 1000.0
    seconds = min(timeit.repeat(lambda: loop(20_000), number=1, repeat=20)) / 20_000
    assert seconds < 0.25e-6  # five times what is promised: machines are busy
