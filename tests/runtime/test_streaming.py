"""The choice whether results go past the cache."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad as sg
from symgrad import tiers
from symgrad.ir.program import DIRECTLY, THROUGH
from symgrad.runtime import cpu, streaming, threads
from symgrad.runtime.cpu import CpuFunction
from symgrad.runtime.streaming import (
    CHUNK_SECONDS,
    SHARES,
    STREAM_BYTES,
    TRIALS,
    WAYS,
    Streaming,
)

LARGE = STREAM_BYTES + 1
EVERY = len(WAYS) * TRIALS
"""Chunks after which the choice is made."""


class Clock:
    """Time that passes only while something is evaluated: so long for each way."""

    def __init__(self, *costs: float) -> None:
        self.now, self.costs, self.asked = 0.0, costs, list[int]()

    def __call__(self) -> float:
        return self.now

    def evaluate(self, way: int) -> None:
        self.asked.append(way)
        self.now += self.costs[way]


def evaluated(chosen: Streaming, clock: Clock, chunks: int, size: int = LARGE, points: int = 100):
    """One call of so many chunks, into memory that is there."""
    run = chosen.call(size, fresh=False)
    for _ in range(chunks):
        run(points, clock.evaluate)


@pytest.mark.parametrize("fastest", WAYS)
def test_the_fastest_way_is_taken_from_the_second_call_on(fastest: int) -> None:
    clock = Clock(*(1.0 if way == fastest else 2.0 for way in range(3)))
    chosen = Streaming(clock)
    evaluated(chosen, clock, 20)
    assert set(clock.asked) == {WAYS[0]}
    clock.asked = []
    evaluated(chosen, clock, EVERY + 5)
    evaluated(chosen, clock, 5)
    assert sorted(clock.asked[:EVERY]) == sorted(WAYS * TRIALS)
    assert clock.asked[EVERY:] == [fastest] * 10


def test_new_memory_is_tried_at_once_and_for_itself() -> None:
    clock = Clock(1.0, 2.0, 3.0)
    chosen = Streaming(clock)
    run = chosen.call(LARGE, fresh=True)
    for _ in range(EVERY + 1):
        run(100, clock.evaluate)
    assert clock.asked[-1] == THROUGH
    evaluated(chosen, clock, 1)
    assert clock.asked[-1] == WAYS[0]


def test_small_results_go_through_the_cache() -> None:
    clock = Clock(1.0, 0.1, 0.1)
    chosen = Streaming(clock)
    for _ in range(3):
        evaluated(chosen, clock, EVERY, STREAM_BYTES)
    assert set(clock.asked) == {THROUGH}


def test_results_of_another_size_are_another_choice() -> None:
    clock = Clock(1.0, 2.0, 3.0)
    chosen = Streaming(clock)
    for _ in range(2):
        evaluated(chosen, clock, EVERY)
    clock.costs, clock.asked = (3.0, 2.0, 1.0), []
    evaluated(chosen, clock, EVERY)
    assert set(clock.asked) == {THROUGH}
    for _ in range(3):
        evaluated(chosen, clock, EVERY, 4 * LARGE)
    assert clock.asked[-1] == DIRECTLY


def test_how_many_points_are_quick_enough_is_known_once_a_way_is_chosen() -> None:
    clock = Clock(1e-6, 2e-6, 5e-7)
    chosen = Streaming(clock)

    def chunk(size: int = LARGE, fresh: bool = False, alone: bool = True, points: int = 200) -> int:
        return chosen.chunk(size, points, fresh=fresh, alone=alone)

    for _ in range(2):
        assert chunk() == 199  # so many are of STREAM_BYTES
        evaluated(chosen, clock, EVERY)
    assert chunk() == pytest.approx(CHUNK_SECONDS / (5e-7 / 100), rel=1e-3)
    assert chunk(alone=False) == pytest.approx(chunk() / SHARES, abs=1)
    assert (chunk(fresh=True), chunk(4 * LARGE)) == (199, 49)
    assert chunk(points=10**9, fresh=True) == threads.CHUNK
    assert chunk(STREAM_BYTES) == 0
    clock.costs = (0.0, 0.0, 0.0)
    for _ in range(2):
        evaluated(chosen, clock, EVERY, 4 * LARGE)
    assert chunk(4 * LARGE) > 10**8


def test_a_way_is_chosen_for_results_of_one_size_and_kind() -> None:
    clock = Clock(1.0, 2.0, 0.5)
    chosen = Streaming(clock)
    assert chosen.chosen(LARGE, fresh=False) is None
    for _ in range(2):
        assert chosen.chosen(LARGE, fresh=False) is None
        evaluated(chosen, clock, EVERY)
    assert chosen.chosen(LARGE, fresh=False) == DIRECTLY
    assert chosen.chosen(LARGE, fresh=True) is chosen.chosen(4 * LARGE, fresh=False) is None


def test_one_slow_chunk_does_not_decide() -> None:
    clock = Clock(2.0, 3.0, 100.0)
    chosen = Streaming(clock)
    evaluated(chosen, clock, 1)
    evaluated(chosen, clock, 1)
    assert clock.asked[-1] == DIRECTLY
    clock.costs = (2.0, 3.0, 1.0)
    evaluated(chosen, clock, EVERY)
    assert clock.asked[-1] == DIRECTLY


def test_chunks_of_other_lengths_count_by_the_point() -> None:
    clock = Clock(1.0, 2.0, 3.0)
    chosen = Streaming(clock)
    evaluated(chosen, clock, 1)
    run = chosen.call(LARGE, fresh=False)
    for index in range(EVERY):
        run(1000 if WAYS[index % 3] == DIRECTLY else 100, clock.evaluate)
    run(100, clock.evaluate)
    assert clock.asked[-1] == DIRECTLY


@pytest.mark.parametrize("text", ["exp(x)*sin(y)", "x*y", "max(x, y)**3"])
@pytest.mark.parametrize("count", [threads.CHUNK + 1, 2 * threads.CHUNK])
def test_results_are_the_same_bits_every_way(
    text: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiers, "WHOLE_AFTER", 0.0)
    for module in (streaming, cpu):
        monkeypatch.setattr(module, "STREAM_BYTES", 1000)
    fn = sg.compile(text, ["x", "y"], ["value", "gradient"], batch_axis=-1, cache=False)
    assert isinstance(fn, CpuFunction)
    points = np.random.default_rng(1).uniform(-1, 1, (2, count))
    results = [fn(points, workers=2)]
    assert fn._code.further is None  # it writes past the cache by itself now, where it can
    results += [fn(points, workers=2) for _ in range(EVERY + 1)]
    [trial] = fn._streaming._trials.values()
    assert min(trial.timed) >= TRIALS  # every way was taken
    for result in results[1:]:
        np.testing.assert_array_equal(result.value, results[0].value, strict=True)
        np.testing.assert_array_equal(result.gradient, results[0].gradient, strict=True)
