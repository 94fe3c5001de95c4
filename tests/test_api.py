"""compile(): everything that can be asked for, and the errors of what cannot."""

from __future__ import annotations

import itertools

import mpmath
import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad import api, signatures
from symgrad.errors import (
    ArgumentError,
    DerivativeError,
    DuplicateNameError,
    EmptySystemError,
    FormulaError,
    LimitError,
    OptionError,
    SymgradError,
    UnknownFunctionError,
    UnknownSymbolError,
)
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import numpy_arithmetic, run
from symgrad.ir.expression import variables
from symgrad.ir.recipe import Recipe
from symgrad.options import Options
from symgrad.parse.problem import parse_problem
from symgrad.parse.requests import MAX_ORDER, parse_requests

X = np.random.default_rng(5).uniform(0.5, 1.5, (33, 2))
x, y = X.T


def close(got, expected, tolerance=1e-13):
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


# ---------------------------------------------------------------------------- derivatives


def test_the_default_is_the_gradient_of_one_expression_and_else_the_jacobian():
    gradient = sg.compile("x*y", "x y")
    assert gradient.results == ("gradient",)
    close(gradient(X), X[:, ::-1])
    jacobian = sg.compile(["x*y"], "x y")
    assert jacobian.shapes == {"jacobian": (1, 2)}
    close(jacobian(X), X[:, None, ::-1])


def test_names_and_orders_mean_the_same_tensors():
    fn = sg.compile("x**3*y**2", "x y", ["value", 0, "gradient", 1, "jacobian", "hessian", 2, 3])
    assert fn.shapes == {
        "value": (),
        "order0": (),
        "gradient": (2,),
        "order1": (2,),
        "jacobian": (2,),
        "hessian": (2, 2),
        "order2": (2, 2),
        "order3": (2, 2, 2),
    }
    result = fn(X)
    np.testing.assert_array_equal(result.value, result.order0)
    np.testing.assert_array_equal(result.gradient, result.order1)
    np.testing.assert_array_equal(result.gradient, result.jacobian)
    np.testing.assert_array_equal(result.hessian, result.order2)
    close(result.gradient, np.stack([3 * x**2 * y**2, 2 * x**3 * y], -1))
    third = {0: 6 * y**2, 1: 12 * x * y, 2: 6 * x**2, 3: 0 * x}  # by how often y is taken
    for indices in itertools.product(range(2), repeat=3):
        close(result.order3[(slice(None), *indices)], third[sum(indices)])


def test_a_high_order():
    fn = sg.compile("x**10/3628800", "x", [9, 10, 11])
    result = fn([2.0])
    close(result.order9.ravel(), [2.0])
    close(result.order10.ravel(), [1.0])
    np.testing.assert_array_equal(result.order11.ravel(), [0.0])


def test_the_highest_order_can_be_called():
    fn = sg.compile([["x**70"]], "x", MAX_ORDER)  # NumPy arrays have at most 64 axes
    assert fn(np.ones((1, 1, 1))).shape == (1,) * (MAX_ORDER + 4)


@pytest.mark.parametrize("order", [40])
def test_an_order_with_too_many_entries_is_refused(order):
    with pytest.raises(LimitError, match=r"order 40 of 1 outputs by 2 variables.*chosen partials"):
        sg.compile("x*y", "x y", order)


def test_chosen_partials():
    u = sg.compile(
        "sin(x)*y**3",
        "x y",
        {"u": (), "u_x": ("x",), "u_yy": ("y", "y"), "u_xy": ("x", "y"), "u_yx": ("y", "x")},
    )
    assert u.results == ("u", "u_x", "u_yy", "u_xy", "u_yx")
    result = u(X)
    assert all(array.shape == (33,) for array in result)
    close(result.u, np.sin(x) * y**3)
    close(result.u_x, np.cos(x) * y**3)
    close(result.u_yy, 6 * np.sin(x) * y)
    np.testing.assert_array_equal(result.u_xy, result.u_yx)


@pytest.mark.parametrize("kind", ["sympy", "traced", "text", "one", "mixed"])
def test_variables_of_chosen_partials_in_every_form(kind):
    a, b = sp.symbols("x y")
    t, s = variables("x y")
    given = {
        "sympy": {"p": (a, b)},
        "traced": {"p": (t, s)},
        "text": {"p": ["x", "y"]},
        "one": {"p": a},
        "mixed": {"p": (a, "y")},
    }[kind]
    made = sg.compile(a**2 * sp.exp(b), [a, b], given)(X)
    close(made, 2 * x * np.exp(y))


def test_chosen_partials_of_a_system_have_its_shape():
    fn = sg.compile([["x*y", "x"], ["y", "x**2*y"]], "x y", {"u_xy": ("x", "y")})
    assert fn.shapes == {"u_xy": (2, 2)}
    made = fn(X)
    assert made.shape == (33, 2, 2)
    close(made[:, 1, 1], 2 * x)
    close(made[:, 0, 0], 1.0)


def test_products_agree_with_the_tensors():
    rng = np.random.default_rng(1)
    t, c = rng.normal(size=(33, 2)), rng.normal(size=(33, 2, 2))
    system = [["x*y", "x**2"], ["sin(y)", "x/y"]]
    fn = sg.compile(system, "x y", ["jacobian", "hessian", "vjp", "jvp", "hvp"])
    result = fn(X, tangent=t, cotangent=c)
    close(result.jvp, np.einsum("pabi,pi->pab", result.jacobian, t))
    close(result.vjp, np.einsum("pabi,pab->pi", result.jacobian, c))
    close(result.hvp, np.einsum("pabij,pab,pj->pi", result.hessian, c, t))


def test_wrt_may_name_parameters_and_chooses_the_order():
    fn = sg.compile(
        "k*x**2 + j*y", "x y", ["gradient", "hessian"], parameters="k j", wrt=["j", "x", "k"]
    )
    result = fn(X, k=3.0, j=5.0)
    close(result.gradient, np.stack([y, 6 * x, x**2], -1))
    hessian = np.zeros((33, 3, 3))
    hessian[:, 1, 1], hessian[:, 1, 2], hessian[:, 2, 1] = 6.0, 2 * x, 2 * x
    close(result.hessian, hessian)


def test_the_tangent_of_a_jvp_has_an_entry_for_each_of_wrt():
    fn = sg.compile("k*x*y", "x y", "jvp", parameters="k", wrt="k")
    close(fn(X, k=2.0, tangent=np.full((33, 1), 3.0)), 3 * x * y)


# ------------------------------------------------------------------------------- outputs


@pytest.mark.parametrize(
    ("outputs", "shape"),
    [
        ("x*y", ()),
        (["x*y"], (1,)),
        (["x", "y", "x*y"], (3,)),
        ([["x", "y", "1"], ["2", "x*y", "y"]], (2, 3)),
        ({"a": "x", "b": "y"}, (2,)),
        (sp.Matrix([[sp.Symbol("x"), 1], [2, sp.Symbol("y")], [0, 0]]), (3, 2)),
        (sp.Matrix([sp.Symbol("x"), sp.Symbol("y")]), (2, 1)),
        (sp.Array([[[1, 2], [3, sp.Symbol("x")]]]), (1, 2, 2)),
    ],
    ids=["expression", "one", "list", "nested", "dict", "matrix", "column", "array"],
)
def test_the_shape_of_the_outputs(outputs, shape):
    fn = sg.compile(outputs, "x y", ["value", "jacobian"])
    assert fn.shapes == {"value": shape, "jacobian": (*shape, 2)}
    result = fn(X)
    assert result.value.shape == (33, *shape)
    assert result.jacobian.shape == (33, *shape, 2)


def test_the_entries_of_a_matrix_stand_in_their_places():
    a, b = sp.symbols("x y")
    fn = sg.compile(sp.Matrix([[a, a * b, 1], [b, a - b, a**2]]), [a, b], ["value", "jacobian"])
    one = np.ones_like(x)
    value, jacobian = fn(X)
    close(np.moveaxis(value, 0, -1), np.array([[x, x * y, one], [y, x - y, x**2]]))
    close(jacobian[:, 0, 1], X[:, ::-1])
    close(jacobian[:, 1, 2], np.stack([2 * x, 0 * x], -1))


def test_the_names_of_outputs():
    assert sg.compile({"energy": "x", "force": "2*x"}, "x", "value").outputs == ("energy", "force")
    assert sg.compile(["x", "2*x"], "x", "value").outputs == ("f0", "f1")
    assert sg.compile("x", "x", "value").outputs == ("",)


def test_constants_broadcast():
    fn = sg.compile("3", "x y", ["value", "gradient", "hessian"])
    for batch in ((), (1,), (33,), (4, 5), (0,)):
        result = fn(np.ones((*batch, 2)))
        np.testing.assert_array_equal(result.value, np.full(batch, 3.0))
        np.testing.assert_array_equal(result.gradient, np.zeros((*batch, 2)))
        np.testing.assert_array_equal(result.hessian, np.zeros((*batch, 2, 2)))
    mixed = sg.compile([sp.pi, "x", 2.5, "0"], "x", ["value", "jacobian"])
    value, jacobian = mixed(np.arange(3.0))
    np.testing.assert_array_equal(value, [[np.pi, i, 2.5, 0.0] for i in range(3)])
    np.testing.assert_array_equal(jacobian[..., 0], [[0.0, 1.0, 0.0, 0.0]] * 3)


def test_nothing_that_uses_no_input_is_missing():
    fn = sg.compile("k**2", "x", ["value", "gradient"], parameters="k")
    value, gradient = fn(np.zeros(4), k=3.0)
    np.testing.assert_array_equal(value, [9.0] * 4)
    np.testing.assert_array_equal(gradient, np.zeros((4, 1)))


def test_kinds_of_expressions_mix():
    a = sp.Symbol("x")
    b = variables("y")
    fn = sg.compile([a**2, b * 3, "x*y", 4], [a, b], "value")
    close(fn(X), np.stack([x**2, 3 * y, x * y, np.full(33, 4.0)], -1))


@pytest.mark.parametrize("name", ["beta", "gamma", "E", "I", "S", "N", "lambda", "pi", "sin"])
def test_a_declared_name_shadows_every_other_meaning(name):
    fn = sg.compile(f"{name}**2", [name], "value")
    np.testing.assert_array_equal(fn([3.0]), [9.0])


def test_points_last_has_the_same_values():
    system = ["x*y", "sin(x)", "y"]
    first = sg.compile(system, "x y", ["value", "hessian"])(X)
    last = sg.compile(system, "x y", ["value", "hessian"], batch_axis=-1)(X.T)
    assert last.hessian.shape == (3, 2, 2, 33)
    np.testing.assert_array_equal(np.moveaxis(last.hessian, -1, 0), first.hessian)
    np.testing.assert_array_equal(last.value.T, first.value)


# ------------------------------------------------------------------------------- options


def test_single_precision_has_single_precision_throughout():
    fn = sg.compile("exp(x)*sin(y) + 0.1", "x y", ["value", "hessian"], dtype="float32")
    result = fn(X)
    assert result.value.dtype == result.hessian.dtype == np.float32
    close(result.value, np.exp(x) * np.sin(y) + 0.1, 1e-6)


def test_a_constant_too_large_for_single_precision_is_infinite():
    fn = sg.compile("x*1e300", "x", "value", dtype="float32")
    np.testing.assert_array_equal(fn([1.0, -1.0]), [np.inf, -np.inf])


def test_rewrites_are_as_free_as_allowed():
    def ops(formula, level):
        fn = sg.compile(formula, "x", "value", rewrites=level)
        return fn.program.counts

    assert ops("log(exp(x))", "all")["exp"] == 0
    assert ops("log(exp(x))", "finite")["exp"] == 0
    assert ops("log(exp(x))", "exact")["exp"] == 1
    assert ops("cos(asin(x))", "all")["sqrt"] == 1
    assert ops("cos(asin(x))", "finite")["sqrt"] == 0
    assert ops("abs(abs(x))", "exact")["abs"] == 1
    exact = sg.compile("x - x + log(exp(x))", "x", "value", rewrites="exact")
    assert np.isnan(exact([np.inf])).all()


@pytest.mark.parametrize("level", ["all", "finite", "exact"])
def test_every_level_of_rewrites_has_the_same_values(level):
    fn = sg.compile(
        "cos(atan(x))*exp(log(y)) + x*y/x", "x y", ["value", "gradient"], rewrites=level
    )
    value, gradient = fn(X)
    close(value, y / np.sqrt(1 + x**2) + y)
    close(gradient[:, 1], 1 / np.sqrt(1 + x**2) + 1)


def test_fast_accuracy_is_within_its_bound():
    points = np.random.default_rng(4).uniform(-100, 100, 500)
    for name in ("sin", "tan"):
        fn = sg.compile(f"{name}(x)", "x", "value", accuracy="fast")
        with mpmath.workprec(100):
            exact = [getattr(mpmath, name)(point) for point in points]
            errors = [abs(mpmath.mpf(a) - b) for a, b in zip(fn(points), exact, strict=True)]
        bound = fn.accuracy[name].ulp
        assert bound <= 4
        assert max(np.array(errors, float) / np.spacing(np.abs(np.array(exact, float)))) <= bound


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"dtype": "float16"}, "dtype='float16' is not possible; .*'float64', 'float32'"),
        ({"dtype": np.float16}, "dtype=.*float16.*'float64', 'float32'"),
        ({"name": 3}, "name=3 is not possible; give text"),
        ({"batch_axis": 1}, "batch_axis=1 is not possible; choose one of 0, -1"),
        ({"accuracy": "highest"}, "did you mean 'high'"),
        ({"rewrites": "none"}, "rewrites='none'.*'all', 'finite', 'exact'"),
    ],
)
def test_an_option_out_of_its_range_is_refused(option, message):
    with pytest.raises(OptionError, match=message):
        sg.compile("x", "x", **option)


@pytest.mark.parametrize("dtype", [np.float32, np.dtype("float32"), "f4"])
def test_numpy_s_dtypes_do_for_their_names(dtype):
    fn = sg.compile("x*y", "x y", dtype=dtype, name=None, jit="never")
    assert fn(X).dtype == np.float32


def test_an_unknown_option_is_pythons_own_error():
    with pytest.raises(TypeError, match="colour"):
        sg.compile("x", "x", colour="blue")


# ------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([], "x"), EmptySystemError, "no outputs; give at least one"),
        (({}, "x"), EmptySystemError, "no outputs"),
        (("3", ""), EmptySystemError, "no inputs; name at least one"),
        (("3", []), EmptySystemError, "no inputs"),
        (("x", "x x"), DuplicateNameError, r"'x' is declared twice: as input\[0\] and as input\[1"),
        (("x + z", "x"), UnknownSymbolError, "z"),
        ((sp.Symbol("z"), "x"), UnknownSymbolError, "z"),
        (("x**2*sine(x)", "x"), UnknownFunctionError, r"'sine' has no row.*close to it: sin.*\^"),
        (("x +* 2", "x"), FormulaError, r"\^"),
        (("x", "x", "grad"), DerivativeError, "'grad' is unknown; .*'gradient'"),
        ((["x"], "x", "gradient"), DerivativeError, '"gradient" needs one expression.*"jacobian"'),
        (("x", "x", ["value", "value"]), DuplicateNameError, "'value' is asked for twice"),
        (("x", "x", []), DerivativeError, "derivatives is empty"),
        (("x", "x", {"u": ("z",)}), DerivativeError, "'z', which is neither an input nor a par"),
        ((None, "x"), ArgumentError, "None"),
        (("x < 1", "x"), FormulaError, "condition"),
        ((["x", ["x", "x"]], "x"), ArgumentError, ""),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_mistake_is_named_with_its_place_and_its_cure(arguments, error, message):
    with pytest.raises(error, match=f"(?s){message}"):
        sg.compile(*arguments)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"parameters": "x"}, DuplicateNameError, "'x' is declared twice: as input and as param"),
        ({"wrt": "z"}, UnknownSymbolError, "wrt is 'z', which is neither an input nor a param"),
        ({"wrt": "x x"}, DuplicateNameError, "'x' stands twice in wrt"),
        ({"wrt": []}, EmptySystemError, "wrt names nothing"),
        ({"derivatives": {"u": "x"}, "wrt": "k", "parameters": "k"}, DerivativeError, "not in wrt"),
    ],
)
def test_a_wrong_list_of_variables_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        sg.compile("x", "x", **options)


def test_errors_are_the_projects_own():
    for mistake in ("x +", "foo(x)", "y", "1/0", "x**(10**9)**(10**9)"):
        with pytest.raises(SymgradError):
            sg.compile(mistake, "x")


# ----------------------------------------------------------------------------- whole pipeline


def test_compiling_is_deterministic():
    made = [sg.compile("x*sin(y) + y**3", "x y", [1, 2, 3]) for _ in range(2)]
    assert made[0].recipe == made[1].recipe
    assert made[0].program == made[1].program
    assert made[0]._code.kernel is made[1]._code.kernel
    one, two = (fn._code.scratch.memory[:8].tobytes() for fn in made)  # the machine code's address
    assert one == two != bytes(8)


def test_two_compilations_do_not_influence_each_other():
    first = sg.compile("x*y", "x y", "value")
    before = first(X)
    sg.compile("x*y", "y x", "gradient", rewrites="exact")
    sg.compile(["x*y"], "x", "value", parameters="y", dtype="float32")
    again = sg.compile("x*y", "x y", "value")
    assert again.recipe == first.recipe
    np.testing.assert_array_equal(again(X), before)


def test_a_recipe_is_all_that_a_function_needs():
    fn = sg.compile({"a": "k*x"}, "x", ["value", "vjp"], parameters="k", name="mine")
    recipe = Recipe.from_json(fn.recipe.to_json())
    assert recipe == fn.recipe
    made = api.build(recipe)
    for name in ("value", "vjp"):
        np.testing.assert_array_equal(
            made([1.0, 2.0], k=3.0, cotangent=[1.0])[name],
            fn([1.0, 2.0], k=3.0, cotangent=[1.0])[name],
        )


def test_a_derivative_of_an_expression():
    a, b = variables("a b")
    assert api.differentiate_expr(a**3 * b, ["a", "a"]) == api.differentiate_expr(
        6 * a * b * a**0 + 0, []
    )


NESTED = 10_000


def nested(depth):
    return "sin(" * depth + "x" + ")" * depth


def expected_of_nested(depth, at):
    """The value and the derivative of sin(sin(...x...))."""
    value, slope = at, np.ones_like(at)
    for _ in range(depth):
        value, slope = np.sin(value), slope * np.cos(value)
    return value, slope


def test_ten_thousand_nested_functions_go_through_the_whole_pipeline():
    options = Options()
    parsed = api.parse(nested(NESTED), "x")
    requests = parse_requests(["value", "gradient"], parsed.shape, parsed.wrt)
    recipe = api.make_recipe(parsed, requests, options)
    _, _, program = api.derive_program(recipe, options, signatures.argument_groups(recipe))
    at = np.array([0.5, -2.0])
    with np.errstate(all="ignore"):
        (value,), (slope,) = run(program, PRIMITIVES, [[at]], numpy_arithmetic())
    expected = expected_of_nested(NESTED, at)
    np.testing.assert_allclose(value, expected[0], rtol=1e-10)
    np.testing.assert_allclose(slope, expected[1], rtol=1e-9)


def test_a_thousand_nested_functions_are_compiled():
    fn = sg.compile(nested(1_000), "x", ["value", "gradient"])
    at = np.linspace(-2, 2, 21)
    value, gradient = fn(at)
    expected = expected_of_nested(1_000, at)
    np.testing.assert_allclose(value, expected[0], rtol=1e-12)
    np.testing.assert_allclose(gradient[:, 0], expected[1], rtol=1e-11)


def test_a_program_that_is_cut_into_pieces_has_the_values_of_the_interpreter():
    # 40 x 40 products and a sum of cosines: more stores than one piece takes.
    v = variables("x", 40)
    total = sum(sg.math.cos(a) for a in v)
    fn = sg.compile([[a * b + total for a in v] for b in v], v, "value")
    assert len(fn.program.pieces) > 1
    points = np.random.default_rng(2).uniform(-0.3, 0.3, (9, 40))
    (value,) = run(fn.program, PRIMITIVES, [list(points.T)], numpy_arithmetic())
    np.testing.assert_allclose(fn(points).reshape(9, -1), np.stack(value, -1), rtol=1e-14)


@pytest.mark.parametrize("formula", ["where(x < 0, -0.0, x)", "atan2(-0.0, x)"])
def test_a_negative_zero_stays_negative(formula):
    made = sg.compile(formula, "x", "value")([-1.0])
    assert np.signbit(made).all()


@pytest.mark.parametrize(
    ("text", "error"),
    [("x + q", UnknownSymbolError), ("x +", FormulaError), ("foo(x)", UnknownFunctionError)],
)
def test_formulas_that_cannot_be_read_are_named_with_their_file(text, error):
    problem = parse_problem(f'inputs = ["x"]\n[outputs]\ne = "{text}"\n', "spring.toml")
    with pytest.raises(error, match=r"^spring\.toml: "):
        api.problem_recipe(problem)


def test_choices_of_a_problem_stand_unless_others_are_given():
    text = 'inputs = ["x"]\noutputs = "x"\nsparse = true\noptimize = "fast"\ndtype = "float32"\n'
    problem = parse_problem(text, "p.toml")
    said = api.problem_recipe(problem, "gradient").options
    assert (said["sparse"], said["optimize"], said["dtype"]) == (True, "fast", "float32")
    made = api.problem_recipe(problem, "gradient", sparse=False, optimize="max", dtype="float64")
    assert (made.options["sparse"], made.options["optimize"]) == (False, "max")
    assert made.options["dtype"] == "float64"
    assert sg.compile("x", "x", optimize="max").recipe.options["optimize"] == "max"
    plain = api.problem_recipe(parse_problem('inputs = ["x"]\noutputs = "x"\n', "p.toml"))
    assert Options(**plain.options) == Options()
