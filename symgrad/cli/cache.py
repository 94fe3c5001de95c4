"""``symgrad cache``: what compiled functions take on disk, and how to get rid of them."""

from __future__ import annotations

import json

import click

from symgrad.cli.table import aligned
from symgrad.runtime import cache as disk


@click.group("cache")
def cache() -> None:
    """The directory in which derived programs and compiled code are kept.

    What was not used for the longest time is deleted when the files take more than
    SYMGRAD_CACHE_BYTES (2 GiB by default). SYMGRAD_CACHE_DIR names another directory.
    """


@cache.command("info")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def info(as_json: bool) -> None:
    """Say where the cache is, and what it holds.

    That is the number of kernels, and the bytes that they take and may take.
    """
    found = disk.info()
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    rows = [(name, f"{v:,}" if isinstance(v, int) else str(v)) for name, v in found.items()]
    click.echo(aligned(rows))


@cache.command("clear")
def clear() -> None:
    """Delete every file of the cache.

    Functions are compiled again when they are wanted.
    """
    before = disk.info()
    count = disk.clear()
    click.echo(f"{count} files deleted, {before['bytes']:,} bytes, in {before['directory']}")
