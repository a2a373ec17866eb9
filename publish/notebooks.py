"""Write each post as a notebook that runs from top to bottom outside the project.

A reader downloads one archive, `<slug>.zip`, beside the page. It holds a folder with the notebook, the package
`nnlib`, and the modules and data that lie beside the page, so that unpacking and opening is all there is to do. In the
notebook, references are words and numbers, as on the page; callouts are quotations; chunk options are gone.
"""

from __future__ import annotations

import ast
import json
import posixpath
import re
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path, PurePosixPath

import nbformat

from publish import pandoc, structure
from publish.chunks import Chunk, Page, read_page
from publish.content import citation_arguments
from publish.execute import chunk_options
from publish.pandoc import attribute, is_element, string
from publish.project import Project

PACKAGE = "nnlib"
# What opens a notebook (it brings IPython), and what the package itself imports for its plots.
ALWAYS = ["jupyter", "numpy", "matplotlib", "scikit-learn"]
# Files beside a page that its chunks import or read.
COMPANIONS = {".csv", ".json", ".npy", ".npz", ".py"}
MARK = "\ue000"  # around the number of a chunk: a character of nobody's text
# Markdown as Jupyter shows it.
JUPYTER = "markdown_strict+pipe_tables+backtick_code_blocks+tex_math_dollars+strikeout-raw_html"
GUARD = """\
# {package} is the folder that came with this notebook in {slug}.zip.
try:
    import {package}
except ModuleNotFoundError as error:
    message = "{package} is missing: unpack {slug}.zip, and keep the folder {package} beside this notebook"
    raise ModuleNotFoundError(message) from error"""
ABOUT = """\
# {title}

{description}

*This is a post of {site}, as a notebook. It needs Python 3.11 or newer, and the packages that
`pip install {packages}` gives. Keep the folder `{package}` beside it.*"""


def write_all(project: Project, output: Path) -> list[Path]:
    """Write the archive of each post into the rendered site `output`."""
    site_url = _site_url(output)
    archives = []
    for path in project.posts:
        page = read_page(project.root, path)
        archive = output / path.parent / f"{path.parent.name}.zip"
        archive.parent.mkdir(parents=True, exist_ok=True)
        _pack(archive, path.parent.name, notebook(project, page, site_url), project.root, companions(project, page))
        archives.append(archive)
    return archives


def companions(project: Project, page: Page) -> list[Path]:
    """The modules and data beside a page, without which its notebook would not run."""
    folder = project.root / page.path.parent
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in COMPANIONS)


def notebook(project: Project, page: Page, site_url: str | None = None) -> nbformat.NotebookNode:
    """A post as a notebook."""
    options = project.options(page.path, page.front)
    slug = page.path.parent.name
    cells = [nbformat.v4.new_markdown_cell(_about(project, page, site_url))]
    if any(PACKAGE in chunk.code for chunk in page.chunks):
        cells.append(nbformat.v4.new_code_cell(GUARD.format(package=PACKAGE, slug=slug)))
    for piece in _pieces(project, page, options, site_url):
        if isinstance(piece, str):
            cells.append(nbformat.v4.new_markdown_cell(piece))
        else:
            cells.append(nbformat.v4.new_code_cell(piece.code))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # not at random: the same post gives the same file
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def _about(project: Project, page: Page, site_url: str | None) -> str:
    site = project.config.get("website", {}).get("title", "a website")
    if site_url:
        site = f"[{site}]({_address(site_url, page.path)})"
    title, description = page.front.get("title", page.slug), page.front.get("description", "")
    packages = " ".join(_packages(page, companions(project, page)))
    return ABOUT.format(title=title, description=description, site=site, packages=packages, package=PACKAGE)


def _packages(page: Page, beside: list[Path]) -> list[str]:
    """The names, for pip, of what the page's notebook and the modules `beside` it need."""
    sources = [path for path in beside if path.suffix == ".py"]
    modules = set()
    for code in [chunk.code for chunk in page.chunks] + [path.read_text(encoding="utf-8") for path in sources]:
        try:
            tree = ast.parse(code)
        except SyntaxError:  # an example that is not run, or a command of IPython's
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add(node.module.partition(".")[0])
    modules -= {path.stem for path in sources}
    modules -= {PACKAGE, "IPython", *sys.stdlib_module_names}
    # A module that is not installed goes by its own name: the chunk that imports it is not run.
    known = packages_distributions()
    return list(dict.fromkeys(ALWAYS + sorted(known.get(module, [module])[0] for module in modules)))


def _pieces(project: Project, page: Page, options: dict, site_url: str | None) -> list[str | Chunk]:
    """The page as Markdown texts and chunks, in order."""
    chunks = page.chunks
    count = iter(range(len(chunks)))
    parts = [f"```{{=chunk}}\n{next(count)}\n```" if isinstance(cell, Chunk) else cell.text for cell in page.cells]
    tree, _ = pandoc.parse("\n\n".join(parts), cwd=project.root)
    index = structure.number(
        tree["blocks"],
        lambda node: chunks[int(node["c"][1])].label if _is_chunk(node) else None,
        show_sections=bool(options.get("number-sections")),
    )
    tree["blocks"] = structure.resolve_references(tree["blocks"], index)
    tree["blocks"] = pandoc.transform(tree["blocks"], lambda node: _readable(node, index, page, site_url))
    # No links to the references: a notebook has no place for them to lead to.
    citations = citation_arguments({**options, "link-citations": False}, page.path, project.root)
    arguments = ["--from=json", f"--to={JUPYTER}", *citations]
    markdown, _ = pandoc.run(json.dumps(tree), *arguments, cwd=project.root)
    pieces: list[str | Chunk] = []
    for number, text in enumerate(re.split(rf"{MARK}(\d+){MARK}", markdown)):
        if number % 2:
            pieces += _chunk_pieces(chunks[int(text)], options, index)
        elif text.strip():
            pieces.append(text.strip())
    return pieces


def _is_chunk(node: dict) -> bool:
    return is_element(node, "RawBlock") and node["c"][0] == "chunk"


def _chunk_pieces(chunk: Chunk, options: dict, index: structure.Index) -> list[str | Chunk]:
    pieces: list[str | Chunk] = [chunk if chunk_options(chunk, options)["eval"] else f"```python\n{chunk.code}\n```"]
    caption = chunk.options.get("fig-cap") or chunk.options.get("tbl-cap")
    if caption:
        name = f"**{index.name(chunk.label)}:** " if chunk.label in index.numbers else ""
        pieces.append(name + " ".join(caption.split()))
    return pieces


def _readable(node: dict, index: structure.Index, page: Page, site_url: str | None) -> list | None:
    """What Jupyter cannot show, in words."""
    if _is_chunk(node):
        return [{"t": "Para", "c": [string(f"{MARK}{node['c'][1]}{MARK}")]}]
    if is_element(node, "Div"):
        return _open_div(node, index)
    if is_element(node, "Span"):
        return node["c"][1]
    if is_element(node, "Header"):
        node["c"][1] = ["", [], []]
    if is_element(node, "Note"):  # Jupyter has no footnotes
        inlines = [inline for block in node["c"] if is_element(block, "Para", "Plain") for inline in block["c"]]
        return [string(" ("), *inlines, string(")")]
    if is_element(node, "Figure"):
        (identifier, _, _), (_, caption), content = node["c"]
        return [*content, _captioned(identifier, caption[0]["c"] if caption else [], index)]
    if is_element(node, "Table") and attribute(node)[0] in index.numbers:
        caption, node["c"][1] = node["c"][1][1], [None, []]
        return [_captioned(attribute(node)[0], caption[0]["c"] if caption else [], index), node]
    if is_element(node, "Image"):
        options = dict(attribute(node)[2])
        return [string(f"[Picture on the page: {options.get('fig-alt') or pandoc.stringify(node['c'][1])}]")]
    if is_element(node, "Link"):
        return _link(node, page, site_url)
    return None


def _captioned(identifier: str, inlines: list, index: structure.Index) -> dict:
    if identifier in index.numbers:
        inlines = [{"t": "Strong", "c": [string(f"{index.name(identifier)}:")]}, {"t": "Space"}, *inlines]
    return {"t": "Para", "c": inlines}


def _open_div(node: dict, index: structure.Index) -> list:
    (identifier, _, pairs), content = node["c"]
    if kind := structure.callout_kind(node):
        title = [string(dict(pairs).get("title", kind.title()))]
        if content and is_element(content[0], "Header"):
            title, content = content[0]["c"][2], content[1:]
        blocks = [{"t": "Para", "c": [{"t": "Strong", "c": title}]}, *content]
        # A cell cannot run inside a quotation.
        has_chunk = any(is_element(n, "Str") and MARK in n["c"] for n in pandoc.walk(content))
        return blocks if has_chunk else [{"t": "BlockQuote", "c": blocks}]
    if identifier in index.numbers and content and is_element(content[-1], "Para"):
        return [*content[:-1], _captioned(identifier, content[-1]["c"], index)]
    return content


def _link(node: dict, page: Page, site_url: str | None) -> list | None:
    _, text, (target, _) = node["c"]
    node["c"][0] = ["", [], []]
    if re.match(r"[a-z]+:", target):
        return None
    if site_url and not target.startswith("#"):
        written, rest = re.fullmatch(r"([^?#]*)(.*)", target, re.DOTALL).groups()
        path = PurePosixPath(posixpath.normpath(posixpath.join("/", page.path.parent, written)))
        node["c"][2][0] = _address(site_url, path.relative_to("/")) + rest
        return None
    return text


def _address(site_url: str, path: PurePosixPath) -> str:
    return f"{site_url.rstrip('/')}/{path.with_suffix('.html') if path.suffix == '.qmd' else path}"


def _site_url(output: Path) -> str | None:
    """The address that the site was rendered for: its sitemap has it, however it was given. None for a local build."""
    sitemap = output / "sitemap.xml"
    found = re.search(r"<loc>(https?://.*?)</loc>", sitemap.read_text(encoding="utf-8")) if sitemap.is_file() else None
    if not found or re.match(r"https?://localhost\b", found[1]):
        return None
    pages = re.findall(r"<loc>(https?://.*?)</loc>", sitemap.read_text(encoding="utf-8"))
    return posixpath.commonprefix(pages).rsplit("/", 1)[0]


def _pack(archive: Path, slug: str, content: nbformat.NotebookNode, root: Path, beside: list[Path]) -> None:
    files = {f"{slug}.ipynb": nbformat.writes(content).encode()}
    files |= {path.name: path.read_bytes() for path in beside}
    for module in sorted((root / PACKAGE).rglob("*.py")):
        files[module.relative_to(root).as_posix()] = module.read_bytes()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files.items():
            # A fixed date: the same sources give the same archive.
            entry = zipfile.ZipInfo(f"{slug}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            target.writestr(entry, data)
