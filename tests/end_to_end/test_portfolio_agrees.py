"""All candidates of the search agree: the fuzzer of ``benchmarks/fuzz.py`` at a small size."""

from __future__ import annotations

from dataclasses import replace

import mpmath
import pytest

from benchmarks import fuzz
from benchmarks.random_systems import random_problem
from symgrad.differentiate.strategies import STRATEGIES

SYSTEMS, BATCHES = 60, 4


@pytest.mark.parametrize("batch", range(BATCHES))
def test_candidates_agree_with_the_plain_forward_sweep(batch: int) -> None:
    tally = fuzz.Tally()
    with mpmath.workdps(fuzz.DIGITS):
        for seed in range(batch, SYSTEMS, BATCHES):
            fuzz.check(random_problem(seed), tally, tries=8)
    found = [
        f"{kind}: seed {problem.seed}, {way}: {text}" for kind, problem, way, text in tally.failures
    ]
    assert not found, "\n".join(found)
    assert tally.systems + tally.skipped == SYSTEMS // BATCHES
    assert tally.systems > tally.skipped
    assert len(tally.applied) > len(STRATEGIES) // 2
    assert tally.distinct > 3 * tally.systems


def test_a_wrong_program_is_found() -> None:
    problem = replace(random_problem(1), order=1)
    with mpmath.workdps(fuzz.DIGITS):
        reference = fuzz.reference_of(problem)
        assert reference is not None
        assert list(reference.differences(reference.program)) == []
        code = list(reference.program.code)
        at = next(k for k, one in enumerate(code) if one.op in ("add", "mul"))
        code[at] = code[at]._replace(op="mul" if code[at].op == "add" else "add")
        broken = replace(reference.program, code=tuple(code))
        assert {kind for kind, _ in reference.differences(broken)} & {"wrong", "lost"}
