"""Gate: every address inside the site leads to a file, and every fragment to an anchor."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from .finding import Finding
from .site import Reference, Site

NOT_FILES = {"about", "blob", "data", "javascript", "mailto", "tel"}
# Fragments that a script of the page reads: Quarto's listings filter by category.
SCRIPT_FRAGMENTS = ("category=",)


def links(site: Site) -> Iterator[Finding]:
    """Check addresses in pages and style sheets. Other hosts are not asked; their addresses must be well formed."""
    pages = {page.path: page for page in site.pages}
    for ref in site.references:

        def finding(message: str, ref: Reference = ref) -> Finding:
            return Finding(ref.source, ref.line, "links", message)

        try:
            parts = urlsplit(ref.url)
        except ValueError as error:
            yield finding(f"{ref.url!r} is no address: {error}")
            continue
        if parts.scheme in NOT_FILES:
            continue
        if site.is_external(ref.url) or (parts.scheme and not parts.netloc):
            if parts.scheme not in {"", "http", "https"} or "." not in parts.netloc or " " in ref.url:
                yield finding(f"{ref.url!r} is no address that a browser can follow")
            continue
        target = site.locate(ref.source, ref.url)
        if target is None:
            yield finding(f"{ref.url} leads out of the site, which is served under {site.base}")
        elif not (site.root / target).is_file():
            what = "image" if ref.image else "file"
            yield finding(f"{ref.url}: no such {what} in the site ({target})")
        elif target in pages:
            anchor = unquote(parts.fragment.partition(":~:")[0])
            if anchor in {"", "top"} or anchor.startswith(SCRIPT_FRAGMENTS):
                continue
            if anchor not in pages[target].anchors:
                near = difflib.get_close_matches(anchor, pages[target].anchors, n=1)
                yield finding(f"{ref.url}: no anchor #{anchor} in {target}" + (f"; #{near[0]}?" if near else ""))
