"""What a reader takes away from the playground: the file of a network, and the program. Both go into real nnlib."""

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nnlib as nn

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

DEFAULTS = dict(
    data="moons", n=120, noise=0.2, data_seed=42, test=0.2, standardize=False,
    layers=[8], activation="sigmoid", init="xavier", generator="default_rng", seed=0,
    loss="binary_cross_entropy", optimizer="adam", rate=0.05, batch=0, l2=0, epochs=200, stop="none", goal=0.95,
)  # fmt: skip
OLD = dict(generator="RandomState", seed=42)
CASES = {
    "moons": {},
    "circles": dict(
        data="circles", n=101, noise=0.1, test=0.25, standardize=True, layers=[4, 3], activation="tanh", init="he",
        seed=2**32 - 1, optimizer="momentum", rate=0.1, batch=16, epochs=30,
    ),
    "xor": dict(OLD, data="xor", test=0, layers=[2], activation="tanh", init="normal-2", loss="squared_error",
                optimizer="sgd", rate=1, epochs=300),
    "square": dict(data="xor_square", layers=[6], activation="relu", init="uniform-biases", rate=0.01, batch=32,
                   loss="categorical_cross_entropy", l2=0.001, epochs=20, seed=7),
    "spirals": dict(OLD, data="spirals", n=151, test=0.3, standardize=True, layers=[16, 5, 4, 3], init="spread",
                    activation="leaky_relu", loss="half_squared_error", rate=0.01, epochs=40),
    "line": dict(layers=[], noise=0, test=0, init="zeros", optimizer="sgd", rate=0.5, standardize=True),
    "soft": dict(data="circles", layers=[3, 3], activation="leaky_relu", init="normal-0.5", test=0, batch=120, l2=0.01,
                 optimizer="momentum", epochs=100),
    "straight": dict(OLD, layers=[3], activation="identity", init="uniform", loss="squared_error", test=0.8, batch=5),
    "one layer, spread": dict(layers=[], init="spread", data="xor_square", epochs=1),
}  # fmt: skip

# Runs each program as a main program, all in one process: matplotlib and scikit-learn take their time to load.
RUNNER = """
import contextlib, io, json, runpy, sys

results = {}
for path in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        names = runpy.run_path(path, run_name="__main__")
    results[path] = {"printed": printed.getvalue(), "theta": names["network"].theta.tolist()}
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def exports(node):
    """What write_exports.mjs made of each case."""
    settings = json.dumps({name: DEFAULTS | changes for name, changes in CASES.items()})
    script = [node, str(HERE / "write_exports.mjs")]
    done = subprocess.run(script, input=settings, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def in_folder(folder, *arguments):
    """The output of this Python, started in another folder."""
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def results(exports, tmp_path_factory):
    """What each program printed, and the weights that it ended with."""
    folder = tmp_path_factory.mktemp("programs")
    for name, made in exports.items():
        (folder / f"{name}.py").write_text(made["code"])
    results = json.loads(in_folder(folder, "-c", RUNNER, *(f"{name}.py" for name in exports)))
    return {name: results[f"{name}.py"] for name in exports}


def numbers(lines):
    """Loss and accuracy by part: from "test: loss 0.1234, accuracy 0.95"."""
    found = re.findall(r"(training|test): loss (\S+), accuracy (\S+)$", lines, re.MULTILINE)
    return {part: (float(loss), float(accuracy)) for part, loss, accuracy in found}


@pytest.mark.parametrize("name", CASES)
def test_the_file_loads_as_the_network_that_was_trained(exports, name, tmp_path):
    made, settings = exports[name], DEFAULTS | CASES[name]
    path = tmp_path / "playground.nn"
    path.write_bytes(base64.b64decode(made["file"]))
    network = nn.load(path)

    units, activations = zip(*((layer.units, layer.activation.name) for layer in network.layers))
    squared, categorical = "squared" in settings["loss"], settings["loss"].startswith("categorical")
    assert network.n_features == 2
    assert units == (*settings["layers"], 2 if categorical else 1)
    assert activations == (*[settings["activation"]] * len(settings["layers"]), "sigmoid" if squared else "identity")
    assert network.loss_function.name == settings["loss"]

    assert network.theta.tolist() == made["theta"]  # every bit
    X, y = np.reshape(made["X"], (-1, 2)), np.array(made["y"])
    # NumPy's exp and the browser's may differ in the last digit.
    np.testing.assert_allclose(network.predict(X)[:, -1], made["probabilities"], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(network.loss(X, y), made["shown"]["loss"], rtol=1e-12)

    # What nnlib would have written differs in the header's spaces alone.
    nn.save(network, tmp_path / "again.nn")
    with np.load(path) as ours, np.load(tmp_path / "again.nn") as theirs:
        assert ours.files == theirs.files
        for entry in ours.files[1:]:
            assert ours.zip.read(f"{entry}.npy") == theirs.zip.read(f"{entry}.npy")
        assert json.loads(ours.zip.read("header.json")) == json.loads(theirs.zip.read("header.json"))


def test_a_loaded_network_trains_on(exports, tmp_path):
    made = exports["moons"]
    (tmp_path / "moons.nn").write_bytes(base64.b64decode(made["file"]))
    network = nn.load(tmp_path / "moons.nn")
    X, y = np.reshape(made["X"], (-1, 2)), np.array(made["y"])
    history = nn.train(network, X, y, nn.SGD(0.01), epochs=5)
    np.testing.assert_allclose(history.loss[0], made["shown"]["loss"], rtol=1e-12)
    assert history.loss[-1] < history.loss[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_program_ends_with_the_weights_of_the_playground(exports, results, name):
    # Sums are taken in another order, and training lets the difference grow.
    np.testing.assert_allclose(results[name]["theta"], exports[name]["theta"], rtol=1e-8, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_program_prints_what_the_playground_showed(exports, results, name):
    shown, settings = exports[name]["shown"], DEFAULTS | CASES[name]
    expected = {"training": (shown["loss"], shown["accuracy"])}
    if settings["test"]:
        expected["test"] = (shown["testLoss"], shown["testAccuracy"])
    printed, promised = numbers(results[name]["printed"]), numbers(exports[name]["code"])
    assert printed.keys() == promised.keys() == expected.keys()
    for part, (loss, accuracy) in expected.items():
        assert printed[part] == pytest.approx((loss, accuracy), rel=6e-4)  # four digits are printed
        assert promised[part] == pytest.approx((loss, accuracy), rel=6e-4)
        assert float(f"{accuracy:.4g}") == printed[part][1]


@pytest.mark.slow
def test_a_program_runs_by_itself(exports, tmp_path):
    (tmp_path / "program.py").write_text(exports["moons"]["code"])
    assert set(numbers(in_folder(tmp_path, "program.py"))) == {"training", "test"}


def test_the_cases_have_each_choice_of_each_setting():
    for key, choices in {
        "data": ("moons", "circles", "xor", "xor_square", "spirals"),
        "activation": set(nn.ACTIVATIONS) - {"softmax", "softplus", "silu", "gelu"},
        "init": (
            "xavier", "he", "normal-0.5", "normal-2", "uniform", "uniform-biases", "zeros", "spread",
        ),
        "generator": ("default_rng", "RandomState"),
        "loss": set(nn.LOSSES) - {"poisson"},
        "optimizer": ("sgd", "momentum", "adam"),
        "standardize": (True, False),
    }.items():  # fmt: skip
        assert {(DEFAULTS | changes)[key] for changes in CASES.values()} == set(choices), key
