"""The package as a whole: what importing it loads, and that its public names are documented."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import nnlib as nn

ROOT = Path(__file__).parents[2]


def loaded_after(code):
    script = f"import json, sys; {code}; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


def test_import_loads_numpy_and_nothing_else():
    alone = loaded_after("import numpy")
    added = loaded_after("from nnlib import *; import nnlib; dir(nnlib)") - alone
    third_party = {name.partition(".")[0] for name in added} - sys.stdlib_module_names
    assert third_party == {"nnlib"}
    assert "nnlib.plots" not in added


def test_plots_without_matplotlib_say_what_to_install():
    code = "import sys; sys.modules['matplotlib'] = None; import nnlib; nnlib.plots"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.rstrip().endswith("pip install matplotlib scikit-learn")


def public():
    """Every public name with something to document, as (label, docstring)."""
    for name in [*nn.__all__, "plots"]:
        thing = getattr(nn, name)
        if inspect.ismodule(thing):
            for inner, function in inspect.getmembers(thing, inspect.isfunction):
                if function.__module__ == thing.__name__ and not inner.startswith("_"):
                    yield f"{name}.{inner}", function.__doc__
        elif inspect.isclass(thing) or inspect.isfunction(thing):
            yield name, thing.__doc__
        elif not isinstance(thing, dict):  # activations and losses: documented by their class, or its call
            yield name, f"{type(thing).__doc__} {type(thing).__call__.__doc__}"


@pytest.mark.parametrize("name, docstring", list(public()))
def test_public_names_have_an_example(name, docstring):
    assert docstring and ">>> " in docstring


def test_all_is_what_can_be_used():
    assert set(nn.__all__) <= set(dir(nn))
    assert "plots" in dir(nn) and "Loss" in nn.__all__
    assert len(nn.__all__) == len(set(nn.__all__))
