"""The ``symgrad`` command: ``main`` is its entry point; each subcommand is a file beside this one."""

from symgrad.cli.group import main

__all__ = ["main"]
