"""The rules that hold for the whole source tree, read from it with ``ast``."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "symgrad"
TESTS = ROOT / "tests"

STAGES = ("parse", "differentiate", "simplify", "schedule", "emit")
SEQUENCERS = (
    *("api", "signatures", "tiers", "cuda", "portfolio", "details", "custom"),
    *("products", "adapters", "benchmark", "peers", "display", "__main__"),
    *("symbolic", "check", "sampling", "cli"),
)
"""The only modules outside the stages that may use a stage."""

# What each part may import of symgrad, itself aside; None: anything.
LAYERS: dict[str, frozenset[str] | None] = {
    "errors": frozenset(),
    "options": frozenset({"errors"}),
    "report": frozenset(),
    "ir": frozenset({"errors"}),
    "functions": frozenset({"errors", "ir"}),
    **dict.fromkeys(STAGES, frozenset({"errors", "ir", "functions", "options"})),
    "runtime": frozenset({"errors", "ir"}),
    "pictures": frozenset({"errors", "ir"}),
    "interop": frozenset({"errors", "ir", "functions", "runtime"}),
    **dict.fromkeys(SEQUENCERS, None),
    "": None,  # symgrad/__init__.py, which imports its public names when they are used
}

OWNERS = {
    "sympy": (
        *("parse", "symbolic", "interop/sympy_objects", "interop/sympy_functions"),
        *("peers", "display"),
    ),
    "numba": ("emit", "runtime", "cli/doctor", "peers"),
    "llvmlite": ("emit", "runtime", "cli/doctor"),
    "cuda": ("runtime/cuda",),
    "click": ("cli",),
    "torch": ("interop", "check", "peers"),
    **dict.fromkeys(("jax", "heyoka", "casadi", "symengine"), ("peers",)),
    "dask": ("interop", "check"),
    "pyarrow": ("interop/parquet",),
    "zarr": ("interop/zarr",),
    "scipy": ("interop", "check"),
}
"""Outside libraries and the only parts that may import them."""

FORBIDDEN_NAMES = frozenset({"utils", "util", "common", "helpers", "helper", "base", "misc"})
MAX_LINES = 500

TESTS_WITHOUT_MODULE = frozenset(
    {
        "test_architecture",
        "test_benchmark_counts",
        "test_benchmark_suite",
        "test_benchmarks",
        "test_examples",
        "test_function_errors",
        "test_function_oracle",
        "test_gpu_benchmark",
        "test_tiny",
        "functions/special/test_coefficients",
        "functions/test_rows",
        "runtime/test_directions",
        "runtime/test_workers",
    }
)
"""Test modules that protect a property and mirror no module; so does all of end_to_end/."""


@cache
def sources() -> dict[str, Path]:
    """Every module of the package by its path without the suffix, ``emit/loop`` for instance."""
    return {
        path.relative_to(PACKAGE).with_suffix("").as_posix(): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def imports(path: Path) -> list[tuple[str, int]]:
    """Every imported module with its line, wherever in the file it stands."""
    found: list[tuple[str, int]] = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            found += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name | ast.Attribute)
            and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module"
            and isinstance(node.args[0], ast.Constant)
        ):
            found.append((str(node.args[0].value), node.lineno))
    return found


def part(module: str) -> str:
    """The top-level part of the package that a module path belongs to."""
    first = module.split("/")[0]
    return "" if first == "__init__" else first


def imported_parts(path: Path) -> list[tuple[str, int]]:
    found = []
    for name, line in imports(path):
        words = name.split(".")
        if words[0] == "symgrad":
            known = len(words) > 1 and words[1] in LAYERS
            found.append((words[1] if known else "", line))
    return found


def within(module: str, owners: tuple[str, ...]) -> bool:
    return any(module == owner or module.startswith(f"{owner}/") for owner in owners)


def test_every_part_of_the_package_has_its_layer():
    assert {part(module) for module in sources()} == set(LAYERS)


@pytest.mark.parametrize("module", sources())
def test_imports_go_one_way(module):
    allowed = LAYERS[part(module)]
    if allowed is None:
        return
    wrong = [
        f"{module}.py:{line} imports symgrad.{other}"
        for other, line in imported_parts(sources()[module])
        if other != part(module) and other not in allowed
    ]
    assert not wrong


def test_only_the_sequencers_use_two_stages():
    for module, path in sources().items():
        used = {other for other, _ in imported_parts(path) if other in STAGES}
        assert len(used) <= 1 or part(module) in SEQUENCERS, f"{module} uses {sorted(used)}"


@pytest.mark.parametrize("library", OWNERS)
def test_an_outside_library_is_imported_by_its_owners_alone(library):
    wrong = [
        f"{module}.py:{line}"
        for module, path in sources().items()
        for name, line in imports(path)
        if name.split(".")[0] == library and not within(module, OWNERS[library])
    ]
    assert not wrong


def test_each_owned_library_is_known_to_the_project():
    # An owner list that names nothing would protect nothing.
    used = {name.split(".")[0] for path in sources().values() for name, _ in imports(path)}
    assert {"sympy", "numba", "llvmlite", "click", "torch"} <= used


def test_no_module_is_a_drawer_for_everything():
    names = {word for module in sources() for word in module.split("/")}
    assert not names & FORBIDDEN_NAMES
    tests = {word for path in TESTS.rglob("*.py") for word in path.relative_to(TESTS).parts}
    assert not {word.removesuffix(".py") for word in tests} & FORBIDDEN_NAMES


@pytest.mark.parametrize("folder", ["symgrad", "tests", "examples", "benchmarks"])
def test_files_are_short(folder):
    lengths = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert lengths
    assert {name: n for name, n in lengths.items() if n > MAX_LINES} == {}


def mirrored(module: str) -> str:
    folder, _, name = module.rpartition("/")
    return f"{folder}/test_{name}" if folder else f"test_{name}"


def test_every_module_has_its_test_module():
    missing = [
        f"tests/{mirrored(module)}.py"
        for module in sources()
        if not module.endswith(("__init__", "coefficients"))  # special/test_coefficients.py has all
        and not (TESTS / f"{mirrored(module)}.py").exists()
    ]
    assert not missing


def test_every_test_module_has_its_module():
    expected = {mirrored(module) for module in sources()} | TESTS_WITHOUT_MODULE
    found = {
        path.relative_to(TESTS).with_suffix("").as_posix() for path in TESTS.rglob("test_*.py")
    }
    extra = {name for name in found - expected if not name.startswith("end_to_end/")}
    assert not extra


def test_the_list_of_tests_without_a_module_is_not_stale():
    assert all((TESTS / f"{name}.py").exists() for name in TESTS_WITHOUT_MODULE)


def folders() -> set[str]:
    return {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}


def test_the_map_of_the_package_names_every_folder():
    text = ast.get_docstring(tree(PACKAGE / "__init__.py")) or ""
    assert set(re.findall(r"^ *(\w+)/ ", text, re.MULTILINE)) == folders()
    for name in re.findall(r"^ *(\w+\.py) ", text, re.MULTILINE):
        assert (PACKAGE / name).exists()


def test_the_map_of_the_emitter_names_its_folders_and_each_uses_those_below_it():
    text = (PACKAGE / "emit" / "__init__.py").read_text(encoding="utf-8")
    order = re.findall(r"^    (\w+)/", text, re.MULTILINE)
    folders = {path.parent.name for path in (PACKAGE / "emit").glob("*/__init__.py")}
    assert sorted(order) == sorted(folders)
    for module, path in sources().items():
        folder = module.removeprefix("emit/").split("/")[0]
        if not module.startswith("emit/") or folder not in order[: order.index("cuda")]:
            continue
        words = [name.split(".") for name, _ in imports(path) if name.startswith("symgrad.emit.")]
        used = {word[2] for word in words if word[2] in folders}
        assert used <= set(order[order.index(folder) :]), f"{module} uses {sorted(used)}"


def test_the_readme_names_the_folders_of_the_pipeline():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`symgrad/(\w+)/?`", text))
    assert named >= {"ir", "functions", *STAGES, "runtime"}
    assert named <= folders()


def test_every_public_name_is_listed_once_and_can_be_reached():
    import symgrad

    assert list(symgrad.__all__) == sorted(set(symgrad.__all__))
    assert set(symgrad._HOME) == set(symgrad.__all__)
    for name in symgrad.__all__:
        assert getattr(symgrad, name) is not None
    assert set(symgrad.__all__) <= set(dir(symgrad))
    with pytest.raises(AttributeError, match=r"symgrad.*has no attribute 'nonsense'"):
        _ = symgrad.nonsense


def tracked() -> list[Path]:
    """The text files that belong to the project."""
    folders = ("symgrad", "tests", "examples", "benchmarks", ".ci")
    suffixes = {".py", ".toml", ".md", ".cfg", ".txt", ".c", ".json", ""}
    found = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in folders:
        found += (ROOT / folder).rglob("*")
    return [
        path
        for path in found
        if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts
    ]


def test_no_file_names_a_package_registry():
    # Where packages come from is the installer's business, not this project's.
    words = (
        "index-" + "url",
        "index_" + "url",
        "find-" + "links",
        "py" + "pi.",
        "trusted-" + "host",
    )
    wrong = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in tracked()
        for word in words
        if word in path.read_text(encoding="utf-8", errors="replace").lower()
    ]
    assert not wrong


PROBE = """
import sys, time
start = time.process_time()
import symgrad
used = time.process_time() - start
heavy = [name for name in ("sympy", "numba", "numpy", "llvmlite", "mpmath", "click", "torch")
         if name in sys.modules]
print(used, *heavy)
"""


def test_importing_the_package_is_quick_and_imports_nothing_heavy():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROBE],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.split()
        for _ in range(3)
    ]
    assert all(heavy == [] for _, *heavy in runs)
    assert min(float(used) for used, *_ in runs) < 0.15
