"""The benchmarks at size one, so that they cannot rot; no figure is judged here."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks import scale, side_by_side
from benchmarks.peers import PEERS, prepare
from benchmarks.peers.prepared import Prepared, Unavailable, distance, fastest
from benchmarks.problems import PROBLEMS

# Importing the other peers takes longer than everything here together.
QUICK_PEERS = ("symgrad", "numba")
POINTS = 64


class ArrayMath:
    """NumPy under the names that a problem's function expects."""

    sin, cos, exp, log, sqrt = np.sin, np.cos, np.exp, np.log, np.sqrt
    erf = staticmethod(np.vectorize(math.erf))


def prepared(name, problem):
    """The prepared peer, or a skip that says why there is none."""
    result = prepare(name, problem)
    if isinstance(result, Unavailable):
        pytest.skip(f"{name}: {result.reason}")
    return result


@pytest.mark.parametrize("name", PROBLEMS)
def test_problem_is_finite_on_its_points_and_has_the_outputs_it_says(name):
    problem = PROBLEMS[name]
    points = problem.points(np.random.default_rng(0), POINTS)
    assert points.shape == (problem.columns, POINTS)
    assert points.flags.c_contiguous
    outputs = problem.function(ArrayMath, points)
    assert len(outputs) == problem.outputs
    for output in outputs:
        assert np.isfinite(output).all()


@pytest.mark.parametrize("name", PROBLEMS)
def test_problem_depends_on_its_last_input(name):
    problem = PROBLEMS[name]
    points = problem.points(np.random.default_rng(0), POINTS)
    moved = points.copy()
    moved[problem.columns - 1] += 1e-3
    before = problem.function(ArrayMath, points)
    after = problem.function(ArrayMath, moved)
    assert any(np.any(np.not_equal(b, a)) for b, a in zip(before, after, strict=True))


def test_black_scholes_reproduces_a_published_price():
    # Hull, Options, Futures and Other Derivatives, the example of the Black-Scholes formula.
    [price] = PROBLEMS["black_scholes"].function(math, [42.0, 40.0, 0.1, 0.2, 0.5])
    assert price == pytest.approx(4.76, abs=5e-3)


@pytest.mark.parametrize("name", QUICK_PEERS)
def test_peer_differentiates_sine(name):
    problem = PROBLEMS["sine"]
    peer = prepared(name, problem)
    x1, x2 = points = problem.points(np.random.default_rng(1), 9)
    out = peer.allocate(9)
    peer.run(peer.place(points), out)
    value, derivative = peer.outputs(out)
    np.testing.assert_allclose(value, [x1**2 * np.sin(x2)], rtol=1e-13)
    expected = [[2 * x1 * np.sin(x2), x1**2 * np.cos(x2)]]
    np.testing.assert_allclose(derivative, expected, rtol=1e-13)


def test_command_writes_table_json_and_picture(tmp_path, capsys):
    data, picture = tmp_path / "figures.json", tmp_path / "bars.svg"
    options = ["--points", str(POINTS), "--rounds", "1", "--problems", "sine"]
    files = ["--json", str(data), "--picture", str(picture)]
    status = side_by_side.main([*options, "--peers", "symgrad", *files])
    assert status == 0
    [report] = json.loads(data.read_text())["problems"]
    assert (report["problem"], report["points"]) == ("sine", POINTS)
    assert report["unavailable"] == []
    [row] = report["rows"]
    assert row["name"] == "symgrad"
    assert row["whole"] > 0
    assert row["pieces"] > 0
    assert "symgrad: defaults" in capsys.readouterr().out
    assert "<svg" in picture.read_text()


def test_picture_without_matplotlib_shows_every_peer(monkeypatch, tmp_path):
    rows = [
        side_by_side.Row(name, "", 0.0, 0.0, 1, error, [ns], [2 * ns])
        for name, ns, error in (("symgrad", 2.0, 0.0), ("jax", 20.0, 1.0))
    ]
    monkeypatch.setattr(side_by_side.importlib.util, "find_spec", lambda name: None)
    path = tmp_path / "bars.svg"
    side_by_side.draw(path, [side_by_side.Report("sine", 1, rows, [])], "a < b")
    text = path.read_text()
    assert text.count("<rect") == 2
    assert "jax (disagrees)" in text
    assert "a &lt; b" in text


def test_disagreement_is_found_and_shown():
    value, derivative = np.ones((1, 4)), np.ones((1, 2, 4))
    wrong = derivative.copy()
    wrong[0, 1, 2] = 1 + 1e-6
    found = side_by_side.errors(
        {"liar": (value, wrong), "one": (value, derivative), "two": (value, derivative)}
    )
    assert found["one"] == found["two"] == 0
    assert found["liar"] == pytest.approx(1e-6)
    row = side_by_side.Row("liar", "", 0.0, 0.0, 1, found["liar"], [1.0], [1.0])
    absent = Unavailable("jax", "not installed")
    text = side_by_side.table(side_by_side.Report("sine", 4, [row], [absent]))
    assert "DISAGREES by 1.0e-06" in text
    assert "jax took no part: not installed" in text


def test_nan_counts_as_disagreement():
    good = np.ones((1, 4)), np.ones((1, 2, 4))
    bad = np.full((1, 4), np.nan), np.ones((1, 2, 4))
    assert distance(bad, good) == math.inf


def test_missing_library_is_reported_not_raised(monkeypatch):
    monkeypatch.setitem(PEERS, "nothing", ("no_such_module", ("nothing",)))
    result = prepare("nothing", PROBLEMS["sine"])
    assert isinstance(result, Unavailable)
    assert "pip install nothing" in result.reason


def stub(repetitions, shift=0.0):
    """A peer that copies its first input `repetitions` times, `shift` too high."""

    def run(points, out):
        for _ in range(repetitions):
            np.add(points[:1], shift, out=out)

    return Prepared(
        name="peer",
        settings="stub",
        derive_s=0.0,
        compile_s=0.0,
        run=run,
        outputs=lambda out: (out, np.broadcast_to(out, (1, *out.shape))),
        allocate=lambda count: np.empty((1, count)),
    )


def test_fastest_keeps_the_faster_variant_and_names_both():
    variants = [("slow", lambda: stub(50)), ("quick", lambda: stub(1))]
    chosen = fastest(PROBLEMS["sine"], variants)
    assert chosen.settings.startswith("stub; quick (ns at")
    assert "slow" in chosen.settings


def test_fastest_leaves_out_a_variant_with_other_results():
    variants = [("right", lambda: stub(50)), ("wrong", lambda: stub(1, shift=1e-6))]
    chosen = fastest(PROBLEMS["sine"], variants)
    assert chosen.settings.startswith("stub; right (ns at")
    assert "left out: wrong is wrong by" in chosen.settings


def test_every_peer_has_a_module():
    folder = Path(side_by_side.__file__).parent / "peers"
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "prepared"}
    assert modules == {module for module, _ in PEERS.values()}


def test_scale_prints_every_figure(capsys):
    scale.main(inputs=20, atoms=3, depth=30)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0].split(":")[0] for line in lines] == [
        "Rosenbrock",
        "3 atoms",
        "30 nested sines",
        "second process",
    ]
    assert float(lines[2].rsplit(" ", 1)[1]) < 1e-12
