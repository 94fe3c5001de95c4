"""The Markdown of the GPU benchmark: a marked block of a page, replaced at every run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- benchmarks.gpu begins -->", "<!-- benchmarks.gpu ends -->"


def block(
    command: str, dry: bool, sections: Iterable[tuple[Any, list[Mapping[str, Any]], str]]
) -> Iterator[str]:
    """The lines of the block; a section is its module, its records and a remark."""
    yield "## CUDA"
    yield ""
    yield f"`{command}`"
    if dry:
        yield ""
        yield "A dry run: kernels were built and evaluated on a processor, nothing was timed."
    for section, records, remark in sections:
        yield ""
        yield f"### {section.TITLE}"
        yield ""
        yield from written(section, records)
        if remark:
            yield ""
            yield remark


def failure(record: Mapping[str, Any]) -> str:
    """What came to nothing, and why."""
    return f"{', '.join(str(part) for part in record['item'] if part)}: {record['failed']}"


def written(section: Any, records: list[Mapping[str, Any]]) -> Iterator[str]:
    """A section's lines, whatever its records are, and what failed."""
    good = [record for record in records if "failed" not in record]
    try:
        yield from list(section.markdown(good))
    except Exception as error:  # a table must not cost the others
        yield f"The table cannot be made: {type(error).__name__}: {error}"
        for record in good:
            yield f"- {record}"
    for record in records:
        if "failed" in record:
            yield f"- FAILED {failure(record)}"


def replace_block(path: Path, lines: Iterable[str]) -> None:
    """Put the lines between the marks of a page; at its end where it has none."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    made = "\n".join([BEGIN, *lines, END])
    if BEGIN in text and END in text:
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        text = before + made + after
    else:
        text = f"{text.rstrip()}\n\n{made}\n" if text.strip() else f"{made}\n"
    path.write_text(text, encoding="utf-8")
