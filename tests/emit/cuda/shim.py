"""A GPU that is none: CUDA C as g++ compiles it, its threads taking turns as fibers of one thread.

``compile_host(kernel)`` gives a function of (grid, threads, arguments), the arguments being
numbers: ints (counts, steps, addresses in this process) and floats. Blocks run one after the other.
The threads of a block run each up to its next barrier, by turns in rising and falling order, so
that a value that is read before a barrier was passed, or overwritten before another one was, is a
wrong value; threads of one warp that wait at different barriers are an error.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

COMPILER = shutil.which("g++")
REASON = "there is no C++ compiler `g++` here"

FLAGS = (
    "-std=c++17",
    "-ffp-contract=off",
    "-fno-exceptions",
    "-fno-strict-aliasing",
    "-w",
    "-fPIC",
    "-shared",
)

LONG = 25_000
"""Characters from which optimising takes longer than it saves."""

Launch = Callable[[int, int, Sequence[int | float]], None]


class Kernel(Protocol):
    """What is needed of a kernel."""

    @property
    def name(self) -> str:
        """Of its function."""

    @property
    def text(self) -> str:
        """CUDA C."""


SHIM = r"""
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <type_traits>
#include <ucontext.h>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __constant__ const
#define __shared__ static
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __forceinline__ inline
#define __noinline__
#define __launch_bounds__(...)
#define __grid_constant__

struct shim_dim3 { unsigned int x, y, z; };
static shim_dim3 threadIdx, blockIdx, blockDim, gridDim;
static const int warpSize = 32;

static double rsqrt(double a) { return 1 / sqrt(a); }
static float rsqrtf(float a) { return (float)(1 / sqrt((double)a)); }
static double __longlong_as_double(long long bits) { double a; memcpy(&a, &bits, 8); return a; }
static float __int_as_float(int bits) { float a; memcpy(&a, &bits, 4); return a; }
static float __uint_as_float(unsigned int bits) { float a; memcpy(&a, &bits, 4); return a; }
struct float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };
static float2 make_float2(float x, float y) { return {x, y}; }
static float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static double2 make_double2(double x, double y) { return {x, y}; }
template <class T> static T __ldg(const T *address) { return *address; }
template <class T> static T __ldcs(const T *address) { return *address; }
template <class T> static void __stcs(T *address, T value)
{
    if ((uintptr_t)address % sizeof(T))
        abort();
    *address = value;
}

enum { READY, AT_WARP, AT_BLOCK, DONE };
static const size_t STACK = 1 << 20;
struct Fiber { ucontext_t context; int state; };
static Fiber *fibers;
static char *stacks;
static unsigned int capacity, current;
static ucontext_t scheduler;
static void (*body)(void *);
static void *given;

static void wait_at(int barrier)
{
    fibers[current].state = barrier;
    swapcontext(&fibers[current].context, &scheduler);
}
static void __syncwarp(unsigned int = 0xffffffffu) { wait_at(AT_WARP); }
static void __syncthreads() { wait_at(AT_BLOCK); }

static void trampoline()
{
    body(given);
    fibers[current].state = DONE;
}

static bool all(unsigned int start, unsigned int stop, int state)
{
    for (unsigned int t = start; t < stop; ++t)
        if (fibers[t].state != state)
            return false;
    return true;
}

static void release(unsigned int start, unsigned int stop)
{
    for (unsigned int t = start; t < stop; ++t)
        fibers[t].state = READY;
}

static int run_block(unsigned int threads)
{
    for (unsigned int t = 0; t < threads; ++t) {
        getcontext(&fibers[t].context);
        fibers[t].context.uc_stack.ss_sp = stacks + STACK * t;
        fibers[t].context.uc_stack.ss_size = STACK;
        fibers[t].context.uc_link = &scheduler;
        makecontext(&fibers[t].context, trampoline, 0);
    }
    release(0, threads);
    for (bool falling = false;; falling = !falling) {
        for (unsigned int turn = 0; turn < threads; ++turn) {
            current = falling ? threads - 1 - turn : turn;
            threadIdx.x = current;
            if (fibers[current].state == READY)
                swapcontext(&scheduler, &fibers[current].context);
        }
        if (all(0, threads, DONE))
            return 0;
        bool released = all(0, threads, AT_BLOCK);
        if (released)
            release(0, threads);
        for (unsigned int start = 0; start < threads; start += 32) {
            const unsigned int stop = start + 32 < threads ? start + 32 : threads;
            if (all(start, stop, AT_WARP)) {
                release(start, stop);
                released = true;
            } else if (!all(start, stop, AT_BLOCK) && !all(start, stop, DONE)
                       && !all(start, stop, READY))
                return 1;
        }
        if (!released)
            return 1;
    }
}

template <class T> static T number(int64_t slot, bool real)
{
    if constexpr (std::is_pointer_v<T>) {
        return (T)slot;
    } else if (real) {
        double a;
        memcpy(&a, &slot, 8);
        return (T)a;
    } else
        return (T)slot;
}

template <class... A, size_t... index>
static int launch(void (*kernel)(A...), std::index_sequence<index...>, int64_t grid,
                  int64_t threads, const int64_t *slots, const bool *real, bool barriers)
{
    auto call = [&] { kernel(number<A>(slots[index], real[index])...); };
    gridDim = {(unsigned int)grid, 1, 1};
    blockDim = {(unsigned int)threads, 1, 1};
    if (barriers && capacity < threads) {
        free(fibers);
        free(stacks);
        fibers = (Fiber *)malloc(sizeof(Fiber) * threads);
        stacks = (char *)malloc(STACK * threads);
        capacity = threads;
    }
    body = [](void *closure) { (*(decltype(call) *)closure)(); };
    given = &call;
    for (int64_t block = 0; block < grid; ++block) {
        blockIdx = {(unsigned int)block, 0, 0};
        if (barriers) {
            if (run_block(threads))
                return 1;
        } else
            for (threadIdx = {0, 0, 0}; threadIdx.x < threads; ++threadIdx.x)
                call();
    }
    return 0;
}

template <class... A>
static int launch(void (*kernel)(A...), int64_t grid, int64_t threads, int64_t count,
                  const int64_t *slots, const bool *real, bool barriers)
{
    if (count != sizeof...(A))
        return 2;
    return launch(kernel, std::index_sequence_for<A...>(), grid, threads, slots, real, barriers);
}
"""

ENTRY = """
namespace kernel{number} {{
{text}
}}

extern "C" int launch{number}(int64_t grid, int64_t threads, int64_t count,
                              const int64_t *slots, const bool *real)
{{
    return launch(kernel{number}::{name}, grid, threads, count, slots, real, {barriers});
}}
"""


def compile_host(kernel: Kernel) -> Launch:
    """The kernel for this machine: a function of (grid, threads, arguments)."""
    return compile_hosts([kernel])[0]


def compile_hosts(kernels: Sequence[Kernel]) -> list[Launch]:
    """Several kernels, compiled together, which saves time."""
    return list(_compiled(tuple((kernel.name, kernel.text) for kernel in kernels)))


@cache
def _compiled(kernels: tuple[tuple[str, str], ...]) -> tuple[Launch, ...]:
    text = SHIM
    for number, (name, source) in enumerate(kernels):
        barriers = "true" if "__sync" in source else "false"
        # C's names are the same in every namespace. Empty asm is for NVIDIA's compiler alone: g++
        # has been seen to make wrong code of it, in a kernel of 2,000 operations.
        here = re.sub(r"asm volatile\([^;]*\);", "", source).replace('extern "C"', "")
        text += ENTRY.format(number=number, name=name, text=here, barriers=barriers)
    with tempfile.TemporaryDirectory() as folder:
        path, target = Path(folder, "kernels.cpp"), Path(folder, "kernels.so")
        path.write_text(text, encoding="utf-8")
        optimised = "-O1" if len(text) < LONG else "-O0"
        command = [str(COMPILER), optimised, *FLAGS, str(path), "-o", str(target), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise RuntimeError(f"g++ does not compile the kernels:\n{done.stderr[:4000]}")
        library = ctypes.CDLL(str(target))
    return tuple(_launch(library, number, name) for number, (name, _) in enumerate(kernels))


def _launch(library: ctypes.CDLL, number: int, name: str) -> Launch:
    function = getattr(library, f"launch{number}")

    def launch(grid: int, threads: int, arguments: Sequence[int | float]) -> None:
        count = len(arguments)
        # Whatever is an int by its protocol (NumPy's too) is one; anything else is a float.
        whole = [hasattr(value, "__index__") for value in arguments]
        slots = (ctypes.c_int64 * count)()
        reals = ctypes.cast(slots, ctypes.POINTER(ctypes.c_double))
        for place, value in enumerate(arguments):
            if whole[place]:
                slots[place] = int(value)
            else:
                reals[place] = float(value)
        kinds = (ctypes.c_bool * count)(*(not one for one in whole))
        status = function(
            ctypes.c_int64(grid), ctypes.c_int64(threads), ctypes.c_int64(count), slots, kinds
        )
        if status == 1:
            raise RuntimeError(f"{name}: threads wait at different barriers, or for ever")
        if status == 2:
            raise RuntimeError(f"{name} does not take {count} arguments")

    return launch
