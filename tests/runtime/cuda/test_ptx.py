"""PTX to machine code: both assemblers, versions that do not fit, and what errors say."""

from __future__ import annotations

import re

import pytest

from symgrad.errors import KernelError, MissingDependencyError
from symgrad.runtime.cuda import nvrtc
from symgrad.runtime.cuda import ptx as module
from symgrad.runtime.cuda.nvrtc import ptx_of_source
from symgrad.runtime.cuda.ptx import Assembler, assemble, build
from tests.runtime.cuda.kernels import PRODUCT, HandWritten, kernel
from tests.runtime.cuda.machine_code import NEEDS_NVDISASM, disassemble

pytest.importorskip("cuda.bindings.nvrtc")
pytest.importorskip("cuda.bindings.nvjitlink")

SINE = kernel("r[i] = sin(x[i]) / x[n + i];")


@pytest.fixture(params=["nvJitLink", "ptxas"])
def assembler(request, monkeypatch):
    """One assembler alone, where it is installed."""
    found = [one for one in module.assemblers() if one.name == request.param]
    if not found:
        pytest.skip(f"{request.param} is not installed")
    written = tuple(map(int, found[0].version.split(".")))
    if written < nvrtc.version():
        pytest.skip(f"{request.param} {found[0].version} is older than NVRTC, whose PTX it refuses")
    monkeypatch.setattr(module, "assemblers", lambda: tuple(found))
    return found[0]


@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
@pytest.mark.parametrize("made", [PRODUCT, SINE])
def test_a_kernel_is_assembled_without_a_gpu(assembler, made, arch):
    binary = assemble(ptx_of_source(made, "sm_80"), made, arch, cache=False)
    assert binary.code[:4] == b"\x7fELF"
    assert (binary.name, binary.arch, binary.threads) == ("sg_hand", arch, 256)
    assert 8 < binary.registers < 64
    assert (binary.spilled, binary.shared) == (0, 0)


@NEEDS_NVDISASM
def test_products_are_never_contracted(assembler):
    text = ptx_of_source(PRODUCT, "sm_90")
    loose = re.sub(r"(mul|add)\.rn\.f64", r"\1.f64", text)
    assert loose != text
    (found,) = disassemble(assemble(loose, PRODUCT, "sm_90", cache=False))
    assert (found.count("DMUL"), found.count("DADD"), found.count("DFMA")) == (1, 1, 0)


def test_a_text_that_is_wrong_is_shown_with_its_line(assembler):
    wrong = ptx_of_source(PRODUCT, "sm_90").replace("mul.rn.f64", "mull.rn.f64")
    with pytest.raises(KernelError, match=r"cannot assemble .*sm_90.*(.|\n)*line \d+") as caught:
        assemble(wrong, PRODUCT, "sm_90", cache=False)
    assert assembler.name in str(caught.value)
    assert "mull" in str(caught.value)


def test_the_kernel_has_the_name_that_it_has_in_the_code(assembler):
    called = HandWritten("sg_other", PRODUCT.text)
    assert assemble(ptx_of_source(PRODUCT, "sm_80"), called, "sm_80", cache=False).name == "sg_hand"


def test_an_unknown_architecture_is_an_error(assembler):
    with pytest.raises(KernelError, match="cannot assemble a generated kernel for sm_35"):
        assemble(ptx_of_source(PRODUCT, "sm_80"), PRODUCT, "sm_35", cache=False)


def newer(text):
    return re.sub(r"\.version \d+\.\d+", ".version 99.1", text)


def test_text_that_is_newer_than_every_assembler_is_an_error_that_says_so():
    text = newer(ptx_of_source(PRODUCT, "sm_90"))
    with pytest.raises(
        KernelError, match=r"PTX of version 99\.1 is newer .*nvJitLink.*pip install"
    ):
        assemble(text, PRODUCT, "sm_90", cache=False)


def test_an_assembler_that_is_too_old_is_passed_over(monkeypatch):
    told = "ptxas fatal : Unsupported .version 9.5; current version is '9.0'"
    old = Assembler("nvJitLink", "13.0", (), lambda *_: (b"", told))
    real = module.assemblers()
    monkeypatch.setattr(module, "assemblers", lambda: (old, *real))
    text = ptx_of_source(PRODUCT, "sm_90")
    assert assemble(text, PRODUCT, "sm_90", cache=False).registers > 8


def test_a_second_process_finds_the_code_on_disk(folder, monkeypatch):
    text = ptx_of_source(PRODUCT, "sm_90")
    made = assemble(text, PRODUCT, "sm_90")
    assert len(list(folder.glob("cubin_*.json"))) == 1

    def never(*_):
        raise AssertionError("assembled again")

    first = module.assemblers()[0]
    monkeypatch.setattr(module, "assemblers", lambda: (first._replace(run=never),))
    assert assemble(text, PRODUCT, "sm_90") == made
    for changed, arch in ((text + "\n", "sm_90"), (text, "sm_80")):
        with pytest.raises(AssertionError, match="assembled again"):
            assemble(changed, PRODUCT, arch)


def test_ptx_is_written_only_if_no_code_is_on_disk(folder):
    written = []

    def write():
        written.append("again")
        return ptx_of_source(PRODUCT, "sm_80")

    first = build(PRODUCT, "sm_90", write, "numba-cuda 0.30")
    assert build(PRODUCT, "sm_90", write, "numba-cuda 0.30") == first
    assert len(written) == 1
    assert first.code == assemble(ptx_of_source(PRODUCT, "sm_80"), PRODUCT, "sm_90").code
    build(PRODUCT, "sm_90", write, "numba-cuda 0.31")
    build(PRODUCT, "sm_80", write, "numba-cuda 0.30")
    build(PRODUCT, "sm_90", write, "numba-cuda 0.30", cache=False)
    assert len(written) == 4


def test_without_an_assembler_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr(module, "_jit_link", lambda: None)
    monkeypatch.setattr(module, "_ptxas", lambda: None)
    module.assemblers.cache_clear()
    try:
        with pytest.raises(MissingDependencyError, match=r"symgrad\[numba-cuda\].*engine='nvrtc'"):
            assemble("", PRODUCT, "sm_90")
    finally:
        module.assemblers.cache_clear()
