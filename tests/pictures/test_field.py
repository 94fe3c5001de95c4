from __future__ import annotations

import base64
import re
import zlib

import pytest

from symgrad.pictures.field import COLORS, _color, curve_picture, field_picture


def pixels(picture):
    """The rows of the first image, as bytes."""
    raw = base64.b64decode(re.search(r"base64,([^\"]+)", str(picture))[1])
    width = int.from_bytes(raw[16:20], "big")
    data = zlib.decompress(raw[raw.index(b"IDAT") + 4 :])
    step = 1 + 4 * width
    return [data[k + 1 : k + step] for k in range(0, len(data), step)]


def test_colours_run_from_low_to_high_and_rows_from_below():
    nan = float("nan")
    picture = field_picture([[0.0, 1.0], [nan, 0.5]], ("x", 0, 1), ("y", 0, 1), "f")
    above, below = pixels(picture)
    assert below == _color(0) + _color(1)
    assert above == b"\0\0\0\0" + _color(127 / 255)
    for text in (">f<", ">x<", ">y<", ">0.6<"):
        assert text in str(picture)


def test_the_ends_of_the_colours():
    assert _color(0).hex() == f"{COLORS[0][1:]}ff"
    assert _color(1).hex() == f"{COLORS[-1][1:]}ff"
    assert _color(0.5).hex() == f"{COLORS[2][1:]}ff"


def test_a_curve_is_interrupted_where_it_has_no_value():
    nan = float("nan")
    picture = str(curve_picture([0, 1, 2, 3, 4], [0, 1, nan, 1, 0], "x", "f"))
    (path,) = re.findall(r'd="(M[^"]+)"', picture)
    assert re.sub(r"[\d. ]", "", path) == "MLML"


@pytest.mark.parametrize("value", [0.0, 2.5, -1e20, float("nan")])
def test_a_constant_has_a_picture_too(value):
    assert "<image" in str(field_picture([[value] * 2] * 2, ("x", 0, 1), ("y", 0, 1)))
    assert "<path" in str(curve_picture([0, 1], [value] * 2, "x", "f"))


@pytest.mark.parametrize("values", [[1.7e308, -1.7e308], [0.0, 1e-310], [5e-324, 0.0]])
def test_the_largest_and_smallest_numbers_have_a_picture(values):
    assert "inf" not in str(curve_picture([0, 1], values, "x", "f"))
    first, second = pixels(field_picture([values], ("x", 0, 1), ("y", 0, 1)))[0][:4], _color(0)
    assert (first == second) == (values[0] <= values[1] or values[0] < 1e-300)
