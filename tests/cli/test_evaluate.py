"""symgrad eval: every way in, every way out, the same numbers; and nothing half-done."""

import csv
import io
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from symgrad.api import compile_problem
from symgrad.cli.evaluate import BLOCK_BYTES, block_size, layout_of
from symgrad.cli.options import load_problem
from symgrad.errors import OptionError
from symgrad.interop.files import Layout
from symgrad.interop.points import BLOCK

START = "import sys; from symgrad.cli import main; main(sys.argv[1:])"
POINTS = np.random.default_rng(1).uniform(0.5, 1.5, size=(57, 2))
HEADER = ["value", "gradient_x", "gradient_y"]
SPRING = "k*(x**2 + y**2)*sin(y)"


def spring(points, k=2.0):
    """Value and gradient of k (x^2 + y^2) sin y, by hand."""
    x, y = points.T
    r2 = x**2 + y**2
    value = k * r2 * np.sin(y)
    by_y = 2 * k * y * np.sin(y) + k * r2 * np.cos(y)
    return value, np.stack([2 * k * x * np.sin(y), by_y], axis=1)


def assert_spring(value, gradient, points, k=2.0, rtol=1e-14):
    expected = spring(points, k)
    np.testing.assert_allclose(value, expected[0], rtol=rtol)
    np.testing.assert_allclose(gradient, expected[1], rtol=rtol, atol=rtol)


def read_csv(text):
    rows = list(csv.reader(io.StringIO(text)))
    return rows[0], np.array(rows[1:], dtype=float)


def assert_csv(text, points, k=2.0):
    header, table = read_csv(text)
    assert header == HEADER
    assert_spring(table[:, 0], table[:, 1:], points, k)


@pytest.fixture
def points(tmp_path):
    np.save(tmp_path / "points.npy", POINTS)
    return tmp_path / "points.npy"


@pytest.mark.parametrize("block", [None, 1, 10, 57, 1000])
def test_npy_to_npz(run, problem, points, tmp_path, block):
    sizes = () if block is None else ("--block", block)
    result = run("eval", problem, points, "-o", "r.npz", *sizes)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert "Computed value (57,), gradient (57, 2) in float64." in result.stderr
    assert "Evaluated 57 points in" in result.stderr
    with np.load(tmp_path / "r.npz") as archive:
        assert sorted(archive) == ["gradient", "value"]
        assert_spring(archive["value"], archive["gradient"], POINTS)


def test_blocks_and_workers_do_not_change_a_bit(run, problem, tmp_path):
    files = set()
    for i, extra in enumerate([(), ("--block", 7), ("--workers", 2, "--block", 1000)]):
        run("eval", problem, "--random", 2500, "-o", f"r{i}.npz", *extra)
        files.add((tmp_path / f"r{i}.npz").read_bytes())
    assert len(files) == 1


def test_the_interpreter_evaluates_where_nothing_is_to_be_compiled(run, problem, points, tmp_path):
    for jit, how in (("never", "interpreted"), ("always", "compiled anew|from the cache")):
        result = run("eval", problem, points, "-o", f"{jit}.npz", "--jit", jit)
        assert result.exit_code == 0, result.stderr
        assert re.search(rf"Ready in .* s, .*({how})", result.stderr)
        with np.load(tmp_path / f"{jit}.npz") as archive:
            assert_spring(archive["value"], archive["gradient"], POINTS)
    assert run("eval", problem, points, "--jit", "maybe").exit_code == 2


def test_one_derivative_to_npy(run, problem, points, tmp_path):
    result = run("eval", problem, points, "-o", "r.npy", "--derivatives", "gradient")
    assert result.exit_code == 0, result.stderr
    assert_spring(spring(POINTS)[0], np.load(tmp_path / "r.npy"), POINTS)


def test_higher_orders(run, points, tmp_path):
    arguments = ("x**3*y", points, "--inputs", "x,y", "--derivatives", "hessian,3")
    assert run("eval", *arguments, "-o", "r.npz").exit_code == 0
    with np.load(tmp_path / "r.npz") as archive:
        np.testing.assert_allclose(archive["hessian"][:, 0, 0], 6 * POINTS.prod(axis=1), rtol=1e-14)
        np.testing.assert_allclose(archive["order3"][:, 0, 0, 1], 6 * POINTS[:, 0], rtol=1e-14)


def test_csv_goes_to_standard_output(run, problem, points):
    result = run("eval", problem, points)
    assert result.exit_code == 0, result.stderr
    assert_csv(result.stdout, POINTS)


def test_csv_comes_from_standard_input(run, problem):
    text = "y,x\n" + "".join(f"{y!r},{x!r}\n" for x, y in POINTS.tolist())
    result = run("eval", problem, "-", "--block", 10, "-o", "-", "--quiet", input=text)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert_csv(result.stdout, POINTS)


def test_csv_to_csv(run, problem, tmp_path):
    np.savetxt(tmp_path / "p.csv", POINTS, delimiter=",", header="x,y", comments="", fmt="%.17g")
    assert run("eval", problem, "p.csv", "-o", "r.csv").exit_code == 0
    assert_csv((tmp_path / "r.csv").read_text(), POINTS)


def test_float32(run, problem, points, tmp_path):
    result = run("eval", problem, points, "-o", "r.npz", "--dtype", "float32")
    assert result.exit_code == 0, result.stderr
    with np.load(tmp_path / "r.npz") as archive:
        assert archive["value"].dtype == np.float32
        assert_spring(archive["value"], archive["gradient"], POINTS, rtol=2e-6)


@pytest.mark.parametrize("dtype", [">f8", "f4", "i8", "?"])
def test_points_of_other_dtypes(run, problem, tmp_path, dtype):
    points = np.array([[1, 1], [0, 1], [1, 0]]).astype(dtype)
    np.save(tmp_path / "p.npy", points)
    result = run("eval", problem, "p.npy")
    assert result.exit_code == 0, result.stderr
    assert_csv(result.stdout, points.astype(float))


def test_no_points(run, problem, tmp_path):
    np.save(tmp_path / "p.npy", np.empty((0, 2)))
    assert run("eval", problem, "p.npy", "-o", "r.npz").exit_code == 0
    with np.load(tmp_path / "r.npz") as archive:
        assert archive["gradient"].shape == (0, 2)


def test_parameters_from_the_command_line(run, problem, points):
    assert_csv(run("eval", problem, points, "--parameter", "k=-2.5").stdout, POINTS, k=-2.5)


def test_parameters_from_a_column(run, problem, tmp_path):
    k = np.linspace(-1, 1, len(POINTS))
    np.savez(tmp_path / "p.npz", points=POINTS, k=k)
    assert_csv(run("eval", problem, "p.npz", "--block", 10).stdout, POINTS, k)
    arguments = ("eval", SPRING, "p.npz", "--inputs", "x,y", "--parameter", "k")
    assert_csv(run(*arguments, "--derivatives", "value,gradient").stdout, POINTS, k)


def test_a_parameter_given_twice_is_refused(run, problem, tmp_path):
    np.savez(tmp_path / "p.npz", points=POINTS, k=np.ones(len(POINTS)))
    result = run("eval", problem, "p.npz", "--parameter", "k=1")
    assert result.exit_code == 2
    assert "k has a column in p.npz and a value in --parameter" in result.stderr


def test_a_parameter_without_a_value_is_refused(run, points):
    result = run("eval", SPRING, points, "--inputs", "x,y", "--parameter", "k")
    assert result.exit_code == 2
    assert "no value is given for the parameter(s) k: add --parameter NAME=VALUE" in result.stderr


def test_unused_columns_are_mentioned(run, problem, tmp_path):
    (tmp_path / "p.csv").write_text("id,x,y\nfirst,1,1\n")
    result = run("eval", problem, "p.csv")
    assert result.exit_code == 0
    assert "Columns not used: id\n" in result.stderr


def test_random_points_are_summarised(run, problem):
    result = run("eval", problem, "--random", 20_000, "--block", 3000)
    assert result.exit_code == 0, result.stderr
    title, header, *lines = result.stdout.splitlines()
    assert title == "spring at 20,000 random points, seed 0"
    assert header.split()[:2] == ["entry", "first"]
    table = {line.split()[0]: [float(text) for text in line.split()[1:]] for line in lines}
    assert list(table) == HEADER
    drawn = np.random.default_rng(0).random((20_000, 2)) * [2, 1] + [-1, 0.5]
    value, gradient = spring(drawn)
    for name, column in zip(HEADER, [value, *gradient.T], strict=True):
        expected = [column[0], column.mean(), column.min(), column.max()]
        np.testing.assert_allclose(table[name], expected, rtol=1e-5)
    assert "points a second" in result.stderr


def test_random_points_go_to_a_file_when_one_is_named(run, problem, tmp_path):
    result = run("eval", problem, "--random", 100, "--seed", 4, "-o", "r.npz")
    assert result.stdout == ""
    drawn = np.random.default_rng(4).random((100, 2)) * [2, 1] + [-1, 0.5]
    with np.load(tmp_path / "r.npz") as archive:
        assert_spring(archive["value"], archive["gradient"], drawn)


def test_ranges_from_the_command_line(run):
    arguments = ("--inputs", "x", "--range", "x=2:2", "--parameter", "k", "--range", "k=3:3")
    result = run("eval", "k*x**2", "--random", 5, *arguments, "--derivatives", "value", "-o", "-")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == ["value", *["12.0"] * 5]


def test_random_points_need_ranges(run):
    result = run("eval", "x*y", "--inputs", "x,y", "--random", 5, "--range", "x=0:1")
    assert result.exit_code == 2
    assert "a range for y: add --range y=-1:1" in result.stderr
    result = run("eval", "k*x", "--inputs", "x", "--random", 5, "--range", "x=0:1")
    assert result.exit_code == 2
    assert "'k' is not declared" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "either a file of POINTS or --random N"),
        (("points.npy", "--random", "3"), "one of them only"),
        (("missing.npy",), "missing.npy: there is no such file"),
        (("points.npy", "-o", "r.txt"), "r.txt: its suffix must tell the format"),
        (("points.npy", "-o", "r.npy"), "npy holds one array, and there are 2 results"),
        (("points.npy", "-o", "spring.toml"), "its suffix must tell the format"),
        (("points.npy", "--derivatives", "gradiant"), "did you mean 'gradient'?"),
        (("points.npy", "--derivatives", "jvp"), "jvp needs a vector for every point"),
        (("points.npy", "--parameter", "q=1"), "--parameter names q"),
        (("points.npy", "--inputs", "x,y"), "leave out --inputs"),
        (("points.npy", "--block", "0"), "Invalid value for '--block'"),
    ],
)
def test_bad_requests_are_usage_errors(run, problem, points, tmp_path, arguments, message):
    before = sorted(tmp_path.iterdir())
    result = run("eval", problem, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert sorted(tmp_path.iterdir()) == before


def test_files_are_not_overwritten_unasked(run, problem, points, tmp_path):
    (tmp_path / "r.npz").write_text("mine")
    result = run("eval", problem, points, "-o", "r.npz")
    assert result.exit_code == 2
    assert "r.npz exists already" in result.stderr
    assert (tmp_path / "r.npz").read_text() == "mine"
    assert run("eval", problem, points, "-o", "r.npz", "--overwrite").exit_code == 0
    with np.load(tmp_path / "r.npz") as archive:
        assert archive["value"].shape == (57,)


def test_a_late_fault_leaves_no_file(run, problem, tmp_path):
    (tmp_path / "p.csv").write_text("x,y\n" + "1,1\n" * 50 + "1,oops\n")
    before = sorted(tmp_path.iterdir())
    result = run("eval", problem, "p.csv", "-o", "r.npz", "--block", 10)
    assert result.exit_code == 2
    assert "p.csv, line 52, column y: 'oops' is no number" in result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_the_bar_is_hidden_where_nobody_sees_it(run, problem, points):
    assert "%" not in run("eval", problem, points, "-o", "r.npz").stderr


def test_several_outputs_have_named_columns(tmp_path, run):
    (tmp_path / "two.toml").write_text(
        'inputs = ["x", "y"]\nderivatives = ["value", "jacobian"]\n'
        '[outputs]\nsum = "x + y"\nproduct = "x*y"\n'
    )
    (tmp_path / "p.csv").write_text("x,y\n3,5\n")
    header, table = read_csv(run("eval", "two.toml", "p.csv").stdout)
    assert dict(zip(header, table[0], strict=True)) == {
        "value_sum": 8,
        "value_product": 15,
        "jacobian_sum_x": 1,
        "jacobian_sum_y": 1,
        "jacobian_product_x": 5,
        "jacobian_product_y": 3,
    }


def test_chosen_partials_have_their_own_names(tmp_path, run):
    (tmp_path / "pde.toml").write_text(
        'inputs = ["x", "t"]\n[derivatives]\nu = []\nu_xt = ["x", "t"]\n[outputs]\nu = "x**2*t"\n'
    )
    (tmp_path / "p.csv").write_text("x,t\n3,5\n")
    header, table = read_csv(run("eval", "pde.toml", "p.csv").stdout)
    assert header == ["u", "u_xt"]
    assert table.tolist() == [[45.0, 6.0]]


def test_layout_has_a_label_for_every_entry(run):
    fn = compile_problem(load_problem("x*y", ("x", "y")), derivatives=("hessian",))
    layout = layout_of(fn)
    assert layout.labels["hessian"] == [f"hessian_{a}_{b}" for a in "xy" for b in "xy"]
    products = compile_problem(load_problem("x*y", ("x", "y")), derivatives=("value", "vjp"))
    with pytest.raises(OptionError, match="vjp needs a vector for every point"):
        layout_of(products)


def test_blocks_shrink_where_results_are_large():
    assert block_size(Layout({"value": ()}, {})) == BLOCK
    large = Layout({"value": (), "hessian": (100, 100)}, {})
    assert 0.99 * BLOCK_BYTES < block_size(large) * 8 * 10_001 <= BLOCK_BYTES
    assert block_size(Layout({"huge": (10**9,)}, {})) == 1


@pytest.fixture
def start(problem, tmp_path, cache_folder):
    """Start the command in a process of its own."""

    def call(*arguments, **options):
        root = os.getcwd()
        environment = {**os.environ, "SYMGRAD_CACHE_DIR": str(cache_folder), "PYTHONPATH": root}
        command = [sys.executable, "-c", START, *map(str, arguments)]
        return subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, **options)

    return call


PIPE = subprocess.PIPE


def test_a_process_of_its_own(start, problem, points, tmp_path):
    child = start("eval", problem, points, stdout=PIPE, stderr=PIPE)
    text, said = child.communicate(timeout=120)
    assert child.returncode == 0, said
    assert_csv(text, POINTS)


@pytest.mark.skipif(os.name != "posix", reason="signals are sent otherwise elsewhere")
def test_an_interrupt_leaves_nothing(start, problem, tmp_path):
    # Where this process ignores interrupts, as in a shell's background, a child would too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    child = start("eval", problem, "-", "-o", "r.npz", "--block", 1, stdin=PIPE, stderr=PIPE)
    signal.signal(signal.SIGINT, before)
    child.stdin.write("x,y\n1,1\n")
    child.stdin.flush()
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".r.npz.*/0.npy")) and time.monotonic() < deadline:
        time.sleep(0.05)
    # By then it waits for more points: what C code calls back would swallow an interrupt.
    time.sleep(1)
    assert child.poll() is None, "it ended before it was interrupted"
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Interrupted" in said
    assert "Traceback" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spring.toml"]


@pytest.mark.skipif(os.name != "posix", reason="pipes break otherwise elsewhere")
def test_a_reader_that_leaves_is_no_error(start, problem):
    arguments = ("--random", 200_000, "-o", "-", "--quiet")
    child = start("eval", problem, *arguments, stdout=PIPE, stderr=PIPE)
    assert child.stdout.readline() == "value,gradient_x,gradient_y\n"
    child.stdout.close()
    said = child.stderr.read()
    child.stderr.close()
    child.wait(timeout=120)
    assert said == ""


SPARSE = """\
inputs = ["x", "y", "z"]
derivatives = ["value", "jacobian", "hessian"]
sparse = true
[outputs]
a = "x**2*y"
b = "z + x"
"""


def test_sparse_results_have_a_column_for_every_stored_entry(run, tmp_path):
    (tmp_path / "p.toml").write_text(SPARSE)
    (tmp_path / "points.csv").write_text("x,y,z\n2,3,5\n")
    result = run("eval", "p.toml", "points.csv", "-q")
    assert result.exit_code == 0, result.stderr
    head, row = result.stdout.splitlines()
    assert head == (
        "value_a,value_b,jacobian_a_x,jacobian_a_y,jacobian_b_x,jacobian_b_z,"
        "hessian_a_x_x,hessian_a_y_x"
    )
    assert [float(word) for word in row.split(",")] == [12, 7, 12, 4, 1, 1, 6, 4]
    dense = run("eval", "p.toml", "points.csv", "-q", "--dense").stdout.splitlines()
    assert len(dense[0].split(",")) == 2 + 6 + 18


def test_sparse_results_go_to_arrays(run, tmp_path):
    (tmp_path / "p.toml").write_text(SPARSE)
    (tmp_path / "points.csv").write_text("x,y,z\n2,3,5\n1,1,1\n")
    assert run("eval", "p.toml", "points.csv", "-o", "r.npz").exit_code == 0
    with np.load(tmp_path / "r.npz") as arrays:
        assert arrays["hessian"].tolist() == [[6, 4], [2, 2]]
        assert arrays["jacobian"].shape == (2, 4)
