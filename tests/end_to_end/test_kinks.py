"""Points where derivatives are not unique: PyTorch's numbers, or a stated reason why not.

One kernel a dtype holds the formulas of all rows; each is read off at its own point.
"""

from __future__ import annotations

import functools
from types import ModuleType

import numpy as np
import pytest

import symgrad as sg
from tests import kinks
from tests.cases import NEEDS_CASES, Array, number, numbers, rows

KEYS = {"value": "value", "grad": "jacobian", "hess": "hessian"}
NAMES = ("x", "y", "z")

FORMULAS = {
    "fmod": "fmod(x,y)",
    "copysign": "copysign(x,y)",
    "fmax": "fmax(x,y)",
    "clamp01": "clamp(x,0,1)",
    "hardtanh": "hardtanh(x)",
    "selu": "selu(x)",
    "softshrink": "softshrink(x)",
    "hardshrink": "hardshrink(x)",
    "nan_to_num": "nan_to_num(x)",
}
"""By torch's name, where the row has no formula or torch's function has its own at the kink."""

BRANCH = "the branch that is not taken never contributes: torch computes 0*inf there"
POWER = "beyond its first derivatives torch has nan at a = 0; symgrad keeps the row's exact 0"
CANONICAL = "sqrt(x)**2, log(exp(x)) and exp(log(x)) are x in the canonical form of a formula"

# fmt: off
DIFFERENCES: dict[str, dict[str, str]] = {
    # id: key -> reason
    "kink_digamma_2": {"grad": "torch's trigamma has 9 digits there"},
    "kink_expm1_over_x_0": dict.fromkeys(("value", "grad", "hess"), "removable: torch has 0/0"),
    "kink_abs_pow_half_0": {"hess": "the limit from both sides is -inf: torch has 0*inf"},
    "kink_softplus_2": dict.fromkeys(("value", "grad", "hess"),
                                     "torch's softplus is x above 20; the formula is not"),
    "kink_selu_0": {"hess": "torch has 0, the second derivative of neither side"},
    "kink_selu_1": {"hess": "torch has 0, the second derivative of neither side"},
    "kink_huber_0": {"hess": "at the edge the branch whose condition holds is differentiated"},
    "kink_huber_1": {"hess": "at the edge the branch whose condition holds is differentiated"},
    "kink_pow_xy_0": {"hess": POWER},
    "kink_pow_xy_1": {"hess": POWER},
    "kink_pow_0y_0": {"hess": POWER},
    "kink_xx_0": {"hess": POWER},
    "kink_float_power_0": {"hess": POWER},
    "kink_where_sqrt_trap_0": {"grad": BRANCH, "hess": BRANCH},
    "kink_where_inf_cos_0": {"grad": BRANCH, "hess": BRANCH},
    "kink_sq_root_sq_1": {"grad": CANONICAL, "hess": CANONICAL},
    "kink_log_exp_0": dict.fromkeys(("value", "grad", "hess"), CANONICAL),
    "kink_exp_log_1": {"grad": CANONICAL, "hess": CANONICAL},
}
# fmt: on
"""Every deliberate difference from torch; the test fails where one is gone in float64."""

IN_FLOAT32 = {"kink_nan_to_num_1": "the largest double is inf in float32; name another number"}
"""Differences of values in float32 alone."""

ROUNDING = 8
"""Units in the last place of the largest entry by which other finite numbers may differ."""


def formula(row: dict) -> str | None:
    return FORMULAS.get(row["name"], row["sympy"])


@functools.cache
def kernel(dtype: str) -> tuple[dict[str, int], dict[str, Array]]:
    """Row id -> output, and the results of all outputs at the points of all rows."""
    found, formulas = {}, []
    for row in rows("kinks_torch"):
        text = formula(row)
        if text is None:
            continue
        found[row["id"]] = len(formulas)
        formulas.append(text)
    wanted = ["value", "jacobian", "hessian"]
    fn = sg.compile(formulas, NAMES, wanted, dtype=dtype, cache=False)
    points = np.ones((len(found), len(NAMES)), dtype)
    for row in rows("kinks_torch"):
        if row["id"] in found:
            position = [number(value) for value in row["point"]]
            points[found[row["id"]], : len(position)] = position
    return found, fn(points).as_dict()


def differing(got: Array, want: Array) -> bool:
    """Whether two arrays differ by more than rounding; nan and infinities must be the same."""
    special = ~np.isfinite(want) | (want == 0)
    same = np.where(special, (got == want) | (np.isnan(got) & np.isnan(want)), True)
    if not same.all():
        return True
    size = np.max(np.abs(want[~special]), initial=0)
    limit = ROUNDING * np.finfo(got.dtype).eps * size.astype(got.dtype)
    return not (np.abs(got[~special] - want[~special]) <= limit).all()


@NEEDS_CASES
@pytest.mark.parametrize(
    ("row", "dtype"),
    [
        pytest.param(row, dtype, id=f"{row['id']}-{dtype}")
        for row in rows("kinks_torch")
        for dtype in ("float64", "float32")
        if "error" not in row[dtype]  # torch itself has no derivative there
    ],
)
def test_row(row: dict, dtype: str) -> None:
    found, results = kernel(dtype)
    reference = row[dtype]
    assert row["id"] in found, f"{row['name']} has no formula"
    assert row["vars"] == list(NAMES[: len(row["vars"])])
    n, position = len(row["vars"]), found[row["id"]]
    for key, name in KEYS.items():
        if key not in reference:
            continue
        got = results[name][position, position]
        got = got[(slice(n),) * got.ndim]
        differs = differing(got, numbers(reference[key]).astype(dtype))
        reason = DIFFERENCES.get(row["id"], {}).get(key)
        if dtype == "float32" and key == "value":
            reason = reason or IN_FLOAT32.get(row["id"])
        message = f"{formula(row)} at {row['point']}: {key} {got}, torch {reference[key]}"
        assert reason or not differs, message
        assert differs or not reason or dtype == "float32", f"{message}: no longer: {reason}"


@NEEDS_CASES
def test_differences_name_rows() -> None:
    assert set(DIFFERENCES) <= {row["id"] for row in rows("kinks_torch")}


LINES = kinks.DOCUMENT.read_text(encoding="utf-8").splitlines()[kinks.HEAD.count("\n") :]


def test_the_document_has_our_answers() -> None:
    assert len(LINES) == len(kinks.KINKS)
    for kink, answer, line in zip(kinks.KINKS, kinks.ours(), LINES, strict=True):
        theirs = line.split(" | ")[3]
        assert line == kinks.line(kink, kinks.shown(answer), theirs), kink.formula


@pytest.mark.parametrize("index", range(len(kinks.KINKS)))
def test_the_document_has_the_answers_of_torch(index: int, torch: ModuleType) -> None:
    kink = kinks.KINKS[index]
    _, _, mine, theirs, reason = LINES[index].split(" | ")
    assert theirs == kinks.shown(kinks.torch_answer(torch, kink))
    assert bool(kink.reason) is (mine != theirs), "a reason where the answers differ, no other"
    assert reason.removesuffix(" |") == kink.reason
