"""Binary: the machine code of one kernel for one kind of GPU, and what it takes of that GPU."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from dataclasses import asdict, dataclass, fields
from typing import Protocol

from symgrad.runtime.cuda.resources import resources

ENTRY = re.compile(r"Compiling entry function '(\w+)'")
"""Where the assembler's report names the kernel function."""


class KernelText(Protocol):
    """What a compiler needs to know of a generated kernel, whichever engine made it."""

    @property
    def name(self) -> str:
        """The name of the kernel function."""

    @property
    def text(self) -> str:
        """Its source."""

    @property
    def threads(self) -> int:
        """How many threads a block has."""

    @property
    def points(self) -> int:
        """How many points a block handles at a time."""

    @property
    def block(self) -> int:
        """Points whose sums are a row of each result; 0 where every point has its own."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A compiled kernel.

    Attributes:
        name: of the kernel function in it, which numba calls otherwise than its text does.
        code: the cubin, an ELF file.
        arch: the architecture that it is for, ``sm_90`` for instance; it runs on GPUs of the same
            major version and no lower minor one.
        threads: of a block.
        points: that a block handles at a time.
        block: points whose sums are a row of each result; 0 where every point has its own.
        registers: 32-bit registers of a thread.
        spilled: bytes of a thread that were written to memory, or read again, for lack of
            registers, as the compiler counts them.
        shared: bytes of shared memory of a block.
        log: what the compiler said.
    """

    name: str
    code: bytes
    arch: str
    threads: int
    points: int
    block: int
    registers: int
    spilled: int
    shared: int
    log: str

    @staticmethod
    def of(kernel: KernelText, code: bytes, arch: str, log: str) -> Binary:
        """The Binary of a kernel from its machine code and the assembler's report."""
        used = resources(log)
        entry = ENTRY.search(log)
        return Binary(
            name=entry.group(1) if entry else kernel.name,
            code=code,
            arch=arch,
            threads=kernel.threads,
            points=kernel.points,
            block=kernel.block,
            registers=used.registers,
            spilled=used.spilled,
            shared=used.shared,
            log=log,
        )

    def to_text(self) -> str:
        """The Binary as a hash, which shows damage, and one line of JSON."""
        found = asdict(self)
        found["code"] = base64.b64encode(zlib.compress(self.code, 1)).decode("ascii")
        text = json.dumps(found, sort_keys=True)
        return f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}"

    @staticmethod
    def from_text(text: str) -> Binary:
        """The Binary that ``to_text`` wrote.

        Raises:
            ValueError: the text is damaged, or of another version.
        """
        digest, _, content = text.partition("\n")
        if hashlib.sha256(content.encode()).hexdigest() != digest:
            raise ValueError("the text of a compiled kernel is damaged")
        read = json.loads(content)
        if set(read) != {field.name for field in fields(Binary)}:
            raise ValueError("the text of a compiled kernel is of another version")
        read["code"] = zlib.decompress(base64.b64decode(read["code"]))
        return Binary(**read)
