"""Activation functions: each goes forward, and returns its own way back.

`forward(z)` gives the activations `a`, and a function from the gradient of the loss by `a` to the gradient by `z`:
it multiplies by the derivative. Most derivatives need the output only: that of the sigmoid is `a * (1 - a)`, that of
tanh `1 - a**2`, that of the relu 1 where `a > 0`.

Both ways work in place, since new arrays at every step would take longer than the arithmetic. So a way back
overwrites what it was given, and may be taken once.

Formulas: Goodfellow, Bengio & Courville, *Deep Learning* (2016), sections 6.2 and 6.3.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnlib.run.checks import look_up, real_array
from nnlib.run.contracts import forward_of

# Saturated sigmoids and diverged networks overflow: the first give 0, as they should, the second are reported by
# `train`.
quiet = np.errstate(over="ignore", under="ignore", invalid="ignore")


@dataclass(frozen=True)
class Activation:
    """A function applied to the weighted sums of a layer.

    Call it on an array, samples in rows, and get a new array. A network uses `forward`, whose arrays have the samples
    in columns.

    Parameters
    ----------
    name : str
    forward : callable
        `forward(z)` for sums of shape `(..., units, n)` returns the activations, and a function `backward(da)` that
        turns the gradient by the activations into the gradient by `z`. Both have the shape and dtype of `z`. `z` and
        `da` may be overwritten; if not, the way back may use `z`.
    elementwise : bool
        False for the softmax, in which every unit depends on all others.
    bounds : pair of float
        What the activations lie between: targets of the last layer should, too.

    Raises
    ------
    TypeError, ValueError
        `forward` returns something else: when it is called, or when a network is made with it.

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> nn.sigmoid([-5.0, 0.0, 5.0]).round(4)
    array([0.0067, 0.5   , 0.9933])
    >>> nn.sigmoid.derivative([0.0])
    array([0.25])

    One of your own:

    >>> square = nn.Activation("square", lambda z: (z**2, lambda da: 2 * z * da))
    >>> square.derivative([3.0])
    array([6.])
    """

    name: str
    forward: Callable
    elementwise: bool = True
    bounds: tuple = (-math.inf, math.inf)

    @quiet
    def __call__(self, z):
        """Activations of `z`, shape `(..., n, units)` or any other for an elementwise function."""
        z = _float_copy(z)
        if self.elementwise:
            return forward_of(self, z)[0]
        return forward_of(self, np.atleast_2d(z).mT)[0].mT.reshape(z.shape)

    @quiet
    def derivative(self, z):
        """The derivative at `z`, same shape.

        Raises
        ------
        ValueError
            For the softmax: its derivative is a matrix per sample, not a number per unit.
        """
        if not self.elementwise:
            raise ValueError(f"{self.name} has no derivative per unit, but a Jacobian: use forward(z), (..., units, n)")
        a, backward = forward_of(self, _float_copy(z))
        return backward(np.ones_like(a))

    def __repr__(self):
        return f"<activation {self.name}>"


def _float_copy(values):
    values = real_array(values, "z")
    return values.astype(np.result_type(values, np.float32) if values.dtype.kind == "f" else np.float64)


def _identity(z):
    return z, lambda da: da


def _sigmoid(z):
    # exp(-z) overflows to inf for z < -709, and 1 / (1 + inf) is then 0. The true value is below the smallest
    # normal number, so there is no need to clip, only to silence the warning (callers do).
    np.exp(np.negative(z, out=z), out=z)
    z += 1
    a = np.reciprocal(z, out=z)

    def backward(da):
        da *= a
        da *= np.subtract(1, a, out=a)
        return da

    return a, backward


def _tanh(z):
    a = np.tanh(z, out=z)

    def backward(da):
        np.multiply(a, a, out=a)
        np.subtract(1, a, out=a)
        da *= a
        return da

    return a, backward


def _relu(z):
    # A row of zeros, because NumPy compares two arrays three times as fast as an array and a number.
    a = np.maximum(z, np.zeros(z.shape[-1:], z.dtype), out=z)

    def backward(da):
        da *= a > 0  # 1 where the unit is active, 0 where it is not
        return da

    return a, backward


LEAK = 0.01


def _leaky_relu(z):
    a = np.maximum(z, LEAK * z, out=z)  # needs no mask, because 0 < LEAK < 1

    def backward(da):
        np.sign(a, out=a)
        da *= np.maximum(a, LEAK, out=a)  # 1 where the unit is active, LEAK where it is not
        return da

    return a, backward


def _softmax(z):
    z -= z.max(axis=-2, keepdims=True)  # per sample: the largest exponent becomes 0, so nothing overflows
    np.exp(z, out=z)
    z /= z.sum(axis=-2, keepdims=True)
    a = z

    def backward(da):
        da -= (da * a).sum(axis=-2, keepdims=True)
        da *= a
        return da

    return a, backward


identity = Activation("identity", _identity)
"""`z` itself: for outputs that are numbers, and for logits."""
sigmoid = Activation("sigmoid", _sigmoid, bounds=(0, 1))
"""`1 / (1 + exp(-z))`, between 0 and 1; flat, and slow to learn, where `z` is far from 0."""
tanh = Activation("tanh", _tanh, bounds=(-1, 1))
"""The hyperbolic tangent, between -1 and 1: a sigmoid that is centered on 0."""
relu = Activation("relu", _relu, bounds=(0, math.inf))
"""`max(z, 0)`. Nair & Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010)."""
leaky_relu = Activation("leaky_relu", _leaky_relu)
"""`z` above 0, and `0.01 z` below: a relu that cannot die. Maas, Hannun & Ng, "Rectifier nonlinearities improve
neural network acoustic models" (2013)."""
softmax = Activation("softmax", _softmax, elementwise=False, bounds=(0, 1))
"""`exp(z)` divided by its sum over the units: probabilities of classes."""

ACTIVATIONS = {f.name: f for f in (identity, sigmoid, tanh, relu, leaky_relu, softmax)}


def get_activation(name):
    """The activation of that name; an `Activation` is returned as it is."""
    return name if isinstance(name, Activation) else look_up("activation", ACTIVATIONS, name)
