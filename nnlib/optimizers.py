"""Optimizers: each turns a flat gradient into a step of the flat parameter vector."""

import numbers

import numpy as np

from nnlib.checks import positive


class SGD:
    """Gradient descent: `theta -= learning_rate * grad`. Stochastic when the gradient comes from a batch.

    Parameters
    ----------
    learning_rate : float or array of shape (replicates,)
        One rate for all, or one for each network of a stack.

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

    def __init__(self, learning_rate):
        hint = " To go up the gradient, negate the loss instead."
        self.learning_rate = positive("learning_rate", learning_rate, hint, most_dimensions=1)

    def start(self, theta):
        """Forget the past and prepare for parameters of this shape; `train` calls it first."""
        self._rate = _per_network(self.learning_rate, theta)
        self._update = np.empty_like(theta)

    def step(self, theta, grad):
        """Change `theta` in place; `grad` is left as it is."""
        np.multiply(grad, self._rate, out=self._update)
        theta -= self._update

    def __repr__(self):
        return f"{type(self).__name__}({self.learning_rate})"


class Adam(SGD):
    """Steps scaled by running means of the gradient and of its square, with their start-up bias removed.

    Parameters
    ----------
    learning_rate : float or array of shape (replicates,), default 0.001
    beta1, beta2 : float in [0, 1)
        How much of the running means is kept at each step.
    epsilon : float
        Keeps the division finite.

    Notes
    -----
    Kingma & Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1.

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

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
        super().__init__(learning_rate)
        for name, beta in (("beta1", beta1), ("beta2", beta2)):
            if not isinstance(beta, numbers.Real) or not 0 <= beta < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, not {beta!r}.")
        self.beta1, self.beta2, self.epsilon = beta1, beta2, positive("epsilon", epsilon)

    def start(self, theta):
        super().start(theta)
        self._t = 0
        self._mean, self._square, self._room = np.zeros_like(theta), np.zeros_like(theta), np.empty_like(theta)

    def step(self, theta, grad):
        self._t += 1
        room = self._room
        self._mean *= self.beta1
        self._mean += np.multiply(grad, 1 - self.beta1, out=room)
        self._square *= self.beta2
        np.multiply(grad, grad, out=room)
        room *= 1 - self.beta2
        self._square += room

        np.divide(self._square, 1 - self.beta2**self._t, out=room)
        np.sqrt(room, out=room)
        room += self.epsilon
        np.divide(self._mean, room, out=self._update)
        self._update *= self._rate / (1 - self.beta1**self._t)
        theta -= self._update


def _per_network(rate, theta):
    """`rate` in a shape that multiplies `theta`: a number, or a column with one rate per replicate."""
    if np.ndim(rate) == 0:
        return rate
    if theta.ndim != 2 or rate.shape != theta.shape[:1]:
        stack = f"a stack of {theta.shape[0]}" if theta.ndim == 2 else "a single network"
        raise ValueError(
            f"learning_rate has shape {rate.shape}, but this is {stack}: pass a number, or one rate per replicate."
        )
    return rate[:, None].astype(theta.dtype)
