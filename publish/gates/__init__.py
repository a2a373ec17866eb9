"""Gates: what a rendered site must pass before it is published.

A gate takes a `Site` and yields a `Finding` for each thing that is wrong. `quick` runs those that read files only,
`all_gates` adds the HTML validator and the browser.
"""

from __future__ import annotations

from pathlib import Path

from .content import alt_text, outputs, references
from .finding import Finding
from .hosts import hosts
from .links import links
from .site import Site

__all__ = ["Finding", "quick"]

QUICK = (links, alt_text, references, outputs, hosts)


def quick(site: Path | str, site_url: str | None = None) -> list[Finding]:
    """Run the gates that need no browser on the folder `site`; takes a second or two.

    `site_url` is the address at which the site will be served; by default its sitemap says.
    """
    rendered = Site(site, site_url)
    return [finding for gate in QUICK for finding in gate(rendered)]
