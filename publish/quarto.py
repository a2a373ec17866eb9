"""The real engine: Quarto, where it is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from publish.errors import PublishError
from publish.execute import ANSI, kernel_environment

OLDEST = (1, 7)


def find() -> tuple[Path | None, str]:
    """Quarto's command and version; or None, and why there is none."""
    # `make quarto` installs it beside this Python, which need not be on the PATH, or come after an older one there.
    beside = shutil.which("quarto", path=Path(sys.executable).parent)
    commands = dict.fromkeys(filter(None, (shutil.which("quarto"), beside)))
    tried = [_try(command) for command in commands]
    return next((found for found in tried if found[0]), tried[0] if tried else (None, "quarto is not on the PATH"))


def _try(command: str) -> tuple[Path | None, str]:
    try:
        version = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        return None, f"{command} does not run ({error})"
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST:
        return None, f"quarto {version} is too old: {'.'.join(map(str, OLDEST))} or newer is needed"
    return Path(command), version


def render(command: Path, project: Path, log: Path, site_url: str | None = None) -> list[str]:
    """Render the project in the folder `project`; return the warnings. The whole output goes to `log`."""
    log.unlink(missing_ok=True)
    arguments = [str(command), "render", "--log", str(log), "--log-level", "info", "--log-format", "json-stream"]
    if site_url:
        arguments += ["--site-url", site_url]
    environment = {**kernel_environment(project), "QUARTO_PYTHON": sys.executable, "NO_COLOR": "1"}
    process = subprocess.Popen(
        arguments,
        cwd=project,
        env=environment,
        text=True,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=os.name == "posix",
    )
    try:
        output = _show_progress(process)
    except BaseException:
        _stop(process)
        raise
    if process.wait():
        raise PublishError("quarto could not render the site. It said:\n\n" + "\n".join(_last_page(output)))
    return _warnings(log)


def _show_progress(process: subprocess.Popen) -> list[str]:
    """Pass on a line a page, and on a terminal the chunk that runs; return all the output."""
    live = sys.stderr.isatty()
    output = []
    for said in process.stdout:
        line = ANSI.sub("", said).rstrip()
        output.append(line)
        if page := re.match(r"\s*\[\s*(\d+)/(\d+)\]\s+(.*)", line):
            print(f"{clear(live)}  page {page[1]}/{page[2]}  {page[3]}", file=sys.stderr, flush=True)
        elif live and re.match(r"\s*Cell \d+/\d+", line):
            width = shutil.get_terminal_size().columns - 1
            print(f"{clear(live)}{'    ' + line.strip():.{width}}", end="", file=sys.stderr, flush=True)
    print(clear(live), end="", file=sys.stderr, flush=True)
    return output


def clear(live: bool) -> str:
    return "\r\x1b[K" if live else ""


def _stop(process: subprocess.Popen) -> None:
    """End Quarto and all that it started: its own Deno, pandoc and kernels."""
    if os.name == "posix":
        os.killpg(process.pid, 15)
    else:
        process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


def _last_page(output: list[str]) -> list[str]:
    """The output since the page that failed began."""
    starts = [i for i, line in enumerate(output) if re.match(r"\s*\[\s*\d+/\d+\]", line)]
    return [line for line in output[starts[-1] if starts else 0 :] if line.strip()]


def _warnings(log: Path) -> list[str]:
    found = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.strip():
            record = json.loads(line)
            if record.get("levelName", "").startswith("WARN"):
                found.append(" ".join(ANSI.sub("", str(record["msg"])).split()))
    return found
