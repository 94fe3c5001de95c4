"""What a function says of itself: names, shapes, pickling, saving and loading."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import ProblemFileError, SymgradError
from symgrad.runtime.result import Result

K = 2.5


def same(got, expected):
    np.testing.assert_array_equal(got, expected, strict=True)


def test_a_function_describes_itself(spring, pair):
    assert spring.inputs == ("x", "y")
    assert spring.parameters == ("k",)
    assert spring.results == ("value", "gradient")
    assert spring.shapes == {"value": (), "gradient": (2,)}
    assert repr(spring) == "<symgrad function (x, y; k) -> value[], gradient[2], float64>"
    assert pair.shapes == {"jacobian": (2, 2)}
    assert pair.outputs == ("f0", "f1")
    assert isinstance(spring(1, 2, k=3), Result)
    assert isinstance(pair(1, 2), np.ndarray)


def test_a_long_list_of_inputs_is_shortened():
    names = [f"x{i}" for i in range(12)]
    fn = sg.compile("+".join(names), names, "value")
    assert repr(fn).startswith("<symgrad function (x0, x1, x2, x3, x4, x5, x6, x7, ...)")
    assert fn.inputs == tuple(names)


def test_what_a_function_holds_can_be_looked_at(spring):
    assert spring.program.total == spring.operations.total
    assert spring.graph.ops.count("sin") == 1
    assert set(spring.accuracy) == {"sin", "cos"}
    assert "sg.loop" in spring.llvm()
    assert "def " in spring.source("numba")


def test_pickling_carries_the_recipe_and_no_code(spring, points):
    text = pickle.dumps(spring)
    assert len(text) < 4_000
    other = pickle.loads(text)
    assert other.recipe == spring.recipe
    same(other(points, k=K).gradient, spring(points, k=K).gradient)


def test_saving_and_loading(spring, points, tmp_path):
    path = tmp_path / "spring.json"
    spring.save(path)
    assert path.read_text() == spring.recipe.to_json()
    for given in (path, str(path)):
        same(sg.load(given)(points[:9], k=K).value, spring(points[:9], k=K).value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no saved symgrad function"),
        (b"[]", "no saved symgrad function"),
        (b"3", "no saved symgrad function"),
        (b'{"symgrad": 1}', "no saved symgrad function"),
        (b'{"inputs": []}', "no saved symgrad function"),
        (b"\xff\xfe\x00", "no saved symgrad function: it is not text"),
    ],
)
def test_a_file_that_is_no_function_is_refused(tmp_path, content, message):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(ProblemFileError, match=message):
        sg.load(path)


@pytest.mark.parametrize(
    "changed",
    [
        {"options": {"dtype": "float16"}},
        {"inputs": ["x"]},
        {"requests": [{"name": "value", "kind": "bogus", "order": 0, "indices": []}]},
        {"shape": [2]},
        {"wrt": ["z"]},
        {"graph": "graph\n%0 = nonsense"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_saved_function_with_a_senseless_entry_is_refused(spring, tmp_path, changed):
    path = tmp_path / "file.json"
    path.write_text(json.dumps(json.loads(spring.recipe.to_json()) | changed))
    with pytest.raises(SymgradError):
        sg.load(path)


def test_a_saved_function_with_an_unknown_option_is_refused(spring, tmp_path):
    path = tmp_path / "file.json"
    path.write_text(json.dumps(json.loads(spring.recipe.to_json()) | {"options": {"speed": 1}}))
    with pytest.raises(ProblemFileError, match="speed"):
        sg.load(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ProblemFileError, match=r"nowhere\.json cannot be read: No such file"):
        sg.load(tmp_path / "nowhere.json")
