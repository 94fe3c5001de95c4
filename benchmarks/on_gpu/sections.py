"""How the sections of the GPU benchmark are run: what is built ahead, and who measures an item.

A section is a module: TITLE, SECONDS, ``items(options)``, ``line(record)``, ``markdown(records)``
and ``measure(*item)``, which the process of the GPU calls. Its generator here yields a record an
item, ``{"item": ..., "failed": reason}`` where it came to nothing.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from types import ModuleType
from typing import Any

from benchmarks.on_gpu import beside as gpu_beside
from benchmarks.on_gpu import cases as gpu_cases
from benchmarks.on_gpu import engines as gpu_engines
from benchmarks.on_gpu import environment as gpu_environment
from benchmarks.on_gpu import functions as gpu_functions
from benchmarks.on_gpu import launch as gpu_launch
from benchmarks.on_gpu import limits as gpu_limits
from benchmarks.on_gpu import problems as gpu_problems
from benchmarks.on_gpu import products as gpu_products
from benchmarks.on_gpu import tools as gpu_tools
from benchmarks.on_gpu.workers import LATE_BUILD, Builders, Failure, Inline, Worker

LATE = "no time was left"
ITEM_SECONDS = 60.0
"""An item whose answer takes longer is given up, with the process that was to give it."""

BUILD_SECONDS = 25.0
"""So long an item waits for its builder, and then gives way to the next one."""

GRACE_SECONDS = 8.0
"""What has been evaluated may still be judged for so long."""

WARMED = ("torch.compile", "jax")
"""Peers whose compilers fill their caches on disk while kernels are checked, not timed."""

Record = dict[str, Any]


@dataclass
class Context:
    """What sections share.

    Attributes:
        options: of the command.
        gpu: the process that holds the GPU.
        builders: the processes that build ahead.
        cases: another folder of acceptance cases.
        deadline: of the section that runs.
        rates: what the GPU can do, once it is measured.
        others: the processes of peers by name.
        late: how often a peer was not ready in time, or its process died.
    """

    options: argparse.Namespace
    gpu: Worker | Inline
    builders: Builders
    cases: str | None = None
    deadline: float = 0.0
    rates: dict[str, float] = field(default_factory=dict)
    others: dict[str, Worker | Inline] = field(default_factory=dict)
    late: Counter[str] = field(default_factory=Counter)

    @property
    def left(self) -> float:
        """Seconds until the section's deadline."""
        return self.deadline - monotonic()

    @property
    def patience(self) -> float:
        """Seconds that an item may take."""
        return max(1.0, min(ITEM_SECONDS, self.left))

    @property
    def wait(self) -> float:
        """Seconds that an item waits for a builder."""
        return min(BUILD_SECONDS, self.left)

    def peer(self, name: str) -> Worker | Inline:
        """The process of a peer."""
        if name not in self.others:
            self.others[name] = Inline() if self.options.dry else Worker(self.cases)
        return self.others[name]

    def warm(self) -> None:
        """Have peers compile what they will run: a process for each problem of torch.compile."""
        for peer in WARMED:
            for name in gpu_beside.PROBLEMS:
                key = f"warm {peer} {name if peer == 'torch.compile' else ''}"
                for power in gpu_beside.POWERS:
                    self.peer(key).send(gpu_beside.MODULE, "warm", peer, name, 2**power)

    def cool(self) -> None:
        """End that, before anything is timed."""
        for key in [key for key in self.others if key.startswith("warm")]:
            self.others.pop(key).close()

    def close(self) -> None:
        """End all processes."""
        for worker in (self.gpu, *self.others.values()):
            worker.close()
        self.builders.close()


def failed(item: Any, answer: Failure | str) -> Record:
    """The record of an item that came to nothing."""
    return {"item": list(item), "failed": getattr(answer, "reason", answer)}


def jobs(module: ModuleType, options: argparse.Namespace) -> Iterator[tuple[Any, ...]]:
    """What is computed ahead for a section: key, function, arguments."""
    name = module.__name__
    for item in module.items(options):
        if module is gpu_functions:
            yield ("reference", *item), gpu_functions.reference, *item, options.dry
            continue
        if module is gpu_problems:
            yield ("references", item[0]), gpu_problems.references, item[0]
        if hasattr(module, "build") and not options.dry:
            yield (name, *item), module.build, *item


def built_ahead(context: Context, module: ModuleType, item: Any) -> Any:
    """What a builder found, or its Failure; nothing is built ahead in a dry run."""
    if context.options.dry or not hasattr(module, "build"):
        return None
    key = (module.__name__, *item)
    return context.builders.result(key, context.wait, module.build, *item)


def plain(context: Context, module: ModuleType) -> Iterator[Record]:
    """Build, then measure, one item after the other."""
    for item in module.items(context.options):
        if context.left <= 0:
            yield failed(item, LATE)
            continue
        built = built_ahead(context, module, item)
        if built == LATE_BUILD:
            yield failed(item, built)
            continue
        # Where a builder fails otherwise the process of the GPU says why: it builds for itself.
        answer = context.gpu.ask(module.__name__, "measure", *item, seconds=context.patience)
        if isinstance(answer, Failure):
            yield failed(item, answer)
            continue
        yield merged(answer, built)


def merged(record: Record, built: Any) -> Record:
    """The record with what a builder found."""
    for key, value in built.items() if isinstance(built, Mapping) else ():
        if isinstance(value, Mapping):
            record[key] = {**value, **record.get(key, {})}
        else:
            record.setdefault(key, value)
    return record


def problems(context: Context, module: ModuleType) -> Iterator[Record]:
    """Build, compute references, measure, and compare with the limits."""
    if not context.rates and not context.options.dry:  # the section of limits was left out
        copied = context.gpu.ask(gpu_limits.__name__, "measure", "memory", "copy")
        context.rates = {} if isinstance(copied, Failure) else gpu_limits.rates([copied])
    for item in gpu_problems.items(context.options):
        if context.left <= 0:
            yield failed(item, LATE)
            continue
        built = built_ahead(context, module, item)
        if built == LATE_BUILD:
            yield failed(item, built)
            continue
        key = ("references", item[0])
        exact = context.builders.result(key, context.wait, gpu_problems.references, item[0])
        expected = None if isinstance(exact, Failure) else exact
        answer = context.gpu.ask(
            gpu_problems.__name__, "measure", *item, expected, seconds=context.patience
        )
        if isinstance(answer, Failure):
            yield failed(item, answer)
            continue
        record = merged(answer, built)
        if isinstance(exact, Failure):
            record["differs"] = record["differs"] or f"no references: {exact.reason}"
        yield gpu_problems.with_limits(record, record.pop("counts", {}), context.rates)


def functions(context: Context, module: ModuleType) -> Iterator[Record]:
    """Exact values and judgements by the builders, what lies between them by the GPU."""
    waiting: list[tuple[Any, Any]] = []
    for item in gpu_functions.items(context.options):
        if context.left <= 0:
            yield failed(item, LATE)
            continue
        made = context.builders.result(
            ("reference", *item), context.wait, gpu_functions.reference, *item, context.options.dry
        )
        if isinstance(made, Failure):
            yield failed(item, made)
            continue
        at = made[0]
        got = context.gpu.ask(
            gpu_functions.__name__, "measure", *item, at, seconds=context.patience
        )
        if isinstance(got, Failure):
            yield failed(item, got)
            continue
        arguments = (*item, *made, got)
        key = ("judge", *item)
        context.builders.start(key, gpu_functions.judge, *arguments, urgent=True)
        waiting.append((item, arguments))
    until = monotonic() + max(GRACE_SECONDS, context.left)
    for item, arguments in waiting:
        key, seconds = ("judge", *item), until - monotonic()
        found = context.builders.result(key, seconds, gpu_functions.judge, *arguments)
        yield failed(item, found) if isinstance(found, Failure) else found


def calls(context: Context, module: ModuleType) -> Iterator[Record]:
    """The processor is measured here: nobody else may be at work."""
    context.builders.wait(min(context.left / 2, 20.0))
    yield from plain(context, module)


def beside(context: Context, module: ModuleType) -> Iterator[Record]:
    """Every problem with all peers."""
    for item in gpu_beside.items(context.options):
        yield failed(item, LATE) if context.left <= 0 else gpu_beside.run(context, *item)


Run = Callable[[Context, ModuleType], Iterator[Record]]

SECTIONS: dict[str, tuple[ModuleType, Run]] = {
    "environment": (gpu_environment, plain),
    "limits": (gpu_limits, plain),
    "cases": (gpu_cases, plain),
    "functions": (gpu_functions, functions),
    "problems": (gpu_problems, problems),
    "engines": (gpu_engines, plain),
    "calls": (gpu_launch, calls),
    "products": (gpu_products, plain),
    "beside": (gpu_beside, beside),
    "tools": (gpu_tools, plain),
}
"""In the order in which they run: what is checked alone comes before what is timed."""

UNTIMED = ("environment", "cases", "functions")


def wrong(record: Record) -> bool:
    """Whether a record tells of a failure or of a wrong result."""
    if record.get("failed", LATE) != LATE or record.get("differs"):
        return True
    checks: tuple[Callable[[Record], Any], ...] = ()
    if "errors" in record:
        checks = (gpu_cases.failed,)
    elif "repeatable" in record:
        checks = (gpu_products.wrong,)
    return any(check(record) for check in checks)
