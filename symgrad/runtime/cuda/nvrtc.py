"""NVRTC: NVIDIA's compiler of CUDA C, from text to machine code without a GPU.

Products and sums are never contracted here (``--fmad=false``): which products become fused
multiply-adds is decided once, before code is emitted, so that a GPU and a CPU agree bit for bit
wherever only +, -, *, / and square roots are used.
"""

from __future__ import annotations

import re
from functools import cache as memoize
from types import ModuleType
from typing import Any

from symgrad.errors import KernelError, MissingDependencyError
from symgrad.runtime.cuda import cubins
from symgrad.runtime.cuda.binary import Binary, KernelText

OLDEST = (12, 9)
"""The first version of NVRTC that symgrad is tested with."""

REPORTED = 4_000
"""Characters of the compiler's messages that an error shows."""

MISSING = (
    "{what} is needed to compile for a GPU; run `pip install 'symgrad[cuda]'`, which brings NVRTC "
    "and cuda.core, or choose target='cpu' ({error})"
)

LINE = re.compile(r"\.cu\((\d+)\): error")


def compile_source(
    kernel: KernelText, arch: str, *, fast: bool = False, cache: bool = True
) -> Binary:
    """Compile a kernel's CUDA C to machine code, or take it from the disk.

    Args:
        kernel: its name and text; the text includes nothing.
        arch: what it is compiled for, ``sm_90`` for instance.
        fast: float32 quotients and square roots within 2 ulp in place of correctly rounded ones;
            float64 is not affected.
        cache: keep the machine code on disk for other processes.

    Raises:
        KernelError: the text does not compile; the message shows the place and what NVRTC says.
        MissingDependencyError: NVRTC is not installed.
    """
    chosen = options(arch, version(), fast=fast)
    key = cubins.key_of(kernel, arch, "nvrtc", *map(str, version()), *chosen)
    found = cubins.find(key) if cache else None
    if found is None:
        code, log = _compile(kernel.text, chosen, "CUBIN")
        found = Binary.of(kernel, code, arch, log)
        if cache:
            cubins.keep(key, found)
    return found


def ptx_of_source(kernel: KernelText, arch: str) -> str:
    """The kernel as PTX, NVIDIA's portable assembly language, for people to read.

    Raises:
        KernelError: the text does not compile.
        MissingDependencyError: NVRTC is not installed.
    """
    chosen = options(_known(arch).replace("sm_", "compute_"), version())
    code, _ = _compile(kernel.text, [one for one in chosen if "ptxas" not in one], "PTX")
    return code.rstrip(b"\0").decode()


def options(arch: str, version: tuple[int, int], *, fast: bool = False) -> list[str]:
    """The options of NVRTC.

    ``--Ofast-compile`` is not among them: with NVRTC 13.5 a kernel of 20,000 operations takes 38 s
    with ``mid`` and 18 s without, and its code is a third longer; ``max`` is three times as fast,
    but doubles the code.

    >>> options("sm_90", (13, 0), fast=True)[3:]
    ['--minimal', '--prec-div=false', '--prec-sqrt=false', '--ptxas-options=-v']
    """
    chosen = [f"--gpu-architecture={arch}", "--std=c++17", "--fmad=false"]
    if version >= OLDEST:
        chosen.append("--minimal")  # leaves out declarations that no kernel of ours uses
    if fast:
        chosen += ["--prec-div=false", "--prec-sqrt=false"]
    return [*chosen, "--ptxas-options=-v"]


@memoize
def version() -> tuple[int, int]:
    """NVRTC's version, that of the CUDA toolkit it belongs to: (13, 0).

    Raises:
        MissingDependencyError: NVRTC is not installed.
    """
    _, major, minor = _library().nvrtcVersion()
    return int(major), int(minor)


@memoize
def architectures() -> tuple[int, ...]:
    """The architectures that NVRTC compiles for, ascending: 90 stands for ``sm_90``."""
    _, found = _library().nvrtcGetSupportedArchs()
    return tuple(sorted(found))


def arch_of(major: int, minor: int) -> str:
    """The architecture to compile for, for a GPU of this compute capability.

    A GPU that is newer than NVRTC runs code for the highest lower minor version of its own major
    one.

    Raises:
        KernelError: NVRTC knows no architecture of the GPU.
    """
    fitting = [a for a in architectures() if a // 10 == major and a % 10 <= minor]
    if not fitting:
        raise KernelError(
            f"NVRTC {version()[0]}.{version()[1]} cannot compile for a GPU of compute capability "
            f"{major}.{minor}; it compiles for {_listed()}: install a newer CUDA toolkit for a "
            "newer GPU (`pip install -U 'symgrad[cuda]'`), an older one for an older"
        )
    return f"sm_{fitting[-1]}"


def _listed() -> str:
    return ", ".join(f"sm_{number}" for number in architectures())


def _known(arch: str) -> str:
    """An architecture that NVRTC compiles for."""
    if arch not in _listed().split(", "):
        raise KernelError(
            f"NVRTC {version()[0]}.{version()[1]} does not compile for {arch!r}; choose one of "
            f"{_listed()}"
        )
    return arch


@memoize
def _library() -> ModuleType:
    """The module of NVRTC's functions, and the library itself loaded."""
    try:
        from cuda.bindings import nvrtc  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingDependencyError(MISSING.format(what="cuda.bindings", error=error)) from error
    try:
        nvrtc.nvrtcVersion()
    except (RuntimeError, ImportError, OSError) as error:  # the library is found when it is called
        raise MissingDependencyError(MISSING.format(what="NVRTC", error=error)) from error
    found: ModuleType = nvrtc
    return found


def _compile(text: str, chosen: list[str], form: str) -> tuple[bytes, str]:
    """The machine code ("CUBIN") or assembly ("PTX") of a text, and what NVRTC says."""
    nvrtc = _library()
    if form == "CUBIN":
        _known(chosen[0].partition("=")[2])
    passed = [one.encode() for one in chosen]
    program = _done(nvrtc.nvrtcCreateProgram(text.encode(), b"kernel.cu", 0, [], []))
    try:
        (status,) = nvrtc.nvrtcCompileProgram(program, len(passed), passed)
        log = _read(program, "ProgramLog").rstrip(b"\0").decode(errors="replace").strip()
        if status != nvrtc.nvrtcResult.NVRTC_SUCCESS:
            raise KernelError(_refused(text, log, status.name))
        return _read(program, form), log
    finally:
        nvrtc.nvrtcDestroyProgram(program)


def _read(program: Any, what: str) -> bytes:
    """One of a compiled program's texts."""
    nvrtc = _library()
    filled = bytearray(_done(getattr(nvrtc, f"nvrtcGet{what}Size")(program)))
    _done(getattr(nvrtc, f"nvrtcGet{what}")(program, filled))
    return bytes(filled)


def _done(answer: tuple[Any, ...]) -> Any:
    """What a function of NVRTC returned besides its status."""
    status, *rest = answer
    if status.value:
        raise KernelError(f"NVRTC {version()[0]}.{version()[1]} failed: {status.name}")
    return rest[0] if rest else None


def _refused(text: str, log: str, status: str) -> str:
    """The message for a text that NVRTC refuses: its line first, then what NVRTC says."""
    major, minor = version()
    place = LINE.search(log)
    if place is None:
        where = ""
    else:
        number = int(place.group(1))
        lines = text.splitlines()
        shown = lines[number - 1].strip() if number <= len(lines) else ""
        where = f"line {number}: {shown[:200]}\n"
    more = "" if len(log) <= REPORTED else f"\n... and {len(log) - REPORTED:,} characters more"
    return (
        f"NVRTC {major}.{minor} cannot compile a generated kernel ({status})\n{where}"
        f"{log[:REPORTED]}{more}\nThis is a defect in symgrad, or an NVRTC older than "
        f"{OLDEST[0]}.{OLDEST[1]}: see `symgrad doctor`"
    )
