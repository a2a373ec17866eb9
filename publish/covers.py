"""Make the posts' covers light: the listing loads all of them.

A cover is a picture of a figure, a few colors and their shades. With a palette of 256 colors it has about a third of the
bytes, and looks the same.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from publish.chunks import read_page
from publish.project import Project


def lighten(project: Project, output: Path) -> list[Path]:
    """Give the PNG covers in the rendered site `output` a palette, where that saves bytes; return those changed."""
    changed = []
    for path in project.posts:
        cover = output / path.parent / str(read_page(project.root, path).front.get("image"))
        if cover.suffix != ".png" or not cover.is_file():
            continue
        with Image.open(cover) as image:
            if image.mode not in ("RGB", "RGBA"):
                continue
            light = io.BytesIO()
            image.convert("RGB").quantize(256).save(light, "PNG", optimize=True)
        if len(light.getvalue()) < cover.stat().st_size:
            cover.write_bytes(light.getvalue())
            changed.append(cover)
    return changed
