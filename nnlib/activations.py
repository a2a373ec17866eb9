"""Activation functions: each a forward pass and the way back, both in place.

The way back needs the function's output only, never its input: the derivative of the sigmoid is
`a * (1 - a)`, that of tanh `1 - a**2`, that of the relu 1 where `a > 0`. So a network stores one array
per layer, not two.

Formulas: Goodfellow, Bengio & Courville, *Deep Learning* (2016), sections 6.2 and 6.3.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnlib.checks import look_up, real_array

# Saturated sigmoids and diverged networks overflow: the first give 0, as they should, the second are reported by
# `train`.
quiet = np.errstate(over="ignore", under="ignore", invalid="ignore")


@dataclass(frozen=True)
class Activation:
    """A function applied to the weighted sums of a layer.

    Call it on an array, samples in rows, and get a new array; the two fields below are what a network
    uses inside, on arrays of shape `(..., units, n)`, to work without temporary copies.

    Parameters
    ----------
    name : str
    forward : callable
        `forward(z)` overwrites `z`, shape `(..., units, n)`, with the activations.
    backward : callable
        `backward(a, da)` overwrites `da`, the gradient of the loss by the activations `a`, with the
        gradient by the weighted sums. It may overwrite `a` too: nobody needs it after that.
    elementwise : bool
        False for the softmax, in which every unit depends on all others.

    Examples
    --------
    >>> import nnlib as nn
    >>> nn.sigmoid([-5.0, 0.0, 5.0]).round(4)
    array([0.0067, 0.5   , 0.9933])
    >>> nn.sigmoid.derivative(nn.sigmoid([0.0]))
    array([0.25])
    """

    name: str
    forward: Callable
    backward: Callable
    elementwise: bool = True

    @quiet
    def __call__(self, z):
        """Activations of `z`, shape `(..., n, units)` or any other for an elementwise function."""
        a = _float_copy(z)
        self.forward(a if self.elementwise else np.atleast_2d(a).swapaxes(-1, -2))
        return a

    def derivative(self, a):
        """Derivative at the point where the output is `a`, same shape; from the output, not the input.

        Raises
        ------
        ValueError
            For the softmax: its derivative is a matrix per sample, not a number per unit.
        """
        if not self.elementwise:
            raise ValueError(
                f"{self.name} has no derivative per unit: each of its outputs depends on every input. "
                "Use backward(a, da), which multiplies by its Jacobian in place; both have shape (..., units, n)."
            )
        a = _float_copy(a)
        da = np.ones_like(a)
        self.backward(a, da)
        return da

    def __repr__(self):
        return f"<activation {self.name}>"


def _float_copy(values):
    values = real_array(values, "z")
    return values.astype(np.result_type(values, np.float32) if values.dtype.kind == "f" else np.float64)


def _identity_forward(z):
    pass


def _identity_backward(a, da):
    pass


def _sigmoid_forward(z):
    # exp(-z) overflows to inf for z < -709, and 1 / (1 + inf) is then 0. The true value is below the smallest
    # normal number, so there is no need to clip, only to silence the warning (callers do).
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1
    np.reciprocal(z, out=z)


def _sigmoid_backward(a, da):
    da *= a
    np.subtract(1, a, out=a)
    da *= a


def _tanh_forward(z):
    np.tanh(z, out=z)


def _tanh_backward(a, da):
    a *= a
    np.subtract(1, a, out=a)
    da *= a


def _relu_forward(z):
    # A row of zeros, because NumPy compares two arrays three times as fast as an array and a number.
    np.maximum(z, np.zeros(z.shape[-1:], z.dtype), out=z)


def _relu_backward(a, da):
    da *= a > 0  # 1 where the unit is active, 0 where it is not


def _softplus_forward(z):
    np.logaddexp(0, z, out=z)


def _softplus_backward(a, da):
    # softplus'(z) = sigmoid(z) = 1 - exp(-a), without the cancellation for small a.
    np.negative(a, out=a)
    np.expm1(a, out=a)
    da *= a
    np.negative(da, out=da)


def _exponential_forward(z):
    np.exp(z, out=z)


def _exponential_backward(a, da):
    da *= a


LEAK = 0.01


def _leaky_relu_forward(z):
    # max(z, LEAK * z) needs no mask, because 0 < LEAK < 1.
    np.maximum(z, LEAK * z, out=z)


def _leaky_relu_backward(a, da):
    np.sign(a, out=a)
    np.maximum(a, LEAK, out=a)  # 1 where the unit is active, LEAK where it is not
    da *= a


def _softmax_forward(z):
    z -= z.max(axis=-2, keepdims=True)  # per sample: the largest exponent becomes 0, so nothing overflows
    np.exp(z, out=z)
    z /= z.sum(axis=-2, keepdims=True)


def _softmax_backward(a, da):
    da -= (da * a).sum(axis=-2, keepdims=True)
    da *= a


identity = Activation("identity", _identity_forward, _identity_backward)
"""`z` itself: for outputs that are numbers, and for logits."""
sigmoid = Activation("sigmoid", _sigmoid_forward, _sigmoid_backward)
"""`1 / (1 + exp(-z))`, between 0 and 1; flat, and slow to learn, where `z` is far from 0."""
tanh = Activation("tanh", _tanh_forward, _tanh_backward)
"""The hyperbolic tangent, between -1 and 1: a sigmoid that is centered on 0."""
relu = Activation("relu", _relu_forward, _relu_backward)
"""`max(z, 0)`. Nair & Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010)."""
leaky_relu = Activation("leaky_relu", _leaky_relu_forward, _leaky_relu_backward)
"""`z` above 0, and `0.01 z` below: a relu that cannot die. Maas, Hannun & Ng, "Rectifier nonlinearities improve
neural network acoustic models" (2013)."""
softplus = Activation("softplus", _softplus_forward, _softplus_backward)
"""`log(1 + exp(z))`, a smooth relu. Dugas et al., "Incorporating second-order functional knowledge" (2001)."""
# The link of the Poisson loss. As an activation of hidden layers it overflows, so it has no name there.
exponential = Activation("exponential", _exponential_forward, _exponential_backward)
softmax = Activation("softmax", _softmax_forward, _softmax_backward, elementwise=False)
"""`exp(z)` divided by its sum over the units: probabilities of classes."""

ACTIVATIONS = {f.name: f for f in (identity, sigmoid, tanh, relu, leaky_relu, softplus, softmax)}


def get_activation(name):
    """The activation of that name; an `Activation` is returned as it is."""
    return name if isinstance(name, Activation) else look_up("activation", ACTIVATIONS, name)
