"""Svg: a picture as a list of elements, and what several pictures draw: frames, ticks, images."""

from __future__ import annotations

import math
import struct
import zlib
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import Any

INK, PALE, LINE = "#111827", "#6b7280", "#e5e7eb"
FONT = 12
"""Size of ordinary text in pixels."""

CHARACTER = 0.6 * FONT
"""About how wide a character is."""


class Svg:
    """An SVG picture; coordinates are pixels from the upper left corner.

    Example:
        >>> picture = Svg(40, 20)
        >>> picture.add("circle", cx=10, cy=10, r=2.5, fill="red")
        >>> print(str(picture).splitlines()[2])
        <circle cx="10" cy="10" r="2.5" fill="red"/>
    """

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._body: list[str] = []

    def add(self, tag: str, content: str = "", title: str = "", **attributes: Any) -> None:
        """Add an element; ``_`` in a name stands for ``-``, a title is shown by the mouse."""
        given = "".join(
            f' {name.rstrip("_").replace("_", "-")}="{_plain(value)}"'
            for name, value in attributes.items()
        )
        inside = escape(content) + (f"<title>{escape(title)}</title>" if title else "")
        self._body.append(f"<{tag}{given}>{inside}</{tag}>" if inside else f"<{tag}{given}/>")

    def text(self, x: float, y: float, content: str, **attributes: Any) -> None:
        """Add text whose baseline starts at (x, y)."""
        self.add("text", content, x=x, y=y, **attributes)

    def __str__(self) -> str:
        size = f'width="{_plain(self.width)}" height="{_plain(self.height)}"'
        box = f'viewBox="0 0 {_plain(self.width)} {_plain(self.height)}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box}'
        lines = [
            f'{head} font-family="sans-serif" font-size="{FONT}" fill="{INK}">',
            '<rect width="100%" height="100%" fill="white"/>',
            *self._body,
            "</svg>",
        ]
        return "\n".join(lines) + "\n"


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return escape(str(value))


def box(x: float, y: float, width: float, height: float) -> dict[str, Any]:
    """The attributes of an element that fills a rectangle."""
    return {"x": x, "y": y, "width": width, "height": height}


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between two ends: multiples of 1, 2 or 5 times a power of ten.

    Example:
        >>> ticks(0.0, 1.0), ticks(-3.0, 7.0)
        ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [-2.0, 0.0, 2.0, 4.0, 6.0])
    """
    if not low < high:
        return [low]
    rough = high / most - low / most  # in this order it cannot overflow
    if rough < 1e-300:
        return [low, high]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * size for size in (1, 2, 5, 10) if power * size >= 0.999 * rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step if step >= 1 else k / round(1 / step) for k in range(first, last + 1)]


def part(value: float, low: float, high: float) -> float:
    """Where a value lies between two ends, as a part of their distance (1 if they are equal).

    Example:
        >>> part(3.0, 2.0, 6.0), part(2.0, 2.0, 2.0)
        (0.25, 0.0)
    """
    return (value / 2 - low / 2) / (high / 2 - low / 2 or 1.0)  # halves: their distance is finite


def png(rows: Sequence[bytes]) -> str:
    """A picture of rows of RGBA bytes as a ``data:`` address.

    Source: Portable Network Graphics Specification, W3C Recommendation, 2003.
    """
    width, height = len(rows[0]) // 4, len(rows)

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    data = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )
    return f"data:image/png;base64,{b64encode(data).decode()}"
