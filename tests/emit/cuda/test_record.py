"""The record of a kernel: a value that can be compared, kept in a set and not changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from symgrad.emit.cuda import source
from symgrad.emit.cuda.record import CudaKernel


def test_a_kernel_is_a_value() -> None:
    kernel = CudaKernel("sg_1", "text", 128, 128)
    assert kernel.block == 0
    assert {kernel, CudaKernel("sg_1", "text", 128, 128)} == {kernel}
    with pytest.raises(FrozenInstanceError):
        kernel.threads = 64


def test_it_is_found_where_kernels_are_made() -> None:
    assert source.CudaKernel is CudaKernel
