"""What a compiled kernel takes: registers, spilled bytes and shared memory.

The numbers come from the assembler's report (``ptxas -v``), which NVRTC and nvJitLink pass on.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from typing import NamedTuple

from symgrad.errors import KernelError

FUNCTION = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
REGISTERS = re.compile(r"[Uu]sed (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")


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
