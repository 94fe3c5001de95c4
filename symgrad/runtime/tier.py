"""Tier: a function that is interpreted, and when compiling it pays.

A kernel of 100,000 operations takes LLVM 17 s; interpreted it answers at once, but takes some
hundred times as long for one point and eight times as long for many. Compiling as soon as
interpreting would have taken as long takes about twice the time at most of whoever knows how often
a function will be called (the rule for renting or buying skis: A. R. Karlin, M. S. Manasse,
L. Rudolph, D. D. Sleator: Competitive snoopy caching, Algorithmica 3 (1988)).

Times are not measured but estimated from the operations and the points of all calls, so that the
same calls always give the same results. A call is evaluated by one of the two from its first point
to its last.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from symgrad.ir.system import Pattern
from symgrad.runtime.interpret import TILES, Interpreter
from symgrad.runtime.threads import Scratch

COMPILING = 2e-4
"""Seconds that compiling an operation takes."""

STEP, POINT = 3e-7, 4e-10
"""Seconds that interpreting an operation takes, for each tile of points and for each point."""

KEPT = 8
"""Tiers that are kept for other functions of the same recipe, what unpickling makes for instance"""


class Code(NamedTuple):
    """What evaluates points.

    Attributes:
        kernel: evaluates them.
        scratch: the memory it works in.
        cached: whether it was found on disk.
        further: what evaluates large results faster, if it is worth having once they have taken so
            many seconds; None where there is no such code.
    """

    kernel: Callable[..., None]
    scratch: Scratch
    cached: bool
    further: Callable[[float], Code | None] | None = None

    @staticmethod
    def of(
        kernel: Callable[..., None],
        scratch_bytes: int = 0,
        address: int = 0,
        *,
        cached: bool = False,
    ) -> Code:
        """What calls the kernel at an address, which needs so much memory besides its arrays."""
        return Code(kernel, Scratch(scratch_bytes, address), cached)


class Tier:
    """An interpreted function, and what it takes to compile it.

    Attributes:
        interpreter: evaluates it.
        patterns: of its results, by name.
        interpreted: the interpreter as code.
        spent: seconds that interpreting each operation has taken in all, as estimated.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        patterns: dict[str, Pattern],
        compile: Callable[[], Code] | None,
    ) -> None:
        self.interpreter = interpreter
        self.patterns = patterns
        self.interpreted = Code.of(interpreter)
        self.spent = 0.0
        self._compile = compile  # None: it is never to be compiled
        self._compiled: Code | None = None
        self._lock = threading.RLock()

    def code(self, points: int) -> Code:
        """What evaluates a call of so many points: the kernel, compiled now where that pays."""
        if self._compile is None:
            return self.interpreted
        with self._lock:
            if self._compiled is None:
                self.spent += points * POINT - (-points // TILES[0]) * STEP
                if self.spent >= COMPILING:
                    self._compiled = self._compile()
                    self.interpreter.release()
            return self._compiled or self.interpreted


_known: dict[str, Tier] = {}
_lock = threading.Lock()


def find(key: str) -> Tier | None:
    """The Tier of a key, if this process has it.

    Functions of one recipe have it in common, so that a worker that gets the same function again
    and again neither derives nor plans it again.
    """
    with _lock:
        tier = _known.pop(key, None)
        if tier is not None:
            _known[key] = tier  # the last one is the one that was used last
        return tier


def keep(key: str, tier: Tier) -> Tier:
    """Let this process know a Tier, unless another thread was first; the one it knows."""
    with _lock:
        kept = _known.setdefault(key, tier)
        while len(_known) > KEPT:
            del _known[next(iter(_known))]
        return kept
