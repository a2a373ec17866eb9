"""Optimizers: each turns a flat gradient into a step of the flat parameter vector.

An optimizer is a chain of transforms of the gradient, and a learning rate: the gradient goes through the
transforms one after the other, is multiplied by the rate, and subtracted from the parameters. `Adam` is one
transform, `AdamW` the same with a second behind it. Chains of your own: `nn.Optimizer(0.1, [nn.Clip(1.0),
nn.Momentum(0.9)])`.
"""

import copy

import numpy as np

from nnlib.run import refusals
from nnlib.run.checks import overwrite, positive
from nnlib.run.settings import UPHILL, Settings, other_rate
from nnlib.transforms import AdamScale, Clip, Decay, Momentum, RMSScale


class Optimizer(Settings):
    """A chain of transforms, and a learning rate.

    Parameters
    ----------
    learning_rate : float, array of shape (replicates,), or callable
        One rate for all; one for each network of a stack; or a schedule, a function of the number of the
        step, from 0, that returns one of the two. It is read at every step, so it may be changed in between.
    transforms : sequence of Transform
        Applied to the gradient from first to last.

    Raises
    ------
    ValueError
        If the learning rate is not a finite number above 0 (a schedule may return 0).

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> theta, optimizer = np.array([1.0]), nn.Optimizer(0.25, [nn.Clip(1.0), nn.Momentum(0.9)])
    >>> optimizer.start(theta)
    >>> optimizer.step(theta, grad=2 * theta)  # the gradient of theta**2, clipped to length 1
    >>> theta
    array([0.75])
    """

    def __init__(self, learning_rate, transforms=()):
        self._set_up(learning_rate, transforms, {"transforms": transforms})

    def _set_up(self, learning_rate, transforms, settings):
        self.learning_rate, self.settings, self.steps = learning_rate, settings, None
        transforms = transforms if isinstance(transforms, (list, tuple)) else [transforms]
        self.transforms = [copy.copy(transform) for transform in transforms]  # what they remember belongs to this one
        for transform in self.transforms:
            if isinstance(transform, type) or not (hasattr(transform, "start") and hasattr(transform, "apply")):
                raise TypeError(refusals.transform(transform))

    @property
    def learning_rate(self):
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, rate):
        self._learning_rate = positive("learning_rate", rate, UPHILL) if isinstance(rate, float) else other_rate(rate)

    def start(self, theta, decayed=None):
        """Forget the past and prepare for parameters of this shape; `train` calls it first.

        `decayed`, bool of shape `(n_parameters,)`, says which parameters weight decay applies to; by default all.
        """
        self.steps, self.shape, self.decayed, self._update = 0, theta.shape, decayed, np.empty_like(theta)
        self.rate(theta)
        for transform in self.transforms:
            transform.start(theta, decayed)

    def check_fit(self, theta, decayed):
        """Refuse to go on with a network for whose parameters it was not started."""
        same = self.decayed is None or np.array_equal(self.decayed, decayed)
        if self.shape != theta.shape or self._update.dtype != theta.dtype or not same:
            raise ValueError(refusals.other_network(self.shape, theta.shape))

    def rate(self, theta):
        """The learning rate of the coming step, in a shape that multiplies `theta`."""
        return self._learning_rate if isinstance(self._learning_rate, float) else self._rates(theta)

    def _rates(self, theta):
        """From a schedule, or one for each network of a stack."""
        rate = self._learning_rate
        if callable(rate):
            rate = np.asarray(rate(self.steps))
            if rate.dtype.kind not in "iuf" or not np.isfinite(rate).all() or (rate < 0).any():
                raise ValueError(f"the schedule returned {rate} at step {self.steps}; it must be a number, at least 0.")
            if rate.ndim == 0:
                return float(rate)
        if theta.ndim != 2 or rate.shape != theta.shape[:1]:
            raise ValueError(refusals.rates(rate, theta))
        return rate[:, None].astype(theta.dtype)

    def step(self, theta, grad):
        """Change `theta` in place; `grad` is left as it is."""
        if self.steps is None:
            raise RuntimeError(f"{self!r} was not started: call start(theta) first.")
        update = self._transformed(grad, theta) if self.transforms else grad
        theta -= np.multiply(update, self.rate(theta), out=self._update)
        self.steps += 1

    def _transformed(self, grad, theta):
        np.copyto(self._update, grad)
        for transform in self.transforms:
            if transform.apply(self._update, theta) is not None:
                raise TypeError(f"apply of {transform!r} must change update in place, and returned a value.")
        return self._update

    def memory(self):
        """What is carried from step to step, as a dict of arrays: views, for a checkpoint to copy."""
        return {f"{i}.{name}": getattr(t, name) for i, t in enumerate(self.transforms) for name in t.memory}

    def recall(self, steps, memory):
        """Go on, after `start`, from the number of steps taken and a copy of `memory()`."""
        own = self.memory()
        if set(own) != set(memory):
            raise ValueError(refusals.other_memory(sorted(memory), sorted(own)))
        for name, array in own.items():
            overwrite(f"optimizer memory {name}", array, memory[name])
        self.steps = int(steps)


def _chain(clip, weight_decay, *transforms):
    before = [] if clip is None else [Clip(clip)]
    return [*before, *([Decay(weight_decay)] if weight_decay else []), *transforms]


class SGD(Optimizer):
    """Gradient descent: `theta -= learning_rate * grad`. Stochastic when the gradient comes from a batch.

    Parameters
    ----------
    learning_rate : float, array of shape (replicates,), or schedule; see `Optimizer`
    momentum : float in [0, 1), default 0
        How much of the last step is kept; see `Momentum`.
    nesterov : bool, default False
        Nesterov's momentum.
    weight_decay : float, default 0
        Rate of an L2 penalty on the weights; see `Decay`.
    clip : float, optional
        The greatest length of a gradient; see `Clip`.

    Raises
    ------
    ValueError
        If the learning rate is not a finite number above 0.

    Notes
    -----
    Robbins & Monro, "A stochastic approximation method" (1951).

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> theta, optimizer = np.array([1.0]), nn.SGD(0.25)
    >>> optimizer.start(theta)
    >>> optimizer.step(theta, grad=2 * theta)  # the gradient of theta**2
    >>> theta
    array([0.5])
    """

    def __init__(self, learning_rate, momentum=0.0, nesterov=False, weight_decay=0.0, clip=None):
        if nesterov and not momentum:
            raise ValueError("nesterov=True needs a momentum, for instance momentum=0.9.")
        chain = _chain(clip, weight_decay, *([Momentum(momentum, nesterov)] if momentum else []))
        settings = dict(momentum=momentum, nesterov=nesterov, weight_decay=weight_decay, clip=clip)
        self._set_up(learning_rate, chain, settings)


class RMSProp(Optimizer):
    """Steps divided by a running root mean square of the gradient; see `RMSScale`.

    Parameters
    ----------
    learning_rate : float, array of shape (replicates,), or schedule, default 0.01
    beta : float in [0, 1), default 0.99
        How much of the running mean is kept at each step.
    epsilon : float, default 1e-8
        Keeps the division finite.
    weight_decay, clip : as for `SGD`

    Examples
    --------
    >>> import nnlib as nn
    >>> nn.RMSProp(0.001)
    RMSProp(0.001)
    """

    def __init__(self, learning_rate=0.01, beta=0.99, epsilon=1e-8, weight_decay=0.0, clip=None):
        settings = dict(beta=beta, epsilon=epsilon, weight_decay=weight_decay, clip=clip)
        self._set_up(learning_rate, _chain(clip, weight_decay, RMSScale(beta, epsilon)), settings)


class Adam(Optimizer):
    """Steps scaled by running means of the gradient and of its square; see `AdamScale`.

    Parameters
    ----------
    learning_rate : float, array of shape (replicates,), or schedule, default 0.001
    beta1, beta2 : float in [0, 1)
        How much of the running means is kept at each step.
    epsilon : float, default 1e-8
        Keeps the division finite.
    weight_decay, clip : as for `SGD`
        An L2 penalty; for decoupled weight decay use `AdamW`.

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> theta, optimizer = np.array([1.0, -100.0]), nn.Adam(0.1)
    >>> optimizer.start(theta)
    >>> optimizer.step(theta, grad=2 * theta)  # the first step has the same size everywhere
    >>> theta.round(6)
    array([  0.9, -99.9])
    """

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0, clip=None):
        settings = dict(beta1=beta1, beta2=beta2, epsilon=epsilon, weight_decay=weight_decay, clip=clip)
        self._set_up(learning_rate, _chain(clip, weight_decay, AdamScale(beta1, beta2, epsilon)), settings)


class AdamW(Optimizer):
    """Adam with decoupled weight decay: weights shrink by `learning_rate * weight_decay` at each step.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon, clip : as for `Adam`
    weight_decay : float, default 0.01

    Notes
    -----
    Loshchilov & Hutter, "Decoupled weight decay regularization" (2019), algorithm 2. Biases are spared.

    Examples
    --------
    >>> import nnlib as nn
    >>> nn.AdamW(0.001, weight_decay=0.1).transforms
    [AdamScale(beta1=0.9, beta2=0.999, epsilon=1e-08), Decay(rate=0.1)]
    """

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01, clip=None):
        settings = dict(beta1=beta1, beta2=beta2, epsilon=epsilon, weight_decay=weight_decay, clip=clip)
        chain = [*_chain(clip, 0, AdamScale(beta1, beta2, epsilon)), *_chain(None, weight_decay)]
        self._set_up(learning_rate, chain, settings)
