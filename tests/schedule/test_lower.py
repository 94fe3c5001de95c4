"""Programs mean what their graphs mean, and take no more instructions than they should."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import mpmath
import numpy as np
import pytest

from symgrad import api, signatures
from symgrad.errors import DerivativeError
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.evaluate import evaluate, mpmath_arithmetic, run
from symgrad.ir.expression import variables
from symgrad.ir.graph import Graph
from symgrad.ir.program import Group
from symgrad.ir.system import Tensor
from symgrad.ir.verify import verify_graph, verify_program
from symgrad.options import Options
from symgrad.parse.requests import parse_requests
from symgrad.schedule import lower
from symgrad.schedule.lower import schedule

ROOT = Path(__file__).parents[2]
DIGITS = 50


def pipeline(outputs, inputs, derivatives="value", *, parameters=(), rewrites="all"):
    """The simplified graph, its tensors and the Program of a system."""
    options = Options(rewrites=rewrites)
    parsed = api.parse(outputs, inputs, parameters)
    requests = parse_requests(derivatives, parsed.shape, parsed.wrt)
    recipe = api.make_recipe(parsed, requests, options)
    return api.derive_program(recipe, options, signatures.argument_groups(recipe))


def program_of(outputs, inputs, derivatives="value", **options):
    return pipeline(outputs, inputs, derivatives, **options)[2]


def counts(outputs, inputs, derivatives="value", **options):
    """How many instructions of each kind, loads, stores and constants left out."""
    found = dict(program_of(outputs, inputs, derivatives, **options).counts)
    return {op: n for op, n in found.items() if op not in ("load", "store", "constant", "boolean")}


def morse(m, x):
    square = sum((x[k] - x[k + 3]) ** 2 for k in range(3))
    return [(1 - m.exp(-1.5 * (m.sqrt(square) - 1.2))) ** 2]


def lennard_jones(m, x):
    inverse6 = 1 / (x[0] ** 2 + x[1] ** 2) ** 3
    return [4 * (inverse6 * inverse6 - inverse6)]


def kepler(m, x):
    r = m.sqrt(x[0] ** 2 + x[1] ** 2)
    return [x[2], x[3], -x[0] / r**3, -x[1] / r**3]


def clamped(m, x):
    return [m.where((x[0] < 1) & ~(x[1] <= 0.5), m.sqrt(x[0]) + m.max(x[0], x[1]), m.abs(x[1]))]


def option_price(m, x):
    spot, strike, volatility = x
    d1 = m.log(spot / strike) / volatility + volatility / 2
    return [spot * (1 + m.erf(d1)) / 2 - strike * m.erfc(volatility - d1) / 2]


def polynomial(m, x):
    return [sum((k - 3) * x[0] ** k * x[1] ** (6 - k) for k in range(7)) - m.pi * x[0] / m.e]


def rational(m, x):
    return [x[0] ** (3 / 2) / x[1] + x[0] ** -2 * x[1] ** -0.5, 1 / x[1] - 1 / x[0] ** 65]


def remainders(m, x):
    return [m.mod(5 * x[0], x[1]), m.floor(3 * x[0]) + m.rint(x[1]) - m.sign(x[0]), m.pow(*x)]


def chain(m, x):
    value = x[0]
    for k in range(40):
        value = m.sin(value) * x[1] + m.cos(value) / (k + 1)
    return [value]


SYSTEMS = {
    "morse": (morse, 6),
    "lennard_jones": (lennard_jones, 2),
    "kepler": (kepler, 4),
    "clamped": (clamped, 2),
    "option_price": (option_price, 3),
    "polynomial": (polynomial, 2),
    "rational": (rational, 2),
    "remainders": (remainders, 2),
    "chain": (chain, 2),
}
ORDERS = {"chain": ["value", "jacobian"]}


def traced(name):
    function, count = SYSTEMS[name]
    x = variables("x", count)
    return function(math, x), x, ORDERS.get(name, ["value", "jacobian", "hessian"])


@pytest.mark.parametrize("rewrites", ["all", "exact"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_a_program_has_the_values_of_its_graph(name, rewrites, rng):
    outputs, inputs, derivatives = traced(name)
    graph, tensors, program = pipeline(outputs, inputs, derivatives, rewrites=rewrites)
    verify_graph(graph, canonical=False)
    verify_program(program)
    assert [(r.name, r.shape) for r in program.results] == [(t.name, t.shape) for t in tensors]
    nodes = [node for tensor in tensors for node in tensor.nodes]
    # Constants are rounded once, to the nearest double; the program's sums then cancel a little.
    tolerance = mpmath.mpf(2) ** -46
    for point in rng.uniform(0.55, 1.45, (3, len(inputs))):
        with mpmath.workdps(DIGITS):
            values = [mpmath.mpf(v) for v in point]
            named = {str(x.value): v for x, v in zip(inputs, values, strict=True)}
            expected = evaluate(graph, nodes, named, mpmath_arithmetic())
            got = [v for r in run(program, PRIMITIVES, [values], mpmath_arithmetic()) for v in r]
            scale = max(1, *(abs(v) for v in expected))
            worst = max(abs(a - b) for a, b in zip(got, expected, strict=True))
            assert worst <= tolerance * scale, (name, point, mpmath.nstr(worst, 5))


def test_exact_constants_give_the_exact_value():
    # Nothing here is rounded, so that the two evaluations agree to all digits.
    graph, tensors, program = pipeline(
        "(x - 3*y)**5/(4*x*y) + sqrt(x*y)/2", "x y", ["value", "gradient", "hessian"]
    )
    nodes = [node for tensor in tensors for node in tensor.nodes]
    with mpmath.workdps(DIGITS):
        x, y = mpmath.mpf("1.25"), mpmath.mpf("0.7")
        expected = evaluate(graph, nodes, {"x": x, "y": y}, mpmath_arithmetic())
        got = [v for r in run(program, PRIMITIVES, [[x, y]], mpmath_arithmetic()) for v in r]
        for a, b in zip(got, expected, strict=True):
            assert mpmath.almosteq(a, b, rel_eps=mpmath.mpf(10) ** (8 - DIGITS))


COUNTS = [
    # formula, inputs, wanted, instructions
    ("x**2*sin(y)", "x y", "value", {"mul": 2, "sin": 1}),
    ("x**2*sin(y)", "x y", ["value", "gradient"], {"mul": 5, "sin": 1, "cos": 1}),
    ("x - y", "x y", "value", {"sub": 1}),
    ("y - x", "x y", "value", {"sub": 1}),
    ("-x - y", "x y", "value", {"add": 1, "neg": 1}),
    ("-(x - y)", "x y", "value", {"sub": 1}),
    ("1 - x", "x", "value", {"sub": 1}),
    ("-x", "x", "value", {"neg": 1}),
    ("x - 2*y*z", "x y z", "value", {"mul": 2, "sub": 1}),
    ("x/y", "x y", "value", {"div": 1}),
    ("2*x/(3*y)", "x y", "value", {"mul": 1, "div": 1}),
    ("x/(y*z)", "x y z", "value", {"mul": 1, "div": 1}),
    ("1/x", "x", "value", {"div": 1}),
    ("x**4", "x", "value", {"mul": 2}),
    ("x**7", "x", "value", {"mul": 4}),
    ("x**64", "x", "value", {"mul": 6}),
    ("x**65", "x", "value", {"pow": 1}),
    ("x**-2", "x", "value", {"mul": 1, "div": 1}),
    ("sqrt(x)", "x", "value", {"sqrt": 1}),
    ("1/sqrt(x)", "x", "value", {"sqrt": 1, "div": 1}),
    ("x**(3/2)", "x", "value", {"sqrt": 1, "mul": 1}),
    ("x**(1/4)", "x", "value", {"sqrt": 2}),
    ("x**(1/3)", "x", "value", {"pow": 1}),
    ("x**y", "x y", "value", {"pow": 1}),
    ("x + x", "x", "value", {"mul": 1}),
    ("sin(x)**2 + sin(x)", "x", "value", {"sin": 1, "mul": 1, "add": 1}),
    ("3", "x", "value", {}),
    ("pi*sqrt(2) + e", "x", "value", {}),
]


@pytest.mark.parametrize(("formula", "inputs", "wanted", "expected"), COUNTS)
def test_instructions_are_as_few_as_they_should_be(formula, inputs, wanted, expected):
    assert counts(formula, inputs, wanted) == expected


def test_a_reciprocal_that_several_products_need_is_one_division():
    found = counts(["a/x", "b/x", "c/x**2"], "a b c x")
    assert found["div"] == 1
    assert found["mul"] == 4  # a r, b r, r r, c r^2


def test_a_root_and_its_inverse_share_the_root():
    assert counts(["sqrt(x)", "a/sqrt(x)"], "a x") == {"sqrt": 1, "div": 1}
    # 1/sqrt(s) and its cube: one root, one division.
    found = counts("1/sqrt(x**2 + y**2)", "x y", ["value", "gradient"])
    assert found["sqrt"] == 1
    assert found["div"] == 1


def test_an_inverse_root_is_squared_only_where_its_base_cannot_be_negative():
    # 1/x at x = -4 is -1/4, though 1/sqrt(x) has no value there.
    for base, divisions, inverse in (("x", 2, -4), ("(x*x + 9)", 1, 25)):
        program = program_of([f"1/{base}", f"1/sqrt({base})"], "x")
        assert program.counts["div"] == divisions
        with mpmath.workdps(20):
            got = run(program, PRIMITIVES, [[mpmath.mpf(-4)]], mpmath_arithmetic())[0]
            assert mpmath.almosteq(got[0], mpmath.mpf(1) / inverse)


def test_a_short_sum_is_added_from_left_to_right_and_a_long_one_in_pairs():
    def depth(count):
        program = program_of("+".join(f"x{i}" for i in range(count)), variables("x", count))
        levels = []
        for op, args, _ in program.code:
            levels.append(max((levels[a] for a in args), default=0) + (op == "add"))
        assert program.counts["add"] == count - 1
        return max(levels)

    assert depth(lower.PAIRWISE_FROM - 1) == lower.PAIRWISE_FROM - 2
    assert depth(8) == 3
    assert depth(9) == 4
    assert depth(64) == 6


def test_subtractions_take_the_signs_so_that_nothing_is_negated():
    formula = " + ".join(f"{'-' if i % 2 else ''}x{i}*y" for i in range(9))
    found = counts(formula, [*variables("x", 9), "y"])
    assert "neg" not in found
    assert found["add"] + found["sub"] == 8


def test_a_sum_under_a_minus_sign_is_emitted_with_its_signs_turned():
    # The canonical form of y - x is -(x - y): one subtraction, not a subtraction and a negation.
    assert counts(["x", "y", "exp(y - x)"], "x y") == {"sub": 1, "exp": 1}
    # Where x - y is there anyway, negating it is as quick.
    assert counts(["log1p(x - y)", "log1p(y - x)"], "x y") == {"sub": 1, "neg": 1, "log1p": 2}


def test_equal_instructions_are_emitted_once():
    program = program_of(
        ["sin(x*y)*cos(x*y)", "sin(y*x) + x*y", "x*y"], "x y", ["value", "jacobian", "hessian"]
    )
    loaded = [(i.op, i.args, repr(i.data)) for i in program.code if i.op != "store"]
    assert len(loaded) == len(set(loaded))


def test_results_are_stored_as_soon_as_they_are_complete():
    program = program_of(["x*y", "sin(x)", "exp(x)*y"], "x y")
    places = {i.data[1]: k for k, i in enumerate(program.code) if i.op == "store"}
    assert sorted(places.values()) == [places[0], places[1], places[2]]
    for index in places.values():
        assert program.code[index].args == (index - 1,)


def test_the_same_node_in_two_entries_is_stored_twice_and_computed_once():
    program = program_of("x*y", "x y", ["value", "hessian"])
    verify_program(program)
    assert program.counts["store"] == 5
    assert program.counts["mul"] == 1


def test_zeros_of_either_sign_stay_apart():
    graph = Graph(PRIMITIVES)
    nodes = tuple(graph.constant(v) for v in (0, 0.0, -0.0, 1, 1.0))
    program = schedule(graph, [Tensor("value", (5,), nodes)], [Group("inputs", ("x",))])
    data = [i.data for i in program.code if i.op == "constant"]
    assert [str(v) for v in data] == ["0.0", "-0.0", "1.0"]
    assert all(type(v) is float for v in data)


def test_a_multiply_add_of_minus_zero_is_a_product():
    """It has the same bits; added to +0 a product of -0 is another zero."""
    x, y = variables("x y")
    for added, wanted in ((-0.0, {"mul": 1}), (0.0, {"fma": 1}), (0, {"fma": 1})):
        assert counts([math.fma(x, y, added)], [x, y]) == wanted
    program = program_of([math.fma(x, y, -0.0)], [x, y])
    assert program.counts["constant"] == 0, "nobody needs the zero"


def test_groups_place_every_name_in_its_column():
    program = program_of("k*x + y*j", "x y", parameters="j k")
    assert program.groups == (Group("inputs", ("x", "y")), Group("parameters", ("j", "k")))
    assert {i.data for i in program.code if i.op == "load"} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_a_column_that_nothing_uses_is_not_loaded():
    program = program_of("x", "x y z", ["value", "gradient"])
    assert program.counts["load"] == 1


def test_constants_are_rounded_once():
    (value,) = [i.data for i in program_of("x*(1/3 + pi/7)", "x").code if i.op == "constant"]
    with mpmath.workdps(40):
        assert value == float(mpmath.mpf(1) / 3 + mpmath.pi / 7)


@pytest.mark.parametrize("formula", ["x + 10**310", "10**400"])
def test_an_exact_constant_beyond_the_largest_double_is_infinite(formula):
    data = [i.data for i in program_of(formula, "x").code if i.op == "constant"]
    assert data == [np.inf]


def test_an_exact_coefficient_beyond_the_largest_double_is_infinite():
    program = program_of("x*10**400", "x", rewrites="finite")
    assert [i.data for i in program.code if i.op == "constant"] == [np.inf]


@pytest.mark.parametrize("formula", ["x/10**400", "x*10**-400"])
def test_an_exact_constant_below_the_smallest_double_is_zero(formula):
    program = program_of(formula, "x", rewrites="finite")
    assert [i.data for i in program.code if i.op == "constant"] == [0.0]


def test_deep_nesting_does_not_recurse():
    x = variables("x")
    value = x
    for _ in range(10_000):
        value = math.sin(value)
    program = program_of(value, "x")
    assert program.counts["sin"] == 10_000


def test_a_sum_of_many_terms_takes_linear_time():
    x = variables("x", 3_000)
    program = program_of(sum(a * b for a, b in pairwise(x)), x)
    assert program.counts["mul"] == 1_500  # x1 * (x0 + x2) and so on
    assert program.counts["add"] == 2_998


HASHED = """
import hashlib, sys
from tests.schedule.test_lower import ORDERS, SYSTEMS, program_of, traced
text = "\\n".join(program_of(*traced(name)).to_json() for name in SYSTEMS if name != "chain")
print(hashlib.sha256(text.encode()).hexdigest())
"""


def test_programs_do_not_depend_on_the_hash_seed():
    text = "\n".join(program_of(*traced(name)).to_json() for name in SYSTEMS if name != "chain")
    expected = hashlib.sha256(text.encode()).hexdigest()
    seed = "77" if os.environ.get("PYTHONHASHSEED") != "77" else "1"  # usually random here
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    made = subprocess.run(
        [sys.executable, "-c", HASHED],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert made.stdout.strip() == expected


@pytest.mark.usefixtures("routine_rows")
def test_routines_come_with_the_program_callees_first():
    a, b = variables("a b")
    made = program_of(math.twice_mixture(a) * math.fibonacci(b), [a, b])
    verify_program(made)
    names = [routine.name for routine in made.routines]
    assert sorted(names) == ["agm", "fibonacci", "mixture", "twice_mixture"]
    assert names.index("agm") < names.index("mixture") < names.index("twice_mixture")
    assert program_of(math.sin(a), [a]).routines == ()


@pytest.mark.usefixtures("routine_rows")
def test_a_derivative_without_closed_form_cannot_be_scheduled():
    a, b = variables("a b")
    expr = math.agm(a, b)
    assert "agm" in program_of(expr, [a, b], {"slope": (a,)}).counts
    with pytest.raises(DerivativeError, match="the second of two means"):
        program_of(expr, [a, b], {"slope": (b,)})
