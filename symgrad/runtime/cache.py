"""The directory on disk where derived programs, machine code and generated modules live.

Machine code is executed when it is loaded, so the directory is a boundary of trust: one that
others may write to is refused.
"""

from __future__ import annotations

import os
import shlex
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from symgrad.errors import KernelError, OptionError

VARIABLE = "SYMGRAD_CACHE_DIR"

LIMIT_VARIABLE = "SYMGRAD_CACHE_BYTES"
LIMIT = 2 * 1024**3
"""The files take no more bytes than this, or than ``$SYMGRAD_CACHE_BYTES``."""

CODE = ".code"
"""The suffix of machine code."""

PATTERNS = (
    *("_symgrad_*", "__pycache__/_symgrad_*"),
    *(f"{kind}_*{CODE}" for kind in ("kernel", "copies", "rare")),
    *("derived_*.json", "cubin_*.json"),
)
"""What symgrad writes into the directory."""


def directory() -> Path:
    """The cache directory: ``$SYMGRAD_CACHE_DIR``, else the user's cache folder for symgrad."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    from platformdirs import user_cache_path  # noqa: PLC0415 - only when nothing is set

    return user_cache_path("symgrad", appauthor=False)


def usable_directory() -> Path | None:
    """The cache directory, made if need be; None where there is none that can be read.

    Raises:
        KernelError: others than the user may write to it.
    """
    path = directory()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
    except OSError:
        return None
    if hasattr(os, "getuid"):
        foreign = status.st_uid not in (os.getuid(), 0)
        if foreign or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            cure = f"`chmod go-w {shlex.quote(str(path))}`"
            raise KernelError(
                f"the cache directory {path} can be written by others, and code in it is executed; "
                f"run {cure} or set {VARIABLE} to a directory of your own"
            )
    return path if os.access(path, os.R_OK | os.X_OK) else None


def is_writable(folder: Path) -> bool:
    """Whether files can be added to a directory; one that many share may be read alone."""
    return os.access(folder, os.W_OK)


def write(path: Path, content: str | bytes) -> bool:
    """Write a file by rename, so that no reader sees half of it; False where that fails."""
    if not is_writable(path.parent):
        return False
    name = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem)
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.replace(name, path)
    except OSError:
        if name is not None:
            Path(name).unlink(missing_ok=True)
        return False
    return True


def entries(path: Path, name: str) -> list[Path]:
    """The files that belong to the module ``name``: its source, numba's index and its code."""
    found = [path / f"{name}.py"]
    found += [*path.glob(f"{name}.*.nb?"), *path.glob(f"__pycache__/{name}.*")]
    return [file for file in found if file.exists()]


def remove(path: Path, name: str) -> None:
    """Delete the module ``name`` and its compiled code."""
    for file in entries(path, name):
        file.unlink(missing_ok=True)


def limit() -> int:
    """How many bytes the files may take.

    Raises:
        OptionError: the variable that says so holds no whole number.
    """
    given = os.environ.get(LIMIT_VARIABLE, "")
    if given and not given.isdecimal():
        raise OptionError(f"{LIMIT_VARIABLE}={given!r} is no number of bytes; write digits alone")
    return int(given) if given else LIMIT


def info() -> dict[str, object]:
    """Where the cache is, how many kernels it holds, and how many bytes they take and may take."""
    sizes = {file: status.st_size for file, status in _files().items()}
    return {
        "directory": str(directory()),
        "kernels": sum(file.name.startswith(("kernel_", "cubin_")) for file in sizes),
        "bytes": sum(sizes.values()),
        "limit": limit(),
    }


def touch(path: Path, name: str) -> None:
    """Note that the module ``name`` is used: those that were not are deleted first.

    The index of its code gets the present time: by that of the source numba knows whether the code
    belongs to it.
    """
    for file in entries(path, name):
        if file.suffix == ".nbi":
            with suppress(OSError):
                os.utime(file)


def shrink(keep: str = "") -> int:
    """Delete what was not used for the longest time until the files fit; how many were deleted.

    A kernel's files go together. What starts with ``keep`` stays.
    """
    files = _files()
    excess = sum(status.st_size for status in files.values()) - limit()
    groups: dict[str, list[Path]] = {}
    for file in files:
        groups.setdefault(file.name.split(".")[0], []).append(file)
    used = {name: max(files[file].st_mtime for file in group) for name, group in groups.items()}
    deleted = 0
    for name in sorted(groups, key=used.__getitem__):
        if excess <= 0:
            break
        if keep and name.startswith(keep):
            continue
        for file in groups[name]:
            excess -= files[file].st_size
            file.unlink(missing_ok=True)
            deleted += 1
    return deleted


def clear() -> int:
    """Delete symgrad's files in the cache directory and nothing else; how many there were."""
    files = _files()
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)


def _files() -> dict[Path, os.stat_result]:
    """Symgrad's files; another process may delete some of them meanwhile."""
    found = {}
    for pattern in PATTERNS:
        for file in directory().glob(pattern):
            with suppress(OSError):
                status = file.stat()
                if stat.S_ISREG(status.st_mode):
                    found[file] = status
    return found
