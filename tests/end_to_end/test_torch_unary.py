"""PyTorch's functions of one argument: values and two derivatives as PyTorch has them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from tests.cases import NEEDS_CASES, numbers, rows

FORMULAS = {
    "positive": "+x",
    "neg": "-x",
    "nn.functional.prelu": "leaky_relu(x, {weight})",
    "nn.functional.hardsigmoid": "hardsigmoid(x)",
    "nn.functional.mish": "mish(x)",
    "nn.functional.hardtanh": "hardtanh(x, {min_val}, {max_val})",
    "sinc": "sinc_pi(x)",
    "polygamma": "polygamma({order}, x)",
    "special.i0e": "i0e(x)",
    "special.entr": "entr(x)",
    "special.erfcx": "erfcx(x)",
}
"""By torch's name where ours is another."""

RESULTS = {"y": "value", "dy": "jacobian", "d2y": "hessian"}

TOLERANCE = {"nn.functional.hardsigmoid": 4e-8, "polygamma": 1e-9, "digamma": 1e-9, "lgamma": 1e-9}
"""Of a row's largest number, where torch has no 12 digits: it rounds the slope of hardsigmoid to
single precision, and its trigamma has an error of 1e-9."""

pytestmark = NEEDS_CASES


def formula(row: dict[str, Any]) -> str:
    """The row's function with its arguments, whose names are in front of all but one."""
    arguments = {}
    for text in row["args"]:
        name, _, value = text.rpartition("=")
        arguments[name or "order"] = value
    if row["name"] == "nn.functional.prelu":  # the file has four digits of it
        arguments["weight"] = repr(row["dy"][0])
    return FORMULAS.get(row["name"], f"{row['name']}(x)").format(**arguments)


@cache
def results() -> dict[str, Any]:
    """The results of all formulas at the points of all rows, by one kernel."""
    points = np.concatenate([numbers(row["x"]) for row in rows("torch_unary")])
    fn = sg.compile(
        [formula(row) for row in rows("torch_unary")], "x", list(RESULTS.values()), cache=False
    )
    return fn(points).as_dict()


@pytest.mark.parametrize(
    "index",
    range(len(rows("torch_unary"))),
    ids=[f"{row['name']}{row['variant']}" for row in rows("torch_unary")],
)
def test_row(index: int) -> None:
    row = rows("torch_unary")[index]
    start = sum(len(other["x"]) for other in rows("torch_unary")[:index])
    for key, result in RESULTS.items():
        if key not in row:
            continue
        got = results()[result][start : start + len(row["x"]), index].reshape(-1)
        want = numbers(row[key])
        special = ~np.isfinite(want)
        np.testing.assert_array_equal(got[special], want[special], err_msg=formula(row))
        error = np.abs(got[~special] - want[~special])
        scale = np.max(np.abs(want[~special]), initial=1e-300)
        assert error.max(initial=0) <= TOLERANCE.get(row["name"], 1e-12) * scale, (
            f"{formula(row)}, {key}: {error}"
        )
