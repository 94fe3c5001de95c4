"""Users' Python functions in compiled code: numba compiles them, kernels find them by a symbol.

A symbol holds a digest of what the function does, so that code on disk never meets another
function of the same name. Every process makes its own machine code of the function, when the first
kernel that calls it is loaded.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from dis import get_instructions
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from symgrad.errors import ArgumentError, KernelError
from symgrad.ir.program import Outside

PREFIX = "sg.user"

VARIABLE_ARGUMENTS = CO_VARARGS | CO_VARKEYWORDS

_functions: dict[str, tuple[int, Callable[..., float]]] = {}
_compiled: dict[str, Any] = {}
_lock = threading.RLock()


def register(name: str, arity: int, function: Callable[..., float]) -> str:
    """Let this process know a function of floats; the symbol under which kernels call it.

    Raises:
        ArgumentError: it takes another number of arguments, or depends on something that no digest
            can be made of.
    """
    source = getattr(function, "py_func", function)
    if not isinstance(source, FunctionType):
        raise ArgumentError(
            f"numba= of {name!r} is {function!r}; give a Python function of floats, as it is or "
            "under numba.njit"
        )
    if source.__code__.co_argcount != arity or source.__code__.co_flags & VARIABLE_ARGUMENTS:
        raise ArgumentError(
            f"numba= of {name!r} takes {source.__code__.co_argcount} argument(s), those with "
            f"defaults included, and {arity} is needed; give one for each number"
        )
    digest = hashlib.sha256()
    for part in _parts(source, name):
        digest.update(part + b"\0")
    symbol = f"{PREFIX}.{name}.{arity}.{digest.hexdigest()[:24]}"
    with _lock:
        _functions[symbol] = (arity, source)
    return symbol


def find(symbol: str, arity: int) -> Callable[..., float] | None:
    """The function of a symbol, where this process has it."""
    found = _functions.get(symbol)
    return found[1] if found is not None and found[0] == arity else None


def caller(name: str, arity: int, symbol: str) -> Callable[..., float]:
    """A function of floats that calls the one of a symbol, looked up when it is called.

    Raises:
        KernelError: when it is called and this process does not have the function.
    """

    def call(*arguments: float) -> float:
        return _found(name, arity, symbol)(*arguments)

    return call


def _found(name: str, arity: int, symbol: str) -> Callable[..., float]:
    function = find(symbol, arity)
    if function is None:
        raise KernelError(
            f"the function calls {name!r}, a Python function that this process does not have, or "
            f"has in another version; call sg.function({name!r}, numba=...) with it before, in the "
            "module that every process imports, say"
        )
    return function


def prepare(callees: Iterable[Outside]) -> None:
    """Make the functions that a kernel calls resolvable; call it before the kernel is loaded.

    Raises:
        KernelError: this process does not have one, or numba cannot compile it.
    """
    for name, arity, symbol in callees:
        with _lock:
            if symbol not in _compiled:
                _compiled[symbol] = _compile(name, arity, symbol, _found(name, arity, symbol))


def _compile(name: str, arity: int, symbol: str, function: Callable[..., float]) -> Any:
    import llvmlite.binding as llvm  # noqa: PLC0415 - only where there is such a function
    from numba import cfunc, types  # noqa: PLC0415
    from numba.core.errors import NumbaError  # noqa: PLC0415

    signature = types.float64(*[types.float64] * arity)
    try:
        made = cfunc(signature, error_model="numpy")(function)
    except NumbaError as error:
        raise KernelError(
            f"numba cannot compile the function {name!r} for {arity} float(s): {error}"
        ) from None
    llvm.add_symbol(symbol, made.address)
    return made


def _parts(function: FunctionType, title: str) -> Iterable[bytes]:
    """All that the value of a function depends on: code, constants, and what it names outside."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("function", function)]
    while waiting:
        place, value = waiting.pop()
        yield place.encode()
        if isinstance(value, FunctionType):
            if id(value) in seen:
                continue
            seen.add(id(value))
            waiting.append(("code", value.__code__))
            waiting.append(("defaults", (value.__defaults__, value.__kwdefaults__)))
            for variable, cell in zip(
                value.__code__.co_freevars, value.__closure__ or (), strict=True
            ):
                waiting.append((variable, cell.cell_contents))
            names = _global_names(value.__code__) & value.__globals__.keys()
            waiting.extend((name, value.__globals__[name]) for name in sorted(names))
        elif isinstance(value, CodeType):
            yield value.co_code
            yield repr((value.co_names, value.co_varnames, value.co_argcount)).encode()
            waiting.extend(("constant", constant) for constant in value.co_consts)
        elif isinstance(value, tuple | list):
            waiting.append(("length", len(value)))
            waiting.extend(("item", item) for item in value)
        elif isinstance(value, ModuleType):
            yield value.__name__.encode()
        elif isinstance(value, frozenset):
            waiting.append(("set", sorted(map(repr, value))))
        elif value is None or isinstance(value, bool | int | float | complex | str | bytes):
            yield f"{type(value).__name__} {value!r}".encode()
        elif hasattr(value, "py_func"):
            waiting.append((place, value.py_func))
        elif hasattr(value, "tobytes"):
            yield f"{value.dtype} {value.shape}".encode() + value.tobytes()
        elif isinstance(value, type | BuiltinFunctionType) or hasattr(value, "__name__"):
            yield f"{getattr(value, '__module__', '')}.{value.__name__}".encode()
        else:
            raise ArgumentError(
                f"numba= of {title!r} uses {place} = {value!r}, which it cannot be told apart by; "
                "use numbers, arrays, modules and functions"
            )


def _global_names(code: CodeType) -> set[str]:
    """The global names that code and the code inside it use."""
    names: set[str] = set()
    stack = [code]
    while stack:
        one = stack.pop()
        names.update(str(i.argval) for i in get_instructions(one) if i.opname == "LOAD_GLOBAL")
        stack.extend(constant for constant in one.co_consts if isinstance(constant, CodeType))
    return names
