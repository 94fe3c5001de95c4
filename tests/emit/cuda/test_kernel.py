"""The numba engine's generated modules and their PTX, which needs no GPU."""

from __future__ import annotations

import importlib.util
import re
import time

import pytest

from symgrad.emit.cuda import kernel as module
from symgrad.emit.cuda.kernel import (
    capability,
    check_numba_cuda,
    finished,
    layout_from_json,
    numba_kernel,
    numba_ptx,
)
from symgrad.emit.cuda.lowering import lowered
from symgrad.emit.cuda.sums import BLOCK, THREADS
from symgrad.emit.target import Dtype, Target
from symgrad.errors import KernelError, MissingDependencyError, OptionError
from symgrad.ir.layout import Layout, Points, kernel_arguments
from symgrad.ir.program import Group, Instruction, Program, Result
from symgrad.runtime.cuda.ptx import assemble
from tests.emit.cuda.suite import case

HAS_CUDA = importlib.util.find_spec("numba_cuda") is not None
NEEDS_CUDA = pytest.mark.skipif(not HAS_CUDA, reason="numba-cuda is not installed")
DTYPES: tuple[Dtype, ...] = ("float64", "float32")
LAYOUT = Layout("last", values=("parameters",))

REDUCTION = re.compile(r"\.reg|cvt\.rn\.f64\.s64|mul\.f64.*, 0d3BF921FB54442D19|cvt\.rn\.f32\.f64")
"""NVIDIA's own reduction of huge angles, which float32 kernels have as well: 2**-64 * pi/2."""


def gpu(dtype: Dtype = "float64", *, contract: bool = True, reduced: bool = False) -> Target:
    return Target("cuda", 1, dtype, "high", 1, 1, reduced, contract)


def ptx_of(name: str, target: Target, layout: Layout, arch: str = "sm_90") -> str:
    return numba_ptx(numba_kernel(lowered(case(name).program, target), target, layout), arch)


def chain(length: int) -> Program:
    """A polynomial's values: a product and a sum by turns."""
    code = [Instruction("load", (), (0, 0)), Instruction("load", (), (0, 1))]
    for index in range(length):
        code.append(Instruction(("mul", "add")[index % 2], (len(code) - 1, index % 2)))
    code.append(Instruction("store", (len(code) - 1,), (0, 0)))
    return Program((Group("inputs", ("a", "b")),), (Result("value", ()),), tuple(code))


@NEEDS_CUDA
@pytest.mark.parametrize("points", ["last", "first"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["bundle_adjustment", "black_scholes"])
def test_ptx(name: str, dtype: Dtype, points: Points) -> None:
    """The kernel's name and parameters are the contract's, and float32 has no double."""
    layout, target = Layout(points, values=("parameters",)), gpu(dtype)
    program = lowered(case(name).program, target)
    kernel = numba_kernel(program, target, layout)
    text = numba_ptx(kernel, "sm_90")
    (entry,) = re.findall(r"\.visible \.entry (\w+)\((.*?)\n\)", text, re.DOTALL)
    assert entry[0] == kernel.name
    real = {"float64": ".f64", "float32": ".f32"}[dtype]
    kinds = {"count": ".u64", "step": ".u64", "address": ".u64", "value": real}
    wanted = [kinds[kind.kind] for kind in kernel_arguments(program, layout)]
    assert re.findall(r"\.param (\.\w+) ", entry[1]) == wanted
    assert "maxntid" not in text  # the promise costs registers
    assert "Numba" not in text
    if dtype == "float32":
        doubles = [line for line in text.splitlines() if ".f64" in line]
        assert [line for line in doubles if not REDUCTION.search(line)] == []
        assert re.search(r"ld\.global\.nc\.f32", text)
    staged = points == "first" and any(result.size > 1 for result in program.results)
    assert ("bar.warp.sync" in text) == (".shared" in text) == staged


@NEEDS_CUDA
def test_nothing_is_contracted_but_what_is_so_in_the_program() -> None:
    """Every product has its rounding written out, so that no compiler fuses it later."""
    apart = ptx_of("rosenbrock10", gpu(contract=False), LAYOUT)
    assert "fma" not in apart
    assert re.findall(r"\bmul\.(\w*)\.?f64", apart)
    assert set(re.findall(r"\bmul\.(\w+)\.f64", apart)) == {"rn"}
    assert not re.search(r"\bmul\.f64", apart)
    program = lowered(case("rosenbrock10").program, gpu())
    together = ptx_of("rosenbrock10", gpu(), LAYOUT)
    assert together.count("fma.rn.f64") == program.counts["fma"] > 0


@NEEDS_CUDA
@pytest.mark.parametrize("arch", ["sm_75", "sm_90", "sm_120"])
def test_architectures(arch: str) -> None:
    """Old and new dialects of NVVM read the same text, barriers included."""
    text = ptx_of("kerr", gpu(reduced=True), LAYOUT, arch)
    assert f".target {arch}" in text
    assert "bar.sync" in text or "barrier.sync" in text


@NEEDS_CUDA
def test_long_kernels_are_not_unrolled() -> None:
    head = r'\n\)\n\.pragma "nounroll";\n\{'
    assert re.search(head, numba_ptx(numba_kernel(chain(300), gpu(), LAYOUT), "sm_90"))
    assert not re.search(head, numba_ptx(numba_kernel(chain(20), gpu(), LAYOUT), "sm_90"))


@NEEDS_CUDA
@pytest.mark.parametrize(
    ("name", "points", "most"),
    [("iiwa7", "last", 110), ("sph7", "last", 110), ("sph7", "first", 130), ("lj8", "first", 240)],
)
def test_registers(name: str, points: Points, most: int) -> None:
    """Addresses of entries are not kept from point to point, and nothing is spilled.

    They would take 246 registers of the spherical harmonics.
    """
    program, layout = lowered(case(name).program, gpu()), Layout(points)
    kernel = numba_kernel(program, gpu(), layout)
    made = assemble(numba_ptx(kernel, "sm_90"), kernel, "sm_90", cache=False)
    assert made.registers <= most
    assert made.spilled == 0


@NEEDS_CUDA
def test_many_chunks_share_the_code_that_copies_them() -> None:
    """Otherwise the text grows by a kilobyte an entry, and compile time with its square."""
    few, many = (ptx_of(name, gpu(), Layout("first")) for name in ("kerr", "sph7"))
    assert "sg_copy_" not in few
    assert 0 < len(re.findall(r"\.func sg_copy_\w+\(", many)) < 10
    assert many.count("call.uni") > 32


@NEEDS_CUDA
def test_compile_time() -> None:
    """Typing does not see the body: 2,500 operations take a fraction of a second, not six."""
    numba_ptx(numba_kernel(chain(10), gpu(), LAYOUT), "sm_90")
    begin = time.process_time()
    numba_ptx(numba_kernel(chain(2501), gpu(), LAYOUT), "sm_90")
    assert time.process_time() - begin < 3


@NEEDS_CUDA
def test_errors_name_the_kernel() -> None:
    kernel = numba_kernel(chain(5), gpu(), LAYOUT)
    with pytest.raises(KernelError, match=rf"cannot compile {kernel.name} for sm_10"):
        numba_ptx(kernel, "sm_10")


def test_what_launches_need() -> None:
    program = case("bundle_adjustment").program
    plain = numba_kernel(lowered(program, gpu()), gpu(), LAYOUT)
    assert (plain.threads, plain.points, plain.block) == (256, 256, 0)
    rows = numba_kernel(lowered(program, gpu()), gpu(), Layout("first"))
    assert rows.points == rows.threads
    assert rows.threads % 32 == 0
    sums = numba_kernel(lowered(program, gpu()), gpu(reduced=True), LAYOUT)
    assert (sums.threads, sums.points, sums.block) == (THREADS, BLOCK, BLOCK)


def test_names_depend_on_everything() -> None:
    """Equal inputs have equal texts, and whatever differs has another name."""
    program = chain(5)
    same = numba_kernel(program, gpu(), LAYOUT)
    assert numba_kernel(program, gpu(), LAYOUT) == same
    assert re.fullmatch("sg_[0-9a-f]{16}", same.name)
    others = [
        numba_kernel(chain(6), gpu(), LAYOUT),
        numba_kernel(program, gpu("float32"), LAYOUT),
        numba_kernel(program, gpu(reduced=True), LAYOUT),
        numba_kernel(program, gpu(), Layout("first")),
        numba_kernel(program, gpu(), Layout(accumulate=True)),
    ]
    assert len({same.name, *(one.name for one in others)}) == 6


def test_layouts_are_read_back() -> None:
    for layout in (LAYOUT, Layout("first", (), ("parameters", "g"), accumulate=True)):
        text = numba_kernel(chain(5), gpu(), layout).text
        (written,) = re.findall(r"^LAYOUT = '(.*)'$", text, re.MULTILINE)
        assert layout_from_json(written) == layout


@pytest.mark.parametrize(
    ("arch", "expected"),
    [("sm_90", (9, 0)), ("sm_120", (12, 0)), ("sm_75", (7, 5)), ("sm_90a", (9, 0, "a"))],
)
def test_capability(arch: str, expected: tuple) -> None:
    assert capability(arch) == expected


def test_no_capability() -> None:
    with pytest.raises(OptionError, match="'ampere' is no architecture"):
        capability("ampere")


def test_a_kernel_has_its_own_name_in_the_end() -> None:
    text = (
        ".common .global .align 8 .u64 _ZN08NumbaEnv1kx;\n\n"
        ".visible .entry _ZN1kx(\n\t.param .u64 _ZN1kx_param_0\n)\n{\nret;\n}\n"
    )
    changed = finished(text, "sg_1", unrolled=False)
    assert changed == (
        '\n.visible .entry sg_1(\n\t.param .u64 sg_1_param_0\n)\n.pragma "nounroll";\n{\nret;\n}\n'
    )
    assert "pragma" not in finished(text, "sg_1", unrolled=True)


@pytest.mark.parametrize("numpy", ["2.5.0", "2.10.1", "3.0.0rc1"])
def test_numpy_that_numba_cuda_cannot_work_with(
    numpy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "version", {"numba-cuda": "0.30.4", "numpy": numpy}.__getitem__)
    with pytest.raises(MissingDependencyError) as raised:
        check_numba_cuda()
    for words in ("numba-cuda 0.30.4 needs NumPy < 2.5", numpy, '"numpy<2.5"', "engine='nvrtc'"):
        assert words in str(raised.value)


@pytest.mark.parametrize("numpy", ["1.26.4", "2.4.6"])
def test_numpy_that_it_works_with(numpy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def version(name: str) -> str:
        asked.append(name)
        return {"numba-cuda": "0.30.4", "numpy": numpy}[name]

    monkeypatch.setattr(module, "version", version)
    check_numba_cuda()
    assert asked == ["numba-cuda", "numpy"]


def test_the_simulator_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "version", {"numba-cuda": "0.30.4", "numpy": "2.4.6"}.__getitem__)
    monkeypatch.setattr(module.config, "ENABLE_CUDASIM", 1)
    with pytest.raises(KernelError, match="unset NUMBA_ENABLE_CUDASIM"):
        check_numba_cuda()


def test_numba_cuda_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise module.PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", version)
    with pytest.raises(MissingDependencyError, match=r"symgrad\[numba-cuda\]"):
        numba_ptx(numba_kernel(chain(5), gpu(), LAYOUT), "sm_90")
