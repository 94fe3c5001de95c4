"""Results into npy, npz, csv, parquet and zarr files by blocks: none has to fit in memory.

``writing`` takes the results block by block and puts the file in place only when all of it is
there. How points come in stands in ``points.py``.
"""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import DTypeLike, NDArray

from symgrad.errors import FileFormatError, OptionError

Array = NDArray[Any]
Write = Callable[[Mapping[str, Array]], None]
"""Takes the next block: an array of shape (rows, ...) for each result."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What the results look like.

    Attributes:
        shapes: result -> shape at one point, () for a number.
        labels: result -> a column title for each entry of that shape in C order, for csv and
            parquet.
        dtype: of every result.
    """

    shapes: Mapping[str, tuple[int, ...]]
    labels: Mapping[str, Sequence[str]]
    dtype: DTypeLike = np.float64


def suffix_of(path: str | os.PathLike[str], known: Mapping[str, object]) -> str:
    """The suffix that tells a file's format, in small letters.

    Raises:
        FileFormatError: it is not a key of ``known``.

    Example:
        >>> suffix_of("Result.NPY", WRITERS)
        '.npy'
    """
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        raise FileFormatError(f"{path}: its suffix must tell the format: {', '.join(known)}")
    return suffix


@contextmanager
def writing(
    target: str | os.PathLike[str] | TextIO, layout: Layout, *, overwrite: bool = False
) -> Iterator[Write]:
    """Write results block by block; the file appears when the ``with`` block ends well.

    npy holds one result, npz and zarr an array of shape (N, ...) for each, csv and parquet a
    column for each entry.
    Until the end everything stands in a hidden folder beside the file, which goes away again on
    an error or Ctrl-C, the old file untouched.

    Args:
        target: the file, its suffix telling the format, or a text stream, which gets csv.
        layout: names, shapes and dtype of the results.
        overwrite: whether a file may be there already.

    Raises:
        FileFormatError: the suffix is unknown, the folder missing, or the file exists already.
        OptionError: npy is asked to hold several results.

    Example:
        >>> layout = Layout({"value": ()}, {"value": ["value"]})
        >>> with writing("result.npy", layout) as write:         # doctest: +SKIP
        ...     write({"value": np.array([1.0, 2.0])})
    """
    if not isinstance(target, str | os.PathLike):
        yield _csv_writer(target, layout)
        return
    suffix = check_target(target, layout.shapes, overwrite=overwrite)
    with _replacing(target) as scratch, WRITERS[suffix](scratch, layout) as write:
        yield write


def write_file(
    path: str | os.PathLike[str], content: str | bytes, *, overwrite: bool = False
) -> None:
    """Write a file of text or bytes, all of it or nothing.

    Raises:
        FileFormatError: the folder is missing, or the file exists and may not be overwritten.
    """
    check_place(path, overwrite=overwrite)
    with _replacing(path) as scratch:
        scratch.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def _replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A scratch file, alone in a hidden folder, that becomes ``path`` when all went well."""
    real = Path(os.path.realpath(path))
    with tempfile.TemporaryDirectory(prefix=f".{real.name}.", dir=real.parent) as folder:
        scratch = Path(folder, real.name)
        yield scratch
        if not real.is_dir():
            scratch.replace(real)
            return
        # A folder cannot be replaced by a full one: the old goes away with the hidden folder.
        old = real.replace(Path(folder, "replaced"))
        try:
            scratch.replace(real)
        except OSError:
            old.replace(real)
            raise


def check_target(
    path: str | os.PathLike[str], results: Iterable[str], *, overwrite: bool = False
) -> str:
    """The suffix of a file to be written, after all that can be refused beforehand.

    Raises:
        FileFormatError: the suffix is unknown, the folder missing, or the file exists already.
        OptionError: npy is asked to hold several results.
    """
    suffix = suffix_of(path, WRITERS)
    check_place(path, overwrite=overwrite)
    names = tuple(results)
    if suffix == ".npy" and len(names) > 1:
        raise OptionError(
            f"{path}: npy holds one array, and there are {len(names)} results "
            f"({', '.join(names)}): name the file .npz, or ask for one of them"
        )
    return suffix


def check_place(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Refuse a path that nothing can, or may, be written to.

    Raises:
        FileFormatError: the folder is missing, or the file exists already.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileFormatError(f"{path}: there is no folder {str(target.parent)!r}")
    is_store = target.suffix.lower() == ".zarr" and (target / "zarr.json").is_file()
    if target.exists() and not target.is_file() and not is_store:
        raise FileFormatError(f"{path} is not a regular file; write beside it instead")
    if target.exists() and not overwrite:
        raise FileFormatError(
            f"{path} exists already: choose another name, or allow it by overwrite"
        )


@contextmanager
def _write_arrays(parts: Mapping[str, Path], layout: Layout) -> Iterator[Write]:
    """An npy file for each result; the number of points enters the headers at the end."""
    dtype = np.dtype(layout.dtype)
    count = 0

    def header(name: str) -> bytes:
        # NumPy leaves room in a header for the first axis to grow, so its length never changes.
        described = {
            "descr": npy_format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": (count, *layout.shapes[name]),
        }
        buffer = BytesIO()
        npy_format.write_array_header_1_0(buffer, described)
        return buffer.getvalue()

    with ExitStack() as stack:
        files = {name: stack.enter_context(part.open("wb")) for name, part in parts.items()}
        for name, file in files.items():
            file.write(header(name))

        def write(block: Mapping[str, Array]) -> None:
            nonlocal count
            for name, file in files.items():
                file.write(np.ascontiguousarray(block[name], dtype).data)
            count += len(block[name])

        yield write
        for name, file in files.items():
            file.seek(0)
            file.write(header(name))


@contextmanager
def _write_npy(path: Path, layout: Layout) -> Iterator[Write]:
    with _write_arrays(dict.fromkeys(layout.shapes, path), layout) as write:
        yield write


@contextmanager
def _write_npz(path: Path, layout: Layout) -> Iterator[Write]:
    # Members of a zip file stand one after the other, and the results grow side by side.
    parts = {name: path.with_name(f"{i}.npy") for i, name in enumerate(layout.shapes)}
    with _write_arrays(parts, layout) as write:
        yield write
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            # A ZipInfo made so carries a fixed date: equal results make equal files.
            member = archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True)
            with part.open("rb") as source, member:
                shutil.copyfileobj(source, member, length=1 << 20)
            part.unlink()


@contextmanager
def _write_csv(path: Path, layout: Layout) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        yield _csv_writer(stream, layout)


def _csv_writer(stream: TextIO, layout: Layout) -> Write:
    """Write the header, and give what writes the rows: shortest digits that read back equal."""
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow([label for name in layout.shapes for label in layout.labels[name]])
    dtype = np.dtype(layout.dtype)

    def write(block: Mapping[str, Array]) -> None:
        flat = [
            block[name].reshape(len(block[name]), prod(shape))
            for name, shape in layout.shapes.items()
        ]
        table = np.concatenate(flat, axis=1, dtype=dtype)
        # Python's floats are float64: a float32 has its own shortest digits.
        rows.writerows((table if dtype == np.float64 else table.astype(str)).tolist())

    return write


def _write_parquet(path: Path, layout: Layout) -> AbstractContextManager[Write]:
    from symgrad.interop import parquet  # noqa: PLC0415 - optional, and slow to import

    return parquet.writing(path, layout)


def _write_zarr(path: Path, layout: Layout) -> AbstractContextManager[Write]:
    from symgrad.interop import zarr  # noqa: PLC0415 - optional, and slow to import

    return zarr.writing(path, layout)


WRITERS: Mapping[str, Callable[[Path, Layout], AbstractContextManager[Write]]] = {
    ".npy": _write_npy,
    ".npz": _write_npz,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".zarr": _write_zarr,
}
