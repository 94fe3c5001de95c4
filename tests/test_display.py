from __future__ import annotations

from xml.etree import ElementTree

import pytest

import symgrad.display
from symgrad import compile


def function(outputs, derivatives=None, **options):
    return compile(outputs, "x_1 y", derivatives, parameters="k", jit="never", **options)


def test_one_expression_in_latex():
    fn = function("k*x_1**2*sin(y)")
    assert fn._repr_latex_() == r"$\displaystyle k x_{1}^{2} \sin{\left(y \right)}$"


def test_several_outputs_are_aligned():
    fn = function({"first": "x_1/k", "second": "sqrt(y)"})
    text = fn._repr_latex_()
    assert text.startswith(r"$\displaystyle \begin{aligned}first &= \frac{x_{1}}{k} \\ second &= ")
    assert function(["x_1", "k*y"])._repr_latex_().count(" &= ") == 2


def test_what_cannot_be_read_is_left_out(monkeypatch):
    monkeypatch.setattr(symgrad.display, "MOST_NODES", 3)
    fn = function("k*x_1**2*sin(y)", "hessian")
    assert fn._repr_latex_() is None
    text = fn._repr_html_()
    assert "details" not in vars(fn)  # nothing is derived for a picture
    assert "operations" not in text
    assert "<svg" not in text
    assert "N, 2, 2" in text


@pytest.mark.parametrize(
    ("options", "shape"),
    [({}, "(N, 2, 2)"), ({"batch_axis": -1}, "(2, 2, N)"), ({"reduce": "sum"}, "(2, 2)")],
)
def test_shapes_operations_and_sparsity_in_html(options, shape):
    fn = function("k*x_1**2*sin(y)", ["value", "hessian"], **options)
    text = fn._repr_html_()
    root = ElementTree.fromstring(text)
    cells = [cell.text for cell in root.iter("td")]
    assert cells[:2] == ["x_1, y", "k"]
    assert f"float64 {shape}" in cells
    assert cells[-1].startswith(f"{fn.operations.total} operations")
    assert "hessian: 4 of 4 entries" in text
    assert r"\sin{\left(y \right)}" in root[0].text


def test_names_of_html_are_escaped():
    fn = compile({"a<b": "x"}, "x", jit="never")
    ElementTree.fromstring(fn._repr_html_())
