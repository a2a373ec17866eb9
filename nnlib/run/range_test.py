"""The learning rate range test."""

import copy
import itertools

import numpy as np

from nnlib.network import Network
from nnlib.run import checks
from nnlib.run.samples import Samples


class RangeTest:
    """What `range_test` measured.

    Attributes
    ----------
    rates, losses : ndarray of shape (steps,)
        The learning rate of each step, and the loss of its batch before the step.
    smooth : ndarray of shape (steps,)
        Mean of the losses of the 15 steps around each.
    suggestion : float
        The rate at which `smooth` falls fastest, within the last factor of 10 before it is lowest; NaN if it is lowest
        at the first rate, and so falls at none.

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> rates = np.geomspace(0.001, 1, 30)
    >>> nn.RangeTest(rates, losses=np.abs(np.log10(rates) + 1))  # lowest at 0.1
    <range test of 30 steps, suggested learning rate 0.014>
    """

    def __init__(self, rates, losses):
        self.rates, self.losses = rates, losses
        window = np.ones(min(15, len(losses)))
        self.smooth = np.convolve(losses, window, "same") / np.convolve(np.ones(len(losses)), window, "same")
        # The climb behind the lowest place is the divergence. More than a decade before it, slopes are mostly noise.
        lowest = int(self.smooth.argmin())
        slopes = np.gradient(self.smooth, np.log(rates))
        slopes[(rates < rates[lowest] / 10) | (rates > rates[lowest])] = np.inf
        self.suggestion = float(rates[slopes.argmin()]) if lowest > 0 else float("nan")

    def __repr__(self):
        if np.isnan(self.suggestion):
            remedy = "Pass a smaller low; or is the gradient 0, from a start at zero or dead relus?"
            return f"<range test: the loss fell at no rate from {self.rates[0]:.2g} to {self.rates[-1]:.2g}. {remedy}>"
        return f"<range test of {len(self.rates)} steps, suggested learning rate {self.suggestion:.2g}>"


def range_test(
    network, X, y, optimizer, *, low=1e-5, high=10.0, steps=100, batch_size=None, rng=None, sample_weight=None
):
    """Raise the learning rate from step to step, and suggest the one at which the loss falls fastest.

    A copy of the network is trained with a copy of the optimizer; the test ends when the mean loss of ten steps is
    above four times its lowest value. Draw it with `nn.plots.range_test`.

    Parameters
    ----------
    network : Network
        A single one; not changed.
    X, y, batch_size, rng, sample_weight : as for `train`
    optimizer : Optimizer
        Its learning rate plays no part.
    low, high : float
        The first and the last rate; those between are evenly spaced on a logarithmic scale.
    steps : int, at least 10

    Returns
    -------
    RangeTest

    Notes
    -----
    Smith, "Cyclical learning rates for training neural networks" (2017), section 3.3.

    Examples
    --------
    >>> import nnlib as nn
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> network = nn.Network(2, [nn.Dense(8, "tanh"), nn.Dense(1)], loss="squared_error", rng=0)
    >>> result = nn.range_test(network, X, X[:, 0] * X[:, 1], nn.SGD(0.1))
    >>> 0.1 < result.suggestion < 1
    True
    """
    if not isinstance(network, Network):
        raise TypeError(f"range_test(network, X, y, optimizer) takes a Network first, not {type(network).__name__}.")
    if not hasattr(optimizer, "learning_rate"):
        raise TypeError(f"the range test sets optimizer.learning_rate, which {optimizer!r} lacks: use an nn.Optimizer.")
    if network.replicates is not None:
        raise ValueError("the range test takes a single network: pass stack[0].")
    low, high = checks.positive("low", low), checks.positive("high", high)
    if not low < high or checks.positive_int("steps", steps) < 10:
        raise ValueError(f"low must be below high, and steps at least 10; not {low:g}, {high:g} and {steps}.")
    rates, losses, means = np.geomspace(low, high, steps), [], []
    twin, optimizer = network.copy(), copy.deepcopy(optimizer)
    optimizer.learning_rate = lambda step: rates[step]
    optimizer.start(twin.theta, twin.decayed)
    batches = Samples(twin, X, y, sample_weight, batch_size, rng)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for batch in itertools.islice(itertools.chain.from_iterable(itertools.repeat(batches)), steps):
            loss = twin._differentiate(*batch)
            if not np.isfinite(loss) or not np.isfinite(twin.theta).all():
                break
            losses.append(float(loss))
            optimizer.step(twin.theta, twin.grad)
            if len(losses) >= 10:  # means, because the losses of small batches jump
                means.append(np.mean(losses[-10:]))
            if len(means) > 10 and means[-1] > 4 * min(means):
                break
    if len(losses) < 10:
        raise ValueError(f"the loss overflowed within {len(losses)} steps from rate {low:g}: pass a smaller low.")
    return RangeTest(rates[: len(losses)], np.array(losses))
