"""The ``symgrad`` command: ``main`` is its entry point; every subcommand is a file here."""

from symgrad.cli.group import main

__all__ = ["main"]
