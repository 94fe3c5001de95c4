from __future__ import annotations

import json

import pytest

import symgrad.benchmark


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    monkeypatch.setattr(symgrad.benchmark, "SECONDS", 0.003)
    monkeypatch.setattr(symgrad.benchmark, "MEMORY_BYTES", 2**16)


FORMULA = ["bench", "k*x**2", "--inputs", "x", "--parameter", "k=2", "--jit", "never"]


def test_a_table(run, monkeypatch):
    monkeypatch.setattr("symgrad.benchmark.find_spec", lambda name: name != "numba" or None)
    made = run(*FORMULA, "--points", "100", "--range", "x=1:2")
    assert made.exit_code == 0
    assert "100 points" in made.stdout
    assert "times symgrad" in made.stdout
    assert "numba left out" in made.stdout


def test_json_and_peers(run, monkeypatch):
    monkeypatch.setattr("symgrad.benchmark.find_spec", lambda name: None)
    made = run(*FORMULA, "--points", "10", "--peers", "--json")
    read = json.loads(made.stdout)
    assert read["points"] == 10
    assert any("casadi" in note for note in read["notes"])
