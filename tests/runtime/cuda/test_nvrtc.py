"""CUDA C to machine code: options, what is kept, and what errors say."""

from __future__ import annotations

import sys

import pytest

from symgrad.errors import KernelError, MissingDependencyError
from symgrad.runtime.cuda import nvrtc
from symgrad.runtime.cuda.nvrtc import compile_source, options, ptx_of_source
from tests.runtime.cuda.kernels import PRODUCT, HandWritten, kernel
from tests.runtime.cuda.machine_code import NEEDS_NVDISASM, disassemble

pytest.importorskip("cuda.bindings.nvrtc")


@pytest.fixture
def forgotten():
    """Nothing is known of NVRTC, neither before the test nor after it."""
    functions = (nvrtc._library, nvrtc.version, nvrtc.architectures)
    for function in functions:
        function.cache_clear()
    yield
    for function in functions:
        function.cache_clear()


def opcodes(binary):
    (code,) = disassemble(binary)
    return {found.opcode.split(".")[0] for found in code.operations}


@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
def test_a_kernel_compiles_without_a_gpu(arch):
    binary = compile_source(PRODUCT, arch, cache=False)
    assert binary.code[:4] == b"\x7fELF"
    assert b"sg_hand" in binary.code
    assert (binary.name, binary.arch) == ("sg_hand", arch)
    assert (binary.threads, binary.points, binary.block) == (256, 256, 0)
    assert 8 < binary.registers < 64
    assert (binary.spilled, binary.shared) == (0, 0)
    assert f"for '{arch}'" in binary.log


def test_the_same_text_gives_the_same_code():
    first, second = (compile_source(PRODUCT, "sm_90", cache=False) for _ in range(2))
    assert first.code == second.code


def test_spilled_values_are_reported():
    names = [f"v{i}" for i in range(48)]
    body = " ".join(f"double v{i} = x[{i} * n + i] + r[{i} * n + i];" for i in range(48))
    for turn in range(1, 4):  # every value is needed until the end
        body += " ".join(f"{a} += {b} * {turn};" for a, b in zip(names, names[::-1], strict=True))
    body += " ".join(f"r[{i} * n + i] = v{i};" for i in range(48))
    crowded = kernel(body)
    text = crowded.text.replace("__global__ void", "__global__ void __launch_bounds__(1024)")
    assert compile_source(crowded, "sm_90", cache=False).spilled == 0
    found = compile_source(HandWritten("sg_hand", text), "sm_90", cache=False)
    assert found.registers <= 64
    assert found.spilled > 100


def test_shared_memory_is_reported():
    body = "__shared__ double t[300]; t[threadIdx.x] = x[i]; __syncthreads(); r[i] = t[i % 9];"
    assert compile_source(kernel(body), "sm_80", cache=False).shared == 2400


@NEEDS_NVDISASM
def test_products_are_contracted_where_the_text_says_so_alone():
    assert "DFMA" not in opcodes(compile_source(PRODUCT, "sm_90", cache=False))
    fused = kernel("r[i] = fma(x[i], x[n + i], x[2 * n + i]);")
    assert {"DFMA"} == opcodes(compile_source(fused, "sm_90", cache=False)) & {"DFMA", "DMUL"}


@pytest.mark.parametrize(("real", "differs"), [("float", True), ("double", False)])
def test_fast_divides_and_roots_faster_in_float32(real, differs):
    body = f"r[i] = x[i] / x[n + i] + {'sqrtf' if real == 'float' else 'sqrt'}(x[i]);"
    exact, fast = (
        compile_source(kernel(body, real), "sm_90", fast=fast, cache=False)
        for fast in (False, True)
    )
    assert (len(fast.code) < len(exact.code)) == differs
    assert (fast.code == exact.code) != differs


def test_options_follow_the_version():
    assert "--minimal" in options("sm_90", (13, 5))
    assert "--minimal" not in options("sm_90", (12, 0))
    for version in ((12, 0), (12, 9), (13, 5)):
        assert "--fmad=false" in options("sm_80", version)
        assert options("sm_80", version)[0] == "--gpu-architecture=sm_80"
        assert "--prec-div=false" not in options("sm_80", version)


def test_ptx_is_for_reading():
    text = ptx_of_source(PRODUCT, "sm_80")
    assert ".target sm_80" in text
    assert ".entry sg_hand(" in text
    assert text.count("st.global.f64") == 1
    assert text.count("mul.rn.f64") == text.count("add.rn.f64") == 1


@pytest.mark.parametrize("compiled", [compile_source, ptx_of_source])
def test_a_text_that_is_wrong_is_shown_with_its_line(compiled):
    wrong = kernel("double found = x[i];\n    r[i] = missing * 2;")
    with pytest.raises(KernelError) as caught:
        compiled(wrong, "sm_90")
    message = str(caught.value)
    assert "line 8: r[i] = missing * 2;" in message
    assert '"missing" is undefined' in message
    assert "symgrad doctor" in message


def test_what_the_assembler_refuses_is_shown_too():
    body = "__shared__ double t[9000]; t[threadIdx.x] = x[i]; __syncthreads(); r[i] = t[i % 9];"
    with pytest.raises(KernelError, match="too much shared data"):
        compile_source(kernel(body), "sm_90", cache=False)


def test_a_long_report_is_cut():
    body = " ".join(f"r[i] = missing{k};" for k in range(90))
    with pytest.raises(KernelError, match=r"characters more\nThis is a defect") as caught:
        compile_source(kernel(body), "sm_90", cache=False)
    assert len(str(caught.value)) < nvrtc.REPORTED + 1_000


@pytest.mark.parametrize("compiled", [compile_source, ptx_of_source])
@pytest.mark.parametrize("arch", ["sm_35", "sm_9", "gfx90a", ""])
def test_an_unknown_architecture_is_an_error_that_lists_the_known(compiled, arch):
    with pytest.raises(KernelError, match=r"does not compile for .*sm_80, .*sm_90"):
        compiled(PRODUCT, arch)


def test_the_architecture_of_a_gpu(monkeypatch):
    monkeypatch.setattr(nvrtc, "architectures", lambda: (75, 80, 86, 90, 100, 120))
    assert nvrtc.arch_of(9, 0) == "sm_90"
    assert nvrtc.arch_of(8, 9) == "sm_86"
    assert nvrtc.arch_of(12, 1) == "sm_120"
    for capability in ((7, 0), (11, 0), (13, 0)):
        with pytest.raises(KernelError, match=r"cannot compile for a GPU .*sm_75, .*sm_120"):
            nvrtc.arch_of(*capability)


def test_a_second_process_finds_the_code_on_disk(folder, monkeypatch):
    made = compile_source(PRODUCT, "sm_90")
    assert len(list(folder.glob("cubin_*.json"))) == 1

    def never(*_):
        raise AssertionError("compiled again")

    monkeypatch.setattr(nvrtc, "_compile", never)
    assert compile_source(PRODUCT, "sm_90") == made
    for other in ({"arch": "sm_80"}, {"arch": "sm_90", "fast": True}):
        with pytest.raises(AssertionError, match="compiled again"):
            compile_source(PRODUCT, **other)
    monkeypatch.setattr(nvrtc, "version", lambda: (13, 99))
    with pytest.raises(AssertionError, match="compiled again"):
        compile_source(PRODUCT, "sm_90")


def test_nothing_is_kept_unless_wanted(folder):
    compile_source(PRODUCT, "sm_90", cache=False)
    assert list(folder.iterdir()) == []


def test_damaged_code_is_compiled_again(folder):
    made = compile_source(PRODUCT, "sm_90")
    (file,) = folder.glob("cubin_*.json")
    file.write_text(file.read_text()[:-100])
    again = compile_source(PRODUCT, "sm_90")
    assert again.code == made.code
    assert compile_source(PRODUCT, "sm_90") == again, "read from disk, with the report of then"
    assert len(list(folder.iterdir())) == 1


@pytest.mark.usefixtures("forgotten")
def test_without_the_bindings_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(MissingDependencyError, match=r"cuda.bindings is needed.*symgrad\[cuda\]"):
        compile_source(PRODUCT, "sm_90")


@pytest.mark.usefixtures("forgotten")
def test_without_the_library_the_error_names_the_extra(monkeypatch):
    from cuda.bindings import nvrtc as bindings

    def missing():
        raise RuntimeError("Failed to dlopen libnvrtc.so.13")

    monkeypatch.setattr(bindings, "nvrtcVersion", missing)
    with pytest.raises(MissingDependencyError, match=r"NVRTC is needed.*symgrad\[cuda\].*dlopen"):
        ptx_of_source(PRODUCT, "sm_90")
