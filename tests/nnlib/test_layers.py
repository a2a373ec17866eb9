"""Dropout, batch normalization and layers of one's own, by themselves and in networks."""

import copy
import pickle

import numpy as np
import pytest

import nnlib as nn

RNG = np.random.default_rng(0)
X = RNG.normal(loc=2.0, scale=3.0, size=(24, 3))
Y = RNG.normal(size=24)
SEEDS = [4, 0, 11]
COPIES = {
    "copy": nn.Network.copy,
    "copy.copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda network: pickle.loads(pickle.dumps(network)),
}


def noisy(rng=0, rate=0.3, **options):
    """A network with all kinds of layers, Dropout more than once."""
    layers = [
        nn.Dropout(rate / 2), nn.Dense(6), nn.BatchNorm("tanh"), nn.Dropout(rate), nn.Dense(4, "relu"), nn.Dense(1)
    ]  # fmt: skip
    return nn.Network(3, layers, loss="squared_error", rng=rng, **options)


def factors(rate, n=1, units=5000, rng=0, dtype="float64"):
    """What Dropout multiplies each input by in one pass, shape `(..., units, n)`: the gradient of the weights shows it.

    With squared error and one sample that is all ones, the gradient by weight j is `2 (output - y) factor_j`, that
    by the bias `2 (output - y)`.
    """
    layers = [nn.Dropout(rate), nn.Dense(1, init="zeros")]
    network = nn.Network(units, layers, loss="squared_error", rng=rng, dtype=dtype)
    rows = np.eye(n)  # one pass; the weights of the samples pick the gradient of one after the other
    columns = []
    for weight in rows:
        _, gradient = network.loss_and_gradient(np.ones((n, units)), np.ones(n), weight, training=True)
        _, (W, b) = network.unpack(gradient)
        columns.append(W[..., 0] / b)
    return np.stack(columns, axis=-1)


# Dropout


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(rate, dtype):
    factor = factors(rate, n=2, dtype=dtype)
    dropped = factor == 0
    np.testing.assert_allclose(factor[~dropped], 1 / (1 - rate), rtol=1e-6)
    deviation = np.sqrt(rate * (1 - rate) / factor.size)
    assert abs(dropped.mean() - rate) < 4 * deviation
    assert abs(factor.mean() - 1) < 4 * deviation / (1 - rate)
    same = (dropped[:, 0] == dropped[:, 1]).mean()  # each sample draws for itself
    assert abs(same - (rate**2 + (1 - rate) ** 2)) < 0.05


def test_dropout_of_rate_zero_does_nothing():
    assert (factors(0.0, units=20) == 1).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rng", [1, SEEDS], ids=["single", "stack"])
def test_the_way_back_uses_the_mask_of_the_way_there(rng, dtype):
    layers = [nn.Dense(50, "tanh"), nn.Dropout(0.4), nn.Dense(1)]
    network = nn.Network(3, layers, loss="squared_error", rng=rng, dtype=dtype)
    x = np.array([[0.5, -1.0, 0.3]])
    loss, gradient = network.loss_and_gradient(x, [5.0], training=True)
    (dW1, db1), _, (dW2, db2) = network.unpack(gradient)
    (_, _), _, (W2, b2) = network.unpack(network.theta)
    a = network.activations(x)[0][..., 0, :]
    W2, dW2, W1_and_b1 = W2[..., 0], dW2[..., 0], np.concatenate([dW1, db1[..., None, :]], axis=-2)
    factor = dW2 / (db2 * a)
    same = {"rtol": 1e-9, "atol": 1e-12} if dtype == "float64" else {"rtol": 1e-3, "atol": 1e-4}
    assert ((np.abs(factor) < 1e-6) | np.isclose(factor, 1 / 0.6, rtol=1e-4)).all()
    assert 0 < (np.abs(factor) < 1e-6).sum() < factor.size
    output = (W2 * a * factor).sum(axis=-1) + b2[..., 0]
    np.testing.assert_allclose(loss, (output - 5) ** 2, **same)
    np.testing.assert_allclose(db2[..., 0], 2 * (output - 5), **same)
    dz = db2 * W2 * factor * (1 - a**2)
    np.testing.assert_allclose(W1_and_b1, np.append(x, 1)[:, None] * dz[..., None, :], **same)


@pytest.mark.parametrize("rng", [0, SEEDS], ids=["single", "stack"])
def test_dropout_does_nothing_when_the_network_predicts(rng):
    network, without = noisy(rng), noisy(rng, rate=0.0)
    without.theta = network.theta
    for method in ("predict", "logits"):
        np.testing.assert_array_equal(getattr(network, method)(X), getattr(without, method)(X))
    for with_it, without_it in zip(network.loss_and_gradient(X, Y), without.loss_and_gradient(X, Y)):
        np.testing.assert_array_equal(with_it, without_it)
    np.testing.assert_array_equal(network.loss(X, Y), without.loss(X, Y))
    activations = network.activations(X)
    np.testing.assert_array_equal(activations[3], activations[2])


@pytest.mark.parametrize("rng", [0, SEEDS], ids=["single", "stack"])
def test_the_loss_in_training_changes_nothing(rng):
    network, twin = noisy(rng), noisy(rng)
    state = network.state.copy()
    first = network.loss(X, Y, training=True)
    np.testing.assert_array_equal(network.loss(X, Y, training=True), first)
    np.testing.assert_array_equal(network.loss_and_gradient(X, Y, training=True)[0], first)
    np.testing.assert_array_equal(network.state, state)
    assert (first != network.loss(X, Y)).all()
    history = nn.train(network, X, Y, nn.SGD(0.01), 3)
    np.testing.assert_array_equal(history.loss[0], first)  # and it is what the first step sees
    nn.train(twin, X, Y, nn.SGD(0.01), 3)
    np.testing.assert_array_equal(network.theta, twin.theta)


def test_each_step_draws_anew_and_a_seed_repeats_it():
    network = noisy()
    first = nn.train(network, X, Y, nn.SGD(1e-300), 20).loss  # the parameters stay as they are
    assert len(set(first)) == 20
    second = nn.train(network, X, Y, nn.SGD(1e-300), 20).loss  # a second training goes on drawing
    assert not set(first) & set(second)
    np.testing.assert_array_equal(nn.train(noisy(), X, Y, nn.SGD(1e-300), 20).loss, first)
    assert not set(nn.train(noisy(1), X, Y, nn.SGD(1e-300), 20).loss) & set(first)


def test_dropout_leaves_the_weights_of_a_seed_as_they_are():
    without = nn.Network(3, [nn.Dense(6, "tanh"), nn.Dense(1)], loss="squared_error", rng=0)
    layers = [nn.Dense(6, "tanh"), nn.Dropout(0.5), nn.Dense(1)]
    np.testing.assert_array_equal(nn.Network(3, layers, loss="squared_error", rng=0).theta, without.theta)


@pytest.mark.parametrize(
    "make", [int, np.random.default_rng, np.random.SeedSequence, np.random.RandomState], ids=lambda f: f.__name__
)
def test_dropout_takes_any_source_of_random_numbers(make):
    one, two, other = (noisy(make(seed)) for seed in (3, 3, 4))
    for network in (one, two, other):
        nn.train(network, X, Y, nn.SGD(0.01), 3)
    np.testing.assert_array_equal(one.theta, two.theta)
    assert (one.theta != other.theta).any()
    stack = noisy([make(3), make(4)])
    nn.train(stack, X, Y, nn.SGD(0.01), 3)
    np.testing.assert_allclose(stack.theta, [one.theta, other.theta], rtol=1e-12, atol=1e-13)


# Stacks and copies, with Dropout and BatchNorm


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch_size", [None, 10])
def test_replicate_equals_single_with_noise_and_state(batch_size, dtype):
    options = {"batch_size": batch_size, "rng": None if batch_size is None else 6, "validation": (X[:5], Y[:5])}
    same = {"rtol": 1e-11, "atol": 1e-12} if dtype == "float64" else {"rtol": 2e-3, "atol": 2e-4}
    stack = noisy(SEEDS, dtype=dtype)
    together = nn.train(stack, X, Y, nn.SGD(0.02, momentum=0.5), 8, **options)
    for r, seed in enumerate(SEEDS):
        single = noisy(seed, dtype=dtype)
        alone = nn.train(single, X, Y, nn.SGD(0.02, momentum=0.5), 8, **options)
        np.testing.assert_allclose(stack.theta[r], single.theta, **same)
        np.testing.assert_allclose(stack.state[r], single.state, **same)
        np.testing.assert_allclose(together.loss[:, r], alone.loss, **same)
        np.testing.assert_allclose(together.validation_loss[:, r], alone.validation_loss, **same)
        np.testing.assert_allclose(stack.predict(X)[r], single.predict(X), **same)
        np.testing.assert_allclose(stack.loss(X, Y, training=True)[r], single.loss(X, Y, training=True), **same)


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("rng", [0, SEEDS], ids=["single", "stack"])
def test_a_copy_carries_state_and_draws_the_same(how, rng):
    original = noisy(rng)
    nn.train(original, X, Y, nn.SGD(0.02), 3)
    theta, state = original.theta.copy(), original.state.copy()
    twin = COPIES[how](original)
    np.testing.assert_array_equal(twin.predict(X), original.predict(X))
    np.testing.assert_array_equal(twin.state, state)
    history = nn.train(twin, X, Y, nn.SGD(0.02), 3)
    np.testing.assert_array_equal(original.theta, theta)
    np.testing.assert_array_equal(original.state, state)
    assert (twin.state != state).any()
    assert np.shares_memory(twin.layers[2].mean, twin.state)
    np.testing.assert_array_equal(nn.train(original, X, Y, nn.SGD(0.02), 3).loss, history.loss)
    np.testing.assert_array_equal(original.state, twin.state)


def test_a_replicate_carries_state_and_noise():
    stack = noisy(SEEDS)
    nn.train(stack, X, Y, nn.SGD(0.02), 3)
    single = stack[1]
    np.testing.assert_array_equal(single.state, stack.state[1])
    np.testing.assert_allclose(single.predict(X), stack.predict(X)[1], rtol=1e-12)
    alone, together = (nn.train(network, X, Y, nn.SGD(0.02), 3) for network in (single, stack))
    np.testing.assert_allclose(together.loss[:, 1], alone.loss, rtol=1e-11)
    np.testing.assert_allclose(single.state, stack.state[1], rtol=1e-11)


def test_divergence_gives_parameters_and_state_of_the_last_good_step_back():
    rates = [0.01, 0.01, 0.01, 1e300, 0.01]
    stack, network, short = noisy([1, 0]), noisy(0), noisy(0)
    with pytest.raises(nn.DivergenceError) as info:
        nn.train(network, X, Y, nn.SGD(lambda step: rates[step]), 5)
    assert np.isfinite(network.state).all() and np.isfinite(network.theta).all()
    epochs = len(info.value.history)
    nn.train(short, X, Y, nn.SGD(0.01), 3)
    np.testing.assert_array_equal(network.theta, short.theta)
    history = nn.train(stack, X, Y, nn.SGD(lambda step: np.array([0.01, rates[step]])), 5)
    np.testing.assert_array_equal(history.diverged, [False, True])
    assert np.isfinite(history.loss[:, 1]).sum() == epochs
    np.testing.assert_allclose(stack.theta[1], network.theta, rtol=1e-11)
    np.testing.assert_allclose(stack.state[1], network.state, rtol=1e-11)
    nn.train(good := noisy(1), X, Y, nn.SGD(0.01), 5)
    np.testing.assert_allclose(stack.theta[0], good.theta, rtol=1e-10)
    np.testing.assert_allclose(stack.state[0], good.state, rtol=1e-10)


# Batch normalization


def normalizer(rng=0, **options):
    """BatchNorm behind X as it is; the last layer adds up nothing, so it is looked at by `activations`."""
    return nn.Network(3, [nn.BatchNorm(**options), nn.Dense(1)], loss="squared_error", rng=rng)


@pytest.mark.parametrize("rng", [0, SEEDS], ids=["single", "stack"])
def test_batches_have_mean_zero_and_variance_one(rng):
    """With momentum 0, the running means are those of the last batch: predicting then shows what training did."""
    network = normalizer(rng, momentum=0.0, epsilon=1e-12)
    nn.train(network, X, Y, nn.SGD(1e-300), 1)
    layer = network.layers[0]
    np.testing.assert_allclose(layer.mean, np.broadcast_to(X.mean(axis=0), layer.mean.shape), rtol=1e-13)
    np.testing.assert_allclose(layer.variance, np.broadcast_to(X.var(axis=0, ddof=1), layer.mean.shape), rtol=1e-13)
    normal = network.activations(X)[0]
    np.testing.assert_allclose(normal.mean(axis=-2), 0, atol=1e-14)
    np.testing.assert_allclose(normal.std(axis=-2, ddof=1), 1, rtol=1e-10)


def test_the_loss_in_training_uses_the_batch():
    network = normalizer(epsilon=1e-3)
    normal = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + 1e-3)
    last = network.layers[1]
    expected = np.mean(((normal @ last.W + last.b)[:, 0] - Y) ** 2)
    np.testing.assert_allclose(network.loss(X, Y, training=True), expected, rtol=1e-12)
    np.testing.assert_allclose(network.loss(7 * X - 5, Y, training=True), expected, rtol=1e-3)
    expected = np.mean(((X / np.sqrt(1 + 1e-3) @ last.W + last.b)[:, 0] - Y) ** 2)  # it has seen nothing yet
    np.testing.assert_allclose(network.loss(X, Y), expected, rtol=1e-12)


def test_weights_of_samples_play_no_part_in_mean_and_variance():
    one, two = normalizer(), normalizer()
    nn.train(one, X, Y, nn.SGD(1e-300), 1)
    nn.train(two, X, Y, nn.SGD(1e-300), 1, sample_weight=np.arange(24))
    np.testing.assert_array_equal(one.state, two.state)


def test_the_activation_comes_last_and_scale_and_shift_before_it():
    network = normalizer(activation="softplus")
    layer = network.layers[0]
    layer.gamma, layer.beta, layer.mean, layer.variance = [2, 1, 0.5], [0, 1, -1], [1, 2, 3], [4, 9, 1]
    z = (X - [1, 2, 3]) / np.sqrt(np.array([4, 9, 1]) + 1e-5) * [2, 1, 0.5] + [0, 1, -1]
    np.testing.assert_allclose(network.activations(X)[0], np.logaddexp(0, z), rtol=1e-12)


def test_a_batch_of_one_sample_is_normalized_as_in_prediction():
    network = normalizer()
    nn.train(network, X, Y, nn.SGD(0.01), 5)
    assert network.loss(X[:1], Y[:1], training=True) == network.loss(X[:1], Y[:1])
    assert nn.check_gradient(network, X[:1], Y[:1], rng=0, training=True) < 1e-7
    nn.train(network, X[:9], Y[:9], nn.SGD(0.01), 3, batch_size=4, rng=0)  # the last batch holds one sample
    assert np.isfinite(network.predict(X)).all()
    state = network.state.copy()
    nn.train(network, X[:1], Y[:1], nn.SGD(0.01), 3)
    np.testing.assert_array_equal(network.state, state)  # one sample says nothing of the variance


def test_a_variance_that_overflows_is_divergence():
    """The units would be constant, and the loss finite."""
    network = nn.Network(3, [nn.Dense(4), nn.BatchNorm("tanh"), nn.Dense(1)], loss="squared_error", rng=0)
    with pytest.raises(nn.DivergenceError, match="cannot start.*Scale X"):
        nn.train(network, 1e200 * X, Y, nn.SGD(0.1), 5)
    assert np.isfinite(network.state).all()


@pytest.mark.slow
def test_batch_norm_follows_pytorch():
    """Several steps of plain descent: parameters, running means, and predictions in both modes."""
    torch = pytest.importorskip("torch")
    layers = [nn.Dense(5), nn.BatchNorm("tanh", momentum=0.9, epsilon=1e-3), nn.Dense(1)]
    network = nn.Network(3, layers, loss="squared_error", rng=0)
    norm = torch.nn.BatchNorm1d(5, eps=1e-3, momentum=0.1)  # there it says how much of the new is taken
    twin = torch.nn.Sequential(torch.nn.Linear(3, 5), norm, torch.nn.Tanh(), torch.nn.Linear(5, 1)).double()
    ours = [array for of_layer in network.unpack(network.theta) for array in of_layer]
    with torch.no_grad():
        for parameter, array in zip(twin.parameters(), ours):
            parameter.copy_(torch.tensor(array.T))
    descent = torch.optim.SGD(twin.parameters(), lr=0.05)
    for _ in range(6):
        for start in range(0, 24, 10):  # 10, 10 and 4 samples
            rows = slice(start, start + 10)
            descent.zero_grad()
            ((twin(torch.tensor(X[rows]))[:, 0] - torch.tensor(Y[rows])) ** 2).mean().backward()
            descent.step()
    nn.train(network, X, Y, nn.SGD(0.05), 6, batch_size=10, shuffle=False)
    ours = [array for of_layer in network.unpack(network.theta) for array in of_layer]
    for parameter, array in zip(twin.parameters(), ours):
        np.testing.assert_allclose(array.T, parameter.detach(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(network.layers[1].mean, norm.running_mean, rtol=1e-10)
    np.testing.assert_allclose(network.layers[1].variance, norm.running_var, rtol=1e-10)
    with torch.no_grad():
        np.testing.assert_allclose(network.predict(X), twin.eval()(torch.tensor(X)), rtol=1e-9, atol=1e-12)


def test_state_can_be_read_and_set_and_is_not_trained():
    network = noisy(SEEDS)
    assert network.state.shape == (3, 12)
    assert network.theta.shape[1] == 3 * 6 + 6 + 2 * 6 + 6 * 4 + 4 + 4 + 1
    assert network.unpack(network.theta)[0] == () and len(network.unpack(network.theta)[2]) == 2
    state = np.tile(np.arange(1.0, 13), (3, 1))
    network.state = state
    np.testing.assert_array_equal(network.layers[2].mean, state[:, :6])
    np.testing.assert_array_equal(network.layers[2].variance, state[:, 6:])
    with pytest.raises(ValueError, match=r"state has shape \(12,\); expected \(3, 12\). Nothing is broadcast"):
        network.state = state[0]
    with pytest.raises(ValueError, match=r"gamma has shape \(6,\); expected \(3, 6\)"):
        network.layers[2].gamma = np.ones(6)
    assert nn.Network(3, [nn.Dense(1)], loss="squared_error", rng=0).state.shape == (0,)


def test_weight_decay_spares_everything_but_weights():
    network = noisy()
    W1, W2, W3 = (layer.W.size for layer in network.layers if isinstance(layer, nn.Dense))
    expected = [True] * W1 + [False] * (6 + 12) + [True] * W2 + [False] * 4 + [True] * W3 + [False]
    np.testing.assert_array_equal(network.decayed, expected)


def test_the_summary_names_the_layers_and_their_shapes():
    lines = noisy(SEEDS).summary().splitlines()
    assert [line.split()[0] for line in lines[1:7]] == ["Dropout", "Dense", "BatchNorm", "Dropout", "Dense", "Dense"]
    assert "gamma (6,), beta (6,)" in lines[3] and "tanh" in lines[3] and lines[3].endswith("12")
    assert "replicates: 3" in lines[-1]


@pytest.mark.parametrize("activation, said", [("identity", True), ("tanh", False)])
def test_the_summary_says_where_an_activation_is_missing(activation, said):
    network = nn.Network(2, [nn.Dense(3, "relu"), nn.Dense(4, activation), nn.Dense(1)], loss="squared_error", rng=0)
    lines = network.summary().splitlines()
    assert ("layers 2 and 3 are one linear layer: there is no activation between them" in lines) == said
    assert not any("layers 1 and 2" in line for line in lines)


@pytest.mark.parametrize("shape, hint", [((2, 3), "It looks transposed: try W.T."), ((3, 4), "Nothing is broadcast.")])
def test_weights_of_another_shape_are_refused(shape, hint):
    layer = nn.Network(3, [nn.Dense(2)], loss="squared_error", rng=0).layers[0]
    with pytest.raises(ValueError) as info:
        layer.W = np.ones(shape)
    assert str(info.value).endswith(hint) and "expected (3, 2)" in str(info.value)


# Dense


def test_biases_start_at_zero_or_where_they_are_told_to():
    def build(**options):
        return nn.Network(3, [nn.Dense(4, "relu", **options), nn.Dense(1)], loss="squared_error", rng=5)

    assert not build().layers[0].b.any()
    seen = []

    def bias(rng, fan_in, units):
        seen.append((fan_in, units))
        return np.arange(units) + 0.5

    network = build(bias_init=bias)
    np.testing.assert_array_equal(network.layers[0].b, [0.5, 1.5, 2.5, 3.5])
    assert seen == [(3, 4)]
    np.testing.assert_array_equal(network.layers[0].W, build().layers[0].W)


# Layers of one's own


class Scaled(nn.Layer):
    """Each unit times a number that is learned."""

    decayed = ("scale",)

    def build(self, fan_in):
        super().build(fan_in)
        self.shapes = {"scale": (fan_in,)}

    def draw(self, rng):
        return {"scale": rng.uniform(0.5, 1.5, self.units)}

    def forward(self, x, training):
        def backward(da):
            self.gradients["scale"][...] = (x * da).sum(axis=-1)
            return da * self.scale[..., None]

        return x * self.scale[..., None], backward


@pytest.mark.parametrize("rng", [0, SEEDS], ids=["single", "stack"])
def test_a_layer_of_ones_own_joins_in(rng):
    layers = [Scaled(), nn.Dense(4, "tanh"), Scaled(), nn.Dropout(0.2), nn.Dense(1)]
    network = nn.Network(3, layers, loss="squared_error", rng=rng)
    assert nn.check_gradient(network, X, Y, rng=0, training=True) < 1e-7
    history = nn.train(network, X, Y, nn.AdamW(0.05), 50)
    assert (history.loss[-1] < history.loss[0]).all()
    np.testing.assert_array_equal(network.copy().predict(X), network.predict(X))
    assert network.decayed.sum() == 3 + 12 + 4 + 4


class Sharp(nn.Dense):
    """A Dense layer with one more parameter: how steep its activation is."""

    def build(self, fan_in):
        super().build(fan_in)
        self.shapes = self.shapes | {"sharpness": (1,)}

    def draw(self, rng):
        return super().draw(rng) | {"sharpness": [1.5]}

    def forward(self, x, training):
        a, undo = super().forward(x, training)
        a = a.copy()

        def backward(da):
            self.dsharpness = (a * da).sum(axis=(-1, -2))[..., None]
            return undo(da * self.sharpness[..., None])

        return a * self.sharpness[..., None], backward


@pytest.mark.parametrize("rng", [0, SEEDS], ids=["single", "stack"])
def test_a_layer_may_add_a_parameter_to_dense(rng):
    network = nn.Network(3, [Sharp(5, "tanh"), nn.Dense(1)], loss="squared_error", rng=rng)
    assert network.theta.shape[-1] == 3 * 5 + 5 + 1 + 6
    assert nn.check_gradient(network, X, Y, rng=0) < 1e-7
    assert (np.array(network.layers[0].sharpness) == 1.5).all()


def test_layers_cannot_be_added_to_a_network():
    network = noisy()
    assert isinstance(network.layers, tuple)
    with pytest.raises(AttributeError):
        network.layers.append(nn.Dense(1))


@pytest.mark.parametrize("name", ["zeros", "normal", "uniform"])
def test_biases_by_name(name):
    network = nn.Network(3, [nn.Dense(50, bias_init=name), nn.Dense(1)], loss="squared_error", rng=0)
    b = network.layers[0].b
    assert {"zeros": not b.any(), "normal": 0 < np.abs(b).max() < 0.1, "uniform": 0 <= b.min() < b.max() < 1}[name]


def test_predictions_leave_nothing_behind_and_training_lets_go():
    network = noisy()
    nn.train(network, X, Y, nn.SGD(0.01), 2)
    network.predict(X), network.loss_and_gradient(X, Y, training=True)
    assert not any(layer.kept for layer in network.layers)


# Bad input


@pytest.mark.parametrize(
    "make, error, parts",
    [
        *((lambda rate=rate: nn.Dropout(rate), ValueError, ["rate must be at least 0 and below 1", f"not {rate!r}"])
          for rate in (1, 1.0, -0.1, np.nan, True, "0.5", None, [0.5])),
        *((lambda beta=beta: nn.BatchNorm(momentum=beta), ValueError, ["momentum must be at least 0", f"not {beta!r}"])
          for beta in (1, -0.1, np.nan, "0.9", None)),
        *((lambda epsilon=epsilon: nn.BatchNorm(epsilon=epsilon), ValueError,
           ["epsilon must be a finite number above 0", f"not {epsilon!r}"])
          for epsilon in (0, -1e-5, np.nan, np.inf, "1e-5", None)),
        (lambda: nn.BatchNorm(0.9), ValueError, ["unknown activation 0.9", "Known: gelu, identity"]),
        (lambda: nn.BatchNorm("rellu"), ValueError, ["unknown activation 'rellu'", "Did you mean 'relu'?"]),
        (lambda: nn.BatchNorm().gamma, AttributeError, ["BatchNorm has no gamma", "network.layers"]),
        (lambda: nn.Network(2, [nn.Dense(3), nn.Dropout(0.5)], loss="squared_error", rng=0), ValueError,
         ["the last layer must be Dense, not Dropout(0.5)", "gives the outputs"]),
        (lambda: nn.Network(2, [nn.Dense(3), nn.BatchNorm()], loss="squared_error", rng=0), ValueError,
         ["the last layer must be Dense, not BatchNorm("]),
        (lambda: nn.Network(2, [nn.Dropout, nn.Dense(1)], loss="squared_error", rng=0), TypeError,
         ["layers such as nn.Dense(8, 'tanh')", "Dropout"]),
        (lambda: nn.Network(2, [nn.Dense(3, bias_init=lambda rng, fan_in, units: [1.0])], loss="squared_error", rng=0),
         ValueError, ["Dense(3, 'identity') starts with b of shape (1,); expected (3,)"]),
        (lambda: noisy()[0], ValueError, ["single network", "rng=[seed"]),
    ],
)  # fmt: skip
def test_bad_layers(make, error, parts):
    with pytest.raises(error) as info:
        make()
    assert info.type is error
    assert all(part in str(info.value) for part in parts), str(info.value)


def test_layers_are_shown_as_they_are_written():
    for layer in (nn.Dropout(0.5), nn.BatchNorm("relu", 0.8, 0.001), nn.Dense(3, "tanh")):
        again = eval(repr(layer), vars(nn))
        assert type(again) is type(layer) and again.config() == layer.config()
