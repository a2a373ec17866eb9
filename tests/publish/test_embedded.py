"""The embedded engine renders the test site into Quarto's structures: the same ids, classes, wording and numbers."""

import json
import re
import shutil
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from publish.embedded import render as render_project
from publish.gates import quick
from publish.project import Project

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The rendered test site: it is rendered once for all the tests that only look at it."""
    root = Path(shutil.copytree(HERE / "site", tmp_path_factory.mktemp("embedded") / "site"))
    assert render_project(Project(root), root / "cache") == []
    return root / "_site"


@pytest.fixture(scope="module")
def soup(site):
    return BeautifulSoup((site / "posts/features/index.html").read_text(), "html.parser")


def text(node):
    return " ".join(node.get_text().split())


def test_references_are_links_with_name_and_number(soup):
    links = [(text(link), link["href"]) for link in soup.select("a.quarto-xref")]
    assert links == [
        ("Figure 1", "#fig-line"),
        ("Table 2", "#tbl-squares"),
        ("Equation 1", "#eq-sum"),
        ("Section 2", "#sec-chunks"),
        ("2", "#fig-drawn"),
        ("see 1", "#tbl-words"),
        ("Table 2", "#tbl-squares"),
    ]
    assert all(soup.find(id=href[1:]) for _, href in links)


@pytest.mark.parametrize(
    ("label", "kind", "location", "caption"),
    [
        ("fig-line", "fig", "bottom", "Figure 1: A line, with"),
        ("fig-drawn", "fig", "bottom", "Figure 2: Drawn by hand."),
        ("tbl-words", "tbl", "top", "Table 1: Words and their letters."),
        ("tbl-squares", "tbl", "top", "Table 2: Squares of small numbers."),
    ],
)
def test_figures_and_tables_are_floats(soup, label, kind, location, caption):
    float_ = soup.find("div", id=label)
    assert {"quarto-float", "quarto-figure", "quarto-figure-center", "anchored"} <= set(float_["class"])
    figure = float_.find("figure", recursive=False)
    assert figure["class"] == ["quarto-float", f"quarto-float-{kind}", "figure"]
    figcaption = figure.find("figcaption")
    assert text(figcaption).startswith(caption)
    assert f"quarto-float-caption-{location}" in figcaption["class"]
    body = figure.find("div", attrs={"aria-describedby": figcaption["id"]})
    assert (figcaption.find_previous_sibling("div") is body) == (location == "bottom")


def test_a_drawn_figure_has_its_alternative_text_and_nominal_size(site, soup):
    image = soup.select_one("#fig-line img")
    assert image["alt"] == "A line that rises from left to right, ever steeper."
    assert image["src"] == "index_files/figure-html/fig-line-output-1.png"
    png = (site / "posts/features" / image["src"]).read_bytes()
    pixels = int.from_bytes(png[16:20], "big")
    assert abs(int(image["width"]) - pixels / 2) <= 0.5  # retina


def test_formulas_are_mathml_and_equations_are_numbered(soup):
    assert soup.select("#eq-sum math[display=block] mfrac")
    assert "(1)" in text(soup.find(id="eq-sum"))
    assert soup.select("#fig-line figcaption math msup")
    assert not re.search(r"katex|mathjax", str(soup), re.I)


def test_citations_link_to_the_references(soup):
    assert text(soup.select_one(".citation")) == "(Knuth 1984, 97)"
    assert soup.select_one(".citation a")["href"] == "#ref-knuth1984"
    assert soup.select_one("section#references #refs #ref-knuth1984")


def test_references_without_a_place_and_footnotes_go_to_the_appendix(site):
    soup = BeautifulSoup((site / "posts/second/index.html").read_text(), "html.parser")
    appendix = soup.find(id="quarto-appendix")
    assert [text(h) for h in appendix.find_all("h2")] == ["References", "Footnotes"]
    assert appendix.select("section#quarto-bibliography[role=doc-bibliography] #ref-knuth1984")
    assert appendix.select("section#footnotes li#fn1 a.footnote-back")
    assert len(soup.find_all(string="References")) == 1


def test_callouts(soup):
    note, tip, warning = soup.select(".callout")
    assert (text(note.select_one(".callout-title-container")), note["class"][-1]) == ("Note", "callout-titled")
    assert text(tip.select_one(".callout-title-container")) == "TipSolution"  # Tip: for screen readers only
    header = tip.select_one(".callout-header")
    assert (header["data-bs-toggle"], header["aria-expanded"]) == ("collapse", "false")
    folded = tip.select_one(header["data-bs-target"])
    assert text(folded.select_one(".cell-output-stdout")) == "from a callout"
    assert text(warning.select_one(".callout-title-container")) == "WarningTitled by a heading"
    assert text(warning.select_one(".callout-body")) == "Mind the gap."


def test_code(soup):
    folded = soup.select_one("details.code-fold")
    assert text(folded.summary) == "The imports"
    assert not folded.has_attr("open")
    shown = [text(code) for code in soup.select("div.sourceCode.cell-code code.sourceCode.python")]
    assert len(shown) == 6
    assert not any("Written *as is*" in code or "not shown" in code or "#|" in code for code in shown)
    assert "never_run()" in shown
    assert len(soup.select(".code-copy-outer-scaffold > .code-copy-button")) == len(soup.select("div.sourceCode"))


def test_outputs(soup):
    assert "Written as is, with a reference to Table 2." in [text(p) for p in soup.select("main p")]
    assert not soup.select(".cell-output-stderr")
    assert "from an included file" in text(soup.select_one("#sec-included .cell-output-stdout"))


def test_a_div_with_columns(soup):
    cells = soup.select(".quarto-layout-panel > .quarto-layout-row > .quarto-layout-cell")
    assert [bool(cell.find(id="fig-drawn")) for cell in cells] == [True, False]


def test_headings_and_contents(soup):
    headings = {h["data-anchor-id"]: h.name for h in soup.select("main h2.anchored[data-anchor-id], main h3.anchored")}
    assert headings == {
        "sec-prose": "h2",
        "sec-included": "h3",
        "sec-chunks": "h2",
        "shown-side-by-side": "h3",
        "references": "h2",
    }
    assert {anchor: text(soup.find(id=anchor).find(tag)) for anchor, tag in list(headings.items())[:3]} == {
        "sec-prose": "1 Prose",
        "sec-included": "1.1 Included",
        "sec-chunks": "2 Chunks",
    }
    assert [a["href"] for a in soup.select("nav#TOC a")] == [f"#{anchor}" for anchor in headings]


def test_links_lead_to_pages_and_files(site, soup):
    targets = {text(a): a["href"] for a in soup.select("main a[href]")}
    assert targets["another post"] == "../second/index.html#start"
    assert targets["as a file"] == "cover.png"
    assert (site / "posts/features/cover.png").is_file()
    assert (site / "posts/features/drawn.svg").is_file()


def test_title_block_and_head(soup):
    assert text(soup.select_one("h1.title")) == "Every feature"
    assert text(soup.select_one("p.date")) == "March 1, 2025"
    assert [text(c) for c in soup.select(".quarto-category")] == ["python", "testing"]
    meta = {tag.get("name") or tag.get("property"): tag.get("content") for tag in soup.select("meta")}
    assert meta["description"] == meta["og:description"] == "What a page may hold."
    assert meta["author"] == "The authors"
    assert meta["dcterms.date"] == "2025-03-01"
    assert meta["og:image"] == meta["twitter:image"] == "http://localhost/posts/features/cover.png"
    assert meta["og:image:alt"] == meta["twitter:image:alt"] == "A line that rises from left to right"


def test_the_listing_feed_search_and_sitemap(site):
    index = BeautifulSoup((site / "index.html").read_text(), "html.parser")
    assert [text(t) for t in index.select(".listing-title")] == ["The second post", "Every feature"]
    assert (site / "index.xml").read_text().count("<item>") == 2
    assert (site / "sitemap.xml").read_text().count("<loc>") == 4
    entries = {e["href"]: e["text"] for e in json.loads((site / "search.json").read_text())}
    assert "(Knuth 1984, 97)" in entries["posts/features/index.html#sec-prose"]
    assert "from an included file" in entries["posts/features/index.html#sec-included"]
    assert "from an included file" not in entries["posts/features/index.html#sec-prose"]


def test_both_scripts_ran(site):
    assert (site.parent / "ran-before").exists()
    assert (site / "after.txt").exists()


def test_nothing_is_asked_of_another_host(site):
    # Links are fine; what a browser loads by itself is not.
    loads = re.compile(r"""(?:src|srcset|poster)=["']?https?://|@import[^;]*https?://|url\(["']?https?://""")
    found = [file for file in site.rglob("*") if file.suffix in (".html", ".css") and loads.search(file.read_text())]
    assert found == []
    for page in site.rglob("*.html"):
        assert not BeautifulSoup(page.read_text(), "html.parser").select("link[rel=stylesheet][href^=http]")


def test_code_in_a_description_is_plain_text_in_the_head(project_with):
    root = project_with("Text.", front="title: x\ndescription: What `code` does")
    assert render_project(Project(root), root / "cache") == []
    head = BeautifulSoup((root / "_site/index.html").read_text(), "html.parser").head
    assert head.find("meta", attrs={"name": "description"})["content"] == "What code does"


def test_an_app_in_a_page_comes_through_with_its_modules_and_links_to_its_settings(project_with):
    app = (
        '<link rel="stylesheet" href="app/app.css">\n<form hidden><input name="rate" value="5" required></form>\n'
        '<script type="module" src="app/main.js"></script>\n'
    )
    body = f"```{{=html}}\n{app}```\n\n[Try](/index.html?data=moons&rate=5), [again](index.html?rate=0.5)"
    root = project_with(body)
    for name in ("app/main.js", "app/app.css", "app/notes.md", "tests/app/main.js"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    config = (root / "_quarto.yml").read_text()
    resources = "project:\n  resources: [/app/*.js, /app/*.css]\n"
    (root / "_quarto.yml").write_text(config.replace("project:\n", resources))
    assert render_project(Project(root), root / "cache") == []
    site = root / "_site"
    page = BeautifulSoup((site / "index.html").read_text(), "html.parser").main
    assert page.find("script", attrs={"type": "module", "src": "app/main.js"})
    assert page.find("link", attrs={"rel": "stylesheet", "href": "app/app.css"})
    assert page.form.has_attr("hidden") and page.form.input.has_attr("required")
    assert [a["href"] for a in page.select("p a")] == ["index.html?data=moons&rate=5", "index.html?rate=0.5"]
    copied = sorted(str(file.relative_to(site)) for file in site.rglob("app*/*") if "site_libs" not in file.parts)
    assert copied == ["app/app.css", "app/main.js"]
    assert quick(site) == []
