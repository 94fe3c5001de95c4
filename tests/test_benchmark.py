from __future__ import annotations

import json

import numpy as np
import pytest
from sympy import symbols

import symgrad.benchmark
from symgrad import compile
from symgrad.benchmark import least
from symgrad.errors import ArgumentError, OptionError


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    monkeypatch.setattr(symgrad.benchmark, "SECONDS", 0.003)
    monkeypatch.setattr(symgrad.benchmark, "MEMORY_BYTES", 2**16)


def function(derivatives=("value", "gradient"), **options):
    return compile("k*x**2*sin(y)", "x y", derivatives, parameters="k", jit="never", **options)


def test_symbols_are_names_too():
    k, x = symbols("k x")
    found = function().benchmark(10, peers=[], parameters={k: 2.0}, ranges={x: (1, 2)})
    assert found.points == 10


@pytest.mark.parametrize("batch_axis", [0, -1])
def test_a_benchmark_beside_numpy(batch_axis):
    found = function(batch_axis=batch_axis).benchmark(500, peers=["numpy"])
    own, numpy = found.rows
    assert (own.name, own.ratio, own.differs) == ("symgrad", 1.0, None)
    assert (numpy.name, numpy.ratio) == ("numpy", numpy.seconds / own.seconds)
    assert numpy.differs < 1e-14
    assert found.points == 500
    assert found.bytes == 8 * (500 * (2 + 3) + 1)
    assert found.ns_per_point == pytest.approx(own.seconds / 500 * 1e9)
    assert found.points_per_second == pytest.approx(500 / own.seconds)
    assert found.memory_share > 0
    assert not found.notes
    read = json.loads(found.to_json())
    assert (read["schema"], read["rows"][1]["name"]) == (1, "numpy")
    assert "times symgrad" in str(found)


def test_a_peer_that_disagrees_is_told(monkeypatch):
    wrong = lambda case: lambda: [2 * case.columns[0]] * 3  # noqa: E731
    monkeypatch.setitem(symgrad.benchmark.PEERS, "numpy", ("numpy", wrong))
    found = function().benchmark(10, peers=["numpy"])
    assert found.rows[1].differs > 0.01
    assert "but differs by" in str(found)


def test_given_points_and_parameters():
    points = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = function(wrt="x k").benchmark(points, parameters={"k": 3.0}, peers=["numpy"])
    assert found.points == 2
    assert found.rows[1].differs < 1e-14


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"derivatives": "vjp"}, "Hessians, all dense"),
        ({"derivatives": 3}, "Hessians, all dense"),
        ({"reduce": "sum"}, "Hessians, all dense"),
        ({"derivatives": "hessian", "sparse": True}, "Hessians, all dense"),
    ],
)
def test_what_peers_are_not_given(options, reason):
    found = function(**options).benchmark(20, peers=["numpy"])
    assert [row.name for row in found.rows] == ["symgrad"]
    assert reason in found.notes[0]


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr("symgrad.benchmark.find_spec", lambda name: None)
    found = function().benchmark(20, peers=True)
    assert len(found.rows) == 1
    assert "heyoka left out: heyoka is not installed" in found.notes


def test_errors():
    with pytest.raises(ArgumentError, match=r"\(N, 2\), for x, y"):
        function().benchmark(np.zeros((3, 3)))
    with pytest.raises(OptionError, match="did you mean 'numpy'"):
        function().benchmark(5, peers=["numppy"])
    with pytest.raises(OptionError, match="'kk'"):
        function().benchmark(5, parameters={"kk": 1.0})
    with pytest.raises(OptionError, match="'z'"):
        function().benchmark(5, ranges={"z": (0.0, 1.0)})


def test_numbers_of_numpy_and_the_name_of_one_peer():
    found = function().benchmark(np.int64(20), peers="numpy")
    assert (found.points, found.rows[1].name) == (20, "numpy")


def test_the_least_time_of_two_calls_at_least():
    calls = []
    assert 0 <= least(lambda: calls.append(1), 0.0) < 1
    assert len(calls) == 2
