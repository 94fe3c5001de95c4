"""What is loaded on a device, and its memory."""

from __future__ import annotations

import pytest

from symgrad.runtime.cuda.accelerator import Loaded, Memory
from symgrad.runtime.cuda.binary import Binary


@pytest.mark.parametrize(
    ("count", "blocks"), [(1, 1), (256, 1), (257, 2), (256 * 6, 6), (256 * 6 + 1, 6), (10**9, 6)]
)
def test_blocks_are_as_many_as_fit_the_device(count, blocks):
    binary = Binary("sg", b"", "sm_90", 256, 256, 0, 0, 0, 0, "")
    assert Loaded(None, binary, 6).blocks(count) == blocks


def test_what_is_loaded_knows_how_it_is_launched():
    loaded = Loaded("kernel", Binary("sg", b"", "sm_90", 128, 64, 2048, 0, 0, 0, ""), 6)
    assert (loaded.kernel, loaded.threads, loaded.points) == ("kernel", 128, 64)
    assert (loaded.block, loaded.most, loaded.configs) == (2048, 6, {})


def test_new_memory_waits_for_nothing():
    first, second = Memory(64, 16), Memory(128, 16)
    first.after.append("event")
    assert (second.address, second.nbytes, second.after) == (128, 16, [])
