"""Run before a render, by either engine: the core's tests, and the pages of the reference. A failure stops the render."""

import importlib.util
import subprocess
import sys

if __name__ == "__main__":
    if importlib.util.find_spec("pytest") is None:
        sys.exit(f"{sys.executable} has no pytest. Run make site once, activate .venv, and render again.")
    print("Testing nnlib ...", flush=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests/nnlib",
        "nnlib",
        "-q",
        "-x",
        "-m",
        "not slow",
        "--no-header",
        "-p",
        "no:cacheprovider",
    ]
    if importlib.util.find_spec("xdist"):
        command += ["-n", "auto"]
    if sys.stdout.isatty():  # someone is watching: let them see how far it is
        if status := subprocess.run(command, check=False).returncode:
            sys.exit(status)
    else:
        done = subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            print(done.stdout)
            sys.exit("The tests of nnlib fail, so nothing is rendered. Mend the code or the test, then render again.")
        print(done.stdout.strip().splitlines()[-1], flush=True)
    command = [sys.executable, "-m", "publish", "reference", "nnlib", "reference"]
    sys.exit(subprocess.run(command, check=False).returncode)
