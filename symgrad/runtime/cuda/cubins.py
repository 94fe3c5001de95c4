"""Machine code for GPUs on disk, one file a kernel and architecture, beside symgrad's other files.

A file's name is a hash of everything that its content depends on, so nothing is ever out of date;
what nobody asks for any more is deleted first when the files take too much room. A file that is
damaged is deleted, and its kernel compiled again.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress

from symgrad.runtime import cache
from symgrad.runtime.cuda.binary import Binary, KernelText

FORMAT = "1"
"""Changes whenever the same key would stand for another content."""

PREFIX = "cubin_"


def key_of(kernel: KernelText, arch: str, *rest: str) -> str:
    """The key of a kernel: a hash of its text, the architecture, the compiler and its options.

    Args:
        kernel: what is compiled.
        arch: what for, ``sm_90`` for instance.
        rest: the compiler, its version and options; for machine code made from something else than
            the kernel's text, that too.
    """
    launch = (kernel.threads, kernel.points, kernel.block)
    parts = (FORMAT, kernel.name, kernel.text, *map(str, launch), arch, *rest)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def find(key: str) -> Binary | None:
    """The machine code that was kept under a key; None if there is none that can be read.

    Raises:
        KernelError: others than the user may write to the cache directory.
    """
    folder = cache.usable_directory()
    if folder is None:
        return None
    file = folder / f"{PREFIX}{key}.json"
    try:
        found = Binary.from_text(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):  # damaged
        with suppress(OSError):
            file.unlink(missing_ok=True)
        return None
    with suppress(OSError):
        os.utime(file)  # what was not used for the longest time is deleted first
    return found


def keep(key: str, binary: Binary) -> bool:
    """Write machine code to disk; False where that is not possible, which is no error."""
    folder = cache.usable_directory()
    if folder is None:
        return False
    written = cache.write(folder / f"{PREFIX}{key}.json", binary.to_text())
    if written:
        cache.shrink(keep=PREFIX + key)
    return written
