"""Counts of operations, symgrad's and the peers': what is counted, and how it is shown."""

import json
import math
from dataclasses import replace

import pytest

import symgrad as sg
from benchmarks import operations
from benchmarks.counting import counts
from benchmarks.counting import sympy as counts_sympy
from benchmarks.counting.tasks import find, random_task, translated
from benchmarks.counting.worker import Outcome, Workers
from benchmarks.targets import TARGETS, TASKS
from tests.cases import FAMILIES, NEEDS_CASES, load


@pytest.mark.parametrize("task", TARGETS, ids=lambda task: task.name)
def test_target_is_finite_at_its_point(task):
    outputs = task.function(math, task.point)
    assert all(math.isfinite(output) for output in outputs)
    assert task.goal > 0


def test_ours_counts_distinct_derivatives_alone():
    # 2 x0 y and x0^2 of x0^2 y: x0^2, 2 x0 and its product with y.
    task = operations.Task("tiny", 2, 0, lambda m, x: [x[0] ** 2 * x[1]], ((1, 2),) * 2, 2)
    first = counts.ours(operations.Task("tiny", 2, 0, task.function, task.bounds, "gradient"))
    a, b = task.point
    assert first.values == pytest.approx([2 * a * b, a * a])
    assert first.operations == 3
    # Up to order 2 there are 2 + 3 entries: 2 y, 2 x0 and 0 besides.
    assert counts.ours(task).values == pytest.approx([2 * a * b, a * a, 2 * b, 2 * a, 0])


@pytest.mark.parametrize(
    ("exponent", "kinds"),
    [
        (1, {}),
        (10, {"mul": 4}),
        (-1, {"div": 1}),
        (-2.5, {"mul": 3, "sqrt": 1, "div": 1}),
        (1 / 3, {"pow": 1}),
    ],
)
def test_chain_of_a_power(exponent, kinds):
    assert counts.chain(exponent) == kinds


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("x + y - 2*z", {"add": 2, "mul": 1}),
        ("-x*y", {"mul": 1}),
        ("2*y/(z*sqrt(x))", {"mul": 2, "div": 1, "sqrt": 1}),
        ("1/(x*y**2)", {"mul": 2, "div": 1}),
        ("sqrt(pi)*2*x", {"mul": 1}),
        ("x**4 + x**-3", {"mul": 4, "add": 1, "div": 1}),
        ("exp(-x)*erf(y) + 3", {"exp": 1, "erf": 1, "mul": 1, "add": 1}),
        ("2**x + x**y", {"pow": 2, "add": 1}),
    ],
)
def test_sympy_operations_as_written(text, kinds):
    sympy = pytest.importorskip("sympy")
    expression = sympy.sympify(text, locals=dict(zip("xyz", sympy.symbols("x y z"), strict=True)))
    assert {k: n for k, n in counts_sympy.kinds(expression).items() if n} == kinds


def test_casadi_operations_by_instruction():
    casadi = pytest.importorskip("casadi")
    from benchmarks.counting.casadi import kinds

    x = casadi.SX.sym("x", 2)
    function = casadi.Function(
        "f", [x], [casadi.vertcat(x[0] ** 2 + 2 * x[1], -1 / casadi.sin(x[1]))]
    )
    assert kinds(function) == {"mul": 2, "add": 1, "sin": 1, "div": 1}


def test_random_tasks_are_the_same_in_every_library():
    sympy = pytest.importorskip("sympy")
    for seed in range(20):
        task = random_task(seed)
        inputs = [sg.variables(name) for name in task.names]
        exprs = task.function(sg.math, inputs)
        symbols = dict(zip(task.names, sympy.symbols(task.names, real=True), strict=True))
        point = dict(zip(symbols.values(), task.point, strict=True))
        through = [float(value.subs(point)) for value in translated(exprs, sympy, symbols)]
        assert through == pytest.approx(task.function(math, task.point), rel=1e-9)
    assert find("random:3").point == random_task(3).point


@NEEDS_CASES
@pytest.mark.parametrize("family", FAMILIES)
def test_case_has_the_jacobian_of_its_reference(family):
    case = load(family)[0]
    task = find(f"case:{family}/{case.id}")
    names = [*case.wrt, *(name for name in case.variables if name not in case.wrt)]
    at = dict(zip(names, task.point[: len(names)], strict=True))
    row = case.points.tolist().index([at[name] for name in case.variables])
    expected = case.references["jacobian"][row].ravel()
    assert counts.ours(task).values == pytest.approx(expected, rel=1e-9)


def run_operations(capsys, tmp_path, *arguments):
    status = operations.main([*arguments, "--cache", str(tmp_path / "kept.json")])
    return status, capsys.readouterr().out.splitlines()


def test_operations_prints_a_row_with_its_peer_and_keeps_the_count(capsys, tmp_path, monkeypatch):
    figures = tmp_path / "figures.json"
    chosen = ("--problems", "POLLU", "--peers", "sympy", "--json", str(figures))
    status, lines = run_operations(capsys, tmp_path, *chosen)
    assert status == 0
    [row] = json.loads(figures.read_text())
    assert (row["problem"], row["goal"]) == ("POLLU", 44)
    assert row["peers"]["sympy"]["count"]["operations"] == 44
    words = lines[1].split()
    assert words[:3] == ["POLLU", "jacobian", str(row["symgrad"]["operations"])]
    assert words[-2] == "44"
    # The second time the peer is not asked.
    monkeypatch.setattr(Workers, "_ask", None)
    assert run_operations(capsys, tmp_path, *chosen)[1][1].split()[-2:] == words[-2:]


def test_never_worse_fails_where_a_rival_has_fewer(capsys, tmp_path, monkeypatch):
    """And it tells where more operations cost less, with fewer divisions among them."""
    made = counts.ours(TASKS["POLLU"])
    chosen = ("--never-worse", "--no-cases", "--random", "0", "--problems", "POLLU")
    monkeypatch.setattr(Workers, "best", lambda *_: Outcome(made))

    def outcome(**ours):
        monkeypatch.setattr(operations, "ours", lambda *_: replace(made, **ours))
        return run_operations(capsys, tmp_path, *chosen)

    for count, expected in ((1, 0), (10**6, 1)):
        status, lines = outcome(operations=count)
        assert status == expected
        assert any(f"{expected} of 1 systems need more operations" in line for line in lines)
    cost = operations.weight(made.kinds)
    assert lines[0].startswith(f"POLLU: symgrad 1000000 (cost {cost}), ")
    for kinds, expected in (({"mul": 1}, 1), ({"div": 10**6}, 0)):
        _, lines = outcome(operations=10**6, kinds=kinds)
        assert any(f" {expected} of these at a lower weighted cost" in line for line in lines)


def test_the_weighted_cost_is_that_of_the_search():
    made = counts.ours(TASKS["Kerr metric"])
    total = sum(made.kinds.values())
    roots = 4 * made.kinds.get("div", 0) + 5 * made.kinds.get("sqrt", 0)
    assert operations.weight(made.kinds) > total + roots  # and functions cost more than one
    assert operations.weight({"mul": 2, "div": 1, "fabs": 1, "conditional": 1}) == 9


def test_a_peer_that_takes_too_long_is_stopped(tmp_path):
    with Workers(0.0, None) as workers:
        outcome = workers.best("sympy", "POLLU")
    assert (outcome.count, outcome.reason) == (None, "> 0 s")


def test_entries_that_differ_are_found():
    task = TASKS["nested, order 8"]
    values = counts.ours(task).values
    assert operations.agree(task, values, values)
    for position in range(len(values)):
        wrong = list(values)
        wrong[position] *= 1 + 1e-7
        assert not operations.agree(task, wrong, values)
