"""What a compiled function says of itself."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import symgrad as sg
from symgrad.details import WRITERS, count_operations, program_text, sample
from symgrad.emit.providers.provider import implementation
from symgrad.errors import DerivativeError, OptionError, UnknownFunctionError
from symgrad.functions import PRIMITIVES
from symgrad.ir.program import UNCOUNTED, WEIGHTS


@pytest.fixture(scope="module")
def fn():
    return sg.compile(
        "k*x**2*sin(y)/(1 + sqrt(x))", "x y", ["value", "gradient"], parameters="k", name="spring"
    )


def test_operations_are_counted_by_kind(fn):
    counted = fn.operations.counts
    assert counted["sin"] == counted["cos"] == counted["sqrt"] == 1
    assert not set(counted) & UNCOUNTED
    assert fn.operations.total == sum(counted.values()) == fn.program.total
    assert fn.operations.functions == {"cos": 1, "sin": 1}
    assert list(counted) == sorted(counted)


def test_operations_are_weighted_by_their_cost(fn):
    total = 0
    for op, *_ in fn.program.code:
        if op not in UNCOUNTED:
            total += WEIGHTS[op] if op in WEIGHTS else PRIMITIVES[op].cost
    assert fn.operations.weighted == total
    assert fn.operations.arithmetic == fn.operations.total - 2  # sine and cosine


def test_operations_before_simplification_are_those_of_the_bare_derivatives():
    fn = sg.compile("exp(log(x))*y + sin(x)", "x y", ["value", "gradient"])
    before = fn.operations.before
    assert before.functions["exp"] == before.functions["log"] == 1
    assert set(fn.operations.functions) == {"sin", "cos"}
    assert before.total > fn.operations.total
    assert before.weighted > fn.operations.weighted
    kept = sg.compile("exp(log(x))*y + sin(x)", "x y", ["value", "gradient"], rewrites="exact")
    assert kept.operations.before.functions == kept.operations.functions


def test_operations_before_simplification_know_the_options():
    dense = sg.compile("log(exp(x))*x*y", "x y", "hessian")
    sparse = sg.compile("log(exp(x))*x*y", "x y", "hessian", sparse=True)
    assert sparse.operations.before == dense.operations.before


@pytest.mark.parametrize(
    ("formula", "total"),
    [("x", 0), ("3", 0), ("-x", 0), ("x + 1", 1), ("x*x*x", 2), ("sin(x)", 1), ("x/3", 1)],
)
def test_loads_stores_constants_and_negations_are_free(formula, total):
    assert count_operations(sg.compile(formula, "x", "value").program).total == total


def test_the_accuracy_of_every_called_function_is_told(fn):
    assert set(fn.accuracy) == {"sin", "cos"}
    for name in fn.accuracy:
        found = fn.accuracy[name]
        assert found.function == name
        assert found.provider in ("symgrad", "libmvec", "libm")
        assert 0 < found.ulp <= 6
        assert found in [implementation(name, w, "float64", "high") for w in (2, 4, 8, 16)]


def test_sparsity_lists_the_entries_that_are_not_structural_zeros():
    fn = sg.compile(["x*y", "z**2", "3"], "x y z", ["value", "jacobian", "hessian"])
    assert set(fn.sparsity) == {"value", "jacobian", "hessian"}
    np.testing.assert_array_equal(fn.sparsity["value"].axes, [[0, 1, 2]])
    np.testing.assert_array_equal(fn.sparsity["jacobian"].axes, [[0, 0, 1], [0, 1, 2]])
    np.testing.assert_array_equal(fn.sparsity["hessian"].axes, [[0, 0, 1], [0, 1, 2], [1, 0, 2]])
    dense = fn(np.full((4, 3), 1.5)).jacobian
    mask = np.zeros((3, 3), bool)
    mask[fn.sparsity["jacobian"].axes] = True
    assert (dense[:, mask] != 0).all()
    assert (dense[:, ~mask] == 0).all()


def test_sparsity_of_one_expression():
    fn = sg.compile("x*z", "x y z", ["value", "gradient"])
    assert fn.sparsity["value"].axes == ()
    assert fn.sparsity["value"].nnz == 1
    np.testing.assert_array_equal(fn.sparsity["gradient"].axes, [[0, 2]])


@pytest.mark.parametrize("target", WRITERS)
def test_source_is_written_for_every_language(fn, target):
    text = fn.source(target)
    assert "spring" in text
    assert "sin" in text


def test_a_language_that_there_is_not_is_refused(fn):
    with pytest.raises(OptionError, match=r"target='fortran'.*'numba', 'c'"):
        fn.source("fortran")


@pytest.mark.parametrize(
    "name", ["", "two words", "class*", "1st", "__import__('os')", "a\nb", "ü" * 3, "n" * 80]
)
def test_a_name_that_is_no_identifier_is_not_written(name):
    text = sg.compile("2*x", "x", "value", name=name).source("numba")
    assert "def kernel" in text
    assert not name.strip() or name not in text


def test_the_sample_has_the_exact_results(fn):
    point, values = sample(fn.program, {}, "float64")
    (x, y), (k,) = point
    assert len({x, y, k}) == 3
    assert values[0] == [pytest.approx(k * x**2 * math.sin(y) / (1 + math.sqrt(x)), rel=1e-15)]
    result = fn([[x, y]], k=k)
    np.testing.assert_allclose(result.gradient[0], values[1], rtol=1e-14)


def test_the_sample_lies_in_the_ranges(fn):
    ranges = {"x": (10.0, 11.0), "y": (-3.0, -2.5), "k": (7.0, 7.0)}
    (x, y), (k,) = sample(fn.program, ranges, "float64")[0]
    assert 10 < x < 11
    assert -3 < y < -2.5
    assert k == 7


def test_the_sample_can_be_held_in_single_precision(fn):
    point, _ = sample(fn.program, {}, "float32")
    for value in (v for group in point for v in group):
        assert np.float32(value) == value


def test_the_program_reads_as_one_line_an_instruction(fn):
    lines = program_text(fn.program).splitlines()
    assert len(lines) == len(fn.program.code)
    loads = {line.split(" = ")[1] for line in lines if "= load" in line}
    assert loads == {"load inputs[x]", "load inputs[y]", "load parameters[k]"}
    assert sum(line.startswith("store %") for line in lines) == 3
    assert any(line.endswith("-> gradient[1]") for line in lines)
    assert any("= constant 1.0" in line for line in lines)
    for index, line in enumerate(lines):
        assert line.startswith((f"%{index} = ", "store %"))


@pytest.mark.usefixtures("routine_rows")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_routines_are_functions_like_others(dtype):
    x, y = sg.variables("x y")
    expr = sg.math.agm(x, y) * sg.math.twice_mixture(y)
    fn = sg.compile(expr, [x, y], "value", dtype=dtype, cache=False)
    assert fn.operations.functions == {"agm": 1, "twice_mixture": 1}
    assert fn.operations.weighted == 1 + 50 + 160
    assert {name: choice.provider for name, choice in fn.accuracy.items()} == {
        "agm": "symgrad",
        "twice_mixture": "symgrad",
    }
    assert fn.accuracy["agm"].ulp == (3.0 if dtype == "float64" else 1.0)
    assert "sg_mixture(" in fn.source("c")
    assert "sg_mixture(" in fn.source("numba")
    report = sg.check(fn, against="mpmath", ranges={"x": (0.7, 1.4), "y": (0.7, 1.4)})
    assert report, str(report)


@pytest.mark.usefixtures("routine_rows")
def test_derivatives_without_closed_form_are_refused_where_they_are_needed():
    x, y = sg.variables("x y")
    expr = x * sg.math.agm(x, y) + y
    fn = sg.compile(expr, [x, y], ["gradient", "hessian"], wrt=[x], cache=False)
    assert fn.operations.functions == {"agm": 1}
    sg.compile(sg.math.agm(x, 2), [x], 3, cache=False)
    for what in ("gradient", "hessian"):
        with pytest.raises(DerivativeError, match=r"by its argument 2 \(the second of two means\)"):
            sg.compile(expr, [x, y], what, cache=False)
    with pytest.raises(DerivativeError, match="no closed form"):
        sg.compile(expr, [x, y], {"xyy": (x, y, y)}, cache=False)


@pytest.mark.usefixtures("routine_rows")
def test_the_program_as_text_shows_routines_and_loops():
    fn = sg.compile(sg.math.fibonacci(sg.variables("n")), ["n"], "value", cache=False)
    head, text = program_text(fn.program).split("\n\n")
    assert head.splitlines()[1] == "%1 = fibonacci %0"
    lines = text.splitlines()
    assert lines[0] == "fibonacci(a0):"
    assert any("= loop " in line and "2 states, 90 turns at most" in line for line in lines)
    assert any(line.endswith("[0]") and "= part" in line for line in lines)
    body = lines[lines.index("body 0:") :]
    assert {"before[k]", "before[s0]", "before[s1]", "before[i0]"} == {
        line.split()[-1] for line in body if "= load" in line
    }
    assert body[-1].endswith("-> turn[2]")


def test_the_graph_is_the_simplified_one(fn):
    assert {"sin", "cos"} <= set(fn.graph.ops)
    plain = sg.compile("log(exp(x))", "x", "value")
    assert "exp" not in plain.graph.ops
    kept = sg.compile("log(exp(x))", "x", "value", rewrites="exact")
    assert "exp" in kept.graph.ops


def test_details_are_the_same_where_code_came_from_the_cache(fn):
    again = sg.compile(
        "k*x**2*sin(y)/(1 + sqrt(x))", "x y", ["value", "gradient"], parameters="k", name="spring"
    )
    assert again.program == fn.program
    assert again.operations == fn.operations
    assert again.llvm() == fn.llvm()
    assert again.source("c") == fn.source("c")


def test_source_tells_which_entries_a_sparse_result_has():
    fn = sg.compile({"u": "x**2*y"}, "x y", ["jacobian", "hessian"], sparse=True)
    for target in WRITERS:
        text = fn.source(target)
        for position, index in enumerate(fn.sparsity["hessian"].indices.tolist()):
            assert f"hessian[{position}]: entry {index} of u" in text
    assert [result.pattern for result in fn.program.results] == [None, None]


def test_tables_of_routines_are_shown_by_number() -> None:
    table = sg.spline("table", [0.0, 1.0, 3.0], [1.0, 2.0, 0.0])
    text = program_text(sg.compile("table(x)", "x", "value", functions=table).program)
    assert re.search(r"^%\d+ = lookup %\d+ table 0$", text, re.MULTILINE)
    assert "\ntable__table(a0):\n" in text


def test_source_cannot_hold_python_functions() -> None:
    mine = sg.function("mine", numba=lambda x: x + 1)
    fn = sg.compile("mine(x)", "x", "value", functions=mine)
    with pytest.raises(UnknownFunctionError, match="'mine' is a Python function that numba"):
        fn.source("c")
