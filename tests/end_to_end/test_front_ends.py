"""Traced functions, matrices, cse and random SymPy expressions, through to compiled values."""

from __future__ import annotations

import math as real_math

import mpmath
import numpy as np
import sympy as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symgrad as sg
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import evaluate, mpmath_arithmetic
from symgrad.ir.graph import Graph
from symgrad.parse.outputs import parse_outputs

X = np.random.default_rng(5).uniform(0.5, 1.5, (33, 2))
x, y = X.T


def close(got, expected, tolerance=1e-13):
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def test_a_traced_function_is_compiled_and_differentiated():
    def energy(q):
        return np.exp(-q @ q) * np.sin(q[0])

    fn = sg.compile(*sg.trace(energy, 2), ["value", "gradient"])
    assert fn.inputs == ("x0", "x1")
    result = fn(X)
    close(result.value, [energy(point) for point in X])
    close(result.gradient[:, 1], -2 * y * result.value)
    _, b = sg.variables("a b")
    traced = sg.trace(lambda m, a, b: a * m.square(b), "a b", math=sg.math)
    by_a, by_b = sg.grad(*traced)
    assert by_a == b**2
    assert repr(by_b) == "2*a*b"


def test_one_function_for_numbers_and_expressions():
    def spring(m, q, k):
        return [k * m.exp(-(q[0] ** 2)) * m.atan2(q[1], q[0]), m.sqrt(q[0] + q[1])]

    fn = sg.compile(*sg.trace(spring, {"q": 2, "k": ()}, math=sg.math), "value")
    close(fn(np.array([[0.7, 1.3, 2.0]]))[0], spring(real_math, [0.7, 1.3], 2.0))


def test_a_traced_matrix_function():
    fn = sg.compile(*sg.trace(lambda m, v: m @ v, {"m": (2, 2), "v": 2}), "jacobian", wrt="v0 v1")
    points = np.random.default_rng(3).uniform(-1, 1, (5, 6))
    close(fn(points), points[:, :4].reshape(5, 2, 2))


def test_matrix_expressions_are_compiled():
    m, v = sp.MatrixSymbol("M", 2, 2), sp.MatrixSymbol("v", 2, 1)
    points = np.random.default_rng(4).uniform(-1, 1, (5, 6))
    matrices, vectors = points[:, :4].reshape(5, 2, 2), points[:, 4:]
    value = sg.compile(sp.Trace(m * m) + sp.Determinant(m), [m, v], "value")(points)
    close(value, np.trace(matrices @ matrices, axis1=1, axis2=2) + np.linalg.det(matrices))
    value = sg.compile(m.I * v, [m, v], "value")(points)
    close(value[..., 0], np.linalg.solve(matrices, vectors[..., None])[..., 0], 1e-11)
    by_m, by_v = sg.grad(v.T * m * v, [m, v])
    assert by_m == sp.Matrix(2, 2, lambda i, j: v[i, 0] * v[j, 0])
    assert (by_v - ((m + m.T) * v).as_explicit()).expand() == sp.zeros(2, 1)


def test_the_pairs_of_cse_are_compiled():
    a, b = sp.symbols("a b")
    pairs = sp.cse([sp.sin(a + b) + a + b, sp.cos(a + b)])
    expected = np.stack([np.sin(x + y) + x + y, np.cos(x + y)], 1)
    close(sg.compile(pairs, [a, b], "value")(X), expected)


def test_a_sum_over_an_array_is_compiled():
    v, i = sp.IndexedBase("v", shape=(50,)), sp.Symbol("i")
    fn = sg.compile(sp.Sum((v[i + 1] - v[i] ** 2) ** 2, (i, 0, 48)), v, ["value", "gradient"])
    points = np.random.default_rng(6).uniform(-1, 1, (7, 50))
    step = points[:, 1:] - points[:, :-1] ** 2
    result = fn(points)
    close(result.value, (step**2).sum(1))
    close(result.gradient[:, -1], 2 * step[:, -1])


ONE = [sp.sin, sp.cos, sp.atan, sp.tanh, sp.exp, sp.erf, sp.asinh, sp.Abs, sp.floor, sp.sign]
TWO = [sp.Add, sp.Mul, sp.Max, sp.Min, sp.atan2, lambda a, b: a / (1 + b**2)]
SYMBOLS = sp.symbols("x y", real=True)
LEAVES = st.sampled_from([*SYMBOLS, sp.Integer(2), sp.Rational(-1, 3), sp.pi, sp.Integer(-1)])


def grown(children):
    return st.one_of(
        st.builds(lambda f, a: f(a), st.sampled_from(ONE), children),
        st.builds(lambda f, a, b: f(a, b), st.sampled_from(TWO), children, children),
        st.builds(lambda a, n: a**n, children, st.sampled_from([2, 3])),
        st.builds(lambda a, b, c: sp.Piecewise((a, a < b), (c, True)), *[children] * 3),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.recursive(LEAVES, grown, max_leaves=8))
def test_random_expressions_have_the_values_that_sympy_gives(expression):
    point = {"x": sp.Rational(7, 10), "y": sp.Rational(-13, 10)}
    placed = expression.subs({symbol: point[symbol.name] for symbol in SYMBOLS})
    expected = placed.evalf(30, maxn=400)
    if not expected.is_Float or abs(expected) > 1e100 or abs(expected) < 1e-100:
        return  # SymPy gives no number, or one without a digit that is sure
    parsed = parse_outputs(expression, list(SYMBOLS))
    graph = Graph(PRIMITIVES)
    with mpmath.workdps(60):
        values = {name: mpmath.mpf(value.p) / value.q for name, value in point.items()}
        (got,) = evaluate(graph, graph.add_all(parsed.exprs), values, mpmath_arithmetic())
        assert abs(got - mpmath.mpf(expected)) <= abs(got) * mpmath.mpf(10) ** -15, expression
