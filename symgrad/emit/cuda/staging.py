"""Results with the points first: a warp gathers entries of its 32 points and writes them together.

A thread that stores the entries of its own point writes into as many sectors of memory as a warp
has threads. So entries go into a tile in shared memory (``tiles.py``) as soon as they are there,
and when a chunk of them is complete, the warp copies it out: neighbouring lanes to neighbouring
addresses, 16 bytes each where the result lies so. Entries that find no room are stored one by one.
"""

from __future__ import annotations

from dataclasses import replace
from math import gcd

from symgrad.emit.cuda.tiles import WARP, Chunk, Tiles, arranged, places
from symgrad.emit.readable.walk import Language, body, result_arrays
from symgrad.emit.target import Target
from symgrad.ir.program import Program

WIDE = 16
"""Bytes of the widest store of a thread."""

INLINED = 8
"""Chunks up to which the code that copies one out is repeated for each of them.

Of more it would be most of the code: for 50 chunks 5,800 instructions, 1,400 with a function; and
the time of compilation would grow with their square.
"""

TIERS: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (128, 6, (192, 128)),
    (128, 12, (192, 128, 64)),
    (64, 24, (192, 128, 64, 32)),
    (32, 48, (192, 128, 64, 32, 16)),
)
"""Threads of a block, KiB of a warp's tile, and bytes that a chunk has of a point; the best first.

A block has at most 48 KiB, and a multiprocessor 228 on an H200: with 6 KiB a warp the tiles leave
room for more warps than the registers of most programs do. With 48 there are 4 warps, which is
enough for results of hundreds of entries, whose time is that of writing them.
"""

COPY = """
{moves}
// Copy a chunk of a result, width of the length entries that it has of each point, from the warp's
// tile to memory: neighbouring lanes write neighbouring addresses, so many entries together.
template <unsigned width, unsigned length, unsigned pitch, unsigned together>
static __device__ {inlined} void
copy_out(const {real} *const tile, {real} *const target, const unsigned rows, unsigned lane)
{{
    unsigned wide = rows == 32 && (unsigned long long)target % (together * sizeof({real})) == 0;
    // As if asm had changed them. Otherwise the compiler would keep, from point to point, what
    // depends on the lane, and would write the whole kernel once for each case.
    asm volatile("" : "+r"(lane), "+r"(wide));
    lane %= 32;
    __syncwarp();
    if (wide) {{
        #pragma unroll
        for (unsigned turn = 0; turn * together < width; ++turn) {{
            const unsigned at = together * (lane + 32 * turn);
            if (width % together > 0 && at >= 32 * width)
                continue;
            {real} values[together];
            for (unsigned k = 0; k < together; ++k)
                values[k] = tile[(at + k) / width * pitch + (at + k) % width];
            put(target + at / width * length + at % width, values);
        }}
    }} else {{
        #pragma unroll 1
        for (unsigned at = lane; at < rows * width; at += 32)
            target[at / width * length + at % width] {assign}
                tile[at / width * pitch + at % width];
    }}
    __syncwarp();
}}
"""

PUT = """// Neighbours in one instruction, which a plain store of a vector does not promise.
static __device__ __forceinline__ void put({real} *const place, const {real} (&values)[{count}])
{{
    {body}
}}
"""

PUT_ONE = PUT[PUT.index("static") :]

LOOP = """    __shared__ __align__(16) {real} tiles[{warps}][{size}];
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    {real} *const tile = tiles[warp];

    #pragma unroll 1
    for (long long first = {threads}LL * blockIdx.x + 32 * warp; first < n;
         first += {threads}LL * gridDim.x) {{
        // The last warp may have fewer than 32 points: its other lanes repeat the last one.
        const unsigned rows = n - first < 32 ? (unsigned)(n - first) : 32;
        const long long i = first + (lane < rows ? lane : rows - 1);
"""


def staged(program: Program, target: Target) -> tuple[int, Tiles]:
    """The threads of a block, and the best tiles: the first that have room for everything."""
    best: tuple[int, Tiles] | None = None
    for threads, kibibytes, widths in TIERS:
        room = kibibytes * 1024 // (WARP * target.itemsize)
        for width in widths:
            made = arranged(program, width // target.itemsize, room, smallest=2)
            if not made.refused:
                return threads, made
            if best is None or made.refused < best[1].refused:
                best = threads, made
    assert best is not None
    return best


def stage_lines(
    tiles: Tiles, threads: int, language: Language, target: Target, assign: str, rows: list[str]
) -> list[str]:
    """The lines of a kernel whose results go through tiles.

    Args:
        tiles: of the program.
        threads: of a block.
        language: CUDA C that knows where the columns are.
        target: the machine.
        assign: "=" or "+=".
        rows: what the loop's body begins with, once the point ``i`` is known.
    """
    program = tiles.program
    chunk_of = {place: number for number, one in enumerate(tiles.chunks) for place in places(one)}
    waiting = [chunk.width for chunk in tiles.chunks]
    real, results = language.words["real"], result_arrays(program)
    together = counts_together(tiles, target)

    def store(result: int, position: int, value: str) -> list[str]:
        array = results[result]
        number = chunk_of.get((result, position))
        if number is None:
            place = "i" if array.size == 1 else f"{array.size} * i + {position}"
            return [f"if (lane < rows) {array.identifier}[{place}] {assign} {value};"]
        chunk = tiles.chunks[number]
        lines = []
        if waiting[number] == chunk.width:
            lines.append(slot(chunk, number, real))
        waiting[number] -= 1
        lines.append(f"c{number}[{position - chunk.first}] = {value};")
        if not waiting[number]:
            where = f"{array.size} * first" + (f" + {chunk.first}" if chunk.first else "")
            sizes = f"{chunk.width}, {array.size}, {chunk.pitch}"
            given = f"{base(chunk)}, {array.identifier} + {where}, rows, lane"
            lines.append(f"copy_out<{sizes}, {together[number]}>({given});")
        return lines

    lines = [*rows, *body(program, replace(language, store_entry=store))]
    head = LOOP.format(
        real=real, warps=threads // WARP, size=WARP * max(tiles.size, 1), threads=threads
    ).splitlines()
    return [*head, *(" " * 8 + line for line in lines), "    }"]


def copy_functions(tiles: Tiles, target: Target, language: Language, assign: str) -> str:
    """The functions that copy a chunk out."""
    real = language.words["real"]
    moves = [
        (PUT if count > 1 else PUT_ONE).format(
            real=real, count=count, body=_put(real, count, assign == "+=")
        )
        for count in sorted(set(counts_together(tiles, target)))
    ]
    inlined = "__forceinline__" if len(tiles.chunks) <= INLINED else "__noinline__"
    return COPY.format(real=real, assign=assign, moves="\n".join(moves), inlined=inlined)


def _put(real: str, count: int, add: bool) -> str:
    if count == 1:
        return f"*place {'+=' if add else '='} values[0];"
    kind = f"{real}{count}"
    held = [f"held.{name} + " if add else "" for name in "xyzw"[:count]]
    given = ", ".join(f"{text}values[{k}]" for k, text in enumerate(held))
    read = f"const {kind} held = __ldcs((const {kind} *)place);\n    " if add else ""
    return f"{read}__stcs(({kind} *)place, make_{kind}({given}));"


def counts_together(tiles: Tiles, target: Target) -> list[int]:
    """How many entries lanes copy together, for each chunk."""
    results, most = tiles.program.results, WIDE // target.itemsize
    return [pack(chunk, results[chunk.result].size, most) for chunk in tiles.chunks]


def base(chunk: Chunk) -> str:
    """Where a chunk's slot begins."""
    return f"tile + {WARP * chunk.start}" if chunk.start else "tile"


def slot(chunk: Chunk, number: int, real: str) -> str:
    """The definition of a lane's row in a chunk's slot."""
    return f"{real} *const c{number} = {base(chunk)} + {chunk.pitch} * lane;"


def pack(chunk: Chunk, length: int, most: int) -> int:
    """How many entries of a chunk a lane copies together.

    Whole rows without gaps are one stretch of memory, 32 of which end at a multiple of everything.
    Otherwise every row has to begin at a multiple, and to have a multiple of entries.
    """
    if chunk.width == chunk.pitch == length:
        return most
    return gcd(most, chunk.width, length, chunk.first)
