"""The doctor reports what is there and what is wrong."""

import json
import sys
from importlib.metadata import version

import pytest

from symgrad.cli import doctor
from symgrad.emit.providers.provider import FUNCTIONS, delivered
from symgrad.functions import PRIMITIVES
from symgrad.runtime import cache


def report(run):
    result = run("doctor", "--json")
    return result.exit_code, json.loads(result.stdout)


def test_a_healthy_machine_has_no_problems(run, cache_folder):
    status, found = report(run)
    assert (status, found["problems"]) == (0, [])
    assert found["versions"]["numpy"] == version("numpy")
    assert found["versions"]["numba"] == version("numba")
    assert found["cache"]["directory"] == str(cache_folder)
    assert found["vector_bytes"] in (16, 32, 64)
    assert found["threads"] >= 1
    assert found["cpu"]


def test_vector_mathematics_is_what_kernels_get(run):
    _, found = report(run)
    rows = {name: row for name, row in PRIMITIVES.items() if row.kind in ("call", "routine")}
    assert set(found["vector_mathematics"]) == set(rows)
    assert {name for name, row in rows.items() if row.kind == "call"} == set(FUNCTIONS)
    for name, choices in found["vector_mathematics"].items():
        for dtype, itemsize in (("float64", 8), ("float32", 4)):
            choice = delivered(rows[name], found["vector_bytes"] // itemsize, dtype, "high")
            assert choices[dtype] == {"provider": choice.provider, "ulp": choice.ulp}


def test_what_a_gpu_lacks_is_said(run):
    found = report(run)[1]["gpu"]
    text = run("doctor").stdout
    assert set(found["engines"]) <= {"numba", "nvrtc"}
    # Either there is a GPU, or it is said why there is none.
    assert bool(found["devices"]) == (found["lacking"] is None)
    for shown in (*found["devices"], *([found["lacking"]] if found["lacking"] else [])):
        assert shown in text


def test_text_says_the_same(run):
    text = run("doctor").stdout
    _, found = report(run)
    for name, number in found["versions"].items():
        if number:
            assert any(line.split() == [name, number] for line in text.splitlines()), name
    sine = found["vector_mathematics"]["sin"]["float64"]
    (line,) = [line.split() for line in text.splitlines() if line.startswith("  sin ")]
    assert line[:4] == ["sin", sine["provider"], f"{sine['ulp']:g}", "ulp"]
    assert text.endswith("Problems\n  none\n")


def test_functions_are_tested_and_timed_where_asked(run, monkeypatch):
    rows = {name: PRIMITIVES[name] for name in ("exp", "hypot", "sech")}
    monkeypatch.setattr(doctor, "PRIMITIVES", rows)
    result = run("doctor", "--test", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)["vector_mathematics"]
    assert set(found) == set(rows)
    for name in ("exp", "hypot"):
        for choice in found[name].values():
            assert 0.3 < choice["seen"] <= choice["ulp"]
            assert 0.05 < choice["ns"] < 1e5
    assert "seen" not in found["sech"]["float64"]  # a routine, not a C function
    assert ", seen 0." in run("doctor", "--test").stdout


def test_a_function_that_is_wrong_is_a_problem(run, monkeypatch):
    monkeypatch.setattr(doctor, "PRIMITIVES", {"exp": PRIMITIVES["exp"]})
    monkeypatch.setattr(doctor, "_error_and_time", lambda name, dtype: (float("nan"), 1.0))
    problems = doctor.findings(True)["problems"]
    assert [problem.split(" by ")[0] for problem in problems] == [
        "exp in float64",
        "exp in float32",
    ]
    assert "NUMBA_CPU_NAME" in problems[0]


def test_torch_is_not_imported(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert report(run)[0] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there are no group permissions")
def test_a_cache_that_others_can_write_is_a_problem(run, monkeypatch, tmp_path):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    monkeypatch.setenv(cache.VARIABLE, str(folder))
    status, found = report(run)
    assert status == 1
    assert "can be written by others" in found["problems"][0]


def test_a_cache_that_cannot_be_made_is_a_problem(run, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file" / "cache"))
    status, found = report(run)
    assert status == 1
    assert "cannot be made or read" in found["problems"][0]


def test_a_read_only_cache_is_a_problem(run, monkeypatch, cache_folder):
    monkeypatch.setattr(cache, "is_writable", lambda _: False)
    status, found = report(run)
    assert status == 1
    assert "compiles what is not in it anew" in found["problems"][0]


def test_missing_and_broken_packages_are_problems(run, monkeypatch):
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "numba" else real(name))
    monkeypatch.setattr(doctor, "import_module", lambda name: 1 / 0)
    status, found = report(run)
    assert status == 1
    assert found["problems"] == [
        "numba is not installed",
        "kernels cannot be compiled: ZeroDivisionError: division by zero",
    ]
    assert "missing" in run("doctor").stdout
