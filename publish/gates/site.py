"""A rendered site as the gates see it: its pages, and what they refer to.

Nothing here knows which engine rendered the site.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag

# <link rel=...> values that make a browser load something, or connect to a host.
LOADING_RELS = {
    "apple-touch-icon", "dns-prefetch", "icon", "manifest", "mask-icon", "modulepreload",
    "preconnect", "prefetch", "preload", "shortcut", "stylesheet",
}  # fmt: skip
# Attributes that hold one address. What an <a> points to is loaded only when a reader follows it.
LOADED = {
    "audio": ["src"], "embed": ["src"], "iframe": ["src"], "image": ["href", "xlink:href"], "img": ["src"],
    "input": ["src"], "object": ["data"], "script": ["src"], "source": ["src"], "track": ["src"],
    "use": ["href", "xlink:href"], "video": ["src", "poster"],
}  # fmt: skip
FOLLOWED = {"a": ["href", "xlink:href"], "area": ["href"], "form": ["action"]}
CSS_COMMENT = re.compile(r"/\*.*?\*/", re.S)
CSS_ADDRESS = re.compile(
    r"""(?:@import\s*|url\(\s*)(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>(?!url\()[^\s"');]+))""", re.I
)
META_IMAGES = {"og:image", "twitter:image"}


@dataclass(frozen=True)
class Reference:
    """An address in a page or style sheet, and whether reading the page loads it."""

    source: str
    line: int | None
    url: str
    loaded: bool
    image: bool = False


@dataclass
class Page:
    """An HTML file of the site; `path` is relative to the site, with slashes."""

    path: str
    html: str

    @cached_property
    def soup(self) -> BeautifulSoup:
        return BeautifulSoup(self.html, "html.parser")

    @cached_property
    def anchors(self) -> set[str]:
        """Every name that a fragment can point to."""
        ids = {tag["id"] for tag in self.soup.find_all(id=True)}
        return ids | {tag["name"] for tag in self.soup.find_all("a", attrs={"name": True})}

    def references(self) -> Iterator[Reference]:
        """Yield every address in the page, in order of appearance."""
        for tag in self.soup.find_all(True):
            for url, loaded in _addresses(tag):
                yield Reference(self.path, tag.sourceline, url.strip(), loaded, image=tag.name in {"img", "image"})


class Site:
    """A folder with a rendered site, to be served at `url` (by default as its sitemap says)."""

    def __init__(self, root: Path | str, url: str | None = None) -> None:
        self.root = Path(root)
        self.url = url or self._url_in_sitemap()

    @property
    def base(self) -> str:
        """The path under which the site is served: `/`, or `/repository/` on GitHub Pages."""
        return urlsplit(self.url).path.rstrip("/") + "/"

    @cached_property
    def pages(self) -> list[Page]:
        files = sorted(f for f in self.root.rglob("*.html") if "site_libs" not in f.parts)
        return [Page(f.relative_to(self.root).as_posix(), f.read_text("utf-8")) for f in files]

    @cached_property
    def references(self) -> list[Reference]:
        """All addresses in pages and style sheets."""
        found = [reference for page in self.pages for reference in page.references()]
        for sheet in sorted(self.root.rglob("*.css")):
            name = sheet.relative_to(self.root).as_posix()
            text = sheet.read_text("utf-8")
            found += [Reference(name, line, url, loaded=True) for line, url in css_addresses(text)]
        return found

    def is_external(self, url: str) -> bool:
        """Whether `url` names a host that is not the site's own."""
        try:
            host = urlsplit(url).netloc
        except ValueError:  # No address at all: the link gate reports it.
            return False
        return bool(host) and host != urlsplit(self.url).netloc

    def locate(self, source: str, url: str) -> str | None:
        """Return the path in the site that `url`, written in the file `source`, stands for; None if it is outside."""
        here = "http://site" + self.base + source
        parts = urlsplit(urljoin(here, url))
        path = unquote(parts.path)
        if not (path + "/").startswith(self.base):
            return None
        path = posixpath.normpath("./" + path[len(self.base) :])
        return posixpath.normpath(f"{path}/index.html") if (self.root / path).is_dir() else path

    def _url_in_sitemap(self) -> str:
        """Return the site's address from its sitemap: the shortest one in it is that of a page at the top."""
        sitemap = self.root / "sitemap.xml"
        pages = re.findall(r"<loc>\s*(https?://[^<\s]+)", sitemap.read_text("utf-8")) if sitemap.is_file() else []
        return min(pages, key=len).rpartition("/")[0] + "/" if pages else ""


def css_addresses(css: str) -> Iterator[tuple[int, str]]:
    """Yield line and address of every `url(...)` and `@import` in a style sheet."""
    css = CSS_COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), css)
    for match in CSS_ADDRESS.finditer(css):
        if url := match["double"] or match["single"] or match["bare"]:
            yield css.count("\n", 0, match.start()) + 1, url


def _addresses(tag: Tag) -> Iterator[tuple[str, bool]]:
    """Yield the addresses in one tag, and whether a browser loads them by itself."""
    for names, loaded in ((LOADED, True), (FOLLOWED, False)):
        yield from ((tag[name], loaded) for name in names.get(tag.name, ()) if tag.get(name))
    if srcset := tag.get("srcset") or tag.get("imagesrcset"):
        yield from ((part.split()[0], True) for part in re.split(r",\s+", srcset) if part.strip())
    if tag.name == "link" and tag.get("href"):
        yield tag["href"], not LOADING_RELS.isdisjoint(tag.get_attribute_list("rel"))
    if tag.name == "meta" and tag.get("content"):
        if META_IMAGES & {tag.get("property"), tag.get("name")}:
            yield tag["content"], False
        elif tag.get("http-equiv", "").lower() == "refresh" and "url=" in tag["content"].lower():
            yield re.split("url=", tag["content"], flags=re.I)[1].strip("'\" "), False
    if tag.name == "style":
        yield from ((url, True) for _, url in css_addresses(tag.get_text()))
    if style := tag.get("style"):
        yield from ((url, True) for _, url in css_addresses(style))
