"""The choices of ``sg.compile``: closed sets as Literals, one validator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, get_args

from symgrad.errors import OptionError

Dtype = Literal["float64", "float32"]
"""The type of every value inside a kernel."""

Accuracy = Literal["high", "fast"]
"""high: elementary functions within 1 ulp where they are our own; fast: within 4 ulp."""

Rewrites = Literal["all", "finite", "exact"]
"""Which classes of rewrite rules may be used (``simplify/rules.py``)."""

Optimize = Literal["fast", "default", "max"]
"""How much time may be spent on finding a program of fewer operations."""

Reduce = Literal["sum", "mean", "normal"]
"""What becomes of a batch's results: their sum or mean, or products for normal equations."""

Jit = Literal["auto", "always", "never"]
"""When a kernel is compiled: where it pays, at once, or never; until then NumPy interprets."""

NEVER = '{} is not to be had with jit="never", which compiles nothing; use jit="auto" or "always"'

Target = Literal["cpu", "cuda"]
"""Where a function is evaluated: on the CPU, or on an NVIDIA GPU."""

Engine = Literal["nvrtc", "numba"]
"""Who compiles for a GPU: NVIDIA's run-time compiler from CUDA C, or numba-cuda from LLVM IR."""

BatchAxis = Literal[0, -1]
"""0: points first; -1: points last, the fastest layout."""


@dataclass(frozen=True, slots=True)
class Options:
    """Validated choices.

    Attributes:
        dtype: of every value in the kernel.
        batch_axis: where the points stand in X and in the results.
        accuracy: of the elementary functions.
        rewrites: which rewrite rules may be used.
        sparse: store the entries of derivative arrays that are not structural zeros, and no other.
        optimize: how hard to look for a cheaper program.
        reduce: what is made of the results of all points; None keeps them.
        jit: when the kernel is compiled.
        target: where the function is evaluated.
        engine: who compiles for a GPU; None takes the better one of those that are installed.

    Raises:
        OptionError: a value is outside the allowed ones, or does not go with another one.
    """

    dtype: Dtype = "float64"
    batch_axis: BatchAxis = 0
    accuracy: Accuracy = "high"
    rewrites: Rewrites = "all"
    sparse: bool = False
    optimize: Optimize = "default"
    reduce: Reduce | None = None
    jit: Jit = "auto"
    target: Target = "cpu"
    engine: Engine | None = None

    def __post_init__(self) -> None:
        choose("dtype", self.dtype, get_args(Dtype))
        choose("batch_axis", self.batch_axis, get_args(BatchAxis))
        choose("accuracy", self.accuracy, get_args(Accuracy))
        choose("rewrites", self.rewrites, get_args(Rewrites))
        choose("sparse", self.sparse, (False, True))
        choose("optimize", self.optimize, get_args(Optimize))
        choose("reduce", self.reduce, (None, *get_args(Reduce)))
        choose("jit", self.jit, get_args(Jit))
        choose("target", self.target, get_args(Target))
        choose("engine", self.engine, (None, *get_args(Engine)))
        if self.engine is not None and self.target == "cpu":
            raise OptionError(f'engine={self.engine!r} compiles for a GPU; add target="cuda"')
        if self.jit == "never" and self.target == "cuda":
            raise OptionError(NEVER.format('target="cuda"'))


def dtype_name(value: Any) -> Any:
    """The Dtype that NumPy or PyTorch mean by ``value``; what is none of them as it is.

    Example:
        >>> dtype_name("f4"), dtype_name(float), dtype_name("float16")
        ('float32', 'float64', 'float16')
    """
    names = get_args(Dtype)
    if value is None or (isinstance(value, str) and value in names):
        return value
    import numpy as np  # noqa: PLC0415 - the command's help needs none

    text = str(value)
    try:
        found = np.dtype(text.removeprefix("torch.") if text.startswith("torch.") else value)
    except (TypeError, ValueError, SyntaxError):
        return value
    return next((name for name in names if found == np.dtype(name)), value)


def choose(name: str, value: object, allowed: Iterable[object]) -> None:
    """Check that ``value`` is one of ``allowed``.

    Raises:
        OptionError: it is not; the message lists what is, and the nearest.
    """
    choices = list(allowed)
    if any(value == choice and type(value) is type(choice) for choice in choices):
        return
    near = get_close_matches(str(value), [str(choice) for choice in choices], 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(repr(choice) for choice in choices)
    raise OptionError(f"{name}={value!r} is not possible; choose one of {listed}{hint}")
