"""The embedded engine: renders the project with libraries that pip installs, as near to Quarto as they allow.

Chunks run in Jupyter kernels, pandoc turns pages into HTML, and smalldocs builds the site around them: theme,
navigation, listing, categories, search, feed and sitemap.
"""

from __future__ import annotations

import html
import multiprocessing
import re
import signal
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath

import smalldocs.site
from smalldocs.config import BuildError, ConfigError, load

from publish import content
from publish.chunks import read_page
from publish.errors import PublishError
from publish.execute import AT_ONCE, Executed, execute
from publish.project import Project

# Options that smalldocs has no use for because this engine sees to them, and what it says of `theme: [x, y.scss]`.
HANDLED = re.compile(
    r"smalldocs compiles no Sass|smalldocs runs no code|html-math-method|link-citations|bibliography|fig-format|fig-dpi"
    r"|date-format|execute-dir|respect-user-color-scheme|\bcsl\b|code-fold|code-summary"
)
# For a few pages it takes longer to start processes than to render.
FEW = 4
DESCRIPTION = re.compile(r'<meta (?:name|property)="(?:\w+:)?description" content="[^"]*')


class _Site(smalldocs.site.Site):
    """smalldocs' site, with pages that pandoc has rendered."""

    def __init__(self, project: object, rendered: dict[PurePosixPath, content.Content]):
        super().__init__(project, quiet=True)
        self.rendered = rendered

    def discover(self) -> list[PurePosixPath]:
        # smalldocs finds /404.qmd in every folder.
        return list(self.rendered)

    def render_page(self, page: smalldocs.site.Page) -> None:
        rendered = self.rendered[page.src]
        title = page.front.get("title")
        page.html = rendered.html(lambda address: self.resolve(address, page))
        page.env = {
            "title": title,
            "title_text": title,
            "title_html": html.escape(str(title)) if title else None,
            "headings": [{**heading, "top": True} for heading in rendered.headings],
            "search": rendered.search,
        }

    def run_scripts(self, key: str, inputs: list[PurePosixPath]) -> None:
        if key != "pre-render":  # that one ran before the chunks
            super().run_scripts(key, inputs)

    def resolve(self, href: str, page: smalldocs.site.Page | None, record: bool = False) -> str:
        # Broken links are the gates' to find: some lead to files that the post-render script has yet to write.
        return super().resolve(href, page, record=False)


def render(project: Project, cache: Path, timeout: float = 600, site_url: str | None = None) -> list[str]:
    """Render every page into the project's output folder; return what there is to warn of."""
    try:
        loaded = load(project.root)
        if site_url:
            loaded.config.setdefault("website", {})["site-url"] = site_url
        smalldocs.site.Site(loaded, quiet=True).run_scripts("pre-render", project.pages)
        # After the script, for it may write pages.
        pages = [read_page(project.root, path) for path in project.pages]
        executed = execute(project, pages, cache, timeout)
        site = _Site(loaded, dict(zip(project.pages, _contents(executed, project.root))))
        site.build()
    except (BuildError, ConfigError) as error:
        raise PublishError(str(error)) from None
    _drop_imports(site.out)
    for page in site.pages.values():
        _add_metadata(site.out / page.out, page)
    return [warning for warning in site.warnings if not HANDLED.search(warning)]


def _contents(executed: list[Executed], root: Path) -> list[content.Content]:
    """Turn pages into HTML, in processes side by side if there are many."""
    render = partial(content.render, root=root)
    if len(executed) <= FEW or AT_ONCE == 1:
        return [render(page) for page in executed]
    # Not forked: the kernels' threads would not live on in the copies. Ctrl-C is for this process to see to.
    ignored = dict(initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))
    with ProcessPoolExecutor(AT_ONCE, multiprocessing.get_context("spawn"), **ignored) as pool:
        return list(pool.map(render, executed))


def _drop_imports(output: Path) -> None:
    """Take the fonts on other hosts out of the themes; the site's own style sheet names fonts that readers have."""
    for theme in output.glob("site_libs/themes/**/*.css"):
        css = theme.read_text(encoding="utf-8")
        theme.write_text(re.sub(r'@import\s+url\(\s*["\']?https?://[^)]*\)\s*;', "", css), encoding="utf-8")


def _add_metadata(file: Path, page: smalldocs.site.Page) -> None:
    """Make a page's head as Quarto's: with the date and the picture's description, and no Markdown in its own."""
    tags = []
    if page.date:
        tags.append(f'<meta name="dcterms.date" content="{page.date.isoformat()}">')
    text = file.read_text(encoding="utf-8")
    if alt := page.front.get("image-alt"):
        for tag, name in (("property", "og:image"), ("name", "twitter:image")):
            if f'<meta {tag}="{name}"' in text:
                tags.append(f'<meta {tag}="{name}:alt" content="{html.escape(str(alt))}">')
    text = DESCRIPTION.sub(lambda match: match[0].replace("`", ""), text)
    file.write_text(text.replace("</head>", "".join(tags) + "</head>", 1), encoding="utf-8")
