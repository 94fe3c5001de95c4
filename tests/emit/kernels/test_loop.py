"""The loop: any layout and any batch give the same bits, and nothing outside is touched."""

from __future__ import annotations

import mmap
import os
import platform
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from symgrad.emit.kernels.assemble import host_machine, new_module, optimised
from symgrad.emit.kernels.kernel import cpu_target, emit_kernel, llvm_text, vector_bytes
from symgrad.emit.kernels.loop import define_loop
from symgrad.emit.providers import provider
from symgrad.emit.target import ITEMSIZE
from symgrad.ir.program import Group, Program, Result
from symgrad.tiers import load_kernel
from tests.emit.kernels.test_kernel import Builder, Loaded, assert_same_bits, load_program

ROOT = Path(__file__).parents[3]
WIDTHS = (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 20)
"""Columns of the results; all from 1 to 20 is what ``test_no_number_of_columns`` takes."""

GUARD = -12345.0


def program(columns=3, shared=2, widths=(1, 4, 11)):
    """Results of several widths over ``columns`` inputs and ``shared`` parameters."""
    do = Builder()
    x = [do("load", data=(0, i)) for i in range(columns)]
    k = [do("load", data=(1, i)) for i in range(shared)]
    value = do("sin", do("mul", x[0], k[0]))
    for result, width in enumerate(widths):
        for position in range(width):
            factor = do("add", x[position % columns], k[position % shared])
            value = do("add", do("mul", value, do("constant", data=0.75)), factor)
            do("store", value, data=(result, position))
    names = tuple(f"x{i}" for i in range(columns)), tuple(f"k{i}" for i in range(shared))
    return Program(
        (Group("inputs", names[0]), Group("parameters", names[1])),
        tuple(Result(f"r{w}", (w,)) for w in widths),
        tuple(do.code),
    )


def scalar(points, parameters, widths):
    """What the program computes, in NumPy, except that sin is NumPy's."""
    value = np.sin(points[:, 0] * parameters[:, 0])
    made = []
    for width in widths:
        columns = []
        for position in range(width):
            value = value * 0.75 + (
                points[:, position % points.shape[1]] + parameters[:, position % 2]
            )
            columns.append(value)
        made.append(np.stack(columns, -1))
    return made


# Every layout is a function from a shape (points, columns) and a dtype to (memory, view).
def c_order(shape, dtype):
    memory = np.full(shape[0] * shape[1] + 64, GUARD, dtype)
    return memory, memory[32 : 32 + shape[0] * shape[1]].reshape(shape)


def points_last(shape, dtype):
    memory, view = c_order(shape[::-1], dtype)
    return memory, view.T


def misaligned(shape, dtype):
    """Points last, one value behind a cache line, rows that are no multiple of one."""
    points, columns = shape
    memory = np.full(columns * (points + 3) + 80, GUARD, dtype)
    first = (-memory.ctypes.data % 64) // memory.itemsize + 1
    view = memory[first : first + columns * (points + 3)].reshape(columns, points + 3)
    return memory, view[:, :points].T


def aligned(shape, dtype):
    """Points last, every column on a cache line, so that results can be streamed."""
    points, columns = shape
    row = -(-points // 16) * 16 + 16
    memory = np.full(columns * row + 80, GUARD, dtype)
    first = (-memory.ctypes.data % 64) // memory.itemsize
    return memory, memory[first : first + columns * row].reshape(columns, row)[:, :points].T


def pages(shape, dtype):
    """Points last, every column at the start of a page."""
    points, columns = shape
    page = 4096 // np.dtype(dtype).itemsize
    row = -(-points // page) * page
    memory = np.full((columns + 1) * row, GUARD, dtype)
    first = (-memory.ctypes.data % 4096) // memory.itemsize
    return memory, memory[first : first + columns * row].reshape(columns, row)[:, :points].T


def gaps(shape, dtype):
    memory = np.full((2 * shape[0] + 2, 3 * shape[1] + 4), GUARD, dtype)
    return memory, memory[1 : 2 * shape[0] + 1 : 2, 2 : 3 * shape[1] + 2 : 3]


def padded_rows(shape, dtype):
    """Columns adjacent, a gap behind every point."""
    memory = np.full((shape[0] + 2, shape[1] + 5), GUARD, dtype)
    return memory, memory[1:-1, 2 : 2 + shape[1]]


def backwards(shape, dtype):
    memory, view = c_order(shape, dtype)
    return memory, view[::-1]


def backwards_columns(shape, dtype):
    memory, view = c_order(shape, dtype)
    return memory, view[:, ::-1]


def backwards_points_last(shape, dtype):
    memory, view = c_order(shape[::-1], dtype)
    return memory, view[::-1, ::-1].T


LAYOUTS = (
    c_order,
    points_last,
    misaligned,
    aligned,
    pages,
    gaps,
    padded_rows,
    backwards,
    backwards_columns,
    backwards_points_last,
)


def laid_out(layout, values):
    """An array of that layout that holds ``values``."""
    _, view = layout(values.shape, values.dtype)
    view[...] = values
    return view


@pytest.fixture(scope="module", params=ITEMSIZE)
def kernel(request):
    return load_program(program(), request.param)


@pytest.fixture(scope="module")
def wide():
    return load_program(program(widths=WIDTHS))


def given(kernel, count, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 3)).astype(kernel.target.dtype)
    parameters = np.full((count, 2), [0.5, -1.25], kernel.target.dtype)
    return points, parameters


def evaluate(kernel, points, parameters, **options):
    """The results in new C-ordered arrays."""
    widths = [1, 4, 11]
    made = [np.full((len(points), w), GUARD, kernel.target.dtype) for w in widths]
    kernel([points, parameters], made, **options)
    return made


def test_the_loop_computes_the_formulas(kernel):
    points, parameters = given(kernel, 77)
    expected = scalar(points.astype(float), parameters.astype(float), [1, 4, 11])
    tolerance = 1e-13 if kernel.target.dtype == "float64" else 1e-4
    for got, wanted in zip(evaluate(kernel, points, parameters), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_the_layout_of_inputs_does_not_change_a_bit(kernel, layout):
    points, parameters = given(kernel, 531)
    for view in (laid_out(layout, points), laid_out(layout, points)):
        view.flags.writeable = False
        made = evaluate(kernel, view, laid_out(layout, parameters))
        for got, wanted in zip(made, evaluate(kernel, points, parameters), strict=True):
            assert_same_bits(got, wanted)


@pytest.mark.parametrize("stream", [0, 1])
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("count", [1, 7, 64, 531])
def test_the_layout_of_results_does_not_change_a_bit(kernel, layout, stream, count):
    points, parameters = given(kernel, count)
    expected = evaluate(kernel, points, parameters)
    places = [layout((count, width), kernel.target.dtype) for width in (1, 4, 11)]
    kernel([points, parameters], [view for _, view in places], stream=stream)
    for (memory, view), wanted in zip(places, expected, strict=True):
        assert_same_bits(view, wanted)
        view[...] = GUARD
        assert (memory == GUARD).all(), "memory outside the result was written"


def test_results_of_different_layouts_can_be_filled_at_once(kernel):
    points, parameters = given(kernel, 300)
    expected = evaluate(kernel, points, parameters)
    for stream in (0, 1):
        layouts = (misaligned, aligned, gaps)
        for turn in range(3):
            turned = layouts[turn:] + layouts[:turn]
            places = [
                layout((300, width), kernel.target.dtype)
                for layout, width in zip(turned, (1, 4, 11), strict=True)
            ]
            kernel([points, parameters], [view for _, view in places], stream=stream)
            for (memory, view), wanted in zip(places, expected, strict=True):
                assert_same_bits(view, wanted)
                view[...] = GUARD
                assert (memory == GUARD).all()


@pytest.mark.parametrize("tile", [4, 64])
def test_a_tile_shorter_than_a_line_holds_the_points_before_the_first_line(tile):
    do, widths = Builder(), (3, 300)
    x = do("load", data=(0, 0))
    for position in range(3):
        value = do("add", x, do("constant", data=float(position)))
        do("store", value, data=(0, position))
    for position in range(300):
        do("store", do("constant", data=float(position)), data=(1, position))
    groups, results = (Group("inputs", ("x",)),), (Result("a", (3,)), Result("b", (300,)))
    made = Program(groups, results, tuple(do.code))
    target = replace(cpu_target(made, "float64", "high"), lanes=2, width=2, tile=tile)
    kernel = emit_kernel(made, replace(target, past_cache_too=False))
    short = Loaded(load_kernel(kernel, provider.prepare), kernel, target)
    points = np.linspace(0, 1, 300)[:, None]
    wanted = points + np.arange(3.0), np.tile(np.arange(300.0), (300, 1))
    for layouts in ((misaligned, c_order), (misaligned, misaligned)):
        places = [f((300, w), "float64") for f, w in zip(layouts, widths, strict=True)]
        short([points], [view for _, view in places], stream=1)
        for (_, view), values in zip(places, wanted, strict=True):
            assert_same_bits(view, values)


@pytest.mark.parametrize(
    "layout", [c_order, points_last, aligned, pages, gaps], ids=lambda f: f.__name__
)
def test_no_number_of_columns_makes_the_loop_write_outside(wide, layout):
    for count in (1, 8, 13, 270):
        points, parameters = given(wide, count)
        expected = [np.full((count, w), GUARD) for w in WIDTHS]
        wide([points, parameters], expected)
        for stream in (0, 1):
            places = [layout((count, width), "float64") for width in WIDTHS]
            wide([points, parameters], [view for _, view in places], stream=stream)
            for (memory, view), wanted in zip(places, expected, strict=True):
                assert_same_bits(view, wanted)
                view[...] = GUARD
                assert (memory == GUARD).all(), f"{wanted.shape[1]} columns, {count} points"


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 63, 64, 65, 255, 256, 257, 1000])
def test_every_point_has_the_same_bits_in_any_batch(kernel, count):
    points, parameters = given(kernel, 1000)
    whole = evaluate(kernel, points, parameters)
    for start in (0, 1000 - count):
        part = slice(start, start + count)
        for got, wanted in zip(
            evaluate(kernel, points[part], parameters[part]), whole, strict=True
        ):
            assert_same_bits(got, wanted[part])


def test_start_and_stop_select_the_points_that_are_written(kernel):
    points, parameters = given(kernel, 600)
    whole = evaluate(kernel, points, parameters)
    for start, stop in ((0, 0), (5, 5), (3, 4), (17, 530), (300, 600)):
        for layout in (c_order, points_last, aligned):
            places = [layout((600, width), kernel.target.dtype) for width in (1, 4, 11)]
            views = [view for _, view in places]
            kernel([points, parameters], views, start=start, stop=stop, stream=1)
            for (memory, view), wanted in zip(places, whole, strict=True):
                assert_same_bits(view[start:stop], wanted[start:stop])
                view[start:stop] = GUARD
                assert (memory == GUARD).all()


def test_a_group_that_a_batch_shares_gives_the_bits_of_one_that_is_given_per_point(kernel):
    points, parameters = given(kernel, 333)
    shared = np.broadcast_to(parameters[0], parameters.shape)
    assert shared.strides[0] == 0
    expected = evaluate(kernel, points, parameters)
    for got, wanted in zip(evaluate(kernel, points, shared), expected, strict=True):
        assert_same_bits(got, wanted)
    # Inputs may be shared as well.
    same = np.broadcast_to(points[4], points.shape)
    for got, wanted in zip(evaluate(kernel, same, parameters), expected, strict=True):
        assert_same_bits(got, np.repeat(wanted[4:5], 333, axis=0))


def test_neighbours_do_not_change_a_bit(kernel):
    # A lane with a huge or undefined value must not move the others.
    points, parameters = given(kernel, 256)
    expected = evaluate(kernel, points, parameters)
    for bad in (np.nan, np.inf, 1e30):
        changed = points.copy()
        changed[3::5] = bad
        kept = np.ones(256, bool)
        kept[3::5] = False
        for got, wanted in zip(evaluate(kernel, changed, parameters), expected, strict=True):
            assert_same_bits(got[kept], wanted[kept])


def test_the_size_of_a_tile_does_not_change_a_bit():
    usual = load_program(program())
    small = load_program(program(), tile=usual.target.width)
    assert small.target.tile < usual.target.tile
    points, parameters = given(usual, 333)
    expected = evaluate(usual, points, parameters)
    for got, wanted in zip(evaluate(small, points, parameters), expected, strict=True):
        assert_same_bits(got, wanted)


def crowded(columns=40):
    """More squares that live at once than there are registers, so that values spill."""
    do = Builder()
    squares = [do("mul", x, x) for x in (do("load", data=(0, i)) for i in range(columns))]
    total = squares[0]
    for square in squares[1:]:
        total = do("add", total, square)
    for position, square in enumerate(squares):
        do("store", do("div", square, total), data=(0, position))
    names = tuple(f"x{i}" for i in range(columns))
    return Program((Group("inputs", names),), (Result("share", (columns,)),), tuple(do.code))


@pytest.mark.parametrize("dtype", ITEMSIZE)
def test_the_loop_and_its_pieces_align_the_stack_to_a_vector(dtype):
    made = program()
    half = len(made.code) // 2
    made = Program(made.groups, made.results, made.code, (0, half))
    text = llvm_text(made, cpu_target(made, dtype, "high"))
    for name in ("sg.loop", "sg.piece0", "sg.piece1"):
        line = next(x for x in text.splitlines() if x.startswith("define") and f'"{name}"' in x)
        assert f"alignstack({vector_bytes()})" in line


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64") or vector_bytes() < 32,
    reason="only there are vectors wider than what the stack is aligned to anyway",
)
def test_values_that_spill_do_not_cross_cache_lines():
    # Where the stack began decided it before: twice the time in threads, and in some processes.
    made = crowded()
    kernel_target = cpu_target(made, "float64", "high")
    code = optimised(define_loop(new_module(), made, kernel_target), thorough=False)
    assembly = host_machine().emit_assembly(code)
    loop = re.search(r"^sg\.loop:\n(.*?)\.size", assembly, re.DOTALL | re.MULTILINE)[1]
    kinds = re.findall(r"vmov(\w+)\s+%[yz]mm\d+, -?\d*\(%r[sb]p\)", loop)
    assert kinds, "nothing spilled, so this test shows nothing"
    assert {kind[:2] for kind in kinds} <= {"ap", "dq"}, kinds  # up: unaligned
    assert not {"dqu", "dqu8", "dqu16", "dqu32", "dqu64"} & set(kinds), kinds


FENCED = """
import ctypes, mmap
import numpy as np
from tests.emit.kernels.test_kernel import load_program
from tests.emit.kernels.test_loop import program

libc = ctypes.CDLL(None, use_errno=True)
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
PAGE = mmap.PAGESIZE
kept = []

def fenced(shape, front):
    # An array that ends where a forbidden page begins, or begins where one ends.
    size = int(np.prod(shape)) * 8
    pages = -(-size // PAGE)
    memory = mmap.mmap(-1, (pages + 2) * PAGE)
    kept.append(memory)
    raw = np.frombuffer(memory, np.uint8)
    for page in (0, pages + 1):
        if libc.mprotect(raw.ctypes.data + page * PAGE, PAGE, 0):
            raise OSError(ctypes.get_errno())
    first = PAGE if front else (pages + 1) * PAGE - size
    return raw[first : first + size].view(np.float64).reshape(shape)

widths = (1, 4, 11)
kernel = load_program(program(widths=widths))
for count in (1, 7, 8, 13, 270):
    for front in (True, False):
        for last in (True, False):
            def made(k):
                return fenced((k, count), front).T if last else fenced((count, k), front)
            points, parameters = made(3), made(2)
            points[...] = 0.5
            parameters[...] = 2.0
            for stream in (0, 1):
                kernel([points, parameters], [made(w) for w in widths], stream=stream)
print("untouched")
"""


@pytest.mark.skipif(not hasattr(mmap, "MAP_PRIVATE"), reason="mprotect is needed")
def test_no_memory_behind_an_array_is_read_or_written():
    load_program(program())  # so that the other process finds it in the cache
    done = subprocess.run(
        [sys.executable, "-c", FENCED],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout == "untouched\n", (done.returncode, done.stderr)
