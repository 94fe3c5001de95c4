from __future__ import annotations

import base64
import struct
import zlib
from xml.etree import ElementTree

import pytest

from symgrad.pictures.svg import Svg, png, ticks


def test_a_picture_is_well_formed_and_text_is_escaped():
    picture = Svg(100.0, 50.5)
    picture.text(1, 2.5, "a < b & c", text_anchor="end")
    picture.add("rect", x=0.1234, title='"x" > 1', class_="box")
    root = ElementTree.fromstring(str(picture))
    assert (root.get("width"), root.get("height")) == ("100", "50.5")
    _, text, rect = root
    assert (text.text, text.get("text-anchor")) == ("a < b & c", "end")
    assert (rect.get("x"), rect.get("class"), rect[0].text) == ("0.12", "box", '"x" > 1')


@pytest.mark.parametrize(
    ("ends", "want"),
    [
        ((0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ((-1e-3, 2e-3), [-1e-3, -5e-4, 0, 5e-4, 1e-3, 1.5e-3, 2e-3]),
        ((0, 700), [0, 200, 400, 600]),
        ((3, 3), [3]),
        ((0, 1e-310), [0, 1e-310]),
        ((-1.5e308, 1.5e308), [-1.5e308, -1e308, -5e307, 0, 5e307, 1e308, 1.5e308]),
    ],
)
def test_ticks_are_round_numbers_inside(ends, want):
    assert ticks(*ends) == pytest.approx(want)


def test_png_holds_the_rows():
    rows = [b"\x01\x02\x03\xff" * 3, b"\x04\x05\x06\x00" * 3]
    head, _, data = png(rows).partition(",")
    assert head == "data:image/png;base64"
    raw = base64.b64decode(data)
    assert raw.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", raw[16:24]) == (3, 2)
    start = raw.index(b"IDAT") + 4
    (length,) = struct.unpack(">I", raw[start - 8 : start - 4])
    assert zlib.decompress(raw[start : start + length]) == b"\0" + rows[0] + b"\0" + rows[1]
    assert struct.unpack(">I", raw[start + length :][:4])[0] == zlib.crc32(
        b"IDAT" + raw[start : start + length]
    )
