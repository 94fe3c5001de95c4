"""Lanes: where arrays begin, how large pieces are, and copies by several threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from symgrad.runtime.arrays import Columns
from symgrad.runtime.cuda import lanes
from symgrad.runtime.cuda.lanes import Station, aligned, piece_points, spread, stage
from tests.runtime.cuda.host import HostDevice


def test_arrays_begin_at_multiples():
    assert [aligned(n) for n in (0, 1, 256, 257)] == [0, 256, 256, 512]


@pytest.mark.parametrize("nbytes", [8, 72, 5000])
@pytest.mark.parametrize("unit", [1, 2048])
def test_pieces_are_multiples_of_a_unit_and_neither_small_nor_large(nbytes, unit):
    for count in (1, 1000, 10**6, 10**9):
        points = piece_points(count, nbytes, unit)
        assert points % unit == 0
        assert points >= unit
        assert points == unit or points * nbytes <= lanes.LARGEST_PIECE
    assert piece_points(10**9, nbytes, unit) * nbytes > 0.9 * lanes.LARGEST_PIECE - unit * nbytes


def test_a_point_larger_than_a_piece_is_a_piece():
    assert piece_points(10, 10**9, 1) == 1


@pytest.mark.parametrize("workers", [1, 3, 50])
def test_all_rows_are_worked_on_once(workers):
    seen = np.zeros(101, int)
    names = set()

    def work(start, stop):
        names.add(threading.current_thread().name)
        seen[start:stop] += 1

    spread(work, 101, 3 * lanes.COPY_BYTES, workers)
    assert (seen == 1).all()
    assert (names == {threading.current_thread().name}) is (workers == 1)


def test_few_bytes_are_copied_here():
    names = []
    spread(lambda a, b: names.append(threading.current_thread().name), 10, 100, 4)
    assert names == [threading.current_thread().name]


def test_an_error_of_a_thread_is_raised():
    def work(start, stop):
        raise ValueError(f"rows from {start}")

    with pytest.raises(ValueError, match="rows from 0"):
        spread(work, 10, 4 * lanes.COPY_BYTES, 2)


@pytest.mark.parametrize("points_first", [True, False])
def test_staging_casts_broadcasts_and_takes_a_part(points_first):
    memory = np.full(12, np.nan, np.float32)
    view = memory.reshape(4, 3) if points_first else memory.reshape(3, 4).T
    table = np.arange(30.0).reshape(10, 3)
    stage(Columns(table), view, 5, None)
    assert np.array_equal(view, table[5:9])
    stage(Columns(table[:1]), view, 5, None)
    assert np.array_equal(view, np.broadcast_to(table[0], (4, 3)))
    broadcast = np.broadcast_to(np.arange(10), (1, 10)).flat
    stage(Columns(None, (table[:, 1], np.array([7.0]), broadcast)), view, 2, None)
    assert np.array_equal(view, [[3 * i + 1, 7, i] for i in range(2, 6)])


def test_lanes_are_made_once_and_replaced_where_they_are_too_small():
    device = HostDevice(0)
    station = Station(device)
    first = station.lanes(2, 100, 50)
    assert station.lanes(1, 80, 50) == first[:1]
    second = station.lanes(3, 200, 10)
    assert [lane.stream for lane in second[:2]] == [lane.stream for lane in first]
    assert len({lane.stream for lane in second} | {station.stream}) == 4
    assert all(lane.staged.nbytes == lane.upper.nbytes == 200 for lane in second)
    assert [lane.fetched.nbytes for lane in second] == [50, 50, 10]
    assert [lane.lower.nbytes for lane in second] == [50, 50, 10]
