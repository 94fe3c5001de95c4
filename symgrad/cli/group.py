"""The command itself: which subcommands there are, and what happens when one fails.

A subcommand's module is imported when it is called and not before, so that ``symgrad --help``
needs neither NumPy nor SymPy nor numba.

Exit status: 0 done, 1 failure, 2 usage or bad input, 3 a check disagreed, 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import traceback
from importlib import import_module

import click
from click.exceptions import Exit

import symgrad
from symgrad.errors import SymgradError

FAILURE, BAD_INPUT, INTERRUPTED = 1, 2, 130

# fmt: off
COMMANDS: dict[str, tuple[str, str]] = {
    # name: module, what it does
    "eval":      ("evaluate",  "Evaluate a problem at the points of a file, or at random points."),
    "generate":  ("generate",  "Write a problem's derivatives as readable source code."),
    "check":     ("check",     "Compare the compiled derivatives with independent arithmetic."),
    "bench":     ("bench",     "Time a problem, beside other systems."),
    "show":      ("show",      "Print what a stage of the pipeline makes of a problem."),
    "plot":      ("plot",      "Draw a problem's program, sparsity or values."),
    "functions": ("functions", "List the functions that a formula may use."),
    "doctor":    ("doctor",    "Report versions, CPU, vector mathematics and the cache."),
    "cache":     ("cache",     "Say what the disk cache holds, or empty it."),
}
# fmt: on

DEBUG_KEY = "symgrad.debug"
OVERVIEW_KEY = "symgrad.overview"


class Refusal(click.ClickException):
    """Bad input: what a SymgradError becomes."""

    exit_code = BAD_INPUT


class Failure(click.ClickException):
    """Anything else that went wrong."""

    exit_code = FAILURE


def debug_option() -> click.Option:
    """``--debug``, which the command and every subcommand have."""

    def note(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            context.meta[DEBUG_KEY] = True

    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=note,
        help="Show the traceback of an error.",
    )


class LazyGroup(click.Group):
    """A group that knows its subcommands by name and loads them one at a time."""

    def list_commands(self, _: click.Context) -> list[str]:
        """Names in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The subcommand; for the overview a stand-in with its one line of help."""
        if name not in COMMANDS:
            return None
        module, summary = COMMANDS[name]
        # The overview asks for every command; only one that is called was named by the user.
        if context.meta.get(OVERVIEW_KEY):
            return click.Command(name, short_help=summary)
        command: click.Command = getattr(import_module(f"symgrad.cli.{module}"), module)
        # Docstrings are raw strings; click's mark of lines not to be wrapped is one character.
        command.help = (command.help or "").replace(r"\b", "\b")
        if not any("--debug" in parameter.opts for parameter in command.params):
            command.params.append(debug_option())
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview of subcommands in ``symgrad --help``."""
        context.meta[OVERVIEW_KEY] = True
        super().format_commands(context, formatter)

    def invoke(self, context: click.Context) -> object:
        """Run a subcommand and give every failure its message and exit status."""
        if os.environ.get("NO_COLOR"):
            context.color = False
        try:
            return super().invoke(context)
        except click.NoSuchOption as error:
            if error.option_name.startswith("--"):
                raise
            raise click.UsageError(
                f"No such option {error.option_name!r}; a formula that begins with a minus needs "
                "parentheses, as in '(-x)'",
                error.ctx,
            ) from None
        except (click.ClickException, click.Abort, Exit):
            raise
        except KeyboardInterrupt:
            click.echo("\nInterrupted; no output was written.", err=True)
            raise Exit(INTERRUPTED) from None
        except SymgradError as error:
            _show_traceback(context)
            raise Refusal(str(error)) from error
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # click ends quietly when nobody reads any more
            _show_traceback(context)
            raise Failure(_described(error, context)) from error


def _show_traceback(context: click.Context) -> None:
    if context.meta.get(DEBUG_KEY):
        click.echo(traceback.format_exc(), err=True, nl=False)


def _described(error: Exception, context: click.Context) -> str:
    if isinstance(error, OSError):
        return str(error)
    if isinstance(error, MemoryError):
        return "out of memory; smaller blocks need less: --block"
    cure = "" if context.meta.get(DEBUG_KEY) else "; --debug shows where it comes from"
    return f"{type(error).__name__}: {error}{cure}"


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        try:
            click.echo(f"symgrad {symgrad.__version__}")
        except ImportError:  # what a missing distribution raises
            click.echo("symgrad, from a source tree that is not installed")
        context.exit()


main = LazyGroup(
    "symgrad",
    help="""Compile formulas and their derivatives, and evaluate them at millions of points.

    Where a command takes FILE|FORMULA, that is a problem file (TOML), or a formula with its
    inputs named: symgrad generate "x**2*sin(y)" --inputs x,y
    """,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_print_version,
            help="Show the version and exit.",
        ),
        debug_option(),
    ],
)
