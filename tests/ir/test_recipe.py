"""Recipe: text that carries all that makes a function, and says so when it does not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from symgrad.errors import ProblemFileError
from symgrad.ir.recipe import SCHEMA, Recipe
from symgrad.ir.system import Request

RECIPE = Recipe(
    graph="graph\n%0 = symbol x\noutput value = %0\n",
    inputs=("x", "y"),
    parameters=("k",),
    wrt=("x",),
    shape=(1,),
    labels=("x", 'a "name"'),
    requests=(Request("value", "tensor", 0), Request("u_xx", "partial", 0, (0, 0))),
    functions="[]",
    options={"dtype": "float64", "batch_axis": -1},
    name="energy",
)


def test_round_trip() -> None:
    read = Recipe.from_json(RECIPE.to_json())
    assert read == RECIPE
    assert read.to_json() == RECIPE.to_json()


def test_recipes_of_before_functions_are_read() -> None:
    fields = json.loads(RECIPE.to_json())
    del fields["functions"]
    assert Recipe.from_json(json.dumps(fields)) == replace(RECIPE, functions="")


def test_equal_recipes_give_equal_text() -> None:
    turned = replace(RECIPE, options=dict(reversed(RECIPE.options.items())))
    assert turned.to_json() == RECIPE.to_json()
    assert replace(RECIPE, name="other").to_json() != RECIPE.to_json()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[1, 2]",
        "3",
        "null",
        "{}",
        '{"symgrad": 1}',
        json.dumps({**json.loads(RECIPE.to_json()), "surplus": 1}),
        json.dumps({k: v for k, v in json.loads(RECIPE.to_json()).items() if k != "wrt"}),
        json.dumps({**json.loads(RECIPE.to_json()), "requests": [{"name": "value"}]}),
        json.dumps({**json.loads(RECIPE.to_json()), "functions": [1]}),
        RECIPE.to_json()[:-5],
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ProblemFileError, match="no saved symgrad function"):
        Recipe.from_json(text)


def test_other_formats_are_refused() -> None:
    later = {**json.loads(RECIPE.to_json()), "symgrad": SCHEMA + 1}
    with pytest.raises(ProblemFileError, match=f"format {SCHEMA + 1}"):
        Recipe.from_json(json.dumps(later))


def test_a_later_format_with_other_fields_is_called_a_format() -> None:
    later = {**json.loads(RECIPE.to_json()), "symgrad": SCHEMA + 1, "engine": "numba"}
    with pytest.raises(ProblemFileError, match=f"format {SCHEMA + 1}"):
        Recipe.from_json(json.dumps(later))
