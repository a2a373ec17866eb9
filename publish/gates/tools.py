"""The programs that some gates need besides Python, and how to get them."""

from __future__ import annotations

import shutil
from pathlib import Path

NODE_MODULES = Path(__file__).parents[2] / "node_modules"


class MissingTool(Exception):
    """A gate cannot run. It then fails: a check that is skipped silently would look as if it had passed."""


def program(package: str, *names: str) -> str:
    """Return the path of the first program in `names` that is installed."""
    for name in names:
        if path := shutil.which(name):
            return path
    raise MissingTool(f"there is no {names[0]} on the PATH. On Debian and Ubuntu: apt install {package}")


def npm_file(path: str) -> Path:
    """Return a file of a package that package.json names."""
    if not (file := NODE_MODULES / path).is_file():
        raise MissingTool(f"{path.split('/')[0]} is not installed: run npm ci (make check does), or apt install npm first")
    return file
