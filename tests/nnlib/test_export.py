"""Export to ONNX: the exported model, run by onnxruntime, gives what predict gives."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import nnlib as nn

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
X = np.random.default_rng(0).normal(size=(50, 3))
TOLERANCES = {"float32": 1e-6, "float64": 1e-12}


def start(model):
    """The model as a function of X."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (x,), (outputs,) = session.get_inputs(), session.get_outputs()
    assert (x.name, x.shape, outputs.name, outputs.shape) == ("X", ["n", 3], "outputs", ["n", 2])
    return lambda X: session.run(None, {"X": X})[0]


def build(layers, loss, dtype="float64"):
    """A network none of whose parameters and running means is 0 or 1, as they are at the start."""
    network, rng = nn.Network(3, layers, loss=loss, rng=0, dtype=dtype), np.random.default_rng(1)
    network.theta = rng.normal(scale=0.7, size=network.theta.shape)
    network.state = rng.uniform(0.5, 2, size=network.state.shape)
    return network


def assert_same(network, tolerance):
    model = nn.to_onnx(network)
    onnx.checker.check_model(model, full_check=True)
    predict, x = start(model.SerializeToString()), X.astype(network.dtype)
    for samples in (x, x[:1]):
        expected, found = network.predict(samples), predict(samples)
        assert found.dtype == network.dtype and found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("loss", nn.LOSSES)
@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_the_model_predicts_as_the_network(name, loss, dtype):
    stacks = {
        "Dense": [nn.Dense(5, name)],
        "Dropout": [nn.Dropout(0.2), nn.Dense(5, name), nn.Dropout(0.5)],
        "BatchNorm": [nn.BatchNorm(), nn.Dense(5), nn.BatchNorm(name, epsilon=0.1)],
    }
    for layers in stacks.values():
        assert_same(build([*layers, nn.Dense(2)], loss, dtype), TOLERANCES[dtype])


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_outputs_with_an_activation(dtype, name):
    assert_same(build([nn.Dense(2, name)], "squared_error", dtype), TOLERANCES[dtype])


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("scale", [30, 1e4])
@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_large_inputs_do_not_overflow(name, scale, dtype):
    network, x = build([nn.Dense(2, name)], "squared_error", dtype), (scale * X).astype(dtype)
    found = start(nn.to_onnx(network).SerializeToString())(x)
    np.testing.assert_allclose(found, network.predict(x), rtol=TOLERANCES[dtype], atol=TOLERANCES[dtype])


def test_the_file_is_the_model_and_nothing_else_is_left(tmp_path):
    network = build([nn.Dense(4, "relu"), nn.Dense(2)], "squared_error")
    path = tmp_path / "network.onnx"
    model = nn.to_onnx(network, path)
    assert onnx.load(path) == model and os.listdir(tmp_path) == [path.name]
    np.testing.assert_allclose(start(str(path))(X), network.predict(X), rtol=1e-12)
    with pytest.raises(OSError):
        nn.to_onnx(network, tmp_path)
    assert os.listdir(tmp_path) == [path.name]


class Mine(nn.Dense):
    pass


SQUARE = nn.Activation("square", lambda z: (z**2, lambda da: 2 * z * da))
FALSE_TANH = nn.Activation("tanh", SQUARE.forward)
REFUSED = {
    "stack": ([nn.Dense(1)], {"rng": [0, 1]}, r"single network; this is a stack: export stack\[r\]"),
    "layer": ([Mine(2), nn.Dense(1)], {}, r"Mine\(2, 'identity'\) is a layer of your own"),
    "activation": ([nn.Dense(2, SQUARE), nn.Dense(1)], {}, "<activation square> is of your own.*it knows .*sigmoid"),
    "name taken": ([nn.Dense(2, FALSE_TANH), nn.Dense(1)], {}, "<activation tanh> is of your own"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_onnx_cannot_express_is_refused(case):
    layers, options, message = REFUSED[case]
    network = nn.Network(2, layers, **{"loss": "squared_error", "rng": 0} | options)
    with pytest.raises(ValueError, match=message):
        nn.to_onnx(network)


def test_networks_only():
    with pytest.raises(TypeError, match=r"to_onnx\(network, path\) takes a Network, not ndarray"):
        nn.to_onnx(X)


def test_without_onnx_the_remedy_is_said():
    code = "import sys; sys.modules['onnx'] = None; import nnlib; nnlib.to_onnx"
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 1
    assert process.stderr.rstrip().endswith("pip install onnx")
