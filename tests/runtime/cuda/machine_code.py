"""Instructions of machine code for GPUs, read with ``nvdisasm`` of the CUDA toolkit."""

from __future__ import annotations

import re
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pytest

from symgrad.runtime.cuda.binary import Binary
from symgrad.runtime.cuda.resources import toolkit_program

NEEDS_NVDISASM = pytest.mark.skipif(
    toolkit_program("nvdisasm") is None, reason="nvdisasm is not installed"
)

LISTED = re.compile(
    r"^\s*/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)\s*(.*?)\s*;", re.MULTILINE
)

DOUBLE = re.compile(r"D(ADD|MUL|FMA|SETP|SET|MNMX|MMA)\b|MUFU\.\w+64H|(F2F|F2I|I2F|FRND)\S*\.F64")
"""Opcodes that compute in, or convert to or from, double precision."""

WIDTH = 16
"""Bytes of an instruction."""


class Operation(NamedTuple):
    """One instruction: ``DFMA`` and ``R4, R8, R10, R4``."""

    opcode: str
    operands: str


class Assembly(NamedTuple):
    """The instructions of a kernel in order."""

    operations: Sequence[Operation]

    def count(self, opcode: str) -> int:
        """How many instructions have this opcode, whatever its modifiers: ``STG``."""
        return sum(found.opcode.split(".")[0] == opcode for found in self.operations)

    @property
    def doubles(self) -> list[str]:
        """The opcodes of double precision, as often as they stand there."""
        return [found.opcode for found in self.operations if DOUBLE.match(found.opcode)]


def listed(text: str) -> list[Operation]:
    """The instructions of a listing of nvdisasm."""
    return [Operation(*found) for found in LISTED.findall(text)]


def instructions(cubin: bytes) -> bytes:
    """All functions' instructions, one after the other: the text sections of the 64-bit ELF."""
    (table,) = struct.unpack_from("<Q", cubin, 0x28)
    size, count, named = struct.unpack_from("<HHH", cubin, 0x3A)
    # A section's header: its name's place among the names, ..., its place in the file, its length.
    heads = [struct.unpack_from("<I20xQQ", cubin, table + size * i) for i in range(count)]
    names = heads[named][1]
    return b"".join(
        cubin[start : start + length]
        for name, start, length in heads
        if cubin.startswith(b".text.", names + name)
    )


def disassemble(*binaries: Binary) -> list[Assembly]:
    """The instructions of each kernel, all compiled for one architecture.

    They are read together: nvdisasm takes half a second to start, and 20 us an instruction.
    """
    (arch,) = {binary.arch for binary in binaries}
    parts = [instructions(binary.code) for binary in binaries]
    with tempfile.TemporaryDirectory(prefix="symgrad") as folder:
        file = Path(folder) / "instructions"
        file.write_bytes(b"".join(parts))
        command = [str(toolkit_program("nvdisasm")), "--no-dataflow", "--binary"]
        command += [arch.upper().replace("_", ""), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = iter(listed(done.stdout))
    made = [Assembly(list(islice(found, len(part) // WIDTH))) for part in parts]
    assert sum(len(code.operations) for code in made) * WIDTH == sum(map(len, parts))
    assert next(found, None) is None
    return made
