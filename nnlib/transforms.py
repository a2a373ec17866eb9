"""Transforms of the gradient: the links of the chain that an optimizer is."""

import numpy as np

from nnlib.run.checks import positive, share


class Transform:
    """A step of the chain: `apply(update, theta)` changes `update` in place, shape `(n_parameters,)` or `(R, ...)`.

    `memory` names the arrays that it carries from step to step; `start` makes them, as zeros, and `room`, an array for
    what is needed within a step.

    An optimizer copies the transforms that it is given, and starts its copies. So what `start` makes belongs to one
    optimizer, and what `__init__` makes, such as a list to look at later, to all that were made with the transform.

    Examples
    --------
    The sign of the gradient, smoothed:

    >>> import numpy as np
    >>> import nnlib as nn
    >>> class Sign(nn.Transform):
    ...     memory = ("mean",)
    ...
    ...     def apply(self, update, theta):
    ...         self.mean += 0.1 * (update - self.mean)
    ...         np.sign(self.mean, out=update)
    >>> theta, optimizer = np.array([1.0, -2.0]), nn.Optimizer(0.1, [Sign()])
    >>> optimizer.start(theta)
    >>> optimizer.step(theta, grad=2 * theta)
    >>> theta
    array([ 0.9, -1.9])
    """

    memory = ()

    def start(self, theta, decayed):
        """Forget the past, and make room for parameters of the shape of `theta`."""
        for name in self.memory:
            setattr(self, name, np.zeros_like(theta))
        self.room = np.empty_like(theta)

    def apply(self, update, theta):
        raise NotImplementedError(f"{type(self).__name__} has no apply(update, theta), to change update in place.")

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
        self.factor = np.full(theta.shape[-1:], self.rate * (True if decayed is None else decayed), theta.dtype)

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
