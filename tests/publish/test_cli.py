"""The command line: what it says, its exit status, and what becomes of the site when something goes wrong."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

import pytest

from publish import quarto
from publish.cli import main

OLD = "the site from before"


@pytest.fixture
def old_site(project_with):
    """A project of one page with a rendered site, by this text, in place."""

    def make(body, **files):
        root = project_with(body, **files)
        (root / "_site/site_libs").mkdir(parents=True)
        (root / "_site/index.html").write_text(OLD)
        return root

    return make


def is_old(root):
    return (root / "_site/index.html").read_text() == OLD and sorted(p.name for p in (root / "_site").iterdir()) == [
        "index.html",
        "site_libs",
    ]


def test_a_render_replaces_the_site_and_is_not_repeated_without_need(old_site, render):
    root = old_site("Hello.")
    first = render(root)
    assert (first.returncode, "Rendered 1 page " in first.stdout) == (0, True), first.stderr
    assert "Hello." in (root / "_site/index.html").read_text()
    assert "Nothing has changed" in render(root).stdout
    (root / "_site/search.json").unlink()
    assert "Rendered" in render(root).stdout
    (root / "index.qmd").write_text("Changed.")
    assert "Rendered" in render(root, "--site-url", "https://example.org/here").stdout
    assert "<loc>https://example.org/here/index.html</loc>" in (root / "_site/sitemap.xml").read_text()


def test_the_environment_file_holds_for_chunks_and_hooks_but_not_against_the_callers(project_with, render, monkeypatch):
    show = "import os\nprint(os.environ['COLOR'], os.environ['SIZE'])\n"
    root = project_with("```{python}\n" + show + "```", **{"_environment": "# Two\nCOLOR=red\nSIZE=1\n", "hook.py": show})
    config = (root / "_quarto.yml").read_text()
    (root / "_quarto.yml").write_text(config.replace("project:\n", "project:\n  pre-render: hook.py\n"))
    monkeypatch.setenv("SIZE", "2")
    rendered = render(root)
    assert "red 2" in rendered.stdout, rendered.stderr
    assert "red 2" in (root / "_site/index.html").read_text()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("```{python}\n#| ecko: false\n1\n```", "index.qmd:6: unknown chunk option ecko"),
        ("![Nothing](none.png)", "none.png"),
        ("[A page](none.qmd)", "none.html"),
        ("[Its default](index.qmd?a=1&b=2)", "index.qmd:5: Quarto does not resolve a page's source before a ?"),
        ("See @fig-none.", "index.qmd:5: the reference @fig-none has no target"),
        ("See [@fig-none; @knuth].", "index.qmd:5: write citations and cross-references in brackets of their own"),
        ("A formula, $\\undefined{x}$.", "index.qmd:5: pandoc cannot turn this formula into MathML"),
        ("## A {#sec-a}\n\n## B {#sec-a}", "index.qmd:5: the label sec-a is used twice"),
    ],
)
def test_a_mistake_in_a_page_leaves_the_old_site(old_site, render, body, words):
    root = old_site(body)
    done = render(root)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert is_old(root)


def test_a_missing_citation(old_site, render):
    root = old_site("One.\n\nSee [@nobody].", **{"refs.bib": "@book{a, title={A}}"})
    (root / "index.qmd").write_text(
        (root / "index.qmd").read_text().replace("title: Home", "title: Home\nbibliography: refs.bib")
    )
    assert "index.qmd:8: the citation @nobody is not in the bibliography" in render(root).stderr
    (root / "refs.bib").write_text("@book{a, title={A")
    assert "pandoc failed" in render(root).stderr
    (root / "refs.bib").unlink()
    assert "index.qmd: the bibliography refs.bib does not exist" in render(root).stderr
    assert is_old(root)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("project:\n  render: [a\n", "_quarto.yml:"),
        ("project:\n  type: website\n", "name the pages in a list under project: render:"),
        ("project:\n  render: index.qmd\n", "name the pages in a list under project: render:"),
        ("project: website\n", "project: must hold lines of the form key: value"),
        ("project:\n  render: [none/*.qmd]\n", "no file matches"),
    ],
)
def test_a_mistake_in_the_configuration(old_site, render, config, words):
    root = old_site("")
    (root / "_quarto.yml").write_text(config)
    done = render(root)
    assert (done.returncode, words in done.stderr, is_old(root)) == (1, True, True)


def test_a_folder_that_is_no_project(tmp_path, render):
    done = render(tmp_path)
    assert (done.returncode, "there is no _quarto.yml" in done.stderr) == (1, True)


def test_an_output_that_is_a_file_is_refused_before_any_work(old_site, render):
    root = old_site("")
    done = render(root, "--output", "index.qmd")
    assert done.returncode == 1
    assert "index.qmd holds the project's sources" in done.stderr
    assert not (root / ".build").exists()


def test_a_failing_pre_render_script_stops_the_render(full_site, render):
    (full_site / "fail-before").touch()
    done = render(full_site)
    assert done.returncode == 1
    assert "the core's tests fail" in done.stderr
    assert "hooks/before.py" in done.stderr
    assert not (full_site / "_site").exists()


def test_a_page_that_the_pre_render_script_writes_is_rendered(project_with, render):
    script = "import pathlib\npathlib.Path('posts/made').mkdir(parents=True, exist_ok=True)\n"
    script += "pathlib.Path('posts/made/index.qmd').write_text('Made by a script.')\n"
    root = project_with("[A page](posts/made/index.qmd)", **{"make.py": script})
    config = (root / "_quarto.yml").read_text().replace("project:\n", "project:\n  pre-render: make.py\n", 1)
    (root / "_quarto.yml").write_text(config)
    done = render(root)
    assert (done.returncode, "Rendered 2 pages " in done.stdout) == (0, True), done.stderr
    assert "Made by a script." in (root / "_site/posts/made/index.html").read_text()


@pytest.mark.parametrize(
    ("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupted_render_leaves_the_old_site_and_the_next_one_works(old_site, command, render, sent, status):
    root = old_site(
        "```{python}\nimport os, time\nopen('../../../kernel', 'w').write(str(os.getpid()))\ntime.sleep(60)\n```"
    )
    process = subprocess.Popen(
        command("site", "--engine", "embedded"),
        cwd=root,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_ctrl_c,
    )
    try:
        wait_for(lambda: (root / "kernel").exists() and (root / "kernel").read_text())
        process.send_signal(sent)
        _, stderr = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == status
    assert is_old(root)
    if sent != signal.SIGKILL:
        assert stderr.strip().endswith("Interrupted: the site is as it was before.")
        assert "Traceback" not in stderr
    wait_for(lambda: not alive(int((root / "kernel").read_text())))
    (root / "index.qmd").write_text("Now it works.")
    assert render(root).returncode == 0
    assert "Now it works." in (root / "_site/index.html").read_text()


def heed_ctrl_c():
    """A shell's background jobs ignore SIGINT, and what they start does too: undo that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["none"],
        ["site", "--engine", "none"],
        ["site", "--timeout", "0"],
        ["preview", "--port", "70000"],
        ["notebooks"],
    ],
)
def test_wrong_usage(tmp_path, publish, arguments):
    done = publish(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")


def test_checking_a_site_that_is_not_there(full_site, publish):
    done = publish(full_site, "check")
    assert (done.returncode, "there is no rendered site" in done.stderr) == (1, True)


def test_an_old_quarto_is_not_used(tmp_path, monkeypatch):
    (tmp_path / "quarto").write_text("#!/bin/sh\necho 1.3.450\n")
    (tmp_path / "quarto").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert quarto.find() == (None, "quarto 1.3.450 is too old: 1.7 or newer is needed")


def test_a_newer_quarto_beside_python_is_used_in_place_of_an_old_one(tmp_path, monkeypatch):
    for folder, version in (("old", "1.3.450"), ("beside", "1.9.38")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "quarto").write_text(f"#!/bin/sh\necho {version}\n")
        (tmp_path / folder / "quarto").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "old"), prepend=os.pathsep)
    monkeypatch.setattr("sys.executable", str(tmp_path / "beside/python"))
    assert quarto.find() == (tmp_path / "beside/quarto", "1.9.38")


def test_a_time_limit_that_quarto_would_not_keep_is_refused(old_site, monkeypatch, capfd):
    root = old_site("")
    monkeypatch.chdir(root)
    monkeypatch.setattr(quarto, "find", lambda: (root / "quarto", "1.9.38"))
    assert main(["site", "--timeout", "5"]) == 1
    assert "leave --timeout away" in capfd.readouterr().err
    assert is_old(root)


@pytest.mark.skipif(quarto.find()[0] is None, reason="needs Quarto")
def test_quarto_renders_the_same_site(full_site, publish):
    done = publish(full_site, "site", "--engine", "quarto")
    assert done.returncode == 0, done.stderr
    page = (full_site / "_site/posts/features/index.html").read_text()
    assert all(words in page for words in ("Figure&nbsp;1", "Table&nbsp;2", "from an included file", "<math"))
    assert (full_site / "_site/after.txt").exists()


@pytest.mark.skipif(shutil.which("quarto") is not None, reason="needs a machine without Quarto")
def test_quarto_where_there_is_none(old_site, publish):
    root = old_site("")
    done = publish(root, "site", "--engine", "quarto")
    assert (done.returncode, "Quarto cannot be used" in done.stderr, is_old(root)) == (1, True, True)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_preview_serves_the_site_and_renders_it_again_on_a_change(old_site, command):
    root = old_site("First text.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        command("preview", "--engine", "embedded", "--port", port),
        cwd=root,
        text=True,
        stdout=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=heed_ctrl_c,
    )
    try:
        wait_for(lambda: "First text." in fetch(port))
        time.sleep(1)  # the watch starts after the server
        (root / "index.qmd").write_text("Second text.")
        wait_for(lambda: "Second text." in fetch(port))
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0


def fetch(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/index.html") as response:
            return response.read().decode()
    except OSError:
        return ""
