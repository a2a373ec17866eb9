"""Render beside the site and swap the result in: whatever happens on the way, the old site stays whole.

Quarto empties its output folder before it renders, so a failing chunk would leave half a site. The project is
therefore copied to `.build/stage/`, rendered there, and the new site takes the old one's place when it has passed
its checks.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from publish.errors import PublishError
from publish.execute import installed_versions
from publish.project import CONFIG

BUILD = ".build"
# Where there is no git to ask, what is made from the sources or belongs to tools.
NOT_SOURCES = {"node_modules", "__pycache__", "_site", "dist"}


def sources(root: Path) -> list[Path]:
    """The project's source files, relative to `root`: what git would track, or without git all but what tools made."""
    git = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        listed = subprocess.run(git, cwd=root, capture_output=True, check=True).stdout.decode()
        files = [Path(name) for name in listed.split("\0") if name and (root / name).is_file()]
        if Path(CONFIG) in files:
            return _without_sites(files)
    files = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in NOT_SOURCES]
        files += [Path(folder, name).relative_to(root) for name in names]
    return _without_sites(files)


def _without_sites(files: list[Path]) -> list[Path]:
    """Leave out rendered sites: folders that hold `site_libs`, wherever --output has put them."""
    sites = {parent.parent for file in files for parent in file.parents if parent.name == "site_libs"}
    return sorted(file for file in set(files) if not sites & set(file.parents))


def copy(root: Path, files: list[Path]) -> Path:
    """Copy the sources to a new staged project; return its folder."""
    stages = root / BUILD / "stage"
    shutil.rmtree(stages, ignore_errors=True)
    stages.mkdir(parents=True, exist_ok=True)
    # A folder of its own: what a killed render left running may still write into the last one.
    stage = Path(tempfile.mkdtemp(dir=stages))
    for name in files:
        target = stage / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target)
    return stage


def digest(root: Path, files: list[Path], *settings: object) -> str:
    """A digest of everything that a render depends on: sources, this package, installed versions, and `settings`."""
    result = hashlib.sha256(repr((settings, sys.version, installed_versions())).encode())
    package = Path(__file__).parent
    for base, names in ((root, files), (package, sorted(p.relative_to(package) for p in package.rglob("*.py")))):
        for name in names:
            result.update(f"\0{name}\0".encode())
            result.update((base / name).read_bytes())
    return result.hexdigest()


def fingerprint(site: Path) -> str:
    """A digest of the names, sizes and times of the files of a site, to see whether somebody changed it."""
    result = hashlib.sha256()
    for file in sorted(site.rglob("*")):
        if file.is_file():
            stat = file.stat()
            result.update(f"{file.relative_to(site)}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return result.hexdigest()


# --- the output folder -----------------------------------------------------------------------------------------------


def check_output(output: Path, root: Path, files: list[Path]) -> None:
    """Refuse, before any work, an output folder that cannot take the site or holds something else."""
    if (
        output == root
        or output in root.parents
        or any(output in (root / name, *(root / name).parents) for name in files)
    ):
        raise PublishError(f"the output folder {output} holds the project's sources; name another one with --output")
    if (output / ".git").exists():
        raise PublishError(f"the output folder {output} is a git checkout, and rendering would erase it; name another one")
    if output.exists() and not output.is_dir():
        raise PublishError(f"the output {output} is a file, not a folder; remove it, or name another one with --output")
    with _explained(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        # The site is replaced by renaming, so it is the folder above that must be writable.
        tempfile.TemporaryDirectory(dir=output.parent, prefix=".writable-").cleanup()
        if output.exists() and any(output.iterdir()) and not (output / "site_libs").is_dir():
            raise PublishError(
                f"the output folder {output} is not empty, and not a rendered site (it has no site_libs); "
                "empty it, or name another one with --output"
            )


def recover(output: Path) -> bool:
    """Put the old site back if a render was killed between taking it away and bringing the new one; say whether."""
    new, old = _beside(output)
    with _explained(output):
        restored = old.is_dir() and not output.exists()
        if restored:
            old.rename(output)
        for leftover in (new, old):
            if leftover.exists():
                shutil.rmtree(leftover)
    return restored


def swap(site: Path, output: Path) -> None:
    """Put the folder `site` in the place of `output`."""
    new, old = _beside(output)
    with _explained(output):
        shutil.move(site, new)  # a copy, where the output is on another disk
        try:
            if output.exists():
                output.rename(old)
            new.rename(output)
        except BaseException:  # also Ctrl-C between the two
            if old.exists() and not output.exists():
                old.rename(output)
            raise
        shutil.rmtree(old, ignore_errors=True)


def _beside(output: Path) -> tuple[Path, Path]:
    # Names that nobody else uses: whatever has them is removed.
    return output.with_name(f".{output.name}.publish-new"), output.with_name(f".{output.name}.publish-old")


@contextlib.contextmanager
def _explained(output: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        message = f"the output folder {output} cannot be written ({reason}); free it, or name another one with --output"
        raise PublishError(message) from None


# --- one render at a time --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def lock(root: Path) -> Iterator[None]:
    """Hold the build folder: a second render at the same time is an error. The system frees a dead one's lock."""
    folder = root / BUILD
    try:
        folder.mkdir(exist_ok=True)
        handle = (folder / "lock").open("w")
    except OSError as error:
        raise PublishError(f"the folder {folder} cannot be written ({error.strerror})") from None
    with handle:
        try:
            import fcntl
        except ImportError:  # Windows: no lock
            yield
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PublishError("another render of this project is under way; wait for it to end") from None
        yield
