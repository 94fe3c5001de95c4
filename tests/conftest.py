"""Fixtures for every test: seeded randomness, 50 digits, torch where it is, a private cache."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from types import ModuleType

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from symgrad.functions import PRIMITIVES
from symgrad.ir import evaluate
from tests import native
from tests.routines import OWN

DIGITS = 50

# Code that is compiled once lives for ever, and most of what else is made is soon gone: looking
# through all of it again and again would take an eighth of the time.
gc.set_threshold(50_000, 20, 20)

settings.register_profile(
    "symgrad",
    deadline=None,
    derandomize=True,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("symgrad")


@pytest.fixture(scope="session", autouse=True)
def private_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled code goes into a directory of this run, unless the caller chose one."""
    name = "SYMGRAD_CACHE_DIR"
    if name in os.environ:
        yield
        return
    folder = tmp_path_factory.mktemp("cache")
    folder.chmod(0o700)
    os.environ[name] = str(folder)
    yield
    del os.environ[name]


@pytest.fixture(scope="session", autouse=True)
def native_multiply_add() -> Iterator[None]:
    """The interpreter takes the processor's: emulating it was an eighth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "fused", native.fused)
        yield


@pytest.fixture(scope="module", autouse=True)
def kept_apart() -> None:
    """What earlier modules left is not looked through again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in every run."""
    return np.random.default_rng(20240229)


@pytest.fixture
def digits() -> Iterator[int]:
    """mpmath works with this many digits while a test runs."""
    with mpmath.workdps(DIGITS):
        yield DIGITS


@pytest.fixture
def torch() -> ModuleType:
    """PyTorch; tests that need it are skipped where it is not installed."""
    return pytest.importorskip("torch")


@pytest.fixture
def routine_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of ``tests/routines.py`` in the table that everything reads."""
    for row in OWN:
        monkeypatch.setitem(PRIMITIVES, row.name, row)
