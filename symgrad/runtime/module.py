"""Load a generated module: from the disk cache, compiled if need be, else from memory alone.

numba's own cache is not robust by itself (a truncated file raises for ever), so whatever goes
wrong while loading deletes the entry and compiles again.
"""

from __future__ import annotations

import importlib.util
import linecache
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from symgrad.runtime import cache

PREFIX = "_symgrad_"

_loaded: dict[str, Callable[..., Any]] = {}
_lock = threading.RLock()


class Module(Protocol):
    """What the loader needs to know of a generated module."""

    @property
    def name(self) -> str:
        """The name of the function in it, which holds the hash of its content."""

    @property
    def source(self) -> str:
        """The text that compiles with numba's cache on disk."""

    @property
    def uncached(self) -> str:
        """The text that compiles in memory."""


def load_module(module: Module, *, use_cache: bool = True) -> Callable[..., Any]:
    """The compiled function of ``module``; the same object for the same content in one process.

    Args:
        module: the generated module.
        use_cache: keep the code on disk for other processes.
    """
    with _lock:
        function = _loaded.get(module.name)
        if function is None:
            function = _load(module, use_cache=use_cache)
            _loaded[module.name] = function
        return function


def _load(module: Module, *, use_cache: bool) -> Callable[..., Any]:
    path = cache.usable_directory() if use_cache else None
    if path is None or not cache.is_writable(path):  # numba reads from no other directory
        return _execute(module.name, module.uncached)
    name = PREFIX + module.name
    file = path / f"{name}.py"
    last: object = "files cannot be written"
    for _ in range(2):
        try:
            known = file.exists() and file.read_text(encoding="utf-8") == module.source
            if known or cache.write(file, module.source):
                found = _import(name, file, module.name)
                if known:
                    cache.touch(path, name)
                else:
                    cache.shrink(keep=name)
                return found
        except Exception as error:  # a damaged cache can raise anything
            sys.modules.pop(name, None)
            cache.remove(path, name)
            last = error
    function = _execute(module.name, module.uncached)
    warnings.warn(f"the cache at {path} failed ({last}); compiled in memory", stacklevel=4)
    return function


def _import(name: str, file: Path, function: str) -> Callable[..., Any]:
    specification = importlib.util.spec_from_file_location(name, file)
    assert specification is not None
    assert specification.loader is not None
    made = importlib.util.module_from_spec(specification)
    sys.modules[name] = made  # numba looks the module up while it decorates
    specification.loader.exec_module(made)
    found: Callable[..., Any] = getattr(made, function)
    return found


def _execute(function: str, source: str) -> Callable[..., Any]:
    """Compile from memory; the source is registered so that tracebacks show it."""
    name = PREFIX + function
    file = f"<{name}>"
    made = ModuleType(name)
    sys.modules[name] = made
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), made.__dict__)  # our own generated text
    found: Callable[..., Any] = made.__dict__[function]
    return found
