"""Read a `.qmd` page into prose and Python chunks, with the file and line of each.

What a page may hold, so that both engines render it alike:

- YAML front matter between `---` lines at the top;
- chunks that start with ```` ```{python} ```` at column 0 and end with ```` ``` ````, with options as `#| key: value`
  lines at their top. The options are those in `OPTIONS`;
- `{{< include _file.qmd >}}`, alone on its line, with a path relative to the page (or, with a leading `/`, to the
  project). An included file may hold chunks, and no include;
- Pandoc's Markdown: headings, lists, tables, footnotes, citations, formulas that Pandoc turns into MathML, `{#eq-…}`,
  `{#sec-…}`, `{#fig-…}`, `{#tbl-…}` and references to them, callouts, divs with `layout-ncol`, and plain divs;
- links to other pages by their source (`/about.qmd#start`), but with a query as published (`/about.html?key=value`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from publish.errors import PublishError
from publish.project import read_yaml

INCLUDE = re.compile(r"^\{\{<\s*include\s+(\S+)\s*>\}\}\s*$")
SHORTCODE = re.compile(r"(?<!\{)\{\{<\s*(\w+)[^`]*?>\}\}")
FENCE = re.compile(r"^( {0,3})(`{3,}|~{3,})\s*(.*?)\s*$")
CHUNK_OPTION = re.compile(r"^#\s*\| ?(.*)$")
LABEL = re.compile(r"^[A-Za-z][\w-]*$")


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _one_of(*values: object) -> Callable[[object], bool]:
    # By identity for booleans: 1 == True in Python, and YAML keeps them apart.
    return lambda value: any(value is v if isinstance(v, bool) else value == v for v in values)


# Every chunk option that a page may use: what it may be, in words, and the test for it.
OPTIONS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "label": ("a name of letters, digits, - and _", lambda v: _is_text(v) and bool(LABEL.match(v))),
    "echo": ("true or false", _is_bool),
    "eval": ("true or false", _is_bool),
    "include": ("true or false", _is_bool),
    "output": ("true, false or asis", _one_of(True, False, "asis")),
    "warning": ("true or false", _is_bool),
    "code-fold": ("true, false or show", _one_of(True, False, "show")),
    "code-summary": ("text", _is_text),
    "code-overflow": ("scroll or wrap", _one_of("scroll", "wrap")),
    "fig-cap": ("text", _is_text),
    "fig-alt": ("text", _is_text),
    "fig-align": ("default, left, center or right", _one_of("default", "left", "center", "right")),
    "tbl-cap": ("text", _is_text),
    "classes": ("text", _is_text),
}
# Options that Quarto knows and that do nothing, or not enough, for Python chunks.
UNSUPPORTED = {
    "fig-width": "Quarto reads it from R chunks only: give figsize to plt.subplots instead",
    "fig-height": "Quarto reads it from R chunks only: give figsize to plt.subplots instead",
    "fig-dpi": "Quarto reads it from R chunks only: set fig-dpi for the page",
    "fig-format": "Quarto reads it from R chunks only: set fig-format for the page",
    "message": "Quarto reads it from R chunks only: warning: false hides what a chunk writes to stderr",
    "results": "Quarto reads it from R chunks only: use output: asis",
    "error": "an error on a page counts as a failed chunk: catch the exception that you mean to show, and print it",
    "fig-subcap": "draw the panels in one figure with plt.subplots, or use one chunk a figure",
    "layout-ncol": "draw the panels in one figure with plt.subplots, or put the chunks in a div with layout-ncol",
    "cache": "Quarto reads it from R chunks only: whole pages are cached",
}


@dataclass(frozen=True)
class Line:
    """One line of a page, and where it was written: the page itself, or a file it includes."""

    text: str
    file: PurePosixPath
    number: int


@dataclass(frozen=True)
class Prose:
    """Markdown between chunks."""

    lines: list[Line]

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True)
class Chunk:
    """A Python chunk: its code without the option lines, and its own options."""

    code: str
    options: dict
    file: PurePosixPath
    line: int  # of the opening fence
    code_line: int  # of the first line of code

    @property
    def label(self) -> str | None:
        return self.options.get("label")


@dataclass(frozen=True)
class Page:
    """A page as it was written: its front matter and, in order, its prose and chunks."""

    path: PurePosixPath
    front: dict
    cells: list[Prose | Chunk] = field(default_factory=list)

    @property
    def chunks(self) -> list[Chunk]:
        return [cell for cell in self.cells if isinstance(cell, Chunk)]

    @property
    def slug(self) -> str:
        """A short name for messages: `posts/xor` for `posts/xor/index.qmd`."""
        path = self.path.with_suffix("")
        return str(path.parent if path.name == "index" and path.parent.name else path)

    def find(self, text: str) -> tuple[PurePosixPath, int | None]:
        """Where `text` stands in the page: the file and line of its first use."""
        for cell in self.cells:
            lines = cell.lines if isinstance(cell, Prose) else [Line(str(cell.options), cell.file, cell.line)]
            for line in lines:
                if text in line.text:
                    return line.file, line.number
        return self.path, None


def read_page(root: Path, path: PurePosixPath) -> Page:
    """Read the page at `path`, relative to the project's folder `root`."""
    lines = _read_lines(root, path)
    front, start = _front_matter(lines, path)
    body = list(_expand_includes(lines[start:], root, path))
    cells = list(_cells(body))
    seen: dict[str, Chunk] = {}
    for cell in cells:
        if isinstance(cell, Chunk) and cell.label:
            if first := seen.get(cell.label):
                message = f"the label {cell.label} is taken by the chunk at {first.file}:{first.line}; use another one"
                raise PublishError(message, cell.file, cell.line)
            seen[cell.label] = cell
    return Page(path, front, cells)


def _read_lines(root: Path, path: PurePosixPath) -> list[Line]:
    try:
        text = (root / path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise PublishError(f"the file is not UTF-8 text (byte {error.start}); save it as UTF-8", path) from None
    return [Line(line, path, number) for number, line in enumerate(text.splitlines(), 1)]


def _front_matter(lines: list[Line], path: PurePosixPath) -> tuple[dict, int]:
    """Return the front matter, and the index of the first line after it."""
    if not lines or lines[0].text.rstrip() != "---":
        return {}, 0
    for end, line in enumerate(lines[1:], 1):
        if line.text.rstrip() in ("---", "..."):
            return read_yaml("\n".join(line.text for line in lines[1:end]), path, first_line=2), end + 1
    raise PublishError("the front matter is not closed: end it with a line of ---", path, 1)


def _expand_includes(lines: list[Line], root: Path, page: PurePosixPath) -> Iterator[Line]:
    fence = None
    for line in lines:
        fence = _fence_after(line.text, fence)
        match = INCLUDE.match(line.text) if fence is None else None
        if not match:
            if fence is None and (shortcode := SHORTCODE.search(re.sub(r"`[^`]*`", "", line.text))):
                what = "must stand alone on its line" if shortcode[1] == "include" else "is not supported"
                raise PublishError(f"the shortcode {shortcode[1]} {what}", line.file, line.number)
            yield line
            continue
        target = match[1]
        path = PurePosixPath(target[1:]) if target.startswith("/") else page.parent / target
        if not (root / path).is_file():
            raise PublishError(f"the included file {path} does not exist", line.file, line.number)
        for included in _read_lines(root, path):
            if INCLUDE.match(included.text):
                raise PublishError("an included file cannot include another one", included.file, included.number)
            yield included


def _fence_after(text: str, fence: str | None) -> str | None:
    """The code fence that is open after a line, given the one open before it."""
    match = FENCE.match(text)
    if fence is None:
        # Backticks after backticks: inline code that starts a paragraph, not a fence.
        return match[2] if match and not (match[2][0] == "`" and "`" in match[3]) else None
    closes = match and match[2][0] == fence[0] and len(match[2]) >= len(fence) and not match[3]
    return None if closes else fence


def _cells(lines: list[Line]) -> Iterator[Prose | Chunk]:
    prose: list[Line] = []
    position = 0
    fence = None
    while position < len(lines):
        line = lines[position]
        opens = fence is None and re.match(r"^(\s*)(`{3,}|~{3,})\s*\{\s*([A-Za-z]\w*)\b(.*)\}\s*$", line.text)
        if opens:
            _check_opening(opens, line)
            if prose:
                yield Prose(prose)
                prose = []
            end = position + 1
            while end < len(lines) and _fence_after(lines[end].text, opens[2]):
                end += 1
            if end == len(lines):
                raise PublishError("the chunk is not closed: end it with a line of ```", line.file, line.number)
            yield _chunk(line, lines[position + 1 : end])
            position = end + 1
            continue
        fence = _fence_after(line.text, fence)
        prose.append(line)
        position += 1
    if prose:
        yield Prose(prose)


def _check_opening(match: re.Match, line: Line) -> None:
    indent, _, language, rest = match.groups()
    if language != "python":
        message = f"a chunk of {language} cannot run here: only {{python}} chunks can"
    elif indent:
        message = "a chunk must start at column 0; move its fences and code to the left"
    elif rest.strip():
        message = f"write the option {rest.strip(' ,')!r} as a line of its own under the fence: #| key: value"
    else:
        return
    raise PublishError(message, line.file, line.number)


def _chunk(opening: Line, lines: list[Line]) -> Chunk:
    count = 0
    while count < len(lines) and CHUNK_OPTION.match(lines[count].text):
        count += 1
    header = [CHUNK_OPTION.match(line.text)[1] for line in lines[:count]]
    options = read_yaml("\n".join(header), opening.file, first_line=opening.number + 1)
    for name, value in options.items():
        _check_option(str(name), value, opening, header)
    label = options.get("label", "")
    for kind, caption in (("fig-", "fig-cap"), ("tbl-", "tbl-cap")):
        if label.startswith(kind) and caption not in options:
            message = f"the chunk {label} needs {caption}: a reference to it would have no caption to point at"
            raise PublishError(message, opening.file, opening.number)
    code = "\n".join(line.text for line in lines[count:])
    first = opening.number + 1 + count
    # Leading blank lines are not shown, and must not shift the line numbers of errors.
    stripped = code.lstrip("\n")
    return Chunk(stripped.rstrip(), options, opening.file, opening.number, first + len(code) - len(stripped))


def _check_option(name: str, value: object, opening: Line, header: list[str]) -> None:
    position = next((i for i, text in enumerate(header) if re.match(rf"[\"']?{re.escape(name)}\b", text)), 0)
    line = opening.number + 1 + position
    if name in UNSUPPORTED:
        raise PublishError(f"the chunk option {name} is not supported: {UNSUPPORTED[name]}", opening.file, line)
    if name not in OPTIONS:
        near = difflib.get_close_matches(name, OPTIONS, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known options are {', '.join(OPTIONS)}"
        raise PublishError(f"unknown chunk option {name}: {hint}", opening.file, line)
    allowed, accepts = OPTIONS[name]
    if not accepts(value):
        raise PublishError(f"the chunk option {name} must be {allowed}, not {value!r}", opening.file, line)
