"""PTX to machine code without a GPU: how a kernel of the numba engine is assembled.

PTX is never handed to a driver: one that is older than the CUDA toolkit that wrote it refuses it,
while machine code is accepted by every driver of the same major version. For the same reason there
are two assemblers here. nvJitLink comes with numba-cuda and works in the process; where it is
missing, or too old for the text, ``ptxas`` of a wheel, of a toolkit or on the path is used.

nvJitLink assembles a part of something larger, ``ptxas`` the whole. That matters where a kernel
promises the size of its blocks: the Jacobian ``sph7`` of benchmarks/problems.py then takes 246
registers of the one and 102 of the other. Without the promise it is 80 either way, and over all
benchmark problems instructions differ by 7 % at most.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from functools import cache as memoize
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from symgrad.errors import KernelError, MissingDependencyError
from symgrad.runtime.cuda import cubins
from symgrad.runtime.cuda.binary import Binary, KernelText
from symgrad.runtime.cuda.resources import toolkit_program

REPORTED = 4_000
"""Characters of the assembler's messages that an error shows."""

LINK_OPTIONS = ("-verbose", "-fma=0", "-Xptxas=-fmad=false", "-Xptxas=-v")
ASSEMBLE_OPTIONS = ("-fmad=false", "-v")

TOO_NEW = "Unsupported .version"
"""What an assembler says of PTX that is newer than itself."""


class Assembler(NamedTuple):
    """What turns PTX into machine code.

    Attributes:
        name: "nvJitLink" or "ptxas".
        version: of the CUDA toolkit that it belongs to.
        options: besides the architecture.
        run: (text, architecture) -> (machine code, or nothing where it failed; what it says).
    """

    name: str
    version: str
    options: tuple[str, ...]
    run: Callable[[str, str], tuple[bytes, str]]


def build(
    kernel: KernelText,
    arch: str,
    write: Callable[[], str],
    *made_by: str,
    cache: bool = True,
) -> Binary:
    """A kernel's machine code from the disk, or its PTX written and assembled.

    Args:
        kernel: its name and text.
        arch: what it is compiled for, ``sm_90`` for instance.
        write: writes the PTX, which takes as long as to assemble it.
        made_by: what the PTX depends on besides the text and the architecture: versions, sources.
        cache: keep the machine code on disk for other processes.

    Raises:
        KernelError: the PTX cannot be assembled, or is newer than every assembler.
        MissingDependencyError: there is no assembler.
    """
    names = [part for one in assemblers() for part in (*one[:2], *one.options)]
    key = cubins.key_of(kernel, arch, *names, *made_by)
    found = cubins.find(key) if cache else None
    if found is None:
        found = assemble(write(), kernel, arch, cache=False)
        if cache:
            cubins.keep(key, found)
    return found


def assemble(ptx: str, kernel: KernelText, arch: str, *, cache: bool = True) -> Binary:
    """Assemble the PTX of a kernel to machine code, or take it from the disk.

    Args:
        ptx: the assembly text; its kernel is ``kernel.name``.
        kernel: the kernel that the text was made from.
        arch: what it is assembled for, ``sm_90`` for instance.
        cache: keep the machine code on disk for other processes.

    Raises:
        KernelError: the PTX cannot be assembled, or is newer than every assembler.
        MissingDependencyError: there is no assembler.
    """
    log = ""
    for assembler in assemblers():
        key = cubins.key_of(kernel, arch, *assembler[:2], *assembler.options, ptx)
        found = cubins.find(key) if cache else None
        if found is not None:
            return found
        code, log = assembler.run(ptx, arch)
        if code:
            found = Binary.of(kernel, code, arch, log)
            if cache:
                cubins.keep(key, found)
            return found
        if TOO_NEW not in log:
            break
    raise KernelError(_refused(ptx, arch, log))


@memoize
def assemblers() -> tuple[Assembler, ...]:
    """The assemblers that are installed, the preferred one first.

    Raises:
        MissingDependencyError: there is none.
    """
    found = [one for one in (_jit_link(), _ptxas()) if one is not None]
    if not found:
        raise MissingDependencyError(
            "nvJitLink or ptxas is needed to assemble a kernel of the numba engine; run "
            "`pip install 'symgrad[numba-cuda]'`, or choose engine='nvrtc'"
        )
    return tuple(found)


def _refused(ptx: str, arch: str, log: str) -> str:
    """The message for PTX that no assembler takes."""
    listed = " and ".join(f"{one.name} {one.version}" for one in assemblers())
    if TOO_NEW in log:
        written = ptx.partition(".version ")[2].partition("\n")[0].strip()
        return (
            f"PTX of version {written} is newer than what {listed} can assemble; install the CUDA "
            "wheels of one version: `pip install -U 'symgrad[numba-cuda]'`"
        )
    more = "" if len(log) <= REPORTED else f"\n... and {len(log) - REPORTED:,} characters more"
    return (
        f"{listed} cannot assemble a generated kernel for {arch}; it says\n{log[:REPORTED]}{more}\n"
        "This is a defect in symgrad, or an architecture that the CUDA toolkit does not know"
    )


def _jit_link() -> Assembler | None:
    try:
        from cuda.bindings import nvjitlink  # noqa: PLC0415 - optional

        major, minor = nvjitlink.version()
    except (ImportError, RuntimeError, OSError):  # the library is found when it is called
        return None

    def run(ptx: str, arch: str) -> tuple[bytes, str]:
        return _linked(nvjitlink, ptx.encode(), arch)

    return Assembler("nvJitLink", f"{major}.{minor}", LINK_OPTIONS, run)


def _linked(nvjitlink: ModuleType, data: bytes, arch: str) -> tuple[bytes, str]:
    """The machine code, or nothing where there is an error, and what nvJitLink says."""
    chosen = [f"-arch={arch}", *LINK_OPTIONS]
    code = b""
    try:
        handle = nvjitlink.create(len(chosen), chosen)
    except nvjitlink.nvJitLinkError as error:  # an unknown architecture
        return code, str(error)
    try:
        try:
            nvjitlink.add_data(handle, nvjitlink.InputType.PTX, data, len(data), "kernel")
            nvjitlink.complete(handle)
            filled = bytearray(nvjitlink.get_linked_cubin_size(handle))
            nvjitlink.get_linked_cubin(handle, filled)
            code = bytes(filled)
        except nvjitlink.nvJitLinkError:  # the reason is in the log
            pass
        log = ""
        for part in ("error", "info"):
            text = bytearray(max(getattr(nvjitlink, f"get_{part}_log_size")(handle), 1))
            getattr(nvjitlink, f"get_{part}_log")(handle, text)
            log += text.rstrip(b"\0").decode(errors="replace").strip() + "\n"
    finally:
        nvjitlink.destroy(handle)
    return code, log.strip()


def _ptxas() -> Assembler | None:
    program = toolkit_program("ptxas")
    if program is None:
        return None
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    version = told.stdout.rpartition("release ")[2].partition(",")[0].strip()

    def run(ptx: str, arch: str) -> tuple[bytes, str]:
        with tempfile.TemporaryDirectory(prefix="symgrad") as folder:
            text, made = Path(folder) / "kernel.ptx", Path(folder) / "kernel.cubin"
            text.write_text(ptx, encoding="utf-8")
            command = [program, f"-arch={arch}", *ASSEMBLE_OPTIONS, str(text), "-o", str(made)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            code = b"" if done.returncode else made.read_bytes()
        return code, (done.stderr + done.stdout).strip()

    return Assembler("ptxas", version, ASSEMBLE_OPTIONS, run)
