"""Points from csv files and streams, a block of lines at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import numpy as np

from symgrad.errors import FileFormatError
from symgrad.interop.columns import Array, Points, Wanted, reported


@dataclass(frozen=True, slots=True)
class _Head:
    """What the first lines of a csv file say.

    Attributes:
        names: a name for every column.
        delimiter: what parts the fields.
        skip: lines before the first row of numbers.
        pending: that row, if it has been read already.
    """

    names: tuple[str, ...]
    delimiter: str
    skip: int
    pending: tuple[str, ...]


def read_csv(wanted: Wanted, path: Path) -> Points:
    """Points from a csv file, which is opened anew for every walk over its blocks."""
    # utf-8-sig drops the mark that spreadsheets put first.
    with path.open(encoding="utf-8-sig") as lines:
        head = _csv_head(wanted, lines)

    def blocks(size: int, order: tuple[int, ...]) -> Iterator[Array]:
        with path.open(encoding="utf-8-sig") as lines:
            yield from _csv_blocks(wanted.where, islice(lines, head.skip, None), head, size, order)

    return wanted.pick(head.names, None, blocks)


def read_stream(wanted: Wanted, stream: TextIO) -> Points:
    """Points from csv text that can be read once."""
    with reported(wanted.where):
        head = _csv_head(wanted, stream)

    def blocks(size: int, order: tuple[int, ...]) -> Iterator[Array]:
        yield from _csv_blocks(wanted.where, chain(head.pending, stream), head, size, order)

    return wanted.pick(head.names, None, blocks)


def _csv_head(wanted: Wanted, lines: Iterable[str]) -> _Head:
    """Read up to the first line that is neither empty nor a comment: a header or a row."""
    remark, line, passed = "", "", 0
    for text in lines:
        passed += 1
        line = text.removeprefix("\ufeff") if passed == 1 else text
        if line.startswith("#"):
            remark = line[1:]
        elif line.strip():
            break
    else:
        line = ""
    if not line and not remark:
        raise FileFormatError(
            f"{wanted.where} is empty: it needs a header, or a row for each point"
        )
    delimiter = next((mark for mark in ";\t," if mark in (line or remark)), ",")
    # numpy.savetxt writes its header behind a "#".
    remarked = _fields(remark, delimiter)
    named = set(wanted.inputs) <= set(remarked)
    fields = _fields(line, delimiter)
    if line and not all(map(_is_number, fields)):
        return _Head(fields, delimiter, passed, ())
    if not line:
        return _Head(remarked, delimiter, passed, ())
    if not named:
        wanted.check_positional((-1, len(fields)), "a row without a header")
    names = remarked if named else wanted.inputs
    return _Head(names, delimiter, passed - 1, (line,))


def _fields(line: str, delimiter: str) -> tuple[str, ...]:
    return tuple(field.strip() for field in next(csv.reader([line], delimiter=delimiter), ()))


def _is_number(text: str) -> bool:
    """Whether NumPy reads a number there: Python's ``1_0`` and digits of other scripts are none."""
    if "_" in text or not text.isascii():
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _csv_blocks(
    where: str, lines: Iterator[str], head: _Head, size: int, order: tuple[int, ...]
) -> Iterator[Array]:
    passed = head.skip
    while taken := list(islice(lines, size)):
        rows = [line for line in taken if line.strip() and not line.startswith("#")]
        marks = len(head.names) - 1
        fault = None
        if any(row.count(head.delimiter) != marks for row in rows):
            fault = _csv_fault(taken, passed, head, order)
        if fault is None and rows:
            try:
                yield np.loadtxt(
                    rows,
                    delimiter=head.delimiter,
                    usecols=order,
                    comments=None,
                    quotechar='"',
                    ndmin=2,
                )
            except ValueError as error:
                fault = _csv_fault(taken, passed, head, order) or f": {error}"
        if fault is not None:
            raise FileFormatError(f"{where}{fault}")
        passed += len(taken)


def _csv_fault(
    lines: Sequence[str], passed: int, head: _Head, order: tuple[int, ...]
) -> str | None:
    """What is wrong with the first line that is wrong, with its number."""
    for number, line in enumerate(lines, passed + 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = _fields(line, head.delimiter)
        if len(fields) != len(head.names):
            return f", line {number}: {len(fields)} field(s) where {len(head.names)} belong"
        for i in order:
            if not _is_number(fields[i]):
                return f", line {number}, column {head.names[i]}: {fields[i]!r} is no number"
    return None
