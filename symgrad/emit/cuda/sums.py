"""Sums over points: every block of threads sums blocks of points, a second kernel adds those up.

Within a block of points a warp puts the entries of 32 points into a tile in shared memory
(``tiles.py``), and its lanes add up columns of it: so the sums need a register for each chunk of
entries, not one for each entry. Each addition has its fixed place in a tree that depends on the
number of the point alone, so that a sum has the same bits on every device and for any number of
blocks at a time.
"""

from __future__ import annotations

from dataclasses import replace

from symgrad.emit.cuda.dialect import REAL
from symgrad.emit.cuda.fills import position_table
from symgrad.emit.cuda.record import CudaKernel
from symgrad.emit.cuda.staging import base, slot
from symgrad.emit.cuda.tiles import WARP, Chunk, Tiles, arranged, gathered, places
from symgrad.emit.readable.walk import Language, body, packed, result_arrays
from symgrad.emit.target import Dtype, Target
from symgrad.ir.program import Program

BLOCK = 1024
"""Points whose sums are a row of each result."""

THREADS = 128
"""Threads that sum a block."""

TOTALS_NAME, TOTALS_THREADS = "sg_totals", 256
"""The second kernel and its threads, which share an entry."""

ROOM = 12
"""KiB of a warp's tile."""

WIDTHS = (128, 64, 32, 16, 4)
"""Bytes that a chunk has of a point; the best first."""

FUNCTIONS = """
// The sum of every step-th of count entries, neighbours in pairs, pairs of pairs and so on.
template <unsigned count>
static __device__ __forceinline__ {real} pairwise(const {real} *const entries, const unsigned step)
{{
    if constexpr (count == 1)
        return *entries;
    else
        return pairwise<count / 2>(entries, step) +
               pairwise<count / 2>(entries + count / 2 * step, step);
}}

// A lane's part of the sums of a tile's columns: lanes that are a multiple of columns apart share
// one. Points that are not there count as 0.
template <unsigned width, unsigned pitch, unsigned columns>
static __device__ __forceinline__ {real}
column_sum({real} *const tile, const unsigned rows, const unsigned lane)
{{
    if (lane >= rows)
        for (unsigned k = 0; k < width; ++k)
            tile[pitch * lane + k] = 0;
    __syncwarp();
    {real} sum = 0;
    if (lane % columns < width)
        sum = pairwise<columns>(tile + lane / columns * columns * pitch + lane % columns, pitch);
    __syncwarp();
    return sum;
}}

// Add the parts of all lanes of the block, first those of each warp; of thread t < width it is the
// sum of column t.
template <unsigned columns>
static __device__ __forceinline__ {real} block_sum(const {real} part, {real} *const parts)
{{
    __syncthreads();
    parts[threadIdx.x] = part;
    __syncwarp();
    {real} sum = 0;
    if (threadIdx.x % 32 < columns)
        sum = pairwise<32 / columns>(parts + threadIdx.x, columns);
    __syncwarp();
    parts[threadIdx.x] = sum;
    __syncthreads();
    return threadIdx.x < columns ? pairwise<{threads} / 32>(parts + threadIdx.x, 32) : 0;
}}
"""

LOOP = """    __shared__ {real} tiles[{warps}][{size}];
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    {real} *const tile = tiles[warp];

    for (long long block = blockIdx.x; {block} * block < n; block += gridDim.x) {{
        const long long end = n - {block} * block < {block} ? n : {block} * (block + 1);
{sums}
        #pragma unroll 1
        for (long long first = {block} * block + 32 * warp; first < end; first += {threads}) {{
            // Lanes without a point repeat the last one.
            const unsigned rows = end - first < 32 ? (unsigned)(end - first) : 32;
            const long long i = first + (lane < rows ? lane : rows - 1);
"""

TOTALS = """// Sums of the sums of blocks: out[e] {assign} factor * (the sum of column source[e] of
// partial), or 0 where source[e] is -1. A block of {threads} threads computes an entry: each adds
// every {threads}-th row, carrying what is rounded off along; then their sums are added in pairs.
extern "C" __global__ void __launch_bounds__({threads})
{name}(const long long blocks, const long long stored, const long long entries,
          const {real} *__restrict__ partial, const int *__restrict__ source,
          {real} *__restrict__ out, const {real} factor)
{{
    __shared__ {real} sums[{threads}], rests[{threads}];
    const unsigned t = threadIdx.x;
    for (long long entry = blockIdx.x; entry < entries; entry += gridDim.x) {{
        const int column = source[entry];
        {real} sum = 0, rest = 0;
        if (column >= 0)
            for (long long b = t; b < blocks; b += {threads})
                add(sum, rest, partial[b * stored + column]);
        sums[t] = sum;
        rests[t] = rest;
        __syncthreads();
        for (unsigned half = {threads} / 2; half > 0; half /= 2) {{
            if (t < half) {{
                add(sums[t], rests[t], sums[t + half]);
                rests[t] += rests[t + half];
            }}
            __syncthreads();
        }}
        if (t == 0) {{
            // Beside an infinity or a nan there is no rest.
            const {real} total = sums[0] - sums[0] == 0 ? sums[0] + rests[0] : sums[0];
            out[entry] {assign} column >= 0 ? factor * total : 0;
        }}
        __syncthreads();
    }}
}}
"""

ADD = """// Add a term to a sum, and what the sum is rounded by to its rest (Knuth, TAOCP 2, 4.2.2).
static __device__ __forceinline__ void add({real} &sum, {real} &rest, const {real} term)
{{
    const {real} rounded = sum + term, change = rounded - sum;
    rest += (sum - (rounded - change)) + (term - change);
    sum = rounded;
}}

"""


def summed(program: Program, target: Target) -> Tiles:
    """The tiles of a program whose results are summed; a chunk of one entry always has room."""
    room = ROOM * 1024 // (WARP * target.itemsize)
    made = arranged(program, WIDTHS[0] // target.itemsize, room)
    for width in WIDTHS if made.refused else ():
        made = gathered(program, max(width // target.itemsize, 1), room)
        if not made.refused:
            break
    return made


def sum_lines(tiles: Tiles, language: Language, rows: list[str]) -> list[str]:
    """The lines of a kernel whose results are sums over blocks of points.

    Args:
        tiles: of the program.
        language: CUDA C that knows where the columns are.
        rows: what the loop's body begins with, once the point ``i`` is known.
    """
    program, chunks = tiles.program, tiles.chunks
    chunk_of = {place: number for number, one in enumerate(chunks) for place in places(one)}
    waiting = [chunk.width for chunk in chunks]
    real, results = language.words["real"], result_arrays(program)

    def store(result: int, position: int, value: str) -> list[str]:
        number = chunk_of[result, position]
        chunk = chunks[number]
        lines = [slot(chunk, number, real)] if waiting[number] == chunk.width else []
        waiting[number] -= 1
        lines.append(f"c{number}[{chunk.positions.index(position)}] = {value};")
        if not waiting[number]:
            sizes = f"{chunk.width}, {chunk.pitch}, {lanes_apart(chunk)}"
            lines.append(f"s{number} += column_sum<{sizes}>({base(chunk)}, rows, lane);")
        return lines

    names = [f"s{number} = 0" for number in range(len(chunks))]
    sums = "\n".join(packed(names, ", ", f"        {real} ", " " * 12)) + ";" if names else ""
    sizes = {"warps": THREADS // WARP, "size": WARP * max(tiles.size, 1)}
    head = LOOP.format(real=real, block=BLOCK, threads=THREADS, sums=sums, **sizes).splitlines()
    lines = [*rows, *body(program, replace(language, store_entry=store))]
    tail = [f"{real} sum;"]
    for number, chunk in enumerate(chunks):
        array = results[chunk.result]
        place = f"{array.size} * block + " if array.size > 1 else "block + "
        place += _place(chunk, number)
        tail.append(f"sum = block_sum<{lanes_apart(chunk)}>(s{number}, tiles[0]);")
        tail.append(f"if (threadIdx.x < {chunk.width})")
        tail.append(f"    {array.identifier}[{place}] = sum;")
    tail.append("__syncthreads();")
    return [
        *head,
        *(" " * 12 + line for line in lines),
        "        }",
        *(" " * 8 + line for line in tail),
        "    }",
    ]


def sum_functions(tiles: Tiles, language: Language) -> str:
    """The functions that add up, and where the sums of chunks belong that are no neighbours."""
    tables = []
    for number, chunk in enumerate(tiles.chunks):
        if not chunk.neighbours:
            tables.append(position_table(f"order{number}", chunk.positions))
    made = FUNCTIONS.format(real=language.words["real"], threads=THREADS)
    return made + "".join(f"{line}\n" for line in ("", *tables) if tables)


def _place(chunk: Chunk, number: int) -> str:
    """The entry whose sum a thread has."""
    if not chunk.neighbours:
        return f"order{number}[threadIdx.x]"
    return "threadIdx.x" + (f" + {chunk.first}" if chunk.first else "")


def lanes_apart(chunk: Chunk) -> int:
    """Lanes that sum different columns: the power of 2 that is no less than the chunk's width."""
    return 1 << (chunk.width - 1).bit_length()


def totals_source(dtype: Dtype, accumulate: bool = False) -> CudaKernel:
    """The second kernel of a sum: from the sums of blocks to the entries of a result.

    It takes blocks, stored, entries (64-bit integers), the addresses of partial (blocks, stored),
    source (entries, 32-bit integers) and out (entries), and the factor of the dtype:
    out[e] = factor * sum of partial[:, source[e]], and 0 where source[e] is -1. Rows are added in a
    fixed tree, each addition's rounding error carried along. A block of threads computes an entry.

    Args:
        dtype: of the sums.
        accumulate: add to what ``out`` holds.
    """
    real = REAL[dtype]
    assign = "+=" if accumulate else "="
    text = ADD.format(real=real) + TOTALS.format(
        name=TOTALS_NAME, real=real, threads=TOTALS_THREADS, assign=assign
    )
    return CudaKernel(TOTALS_NAME, text, TOTALS_THREADS, 1)
