"""What error messages about text are made of: the place, the cure, the names that are close."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from unicodedata import name as unicode_name

WIDTH = 70
"""Characters of a line that a message shows."""

MAX_COMPARED = 20_000
"""Known names that are compared with an unknown one."""

CURES = {
    "^": "'^' is no operator here; write '**' for a power",
    "=": "'=' is no operator here; write '==' to compare (arguments have no keywords)",
    "[": "brackets are not read; give every element a name of its own, x1 for x[1]",
    "{": "braces are not read; write a formula of one value",
    "'": "strings are not read",
    '"': "strings are not read",
    ".": "attribute access is not read; write sin(x) for numpy.sin(x)",
    ":": "':' is not read; a formula is one expression",
    ";": "';' is not read; a formula is one expression",
    "!": "'!' is no operator here; write factorial(x), or '!=' to compare",
    "@": "'@' is no operator here; write products out",
    "#": "comments are not read",
    "\N{MINUS SIGN}": "write '-'",
    "\N{MULTIPLICATION SIGN}": "write '*'",
    "\N{MIDDLE DOT}": "write '*'",
    "\N{DIVISION SIGN}": "write '/'",
    "\N{SUPERSCRIPT TWO}": "write '**2'",
    "\N{SUPERSCRIPT THREE}": "write '**3'",
    "\N{SQUARE ROOT}": "write sqrt(x)",
    "\N{INFINITY}": "write oo",
    "\N{LESS-THAN OR EQUAL TO}": "write '<='",
    "\N{GREATER-THAN OR EQUAL TO}": "write '>='",
    "\N{NOT EQUAL TO}": "write '!='",
}
"""What to write in place of a character that no formula has."""


def close_names(name: str, known: Collection[str]) -> str:
    """A sentence with the known names most like ``name``, or nothing."""
    if len(name) > WIDTH:
        return ""
    lower = {other.lower(): other for other in list(known)[:MAX_COMPARED]}
    found = [lower[match] for match in get_close_matches(name.lower(), lower)]
    return f". Known names close to it: {', '.join(found)}" if found else ""


def shorten(text: str, width: int = WIDTH) -> str:
    """``text`` cut to ``width`` characters for a message."""
    return text if len(text) <= width else text[: width - 3] + "..."


def show_place(text: str, position: int) -> str:
    """The line of ``text`` around ``position``, cropped, with a caret under the place."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    end = len(text) if end < 0 else end
    first = max(start, position - WIDTH // 2)
    last = min(end, first + WIDTH)
    before = "..." if first > start else ""
    after = "..." if last < end else ""
    shown = "".join(c if c.isprintable() else " " for c in text[first:last])
    caret = " " * (len(before) + position - first) + "^"
    return f"  {before}{shown}{after}\n  {caret}"


def explain_character(text: str, position: int) -> str:
    """Why the character at ``position`` starts no part of a formula, and what to write."""
    character = text[position]
    cure = CURES.get(character)
    if character == "=" and text[position - 1 : position] == ":":
        cure = CURES[":"]
    if cure is not None and character.isascii():
        return cure
    title = unicode_name(character, "a character without a name")
    what = f"{character!r} (U+{ord(character):04X}, {title}) is not read"
    return f"{what}; {cure}" if cure else what
