"""Every instruction computes what the interpreter computes, in one piece and in several."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from symgrad.emit.kernels.kernel import cpu_target, llvm_text
from symgrad.emit.memory.scratch import spill_slots
from symgrad.emit.pieces import body
from symgrad.emit.pieces.body import INLINE_BODY, INLINE_CALLS, call_sites
from symgrad.emit.providers.provider import implementation
from symgrad.functions import PRIMITIVES
from symgrad.ir.evaluate import numpy_arithmetic, run
from symgrad.ir.program import ARITHMETIC_OPS, Group, Instruction, Program, Result
from tests.emit.kernels.test_kernel import Builder, assert_same_bits, load_program

ROWS = [row for row in PRIMITIVES.values() if row.kind in ("call", "instruction")]
CONDITIONS = ("and", "or", "not")
OPS = [*ARITHMETIC_OPS, *(row.name for row in ROWS)]
NUMPY_ULP = 4.0
"""NumPy's own vector functions are within this many ulp."""

SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -0.7, 2.0, 2.5, -3.5, 5.0, -2.0, 1e-30, -1e-30, 1e30, 300.0,
           -300.0, np.inf, -np.inf, np.nan)  # fmt: skip


def arity(op):
    return PRIMITIVES[op].arity if op in PRIMITIVES else 1 if op in ("neg", "sqrt") else 2


def every_op():
    """One result entry an op, over two columns a and b; conditions as 1 or 0."""
    do = Builder()
    a, b = do("load", data=(0, 0)), do("load", data=(0, 1))
    one, zero = do("constant", data=1.0), do("constant", data=0.0)
    less, equal = do("lt", a, b), do("eq", a, b)
    for position, op in enumerate(OPS):
        if op in CONDITIONS:
            value = do(op, *(less, equal)[: arity(op)])
        elif op == "select":
            value = do("select", less, a, b)
        else:
            value = do(op, *(a, b, a)[: arity(op)])
        if op in PRIMITIVES and PRIMITIVES[op].boolean:
            value = do("select", value, one, zero)
        do("store", value, data=(0, position))
    groups = (Group("inputs", ("a", "b")),)
    return Program(groups, (Result("value", (len(OPS),)),), tuple(do.code))


def pairs(dtype):
    """All pairs of special values, and ordinary pairs from every row's domain."""
    rng = np.random.default_rng(5)
    special = np.stack(np.meshgrid(SPECIAL, SPECIAL), -1).reshape(-1, 2)
    ordinary = rng.uniform(-4, 4, (500, 2))
    domains = [np.array([*row.domain, *row.domain][:2]).T for row in ROWS]
    inside = [rng.uniform(low, high, (40, 2)) for low, high in domains]
    return np.concatenate([special, ordinary, *inside]).astype(dtype)


@pytest.fixture(scope="module", params=["float64", "float32"])
def evaluated(request):
    """dtype, what the kernel computes of every op, and what NumPy has in float64."""
    dtype = request.param
    program, points = every_op(), pairs(dtype)
    made = np.full((len(points), len(OPS)), -99.0, dtype)
    load_program(program, dtype)([points], [made])
    with np.errstate(all="ignore"):
        wide = [column.astype(float) for column in points.T]
        (expected,) = run(program, PRIMITIVES, [wide], numpy_arithmetic())
        return (
            dtype,
            points,
            dict(zip(OPS, made.T, strict=True)),
            dict(zip(OPS, map(np.asarray, expected), strict=True)),
        )


@pytest.mark.parametrize("op", OPS)
def test_an_instruction_computes_what_numpy_computes(evaluated, op):
    dtype, points, made, reference = evaluated
    with np.errstate(all="ignore"):
        exact = reference[op]
        rounded = exact.astype(dtype)
    got = made[op]
    called = op in PRIMITIVES and PRIMITIVES[op].kind == "call"
    allowed = NUMPY_ULP * (dtype == "float64")
    if called:
        width = cpu_target(every_op(), dtype, "high").width
        allowed += implementation(op, width, dtype, "high").ulp
    else:
        allowed = 0.5
    with np.errstate(all="ignore"):
        finite = np.isfinite(rounded)
        # Around the largest and the smallest number a last bit decides what kind of value it is.
        edge = (np.abs(exact) > np.finfo(dtype).max / 2) & np.isfinite(exact)
        spacing = np.spacing(np.maximum(np.abs(rounded), np.finfo(dtype).tiny)).astype(float)
        error = np.where(finite, np.abs(got.astype(float) - exact) / spacing, 0)
    kind = (np.isnan(got) == np.isnan(rounded)) & (
        finite | np.isnan(rounded) | (got == rounded)
    ) | edge
    zero = (rounded != 0) | (np.signbit(got) == np.signbit(rounded)) | (exact != 0)
    if op == "fmod":
        allowed = 0.5
    good = kind & zero & (edge | (error <= allowed))
    worst = np.flatnonzero(~good)[:3]
    shown = [(points[i], got[i], exact[i]) for i in worst]
    assert not shown, f"{op} in {dtype}: (a, b), got, expected: {shown}"


def test_the_points_reach_special_values_and_every_domain():
    points = pairs("float64")
    assert np.isnan(points).any()
    assert {np.inf, -np.inf, 0.0} <= set(points[~np.isnan(points)].ravel().tolist())
    assert np.signbit(points[points == 0]).any()


def mixed():
    """Functions, sine and cosine of one angle, conditions of every kind, constants, selects."""
    do = Builder()
    x, y, k = do("load", data=(0, 0)), do("load", data=(0, 1)), do("load", data=(1, 0))
    half, yes = do("constant", data=0.5), do("boolean", data=True)
    less, same = do("lt", x, y), do("le", do("abs", x), half)
    both, other = do("and", less, yes), do("or", do("not", same), do("eq", x, k))
    sine = do("sin", x)
    do("store", sine, data=(0, 0))
    total = do("mul", sine, half)
    for step in range(12):
        total = do("add", do("tanh", do("mul", total, half)), do("sub", y, total))
        total = do("select", both if step % 2 else other, total, do("div", k, total))
    cosine = do("cos", x)
    do("store", total, data=(0, 1))
    do("store", do("mul", cosine, do("sqrt", do("abs", total))), data=(0, 2))
    do("store", do("select", do("and", both, other), half, cosine), data=(1, 0))
    groups = (Group("inputs", ("x", "y")), Group("parameters", ("k",)))
    results = (Result("value", (3,)), Result("chosen", ()))
    return Program(groups, results, tuple(do.code))


def cuts():
    length = len(mixed().code)
    return {
        "one": (0,),
        "two": (0, length // 2),
        "tens": tuple(range(0, length, 10)),
        "each": tuple(range(length)),
    }


def outcome(program, dtype="float64"):
    rng = np.random.default_rng(3)
    points = rng.normal(size=(300, 2)).astype(dtype)
    points[:40, 0] = np.resize([np.nan, np.inf, -np.inf, 0.0, -0.0], 40)
    points[:8, 1] = points[:8, 0]
    k = np.full((300, 1), 0.75, dtype)
    value, chosen = np.full((300, 3), -9, dtype), np.full((300, 1), -9, dtype)
    load_program(program, dtype)([points, k], [value, chosen])
    return np.concatenate([value, chosen], axis=1)


@pytest.mark.parametrize("how", [how for how in cuts() if how != "one"])
def test_pieces_do_not_change_a_bit(how):
    # Every kind of value crosses from a piece to a later one: numbers, conditions, constants.
    whole = outcome(mixed())
    cut = outcome(replace(mixed(), pieces=cuts()[how]))
    assert not np.isnan(whole[40:]).any()
    assert_same_bits(cut, whole)


def test_pieces_do_not_change_a_bit_in_single_precision():
    whole = outcome(mixed(), "float32")
    cut = outcome(replace(mixed(), pieces=cuts()["tens"]), "float32")
    assert_same_bits(cut, whole)


def test_a_value_that_several_pieces_need_has_one_slot():
    do = Builder()
    x = do("load", data=(0, 0))
    sine = do("sin", x)
    for position in range(4):
        do("store", do("mul", sine, sine if position else x), data=(0, position))
    program = Program(
        (Group("inputs", ("x",)),), (Result("v", (4,)),), tuple(do.code), tuple(range(len(do.code)))
    )
    slots = spill_slots(program)
    assert sorted(slots.values()) == list(range(len(slots)))
    assert set(slots) == {sine, *(i for i, c in enumerate(do.code) if c.op == "mul")}


def chain(op, count):
    do = Builder()
    value = do("load", data=(0, 0))
    for _ in range(count):
        value = do(op, value)
    do("store", value, data=(0, 0))
    return Program((Group("inputs", ("x",)),), (Result("value", ()),), tuple(do.code))


def test_calls_are_counted_and_instructions_are_not():
    assert call_sites(chain("sin", 5)) == 5
    assert call_sites(chain("sqrt", 5)) == 0
    assert call_sites(mixed()) == 14


def attributes(program):
    """Attributes of the functions in the LLVM text, by the function's name."""
    text = llvm_text(program, cpu_target(program, "float64", "high"))
    found = {}
    for line in text.splitlines():
        if line.startswith("define"):
            name = line.split("@")[1].split("(")[0].strip('"')
            found[name] = Counter(word for word in line.split() if word.endswith("inline"))
    return found


def test_short_programs_are_inlined_and_long_ones_are_not():
    assert "alwaysinline" in attributes(chain("sqrt", 10))["sg.piece0"]
    assert "noinline" in attributes(chain("sqrt", INLINE_BODY + 1))["sg.piece0"]
    cut = attributes(replace(chain("sqrt", 10), pieces=(0, 5)))
    assert "noinline" in cut["sg.piece0"]
    assert "noinline" in cut["sg.piece1"]


def test_beyond_some_calls_functions_are_called_and_not_inlined():
    few, many = attributes(chain("exp", INLINE_CALLS)), attributes(chain("exp", INLINE_CALLS + 1))
    target = cpu_target(chain("exp", 1), "float64", "high")
    if implementation("exp", target.width, "float64", "high").provider != "symgrad":
        pytest.skip("exp comes from a library on this machine")
    inlined = [kinds for name, kinds in few.items() if name.startswith("sg.exp")]
    (called,) = [kinds for name, kinds in many.items() if name.startswith("sg.exp")]
    assert all("alwaysinline" in kinds for kinds in inlined)  # or expanded already
    assert "noinline" in called


def test_sine_and_cosine_of_one_angle_are_computed_together():
    do = Builder()
    x = do("load", data=(0, 0))
    do("store", do("sin", x), data=(0, 0))
    do("store", do("cos", x), data=(0, 1))
    groups, results = (Group("inputs", ("x",)),), (Result("value", (2,)),)
    together = Program(groups, results, tuple(do.code))
    text = llvm_text(together, cpu_target(together, "float64", "high"))
    assert "sincos" in text
    apart = replace(together, code=(*do.code[:3], Instruction("sin", (0,)), *do.code[4:]))
    assert "sincos" not in llvm_text(apart, cpu_target(apart, "float64", "high"))


def test_every_instruction_of_a_program_has_an_emitter_or_is_a_call():
    instructions = {row.name for row in ROWS if row.kind == "instruction"}
    assert set(body.INSTRUCTIONS) == instructions | set(ARITHMETIC_OPS)
