"""The body that the numba engine emits: its values on the CPU, its routines, its roundings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from llvmlite import ir

import symgrad as sg
from symgrad.emit.cuda.body import INSTRUCTIONS, REAL, define_routines, emit_body
from symgrad.emit.cuda.lowering import lowered
from symgrad.emit.cuda.names import NAMES
from symgrad.emit.target import Dtype, Target
from symgrad.errors import KernelError
from symgrad.ir.layout import Layout
from symgrad.ir.program import Group, Instruction, Outside, Program, Result, Routine
from tests.emit.cuda.host import run
from tests.emit.cuda.suite import NAMES as PROBLEMS
from tests.emit.cuda.suite import case, error_in_ulp

LAST = Layout("last", values=("parameters",))
DTYPES: tuple[Dtype, ...] = ("float64", "float32")


def gpu(dtype: Dtype = "float64", *, contract: bool = False) -> Target:
    return Target("cuda", 1, dtype, "high", 1, 1, contract=contract)


def of_one(*code: tuple, columns: int = 3) -> Program:
    """A program of a few inputs whose last instruction's value is its result."""
    loads = [Instruction("load", (), (0, k)) for k in range(columns)]
    made = [*loads, *(Instruction(*one) for one in code)]
    made.append(Instruction("store", (len(made) - 1,), (0, 0)))
    names = tuple("abc"[:columns])
    return Program((Group("inputs", names),), (Result("value", ()),), tuple(made))


def text_of(program: Program, dtype: Dtype = "float64") -> str:
    module = ir.Module("body")
    function = ir.Function(module, ir.FunctionType(REAL[dtype], [REAL[dtype]] * 3), "f")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    found = []
    emit_body(
        builder,
        program,
        dtype,
        lambda group, column: function.args[column],
        lambda result, position, value: found.append(value),
    )
    builder.ret(found[0])
    return str(module)


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems(name: str) -> None:
    one = case(name)
    program = lowered(one.program, gpu(contract=True))
    got = run(program, gpu(contract=True), LAST, one.groups)
    assert error_in_ulp(got, one.exact) <= 4 * max(one.error, 1)


@pytest.mark.parametrize("name", ["cheb10", "rosenbrock10", "pollu", "lj8"])
def test_rational_functions_have_the_bits_of_numpy(name: str) -> None:
    """Without contraction every operation is rounded as NumPy rounds it."""
    one = case(name)
    program = one.program
    got = run(lowered(program, gpu()), gpu(), LAST, one.groups)
    values: list = []
    numpy = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}
    expected = [np.empty_like(array) for array in got]
    for op, args, data in program.code:
        given = [values[argument] for argument in args]
        if op == "load":
            values.append(one.groups[0][:, data[1]])
        elif op == "constant":
            values.append(np.full(len(got[0]), data))
        elif op == "store":
            expected[data[0]][:, data[1]] = given[0]
            values.append(None)
        else:
            values.append(np.negative(*given) if op == "neg" else numpy[op](*given))
    for array, wanted in zip(got, expected, strict=True):
        np.testing.assert_array_equal(array, wanted)


FUNCTIONS = sorted(
    op for op, name in NAMES.items() if name.libdevice["float64"] and op not in INSTRUCTIONS
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", FUNCTIONS)
def test_every_function_of_the_table_is_called_by_its_name(op: str, dtype: Dtype) -> None:
    arity = {"atan2": 2, "hypot": 2, "pow": 2, "fmod": 2}.get(op, 1)
    parts = [(op, tuple(range(arity)))] + ([("part", (3,), 1)] if op == "sincos" else [])
    text = text_of(of_one(*parts), dtype)
    assert f'@"{NAMES[op].libdevice[dtype]}"(' in text
    assert ("double" in text) == (dtype == "float64")


def test_roundings() -> None:
    """A product's rounding stands in its name; a sum of products has both; fma has one."""
    text = text_of(of_one(("mul", (0, 1)), ("add", (3, 2)), ("neg", (4,))))
    assert text.count('call double @"llvm.nvvm.mul.rn.d"') == 1
    assert "fneg" not in text
    assert "fsub double -0x0p+0" in text or "fsub double 0x8000000000000000" in text
    a = np.array([[1 + 2.0**-30, 1 - 2.0**-30, -1.0]])
    apart = of_one(("mul", (0, 1)), ("add", (3, 2)))
    (got,) = run(apart, gpu(), LAST, [a])
    assert got[0, 0] == 0
    (got,) = run(of_one(("fma", (0, 1, 2))), gpu(), LAST, [a])
    assert got[0, 0] == -(2.0**-60)


def test_conditions_and_signs() -> None:
    picks = of_one(("lt", (0, 1)), ("not", (3,)), ("select", (4, 0, 1)), ("sign", (5,)))
    points = np.array([[1.0, 2, 0], [-3.0, -5, 0], [-0.0, -0.0, 0], [np.nan, 1.0, 0]])
    (got,) = run(picks, gpu(), LAST, [points])
    np.testing.assert_array_equal(got[:, 0], [1.0, -1.0, -0.0, np.nan])
    assert np.signbit(got[2, 0])
    equal = of_one(("ne", (0, 1)), ("eq", (0, 2)), ("or", (3, 4)), ("select", (5, 1, 2)))
    (got,) = run(equal, gpu(), LAST, [np.array([[1.0, 1, 7], [1, 2, 7], [np.nan, 2, 7]])])
    np.testing.assert_array_equal(got[:, 0], [7, 2, 2])


# Rows whose routines have loops, tables, conditions and other routines in them.
ROUTINES = {
    "besselj0": ([0.3, 4.0, 31.0],),
    "bessely": ([1.0, 2.5, 0.25], [0.7, 3.0, 12.0]),
    "dawson": ([0.2, 1.5, 9.0],),
    "elliptic_f": ([0.3, 1.1, -0.8], [0.5, 0.2, 0.9]),
    "expint_e1": ([0.1, 1.3, 20.0],),
    "erfinv": ([-0.9, 0.1, 0.999],),
    "airyai": ([-3.0, 0.4, 5.0],),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(ROUTINES))
def test_routines(name: str, dtype: Dtype) -> None:
    columns = np.array(ROUTINES[name], dtype).T
    symbols = [sg.variables(letter) for letter in "ab"[: columns.shape[1]]]
    fn = sg.compile(getattr(sg.math, name)(*symbols), symbols, "value", dtype=dtype, jit="never")
    assert fn.program.routines
    (got,) = run(lowered(fn.program, gpu(dtype)), gpu(dtype), LAST, [columns])
    np.testing.assert_array_max_ulp(got[:, 0], fn(columns), maxulp=4, dtype=dtype)


def of_routine(routine: Routine) -> Program:
    """A program of one call."""
    made = of_one((routine.name, tuple(range(routine.arity))), columns=routine.arity)
    return replace(made, routines=(routine,))


@pytest.mark.parametrize("dtype", DTYPES)
def test_tables_end_where_they_end(dtype: Dtype) -> None:
    code = (
        Instruction("load", (), (0, 0)),
        Instruction("lookup", (0,), 0),
        Instruction("store", (1,), (0, 0)),
    )
    program = of_routine(Routine("picked", 1, code, tables=((10.0, 20.5, 30.0),)))
    places = np.array([[-np.inf, -3, 0, 1, 2, 3, 1e30, np.inf, np.nan]]).T.astype(dtype)
    (got,) = run(program, gpu(dtype), LAST, [places])
    np.testing.assert_array_equal(got[:, 0], [10, 10, 10, 20.5, 30, 30, 30, 30, 10])


@pytest.mark.parametrize("most", [1, 4, 9])
def test_loops_turn_until_they_are_done_or_too_many(most: int) -> None:
    """States that change places, an invariant, and the number of the turn."""
    body = (
        Instruction("load", (), (0, 0)),  # the turn
        Instruction("load", (), (0, 1)),
        Instruction("load", (), (0, 2)),
        Instruction("load", (), (0, 3)),  # what does not change
        Instruction("add", (1, 3)),
        Instruction("lt", (0, 3)),
        Instruction("store", (2,), (0, 0)),
        Instruction("store", (4,), (0, 1)),
        Instruction("store", (5,), (0, 2)),
    )
    code = (
        Instruction("load", (), (0, 0)),
        Instruction("load", (), (0, 1)),
        Instruction("constant", (), 100.0),
        Instruction("loop", (0, 2, 1), (0, 2, most)),
        Instruction("part", (3,), 0),
        Instruction("part", (3,), 1),
        Instruction("mul", (5, 2)),
        Instruction("add", (4, 6)),
        Instruction("store", (7,), (0, 0)),
    )
    points = np.array([[1.0, 3.0], [5.0, 0.0], [2.0, -1.0], [2.0, 100.0], [1.0, np.nan]])
    expected = []
    for first, limit in points:
        states = (first, 100.0)
        for turn in range(most):
            states = (states[1], states[0] + limit)
            if not turn < limit:
                break
        expected.append(states[0] + 100 * states[1])
    (got,) = run(of_routine(Routine("turned", 2, code, (body,))), gpu(), LAST, [points])
    np.testing.assert_array_equal(got[:, 0], expected)


def test_routines_are_defined_once_in_a_module() -> None:
    x = sg.variables("x")
    fn = sg.compile(sg.math.besselj0(x), [x], "value", jit="never")
    module = ir.Module("twice")
    first = define_routines(module, fn.program.routines)
    count = len(module.globals)
    assert define_routines(module, fn.program.routines) == first
    assert len(module.globals) == count
    changed = replace(fn.program.routines[-1], tables=((1.0, 2.0),))
    define_routines(module, (*fn.program.routines[:-1], changed))
    assert len(module.globals) > count


def test_what_a_gpu_cannot_call() -> None:
    outside = replace(of_one(("add", (0, 1))), outside=(Outside("mine", 1, "symbol"),))
    with pytest.raises(KernelError, match="mine: a user's compiled function runs on the CPU"):
        text_of(outside)
    with pytest.raises(KernelError, match="no 'missing' for CUDA"):
        text_of(of_one(("missing", (0,))))


@pytest.mark.parametrize("dtype", DTYPES)
def test_constants(dtype: Dtype) -> None:
    """Every number is rounded once, to the program's type."""
    numbers = [0.1, -0.0, 1e-310, 1 / 3, 16777217.0, np.pi, np.inf, -np.inf, np.nan]
    code = [Instruction("load", (), (0, 0))]
    for number in numbers:
        code.append(Instruction("constant", (), float(number)))
        code.append(Instruction("store", (len(code) - 1,), (0, (len(code) - 2) // 2)))
    program = Program((Group("inputs", ("a",)),), (Result("value", (len(numbers),)),), tuple(code))
    (got,) = run(program, gpu(dtype), LAST, [np.zeros((1, 1), dtype)])
    expected = np.array(numbers).astype(dtype)
    np.testing.assert_array_equal(got[0], expected)
    assert np.signbit(got[0, 1])
