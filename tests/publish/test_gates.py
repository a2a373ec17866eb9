"""Each gate lets a good site pass, and refuses a page with the one thing that it is for."""

import shutil
from pathlib import Path

import pytest

from publish.gates import all_gates, quick

GOOD = Path(__file__).parent / "gates_site"
POST = "post/index.html"
END = "</main>"


@pytest.fixture
def site(tmp_path):
    """A copy of a site that passes every gate."""
    return Path(shutil.copytree(GOOD, tmp_path / "site"))


def add(site, markup, page=POST):
    """Put markup on a line of its own at the end of a page; return that line's number."""
    file = site / page
    before, _, after = file.read_text().partition(END)
    file.write_text(before + markup + "\n" + END + after)
    return before.count("\n") + 1


def test_a_good_site_passes(site):
    assert quick(site) == []


@pytest.mark.parametrize(
    ("gate", "markup", "message"),
    [
        ("links", '<a href="gone.html">x</a>', "gone.html: no such file in the site (post/gone.html)"),
        ("links", '<a href="../nowhere/">x</a>', "no such file in the site (nowhere)"),
        ("links", '<a href="#sec-los">x</a>', "no anchor #sec-los in post/index.html; #sec-loss?"),
        ("links", '<a href="../index.html#top-of-all">x</a>', "no anchor #top-of-all in index.html"),
        ("links", '<img src="gone.png" alt="A loss that falls">', "gone.png: no such image"),
        ("links", '<img src="../figure.png" srcset="twice.png 2x" alt="A loss that falls">', "twice.png: no such image"),
        ("links", '<video src="../figure.png" poster="still.png"></video>', "still.png: no such file"),
        ("links", '<script src="gone.js"></script>', "gone.js: no such file"),
        ("links", '<p style="background: url(gone.png)">x</p>', "gone.png: no such file"),
        ("links", "<style>@import 'gone.css';</style>", "gone.css: no such file"),
        ("links", '<meta property="og:image" content="https://host.example/repo/cover.png">', "cover.png: no such"),
        ("links", '<a href="/index.html">x</a>', "leads out of the site, which is served under /repo/"),
        ("links", '<a href="../../other/">x</a>', "leads out of the site"),
        ("links", '<a href="https://nohost/x">x</a>', "no address that a browser can follow"),
        ("links", '<a href="https://[bad/x">x</a>', "is no address"),
        ("alt text", '<img src="../figure.png">', "figure.png: no alternative text"),
        ("alt text", '<img src="../figure.png" alt="">', 'alt="" is for decoration'),
        ("alt text", '<img src="../figure.png" alt="figure.png">', "is a file name"),
        ("alt text", '<img src="../figure.png" alt="loss-curve.svg">', "is a file name"),
        ("alt text", '<img src="../figure.png" alt="figure">', "is a file name"),
        ("alt text", '<img src="../figure.png" alt="A plot.">', "says nothing"),
        ("alt text", '<img src="../figure.png" alt="Figure 3">', "says nothing"),
        ("alt text", '<svg width="9" height="9"><circle r="4"></circle></svg>', "inline <svg>: no aria-label"),
        (
            "alt text",
            '<figure><img src="../figure.png" alt="The loss."><figcaption>Figure 2: The loss.</figcaption></figure>',
            "repeats the caption",
        ),
        ("references", "<p>See <strong>?@fig-gone</strong>.</p>", "?@fig-gone: unresolved cross-reference"),
        ("references", "<p>See @tbl-scores.</p>", "@tbl-scores: cross-reference left as text"),
        ("references", "<p>Known [@cybenko1989, p. 3].</p>", "[@cybenko1989, p. 3]: citation left as text"),
        ("references", '<p><span class="citation">(<strong>nobody2020?</strong>)</span></p>', "@nobody2020: citation"),
        ("references", "<p>{{&lt; nonsense x &gt;}}</p>", "{{< nonsense x >}}: shortcode left as text"),
        ("references", "<p>::: {.callout-note}</p>", "::: {.callout-note}: fence of a div left as text"),
        ("references", "<h3>Title {#sec-title}</h3>", "{#sec-title}: attributes left as text"),
        ("references", '<span class="math inline">\\(\\foo\\)</span>', "TeX that did not become MathML"),
        ("outputs", '<div class="cell-output cell-output-stderr"><pre>careful!</pre></div>', "printed to stderr: careful!"),
        ("outputs", '<div class="cell-output-error"><pre>Traceback\nKeyError: 1</pre></div>', "failed: KeyError: 1"),
        ("hosts", '<script src="https://cdn.example.org/x.js"></script>', "loads https://cdn.example.org/x.js"),
        ("hosts", '<link rel="preconnect" href="https://fonts.example.org">', "loads https://fonts.example.org"),
        ("hosts", '<img src="//img.example.org/a.png" alt="A loss that falls">', "loads //img.example.org/a.png"),
        ("hosts", "<style>@import url(https://fonts.example.org/css);</style>", "loads https://fonts.example.org/css"),
        ("hosts", '<iframe src="https://video.example.org/1"></iframe>', "loads https://video.example.org/1"),
    ],
)
def test_a_bad_page_is_refused(site, gate, markup, message):
    line = add(site, markup)
    findings = quick(site)
    assert [(f.page, f.line, f.gate) for f in findings] == [(POST, line, gate)]
    assert message in findings[0].message


def test_style_sheets_are_read(site):
    (site / "style.css").write_text(
        '/* url(no.png) */\n@import"more.css";\na { background: url( "gone.png" ) }\n'
        'b { background: url("data:image/svg+xml,%3csvg xmlns=\'http://www.w3.org/2000/svg\'%3e") }\n'
        "@font-face { src: url(https://fonts.example.org/a.woff2) }\n"
    )
    assert [str(f).split(" (")[0].split(": serve")[0] for f in quick(site)] == [
        "style.css:2: links: more.css: no such file in the site",
        "style.css:3: links: gone.png: no such file in the site",
        "style.css:5: hosts: loads https://fonts.example.org/a.woff2",
    ]


def test_the_site_address_can_be_given(site):
    findings = quick(site, "https://host.example/elsewhere/")
    assert {f.page for f in findings} == {"404.html", "index.html", POST}
    assert any("served under /elsewhere/" in f.message for f in findings)


def test_a_text_that_spans_lines_is_found_on_its_line(site):
    line = add(site, "<p>one\ntwo <em>three\n</em> four\nsee @fig-five</p>")
    assert [f.line for f in quick(site)] == [line + 3]


def test_a_gate_without_its_tool_fails(site, monkeypatch):
    monkeypatch.setenv("PATH", "")
    lines = []
    findings = all_gates(site, echo=lines.append)
    assert [f.gate for f in findings] == ["html", "browser", "weight"]
    assert "apt install default-jre-headless" in findings[0].message
    assert all("apt install chromium" in f.message for f in findings[1:])
    assert any(line.split()[:3] == ["html", "1", "found"] for line in lines)
