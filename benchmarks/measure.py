"""CPU time, fairly: what is compared takes turns, and each counts with its best.

The best of many turns is the one that other processes disturbed least; wall-clock time would measure those, too.
"""

import gc
import os
import platform
import ssl
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path


def best_cpu_ms(*functions: Callable[[], object], turns: int) -> list[float]:
    """Return the least CPU time, in milliseconds, that each function took in any of its turns."""
    best = [float("inf")] * len(functions)
    for function in functions:  # caches are warm, as in the second invocation of a Lambda function
        function()
    for _ in range(turns):
        for index, function in enumerate(functions):
            gc.collect()  # nobody pays for another's garbage
            start = time.process_time()
            function()
            best[index] = min(best[index], time.process_time() - start)
    return [seconds * 1000 for seconds in best]


def in_new_process(script: str, *arguments: str, **environment: str) -> list[float]:
    """Return the numbers that a Python script prints in a process of its own."""
    output = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [float(word) for word in output.split()]


def machine() -> str:
    """Return what the figures depend on: the processor, Python, and the libraries that do the work."""
    cpu_info = Path("/proc/cpuinfo")
    models = [line for line in cpu_info.read_text().splitlines() if line.startswith("model name")]
    cpu = models[0].partition(":")[2].strip() if models else platform.processor()
    return (
        f"{cpu} ({platform.machine()}), {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end; "
        f"{platform.system()} {platform.release()}; Python {platform.python_version()}, "
        f"zlib {zlib.ZLIB_RUNTIME_VERSION}, {ssl.OPENSSL_VERSION}"
    )
