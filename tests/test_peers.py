from __future__ import annotations

import numpy as np
import pytest

from symgrad.api import compile, read_system
from symgrad.errors import OptionError
from symgrad.peers import PEERS, Case, numpy_lambdify

X, Y = np.array([[0.5, 1.25, 2.0], [0.75, -0.5, 1.5]])


def case(outputs, orders, wrt=None, numbers=None):
    fn = compile(outputs, "x y", "value", parameters="k", wrt=wrt, jit="never")
    numbers = {"k": 2.0} if numbers is None else numbers
    names = ("x", "y") if numbers else ("x", "y", "k")
    columns = [X, Y, np.full(3, 2.0)][: len(names)]
    return Case(read_system(fn.recipe), orders, names, columns, numbers)


@pytest.mark.parametrize("name", PEERS)
def test_values_and_derivatives_of_every_peer_that_is_here(name):
    package, prepare = PEERS[name]
    pytest.importorskip(package)
    rows = prepare(case(["k*x**2*sin(y)", "x/2 + sqrt(y**2 + 3)"], (0, 1, 2)))()
    root, zero = np.sqrt(Y**2 + 3), np.zeros(3)
    first = [4 * X * np.sin(Y), 2 * X**2 * np.cos(Y), zero + 0.5, Y / root]
    mixed = 4 * X * np.cos(Y)
    second = [4 * np.sin(Y), mixed, mixed, -2 * X**2 * np.sin(Y), zero, zero, zero, 3 / root**3]
    want = [2 * X**2 * np.sin(Y), X / 2 + root, *first, *second]
    assert len(rows) == len(want)
    for row, wanted in zip(rows, want, strict=True):
        np.testing.assert_allclose(np.broadcast_to(row, 3), wanted, rtol=1e-12, atol=1e-14)


def test_derivatives_by_a_parameter():
    rows = numpy_lambdify(case("x*k**2", (1,), wrt="k", numbers={}))()
    np.testing.assert_allclose(rows[0], 4 * X, rtol=1e-15)


def test_sympy_is_spared_long_formulas(monkeypatch):
    formula = case("k*x**2*sin(y)", (2,))
    numpy_lambdify(formula)
    monkeypatch.setattr("symgrad.peers.MOST_NODES", 30)  # 5 parts, times (1 + 2 names) squared: 45
    with pytest.raises(OptionError, match="minutes"):
        numpy_lambdify(formula)
