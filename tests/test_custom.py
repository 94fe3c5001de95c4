"""Functions of the user's own from end to end: every way to give one, every way to call one."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy

import symgrad as sg
from symgrad.errors import (
    ArgumentError,
    DerivativeError,
    KernelError,
    ProblemFileError,
    UnknownFunctionError,
)

ROOT = Path(__file__).parents[1]


def bump(x: float, scale: float) -> float:
    if abs(x) >= 1:
        return 0.0
    return scale * math.exp(-1 / (1 - x * x))


def _bump_slope(y, x, scale):
    inside = abs(x) < 1
    return sg.math.where(inside, -2 * x * y / (1 - x * x) ** 2, 0)


BUMP = sg.function("bump", numba=bump, partials=[_bump_slope, lambda y, x, s: y / s])
GAUSS = sg.function("gauss", expansion=lambda x: sg.math.exp(-x * x))


def _mean(m, a, b):
    return m.loop(lambda k, u, v: (abs(u - v) > 1e-15 * u, (u + v) / 2, m.sqrt(u * v)), (a, b), 40)[
        0
    ]


MEAN = sg.function("mean", definition=_mean, ulp=8)
CUBE = sg.function("cube", definition=lambda m, x: x * x * x, partials=lambda y, x: 3 * x**2)
X = np.random.default_rng(2).uniform(-1.4, 1.4, (300, 2))


def test_a_formula_is_differentiated_as_its_formula():
    fn = sg.compile("gauss(x*y)", "x y", ["value", "gradient", "hessian"], functions=GAUSS)
    same = sg.compile("exp(-(x*y)**2)", "x y", ["value", "gradient", "hessian"])
    for got, expected in zip(fn(X), same(X), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert fn.recipe.functions == ""  # nothing is left of it


def test_definitions_are_checked_by_difference_quotients():
    fn = sg.compile("cube(x*y)", "x y", ["gradient", "hessian"], functions=CUBE)
    report = sg.check(fn, against="mpmath")
    assert report, str(report)
    wrong = sg.function("wrong", definition=lambda m, x: x**3, partials=lambda y, x: 3.00001 * x**2)
    report = sg.check(sg.compile("wrong(x)", "x", functions=wrong), against="mpmath")
    assert [row.oracle for row in report.rows if not row.passed] == ["difference"]


@pytest.mark.parametrize("optimize", ["fast", "max"])
def test_high_orders(optimize):
    mine = sg.function("mine", definition=lambda m, x: m.exp(2 * x), partials=lambda y, x: 2 * y)
    orders = ["value", 2, 4]
    fn = sg.compile("mine(x*y)*y", "x y", orders, functions=mine, optimize=optimize)
    same = sg.compile("exp(2*x*y)*y", "x y", orders, optimize=optimize)
    for got, expected in zip(fn(X), same(X), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


def test_products_and_sparse_results_know_the_function():
    outputs = ["cube(x)*y", "mean(y, 2)"]
    both = {"functions": [CUBE, MEAN], "wrt": "x"}
    fn = sg.compile(outputs, "x y", ["jvp", "vjp"], **both)
    jvp, vjp = fn([2.0, 3.0], tangent=[1.0], cotangent=[1.0, 1.0])
    assert (jvp.tolist(), vjp.tolist()) == ([36.0, 0.0], [36.0])
    sparse = sg.compile(outputs, "x y", "jacobian", sparse=True, **both)
    assert sparse([2.0, 3.0]).tolist() == [36.0]


def test_a_formula_with_partials_keeps_them():
    wrong = sg.function("half", expansion=lambda x: x / 2, partials=lambda y, x: 7)
    assert sg.compile("half(x)", "x", functions=wrong)(1.0) == [7.0]


def test_a_definition_is_computed_as_it_is_written():
    lost = sg.function("lost", definition=lambda m, x: x * x / x)
    kept = sg.function("kept", expansion=lambda x: x * x / x)
    fn = sg.compile(["lost(x)", "kept(x)"], "x", "value", functions=[lost, kept])
    assert fn(1e200).tolist() == [math.inf, 1e200]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_definition_may_loop(dtype):
    fn = sg.compile("mean(x, 2*x)", "x", "value", functions=[MEAN], dtype=dtype)
    x = np.linspace(0.1, 9, 77).astype(dtype)
    np.testing.assert_allclose(fn(x), 1.4567910310469068 * x, rtol=8 * np.finfo(dtype).eps)
    assert fn.accuracy["mean"].provider == "symgrad"
    assert fn.accuracy["mean"].ulp == (8.0 if dtype == "float64" else 1.0)


def test_a_definition_works_in_every_source():
    fn = sg.compile("mean(x, 2*x)", "x", "value", functions=[MEAN])
    for target in ("c", "numba"):
        assert "sg_mean" in fn.source(target)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("count", [1, 5, 300])
def test_a_python_function_is_called_at_every_point(dtype, count):
    fn = sg.compile("bump(x, y)*y", "x y", ["value", "hessian"], functions=BUMP, dtype=dtype)
    points = X[:count].astype(dtype)
    expected = [bump(x, y) * y for x, y in points.astype(float).tolist()]
    np.testing.assert_allclose(fn(points).value, expected, rtol=4 * np.finfo(dtype).eps, atol=1e-40)
    assert fn.accuracy["bump"].provider == "numba"


def test_a_python_function_is_checked_by_central_differences():
    report = sg.check(sg.compile("bump(x/2, y)*y", "x y", functions=BUMP), against="mpmath")
    assert report, str(report)
    assert [(row.result, row.oracle) for row in report.rows] == [
        ("bump", "difference"),
        ("gradient", "mpmath"),
    ]
    assert "bump: of Python's floats" in str(report)


def test_a_wrong_partial_of_a_python_function_is_found():
    wrong = sg.function("wrong", numba=lambda x: x * x, partials=lambda y, x: 2.001 * x)
    report = sg.check(sg.compile("wrong(x)", "x", functions=wrong), against="mpmath")
    assert not report
    assert "wrong against difference" in str(report)


def test_a_kink_of_a_python_function_is_no_fault():
    kink = sg.function(
        "kink", numba=lambda x: abs(x - 1), partials=lambda y, x: sg.math.sign(x - 1)
    )
    fn = sg.compile("kink(x)", "x", functions=kink)
    assert sg.check(fn, [[1.0], [0.5], [1.5]], against="mpmath")


def test_a_python_function_has_no_readable_source():
    fn = sg.compile("bump(x, 1)", "x", functions=BUMP)
    for target in ("c", "numba"):
        with pytest.raises(UnknownFunctionError, match=r"'bump' is a Python function.*definition="):
            fn.source(target)


def test_definitions_may_call_python_functions_and_one_another():
    outer = sg.function("outer", definition=lambda m, x: m.bump(x, 2.0) + m.cube(x) + m.gauss(x))
    fn = sg.compile("outer(x)", "x", "value", functions=[BUMP, CUBE, GAUSS, outer])
    x = X[:, 0]
    expected = [bump(v, 2.0) + v**3 + math.exp(-v * v) for v in x.tolist()]
    np.testing.assert_allclose(fn(x), expected, rtol=1e-15, atol=1e-15)


def test_partials_may_use_one_another():
    sine = sg.function("sine", definition=lambda m, x: m.sin(x), partials=lambda y, x: cosine(x))
    cosine = sg.function("cosine", definition=lambda m, x: m.cos(x), partials=lambda y, x: -sine(x))
    fn = sg.compile("sine(x*y)", "x y", [1, 2, 3], functions=[sine, cosine])
    same = sg.compile("sin(x*y)", "x y", [1, 2, 3])
    for got, expected in zip(fn(X), same(X), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)


def test_every_way_to_call_it_is_the_same():
    a, b = sympy.symbols("a b")
    x, y = sg.variables("a b")
    written = ["cube(a*b) + bump(a, b)", CUBE(a * b) + BUMP(a, b), CUBE(x * y) + BUMP(x, y)]
    kernels = [
        sg.compile(one, "a b", ["value", "jacobian"], functions=[CUBE, BUMP]) for one in written
    ]
    assert len({fn.recipe.functions for fn in kernels}) == 1
    first, *others = [fn(X) for fn in kernels]
    for other in others:
        np.testing.assert_array_equal(first.value, other.value)
        np.testing.assert_array_equal(first.jacobian, other.jacobian)


def test_derivatives_that_sympy_leaves_are_evaluated():
    a, b = sympy.symbols("a b")
    cube = sympy.Function("cube")
    expression = cube(a * b).diff(a) + sympy.Subs(cube(b).diff(b, 2), b, a**2)
    fn = sg.compile(expression, [a, b], "value", functions=[CUBE])
    p, q = X.T
    np.testing.assert_allclose(fn(X), 3 * (p * q) ** 2 * q + 6 * p**2, rtol=1e-14, atol=1e-14)


def test_an_unknown_function_may_be_a_variable_beside_it():
    t = sympy.Symbol("t")
    q = sympy.Function("q")(t)
    fn = sg.compile(sympy.Function("cube")(q), [q], functions=[CUBE])
    assert fn(2.0) == [12.0]


def test_symbolic_derivatives_are_compiled_in_turn():
    a = sympy.Symbol("a")
    table = sg.spline("table", [0, 1, 2, 3], [0, 1, 4, 9])
    (slope,) = sg.grad(table(a) ** 2, [a], functions=table)
    fn = sg.compile(slope, a, ["value", "gradient"], functions=table)
    assert [float(np.ravel(part)[0]) for part in fn(1.5)] == pytest.approx([13.5, 27.0], rel=1e-14)


def test_missing_partials():
    fn = sg.compile("mean(x, 2)", "x", "value", functions=MEAN)
    assert fn(2.0) == 2.0
    with pytest.raises(
        DerivativeError, match=r"mean by its argument 1, for which sg\.function was"
    ):
        sg.compile("mean(x, 2)", "x", functions=MEAN)
    t = sympy.Symbol("t")
    with pytest.raises(DerivativeError, match="mean by its argument 2"):
        sg.compile(sympy.Function("mean")(2, t).diff(t), t, "value", functions=MEAN)
    u = sg.variables("u")
    (slope,) = sg.grad(MEAN(u, 2), [u], functions=MEAN)
    with pytest.raises(DerivativeError, match="mean by its argument 1"):
        sg.compile(slope, u, "value", functions=MEAN)
    half = sg.function(
        "half", definition=lambda m, a, b: a / 2 + b, partials=[lambda y, a, b: 0.5, None]
    )
    assert sg.compile("half(x, y)", "x y", wrt="x", functions=half)(1.0, 2.0) == [0.5]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "none is given"),
        ({"expansion": lambda x: x, "arity": 0}, "arity=0 of the function 'f' is no number"),
        ({"expansion": lambda x: x, "numba": bump}, "expansion and numba are given"),
        (
            {"expansion": abs, "arity": 1, "partials": [lambda y, x: 1, None]},
            "1 argument.s. and 2 pa",
        ),
        ({"definition": lambda m, *a: a[0]}, "definition= of the function 'f' takes any number"),
        ({"numba": abs}, "how many arguments numba= of the function 'f' takes|Python function of"),
    ],
)
def test_what_is_no_function(parts, message):
    with pytest.raises(ArgumentError, match=message):
        sg.function("f", **parts)


def test_a_taken_name():
    with pytest.raises(ArgumentError, match="'sin' is a function of symgrad already"):
        sg.function("sin", expansion=lambda x: x)


def test_a_function_that_is_not_given_to_compile():
    x = sg.variables("x")
    for formula in ("cube(x)", CUBE(x), CUBE(sympy.Symbol("x"))):
        with pytest.raises(UnknownFunctionError, match=r"'cube' has no row.*functions="):
            sg.compile(formula, "x")


def test_pickles_hold_definitions_and_names_of_python_functions():
    fn = sg.compile("cube(bump(x, y))", "x y", ["value", "hessian"], functions=[BUMP, CUBE])
    again = pickle.loads(pickle.dumps(fn))
    for got, expected in zip(again(X), fn(X), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert "bump" in fn.recipe.functions
    assert "exp" not in fn.recipe.functions


SCRIPT = """
import sys
sys.modules["numba"] = sys.modules.get("numba")
import symgrad as sg
if {register}:
    import tests.test_custom
try:
    print(sg.load({path!r})([[0.3, 0.5]]).value)
except sg.SymgradError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("register", [True, False])
def test_another_process_needs_the_python_function(register, tmp_path):
    fn = sg.compile("cube(bump(x, y))", "x y", ["value", "gradient"], functions=[BUMP, CUBE])
    path = tmp_path / "saved.json"
    fn.save(str(path))
    script = SCRIPT.replace('sys.modules["numba"] = sys.modules.get("numba")\n', "")
    run = subprocess.run(
        [sys.executable, "-c", script.format(register=register, path=str(path))],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    if register:
        assert run.stdout.strip() == str(fn([[0.3, 0.5]]).value)
    else:
        assert run.stdout.startswith("KernelError the function calls 'bump'")
        assert "call sg.function('bump', numba=...)" in run.stdout


def _scaled(factor):
    return lambda x: factor * x


def test_another_body_is_another_kernel():
    results = []
    for factor in (2.0, 3.0, 2.0):
        one = sg.function("scaled", numba=_scaled(factor))
        results.append(float(sg.compile("scaled(x)", "x", "value", functions=one)(5.0)))
    assert results == [10.0, 15.0, 10.0]
    with pytest.raises(KernelError, match="numba cannot compile the function 'text'"):
        sg.compile("text(x)", "x", "value", functions=sg.function("text", numba=lambda x: x + "a"))


def test_a_saved_function_that_was_tampered_with(tmp_path):
    fn = sg.compile("cube(x)", "x", functions=CUBE)
    path = tmp_path / "saved.json"
    path.write_text(fn.recipe.to_json().replace("routine", "rontine"), encoding="utf-8")
    with pytest.raises(ProblemFileError, match="functions of this saved function cannot be read"):
        sg.load(str(path))


def test_counts_and_costs_know_the_function():
    cheap, dear = (
        sg.function("toll", definition=lambda m, x: m.sin(x), cost=cost, partials=lambda y, x: y)
        for cost in (5, 500)
    )
    found = [sg.compile("toll(x)", "x", "value", functions=one).operations for one in (cheap, dear)]
    assert [one.counts for one in found] == [{"toll": 1}] * 2
    assert [one.weighted for one in found] == [5, 500]
    assert found[0].before.counts == {"toll": 1}
