"""Reports of assemblers and machine code, read as text."""

from __future__ import annotations

import re
import subprocess

import pytest

from symgrad.errors import KernelError
from symgrad.runtime.cuda.resources import resources, toolkit_program
from tests.runtime.cuda.kernels import PRODUCT, kernel
from tests.runtime.cuda.machine_code import NEEDS_NVDISASM, Assembly, disassemble, listed

# What NVRTC 13.5 says of a sine, and nvJitLink 13.5 of the same text as PTX.
NVRTC = """ptxas info    : 144 bytes gmem
ptxas info    : Compiling entry function 'k' for 'sm_90'
ptxas info    : Function properties for k
ptxas         .     40 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 38 registers, used 0 barriers, 40 bytes cumulative stack size
ptxas info    : Compile time = 39.257 ms
ptxas info    : Function properties for __internal_trig_reduction_slowpathd
ptxas         .     0 bytes stack frame, 4 bytes spill stores, 8 bytes spill loads
"""
LINKED = """ptxas info    : Function properties for __internal_trig_reduction_slowpathd
ptxas         .     40 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Compiling entry function 'k' for 'sm_90'
ptxas info    : Function properties for k
ptxas         .     0 bytes stack frame, 16 bytes spill stores, 24 bytes spill loads
ptxas info    : Used 40 registers, used 0 barriers
info    : Function properties for 'k':
info    : used 46 registers, used 5 barriers, 40 stack, 1024 bytes smem, 552 bytes cmem[0]
"""

LISTING = """
.text.sg_hand:
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0010*/                   S2R R0, SR_TID.X ;
        /*0020*/              @!P0 EXIT ;
.L_x_1:
        /*0030*/                   LDG.E.64.CONSTANT R4, desc[UR4][R2.64] ;
        /*0040*/                   DFMA R6, R4, R4, 1 ;
        /*0050*/               @P1 F2F.F64.F32 R8, R9 ;
        /*0060*/                   MUFU.RCP64H R11, R5 ;
        /*0070*/                   F2I.FTZ.U32.TRUNC.NTZ R3, R2 ;
        /*0080*/                   DEPBAR.LE SB0, 0x1 ;
        /*0090*/                   STG.E.64 desc[UR4][R2.64], R6 ;
        /*00a0*/              @UP0 BRA `(.L_x_1) ;
"""


def test_a_report_of_nvrtc():
    assert resources(NVRTC) == (38, 12, 0, 40)


def test_a_report_of_nvjitlink_counts_what_the_linker_adds():
    assert resources(LINKED) == (46, 40, 1024, 40)


@pytest.mark.parametrize("log", ["", "ptxas info    : 144 bytes gmem"])
def test_a_report_without_registers_is_an_error(log):
    with pytest.raises(KernelError, match=r"names no registers; it reads\n(\(nothing|ptxas)"):
        resources(log)


def test_instructions_are_read_from_a_listing():
    code = Assembly(listed(LISTING))
    opcodes = [found.opcode for found in code.operations]
    assert opcodes == [
        *("LDC", "S2R", "EXIT", "LDG.E.64.CONSTANT", "DFMA", "F2F.F64.F32", "MUFU.RCP64H"),
        *("F2I.FTZ.U32.TRUNC.NTZ", "DEPBAR.LE", "STG.E.64", "BRA"),
    ]
    assert next(one for one in code.operations if one.opcode == "DFMA").operands == "R6, R4, R4, 1"
    assert code.count("STG") == code.count("LDG") == 1
    assert code.count("ST") == 0
    assert code.doubles == ["DFMA", "F2F.F64.F32", "MUFU.RCP64H"]


@NEEDS_NVDISASM
@pytest.mark.parametrize("arch", ["sm_80", "sm_90"])
def test_the_instructions_of_a_kernel(arch):
    nvrtc = pytest.importorskip("symgrad.runtime.cuda.nvrtc")
    pytest.importorskip("cuda.bindings.nvrtc")
    (code,) = disassemble(nvrtc.compile_source(PRODUCT, arch, cache=False))
    assert code.count("DMUL") == code.count("DADD") == code.count("STG") == 1
    assert code.count("LDG") == 3
    assert sorted(set(code.doubles)) == ["DADD", "DMUL"]


@NEEDS_NVDISASM
def test_hidden_double_precision_is_found():
    nvrtc = pytest.importorskip("symgrad.runtime.cuda.nvrtc")
    pytest.importorskip("cuda.bindings.nvrtc")
    hidden = {
        "r[i] = x[i] * 2.0f + x[n + i] / x[i];": False,
        "r[i] = sqrtf(x[i]) + expf(x[n + i]);": False,
        "r[i] = x[i] + 0.1 * x[n + i];": True,
        "r[i] = exp((double)x[i]);": True,
        "r[i] = (float)(1.0 / (3.0 + (double)x[i]));": True,
    }
    made = [nvrtc.compile_source(kernel(body, "float"), "sm_90", cache=False) for body in hidden]
    found = disassemble(*made)
    assert [bool(code.doubles) for code in found] == list(hidden.values())


@pytest.mark.skipif(toolkit_program("cuobjdump") is None, reason="cuobjdump is not installed")
@pytest.mark.parametrize(
    "body",
    [
        "r[i] = x[i];",
        "r[i] = sin(x[i]);",
        "__shared__ double t[256]; t[threadIdx.x] = x[i]; __syncthreads(); r[i] = t[i & 255];",
    ],
)
def test_the_report_agrees_with_the_cubin(tmp_path, body):
    nvrtc = pytest.importorskip("symgrad.runtime.cuda.nvrtc")
    pytest.importorskip("cuda.bindings.nvrtc")
    binary = nvrtc.compile_source(kernel(body), "sm_90", cache=False)
    file = tmp_path / "kernel.cubin"
    file.write_bytes(binary.code)
    command = [str(toolkit_program("cuobjdump")), "-res-usage", str(file)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Function sg_hand:\s*REG:(\d+) STACK:(\d+) SHARED:(\d+)", told)
    assert found is not None
    registers, stack, shared = map(int, found.groups())
    assert (binary.registers, resources(binary.log).stack) == (registers, stack)
    # From sm_90 on the system keeps 1 KiB of shared memory that reports leave out.
    assert shared - binary.shared in (0, 1024)
