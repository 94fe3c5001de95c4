"""Load machine code: object files of the disk cache, or some that are compiled now.

Files are written whole, and begin with a digest of the rest: what is damaged is compiled again.
Then come object files, each after its size.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from symgrad.runtime import cache

FORMAT = b"symgrad 2"
"""Goes into the digest: what another version wrote is damaged."""

DIGEST = hashlib.sha256().digest_size
SIZE = 8
"""Bytes that hold the size of an object file."""


class Loaded(NamedTuple):
    """Machine code in memory.

    Attributes:
        address: of its entry.
        cached: whether it came from the disk.
    """

    address: int
    cached: bool


class Code(Protocol):
    """What the loader needs to know of code."""

    @property
    def name(self) -> str:
        """It holds the hash of all that the code is made from."""

    @property
    def entry(self) -> str:
        """The symbol of the function in it."""


_loaded: dict[str, Loaded] = {}
_shared: dict[str, bytes] = {}
_engines: list[Any] = []  # what holds the memory; users' compiled code may know addresses in it
_lock = threading.RLock()


def _renew() -> None:
    """A forked child has no thread that would release the lock."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def load(
    code: Code,
    compile: Callable[[], Sequence[bytes]],
    prepare: Callable[[], None],
    *,
    beside: Sequence[bytes] = (),
    use_cache: bool = True,
) -> Loaded:
    """The machine code of ``code``; a process loads each once, and never gives it up.

    Args:
        code: its name and its entry.
        compile: makes the object files, that of the entry among them.
        prepare: makes the outside symbols of the code resolvable; called first.
        beside: object files with functions that the code calls.
        use_cache: keep the object files on disk for other processes.
    """
    with _lock:
        found = _loaded.get(code.name)
        if found is None:
            prepare()
            made, cached = _objects(code.name, compile, use_cache)
            address = _link([*made, *beside], code.entry)
            found = _loaded[code.name] = Loaded(address, cached)
        return found


def shared(name: str, compile: Callable[[], bytes], *, use_cache: bool = True) -> bytes:
    """An object file for ``beside``, which a process reads or compiles once."""
    with _lock:
        if name not in _shared:
            (_shared[name],), _ = _objects(name, lambda: [compile()], use_cache)
        return _shared[name]


def _objects(
    name: str, compile: Callable[[], Sequence[bytes]], use_cache: bool
) -> tuple[Sequence[bytes], bool]:
    """Object files, and whether they were on disk."""
    folder = cache.usable_directory() if use_cache else None
    held = None if folder is None else _read(_file(folder, name))
    if held is not None:
        return held, True
    made = compile()
    if folder is not None:
        content = b"".join([part for one in made for part in (len(one).to_bytes(SIZE), one)])
        if cache.write(_file(folder, name), _digest(content) + content):
            cache.shrink(keep=name)
    return made, False


def is_cached(name: str) -> bool:
    """Whether compiled code of this name lies on disk."""
    folder = cache.usable_directory()
    return folder is not None and _file(folder, name).exists()


def is_at_hand(name: str, *, use_cache: bool) -> bool:
    """Whether code of this name is loaded, or lies on disk where that may be used."""
    return name in _loaded or (use_cache and is_cached(name))


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(FORMAT + content).digest()


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}{cache.CODE}"


def _read(file: Path) -> list[bytes] | None:
    """The object files in a file; None where that is missing or damaged."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    if _digest(content[DIGEST:]) != content[:DIGEST]:
        return None
    made, place = [], DIGEST
    while place < len(content):
        start = place + SIZE
        place = start + int.from_bytes(content[place:start])
        made.append(content[start:place])
    with suppress(OSError):
        file.touch()  # those that were not used for the longest time are deleted first
    return made


def _link(objects: Sequence[bytes], entry: str) -> int:
    """Load object files; the address of a function in them."""
    from llvmlite import binding  # noqa: PLC0415 - kernels alone need it

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(
        codemodel="jitdefault", jit=True
    )
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    for made in objects:
        engine.add_object_file(binding.ObjectFileRef.from_data(made))
    engine.finalize_object()
    _engines.append(engine)
    return int(engine.get_function_address(entry))
