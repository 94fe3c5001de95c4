from __future__ import annotations

import dataclasses
import importlib
import re
import sys

import numpy as np
import pytest

import symgrad.interop
from symgrad.errors import MissingDependencyError, UnknownFunctionError
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.expression import Expr, variables
from symgrad.ir.graph import Graph
from symgrad.ir.primitive import Names, define
from symgrad.ir.system import Request, System, Tensor
from tests.expressions import in_float, system_of

pytest.importorskip("torch")

import torch

from symgrad.interop.torch import derivatives, torch_arithmetic

x, y = variables("x y")
A, B = np.array([0.5, 1.25, 2.0]), np.array([0.75, -0.5, 1.5])
SAMPLE = {"x": A, "y": B, "s": np.array([2.0, 3.0, -1.0]), "t": np.array([0.5, -1.0, 4.0])}


def made(expr, kind="tensor", order=0, indices=(), **seeds):
    return derivatives(system_of(expr, "xy"), Request("r", kind, order, indices), SAMPLE, **seeds)


FORMULA = x**2 * math.sin(y)
GRADIENT = np.stack([2 * A * np.sin(B), A**2 * np.cos(B)], 1)
HESSIAN = np.stack([2 * np.sin(B), 2 * A * np.cos(B), 2 * A * np.cos(B), -(A**2) * np.sin(B)], 1)


@pytest.mark.parametrize(
    ("order", "want"), [(0, (A**2 * np.sin(B))[:, None]), (1, GRADIENT), (2, HESSIAN)]
)
def test_orders(order, want):
    np.testing.assert_allclose(made(FORMULA, order=order), want, rtol=1e-15)


def test_the_third_order_has_every_entry():
    third = made(FORMULA, order=3)
    assert third.shape == (3, 8)
    np.testing.assert_allclose(third[:, 1], 2 * np.cos(B), rtol=1e-15)
    np.testing.assert_allclose(third[:, 7], -(A**2) * np.cos(B), rtol=1e-15)


def test_several_outputs_stand_row_by_row():
    jacobian = made([FORMULA, x - 3 * y, Expr("constant", (), 7)], order=1)
    np.testing.assert_allclose(jacobian[:, :2], GRADIENT, rtol=1e-15)
    assert jacobian[:, 2:].tolist() == [[1, -3, 0, 0]] * 3


def test_chosen_partials():
    mixed = made(FORMULA, "partial", 2, (0, 1))
    np.testing.assert_allclose(mixed[:, 0], 2 * A * np.cos(B), rtol=1e-15)
    assert made(FORMULA, "partial", 3, (0, 0, 0)).tolist() == [[0], [0], [0]]


def test_products_use_the_named_seeds():
    along = made(FORMULA, "jvp", tangent=("s", "t"))
    np.testing.assert_allclose(
        along[:, 0], GRADIENT[:, 0] * SAMPLE["s"] + GRADIENT[:, 1] * SAMPLE["t"], rtol=1e-14
    )
    pulled = made([FORMULA, x], "vjp", cotangent=("s", "t"))
    np.testing.assert_allclose(
        pulled, GRADIENT * SAMPLE["s"][:, None] + np.outer(SAMPLE["t"], [1, 0]), rtol=1e-14
    )
    curved = made(FORMULA, "hvp", tangent=("s", "t"))
    np.testing.assert_allclose(
        curved[:, 1], HESSIAN[:, 2] * SAMPLE["s"] + HESSIAN[:, 3] * SAMPLE["t"], rtol=1e-14
    )


def test_only_wrt_is_differentiated_by():
    system = system_of(FORMULA, "xy")
    system = dataclasses.replace(system, inputs=("x",), parameters=("y",), wrt=("y",))
    got = derivatives(system, Request("r", "tensor", 1), SAMPLE)
    np.testing.assert_allclose(got[:, 0], GRADIENT[:, 1], rtol=1e-15)


def call_at(row):
    """The row at points inside its domain, as a graph, and those points."""
    graph = Graph(PRIMITIVES)
    names = [f"a{i}" for i in range(row.arity)]
    node = graph.call(row.name, tuple(graph.symbol(name) for name in names))
    fractions = np.array([0.3, 0.55, 0.8])
    sample = {
        name: low + (high - low) * fractions
        for name, (low, high) in zip(names, row.domain, strict=True)
    }
    return System(graph, tuple(names), (), tuple(names), Tensor("v", (), (node,)), ("v",)), sample


SMOOTH = [
    row
    for row in PRIMITIVES.values()
    if not row.boolean and row.name != "select" and row.kind != "unknown"
]


@pytest.mark.parametrize("row", SMOOTH, ids=lambda row: row.name)
def test_every_row_means_the_same_to_torch(row):
    """The torch function of a row has the row's value; what torch lacks has no expansion."""
    system, sample = call_at(row)
    try:
        got = derivatives(system, Request("value", "tensor"), sample)
    except UnknownFunctionError as error:
        assert row.names.torch is None
        missing = re.findall(r"'(\w+)'", str(error))
        assert [PRIMITIVES[name].names.torch for name in missing] == [None]
        assert PRIMITIVES[missing[0]].expansion is None
        return
    want = [
        in_float(system.graph, system.outputs.nodes, {n: v[k] for n, v in sample.items()})
        for k in range(3)
    ]
    np.testing.assert_allclose(got, want, rtol=1e-13)


def test_powers_conditions_and_constants():
    expr = math.where((x < 1) | ~(y > 0), x**-1 + x ** Expr("constant", (), 3), math.pi * x**0.5)
    want = np.where((A < 1) | ~(B > 0), 1 / A + A**3, np.pi * np.sqrt(A))
    np.testing.assert_allclose(made(expr)[:, 0], want, rtol=1e-15)


def test_cube_roots_of_negative_numbers():
    got = made(math.cbrt(y), order=1)
    np.testing.assert_allclose(got[:, 1], 1 / (3 * np.cbrt(B) ** 2), rtol=1e-14)


def test_a_dotted_name_is_found_and_a_missing_one_is_named():
    rows = [
        define("psi", lambda y, x: 0, domain=(1, 2), names=Names(torch="special.digamma")),
        define("nosuch", lambda y, x: 0, domain=(1, 2), names=Names(torch="special.no_such")),
    ]
    functions = torch_arithmetic({row.name: row for row in rows}).functions
    assert functions["psi"] is torch.special.digamma
    assert "nosuch" not in functions
    graph = Graph({row.name: row for row in rows})
    node = graph.call("nosuch", (graph.symbol("x"),))
    system = System(graph, ("x",), (), ("x",), Tensor("v", (), (node,)), ("v",))
    with pytest.raises(UnknownFunctionError, match="nosuch"):
        derivatives(system, Request("value", "tensor"), {"x": A})


def test_without_torch_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "symgrad.interop.torch")
    monkeypatch.delattr(symgrad.interop, "torch")
    with pytest.raises(MissingDependencyError, match=r"pip install symgrad\[torch\]"):
        importlib.import_module("symgrad.interop.torch")
