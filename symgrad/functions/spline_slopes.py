"""Slopes at the knots of interpolating cubics: what a spline's polynomials are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symgrad.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

NOT_A_KNOT = "not-a-knot"
ENDS: dict[str, tuple[int, float] | str] = {
    NOT_A_KNOT: NOT_A_KNOT,
    "natural": (2, 0.0),
    "clamped": (1, 0.0),
}
"""What holds at an end: a derivative's order and value, or that the two polynomials next to it
are one ("not-a-knot")."""

Ends = tuple[tuple[int, float] | str, tuple[int, float] | str]


def ends_of(given: Any, name: str, *, alone: bool) -> Ends:
    """The conditions at both ends that ``bc_type`` names.

    Args:
        given: what the user gave.
        name: of the spline, for messages.
        alone: whether it has one variable, so that the ends may differ.

    Raises:
        ArgumentError: there is no such condition.

    Example:
        >>> ends_of(("natural", (1, 2.5)), "f", alone=True)
        ((2, 0.0), (1, 2.5))
    """
    pair = [given, given] if isinstance(given, str) else list(given) if alone else []
    found: list[tuple[int, float] | str] = []
    for end in pair:
        if isinstance(end, str) and end in ENDS:
            found.append(ENDS[end])
        elif isinstance(end, tuple | list) and len(end) == 2 and end[0] in (1, 2):
            found.append((int(end[0]), float(end[1])))
    if len(found) != 2:
        raise ArgumentError(
            f"bc_type={given!r} of the spline {name!r} is not possible; choose one of "
            f"{', '.join(ENDS)}"
            + (", or give a pair of these or of (order, value), order 1 or 2" if alone else "")
        )
    return found[0], found[1]


def slopes(step: Array, y: Array, chord: Array, kind: str, ends: Ends) -> Array:
    """The derivative at every knot, along the first axis.

    Args:
        step: distances of neighbouring knots, (n - 1, 1, ...).
        y: values, (n, ...).
        chord: slopes of the straight lines, (n - 1, ...).
        kind: "cubic" or "pchip".
        ends: conditions at the ends of a cubic spline.
    """
    if len(y) == 2 and (kind == "pchip" or ends == (NOT_A_KNOT, NOT_A_KNOT)):
        return chord[[0, 0]]
    return _monotone(step, chord) if kind == "pchip" else _smooth(step, y, chord, ends)


def _smooth(step: Array, y: Array, chord: Array, ends: Ends) -> Array:
    """The slopes with which the second derivative is continuous: a tridiagonal system.

    With the steps d and the chords c its rows are
    d[i] s[i-1] + 2 (d[i-1] + d[i]) s[i] + d[i-1] s[i+1] = 3 (d[i] c[i-1] + d[i-1] c[i]).
    """
    import numpy as np  # noqa: PLC0415 - the package itself imports without NumPy

    n = len(y)
    below, main, above = (np.zeros((n, *step.shape[1:])) for _ in range(3))
    right = np.zeros(y.shape)
    below[1:-1], above[1:-1] = step[1:], step[:-1]
    main[1:-1] = 2 * (step[:-1] + step[1:])
    right[1:-1] = 3 * (step[1:] * chord[:-1] + step[:-1] * chord[1:])
    parabola = n == 3 and ends == (NOT_A_KNOT, NOT_A_KNOT)
    for end, inner, condition in ((0, 1, ends[0]), (-1, -2, ends[1])):
        side = above if end == 0 else below
        near = 0 if end == 0 else -1
        if parabola or (n == 2 and condition == NOT_A_KNOT):
            main[end], side[end], right[end] = 1.0, 1.0, 2 * chord[near]
        elif condition == NOT_A_KNOT:
            both = step[near] + step[inner]
            main[end], side[end] = step[inner], both
            ahead = (step[near] + 2 * both) * step[inner] * chord[near]
            right[end] = (ahead + step[near] ** 2 * chord[inner]) / both
        elif condition[0] == 1:
            main[end], right[end] = 1.0, condition[1]
        else:
            # s[0] as the parabola of this second derivative has it, whose sign turns at the end.
            bend = 0.5 * float(condition[1]) * step[near] * (-1 if end == 0 else 1)
            main[end], side[end], right[end] = 2.0, 1.0, 3 * chord[near] + bend
    for i in range(1, n):
        factor = below[i] / main[i - 1]
        main[i] -= factor * above[i - 1]
        right[i] -= factor * right[i - 1]
    right[-1] /= main[-1]
    for i in range(n - 2, -1, -1):
        right[i] = (right[i] - above[i] * right[i + 1]) / main[i]
    return right


def _monotone(step: Array, chord: Array) -> Array:
    """Slopes without overshoot: weighted harmonic means of the chords, 0 where they turn."""
    import numpy as np  # noqa: PLC0415

    made = np.zeros((len(chord) + 1, *chord.shape[1:]))
    first, second = 2 * step[1:] + step[:-1], step[1:] + 2 * step[:-1]
    same = chord[:-1] * chord[1:] > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (first + second) / (first / chord[:-1] + second / chord[1:])
    made[1:-1] = np.where(same, mean, 0.0)
    for end, inner in ((0, 1), (-1, -2)):
        d, e = step[end], step[inner]
        slope = ((2 * d + e) * chord[end] - d * chord[inner]) / (d + e)
        steep = (np.sign(chord[end]) != np.sign(chord[inner])) & (
            np.abs(slope) > 3 * np.abs(chord[end])
        )
        slope = np.where(np.sign(slope) != np.sign(chord[end]), 0.0, slope)
        made[end] = np.where(steep & (slope != 0), 3 * chord[end], slope)
    return made
