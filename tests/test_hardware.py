"""The CPU's capabilities, against a /proc/cpuinfo written by hand, and the memory of a process."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ganzoo import hardware


@pytest.fixture
def cpuinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make the module read a file of the test's own."""
    hardware.cpu_flags.cache_clear()
    monkeypatch.setattr(hardware, "CPU_INFO", tmp_path / "cpuinfo")
    yield tmp_path / "cpuinfo"
    hardware.cpu_flags.cache_clear()


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("model name\t: X\nflags\t\t: fpu avx2 avx512_bf16 amx_bf16\n", ["amx_bf16", "avx512_bf16"]),
        ("flags\t\t: fpu avx2 avx512f\n", []),
        ("Features\t: fp asimd bf16\n", ["bf16"]),
    ],
)
def test_bfloat16_is_fast_exactly_if_the_cpu_multiplies_it(cpuinfo, text, flags):
    cpuinfo.write_text(text)
    assert hardware.bfloat16_flags() == flags
    assert hardware.has_fast_bfloat16() == bool(flags)


def test_a_system_that_tells_nothing_has_no_fast_bfloat16(cpuinfo):
    assert hardware.bfloat16_flags() == []
    assert hardware.cpu_name()


def test_the_processor_is_called_by_its_own_name(cpuinfo):
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Example CPU @ 2 GHz\n")
    assert hardware.cpu_name() == "Example CPU @ 2 GHz"


def test_the_peak_of_memory_is_in_bytes_on_linux_and_macos(tmp_path, monkeypatch):
    usage = SimpleNamespace(ru_maxrss=3 * 2**20)
    monkeypatch.setattr(hardware.resource, "getrusage", lambda _who: usage)
    monkeypatch.setattr(hardware, "STATUS", tmp_path / "status")
    monkeypatch.setattr(hardware.sys, "platform", "linux")
    assert hardware.peak_memory_bytes() == 3 * 2**30
    monkeypatch.setattr(hardware.sys, "platform", "darwin")
    assert hardware.peak_memory_bytes() == 3 * 2**20
    (tmp_path / "status").write_text("VmPeak:\t   3776 kB\nVmHWM:\t   2028 kB\n")
    assert hardware.peak_memory_bytes() == 2028 * 2**10


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system has no /proc")
def test_the_peak_of_a_process_is_not_that_of_its_parent():
    # The child imports the one file by its path: the package would load torch.
    measure = f"import runpy; print(runpy.run_path({hardware.__file__!r})['peak_memory_bytes']())"
    hold = (
        "import subprocess, sys; held = b'x' * 2**28; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"
    )
    out = subprocess.run([sys.executable, "-c", hold, measure], capture_output=True, text=True, check=True).stdout
    assert int(out) < 2**27
