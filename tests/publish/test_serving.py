"""What this machine serves arrives as from a web server."""

import functools
import mimetypes
import urllib.request
from http.server import ThreadingHTTPServer
from threading import Thread

import pytest

from publish.serving import Handler


@pytest.mark.parametrize(
    ("name", "kind"), [("main.js", "text/javascript"), ("index.html", "text/html"), ("style.css", "text/css")]
)
def test_files_have_their_type_and_are_fresh(tmp_path, monkeypatch, capfd, name, kind):
    monkeypatch.setitem(mimetypes.types_map, ".js", "text/plain")  # as on some machines
    (tmp_path / name).write_text("x")
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=tmp_path)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/{name}") as response:
            assert response.headers.get_content_type() == kind
            assert response.headers["Cache-Control"] == "no-cache"
        server.shutdown()
    assert capfd.readouterr() == ("", "")
