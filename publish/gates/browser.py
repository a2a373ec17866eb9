"""Gates in a real browser: every page, light and dark, wide and narrow, in headless Chromium.

The site is served on this machine, under the path where it will be published. The browser finds no other host.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from itertools import product
from threading import Thread
from urllib.parse import urlsplit

from publish.serving import Handler

from .finding import Finding
from .site import Site
from .tools import MissingTool, npm_file, program

THEMES = ("light", "dark")
WIDTHS = (1280, 390)  # pixels: a laptop and a phone
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FLAGS = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
# Quarto's switch between light and dark, and smalldocs'.
TOGGLE = ".quarto-color-scheme-toggle, [aria-label*='theme' i], [aria-label*='dark' i]"

IS_DARK = """() => {
    const color = e => getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number);
    const [r, g, b] = [document.body, document.documentElement].map(color).find(c => c[3] !== 0) ?? [255, 255, 255];
    return r + g + b < 384;
}"""
# What is folded away must be right as well: solutions, callouts, code.
UNFOLD = """() => {
    document.querySelectorAll('details').forEach(d => { d.open = true; });
    document.querySelectorAll('main .collapse').forEach(c => { c.classList.add('show'); });
    document.querySelectorAll('img[loading=lazy]').forEach(i => { i.loading = 'eager'; });
}"""
# How far the page is wider than the screen, and the innermost element that makes it so.
OVERFLOW = """() => {
    const width = document.documentElement.clientWidth, excess = document.documentElement.scrollWidth - width;
    if (excess <= 0) return null;
    const clipped = e => e && e !== document.body && (getComputedStyle(e).overflowX !== 'visible' || clipped(e.parentElement));
    const wide = [...document.body.querySelectorAll('*')].filter(
        e => e.getBoundingClientRect().right > width + 1 && !clipped(e.parentElement));
    const name = e => e.tagName.toLowerCase() + (e.id && '#' + e.id) + [...e.classList].map(c => '.' + c).join('');
    const e = wide.at(-1) ?? document.body, home = e.parentElement.closest('[id]');
    return [excess, name(e) + (home ? ' in ' + name(home) : '')];
}"""
BROKEN_IMAGES = "() => [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
AXE = """rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']}).then(results => results.violations.map(
    v => [v.id, v.help, v.nodes.map(n => [n.target.join(' '), n.any.concat(n.all, n.none).map(c => c.message)[0] ?? ''])]))"""


@dataclass
class Visit:
    """What happened when the browser opened one page in one theme at one width."""

    page: str
    theme: str
    width: int
    problems: list[tuple[str, str]] = field(default_factory=list)  # gate, message
    files: set[str] = field(default_factory=set)  # of the site, that the page loaded

    def note(self, gate: str, message: str) -> None:
        if (gate, message) not in self.problems:
            self.problems.append((gate, message))


def browser(site: Site) -> Iterator[Finding]:
    """Yield what is wrong in the browser: other hosts, failed requests, scripts, themes, overflow, accessibility."""
    views = list(product(THEMES, WIDTHS))
    seen = defaultdict(list)
    for visit in visits(site):
        for gate, message in visit.problems:
            seen[visit.page, gate, message].append((visit.theme, visit.width))
    for (page, gate, message), where in seen.items():
        # axe runs at one width only.
        full = [view for view in views if gate != "axe" or view[1] == WIDTHS[0]]
        views_text = ", ".join(f"{theme} at {width} px" for theme, width in where)
        yield Finding(page, None, gate, message if where == full else f"{message} ({views_text})")


@functools.cache
def visits(site: Site) -> list[Visit]:
    """Open every page in every view; the result is kept, for several gates read it."""
    from playwright.sync_api import Error, sync_playwright

    chromium = program("chromium", "chromium", "google-chrome", "chromium-browser")
    axe = npm_file("axe-core/axe.min.js").read_text("utf-8")
    with serve(site) as address, sync_playwright() as playwright:
        try:
            chrome = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        except Error as error:
            raise MissingTool(f"{chromium} did not start: {error.message.splitlines()[0]}") from error
        found = [visit for view in product(THEMES, WIDTHS) for visit in _look(site, address, chrome, *view, axe)]
        chrome.close()
    return found


@contextmanager
def serve(site: Site) -> Iterator[str]:
    """Serve the site on this machine, under the path where it will be published; yield the address."""

    class SiteHandler(Handler):
        def translate_path(self, path: str) -> str:
            return str(site.root / (site.locate("", path) or "outside"))

    with ThreadingHTTPServer(("127.0.0.1", 0), SiteHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{site.base}"
        finally:
            server.shutdown()


def _look(site: Site, address: str, chrome, theme: str, width: int, axe: str) -> Iterator[Visit]:
    """Open every page of the site in one theme at one width."""
    from playwright.sync_api import TimeoutError

    origin = address.removesuffix(site.base)
    context = chrome.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = context.new_page()

    def request(sent) -> None:
        if urlsplit(sent.url).scheme in {"http", "https"} and not sent.url.startswith(origin):
            visit.note("hosts", f"asks another host: {sent.url}")

    def response(received) -> None:
        if received.status >= 400:
            visit.note("requests", f"asks for {received.url.removeprefix(origin)}, which is not in the site")
        elif received.url.startswith(origin):
            visit.files.add(site.locate("", received.url.removeprefix(origin)))

    def console(message) -> None:
        # A request that failed is noted with its address above.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            visit.note("scripts", f"console error: {message.text}")

    page.on("request", request)
    page.on("response", response)
    page.on("console", console)
    page.on("pageerror", lambda error: visit.note("scripts", f"script failed: {error.message}"))
    for path in [page.path for page in site.pages]:
        visit = Visit(path, theme, width)
        try:
            page.goto(address + path)
            themed = switch_theme(page, theme)
            page.evaluate(UNFOLD)
            page.wait_for_load_state("networkidle")
        except TimeoutError:
            visit.note("requests", "is still loading after 30 s")
            yield visit
            continue
        if not themed:
            visit.note("themes", f"no {theme} theme: neither the reader's preference nor the page's switch brings it")
        if overflow := page.evaluate(OVERFLOW):
            visit.note("layout", "{} pixels wider than the screen, because of {}".format(*overflow))
        for source in page.evaluate(BROKEN_IMAGES):
            if (file := site.locate("", source.removeprefix(origin))) in visit.files:
                visit.note("requests", f"{file} is no picture that the browser can show")
        if width == WIDTHS[0]:
            page.evaluate(axe)
            for message in axe_messages(page.evaluate(AXE, AXE_RULES)):
                visit.note("axe", message)
        yield visit
    context.close()


def axe_messages(violations: list) -> Iterator[str]:
    """Yield a message per rule: where it is broken first, and why."""
    for rule, rule_help, nodes in violations:
        (target, why), more = nodes[0], len(nodes) - 1
        yield f"{rule}: {rule_help}: {target}" + (f", and {more} more" if more else "") + (f": {why}" if why else "")


def switch_theme(page, theme: str) -> bool:
    """Bring the page into a theme, as a reader would: by preference or, failing that, with the page's switch."""
    dark = theme == "dark"
    if page.evaluate(IS_DARK) != dark and page.locator(TOGGLE).count():
        page.locator(TOGGLE).first.evaluate("switch_ => switch_.click()")
        page.wait_for_timeout(300)
    return page.evaluate(IS_DARK) == dark
