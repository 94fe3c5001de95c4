"""Who computes each elementary function in a CPU kernel, and how exact that is.

There are three providers, in order of preference:

=========  ==========================================  ===========================================
provider   what is called                              bound
=========  ==========================================  ===========================================
symgrad    our own IR, ``vector/``                     1 ulp, measured
           else a row's definition, ``routine.py``     the row's, measured
libmvec    glibc's vector mathematics, x86-64 only     4 ulp, as its authors state
libm       the C library's function, lane by lane      ``FUNCTIONS``, measured with glibc
=========  ==========================================  ===========================================

Both accuracies use our own functions where they exist (a CPU with fused multiply-add) and libmvec
for the others, because a scalar call costs 3 to 15 times as much; ``"high"`` leaves out the
functions in ``LIBMVEC_INEXACT``, where libmvec was seen to exceed 4 ulp, and ``"fast"`` prefers it
for those in ``LIBMVEC_FASTER``, in short vectors for those in ``LIBMVEC_FASTER_IF_SHORT``.

libmvec 2.36 was compared with libm for every function, dtype and vector length here, on zeros,
subnormals, infinities, nan, huge values, the ends of every domain and random bit patterns: no
value of another kind (nan, infinity, signed zero) and no lane that depends on its neighbours was
found. The largest errors were 3.46 ulp in float64 (cos) and 3.99999 in float32 (erff).
``tests/emit/providers/test_provider.py`` repeats that, shortened, on the machine it runs on.

Nothing is loaded on import: libraries are opened and symbols looked up at the first question.
An unresolved symbol would end the process when the kernel is loaded, so each is looked up first.
Whether every function keeps its bound on a machine is what ``symgrad doctor --test`` finds out: a
test on import would have to compile, and a cached start compiles nothing.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from functools import cache
from typing import Literal

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import config

from symgrad.emit.llvm.control import INT32, lanes_of
from symgrad.emit.target import Accuracy, Dtype
from symgrad.emit.vector.lanes import Body, define
from symgrad.emit.vector.table import OWN_ULP, own
from symgrad.errors import KernelError
from symgrad.ir.primitive import Primitive

Provider = Literal["symgrad", "libmvec", "libm", "numba"]
"""Our own code, glibc's vector library, the C library one lane at a time, or a user's function."""

# fmt: off
FUNCTIONS: dict[str, tuple[int, float]] = {
    # C name: arguments, bound of glibc's scalar function in ulp, above all errors measured here
    "sin":   (1, 1.0), "cos":   (1, 1.0), "tan":   (1, 1.0),
    "asin":  (1, 1.0), "acos":  (1, 1.0), "atan":  (1, 1.0), "atan2": (2, 2.0),
    "sinh":  (1, 2.0), "cosh":  (1, 2.0), "tanh":  (1, 3.0),
    "asinh": (1, 2.0), "acosh": (1, 3.0), "atanh": (1, 2.0),
    "exp":   (1, 1.0), "exp2":  (1, 1.0), "expm1": (1, 1.0),
    "log":   (1, 1.0), "log1p": (1, 1.0), "log2":  (1, 1.0), "log10": (1, 3.0),
    "cbrt":  (1, 4.0), "pow":   (2, 1.0), "hypot": (2, 1.0),
    "erf":   (1, 2.0), "erfc":  (1, 6.0), "fmod":  (2, 0.0),
}
# fmt: on

LIBMVEC_ULP = 4.0

# The vector function ABI's letter and the CPU feature it needs, by the bytes of a vector.
INSTRUCTION_SETS = {64: ("e", "avx512f"), 32: ("d", "avx2"), 16: ("b", "sse4.1")}

# Functions (with the dtype) that "high" leaves to libm because libmvec exceeds 4 ulp: none known.
LIBMVEC_INEXACT: frozenset[tuple[str, str]] = frozenset()

# Functions (with the dtype) for which libmvec takes 15 % less time than ours, or still less: in
# vectors of 64 bytes, where many of ours have tables in registers, and in shorter ones.
LIBMVEC_FASTER: frozenset[tuple[str, str]] = frozenset(
    {("sin", "float64"), ("tan", "float64")}
    | {(name, "float32") for name in ("sin", "tan", "exp2", "log2", "log10", "atanh")}
)
LIBMVEC_FASTER_IF_SHORT: frozenset[tuple[str, str]] = frozenset(
    {(name, "float64") for name in ("tan", "log10", "erf", "erfc")}
    | {(name, "float32") for name in ("sin", "cos", "tan", "atan", "exp", "sinh", "acosh", "erfc")}
    | {(name, "float32") for name in ("log", "log1p", "log2", "log10")}
)
WIDEST = 64

MATH_LIBRARIES = {"linux": "libm.so.6", "darwin": "libSystem.dylib", "win32": "ucrtbase.dll"}
REAL_TYPES = {"float64": ir.DoubleType(), "float32": ir.FloatType()}
ITEM_BYTES = {"float64": 8, "float32": 4}


@dataclass(frozen=True, slots=True)
class Implementation:
    """The choice for one function: ``symbol`` is what the code calls, ``ulp`` its bound."""

    function: str
    provider: Provider
    symbol: str
    ulp: float


def prepare() -> None:
    """Make libmvec's symbols resolvable in this process, where the system has it.

    Call it before a compiled kernel is loaded from a cache; calling again costs nothing.
    """
    has_libmvec()


def vector_symbol(name: str, width: int, dtype: Dtype, arity: int) -> str:
    """The name of libmvec's function, after the x86-64 vector function ABI (N: not masked).

    >>> vector_symbol("tan", 8, "float64", 1)
    '_ZGVeN8v_tan'
    >>> vector_symbol("pow", 8, "float32", 2)
    '_ZGVdN8vv_powf'
    """
    size = width * ITEM_BYTES[dtype]
    if size not in INSTRUCTION_SETS:
        raise KernelError(
            f"libmvec has no {name} for {width} lanes of {dtype}: "
            "a vector has 16, 32 or 64 bytes, so choose another width."
        )
    return f"_ZGV{INSTRUCTION_SETS[size][0]}N{width}{'v' * arity}_{_scalar_symbol(name, dtype)}"


def implementation(name: str, width: int, dtype: Dtype, accuracy: Accuracy) -> Implementation:
    """Who computes the C function ``name`` for vectors of ``width`` lanes on this machine.

    >>> implementation("exp", 8, "float64", "high").ulp
    1.0
    """
    arity, ulp = _row(name)
    part = _libmvec_width(name, width, dtype, arity)
    short = width * ITEM_BYTES[dtype] < WIDEST
    rows = LIBMVEC_FASTER_IF_SHORT if short else LIBMVEC_FASTER
    faster = accuracy == "fast" and part > 0 and (name, dtype) in rows
    if own_body(name, width, dtype) and not faster:
        symbol = f"sg.{_scalar_symbol(name, dtype)}.v{width}"
        return Implementation(name, "symgrad", symbol, OWN_ULP)
    if part and (accuracy == "fast" or (name, dtype) not in LIBMVEC_INEXACT):
        symbol = vector_symbol(name, part, dtype, arity)
        return Implementation(name, "libmvec", symbol, LIBMVEC_ULP)
    return Implementation(name, "libm", _scalar_symbol(name, dtype), ulp)


def delivered(row: Primitive, width: int, dtype: Dtype, accuracy: Accuracy) -> Implementation:
    """Who computes a row of kind "call", "routine" or "outside" for vectors of ``width`` lanes."""
    if row.kind == "routine" and own_body(row.name, width, dtype):
        return Implementation(row.name, "symgrad", f"sg.{row.name}.v{width}", OWN_ULP)
    if row.kind == "routine":
        # In float32 a routine's double is rounded once more.
        ulp = row.ulp if dtype == "float64" else min(row.ulp, OWN_ULP)
        return Implementation(row.name, "symgrad", f"sg.routine.{row.name}", ulp)
    if row.kind == "outside":
        return Implementation(row.name, "numba", row.symbol, row.ulp)
    return implementation(row.name, width, dtype, accuracy)


def define_call(
    module: ir.Module, name: str, width: int, dtype: Dtype, accuracy: Accuracy, *, inline: bool
) -> ir.Function:
    """A function ``<width x dtype>`` (one or two of them) -> ``<width x dtype>`` for ``name``.

    It is our own, libmvec's declaration, or an internal function around narrower calls of libmvec
    or scalar calls of libm. ``inline`` has a meaning for our own functions alone. Vectors of
    ``width`` lanes have to be native to the target that the module is compiled for, as the
    calling convention of libmvec passes them in registers. A symbol that this process does not
    have raises ``KernelError``.
    """
    body = own_body(name, width, dtype)
    if body and name not in FUNCTIONS:  # a row of ours, which the C library does not have
        return define(module, name, body, width, dtype, inline=inline)
    arity, _ = _row(name)
    choice = implementation(name, width, dtype, accuracy)
    if body and choice.provider == "symgrad":
        return define(module, name, body, width, dtype, arity=arity, inline=inline)
    part = _libmvec_width(name, width, dtype, arity) if choice.provider == "libmvec" else 1
    outside = _declare(module, choice.symbol, part, dtype, arity)
    if part == width:
        return outside
    symbol = f"sg.{choice.symbol}.v{width}"
    if symbol in module.globals:
        return module.globals[symbol]
    return _define_in_parts(module, symbol, outside, width, part, dtype)


def own_body(name: str, width: int, dtype: Dtype) -> Body | None:
    """The body of our own function ``name`` of ``width`` lanes on this machine, if we have one."""
    return own(name, width, dtype, host_features()) if _has_fma() else None


def _row(name: str) -> tuple[int, float]:
    """The number of arguments and the scalar bound of ``name``."""
    if name not in FUNCTIONS:
        raise KernelError(
            f"no implementation of the function {name!r} for the cpu target is known. "
            f"Known are: {', '.join(FUNCTIONS)}."
        )
    return FUNCTIONS[name]


def _scalar_symbol(name: str, dtype: Dtype) -> str:
    """The C library's name: ``sin`` for double, ``sinf`` for float."""
    return name + ("f" if dtype == "float32" else "")


def host_cpu() -> list[str]:
    """The CPU that numba compiles for: its name, and what tells it from others of that name.

    Code on disk may come from another machine that shares the directory.
    """
    name = getattr(config, "CPU_NAME", None) or llvm.get_host_cpu_name()
    return [name, str(getattr(config, "CPU_FEATURES", None)), *sorted(host_features())]


@cache
def host_features() -> frozenset[str]:
    """The features of the CPU that numba compiles for, in LLVM's words.

    That is this machine's, unless NUMBA_CPU_NAME or NUMBA_CPU_FEATURES lowers it: then only the
    features that are named count.
    """
    features = getattr(config, "CPU_FEATURES", None)
    if getattr(config, "CPU_NAME", None) or features:
        named = (features or "").split(",")
        return frozenset(name[1:] for name in named if name.startswith("+"))
    try:
        features = llvm.get_host_cpu_features()
    except RuntimeError:  # LLVM cannot tell on this system
        return frozenset()
    return frozenset(name for name, present in features.items() if present)


@cache
def _has_fma() -> bool:
    """Whether a fused multiply-add is one instruction; otherwise our functions are slow."""
    return platform.machine().lower() not in ("x86_64", "amd64", "i386", "i686") or (
        "fma" in host_features()
    )


@cache
def has_libmvec() -> bool:
    """Load glibc's vector library for good; False where there is none (other systems and CPUs)."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    try:
        llvm.load_library_permanently("libmvec.so.1")
    except RuntimeError:
        return False
    return True


@cache
def _libmvec_width(name: str, width: int, dtype: Dtype, arity: int) -> int:
    """The most lanes that libmvec computes at once here, at most ``width``; 0 where it cannot."""
    if not has_libmvec():
        return 0
    for size, (_, feature) in INSTRUCTION_SETS.items():
        part = size // ITEM_BYTES[dtype]
        if part <= width and width % part == 0 and feature in host_features():
            symbol = vector_symbol(name, part, dtype, arity)
            if llvm.address_of_symbol(symbol):
                return part
    return 0


@cache
def _has_scalar(symbol: str) -> bool:
    """Whether the C library's function can be called; opens the mathematics library if need be."""
    if llvm.address_of_symbol(symbol):
        return True
    try:
        llvm.load_library_permanently(MATH_LIBRARIES.get(sys.platform, "libm.so"))
    except RuntimeError:
        return False
    return bool(llvm.address_of_symbol(symbol))


def _declare(module: ir.Module, symbol: str, width: int, dtype: Dtype, arity: int) -> ir.Function:
    """The declaration of an outside function on vectors, or on numbers where ``width`` is 1."""
    if width == 1 and not _has_scalar(symbol):
        raise KernelError(
            f"the C library of this system has no function {symbol!r}, which a kernel needs. "
            "Rewrite the formula without it, or compile on a system with a C99 mathematics library."
        )
    if symbol in module.globals:
        return module.globals[symbol]
    real = REAL_TYPES[dtype]
    value = real if width == 1 else ir.VectorType(real, width)
    function = ir.Function(module, ir.FunctionType(value, [value] * arity), symbol)
    # errno does not matter, so equal calls may be shared and unused ones dropped.
    function.attributes.add("readnone")
    function.attributes.add("nounwind")
    return function


def _define_in_parts(
    module: ir.Module, symbol: str, outside: ir.Function, width: int, part: int, dtype: Dtype
) -> ir.Function:
    """An internal function of ``width`` lanes: calls of ``outside`` for ``part`` lanes each."""
    whole = ir.VectorType(REAL_TYPES[dtype], width)
    arity = len(outside.args)
    function = ir.Function(module, ir.FunctionType(whole, [whole] * arity), symbol)
    function.linkage = "internal"
    function.attributes.add("noinline")
    function.attributes.add("nounwind")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    result: ir.Value = ir.Constant(whole, ir.Undefined)
    for start in range(0, width, part):
        if part == 1:
            pieces = [builder.extract_element(value, INT32(start)) for value in function.args]
            result = builder.insert_element(result, builder.call(outside, pieces), INT32(start))
            continue
        take = lanes_of(range(start, start + part))
        pieces = [builder.shuffle_vector(value, value, take) for value in function.args]
        # Widen the piece, then choose its lanes over those of the result so far.
        lanes = [min(lane, part - 1) for lane in range(width)]
        wide = builder.call(outside, pieces)
        wide = builder.shuffle_vector(wide, wide, lanes_of(lanes))
        mixed = [
            width + lane - start if start <= lane < start + part else lane for lane in range(width)
        ]
        result = builder.shuffle_vector(result, wide, lanes_of(mixed))
    builder.ret(result)
    return function
