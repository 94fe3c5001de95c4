"""Compiled functions that many tests of calls share, and a cache directory of a test's own."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad as sg
from symgrad.runtime import cache, load, module


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache directory of the test's own, and a process that has loaded nothing."""
    path = tmp_path / "cache"
    path.mkdir(mode=0o700)
    monkeypatch.setenv(cache.VARIABLE, str(path))
    monkeypatch.setattr(load, "_loaded", {})
    monkeypatch.setattr(load, "_shared", {})
    monkeypatch.setattr(module, "_loaded", {})
    return path


@pytest.fixture(scope="session")
def spring():
    """k x^2 sin(y) over x and y with the parameter k: value and gradient."""
    return sg.compile("k*x**2*sin(y)", "x y", ["value", "gradient"], parameters="k")


@pytest.fixture(scope="session")
def pair():
    """(x y, x + sin(y)): its Jacobian alone, so that calls give an array."""
    return sg.compile(["x*y", "x + sin(y)"], "x y")


@pytest.fixture(scope="session")
def pair_last():
    """The same with points last."""
    return sg.compile(["x*y", "x + sin(y)"], "x y", batch_axis=-1)


@pytest.fixture(scope="session")
def cube():
    """x^3 of one input."""
    return sg.compile("x**3", "x", "value")


@pytest.fixture(scope="session")
def single():
    """x y in single precision."""
    return sg.compile("x*y", "x y", "value", dtype="float32")


@pytest.fixture(scope="session")
def products():
    """VJP, JVP and HVP of (x y, x^2 y)."""
    return sg.compile(["x*y", "x**2*y"], "x y", ["vjp", "jvp", "hvp"])


@pytest.fixture(scope="session")
def points():
    """70,000 points of two inputs: two chunks, no multiple of a vector."""
    return np.random.default_rng(11).uniform(-2, 2, (70_003, 2))
