"""Turn pandoc's tree of a page into Quarto's structures: numbered floats, equations and references; callouts; folded
code; layouts. The names, classes and wording are Quarto's, so that one style sheet serves both engines."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from publish import pandoc
from publish.pandoc import attribute, is_element, plain, raw, raw_inline, string

NBSP = "\u00a0"
NAMES = {"fig": "Figure", "tbl": "Table", "eq": "Equation", "sec": "Section"}
LABEL = re.compile(r"^(fig|tbl|eq|sec)-")
EQUATION_LABEL = re.compile(r"^\{#(eq-[^}\s]+)\}(.*)$")
CALLOUTS = ("note", "tip", "warning", "important", "caution")
# So that the id of a caption cannot be one that an author chose.
CAPTION_ID = "caption-0ceaefa1-69ba-4598-a22c-09a6ac19f8ca"


@dataclass
class Index:
    """The numbers of a page's labels, and what is wrong with its references."""

    numbers: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)  # (a text to look for in the page, the message)

    def add(self, label: str, number: str | None = None) -> str:
        kind = label.split("-")[0]
        if label in self.numbers:
            self.problems.append((label, f"the label {label} is used twice"))
        elif number is None:
            number = str(1 + sum(other.startswith(f"{kind}-") for other in self.numbers))
        return self.numbers.setdefault(label, number or "")

    def name(self, label: str) -> str:
        """How the text speaks of a label: `Figure 1`."""
        return f"{NAMES[label.split('-')[0]]}{NBSP}{self.numbers[label]}"


def build(document: dict, options: dict) -> Index:
    """Rewrite `document` in place; return its labels' numbers and the problems found."""
    blocks = document["blocks"]
    index = number(blocks, show_sections=bool(options.get("number-sections")))
    blocks = _map_blocks(blocks, lambda block: _float_block(block, index))
    blocks = resolve_references(blocks, index)
    counter = itertools.count(1)
    blocks = _map_blocks(blocks, lambda block: _callout(block, counter))
    blocks = _map_blocks(blocks, lambda block: _folded(block, options))
    document["blocks"] = _map_blocks(blocks, _layout)
    return index


def _map_blocks(blocks: object, change: Callable[[dict], list | None]) -> list:
    return pandoc.transform(blocks, change)


def number(
    blocks: list, label: Callable[[dict], str | None] = lambda node: None, *, show_sections: bool = False
) -> Index:
    """Number sections, equations, figures and tables in the order of the text; equations get their number in place.

    `label` gives the label of a block that stands for a figure or table and is not one itself. With `show_sections`,
    headings show their number.
    """
    index = Index()
    _number_sections(blocks, index, show_sections)
    for node in pandoc.walk(blocks):
        if is_element(node, "Para", "Plain"):
            _equation(node, index)
        name = attribute(node)[0] if is_element(node, "Div", "Figure", "Table") else label(node)
        if re.match(r"(fig|tbl)-", name or ""):
            index.add(name)
    return index


# --- numbers ---------------------------------------------------------------------------------------------------------


def _number_sections(blocks: list, index: Index, show: bool) -> None:
    titles = {id(node["c"][1][0]) for node in pandoc.walk(blocks) if callout_kind(node) and node["c"][1]}
    headers = [node for node in pandoc.walk(blocks) if is_element(node, "Header") and id(node) not in titles]
    counts = [0] * 8
    top = min((node["c"][0] for node in headers), default=1)
    for node in headers:
        level, (identifier, classes, pairs), inlines = node["c"]
        if "unnumbered" in classes:
            continue
        counts[level] += 1
        counts[level + 1 :] = [0] * (7 - level)
        # Quarto counts from the second level, unless the page has headings of the first.
        digits = ".".join(map(str, counts[1 if top == 1 else 2 : level + 1]))
        if identifier.startswith("sec-"):
            index.add(identifier, digits)
        if show:
            pairs.append(["number", digits])
            span = {"t": "Span", "c": [["", ["header-section-number"], []], [string(digits)]]}
            inlines[:0] = [span, {"t": "Space"}]


def _equation(block: dict, index: Index) -> None:
    """`$$ … $$ {#eq-label}`: give the equation its number and an anchor."""
    out: list = []
    inlines = block["c"]
    for position, node in enumerate(inlines):
        match = EQUATION_LABEL.match(node["c"]) if is_element(node, "Str") else None
        formula = next((n for n in reversed(inlines[:position]) if not is_element(n, "Space", "SoftBreak")), None)
        if match and is_element(formula, "Math") and formula["c"][0]["t"] == "DisplayMath":
            label, rest = match.groups()
            while is_element(out[-1], "Space", "SoftBreak"):
                out.pop()
            formula["c"][1] = f"{formula['c'][1].rstrip()} \\qquad({index.add(label)})"
            out[-1] = {"t": "Span", "c": [[label, [], []], [formula]]}
            out += [string(rest)] if rest else []
        else:
            out.append(node)
    block["c"] = out


# --- floats ----------------------------------------------------------------------------------------------------------


def _float_block(node: dict, index: Index) -> list | None:
    """Write a figure or table as Quarto's float."""
    if is_element(node, "Figure"):
        return _figure(node, index)
    if is_element(node, "Table"):
        return _table(node, index)
    if is_element(node, "Div") and re.match(r"(fig|tbl)-", attribute(node)[0]):
        return _float_div(node, index)
    if is_element(node, "Para") and len(node["c"]) == 1 and is_element(node["c"][0], "Image"):
        return _bare_image(node)
    return None


def _image_attributes(image: dict) -> str:
    """Take the figure's options off an image; return its alignment."""
    options = dict(attribute(image)[2])
    align = options.pop("fig-align", "default")
    if alt := options.pop("fig-alt", None):
        options["alt"] = alt
    attribute(image)[2] = [[key, value] for key, value in options.items()]
    return "center" if align == "default" else align


def _figure(node: dict, index: Index) -> list:
    (identifier, classes, _), (_, caption), content = node["c"]
    align = "center"
    for image in pandoc.walk(content):
        if is_element(image, "Image"):
            align = _image_attributes(image)
            if identifier:  # the caption is not the alternative text, where there is one
                image["c"][1] = []
    inlines = caption[0]["c"] if caption else []
    if LABEL.match(identifier):
        return _float(identifier, classes, content, inlines, index, align=align)
    return [
        raw(f'<div class="quarto-figure quarto-figure-{align}"{_id(identifier)}><figure class="figure"><p>'),
        *content,
        raw("</p>"),
        plain([raw_inline("<figcaption>"), *inlines, raw_inline("</figcaption>")]),
        raw("</figure></div>"),
    ]


def _bare_image(node: dict) -> list:
    align = _image_attributes(node["c"][0])
    if align == "center" and "alt" not in dict(attribute(node["c"][0])[2]):
        return [node]
    opening = f'<div class="quarto-figure quarto-figure-{align}"><figure class="figure"><p>'
    return [raw(opening), plain(node["c"]), raw("</p></figure></div>")]


def _table(node: dict, index: Index) -> list | None:
    identifier, classes, pairs = attribute(node)
    node["c"][0] = ["", ["caption-top", *(f"table-{c}" for c in classes)], pairs]
    if not identifier.startswith("tbl-"):
        node["c"][0][0] = identifier
        return None
    caption = node["c"][1][1]
    node["c"][1] = [None, []]
    return _float(identifier, [], [node], caption[0]["c"] if caption else [], index)


def _float_div(node: dict, index: Index) -> list:
    (identifier, classes, pairs), content = node["c"]
    caption: list = []
    if len(content) > 1 and is_element(content[-1], "Para"):
        content, caption = content[:-1], content[-1]["c"]
    return _float(identifier, classes, content, caption, index, pairs=pairs)


def _float(
    identifier: str,
    classes: list,
    content: list,
    caption: list,
    index: Index,
    *,
    align: str = "center",
    pairs: list = (),
) -> list:
    kind = identifier.split("-")[0]
    location = "top" if kind == "tbl" else "bottom"
    title = [string(index.name(identifier))]
    if caption:
        title += [string(":"), {"t": "Space"}, *caption]
    caption_id = f"{identifier}-{CAPTION_ID}"
    names = f"quarto-float-caption-{location} quarto-float-caption quarto-float-{kind}"
    opening = f'<figcaption class="{names}" id="{caption_id}">'
    figcaption = plain([raw_inline(opening), *title, raw_inline("</figcaption>")])
    body = [raw(f'<div aria-describedby="{caption_id}">'), *content, raw("</div>")]
    outer = " ".join([*classes, "quarto-float", "quarto-figure", f"quarto-figure-{align}", "anchored"])
    data = "".join(f' data-{key}="{html.escape(value)}"' for key, value in pairs)
    return [
        raw(f'<div id="{identifier}" class="{outer}"{data}>\n<figure class="quarto-float quarto-float-{kind} figure">'),
        *([figcaption, *body] if location == "top" else [*body, figcaption]),
        raw("</figure>\n</div>"),
    ]


def _id(identifier: str) -> str:
    return f' id="{html.escape(identifier)}"' if identifier else ""


# --- references ------------------------------------------------------------------------------------------------------


def resolve_references(blocks: list, index: Index) -> list:
    """Replace `@fig-…` and the like with a link that has the name and the number."""

    def change(node: dict) -> list | None:
        if not is_element(node, "Cite"):
            return None
        citations = node["c"][0]
        labels = [LABEL.match(c["citationId"][:1].lower() + c["citationId"][1:]) for c in citations]
        if not any(labels):
            return None  # citeproc's
        if not all(labels):
            message = "write citations and cross-references in brackets of their own"
            index.problems.append((f"@{citations[0]['citationId']}", message))
            return None
        out: list = []
        for citation in citations:
            out += [string(","), {"t": "Space"}] if out else []
            out += _reference(citation, index)
            out += citation["citationSuffix"]
        return out

    return pandoc.transform(blocks, change)


def _reference(citation: dict, index: Index) -> list:
    written = citation["citationId"]
    label = written[0].lower() + written[1:]
    number = index.numbers.get(label)
    if number is None:
        message = f"the reference @{written} has no target: nothing on this page is labelled {label}"
        index.problems.append((f"@{written}", message))
        return [{"t": "Strong", "c": [string(f"?@{written}")]}]
    if citation["citationPrefix"]:
        text = [*citation["citationPrefix"], string(NBSP + number)]
    elif citation["citationMode"]["t"] == "SuppressAuthor":
        text = [string(number)]
    else:
        text = [string(index.name(label))]
    return [{"t": "Link", "c": [["", ["quarto-xref"], []], text, [f"#{label}", ""]]}]


# --- callouts, code, layouts -----------------------------------------------------------------------------------------


def callout_kind(node: dict) -> str | None:
    """The kind of a callout, such as `note`; None for anything else."""
    classes = attribute(node)[1] if is_element(node, "Div") else []
    return next((name for name in CALLOUTS if f"callout-{name}" in classes), None)


def _callout(node: dict, counter: Iterator[int]) -> list | None:
    kind = callout_kind(node)
    if kind is None:
        return None
    (identifier, classes, pairs), content = node["c"]
    options = dict(pairs)
    appearance = options.get("appearance", "default")
    title = [string(options["title"])] if "title" in options else []
    if content and is_element(content[0], "Header") and not title:
        title = content[0]["c"][2]
        content = content[1:]
    reader_hint = (
        [raw_inline(f'<span class="screen-reader-only visually-hidden">{kind.title()}</span>')] if title else []
    )
    title = title or ([string(kind.title())] if appearance == "default" else [])
    number = next(counter)
    outer = [c for c in classes if not c.startswith("callout-")]
    outer += ["callout", f"callout-style-{appearance}", f"callout-{kind}", *(["callout-titled"] if title else [])]
    opening = f'<div{_id(identifier)} class="{" ".join(outer)}">'
    icon = '<div class="callout-icon-container"><i class="callout-icon"></i></div>'
    if not title:
        body = f'{opening}<div class="callout-body d-flex">{icon}<div class="callout-body-container">'
        return [raw(body), *content, raw("</div></div></div>")]
    body, end = '<div class="callout-body-container callout-body">', "</div></div>"
    header, toggle = 'class="callout-header d-flex align-content-center"', ""
    if collapse := options.get("collapse"):
        closed = collapse == "true"
        header = (
            f'class="callout-header d-flex align-content-center{" collapsed" * closed}" data-bs-toggle="collapse"'
            f' data-bs-target=".callout-{number}-contents" aria-controls="callout-{number}"'
            f' aria-expanded="{"false" if closed else "true"}" aria-label="Toggle callout"'
        )
        button = "callout-btn-toggle d-inline-block border-0 py-1 ps-1 pe-0 float-end"
        toggle = f'<div class="{button}"><i class="callout-toggle"></i></div>'
        shown = "" if closed else " show"
        folding = f'<div id="callout-{number}" class="callout-{number}-contents callout-collapse collapse{shown}">'
        body, end = folding + body, end + "</div>"
    container = raw_inline('<div class="callout-title-container flex-fill">')
    return [
        raw(f"{opening}<div {header}>{icon}"),
        plain([container, *reader_hint, *title, raw_inline(f"</div>{toggle}</div>")]),
        raw(body),
        *content,
        raw(end),
    ]


def _folded(node: dict, options: dict) -> list | None:
    if not is_element(node, "CodeBlock") or "cell-code" not in attribute(node)[1]:
        return None
    pairs = dict(attribute(node)[2])
    fold = pairs.pop("code-fold", str(options.get("code-fold", "false")).lower())
    summary = pairs.pop("code-summary", options.get("code-summary", "Code"))
    attribute(node)[2] = [[key, value] for key, value in pairs.items()]
    if fold not in ("true", "show"):
        return [node]
    opened = " open" if fold == "show" else ""
    return [
        raw(f'<details{opened} class="code-fold">\n<summary>{html.escape(summary)}</summary>'),
        node,
        raw("</details>"),
    ]


def _layout(node: dict) -> list | None:
    """A div with `layout-ncol`: its blocks side by side, in rows of equal cells."""
    if not is_element(node, "Div"):
        return None
    (identifier, classes, pairs), content = node["c"]
    columns = dict(pairs).get("layout-ncol", "")
    if not columns.isdigit() or int(columns) < 1:
        return None
    cells = _grouped(content)
    out = [
        raw(
            f'<div{_id(identifier)} class="{" ".join(["quarto-layout-panel", *classes])}" data-layout-ncol="{columns}">'
        )
    ]
    width = f"flex-basis: {100 / int(columns):.1f}%;justify-content: flex-start;"
    for start in range(0, len(cells), int(columns)):
        out.append(raw('<div class="quarto-layout-row">'))
        for cell in cells[start : start + int(columns)]:
            out += [raw(f'<div class="quarto-layout-cell" style="{width}">'), *cell, raw("</div>")]
        out.append(raw("</div>"))
    return [*out, raw("</div>")]


def _grouped(blocks: list) -> list[list]:
    """Blocks as cells of a layout: what was written between `<div>` and `</div>` stays together."""
    cells: list[list] = []
    depth = 0
    for block in blocks:
        if depth == 0:
            cells.append([])
        cells[-1].append(block)
        if is_element(block, "RawBlock"):
            depth += block["c"][1].count("<div") - block["c"][1].count("</div")
    return cells
