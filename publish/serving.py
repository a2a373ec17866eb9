"""Serve a site's files on this machine, as a web server would."""

from __future__ import annotations

from http.server import SimpleHTTPRequestHandler


class Handler(SimpleHTTPRequestHandler):
    """Says nothing of each request, and gives scripts the type without which a browser runs no module."""

    # Python asks the system for a file's type, and some Windows machines say text/plain.
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript", ".mjs": "text/javascript"}

    def end_headers(self) -> None:
        # Without this a browser may show the last render's styles and modules when a page is loaded again.
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass
