"""The choices of ``sg.compile`` and their validator."""

from __future__ import annotations

import dataclasses
from typing import get_args

import numpy as np
import pytest

from symgrad import options
from symgrad.errors import OptionError
from symgrad.options import Options, choose, dtype_name

CHOICES = {
    "dtype": get_args(options.Dtype),
    "batch_axis": get_args(options.BatchAxis),
    "accuracy": get_args(options.Accuracy),
    "rewrites": get_args(options.Rewrites),
    "sparse": (False, True),
    "optimize": get_args(options.Optimize),
    "reduce": (None, *get_args(options.Reduce)),
    "jit": get_args(options.Jit),
    "target": get_args(options.Target),
    "engine": (None, *get_args(options.Engine)),
}
ALL = [(name, value) for name, values in CHOICES.items() for value in values]
WRONG = ["nonsense", None, 1, 1.5, True, False, b"all", [], np.float32]


def test_every_field_is_a_closed_choice_whose_default_is_one_of_it():
    fields = {field.name: field.default for field in dataclasses.fields(Options)}
    assert set(fields) == set(CHOICES)
    for name, default in fields.items():
        assert default in CHOICES[name]


@pytest.mark.parametrize(("name", "value"), ALL)
def test_every_choice_is_accepted(name, value):
    rest = {"target": "cuda"} if name == "engine" else {}
    assert getattr(Options(**{name: value}, **rest), name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name in CHOICES
        for value in WRONG
        if not (name == "sparse" and isinstance(value, bool))
        and not (name in ("reduce", "engine") and value is None)
    ],
)
def test_everything_else_is_refused_with_the_list_of_choices(name, value):
    with pytest.raises(OptionError) as error:
        Options(**{name: value})
    message = str(error.value)
    assert message.startswith(f"{name}={value!r} is not possible")
    assert all(repr(choice) in message for choice in CHOICES[name])


def test_equal_numbers_of_another_type_are_not_the_choice():
    # False == 0, but batch_axis=False is a mistake.
    with pytest.raises(OptionError, match="batch_axis=False"):
        Options(batch_axis=False)


@pytest.mark.parametrize(
    ("value", "near"), [("float23", "float32"), ("Float64", "float64"), ("double", None)]
)
def test_the_nearest_choice_is_suggested(value, near):
    with pytest.raises(OptionError) as error:
        choose("dtype", value, CHOICES["dtype"])
    message = str(error.value)
    assert message.endswith(f"did you mean {near!r}?") if near else "did you mean" not in message


def test_choices_may_come_from_any_iterable():
    choose("target", "c", iter({"c": 1, "numba": 2}))
    with pytest.raises(OptionError, match="choose one of 'c', 'numba'; did you mean 'numba'"):
        choose("target", "numbas", iter({"c": 1, "numba": 2}))


def test_options_are_values():
    assert Options() == Options("float64", 0, "high", "all", False, "default")
    assert hash(Options()) == hash(Options())
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().dtype = "float32"


def test_an_engine_is_for_a_gpu():
    with pytest.raises(OptionError, match="engine='nvrtc' compiles for a GPU; add target=\"cuda\""):
        Options(engine="nvrtc")


def test_what_is_never_compiled_is_not_for_a_gpu():
    with pytest.raises(OptionError, match='target="cuda" is not to be had with jit="never"'):
        Options(target="cuda", jit="never")


@pytest.mark.parametrize(
    "value", ["float32", "f4", "single", np.float32, np.dtype("float32"), np.zeros(1, "f4").dtype]
)
def test_dtypes_may_be_as_numpy_spells_them(value):
    assert dtype_name(value) == "float32"
    assert dtype_name(float) == "float64"


def test_dtypes_may_be_pytorch_s():
    torch = pytest.importorskip("torch")
    assert dtype_name(torch.float32) == "float32"
    assert dtype_name(torch.float16) is torch.float16


@pytest.mark.parametrize("value", [None, ">f4", np.float16, int, "nonsense", "f4,(", [], 3])
def test_other_dtypes_are_left_to_be_refused(value):
    assert dtype_name(value) is value
