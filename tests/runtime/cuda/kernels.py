"""Kernels written by hand, for tests of what compiles them."""

from __future__ import annotations

from dataclasses import dataclass

LOOP = """
extern "C" __global__ void {name}(long long n, const {real}* __restrict__ x, {real}* __restrict__ r)
{{
  #pragma unroll 1
  for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n;
       i += (long long)gridDim.x * blockDim.x) {{
    {body}
  }}
}}
"""


@dataclass(frozen=True)
class HandWritten:
    """What generated kernels look like to a compiler."""

    name: str
    text: str
    threads: int = 256
    points: int = 256
    block: int = 0


def kernel(body: str, real: str = "double", name: str = "sg_hand") -> HandWritten:
    """A kernel whose body sees the point's number ``i``, the inputs x and the results r."""
    return HandWritten(name, LOOP.format(name=name, real=real, body=body))


PRODUCT = kernel("r[i] = x[i] * x[n + i] + x[2 * n + i];")
