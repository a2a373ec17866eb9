"""The tutorials' runs, against numbers computed without nnlib (tests/reference/tutorials.json)."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_circles
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import nnlib as nn

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "tutorials.json").read_text(encoding="utf-8"))
XOR_X, XOR_Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
EXACT = dict(rtol=1e-9, atol=0)


def generator(run):
    kind, _, seed = run["init"].rpartition(", ")[2].partition(" seed ")
    return {"legacy": np.random.RandomState, "generator": np.random.default_rng}[kind](int(seed))


def check_run(network, X, y, run):
    """First gradients, the losses on record, and the network before its last step."""
    _, gradient = network.loss_and_gradient(X, y)
    (dW1, _), (dW_last, _) = network.unpack(gradient)
    for dW, expected in ((dW1, run["first_gradients"]["dW1"]), (dW_last, run["first_gradients"]["dW_last"])):
        # Where terms of the sum cancel, what remains of the rounding is relative to the largest entries.
        scale = np.abs(dW).max()
        np.testing.assert_allclose(dW.ravel()[: len(expected)], expected, rtol=1e-9, atol=1e-14 * scale)

    losses = {int(epoch): loss for epoch, loss in run["loss"].items()}
    epochs = max(losses) + 1
    before = nn.train(network, X, y, nn.SGD(run["lr"]), epochs - 1)
    last_forward = network.copy()
    history = np.append(before.loss, nn.train(network, X, y, nn.SGD(run["lr"]), 1).loss)
    assert len(history) == run.get("epochs", epochs)
    np.testing.assert_allclose(history[list(losses)], list(losses.values()), **EXACT)
    return last_forward


@pytest.mark.parametrize("run", REFERENCE["moons"]["runs"], ids=lambda r: f"{r['hidden']}-{r['lr']}-{r['init'][-14:]}")
def test_moons(moons, run):
    X, y = moons
    layers = [nn.Dense(run["hidden"], "sigmoid", nn.normal(0.5)), nn.Dense(1, init=nn.normal(0.5))]
    network = nn.Network(2, layers, loss="binary_cross_entropy", rng=generator(run))
    if "predictions_before_training_first_5" in run:
        expected = run["predictions_before_training_first_5"]
        np.testing.assert_allclose(network.predict(X[:5]).ravel(), expected, **EXACT)
    last_forward = check_run(network, X, y, run)
    assert last_forward.accuracy(X, y) == pytest.approx(run["last_forward_accuracy"], rel=1e-9)


XOR_RUNS = [
    pytest.param(
        run,
        id=f"{run['hidden']}-{run['lr']}-{run['epochs']}",
        marks=pytest.mark.slow if run["epochs"] > 1000 else (),
    )
    for run in REFERENCE["xor_mse"]["runs"]
]


@pytest.mark.parametrize("run", XOR_RUNS)
def test_xor_with_squared_error(run):
    layers = [nn.Dense(run["hidden"], "sigmoid", nn.normal(0.5)), nn.Dense(1, "sigmoid", nn.normal(0.5))]
    network = nn.Network(2, layers, loss="squared_error", rng=generator(run))
    last_forward = check_run(network, XOR_X, XOR_Y, run)
    np.testing.assert_allclose(last_forward.predict(XOR_X).ravel(), run["last_forward_predictions"], **EXACT)


def test_circles():
    run = REFERENCE["circles"]
    X, y = make_circles(n_samples=1000, noise=0.1, random_state=42)
    X, _, y, _ = train_test_split(X, y, test_size=0.2, random_state=0)
    X = StandardScaler().fit_transform(X)
    layers = [nn.Dense(run["hidden"], "relu"), nn.Dense(1, init="he")]
    network = nn.Network(2, layers, loss="binary_cross_entropy", rng=generator(run))
    last_forward = check_run(network, X, y, run)
    assert last_forward.accuracy(X, y) == pytest.approx(run["last_forward_train_accuracy"], rel=1e-9)


@pytest.mark.slow
def test_digits():
    run = REFERENCE["digits"]
    X, y = load_digits(return_X_y=True)
    X, _, y, _ = train_test_split(StandardScaler().fit_transform(X), y, test_size=0.2, random_state=42)
    layers = [nn.Dense(run["hidden"], "relu"), nn.Dense(10, init="he")]
    network = nn.Network(64, layers, loss="categorical_cross_entropy", rng=generator(run))
    last_forward = check_run(network, X, y, run)
    assert last_forward.accuracy(X, y) == pytest.approx(run["last_forward_train_accuracy"], rel=1e-9)


def test_broadcast_trap(moons):
    """What the tutorial prints is the mean of a (500, 500) array; what nnlib records is the loss."""
    X, y = moons
    trap = REFERENCE["broadcast_trap"]
    layers = [nn.Dense(8, "sigmoid", nn.normal(0.5)), nn.Dense(1, init=nn.normal(0.5))]
    network = nn.Network(2, layers, loss="binary_cross_entropy", rng=np.random.RandomState(42))
    done = 0
    for epoch, wrong in trap["wrong_loss"].items():
        if int(epoch) > done:
            nn.train(network, X, y, nn.SGD(0.5), int(epoch) - done)
            done = int(epoch)
        p = network.predict(X)
        broadcast = -(y * np.log(p) + (1 - y) * np.log(1 - p))
        assert broadcast.shape == (500, 500)
        np.testing.assert_allclose(broadcast.mean(), wrong, **EXACT)
        np.testing.assert_allclose(network.loss(X, y), trap["right_loss"][epoch], **EXACT)


def test_the_models_that_the_moons_post_compares_with(moons, reference):
    X, y = moons
    tree = DecisionTreeClassifier(max_depth=5, random_state=42).fit(X, y)
    logistic = LogisticRegression().fit(X, y)
    expected = reference["moons"]
    assert tree.score(X, y) == pytest.approx(expected["decision_tree_max_depth_5_train_accuracy"], rel=1e-9)
    assert logistic.score(X, y) == pytest.approx(expected["logistic_regression_train_accuracy"], rel=1e-9)
