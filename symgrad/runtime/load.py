"""Load machine code: an object file of the disk cache, or one that is compiled now.

Files are written whole, and begin with a digest of the rest: what is damaged is compiled again.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from symgrad.runtime import cache

DIGEST = hashlib.sha256().digest_size


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


def load(
    code: Code,
    compile: Callable[[], bytes],
    prepare: Callable[[], None],
    *,
    beside: Sequence[bytes] = (),
    use_cache: bool = True,
) -> Loaded:
    """The machine code of ``code``; a process loads each once, and never gives it up.

    Args:
        code: its name and its entry.
        compile: makes the object file.
        prepare: makes the outside symbols of the code resolvable; called first.
        beside: object files with functions that the code calls.
        use_cache: keep the object file on disk for other processes.
    """
    with _lock:
        found = _loaded.get(code.name)
        if found is None:
            prepare()
            made, cached = _object(code.name, compile, use_cache)
            address = _link([made, *beside], code.entry)
            found = _loaded[code.name] = Loaded(address, cached)
        return found


def shared(name: str, compile: Callable[[], bytes], *, use_cache: bool = True) -> bytes:
    """An object file for ``beside``, which a process reads or compiles once."""
    with _lock:
        if name not in _shared:
            _shared[name], _ = _object(name, compile, use_cache)
        return _shared[name]


def _object(name: str, compile: Callable[[], bytes], use_cache: bool) -> tuple[bytes, bool]:
    """An object file, and whether it was on disk."""
    folder = cache.usable_directory() if use_cache else None
    held = None if folder is None else _read(_file(folder, name))
    if held is not None:
        return held, True
    made = compile()
    if folder is not None:
        cache.write(_file(folder, name), hashlib.sha256(made).digest() + made)
        cache.shrink(keep=name)
    return made, False


def is_cached(name: str) -> bool:
    """Whether compiled code of this name lies on disk."""
    folder = cache.usable_directory()
    return folder is not None and _file(folder, name).exists()


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}{cache.CODE}"


def _read(file: Path) -> bytes | None:
    """The object in a file; None where that is missing or damaged."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, made = content[:DIGEST], content[DIGEST:]
    if hashlib.sha256(made).digest() != digest:
        return None
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
