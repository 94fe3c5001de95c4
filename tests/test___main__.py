import subprocess
import sys


def test_the_package_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "symgrad", "--help"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: python -m symgrad ")
    assert "plot" in done.stdout
