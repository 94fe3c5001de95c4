"""From a Recipe to a function on NVIDIA GPUs: lowered, split, emitted by an engine and built.

An engine is two stages: text of a kernel from a Program, and machine code from the text. Both need
packages that are optional, and neither needs a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from symgrad.emit.cuda.fills import constant_rows, including, without
from symgrad.emit.cuda.lowering import lowered
from symgrad.emit.cuda.names import Implementation, bounds
from symgrad.emit.cuda.record import CudaKernel
from symgrad.emit.cuda.relieve import relieved
from symgrad.emit.cuda.single import SINGLE
from symgrad.emit.cuda.source import cuda_source
from symgrad.emit.cuda.split import parts
from symgrad.emit.cuda.sums import totals_source
from symgrad.emit.target import Target
from symgrad.errors import DeviceError, MissingDependencyError
from symgrad.ir.layout import Layout, ordinary_layout
from symgrad.ir.primitive import Primitive
from symgrad.ir.program import PARAMETERS, Program
from symgrad.ir.recipe import Recipe
from symgrad.options import Engine, Options
from symgrad.signatures import make_signature
from symgrad.tiers import fingerprint

if TYPE_CHECKING:
    from symgrad.runtime.cuda.binary import Binary
    from symgrad.runtime.cuda.function import CudaFunction
    from symgrad.tiers import Maker


class Stages(NamedTuple):
    """What an engine does.

    Attributes:
        packages: modules that must be there.
        check: raises MissingDependencyError where they do not work together.
        extra: what installs them.
        emit: the text of a kernel.
        ptx: the kernel in NVIDIA's assembly language.
        build: its machine code: (kernel, architecture, fast, cache) -> Binary.
    """

    packages: tuple[str, ...]
    check: Callable[[], None]
    extra: str
    emit: Callable[[Program, Target, Layout], CudaKernel]
    ptx: Callable[[CudaKernel, str], str]
    build: Callable[[CudaKernel, str, bool, bool], Binary]


def _nvrtc_check() -> None:
    from symgrad.runtime.cuda.nvrtc import version  # noqa: PLC0415 - optional packages

    version()


def _nvrtc_ptx(kernel: CudaKernel, arch: str) -> str:
    from symgrad.runtime.cuda.nvrtc import ptx_of_source  # noqa: PLC0415 - optional packages

    return ptx_of_source(kernel, arch)


def _nvrtc_build(kernel: CudaKernel, arch: str, fast: bool, cache: bool) -> Binary:
    from symgrad.runtime.cuda.nvrtc import compile_source  # noqa: PLC0415 - as above

    return compile_source(kernel, arch, fast=fast, cache=cache)


def _numba_check() -> None:
    from symgrad.emit.cuda.kernel import check_numba_cuda  # noqa: PLC0415 - imports numba

    check_numba_cuda()


def _numba_emit(program: Program, target: Target, layout: Layout) -> CudaKernel:
    from symgrad.emit.cuda.kernel import numba_kernel  # noqa: PLC0415 - imports numba

    return numba_kernel(program, target, layout)


def _numba_ptx(kernel: CudaKernel, arch: str) -> str:
    from symgrad.emit.cuda.kernel import numba_ptx  # noqa: PLC0415 - imports numba

    return numba_ptx(kernel, arch)


def _numba_build(kernel: CudaKernel, arch: str, fast: bool, cache: bool) -> Binary:
    from symgrad.runtime.cuda.ptx import build  # noqa: PLC0415 - optional packages

    made_by = (version("numba-cuda"), fingerprint())
    return build(kernel, arch, partial(_numba_ptx, kernel, arch), *made_by, cache=cache)


STAGES: dict[Engine, Stages] = {
    "numba": Stages(
        *(("numba_cuda", "cuda.bindings"), _numba_check, "numba-cuda"),
        *(_numba_emit, _numba_ptx, _numba_build),
    ),
    "nvrtc": Stages(
        ("cuda.bindings",), _nvrtc_check, "cuda", cuda_source, _nvrtc_ptx, _nvrtc_build
    ),
}
"""The engines, the preferred one first."""


def gpu_target(options: Options) -> Target:
    """A GPU as the kernels of a function meet it: every thread has a point."""
    contract, reduced = options.rewrites == "all", options.reduce is not None
    dtype, accuracy = options.dtype, options.accuracy
    return Target("cuda", 1, dtype, accuracy, 1, 1, reduced=reduced, contract=contract)


def choose_engine(options: Options) -> Engine:
    """The engine that is asked for, or the first that works here.

    Raises:
        MissingDependencyError: its packages are missing or too new for each other, or those of
            every engine.
    """
    if options.engine is not None:
        _check(options.engine)
        return options.engine
    for engine in usable_engines():
        return engine
    raise MissingDependencyError(
        "target=\"cuda\" needs a compiler for GPUs; run `pip install 'symgrad[cuda]'`"
    )


def usable_engines() -> list[Engine]:
    """The engines that work here, the preferred one first."""
    found: list[Engine] = []
    for engine in STAGES:
        with suppress(MissingDependencyError):
            _check(engine)
            found.append(engine)
    return found


def _check(engine: Engine) -> None:
    """Refuse an engine whose packages are missing or do not work together."""
    stages = STAGES[engine]
    for name in stages.packages:
        try:
            there = find_spec(name) is not None
        except ModuleNotFoundError:  # the package above it is missing
            there = False
        if not there:
            raise MissingDependencyError(
                f"engine={engine!r} needs {' and '.join(stages.packages)}, and {name} is not "
                f"installed; run `pip install 'symgrad[{stages.extra}]'`"
            )
    stages.check()


def gpu_bounds(
    program: Program, options: Options, table: Mapping[str, Primitive]
) -> dict[str, Any]:
    """For every function that a kernel calls: who computes it and the error bound in ulp."""
    target = gpu_target(options)
    found = dict(bounds(lowered(program, target), target, table))
    spelled = SINGLE.keys() & program.counts.keys() - found.keys()
    made = {name: Implementation(name, "symgrad", name, SINGLE[name]) for name in sorted(spelled)}
    return found | (made if options.dtype == "float32" else {})


def gpu_source(program: Program, options: Options, language: str) -> str:
    """A kernel as people read it: "cuda", CUDA C, or "numba-cuda", Python."""
    target, layout = gpu_target(options), _ordinary(program, options)
    made = lowered(program, target)
    if language == "numba-cuda":
        from symgrad.emit.cuda.numba_text import numba_cuda_text  # noqa: PLC0415 - for this alone

        return numba_cuda_text(made, target, layout)
    return cuda_source(made, target, layout).text


def _ordinary(program: Program, options: Options) -> Layout:
    """The layout of an ordinary call."""
    columns = {group.name: len(group.columns) for group in program.groups}
    return ordinary_layout(options.batch_axis, columns.get(PARAMETERS, 0))


def gpu_code(program: Program, options: Options, form: str, arch: str) -> list[str | bytes]:
    """The kernels of a function as "ptx" or "cubin", for an architecture such as ``sm_90``."""
    code, layout = Code(program, options, choose_engine(options)), _ordinary(program, options)
    if form == "ptx":
        return list(code.ptx(layout, arch))
    return [binary.code for binary in code.build(layout, arch)]


def kernel_programs(program: Program, target: Target) -> list[Program]:
    """What the kernels of a lowered program compute: giants and what does not fit are cut.

    Rows of constants cost no kernel anything; the first one has them.
    """
    fills = constant_rows(program)
    rest = without(program, fills)
    first, *more = [part for whole in parts(rest) for part in relieved(whole, target.dtype)]
    return [including(first, fills), *more]


@dataclass(frozen=True)
class Code:
    """The kernels of one function.

    Args:
        program: what they compute.
        options: of the function.
        engine: who compiles them.
        output_shape: of its outputs.
        cache: keep machine code on disk.
    """

    program: Program
    options: Options
    engine: Engine
    output_shape: tuple[int, ...] = ()
    cache: bool = True

    @cached_property
    def target(self) -> Target:
        """The GPU."""
        return gpu_target(self.options)

    @cached_property
    def programs(self) -> tuple[Program, ...]:
        """What each kernel computes: a part of what does not fit into one."""
        whole = lowered(self.program, self.target)
        return (whole,) if self.target.reduced else tuple(kernel_programs(whole, self.target))

    def kernels(self, layout: Layout) -> tuple[CudaKernel, ...]:
        """The text of the kernels."""
        emit = STAGES[self.engine].emit
        return tuple([emit(program, self.target, layout) for program in self.programs])

    def ptx(self, layout: Layout, arch: str) -> tuple[str, ...]:
        """The kernels in NVIDIA's assembly language."""
        return tuple([STAGES[self.engine].ptx(kernel, arch) for kernel in self.kernels(layout)])

    def build(self, layout: Layout, arch: str) -> tuple[Binary, ...]:
        """The machine code of the kernels, which are launched one after the other."""
        return tuple([self._built(self.engine, one, arch) for one in self.kernels(layout)])

    def totals(self, arch: str, accumulate: bool) -> Binary:
        """The machine code of the kernel that adds the sums of blocks."""
        kernel = totals_source(self.options.dtype, accumulate=accumulate)
        return self._built("nvrtc", kernel, arch)

    def _built(self, engine: Engine, kernel: CudaKernel, arch: str) -> Binary:
        fast = self.options.accuracy == "fast" and self.options.dtype == "float32"
        return STAGES[engine].build(kernel, arch, fast, self.cache)

    def device_function(self) -> Any:
        """The function at one point, for users' own numba-cuda kernels."""
        from symgrad.emit.cuda.device import device_function  # noqa: PLC0415 - imports numba

        shapes = {"cotangent": self.output_shape}
        return device_function(lowered(self.program, self.target), self.target, shapes)


def cuda_function(
    recipe: Recipe,
    options: Options,
    maker: Maker,
    details: Callable[[Program | None], Any],
    restore: Callable[[str], Any],
    adapter: Callable[[str], Callable[..., Any]],
) -> CudaFunction:
    """The function of a recipe on GPUs, ready for its first call where there is one.

    Raises:
        MissingDependencyError: the engine that is asked for is not installed, or none is.
    """
    from symgrad.runtime.cuda.function import CudaFunction  # noqa: PLC0415 - NumPy, and more
    from symgrad.runtime.cuda.launch import CudaCode  # noqa: PLC0415

    engine = choose_engine(options)
    program, patterns = maker.program()
    maker.keep(program, patterns)
    made = Code(program, options, engine, recipe.shape, maker.cache)
    code = CudaCode(made.build, engine, made.ptx, made.device_function, made.totals)
    signature = make_signature(recipe, options, patterns, 0)
    described = (signature, recipe, partial(details, program), restore, adapter)
    function = CudaFunction(code, *described)
    with suppress(DeviceError):  # the first call says what is missing
        function.prepare()
    return function
