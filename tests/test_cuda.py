"""From a formula to code for a GPU, without a GPU: engines, text, machine code, what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest

import symgrad as sg
from symgrad import cuda
from symgrad.errors import ArgumentError, DeviceError, MissingDependencyError, OptionError
from symgrad.ir.layout import Layout
from symgrad.ir.program import Group, Instruction, Program, Result
from symgrad.options import Options
from symgrad.runtime.cuda.device import Machine

INSTALLED = cuda.usable_engines()
FORMULA = "k*x**2*sin(y)/sqrt(x*x + y*y)"

needs_nvrtc = pytest.mark.skipif("nvrtc" not in INSTALLED, reason="NVRTC is not installed")
engines = pytest.mark.parametrize(
    "engine",
    [
        pytest.param(name, marks=pytest.mark.skipif(name not in INSTALLED, reason="not installed"))
        for name in cuda.STAGES
    ],
)


def function(derivatives=("value", "gradient"), formula=FORMULA, **options):
    return sg.compile(formula, "x y", list(derivatives), parameters="k", target="cuda", **options)


@engines
@pytest.mark.parametrize("batch_axis", [0, -1])
def test_a_formula_becomes_machine_code(engine, batch_axis):
    fn = function(engine=engine, batch_axis=batch_axis)
    (binary,) = fn.binaries("sm_90")
    assert fn.engine == engine
    assert binary.code.startswith(b"\x7fELF")
    assert binary.spilled == 0
    assert f".entry {binary.name}(" in fn.ptx("sm_90")


@engines
def test_a_function_says_what_it_is(engine):
    fn = function(engine=engine, dtype="float32")
    assert isinstance(fn, sg.CompiledFunction)
    assert repr(fn) == "<symgrad function (x, y; k) -> value[], gradient[2], float32, cuda>"
    assert fn.tier == "compiled"
    assert {name: found.provider for name, found in fn.accuracy.items()} == {
        "rsqrt": "cuda",
        "sin": "cuda",
        "cos": "cuda",
    }
    assert fn.operations.total > 10


@needs_nvrtc
@pytest.mark.parametrize("language", ["cuda", "numba-cuda"])
def test_source_for_a_gpu_is_there_from_every_target(language):
    on_gpu = function(batch_axis=-1, engine="nvrtc").source(language)
    on_cpu = sg.compile(
        FORMULA, "x y", ["value", "gradient"], parameters="k", batch_axis=-1
    ).source(language)
    assert on_gpu == on_cpu
    assert "gradient" in on_gpu


def test_rows_of_constants_are_no_reason_for_another_kernel():
    size = 60
    code = [Instruction("load", (), (0, 0)), Instruction("constant", (), 0.0)]
    code += [
        Instruction("store", (int(position % (size + 1) > 0),), (0, position))
        for position in range(size * size)
    ]
    groups, results = (Group("inputs", ("x",)),), (Result("hessian", (size, size)),)
    program = Program(groups, results, tuple(code))
    target = cuda.gpu_target(Options(target="cuda"))
    (made,) = cuda.kernel_programs(program, target)
    assert sorted(i.data for i in made.code if i.op == "store") == [
        (0, position) for position in range(size * size)
    ]
    for points in ("first", "last"):
        text = cuda.STAGES["nvrtc"].emit(made, target, Layout(points)).text
        assert text.count(" = v0;") == size
        assert text.count(" = 0.0;") == 1


@needs_nvrtc
def test_sums_are_made_by_two_kernels():
    fn = function(reduce="mean")
    (binary,) = fn.binaries()
    assert binary.block > 0


@needs_nvrtc
def test_without_rewrites_nothing_is_fused():
    assert "fma(" in function(formula="x*y*k + x").source("cuda")
    assert "fma(" not in function(formula="x*y*k + x", rewrites="exact").source("cuda")


@needs_nvrtc
def test_a_function_is_pickled_with_its_target(tmp_path):
    fn = function()
    fn.save(tmp_path / "fn.json")
    again = sg.load(tmp_path / "fn.json")
    assert type(again) is type(fn)
    assert again.recipe == fn.recipe


@pytest.mark.skipif(Machine().count() > 0, reason="there is a GPU")
@needs_nvrtc
def test_a_call_says_what_is_missing():
    with pytest.raises(DeviceError, match="use target='cpu'"):
        function()(np.ones((3, 2)), k=1.0)


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(cuda, "find_spec", lambda name: None)
    assert cuda.usable_engines() == []
    with pytest.raises(MissingDependencyError, match=re.escape("symgrad[cuda]")):
        function()
    with pytest.raises(MissingDependencyError, match=re.escape("symgrad[numba-cuda]")):
        function(engine="numba")


def test_an_engine_is_chosen_by_what_works(monkeypatch):
    def only(*engines):
        def check(engine):
            if engine not in engines:
                raise MissingDependencyError(engine)

        monkeypatch.setattr(cuda, "_check", check)

    only("numba", "nvrtc")
    assert cuda.choose_engine(Options(target="cuda")) == "numba"
    only("nvrtc")
    assert cuda.choose_engine(Options(target="cuda")) == "nvrtc"
    with pytest.raises(MissingDependencyError):
        cuda.choose_engine(Options(target="cuda", engine="numba"))


@needs_nvrtc
def test_what_belongs_to_the_cpu_is_refused():
    fn = function()
    with pytest.raises(ArgumentError, match=re.escape("use fn.cuda_jit")):
        _ = fn.njit
    with pytest.raises(OptionError, match=re.escape("a GPU's is fn.ptx()")):
        fn.llvm()


def test_what_belongs_to_a_gpu_is_refused_on_the_cpu():
    with pytest.raises(ArgumentError, match=re.escape("use fn.njit")):
        _ = sg.compile("x*y", "x y").cuda_jit
