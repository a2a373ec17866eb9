"""How long `import nnlib` takes, and what it loads."""

import json
import os
import subprocess
import sys

from benchmarks.timing import summary

AT_MOST = 0.2  # seconds
CODE = """
import json, sys, time
before, start = set(sys.modules), time.perf_counter()
import {module}
print(json.dumps([time.perf_counter() - start, list(set(sys.modules) - before)]))
"""


def measure(rounds):
    """Seconds of `import nnlib`, and of NumPy alone, in fresh interpreters; and the packages that are loaded."""
    # The first round compiles the bytecode, which is there after an installation.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times, loaded = {"nnlib": [], "numpy": []}, set()
    for _ in range(rounds + 1):
        for module, column in times.items():
            command = [sys.executable, "-c", CODE.format(module=module)]
            elapsed, modules = json.loads(subprocess.check_output(command, env=environment))
            column.append(elapsed)
            loaded |= {name.partition(".")[0] for name in modules}
    seconds = {module: summary(column[1:]) for module, column in times.items()}
    packages = sorted(loaded - set(sys.stdlib_module_names))
    met = seconds["nnlib"]["median"] < AT_MOST and packages == ["nnlib", "numpy"]
    return {"seconds": seconds, "packages": packages, "at_most": AT_MOST, "verdict": "met" if met else "missed"}
