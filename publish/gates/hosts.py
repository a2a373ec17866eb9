"""Gate: reading a page asks no other host for anything."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Finding
from .site import Site


def hosts(site: Site) -> Iterator[Finding]:
    """Find what pages and style sheets load from other hosts. What scripts ask for is seen in the browser."""
    for ref in site.references:
        if ref.loaded and site.is_external(ref.url):
            yield Finding(ref.source, ref.line, "hosts", f"loads {ref.url}: serve it from the site, or do without it")
