"""Each gate that needs the browser or the HTML validator refuses a page with the one thing that it is for.

All pages are in one site, for starting Java and Chromium takes longer than reading a page.
"""

import re
import shutil
from pathlib import Path

import pytest

from publish.gates import all_gates

pytestmark = pytest.mark.browser

GOOD = Path(__file__).parent / "gates_site"
LIGHT_ONLY = "<style>:root, body { background: #fff; color: #222 } a { color: #0645ad }</style>"
SWITCH = """<style>
:root, body { background: #fff; color: #222 } a { color: #0645ad }
.dark, .dark body { background: #111; color: #ddd } .dark a { color: #9cf }
</style>
<script>
addEventListener("load", () => {
  document.body.querySelector("header").insertAdjacentHTML("beforeend", "<button aria-label='Toggle dark theme' style='padding: 10px'>◐</button>");
  document.querySelector("button").onclick = () => document.documentElement.classList.toggle("dark");
});
</script>"""

# Name of the page, what its <head> and its <main> get, and the findings that must result: gate and message.
PAGES = {
    "switch": (SWITCH, "", []),
    "twice": ("", '<p id="fig-loss">again</p>', [("html", r"Duplicate ID “fig-loss”")]),
    # What Quarto's own markup gets wrong is let through, and only there: axe has its say on the same lines.
    "quarto": (
        '<link rel="stylesheet" href="../style.min.css" append-hash="true" id="quarto-bootstrap">'
        '<link rel="stylesheet" href="../style.min.css" append-hash="true" id="quarto-bootstrap">',
        '<button class="navbar-toggler" role="menu" aria-label="Menu" style="padding: 10px"></button>'
        '<div class="callout-header collapsed" data-bs-toggle="collapse" aria-expanded="false">Note</div>'
        '<div id="fig-two" alt="Two pictures">Two</div>',
        [("axe", r"aria-allowed-attr: .*\.callout-header"), ("axe", r"aria-allowed-role: .*button")],
    ),
    "hash": ("", '<p append-hash="true">text</p>', [("html", r"“append-hash” not allowed on element “p”")]),
    "mathml": ("", "<p><math><mfrac><mi>x</mi></mfrac></math></p>", [("html", r"“mfrac”")]),
    "request": ("", "<script>fetch('gone.json')</script>", [("requests", r"asks for /repo/post/gone\.json")]),
    "host": (
        "",
        "<script>fetch('https://api.example.org/x').catch(() => {})</script>",
        [("hosts", r"asks another host: https://api\.example\.org/x$")],
    ),
    "worker": (
        "",
        "<script type='module'>new Worker('../worker.js', { type: 'module' });</script>",
        [("hosts", r"asks another host: https://api\.example\.org/y$"), ("scripts", r"script failed: no memory$")],
    ),
    "exception": ("", "<script>throw new Error('no data')</script>", [("scripts", r"script failed: no data$")]),
    "console": ("", "<script>console.error('no canvas')</script>", [("scripts", r"console error: no canvas$")]),
    "picture": (
        "",
        '<img src="../torn.png" alt="A loss that falls" width="40" height="30">',
        [("requests", r"torn\.png is no picture")],
    ),
    "overflow": (
        "",
        '<div id="wide" style="width: 500px">wide</div>',
        [("layout", r"pixels wider than the screen, because of div#wide \(light at 390 px, dark at 390 px\)")],
    ),
    "theme": (LIGHT_ONLY, "", [("themes", r"no dark theme")]),
    "contrast": (
        "<style>@media (prefers-color-scheme: dark) { #faint { color: #444 } }</style>",
        '<p id="faint">faint</p>',
        [("axe", r"color-contrast: .*#faint.* \(dark at 1280 px\)")],
    ),
    "folded": (
        "<style>@media (prefers-color-scheme: light) { #faint { color: #ccc } }</style>",
        '<details><summary>Solution</summary><p id="faint">faint</p></details>',
        [("axe", r"color-contrast: .*#faint.* \(light at 1280 px\)")],
    ),
    "button": ("", "<button></button>", [("axe", r"button-name")]),
    "weight": (
        "",
        '<img src="../heavy.png" alt="A loss that falls" width="40" height="30">',
        [("weight", r"loads 95\d kB, more than 900 kB; most of it: heavy\.png"), ("weight", r"heavy\.png has 950 kB, more than 200")],
    ),
}


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """The findings on a site with every page, and what was said meanwhile."""
    site = Path(shutil.copytree(GOOD, tmp_path_factory.mktemp("gates") / "site"))
    picture = (site / "figure.png").read_bytes()
    (site / "torn.png").write_bytes(picture[:20])
    (site / "heavy.png").write_bytes(picture.ljust(950_000, b"\0"))
    (site / "worker.js").write_text(
        "fetch('https://api.example.org/y').catch(() => setTimeout(() => { throw new Error('no memory'); }));"
    )
    shutil.copy(site / "style.css", site / "style.min.css")
    post = (site / "post/index.html").read_text()
    for name, (head, main, _) in PAGES.items():
        page = post.replace("</head>", head + "</head>").replace("</main>", main + "</main>")
        (site / f"post/{name}.html").write_text(page)
    lines = []
    return all_gates(site, echo=lines.append), lines


@pytest.mark.parametrize("name", PAGES)
def test_a_page_gets_the_findings_that_it_must(checked, name):
    found = [(f.gate, f.message) for f in checked[0] if f.page == f"post/{name}.html"]
    wanted = PAGES[name][2]
    assert [gate for gate, _ in found] == [gate for gate, _ in wanted], found
    for (_, message), (_, pattern) in zip(found, wanted, strict=True):
        assert re.search(pattern, message)


@pytest.mark.parametrize("page", ["index.html", "post/index.html", "404.html"])
def test_a_good_page_passes(checked, page):
    assert [f for f in checked[0] if f.page == page] == []


def test_each_gate_reports_its_count_and_time(checked):
    said = {line.split()[0]: line for line in checked[1][1:]}
    assert re.search(r"3 found +\d+\.\d s", said["html"])
    assert re.search(r"ok +\d+\.\d s", said["links"])
