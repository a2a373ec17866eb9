"""The output folder: what is refused before any work, and how the old site survives."""

import subprocess
from pathlib import Path

import pytest

from publish import stage
from publish.errors import PublishError


@pytest.fixture
def root(tmp_path):
    (tmp_path / "_quarto.yml").write_text("project: {}")
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts/page.qmd").write_text("x")
    return tmp_path


def names(root):
    return [str(file) for file in stage.sources(root)]


def site(folder, text):
    (folder / "site_libs").mkdir(parents=True)
    (folder / "site_libs/theme.css").touch()
    (folder / "index.html").write_text(text)
    return folder


def test_sources_are_what_git_tracks_or_would_track(root):
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / ".gitignore").write_text("/_site/\n*.log\n")
    site(root / "_site", "old")
    (root / "a.log").write_text("x")
    (root / "gone.qmd").write_text("x")
    subprocess.run(["git", "add", "gone.qmd"], cwd=root, check=True)
    (root / "gone.qmd").unlink()
    assert names(root) == [".gitignore", "_quarto.yml", "posts/page.qmd"]


def test_sources_without_git_are_all_but_what_tools_made(root):
    for made in ("_site", "node_modules", ".venv", "posts/__pycache__"):
        (root / made).mkdir()
        (root / made / "x.txt").write_text("x")
    assert names(root) == ["_quarto.yml", "posts/page.qmd"]


def test_a_stage_is_a_copy_without_leftovers(root):
    first = stage.copy(root, stage.sources(root))
    (first / "leftover").write_text("x")
    second = stage.copy(root, stage.sources(root))
    assert (second / "posts/page.qmd").read_text() == "x"
    assert not (second / "leftover").exists()


def test_a_digest_changes_with_sources_and_settings(root):
    files = stage.sources(root)
    before = stage.digest(root, files, "embedded")
    assert stage.digest(root, files, "embedded") == before
    assert stage.digest(root, files, "quarto") != before
    (root / "posts/page.qmd").write_text("y")
    assert stage.digest(root, files, "embedded") != before


def test_a_new_site_takes_the_place_of_the_old_one(root):
    output = site(root / "_site", "old")
    (output / "only-old.html").write_text("x")
    stage.swap(site(root / "new", "new"), output)
    assert (output / "index.html").read_text() == "new"
    assert not (output / "only-old.html").exists()
    assert sorted(p.name for p in root.iterdir()) == ["_quarto.yml", "_site", "posts"]


def test_the_old_site_returns_when_the_new_one_cannot_take_its_place(root, monkeypatch):
    output = site(root / "_site", "old")
    new = site(root / "new", "new")
    rename = Path.rename

    def interrupted(self, target):
        if self.name.endswith("publish-new"):
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stage.swap(new, output)
    assert (output / "index.html").read_text() == "old"


def test_an_output_that_is_a_git_checkout_is_refused(root):
    output = site(root / "pages", "old")
    (output / ".git").mkdir()
    with pytest.raises(PublishError, match="is a git checkout, and rendering would erase it; name another one"):
        stage.check_output(output, root, [])


def test_a_site_that_was_taken_away_and_not_replaced_comes_back(root):
    output = site(root / "_site", "old")
    output.rename(root / "._site.publish-old")
    site(root / "._site.publish-new", "half")
    assert stage.recover(output)
    assert (output / "index.html").read_text() == "old"
    assert not (root / "._site.publish-new").exists()
    assert not stage.recover(output)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "holds the project's sources"),
        ("..", "holds the project's sources"),
        ("posts", "holds the project's sources"),
        ("file", "is a file, not a folder"),
        ("file/site", "cannot be written"),
        ("full", "is not empty, and not a rendered site"),
    ],
)
def test_an_output_folder_that_cannot_take_the_site(root, name, words):
    files = stage.sources(root)
    (root / "file").write_text("x")
    (root / "full").mkdir()
    (root / "full/letter.txt").write_text("x")
    with pytest.raises(PublishError, match=words) as caught:
        stage.check_output((root / name).resolve(), root, files)
    assert "--output" in str(caught.value)


def test_an_output_folder_that_can(root):
    for output in (root / "_site", root / "deep/new", site(root / "public", "a site that was rendered here before")):
        stage.check_output(output, root, stage.sources(root))


def test_two_renders_at_once(root):
    with stage.lock(root):
        with pytest.raises(PublishError, match="another render"), stage.lock(root):
            pass
    with stage.lock(root):
        pass
