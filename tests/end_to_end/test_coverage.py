"""Common SymPy expressions and single functions, compiled: value, first and second derivative.

Each expression is read twice: as the SymPy object that sympify makes of it, and as formula text.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy

import symgrad as sg
from symgrad.errors import SymgradError
from symgrad.options import Jit
from tests.cases import NEEDS_CASES, load, rows

pytestmark = NEEDS_CASES

REFUSED = {"Integral"}
"""Refused, with the cure in the message: an integral has to be evaluated before."""

NOT_IN_TEXT = REFUSED | {"Sum", "Product"}
"""Text has no bound variables."""


def read(case: dict[str, Any], form: str) -> Any:
    if form == "text":
        return case["expression"]
    names: dict[str, Any] = {name: sympy.Symbol(name, real=True) for name in "xyz"}
    names |= {"k": sympy.Symbol("k", integer=True), "f": sympy.Function("f")}
    return sympy.sympify(case["expression"], locals=names)


@pytest.mark.parametrize("case", rows("coverage"), ids=lambda case: case["id"])
def test_common_expressions(case: dict[str, Any]) -> None:
    by, point = case["variable"], case["point"]
    partials = {"value": (), "first": (by,), "second": (by, by)}

    def made(form: str, jit: Jit) -> sg.CompiledFunction:
        return sg.compile(read(case, form), ["x", "y"], partials, jit=jit, cache=False)

    seen = []
    for form, refused in (("sympy", REFUSED), ("text", NOT_IN_TEXT)):
        if case["id"] in refused:
            with pytest.raises(SymgradError, match=r"integra|write the|pass a SymPy"):
                made(form, "never")
            continue
        code = made(form, "never").program.code
        if code in seen:
            continue  # the same program has the same values
        seen.append(code)
        got = made(form, "always")([[point["x"], point["y"]]])
        for key in partials:
            found = float(np.ravel(got[key])[0])
            if case[key] is None:
                assert np.isfinite(found), (form, key)
            else:
                assert found == pytest.approx(case[key], rel=1e-13, abs=1e-14), (form, key)


@pytest.mark.parametrize("case", load("rules"), ids=lambda case: case.id)
def test_every_rule_has_its_functions(case: Any) -> None:
    fn = sg.compile(list(case.outputs), list(case.variables), "value", cache=False)
    assert np.isfinite(np.asarray(fn(case.points))).all()
