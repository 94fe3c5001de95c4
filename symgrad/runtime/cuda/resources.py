"""What a compiled kernel takes: registers, spilled bytes, shared memory, and its instructions.

Numbers come from the assembler's report (``ptxas -v``), which NVRTC and nvJitLink pass on;
instructions from ``nvdisasm``, which comes with the CUDA toolkit.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from symgrad.errors import KernelError, MissingDependencyError

FUNCTION = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
REGISTERS = re.compile(r"[Uu]sed (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")

INSTRUCTION = re.compile(
    r"^\s*/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)\s*(.*?)\s*;", re.MULTILINE
)

DOUBLE = re.compile(r"D(ADD|MUL|FMA|SETP|SET|MNMX|MMA)\b|MUFU\.\w+64H|(F2F|F2I|I2F|FRND)\S*\.F64")
"""Opcodes that compute in, or convert to or from, double precision."""


class Resources(NamedTuple):
    """What a thread, or a block, of a kernel takes.

    Attributes:
        registers: 32-bit registers of a thread.
        spilled: bytes of spilled values that a thread's code stores and loads, all functions of
            the kernel together.
        shared: bytes of static shared memory of a block.
        stack: bytes of the largest stack frame; the slow paths of sine and cosine have one.
    """

    registers: int
    spilled: int
    shared: int
    stack: int


def resources(log: str) -> Resources:
    r"""Read the assembler's report on a module with one kernel.

    >>> resources("0 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads\n"
    ...           "Used 38 registers, used 0 barriers, 1024 bytes smem")
    Resources(registers=38, spilled=12, shared=1024, stack=0)

    Raises:
        KernelError: it does not say how many registers are used.
    """
    registers = [int(count) for count in REGISTERS.findall(log)]
    if not registers:
        raise KernelError(
            "the CUDA assembler's report names no registers; it reads\n"
            f"{log or '(nothing)'}\nUse a CUDA toolkit of 12.9 to 13.x"
        )
    frames = [tuple(map(int, found)) for found in FUNCTION.findall(log)]
    return Resources(
        registers=max(registers),
        spilled=sum(stores + loads for _, stores, loads in frames),
        shared=max(map(int, SHARED.findall(log)), default=0),
        stack=max((stack for stack, _, _ in frames), default=0),
    )


class Operation(NamedTuple):
    """One instruction of a kernel's machine code: ``DFMA`` and ``R4, R8, R10, R4``."""

    opcode: str
    operands: str


class Assembly(NamedTuple):
    """A kernel's machine code as text (SASS)."""

    text: str

    @property
    def operations(self) -> Iterator[Operation]:
        """The instructions in order."""
        return (Operation(*found) for found in INSTRUCTION.findall(self.text))

    def count(self, opcode: str) -> int:
        """How many instructions have this opcode, whatever its modifiers: ``STG``."""
        return sum(found.opcode.split(".")[0] == opcode for found in self.operations)

    @property
    def doubles(self) -> list[str]:
        """The opcodes of double precision, as often as they stand there."""
        return [found.opcode for found in self.operations if DOUBLE.match(found.opcode)]


def toolkit_program(name: str) -> str | None:
    """Where a program of the CUDA toolkit is: in a wheel, in a toolkit or on the path; else None.

    Wheels come first: a toolkit of the system may be older than they are.
    """
    try:
        from cuda import pathfinder  # noqa: PLC0415 - optional
    except ImportError:
        return shutil.which(name)
    find: Callable[[str], str | None] = pathfinder.find_nvidia_binary_utility
    return find(name) or shutil.which(name)


def disassemble(code: bytes) -> Assembly:
    """The instructions of a cubin.

    Raises:
        MissingDependencyError: there is no ``nvdisasm``.
        KernelError: it cannot read the cubin.
    """
    program = toolkit_program("nvdisasm")
    if program is None:
        raise MissingDependencyError(
            "machine code is shown by NVIDIA's nvdisasm, which is not installed; "
            'run `pip install "cuda-toolkit[nvdisasm]==13.*"`'
        )
    with tempfile.TemporaryDirectory(prefix="symgrad") as folder:
        file = Path(folder) / "kernel.cubin"
        file.write_bytes(code)
        done = subprocess.run(
            [program, "-c", str(file)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise KernelError(
            f"{program} cannot read the cubin; it says: {done.stderr.strip()}\n"
            "It must be of the same CUDA toolkit as the compiler, or newer"
        )
    return Assembly(done.stdout)
