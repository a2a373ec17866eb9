"""Optimizers: each turns a flat gradient into a step of the flat parameter vector.

An optimizer is a chain of transforms of the gradient, and a learning rate: the gradient goes through the
transforms one after the other, is multiplied by the rate, and subtracted from the parameters. `Adam` is one
transform, `AdamW` the same with a second behind it. Chains of your own: `nn.Optimizer(0.1, [nn.Clip(1.0),
nn.Momentum(0.9)])`.
"""

from functools import partial

import numpy as np

from nnlib.checks import overwrite, positive, share


class Transform:
    """A step of the chain: `apply(update, theta)` changes `update` in place, shape `(n_parameters,)` or `(R, ...)`.

    `memory` names the arrays that it carries from step to step; `start` makes them, as zeros.
    """

    memory = ()

    def start(self, theta, decayed):
        """Forget the past, and make room for parameters of the shape of `theta`."""
        for name in self.memory:
            setattr(self, name, np.zeros_like(theta))
        self.room = np.empty_like(theta)

    def apply(self, update, theta):
        raise NotImplementedError(
            f"{type(self).__name__} has no apply(update, theta): write one that changes update in place."
        )

    def __repr__(self):
        settings = {name: value for name, value in vars(self).items() if isinstance(value, (bool, int, float))}
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in settings.items())})"


class Clip(Transform):
    """Shorten a gradient that is longer than `norm`; its direction stays. Each network of a stack for itself.

    Pascanu, Mikolov & Bengio, "On the difficulty of training recurrent neural networks" (2013), algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> theta = np.zeros(2)
    >>> optimizer = nn.SGD(1.0, clip=5.0)
    >>> optimizer.start(theta)
    >>> optimizer.step(theta, grad=np.array([-30.0, 40.0]))
    >>> theta
    array([ 3., -4.])
    """

    def __init__(self, norm):
        self.norm = positive("norm", norm)

    def apply(self, update, theta):
        # Scaled by the largest entry first: the square of a number that is to be clipped may overflow.
        largest = np.maximum(np.abs(update, out=self.room).max(axis=-1, keepdims=True), self.norm)
        np.divide(update, largest, out=self.room)
        length = largest * np.sqrt(np.multiply(self.room, self.room, out=self.room).sum(axis=-1, keepdims=True))
        update *= self.norm / np.maximum(length, self.norm)


class Decay(Transform):
    """Add `rate * W` for the weights, and nothing for biases and what else a layer does not list as decayed.

    Before the other transforms this is the gradient of `rate / 2 * sum(W**2)`, an L2 penalty; behind them it is
    decoupled weight decay: Loshchilov & Hutter, "Decoupled weight decay regularization" (2019). The rate has
    nothing to do with the batch size.

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> theta, optimizer = np.array([10.0, 10.0]), nn.Optimizer(0.5, [nn.Decay(0.2)])
    >>> optimizer.start(theta, decayed=np.array([True, False]))
    >>> optimizer.step(theta, grad=np.zeros(2))
    >>> theta
    array([ 9., 10.])
    """

    def __init__(self, rate):
        self.rate = positive("weight_decay", rate)

    def start(self, theta, decayed):
        super().start(theta, decayed)
        self.factor = np.full(theta.shape[-1:], self.rate, theta.dtype)
        if decayed is not None:
            self.factor *= decayed

    def apply(self, update, theta):
        update += np.multiply(theta, self.factor, out=self.room)


class Momentum(Transform):
    """A running sum of gradients: `velocity = beta * velocity + gradient`. Nesterov's looks one step ahead.

    Polyak, "Some methods of speeding up the convergence of iteration methods" (1964); Sutskever et al., "On the
    importance of initialization and momentum in deep learning" (2013).

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> theta, optimizer = np.zeros(1), nn.SGD(1.0, momentum=0.5)
    >>> optimizer.start(theta)
    >>> for _ in range(3):
    ...     optimizer.step(theta, grad=np.ones(1))
    >>> theta  # -1, then -1.5, then -1.75
    array([-4.25])
    """

    memory = ("velocity",)

    def __init__(self, beta=0.9, nesterov=False):
        self.beta, self.nesterov = share("momentum", beta), bool(nesterov)

    def apply(self, update, theta):
        self.velocity *= self.beta
        self.velocity += update
        if self.nesterov:
            update += np.multiply(self.velocity, self.beta, out=self.room)
        else:
            np.copyto(update, self.velocity)


class RMSScale(Transform):
    """Divide by the root of a running mean of the squared gradient.

    Tieleman & Hinton, "Lecture 6.5: rmsprop" of *Neural networks for machine learning* (2012).

    Examples
    --------
    >>> import nnlib as nn
    >>> nn.Optimizer(0.01, [nn.Clip(1.0), nn.RMSScale(), nn.Momentum(0.9)]).transforms
    [Clip(norm=1.0), RMSScale(beta=0.99, epsilon=1e-08), Momentum(beta=0.9, nesterov=False)]
    """

    memory = ("square",)

    def __init__(self, beta=0.99, epsilon=1e-8):
        self.beta, self.epsilon = share("beta", beta), positive("epsilon", epsilon)

    def apply(self, update, theta):
        _running_mean(self.square, self.beta, np.multiply(update, update, out=self.room))
        np.sqrt(self.square, out=self.room)
        self.room += self.epsilon
        update /= self.room


class AdamScale(Transform):
    """Running mean of the gradient, divided by the root of that of its square; the bias of the start is removed.

    Kingma & Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1.

    Examples
    --------
    >>> import nnlib as nn
    >>> nn.Optimizer(0.001, [nn.Clip(1.0), nn.AdamScale()]).transforms
    [Clip(norm=1.0), AdamScale(beta1=0.9, beta2=0.999, epsilon=1e-08)]
    """

    memory = ("mean", "square", "t")

    def __init__(self, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.beta1, self.beta2 = share("beta1", beta1), share("beta2", beta2)
        self.epsilon = positive("epsilon", epsilon)

    def start(self, theta, decayed):
        super().start(theta, decayed)
        self.t = np.zeros(())  # an array, like all that is kept

    def apply(self, update, theta):
        self.t += 1
        t, room = int(self.t), self.room
        _running_mean(self.square, self.beta2, np.multiply(update, update, out=room))
        _running_mean(self.mean, self.beta1, update)
        np.divide(self.square, 1 - self.beta2**t, out=room)
        np.sqrt(room, out=room)
        room += self.epsilon
        np.divide(self.mean, room, out=update)
        update *= 1 / (1 - self.beta1**t)


def _running_mean(mean, beta, new):
    """`mean = beta * mean + (1 - beta) * new`, in place; `new` is overwritten."""
    mean *= beta
    new *= 1 - beta
    mean += new


class Optimizer:
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
        self.learning_rate = learning_rate
        self.transforms = list(transforms) if isinstance(transforms, (list, tuple)) else [transforms]
        for transform in self.transforms:
            if isinstance(transform, type) or not hasattr(transform, "apply"):
                raise TypeError(f"transforms must be transforms such as nn.Clip(1.0), not {transform!r}.")

    @property
    def learning_rate(self):
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, rate):
        hint = " To go up the gradient, negate the loss instead."
        self._learning_rate = rate if callable(rate) else positive("learning_rate", rate, hint, most_dimensions=1)

    def start(self, theta, decayed=None):
        """Forget the past and prepare for parameters of this shape; `train` calls it first.

        `decayed`, bool of shape `(n_parameters,)`, says which parameters weight decay applies to; by default all.
        """
        self.steps, self.shape = 0, theta.shape
        self._update = np.empty_like(theta)
        self.rate(theta)
        for transform in self.transforms:
            transform.start(theta, decayed)

    def rate(self, theta):
        """The learning rate of the coming step, in a shape that multiplies `theta`."""
        rate = self._learning_rate
        if callable(rate):
            rate = np.asarray(rate(self.steps))
            if rate.dtype.kind not in "iuf" or not np.isfinite(rate).all() or (rate < 0).any():
                raise ValueError(
                    f"the schedule returned {rate} at step {self.steps}; a rate is a number of at least 0."
                )
            rate = rate if rate.ndim else float(rate)
        return _per_network(rate, theta)

    def step(self, theta, grad):
        """Change `theta` in place; `grad` is left as it is."""
        if not hasattr(self, "steps"):
            raise RuntimeError(f"{self!r} was not started: call start(theta) first.")
        update = grad
        if self.transforms:
            update = self._update
            np.copyto(update, grad)
            for transform in self.transforms:
                transform.apply(update, theta)
        np.multiply(update, self.rate(theta), out=self._update)
        theta -= self._update
        self.steps += 1

    def memory(self):
        """What is carried from step to step, as a dict of arrays: views, for a checkpoint to copy."""
        return {f"{i}.{name}": getattr(t, name) for i, t in enumerate(self.transforms) for name in t.memory}

    def recall(self, steps, memory):
        """Go on, after `start`, from the number of steps taken and a copy of `memory()`."""
        own = self.memory()
        if set(own) != set(memory):
            raise ValueError(
                f"the saved optimizer kept {sorted(memory) or 'nothing'}, this one keeps {sorted(own) or 'nothing'}: "
                "use the optimizer that the run began with."
            )
        for name, array in own.items():
            overwrite(f"optimizer memory {name}", array, memory[name])
        self.steps = int(steps)

    def __repr__(self):
        rate = self.learning_rate
        if isinstance(rate, partial):
            rate = f"{rate.func.__name__.strip('_')}{rate.args}"
        return f"{type(self).__name__}({getattr(rate, '__name__', rate)})"


def _chain(clip, weight_decay, *transforms):
    before = [Clip(clip)] if clip is not None else []
    if weight_decay:
        before.append(Decay(weight_decay))
    return before + [transform for transform in transforms if transform is not None]


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
        velocity = Momentum(momentum, nesterov) if momentum else None
        if nesterov and not momentum:
            raise ValueError("nesterov=True needs a momentum, for instance momentum=0.9.")
        super().__init__(learning_rate, _chain(clip, weight_decay, velocity))


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
        super().__init__(learning_rate, _chain(clip, weight_decay, RMSScale(beta, epsilon)))


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
        super().__init__(learning_rate, _chain(clip, weight_decay, AdamScale(beta1, beta2, epsilon)))


class AdamW(Optimizer):
    """Adam with decoupled weight decay: weights shrink by `learning_rate * weight_decay` at each step.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon, clip : as for `Adam`
    weight_decay : float above 0, default 0.01

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
        super().__init__(learning_rate, [*_chain(clip, 0, AdamScale(beta1, beta2, epsilon)), Decay(weight_decay)])


def _per_network(rate, theta):
    """`rate` in a shape that multiplies `theta`: a number, or a column with one rate per replicate."""
    if isinstance(rate, float):
        return rate
    if theta.ndim != 2 or rate.shape != theta.shape[:1]:
        stack = f"a stack of {theta.shape[0]}" if theta.ndim == 2 else "a single network"
        raise ValueError(
            f"learning_rate has shape {rate.shape}, but this is {stack}: pass a number, or one rate per replicate."
        )
    return rate[:, None].astype(theta.dtype)
