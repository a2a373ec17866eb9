"""Node, for the tests of the playground's modules; the rest of the project does without it."""

import os
import re
import shutil
import subprocess

import pytest

OLDEST = 18  # has all that the modules and their tests use, and comes with Debian 12 and Ubuntu 24.04
REMEDY = "On Debian and Ubuntu: apt install nodejs"


def find_node():
    """Node's path, and why it cannot be used: one of them is None."""
    path = shutil.which("node") or shutil.which("nodejs")
    if path is None:
        return None, f"the playground's tests need Node {OLDEST} or newer, and there is no node on the PATH. {REMEDY}"
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    version = re.match(r"v(\d+)\.", said)
    if not version or int(version[1]) < OLDEST:
        return None, f"the playground's tests need Node {OLDEST} or newer, and {path} is {said or 'broken'}. {REMEDY}"
    return path, None


@pytest.fixture(scope="session")
def node():
    path, problem = find_node()
    if problem:
        # A green CI must not mean that the tests were left out.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(problem)
    return path
