"""Write an executed page as the Markdown that Quarto gives to pandoc: prose as it is, each chunk as a `.cell` div."""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from publish.chunks import Chunk
from publish.execute import ANSI, Executed, figure_options

# Best first. What a chunk shows otherwise, such as a plot's HTML with scripts, stays out.
MARKDOWN, IMAGES = "text/markdown", {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpeg"}
# What matplotlib's functions return, which a cell shows when it ends with a call: nobody wants to read it.
ARTIST = re.compile(r"^([<(\[].*[>)\]]|Text\(.*\))$")


def markdown(executed: Executed, root: Path) -> str:
    """The page as Markdown; figures are written beside the page, into `<name>_files/figure-html/`."""
    parts = []
    number = 0
    for cell in executed.page.cells:
        if isinstance(cell, Chunk):
            parts.append("\n".join(_cell(executed, cell, number, root)))
            number += 1
        else:
            parts.append(cell.text)
    return "\n\n".join(parts)


def _cell(executed: Executed, chunk: Chunk, number: int, root: Path) -> Iterator[str]:
    options = executed.chunk_options(chunk)
    if not options["include"]:
        return
    label = chunk.label or ""
    asis = options["output"] == "asis"
    outputs = list(_outputs(executed, chunk, number, options, root)) if options["output"] else []
    code = _code(chunk, options) if options["echo"] and chunk.code else ""
    classes = ["cell", *chunk.options.get("classes", "").split()]
    if not code and not outputs:
        return
    if asis and not label:
        yield from (code, *(text for _, text in outputs))
        return
    shown = [f"::: {{{kind}}}\n{text}\n:::" if kind else text for kind, text in outputs]
    if label.startswith("tbl-"):
        # The caption of a float is the last paragraph of its div. The code stays outside.
        caption = str(chunk.options["tbl-cap"]).strip()
        shown = [f"::::: {{#{label}}}\n\n" + "\n\n".join(shown) + f"\n\n{caption}\n:::::"]
    # Quarto gives the label to the cell where no output can carry it.
    carried = any(o["output_type"] in ("display_data", "execute_result") for o in executed.outputs[number])
    identifier = f"#{'cell-' if carried else ''}{label} " if label else ""
    yield f"\n:::::: {{{identifier}{' '.join('.' + c.lstrip('.') for c in classes)}}}"
    yield "\n\n".join([code, *shown] if code else shown)
    yield "::::::\n"


def _code(chunk: Chunk, options: dict) -> str:
    attributes = [".python", ".cell-code"]
    if overflow := options.get("code-overflow"):
        attributes.append(f".code-overflow-{overflow}")
    if "code-fold" in options:
        attributes.append(f'code-fold="{str(options["code-fold"]).lower()}"')
    if "code-summary" in options:
        attributes.append(f"code-summary={_quoted(options['code-summary'])}")
    return _fenced(chunk.code, " {" + " ".join(attributes) + "}")


def _fenced(text: str, info: str = "") -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{info}\n{text}\n{ticks}"


def _quoted(text: str) -> str:
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def _outputs(executed: Executed, chunk: Chunk, number: int, options: dict, root: Path) -> Iterator[tuple[str, str]]:
    """The outputs of a chunk: for each the attributes of its div (none for as-is output), and its Markdown."""
    asis = options["output"] == "asis"
    outputs = executed.outputs[number]
    has_image = any(_best(o) in IMAGES for o in outputs)
    for index, output in enumerate(outputs):
        kind = output["output_type"]
        if kind == "stream":
            if output["name"] == "stderr" and not options["warning"]:
                continue
            text = ANSI.sub("", output["text"]).rstrip("\n")
            if asis and output["name"] == "stdout":
                yield "", text
            else:
                yield f".cell-output .cell-output-{output['name']}", _fenced(text)
        else:
            mime = _best(output)
            data = output["data"].get(mime, "")
            name = f"{chunk.label or f'cell-{number + 2}'}-output-{index + 1}"
            display = ".cell-output .cell-output-display"
            if mime == MARKDOWN:
                yield ("" if asis else f"{display} .cell-output-markdown"), data
            elif mime in IMAGES:
                yield ("" if asis else display), _image(executed, chunk, data, f"{name}.{IMAGES[mime]}", root)
            elif mime == "text/html":
                yield ("" if asis else display), _fenced(data, "{=html}")
            elif mime and not (kind == "execute_result" and has_image and ARTIST.match(data.strip())):
                yield ("" if asis else display), _fenced(data)


def _half_up(value: float) -> int:
    return math.floor(value + 0.5)  # as Quarto rounds


def _best(output: dict) -> str:
    data = output.get("data", {})
    return next((mime for mime in (MARKDOWN, *IMAGES, "text/html", "text/plain") if mime in data), "")


def _image(executed: Executed, chunk: Chunk, data: str, file: str, root: Path) -> str:
    path = executed.page.path
    link = f"{path.stem}_files/figure-html/{file}"
    target = root / path.parent / link
    target.parent.mkdir(parents=True, exist_ok=True)
    content = data.encode() if file.endswith(".svg") else base64.b64decode(data)
    target.write_bytes(content)
    options = executed.chunk_options(chunk)
    attributes = []
    if (chunk.label or "").startswith("fig-"):
        attributes.append(f"#{chunk.label}")
    if file.endswith(".png"):
        # At twice the resolution, for sharp screens, and shown at its nominal size.
        scale = 2 if figure_options(executed.options)["format"] == "retina" else 1
        width, height = struct.unpack(">II", content[16:24])
        attributes += [f'width="{_half_up(width / scale)}"', f'height="{_half_up(height / scale)}"']
    attributes += [f"{key}={_quoted(options[key])}" for key in ("fig-alt", "fig-align") if key in options]
    caption = " ".join(str(chunk.options.get("fig-cap", "")).split())
    return f"![{caption}]({link}){{{' '.join(attributes)}}}"
