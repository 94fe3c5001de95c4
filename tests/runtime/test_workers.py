"""Workers, executors and the size of a batch change no bit of any point's result."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from symgrad.errors import ArgumentError
from symgrad.runtime import threads
from symgrad.runtime.streaming import STREAM_BYTES

K = 2.5


def same(got, expected):
    np.testing.assert_array_equal(got, expected, strict=True)


BATCHES = (0, 1, 7, 63, 64, 65, 1000, 70_000)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("count", BATCHES)
def test_a_point_has_the_same_bits_in_every_batch_and_on_every_thread(
    spring, points, count, workers
):
    whole = spring(points, k=K, workers=1)
    result = spring(points[:count], k=K, workers=workers)
    same(result.value, whole.value[:count])
    same(result.gradient, whole.gradient[:count])
    tail = spring(points[len(points) - count :], k=K, workers=workers)
    same(tail.value, whole.value[len(points) - count :])


class Mapped:
    """The least that an executor has to have."""

    def __init__(self):
        self.chunks = 0

    def map(self, function, items):
        for item in items:
            self.chunks += 1
            yield function(item)


def test_anything_with_map_is_an_executor(spring, points):
    expected = spring(points, k=K)
    executor = Mapped()
    result = spring(points, k=K, executor=executor)
    assert executor.chunks == len(threads.chunks(len(points)))
    same(result.value, expected.value)
    same(result.gradient, expected.gradient)


def test_a_thread_pool_is_an_executor(spring, points):
    k = np.linspace(1, 2, len(points))
    with ThreadPoolExecutor(2) as executor:
        result = spring(*points.T, k=k, executor=executor)
    same(result.gradient, spring(points, k=k).gradient)


def test_an_executor_accumulates_too(pair, points):
    out, seen = np.ones((len(points), 2, 2)), []
    pair(
        points,
        out=out,
        accumulate=True,
        executor=Mapped(),
        on_chunk=lambda done, total: seen.append((done, total)),
    )
    same(out, 1.0 + pair(points))
    assert seen == [(stop, len(points)) for _, stop in threads.chunks(len(points))]


def test_a_process_pool_is_an_executor(pair, points):
    # The function travels as its recipe; the other process finds the kernel in the cache.
    expected = pair(points)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        same(pair(points, executor=executor), expected)


def test_columns_that_broadcast_may_be_read_by_several_threads(spring):
    a, b = np.linspace(-1, 1, 500)[:, None], np.linspace(0, 2, 700)
    full = np.stack(np.broadcast_arrays(a, b), -1)
    for workers in (1, 2):
        for _ in range(3):
            same(spring(a, b, k=K, workers=workers).value, spring(full, k=K).value)


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_reaches_the_whole(spring, points, workers):
    seen = []
    spring(points, k=K, workers=workers, on_chunk=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(points), len(points))
    assert len(seen) == len(threads.chunks(len(points)))
    assert seen == sorted(seen)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_ends_a_call_and_the_function_works_on(spring, points, workers):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        spring(np.tile(points, (3, 1)), k=K, workers=workers, on_chunk=interrupt)
    same(spring(points, k=K, workers=workers).value, spring(points, k=K, workers=1).value)


def test_several_threads_may_call_one_function_at_once(spring, points):
    expected = spring(points, k=K, workers=1)
    wrong = []
    barrier = threading.Barrier(4)

    def call(workers):
        barrier.wait()
        for _ in range(5):
            result = spring(points, k=K, workers=workers)
            if not (
                np.array_equal(result.value, expected.value)
                and np.array_equal(result.gradient, expected.gradient)
            ):
                wrong.append(workers)

    callers = [threading.Thread(target=call, args=(1 + i % 2,)) for i in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert wrong == []


def test_results_larger_than_the_cache_have_the_same_bits(spring, points):
    repeats = STREAM_BYTES // (len(points) * 3 * 8) + 1
    table = np.tile(points, (repeats, 1))
    result = spring(table, k=K)
    assert result.value.nbytes + result.gradient.nbytes > STREAM_BYTES
    small = spring(points, k=K)
    same(result.value, np.tile(small.value, repeats))
    same(result.gradient, np.tile(small.gradient, (repeats, 1)))


def test_points_last_larger_than_the_cache_have_the_same_bits(pair_last, points):
    repeats = STREAM_BYTES // (len(points) * 4 * 8) + 1
    table = np.tile(points.T, repeats)
    made = pair_last(table, workers=2)
    assert made.nbytes > STREAM_BYTES
    same(made, np.tile(pair_last(points.T), repeats))


@pytest.mark.parametrize("workers", [0, -1, 1.5, "2"])
def test_a_senseless_number_of_workers_is_refused(spring, workers):
    with pytest.raises(ArgumentError, match="workers"):
        spring(np.ones((5, 2)), k=K, workers=workers)


def test_an_executor_without_map_is_refused(spring):
    with pytest.raises(ArgumentError, match=r"executor.*map"):
        spring(np.ones((5, 2)), k=K, executor=5)


@pytest.mark.parametrize(
    ("option", "message"), [({"executor": 3}, "has no .map"), ({"on_chunk": 3}, "cannot be called")]
)
def test_what_cannot_be_used_is_refused_before_it_is_needed(spring, points, option, message):
    with pytest.raises(ArgumentError, match=message):
        spring(points, k=K, **option)
