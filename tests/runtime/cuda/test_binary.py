"""The record of a compiled kernel, and its text on disk."""

from __future__ import annotations

import hashlib
import json

import pytest

from symgrad.errors import KernelError
from symgrad.runtime.cuda.binary import Binary
from tests.runtime.cuda.kernels import HandWritten

LOG = """ptxas info    : Compiling entry function 'sg_hand' for 'sm_90'
    16 bytes stack frame, 12 bytes spill stores, 20 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 16 bytes cumulative stack size, 2048 bytes smem
"""
CODE = bytes(range(256)) * 7
KERNEL = HandWritten("sg_hand", "text", threads=128, points=512, block=2048)
BINARY = Binary.of(KERNEL, CODE, "sm_90", LOG)


def test_what_a_kernel_takes_is_read_from_the_report():
    assert (BINARY.registers, BINARY.spilled, BINARY.shared) == (40, 32, 2048)
    assert (BINARY.name, BINARY.arch, BINARY.code, BINARY.log) == ("sg_hand", "sm_90", CODE, LOG)
    assert (BINARY.threads, BINARY.points, BINARY.block) == (128, 512, 2048)


def test_an_empty_report_is_an_error():
    with pytest.raises(KernelError, match="names no registers"):
        Binary.of(KERNEL, CODE, "sm_90", "")


def test_the_text_holds_everything():
    assert Binary.from_text(BINARY.to_text()) == BINARY
    assert BINARY.to_text() == BINARY.to_text()
    assert len(BINARY.to_text()) < len(CODE), "machine code is compressed"


@pytest.mark.parametrize("place", [0, 40, 63, 64, 65, 200, -1])
def test_one_wrong_character_is_noticed(place):
    text = BINARY.to_text()
    other = "b" if text[place] != "b" else "c"
    damaged = text[:place] + other + text[place:][1:]
    with pytest.raises(ValueError, match="damaged"):
        Binary.from_text(damaged)


@pytest.mark.parametrize("length", [0, 10, 64, 65, 300, -1])
def test_a_text_that_was_cut_is_noticed(length):
    with pytest.raises(ValueError, match="damaged"):
        Binary.from_text(BINARY.to_text()[:length])


@pytest.mark.parametrize("change", [{"more": 1}, {"log": None}])
def test_a_text_of_another_version_is_noticed(change):
    read = json.loads(BINARY.to_text().partition("\n")[2])
    read |= change
    content = json.dumps({name: value for name, value in read.items() if value is not None})
    text = f"{hashlib.sha256(content.encode()).hexdigest()}\n{content}"
    with pytest.raises(ValueError, match="another version"):
        Binary.from_text(text)
