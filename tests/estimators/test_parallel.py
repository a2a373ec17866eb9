"""Stacks in several processes."""

import numpy as np
import pytest

import nnlib as nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def build(rng=range(5), loss="binary_cross_entropy"):
    layers = [nn.Dense(6, "tanh"), nn.BatchNorm(), nn.Dropout(0.2), nn.Dense(1)]
    return nn.Network(2, layers, loss=loss, rng=rng)


def same(one, two):
    np.testing.assert_allclose(one.theta, two.theta, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.state, two.state, rtol=1e-9, atol=1e-12)


def test_jobs_change_nothing_but_the_time():
    one, two = build(), build()
    settings = dict(batch_size=10, rng=3, validation=(X, Y), class_weight="balanced")
    for optimizer in (nn.Adam(0.1), nn.SGD([0.1, 0.2, 0.3, 0.4, 0.5])):  # twice: the generators of Dropout go on
        stopping = nn.EarlyStopping(5)
        expected = nn.train(one, X, Y, optimizer, 30, early_stopping=stopping, **settings)
        history = nn.parallel.train(two, X, Y, optimizer, 30, early_stopping=stopping, n_jobs=2, **settings)
        same(one, two)
        for name in nn.History.columns:
            np.testing.assert_allclose(getattr(history, name), getattr(expected, name), rtol=1e-9)
        np.testing.assert_array_equal(history.best_epoch, expected.best_epoch)
        np.testing.assert_array_equal(history.stopped, expected.stopped)


def test_a_schedule_of_one_rate_per_network_is_split_too():
    one, two = build(), build()
    nn.train(one, X, Y, nn.SGD(rates_of_five), 10)
    nn.parallel.train(two, X, Y, nn.SGD(rates_of_five), 10, n_jobs=2)
    same(one, two)


def rates_of_five(step):
    return np.linspace(0.1, 0.5, 5) / (step + 1)


def test_networks_that_diverge_in_one_of_the_jobs():
    rates = np.array([1e200, 1e200, 1e200, 0.1, 0.1])
    one, two = build(loss="squared_error"), build(loss="squared_error")
    expected = nn.train(one, X, Y, nn.SGD(rates), 20)
    history = nn.parallel.train(two, X, Y, nn.SGD(rates), 20, n_jobs=2)
    np.testing.assert_array_equal(history.diverged, [True, True, True, False, False])
    np.testing.assert_allclose(history.loss, expected.loss, rtol=1e-9)
    same(one, two)
    with pytest.raises(nn.DivergenceError, match="Lower the learning rate") as info:
        nn.parallel.train(two, X, Y, nn.SGD(1e200), 20, n_jobs=2)
    assert info.value.history.diverged.all()


@pytest.mark.parametrize(
    "rng, options, error, part",
    [
        (0, dict(n_jobs=2), ValueError, "this is a single network"),
        (range(3), dict(n_jobs=0), ValueError, "not 0"),
        (range(3), dict(n_jobs=1.5), ValueError, "not 1.5"),
        (range(3), dict(n_jobs=2, callbacks=print), ValueError, "cannot share callbacks: leave out"),
        (range(3), dict(n_jobs=2, batch_size=5, rng=np.random.default_rng(0)), TypeError, "pass a seed"),
    ],
)
def test_jobs_say_what_is_wrong(rng, options, error, part):
    with pytest.raises(error, match=part):
        nn.parallel.train(build(rng), X, Y, nn.SGD(0.1), 2, **options)
