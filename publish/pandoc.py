"""Run pandoc, and walk its syntax tree.

The tree is pandoc's JSON: an element is `{"t": type, "c": content}`, and an attribute is
`[identifier, [class, ...], [[key, value], ...]]`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pypandoc

from publish.errors import PublishError


def run(text: str, *arguments: str, cwd: Path) -> tuple[str, list[str]]:
    """Convert `text`; return the result and pandoc's warnings."""
    command = [pypandoc.get_pandoc_path(), "--wrap=none", *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf-8", cwd=cwd, check=False)
    if done.returncode:
        raise PublishError(f"pandoc failed: {done.stderr.strip()}")
    warnings: list[str] = []
    for line in done.stderr.splitlines():
        if line.startswith("[WARNING]"):
            warnings.append(line.removeprefix("[WARNING]").strip())
        elif line.startswith("[") or not warnings:
            continue
        else:  # the rest of a warning of several lines
            warnings[-1] += " " + line.strip()
    return done.stdout, warnings


def parse(markdown: str, cwd: Path) -> tuple[dict, list[str]]:
    """Read Markdown into a syntax tree."""
    text, warnings = run(markdown, "--from=markdown", "--to=json", cwd=cwd)
    return json.loads(text), warnings


def is_element(node: object, *types: str) -> bool:
    return isinstance(node, dict) and node.get("t") in types


def transform(node: object, change: Callable[[dict], list | None]) -> object:
    """Replace elements of lists, from the inside out: `change` returns the new ones, or None to keep what is there."""
    if isinstance(node, list):
        out = []
        for child in node:
            inner = transform(child, change)
            new = change(inner) if isinstance(inner, dict) and "t" in inner else None
            out += [inner] if new is None else new
        return out
    if isinstance(node, dict):
        return {k: transform(v, change) if isinstance(v, list | dict) else v for k, v in node.items()}
    return node


def walk(node: object) -> Iterator[dict]:
    """Every element of the tree, in the order of the text."""
    if isinstance(node, list):
        for child in node:
            yield from walk(child)
    elif isinstance(node, dict):
        if "t" in node:
            yield node
        for value in node.values():
            if isinstance(value, list | dict):
                yield from walk(value)


def attribute(node: dict) -> list:
    """The attribute of a Div, Span, Figure, Table, CodeBlock, Link or Image, or of a Header."""
    return node["c"][1] if node["t"] == "Header" else node["c"][0]


def stringify(inlines: object) -> str:
    """The text of inlines, without markup."""
    parts = []
    for node in walk(inlines):
        if node["t"] == "Str":
            parts.append(node["c"])
        elif node["t"] in ("Space", "SoftBreak", "LineBreak"):
            parts.append(" ")
        elif node["t"] in ("Code", "Math"):
            parts.append(node["c"][1])
    return "".join(parts)


def string(text: str) -> dict:
    return {"t": "Str", "c": text}


def raw(html: str) -> dict:
    """Raw HTML among blocks."""
    return {"t": "RawBlock", "c": ["html", html]}


def raw_inline(html: str) -> dict:
    return {"t": "RawInline", "c": ["html", html]}


def plain(inlines: list) -> dict:
    return {"t": "Plain", "c": inlines}
