"""The directory on disk where generated modules and their compiled code live.

Compiled code is executed when it is loaded, so the directory is a boundary of trust: one that
others may write to is refused.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from symgrad.errors import KernelError

VARIABLE = "SYMGRAD_CACHE_DIR"

PATTERNS = ("_symgrad_*", "derived_*.json", "__pycache__/_symgrad_*")
"""What symgrad writes into the directory."""


def directory() -> Path:
    """The cache directory: ``$SYMGRAD_CACHE_DIR``, else the user's cache folder for symgrad."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    from platformdirs import user_cache_path  # noqa: PLC0415 - only when nothing is set

    return user_cache_path("symgrad", appauthor=False)


def usable_directory() -> Path | None:
    """The cache directory, made if need be; None where it cannot be written.

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
            raise KernelError(
                f"the cache directory {path} can be written by others, and code in it is executed; "
                f"run `chmod go-w {path}` or set {VARIABLE} to a directory of your own"
            )
    return path if os.access(path, os.W_OK) else None


def write(path: Path, text: str) -> bool:
    """Write a file by rename, so that no reader sees half of it; False where that fails."""
    name = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
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


def info() -> dict[str, object]:
    """Where the cache is, how many kernels it holds and how many bytes they take."""
    path = directory()
    files = [file for pattern in PATTERNS for file in path.glob(pattern) if file.is_file()]
    return {
        "directory": str(path),
        "kernels": sum(file.suffix == ".py" for file in files),
        "bytes": sum(file.stat().st_size for file in files),
    }


def clear() -> None:
    """Delete symgrad's files in the cache directory, and nothing else that may lie there."""
    path = directory()
    for file in [file for pattern in PATTERNS for file in path.glob(pattern)]:
        file.unlink(missing_ok=True)
