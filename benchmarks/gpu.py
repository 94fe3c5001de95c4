"""Everything about the GPU in one command, under ten minutes: `python -m benchmarks.gpu`.

    python -m benchmarks.gpu --markdown benchmarks/RESULTS.md

For a machine with an NVIDIA GPU, torch or CuPy, and `pip install "symgrad[cuda]"`; python-flint
gives more exact values in the same time. What is missing is said before anything is built.
Sections, in order, with the part of the time that each has at most:

environment  the GPU, driver, versions                                                       20 s
limits       bytes copied and operations a second, by kernels of our own                     25 s
cases        every acceptance case, value to third order, against 50 digits                  60 s
functions    every row of the function table with two derivatives against exact values       65 s
problems     every problem of the suite: layouts, formats, against the limits               100 s
engines      both engines side by side                                                       35 s
calls        what a call costs the processor, CUDA graphs                                    25 s
products     vjp, jvp, hvp, sums and normal equations                                        35 s
beside       torch.func, torch.compile and JAX on the same GPU                              120 s
tools        what loads where, compute-sanitizer, Nsight Compute                             45 s

Results are printed as they come; what fails is said and the rest goes on. `--dry` builds and
evaluates a few kernels of every section without a GPU and times nothing. `--cases FOLDER` has the
acceptance cases where they are not beside the project.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic
from types import ModuleType
from typing import Any

from benchmarks.on_gpu.kernels import ARCHITECTURE
from benchmarks.on_gpu.limits import rates
from benchmarks.on_gpu.report import block, failure, replace_block
from benchmarks.on_gpu.sections import LATE, SECTIONS, UNTIMED, Context, jobs, wrong
from benchmarks.on_gpu.workers import (
    Builders,
    Failure,
    Inline,
    Worker,
    last_line,
    prepare_process,
)

SECONDS = 530.0
START_SECONDS = 90.0

Done = tuple[ModuleType, list[Mapping[str, Any]], str]


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--only", nargs="+", choices=list(SECTIONS), metavar="SECTION")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="for everything, the start too"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="whose block is replaced")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all records, a line each")
    parser.add_argument("--cases", metavar="FOLDER", help="the acceptance cases")
    parser.add_argument("--dry", action="store_true", help="without a GPU: build, time nothing")
    return parser.parse_args(argv)


def settle(folder: str, options: argparse.Namespace) -> None:
    """Caches of our own, so that everything is built anew, and for all processes the same."""
    chosen = {
        "SYMGRAD_CACHE_DIR": f"{folder}/symgrad",
        "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor",
        "TRITON_CACHE_DIR": f"{folder}/triton",
        "JAX_COMPILATION_CACHE_DIR": f"{folder}/jax",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    os.environ.update(chosen)
    prepare_process(options.cases, options.dry)


def deadlines(names: Sequence[str], end: float) -> Iterator[float]:
    """When each section ends at the latest; what one does not need the next ones have."""
    shares = [SECTIONS[name][0].SECONDS for name in names]
    begun, used = monotonic(), 0.0
    for share in shares:
        used += share
        yield begun + (end - begun) * used / sum(shares)


def run_section(name: str, context: Context, file: Path | None) -> Done:
    """One section: its records, printed as they come."""
    module, run = SECTIONS[name]
    print(f"\n{module.TITLE}\n{'-' * len(module.TITLE)}", flush=True)
    if hasattr(module, "HEAD"):
        print(module.HEAD)
    records: list[Mapping[str, Any]] = []
    remark = ""
    try:
        for record in run(context, module):
            records.append(record)
            if file:
                with file.open("a", encoding="utf-8") as target:
                    target.write(json.dumps({"section": name, **record}, default=str) + "\n")
            show(module, record)
    except Exception as error:  # a section must not cost the others
        remark = f"The section ended early: {last_line(error)}"
    late = sum(record.get("failed") == LATE for record in records)
    if late:
        remark += f" {late} of {len(records)} were left out for lack of time."
    done = len(records) - late
    bad = sum(map(wrong, records))
    print(f"{done} done, {late} left out for lack of time, {bad} failed or wrong. {remark}")
    kept = [record for record in records if record.get("failed") != LATE]
    return module, kept, remark.strip()


def show(module: ModuleType, record: Mapping[str, Any]) -> None:
    """A record's line, if it has one."""
    if record.get("failed") == LATE:
        return
    text = f"FAILED {failure(record)}" if "failed" in record else module.line(record)
    if text:
        print(text, flush=True)


def spoken(argv: Sequence[str] | None) -> str:
    """The command, for the page."""
    return " ".join(["python -m benchmarks.gpu", *(sys.argv[1:] if argv is None else argv)])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the status is 1 where something failed or is wrong, or there is no GPU."""
    options = arguments(argv)
    end = monotonic() + options.seconds
    names = [name for name in SECTIONS if name in (options.only or SECTIONS)]
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="symgrad_gpu_") as folder:
        settle(folder, options)
        gpu = Inline() if options.dry else Worker(options.cases)
        context = Context(options, gpu, Builders(options.cases, options.dry), options.cases)
        try:
            there = gpu.ask("benchmarks.on_gpu.device", "present", seconds=START_SECONDS)
            if isinstance(there, Failure):
                print(f"benchmarks.gpu: {there.reason}", file=sys.stderr)
                return 1
            # Builders start with their first job and know it too.
            capability = there.get("compute capability", "9.0").replace(".", "")
            os.environ[ARCHITECTURE] = f"sm_{capability}"
            return sections(names, context, spoken(argv), end)
        finally:
            context.close()
            prepare_process(None, dry=False)
            os.environ.clear()
            os.environ.update(before)


def sections(names: Sequence[str], context: Context, command: str, end: float) -> int:
    """Run the sections in order until ``end``, and write the block after each."""
    options = context.options
    for name in names:
        for key, function, *rest in jobs(SECTIONS[name][0], options):
            context.builders.start(key, function, *rest)
    done: list[Done] = []
    warm = "beside" in names and not options.dry
    for name, deadline in zip(names, deadlines(names, end), strict=True):
        context.deadline = deadline
        if name not in UNTIMED:
            context.cool()
        elif warm and name != "environment":
            context.warm()
            warm = False
        done.append(run_section(name, context, options.json))
        context.builders.drop(key for key, *_ in jobs(SECTIONS[name][0], options))
        if name == "limits":
            context.rates = rates(done[-1][1])
        if options.markdown:
            replace_block(options.markdown, block(command, options.dry, done))
    print("\n" + "\n".join(block(command, options.dry, done)))
    return int(any(wrong(record) for _, records, _ in done for record in records))


if __name__ == "__main__":
    sys.exit(main())
