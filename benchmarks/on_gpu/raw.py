"""Kernels of plain CUDA C, compiled and launched as symgrad's own are."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

from benchmarks.on_gpu.device import device
from benchmarks.on_gpu.kernels import DRY_ARCH, compiler


class Text(Protocol):
    """What the compiler needs of a kernel."""

    name: str
    text: str
    threads: int
    points: int
    block: int


class Raw:
    """A compiled kernel; calling it with a number of blocks and its arguments launches it.

    Attributes:
        binary: its machine code; None in a dry run without NVIDIA's compiler.
    """

    def __init__(self, binary: Any, launch: Callable[..., None] | None) -> None:
        self.binary = binary
        self._launch = launch

    @property
    def registers(self) -> int:
        """Registers of a thread; 0 where it was not compiled."""
        return 0 if self.binary is None else self.binary.registers

    def __call__(self, blocks: int, *arguments: Any) -> None:
        """Launch on the stream that the arrays' library uses."""
        assert self._launch is not None
        self._launch(blocks, [plain(argument) for argument in arguments])


def plain(argument: Any) -> Any:
    """A number as it is, an array as its address."""
    return argument if isinstance(argument, int | float) else device().arrays.address(argument)


@cache
def gpu() -> Any:
    """The first GPU as symgrad's runtime sees it."""
    from symgrad.runtime.cuda.device import Machine

    return Machine().device(0)


def raw(kernel: Any) -> Raw:
    """Compile a kernel for the GPU; in a dry run for an H200's architecture, if possible."""
    from symgrad.runtime.cuda.nvrtc import compile_source

    if device().dry:
        made = compile_source(kernel, DRY_ARCH, cache=False) if compiler() else None
        return Raw(made, None)
    binary = compile_source(kernel, gpu().arch)
    return loaded(binary)


def loaded(binary: Any) -> Raw:
    """Machine code on the GPU."""
    from symgrad.runtime.cuda.accelerator import LEGACY

    kernel = gpu().load(binary)

    def launch(blocks: int, arguments: list[Any]) -> None:
        gpu().launch(kernel, blocks, device().arrays.stream() or LEGACY, arguments)

    return Raw(binary, launch)
