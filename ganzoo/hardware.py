"""The hardware of this machine."""

import os
import platform
import resource
import sys
from functools import cache
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
STATUS = Path("/proc/self/status")
BFLOAT16_FLAGS = ("amx_bf16", "avx512_bf16", "bf16")
"""Instructions that multiply bfloat16, by their names in /proc/cpuinfo: Intel's, AMD's and Intel's, ARM's."""


@cache
def cpu_flags() -> frozenset[str]:
    """Return the capability flags of the CPU; empty if the system does not list them."""
    lines = [line for line in _cpu_info() if line.lower().startswith(("flags", "features"))]
    return frozenset(lines[0].partition(":")[2].split()) if lines else frozenset()


def bfloat16_flags() -> list[str]:
    """Return the CPU's instructions for bfloat16; without any, torch emulates it and float32 is far faster."""
    return [flag for flag in BFLOAT16_FLAGS if flag in cpu_flags()]


def has_fast_bfloat16() -> bool:
    """Return whether bfloat16 is fast on this CPU."""
    return bool(bfloat16_flags())


def cpu_name() -> str:
    """Return the name of the processor, or its architecture."""
    for line in _cpu_info():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _cpu_info() -> list[str]:
    return CPU_INFO.read_text().splitlines() if CPU_INFO.exists() else []


def num_cpus() -> int:
    """Return how many logical CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_memory_bytes() -> int:
    """Return the peak memory of this process so far."""
    # On Linux, ru_maxrss of a child starts with the parent's peak; VmHWM, in kibibytes, counts only the process itself.
    for line in STATUS.read_text().splitlines() if STATUS.exists() else []:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    # getrusage(2) counts kibibytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
