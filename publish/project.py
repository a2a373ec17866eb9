"""The project as `_quarto.yml` describes it: its pages, and the options that apply to each."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import yaml

from publish.errors import PublishError

CONFIG = "_quarto.yml"
PAGE_SUFFIXES = {".qmd", ".md"}
# Sections of `_quarto.yml` that are not options of pages.
PROJECT_SECTIONS = {"project", "website", "format"}


@dataclass(frozen=True)
class Project:
    """A Quarto website project in the folder `root`."""

    root: Path

    @cached_property
    def config(self) -> dict:
        """The content of `_quarto.yml`."""
        file = self.root / CONFIG
        if not file.is_file():
            raise PublishError(f"there is no {CONFIG} in {self.root}: run this in the project's folder")
        config = read_yaml(file.read_text(encoding="utf-8"), CONFIG)
        for section in ("project", "website"):
            if not isinstance(config.get(section, {}), dict):
                raise PublishError(f"{section}: must hold lines of the form key: value", CONFIG)
        return config

    @property
    def output(self) -> Path:
        """The folder of the finished site: `project.output-dir`."""
        return self.root / self.config.get("project", {}).get("output-dir", "_site")

    @property
    def pages(self) -> list[PurePosixPath]:
        """The sources of the pages, relative to the root, in the order of `project.render`; a script may make some."""
        patterns = self.config.get("project", {}).get("render")
        if not patterns or not isinstance(patterns, list):
            raise PublishError("name the pages in a list under project: render:, for example [posts/*/index.qmd]", CONFIG)
        found: dict[PurePosixPath, None] = {}
        for pattern in patterns:
            matches = sorted(self.root.glob(str(pattern).lstrip("/")))
            pages = (PurePosixPath(m.relative_to(self.root).as_posix()) for m in matches if m.suffix in PAGE_SUFFIXES)
            found |= dict.fromkeys(pages)
        if not found:
            raise PublishError(f"no file matches project: render: {', '.join(map(str, patterns))}", CONFIG)
        return list(found)

    @property
    def posts(self) -> list[PurePosixPath]:
        """The pages in a folder of their own under `posts/`."""
        return [page for page in self.pages if page.parts[0] == "posts" and len(page.parts) == 3]

    def options(self, page: PurePosixPath, front: dict) -> dict:
        """Every option that applies to a page: project, then each folder's `_metadata.yml`, then its front matter."""
        merged = _with_html_format({k: v for k, v in self.config.items() if k not in PROJECT_SECTIONS}, self.config)
        folder = self.root
        for part in page.parent.parts:
            folder = folder / part
            file = folder / "_metadata.yml"
            if file.is_file():
                options = read_yaml(file.read_text(encoding="utf-8"), file.relative_to(self.root))
                merged = merge(merged, _with_html_format(options, options))
        return merge(merged, _with_html_format(front, front))


def _with_html_format(options: dict, source: dict) -> dict:
    """Options, with those under `format: html:` on top."""
    formats = source.get("format")
    html = formats.get("html") if isinstance(formats, dict) else None
    plain = {k: v for k, v in options.items() if k != "format"}
    return merge(plain, html) if isinstance(html, dict) else plain


def merge(outer: dict, inner: dict) -> dict:
    """Merge two option mappings as Quarto does: the inner one wins, key by key; lists are joined."""
    out = deepcopy(outer)
    for key, value in inner.items():
        if isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merge(out[key], value)
        elif isinstance(value, list) and isinstance(out.get(key), list):
            out[key] += [item for item in value if item not in out[key]]
        else:
            out[key] = deepcopy(value)
    return out


def read_yaml(text: str, file: object, first_line: int = 1) -> dict:
    """Read a YAML mapping; a mistake in it is an error with the file and the line."""
    try:
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        detail = " ".join(part for part in (error.context, error.problem) if part)
        raise PublishError(f"the YAML cannot be read: {detail}", file, line) from None
    except (yaml.YAMLError, ValueError) as error:  # a character that YAML forbids, a date such as 2024-13-45
        raise PublishError(f"the YAML cannot be read: {error}", file, first_line) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise PublishError("the YAML must be lines of the form key: value", file, first_line)
    return data
