"""Serve the site on this machine, and render it again when a source changes."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from watchfiles import Change, watch

from publish.errors import PublishError
from publish.project import Project
from publish.serving import Handler


def run(project: Project, engine: str, quarto: Path | None, port: int, render: Callable[[], int]) -> int:
    """Preview until Ctrl-C; `render` renders the site with the embedded engine and returns an exit status.

    Quarto has a preview of its own, which reloads the page in the browser as well.
    """
    if engine == "quarto":
        command = [str(quarto), "preview", "--port", str(port)]
        environment = {**os.environ, "QUARTO_PYTHON": sys.executable}
        return subprocess.run(command, cwd=project.root, env=environment, check=False).returncode
    status = render()
    if status and not project.output.is_dir():
        return status
    handler = functools.partial(Handler, directory=project.output)
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise PublishError(f"port {port} cannot be used ({error.strerror}); name another one with --port") from None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"The site is at http://127.0.0.1:{port}/ - reload a page after a change. Ctrl-C ends.", flush=True)

    def is_source(_: Change, path: str) -> bool:
        first = Path(path).relative_to(project.root).parts[0]
        return not first.startswith(".") and first != project.output.name and "__pycache__" not in path

    with contextlib.suppress(KeyboardInterrupt):
        for _ in watch(project.root, watch_filter=is_source):
            if render() == 130:  # Ctrl-C
                break
    server.shutdown()
    return 0
