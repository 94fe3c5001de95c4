"""The GPU benchmark without a GPU, so that it cannot rot: dry runs, processes, tables, marks."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from time import monotonic
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import gpu
from benchmarks.on_gpu import beside as gpu_beside
from benchmarks.on_gpu import cases as gpu_cases
from benchmarks.on_gpu import device as gpu_device
from benchmarks.on_gpu import engines as gpu_engines
from benchmarks.on_gpu import functions as gpu_functions
from benchmarks.on_gpu import kernels as gpu_kernels
from benchmarks.on_gpu import launch as gpu_launch
from benchmarks.on_gpu import limits as gpu_limits
from benchmarks.on_gpu import problems as gpu_problems
from benchmarks.on_gpu import products as gpu_products
from benchmarks.on_gpu import references as gpu_references
from benchmarks.on_gpu import report as gpu_report
from benchmarks.on_gpu import sections as gpu_sections
from benchmarks.on_gpu import tools as gpu_tools
from benchmarks.on_gpu import workers as gpu_workers
from benchmarks.on_gpu.kernels import Kernel
from symgrad.errors import DeviceError
from symgrad.runtime.cuda.device import Machine
from tests.cases import NEEDS_CASES

NEEDS_COMPILER = pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++ here")


@pytest.fixture(autouse=True)
def no_device():
    """Every test begins and ends without a device."""
    gpu_device.use(dry=False)
    yield
    gpu_device.use(dry=False)


def dry(tmp_path, capsys, *sections):
    """A dry run of some sections: its status, what it printed, its records, its page."""
    page, data = tmp_path / "page.md", tmp_path / "records.jsonl"
    page.write_text("# Results\n\nBefore.\n", encoding="utf-8")
    options = ["--dry", "--markdown", str(page), "--json", str(data), "--only", *sections]
    status = gpu.main(options)
    records = [json.loads(text) for text in data.read_text(encoding="utf-8").splitlines()]
    return status, capsys.readouterr().out, records, page.read_text(encoding="utf-8")


@NEEDS_COMPILER
def test_a_dry_run_evaluates_problems_and_times_nothing(tmp_path, capsys):
    status, shown, records, page = dry(tmp_path, capsys, "environment", "problems", "products")
    assert status == 0, shown
    problems = [record for record in records if record["section"] == "problems"]
    assert len(problems) == 8
    assert all(record["error"] < 20 and record["ps"] is None for record in problems)
    products = [record for record in records if record["section"] == "products"]
    assert {record["item"][1] for record in products} == {"vjp", "normal", "gradient"}
    assert all(record["error"] < 1e-12 and record["repeatable"] for record in products)
    assert "not measured" in shown
    assert page.startswith("# Results\n\nBefore.\n")
    assert page.count(gpu_report.BEGIN) == page.count(gpu_report.END) == 1
    assert "### Problems" in page
    assert "A dry run" in page


@NEEDS_CASES
@NEEDS_COMPILER
def test_a_dry_run_has_the_references_of_cases_and_functions(tmp_path, capsys):
    pytest.importorskip("flint")
    status, shown, records, _ = dry(tmp_path, capsys, "cases", "functions")
    assert status == 0, shown
    errors = [e for r in records if r["section"] == "cases" for e in r["errors"].values()]
    assert len(errors) >= 6
    assert max(errors) < 1e-13
    rows = [record for record in records if record["section"] == "functions"]
    assert {tuple(r["item"]) for r in rows} == {
        (name, dtype) for name in gpu_functions.DRY for dtype in ("float64", "float32")
    }
    assert all(0 < max(record["ordinary"]) < 8 for record in rows)


@NEEDS_COMPILER
def test_a_dry_run_calls_peers_and_engines(tmp_path, capsys):
    status, shown, records, page = dry(tmp_path, capsys, "engines", "calls", "beside")
    assert status == 0, shown
    (record,) = [one for one in records if one["section"] == "beside"]
    for peer, library in (("jax", "jax"), ("torch.func", "torch")):
        found = record["peers"][peer]
        if importlib.util.find_spec(library) is None:
            assert "ModuleNotFoundError" in found["reason"]
        else:
            assert found["error"] < 1e-12
    forms = {tuple(one["item"]) for one in records if one["section"] == "calls"}
    assert forms == {("nvrtc", form) for form in gpu_launch.FORMS}
    assert "### Engines" in page


def test_machine_code_of_the_limits_is_built_where_the_compiler_is(tmp_path, capsys):
    status, shown, records, _ = dry(tmp_path, capsys, "limits", "tools")
    assert status == 0, shown
    limits = [record for record in records if record["section"] == "limits"]
    assert len(limits) == len(gpu_limits.MEMORY) + 2 * len(gpu_limits.OPERATIONS)
    there = importlib.util.find_spec("cuda") is not None
    assert all((record["registers"] > 0) == there for record in limits)
    answers = {record["answer"] for record in records if record["section"] == "tools"}
    assert answers == ({"built"} if there else {"NVRTC is not installed"})


def test_without_a_gpu_the_command_says_so_and_fails(capsys, monkeypatch):
    # The process that would hold the GPU is this one here.
    monkeypatch.setattr(gpu, "Worker", lambda cases: gpu_workers.Inline())
    monkeypatch.setattr(gpu, "Builders", lambda cases, dry: gpu_workers.Builders(cases, True))
    for name in ("torch_arrays", "cupy_arrays"):
        monkeypatch.setattr(gpu_device, name, lambda: None)
    before = dict(os.environ)
    assert gpu.main([]) == 1
    assert "no NVIDIA GPU" in capsys.readouterr().err
    assert dict(os.environ) == before
    # A library that sees a GPU is not enough: the driver and its packages have to be there too.
    seen = SimpleNamespace(facts=lambda: {"GPU": "some"})
    monkeypatch.setattr(gpu_device, "torch_arrays", lambda: seen)
    monkeypatch.setattr(Machine, "device", refused)
    assert gpu.main([]) == 1
    assert "DeviceError: no driver here" in capsys.readouterr().err


def refused(machine, index):
    raise DeviceError("no driver here")


def test_the_command_starts_without_what_is_optional():
    """What a machine that is lent for an hour lacks is not met as a traceback."""
    optional = ("flint", "scipy", "torch", "jax", "cupy", "hypothesis", "platformdirs", "cuda")
    code = f"import sys; sys.modules.update(dict.fromkeys({optional})); import benchmarks.gpu"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def fail():
    raise ValueError("first line\nsecond")


def leave():
    os._exit(3)


def wait():
    import time

    time.sleep(60)


def double(value):
    return 2 * value


def test_a_process_that_fails_dies_or_hangs_is_a_failure_and_the_next_one_answers():
    worker = gpu_workers.Worker()
    try:
        assert worker.ask(__name__, "double", 21) == 42
        failed = worker.ask(__name__, "fail")
        assert failed.reason.startswith("ValueError: first line (test_gpu_benchmark.py:")
        assert worker.ask(__name__, "leave").reason == "its process died (status 3)"
        assert worker.ask(__name__, "double", 4) == 8
        assert worker.ask(__name__, "wait", seconds=0.2).reason == "no answer in 0 s"
        worker.send(__name__, "double", 1)
        worker.send(__name__, "double", 2)
        assert [worker.receive(60), worker.receive(60)] == [2, 4]
    finally:
        worker.close()


def test_builders_work_ahead_and_say_what_failed():
    builders = gpu_workers.Builders(None, dry=False)
    try:
        builders.start("a", double, 3)
        builders.start("a", double, 5)
        assert builders.result("a", 60, double, 7) == 6
        assert builders.result("b", 60, double, 7) == 14
        assert builders.result("c", 60, fail).reason.startswith("ValueError: first line")
        assert builders.result("d", 0.0, wait) == gpu_workers.Failure("not built in time")
        assert not builders.wait(0.0)
    finally:
        builders.close()
    assert gpu_workers.Builders(None, dry=True).result("a", 0.0, double, 3) == 6


def test_sections_share_the_time_and_go_on_after_failures(monkeypatch, capsys):
    end = monotonic() + 90.0
    first, last = gpu.deadlines(("environment", "limits"), end)
    assert last - first == pytest.approx(50.0, abs=1.0)
    assert last == pytest.approx(end)  # what the start took is not added

    def broken(context, module):
        yield {"item": ["a"], "failed": "it broke"}
        yield {"item": ["b"], "failed": gpu_sections.LATE}
        raise RuntimeError("the end")

    module = SimpleNamespace(TITLE="Broken", markdown=lambda records: iter(()))
    monkeypatch.setitem(gpu_sections.SECTIONS, "environment", (module, broken))
    _, records, remark = gpu.run_section("environment", None, None)
    assert records == [{"item": ["a"], "failed": "it broke"}]
    assert remark.startswith("The section ended early: RuntimeError: the end (")
    assert remark.endswith("1 of 2 were left out for lack of time.")
    assert "FAILED a: it broke" in capsys.readouterr().out
    page = list(gpu_report.block("command", False, [(module, records, remark)]))
    assert "- FAILED a: it broke" in page
    assert page[-1] == remark


def test_items_without_time_are_left_out():
    options = SimpleNamespace(dry=True)
    context = gpu_sections.Context(
        options, gpu_workers.Inline(), gpu_workers.Builders(None, True), deadline=0.0
    )
    for module, run in gpu_sections.SECTIONS.values():
        made = list(run(context, module))
        assert len(made) == len(list(module.items(options)))
        assert all(record["failed"] == gpu_sections.LATE for record in made)


def test_a_block_is_replaced_and_what_is_around_it_stays(tmp_path):
    page = tmp_path / "page.md"
    gpu_report.replace_block(page, ["one"])
    first = page.read_text(encoding="utf-8")
    assert first == f"{gpu_report.BEGIN}\none\n{gpu_report.END}\n"
    page.write_text(f"before\n{first}after\n", encoding="utf-8")
    gpu_report.replace_block(page, ["two"])
    assert page.read_text(encoding="utf-8") == f"before\n{first.replace('one', 'two')}after\n"


def test_a_table_that_cannot_be_made_costs_nothing_else():
    module = SimpleNamespace(TITLE="Table", markdown=lambda records: iter([records[0]["no"]]))
    page = list(gpu_report.block("command", False, [(module, [{"item": ["a"]}], "")]))
    assert "The table cannot be made: KeyError: 'no'" in page


def test_limits_of_a_program_come_from_its_bytes_and_instructions():
    rates = {"memory copy": 4e12, "float64 fma": 1e13, "float64 div": 1e12}
    counts = {"load": 9, "mul": 20, "fma": 10, "div": 1, "besselj0": 1}
    record = {"item": ["a", "float64", "last"], "bytes": 40, "ps": 12.5}
    gpu_problems.with_limits(record, counts, rates)
    assert record["memory_ps"] == pytest.approx(10.0)
    assert record["arithmetic_ps"] == pytest.approx(4.0)
    assert gpu_problems.reach(record) == pytest.approx(0.8)
    assert gpu_problems.missed(record)
    assert not gpu_problems.missed(record | {"item": ["a", "float64", "first"]})
    assert not gpu_problems.missed(record | {"memory_ps": 1.0, "arithmetic_ps": 8.0})
    assert "10m" in gpu_problems.line(record | {"differs": ""})
    found = gpu_limits.rates([{"item": ["memory", "copy"], "rate": 3.0}, {"item": ["a", "b"]}])
    assert found == {"memory copy": 3.0}


@NEEDS_COMPILER
def test_a_kernel_that_misses_points_or_is_wrong_is_found(monkeypatch):
    gpu_device.use(dry=True)
    monkeypatch.setattr(gpu_device, "DRY_POINTS", 90)
    right = gpu_device.device().compile(gpu_problems.kernel_of("sine", "float64", "last"))
    expected = gpu_problems.references("sine")

    def spoiled(where, value):
        def call(x, out):
            right(x, out=out)
            if x.shape[-1] > 50:
                out["gradient"][1, where] = value

        call.binaries = right.binaries
        monkeypatch.setattr(gpu_device.Host, "compile", lambda self, kernel: call)
        return gpu_problems.measure("sine", "float64", "last", expected)

    monkeypatch.setattr(gpu_problems, "WINDOW", 20)
    assert spoiled(slice(0, 0), 0)["differs"] == ""
    assert spoiled(3, 0)["differs"] == "the first points differ from a small call's"
    assert spoiled(70, np.nan)["differs"] == "some results were never written"
    wrong = gpu_problems.measure("sine", "float64", "last", expected + 1e-3)
    assert "wrong by" in wrong["differs"]
    assert gpu_sections.wrong(wrong)


def test_points_are_the_same_for_any_number_and_format():
    problem = gpu_problems.suite()["kerr"]
    few = gpu_kernels.points_of(problem, 3, "float32")
    many = gpu_kernels.points_of(problem, 50, "float64")
    np.testing.assert_array_equal(few.astype(float), many[:, :3])
    assert gpu_kernels.numbers(Kernel("problem:kerr", ("value", "jacobian"))) == problem.entries
    assert gpu_kernels.numbers(Kernel("problem:ur5", ("vjp",))) == 6 + 12 + 6
    assert gpu_kernels.numbers(Kernel("problem:sine", ("gradient",), reduce="sum")) == 2


def test_judgements_of_the_tables():
    case = {"item": ["case:rules/sin", "first"], "errors": {"value": 1e-15, "hessian": 1e-8}}
    assert gpu_cases.line(case) == "case:rules/sin first: WRONG by hessian 1.0e-08"
    assert gpu_sections.wrong(case)
    assert "| rules, first | 1 | 2 | 1.0e-08 | 1 | 1 |" in list(gpu_cases.markdown([case]))
    row = {
        "item": ["tanh", "float64"],
        "points": 5,
        "ordinary": [5.0, 2.0, 2.0],
        "ordinary at": [[0.5]] * 3,
        "target": [1.0, 8.0, 8.0],
        "oracle": "Arb",
    }
    assert gpu_functions.line(row) == "tanh float64: value 5 ulp at 0.5"
    assert "| float64 | 1 | 5 | 5, 5 | 2, 2 | 2, 2 | 1 |" in list(gpu_functions.markdown([row]))
    product = {
        "item": ["ur5", "vjp", "", "float64", "first"],
        "bytes": 192,
        "ps": 50.0,
        "error": 1e-3,
        "repeatable": False,
    }
    assert gpu_products.line(product).endswith("50 ps   1.0e-03 WRONG NOT REPEATABLE")
    assert gpu_sections.wrong(product)
    call = {"item": ["nvrtc", "out"], "us": 20.0}
    assert gpu_launch.line(call).endswith("20.00 us MISSED")
    both = {
        "item": ["sine", "float64", "last"],
        "nvrtc": {"ps": 10.0, "differs": "", "build_s": 0.5},
        "numba": {"ps": 12.0, "differs": "", "build_s": 1.0},
    }
    assert gpu_engines.ratio(both) == pytest.approx(1.2)
    assert any("1.20 times as long" in text for text in gpu_engines.markdown([both]))


def test_both_oracles_of_functions_agree(monkeypatch):
    pytest.importorskip("flint")
    at, _ = gpu_references.sampled("digamma", 8, "float64", 1)
    spoiled = {}
    for oracle in ("Arb", "mpmath"):
        high, low = gpu_references.exact_values("digamma", "float64", at, 5.0)
        assert len(high) == len(at)
        with np.errstate(invalid="ignore"):
            got = np.where(np.isinf(high), high, high + 3 * np.spacing(np.abs(high)))
        spoiled[oracle] = (high, low, got)
        monkeypatch.setattr(gpu_references, "arb", lambda: None)
    known = ~np.isnan(spoiled["Arb"][0])
    assert known.sum() > 8
    np.testing.assert_array_equal(spoiled["Arb"][0][known], spoiled["mpmath"][0][known])
    high, low, got = spoiled["mpmath"]
    ulp, point = gpu_references.worst("digamma", 1, at, got, high, low, "float64")
    assert ulp == pytest.approx(3, abs=0.6)
    assert point in at.tolist()


def test_a_value_beside_a_zero_counts_in_units_of_its_surroundings(monkeypatch):
    monkeypatch.setattr(gpu_references, "arb", lambda: None)
    at = np.array([[1.4616321449683622]])  # next to the zero of digamma
    high, low = gpu_references.exact_values("digamma", "float64", at, 5.0)
    got = high + 2.0**-56
    ulp, _ = gpu_references.worst("digamma", 0, at, got, high, low, "float64")
    assert 0 < ulp < 1
    assert gpu_references.ulps(got[0, 0], high[0, 0], low[0, 0], 0.0, "float64") > 1e10


def test_a_peer_that_is_late_twice_is_given_up():
    class Late(gpu_workers.Inline):
        def ask(self, module, function, *arguments, seconds=0.0):
            if arguments[:1] == ("jax",):
                return gpu_workers.Failure("no answer in 1 s", fatal=True)
            return {"label": "", "notes": "", "ready_s": 0.0, "head": np.ones((1, 1))}

    options = SimpleNamespace(dry=True)
    builders = gpu_workers.Builders(None, True)
    context = gpu_sections.Context(options, Late(), builders, deadline=1e18)
    context.others = {peer: Late() for peer in ("symgrad", *gpu_beside.PEERS)}
    reasons = [gpu_beside.run(context, "sine", 5)["peers"]["jax"]["reason"] for _ in range(3)]
    assert reasons[1:] == ["no answer in 1 s", "given up: too slow to be ready, twice"]


def test_ratios_to_peers():
    one = {"label": "a", "notes": "a 1", "ready_s": 1.0, "error": 1e-16, "ps": 30.0, "x": 3.0}
    peers = {
        "symgrad": one | {"ps": 10.0, "x": 1.0},
        "jax": one,
        "torch.compile": one | {"error": 1e-3},
        "torch.func": {"reason": "out of memory"},
    }
    record = {"item": ["sine", 20], "peers": peers}
    assert gpu_beside.cells(record) == ["10", "3", "-", "DISAGREES by 1e-03"]
    page = "\n".join(gpu_beside.markdown([record]))
    assert "- jax: 3 times as long in the geometric mean of 1 (aim 3), least 3 (sine)" in page
    assert "- sine, 2^20: torch.func: out of memory" in page
    ours = np.array([[1.0, 2.0], [4.0, 8.0]])
    assert gpu_beside.disagreement(
        ours, ours + np.array([[0.0, 0.0], [0.0, 0.8]])
    ) == pytest.approx(0.1)
    assert gpu_beside.disagreement(ours, ours[:1]) == float("inf")
    assert gpu_beside.disagreement(ours, ours * np.nan) == float("inf")


def test_what_the_tools_say():
    said = "========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors\n"
    assert gpu_tools.verdict(said, 0) == "error summary: 0 errors"
    bad = "========= Invalid __global__ write of size 8\n========= ERROR SUMMARY: 2 errors\n"
    assert gpu_tools.verdict(bad, 9) == (
        "status 9; ERROR SUMMARY: 2 errors Invalid __global__ write of size 8"
    )
    head = '"ID","Kernel Name","Metric Name","Metric Unit","Metric Value"\n'
    rows = "".join(
        f'"{number}","sg_0","{name}","byte","1,0{number}0"\n'
        for number in range(2)
        for name in gpu_tools.METRICS
    )
    found = gpu_tools.counters(f"==PROF== Connected\n{head}{rows}")
    assert [one[gpu_tools.READ] for one in found] == [1000.0, 1010.0]
    assert gpu_tools.counters("==ERROR== no permission") == []


def test_timing_takes_the_median_of_rounds(monkeypatch):
    spent = iter([1e-3, *[0.002, 0.004, 0.9] * 5])
    arrays = SimpleNamespace(between=lambda call, calls: next(spent) * calls)
    monkeypatch.setattr(gpu_device, "torch_arrays", lambda: arrays)
    assert gpu_device.Gpu().seconds(lambda: None) == pytest.approx(0.004)
    assert gpu_device.Gpu().points_for(5, "float64") * 40 >= gpu_device.TRAFFIC
