"""The gate on notebooks runs what a reader would download."""

import zipfile

import nbformat
import pytest

from publish.gates.notebooks import notebooks
from publish.gates.site import Site


def pack(site, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    with zipfile.ZipFile(site / "post.zip", "w") as archive:
        archive.writestr("post/post.ipynb", nbformat.writes(notebook))
        archive.writestr("post/beside.txt", "42")


def test_a_notebook_that_runs_passes(tmp_path):
    pack(tmp_path, "from pathlib import Path", "assert Path('beside.txt').read_text() == '42'")
    assert list(notebooks(Site(tmp_path))) == []


@pytest.mark.parametrize(
    ("source", "message"),
    [("1 / 0", "ZeroDivisionError: division by zero"), ("import nnlib", "No module named 'nnlib'")],
)
def test_a_notebook_that_stops_is_found(tmp_path, source, message):
    pack(tmp_path, "x = 1", source)
    (finding,) = notebooks(Site(tmp_path))
    assert str(finding).startswith("post.zip: notebooks: post.ipynb does not run to its end: ")
    assert message in finding.message


def test_a_damaged_archive_is_found(tmp_path):
    (tmp_path / "post.zip").write_bytes(b"not a zip")
    (finding,) = notebooks(Site(tmp_path))
    assert "is no zip archive" in finding.message
