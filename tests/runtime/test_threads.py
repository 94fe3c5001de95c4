"""Chunks, and the threads that take them."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
import weakref

import numpy as np
import pytest

from symgrad.ir.program import HEADER
from symgrad.runtime import threads
from symgrad.runtime.threads import (
    CHUNK,
    INLINE_POINTS,
    LINES,
    available,
    chunk_size,
    chunks,
    run,
)

BLOCK = 4096


@pytest.mark.parametrize("points", [0, 1, 7, 99, 100, 101, 250])
def test_chunks_cover_every_point_once(points):
    parts = chunks(points, 100)
    assert [i for a, b in parts for i in range(a, b)] == list(range(points))
    assert all(0 < b - a <= 100 for a, b in parts)


def test_chunks_are_whole_vectors():
    # Every chunk but the last starts and ends on a whole vector of any width.
    assert CHUNK % 64 == 0
    assert chunks(CHUNK * 2 + 1) == [(0, CHUNK), (CHUNK, 2 * CHUNK), (2 * CHUNK, 2 * CHUNK + 1)]


@pytest.mark.parametrize("step", [LINES, BLOCK])
@pytest.mark.parametrize("most", [0, 1000, 10_000, 10**5, 10**8])
@pytest.mark.parametrize("threads", [2, 3, 16])
@pytest.mark.parametrize("points", [1, INLINE_POINTS, 100_000, CHUNK + 1, 300_000, 10**7 + 1])
def test_every_thread_gets_as_much(points, threads, most, step):
    parts = chunks(points, chunk_size(points, threads, most, step))
    assert all(0 < b - a <= (max(step, most) + step if most else CHUNK) for a, b in parts)
    assert all(a % step == 0 for a, _ in parts)
    shares = [sum(b - a for a, b in parts[thread::threads]) for thread in range(threads)]
    if points >= threads * CHUNK or most:
        assert max(shares) <= points / threads + step * -(-len(parts) // threads)


def test_there_is_a_processor():
    assert 1 <= available() <= (os.cpu_count() or 1)


class Work:
    """Records who evaluated what."""

    def __init__(self, fails_at=None):
        self.parts = []
        self.names = set()
        self.fails_at = fails_at
        self.lock = threading.Lock()

    def __call__(self, start, stop):
        with self.lock:
            self.parts.append((start, stop))
            self.names.add(threading.current_thread().name)
        if start == self.fails_at:
            raise ValueError("this chunk fails")


@pytest.mark.parametrize("workers", [None, 1, 2, 3])
@pytest.mark.parametrize("points", [1, INLINE_POINTS, CHUNK + 1, 5 * CHUNK + 3])
def test_every_chunk_is_evaluated_once_whoever_does_it(points, workers):
    work, seen = Work(), []
    run(work, points, workers, lambda done, total: seen.append((done, total)))
    small = workers is None and points <= INLINE_POINTS
    size = chunk_size(points, 1 if small else workers or available())
    assert sorted(work.parts) == chunks(points, size)
    assert len(seen) == len(work.parts)
    assert seen[-1] == (points, points)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_small_batches_stay_in_the_calling_thread():
    work = Work()
    run(work, INLINE_POINTS, None, None)
    assert work.names == {threading.current_thread().name}


def test_one_worker_is_the_calling_thread():
    work = Work()
    run(work, 3 * CHUNK, 1, None)
    assert work.names == {threading.current_thread().name}
    assert work.parts == chunks(3 * CHUNK)


def test_chunks_may_be_shorter_and_longer():
    for most, size in ((0, CHUNK), (327, 320), (3 * CHUNK + 5, 3 * CHUNK), (10**9, 7 * CHUNK + 3)):
        work = Work()
        run(work, 7 * CHUNK + 3, 1, None, most)
        assert work.parts == chunks(7 * CHUNK + 3, size)
    assert chunk_size(CHUNK, 1, 1) == LINES
    assert chunk_size(CHUNK, 1, 1, BLOCK) == BLOCK
    work = Work()
    run(work, 8 * CHUNK, 2, None, 100 * CHUNK)
    assert sorted(work.parts) == chunks(8 * CHUNK, 4 * CHUNK)


def test_several_workers_are_threads_of_ours_that_are_kept():
    for _ in range(2):
        work = Work()
        run(work, 4 * CHUNK, 2, None)
        others = work.names - {threading.current_thread().name}
        assert all(name.startswith("symgrad") for name in others)
        assert len(others) <= 1
    assert 1 in threads._pools


def test_a_call_does_not_wait_for_threads_that_are_busy_with_another():
    running, ended = threading.Event(), threading.Event()

    def occupied(start, stop):
        running.set()
        assert ended.wait(30)

    other = threading.Thread(target=run, args=(occupied, 2 * CHUNK, 2, None))
    other.start()
    assert running.wait(30)
    work = Work()
    run(work, 4 * CHUNK, 2, None)
    assert sorted(work.parts) == chunks(4 * CHUNK)
    work = weakref.ref(work)
    assert work() is None, "the busy threads' queue keeps what the call worked on"
    ended.set()
    other.join()


def test_progress_is_told_in_the_calling_thread():
    names = set()
    run(Work(), 3 * CHUNK, 2, lambda *_: names.add(threading.current_thread().name))
    assert names == {threading.current_thread().name}


@pytest.mark.parametrize("workers", [1, 2])
def test_the_failure_of_a_chunk_is_raised(workers):
    with pytest.raises(ValueError, match="this chunk fails"):
        run(Work(fails_at=CHUNK), 4 * CHUNK, workers, None)
    work = Work()  # and the pool goes on working
    run(work, 4 * CHUNK, workers, None)
    assert sorted(work.parts) == chunks(4 * CHUNK)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_stops_between_chunks(workers):
    count = 50

    def interrupt(done, total):
        raise KeyboardInterrupt

    class Slow(Work):
        def __call__(self, start, stop):
            super().__call__(start, stop)
            time.sleep(0.01)

    work = Slow()
    with pytest.raises(KeyboardInterrupt):
        run(work, count * CHUNK, workers, interrupt)
    run(Work(), 2 * CHUNK, workers, None)  # what is still queued would come before this
    assert 1 <= len(work.parts) < count


def test_nothing_is_evaluated_once_a_call_has_ended(monkeypatch):
    done = []

    def work(start, stop):
        if start == 0:
            raise ValueError("bad chunk")
        time.sleep(0.02)
        done.append(start)

    with pytest.raises(ValueError, match="bad chunk"):
        run(work, 20 * CHUNK, 2, None)
    after = len(done)
    submit, calls = threads.ThreadPoolExecutor.submit, []

    def second_fails(pool, *task):
        calls.append(task)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return submit(pool, *task)

    monkeypatch.setattr(threads.ThreadPoolExecutor, "submit", second_fails)
    with pytest.raises(KeyboardInterrupt):
        run(lambda start, stop: (time.sleep(0.02), done.append(start)), 20 * CHUNK, 3, None)
    ended = len(done)
    assert ended - after < 20
    time.sleep(0.1)
    assert len(done) == ended


def test_no_points_are_no_work():
    work = Work()
    run(work, 0, 2, lambda *_: pytest.fail("nothing was done"))
    assert work.parts == []


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_has_pools_of_its_own():
    run(Work(), 2 * CHUNK, 2, None)
    assert threads._pools
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            work = Work()
            run(work, 2 * CHUNK, 2, None)
            os.write(writer, b"done" if sorted(work.parts) == chunks(2 * CHUNK) else b"wrong")
        finally:
            os._exit(0)
    os.close(writer)
    ready, _, _ = select.select([reader], [], [], 60)
    if not ready:  # it waits for threads that it does not have
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    answer = os.read(reader, 10)
    os.close(reader)
    assert answer == b"done"


def test_each_thread_has_its_own_scratch_memory():
    scratch = threads.Scratch(100, 2**40 + 7)
    found = [scratch.memory]
    other = threading.Thread(target=lambda: found.append(scratch.memory))
    other.start()
    other.join()
    assert scratch.memory is found[0]
    assert [array.nbytes for array in found] == [100 + HEADER, 100 + HEADER]
    assert [array[:8].view(np.int64)[0] for array in found] == [2**40 + 7] * 2
    assert not np.shares_memory(*found)
    assert all(array.ctypes.data % 64 == 0 for array in found)
