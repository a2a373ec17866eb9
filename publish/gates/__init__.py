"""Gates: what a rendered site must pass before it is published.

A gate takes a `Site` and yields a `Finding` for each thing that is wrong. `quick` runs those that read files only,
`all_gates` adds the HTML validator, the browser and a run of the notebooks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from .browser import browser
from .content import alt_text, outputs, references
from .finding import Finding
from .hosts import hosts
from .links import links
from .notebooks import notebooks
from .site import Site
from .tools import MissingTool
from .validity import validity
from .weight import report, weight

__all__ = ["Finding", "all_gates", "quick"]

QUICK = {"links": links, "alt text": alt_text, "references": references, "outputs": outputs, "hosts": hosts}
SLOW = {"html": validity, "browser": browser, "weight": weight, "notebooks": notebooks}


def quick(site: Path | str, site_url: str | None = None) -> list[Finding]:
    """Run the gates that need nothing but Python on the folder `site`; takes a second or two.

    `site_url` is the address at which the site will be served; by default its sitemap says.
    """
    rendered = Site(site, site_url)
    return [finding for gate in QUICK.values() for finding in gate(rendered)]


def all_gates(site: Path | str, site_url: str | None = None, echo: Callable[[str], object] = print) -> list[Finding]:
    """Run every gate on the folder `site` and say how each went, with `echo`; return the findings.

    A gate whose tool is missing fails.
    """
    rendered = Site(site, site_url)
    outside = sum(rendered.is_external(ref.url) for ref in rendered.references)
    echo(
        f"Checking {site}, to be served at {rendered.url or '/'}: {len(rendered.pages)} pages,"
        f" {len(rendered.references)} addresses ({outside} on other hosts, not asked)"
    )
    findings, complete = [], True
    for name, gate in (QUICK | SLOW).items():
        start = time.perf_counter()
        try:
            found = list(gate(rendered))
        except MissingTool as missing:
            found, complete = [Finding("(not checked)", None, name, str(missing))], False
        verdict = f"{len(found)} found" if found else "ok"
        echo(f"  {name:<11} {verdict:<10} {time.perf_counter() - start:5.1f} s")
        findings += found
    if complete:
        echo("  What a first visit loads:")
        for line in report(rendered):
            echo(f"  {line}")
    return findings
