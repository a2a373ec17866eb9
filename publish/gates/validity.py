"""Gate: the pages are valid HTML, with their MathML and SVG, as the Nu Html Checker (validator.w3.org/nu) sees it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .finding import Finding
from .site import Site
from .tools import MissingTool, npm_file, program

# Errors that are not ours to put right, or reported elsewhere: message, markup, and why.
IGNORED = [
    (r"An “img” element must have an “alt” attribute", r"", "the gate on alternative texts says it better"),
    (
        r"Duplicate ID “quarto-(text-highlighting-styles|bootstrap)”",
        r"<link ",
        "Quarto links the light and the dark style sheets under one id; its theme toggle depends on it",
    ),
    (r"Attribute “append-hash” not allowed", r"<link .*\.min\.css", "Quarto marks the theme's style sheets so"),
    (r"Bad value “menu” for attribute “role”", r'<button class="navbar-toggler"', "Quarto's navigation bar"),
    (
        r"(“aria-label” attribute must not be specified on any “div”|“div” is missing one or more of the following)",
        r'<div (?=[^>]*class="callout-header )(?=[^>]*data-bs-toggle="collapse")',
        "Quarto's header of a callout that folds: a script of the site makes it a button, and axe checks the result",
    ),
    (
        r"Attribute “alt” not allowed on element “div”",
        r'<div (?=[^>]*id="(fig|tbl)-)(?=[^>]*\balt=)',
        "Quarto repeats fig-alt of a chunk with several figures on the element around them",
    ),
]


def validity(site: Site) -> Iterator[Finding]:
    """Yield the validator's errors, less those that are IGNORED."""
    java = program("default-jre-headless", "java")
    jar = npm_file("vnu-jar/build/dist/vnu.jar")
    root = site.root.resolve()
    files = [str(root / page.path) for page in site.pages]
    options = ["--format", "json", "--stdout", "--errors-only", "--exit-zero-always"]
    run = subprocess.run([java, "-jar", str(jar), *options, *files], capture_output=True, text=True, check=False)
    if run.returncode != 0 or not run.stdout:
        raise MissingTool(f"the validator did not run (it needs Java 17 or newer): {run.stderr.strip()[:300]}")
    for message in json.loads(run.stdout)["messages"]:
        if not _ignored(message):
            page = Path(unquote(urlsplit(message["url"]).path)).relative_to(root).as_posix()
            text = f"{message['message']} {_snippet(message)}".strip()
            yield Finding(page, message.get("lastLine"), "html", text)


def _ignored(message: dict) -> bool:
    extract = " ".join(message.get("extract", "").split())
    return any(re.search(what, message["message"]) and re.search(where, extract) for what, where, _ in IGNORED)


def _snippet(message: dict) -> str:
    """Return the markup that the message is about."""
    start = message.get("hiliteStart", 0)
    markup = message.get("extract", "")[start : start + message.get("hiliteLength", 0)]
    markup = " ".join(markup.split())
    return markup if len(markup) <= 120 else markup[:119] + "…"
