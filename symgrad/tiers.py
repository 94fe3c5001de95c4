"""From a Recipe to what evaluates it: a kernel, compiled or from disk, or the interpreter.

What was derived is kept on disk in two forms: the description of a kernel, which is all that a
process needs that finds its code too, and the Program of a function that is interpreted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cache as memoize
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from symgrad.errors import OptionError
from symgrad.ir.primitive import Primitive
from symgrad.ir.program import Outside, Program
from symgrad.ir.recipe import Recipe
from symgrad.ir.system import Pattern, Tensor
from symgrad.options import NEVER, Options
from symgrad.runtime import cache as disk
from symgrad.runtime import callbacks, tier
from symgrad.runtime.interpret import Interpreter, uncollected
from symgrad.runtime.tier import Code, Tier

if TYPE_CHECKING:
    from symgrad.emit.kernels.kernel import Kernel
    from symgrad.emit.target import Target

MOST = 50_000
"""With more operations than this a function is interpreted first: LLVM takes 10 s for them."""

WHOLE_AFTER = 0.005
"""When large results have taken so many seconds, a kernel's pieces are compiled a second time, to
write past the cache by themselves: whoever calls often soon has that time back."""

DAMAGED = (ValueError, TypeError, KeyError, AttributeError, IndexError, OSError)
"""What reading a damaged file raises."""

Patterns = dict[str, Pattern]
"""The patterns of sparse results by name; of all results, if points are summed."""


class Made(NamedTuple):
    """What evaluates a function.

    Attributes:
        code: the kernel, or the interpreter and how to compile it.
        patterns: of its results.
        block: points whose sums are a row of each result; 0 where every point has its own.
        program: the Program, if it was needed.
        point_address: where the code for one point is, compiled when it is asked for.
    """

    code: Code | Tier
    patterns: Patterns
    block: int
    program: Program | None
    point_address: Callable[[], int]


class Maker:
    """What makes the code of one recipe.

    Args:
        recipe: what is wanted.
        options: its options.
        derive: its results and its Program.
        table: its functions.
        cache: keep what is made on disk.
    """

    def __init__(
        self,
        recipe: Recipe,
        options: Options,
        derive: Callable[[], tuple[Sequence[Tensor], Program]],
        table: Mapping[str, Primitive],
        *,
        cache: bool,
    ) -> None:
        self.options = options
        self.derive = derive
        self.table = table
        self.cache = cache
        self.reduced = options.reduce is not None
        self.folder = disk.usable_directory() if cache else None
        # What is made is the same whenever it is compiled.
        rest = {name: value for name, value in recipe.options.items() if name != "jit"}
        self.key = replace(recipe, options=rest).to_json() + "\n" + fingerprint()
        self.file = (self.folder or Path()) / f"derived_{_digest(self.key, 32)}.json"

    def make(self) -> Made:
        """The kernel, or the interpreter where ``jit`` and the number of operations say so."""
        with uncollected():
            return self._make()

    def _make(self) -> Made:
        never = self.options.jit == "never"
        found = None if never else self._read_kernel()
        if found is not None:
            from symgrad.runtime.load import is_cached  # noqa: PLC0415 - for kernels alone

            kernel, patterns, operations = found
            if not self._waits(operations) or is_cached(kernel.name):
                return self._compiled(kernel, patterns)
        key = f"{self.options.jit}\n{self.key}"
        known = tier.find(key)
        if known is None:
            program, patterns = self.program()
            if not never and not self._waits(program.total):
                return self._compiled(self._emit(program, patterns), patterns, program)
            self.keep(program, patterns)
            known = tier.keep(key, self._interpreter(program, patterns))
        program = known.interpreter.program
        address = partial(self._point_address, program)
        return Made(known, known.patterns, known.interpreter.block, program, address)

    def _waits(self, operations: int) -> bool:
        """Whether a function of so many operations is interpreted first."""
        return self.options.jit == "auto" and operations > MOST

    def _interpreter(self, program: Program, patterns: Patterns) -> Tier:
        interpreter = Interpreter(program, self.table, self.options.dtype, reduced=self.reduced)
        interpreter.prepare()
        compile = None if self.options.jit == "never" else self._compile_later
        return Tier(interpreter, patterns, compile and partial(compile, program, patterns))

    def _compile_later(self, program: Program, patterns: Patterns) -> Code:
        """The kernel of a function that was interpreted so far."""
        code = self._compiled(self._emit(program, patterns), patterns).code
        assert isinstance(code, Code)
        return code

    def _compiled(self, kernel: Kernel, patterns: Patterns, program: Program | None = None) -> Made:
        from symgrad.runtime import njit  # noqa: F401, PLC0415 - numba must know it beforehand

        code = load_kernel(kernel, self._prepare, use_cache=self.cache)
        if kernel.whole_target:
            code = code._replace(further=partial(self._whole, kernel))

        def point_address() -> int:
            from symgrad.emit.target import Target  # noqa: PLC0415 - seldom needed

            read = Program.from_json(kernel.program), Target.from_json(kernel.target)
            return self._load_point(*read)

        return Made(code, patterns, kernel.block, program, point_address)

    def _whole(self, kernel: Kernel, seconds: float) -> Code | None:
        """The code of the whole of a kernel, if large results took so long that it pays."""
        from symgrad.emit.kernels.kernel import whole_kernel  # noqa: PLC0415 - imports numba
        from symgrad.runtime.load import is_at_hand  # noqa: PLC0415 - for kernels alone

        whole = whole_kernel(kernel)
        if seconds < WHOLE_AFTER and not is_at_hand(whole.name, use_cache=self.cache):
            return None
        return load_kernel(whole, self._prepare, use_cache=self.cache)

    def _emit(self, program: Program, patterns: Patterns) -> Kernel:
        """The kernel of a Program, its description kept on disk."""
        from symgrad.emit.kernels.kernel import emit_kernel  # noqa: PLC0415 - imports numba

        kernel = emit_kernel(program, kernel_target(program, self.options))
        if self.folder is not None:
            saved = {
                "kernel": asdict(kernel),
                "patterns": _as_json(patterns),
                "operations": program.total,
            }
            disk.write(self._kernel_file(), json.dumps(saved))
        return kernel

    def _prepare(self) -> None:
        """Make what kernels call resolvable."""
        from symgrad.emit.providers import provider  # noqa: PLC0415 - imports numba

        provider.prepare()
        rows = [row for row in self.table.values() if row.kind == "outside"]
        callbacks.prepare([Outside(row.name, row.arity, row.symbol) for row in rows])

    def _point_address(self, program: Program) -> int:
        """Where the code for one point of an interpreted function is.

        Raises:
            OptionError: it is never to be compiled.
        """
        if self.options.jit == "never":
            raise OptionError(NEVER.format("fn.njit"))
        from symgrad.emit.kernels.contract import contracted  # noqa: PLC0415 - imports numba

        target = kernel_target(program, self.options)
        made = contracted(program) if target.contract else program
        return self._load_point(made, target)

    def _load_point(self, program: Program, target: Target) -> int:
        """The address of the code for one point; it repeats the kernel's."""
        from symgrad.emit.kernels.point import compile_point, emit_point  # noqa: PLC0415 - imports numba
        from symgrad.runtime.load import load  # noqa: PLC0415 - for kernels alone

        entry = emit_point(program, target)
        compile = partial(compile_point, entry)
        return load(entry, compile, self._prepare, use_cache=self.cache).address

    def _kernel_file(self) -> Path:
        """Where the description of the kernel for this machine is kept."""
        from symgrad.emit.kernels.kernel import machine  # noqa: PLC0415 - imports numba

        return self.file.with_stem(f"{self.file.stem}_{_digest(machine(), 8)}")

    def _read_kernel(self) -> tuple[Kernel, Patterns, int] | None:
        """The kernel, the patterns and the number of operations, if they are on disk."""
        # numba takes a while to import, and what is interpreted may never need it.
        if self.folder is None or not any(self.folder.glob(f"{self.file.stem}_*.json")):
            return None
        from symgrad.emit.kernels.kernel import Kernel  # noqa: PLC0415 - imports numba

        file = self._kernel_file()
        if file.exists():
            try:
                read = json.loads(file.read_text(encoding="utf-8"))
                return Kernel(**read["kernel"]), _from_json(read["patterns"]), read["operations"]
            except DAMAGED:
                _drop(file)
        return None

    def program(self) -> tuple[Program, Patterns]:
        """The Program and the patterns, from disk or derived now."""
        if self.folder is not None and self.file.exists():
            try:
                patterns, _, program = self.file.read_text(encoding="utf-8").partition("\n")
                with uncollected():
                    return Program.from_json(program), _from_json(json.loads(patterns))
            except DAMAGED:
                _drop(self.file)
        tensors, derived = self.derive()
        return derived, {t.name: t.pattern for t in tensors if t.pattern is not None}

    def keep(self, program: Program, patterns: Patterns) -> None:
        """Keep the Program and the patterns on disk."""
        if self.folder is not None and not self.file.exists():
            with uncollected():
                text = json.dumps(_as_json(patterns)) + "\n" + program.to_json()
            disk.write(self.file, text)


def load_kernel(kernel: Kernel, prepare: Callable[[], None], *, use_cache: bool = True) -> Code:
    """What evaluates the points of arrays: machine code, and what calls it."""
    from symgrad.emit.kernels.caller import emit_caller  # noqa: PLC0415 - imports numba
    from symgrad.emit.kernels.kernel import (  # noqa: PLC0415 - imports numba
        compile_copies,
        compile_kernel,
        emit_copies,
    )
    from symgrad.runtime.load import load, shared  # noqa: PLC0415 - for kernels alone
    from symgrad.runtime.module import load_module  # noqa: PLC0415 - for kernels alone

    caller = emit_caller(kernel.dtype, kernel.groups, kernel.results)
    call = load_module(caller, use_cache=use_cache)
    copies = emit_copies(kernel.dtype, kernel.lanes)
    beside = [shared(copies.name, partial(compile_copies, copies), use_cache=use_cache)]
    compile = partial(compile_kernel, kernel, partial(shared, use_cache=use_cache))
    made = load(kernel, compile, prepare, beside=beside, use_cache=use_cache)
    return Code.of(call, kernel.scratch_bytes, made.address, cached=made.cached)


def kernel_target(program: Program, options: Options) -> Target:
    """This machine as the kernel of a program meets it."""
    from symgrad.emit.kernels.kernel import cpu_target  # noqa: PLC0415 - imports numba

    return cpu_target(
        *(program, options.dtype, options.accuracy),
        reduced=options.reduce is not None,
        contract=options.rewrites == "all",
        rows=options.batch_axis == 0,
    )


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _drop(file: Path) -> None:
    """Delete a damaged file, where the directory can be written."""
    with suppress(OSError):
        file.unlink(missing_ok=True)


def _as_json(patterns: Patterns) -> dict[str, Any]:
    return {name: asdict(pattern) for name, pattern in patterns.items()}


def _from_json(read: Mapping[str, Any]) -> Patterns:
    return {
        name: Pattern(
            tuple(found["shape"]), found["symmetric"], tuple(map(tuple, found["indices"]))
        )
        for name, found in read.items()
    }


@memoize
def fingerprint() -> str:
    """A hash of symgrad's own sources: derived programs are made anew when one changes."""
    here = Path(__file__).parent
    texts = [path.read_bytes() for path in sorted(here.rglob("*.py"))]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()
