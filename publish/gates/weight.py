"""Gate: pages and figures are light enough for a slow connection."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from .browser import visits
from .finding import Finding
from .site import Site

PAGE_LIMIT = 900_000  # bytes that a first visit loads
FIGURE_LIMIT = 200_000
# What a server compresses on the way; fonts and pictures are compressed already.
COMPRESSED = {".css", ".html", ".js", ".json", ".mjs", ".svg", ".xml"}
KINDS = {".css": "styles", ".html": "html", ".js": "scripts", ".json": "scripts", ".mjs": "scripts"}
FONTS = {".otf", ".ttf", ".woff", ".woff2"}
PICTURES = {".avif", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp"}


def weight(site: Site) -> Iterator[Finding]:
    """Check what each page loads, as the browser saw it, against the limits."""
    pictures = {}
    for page, files in _loaded(site).items():
        sizes = {file: wire_size(site.root / file) for file in files}
        if (total := sum(sizes.values())) > PAGE_LIMIT:
            heavy = max(sizes, key=sizes.get)
            message = f"loads {kilobytes(total)}, more than {kilobytes(PAGE_LIMIT)}; most of it: {heavy}"
            yield Finding(page, None, "weight", f"{message}, {kilobytes(sizes[heavy])}")
        for file, size in sizes.items():
            if size > FIGURE_LIMIT and PurePosixPath(file).suffix in PICTURES:
                pictures.setdefault(file, (page, size))
    for file, (page, size) in pictures.items():
        yield Finding(page, None, "weight", f"{file} has {kilobytes(size)}, more than {kilobytes(FIGURE_LIMIT)}")


def report(site: Site) -> Iterator[str]:
    """Yield a line per page: what a first visit loads, in all and by kind."""
    for page, files in _loaded(site).items():
        kinds = Counter()
        for file in files:
            suffix = PurePosixPath(file).suffix
            kind = "fonts" if suffix in FONTS else "pictures" if suffix in PICTURES else KINDS.get(suffix, "other")
            kinds[kind] += wire_size(site.root / file)
        parts = ", ".join(f"{kind} {size / 1000:.0f}" for kind, size in kinds.most_common())
        yield f"{kilobytes(kinds.total()):>8}  {page} ({parts})"


def wire_size(file: Path) -> int:
    """Return the bytes of a file on the wire, compressed as GitHub Pages would (an estimate)."""
    data = file.read_bytes()
    return len(gzip.compress(data, 6, mtime=0)) if file.suffix in COMPRESSED else len(data)


def kilobytes(size: int) -> str:
    return f"{size / 1000:.0f} kB"


def _loaded(site: Site) -> dict[str, set[str]]:
    """Return, per page, the files that any view of it loaded."""
    loaded: dict[str, set[str]] = {}
    for visit in visits(site):
        loaded.setdefault(visit.page, set()).update(visit.files)
    return loaded
