"""Schedules: their values, PyTorch's, and what they make of a training."""

import pickle

import numpy as np
import pytest

import nnlib as nn
from nnlib import schedules

STEPS = 60
SHARE = 0.3


def values(schedule, steps=STEPS):
    return np.array([schedule(step) for step in range(steps)])


@pytest.mark.slow
def torch_rates(make, steps=STEPS, rate=0.1):
    """The rates that a scheduler of PyTorch gives to the steps from 0 on."""
    torch = pytest.importorskip("torch")
    parameter = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=rate)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    rates = []
    for step in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < steps - 1:
            scheduler.step()
    return np.array(rates)


def test_constant():
    np.testing.assert_array_equal(values(schedules.constant(0.3)), 0.3)


@pytest.mark.parametrize("every, factor", [(1, 0.9), (7, 0.5), (100, 0.1), (3, 2.0)])
def test_staircase_equals_pytorchs_step(every, factor):
    expected = torch_rates(lambda module, optimizer: module.StepLR(optimizer, every, factor))
    np.testing.assert_allclose(values(schedules.staircase(0.1, every, factor)), expected, rtol=1e-12)


def test_cosine_goes_down_and_stays_there():
    rates = values(schedules.cosine(0.2, 30, final=0.1))
    np.testing.assert_allclose(rates[[0, 10, 15, 20, 30]], [0.2, 0.175, 0.15, 0.125, 0.1])
    np.testing.assert_allclose(rates[30:], 0.1)
    assert (np.diff(rates[:31]) < 0).all()


@pytest.mark.parametrize("final", [0.0, 0.01])
def test_cosine_equals_pytorchs(final):
    """Down to the last step: beyond it PyTorch's climbs again, and ours stays."""
    expected = torch_rates(lambda module, optimizer: module.CosineAnnealingLR(optimizer, STEPS - 1, eta_min=final))
    rates = values(schedules.cosine(0.1, STEPS - 1, final))
    np.testing.assert_allclose(rates, expected, rtol=1e-10, atol=1e-15)
    assert rates[0] == 0.1 and rates[-1] == pytest.approx(final)
    np.testing.assert_allclose(values(schedules.cosine(0.1, 20, final))[20:], final, atol=1e-17)
    assert (np.diff(rates) < 0).all()


def test_warmup_climbs_evenly_and_then_follows():
    after = schedules.cosine(0.4, 30, final=0.1)
    rates = values(schedules.warmup(after, 8))
    np.testing.assert_allclose(rates[:8], 0.4 * np.arange(1, 9) / 8)
    np.testing.assert_array_equal(rates[8:], values(after, STEPS - 8))
    np.testing.assert_allclose(values(schedules.warmup(0.4, 8))[7:], 0.4)
    expected = torch_rates(lambda module, optimizer: module.LinearLR(optimizer, 1 / 8, 1.0, total_iters=7))
    np.testing.assert_allclose(values(schedules.warmup(0.1, 8)), expected, rtol=1e-12)


def test_schedules_nest_and_may_be_anyones():
    twice = schedules.warmup(schedules.warmup(0.4, 4), 2)
    np.testing.assert_allclose(values(twice, 8), [0.05, 0.1, 0.1, 0.2, 0.3, 0.4, 0.4, 0.4])
    own = schedules.warmup(lambda step: 1 / (1 + step), 2)
    np.testing.assert_allclose(values(own, 5), [0.5, 1, 1, 1 / 2, 1 / 3])
    stack = schedules.warmup(lambda step: np.array([1.0, 2.0]), 4)
    np.testing.assert_allclose(stack(0), [0.25, 0.5])


def test_one_cycle_has_its_shares():
    rates = values(schedules.one_cycle(2.0, 100, start=0.1, end=0.01, rise=0.25), 101)
    np.testing.assert_allclose(rates[[0, 25, 100]], [0.2, 2.0, 0.02])
    assert rates.argmax() == 25 and (np.diff(rates[:26]) > 0).all() and (np.diff(rates[25:]) < 0).all()
    np.testing.assert_allclose(rates[:26][::-1] + rates[:26], 2.2)  # half a wave is symmetric
    assert schedules.one_cycle(2.0, 100)(5000) == pytest.approx(2.0 * 4e-6)


def test_one_cycle_equals_pytorchs_of_one_step_more():
    """PyTorch counts the steps, ours the ways between them; its highest rate comes one step earlier, too."""
    peak, total = 0.1, 50
    expected = torch_rates(
        lambda module, optimizer: module.OneCycleLR(
            optimizer, peak, total_steps=total, pct_start=SHARE, cycle_momentum=False
        ),
        steps=total,
    )
    rates = values(schedules.one_cycle(peak, total - 1, rise=(SHARE * total - 1) / (total - 1)), total)
    np.testing.assert_allclose(rates, expected, rtol=1e-10, atol=1e-16)


@pytest.mark.parametrize("rise", [1e-6, 0.5, 1 - 1e-6])
@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_one_cycle_of_few_steps(steps, rise):
    rates = values(schedules.one_cycle(1.0, steps, rise=rise), steps + 3)
    assert ((rates > 0) & (rates <= 1)).all() and rates.max() == 1


SCHEDULES = {
    "constant": schedules.constant(0.3),
    "staircase": schedules.staircase(0.3, 5, 0.5),
    "cosine": schedules.cosine(0.3, 20, 0.01),
    "warmup": schedules.warmup(schedules.cosine(0.3, 20), 5),
    "one cycle": schedules.one_cycle(0.3, 20),
}


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_a_schedule_is_a_plain_function_of_the_step(schedule):
    rates = values(schedule)
    assert (rates >= 0).all() and np.isfinite(rates).all()
    assert all(isinstance(schedule(step), float) for step in (0, 7, 100))
    np.testing.assert_array_equal(values(pickle.loads(pickle.dumps(schedule))), rates)
    np.testing.assert_array_equal([schedule(step) for step in reversed(range(STEPS))], rates[::-1])


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_train_counts_steps_by_batches(schedule):
    """A loss of slope 1 shows the rates: the bias goes down by one at each step."""
    X, y = np.zeros((10, 1)), np.zeros(10)
    seen = []

    class Watched(nn.SGD):
        def step(self, theta, grad):
            before = theta.copy()
            super().step(theta, np.ones_like(theta))
            seen.append(before[-1] - theta[-1])

    network = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=0)
    nn.train(network, X, y, Watched(schedule), 5, batch_size=4, rng=0)  # 3 batches per epoch
    np.testing.assert_allclose(seen, values(schedule, 15), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(
    "make, parts",
    [
        (lambda: schedules.constant(0), ["rate must be a finite number above 0, not 0"]),
        (lambda: schedules.constant([0.1, 0.2]), ["rate must be a finite number above 0", "[0.1, 0.2]"]),
        (lambda: schedules.staircase(-0.1, 5), ["rate must be a finite number above 0, not -0.1"]),
        (lambda: schedules.staircase(0.1, 0), ["every must be a whole number of at least 1, not 0"]),
        (lambda: schedules.staircase(0.1, 2.5), ["every must be a whole number", "not 2.5"]),
        (lambda: schedules.staircase(0.1, 5, factor=0), ["factor must be a finite number above 0, not 0"]),
        (lambda: schedules.cosine(np.nan, 5), ["rate must be a finite number above 0, not nan"]),
        (lambda: schedules.cosine(0.1, 0), ["steps must be a whole number of at least 1, not 0"]),
        (lambda: schedules.cosine(0.1, 5, final=-1), ["final must be a finite number above 0, not -1"]),
        (lambda: schedules.warmup("0.1", 5), ["rate must be a finite number above 0, not '0.1'"]),
        (lambda: schedules.warmup(0.1, -3), ["steps must be a whole number of at least 1, not -3"]),
        (lambda: schedules.one_cycle(0.1, 1.5), ["steps must be a whole number", "not 1.5"]),
        (lambda: schedules.one_cycle(np.inf, 10), ["peak must be a finite number above 0, not inf"]),
        (lambda: schedules.one_cycle(0.1, 10, rise=1), ["rise must be between 0 and 1, not 1"]),
        (lambda: schedules.one_cycle(0.1, 10, rise=0), ["rise must be a finite number above 0, not 0"]),
        (lambda: schedules.one_cycle(0.1, 10, start=0), ["start must be a finite number above 0, not 0"]),
        (lambda: schedules.one_cycle(0.1, 10, end=-1), ["end must be a finite number above 0, not -1"]),
    ],
)
def test_schedules_say_what_is_wrong(make, parts):
    with pytest.raises(ValueError) as info:
        make()
    assert all(part in str(info.value) for part in parts), str(info.value)
