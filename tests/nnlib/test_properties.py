"""What must hold for any data."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnlib as nn

LOSSES = sorted(nn.LOSSES)
SMALL = st.integers(1, 6)


@st.composite
def problems(draw, min_samples=1):
    """A network, samples and labels that fit it."""
    loss = draw(st.sampled_from(LOSSES))
    outputs = draw(st.integers(2, 4)) if loss == "categorical_cross_entropy" else draw(st.integers(1, 3))
    hidden = draw(st.lists(st.tuples(SMALL, st.sampled_from(sorted(nn.ACTIVATIONS))), max_size=2))
    features, n = draw(SMALL), draw(st.integers(min_samples, 20))
    rng = draw(st.one_of(st.integers(0, 99), st.lists(st.integers(0, 99), min_size=1, max_size=3)))
    layers = [nn.Dense(units, activation) for units, activation in hidden] + [nn.Dense(outputs)]
    network = nn.Network(features, layers, loss=loss, rng=rng)
    data = np.random.default_rng(draw(st.integers(0, 99)))
    X = data.normal(size=(n, features))
    y = {
        "binary_cross_entropy": data.integers(0, 2, size=(n, outputs)),
        "categorical_cross_entropy": data.integers(0, outputs, size=n),
        "poisson": data.poisson(2.0, size=(n, outputs)),
    }.get(loss, data.normal(size=(n, outputs)))
    return network, X, y


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


@given(problems())
def test_shapes_and_copies(problem):
    network, X, y = problem
    lead, n = network.theta.shape[:-1], len(X)
    theta = network.theta.copy()
    loss, gradient = network.loss_and_gradient(X, y)
    assert np.shape(loss) == lead and gradient.shape == theta.shape
    for (W, b), layer in zip(network.unpack(gradient), network.layers):
        assert W.shape == layer.W.shape and b.shape == layer.b.shape
    outputs = [network.logits(X), network.predict(X), gradient, *network.activations(X)]
    assert outputs[0].shape == outputs[1].shape == (*lead, n, network.n_outputs)
    assert [a.shape for a in outputs[3:]] == [(*lead, n, layer.units) for layer in network.layers]
    np.testing.assert_array_equal(outputs[-1], outputs[0])
    for array in outputs:  # a caller may write to what he got
        array[...] = np.nan
    np.testing.assert_array_equal(network.theta, theta)
    close(network.loss(X, y), loss)
    if network.loss_function.name == "categorical_cross_entropy":
        close(network.predict(X).sum(axis=-1), 1)


@given(problems(), st.randoms())
def test_order_of_samples_does_not_matter(problem, random):
    network, X, y = problem
    order = random.sample(range(len(X)), len(X))
    twin = network.copy()
    for net, rows in ((network, slice(None)), (twin, order)):
        nn.train(net, X[rows], y[rows], nn.SGD(0.05), 3)
    close(network.theta, twin.theta)
    close(network.predict(X[order]), network.predict(X)[..., order, :])


@given(problems(), st.integers(2, 4))
def test_repeated_data_gives_the_same_gradient(problem, times):
    network, X, y = problem
    loss, gradient = network.loss_and_gradient(X, y)
    again = network.loss_and_gradient(np.repeat(X, times, axis=0), np.repeat(y, times, axis=0))
    close(again[0], loss)
    close(again[1], gradient)


@given(problems(min_samples=2), st.data())
def test_loss_and_gradient_are_means_over_parts(problem, data):
    network, X, y = problem
    cut = data.draw(st.integers(1, len(X) - 1))
    parts = [
        (cut, network.loss_and_gradient(X[:cut], y[:cut])),
        (len(X) - cut, network.loss_and_gradient(X[cut:], y[cut:])),
    ]
    loss, gradient = network.loss_and_gradient(X, y)
    close(sum(size * part[0] for size, part in parts) / len(X), loss)
    close(sum(size * part[1] for size, part in parts) / len(X), gradient)


class Recorder(nn.SGD):
    """Takes no step; keeps the gradients."""

    def start(self, theta, decayed):
        self.gradients = []

    def step(self, theta, grad):
        self.gradients.append(grad.copy())


@given(st.integers(1, 40), st.data(), st.integers(0, 99))
def test_each_epoch_uses_each_row_once(n, data, seed):
    """The gradient of a linear layer on unit rows with targets 1 shows which rows a batch held."""
    batch_size = data.draw(st.integers(1, n))
    network = nn.Network(n, [nn.Dense(1, init="zeros")], loss="squared_error", rng=0)
    recorder = Recorder(1.0)
    nn.train(network, np.eye(n), np.ones(n), recorder, 2, batch_size=batch_size, rng=seed)
    batches = [(network.unpack(gradient)[0][0].ravel() != 0) for gradient in recorder.gradients]
    per_epoch = -(-n // batch_size)
    assert len(batches) == 2 * per_epoch
    for epoch in (batches[:per_epoch], batches[per_epoch:]):
        np.testing.assert_array_equal(np.sum(epoch, axis=0), np.ones(n))
        assert [batch.sum() for batch in epoch[:-1]] == [batch_size] * (per_epoch - 1)


def test_batches_are_shuffled_anew_and_repeatably():
    def rows(seed):
        network = nn.Network(50, [nn.Dense(1, init="zeros")], loss="squared_error", rng=0)
        recorder = Recorder(1.0)
        nn.train(network, np.eye(50), np.ones(50), recorder, 2, batch_size=1, rng=seed)
        return [int(np.argmax(network.unpack(g)[0][0] != 0)) for g in recorder.gradients]

    first = rows(3)
    assert first[:50] != first[50:]
    assert first == rows(3) == rows(np.random.default_rng(3)) != rows(4)


@given(problems(min_samples=2))
def test_the_callers_arrays_and_global_state_stay(problem):
    network, X, y = problem
    X.flags.writeable = y.flags.writeable = False  # writing would raise
    np.random.seed(12)
    state, errors = np.random.get_state()[1].copy(), np.geterr()
    for _ in range(2):
        with warnings.catch_warnings(action="ignore"):  # of a rise, or of a kink
            nn.train(network, X, y, nn.Adam(0.01), 2, batch_size=2, rng=1, validation=(X, y))
            nn.check_gradient(network, X, y, rng=0)
        network.predict(X), network.loss(X, y)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert np.geterr() == errors


@given(st.integers(0, 99), st.floats(-1e3, 1e3))
def test_softmax_and_its_loss_do_not_see_a_shift(seed, shift):
    rng = np.random.default_rng(seed)
    logits, y = rng.normal(scale=3, size=(5, 4)), rng.integers(0, 4, size=5)
    np.testing.assert_allclose(nn.softmax(logits + shift), nn.softmax(logits), rtol=1e-11)
    loss = nn.categorical_cross_entropy
    np.testing.assert_allclose(loss(logits + shift, y), loss(logits, y), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
@given(seed=st.integers(0, 99))
def test_integers_and_floats_are_the_same_data(name, seed):
    """An image in uint8 must not wrap around: 200 + 100 is 44 there."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 256, size=(6, 4), dtype=np.uint8)
    y = rng.integers(0, 2, size=6)
    network = nn.Network(4, [nn.Dense(3, "relu"), nn.Dense(2 if name.startswith("cat") else 1)], loss=name, rng=seed)
    for array, labels in ((X, y.astype(bool)), (X.astype(np.int64), y.astype(np.int8)), (X.tolist(), y.tolist())):
        np.testing.assert_array_equal(network.predict(array), network.predict(X.astype(float)))
        expected = network.loss_and_gradient(X.astype(float), y.astype(float))
        np.testing.assert_array_equal(network.loss_and_gradient(array, labels)[1], expected[1])
