"""The benchmarks at size one, so that they cannot rot; no figure is judged here."""

import json
import math
from pathlib import Path

import mpmath
import numpy as np
import pytest

from benchmarks import (
    coverage,
    derivation,
    derivation_errors,
    derivation_times,
    fuzz,
    latency,
    layouts,
    scale,
    side_by_side,
    vector_math,
)
from benchmarks.counting import counts
from benchmarks.derivation_errors import errors
from benchmarks.derivation_times import SlowError, limited
from benchmarks.peers import PEERS, prepare
from benchmarks.peers.prepared import Prepared, Unavailable, distance, fastest
from benchmarks.problems import PROBLEMS
from benchmarks.targets import TASKS
from symgrad.emit.providers.provider import own_body
from symgrad.ir.system import Tensor
from tests.cases import NEEDS_CASES

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


def test_scale_prints_every_figure(capsys, monkeypatch):
    monkeypatch.setattr(scale, "SPARSE_ENTRIES", 2000)
    scale.main(inputs=20, atoms=3, depth=30, variables=30, species=20, large=2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0].split(":")[0] for line in lines] == [
        *("Rosenbrock", "3 atoms", "2 atoms", "2 atoms interpreted", "30 nested sines"),
        "sparse Hessian of 3 inputs",
        "sparse Hessian of 30 inputs",
        "sparse Jacobian of 2 species and 20 reactions",
        "sparse Jacobian of 20 species and 200 reactions",
        "second process",
    ]
    assert float(lines[4].rsplit(" ", 1)[1]) < 1e-12
    nonzeros = [int(line.split(": ")[1].split()[0]) for line in lines[5:9]]
    assert nonzeros[:2] == [5, 59]  # 2 n - 1


def test_latency_of_every_form_and_peer(capsys, monkeypatch):
    assert latency.main(["--rounds", "1"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in (*latency.ours(), *latency.PEERS, "fn.njit(x, y)"))
    monkeypatch.setattr(latency, "PEERS", {"wrong": lambda: lambda: 0.5})
    with pytest.raises(ArithmeticError, match=r"wrong gives 0\.5"):
        latency.others()


def test_vector_mathematics_prints_what_kernels_get_and_what_it_is_compared_with(capsys):
    vector_math.main(["--points", "20", "--functions", "sincos", "exp", "erf"])
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["function", "provider"]
    rows = {tuple(line.split()[:2]): line.split()[2:6] for line in lines}
    for name in ("sincos", "exp", "erf"):
        assert float(rows[name, "libm"][3]) < 2
        for width, shown in zip(vector_math.WIDTHS, rows.get((name, "symgrad"), ()), strict=False):
            own = own_body(name, width, "float64")
            assert (shown == "-") == (own is None)
    for name, who in rows:
        assert float(rows[name, who][3]) < 4.5  # ulp


def test_erf_is_screened_in_long_doubles():
    if np.finfo(np.longdouble).nmant < 63:
        pytest.skip("long double is double here")
    x = np.linspace(-7, 7, 97)
    with mpmath.workdps(40):
        for argument, found in zip(x, vector_math.long_erf(x.astype(np.longdouble)), strict=True):
            exact = mpmath.erf(mpmath.mpf(float(argument)))
            split = mpmath.mpf(float(found)) + mpmath.mpf(
                float(found - np.longdouble(float(found)))
            )
            assert abs(split - exact) <= abs(exact) * mpmath.mpf(2) ** -56


def test_derivation_prints_a_row_and_what_is_measured_once(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(derivation, "ATOMS", 2)
    monkeypatch.setattr(derivation, "BIG", 20)
    monkeypatch.setattr(derivation_errors, "POINTS", 10)
    monkeypatch.setattr(derivation_times, "REPEATS", 1)
    monkeypatch.setattr(derivation_times, "SEARCHES", 1)
    figures = tmp_path / "figures.json"
    arguments = ["--problems", "POLLU", "--only", "time", "search", "accuracy", "sympy", "big"]
    assert derivation.main([*arguments, "--json", str(figures)]) == 0
    made = json.loads(figures.read_text())
    [row] = made["rows"]
    times, search, accuracy = (row["blocks"][name] for name in ("time", "search", "accuracy"))
    assert times["new"] > 0
    assert times["derive"] > 0
    assert times["passes"] > 0
    assert search["operations"] == counts.ours(TASKS["POLLU"]).operations
    assert search["ratio"] == pytest.approx(search["search"] / search["compile"])
    for program in ("raw", "optimised"):
        assert accuracy[program]["median"] < accuracy[program]["most"] < 100
        assert accuracy[program]["invalid"] == 0
    assert 0 < made["sympy"]["traced"] < 10
    assert 0 < made["sympy"]["sympy"] < 10
    assert made["big"]["nodes"] > 20
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(f"POLLU {times['strategy']:>39}")
    assert [line.split(":")[0] for line in lines[2:]] == [
        *("time, ms/1k", "time, passes/1k", "search, ratio", "accuracy, ratio"),
        *("gradient of 2 atoms, traced", "gradient of 2 atoms, from sympy"),
        "Rosenbrock, 20 inputs",
    ]


def test_errors_are_relative_to_the_largest_entry_and_to_each():
    tensor = Tensor("order1", (3,), (7, 5, 7))
    points = derivation_errors.POINTS
    exact = [{7: mpmath.mpf(1), 5: mpmath.mpf(2) ** -10}] * points
    result = [np.float64(1), np.float64(2.0**-10 * (1 + 2.0**-50)), np.float64(99)]
    found = errors([tensor], exact, [result])
    assert found == {"worst": 2.0**-8, "median": 2.0, "most": 4.0, "zeros": 0, "invalid": 0}
    infinite = errors([tensor], exact, [[np.float64(np.nan), result[1], result[2]]])
    assert (infinite["worst"], infinite["invalid"]) == (math.inf, points)


def test_a_row_that_takes_too_long_says_so():
    def forever():
        while True:
            pass

    with pytest.raises(SlowError, match=r"> 0\.1 s"), limited(0.1):
        forever()
    row = derivation.Row("tiny", {"time": derivation.figures_within(0.1, forever)})
    assert derivation.line(row).split() == ["tiny", ">", "0.1", "s"]
    assert "0 of 1" not in "".join(derivation.summary([row], ["time"]))


def test_fuzz_prints_a_summary(capsys):
    assert fuzz.main(["--systems", "1", "--tries", "2"]) == 0
    assert capsys.readouterr().out.startswith("1 systems (0 more were too large), ")


def test_fuzz_fails_with_the_smallest_part(capsys, monkeypatch):
    monkeypatch.setattr(fuzz.Reference, "differences", lambda *_: [("wrong", "because")])
    assert fuzz.main(["--systems", "1", "--tries", "2", "--show", "1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "found: wrong in 1" in lines[0]
    assert lines[1].startswith("wrong: seed 0, order ")
    assert lines[2].startswith("    order ")
    assert len(lines) == 3


@NEEDS_CASES
def test_coverage_of_sympy(capsys):
    assert coverage.main(["--peers", "symgrad", "--cases", "erf", "Integral"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["case", "symgrad"], ["erf", "yes"], ["Integral", "-"], ["of", "2", "1"]]


def test_coverage_marks_what_is_right():
    case = {"value": 1.0, "first": None, "second": -2.0}
    assert coverage.mark(case, [1.0, 7.0, -2.0]) == "yes"
    assert coverage.mark(case, [1.0, None, -2.1]) == "1/3"
    assert coverage.mark(case, [None, float("nan"), 2.0]) == "-"


def test_layouts_and_normal_equations_print_their_ratios(capsys, monkeypatch):
    monkeypatch.setattr(layouts, "ROUNDS", 1)
    monkeypatch.setattr(layouts, "MAIN_PROBLEMS", ("sine",))
    layouts.main(["--points", "2000"])
    lines = capsys.readouterr().out.splitlines()
    lines = [line for line in lines if not line.startswith("normal")]
    (row,) = [line.split() for line in lines if line.startswith("sine")]
    assert float(row[3]) == pytest.approx(float(row[1]) / float(row[2]), rel=0.1)
    figures = {line[:36].strip(): float(line.split()[-1]) for line in lines[-7:] if line}
    slow = min(value for name, value in figures.items() if name.startswith("J, then"))
    fast = min(value for name, value in figures.items() if name.startswith("fused"))
    assert figures["ratio of the faster ones"] == pytest.approx(slow / fast, rel=0.1)
