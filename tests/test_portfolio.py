"""The search over candidates: never dearer than sweeps alone, the same every time, right."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from typing import Any

import mpmath
import pytest

from symgrad import api, portfolio
from symgrad.errors import LimitError
from symgrad.functions import PRIMITIVES, math
from symgrad.ir.evaluate import mpmath_arithmetic, run
from symgrad.ir.expression import Expr, variables
from symgrad.ir.program import Program
from symgrad.ir.system import Request
from symgrad.ir.verify import verify_program
from symgrad.options import Options
from symgrad.portfolio import PRIMALS, Work, weighted
from symgrad.signatures import argument_groups

x, y, z = variables("x y z")

SYSTEMS: dict[str, tuple[Any, str]] = {
    "gauss": (math.exp(-(x**2) - y**2) * math.sin(x * y), "x y"),
    "rosenbrock": (100 * (y - x**2) ** 2 + (1 - x) ** 2 + 100 * (z - y**2) ** 2, "x y z"),
    "quotients": ([x / (y * z), y / (x + z), math.sqrt(x * y) / z], "x y z"),
    "branches": (math.where(x > y, math.sqrt(x) * y, math.abs(y) ** 3), "x y"),
    "constant": ([3 * x, 2], "x y"),
    "kinks": (math.max(x, y) * math.exp(z) + math.abs(x * z), "x y z"),
}
POINT = {"x": "0.7", "y": "0.4", "z": "1.3"}


def program(outputs: Any, inputs: str, order: int, **chosen: Any) -> Program:
    options = Options(**chosen)
    parsed = api.parse(outputs, inputs)
    recipe = api.make_recipe(parsed, [Request("d", "tensor", k) for k in range(order + 1)], options)
    return api.derive_program(recipe, options, argument_groups(recipe))[2]


def values(made: Program) -> list[Any]:
    point = [[mpmath.mpf(POINT[name]) for name in group.columns] for group in made.groups]
    return [
        value for result in run(made, PRIMITIVES, point, mpmath_arithmetic()) for value in result
    ]


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("name", SYSTEMS)
def test_is_right_and_never_dearer_than_sweeps(name: str, order: int, digits: int) -> None:
    outputs, inputs = SYSTEMS[name]
    plain = program(outputs, inputs, order, optimize="fast")
    for optimize in ("default", "max") if order < 3 else ("default",):
        made = program(outputs, inputs, order, optimize=optimize)
        verify_program(made)
        assert weighted(made) <= weighted(plain)
        for one, other in zip(values(made), values(plain), strict=True):
            assert mpmath.almosteq(one, other, 1e-14, 1e-14)


def test_max_is_never_dearer_than_default() -> None:
    for outputs, inputs in SYSTEMS.values():
        default, most = (program(outputs, inputs, 2, optimize=o) for o in ("default", "max"))
        assert weighted(most) <= weighted(default)


def test_equal_forms_of_a_primal_are_derived_once(monkeypatch: pytest.MonkeyPatch) -> None:
    derive, calls = portfolio._derive, list[str]()

    def counting(*given: Any) -> Any:
        calls.append(given[3])
        return derive(*given)

    monkeypatch.setattr(portfolio, "_derive", counting)
    made = program(x**2 * math.sin(y), "x y", 2)
    once = len(calls)
    monkeypatch.setattr(portfolio, "_content", lambda source: (id(source),))
    assert program(x**2 * math.sin(y), "x y", 2) == made
    assert once < len(calls) - once


def counted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[Any]:
    """The results of calls of a function of the search, in a list that grows."""
    original, made = getattr(portfolio, name), []

    def counting(*given: Any, **options: Any) -> Any:
        made.append(original(*given, **options))
        return made[-1]

    monkeypatch.setattr(portfolio, name, counting)
    return made


def test_a_primal_is_regrouped_once_for_all_its_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    forms, regrouped = counted(monkeypatch, "_form"), counted(monkeypatch, "optimise")
    program(*SYSTEMS["kinks"], 1)
    assert len(forms) == len(PRIMALS) - 1  # as it is given is one
    assert len(regrouped) == len({primal.passes for primal in PRIMALS}) - 1


def test_candidates_are_read_once_and_equal_ones_scheduled_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("_derive", "prepare", "regroup", "schedule")
    derived, prepared, regrouped, scheduled = (counted(monkeypatch, name) for name in names)
    made = program(*SYSTEMS["quotients"], 1)
    assert len(prepared) <= len(derived)
    assert len(prepared) < len(regrouped)
    assert len(scheduled) < len(regrouped)
    numbers: dict[Any, int] = {}
    assert len({portfolio.identity(*one, numbers) for one in regrouped}) == len(scheduled)
    costs = {weighted(portfolio.schedule(*one, made.groups)) for one in regrouped}
    assert min(costs) == weighted(made)


def test_the_same_derivatives_of_several_strategies_are_simplified_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    derived, simplified = counted(monkeypatch, "_derive"), counted(monkeypatch, "_simplified")
    program(x**2 * math.sin(y), "x y", 1)
    assert len(simplified) < len([one for one in derived if one is not None])
    assert {id(one) for one in derived if one is not None} == set(map(id, simplified))


def test_other_orders_of_passes_are_for_candidates_near_the_best(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    regrouped = counted(monkeypatch, "regroup")
    made = program(*SYSTEMS["quotients"], 1)
    few = len(regrouped)
    effort = portfolio.EFFORT["default"]._replace(close=100)
    monkeypatch.setitem(portfolio.EFFORT, "default", effort)  # type: ignore[misc]
    assert program(*SYSTEMS["quotients"], 1) == made
    assert few < len(regrouped) - few


def test_the_same_program_in_every_process() -> None:
    code = (
        "from tests.test_portfolio import SYSTEMS, program\n"
        "print(*(program(*SYSTEMS[name], 2).to_json() for name in SYSTEMS), sep='\\n')"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(found) == 1


def test_exact_rewrites_are_not_regrouped() -> None:
    made = program(x * y + x * z, "x y z", 0, rewrites="exact")
    assert made.counts["mul"] == 2
    assert program(x * y + x * z, "x y z", 0).counts["mul"] == 1


def test_large_systems_have_one_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = counted(monkeypatch, "regroup")
    v = variables("v", 2_000)
    total: Expr = v[0] ** 2
    for a, b in pairwise(v):
        total = total + (1 - a) ** 2 + 100 * (b - a**2) ** 2
    program(total, " ".join(str(name) for name in v), 1)
    assert len(attempts) == 1


def test_the_allowance_ends() -> None:
    work = Work("default")
    (derived,) = [portfolio.Derived(1.0, api.Graph(PRIMITIVES), [])]
    derived.graph.add_all([x * y, x + y, math.sin(x)])
    count = 0
    while work.allows(1):
        work.add(derived, 1, attempts=1)
        count += 1
    assert count == work.effort.attempts - portfolio.RESERVED_ATTEMPTS
    assert work.allows(1, reserve=0)


def test_a_limit_that_only_one_strategy_meets_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise LimitError("an exact constant grows beyond all bounds")

    before = weighted(program(math.exp(x * y) * z, "x y z", 2))
    strategies = dict.fromkeys(portfolio.SECOND_ORDER, refuse)
    strategies["pushing"] = portfolio.STRATEGIES["pushing"]
    monkeypatch.setattr("symgrad.differentiate.tensors.STRATEGIES", strategies)
    assert weighted(program(math.exp(x * y) * z, "x y z", 2)) >= before
    monkeypatch.setattr(
        "symgrad.differentiate.tensors.STRATEGIES", {**strategies, "pushing": refuse}
    )
    with pytest.raises(LimitError):
        program(math.exp(x * y) * z, "x y z", 2)


def test_forms_of_the_primal_are_all_different() -> None:
    assert len(set(PRIMALS)) == len(PRIMALS)
    assert PRIMALS[0] == portfolio.Primal("as written", False)


@pytest.mark.parametrize("expr", [x**1.5 + x**2 * 2 / 3, (math.pi * x) ** 1.5 + 3 * math.pi * x])
def test_regrouping_makes_no_new_roots_before_differentiation(expr: Expr) -> None:
    options = Options()
    parsed = api.parse(expr, "x")
    recipe = api.make_recipe(parsed, [Request("d", "tensor", 1)], options)
    system = api.read_system(recipe)
    for primal in PRIMALS:
        form = portfolio._form(portfolio.Source(system), primal, options, {})
        derived = portfolio._derive(form, recipe.requests, options, "reverse")
        assert derived is not None
        made = portfolio.schedule(derived.graph, derived.tensors, argument_groups(recipe))
        ((value,),) = run(made, PRIMITIVES, [[mpmath.mpf(0)]], mpmath_arithmetic())
        assert mpmath.isfinite(value), primal
