"""Chunks run in a kernel of their own page; what goes wrong is told with page, line and chunk."""

import re
from pathlib import PurePosixPath

import pytest

from publish.chunks import read_page
from publish.errors import PublishError
from publish.execute import execute
from publish.project import Project


def run(root, **options):
    page = read_page(root, PurePosixPath("index.qmd"))
    (executed,) = execute(Project(root), [page], root.parent / "cache", **options)
    return executed


def failure(root, **options):
    with pytest.raises(PublishError) as caught:
        run(root, **options)
    return str(caught.value)


def texts(executed):
    return ["".join(output.get("text", "") for output in outputs) for outputs in executed.outputs]


def test_chunks_share_a_kernel_in_the_projects_folder_with_its_modules_and_quartos_figure_size(project_with):
    root = project_with(
        "```{python}\nimport os, own\nx = own.VALUE\n```\n\n"
        "```{python}\nprint(x, os.getcwd())\n```\n\n"
        "```{python}\n#| eval: false\nnever\n```\n\n"
        "```{python}\nimport time\nprint('one', flush=True); time.sleep(0.5); print('output')\n```\n\n"
        "```{python}\n#| warning: false\nimport sys; print('quiet', file=sys.stderr)\n```\n\n"
        "```{python}\nfrom matplotlib import rcParams as rc\nprint(*rc['figure.figsize'], rc['figure.dpi'])\n```",
        front="title: x\nfig-width: 3\nexecute:\n  fig-dpi: 50",
        **{"own.py": "VALUE = 42"},
    )
    executed = run(root)
    assert texts(executed) == ["", f"42 {root}\n", "", "one\noutput\n", "quiet\n", "3.0 5.0 50.0\n"]
    assert len(executed.outputs[3]) == 1


@pytest.mark.parametrize("read", ["own.py", "data.parquet"])
def test_the_cache_holds_outputs_and_written_files_until_the_code_or_a_file_it_reads_changes(project_with, read):
    body = "```{python}\nimport time, own\nopen('written.svg', 'w').write('x')\nprint(time.perf_counter_ns())\n```"
    root = project_with(body, **{"own.py": ""})
    first = texts(run(root))
    (root / "written.svg").unlink()
    (root / "index.qmd").write_text((root / "index.qmd").read_text() + "\nOnly prose is new.\n")
    (root / "app.js").write_text("for the browser")
    assert texts(run(root)) == first
    assert (root / "written.svg").read_text() == "x"
    (root / read).write_text("NEW = 1")
    assert texts(run(root)) != first


def test_a_failing_chunk_is_told_with_its_line_and_traceback(project_with):
    message = failure(project_with("```{python}\n#| label: bad\n\nx = 1\nraise ValueError('too bad')\n```"))
    assert message.startswith("index.qmd:5: the chunk bad failed at line 9: raise ValueError('too bad')\n")
    assert "ValueError: too bad" in message
    assert "\x1b" not in message


def test_a_syntax_error_is_told_with_its_line(project_with):
    message = failure(project_with("```{python}\nx = 1\nx = = 2\n```"))
    assert message.startswith("index.qmd:5: the chunk failed at line 7: x = = 2\n")


def test_a_chunk_that_writes_to_stderr_fails(project_with):
    message = failure(project_with("```{python}\n#| label: loud\nimport warnings\nwarnings.warn('mind this')\n```"))
    assert message.startswith("index.qmd:5: the chunk loud wrote to stderr")
    assert "warning: false" in message
    assert "mind this" in message


def test_a_chunk_that_takes_too_long(project_with):
    message = failure(project_with("```{python}\nimport time; time.sleep(60)\n```"), timeout=1)
    assert message == "index.qmd:5: the chunk took longer than 1 s; make it faster, or raise --timeout"


def test_a_chunk_that_ends_the_process(project_with):
    message = failure(project_with("```{python}\nimport os; os._exit(1)\n```"))
    assert message.startswith("index.qmd:5: the Python process died in the chunk")


def test_figure_options_that_cannot_be(project_with):
    root = project_with("```{python}\nx = 1\n```", front="title: x\nfig-width: wide")
    assert "fig-width must be a number above zero, not 'wide'" in failure(root)


WAIT = """```{{python}}
import time
from pathlib import Path
Path("{mine}").touch()
end = time.monotonic() + 30
while not Path("{other}").exists():
    assert time.monotonic() < end, "the other page does not run"
    time.sleep(0.05)
print("{mine}")
```
"""


def test_pages_run_side_by_side_and_what_they_took_is_told(project_with, monkeypatch, capsys):
    root = project_with(WAIT.format(mine="here", other="there"), **{"other.qmd": WAIT.format(mine="there", other="here")})
    (root / "prose.qmd").write_text("No chunk.\n")
    pages = [read_page(root, PurePosixPath(name)) for name in ("index.qmd", "prose.qmd", "other.qmd")]
    monkeypatch.setattr("publish.execute.AT_ONCE", 2)
    executed = execute(Project(root), pages, root.parent / "cache")
    assert [texts(page) for page in executed] == [["here\n"], [], ["there\n"]]
    told = capsys.readouterr().err
    first, second, summary, *slowest = told.splitlines()
    assert re.fullmatch(r"  \[1/2\] (index|other)  1 chunk  [\d.]+ s", first)
    assert re.fullmatch(r"  \[2/2\] (index|other)  1 chunk  [\d.]+ s", second)
    assert "up to 2 pages side by side" in summary
    assert len(slowest) == 2
    assert all(re.search(r"slowest: (index|other)  [\d.]+ s, of which the chunk 1 [\d.]+ s", line) for line in slowest)


def test_a_page_whose_chunks_are_not_run_is_told_like_the_others(project_with, capsys):
    root = project_with("```{python}\n#| eval: false\n1\n```", **{"other.qmd": "```{python}\n2\n```\n"})
    pages = [read_page(root, PurePosixPath(name)) for name in ("index.qmd", "other.qmd")]
    assert [len(page.outputs) for page in execute(Project(root), pages, root.parent / "cache")] == [1, 1]
    told = capsys.readouterr().err
    assert re.search(r"slowest: index  [\d.]+ s$", told, re.MULTILINE)
    assert re.search(r"slowest: other  [\d.]+ s, of which the chunk 1 ", told)


def test_the_page_with_the_most_chunks_begins_first(project_with, monkeypatch, capsys):
    chunk = "```{python}\n1\n```\n\n"
    root = project_with(chunk, **{"long.qmd": 2 * chunk})
    pages = [read_page(root, PurePosixPath(name)) for name in ("index.qmd", "long.qmd")]
    monkeypatch.setattr("publish.execute.AT_ONCE", 1)
    execute(Project(root), pages, root.parent / "cache")
    told = capsys.readouterr().err
    assert told.index("[1/2] long") < told.index("[2/2] index")
