"""check() passes what is right and catches a wrong row, a wrong kernel and a wrong entry."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from typing import Any

import numpy as np
import pytest
import sympy

import symgrad as sg
import symgrad.interop
from symgrad import api
from symgrad.errors import (
    ArgumentError,
    MissingDependencyError,
    OptionError,
    UnknownFunctionError,
)
from symgrad.functions import PRIMITIVES
from symgrad.functions.elementary import call
from symgrad.ir.primitive import define
from symgrad.report import Report, Row


class Altered:
    """A compiled function whose results are changed on the way out: a kernel with a fault."""

    def __init__(self, fn: sg.CompiledFunction, name: str, change: Any) -> None:
        self.fn, self.name, self.change = fn, name, change

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self.fn, attribute)

    def __call__(self, *points: Any, **given: Any) -> Any:
        results = self.fn(*points, **given).as_dict()
        results[self.name] = self.change(results[self.name].copy())
        return list(results.values())


def compiled(*arguments: Any, **options: Any) -> sg.CompiledFunction:
    return sg.compile(*arguments, cache=False, **options)


@pytest.fixture(scope="module")
def smooth() -> sg.CompiledFunction:
    return compiled("exp(x*y)*sin(x)/(1 + y**2)", "x y", ["value", "gradient", "hessian"])


def found(report: Report, result: str, oracle: str) -> Row:
    (row,) = [row for row in report.rows if (row.result, row.oracle) == (result, oracle)]
    return row


def failures(report: Report) -> set[tuple[str, str]]:
    return {(row.result, row.oracle) for row in report.rows if not row.passed}


def test_a_right_function_passes_within_the_bound_of_rounding(smooth: sg.CompiledFunction) -> None:
    report = sg.check(smooth, against="mpmath")
    assert report
    assert [(row.result, row.oracle) for row in report.rows] == [
        ("value", "mpmath"),
        ("gradient", "mpmath"),
        ("gradient", "difference"),
        ("hessian", "mpmath"),
        ("hessian", "difference"),
    ]
    for row in report.rows:
        if row.oracle == "mpmath":
            assert row.entries == 16 * {"value": 1, "gradient": 2, "hessian": 4}[row.result]
            assert 0 < row.worst_bound < 1  # the bound holds, and is not met by chance
            assert 0 < row.worst_relative < 1e-14
            assert 0 < row.worst_ulp < 200
            assert set(row.point) == {"x", "y"}
        else:
            assert row.worst_relative < 1e-40  # both sides have 50 digits


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch_axis", [0, -1])
def test_every_kind_of_result_is_checked(dtype: str, batch_axis: int) -> None:
    fn = compiled(
        [["x*sin(k*y)", "y/x"], ["exp(x - y)", "k**2"]],
        "x y",
        ["value", "jacobian", "hessian", 3, "vjp", "jvp", "hvp"],
        parameters="k",
        wrt="k y",
        dtype=dtype,
        batch_axis=batch_axis,
    )
    report = sg.check(fn, against="mpmath", count=5)
    assert report, report
    assert len(report.rows) == 13
    assert found(report, "order3", "mpmath").entries == 5 * 4 * 8
    assert found(report, "hvp", "mpmath").entries == 5 * 2


def test_chosen_partials_and_scalar_products_are_checked(torch: Any) -> None:
    partials = {"u": (), "u_x": ("x",), "u_xxt": ("x", "t", "x")}
    fn = compiled("exp(-k*t)*sin(x*t)", "x t", partials, parameters="k")
    assert sg.check(fn, count=4)
    assert sg.check(compiled("x**3*y", "x y", ["vjp", "jvp", "hvp"]), count=4)


def wrong_table(monkeypatch: pytest.MonkeyPatch, **rows: Any) -> None:
    """A private table in which some rows have other partials."""
    table = dict(PRIMITIVES)
    for name, partials in rows.items():
        table[name] = dataclasses.replace(
            table[name], partials=define(name, *partials, domain=(0, 1)).partials
        )
    monkeypatch.setattr(api, "PRIMITIVES", table)


WRONG = {
    "tan": [lambda y, x: 1 - y * y],
    "asin": [lambda y, x: 1 / (1 + x * x) ** 0.5],
    "erf": [lambda y, x: 1.12837917 * call("exp", -x * x)],  # eight digits of 2/sqrt(pi)
    "atan2": [lambda y, a, b: b / (a * a + b * b), lambda y, a, b: a / (a * a + b * b)],
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_row_is_caught_without_torch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong_table(monkeypatch, **{name: WRONG[name]})
    arguments = "x/2, y" if len(WRONG[name]) == 2 else "x*y/3"
    fn = compiled(f"y*{name}({arguments})", "x y", ["value", "gradient", "hessian"])
    report = sg.check(fn, against="mpmath", count=3)
    # The compiled code does what the wrong rules say; only differences of the value know better.
    assert failures(report) == {("gradient", "difference"), ("hessian", "difference")}
    assert "FAILED" in str(report)


def test_a_wrong_row_is_caught_by_torch(monkeypatch: pytest.MonkeyPatch, torch: Any) -> None:
    wrong_table(monkeypatch, tan=WRONG["tan"])
    fn = compiled("y*tan(x*y/3)", "x y", ["value", "gradient"])
    assert failures(sg.check(fn, against="torch", count=3)) == {("gradient", "torch")}


def test_a_partial_that_is_wrong_from_the_second_order_on_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # cos'(x) = -sin(x) is right in sin'' = -sin, so spoil cos alone and ask for sin.
    wrong_table(monkeypatch, cos=[lambda y, x: call("sin", x)])
    report = sg.check(compiled("sin(x)", "x", ["gradient", "hessian"]), against="mpmath", count=3)
    assert failures(report) == {("hessian", "difference")}


@pytest.mark.parametrize("relative", [1e-13, -1e-14, 1e-3])
def test_a_kernel_that_is_a_little_off_is_caught(
    relative: float, smooth: sg.CompiledFunction
) -> None:
    fn = Altered(smooth, "gradient", lambda array: array * (1 + relative))
    assert failures(sg.check(fn, against="mpmath")) == {("gradient", "mpmath")}


def test_a_single_wrong_entry_is_found(smooth: sg.CompiledFunction) -> None:
    def spoil(array: Any) -> Any:
        array[3, 1, 0] += 1e-9
        return array

    report = sg.check(Altered(smooth, "hessian", spoil), against="mpmath", seed=5)
    row = found(report, "hessian", "mpmath")
    assert failures(report) == {("hessian", "mpmath")}
    assert row.entry == (1, 0)
    assert row.got - row.expected == pytest.approx(1e-9, rel=1e-5)
    again = smooth([[row.point["x"], row.point["y"]]]).hessian[0, 1, 0]
    assert again == pytest.approx(row.expected, rel=1e-14)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_in_place_of_a_number_fail(
    value: float, smooth: sg.CompiledFunction
) -> None:
    report = sg.check(
        Altered(smooth, "value", lambda array: array * value), against="mpmath", tolerance=1e9
    )
    assert failures(report) == {("value", "mpmath")}
    assert json.loads(report.to_json())["rows"][0]["got"] == repr(report.rows[0].got)


def test_tolerance_replaces_the_bound(smooth: sg.CompiledFunction) -> None:
    off = Altered(smooth, "value", lambda array: array * (1 + 1e-6))
    assert not sg.check(off, against="mpmath", tolerance=1e-7)
    assert sg.check(off, against="mpmath", tolerance=1e-5)
    assert not sg.check(smooth, against="mpmath", tolerance=1e-18)


def test_cancellation_is_judged_by_its_condition() -> None:
    fn, points = compiled("exp(x) - exp(y)", "x y", ["value"]), [[1.0, 1.0 + 2.0**-42]]
    report = sg.check(fn, points=points, against="mpmath")
    row = found(report, "value", "mpmath")
    assert report
    assert row.worst_relative > 1e-4  # the formula is bad there, the kernel is not
    assert "rounding errors beyond" in row.note
    assert not sg.check(fn, points=points, against="mpmath", tolerance=1e-9)
    assert not sg.check(
        Altered(compiled("(1 - cos(x))/x**2", "x", ["value", "gradient"]), "value", np.negative),
        points=[[0.5]],
        against="mpmath",
    )


def test_points_may_be_arrays_numbers_or_names(smooth: sg.CompiledFunction) -> None:
    table = np.array([[0.5, 1.0], [0.25, -2.0], [1.5, 0.125]])
    by_name = {"x": table[:, 0], "y": table[:, 1]}
    expected = sg.check(smooth, table, "mpmath")
    assert expected.points == 3
    assert sg.check(smooth, by_name, "mpmath") == expected
    assert sg.check(smooth, {"x": 0.5, "y": table[:, 1]}, "mpmath").points == 3
    assert sg.check(smooth, [0.5, 1.0], "mpmath").rows[0].point == {"x": 0.5, "y": 1.0}
    single = compiled("x**2", "x")
    assert sg.check(single, 3.0, "mpmath").points == 1
    assert sg.check(single, [1.0, 2.0], "mpmath").points == 2


def test_parameters_are_used_or_drawn() -> None:
    fn = compiled("k*x", "x", ["value"], parameters="k")
    rows = sg.check(fn, parameters={"k": 7.5}, count=2, against="mpmath").rows
    assert rows[0].point["k"] == 7.5
    per_point = sg.check(fn, [[1.0], [2.0]], "mpmath", parameters={"k": [3.0, 4.0]})
    assert per_point
    drawn = sg.check(fn, [[1.0]], "mpmath", ranges={"k": (20.0, 21.0)}).rows[0].point["k"]
    assert 20 <= drawn <= 21


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"points": 7}, r"points has shape \(\); \(N, 2\) is needed, .*random ones is count="),
        ({"points": np.ones((3, 3))}, r"points has shape \(3, 3\); \(N, 2\) is needed"),
        ({"points": {"x": 1.0}}, "all of x, y"),
        ({"points": {"x": 1.0, "z": 2.0}}, "'z' is no input or parameter; those are x, y"),
        ({"ranges": {"w": (0, 1)}}, "'w' is no input"),
        ({"parameters": {"k": 1.0}}, "'k' is no input"),
        ({"points": {"x": [1.0, 2.0], "y": [1.0, 2.0, 3.0]}}, "as many values for every name"),
        ({"points": np.ones((0, 2))}, "one point or more"),
        ({"count": 0}, "one point or more"),
    ],
)
def test_points_that_do_not_fit_are_refused(
    arguments: dict, message: str, smooth: sg.CompiledFunction
) -> None:
    with pytest.raises(ArgumentError, match=message):
        sg.check(smooth, against="mpmath", **arguments)


def test_unknown_oracles_are_refused(smooth: sg.CompiledFunction) -> None:
    with pytest.raises(OptionError, match=r"'torhc'.*did you mean 'torch'"):
        sg.check(smooth, against="torhc")


def test_random_points_lie_where_the_value_is_finite() -> None:
    fn = compiled("log(x) + sqrt(1 - y)", "x y", ["value", "gradient"])
    ranges = {"x": (-2.0, 1.0), "y": (0.0, 3.0)}
    report = sg.check(fn, against="mpmath", count=12, ranges=ranges)
    assert report
    assert report.points == 12
    assert report.rows[0].entries == 12
    assert sg.check(fn, against="mpmath", ranges=ranges, seed=0) == sg.check(
        fn, against="mpmath", ranges=ranges, seed=0
    )
    assert sg.check(fn, against="mpmath", ranges=ranges, seed=1).rows != report.rows
    with pytest.raises(ArgumentError, match="finite at no random point"):
        sg.check(fn, against="mpmath", ranges={"x": (-2.0, -1.0)})


def test_few_finite_points_are_told() -> None:
    report = sg.check(
        compiled("log(x)", "x"), against="mpmath", count=8, ranges={"x": (-1.0, 0.03)}
    )
    assert report.points < 8
    assert f"finite at only {report.points} random points" in report.notes[0]


def test_ranges_of_the_recipe_are_the_default() -> None:
    fn = compiled("asin(x - 5)", "x")
    named = api.build(dataclasses.replace(fn.recipe, ranges={"x": (4.5, 5.5)}), cache=False)
    report = sg.check(named, against="mpmath")
    assert report
    assert all(4.5 <= row.point["x"] <= 5.5 for row in report.rows)
    assert sg.check(named, against="mpmath", ranges={"x": (5.9, 5.95)}).rows[0].point["x"] > 5.8


def test_points_without_a_finite_value_are_not_judged() -> None:
    fn = compiled("log(x)", "x", ["value"])
    half = sg.check(fn, [[-1.0], [2.0]], "mpmath")
    assert half
    assert "1 entries are not finite in 50 digits" in half.rows[0].note
    assert not sg.check(fn, [[-1.0]], "mpmath")  # nothing judged is nothing checked


def test_kinks_are_told_and_do_not_fail() -> None:
    fn = compiled("abs(x)*y + max(x, y)", "x y", ["value", "gradient"])
    report = sg.check(fn, [[0.0, 2.0], [1.0, 1.0], [3.0, 1.0]], "mpmath")
    row = found(report, "gradient", "difference")
    assert report
    assert row.entries == 1
    assert row.note == "2 points lie on a kink, where one-sided quotients differ"


def test_torch_is_right_everywhere_on_smooth_functions(
    smooth: sg.CompiledFunction, torch: Any
) -> None:
    report = sg.check(smooth, count=4)
    assert report
    for name in smooth.results:
        row = found(report, name, "torch")
        assert row.worst_relative < 1e-13
        assert row.note == ""


def test_a_branch_not_taken_is_explained_and_not_held_against_symgrad(torch: Any) -> None:
    fn = compiled("where(x > 0, sqrt(x), 0)", "x", ["value", "gradient"])
    report = sg.check(fn, [[-1.0], [4.0]])
    assert report
    assert "the branch that is not taken" in found(report, "gradient", "torch").note
    wrong = Altered(fn, "gradient", lambda array: array * np.nan)
    assert ("gradient", "mpmath") in failures(sg.check(wrong, [[-1.0], [4.0]]))


def test_another_convention_at_a_kink_is_a_note(
    monkeypatch: pytest.MonkeyPatch, torch: Any
) -> None:
    wrong_table(monkeypatch, abs=[lambda y, x: call("select", x >= 0, 1, -1)])
    fn = compiled("abs(x)", "x", ["value", "gradient"])
    report = sg.check(fn, [[0.0], [2.0]])
    assert found(report, "gradient", "torch").passed
    wrong_table(monkeypatch, abs=[lambda y, x: call("select", x >= 0, 1, 2)])
    assert not sg.check(compiled("abs(x)", "x", ["value", "gradient"]), [[-1.0], [2.0]], "torch")


def test_the_rounding_of_torch_is_not_held_against_symgrad(torch: Any) -> None:
    # log(exp(x)) is simplified to x; torch computes it, overflows or loses digits.
    fn = compiled("log(exp(x)) - x/2", "x", ["value", "gradient"])
    report = sg.check(fn, [[710.5]])
    assert report
    assert "no finite number" in found(report, "value", "torch").note
    report = sg.check(compiled("log(exp(x))", "x", ["value"]), [[1e-12]])
    assert report
    assert "torch's own rounding" in found(report, "value", "torch").note


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "symgrad.interop.torch", raising=False)
    monkeypatch.delattr(symgrad.interop, "torch", raising=False)


@pytest.mark.usefixtures("without_torch")
def test_torch_is_left_out_where_it_is_not_installed(smooth: sg.CompiledFunction) -> None:
    report = sg.check(smooth, count=2)
    assert report
    assert {row.oracle for row in report.rows} == {"mpmath", "difference"}
    assert "torch is not installed and was left out" in report.notes[0]
    assert report.notes[0] in str(report)


@pytest.mark.usefixtures("without_torch")
@pytest.mark.parametrize("against", ["torch", ("torch",), ("mpmath", "torch")])
def test_torch_must_be_there_where_it_is_asked_for(
    against: Any, smooth: sg.CompiledFunction
) -> None:
    with pytest.raises(MissingDependencyError, match=r"pip install symgrad\[torch\]"):
        sg.check(smooth, against=against)


def test_the_module_does_what_the_function_does(smooth: sg.CompiledFunction) -> None:
    # `import symgrad.check` makes the module the attribute `check` of the package.
    module = importlib.import_module("symgrad.check")
    assert module.check is not module
    assert module(smooth, count=2, against="mpmath") == module.check(
        smooth, None, "mpmath", count=2
    )


def unknown(*arguments: Any) -> None:
    raise UnknownFunctionError("nosuch is not there")


def test_what_torch_lacks_is_left_out_with_a_note(
    smooth: sg.CompiledFunction, monkeypatch: pytest.MonkeyPatch, torch: Any
) -> None:
    monkeypatch.setattr(importlib.import_module("symgrad.interop.torch"), "derivatives", unknown)
    report = sg.check(smooth, count=2)
    assert report
    assert not any(row.oracle == "torch" for row in report.rows)
    assert report.notes[0] == "value was left out against torch: nosuch is not there"


def test_without_a_bound_a_million_units_are_allowed(
    smooth: sg.CompiledFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("symgrad.check"), "rounding_bounds", unknown)
    report = sg.check(smooth, against="mpmath", count=2)
    assert report
    assert report.rows[0].worst_bound == 0
    off = Altered(smooth, "value", lambda array: array * (1 + 1e-9))
    assert not sg.check(off, against="mpmath", count=2)


@pytest.mark.parametrize("batch_axis", [0, -1])
def test_sparse_results_are_checked_with_their_structural_zeros(batch_axis):
    fn = sg.compile(
        ["x*y", "sin(z)*x", "2"],
        "x y z",
        ["value", "jacobian", "hessian", 3],
        sparse=True,
        batch_axis=batch_axis,
    )
    report = sg.check(fn, against="mpmath")
    assert report
    rows = {row.result: row for row in report.rows if row.oracle == "mpmath"}
    assert rows["hessian"].entries == 16 * 3 * 9
    assert len(rows["order3"].entry) == 4


def test_symbols_are_names_too():
    x, k = sympy.symbols("x k")
    fn = sg.compile(k * x**2, [x], "value", parameters=[k], jit="never")
    report = sg.check(fn, parameters={k: 2.0}, ranges={x: (0, 1)}, against="mpmath")
    assert report
    assert "k=2.0" in str(report)
    assert sg.check(fn, {x: [1.0, 2.0]}, against="mpmath").points == 2


def test_what_is_no_compiled_function_is_refused():
    with pytest.raises(ArgumentError, match=r"fn is 3; give what sg\.compile made"):
        sg.check(3)  # type: ignore[arg-type]
