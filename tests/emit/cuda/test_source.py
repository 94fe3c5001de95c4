"""CUDA C of whole kernels, compiled for the CPU: layouts, functions, problems, routines, names."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from benchmarks.problems import PROBLEMS
from symgrad.emit.cuda.lowering import lowered
from symgrad.emit.cuda.source import (
    APART,
    CudaKernel,
    cuda_source,
)
from symgrad.emit.target import ITEMSIZE, Target
from symgrad.errors import UnknownFunctionError
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import mpmath_arithmetic, numpy_arithmetic, run
from symgrad.ir.layout import Layout, Points, kernel_arguments
from symgrad.ir.program import Group, Program, Result
from tests.emit.cuda.batches import evaluate
from tests.emit.cuda.shim import COMPILER, REASON, Launch, compile_host, compile_hosts
from tests.emit.cuda.suite import scheduled
from tests.emit.kernels.test_kernel import load_program
from tests.emit.providers.test_routine import EXACT, by_numpy, points, program_of
from tests.emit.readable.test_walk import (
    HOSTILE,
    Builder,
    assert_close,
    every_function,
    expected,
    hostile,
    piecewise,
    polar,
    special_points,
)
from tests.emit.readable.test_walk import by_numpy as functions_by_numpy

Array = np.ndarray
COUNTS = (0, 1, 31, 32, 33, 1000)
BOTH: tuple[Points, Points] = ("first", "last")
MOST_OPERATIONS = 5_000
TIMES_THE_CPU = 4
"""The error that a kernel may have, in that of the CPU's; CUDA's functions are less exact."""

pytestmark = pytest.mark.skipif(COMPILER is None, reason=REASON)


def target(dtype: str, contract: bool = False) -> Target:
    return Target("cuda", 1, dtype, "high", tile=1, lanes=1, contract=contract)


def kernel_of(
    program: Program, dtype: str = "float64", layout: Layout | None = None, contract: bool = False
) -> CudaKernel:
    made = target(dtype, contract)
    return cuda_source(lowered(program, made), made, layout or Layout())


def chain(operations: int) -> Program:
    """So many square roots, products and differences, with 40 results on the way."""
    do = Builder()
    columns = [do("load", data=(0, column)) for column in range(4)]
    shift, values = do("constant", data=0.7), columns[:3]
    while len(do.code) < operations + 5 + 40:
        step = do("sub", do("mul", values[-1], values[-3]), shift)
        values.append(do("sqrt", do("abs", step)))
        stored = sum(one.op == "store" for one in do.code)
        if stored < 40 and len(do.code) > 5 + (stored + 1) * operations / 41:
            do("store", values[-1], data=(0, stored))
    results = (Result("jacobian", (10, 4)),)
    return Program((Group("inputs", tuple("abcd")),), results, tuple(do.code))


LAYOUTS = [
    (dtype, Layout(points, values, shared, accumulate))
    for dtype in ITEMSIZE
    for points in BOTH
    for values, shared in (((), ()), (("parameters",), ()), ((), ("parameters",)))
    for accumulate in (False, True)
] + [
    (dtype, Layout(points, separate=("inputs", "parameters")))
    for dtype in ITEMSIZE
    for points in BOTH
]


@cache
def every_layout() -> list[tuple[CudaKernel, Launch]]:
    kernels = [kernel_of(polar(), dtype, layout) for dtype, layout in LAYOUTS]
    return list(zip(kernels, compile_hosts(kernels), strict=True))


def batch(dtype: str, layout: Layout, count: int) -> list[Array]:
    random = np.random.default_rng(count)
    alike = layout.values or layout.shared
    p = random.uniform(0.5, 2, 1 if alike else (count, 1))
    return [random.uniform(0.5, 2, (count, 2)).astype(dtype), p.astype(dtype)]


@pytest.mark.parametrize("number", range(len(LAYOUTS)), ids=[
    f"{dtype}-{one.points}-{'values' if one.values else 'shared' if one.shared else 'own'}"
    f"{'-added' * one.accumulate}{'-separate' * bool(one.separate)}"
    for dtype, one in LAYOUTS])  # fmt: skip
def test_every_layout(number: int) -> None:
    dtype, layout = LAYOUTS[number]
    kernel, launch = every_layout()[number]
    start = 3.0 if layout.accumulate else 0.0
    for count in COUNTS:
        groups = batch(dtype, layout, count)
        columns = [list(np.atleast_2d(group.astype(float).T)) for group in groups]
        exact = run(polar(), PRIMITIVES, columns, numpy_arithmetic())
        for extra, shift, grid in ((0, 0, 2), (3, 1, 1)):
            options = {"extra": extra, "shift": shift, "grid": grid, "start": start}
            results = evaluate(launch, kernel, polar(), layout, groups, **options)
            for got, entries in zip(results, exact, strict=True):
                wanted = np.stack([np.broadcast_to(e, count) for e in entries], axis=-1) + start
                np.testing.assert_allclose(
                    got, wanted, rtol=3 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps
                )


def test_a_step_of_nothing_repeats_a_row() -> None:
    layout = Layout("first")
    kernel = kernel_of(polar(), layout=layout)
    launch = compile_host(kernel)
    x, p = np.array([1.5, 0.25]), np.array([2.0])
    value, jacobian = np.zeros((40, 2)), np.zeros((40, 4))
    addresses = [array.ctypes.data for array in (x, p, value, jacobian)]
    launch(2, kernel.threads, [40, addresses[0], 0, addresses[1], 0, *addresses[2:]])
    wanted = expected(polar(), [[1.5, 0.25], [2.0]])
    np.testing.assert_allclose(value, [wanted[0]] * 40, rtol=1e-15)
    np.testing.assert_allclose(jacobian, [wanted[1]] * 40, rtol=1e-15)


@pytest.mark.parametrize("at", BOTH)
def test_conditions_and_constants(at: Points) -> None:
    layout = Layout(at)
    kernel = kernel_of(piecewise(), layout=layout)
    rows = np.array([[0.75, 3.0], [-2.25, -1.0], [2.5, 2.5]])
    value, u_x, u_xx = evaluate(
        compile_host(kernel), kernel, piecewise(), layout, [rows, np.ones((3, 1))]
    )
    for index, row in enumerate(rows):
        wanted = expected(piecewise(), [list(row), [1.0]])
        assert value[index, 0] == wanted[0][0]
        assert u_x[index, 0] == pytest.approx(wanted[1][0], rel=1e-15)
    assert np.signbit(u_x[:, 1]).all()
    assert (u_x[:, 1] == 0).all()
    assert np.isneginf(u_xx).all()


def test_functions_at_special_values() -> None:
    program, rows = every_function(), special_points()
    layout = Layout("first")
    made = cuda_source(program, target("float64"), layout)
    (got,) = evaluate(compile_host(made), made, program, layout, [rows])
    wanted = functions_by_numpy(program, rows)
    for column, label in enumerate(program.labels):
        assert_close(got[:, column], wanted[:, column], 4, label)


@pytest.mark.parametrize("at", BOTH)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rational_functions_have_the_bits_of_the_interpreter(dtype: str, at: Points) -> None:
    """1,500 operations, nothing fused: sqrt, products and differences are rounded alike."""
    program, layout = chain(1500), Layout(at)
    x = np.random.default_rng(3).uniform(0.5, 2, (40, 4)).astype(dtype)
    kernel = kernel_of(program, dtype, layout)
    (got,) = evaluate(compile_host(kernel), kernel, program, layout, [x])
    constants = replace(
        program,
        code=tuple(
            i._replace(data=np.dtype(dtype).type(i.data)) if i.op == "constant" else i
            for i in program.code
        ),
    )
    arithmetic = replace(numpy_arithmetic(), number=np.dtype(dtype).type)
    (wanted,) = run(constants, PRIMITIVES, [list(x.T)], arithmetic)
    np.testing.assert_array_equal(got, np.stack(wanted, axis=-1))


@cache
def problem(name: str) -> tuple[Program, Array, list[Array], dict[str, float]]:
    """A problem's Program, points, exact results, and what the CPU's kernels miss them by."""
    given = PROBLEMS[name]
    program = scheduled(given)
    sample = given.points(np.random.default_rng(7), 5).T
    sample = sample.astype("float32").astype(float)  # the same points in both precisions
    exact = [np.empty((len(sample), result.size)) for result in program.results]
    with mpmath.workdps(50):
        for row, point in enumerate(sample):
            numbers = [[mpmath.mpf(number) for number in point]]
            found = run(program, PRIMITIVES, numbers, mpmath_arithmetic())
            for table, entries in zip(exact, found, strict=True):
                table[row] = [float(entry) for entry in entries]
    errors = {}
    for dtype in ITEMSIZE:
        results = [np.empty((len(sample), one.size), dtype) for one in program.results]
        load_program(program, dtype, contract=True)([sample.astype(dtype)], results)
        errors[dtype] = max(map(error, results, exact))
    return program, sample, exact, errors


def error(got: Array, exact: Array) -> float:
    """The largest error, in ulp of the entry or of a thousandth of its point's largest one."""
    size = np.abs(exact)
    scale = np.maximum(size, size.max(axis=1, keepdims=True) / 1000).astype(got.dtype)
    missed = np.abs(got - exact) / np.spacing(np.maximum(scale, np.finfo(got.dtype).tiny))
    return float(np.where(np.isnan(missed), np.inf, missed).max(initial=0))


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_are_as_exact_as_on_the_cpu(name: str) -> None:
    program, sample, exact, errors = problem(name)
    assert program.total <= MOST_OPERATIONS
    cases = [(dtype, Layout(at)) for dtype in ITEMSIZE for at in BOTH]
    kernels = [kernel_of(program, dtype, layout, contract=True) for dtype, layout in cases]
    launches = compile_hosts(kernels)
    rows = np.resize(np.arange(len(sample)), 33)  # a whole warp, and one that is not
    for (dtype, layout), kernel, launch in zip(cases, kernels, launches, strict=True):
        x = sample[rows].astype(dtype)
        results = evaluate(launch, kernel, program, layout, [x], grid=1)
        worst = max(error(got, table[rows]) for got, table in zip(results, exact, strict=True))
        assert worst <= TIMES_THE_CPU * max(errors[dtype], 0.5), (dtype, layout.points)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_routines_agree_with_the_interpreter(dtype: str) -> None:
    names = (*EXACT, "mixture", "twice_mixture")
    program, layout = program_of(*names), Layout("first")
    x = points(dtype)
    x = x[np.abs(x[:, 0]) < 50]
    kernel = kernel_of(program, dtype, layout)
    (got,) = evaluate(compile_host(kernel), kernel, program, layout, [x])
    wanted, count = by_numpy(program, x), len(EXACT)
    np.testing.assert_array_equal(got[:, :count], wanted[:, :count].astype(dtype))
    tolerance = 1e-13 if dtype == "float64" else 1e-6
    np.testing.assert_allclose(got[:, count:], wanted[:, count:], rtol=tolerance, atol=tolerance)


SPECIAL = {"besselj(0, x)": (0.1, 40), "gamma(x)": (0.2, 9), "erfcx(x)": (-2, 8),
           "lambertw(x)": (0.1, 20), "zeta(x)": (1.5, 9), "elliptic_k(x)": (0.05, 0.9)}  # fmt: skip


def test_special_functions_are_those_of_the_cpu() -> None:
    fn = sg.compile(list(SPECIAL), "x", ["value", "jacobian"], jit="never", cache=False)
    random = np.random.default_rng(4)
    layout = Layout("last")
    kernel = kernel_of(fn.program, layout=layout)
    launch = compile_host(kernel)
    for column, (low, high) in enumerate(SPECIAL.values()):
        x = random.uniform(low, high, (40, 1))
        value, jacobian = evaluate(launch, kernel, fn.program, layout, [x])
        wanted = fn(x)
        for got, table in ((value, wanted.value), (jacobian, wanted.jacobian[..., 0])):
            np.testing.assert_allclose(got[:, column], table[:, column], rtol=4e-14)


@pytest.mark.parametrize("at", BOTH)
def test_parts_of_a_program_write_their_entries_alone(at: Points) -> None:
    whole, layout = polar(), Layout(at)
    cut = [i for i, one in enumerate(whole.code) if one.op == "store"][2:4]
    code = tuple(one for i, one in enumerate(whole.code) if one.op != "store" or i in cut)
    do = Builder()
    place: dict[int, int] = {}
    for index, one in enumerate(whole.code):
        if one.op != "store" or index in cut:
            place[index] = do(one.op, *(place[a] for a in one.args), data=one.data)
    part = replace(whole, code=tuple(do.code))
    assert len(part.code) == len(code)
    kernel = kernel_of(part, layout=layout)
    groups = [np.random.default_rng(1).uniform(0.5, 2, (50, size)) for size in (2, 1)]
    results = evaluate(compile_host(kernel), kernel, part, layout, groups, start=9.0)
    full = kernel_of(whole, layout=layout)
    wanted = evaluate(compile_host(full), full, whole, layout, groups)
    stored = {whole.code[index].data for index in cut}
    for result, (got, table) in enumerate(zip(results, wanted, strict=True)):
        for position in range(got.shape[1]):
            entries = table[:, position] if (result, position) in stored else np.full(50, 9.0)
            np.testing.assert_array_equal(got[:, position], entries)


def test_names_of_users_stay_in_comments() -> None:
    program, layout = hostile(), Layout("last")
    kernel = kernel_of(program, layout=layout)
    assert "#error" not in re.sub("(?m)//.*$|/\\*.*?\\*/", "", kernel.text, flags=re.DOTALL)
    rows = np.random.default_rng(0).uniform(size=(3, len(HOSTILE)))
    results = evaluate(compile_host(kernel), kernel, program, layout, [rows])
    for result, got in enumerate(results):
        np.testing.assert_allclose(got[:, 0], rows[:, : result + 2].sum(axis=1), rtol=1e-15)


@pytest.mark.parametrize("at", BOTH)
def test_the_text_is_for_reading(at: Points) -> None:
    text = kernel_of(polar(), layout=Layout(at, values=("parameters",))).text
    assert text.startswith("/* value and jacobian at n points, in double.\n")
    assert "x[2]  inputs: r, t" in text
    assert "All points have parameters in common." in text
    assert "#include" not in text
    assert re.search(r"// jacobian\[1, 0\] of north\n +[^\n]*= v\d+;", text)
    assert re.search(r"const double v0 = x\S*\[[^]]+\];  // r\n", text)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(("dtype", "layout"), LAYOUTS)
def test_parameters_are_those_of_the_contract(dtype: str, layout: Layout) -> None:
    kernel = kernel_of(polar(), dtype, layout)
    pattern = rf'extern "C" __global__ void[^{{]*\n{kernel.name}\(([^)]*)\)'
    given = re.search(pattern, kernel.text).group(1).replace("\n", " ").split(",")
    kinds = {"count": "long long", "step": "long long", "address": "*", "value": ""}
    wanted = list(kernel_arguments(polar(), layout))
    assert len(given) == len(wanted)
    for text, argument in zip(given, wanted, strict=True):
        assert kinds[argument.kind] in text
        real = {"float64": "double", "float32": "float"}[dtype]
        assert (real in text) == (argument.kind in ("address", "value"))
        assert ("__restrict__" in text) == ("*" in text) == (argument.kind == "address")


def test_float32_is_float32_throughout() -> None:
    text = kernel_of(every_function(), "float32").text
    assert "double" not in text
    assert not re.findall(r"(?<![\w.])\d+\.\d+(?![\df.e])", re.sub("(?m)//.*$", "", text))


def test_the_name_follows_from_the_text() -> None:
    texts = {}
    for dtype, layout in LAYOUTS:
        kernel = kernel_of(polar(), dtype, layout)
        assert re.fullmatch("sg_[0-9a-f]{16}", kernel.name)
        texts[kernel.name] = kernel.text
        assert kernel == kernel_of(polar(), dtype, layout)
    assert len(texts) == len(LAYOUTS)


def test_the_compiler_chooses_the_registers() -> None:
    for at in BOTH:
        assert "__launch_bounds__" not in kernel_of(polar(), layout=Layout(at)).text


def test_addresses_of_many_entries_are_not_kept() -> None:
    """What asm might have changed cannot be computed before the loop."""
    text = kernel_of(chain(400)).text
    assert 'asm volatile("" : "+l"(n_here), "+l"(x_step_here));' in text
    assert text.count('asm volatile("" : "+l"(n_here));') == 40 // 8
    assert not re.search(r"\[(\d+ \* )?n \+ i\] = v", text)
    few = polar()
    assert sum(result.size for result in few.results) + 3 <= APART
    assert "asm" not in kernel_of(few).text


def test_functions_of_users_are_refused() -> None:
    do = Builder()
    do("store", do("mine", do("load", data=(0, 0))), data=(0, 0))
    program = Program((Group("inputs", ("a",)),), (Result("value", ()),), tuple(do.code))
    with pytest.raises(UnknownFunctionError, match="CUDA C source has no 'mine'"):
        cuda_source(program, target("float64"), Layout())


def any_arguments(launch: Launch, arguments: list[Any]) -> None:
    launch(1, 32, arguments)


def test_the_shim_counts_arguments_and_finds_threads_that_part() -> None:
    parted = CudaKernel(
        "parted",
        'extern "C" __global__ void parted(long long n) { if (threadIdx.x < n) __syncwarp(); }',
        *(32, 32),
    )
    launch = compile_host(parted)
    any_arguments(launch, [32])
    with pytest.raises(RuntimeError, match="different barriers"):
        any_arguments(launch, [7])
    with pytest.raises(RuntimeError, match="does not take 2 arguments"):
        any_arguments(launch, [1, 2])
