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
        command += ["-n", "auto", "--dist", "worksteal"]
    # Beside the tests, which start with one process.
    reference = subprocess.Popen([sys.executable, "-m", "publish", "reference", "nnlib", "reference"])
    if sys.stdout.isatty():  # someone is watching: let them see how far it is
        status, told = subprocess.run(command, check=False).returncode, ""
    else:
        done = subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        status, told = done.returncode, done.stdout
    failed = reference.wait()
    if status:
        print(told)
        sys.exit("The tests of nnlib fail, so nothing is rendered. Mend the code or the test, then render again.")
    if told:
        print(told.strip().splitlines()[-1], flush=True)
    sys.exit(failed)
