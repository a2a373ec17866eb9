"""Small projects to publish: a copy of the whole test site, or a page of a few lines."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from publish.cli import main

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
# The test sites hold pages and scripts of their own, which are no tests.
collect_ignore = ["site", "gates_site"]

MINIMAL = """\
project:
  type: website
  execute-dir: project
  render: [index.qmd, "posts/*/index.qmd"]
website:
  title: Minimal
  site-url: http://localhost/
format:
  html: default
"""


@pytest.fixture
def full_site(tmp_path):
    """A copy of the site that uses every feature."""
    return Path(shutil.copytree(HERE / "site", tmp_path / "site"))


@pytest.fixture
def project_with(tmp_path):
    """Make a project of one page, `index.qmd`, with this text under its front matter."""

    def make(body, front="title: Home", **files):
        root = tmp_path / "project"
        root.mkdir()
        (root / "_quarto.yml").write_text(MINIMAL)
        (root / "index.qmd").write_text(f"---\n{front}\n---\n\n{body}\n")
        for name, text in files.items():
            (root / name).write_text(text)
        return root

    return make


@pytest.fixture
def command():
    """Make the command that runs `python -m publish` from this repository, wherever it is started."""
    start = f"import sys; sys.path.append({str(REPOSITORY)!r}); from publish.cli import main; sys.exit(main())"
    return lambda *arguments: [sys.executable, "-c", start, *map(str, arguments)]


@pytest.fixture
def publish(command):
    """Run the command line in a folder."""

    def run(root, *arguments):
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        return subprocess.run(
            command(*arguments), cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    return run


@pytest.fixture
def render(monkeypatch, capfd):
    """Render the site in a folder with the embedded engine, in this process: that saves the time of the imports."""

    def run(root, *arguments):
        monkeypatch.chdir(root)
        status = main(["site", "--engine", "embedded", *map(str, arguments)])
        stdout, stderr = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, status, stdout, stderr)

    return run
