"""Training: history, progress, batches, validation, divergence."""

import pickle
import sys

import numpy as np
import pytest

import nnlib as nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def build(loss="binary_cross_entropy", rng=0, **options):
    return nn.Network(2, [nn.Dense(5, "tanh"), nn.Dense(1)], loss=loss, rng=rng, **options)


def test_history_is_what_the_network_says_before_each_step():
    network, validation = build(), (X[:7], Y[:7])
    expected = {"loss": [], "accuracy": [], "validation_loss": [], "validation_accuracy": []}
    twin = build()
    for _ in range(5):
        expected["loss"].append(twin.loss(X, Y))
        expected["accuracy"].append(twin.accuracy(X, Y))
        twin.theta -= 0.5 * twin.loss_and_gradient(X, Y)[1]
        expected["validation_loss"].append(twin.loss(*validation))
        expected["validation_accuracy"].append(twin.accuracy(*validation))
    history = nn.train(network, X, Y, nn.SGD(0.5), 5, validation=validation)
    assert len(history) == 5 and not history.diverged
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(history, name), values, rtol=1e-13)


def test_accuracy_counts_right_predictions():
    network = build()
    assert (
        network.accuracy(X, Y) == np.mean(network.classify(X) == Y) == np.mean((network.predict(X)[:, 0] >= 0.5) == Y)
    )
    several = nn.Network(2, [nn.Dense(3)], loss="binary_cross_entropy", rng=0)
    labels = RNG.integers(0, 2, size=(30, 3))
    assert several.classify(X).shape == (30, 3)
    assert several.accuracy(X, labels) == np.mean((several.classify(X) == labels).all(axis=1))


def test_what_is_not_asked_for_is_not_recorded():
    assert nn.train(build(), X, Y, nn.SGD(0.1), 2, accuracy=False).accuracy is None
    history = nn.train(build("squared_error"), X, Y, nn.SGD(0.1), 2, validation=(X, Y))
    assert history.accuracy is None and history.validation_accuracy is None
    assert history.validation_loss.shape == (2,)
    assert nn.train(build(), X, Y, nn.SGD(0.1), 2).validation_loss is None


@pytest.mark.parametrize("rng", [0, [0, 1]], ids=["single", "stack"])
def test_recording_changes_nothing(rng):
    plain, watched = build(rng=rng), build(rng=rng)
    nn.train(plain, X, Y, nn.Adam(0.1), 5, accuracy=False)
    nn.train(watched, X, Y, nn.Adam(0.1), 5, validation=(X[:3], Y[:3]), callbacks=print)
    np.testing.assert_array_equal(plain.theta, watched.theta)


def test_training_twice_is_training_longer():
    """SGD has no memory; a batch of all rows is the full batch."""
    long, short = build(), build()
    whole = nn.train(long, X, Y, nn.SGD(0.5), 10)
    parts = [nn.train(short, X, Y, nn.SGD(0.5), 5, batch_size=30) for _ in range(2)]
    np.testing.assert_array_equal(long.theta, short.theta)
    np.testing.assert_array_equal(whole.loss, np.concatenate([part.loss for part in parts]))


def test_batches_step_once_each():
    """One epoch of batches of 8 equals four steps by hand on the rows that the generator draws."""
    network, twin = build(), build()
    history = nn.train(network, X, Y, nn.SGD(0.5), 1, batch_size=8, rng=4)
    order, losses = np.random.default_rng(4).permutation(30), []
    for start in range(0, 30, 8):
        rows = order[start : start + 8]
        loss, gradient = twin.loss_and_gradient(X[rows], Y[rows])
        losses.append(len(rows) / 30 * loss)
        twin.theta -= 0.5 * gradient
    np.testing.assert_allclose(network.theta, twin.theta, rtol=1e-12)
    np.testing.assert_allclose(history.loss, [sum(losses)], rtol=1e-13)


@pytest.mark.parametrize(
    "rng",
    [np.random.default_rng(1), np.random.RandomState(1), np.random.SeedSequence(1), 1, np.int64(1)],
    ids=lambda r: type(r).__name__,
)
def test_batches_from_any_source_of_randomness(rng):
    history = nn.train(build(), X, Y, nn.SGD(0.5), 20, batch_size=7, rng=rng)
    assert history.loss[-1] < history.loss[0]


def test_progress_is_a_bar_where_somebody_watches(monkeypatch, capsys):
    nn.train(build(), X, Y, nn.SGD(0.5), 3, progress=True)
    assert capsys.readouterr() == ("", "")  # standard error is no terminal here
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    history = nn.train(build(), X, Y, nn.SGD(0.5), 3, progress=True, validation=(X, Y))
    out, err = capsys.readouterr()
    assert out == "" and "3/3" in err and history.describe(2) in err
    nn.train(build(), X, Y, nn.SGD(0.5), 3)
    assert capsys.readouterr() == ("", "")


def test_representations():
    network, stack = build(), build(rng=[0, 1])
    assert repr(network) == "Network(2, [Dense(5, 'tanh'), Dense(1, 'identity')], loss='binary_cross_entropy')"
    assert "2 replicates" in repr(stack) and "replicates: 2" in stack.summary()
    summary = network.summary().splitlines()
    assert summary[1].split(maxsplit=2) == ["Dense", "tanh", "W (2, 5), b (5,)  15"]
    assert summary[-1] == "loss: binary_cross_entropy; 21 parameters, float64"
    assert repr(nn.train(network, X, Y, nn.SGD(0.1), 2)).startswith("<history of 2 epochs: loss 0.")
    history = nn.train(stack, X, Y, nn.SGD(0.1), 2)
    assert repr(history) == "<history of 2 epochs, 2 replicates>"
    history.diverged[1] = True
    assert repr(history) == "<history of 2 epochs, 2 replicates, 1 diverged>"


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("dtype, rate", [("float64", 1e150), ("float32", 1e18)])
def test_divergence_stops_at_that_step_and_keeps_the_last_finite_parameters(batch_size, dtype, rate):
    network = build("squared_error", dtype=dtype)
    with pytest.raises(nn.DivergenceError) as info:
        nn.train(network, X, Y, nn.SGD(rate), 100, batch_size=batch_size, rng=0)
    history, message = info.value.history, str(info.value)
    assert f"in epoch {len(history)}:" in message and len(history) < 5
    assert f"Lower the learning rate (now {rate:g})" in message and "last finite" in message
    assert np.isfinite(network.theta).all()
    assert np.isfinite(network.loss(X, Y))
    assert np.isfinite(history.loss).all()
    assert history.diverged


def test_a_full_batch_divergence_by_hand():
    network, twin = build("squared_error"), build("squared_error")
    rate, recorded = 1e100, []
    while True:
        with np.errstate(over="ignore", invalid="ignore"):
            loss, gradient = twin.loss_and_gradient(X, Y)
        if not np.isfinite(loss):
            break
        recorded.append(loss)
        last = twin.theta.copy()
        twin.theta -= rate * gradient
    with pytest.raises(nn.DivergenceError) as info:
        nn.train(network, X, Y, nn.SGD(rate), 100)
    np.testing.assert_allclose(info.value.history.loss, recorded, rtol=1e-12)
    np.testing.assert_allclose(network.theta, last, rtol=1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_parameters_that_are_not_finite_to_begin_with(value):
    """Not a divergence: there is no finite state to go back to, and no learning rate to blame."""
    network = build()
    network.theta[3] = value
    with pytest.raises(ValueError, match="before the first step.*initializer"):
        nn.train(network, X, Y, nn.SGD(0.1), 5)


def test_divergence_before_the_first_step():
    network = build("squared_error")
    before = network.theta.copy()
    with pytest.raises(nn.DivergenceError, match="cannot start: the loss.*Scale X and y.*smaller weights") as info:
        nn.train(network, X, 1e200 * Y, nn.SGD(0.1), 5)
    assert "rate" not in str(info.value)
    np.testing.assert_array_equal(network.theta, before)
    assert len(info.value.history) == 0
    assert repr(info.value.history) == "<history of 0 epochs>"


def test_divergence_in_the_very_last_step():
    """No loss comes after it, so only the parameters can tell."""
    network = build("squared_error")
    before = network.theta.copy()
    with pytest.raises(nn.DivergenceError, match="in epoch 0: the parameters became infinite") as info:
        nn.train(network, X, 1e10 * Y, nn.SGD(1e300), 1)
    np.testing.assert_array_equal(network.theta, before)
    assert np.isfinite(info.value.history.loss).all() and len(info.value.history) == 1


def test_parameters_are_looked_at_before_the_validation_set_is():
    """A sigmoid of infinite parameters would give a finite validation loss."""
    network = build("squared_error")
    with pytest.raises(nn.DivergenceError, match="in epoch 0: the parameters") as info:
        nn.train(network, X, 1e10 * Y, nn.SGD(1e300), 5, validation=(X, Y))
    history = info.value.history
    assert len(history) == 1 and np.isfinite(history.loss[0]) and np.isnan(history.validation_loss[0])
    assert history.describe(0).endswith("validation loss nan")


class Growth:
    """The least that an optimizer needs."""

    def start(self, theta, decayed):
        pass

    def step(self, theta, grad):
        theta *= 1e100

    def __repr__(self):
        return "Growth()"


def test_any_object_with_start_and_step_is_an_optimizer():
    network = build("squared_error")
    with pytest.raises(nn.DivergenceError, match=r"Take smaller steps than those of Growth\(\)"):
        nn.train(network, X, Y, Growth(), 10)


def test_divergence_warns_of_nothing_and_can_be_followed_by_training():
    network = build("squared_error")
    errors = np.geterr()
    with pytest.raises(nn.DivergenceError):
        nn.train(network, X, Y, nn.Adam(1e160), 10)
    assert np.geterr() == errors
    fresh = build("squared_error")
    assert np.isfinite(nn.train(fresh, X, Y, nn.SGD(0.1), 10).loss).all()


def test_a_rate_too_high_for_cross_entropy_is_no_divergence():
    """Its loss grows with the logits, but stays finite: nothing to report but the numbers."""
    with pytest.warns(UserWarning, match="the loss rose"):
        history = nn.train(build(), X, Y, nn.SGD(1e4), 50)
    assert np.isfinite(history.loss).all() and not history.diverged


def test_a_divergence_keeps_its_history_in_a_pickle():
    with pytest.raises(nn.DivergenceError) as info:
        nn.train(build("squared_error"), X, Y, nn.SGD(1e150), 100)
    copied = pickle.loads(pickle.dumps(info.value))
    assert str(copied) == str(info.value)
    np.testing.assert_array_equal(copied.history.loss, info.value.history.loss)


def test_the_message_names_the_rate_of_the_step_that_diverged():
    rates = [0.1, 1e200, 1e-30]
    with pytest.raises(nn.DivergenceError, match=r"now 1e\+200"):
        nn.train(build("squared_error"), X, Y, nn.SGD(lambda step: rates[step]), 3)


def test_ctrl_c_after_a_step_that_overflowed_leaves_finite_parameters():
    network = build("squared_error")
    before = network.theta.copy()

    def batches():
        yield X, 1e10 * Y
        raise KeyboardInterrupt

    history = nn.train(network, batches, None, nn.SGD(1e300), 5)
    assert history.interrupted and len(history) == 0
    np.testing.assert_array_equal(network.theta, before)


def test_a_comparison_of_numpy_ends_a_training():
    history = nn.train(build(), X, Y, nn.Adam(0.05), 500, callbacks=lambda run: run.history.loss[run.epoch] < 0.5)
    assert history.loss[-1] < 0.5 <= history.loss[-2] and len(history) < 500
    assert len(nn.train(build(), X, Y, nn.SGD(0.1), 3, callbacks=None)) == 3


def test_networks_from_read_only_maps_can_be_trained():
    state = build().__getstate__()
    for name in ("theta", "state"):
        state[name].flags.writeable = False
    network = object.__new__(nn.Network)
    network.__setstate__(state)
    nn.train(network, X, Y, nn.SGD(0.1), 2)


def test_early_stopping_may_be_shared():
    stopping = nn.EarlyStopping(3)
    one, two = build(), build(rng=5)
    expected = [nn.train(net.copy(), X, Y, nn.SGD(0.5), 50, early_stopping=nn.EarlyStopping(3)) for net in (one, two)]

    def inner(run):
        if run.epoch == 1:
            expected.append(nn.train(two, X, Y, nn.SGD(0.5), 50, early_stopping=stopping))

    history = nn.train(one, X, Y, nn.SGD(0.5), 50, early_stopping=stopping, callbacks=inner)
    np.testing.assert_array_equal(history.loss, expected[0].loss)
    np.testing.assert_array_equal(expected[2].loss, expected[1].loss)


# Warnings: what is allowed, and seldom meant


def test_a_loss_that_ends_far_above_its_start_is_told():
    """Steps too long, and cut short before anything overflows: nothing diverges in NumPy's sense."""
    x = np.linspace(-1, 1, 50)[:, None] * 1e5
    network = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=0)
    with pytest.warns(UserWarning, match="the loss rose from .* to .*: the steps are too long. Lower the learning rate"):
        nn.train(network, x, x[:, 0] ** 2, nn.SGD(1e-9), 12)
    stack = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=[0, 1])
    with pytest.warns(UserWarning, match="1 of 2 networks: the loss rose"):
        nn.train(stack, x, x[:, 0], nn.SGD([1e-9, 1e-12]), 12)


def test_a_small_loss_may_rise():
    """From the optimum, a few noisy steps: 100 times nothing is nothing."""
    x = np.linspace(-1, 1, 50)[:, None]
    network = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=0)
    nn.train(network, x, 3 * x, nn.SGD(0.5), 200)
    assert network.loss(x, 3 * x) < 1e-20
    history = nn.train(network, x, 3 * x, nn.Adam(0.01), 3)
    assert history.loss[-1] > 1e3 * history.loss[0]


@pytest.mark.parametrize("activation, y", [("sigmoid", [0, 100]), ("tanh", [-2, 1]), ("relu", [-1, 1]), ("softmax", [[2, 0], [0, 1]])])
def test_targets_that_the_last_activation_cannot_reach_are_told(activation, y):
    network = nn.Network(2, [nn.Dense(np.ndim(y), activation)], loss="squared_error", rng=0)
    message = f"y ranges from .* to .*, but the last layer, .*{activation}.*leave out its activation, as in nn.Dense"
    with pytest.warns(UserWarning, match=message):
        nn.train(network, X[:2], np.array(y), nn.SGD(0.1), 1)
    nn.train(network, X[:2], np.ones((2, np.ndim(y))) / 2, nn.SGD(0.1), 1)  # and within its bounds nothing is


def test_an_easy_first_batch_is_no_accusation():
    """The loss of the first step is that of its batch: of one sample here, which is right by chance."""
    x = np.arange(40.0)[:, None]
    network = nn.Network(1, [nn.Dense(1, init="zeros")], loss="squared_error", rng=0)
    y = np.where(x[:, 0] == 0, 1e-3, 50.0)
    history = nn.train(network, x, y, nn.SGD(1e-12), 2, batch_size=1, shuffle=False)
    assert history.loss[-1] > 1e6 * 1e-6


# Arrays of all kinds


@pytest.mark.parametrize("how", ["every second", "Fortran", "reversed", "read-only", "column of a table"])
def test_arrays_may_lie_in_memory_as_they_like(how):
    n = 40
    rng = np.random.default_rng(3)
    table = rng.normal(size=(2 * n, 4))
    plain = np.ascontiguousarray(table[:n, :2]), (table[:n, 2] > 0).astype(float), np.abs(table[:n, 3])
    X_, y_, w_ = {
        "every second": lambda a: np.repeat(a, 2, axis=0)[::2],
        "Fortran": np.asfortranarray,
        "reversed": lambda a: a[::-1].copy()[::-1],
        "read-only": lambda a: a.copy(),
        "column of a table": lambda a: np.concatenate([a.reshape(n, -1)] * 2, axis=1)[:, : a.size // n].reshape(a.shape),
    }[how], None, None
    arrays = [X_(a) for a in plain]
    for array in arrays:
        array.flags.writeable = False
    results = []
    for X_, y_, w_ in (plain, arrays):
        network = build()
        nn.train(network, X_, y_, nn.Adam(0.1), 3, batch_size=16, rng=0, sample_weight=w_, validation=(X_, y_, w_))
        results.append((network.theta, network.predict(X_), network.evaluate(X_, y_, w_)[0]))
    for ours, expected in zip(*results):
        np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_evaluate_weighs_loss_and_accuracy_alike():
    network, weight = build(), np.arange(len(Y), dtype=float)
    loss, accuracy = network.evaluate(X, Y, weight)
    assert loss == network.loss(X, Y, weight) and accuracy == network.accuracy(X, Y, weight)
    np.testing.assert_allclose(accuracy, np.average(network.classify(X) == Y, weights=weight), rtol=1e-12)
    twice = np.repeat(np.arange(len(Y)), weight.astype(int))
    np.testing.assert_allclose(accuracy, network.accuracy(X[twice], Y[twice]), rtol=1e-12)
    numbers = nn.Network(2, [nn.Dense(1)], loss="squared_error", rng=0)
    assert numbers.evaluate(X, Y)[1] is None


def test_a_tie_goes_to_class_zero():
    """As with argmax, and as scikit-learn's threshold p > 0.5 has it."""
    network = nn.Network(2, [nn.Dense(1, init="zeros")], loss="binary_cross_entropy", rng=0)
    assert (network.predict(X) == 0.5).all() and not network.classify(X).any()
    assert network.accuracy(X, np.zeros(len(X))) == 1


def test_a_divergence_with_several_outputs_says_that_they_are_summed():
    """Keras and PyTorch take the mean over the outputs: a rate that works there is too high here."""
    y = np.random.default_rng(0).normal(size=(30, 20))
    network = nn.Network(2, [nn.Dense(50, "relu"), nn.Dense(20)], loss="squared_error", rng=0)
    with pytest.raises(nn.DivergenceError, match="the loss is a sum over 20 outputs, and that much larger than a mean"):
        nn.train(network, 10 * X, y, nn.SGD(0.5), 500)
