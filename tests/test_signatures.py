"""What a function takes and gives: groups of arguments, shapes, the Signature."""

from __future__ import annotations

import pytest

from symgrad import api
from symgrad.options import Options
from symgrad.parse.requests import parse_requests
from symgrad.signatures import argument_groups, make_signature, result_shape


def recipe_of(outputs, derivatives, chosen=None, **options):
    parsed = api.parse(outputs, "x y", **options)
    requests = parse_requests(derivatives, parsed.shape, parsed.wrt)
    return api.make_recipe(parsed, requests, chosen or Options())


def test_the_groups_of_arguments_are_those_that_the_results_need():
    def groups(outputs, derivatives, **options):
        recipe = recipe_of(outputs, derivatives, **options)
        return {group.name: len(group.columns) for group in argument_groups(recipe)}

    assert groups("x", "value") == {"inputs": 2}
    assert groups("x*k", "value", parameters="k j") == {"inputs": 2, "parameters": 2}
    assert groups("x", "jvp") == {"inputs": 2, "tangent": 2}
    assert groups("x", "vjp") == {"inputs": 2, "cotangent": 1}
    assert groups("x", "hvp") == {"inputs": 2, "tangent": 2}
    assert groups(["x", "y", "1"], "hvp") == {"inputs": 2, "tangent": 2, "cotangent": 3}
    assert groups(["x", "y", "1"], ["vjp", "jvp"], parameters="k", wrt="k") == {
        "inputs": 2,
        "parameters": 1,
        "tangent": 1,
        "cotangent": 3,
    }


@pytest.mark.parametrize(
    ("outputs", "derivatives", "shape"),
    [
        ("x*y", "value", ()),
        ("x*y", "gradient", (2,)),
        ("x*y", 3, (2, 2, 2)),
        (["x", "y", "x*y"], "jacobian", (3, 2)),
        (["x", "y", "x*y"], "vjp", (2,)),
        (["x", "y", "x*y"], "jvp", (3,)),
        (["x", "y", "x*y"], "hvp", (2,)),
    ],
)
def test_the_shape_of_a_result_for_one_point(outputs, derivatives, shape):
    recipe = recipe_of(outputs, derivatives)
    assert result_shape(recipe.requests[0], recipe) == shape


def test_a_signature_says_what_the_options_say():
    chosen = Options(dtype="float32", batch_axis=-1)
    signature = make_signature(
        recipe_of("k*x", ["value", "gradient"], chosen, parameters="k"), chosen, {}, 0
    )
    assert signature.dtype == "float32"
    assert signature.batch_axis == -1
    assert signature.parameters == ("k",)
    assert [result.shape for result in signature.results] == [(), (2,)]
    assert not signature.single
    assert signature.reduction is None


def test_only_a_function_that_sums_has_a_reduction():
    chosen = Options(reduce="mean")
    reduction = make_signature(recipe_of("x", "value", chosen), chosen, {}, 64).reduction
    assert reduction is not None
    assert reduction.mean
    assert reduction.block == 64
