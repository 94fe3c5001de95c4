"""The suite of benchmarks at size one, so that it cannot rot; no figure is judged here."""

import json
import math
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from benchmarks import compile_times, resources, suite, suite_limits
from benchmarks.peers import prepare
from benchmarks.peers.prepared import (
    PATIENCE,
    Prepared,
    Unavailable,
    derivatives,
    distance,
    fastest,
    results_at,
)
from benchmarks.problem import Problem
from benchmarks.problems import PROBLEMS
from benchmarks.suite_picture import draw, rows_of
from benchmarks.suite_problems import find, points_of
from benchmarks.suite_problems import suite as all_problems
from benchmarks.suite_workers import PIECE, WARM_SECONDS, Settings, Worker, enter, warm
from tests.cases import NEEDS_CASES, load


def record(name="sine", whole=2.0, **peers):
    """A record as the suite keeps it; a peer is (whole, pieces, error)."""
    made = {"symgrad": {"whole": whole, "pieces": whole, "error": 0.0}}
    for peer, (its_whole, pieces, error) in peers.items():
        best = min(pieces, its_whole or pieces) / whole
        one = {"pieces": pieces, "error": error, "x pieces": pieces / whole, "x best": best}
        if its_whole is not None:
            one |= {"whole": its_whole, "x whole": its_whole / whole}
        made[peer.replace("_", "-")] = one
    limits = {"memory": 1.0, "arithmetic": 1.5}
    return {"problem": name, "points": 1000, "entries": 5, "peers": made, "limits": limits}


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """What a run of the suite allows its variants is forgotten after a test."""
    for name in ("build", "probe"):
        monkeypatch.setattr(PATIENCE, name, getattr(PATIENCE, name))


def test_the_suite_has_every_problem_and_hessians_of_the_small_ones():
    names = set(all_problems())
    assert {*PROBLEMS, "iiwa7_position"} <= names
    assert {"sine, hessian", "black_scholes, hessian", "kerr, hessian"} <= names
    assert "matfun4, hessian" not in names
    problem = find("kerr, hessian")
    assert (problem.order, problem.partials, problem.entries) == (2, 4, 4 + 10 * 5)
    assert points_of(find("sine"), 1000) == 1000
    assert points_of(find("matfun4"), 1000) == 100


@NEEDS_CASES
def test_formulas_of_users_have_the_values_of_their_references():
    for case in load("real_users"):
        problem = find(f"real_users/{case.id}")
        assert problem.columns == len(case.variables)
        order = [case.variables.index(name) for name in case.wrt]
        order += [k for k in range(problem.columns) if k not in order]
        for point, expected in zip(case.points[:2], case.references["value"][:2], strict=True):
            made = problem.function(math, [float(point[k]) for k in order])
            assert made == pytest.approx(np.ravel(expected), rel=1e-10)


TWICE = (
    *("symgrad", "symgrad-sparse", "numba", "casadi-vm", "casadi-c-sparse", "symengine", "heyoka"),
)
"""Peers that differentiate twice in a test; the others would take too long."""

WITHOUT_ZEROS = ("symgrad-sparse", "casadi-c-sparse")


@pytest.mark.parametrize("name", TWICE)
def test_peer_differentiates_twice(name, monkeypatch):
    monkeypatch.setattr(PATIENCE, "build", 0.0)
    monkeypatch.setattr(PATIENCE, "probe", 0.0)
    monkeypatch.setattr("benchmarks.peers.prepared.PROBE_POINTS", 64)

    def function(m, x):
        return [x[0] ** 2 * x[1] ** 3, x[0] * m.sin(x[1])]

    problem = Problem("two", 2, 0, function, ((1, 2), (1, 2)), "hessian")
    peer = prepare(name, problem)
    if isinstance(peer, Unavailable):
        pytest.skip(f"{name}: {peer.reason}")
    a, b = x = problem.points(np.random.default_rng(1), 9)
    sine, cosine, zero = np.sin(b), np.cos(b), np.zeros(9)
    value = np.array([a**2 * b**3, a * sine])
    first = [2 * b**3, 6 * a * b**2, 6 * a * b**2, 6 * a**2 * b]
    second = [zero, cosine, cosine, -a * sine]
    assert distance(results_at(peer, x), (value, np.array([first, second]))) < 1e-13
    out = peer.allocate(9)
    arrays = out.values() if isinstance(out, dict) else out if isinstance(out, tuple) else [out]
    # Of the first Hessian 3 entries, of the second one 2, which has a zero on its diagonal.
    assert (sum(array.size for array in arrays) == 9 * (2 + 5)) == (name in WITHOUT_ZEROS)


def test_derivatives_are_in_the_order_of_rows():
    class Counted:
        def __init__(self, path=""):
            self.path = path

        def diff(self, by):
            return Counted(self.path + by)

    made = [entry.path for entry in derivatives([Counted()], "xyz", 2)]
    assert made == ["xx", "xy", "xz", "xy", "yy", "yz", "xz", "yz", "zz"]


def test_a_variant_that_fails_is_left_out_and_all_of_them_raise():
    def fail():
        raise RuntimeError("cannot")

    def good():
        return Prepared(
            name="peer",
            settings="stub",
            derive_s=0.0,
            compile_s=0.0,
            run=lambda points, out: np.copyto(out, points[:1]),
            outputs=lambda out: (out, out[None]),
            allocate=lambda count: np.empty((1, count)),
        )

    chosen = fastest(PROBLEMS["sine"], [("bad", fail), ("good", good)])
    assert "left out: bad failed: RuntimeError" in chosen.settings
    with pytest.raises(RuntimeError, match="cannot"):
        fastest(PROBLEMS["sine"], [("bad", fail)])


def test_a_form_is_warmed_up_by_calls_of_some_time():
    calls = []

    def call():
        calls.append(time.process_time())
        while time.process_time() < calls[-1] + 0.01:
            pass

    warm(call)
    assert 2 <= len(calls) <= 1 + WARM_SECONDS / 0.01


def test_whole_batches_and_pieces_of_a_peer_have_the_same_results():
    runner, ready = enter("symgrad", find("sine"), Settings(2 * PIECE, 0.0, 0.0))
    x1, x2 = find("sine").points(np.random.default_rng(2026), 2 * PIECE)[:, -64:]
    np.testing.assert_allclose(ready.tail[0][0], x1**2 * np.sin(x2), rtol=1e-14)
    assert ready.head[1].shape == (1, 2, 1001)
    assert ready.whole
    assert runner.whole() > 0
    assert runner.pieces() > 0


def test_a_peer_that_takes_too_long_is_ended_and_one_that_fails_says_why():
    worker = Worker("symgrad")
    try:
        slow = worker.ask("prepare", "sine", Settings(64, 0.0, 0.0), seconds=0.0)
        assert slow == Unavailable("symgrad", "> 0 s to derive, compile and warm up")
        failed = worker.ask("prepare", "no such problem", Settings(64, 0.0, 0.0))
        assert failed.reason.startswith("failed: KeyError")
    finally:
        worker.close()


def test_suite_prints_a_line_keeps_it_and_draws_it(tmp_path, capsys):
    data, picture = tmp_path / "figures.jsonl", tmp_path / "ratios.svg"
    options = ["--points", "64", "--rounds", "1", "--problems", "sine, hessian", "--peers", "numba"]
    options += ["--variants", "0", "--probe", "0", "--json", str(data), "--picture", str(picture)]
    assert suite.main([*options, "--markdown"]) == 0
    shown = capsys.readouterr().out
    [kept] = [json.loads(text) for text in data.read_text().splitlines()]
    assert kept["peers"]["numba"]["error"] < 1e-12
    assert kept["limits"]["costs"]["sincos"] > 0
    assert "numba: " in shown
    assert "| sine, hessian |" in shown
    assert "<circle" in picture.read_text()
    # A second run reads what the first one kept.
    assert suite.main(options) == 0
    assert capsys.readouterr().out.splitlines()[2] == shown.splitlines()[2]
    assert len(data.read_text().splitlines()) == 1


def test_a_later_run_measures_the_peers_that_a_record_lacks():
    made = record(heyoka=(3.0, 1.0, 0.0))
    assert suite.lacking(made, ["symgrad", "heyoka"]) == []
    assert suite.lacking(made, ["symgrad", "heyoka", "jax"]) == ["symgrad", "jax"]
    peers = [*suite.OURS, "heyoka", "casadi-c-sparse"]
    assert suite.lacking(made, peers) == [*suite.OURS, "casadi-c-sparse"]

    class Answers:
        def __init__(self, *answers):
            self.answers = list(answers)

        def ask(self, *_, **__):
            return self.answers.pop(0)

    workers = {"symgrad": Answers(2.0, 1.0, 4.0, 2.0), "jax": Answers(8.0, 6.0, 8.0, 10.0)}
    assert suite.timed_beside(workers, "jax", True, 2) == {
        "whole": 8.0,
        "x whole": 3.0,
        "pieces": 8.0,
        "x pieces": 5.5,
        "x best": 2.5,
    }
    workers = {"symgrad-sparse": Answers(2.0, 2.0), "casadi-c-sparse": Answers(6.0, 6.0)}
    assert suite.timed_beside(workers, "casadi-c-sparse", True, 1)["x whole"] == 3.0
    dead = Unavailable("jax", "failed: its process died")
    workers = {"symgrad": Answers(2.0, 1.0), "jax": Answers(dead, dead)}
    assert suite.timed_beside(workers, "jax", True, 2) == {"reason": dead.reason}


def test_ratios_are_in_favour_of_peers_that_own_their_results():
    made = record(jax=(8.0, 6.0, 0.0), heyoka=(3.0, 1.0, 0.0), casadi_c=(None, 5.0, 0.0))
    assert suite.ratio(made, "heyoka") == (1.5, False)
    assert suite.ratio(made, "jax") == (3.0, True)
    assert suite.ratio(made, "casadi-c") == (2.5, True)
    assert suite.ratio(made, "numba") is None
    assert suite.reach(made) == 0.75
    assert suite.bound(made) == (1.5, "a")


def test_summary_has_means_what_is_below_and_who_is_absent():
    good, bad = record(heyoka=(8.0, 8.0, 0.0)), record("kerr", 8.0, heyoka=(4.0, 4.0, 0.0))
    bad["peers"]["jax"] = {"reason": "> 20 s to derive, compile and warm up"}
    wrong = record("cheb10", heyoka=(1.0, 1.0, 1e-3))
    lines = list(suite.summary([good, bad, wrong]))
    assert lines[0] == (
        "heyoka: 1.41 times as long in the geometric mean of 2 problems (aim 1.5), "
        "least 0.50 (kerr); below 1: kerr 0.50; 3.77 at the limit"
    )
    assert lines[1].endswith("; kerr 19%")
    sparse = record(casadi_c=(1.0, 1.0, 0.0)), record(casadi_c_sparse=(8.0, 8.0, 0.0))
    dense, both, _ = suite.summary(sparse)
    assert dense.startswith("casadi-c: 0.50 times")
    assert both.startswith("casadi-c-sparse beside sparse=True: 4.00 times")
    assert any(text.startswith("jax took no part in 1 (kerr): > 20 s") for text in lines)
    assert any(text.startswith("heyoka took no part in 1 (cheb10): DISAGREES") for text in lines)
    assert " > 20 " in suite.line(bad)
    assert " WRONG " in suite.line(wrong)


def test_picture_has_a_mark_for_every_ratio(tmp_path):
    made = [record("a<b", heyoka=(3.0, 3.0, 0.0), numba=(9e9, 9e9, 0.0))]
    rows = rows_of(made, suite.ratio)
    assert rows == [("a<b", {"heyoka": 1.5, "numba": 4.5e9})]
    path = tmp_path / "ratios.svg"
    draw(path, rows, "caption")
    assert path.read_text().count("<title>") == 2
    assert "a&lt;b" in path.read_text()


def test_limits_are_positive_and_count_what_a_program_has(monkeypatch):
    monkeypatch.setattr(suite_limits, "TURNS", 100)
    monkeypatch.setattr(suite_limits, "ROUNDS", 1)
    monkeypatch.setattr(suite_limits, "PIECE", 64)
    monkeypatch.setattr(suite_limits, "function_ns", lambda name: 10.0)
    made = suite_limits.limits(find("black_scholes"), 64)
    assert made.bound == max(made.memory, made.arithmetic)
    assert made.costs["log"] == 10
    assert made.costs["erfc"] == 20
    assert made.costs["div"] > 0
    # Comparisons and choices are one instruction each, functions are measured.
    counts = {"add": 3, "lt": 1, "select": 2, "neg": 1, "sin": 2, "cos": 1}
    found = suite_limits.costs(counts)
    assert (found["sincos"], found["sin"]) == (10, 10)
    each = suite_limits.instruction_ns("mixed") / suite_limits.lanes()
    assert found["simple"] == pytest.approx(7 * each)
    assert made.arithmetic == pytest.approx(sum(made.costs.values()))


@pytest.mark.parametrize("tile", suite_limits.TILES)
def test_the_copy_that_bounds_memory_copies_everything(tile):
    count = 1000
    source, target = suite_limits.aligned(3, count), suite_limits.aligned(7, count)
    source[:] = np.random.default_rng(0).random(source.shape)
    suite_limits.mover()(source.ctypes.data, target.ctypes.data, 3, 7, count, count, tile)
    np.testing.assert_array_equal(target, source[[0, 1, 2, 0, 1, 2, 0]])


def test_compile_times_are_printed(capsys, tmp_path):
    figures = tmp_path / "figures.json"
    options = ["--problems", "sine", "--atoms", "3", "--peers", "--starts", "0"]
    assert compile_times.main([*options, "--json", str(figures)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["problem", "sine", "3"]
    made = json.loads(figures.read_text())
    seconds, operations = made["3 atoms"]["symgrad"]
    assert seconds > 0
    assert operations > 50


def test_formula_text_is_compiled_without_sympy(tmp_path):
    environment = {**os.environ, "SYMGRAD_CACHE_DIR": str(tmp_path)}
    wall, cpu = compile_times.new_process(compile_times.OURS, environment)
    assert wall > 0
    assert cpu > 0
    with pytest.raises(subprocess.CalledProcessError):
        compile_times.new_process(f"import sympy\n{compile_times.OURS}", environment)


def test_starts_are_compared(monkeypatch):
    spent = iter([(9.0, 9.0), (9.0, 9.0), (3.0, 2.0), (2.0, 1.0), (1.0, 1.0), (1.0, 1.0)])
    monkeypatch.setattr(compile_times, "new_process", lambda *_: next(spent))
    made = compile_times.starts(2)
    assert made == {"symgrad, s": 1.5, "njit, s": 1.0, "ratio, CPU": 1.5, "ratio, wall": 1.25}


def test_resources_print_gains_and_memory(capsys):
    options = ["--points", "100", "--many", "100", "--rounds", "1"]
    assert resources.main([*options, "--problems", "nested", "--held", "sine"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[0] == "nested"
    assert all(float(figure.rstrip("x")) > 0 for figure in lines[1].split()[1:])
    if resources.REFERENCES.exists():
        assert len([line for line in lines if line.startswith("sine, points")]) == 8


@pytest.mark.skipif(not resources.REFERENCES.exists(), reason="memory is read from /proc")
def test_memory_that_is_given_back_is_seen():
    # In a process of its own: that of the tests may have held far more before.
    lines = (
        "import numpy as np; from benchmarks import resources",
        "before = resources.forget(); made = np.ones(2_000_000); del made",
        "assert 15e6 < resources.peak() - before < 20e6",
        "assert resources.forget() < before + 4e6",
    )
    subprocess.run(
        [sys.executable, "-c", chr(10).join(lines)],
        check=True,
        cwd=resources.__file__.rsplit("/", 2)[0],
    )
