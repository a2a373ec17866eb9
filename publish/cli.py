"""The command line: `python -m publish site|check|preview|notebooks|reference`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from pathlib import Path

from dotenv import load_dotenv

from publish.chunks import read_page
from publish.errors import PublishError
from publish.project import Project

INTERRUPTED = 130  # as a shell says of a command that Ctrl-C ended
GET_QUARTO = "To render with Quarto, as the published site is: install it (make quarto), then run this again."


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its exit status."""
    options = _parser().parse_args(arguments)
    # An end asked for by the system is an end like Ctrl-C: kernels are stopped and the old site stays.
    before = signal.signal(signal.SIGTERM, _end)
    load_dotenv(Path("_environment"))  # as Quarto does: for hooks, kernels and workers, if not set already
    try:
        return options.run(options)
    except PublishError as error:
        print(f"\nError: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, a file that may not be read
        print(f"\nError: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nInterrupted{': the site is as it was before' * (options.run is _site)}.", file=sys.stderr)
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(*_: object) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells start what runs in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m publish", description="Render the website and check it.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    site = commands.add_parser("site", help="render the site")
    site.add_argument("--engine", choices=["quarto", "embedded"], help="default: quarto where it is installed")
    site.add_argument("--output", type=Path, metavar="FOLDER", help="where it goes (default: as _quarto.yml says)")
    site.add_argument("--site-url", metavar="URL", help="its address, for the feed and the sitemap")
    site.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="for a chunk (default: 600; embedded engine)")
    site.add_argument("--force", action="store_true", help="render even where nothing has changed")
    site.set_defaults(run=_site)

    check = commands.add_parser("check", help="check a rendered site: links, accessibility, HTML and more")
    check.add_argument("site", type=Path, nargs="?", metavar="SITE", help="the folder (default: as _quarto.yml says)")
    check.add_argument("--site-url", metavar="URL", help="its address (default: as its sitemap says)")
    check.set_defaults(run=_check)

    preview = commands.add_parser("preview", help="serve the site on this machine, and render again on each change")
    preview.add_argument("--engine", choices=["quarto", "embedded"], help="default: quarto where it is installed")
    preview.add_argument("--port", type=_port, default=4200, help="default: 4200")
    preview.set_defaults(run=_preview)

    notebooks = commands.add_parser("notebooks", help="finish a rendered site: light covers, posts as notebooks")
    notebooks.add_argument("output", type=Path, metavar="SITE", help="the folder of the rendered site")
    notebooks.set_defaults(run=_notebooks)

    reference = commands.add_parser("reference", help="write a page for each module of a package, from its docstrings")
    reference.add_argument("package", metavar="PACKAGE", help="its name, as Python imports it")
    reference.add_argument("folder", type=Path, metavar="FOLDER", help="where the pages go")
    reference.set_defaults(run=_reference)
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above zero")
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 0 < value < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not a port: name one from 1 to 65535")
    return value


def _site(options: argparse.Namespace) -> int:
    from publish import stage

    started = time.perf_counter()
    project = Project(Path.cwd())
    output = (options.output or project.output).resolve()
    files = stage.sources(project.root)
    stage.check_output(output, project.root, files)
    with stage.lock(project.root):
        if stage.recover(output):
            print(f"The last render was cut short; {_short(output)} is the site from before it.", file=sys.stderr)
        engine, command, why = _engine(options.engine)
        if options.timeout and engine == "quarto":
            raise PublishError("Quarto has no time limit for chunks: leave --timeout away, or add --engine embedded")
        record = project.root / stage.BUILD / "rendered.json"
        digest = stage.digest(project.root, files, engine, str(command), why, options.site_url, str(output))
        is_first = not record.exists()
        if not options.force and _is_current(record, digest, output):
            print(f"Nothing has changed: {_short(output)} is up to date, rendered with {_name(engine)}.")
            return 0
        print(f"Rendering with {_name(engine)}: {why}.", flush=True)
        staged = Project(stage.copy(project.root, files))
        for page in staged.pages:  # a mistake in the last page should not take the run of the others to be seen
            read_page(staged.root, page)
        warnings = _render(engine, command, staged, project.root / stage.BUILD, options)
        if not _passes(staged.output, warnings, options.site_url):
            return 1
        count = len(staged.pages)
        stage.swap(staged.output, output)
        record.write_text(json.dumps({"digest": digest, "site": stage.fingerprint(output)}), encoding="utf-8")
    seconds = time.perf_counter() - started
    pages = f"{count} page{'s' * (count != 1)}"
    print(f"Rendered {pages} in {seconds:.0f} s with {_name(engine)}: {_short(output)}/index.html")
    if engine == "embedded" and options.engine is None and is_first:  # once is enough
        print(GET_QUARTO)
    return 0


def _name(engine: str) -> str:
    return "Quarto" if engine == "quarto" else "the embedded engine"


def _engine(wanted: str | None) -> tuple[str, Path | None, str]:
    """The engine to use, Quarto's command, and why."""
    from publish import quarto

    if wanted == "embedded":
        return "embedded", None, "--engine embedded asks for it"
    command, found = quarto.find()
    if command:
        return "quarto", command, f"version {found} is installed"
    if wanted == "quarto":
        raise PublishError(f"Quarto cannot be used: {found}. Leave --engine away to render without it.")
    return "embedded", None, found


def _render(engine: str, command: Path | None, staged: Project, build: Path, options: argparse.Namespace) -> list[str]:
    """Render the staged project; return the renderer's warnings."""
    # Here and not above: what one engine imports need not be there for the other, nor be loaded when nothing changed.
    if engine == "quarto":
        from publish import quarto

        return quarto.render(command, staged.root, build / "quarto.log", options.site_url)
    from publish import embedded

    return embedded.render(staged, build / "cache", options.timeout or 600, options.site_url)


def _passes(site: Path, warnings: list[str], site_url: str | None) -> bool:
    """Run the quick gates on the staged site, and show what they find."""
    from publish import gates

    findings = [f"warning of the renderer: {warning}" for warning in warnings]
    findings += [str(finding) for finding in gates.quick(site, site_url)]
    if findings:
        print("\n".join(findings), file=sys.stderr)
        count = f"{len(findings)} problem{'s' if len(findings) > 1 else ''}"
        print(f"\nError: {count} in the new site, which was not put in place; the old one stays.", file=sys.stderr)
    return not findings


def _is_current(record: Path, digest: str, output: Path) -> bool:
    from publish import stage

    try:
        last = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return output.is_dir() and last.get("digest") == digest and last.get("site") == stage.fingerprint(output)


def _check(options: argparse.Namespace) -> int:
    from publish import gates

    site = options.site or Project(Path.cwd()).output
    if not site.is_dir():
        raise PublishError(f"there is no rendered site in {site}: render it first, with make site")
    findings = gates.all_gates(site, options.site_url)
    for finding in findings:
        print(finding)
    return 1 if findings else 0


def _preview(options: argparse.Namespace) -> int:
    from publish import preview

    def render() -> int:
        return main(["site", "--engine", "embedded"])

    return preview.run(Project(Path.cwd()), *_engine(options.engine)[:2], options.port, render)


def _notebooks(options: argparse.Namespace) -> int:
    from publish import covers, notebooks

    covers.lighten(Project(Path.cwd()), options.output)
    written = notebooks.write_all(Project(Path.cwd()), options.output)
    print(f"Wrote {len(written)} notebook{'s' if len(written) != 1 else ''}")
    return 0


def _reference(options: argparse.Namespace) -> int:
    from publish import reference

    reference.write(options.package, options.folder)
    return 0


def _short(path: Path) -> str:
    """A path as short as it can be told from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
