"""Learning rate schedules: functions of the number of the step, from 0, that optimizers take for a rate.

    nn.SGD(nn.schedules.cosine(0.1, steps=1000))

Steps are counted by batches, not by epochs: `epochs * ceil(n / batch_size)` in all. Any function of the step
will do as well.
"""

import math
from functools import partial

from nnlib.run.checks import positive, positive_int


def constant(rate):
    """The same rate at every step.

    Examples
    --------
    >>> import nnlib as nn
    >>> nn.schedules.constant(0.1)(1000)
    0.1
    """
    return partial(_constant, positive("rate", rate))


def _constant(rate, step):
    return rate


def staircase(rate, every, factor=0.1):
    """`rate`, multiplied by `factor` after each `every` steps.

    Examples
    --------
    >>> import nnlib as nn
    >>> schedule = nn.schedules.staircase(1.0, every=100, factor=0.5)
    >>> [schedule(step) for step in (0, 99, 100, 250)]
    [1.0, 1.0, 0.5, 0.25]
    """
    return partial(_staircase, positive("rate", rate), positive_int("every", every), positive("factor", factor))


def _staircase(rate, every, factor, step):
    return rate * factor ** (step // every)


def cosine(rate, steps, final=0.0):
    """Half a cosine wave down from `rate` to `final` in so many steps; `final` from then on.

    Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), equation 5.

    Examples
    --------
    >>> import nnlib as nn
    >>> schedule = nn.schedules.cosine(0.2, steps=100)
    >>> [round(schedule(step), 3) for step in (0, 50, 100, 1000)]
    [0.2, 0.1, 0.0, 0.0]
    """
    final = positive("final", final) if final else 0.0
    return partial(_cosine, positive("rate", rate), positive_int("steps", steps), final)


def _cosine(rate, steps, final, step):
    return final + (rate - final) * (1 + math.cos(math.pi * min(step / steps, 1))) / 2


def warmup(schedule, steps):
    """Climb for so many steps to where `schedule`, a rate or a schedule, begins; then follow it.

    Goyal et al., "Accurate, large minibatch SGD" (2017), section 2.2.

    Examples
    --------
    >>> import nnlib as nn
    >>> schedule = nn.schedules.warmup(0.4, steps=4)
    >>> [round(schedule(step), 3) for step in range(6)]
    [0.1, 0.2, 0.3, 0.4, 0.4, 0.4]
    """
    schedule = schedule if callable(schedule) else constant(schedule)
    return partial(_warmup, schedule, positive_int("steps", steps))


def _warmup(schedule, steps, step):
    return schedule(0) * (step + 1) / steps if step < steps else schedule(step - steps)


def one_cycle(peak, steps, start=0.04, end=4e-6, rise=0.3):
    """Up from `start * peak` to `peak` during the share `rise` of the steps, and down to `end * peak`, on cosines.

    Smith & Topin, "Super-convergence: very fast training of neural networks using large learning rates" (2019);
    the shares are those of PyTorch's `OneCycleLR`, which reaches its end one step earlier: at the last of its steps.

    Examples
    --------
    >>> import nnlib as nn
    >>> schedule = nn.schedules.one_cycle(1.0, steps=100)
    >>> [round(schedule(step), 3) for step in (0, 15, 30, 65, 100)]
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """
    if not 0 < positive("rise", rise) < 1:
        raise ValueError(f"rise must be between 0 and 1, not {rise!r}.")
    steps = positive_int("steps", steps)
    up = max(1, round(rise * steps))
    settings = positive("peak", peak), up, max(1, steps - up), positive("start", start), positive("end", end)
    return partial(_one_cycle, *settings)


def _one_cycle(peak, up, down, start, end, step):
    if step < up:
        return _cosine(start * peak, up, peak, step)
    return _cosine(peak, down, end * peak, step - up)
