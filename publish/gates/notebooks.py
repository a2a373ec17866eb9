"""Gate: every notebook that the site offers runs from top to bottom, as a reader would run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from publish.execute import AT_ONCE

from .finding import Finding
from .site import Site

TIMEOUT = 600
COLOR = re.compile(r"\x1b\[[0-9;]*m")


def notebooks(site: Site) -> Iterator[Finding]:
    """Unpack each archive in an empty folder and run the notebooks in it, as many side by side as a render does."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for findings in pool.map(partial(_check, site.root), sorted(site.root.rglob("*.zip"))):
            yield from findings


def _check(root: Path, archive: Path) -> list[Finding]:
    where = archive.relative_to(root).as_posix()
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            with zipfile.ZipFile(archive) as file:
                file.extractall(folder)
        except zipfile.BadZipFile:
            return [Finding(where, None, "notebooks", "is no zip archive, or a damaged one")]
        for notebook in sorted(Path(folder).rglob("*.ipynb")):
            if problem := _run(notebook):
                message = f"{notebook.name} does not run to its end: {problem}"
                findings.append(Finding(where, None, "notebooks", message))
    return findings


def _run(notebook: Path) -> str | None:
    """Run a notebook in its folder; return the error that stopped it."""
    # Without the project on the path, where pip install -e has put it: the notebook must bring its own copy of the
    # package. Python imports sitecustomize after it has read what pip wrote.
    root = Path(__file__).parents[2]
    without = notebook.parents[1] / ".without-project"
    without.mkdir(exist_ok=True)
    (without / "sitecustomize.py").write_text(f"import sys\nsys.path[:] = [p for p in sys.path if p != {str(root)!r}]\n")
    environment = os.environ | {"PYTHONPATH": str(without)}
    script = f"import publish; from nbclient.cli import main; main([{str(notebook)!r}, '--timeout', '{TIMEOUT}'])"
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if run.returncode == 0:
        return None
    lines = [line for line in COLOR.sub("", run.stderr).splitlines() if line.strip()]
    return lines[-1] if lines else f"exit status {run.returncode}"
