"""Gates on what stands in the pages: alternative texts, unresolved references, outputs and markup that leaked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from bs4 import Comment, NavigableString, Tag

from .finding import Finding
from .site import Site

# Alternative texts that say only that there is a picture.
EMPTY_WORDS = re.compile(r"(an? |the )?(chart|figure|graph|image|img|photo|picture|plot)[\s.:]*\d*", re.I)
FILE_NAME = re.compile(r"\S+\.(avif|gif|jpe?g|png|svg|webp)", re.I)

# Text of these elements is code or data: what looks like markup there is meant.
VERBATIM = ["code", "kbd", "math", "pre", "samp", "script", "style", "template", "textarea"]

# Pattern, what it is, and what to do about it.
LEAKS = [
    (r"\?@[\w-]+", "unresolved cross-reference", "no figure, table, equation or section has this label"),
    (r"(?<![\w/@?])@(?:eq|fig|lst|sec|tbl)-[\w-]+", "cross-reference left as text", "check its label"),
    (r"\[-?@[\w:.-]+[^\]]*\]", "citation left as text", "check its key against references.bib"),
    (r"\{\{<.*?(?:>\}\}|$)", "shortcode left as text", "the renderer does not know it, or it is not closed"),
    (r"^\s*:{3,}.*", "fence of a div left as text", "give it an empty line before and after, and close it"),
    (r"\{[.#][\w-]+[^{}]*\}", "attributes left as text", "no space may stand between them and what they belong to"),
]
LEAK = re.compile("|".join(f"({pattern})" for pattern, _, _ in LEAKS), re.M)


def alt_text(site: Site) -> Iterator[Finding]:
    """Check that every picture in the text says in words what it shows.

    A picture that only decorates has alt="" and aria-hidden="true". Outside <main>, in the theme's own parts
    (a logo beside the title), alt="" is enough.
    """
    for page in site.pages:
        for picture in page.soup.find_all(["img", "svg"]):
            if problem := _alt_problem(picture, inside=picture.find_parent("main") is not None):
                source = PurePosixPath(urlsplit(picture.get("src", "")).path).name or f"inline <{picture.name}>"
                yield Finding(page.path, picture.sourceline, "alt text", f"{source}: {problem}")


def _alt_problem(picture: Tag, inside: bool) -> str | None:
    hidden = picture.get("aria-hidden") == "true" or picture.find_parent(attrs={"aria-hidden": "true"})
    if hidden:
        return None
    if picture.name == "svg":
        named = picture.get("aria-label") or picture.get("aria-labelledby") or picture.find("title")
        return "no aria-label, no <title>, and not aria-hidden" if inside and not named else None
    alt = picture.get("alt")
    if alt is None:
        return "no alternative text: describe what it shows, with fig-alt (a chunk, or an image) or image-alt (a cover)"
    alt = " ".join(alt.split())
    if not alt:
        return 'alt="" is for decoration: describe it, or add aria-hidden="true"' if inside else None
    name = PurePosixPath(urlsplit(picture.get("src", "")).path)
    if FILE_NAME.fullmatch(alt) or alt in {name.name, name.stem}:
        return f"the alternative text {alt!r} is a file name: describe what the picture shows"
    if EMPTY_WORDS.fullmatch(alt):
        return f"the alternative text {alt!r} says nothing: describe what the picture shows"
    figure = picture.find_parent("figure")
    caption = figure and figure.find("figcaption")
    if caption and alt == re.sub(r"^Figure \S+: ", "", " ".join(caption.get_text().split())):
        return "the alternative text repeats the caption, and is read out twice: describe what the picture shows"
    return None


def references(site: Site) -> Iterator[Finding]:
    """Find cross-references, citations, shortcodes, fences and formulas that the renderer left unresolved."""
    for page in site.pages:
        for string in page.soup.find_all(string=LEAK):
            if isinstance(string, Comment) or string.find_parent(VERBATIM) or string.find_parent(class_="math"):
                continue
            for match in LEAK.finditer(string):
                _, what, remedy = LEAKS[match.lastindex - 1]
                line = _line(string, match.start())
                yield Finding(page.path, line, "references", f"{match[0].strip()}: {what}; {remedy}")
        for cite in page.soup.select(".citation"):
            for strong in cite.find_all("strong", string=re.compile(r"\?$")):
                message = f"@{strong.get_text()[:-1]}: citation without an entry in references.bib"
                yield Finding(page.path, strong.sourceline, "references", message)
        for formula in page.soup.select("span.math"):
            if not formula.find("math"):
                text = " ".join(formula.get_text().split())
                yield Finding(page.path, formula.sourceline, "references", f"{text}: TeX that did not become MathML")


def outputs(site: Site) -> Iterator[Finding]:
    """Find chunks that failed or printed to stderr: a reader must see neither."""
    kinds = {"cell-output-stderr": "a chunk printed to stderr", "cell-output-error": "a chunk failed"}
    for page in site.pages:
        for name, what in kinds.items():
            for output in page.soup.select(f".{name}"):
                lines = output.get_text().strip().splitlines() or ["(nothing)"]
                said = lines[-1] if name == "cell-output-error" else lines[0]
                yield Finding(page.path, output.sourceline, "outputs", f"{what}: {said.strip()}")


def _line(string: NavigableString, offset: int) -> int | None:
    """Return the line of a place in a text: that of the last tag before it, plus the line breaks since."""
    breaks = string.count("\n", 0, offset)
    for element in string.previous_elements:
        if isinstance(element, Tag):
            return element.sourceline and element.sourceline + breaks
        breaks += element.count("\n")
    return None
