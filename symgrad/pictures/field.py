"""One entry of a result over one input, as a curve, or over two, as colours with a scale."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from symgrad.pictures.svg import CHARACTER, INK, LINE, PALE, Svg, box, part, png, ticks

WIDTH, HEIGHT, LEFT, TOP = 480.0, 360.0, 80.0, 40.0
BAR = 16.0

COLORS = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")
"""Evenly spaced colours of viridis (S. van der Walt, N. Smith, 2015): equal steps look equal."""

CURVE = "#2563eb"


def field_picture(
    values: Sequence[Sequence[float]],
    x: tuple[str, float, float],
    y: tuple[str, float, float],
    title: str = "",
) -> Svg:
    """Values on a grid as colours, linear from the smallest to the largest finite one.

    Args:
        values: one row for each y, from low to high, of one value for each x.
        x: name, low and high end of the horizontal axis.
        y: of the vertical one.
        title: what stands above.
    """
    finite = [v for row in values for v in row if math.isfinite(v)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    table = [_color(k / 255) for k in range(256)]
    lines = [
        b"".join(
            table[int(255 * part(v, low, high))] if math.isfinite(v) else b"\0\0\0\0" for v in row
        )
        for row in reversed(values)
    ]
    picture = Svg(LEFT + WIDTH + BAR + 110, TOP + HEIGHT + 50)
    place = box(LEFT, TOP, WIDTH, HEIGHT)
    picture.add("image", **place, preserveAspectRatio="none", href=png(lines))
    _axes(picture, x, y, title)
    left = LEFT + WIDTH + 20
    bar = box(left, TOP, BAR, HEIGHT)
    scale = png([table[k] for k in range(255, -1, -1)])
    picture.add("image", **bar, preserveAspectRatio="none", href=scale)
    picture.add("rect", **bar, fill="none", stroke=PALE)
    for tick in ticks(low, high):
        at = TOP + HEIGHT * (1 - part(tick, low, high))
        picture.text(left + BAR + 5, at + 4, f"{tick:.6g}")
    return picture


def curve_picture(
    points: Sequence[float], values: Sequence[float], name: str, label: str, title: str = ""
) -> Svg:
    """A curve through the finite values; where there are none it is interrupted.

    Args:
        points: abscissas, increasing.
        values: one a point.
        name: of the horizontal axis.
        label: of the vertical one.
        title: what stands above.
    """
    finite = [v for v in values if math.isfinite(v)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    margin = 0.08 * (high / 2 - low / 2) or max(1.0, 0.04 * abs(high))
    largest = sys.float_info.max
    low, high = max(low - margin, -largest), min(high + margin, largest)
    picture = Svg(LEFT + WIDTH + 30, TOP + HEIGHT + 50)
    _axes(picture, (name, points[0], points[-1]), (label, low, high), title, grid=True)
    path, joined = [], False
    for at, value in zip(points, values, strict=True):
        if math.isfinite(value):
            across = LEFT + WIDTH * part(at, points[0], points[-1])
            down = TOP + HEIGHT * (1 - part(value, low, high))
            path.append(f"{'L' if joined else 'M'}{across:.1f} {down:.1f}")
        joined = math.isfinite(value)
    picture.add("path", d="".join(path), fill="none", stroke=CURVE, stroke_width=1.5)
    return picture


def _axes(
    picture: Svg,
    x: tuple[str, float, float],
    y: tuple[str, float, float],
    title: str,
    grid: bool = False,
) -> None:
    """The frame, ticks with their numbers, and the names."""
    picture.text(LEFT, 22, title)
    bottom = TOP + HEIGHT
    for tick in ticks(*x[1:]):
        at = LEFT + WIDTH * part(tick, *x[1:])
        start = TOP if grid else bottom
        picture.add("line", x1=at, y1=start, x2=at, y2=bottom + 4, stroke=LINE if grid else PALE)
        picture.text(at, bottom + 18, f"{tick:.6g}", text_anchor="middle")
    for tick in ticks(*y[1:]):
        at = TOP + HEIGHT * (1 - part(tick, *y[1:]))
        end = LEFT + WIDTH if grid else LEFT
        picture.add("line", x1=LEFT - 4, y1=at, x2=end, y2=at, stroke=LINE if grid else PALE)
        picture.text(LEFT - 8, at + 4, f"{tick:.6g}", text_anchor="end")
    place = box(LEFT, TOP, WIDTH, HEIGHT)
    picture.add("rect", **place, fill="none", stroke=PALE)
    picture.text(LEFT + WIDTH / 2, bottom + 38, x[0], text_anchor="middle", fill=INK)
    half = TOP + HEIGHT / 2 + CHARACTER / 2
    picture.text(16, half, y[0], transform=f"rotate(-90 16 {half:.2f})", text_anchor="middle")


def _color(place: float) -> bytes:
    """The colour of a part between 0 and 1, as four bytes."""
    place = min(place, 1.0) * (len(COLORS) - 1)
    k = min(int(place), len(COLORS) - 2)
    ends = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in COLORS[k : k + 2]]
    mixed = [round(a + (b - a) * (place - k)) for a, b in zip(*ends, strict=True)]
    return bytes([*mixed, 255])
