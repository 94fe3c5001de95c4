"""The command as a whole: quick help, exit statuses, quiet pipes."""

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from symgrad.cli import group, main
from symgrad.errors import FormulaError

START = "import sys; sys.argv[0] = 'symgrad'; from symgrad.cli import main; "


def test_help_names_every_command(run):
    result = run("--help")
    assert result.exit_code == 0
    for name in group.COMMANDS:
        assert f"\n  {name} " in result.stdout


@pytest.mark.parametrize("name", group.COMMANDS)
def test_every_command_has_help(run, name):
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert "--debug" in result.stdout


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("eval", "symgrad eval problem.toml points.npy -o result.npz"),
        ("generate", 'symgrad generate "x*sin(y)" --inputs x,y --derivatives hessian --target c'),
        ("plot", 'symgrad plot "sin(9*x)" --inputs x --kind field --range x=0:3 -o field.svg'),
    ],
)
def test_examples_in_help_are_lines_of_their_own(run, name, line):
    lines = [text.strip() for text in run(name, "--help").stdout.splitlines()]
    assert line in lines


@pytest.mark.parametrize("name", group.COMMANDS)
def test_help_shows_no_mark_of_its_layout(run, name):
    assert "\\b" not in run(name, "--help").stdout


def test_help_imports_no_heavy_library():
    heavy = "{'numpy', 'sympy', 'numba', 'llvmlite', 'torch', 'mpmath'}"
    code = f"main(['--help'], standalone_mode=False); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", START + code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs wait4 to read a child's CPU time")
def test_help_is_quick():
    def seconds(code):
        times = []
        for _ in range(3):
            child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
            _, child.returncode, used = os.wait4(child.pid, 0)
            times.append(used.ru_utime + used.ru_stime)
        return min(times)

    taken = seconds(START + "main(['--help'])") - seconds("pass")
    assert taken < 0.1, f"symgrad --help takes {taken:.3f} s of CPU time beyond Python's start"


def test_unknown_commands_are_usage_errors(run):
    result = run("evaluate")
    assert result.exit_code == 2
    assert "No such command" in result.stderr
    assert result.stdout == ""


def test_formulas_that_look_like_options_get_a_cure(run):
    result = run("show", "-x*y", "--inputs", "x,y")
    assert result.exit_code == 2
    assert "a formula that begins with a minus needs parentheses, as in '(-x)'" in result.stderr
    assert "parentheses" not in run("show", "x*y", "--input", "x,y").stderr


def test_version(run):
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("symgrad")


@pytest.fixture
def failing(monkeypatch):
    """A group whose only command raises what it is told."""

    def make(error):
        @click.command("eval")
        def evaluate():
            raise error

        class Module:
            pass

        Module.evaluate = evaluate
        monkeypatch.setattr(group, "import_module", lambda _: Module)
        return lambda *arguments: CliRunner().invoke(main, ["eval", *arguments])

    return make


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (FormulaError("x is missing"), 2, "Error: x is missing\n"),
        (RuntimeError("a defect"), 1, "Error: RuntimeError: a defect; --debug shows"),
        (OSError(28, "No space left on device"), 1, "Error: [Errno 28] No space left on device\n"),
        (MemoryError(), 1, "Error: out of memory; smaller blocks need less: --block\n"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (click.exceptions.Exit(3), 3, ""),
        (click.UsageError("so not"), 2, "so not"),
    ],
)
def test_failures_have_a_status_and_a_message(failing, error, status, message):
    result = failing(error)()
    assert result.exit_code == status
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("error", [FormulaError("x is missing"), RuntimeError("a defect")])
def test_debug_shows_the_traceback(failing, error):
    call = failing(error)
    before = CliRunner().invoke(main, ["--debug", "eval"])
    behind = call("--debug")
    for result in (before, behind):
        assert "Traceback" in result.stderr
        assert "in evaluate" in result.stderr
        assert "--debug shows" not in result.stderr


@pytest.mark.parametrize(("value", "color"), [("1", False), ("", None)])
def test_no_color_is_respected(monkeypatch, value, color):
    monkeypatch.setenv("NO_COLOR", value)
    seen = []

    @click.command("eval")
    @click.pass_context
    def evaluate(context):
        seen.append(context.color)

    class Module:
        pass

    Module.evaluate = evaluate
    monkeypatch.setattr(group, "import_module", lambda _: Module)
    assert CliRunner().invoke(main, ["eval"]).exit_code == 0
    assert seen == [color]


@pytest.mark.skipif(os.name != "posix", reason="pipes break otherwise elsewhere")
def test_a_reader_that_leaves_is_no_error():
    code = START + "main(['functions', '--json'])"
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )
    child.stdout.read(1)
    child.stdout.close()
    _, said = child.communicate(timeout=60)
    assert said == b""
