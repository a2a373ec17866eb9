"""Layers: what a network is made of.

Arrays between layers have shape `(..., units + 1, n)`: one row per unit, one column per sample, and a last
row of ones. The row of ones makes the bias one more weight, `[W; b]`: a single matrix product then computes
`X @ W + b`, and a single one the gradients of both. Samples lie next to each other in memory, because a
hidden layer of 8 is too short for NumPy's loops, and 500 samples are not. (Users see samples in rows; the
network transposes at its border.) Leading axes, if any, number the replicates.
"""

import numpy as np

from nnlib.activations import get_activation
from nnlib.checks import overwrite, positive_int
from nnlib.initializers import get_initializer


class Dense:
    """A fully connected layer: `activation(X @ W + b)`.

    Parameters
    ----------
    units : int
        Number of outputs.
    activation : str or Activation, default "identity"
    init : str or callable, optional
        Initializer of `W`, a name or `f(rng, fan_in, fan_out)`. By default he for relu and leaky relu,
        xavier for everything else. Biases start at zero.

    Attributes
    ----------
    W, b : ndarray
        Weights `(..., fan_in, units)` and biases `(..., units)` of a layer in `network.layers`: views of the
        network's parameter vector. New values are copied into it.

    Examples
    --------
    >>> import nnlib as nn
    >>> nn.Dense(8, "tanh")
    Dense(8, 'tanh')
    """

    def __init__(self, units, activation="identity", init=None):
        self.units = positive_int("units", units)
        self.activation = get_activation(activation)
        if init is None:
            init = "he" if self.activation.name in ("relu", "leaky_relu") else "xavier"
        self.init = get_initializer(init)

    def build(self, fan_in):
        """Take note of the number of inputs; return the number of parameters."""
        self.fan_in = fan_in
        return (fan_in + 1) * self.units

    def bind(self, theta, grad):
        """Make the parameters and gradients views of `theta` and `grad`, shape `(..., size)`."""
        shape = (*theta.shape[:-1], self.fan_in + 1, self.units)
        self._theta, self._grad = theta.reshape(shape), grad.reshape(shape)
        self._W = self._theta[..., :-1, :]

    # Properties, because a plain attribute that is assigned to would leave the network's vector.
    @property
    def W(self):
        return self._bound()[..., :-1, :]

    @W.setter
    def W(self, values):
        overwrite("W", self.W, values)

    @property
    def b(self):
        return self._bound()[..., -1, :]

    @b.setter
    def b(self, values):
        overwrite("b", self.b, values)

    def _bound(self):
        if not hasattr(self, "_theta"):
            raise AttributeError(
                f"{self!r} has no weights; networks copy the layers they are given: see network.layers."
            )
        return self._theta

    def __getstate__(self):
        # A copy or a pickle without the views: the network that it comes into binds it to its own vectors.
        return {name: value for name, value in self.__dict__.items() if name not in ("_theta", "_grad", "_W")}

    def draw(self, rng):
        """New parameters of one network, flat, shape `(size,)`."""
        W = np.asarray(self.init(rng, self.fan_in, self.units))
        if W.shape != (self.fan_in, self.units):
            raise ValueError(
                f"the initializer of {self!r} returned shape {W.shape}; expected (fan_in, fan_out) = "
                f"({self.fan_in}, {self.units})."
            )
        return np.concatenate([W.ravel(), np.zeros(self.units)])

    def allocate(self, lead, n, dtype, gradient=True):
        """The arrays that one pass over `n` samples needs, for leading axes `lead`."""
        return DenseBuffers(lead, self.units, n, dtype, gradient)

    def forward(self, inputs, buffers):
        """Outputs `(..., units + 1, n)` from inputs `(..., fan_in + 1, n)`."""
        np.matmul(self._theta.swapaxes(-1, -2), inputs, out=buffers.activations)
        self.activation.forward(buffers.activations)
        return buffers.outputs

    def backward(self, inputs, buffers, previous=None):
        """Gradients of the parameters, and of the layer before into `previous`.

        `buffers.gradient` holds the gradient by this layer's activations and is overwritten.
        """
        dz = buffers.gradient
        self.activation.backward(buffers.activations, dz)
        np.matmul(inputs, dz.swapaxes(-1, -2), out=self._grad)
        if previous is None:
            return
        if self.units == 1:  # an outer product: the same numbers, but NumPy hands no such product to BLAS
            np.multiply(self._W, dz, out=previous)
        else:
            np.matmul(self._W, dz, out=previous)

    def __repr__(self):
        return f"Dense({self.units}, {self.activation.name!r})"


class DenseBuffers:
    """Room for one pass through a `Dense` layer; without `gradient`, for the way forward only."""

    def __init__(self, lead, units, n, dtype, gradient):
        self.outputs = np.empty((*lead, units + 1, n), dtype)
        self.outputs[..., -1, :] = 1
        self.activations = self.outputs[..., :-1, :]
        self.gradient = np.empty((*lead, units, n), dtype) if gradient else None
