"""What ends a training or looks on: early stopping, callbacks, Ctrl-C, the range test."""

import numpy as np
import pytest

import nnlib as nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
OTHER = RNG.normal(size=(30, 2))
VALIDATION = OTHER, (OTHER[:, 0] * OTHER[:, 1] > 0).astype(int)
SEEDS = [3, 8, 0]


def build(rng=0, hidden=10, loss="binary_cross_entropy"):
    layers = [nn.Dense(hidden, "tanh"), nn.BatchNorm(), nn.Dense(1)]
    return nn.Network(2, layers, loss=loss, rng=rng)


def fit(network, epochs=200, **options):
    return nn.train(network, X, Y, nn.Adam(0.1), epochs, batch_size=10, rng=1, **options)


@pytest.mark.parametrize("monitor", [None, "validation_loss", "validation_accuracy", "loss", "accuracy"])
def test_early_stopping_restores_the_best_epoch(monitor):
    network, twin = build(), build()
    history = fit(network, validation=VALIDATION, early_stopping=nn.EarlyStopping(7, monitor=monitor))
    column = getattr(history, monitor or "validation_loss")
    best = column.argmax() if monitor and monitor.endswith("accuracy") else column.argmin()
    assert history.best_epoch == best and len(history) == best + 8 < 200 and history.stopped
    if monitor in (None, "validation_loss", "validation_accuracy"):
        fit(twin, epochs=best + 1, validation=VALIDATION)
        np.testing.assert_array_equal(network.theta, twin.theta)
        np.testing.assert_array_equal(network.state, twin.state)


@pytest.mark.parametrize("rng", [0, SEEDS], ids=["single", "stack"])
def test_the_loss_of_a_full_batch_is_that_of_the_parameters_that_are_restored(rng):
    """It is measured before the step, and the step after the best epoch may be the one that diverges."""
    network = build(rng, loss="squared_error")
    rates = lambda step: 0.1 if step < 5 else 2.0  # noqa: E731
    history = nn.train(network, X, Y, nn.SGD(rates), 8, early_stopping=nn.EarlyStopping(10))
    assert (history.loss[-1] > 4 * np.min(history.loss, axis=0)).all()
    np.testing.assert_allclose(network.loss(X, Y, training=True), np.nanmin(history.loss, axis=0), rtol=1e-12)


def test_the_best_is_restored_when_the_epochs_run_out():
    network, twin = build(), build()
    history = fit(network, 40, validation=VALIDATION, early_stopping=nn.EarlyStopping(1000))
    assert len(history) == 40 and not history.stopped and history.best_epoch < 39
    fit(twin, epochs=history.best_epoch + 1, validation=VALIDATION)
    np.testing.assert_array_equal(network.theta, twin.theta)


def test_small_improvements_do_not_count():
    history = fit(build(), early_stopping=nn.EarlyStopping(5, min_delta=0.5))
    assert len(history) == 6 and history.best_epoch == 0  # the loss never falls by half a unit


def test_each_network_of_a_stack_stops_for_itself():
    stack = build(SEEDS)
    history = fit(stack, validation=VALIDATION, early_stopping=nn.EarlyStopping(7))
    lengths = []
    for r, seed in enumerate(SEEDS):
        single = build(seed)
        alone = fit(single, validation=VALIDATION, early_stopping=nn.EarlyStopping(7))
        np.testing.assert_allclose(stack.theta[r], single.theta, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(history.loss[: len(alone), r], alone.loss, rtol=1e-9)
        np.testing.assert_allclose(history.validation_loss[: len(alone), r], alone.validation_loss, rtol=1e-9)
        assert np.isnan(history.loss[len(alone) :, r]).all()
        assert history.best_epoch[r] == alone.best_epoch
        lengths.append(len(alone))
    assert len(history) == max(lengths) > min(lengths)
    assert history.stopped.all()


def test_early_stopping_gives_the_best_back_after_divergence():
    network = build(loss="squared_error")
    with pytest.raises(nn.DivergenceError) as info:
        rates = lambda step: 0.1 if step < 5 else 1e200  # noqa: E731
        nn.train(network, X, Y, nn.SGD(rates), 50, validation=(X, Y), early_stopping=nn.EarlyStopping(10))
    history = info.value.history
    assert network.loss(X, Y) == np.nanmin(history.validation_loss) == history.validation_loss[history.best_epoch]
    network = build(loss="squared_error")
    with pytest.raises(nn.DivergenceError):
        nn.train(network, X, Y, nn.SGD(rates), 50, early_stopping=nn.EarlyStopping(10))
    assert np.isfinite(network.loss(X, Y))


@pytest.mark.parametrize(
    "make, parts",
    [
        (lambda: nn.EarlyStopping(0), ["patience must be a whole number of at least 1, not 0"]),
        (lambda: nn.EarlyStopping(min_delta=-1), ["min_delta", "not -1"]),
        (lambda: nn.EarlyStopping(monitor="val_loss"), ["monitor must be one of loss, accuracy", "'val_loss'"]),
        (
            lambda: fit(build(), early_stopping=nn.EarlyStopping(monitor="validation_loss")),
            ["watches the validation_loss", "pass validation=(X, y)"],
        ),
    ],
)
def test_early_stopping_says_what_is_wrong(make, parts):
    with pytest.raises(ValueError) as info:
        make()
    assert all(part in str(info.value) for part in parts), str(info.value)


def test_early_stopping_takes_no_number():
    with pytest.raises(TypeError, match=r"nn.EarlyStopping\(patience=10\).*not 10"):
        fit(build(), early_stopping=10)


def test_callbacks_see_the_run_and_may_end_it():
    seen = []

    def watch(run):
        assert run.network is network and isinstance(run.optimizer, nn.Adam)
        seen.append((run.epoch, run.history.loss[run.epoch]))

    network = build()
    history = fit(network, callbacks=[watch, lambda run: run.epoch == 4])
    assert len(history) == 5
    assert [epoch for epoch, _ in seen] == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal([loss for _, loss in seen], history.loss)
    assert not history.interrupted and not history.stopped
    assert len(fit(build(), epochs=3, callbacks=lambda run: None)) == 3


def test_a_callback_may_change_the_learning_rate():
    def halve(run):
        run.optimizer.learning_rate /= 2

    one, two = build(), build()
    nn.train(one, X, Y, nn.SGD(0.8), 5, callbacks=halve)
    nn.train(two, X, Y, nn.SGD(nn.schedules.staircase(0.8, every=1, factor=0.5)), 5)
    np.testing.assert_allclose(one.theta, two.theta, rtol=1e-13)


def test_callbacks_must_be_functions():
    for wrong in ([3], 3):
        with pytest.raises(TypeError, match=r"callback\(run\), or a list of them, not 3"):
            fit(build(), callbacks=wrong)


class CtrlC:
    """An optimizer that is interrupted in the middle of step `when`, with half of the parameters changed."""

    def __init__(self, when):
        self.inner, self.when, self.steps = nn.SGD(0.1), when, 0

    def start(self, theta, decayed):
        self.inner.start(theta, decayed)

    def step(self, theta, grad):
        if self.steps == self.when:
            theta[..., ::2] += 1
            raise KeyboardInterrupt
        self.inner.step(theta, grad)
        self.steps += 1


@pytest.mark.parametrize("rng", [0, SEEDS], ids=["single", "stack"])
@pytest.mark.parametrize("when", [0, 9, 12])
def test_ctrl_c_returns_the_history_and_whole_steps(rng, when):
    network, twin = build(rng), build(rng)
    history = nn.train(network, X, Y, CtrlC(when), 10, batch_size=10, rng=1)
    assert history.interrupted and len(history) == when // 4
    steps = []

    def count():  # the same batches, up to the step that was interrupted
        order, rng = [], np.random.default_rng(1)
        while len(order) <= when:
            rows = rng.permutation(40)
            order += [rows[i : i + 10] for i in range(0, 40, 10)]
        for rows in order[:when]:
            steps.append(rows)
            yield X[rows], Y[rows]

    if when:
        nn.train(twin, count, None, nn.SGD(0.1), 1)
    np.testing.assert_array_equal(network.theta, twin.theta)
    np.testing.assert_array_equal(network.state, twin.state)
    assert np.isfinite(history.loss).all()


def test_ctrl_c_in_a_callback_and_early_stopping():
    def interrupt(run):
        if run.epoch == 20:
            raise KeyboardInterrupt

    network, twin = build(), build()
    history = fit(network, validation=VALIDATION, early_stopping=nn.EarlyStopping(100), callbacks=interrupt)
    assert history.interrupted and len(history) == 21  # the epoch was over
    fit(twin, epochs=history.best_epoch + 1)
    np.testing.assert_array_equal(network.theta, twin.theta)


@pytest.mark.parametrize("optimizer", [nn.SGD(0.5), nn.Adam(0.001)], ids=repr)
@pytest.mark.parametrize("batch_size", [None, 50])
def test_the_range_test_suggests_a_rate_that_works(optimizer, batch_size):
    network, X = build(hidden=20), RNG.normal(size=(400, 2))
    Y = (X[:, 0] > X[:, 1] ** 2).astype(int)
    before = network.theta.copy(), network.state.copy(), optimizer.learning_rate
    result = nn.range_test(network, X, Y, optimizer, batch_size=batch_size, rng=0)
    np.testing.assert_array_equal(network.theta, before[0])
    np.testing.assert_array_equal(network.state, before[1])
    assert optimizer.learning_rate == before[2]
    assert len(result.rates) == len(result.losses) == len(result.smooth) <= 100
    assert result.rates[0] == 1e-5 < result.suggestion < result.rates[-1]
    optimizer.learning_rate = result.suggestion
    history = nn.train(network, X, Y, optimizer, 30, batch_size=batch_size, rng=0)
    assert history.loss[-1] < 0.6 * history.loss[0]


@pytest.mark.parametrize(
    "options, parts",
    [
        (dict(low=1, high=0.1), ["low must be below high", "not 1, 0.1"]),
        (dict(steps=5), ["steps at least 10", "5"]),
        (dict(low=0), ["low must be a finite number above 0, not 0"]),
        (dict(low=1e60, high=1e90), ["the loss overflowed within", "smaller low"]),
    ],
)
def test_the_range_test_says_what_is_wrong(options, parts):
    network = nn.Network(2, [nn.Dense(1)], loss="squared_error", rng=0)
    with pytest.raises(ValueError) as info:
        nn.range_test(network, X, Y, nn.SGD(0.1), **options)
    assert all(part in str(info.value) for part in parts), str(info.value)


@pytest.mark.parametrize("low, init", [(0.1, nn.xavier()), (1e-5, nn.zeros())], ids=["low too large", "no gradient"])
def test_the_range_test_suggests_nothing_where_the_loss_does_not_fall(low, init):
    targets = 100 * X[:, :1] if low == 0.1 else np.zeros(len(X))
    network = nn.Network(2, [nn.Dense(1, init=init)], loss="squared_error", rng=0)
    result = nn.range_test(network, 100 * X, targets, nn.SGD(0.1), low=low)
    assert np.isnan(result.suggestion)
    assert "the loss fell at no rate from" in repr(result) and "smaller low" in repr(result)


def test_the_range_test_takes_one_network():
    with pytest.raises(ValueError, match=r"pass stack\[0\]"):
        nn.range_test(build(SEEDS), X, Y, nn.SGD(0.1))


def test_the_range_test_takes_weights():
    """Whole weights are rows that come several times."""
    weights = np.arange(len(X)) % 3
    rows = np.repeat(np.arange(len(X)), weights)
    network = nn.Network(2, [nn.Dense(5, "tanh"), nn.Dense(1)], loss="binary_cross_entropy", rng=0)
    weighted = nn.range_test(network, X, Y, nn.SGD(0.1), sample_weight=weights)
    repeated = nn.range_test(network, X[rows], Y[rows], nn.SGD(0.1))
    np.testing.assert_allclose(weighted.losses, repeated.losses, rtol=1e-9)
