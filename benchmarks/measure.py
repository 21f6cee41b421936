"""CPU time and memory. Compared functions take turns, and the best turn of each counts.

Other processes disturb the best turn least. Wall-clock time would include them.
"""

import gc
import os
import platform
import re
import ssl
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

RUN_SCRIPT = """
import resource, runpy, sys
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__")
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
# Not always the last line, because CDK reports from another process.
PEAK = re.compile(r"^peak (\d+)$", re.MULTILINE)


def best_cpu_ms(*functions: Callable[[], object], turns: int) -> list[float]:
    """Return the lowest CPU time of each function in all its turns, in milliseconds."""
    best = [float("inf")] * len(functions)
    for function in functions:  # caches are warm, as in the second invocation of a Lambda function
        function()
    for _ in range(turns):
        for index, function in enumerate(functions):
            gc.collect()  # so that no function collects the garbage of another one
            start = time.process_time()
            function()
            best[index] = min(best[index], time.process_time() - start)
    return [seconds * 1000 for seconds in best]


def in_new_process(script: str, *arguments: str, **environment: str) -> list[float]:
    """Return the numbers that a Python script prints in a new process."""
    output = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [float(word) for word in output.split()]


@dataclass(frozen=True, kw_only=True)
class Usage:
    """The time and memory of a process and its child processes.

    Args:
        wall: Seconds from start to end.
        cpu: Seconds of CPU time.
        peak: Its largest resident set plus the largest one of its children, in MB.
    """

    wall: float
    cpu: float
    peak: float


def run(module: str, *arguments: str, **environment: str) -> Usage:
    """Run a module in a new process, and return its time and memory.

    Raises:
        RuntimeError: If it fails; with its output.
    """
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", RUN_SCRIPT, module, *arguments],
            env=os.environ | environment,
            stdout=output,
            stderr=output,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode()
    if process.returncode:
        raise RuntimeError(f"{module} failed: {text}")
    own = max(map(float, PEAK.findall(text)))
    # `ru_maxrss` is the largest child; Python prints its own part.
    return Usage(wall=wall, cpu=usage.ru_utime + usage.ru_stime, peak=(own + usage.ru_maxrss) / 1000)


def machine() -> str:
    """Return what the figures depend on: the processor, Python, and the libraries."""
    cpu_info = Path("/proc/cpuinfo")
    models = [line for line in cpu_info.read_text().splitlines() if line.startswith("model name")]
    cpu = models[0].partition(":")[2].strip() if models else platform.processor()
    return (
        f"{cpu} ({platform.machine()}), {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end; "
        f"{platform.system()} {platform.release()}; Python {platform.python_version()}, "
        f"zlib {zlib.ZLIB_RUNTIME_VERSION}, {ssl.OPENSSL_VERSION}"
    )
