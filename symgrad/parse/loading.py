"""Loads SymPy only once one of its objects has been seen: the import takes 0.3 s."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def is_sympy(value: object) -> bool:
    """Whether ``value`` is a SymPy object, or one that says what it is in SymPy (``_sympy_``)."""
    return hasattr(type(value), "_sympy_") or any(
        (kind.__module__ or "").partition(".")[0] == "sympy" for kind in type(value).__mro__
    )


def sympy_reader() -> ModuleType:
    """The module that converts SymPy objects."""
    return import_module("symgrad.parse.sympy_expressions")
