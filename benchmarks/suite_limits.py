"""What a problem's kernel would cost if only one thing limited it: memory, or arithmetic.

memory: all inputs read and all results written once, at the rate of a copy of the same streams:
    the best of NumPy's copy and of loops that write past the cache in pieces of several sizes.
arithmetic: the vector instructions of the program, over the rate at which independent additions
    and multiplications are issued; divisions, square roots and functions at what they cost one
    after the other in a loop over data in the first cache.

All of it is measured in the run that uses it, on the core that it uses. Loads, stores, moves and
waiting for a result are not counted as arithmetic, so that this is a bound, not a forecast.
"""

import ctypes
import math
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np

import symgrad as sg
from benchmarks import vector_math
from benchmarks.problem import Problem
from symgrad import api, signatures
from symgrad.emit.kernels.contract import contracted
from symgrad.functions import PRIMITIVES
from symgrad.options import Options
from symgrad.parse.requests import parse_requests
from symgrad.tiers import kernel_target

BLOCK = 64  # bytes of a cache line, to which the copied rows are aligned
TILES = (8, 64, 512)
CHAINS = 12
TURNS = 200_000
ROUNDS = 5
PIECE = 16_040  # few enough points for the second cache, enough to forget what a call costs
MOVES = frozenset({"load", "store", "constant", "boolean"})

MOVE = """
define void @move(
    ptr %from, ptr %to, i64 %columns, i64 %rows, i64 %count, i64 %stride, i64 %tile) {{
entry:
  br label %tiles
tiles:
  %t = phi i64 [ 0, %entry ], [ %end, %next_tile ]
  %sum = add i64 %t, %tile
  %less = icmp ult i64 %sum, %count
  %end = select i1 %less, i64 %sum, i64 %count
  br label %rows_head
rows_head:
  %r = phi i64 [ 0, %tiles ], [ %r1, %next_row ]
  %c = urem i64 %r, %columns
  %source = mul i64 %c, %stride
  %target = mul i64 %r, %stride
  %p = getelementptr double, ptr %from, i64 %source
  %q = getelementptr double, ptr %to, i64 %target
  br label %inner
inner:
  %i = phi i64 [ %t, %rows_head ], [ %i1, %inner ]
  %a = getelementptr double, ptr %p, i64 %i
  %b = getelementptr double, ptr %q, i64 %i
  %v = load <{lanes} x double>, ptr %a, align 64
  store <{lanes} x double> %v, ptr %b, align 64, !nontemporal !0
  %i1 = add i64 %i, {lanes}
  %more = icmp ult i64 %i1, %end
  br i1 %more, label %inner, label %next_row
next_row:
  %r1 = add i64 %r, 1
  %more_rows = icmp ult i64 %r1, %rows
  br i1 %more_rows, label %rows_head, label %next_tile
next_tile:
  %more_tiles = icmp ult i64 %end, %count
  br i1 %more_tiles, label %tiles, label %done
done:
  ret void
}}
!0 = !{{i32 1}}
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Nanoseconds a point that bound a kernel from below, and what they were made of.

    Attributes:
        memory: all numbers moved at the rate of the best copy.
        arithmetic: all operations at the rates of their kinds.
        gigabytes: that copy's rate, GB/s.
        operations: of the program, as symgrad counts them.
        costs: kind of operation -> ns a point of all that the program has.
    """

    memory: float
    arithmetic: float
    gigabytes: float
    operations: int
    costs: dict[str, float]

    @property
    def bound(self) -> float:
        """The larger of the two."""
        return max(self.memory, self.arithmetic)


@cache
def lanes() -> int:
    """Doubles in the widest vector of this processor."""
    features = llvm.get_host_cpu_features()
    return 8 if features.get("avx512f") else 4 if features.get("avx") else 2


_ENGINES: list[Any] = []  # code lives as long as its engine


def compiled(text: str, name: str, arguments: list[Any]) -> Any:
    """A function of LLVM text as something that can be called."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    host = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=2
    )
    module = llvm.parse_assembly(text)
    module.verify()
    engine = llvm.create_mcjit_compiler(module, host)
    engine.finalize_object()
    _ENGINES.append(engine)
    return ctypes.CFUNCTYPE(None, *arguments)(engine.get_function_address(name))


def best(call: Any, rounds: int = ROUNDS) -> float:
    """The least CPU seconds of a few calls."""
    spent = []
    for _ in range(rounds):
        start = time.process_time()
        call()
        spent.append(time.process_time() - start)
    return min(spent)


@cache
def mover() -> Any:
    """The copying loop."""
    kinds = [ctypes.c_void_p] * 2 + [ctypes.c_int64] * 5
    return compiled(MOVE.format(lanes=lanes()), "move", kinds)


def aligned(rows: int, stride: int) -> np.ndarray:
    """A (rows, stride) array that begins at a cache line, every page of it touched."""
    memory = np.ones(rows * stride * 8 + BLOCK, np.uint8)
    start = -memory.ctypes.data % BLOCK
    return memory[start : start + rows * stride * 8].view(np.float64).reshape(rows, stride)


def copy_seconds(columns: int, rows: int, count: int) -> float:
    """The least seconds a point in which `columns` rows are read and `rows` are written."""
    step = BLOCK // 8
    count = max(step, count // step * step)
    source, target = aligned(columns, count), aligned(rows, count)
    spent = []
    for tile in TILES:
        arguments = (source.ctypes.data, target.ctypes.data, columns, rows, count, count, tile)
        spent.append(best(lambda given=arguments: mover()(*given)))
    whole = rows // columns

    def by_numpy() -> None:
        for k in range(whole):
            np.copyto(target[k * columns : (k + 1) * columns], source)
        np.copyto(target[whole * columns :], source[: rows - whole * columns])

    return min(*spent, best(by_numpy)) / count


@cache
def instruction_ns(op: str) -> float:
    """Nanoseconds between two independent vector instructions: "mixed", "fdiv" or "sqrt"."""
    width = lanes()
    kind = f"<{width} x double>"
    constant = "<" + ", ".join(["double 0x3FF0000000000001"] * width) + ">"
    chains = 2 * CHAINS if op == "mixed" else CHAINS
    lines = []
    for k in range(chains):
        if op == "sqrt":
            lines.append(f"  %y{k} = call {kind} @llvm.sqrt.v{width}f64({kind} %x{k})")
        else:
            name = op if op != "mixed" else ("fadd", "fmul")[k % 2]
            lines.append(f"  %y{k} = {name} {kind} %x{k}, {constant}")
    heads = [
        f"  %x{k} = phi {kind} [ {constant}, %entry ], [ %y{k}, %loop ]" for k in range(chains)
    ]
    total = [f"  %s0 = fadd {kind} %y0, %y0"]
    total += [f"  %s{k} = fadd {kind} %s{k - 1}, %y{k}" for k in range(1, chains)]
    text = "\n".join(
        [
            f"declare {kind} @llvm.sqrt.v{width}f64({kind})",
            "define void @turns(i64 %n, ptr %out) {",
            "entry:",
            "  br label %loop",
            "loop:",
            "  %i = phi i64 [ 0, %entry ], [ %j, %loop ]",
            *heads,
            *lines,
            "  %j = add i64 %i, 1",
            "  %more = icmp ult i64 %j, %n",
            "  br i1 %more, label %loop, label %done",
            "done:",
            *total,
            f"  store {kind} %s{chains - 1}, ptr %out, align 8",
            "  ret void",
            "}",
        ]
    )
    call = compiled(text, "turns", [ctypes.c_int64, ctypes.c_void_p])
    out = np.empty(width)
    turns = TURNS if op == "mixed" else TURNS // 10
    return best(lambda: call(turns, out.ctypes.data)) / (turns * chains) * 1e9


@cache
def function_ns(name: str) -> float:
    """Nanoseconds a point of a function alone, by the best provider of our vector mathematics.

    Rows that have no vector code of their own are timed as a kernel of one function in the cache.
    """
    if name in vector_math.NAMES:
        made = [vector_math.build(name, who, lanes()) for who in vector_math.PROVIDERS[:2]]
        times = [vector_math.speed(one, name) for one in made if one is not None]
        if times:
            return min(times)
    row = PRIMITIVES[name]
    symbols = sg.variables("x", len(row.domain))
    fn = sg.compile(getattr(sg.math, name)(*symbols), list(symbols), "value", batch_axis=-1)
    generator = np.random.default_rng(3)
    x = np.stack([generator.uniform(*ends, PIECE) for ends in row.domain])
    out = np.empty(PIECE)
    return best(lambda: fn(x, out=out, workers=1), 3 * ROUNDS) / PIECE * 1e9


def operation_counts(problem: Problem) -> dict[str, int]:
    """Instructions of the kernel by name: comparisons and negations too, loads and stores not."""
    x = sg.variables("x", problem.columns)
    traced = problem.function(sg.math, x)
    parsed = api.parse(
        traced[0] if problem.scalar else traced, list(x), wrt=list(x[: problem.inputs])
    )
    requests = parse_requests(["value", problem.derivative], parsed.shape, parsed.wrt)
    options = Options(batch_axis=-1)
    recipe = api.make_recipe(parsed, requests, options)
    _, _, program = api.derive_program(recipe, options, signatures.argument_groups(recipe))
    if kernel_target(program, options).contract:
        program = contracted(program)
    return {op: count for op, count in program.counts.items() if op not in MOVES}


def costs(counts: dict[str, int]) -> dict[str, float]:
    """Kind of operation -> ns a point of all that the program has of it."""
    found: dict[str, float] = {}
    rest = dict(counts)
    both = min(rest.get("sin", 0), rest.get("cos", 0))
    if both:
        found["sincos"] = both * function_ns("sincos")
        rest["sin"] -= both
        rest["cos"] -= both
    simple = 0
    for name, count in rest.items():
        if not count:
            continue
        if name in ("div", "sqrt"):
            ns = instruction_ns("fdiv" if name == "div" else "sqrt") / lanes()
            found[name] = count * ns
        elif name in PRIMITIVES and PRIMITIVES[name].kind != "instruction":
            found[name] = count * function_ns(name)
        else:
            simple += count
    found["simple"] = simple * instruction_ns("mixed") / lanes()
    return found


def limits(problem: Problem, count: int) -> Limits:
    """The limits of a problem at so many points."""
    counts = operation_counts(problem)
    rows = problem.entries - problem.columns
    seconds = copy_seconds(problem.columns, rows, count)
    made = costs(counts)
    return Limits(
        memory=seconds * 1e9,
        arithmetic=math.fsum(made.values()),
        gigabytes=problem.entries * 8 / seconds / 1e9,
        operations=sum(counts.values()),
        costs=made,
    )
