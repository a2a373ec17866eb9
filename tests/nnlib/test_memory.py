"""Memory grows with replicates x samples x width, and per epoch by the history alone."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import nnlib as nn


def peak(call):
    """Bytes allocated at most during `call`, beyond what was there."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def training(replicates=4, n=1000, width=16, epochs=3, batch_size=None):
    X, y = np.ones((n, 2)), np.zeros(n)
    layers = [nn.Dense(width, "tanh"), nn.Dense(1)]

    def run():
        network = nn.Network(2, layers, loss="binary_cross_entropy", rng=range(replicates))
        nn.train(network, X, y, nn.SGD(0.1), epochs, batch_size=batch_size, rng=0)

    run()  # what is allocated once, at first use, is not counted
    return peak(run)


@pytest.mark.parametrize("what", ["replicates", "n", "width"])
def test_training_memory_is_linear(what):
    base = dict(replicates=4, n=1000, width=16)
    sizes = [training(**(base | {what: base[what] * factor})) for factor in (1, 2, 4)]
    growth = np.diff(sizes) / [1, 2]
    # The slope stays the same, and there is little beside it.
    assert growth[1] == pytest.approx(growth[0], rel=0.1)
    assert sizes[2] < 4.2 * sizes[0]


def test_training_needs_few_arrays_of_its_largest_size():
    """Activations and gradients of the hidden layer, and less for everything else."""
    replicates, n, width = 8, 2000, 32
    assert training(replicates, n, width) < 2.7 * replicates * n * width * 8


@pytest.mark.parametrize("batch_size", [None, 100])
def test_more_epochs_add_only_the_history(batch_size):
    few, many = (training(n=300, epochs=epochs, batch_size=batch_size) for epochs in (5, 105))
    history = 100 * 4 * 8 * 2  # epochs, replicates, bytes; loss and accuracy
    assert many - few < 1.5 * history + 2000


@pytest.mark.parametrize("features, width, replicates", [(2, 64, None), (64, 1, None), (2, 8, 8)])
def test_predictions_are_made_in_pieces(features, width, replicates):
    n = 200_000
    rng = 0 if replicates is None else range(replicates)
    network = nn.Network(features, [nn.Dense(width, "tanh"), nn.Dense(1)], loss="binary_cross_entropy", rng=rng)
    X = np.zeros((n, features))
    network.predict(X[:1])
    extra = peak(lambda: network.predict(X))
    everything = n * width * (replicates or 1) * 8
    results = 4 * n * (replicates or 1) * 8
    # One piece of 2**20 numbers takes 8 MB, for values and for gradients; checking X takes a byte a number.
    assert extra < results + X.size + 40e6
    if width > 1:
        assert extra < 0.7 * everything


def test_predictions_in_threads_do_not_share_their_arrays():
    network = nn.Network(2, [nn.Dense(64, "tanh"), nn.Dense(64, "tanh"), nn.Dense(1)], loss="squared_error", rng=0)
    inputs = np.random.default_rng(0).normal(size=(40, 1000, 2))
    expected = [network.predict(X) for X in inputs]
    with ThreadPoolExecutor(4) as pool:
        np.testing.assert_array_equal(list(pool.map(network.predict, inputs)), expected)
        losses = list(pool.map(network.loss, inputs, inputs[..., 0]))
    np.testing.assert_array_equal(losses, [network.loss(X, X[:, 0]) for X in inputs])


def test_predictions_make_no_room_for_gradients():
    network = nn.Network(1, [nn.Dense(50, "tanh"), nn.Dense(1)], loss="squared_error", rng=0)
    X = np.zeros((10_000, 1))
    activations = X.size * 50 * 8
    assert peak(lambda: network.predict(X)) < 1.3 * activations
    assert peak(lambda: network.loss(X, X)) < 1.3 * activations


def test_pieces_fit_together():
    network = nn.Network(2, [nn.Dense(300, "tanh"), nn.Dense(3)], loss="categorical_cross_entropy", rng=0)
    X, y = np.random.default_rng(0).normal(size=(8000, 2)), np.arange(8000) % 3
    parts = [network.predict(part) for part in np.array_split(X, 7)]
    np.testing.assert_allclose(network.predict(X), np.concatenate(parts), rtol=1e-12)
    np.testing.assert_allclose(network.loss(X, y), nn.categorical_cross_entropy(network.logits(X), y), rtol=1e-12)
    np.testing.assert_allclose(network.loss(X, y), network.loss_and_gradient(X, y)[0], rtol=1e-12)
    assert network.accuracy(X, y) == pytest.approx(np.mean(network.classify(X) == y))
    np.testing.assert_array_equal(network.activations(X)[-1], network.logits(X))
