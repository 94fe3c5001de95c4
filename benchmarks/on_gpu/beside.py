"""The rounds of symgrad and its peers on one GPU, each in a process of its own (peers.py)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import geometric_mean, median
from typing import Any

import numpy as np

from benchmarks.on_gpu.workers import Failure
from benchmarks.peers.prepared import TOLERANCE

TITLE = "Beside other libraries"
SECONDS = 120.0
MODULE = "benchmarks.on_gpu.peers"
PEERS = ("jax", "torch.func", "torch.compile")
AIMS = {"jax": 3.0, "torch.compile": 3.0, "torch.func": 10.0}
PROBLEMS = ("sine", "black_scholes", "bundle_adjustment", "ur5")
POWERS = (20, 24)
ROUNDS, FEWEST = 7, 3
VARIANT_SECONDS = 4.0
"""No further variant of a peer is begun after so long."""

LIMIT_SECONDS = 30.0
"""A peer that needs longer for its first one takes no part, and after two such problems in none."""

DRY_POWER = 5


def items(options: Any) -> list[tuple[str, int]]:
    """Problems and numbers of points, as powers of two."""
    if options.dry:
        return [("sine", DRY_POWER)]
    return [(name, power) for power in POWERS for name in PROBLEMS]


def peers_of(options: Any) -> tuple[str, ...]:
    """Who takes part; torch.compile needs too long for a dry run."""
    return tuple(peer for peer in PEERS if not (options.dry and peer == "torch.compile"))


def run(context: Any, name: str, power: int) -> dict[str, Any]:
    """All peers on one problem: prepare one after the other, check, then rounds by turns."""
    count = 2**power
    found: dict[str, Any] = {}
    for peer in ("symgrad", *peers_of(context.options)):
        if context.late[peer] > 1:
            found[peer] = Failure("given up: too slow to be ready, twice")
            continue
        limit = max(1.0, min(LIMIT_SECONDS, context.left))
        worker = context.peer(peer)
        answer = worker.ask(MODULE, "enter", peer, name, count, VARIANT_SECONDS, seconds=limit)
        context.late[peer] += isinstance(answer, Failure) and answer.fatal
        found[peer] = answer
        if isinstance(answer, Failure) and peer == "symgrad":
            return {"item": [name, power], "failed": f"symgrad: {answer.reason}"}
    ready = {peer: one for peer, one in found.items() if not isinstance(one, Failure)}
    record: dict[str, Any] = {"item": [name, power], "peers": {}}
    times: dict[str, list[float]] = {peer: [] for peer in ready}
    for done in range(0 if context.options.dry else ROUNDS):
        if done >= FEWEST and context.left <= 0:
            break
        for peer in times:
            answer = context.peer(peer).ask(MODULE, "seconds", seconds=LIMIT_SECONDS)
            times[peer].append(float("nan") if isinstance(answer, Failure) else answer)
    for peer, answer in found.items():
        if isinstance(answer, Failure):
            record["peers"][peer] = {"reason": answer.reason}
            continue
        one = {"label": answer["label"], "notes": answer["notes"], "ready_s": answer["ready_s"]}
        one["error"] = disagreement(ready["symgrad"]["head"], answer["head"])
        if times[peer]:
            ratios = [t / s for t, s in zip(times[peer], times["symgrad"], strict=True)]
            one |= {"ps": median(times[peer]) / count * 1e12, "x": median(ratios)}
        record["peers"][peer] = one
    for peer in ready:
        context.peer(peer).ask(MODULE, "leave", seconds=LIMIT_SECONDS)
    return record


def disagreement(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference, relative to the largest entry of a point."""
    if ours.shape != theirs.shape:
        return float("inf")
    scale = np.maximum(np.abs(ours).max(axis=0), np.finfo(float).tiny)
    error = float((np.abs(ours - theirs).max(axis=0) / scale).max())
    return float("inf") if np.isnan(error) else error


def cells(record: Mapping[str, Any]) -> list[str]:
    """The time of symgrad and what the others take in units of it."""
    found = record["peers"]
    ps = found["symgrad"].get("ps")
    made = ["not measured" if ps is None else f"{ps:.4g}"]
    for peer in PEERS:
        one = found.get(peer, {"reason": "not run"})
        if "reason" in one:
            made.append("-")
        elif one["error"] > TOLERANCE:
            made.append(f"DISAGREES by {one['error']:.0e}")
        else:
            made.append("agrees" if "x" not in one else f"{one['x']:.3g}")
    return made


def line(record: Mapping[str, Any]) -> str:
    """A problem's line, and who took no part."""
    name, power = record["item"]
    head = f"{name:<22}2^{power:<4}"
    notes = "; ".join(
        f"{peer}: {one.get('reason') or one['notes']}" for peer, one in record["peers"].items()
    )
    return head + "".join(f"{cell:>16}" for cell in cells(record)) + f"\n    {notes}"


HEAD = f"{'problem':<22}{'points':<6}{'symgrad, ps':>16}" + "".join(
    f"{p + ', x':>16}" for p in PEERS
)


def markdown(records: list[Mapping[str, Any]]) -> Iterator[str]:
    """The table for a page, the means, and what each used."""
    yield f"| problem | points | symgrad, ps a point | {' | '.join(PEERS)} |"
    yield "|---" * (len(PEERS) + 3) + "|"
    for record in records:
        name, power = record["item"]
        yield f"| {' | '.join([name, f'2^{power}', *cells(record)])} |"
    yield ""
    yield "Columns of libraries: how many times as long as symgrad they take."
    for peer in PEERS:
        one = {tuple(r["item"]): r["peers"].get(peer, {}).get("x") for r in records}
        ratios = {item: x for item, x in one.items() if x is not None and x == x}
        if ratios:
            least = min(ratios, key=lambda item: ratios[item])
            yield (
                f"- {peer}: {geometric_mean(ratios.values()):.3g} times as long in the geometric "
                f"mean of {len(ratios)} (aim {AIMS[peer]:g}), least {ratios[least]:.3g} "
                f"({least[0]})"
            )
    for record in records:
        for peer, found in record["peers"].items():
            if "reason" in found:
                yield f"- {record['item'][0]}, 2^{record['item'][1]}: {peer}: {found['reason']}"
