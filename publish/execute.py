"""Run the chunks of pages in Jupyter kernels, one a page, and keep what they gave in a cache."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path, PurePosixPath

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from publish.chunks import Chunk, Page
from publish.errors import PublishError
from publish.progress import Progress
from publish.project import Project

# Kernels side by side: one for each CPU that this process may use, but not many, for each holds scikit-learn and
# matplotlib in memory.
AT_ONCE = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
ANSI = re.compile(r"\x1b\[[0-9;]*m")
# A change in a file that a chunk may read or import must run the pages again. These are for the site, and not read.
NOT_READ_BY_CHUNKS = {".bib", ".css", ".html", ".js", ".md", ".qmd", ".scss", ".yml"}
NOT_READ_BY_PAGES = {"publish", "tests", "_site"}

# What Quarto's own setup cell does for matplotlib, so that both engines draw the same figures.
SETUP = """\
try:
    import matplotlib.pyplot as plt
    from matplotlib_inline.backend_inline import set_matplotlib_formats
    plt.rcParams["figure.figsize"] = ({width}, {height})
    plt.rcParams["figure.dpi"] = {dpi}
    plt.rcParams["savefig.dpi"] = "figure"
    set_matplotlib_formats("{format}")
    del plt, set_matplotlib_formats
except ImportError:
    pass
"""


@dataclass(frozen=True)
class Executed:
    """A page with the outputs of its chunks, in the order of `page.chunks`, and its options."""

    page: Page
    options: dict
    outputs: list[list[dict]]

    def chunk_options(self, chunk: Chunk) -> dict:
        """The options of a chunk: its own, or else the page's."""
        return chunk_options(chunk, self.options)


def chunk_options(chunk: Chunk, options: dict) -> dict:
    defaults = {"echo": True, "eval": True, "include": True, "output": True, "warning": True}
    execute = options.get("execute") or {}
    shared = {key: execute[key] for key in defaults if key in execute}
    page = {key: options[key] for key in ("code-fold", "code-summary", "code-overflow", "fig-align") if key in options}
    return {**defaults, **page, **shared, **chunk.options}


def figure_options(options: dict) -> dict:
    """The size and format of figures, with Quarto's defaults for HTML."""
    defaults = {"width": 7, "height": 5, "dpi": 96, "format": "retina"}
    sources = options | (options.get("execute") or {})
    values = {key: sources.get(f"fig-{key}", default) for key, default in defaults.items()}
    for key in ("width", "height", "dpi"):
        if isinstance(values[key], bool) or not isinstance(values[key], int | float) or not values[key] > 0:
            raise PublishError(f"fig-{key} must be a number above zero, not {values[key]!r}")
    if values["format"] not in ("retina", "png", "svg", "jpeg"):
        raise PublishError(f"fig-format must be retina, png, svg or jpeg, not {values['format']!r}")
    return values


def execute(project: Project, pages: list[Page], cache: Path, timeout: float = 600) -> list[Executed]:
    """Run the chunks of every page, or take their outputs from the cache.

    Raises `PublishError` for the first chunk that fails, writes to stderr, or takes longer than `timeout` seconds.
    """
    return asyncio.run(_execute(project, pages, cache, timeout))


async def _execute(project: Project, pages: list[Page], cache: Path, timeout: float) -> list[Executed]:
    shared = _shared_key(project)
    progress = Progress(sum(1 for page in pages if page.chunks), AT_ONCE)
    places = asyncio.Semaphore(AT_ONCE)

    async def one(page: Page) -> Executed:
        options = project.options(page.path, page.front)
        if not page.chunks:
            return Executed(page, options, [])
        entry = CacheEntry(cache / page.path.with_suffix(""), _page_key(shared, page, options))
        outputs = entry.load(project.root)
        if outputs is not None:
            progress.cached(page)
            return Executed(page, options, outputs)
        async with places:
            before = _own_files(project, page)
            outputs = await _run(project, page, options, timeout, progress)
            entry.save(outputs, project.root, _written(before, _own_files(project, page)))
        return Executed(page, options, outputs)

    try:
        async with asyncio.TaskGroup() as group:
            ticker = group.create_task(progress.tick())
            # Places are given in this order: a long page that began last would end alone.
            longest_first = sorted(pages, key=lambda page: _likely_time(project, page), reverse=True)
            tasks = {page.path: group.create_task(one(page)) for page in longest_first}
            await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_EXCEPTION)
            ticker.cancel()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    finally:
        progress.clear()
    progress.summary()
    return [tasks[page.path].result() for page in pages]


async def _run(project: Project, page: Page, options: dict, timeout: float, progress: Progress) -> list[list[dict]]:
    # The kernel of this very Python, whatever kernels are installed for the user.
    manager = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    # Over sockets in a folder of their own, where the system has them: nobody else on the machine can listen or send.
    sockets = tempfile.TemporaryDirectory(prefix="kernel-")
    if os.name != "nt":
        manager.transport, manager.ip = "ipc", f"{sockets.name}/s"
    from_root = project.config.get("project", {}).get("execute-dir") == "project"
    folder = project.root if from_root else project.root / page.path.parent
    sources = [SETUP.format(**figure_options(options)), *(chunk.code for chunk in page.chunks)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    resources = {"metadata": {"path": str(folder)}}
    # What a chunk prints is one output, whether the kernel sent it in one piece or in several.
    client = NotebookClient(notebook, km=manager, allow_errors=True, coalesce_streams=True, resources=resources)
    outputs = []
    try:
        # Not async_setup_kernel: that one takes over SIGINT and SIGTERM for the whole process.
        await client.async_start_new_kernel(env=kernel_environment(project.root))
        await client.async_start_new_kernel_client()
        await client.async_execute_cell(notebook.cells[0], 0, store_history=False)
        client.timeout = math.ceil(timeout)
        progress.start(page)
        for number, chunk in enumerate(page.chunks, 1):
            chunk_opts = chunk_options(chunk, options)
            if not chunk_opts["eval"] or not chunk.code.strip():
                outputs.append([])
                continue
            progress.chunk(page, number, chunk)
            cell = notebook.cells[number]
            try:
                await client.async_execute_cell(cell, number)
            except CellTimeoutError:
                message = f"{_name(chunk)} took longer than {client.timeout} s; make it faster, or raise --timeout"
                raise PublishError(message, chunk.file, chunk.line) from None
            except DeadKernelError:
                if asyncio.current_task().cancelling():  # nbclient takes a cancellation for a dead kernel
                    raise asyncio.CancelledError from None
                message = f"the Python process died in {_name(chunk)}: most likely it ran out of memory"
                raise PublishError(message, chunk.file, chunk.line) from None
            _check(chunk, chunk_opts, cell.outputs)
            outputs.append([dict(output) for output in cell.outputs])
        progress.done(page)
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)
        sockets.cleanup()
    return outputs


def kernel_environment(root: Path) -> dict[str, str]:
    """The environment of kernels: the project's own modules first, the same results in every run."""
    fixed = {"PYTHONHASHSEED": "0", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    return {**os.environ, **fixed, "PYTHONPATH": path}


def _name(chunk: Chunk) -> str:
    return f"the chunk {chunk.label}" if chunk.label else "the chunk"


def _check(chunk: Chunk, options: dict, outputs: list[dict]) -> None:
    for output in outputs:
        if output["output_type"] == "error":
            raise PublishError(_failure(chunk, output), chunk.file, chunk.line)
    text = "".join(o["text"] for o in outputs if o["output_type"] == "stream" and o["name"] == "stderr")
    if text.strip() and options["warning"]:
        message = f"{_name(chunk)} wrote to stderr; mend the cause, or set #| warning: false\n\n{_plain(text).strip()}"
        raise PublishError(message, chunk.file, chunk.line)


def _failure(chunk: Chunk, output: dict) -> str:
    """Say which line of a chunk failed, with the traceback."""
    traceback = "\n".join(output["traceback"])
    # The first frame is the chunk's own; the line counts from the first line of its code.
    frame = re.search(r"Cell In\[\d+\], line (\d+)", ANSI.sub("", traceback))
    where = ""
    if frame:
        number = int(frame[1])
        source = chunk.code.splitlines()[number - 1].strip()
        where = f" at line {chunk.code_line + number - 1}: {source}"
    return f"{_name(chunk)} failed{where}\n\n{_plain(traceback)}"


def _plain(text: str) -> str:
    return text if sys.stderr.isatty() else ANSI.sub("", text)


def _likely_time(project: Project, page: Page) -> float:
    """A guess at how long a page takes, in chunks; a kilobyte of a module beside a post counts as one."""
    beside = (project.root / page.path.parent).glob("*.py") if page.path in project.posts else []
    return len(page.chunks) + sum(path.stat().st_size for path in beside) / 1000


# --- cache -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CacheEntry:
    """What one page's chunks gave: their outputs, and the files they wrote into the page's folder."""

    folder: Path
    key: str

    def load(self, root: Path) -> list[list[dict]] | None:
        """The outputs, with the files put back into the project; None when the entry is for other sources."""
        try:
            entry = json.loads((self.folder / "outputs.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if entry.get("key") != self.key:
            return None
        for name in entry["files"]:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.folder / "files" / name, root / name)
        return entry["outputs"]

    def save(self, outputs: list[list[dict]], root: Path, files: list[PurePosixPath]) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in files:
            copy = self.folder / "files" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, copy)
        self.folder.mkdir(parents=True, exist_ok=True)
        # Last, so that an interrupted save leaves no entry.
        entry = {"key": self.key, "files": [str(name) for name in files], "outputs": outputs}
        (self.folder / "outputs.json").write_text(json.dumps(entry), encoding="utf-8")


def _shared_key(project: Project) -> str:
    """A digest of what every page depends on: code and data in the project, Python, and the installed packages."""
    digest = hashlib.sha256()
    digest.update(sys.version.encode())
    digest.update("\n".join(installed_versions()).encode())
    digest.update(Path(__file__).read_bytes())
    for file in sorted(project.root.rglob("*")):
        name = file.relative_to(project.root)
        hidden = any(part.startswith(".") for part in name.parts)
        ignored = hidden or name.parts[0] in NOT_READ_BY_PAGES or "__pycache__" in name.parts
        if file.suffix not in NOT_READ_BY_CHUNKS and not ignored and file.is_file():
            digest.update(f"\0{name}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def installed_versions() -> list[str]:
    """The installed distributions, as `name==version`."""
    return sorted({f"{d.name}=={d.version}" for d in distributions()})


def _page_key(shared: str, page: Page, options: dict) -> str:
    chunks = []
    for chunk in page.chunks:
        effective = chunk_options(chunk, options)
        chunks.append((chunk.code, effective["eval"], effective["warning"]))
    content = [shared, figure_options(options), options.get("execute"), str(page.path), chunks]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _own_files(project: Project, page: Page) -> dict[PurePosixPath, tuple[int, int]]:
    """The files that count as a page's: those in its folder, and for a page in the root those in no other page's."""
    root = project.root
    folders = {other.parent for other in project.pages} - {page.path.parent}
    files = {}
    for file in (root / page.path.parent).rglob("*"):
        name = PurePosixPath(file.relative_to(root).as_posix())
        hidden = any(part.startswith(".") for part in name.parts)
        if file.is_file() and not hidden and not folders & set(name.parents[:-1]):
            stat = file.stat()
            files[name] = (stat.st_mtime_ns, stat.st_size)
    return files


def _written(before: dict, after: dict) -> list[PurePosixPath]:
    return sorted(
        name for name, state in after.items() if before.get(name) != state and "__pycache__" not in name.parts
    )
