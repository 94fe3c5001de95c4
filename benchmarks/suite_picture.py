"""The ratios of the suite as a picture: a line a problem, a mark a peer, on a logarithmic scale."""

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

COLORS = {
    "heyoka": "#0f766e",
    "numba": "#2563eb",
    "jax": "#9333ea",
    "torch.func": "#dc2626",
    "torch.compile": "#f97316",
    "casadi-c": "#65a30d",
    "casadi-c-sparse": "#166534",
    "symengine": "#78716c",
}
LEFT, DECADE, PITCH, TOP = 300, 150, 17, 70
LOWEST, HIGHEST = 0.5, 2000.0


def place(ratio: float) -> float:
    """The abscissa of a ratio; what is beyond the picture stands at its border."""
    return LEFT + DECADE * math.log10(min(max(ratio, LOWEST), HIGHEST) / LOWEST)


def draw(path: Path, rows: Sequence[tuple[str, dict[str, float]]], caption: str) -> None:
    """Write the picture; a row is a problem and its peers' ratios."""
    bottom = TOP + PITCH * len(rows)
    right = place(HIGHEST)
    body = [f'<text x="10" y="20">{escape(caption)}: times as long as symgrad</text>']
    x = 10.0
    for peer, color in COLORS.items():
        body.append(f'<circle cx="{x + 4:.0f}" cy="38" r="4" fill="{color}"/>')
        body.append(f'<text x="{x + 12:.0f}" y="42">{escape(peer)}</text>')
        x += 30 + 7.2 * len(peer)
    for tick in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        at, color = place(tick), "#111827" if tick == 1 else "#e5e7eb"
        body.append(
            f'<line x1="{at:.1f}" y1="{TOP - 8}" x2="{at:.1f}" y2="{bottom}" stroke="{color}"/>'
        )
        body.append(f'<text x="{at:.1f}" y="{TOP - 12}" text-anchor="middle">{tick:g}</text>')
    y = TOP
    for name, ratios in rows:
        body.append(f'<text x="{LEFT - 8}" y="{y + 9}" text-anchor="end">{escape(name)}</text>')
        for peer, ratio in ratios.items():
            title = f"<title>{escape(f'{name}, {peer}: {ratio:.2f}')}</title>"
            color = COLORS[peer]
            at = f'cx="{place(ratio):.1f}" cy="{y + 5}"'
            body.append(f'<circle {at} r="4" fill="{color}" fill-opacity="0.8">{title}</circle>')
        y += PITCH
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{right + 20:.0f}" height="{bottom + 10}"'
    )
    text = [f'{head} font-family="sans-serif" font-size="12">', *body, "</svg>", ""]
    path.write_text("\n".join(text), encoding="utf-8")


def rows_of(records: Sequence[Any], ratio: Any) -> list[tuple[str, dict[str, float]]]:
    """The rows of the records, by a function (record, peer) -> (ratio, ...) or None."""
    return [
        (
            record["problem"],
            {peer: made[0] for peer in COLORS if (made := ratio(record, peer)) is not None},
        )
        for record in records
    ]
