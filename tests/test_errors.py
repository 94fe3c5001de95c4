"""Every exception is the project's own, documented, and raised somewhere."""

from __future__ import annotations

import ast
import inspect
import pickle
from functools import cache
from pathlib import Path

import pytest

from symgrad import errors
from symgrad.errors import FormulaError, SymgradError, SymgradWarning

PACKAGE = Path(errors.__file__).parent
CLASSES = [value for value in vars(errors).values() if inspect.isclass(value)]
BASES = {SymgradError, FormulaError}


def test_there_are_errors_and_warnings_and_nothing_else():
    assert len(CLASSES) > 10
    for made in CLASSES:
        assert issubclass(made, SymgradError | SymgradWarning)
        assert made.__module__ == "symgrad.errors"


@pytest.mark.parametrize("made", CLASSES, ids=lambda made: made.__name__)
def test_each_class_says_what_it_means(made):
    assert made.__doc__
    assert made.__doc__ != made.__bases__[0].__doc__


@pytest.mark.parametrize("made", CLASSES, ids=lambda made: made.__name__)
def test_errors_survive_pickling(made):
    # An executor hands them from one process to another.
    other = pickle.loads(pickle.dumps(made("x is 3; write 4")))
    assert type(other) is made
    assert str(other) == "x is 3; write 4"


@cache
def nodes():
    """Module -> the nodes of its syntax tree that are names or raise something."""
    return {
        path.relative_to(PACKAGE).as_posix(): [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Name | ast.Raise)
        ]
        for path in PACKAGE.rglob("*.py")
    }


def test_no_class_is_unused():
    used = {
        node.id
        for module, found in nodes().items()
        for node in found
        if module != "errors.py" and isinstance(node, ast.Name)
    }
    assert {made.__name__ for made in CLASSES if made not in BASES} <= used


PYTHONS_OWN = {"AttributeError", "KeyError"}
"""What Python's own protocols ask for: attributes that are not there, keys of a mapping."""

ARRAYS_OWN = {("runtime/cuda/arrays.py", "TypeError")}
"""What an array without axes raises where its length is asked for, as NumPy's does."""

CONVERTED = {
    *(("ir/recipe.py", "TypeError"), ("ir/row_text.py", "ValueError")),
    ("runtime/cuda/binary.py", "ValueError"),
}
"""Raised inside a module that turns them into its own before anybody sees them."""


NUMBAS_OWN = {("runtime/njit.py", "TypingError"), ("emit/cuda/device.py", "TypingError")}
"""What numba shows with the line of the user's code that it cannot compile."""


def test_the_library_raises_its_own_classes_alone():
    # The command has its own, click's, which end it with a status.
    allowed = {made.__name__ for made in CLASSES} | PYTHONS_OWN
    wrong = []
    for place, found in nodes().items():
        if place.startswith("cli/"):
            continue
        for node in found:
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                name = getattr(node.exc.func, "id", "")  # lower case: what makes an error
                known = name in allowed or (place, name) in CONVERTED | NUMBAS_OWN | ARRAYS_OWN
                if name[:1].isupper() and not known:
                    wrong.append(f"{place}:{node.lineno} raises {name}")
    assert not wrong
