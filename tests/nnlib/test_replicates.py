"""A stack of networks does to each what training it alone would do."""

import copy
import pickle

import numpy as np
import pytest

import nnlib as nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2))
Y = {
    "binary_cross_entropy": (X[:, 0] * X[:, 1] > 0).astype(int),
    "categorical_cross_entropy": np.digitize(X[:, 0], [-0.5, 0.5]),
    "squared_error": RNG.normal(size=(40, 3)),
}
SEEDS = [4, 0, 11]
SAME = {"rtol": 1e-12, "atol": 1e-13}
OPTIMIZERS = {
    "SGD": nn.SGD,
    "clipped Nesterov": lambda rates: nn.SGD(rates, momentum=0.8, nesterov=True, weight_decay=0.05, clip=0.3),
    "RMSProp": lambda rates: nn.RMSProp(0.1 * np.array(rates)),
    "Adam": nn.Adam,
    "scheduled AdamW": lambda rates: nn.AdamW(lambda step: np.array(rates) / (1 + step), weight_decay=0.1),
}


def build(rng, loss="binary_cross_entropy", **options):
    layers = [nn.Dense(5, "tanh"), nn.Dense(4, "sigmoid"), nn.Dense(1 if loss.startswith("binary") else 3)]
    return nn.Network(2, layers, loss=loss, rng=rng, **options)


@pytest.mark.parametrize("loss", Y)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [None, 16])
def test_replicate_equals_single(loss, dtype, optimizer, batch_size):
    y, rates = Y[loss], [0.1, 0.02, 0.3]
    options = {"batch_size": batch_size, "rng": None if batch_size is None else 6, "validation": (X[:9], y[:9])}
    stack = build(SEEDS, loss, dtype=dtype)
    together = nn.train(stack, X, y, optimizer(rates), 12, **options)
    same = SAME if dtype == "float64" else {"rtol": 1e-4, "atol": 1e-5}
    for r, seed in enumerate(SEEDS):
        single = build(seed, loss, dtype=dtype)
        alone = nn.train(single, X, y, optimizer(rates[r]), 12, **options)
        np.testing.assert_allclose(stack.theta[r], single.theta, **same)
        np.testing.assert_allclose(together.loss[:, r], alone.loss, **same)
        np.testing.assert_allclose(together.validation_loss[:, r], alone.validation_loss, **same)
        np.testing.assert_allclose(stack.predict(X)[r], single.predict(X), **same)
        np.testing.assert_allclose(stack.loss(X, y)[r], single.loss(X, y), **same)
        for of_stack, of_single in zip(stack.activations(X), single.activations(X)):
            np.testing.assert_allclose(of_stack[r], of_single, **same)
        if loss != "squared_error":
            np.testing.assert_allclose(together.accuracy[:, r], alone.accuracy)
            np.testing.assert_array_equal(stack.classify(X)[r], single.classify(X))
            assert stack.accuracy(X, y)[r] == single.accuracy(X, y)


def test_start_is_that_of_the_seed_bit_for_bit():
    stack = build(SEEDS)
    for r, seed in enumerate(SEEDS):
        np.testing.assert_array_equal(stack.theta[r], build(seed).theta)
        np.testing.assert_array_equal(stack.theta[r], build(np.random.default_rng(seed)).theta)
    np.testing.assert_array_equal(build(np.array(SEEDS)).theta, stack.theta)
    np.testing.assert_array_equal(build(range(3)).theta, build([0, 1, 2]).theta)
    spawned = build(np.random.SeedSequence(7).spawn(2))
    np.testing.assert_array_equal(spawned.theta[1], build(np.random.SeedSequence(7).spawn(2)[1]).theta)
    legacy = build([np.random.RandomState(1), np.random.RandomState(2)])
    np.testing.assert_array_equal(legacy.theta[1], build(np.random.RandomState(2)).theta)


def test_divergence_of_one_leaves_the_others_alone():
    """A rate that overflows stops one network; the others train as if it were not there."""
    y = 1e3 * Y["squared_error"]
    rates = [1e-3, 1e280, 1e-4]
    stack = build(SEEDS, "squared_error")
    start = stack.theta.copy()
    history = nn.train(stack, X, y, nn.SGD(rates), 20, validation=(X, y))
    np.testing.assert_array_equal(history.diverged, [False, True, False])
    for r in (0, 2):
        single = build(SEEDS[r], "squared_error")
        alone = nn.train(single, X, y, nn.SGD(rates[r]), 20)
        np.testing.assert_allclose(stack.theta[r], single.theta, **SAME)
        np.testing.assert_allclose(history.loss[:, r], alone.loss, **SAME)
    np.testing.assert_array_equal(stack.theta[1], start[1])
    assert np.isfinite(history.loss[0, 1]) and np.isnan(history.loss[1:, 1]).all()
    assert np.isnan(history.validation_loss[1:, 1]).all() and np.isfinite(history.validation_loss[:, [0, 2]]).all()
    assert "nan" not in history.describe(19)


def test_a_stopped_network_stays_where_it_stopped():
    """Its loss overflows, but its gradient does not: another step would move it."""
    stack = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=[0, 1])
    stack.layers[0].W = [[[0.0]], [[1e60]]]  # the first is right already
    history = nn.train(stack, [[1e100]], [0.0], nn.SGD(1e-201), 3)
    np.testing.assert_array_equal(history.diverged, [False, True])
    np.testing.assert_array_equal(stack.layers[0].W.ravel(), [0, 1e60])


@pytest.mark.parametrize("batch_size", [None, 16])
def test_stack_stops_when_no_network_is_left(batch_size):
    stack = build(SEEDS, "squared_error")
    with pytest.raises(nn.DivergenceError, match=r"every network.*Lower the learning rate \(now 1e\+160 to 1e\+200\)"):
        nn.train(stack, X, Y["squared_error"], nn.SGD([1e200, 1e160, 1e180]), 20, batch_size=batch_size, rng=0)
    assert np.isfinite(stack.theta).all()


def test_the_message_is_about_the_networks_that_diverged_last():
    """The first went back to parameters with a finite loss, which says nothing about the second."""
    stack = build([0, 1], "squared_error")
    with pytest.raises(nn.DivergenceError, match="the loss became infinite or NaN"):
        nn.train(stack, X, Y["squared_error"], nn.SGD([1e200, 1e20]), 50)


def test_one_rate_per_replicate_or_one_for_all():
    with pytest.raises(ValueError, match=r"shape \(2,\), but this is a stack of 3"):
        nn.train(build(SEEDS), X, Y["binary_cross_entropy"], nn.SGD([0.1, 0.2]), 5)
    with pytest.raises(ValueError, match="a single network"):
        nn.train(build(1), X, Y["binary_cross_entropy"], nn.SGD([0.1]), 5)
    rates = np.array([0.1, 0.2, 0.3])
    optimizer = nn.SGD(rates)
    rates[:] = 9  # the optimizer holds its own
    np.testing.assert_array_equal(optimizer.learning_rate, [0.1, 0.2, 0.3])


def test_replicate_is_a_copy():
    stack = build(SEEDS)
    single = stack[1]
    assert single.replicates is None and stack.replicates == 3
    np.testing.assert_array_equal(single.predict(X), stack.predict(X)[1])
    before = stack.theta.copy()
    nn.train(single, X, Y["binary_cross_entropy"], nn.SGD(1.0), 3)
    np.testing.assert_array_equal(stack.theta, before)
    with pytest.raises(ValueError, match="single network"):
        single[0]
    assert stack[np.int64(-1)].replicates is None
    for nothing in (True, [], [False] * 3, [[0, 1]], slice(3, 3)):
        with pytest.raises(ValueError, match="names no network: write its number, or a slice"):
            stack[nothing]
    for wrong in (3, -4, 1.0, "1", [0, 3], [True, False]):
        with pytest.raises(IndexError):
            stack[wrong]
    assert [one.replicates for one in stack] == [None] * 3  # a loop goes over the networks


@pytest.mark.parametrize(
    "duplicate", [nn.Network.copy, copy.copy, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))]
)
@pytest.mark.parametrize("rng", [0, SEEDS], ids=["single", "stack"])
def test_a_copy_learns_and_leaves_the_original_alone(duplicate, rng):
    original = build(rng)
    y, before = Y["binary_cross_entropy"], original.theta.copy()
    twin = duplicate(original)
    np.testing.assert_array_equal(twin.predict(X), original.predict(X))
    history = nn.train(twin, X, y, nn.SGD(0.5), 30)
    assert (history.loss[-1] < history.loss[0]).all()
    np.testing.assert_allclose(twin.loss(X, y), history.loss[-1], rtol=0.05)  # its layers see its vector
    assert all(np.shares_memory(layer.W, twin.theta) for layer in twin.layers)
    np.testing.assert_array_equal(original.theta, before)
    nn.train(original, X, y, nn.SGD(0.5), 30)
    np.testing.assert_array_equal(original.theta, twin.theta)


@pytest.mark.parametrize("init", [nn.normal(0.5), nn.uniform(), nn.xavier(), nn.he(), nn.zeros(), "he", None])
def test_any_built_in_initializer_can_be_pickled(init):
    network = nn.Network(2, [nn.Dense(3, init=init)], loss="squared_error", rng=0)
    loaded = pickle.loads(pickle.dumps(network))
    again = nn.Network(2, loaded.layers, loss="squared_error", rng=0)  # its layers still know how to start
    np.testing.assert_array_equal(again.theta, network.theta)


def test_a_pickle_holds_the_parameters_and_little_else():
    network = nn.Network(2, [nn.Dense(100, "tanh"), nn.Dense(1)], loss="squared_error", rng=0)
    inputs = np.zeros((10_000, 2))
    network.predict(inputs), network.loss_and_gradient(inputs, inputs[:, 0])
    nn.train(network, inputs, inputs[:, 0], nn.SGD(0.1), 1)
    assert len(pickle.dumps(network)) < network.theta.nbytes + 2000


def test_a_part_of_a_stack_trains_like_the_stack():
    stack, y = build(SEEDS), Y["binary_cross_entropy"]
    part = stack[1:3]
    assert part.replicates == 2
    before = stack.theta.copy()
    nn.train(part, X, y, nn.SGD([0.1, 0.2]), 5)
    np.testing.assert_array_equal(stack.theta, before)
    nn.train(stack, X, y, nn.SGD([0.3, 0.1, 0.2]), 5)
    np.testing.assert_allclose(part.theta, stack.theta[1:], **SAME)


@pytest.mark.parametrize("rows", [[2, 0, 2], np.array([True, False, True]), slice(None, None, -1)])
def test_parts_by_numbers_masks_and_slices(rows):
    layers = [nn.Dense(5, "tanh"), nn.Dropout(0.5), nn.Dense(1)]
    stack = nn.Network(2, layers, loss="squared_error", rng=SEEDS)
    part, chosen, y = stack[rows], np.arange(3)[rows], X[:, :1]
    nn.train(part, X, y, nn.SGD(0.1), 3)
    nn.train(stack, X, y, nn.SGD(0.1), 3)
    np.testing.assert_allclose(part.theta, stack.theta[chosen], **SAME)


def test_layers_are_copied_into_the_network():
    hidden, last = nn.Dense(5, "tanh"), nn.Dense(1)
    one, two = (nn.Network(2, [hidden, last], loss="squared_error", rng=seed) for seed in (0, 1))
    before = two.theta.copy()
    nn.train(one, X, Y["squared_error"][:, 0], nn.SGD(0.1), 3)
    np.testing.assert_array_equal(two.theta, before)
    twice = nn.Network(5, [hidden, hidden], loss="squared_error", rng=0)
    assert twice.theta.size == 2 * 30
    assert not np.shares_memory(twice.layers[0].W, twice.layers[1].W)


def test_layers_and_vector_are_the_same_numbers():
    network = build(SEEDS)
    stacked = network.unpack(network.theta)
    for layer, (W, b) in zip(network.layers, stacked):
        np.testing.assert_array_equal(layer.W, W)
        np.testing.assert_array_equal(layer.b, b)
    network.layers[0].W = np.ones((3, 2, 5))
    network.layers[0].b += 2
    (W, b), *_ = network.unpack(network.theta)
    assert (W == 1).all() and (b == 2).all()
    network.theta = np.zeros_like(network.theta)
    assert (network.predict(X) == 0.5).all()
    with pytest.raises(ValueError, match=r"W has shape \(2, 5\); expected \(3, 2, 5\)"):
        network.layers[0].W = np.ones((2, 5))
    with pytest.raises(ValueError, match=r"b has shape \(\); expected \(3, 5\)"):
        network.layers[0].b = 0
    with pytest.raises(ValueError, match=r"theta has shape \(3,\)"):
        network.theta = [1, 2, 3]
    assert (network.theta == 0).all()
    network.grad = np.ones_like(network.theta)  # copied: it stays what the layers write to
    assert np.shares_memory(network.layers[0].dW, network.grad) and (network.layers[0].dW == 1).all()
    with pytest.raises(ValueError, match="numbers per network"):
        network.unpack([1, 2, 3])
