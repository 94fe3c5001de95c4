"""Users' functions in compiled code: digests tell functions apart, and nothing is called unseen."""

from __future__ import annotations

import ctypes
import math

import llvmlite.binding as llvm
import numpy as np
import pytest
from numba import njit

from symgrad.errors import ArgumentError, KernelError
from symgrad.ir.program import Outside
from symgrad.runtime import callbacks

FACTOR = 3.0
TABLE = np.array([1.0, 2.0])


def scaled(x):
    return FACTOR * x + TABLE[1]


def made(factor):
    def multiplied(x):
        return factor * x

    return multiplied


def calling(function):
    def calls(x):
        return function(x)

    return calls


def symbol(function, name="f", arity=1):
    return callbacks.register(name, arity, function)


def test_a_symbol_says_what_a_function_does(monkeypatch):
    first = symbol(scaled)
    assert first.startswith("sg.user.f.1.")
    assert symbol(scaled) == symbol(njit(scaled)) == first
    assert symbol(scaled, "g") != first
    monkeypatch.setitem(scaled.__globals__, "FACTOR", 2.0)
    assert symbol(scaled) != first
    monkeypatch.setitem(scaled.__globals__, "FACTOR", 3)
    assert symbol(scaled) != first  # of another type
    monkeypatch.undo()
    monkeypatch.setitem(scaled.__globals__, "TABLE", np.array([1.0, 5.0]))
    assert symbol(scaled) != first


def test_closures_defaults_and_callees_count():
    assert symbol(made(2)) == symbol(made(2)) != symbol(made(3))
    inner = [njit(made(factor)) for factor in (2, 3)]
    first, second = (symbol(calling(one)) for one in inner)
    assert first != second
    assert symbol(lambda x: x + 1) != symbol(lambda x: x + 2)
    assert symbol(lambda x: math.sin(x)) != symbol(lambda x: math.cos(x))
    assert symbol(lambda x: 1.0 if x in {1.0, 2.0} else x) == symbol(
        lambda x: 1.0 if x in {1.0, 2.0} else x
    )


def test_what_cannot_be_told_apart_is_refused():
    strange = object()
    with pytest.raises(ArgumentError, match="uses strange = <object"):
        symbol(lambda x: x if strange else 0)
    for other in (abs, 3, np.sin):
        with pytest.raises(ArgumentError, match="give a Python function of floats"):
            symbol(other)


def test_arguments_are_counted():
    for other in (lambda x, y: x, lambda x, y=1: x, lambda *x: x, lambda x, **y: x):
        with pytest.raises(ArgumentError, match="give one for each number"):
            symbol(other)


def test_functions_are_found_by_symbol_and_arity():
    name = symbol(scaled)
    assert callbacks.find(name, 1) is scaled
    assert callbacks.find(name, 2) is None
    assert callbacks.caller("f", 1, name)(2.0) == 8.0
    with pytest.raises(KernelError, match="'f', a Python function that this process does not have"):
        callbacks.caller("f", 1, "sg.user.f.1.0")(2.0)


def test_prepared_functions_have_an_address():
    name = symbol(scaled)
    callees = [Outside("f", 1, name)]
    callbacks.prepare(callees)
    address = llvm.address_of_symbol(name)
    assert ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(address)(2.0) == 8.0
    callbacks.prepare(callees)
    assert llvm.address_of_symbol(name) == address


def test_division_by_zero_is_infinite():
    name = symbol(lambda x: 1 / x, "inverse")
    callbacks.prepare([Outside("inverse", 1, name)])
    call = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(llvm.address_of_symbol(name))
    assert call(0.0) == math.inf


def test_unknown_and_uncompilable_functions():
    with pytest.raises(KernelError, match=r"call sg.function\('f', numba=...\)"):
        callbacks.prepare([Outside("f", 1, "sg.user.f.1.0")])
    name = symbol(lambda x: x.real_part_of_it, "bad")
    with pytest.raises(KernelError, match=r"numba cannot compile the function 'bad' for 1 float"):
        callbacks.prepare([Outside("bad", 1, name)])
