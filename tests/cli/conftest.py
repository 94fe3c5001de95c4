"""How the command is run: in this process, with a cache directory of its own."""

import pytest
from click.testing import CliRunner

from symgrad.cli import main

PROBLEM = """\
name = "spring"
inputs = ["x", "y"]
derivatives = ["value", "gradient"]
[parameters]
k = 2.0
[definitions]
r2 = "x**2 + y**2"
[outputs]
energy = "k*r2*sin(y)"
[ranges]
x = [-1, 1]
y = [0.5, 1.5]
"""


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("symgrad-cache")
    folder.chmod(0o700)
    return folder


@pytest.fixture
def run(monkeypatch, tmp_path, cache_folder):
    """Call the command in an empty folder: ``run("eval", ...)`` gives exit_code, stdout, stderr."""
    monkeypatch.setenv("SYMGRAD_CACHE_DIR", str(cache_folder))
    monkeypatch.chdir(tmp_path)

    def call(*arguments, **options):
        return CliRunner().invoke(main, [str(argument) for argument in arguments], **options)

    return call


@pytest.fixture
def problem(tmp_path):
    """A problem file: energy = k (x^2 + y^2) sin y, with k = 2 unless it is given."""
    path = tmp_path / "spring.toml"
    path.write_text(PROBLEM)
    return path
