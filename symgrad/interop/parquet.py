"""parquet files of points and results, a block of rows at a time, by pyarrow.

A file has a column for each input, and for each entry of the results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from symgrad.errors import DtypeError, MissingDependencyError
from symgrad.runtime.arrays import Array

if TYPE_CHECKING:
    from symgrad.interop.files import Layout, Write

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as error:
    raise MissingDependencyError(
        "pyarrow is not installed, and reads parquet files; install it with: pip install "
        "symgrad[io]"
    ) from error


def head(path: Path) -> tuple[list[str], int]:
    """The names of a file's columns, and how many rows it has."""
    with pq.ParquetFile(path) as file:
        return list(file.schema_arrow.names), int(file.metadata.num_rows)


def blocks(path: Path, size: int, names: Sequence[str]) -> Iterator[Array]:
    """Blocks of shape (rows, len(names)) with at most ``size`` rows; what is missing is nan.

    Raises:
        DtypeError: a column holds no real numbers.
    """
    with pq.ParquetFile(path) as file:
        for name in names:
            kind = file.schema_arrow.field(name).type
            real = pa.types.is_integer(kind) or pa.types.is_floating(kind)
            if not real and not pa.types.is_boolean(kind):
                raise DtypeError(f"{path}: column {name} holds {kind}; points are real numbers")
        for batch in file.iter_batches(size, columns=list(dict.fromkeys(names))):
            columns = [batch.column(name).to_numpy(zero_copy_only=False) for name in names]
            yield np.stack([column.astype(np.float64) for column in columns], axis=1)


@contextmanager
def writing(path: Path, layout: Layout) -> Iterator[Write]:
    """Write results: a column for each entry, a row group for each block."""
    kind = pa.from_numpy_dtype(np.dtype(layout.dtype))
    labels = [label for name in layout.shapes for label in layout.labels[name]]
    schema = pa.schema([(label, kind) for label in labels])
    with pq.ParquetWriter(path, schema) as file:

        def write(block: Mapping[str, Any]) -> None:
            columns: list[Array] = []
            for name, shape in layout.shapes.items():
                columns += list(block[name].reshape(len(block[name]), prod(shape)).T)
            arrays = [pa.array(np.ascontiguousarray(column), kind) for column in columns]
            if len(arrays[0]):
                file.write_table(pa.Table.from_arrays(arrays, schema=schema))

        yield write
