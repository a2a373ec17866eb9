"""Pages are read into prose and chunks, and each mistake is named with its file and line."""

from pathlib import PurePosixPath

import pytest

from publish.chunks import OPTIONS, UNSUPPORTED, Prose, read_page
from publish.errors import PublishError

FRONT_LINES = 4  # of `project_with`: three of front matter, one blank


def read(root):
    return read_page(root, PurePosixPath("index.qmd"))


def error(root):
    with pytest.raises(PublishError) as caught:
        read(root)
    return str(caught.value)


def chunk(*lines):
    return "\n".join(["```{python}", *lines, "```"])


def test_a_page_is_prose_and_chunks_in_order(project_with):
    page = read(
        project_with("Before.\n\n" + chunk("#| label: one", "#| echo: false", "", "x = 1", "y = 2", "") + "\nAfter.")
    )
    before, one, after = page.cells
    assert page.front == {"title": "Home"}
    assert before.text.strip() == "Before."
    assert (one.label, one.options["echo"], one.code) == ("one", False, "x = 1\ny = 2")
    assert (one.line, one.code_line) == (FRONT_LINES + 3, FRONT_LINES + 7)
    assert after.text.strip() == "After."


def test_code_that_is_only_shown_is_no_chunk(project_with):
    page = read(project_with("```python\nx\n```\n\n````\n```{python}\nx\n```\n````\n\n~~~\n```{python}\n~~~"))
    assert all(isinstance(cell, Prose) for cell in page.cells)


def test_a_page_without_front_matter(project_with):
    root = project_with("")
    (root / "index.qmd").write_text("Only text.")
    assert read(root).front == {}


def test_an_included_file_keeps_its_own_name_and_lines(project_with):
    page = read(
        project_with("{{< include _more.qmd >}}", **{"_more.qmd": "More.\n\n" + chunk("#| label: in-more", "z = 3")})
    )
    (included,) = page.chunks
    assert (str(included.file), included.line, included.code_line) == ("_more.qmd", 3, 5)
    assert page.find("More.") == (PurePosixPath("_more.qmd"), 1)


def test_an_include_from_the_root(project_with):
    root = project_with("")
    (root / "posts/a").mkdir(parents=True)
    (root / "_shared.qmd").write_text("Shared.")
    (root / "posts/a/index.qmd").write_text("{{< include /_shared.qmd >}}")
    assert read_page(root, PurePosixPath("posts/a/index.qmd")).cells[0].text == "Shared."


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        (chunk("#| label: x", "#| ecko: false", "1"), 3, ["unknown chunk option ecko", "did you mean echo"]),
        (chunk("#| zzz: 1", "1"), 2, ["unknown chunk option zzz", "known options are label, echo"]),
        (chunk("#| echo: maybe", "1"), 2, ["echo must be true or false", "'maybe'"]),
        (chunk("#| output: 1", "1"), 2, ["output must be true, false or asis"]),
        (chunk("#| label: 1 2", "1"), 2, ["label must be a name"]),
        (chunk("#| fig-width: 3", "1"), 2, ["fig-width is not supported", "figsize"]),
        (chunk("#| error: true", "1"), 2, ["error is not supported", "catch the exception"]),
        (chunk("#| label: [x", "1"), 2, ["the YAML cannot be read"]),
        (chunk("#| label: fig-x", "1"), 1, ["fig-x needs fig-cap"]),
        (chunk("#| label: tbl-x", "1"), 1, ["tbl-x needs tbl-cap"]),
        (chunk("#| label: a", "1") + "\n\n" + chunk("#| label: a", "2"), 6, ["label a is taken", "index.qmd:5"]),
        ("```{python}\nx = 1", 1, ["not closed"]),
        ("- item\n\n  ```{python}\n  x\n  ```", 3, ["column 0"]),
        ("```{python echo=false}\nx\n```", 1, ["'echo=false'", "#| key: value"]),
        ("```{r}\nx\n```", 1, ["chunk of r cannot run"]),
        ("Text\n\n{{< include _none.qmd >}}", 3, ["_none.qmd does not exist"]),
        ("Text {{< include _none.qmd >}}", 1, ["must stand alone"]),
        ("{{< video x.mp4 >}}", 1, ["shortcode video is not supported"]),
    ],
)
def test_a_mistake_is_named_with_its_line(project_with, body, line, words):
    message = error(project_with(body))
    assert message.startswith(f"index.qmd:{FRONT_LINES + line}: ")
    assert [word for word in words if word not in message] == []


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("---\ntitle: x\nlist: [1, 2\n---\n", 3, "the YAML cannot be read"),
        ("---\ntitle: a: b\n---\n", 2, "mapping values are not allowed"),
        ("---\n- a\n- b\n---\n", 2, "key: value"),
        ("---\ntitle: x\n", 1, "front matter is not closed"),
        ("---\ndate: 2025-13-45\n---\n", 2, "month must be in 1..12"),
    ],
)
def test_broken_front_matter(project_with, text, line, words):
    root = project_with("")
    (root / "index.qmd").write_text(text)
    message = error(root)
    assert message.startswith(f"index.qmd:{line}: ")
    assert words in message


def test_an_include_in_an_included_file(project_with):
    root = project_with("{{< include _a.qmd >}}", **{"_a.qmd": "{{< include _b.qmd >}}", "_b.qmd": ""})
    assert error(root).startswith("_a.qmd:1: an included file cannot include")


def test_a_page_that_is_not_utf8(project_with):
    root = project_with("")
    (root / "index.qmd").write_bytes(b"caf\xe9")
    assert "not UTF-8" in error(root)


def test_no_option_is_both_known_and_unsupported():
    assert not OPTIONS.keys() & UNSUPPORTED.keys()
