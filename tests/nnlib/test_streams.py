"""Batches from iterables, from disk and from sparse matrices; memory grows with the batch, not with the data."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

import nnlib as nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
Y = (X[:, 0] > 0).astype(int)
BATCHES = [(X[start : start + 20], Y[start : start + 20]) for start in range(0, 50, 20)]


def build(rng=0, **options):
    return nn.Network(3, [nn.Dense(5, "tanh"), nn.Dense(1)], loss="binary_cross_entropy", rng=rng, **options)


@pytest.mark.parametrize("source", [BATCHES, lambda: iter(BATCHES), lambda: (pair for pair in BATCHES)])
@pytest.mark.parametrize("rng", [0, [0, 1]], ids=["single", "stack"])
def test_an_iterable_trains_like_the_same_batches_of_an_array(source, rng):
    one, two = build(rng), build(rng)
    expected = nn.train(one, X, Y, nn.Adam(0.05), 4, batch_size=20, shuffle=False)
    history = nn.train(two, source, None, nn.Adam(0.05), 4)
    np.testing.assert_array_equal(two.theta, one.theta)
    np.testing.assert_array_equal(history.loss, expected.loss)
    np.testing.assert_array_equal(history.accuracy, expected.accuracy)


def test_an_iterable_may_hold_weights():
    weight = np.arange(50.0)
    triples = [(*pair, weight[20 * i : 20 * (i + 1)]) for i, pair in enumerate(BATCHES)]
    one, two = build(), build()
    expected = nn.train(one, X, Y, nn.SGD(0.5), 3, batch_size=20, shuffle=False, sample_weight=weight)
    history = nn.train(two, triples, None, nn.SGD(0.5), 3)
    np.testing.assert_array_equal(two.theta, one.theta)
    np.testing.assert_array_equal(history.loss, expected.loss)


def test_training_in_parts_goes_on_with_the_optimizer():
    one, two, optimizer = build(), build(), nn.Adam(0.05)
    nn.train(one, X, Y, nn.Adam(0.05), 6)
    for part in range(3):
        nn.train(two, X, Y, optimizer, 2, restart=part == 0)
    np.testing.assert_array_equal(two.theta, one.theta)
    nn.train(two, X, Y, nn.SGD(0.1), 1, restart=False)  # never started: it starts


@pytest.mark.parametrize(
    "source, error, parts",
    [
        (iter(BATCHES), ValueError, ["gone through only once", "returns a new iterator"]),
        ([], ValueError, ["iterable of batches is empty"]),
        ([X], ValueError, ["batch 0 must be a pair (X, y)", "not a ndarray"]),
        ([BATCHES[0], (X[:5, :2], Y[:5])], ValueError, ["batch 1: X has 2 features"]),
        ([BATCHES[0], (X[:5], np.full(5, "a"))], TypeError, ["batch 1: y has dtype"]),
        (X, ValueError, ["y is missing", "iterable of batches"]),
        (3, ValueError, ["y is missing"]),
    ],
)
def test_iterables_that_cannot_be_used(source, error, parts):
    with pytest.raises(error) as info:
        nn.train(build(), source, None, nn.SGD(0.1), 2)
    assert info.type is error and all(part in str(info.value) for part in parts), str(info.value)


@pytest.mark.parametrize("option", [dict(batch_size=5), dict(sample_weight=[1]), dict(class_weight="balanced")])
def test_what_an_iterable_has_of_its_own(option):
    with pytest.raises(ValueError, match="Leave out batch_size"):
        nn.train(build(), BATCHES, None, nn.SGD(0.1), 2, **option)


@pytest.fixture
def on_disk(tmp_path):
    array = np.lib.format.open_memmap(tmp_path / "X.npy", mode="w+", dtype=np.float32, shape=(60_000, 100))
    array[:] = RNG.random((60_000, 100), dtype=np.float32)
    array.flush()
    return np.load(tmp_path / "X.npy", mmap_mode="r")


@pytest.mark.slow
def test_memory_is_set_by_the_batch(on_disk):
    """24 MB on disk, in another dtype than the network's; the peak is a few batches and the labels."""
    network = nn.Network(100, [nn.Dense(16, "relu"), nn.Dense(1)], loss="binary_cross_entropy", rng=0)
    labels = np.arange(60_000) % 2
    peaks = {}
    for batch_size in (100, 1000):
        tracemalloc.start()
        nn.train(network, on_disk, labels, nn.SGD(0.01), 1, batch_size=batch_size, rng=0, accuracy=False)
        peaks[batch_size] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    small = 60_000 * 8 * 2 + 9e6  # labels as float64, a permutation; one piece of the check of X
    assert peaks[100] < small and peaks[1000] < small + 5 * 1000 * 101 * 8
    assert peaks[1000] < on_disk.nbytes / 2


def test_a_stream_larger_than_memory_is_held_one_batch_at_a_time():
    alive = []

    class Source:
        def __iter__(self):
            for i in range(60):
                batch = np.full((1000, 3), i, float)
                alive.append(batch.nbytes)
                yield batch, np.arange(1000) % 2

    tracemalloc.start()
    nn.train(build(), Source(), None, nn.SGD(0.001), 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < sum(alive) / 4


@pytest.mark.slow
def test_memory_is_set_by_the_batch_for_targets_too(on_disk):
    """Class numbers become one-hot rows, and targets on disk floats, when their batch comes."""
    many = nn.Network(100, [nn.Dense(200)], loss="categorical_cross_entropy", rng=0)
    same = nn.Network(100, [nn.Dense(100)], loss="squared_error", rng=0)
    for network, y in ((many, np.arange(60_000) % 200), (same, on_disk)):
        tracemalloc.start()
        nn.train(network, on_disk, y, nn.SGD(0.01), 1, batch_size=100, rng=0, accuracy=False)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < on_disk.nbytes / 2


def test_batches_of_many_sizes_share_their_room():
    sizes = range(1000, 1050)
    data = RNG.normal(size=(1100, 3))
    peaks = []
    for batches in ([(data, data[:, 0] > 0)] * 50, [(data[:n], data[:n, 0] > 0) for n in sizes]):
        tracemalloc.start()
        nn.train(build(), batches, None, nn.SGD(0.01), 1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 3 * peaks[0]


def test_an_array_on_disk_trains_like_one_in_memory(on_disk):
    few = on_disk[:500]
    nets = [nn.Network(100, [nn.Dense(4, "tanh"), nn.Dense(1)], loss="squared_error", rng=0) for _ in range(2)]
    for net, data in zip(nets, (few, np.array(few))):
        nn.train(net, data, np.arange(500) / 500, nn.SGD(0.01), 2, batch_size=50, rng=0)
    np.testing.assert_array_equal(nets[0].theta, nets[1].theta)


@pytest.mark.parametrize("form", ["csr_array", "csc_matrix", "coo_array"])
def test_sparse_matrices_are_used_row_by_row(form):
    dense = np.where(RNG.random((50, 3)) < 0.5, X, 0)
    one, two = build(), build()
    for net, data in ((one, dense), (two, getattr(sparse, form)(dense))):
        nn.train(net, data, Y, nn.SGD(0.5), 3, batch_size=7, rng=0, validation=(data, Y))
        nn.train(net, data, Y, nn.SGD(0.5), 2)
    np.testing.assert_array_equal(two.theta, one.theta)
    np.testing.assert_array_equal(two.predict(sparse.csr_array(dense)), one.predict(dense))
    assert two.accuracy(sparse.csr_array(dense), Y) == one.accuracy(dense, Y)
    bad = sparse.csr_array(np.where(dense == dense.max(), np.nan, dense))
    with pytest.raises(ValueError, match="NaN or infinite"):
        one.predict(bad)


def test_a_batch_without_weight_counts_for_nothing():
    """As in memory, where a batch of an epoch may happen to hold such samples only."""
    weights = np.r_[np.ones(10), np.zeros(10)]
    X, y = np.random.default_rng(5).normal(size=(20, 2)), np.arange(20) % 2
    one, two = (nn.Network(2, [nn.Dense(1)], loss="binary_cross_entropy", rng=0) for _ in range(2))
    batches = [(X[:10], y[:10], weights[:10]), (X[10:], y[10:], weights[10:])]
    streamed = nn.train(one, batches, None, nn.SGD(0.1), 3)
    together = nn.train(two, X, y, nn.SGD(0.1), 3, batch_size=10, shuffle=False, sample_weight=weights)
    np.testing.assert_array_equal(one.theta, two.theta)
    np.testing.assert_array_equal(streamed.loss, together.loss)
    with pytest.raises(ValueError, match="the weights of all batches are zero"):
        nn.train(one, batches[1:], None, nn.SGD(0.1), 1)
