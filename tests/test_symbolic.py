"""PyTorch's autograd on symbols: worked cases, conventions, containers, independent values."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.errors import (
    ArgumentError,
    DerivativeError,
    DuplicateNameError,
    ShapeError,
    SymgradError,
    SymgradWarning,
    UnknownSymbolError,
)
from tests.test_examples import load

x, y, z, t = sp.symbols("x y z t")


def at(expression: Any, **values: float) -> float:
    return float(expression.subs({sp.Symbol(name): value for name, value in values.items()}))


# The worked cases, in numbers that follow from the mathematics.


def test_case_1_a_loss_that_holds_derivatives():
    v = sp.Matrix(sp.symbols("x0 x1"))
    squares = v.applyfunc(lambda e: e**2)
    (h1,), (h2,) = sg.grad(squares[0], v), sg.grad(squares[1], v)
    assert h1 == sp.Matrix([2 * v[0], 0])
    assert h2 == sp.Matrix([0, 2 * v[1]])
    (slope,) = sg.grad(sum(squares) / 2 + sum(h1 - h2) / 2, v)
    assert slope == sp.Matrix([v[0] + 1, v[1] - 1])
    assert list(slope.subs({v[0]: 5, v[1]: 7})) == [6, 6]


def test_case_2_powers_and_accumulation():
    (square,), (first,) = sg.grad(x**2, x), sg.grad(x**3, x)
    (second,) = sg.grad(first, x)
    assert (square, first, second) == (2 * x, 3 * x**2, 6 * x)
    assert [at(e, x=2) for e in (square, first, second)] == [4, 12, 12]
    into = sg.backward(x**3, {})
    assert sg.backward(x**3, into) is into
    assert at(into[x], x=2) == 24
    assert at(sg.backward(first, sg.backward(x**3, {}))[x], x=2) == 12 + 12


def test_case_3_weights_of_a_vector():
    v = sp.Array(sp.symbols("x0:3"))
    squares = v.applyfunc(lambda e: e**2)
    point = dict(zip(v, (1, 2, 3), strict=True))
    (plain,), (weighted,) = sg.grad(squares, v, [1, 1, 1]), sg.grad(squares, v, [1, 10, 100])
    assert list(plain.subs(point)) == [2, 4, 6]
    assert list(weighted.subs(point)) == [2, 40, 600]


def test_case_4_several_outputs_and_an_unused_input():
    found = sg.grad([x**2 + z**3, x * z], [x, z], [1, 1])
    assert [at(e, x=2, z=3) for e in found] == [7, 29]
    assert found == sg.grad([x**2 + z**3, x * z], [x, z])  # outputs of one entry need no weight
    with pytest.raises(DerivativeError, match=r"inputs\[1\], z; .*allow_unused=True"):
        sg.grad(x**2, [x, z])
    assert sg.grad(x**2, [x, z], allow_unused=True) == (2 * x, None)


def test_case_5_backward_for_chosen_inputs():
    assert sg.backward(x**2 * z, {}, inputs=[x]) == {x: 2 * x * z}
    assert sg.backward(x**2 * z, {}) == {x: 2 * x * z, z: x**2}
    assert sg.backward(x**2, {}, inputs=[z]) == {}  # as PyTorch: nothing reaches z


def test_case_6_a_matrix_and_its_second_gradient():
    m = sp.Matrix(3, 4, lambda i, j: sp.Symbol(f"x{i}{j}"))
    (first,) = sg.grad(m.applyfunc(lambda e: e**2), m, sp.ones(3, 4))
    (second,) = sg.grad(first, m, sp.ones(3, 4))
    assert first == 2 * m
    assert second == 2 * sp.ones(3, 4)
    values = {m[i, j]: i + j for i in range(3) for j in range(4)}
    assert first.subs(values) == sp.Matrix(3, 4, lambda i, j: 2 * (i + j))


def test_case_7_the_jacobian_by_rows():
    outputs, inputs = [x**2, z**2], [x, z]
    whole = sg.jacobian(outputs, inputs)
    rows = [sg.vjp(outputs, inputs, row) for row in ([1, 0], [0, 1])]
    assert whole == sp.Matrix(rows)
    assert whole.subs({x: 2, z: 3}) == sp.Matrix([[4, 0], [0, 6]])
    assert sg.grad(sum(whole), inputs) == (2, 2)


def test_case_8_a_hundred_points():
    script = load("torch_autograd")
    _, found, known = script.at_points(100)
    assert found.shape == (100, 4)
    np.testing.assert_allclose(found, known, rtol=1e-15, atol=1e-15)


def test_the_script_needs_no_torch(monkeypatch, capsys):
    script = load("torch_autograd")
    monkeypatch.setattr(script, "torch", None)
    script.main(points=7)
    printed = capsys.readouterr().out
    assert "at 7 points" in printed
    assert "PyTorch [" not in printed


@pytest.mark.parametrize("case", range(7))
def test_the_script_agrees_with_torch(case, capsys):
    pytest.importorskip("torch")
    ours, theirs, known = load("torch_autograd").CASES[case]
    assert ours() == theirs() == known


def test_the_script_notices_a_wrong_number(monkeypatch):
    script = load("torch_autograd")
    right = script.sg.grad
    monkeypatch.setattr(script.sg, "grad", lambda *a, **k: tuple(3 * g for g in right(*a[:2])))
    with pytest.raises(AssertionError, match="penalty"):
        script.main()


# What torch.autograd.grad does.


def test_cotangents_weight_and_are_held_constant():
    assert sg.grad(x**2 * z, [x, z], x) == (2 * x**2 * z, x**3)
    assert sg.grad([x**2, z**2], [x, z], [None, sp.sin(x)]) == (2 * x, 2 * z * sp.sin(x))


def test_a_result_is_used_twice_and_differentiated_again():
    (first,) = sg.grad(sp.sin(x * z), x)
    assert sg.grad(first, z) == sg.grad(first, z)
    for expected in (-z * sp.sin(x * z), -(z**2) * sp.cos(x * z)):
        (second,) = sg.grad(first, x)
        assert sp.simplify(second - z * expected) == 0
        first = second


def test_the_same_output_or_input_twice():
    assert sg.grad([x**2, x**2], [x, x], [1, 10]) == (22 * x, 22 * x)
    assert sg.jvp(x * z, [x, x, z], [1, 2, 0]) == 3 * z
    assert sg.hessian(x**2, [x, x]) == sp.Matrix([[2, 2], [2, 2]])


def test_an_output_that_is_an_input():
    assert sg.grad([x, x * z], [x, z]) == (1 + z, x)


def test_an_input_that_cancels_is_used():
    a, b = sg.variables("a b")
    assert [str(g) for g in sg.grad(a * b - a * b, [a, b])] == ["0", "0"]
    assert sg.grad(sp.floor(x), x) == (0,)


def test_one_weight_in_a_list_for_one_output():
    assert sg.grad(x**2, x, [3]) == (6 * x,)
    m = sp.Matrix([[x, z]])
    assert sg.grad(m, x, [sp.Matrix([[1, 5]])]) == (1,)


# Containers.


def test_results_have_the_kind_and_shape_of_their_input():
    inputs = [
        x,
        [y, t],
        (z,),
        sp.Matrix([[x, y]]),
        sp.ImmutableMatrix([[x], [y]]),
        sp.SparseMatrix([[z]]),
        sp.Array([[x, y], [z, t]]),
    ]
    found = sg.grad(x * y + z * t, inputs)
    for given, made in zip(inputs, found, strict=True):
        assert type(made) is type(given) or given is x
        assert getattr(made, "shape", None) == getattr(given, "shape", None)
    assert found[:3] == (y, [x, z], (t,))
    assert found[6] == sp.Array([[y, x], [t, z]])


def test_nested_lists_are_arrays_inside_the_sequence():
    (made,) = sg.grad(x * y + z**2, [[(x, y), (z, z)]])
    assert made == [(y, x), (2 * z, 2 * z)]
    assert sg.jvp([[x * y, z]], [x], [1]) == ([y, 0],)


def test_matrix_symbols_and_matrix_expressions():
    a = sp.MatrixSymbol("A", 2, 2)
    (made,) = sg.grad(a.as_explicit().det(), a)
    assert made == sp.ImmutableMatrix([[a[1, 1], -a[1, 0]], [-a[0, 1], a[0, 0]]])
    (made,) = sg.grad(a * a.T, a, sp.ones(2, 2))
    assert made == sp.ImmutableMatrix([[2 * (a[0, j] + a[1, j]) for j in (0, 1)]] * 2).expand()


def test_shapes_of_jacobians():
    column = sp.Matrix([x, y])
    assert sg.jacobian([x * y, x, y**2], column) == sp.Matrix([[y, x], [1, 0], [0, 2 * y]])
    assert sg.jacobian(x * y, column) == sp.Matrix([y, x])
    assert sg.jacobian(x * y, [x, y]) == [y, x]
    assert sg.jacobian(column, x) == sp.Matrix([1, 0])
    assert sg.jacobian(x**2, x) == 2 * x
    square = sp.Matrix([[x, y], [z, t]])
    whole = sg.jacobian(square.applyfunc(lambda e: e**2), square)
    assert whole.shape == (2, 2, 2, 2)
    assert whole[1, 0, 1, 0] == 2 * z
    assert whole[1, 0, 0, 1] == 0
    assert sg.jacobian(sp.Matrix([[x * y]]), sp.Matrix([[x]])) == sp.Matrix([[y]])


def test_shapes_of_hessians():
    assert sg.hessian(x**3 * y, [x, y]) == sp.hessian(x**3 * y, [x, y])
    assert sg.hessian(x**3 * y, sp.Matrix([x, y])) == sp.hessian(x**3 * y, [x, y])
    assert sg.hessian(x**3, x) == 6 * x
    square = sp.Matrix([[x, y], [z, t]])
    whole = sg.hessian(square.det(), square)
    assert whole.shape == (2, 2, 2, 2)
    assert whole[0, 0, 1, 1] == 1
    assert whole[0, 1, 1, 0] == -1


def test_jacobian_is_sympys():
    outputs = sp.Matrix([sp.exp(x * y), sp.sin(x) / y, x**y])
    exact = outputs.jacobian([x, y])
    found = sg.jacobian(outputs, [x, y])
    difference = (found - exact).subs({x: sp.Rational(7, 5), y: sp.Rational(1, 3)})
    assert max(abs(sp.N(entry, 20)) for entry in difference) < 1e-18


def test_vjp_and_jvp_mirror_what_they_are_given():
    outputs, inputs = [x**2, x * z], [x, z]
    assert sg.vjp(outputs, inputs, [1, x]) == (2 * x + x * z, x**2)
    assert sg.jvp(outputs, inputs, [1, 0]) == (2 * x, z)
    assert sg.vjp(x**2, x, 5) == 10 * x
    assert sg.jvp(x**2, x, z) == 2 * x * z
    assert sg.vjp(x**2, [x, z], 1) == (2 * x, 0)  # zeros, and no error
    column = sp.Matrix([x, z])
    assert sg.vjp(column * x, column, sp.Matrix([1, 1])) == sp.Matrix([2 * x + z, x])


# Variables of every kind.


def test_symbols_keep_their_assumptions():
    p = sp.Symbol("p", positive=True)
    n = sp.Symbol("p n", integer=True)
    (made, other) = sg.grad(p**3 * n, [p, n])
    assert made == 3 * p**2 * n
    assert made.free_symbols == {p, n}
    assert other == p**3


def test_dummies_of_one_name_are_two_variables():
    a, b = sp.Dummy("d"), sp.Dummy("d")
    assert sg.grad(a**2 * b, [a, b]) == (2 * a * b, a**2)


def test_indexed_and_functions_are_variables():
    base = sp.IndexedBase("u")
    assert sg.grad(base[0] * base[1] ** 2, [base[1]]) == (2 * base[0] * base[1],)
    q = sp.Function("q")(t)
    speed = q.diff(t)
    energy = speed**2 / 2 + sp.cos(q)
    assert sg.grad(energy, [q, speed]) == (-sp.sin(q), speed)
    assert sg.grad(energy * x, x) == (energy,)


def test_bound_symbols_are_no_variables():
    k, k_real = sp.Symbol("k", integer=True), sp.Symbol("k")
    total = sp.Sum(x**k, (k, 1, 3)) + k_real
    assert sg.backward(total, {}) == {x: 1 + 2 * x + 3 * x**2, k_real: 1}
    assert sg.grad(sp.Subs(x**2, x, z), z) == (2 * z,)
    assert sg.grad(sp.Product(x + k, (k, 0, 1)), x) == (2 * x + 1,)


def test_derivatives_in_an_output_are_evaluated():
    (made,) = sg.grad(x * sp.sin(sp.Derivative(x**2, x)), x)
    assert made == sp.sin(2 * x) + 2 * x * sp.cos(2 * x)


def test_parts_of_the_input_stand_in_the_result():
    part = sp.exp(sp.Add(x, x, evaluate=False))
    (made,) = sg.grad(part * z, z)
    assert made is part


def test_traced_variables_give_traced_results():
    a, b = sg.variables("a b")
    f = a**2 * sg.math.sin(b)
    made = sg.grad(f, [a, b])
    assert all(isinstance(entry, sg.Expr) for entry in made)
    assert sg.grad(f, ["a"])[0] == made[0]
    assert str(sg.jacobian([a * b, a], [a, b])) == "[[b, a], [1, 0]]"
    assert str(sg.hessian(a * b, [a, b])) == "[[0, 1], [1, 0]]"
    assert sg.backward(f, {a: b}, inputs=a)[a] == b + made[0]


def test_text_and_names():
    assert str(sg.grad("u**2*v", "u v")) == "(2*u*v, u**2)"
    assert str(sg.jacobian("u**2*v", "u, v")) == "[2*u*v, u**2]"
    with pytest.raises(UnknownSymbolError, match="'w'"):
        sg.grad("u*w", "u")


def test_traced_outputs_by_symbols_give_sympy():
    a, b = sg.variables("x b")
    made = sg.grad(a**2 * b, [x])
    assert made == (2 * x * sp.Symbol("b"),)


# Conventions: differentiation is symgrad's, so kinks and branches are too.


@pytest.mark.parametrize(
    ("expression", "point", "expected"),
    [
        (sp.Abs(x), {x: 0}, 0),
        (sp.Abs(x), {x: -3}, -1),
        (sp.sign(x), {x: 0}, 0),
        (sp.Max(x, z), {x: 2, z: 2}, sp.Rational(1, 2)),
        (sp.Max(x, z), {x: 3, z: 2}, 1),
        (sp.Min(x, z), {x: 2, z: 2}, sp.Rational(1, 2)),
        (sp.floor(x) * x, {x: sp.Rational(5, 2)}, 2),
        (sp.Mod(x, 3), {x: 4}, 1),
        (sp.Heaviside(x) * x, {x: -1}, 0),
        (sp.Piecewise((sp.sqrt(x), x > 0), (0, True)), {x: -1}, 0),
        (sp.Piecewise((sp.log(x), x > 0), (x, True)), {x: 0}, 1),
        (sp.atan2(x, z), {x: 0, z: 0}, 0),
        (z**x, {x: 2, z: 0}, 0),
    ],
)
def test_kinks(expression, point, expected):
    (made,) = sg.grad(expression, x)
    assert made.subs(point) == expected


def test_no_delta_appears():
    (made,) = sg.grad(sp.Heaviside(x) * x**2, x)
    (made,) = sg.grad(made, x)
    assert not made.has(sp.DiracDelta, sp.Derivative, sp.Subs)
    assert [made.subs({x: value}) for value in (-2, 2)] == [0, 2]


def test_results_can_be_printed_pickled_and_lambdified():
    condition = sp.And(x < z, sp.Or(x > 0, z > 1))
    made = sg.grad(sp.Piecewise((sp.Max(x, z) * x, condition), (z**x, True)), [x, z])
    points = np.random.default_rng(3).uniform(0.2, 2, (2, 50))
    for expression in made:
        assert "Piecewise" in str(expression)
        assert "begin{cases}" in sp.latex(expression)
        numbers = sp.lambdify([x, z], expression, "numpy")(*points)
        again = sp.lambdify([x, z], pickle.loads(pickle.dumps(expression)), "numpy")(*points)
        compiled = sg.compile(expression, [x, z], "value", cache=False)(points.T)
        np.testing.assert_allclose(numbers, compiled, rtol=1e-13)
        np.testing.assert_allclose(again, compiled, rtol=1e-13)


def test_a_delta_in_the_input_is_dropped_from_the_result():
    with pytest.warns(SymgradWarning, match="DiracDelta"):
        (made,) = sg.grad(sp.exp((x + sp.DiracDelta(x)) * z), x)
    assert made == z * sp.exp(x * z)


# Errors name the thing and the cure.


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sg.grad(sp.Matrix([x, z]), x), ArgumentError, "full of ones"),
        (lambda: sg.grad([x, sp.Matrix([x, z])], x), ArgumentError, r"outputs\[1\], \(2, 1\)"),
        (lambda: sg.grad(x**4, x**2), ArgumentError, "inputs is x.*write a variable u"),
        (lambda: sg.grad(x, [x, 2]), ArgumentError, r"inputs\[1\] is 2"),
        (lambda: sg.grad(x, sp.Matrix([[x, 1]])), ArgumentError, "variable is a"),
        (lambda: sg.grad([x, z], x, [1]), ShapeError, "list of 2"),
        (lambda: sg.grad([x, z], x, 1), ShapeError, "list of 2"),
        (lambda: sg.grad([x, z], x, [1, [1]]), ShapeError, r"grad_outputs\[1\] has shape \(1,\)"),
        (lambda: sg.grad(sp.Matrix([x, z]), x, [1, 1]), ShapeError, r"\(2, 1\)"),
        (lambda: sg.vjp([x, [x, z]], x, [1, None]), ArgumentError, r"cotangents\[1\]"),
        (lambda: sg.jvp(x, x, None), ArgumentError, "tangents is left out"),
        (lambda: sg.jvp(x, [x, z], [1, [1]]), ShapeError, r"tangents\[1\]"),
        (lambda: sg.hessian([x, z], x), ArgumentError, "of one expression"),
        (lambda: sg.backward(x, []), ArgumentError, "dict"),
        (lambda: sg.grad([], x), ArgumentError, "outputs is empty"),
        (lambda: sg.grad(x, [[]]), ArgumentError, r"inputs\[0\] is empty"),
        (lambda: sg.grad([[x, [x]]], x), ArgumentError, "different lengths"),
        (lambda: sg.grad([[[x, x], [x]]], x), ArgumentError, "different lengths"),
        (lambda: sg.grad(x, {x}), ArgumentError, "no order"),
        (lambda: sg.grad(x > 0, x), SymgradError, "condition"),
        (lambda: sg.grad(x * sp.I, x), SymgradError, "real"),
        (lambda: sg.grad(sp.Integral(x, x), x), SymgradError, "integral"),
        (lambda: sg.grad(x * sp.Function("f")(x), x), DerivativeError, r"f\(x\) depends on"),
        (lambda: sg.grad(sp.IndexedBase("u")[x] * x, x), DerivativeError, "depends on"),
        (lambda: sg.grad(sp.Symbol("x", real=True), x), DuplicateNameError, "'x'"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


# Size: no recursion over expressions, nothing walked as a tree.


def test_shared_parts_cost_once():
    u = x
    for _ in range(100):  # a tree of more than 2**100 leaves
        product = sp.Mul(u, z, evaluate=False)
        u = sp.Add(sp.sin(u, evaluate=False), product, evaluate=False)
    (first,) = sg.grad(u, x)
    (second,) = sg.grad(first, x)
    again = sg.compile([first, second], [x, z], "value", cache=False)(np.array([[1e-3, 0.5]]))
    value, slope, curvature = 1e-3, 1.0, 0.0
    for _ in range(100):
        curvature = np.cos(value) * curvature - np.sin(value) * slope**2 + 0.5 * curvature
        slope *= np.cos(value) + 0.5
        value = np.sin(value) + 0.5 * value
    np.testing.assert_allclose(again[0], [slope, curvature], rtol=1e-12)


def test_deep_expressions():
    u, value, slope, curvature = x, 0.3, 1.0, 0.0
    for _ in range(1000):
        u = sp.Add(x, sp.sin(u, evaluate=False) / 2, evaluate=False)
        curvature = (np.cos(value) * curvature - np.sin(value) * slope**2) / 2
        slope = 1 + np.cos(value) * slope / 2
        value = 0.3 + np.sin(value) / 2
    (first,) = sg.grad(u, x)
    (second,) = sg.grad(first, x)
    fn = sg.compile([first, second], [x], "value", jit="never", cache=False)
    made = fn(np.array([[0.3]]))
    np.testing.assert_allclose(made[0], [slope, curvature], rtol=1e-12)


def test_importing_symgrad_imports_no_sympy():
    code = "import sys, symgrad; symgrad.variables('x'); assert 'sympy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_functions_of_the_users_own():
    x, y = sp.symbols("x y")
    ramp = sg.function("ramp", definition=lambda m, a: m.exp(a), partials=lambda y, a: y * slope(a))
    slope = sg.function("slope", expansion=lambda a: 1 / (1 + a))
    f = ramp(x * y)
    both = [ramp, slope]
    assert sg.grad(f, [x, y], functions=both) == (y * f / (x * y + 1), x * f / (x * y + 1))
    assert sg.jacobian([f], [x], functions=both) == sp.Matrix([y * f / (x * y + 1)])
    assert sg.vjp([f], [x], [y], functions=both)[0] == y**2 * f / (x * y + 1)
    assert sg.jvp(f, [x], [y], functions=both) == y**2 * f / (x * y + 1)
    assert sg.hessian(ramp(x), [x], functions=both) == sp.Matrix([[0]])  # of such a ramp
    assert sg.backward(f, {}, [x], functions=both) == {x: y * f / (x * y + 1)}
    (again,) = sg.grad(sp.Derivative(f, x), [y], functions=both)
    assert again.subs({y: 0}) == ramp(sp.Integer(0))
    # Without functions= it is a variable of its own, whose dependence is not known.
    with pytest.raises(DerivativeError, match="depends on the input x"):
        sg.grad(f, [x])
