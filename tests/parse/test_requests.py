"""What a user may ask for, and what happens when it cannot be had."""

from __future__ import annotations

import numpy as np
import pytest

from symgrad.errors import DerivativeError, DuplicateNameError
from symgrad.ir.system import Request
from symgrad.parse.requests import KNOWN, MAX_ORDER, parse_normal, parse_requests

WRT = ("x", "y")


def asked(derivatives, shape=(), wrt=WRT):
    return parse_requests(derivatives, shape, wrt)


@pytest.mark.parametrize(
    ("derivatives", "expected"),
    [
        ("value", [Request("value", "tensor", 0)]),
        ("gradient", [Request("gradient", "tensor", 1)]),
        ("jacobian", [Request("jacobian", "tensor", 1)]),
        ("hessian", [Request("hessian", "tensor", 2)]),
        (0, [Request("order0", "tensor", 0)]),
        (3, [Request("order3", "tensor", 3)]),
        ("vjp", [Request("vjp", "vjp")]),
        (["jvp", "hvp"], [Request("jvp", "jvp"), Request("hvp", "hvp")]),
        (("value", 2), [Request("value", "tensor", 0), Request("order2", "tensor", 2)]),
        ((d for d in ["value"]), [Request("value", "tensor", 0)]),
        ({"u": ()}, [Request("u", "partial", 0, ())]),
        ({"u_x": "x"}, [Request("u_x", "partial", 1, (0,))]),
        ({"u_yx": ("y", "x")}, [Request("u_yx", "partial", 2, (1, 0))]),
        (
            {"a": ["y", "y"], "b": ["x"]},
            [Request("a", "partial", 2, (1, 1)), Request("b", "partial", 1, (0,))],
        ),
    ],
)
def test_everything_that_can_be_asked_for(derivatives, expected):
    assert asked(derivatives) == tuple(expected)


def test_the_default_is_the_first_derivative():
    assert asked(None)[0].name == "gradient"
    assert asked(None, shape=(3,))[0].name == "jacobian"
    assert asked(None, shape=(1,))[0].name == "jacobian"


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_name_is_understood(name):
    assert asked(name)[0].name == name


def test_names_of_variables_may_come_from_symbols():
    table = {3.5: "x", 4.5: "y"}
    made = parse_requests({"u_xy": (3.5, 4.5)}, (), WRT, table.__getitem__)
    assert made == (Request("u_xy", "partial", 2, (0, 1)),)


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 2)])
def test_a_gradient_needs_one_expression(shape):
    with pytest.raises(DerivativeError, match=r"one expression.*jacobian") as error:
        asked("gradient", shape=shape)
    assert str(shape) in str(error.value)


@pytest.mark.parametrize(
    ("derivatives", "message"),
    [
        ("gradeint", "'gradeint' is unknown; choose from value, .*did you mean 'gradient'"),
        ("Hessian", "did you mean 'hessian'"),
        (["value", "laplacian"], "'laplacian' is unknown"),
        ("", "'' is unknown"),
        (True, "True is unknown"),
        ([None], "None is unknown"),
        ([["value"]], "is unknown"),
        ([1.5], "1.5 is unknown"),
        (-1, f"order -1 is not between 0 and {MAX_ORDER}"),
        (MAX_ORDER + 1, f"order {MAX_ORDER + 1} is not between"),
        ([], 'derivatives is empty; ask for "value"'),
        ({}, "derivatives is empty"),
        ({"u x": "x"}, "identifier as its name, not 'u x'"),
        ({"": "x"}, "identifier"),
        ({3: "x"}, "identifier as its name, not 3"),
        ({"u_z": "z"}, r"'u_z' differentiates by 'z', which is not in wrt \(x, y\); add it"),
        ({"u": ("x", "xx")}, "differentiates by 'xx'"),
        ({"u": ("x",) * (MAX_ORDER + 1)}, f"has order {MAX_ORDER + 1}; {MAX_ORDER} is the limit"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_the_cure(derivatives, message):
    with pytest.raises(DerivativeError, match=message):
        asked(derivatives)


@pytest.mark.parametrize("derivatives", [["value", "value"], [2, "hessian", 2], ["vjp", "vjp"]])
def test_a_result_is_asked_for_once(derivatives):
    with pytest.raises(DuplicateNameError, match=r"the result '.*' is asked for twice"):
        asked(derivatives)


@pytest.mark.parametrize(
    "derivatives",
    [2.5, 1j, object, b"\x01\x02", {"value", "gradient"}, frozenset({"value"})],
    ids=["float", "complex", "class", "bytes", "set", "frozenset"],
)
def test_what_is_no_ordered_sequence_is_refused(derivatives):
    # The order of a set depends on the hash seed, and the results stand in the order asked for.
    with pytest.raises(DerivativeError, match="is unknown"):
        asked(derivatives)


def test_an_order_may_be_a_numpy_integer():
    assert asked(np.int64(2)) == asked(2)
    assert asked([np.int64(2)]) == asked(2)


def test_sums_for_normal_equations():
    assert parse_normal("jtr") == (Request("jtr", "normal", 1),)
    assert [request.order for request in parse_normal(None)] == [2, 1, 0]
    for wrong in ("value", ["jtj", 2], {"jtj": ()}, 1.5):
        with pytest.raises(DerivativeError):
            parse_normal(wrong)
    with pytest.raises(DerivativeError, match="empty"):
        parse_normal([])
    with pytest.raises(DuplicateNameError):
        parse_normal(["jtj", "jtj"])
