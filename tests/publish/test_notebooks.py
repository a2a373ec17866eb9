"""A post as a notebook: what it says, and that it runs where there is nothing but the archive."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import nbformat
import numpy as np
import pytest
from PIL import Image

from publish.chunks import read_page
from publish.covers import lighten
from publish.notebooks import notebook, write_all
from publish.project import Project

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def project():
    return Project(HERE / "site")


@pytest.fixture(scope="module")
def cells(project):
    page = read_page(project.root, PurePosixPath("posts/features/index.qmd"))
    return notebook(project, page).cells


def sources(cells, kind):
    return [cell.source for cell in cells if cell.cell_type == kind]


def test_code_is_all_there_and_in_order_without_options(cells):
    code = sources(cells, "code")
    assert "import nnlib" in code[0]
    assert [line.split("\n")[0] for line in code[1:5]] == [
        'print("from a callout")',
        'print("from an included file")',
        "from pathlib import Path",
        "fig, ax = plt.subplots(figsize=(4, 3))",
    ]
    assert not any("#|" in source or "never_run" in source for source in code)
    assert any("never_run()" in source for source in sources(cells, "markdown"))


def test_the_packages_to_install_are_those_that_the_chunks_import(project_with):
    root = project_with(
        "```{python}\nimport json, scipy.stats\nfrom yaml import safe_load\nimport matplotlib.pyplot as plt\n```\n\n"
        "```{python}\n#| eval: false\nfrom .beside import x\nimport nnlib, not_installed\n```\n\n"
        "```{python}\n#| eval: false\nno python\n```"
    )
    page = read_page(root, PurePosixPath("index.qmd"))
    about = notebook(Project(root), page).cells[0].source
    assert "`pip install jupyter numpy matplotlib scikit-learn PyYAML not_installed scipy`" in " ".join(about.split())


def test_modules_and_data_beside_the_page_come_along(tmp_path):
    root = tmp_path / "project"
    post = root / "posts/one"
    (root / "nnlib").mkdir(parents=True)
    post.mkdir(parents=True)
    (root / "_quarto.yml").write_text("project:\n  type: website\n  render: [/posts/*/index.qmd]\n")
    (post / "index.qmd").write_text("---\ntitle: One\n---\n\n```{python}\nimport helper\n```\n")
    (post / "helper.py").write_text("import scipy\n\nimport another\n")
    for name in ("another.py", "results.json", "cover.png", "notes.md"):
        (post / name).write_text("")
    project = Project(root)
    [archive] = write_all(project, tmp_path / "site")
    with zipfile.ZipFile(archive) as file:
        assert file.namelist() == ["one/one.ipynb", "one/another.py", "one/helper.py", "one/results.json"]
    about = notebook(project, read_page(root, PurePosixPath("posts/one/index.qmd"))).cells[0].source
    # The modules beside the page are nothing to install; what they import is.
    assert "`pip install jupyter numpy matplotlib scikit-learn scipy`" in " ".join(about.split())


def test_prose_reads_without_the_page(cells):
    text = "\n\n".join(sources(cells, "markdown")).replace("\u00a0", " ")
    assert text.startswith("# Every feature\n\nWhat a page may hold.")
    for expected in (
        "See Figure 1, Table 2, Equation 1, Section 2, 2 and see 1.",
        "A citation (Knuth 1984, 97), a footnote (With a formula, $x^2$, in it.)",
        "**Figure 1:** A line, with $y = x^2$ in its caption.",
        "> **Note**\n>\n> A note without a title.",
        "**Solution**",
        "### 1.1 Included",
        "and a link to another post.",
        "\\qquad(1)",
        "Knuth, Donald E. 1984.",
        "| one",
    ):
        assert expected in text
    for unwanted in (":::", "{{<", "{#", "<div", "\ue000", "@"):
        assert unwanted not in text


def test_links_lead_to_the_site_where_its_address_is_known(project):
    page = read_page(project.root, PurePosixPath("posts/features/index.qmd"))
    text = "\n".join(sources(notebook(project, page, "https://example.org/site").cells, "markdown"))
    assert "[another post](https://example.org/site/posts/second/index.html#start)" in text
    assert "[A site of tests](https://example.org/site/posts/features/index.html)" in text


def test_links_keep_their_query(project_with):
    root = project_with("[Try](/app.html?data=moons&rate=5#run), [again](app.html?rate=a/../b)")
    page = read_page(root, PurePosixPath("index.qmd"))
    text = sources(notebook(Project(root), page, "https://example.org/site").cells, "markdown")[-1]
    assert "[Try](https://example.org/site/app.html?data=moons&rate=5#run)" in text
    assert "[again](https://example.org/site/app.html?rate=a/../b)" in text


def test_the_same_post_gives_the_same_archive(project, tmp_path):
    first, second = write_all(project, tmp_path / "a"), write_all(project, tmp_path / "b")
    assert [a.relative_to(tmp_path / "a") for a in first] == [
        Path("posts/features/features.zip"),
        Path("posts/second/second.zip"),
    ]
    assert [a.read_bytes() for a in first] == [b.read_bytes() for b in second]


def test_covers_become_light_and_stay_themselves(tmp_path):
    post = tmp_path / "project/posts/one"
    post.mkdir(parents=True)
    (tmp_path / "project/_quarto.yml").write_text("project:\n  type: website\n  render: [/posts/*/index.qmd]\n")
    (post / "index.qmd").write_text("---\ntitle: One\nimage: cover.png\n---\n\nText.\n")
    cover = tmp_path / "site/posts/one/cover.png"
    cover.parent.mkdir(parents=True)
    rng = np.random.default_rng(0)
    colors = rng.integers(256, size=(100, 3), dtype=np.uint8)
    pixels = colors[rng.integers(100, size=(80, 120))]
    Image.fromarray(pixels).convert("RGBA").save(cover)
    before = cover.stat().st_size
    assert lighten(Project(tmp_path / "project"), tmp_path / "site") == [cover]
    assert cover.stat().st_size < before
    with Image.open(cover) as light:
        np.testing.assert_array_equal(np.asarray(light.convert("RGB")), pixels)
    assert lighten(Project(tmp_path / "project"), tmp_path / "site") == []


def test_the_notebook_runs_in_an_empty_folder(project, tmp_path):
    archive = write_all(project, tmp_path / "site")[0]
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path)
    folder = tmp_path / "features"
    nbformat.validate(nbformat.read(folder / "features.ipynb", 4))
    script = (
        "import sys; sys.modules['rfc3987_syntax'] = None; "  # see publish/__init__.py
        "import nbformat, nbclient; nbclient.NotebookClient(nbformat.read('features.ipynb', 4)).execute()"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "posts/features/cover.png").is_file()  # what a chunk saves


def test_a_notebook_without_its_package_says_what_is_missing(cells, tmp_path):
    guard = sources(cells, "code")[0]
    # -I and -S: no installed package is within reach either.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", guard], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "nnlib is missing: unpack features.zip, and keep the folder nnlib beside this notebook" in done.stderr
