"""Target: what the emitter knows about a machine. A capability is a lookup, never a comparison."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

from symgrad.errors import InvariantError

Dtype = Literal["float64", "float32"]
Accuracy = Literal["high", "fast"]

ITEMSIZE: dict[str, int] = {"float64": 8, "float32": 4}

VECTOR_BYTES = (("avx512f", 64), ("avx2", 32), ("avx", 32), ("sse2", 16), ("neon", 16))
"""Vector registers by CPU feature, the widest first."""

DEFAULT_VECTOR_BYTES = 16

REGISTERS: dict[int, int] = {64: 32, 32: 16, 16: 16}
"""Vector registers of a CPU by the size of one."""


@dataclass(frozen=True, slots=True)
class Target:
    """A machine and the choices that code for it depends on.

    Attributes:
        name: "cpu".
        width: points that are computed at a time: one vector or two.
        dtype: the type of every value.
        accuracy: which vector mathematics may be used.
        tile: points that are copied to and from scratch memory at a time; a multiple of width.
        lanes: of one vector register.
        reduced: whether results are sums over blocks of points.
        contract: whether products become fused multiply-adds (``kernels/contract.py``).
        fused: whether products that are summed over points do (``sums/accumulate.py``).
        past_cache_too: whether there may be other pieces for large results (``kernels/loop.py``).

    Raises:
        InvariantError: a tile is no whole number of vectors, so that its end would be overwritten.
    """

    name: str
    width: int
    dtype: Dtype
    accuracy: Accuracy
    tile: int
    lanes: int
    reduced: bool = False
    contract: bool = False
    fused: bool = False
    past_cache_too: bool = True

    def __post_init__(self) -> None:
        if self.tile < 1 or self.tile % self.width:
            raise InvariantError(f"a tile of {self.tile} points is no multiple of {self.width}")

    @property
    def itemsize(self) -> int:
        """Bytes of one value."""
        return ITEMSIZE[self.dtype]

    def to_json(self) -> str:
        """The Target as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text: str) -> Target:
        """The Target that ``to_json`` wrote."""
        return Target(**json.loads(text))
