"""An executed page as HTML: what Quarto puts inside `<main>`, with the headings and search text of the page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path, PurePosixPath

from bs4 import BeautifulSoup, Tag

from publish import document, pandoc, structure
from publish.errors import PublishError
from publish.execute import Executed
from publish.pandoc import attribute, is_element

FORMATTER = "html5"
MARK = "\ue000"  # around the number of an address: a character of nobody's text
PAGE_WITH_QUERY = re.compile(r"(?![a-z]+:)[^?#]*\.(qmd|md)\?")
HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]


@dataclass(frozen=True)
class Content:
    """The HTML of a page, and what the layout around it needs to know."""

    marked: str  # the HTML, with marks in the place of addresses
    addresses: list[str]  # of links and images, as the page has them
    headings: list[dict]  # level, id, text, classes: for the table of contents
    search: list[dict]  # id, title, text: a section each

    def html(self, link: Callable[[str], str]) -> str:
        """The HTML, with addresses as `link` rewrites them."""
        resolved = [escape(link(address)) for address in self.addresses]
        return re.sub(rf"{MARK}(\d+){MARK}", lambda mark: resolved[int(mark[1])], self.marked)


def render(executed: Executed, root: Path) -> Content:
    """Render a page. Raises `PublishError` for what pandoc or a reference cannot resolve.

    It needs nothing but its arguments, so that pages can be rendered in processes side by side.
    """
    page = executed.page
    tree, warnings = pandoc.parse(document.markdown(executed, root), cwd=root)
    index = structure.build(tree, executed.options)
    arguments = ["--from=json", "--to=html", "--mathml", "--section-divs", "--metadata=title:-"]
    arguments += citation_arguments(executed.options, page.path, root)
    text, more = pandoc.run(json.dumps(tree), *arguments, cwd=root)
    problems = index.problems + [_explain(warning) for warning in dict.fromkeys(warnings + more)]
    problems += [_explain_query(node["c"][2][0]) for node in pandoc.walk(tree["blocks"]) if _has_query(node)]
    if problems:
        errors = [PublishError(message, *page.find(search)) for search, message in problems]
        raise PublishError("\n".join(str(error) for error in errors))
    divs = (attribute(node)[0] for node in pandoc.walk(tree["blocks"]) if is_element(node, "Div"))
    return _finish(BeautifulSoup(text, "html.parser"), executed, references_stay="refs" in divs)


def citation_arguments(options: dict, page: PurePosixPath, root: Path) -> list[str]:
    """Pandoc's arguments for the citations of a page."""
    out = []
    files = options.get("bibliography") or []
    for name in [files] if isinstance(files, str) else files:
        # From _quarto.yml it is relative to the project, from a page to the page.
        candidates = [root / page.parent / name, root / name]
        found = next((file for file in candidates if file.is_file()), None)
        if found is None:
            raise PublishError(f"the bibliography {name} does not exist", page)
        out.append(f"--bibliography={found}")
    if not out:
        return []
    out += ["--citeproc"]
    switches = ("link-citations", "suppress-bibliography")
    out += [f"--metadata={key}={str(options[key]).lower()}" for key in switches if key in options]
    if options.get("csl"):
        out.append(f"--csl={root / options['csl']}")
    return out


def _explain(warning: str) -> tuple[str, str]:
    """A text to look for in the page, and a message, for a warning of pandoc's."""
    words = warning.split()
    if "Citeproc: citation" in warning and len(words) > 2:
        key = words[2]
        return f"@{key}", f"the citation @{key} is not in the bibliography"
    if "TeX math" in warning:
        formula = warning.split("TeX math", 1)[1].split(", rendering", 1)[0].strip()
        return formula.split("\n")[0][:40], f"pandoc cannot turn this formula into MathML: {formula}"
    return warning, f"pandoc: {warning}"


def _has_query(node: dict) -> bool:
    return is_element(node, "Link") and bool(PAGE_WITH_QUERY.match(node["c"][2][0]))


def _explain_query(target: str) -> tuple[str, str]:
    path, _, query = target.partition("?")
    published = path.rpartition(".")[0] + ".html?" + query
    return target, f"Quarto does not resolve a page's source before a ?: link to the page as published, {published}"


# --- Quarto's touches to pandoc's HTML -------------------------------------------------------------------------------


def _finish(soup: BeautifulSoup, executed: Executed, references_stay: bool) -> Content:
    for section in soup.select('section[class^="level"]'):
        heading = section.find(HEADINGS, recursive=False)
        if heading:
            heading["class"] = [*heading.get("class", []), "anchored"]
            heading["data-anchor-id"] = section["id"]
    for quote in soup.select("blockquote"):
        quote["class"] = [*quote.get("class", []), "blockquote"]
    for table in soup.select("table"):
        in_cell = table.find_parent(class_="cell")
        extra = ["table-sm", "table-striped", "small"] if in_cell and "plain" not in in_cell["class"] else []
        table["class"] = [*table.get("class", []), "table", *extra]
    for image in soup.select("img"):
        classes = ["img-fluid", *(["figure-img"] if image.find_parent("figure") else [])]
        image["class"] = [*image.get("class", []), *classes]
    addresses = []
    for tag, name in [(tag, "src") for tag in soup.select("img")] + [(tag, "href") for tag in soup.select("a[href]")]:
        addresses.append(tag[name])
        tag[name] = f"{MARK}{len(addresses) - 1}{MARK}"
    if executed.options.get("code-copy", True) is not False:
        for block in soup.select("div.sourceCode"):
            _add_copy_button(soup, block)
    _move_to_appendix(soup, references_stay)
    # In this order: reading the headings and the text takes the soup apart.
    return Content(soup.decode(formatter=FORMATTER), addresses, _headings(soup), _search(soup))


def _add_copy_button(soup: BeautifulSoup, block: Tag) -> None:
    pre = block.find("pre")
    if "cell-code" in pre["class"]:
        pre["class"].remove("cell-code")
        block["class"] = [*block["class"], "cell-code"]
    pre["class"] = [*pre["class"], "code-with-copy"]
    scaffold = block.wrap(soup.new_tag("div", attrs={"class": "code-copy-outer-scaffold"}))
    button = soup.new_tag("button", attrs={"title": "Copy to Clipboard", "class": "code-copy-button"})
    button.append(soup.new_tag("i", attrs={"class": "bi"}))
    scaffold.append(button)


def _move_to_appendix(soup: BeautifulSoup, references_stay: bool) -> None:
    """Quarto ends a page with an appendix: the references, unless they have a place in the text, then the footnotes."""
    appendix = soup.new_tag("div", attrs={"id": "quarto-appendix", "class": "default"})
    references = soup.find(id="refs")
    if references and not references_stay:
        above = references.parent
        references.extract()
        # A last section with nothing but its heading was written for the references.
        written = (
            above.find(HEADINGS)
            if above.name == "section" and len(above.find_all(True, recursive=False)) == 1
            else None
        )
        section = soup.new_tag("section", attrs={"class": "quarto-appendix-contents", "role": "doc-bibliography"})
        section["id"] = "quarto-bibliography"
        section.append(_appendix_heading(soup, written.get_text() if written else "References"))
        section.append(references)
        appendix.append(section)
        if written:
            above.decompose()
    notes = soup.find("section", attrs={"role": "doc-endnotes"})
    if notes:
        rule = notes.find("hr", recursive=False)
        if rule:
            rule.decompose()
        notes.insert(0, _appendix_heading(soup, "Footnotes"))
        appendix.append(notes.extract())
    if appendix.contents:
        soup.append(appendix)


def _appendix_heading(soup: BeautifulSoup, title: str) -> Tag:
    heading = soup.new_tag("h2", attrs={"class": "anchored quarto-appendix-heading"})
    heading.string = title
    return heading


def _headings(soup: BeautifulSoup) -> list[dict]:
    out = []
    for heading in soup.select("section[class^=level] > :is(h1, h2, h3, h4, h5, h6)"):
        classes = heading.parent.get("class", [])
        entry = {"level": int(heading.name[1]), "id": heading["data-anchor-id"], "text": _text(heading)}
        out.append({**entry, "classes": classes})
    return out


def _search(soup: BeautifulSoup) -> list[dict]:
    """The text of the page, split at its headings; the soup is empty after it."""
    for gone in soup.select("#quarto-appendix, annotation, button"):
        gone.decompose()
    out = []
    # The innermost first: what it holds is not its parent's.
    for section in reversed(soup.select("section[class^=level]")):
        heading = section.find(HEADINGS, recursive=False)
        title = _text(heading) if heading else ""
        if heading:
            heading.decompose()
        out.append({"id": section.get("id", ""), "title": title, "text": _text(section)})
        section.decompose()
    out.append({"id": "", "title": "", "text": _text(soup)})
    return [entry for entry in reversed(out) if entry["text"] or entry["id"]]


def _text(node: Tag) -> str:
    for annotation in node.select("annotation"):
        annotation.decompose()
    return " ".join(node.get_text().split())
