"""Device: through the real packages on a driver that is none, and what it says without one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from symgrad.errors import DeviceError, LimitError
from symgrad.runtime.cuda import device
from symgrad.runtime.cuda.device import Machine, checked

ROOT = Path(__file__).parents[3]

COMPILER = shutil.which("gcc") or shutil.which("cc")

PACKAGES = find_spec("cuda") is not None and all(
    find_spec(name) is not None for name in ("cuda.core", "cuda.bindings")
)


@pytest.fixture(autouse=True)
def forget():
    """What the process knows of the driver is known to one test alone."""
    for memo in (device.driver, device._count, device._device):
        memo.cache_clear()
    yield
    for memo in (device.driver, device._count, device._device):
        memo.cache_clear()


def missing(monkeypatch, name):
    """Have a package not be there."""
    monkeypatch.setitem(sys.modules, name, None)


def installed(monkeypatch, driver):
    """Have the packages be there, with a driver of ours."""
    monkeypatch.setitem(sys.modules, "cuda", SimpleNamespace(__path__=[]))
    monkeypatch.setitem(sys.modules, "cuda.core", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "cuda.bindings", SimpleNamespace(driver=driver, __path__=[]))


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    missing(monkeypatch, "cuda")
    with pytest.raises(DeviceError, match=r"cuda-core and cuda-bindings.*symgrad\[cuda\]"):
        Machine().device(0)
    assert Machine().count() == 0


def test_a_missing_driver_is_named(monkeypatch):
    def fails(flags):
        raise RuntimeError("libcuda.so.1 not found")

    installed(monkeypatch, SimpleNamespace(cuInit=fails))
    with pytest.raises(DeviceError, match=r"driver cannot be loaded \(libcuda.so.1 not found\)"):
        Machine().device(0)
    assert Machine().count() == 0


class Status:
    def __init__(self, number: int, name: str) -> None:
        self.number, self.name = number, name

    def __int__(self) -> int:
        return self.number


def test_a_machine_without_a_gpu_says_so(monkeypatch):
    none = Status(100, "CUDA_ERROR_NO_DEVICE")
    installed(monkeypatch, SimpleNamespace(cuInit=lambda flags: (none,)))
    with pytest.raises(DeviceError, match="there is no GPU, or CUDA_VISIBLE_DEVICES hides it"):
        Machine().device(0)


@pytest.mark.parametrize(
    ("count", "there"), [(0, "there is none"), (2, "there are 2, from 0 to 1")]
)
def test_a_number_that_no_gpu_has(monkeypatch, count, there):
    ok = Status(0, "CUDA_SUCCESS")
    driver = SimpleNamespace(cuInit=lambda f: (ok,), cuDeviceGetCount=lambda: (ok, count))
    installed(monkeypatch, driver)
    assert Machine().count() == count
    for index in (-1, 7):
        with pytest.raises(DeviceError, match=f"there is no GPU {index}: {there}"):
            Machine().device(index)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("CUDA_ERROR_OUT_OF_MEMORY", LimitError, "cuX on GPU 3: out of memory; evaluate"),
        ("CUDA_ERROR_NOT_INITIALIZED", DeviceError, "forked from one that used the GPU.*'spawn'"),
        ("CUDA_ERROR_ILLEGAL_ADDRESS", DeviceError, r"cuX failed on GPU 3 \(CUDA.*\): in words"),
    ],
)
def test_what_the_driver_says_becomes_an_error_with_the_place(name, error, message):
    library = SimpleNamespace(cuGetErrorString=lambda status: (0, b"in words"))
    with pytest.raises(error, match=message):
        checked(library, "cuX", (Status(5, name),), 3)


def test_what_a_call_gives():
    ok = Status(0, "CUDA_SUCCESS")
    assert checked(None, "cuX", (ok, 12), None) == 12
    assert checked(None, "cuX", (ok,), None) is None


def make_stub(folder: Path) -> None:
    """Put ``libcuda.so.1`` and ``kernels.so`` into a folder."""
    here = Path(__file__).parent
    for source, made in (("stub_driver.c", "libcuda.so.1"), ("stub_kernels.c", "kernels.so")):
        flags = ["-O1", "-w", "-shared", "-fPIC", f"-Wl,-soname,{made}"]
        command = [str(COMPILER), *flags, str(here / source), "-o", str(folder / made), "-ldl"]
        subprocess.run(command, check=True, timeout=120)


@pytest.mark.skipif(not PACKAGES, reason="cuda-core and cuda-bindings are not installed")
@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here")
def test_the_whole_path_through_the_real_packages(tmp_path):
    make_stub(tmp_path)
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "STUB": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.runtime.cuda.whole_path"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == "all of it", done.stderr
