"""The workflows are safe and well formed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
SCRIPTS = Path(sys.executable).parent


def run(*command):
    done = subprocess.run([SCRIPTS / command[0], *command[1:]], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_zizmor_finds_nothing():
    code, said = run("zizmor", "--offline", "--persona", "pedantic", "--no-progress", GITHUB)
    assert code == 0, said


@pytest.mark.parametrize("file", sorted(GITHUB.rglob("*.yml")), ids=lambda file: file.name)
def test_the_schema_is_kept(file):
    schema = "vendor.github-workflows" if file.parent.name == "workflows" else "vendor.dependabot"
    code, said = run("check-jsonschema", "--builtin-schema", schema, file)
    assert code == 0, said


def test_actions_are_pinned_with_their_version():
    """By commit, for a tag can be moved; with the version beside it, for people and Dependabot."""
    uses = [line for file in GITHUB.rglob("*.yml") for line in file.read_text().splitlines() if "uses:" in line]
    external = [line for line in uses if "$/" not in line]
    assert external
    for line in external:
        _, _, pin = line.partition("@")
        commit, _, version = pin.partition(" # v")
        assert len(commit) == 40 and version, line
