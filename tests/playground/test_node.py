"""The playground's modules: Node runs their tests, on numbers that nnlib, NumPy and scikit-learn give now."""

import importlib.util
import json
import math
import os
import re
import subprocess
from pathlib import Path

import pytest

from .conftest import OLDEST, find_node

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MODULES = sorted((ROOT / "playground").glob("*.js"))
REFERENCES = HERE.parent / "reference" / "playground"
LIMIT = 60 * 1024  # bytes of all modules, uncompressed and with their comments
# What draws, listens or is a worker is driven in a browser: see test_browser.py.
IN_BROWSER = {"main", "view", "worker"}
IMPORT = re.compile(r"""(?:\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*|\bnew Worker\(\s*)["'`]([^"'`]*)["'`]""")
COMMENT = re.compile(r"/\*.*?\*/|(?:^|(?<=\s))//.*?$", re.DOTALL | re.MULTILINE)


def names(files, before="", after=""):
    return {file.name.removeprefix(before).removesuffix(after) for file in files}


@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.js")), ids=lambda file: file.name.partition(".")[0])
def test_module(node, file):
    command = [node, "--test", "--test-reporter=spec", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert re.search(r"^\S* ?pass [1-9]", done.stdout, re.MULTILINE), done.stdout


def test_every_module_is_tested():
    assert names(HERE.glob("*.test.js"), after=".test.js") >= names(MODULES, after=".js") - IN_BROWSER


def test_every_reference_has_its_exporter():
    exporters = names(HERE.glob("export_*.py"), "export_", ".py")
    assert exporters
    assert names(REFERENCES.glob("*.json"), after=".json") == exporters


@pytest.mark.parametrize("file", sorted(HERE.glob("export_*.py")), ids=lambda file: file.stem.removeprefix("export_"))
def test_the_stored_reference_is_what_its_exporter_gives(file):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stored = REFERENCES / f"{file.stem.removeprefix('export_')}.json"
    now = json.loads(json.dumps(module.reference()))
    different = list(differences(json.loads(stored.read_text(encoding="utf-8")), now))
    remedy = f"if the change is meant, run python {file.relative_to(ROOT)}"
    assert not different, "\n".join(different[:10] + [remedy])


def differences(stored, now, where=""):
    """Where two values read from JSON differ by more than 1e-12, in words."""
    if isinstance(stored, dict) and isinstance(now, dict) and stored.keys() == now.keys():
        for key in stored:
            yield from differences(stored[key], now[key], f"{where}.{key}")
    elif isinstance(stored, list) and isinstance(now, list) and len(stored) == len(now):
        for index, pair in enumerate(zip(stored, now)):
            yield from differences(*pair, f"{where}[{index}]")
    elif isinstance(stored, int | float) and isinstance(now, int | float):
        both_nan = math.isnan(stored) and math.isnan(now)
        if not both_nan and not math.isclose(stored, now, rel_tol=1e-12, abs_tol=1e-12):
            yield f"{where}: {stored!r} is stored, {now!r} comes out now"
    elif stored != now:
        yield f"{where}: {stored!r:.80} is stored, {now!r:.80} comes out now"


@pytest.mark.parametrize(
    ("now", "count"),
    [
        ({"a": [1, 2.0 + 1e-13], "b": math.nan}, 0),
        ({"a": [1, 2.0 + 1e-11], "b": math.nan}, 1),
        ({"a": [1, 2.0], "b": 0.0}, 1),
        ({"a": [1], "b": math.nan}, 1),
        ({"a": [1, "2"], "b": math.nan}, 1),
        ({"a": [1, 2.0]}, 1),
    ],
)
def test_differences_are_found(now, count):
    assert len(list(differences({"a": [1.0, 2.0], "b": math.nan}, now))) == count


def test_the_modules_are_light():
    assert sum(file.stat().st_size for file in MODULES) < LIMIT


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.stem)
def test_a_module_imports_its_neighbors_and_asks_nobody(file):
    code = COMMENT.sub("", file.read_text(encoding="utf-8"))
    for target in IMPORT.findall(code):
        # What a browser resolves against the module. Without ./ an import names a package.
        assert re.fullmatch(r"(\./)?[a-z]+\.js", target), target
        assert (file.parent / target).is_file(), target
    assert not re.findall(r"\bfrom\s*[\"'`](?!\./)", code)
    assert not re.findall(r"\b(?:https?|wss?)://|\b(?:fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon)\b", code)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (None, "there is no node on the PATH"),
        ("v16.20.2", "node is v16.20.2"),
        ("", "is broken"),
        (f"v{OLDEST}.0.0", None),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="a script as a program")
def test_what_is_wrong_with_node_is_told_with_the_remedy(tmp_path, monkeypatch, said, problem):
    monkeypatch.setenv("PATH", str(tmp_path))
    if said is not None:
        (tmp_path / "node").write_text(f"#!/bin/sh\necho {said}\n")
        (tmp_path / "node").chmod(0o755)
    path, told = find_node()
    if problem:
        assert path is None
        assert problem in told and "apt install nodejs" in told
    else:
        assert (path, told) == (str(tmp_path / "node"), None)
