"""Layers: what a network is made of.

Arrays between layers have shape `(..., units + 1, n)`: one row per unit, one column per sample, and a last
row of ones. The row of ones makes the bias one more weight, `[W; b]`: a single matrix product then computes
`X @ W + b`, and a single one the gradients of both. Samples lie next to each other in memory, because a
hidden layer of 8 is too short for NumPy's loops, and 500 samples are not. (Users see samples in rows; the
network transposes at its border.) Leading axes, if any, number the replicates.
"""

import math

import numpy as np

from nnlib.activations import get_activation
from nnlib.checks import overwrite, positive, positive_int, share
from nnlib.initializers import get_initializer


class Part:
    """An attribute of a layer that is a view of a vector of its network. New values are copied into the vector."""

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, layer, owner):
        if layer is None:
            return self
        if not hasattr(layer, "parts"):
            raise AttributeError(
                f"{layer!r} has no weights; networks copy the layers they are given: see network.layers."
            )
        return layer.parts[self.name]

    def __set__(self, layer, values):
        overwrite(self.name, self.__get__(layer, type(layer)), values)


class Layer:
    """What all layers share. A layer of your own overrides what differs.

    Attributes
    ----------
    shapes : dict
        Names and shapes of the trained parameters of one network, in the order in which they lie in `theta`.
    state_shapes : dict
        The same for numbers that are kept but not trained, which lie in `state`.
    decayed : tuple of str
        The parameters that weight decay applies to.
    random : bool
        Whether training draws random numbers.

    Examples
    --------
    A layer that multiplies by a number, and learns it:

    >>> import numpy as np
    >>> import nnlib as nn
    >>> class Gain(nn.Layer):
    ...     def build(self, fan_in):
    ...         super().build(fan_in)
    ...         self.shapes = {"gain": (1,)}
    ...
    ...     def draw(self, rng):
    ...         return {"gain": np.ones(1)}
    ...
    ...     def forward(self, inputs, buffers, training):
    ...         np.multiply(inputs[..., :-1, :], self.parts["gain"][..., None], out=buffers.activations)
    ...         return buffers.outputs
    ...
    ...     def backward(self, inputs, buffers, previous=None):
    ...         d = buffers.gradient
    ...         np.sum(inputs[..., :-1, :] * d, axis=(-1, -2), out=self.gradients["gain"][..., 0])
    ...         if previous is not None:
    ...             np.multiply(d, self.parts["gain"][..., None], out=previous)
    >>> network = nn.Network(2, [Gain(), nn.Dense(1)], loss="squared_error", rng=0)
    >>> nn.check_gradient(network, [[1.0, 2.0]], [3.0], rng=0) < 1e-7
    True
    """

    shapes, state_shapes = {}, {}
    decayed = ()
    random = False

    def build(self, fan_in):
        """Take note of the number of inputs; set `units`, `shapes` and `state_shapes`."""
        self.fan_in = self.units = fan_in

    def bind(self, theta, grad, state, generators):
        """Keep views of this layer's part of the network's vectors, each of shape `(..., size)`."""
        self.parts = views(theta, self.shapes) | views(state, self.state_shapes)
        self.gradients = views(grad, self.shapes)
        self.generators = generators

    def draw(self, rng):
        """New parameters of one network, a dict of arrays."""
        return {}

    def initial_state(self):
        """The state of a network that has seen nothing, a dict of arrays."""
        return {}

    def allocate(self, lead, n, dtype, gradient=True):
        """The arrays that one pass over `n` samples needs, for leading axes `lead`."""
        return Buffers(lead, self.units, n, dtype, gradient)

    def forward(self, inputs, buffers, training):
        """Outputs `(..., units + 1, n)` from inputs `(..., fan_in + 1, n)`."""
        raise NotImplementedError(
            f"{type(self).__name__} has no forward(inputs, buffers, training): write one, as in the example of Layer."
        )

    def backward(self, inputs, buffers, previous=None):
        """Gradients of the parameters into `gradients`, and of the layer before into `previous`.

        `buffers.gradient` holds the gradient by this layer's activations and is overwritten.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no backward(inputs, buffers, previous=None): write one, as in the example of "
            "nn.Layer."
        )

    def config(self):
        """What `type(layer)(**config)` needs to make this layer again, in strings and numbers."""
        return {}

    def __getstate__(self):
        # A copy or a pickle without the views: the network that it comes into binds it to its own vectors.
        return {name: value for name, value in self.__dict__.items() if name not in _BOUND}

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(repr(value) for value in self.config().values())})"


_BOUND = ("parts", "gradients", "generators", "_matrix", "_matrix_gradient", "_W", "_transposed", "_product", "_wide")


class Buffers:
    """Room for one pass through a layer; without `gradient`, for the way forward only."""

    def __init__(self, lead, units, n, dtype, gradient):
        self.outputs = np.empty((*lead, units + 1, n), dtype)
        self.outputs[..., -1, :] = 1
        self.activations = self.outputs[..., :-1, :]
        # A second row of zeros makes an outer product a matrix product: see Dense.backward.
        rows = np.zeros((*lead, max(units, 2), n), dtype) if gradient else None
        self.gradient, self.wide = (rows[..., :units, :], rows) if gradient else (None, None)


def size(shapes):
    """How many numbers `shapes` hold."""
    return sum(math.prod(shape) for shape in shapes.values())


def views(vector, shapes):
    """The parts of `vector`, shape `(..., size)`, as a dict of views in the shapes of a layer."""
    parts, start = {}, 0
    for name, shape in shapes.items():
        stop = start + math.prod(shape)
        parts[name] = vector[..., start:stop].reshape(*vector.shape[:-1], *shape)
        start = stop
    return parts


class Dense(Layer):
    """A fully connected layer: `activation(X @ W + b)`.

    Parameters
    ----------
    units : int
        Number of outputs.
    activation : str or Activation, default "identity"
    init : str or callable, optional
        Initializer of `W`, a name or `f(rng, fan_in, fan_out)`. By default he for relu and leaky relu,
        xavier for everything else.
    bias_init : callable, optional
        `f(rng, fan_in, units)` returns the biases, shape `(units,)`; by default they are zero.

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

    decayed = ("W",)
    W, b = Part(), Part()

    def __init__(self, units, activation="identity", init=None, bias_init=None):
        self.units = positive_int("units", units)
        self.activation = get_activation(activation)
        if init is None:
            init = "he" if self.activation.name in ("relu", "leaky_relu") else "xavier"
        self.init, self.bias_init = get_initializer(init), bias_init
        if bias_init is not None and not callable(bias_init):
            raise TypeError(f"bias_init must be a function f(rng, fan_in, units), not {bias_init!r}.")

    def build(self, fan_in):
        self.fan_in = fan_in
        self.shapes = {"W": (fan_in, self.units), "b": (self.units,)}

    def bind(self, theta, grad, state, generators):
        super().bind(theta, grad, state, generators)
        shape = (*theta.shape[:-1], self.fan_in + 1, self.units)
        self._matrix, self._matrix_gradient = theta.reshape(shape), grad.reshape(shape)
        self._W, self._transposed = self._matrix[..., :-1, :], self._matrix.swapaxes(-1, -2)
        self._product = np.matmul if theta.ndim > 1 else np.dot  # the same, but dot begins sooner
        self._wide = np.zeros((*theta.shape[:-1], self.fan_in, 2), theta.dtype) if self.units == 1 else None

    def draw(self, rng):
        W = np.asarray(self.init(rng, self.fan_in, self.units))
        if W.shape != self.shapes["W"]:
            raise ValueError(
                f"the initializer of {self!r} returned shape {W.shape}; expected (fan_in, fan_out) = "
                f"{self.shapes['W']}."
            )
        b = np.zeros(self.units) if self.bias_init is None else self.bias_init(rng, self.fan_in, self.units)
        return {"W": W, "b": b}

    def forward(self, inputs, buffers, training):
        self._product(self._transposed, inputs, out=buffers.activations)
        self.activation.forward(buffers.activations)
        return buffers.outputs

    def backward(self, inputs, buffers, previous=None):
        dz = buffers.gradient
        self.activation.backward(buffers.activations, dz)
        self._product(inputs, dz.swapaxes(-1, -2), out=self._matrix_gradient)
        if previous is None:
            return
        if self.units == 1:  # NumPy hands no outer product to BLAS; with a column of zeros it is a product of matrices
            np.copyto(self._wide[..., :1], self._W)
            self._product(self._wide, buffers.wide, out=previous)
        else:
            self._product(self._W, dz, out=previous)

    def config(self):
        return {"units": self.units, "activation": self.activation.name}


class Dropout(Layer):
    """In training, each input is set to zero with probability `rate`, anew for each sample and step.

    What is left is divided by `1 - rate` ("inverted" dropout), so that nothing needs to be scaled when the
    network predicts: there the layer does nothing.

    Parameters
    ----------
    rate : float in [0, 1)

    Raises
    ------
    ValueError
        If the rate is not in that range.

    Notes
    -----
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014). The random
    numbers come from a generator that the network draws from its `rng`, one for each network of a stack.

    Examples
    --------
    >>> import nnlib as nn
    >>> layers = [nn.Dense(8, "relu"), nn.Dropout(0.5), nn.Dense(1)]
    >>> network = nn.Network(2, layers, loss="binary_cross_entropy", rng=0)
    >>> X, y = [[0.0, 1.0]], [1]
    >>> bool(network.loss(X, y) == network.loss(X, y, training=True))
    False
    """

    random = True

    def __init__(self, rate):
        self.rate = share("rate", rate)

    def allocate(self, lead, n, dtype, gradient=True):
        buffers = super().allocate(lead, n, dtype, gradient)
        buffers.factor = np.empty(buffers.activations.shape, dtype)
        return buffers

    def forward(self, inputs, buffers, training):
        buffers.drops = training and self.rate > 0
        if not buffers.drops:
            return inputs
        factor = buffers.factor
        # One generator per network, so that each of a stack draws what it would draw alone.
        for generator, part in zip(self.generators, factor.reshape(len(self.generators), -1)):
            generator.random(dtype=part.dtype, out=part)
        np.greater_equal(factor, self.rate, out=factor)
        factor *= 1 / (1 - self.rate)
        np.multiply(inputs[..., :-1, :], factor, out=buffers.activations)
        return buffers.outputs

    def backward(self, inputs, buffers, previous=None):
        if previous is not None:
            np.multiply(buffers.gradient, buffers.factor if buffers.drops else 1, out=previous)

    def config(self):
        return {"rate": self.rate}


class BatchNorm(Layer):
    """Each unit gets mean 0 and variance 1 over the batch; then a learned scale and shift, then an activation.

    In training, mean and variance are those of the batch (sample weights play no part), and running means of both
    are kept. When the network predicts, the running means are used, and so they are in training for a batch of one
    sample, which has no variance.

    Parameters
    ----------
    activation : str or Activation, default "identity"
        Applied last. The layer before, if it is `Dense`, then needs none.
    momentum : float in [0, 1), default 0.9
        How much of the running means is kept at each step.
    epsilon : float, default 1e-5
        Added to the variance.

    Attributes
    ----------
    gamma, beta : ndarray of shape (..., units)
        Scale and shift: trained.
    mean, variance : ndarray of shape (..., units)
        Running means: kept in `network.state`, not trained. The variance is the unbiased one, as in PyTorch.

    Notes
    -----
    Ioffe & Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate
    shift" (2015), algorithms 1 and 2.

    Examples
    --------
    >>> import nnlib as nn
    >>> layers = [nn.Dense(8), nn.BatchNorm("relu"), nn.Dense(1)]
    >>> network = nn.Network(2, layers, loss="squared_error", rng=0)
    >>> history = nn.train(network, [[0.0, 1.0], [4.0, 3.0]], [0.0, 1.0], nn.SGD(0.1), epochs=5)
    >>> network.layers[1].mean.shape
    (8,)
    """

    gamma, beta, mean, variance = Part(), Part(), Part(), Part()

    def __init__(self, activation="identity", momentum=0.9, epsilon=1e-5):
        self.activation = get_activation(activation)
        self.momentum = share("momentum", momentum)
        self.epsilon = positive("epsilon", epsilon)

    def build(self, fan_in):
        super().build(fan_in)
        self.shapes = {"gamma": (fan_in,), "beta": (fan_in,)}
        self.state_shapes = {"mean": (fan_in,), "variance": (fan_in,)}

    def draw(self, rng):
        return {"gamma": np.ones(self.units), "beta": np.zeros(self.units)}

    def initial_state(self):
        return {"mean": np.zeros(self.units), "variance": np.ones(self.units)}

    def allocate(self, lead, n, dtype, gradient=True):
        buffers = super().allocate(lead, n, dtype, gradient)
        buffers.normal = np.empty(buffers.activations.shape, dtype)
        return buffers

    def forward(self, inputs, buffers, training):
        x, normal, a = inputs[..., :-1, :], buffers.normal, buffers.activations
        n = x.shape[-1]
        training = training and n > 1
        if training:
            mean = x.mean(axis=-1)
            np.subtract(x, mean[..., None], out=normal)
            variance = np.multiply(normal, normal, out=a).sum(axis=-1) / n
            for running, new in ((self.mean, mean), (self.variance, variance * (n / (n - 1)))):
                running *= self.momentum
                running += (1 - self.momentum) * new
        else:
            variance = self.variance
            np.subtract(x, self.mean[..., None], out=normal)
        buffers.training, buffers.inverse = training, 1 / np.sqrt(variance + self.epsilon)
        normal *= buffers.inverse[..., None]
        np.multiply(normal, self.gamma[..., None], out=a)
        a += self.beta[..., None]
        self.activation.forward(a)
        return buffers.outputs

    def backward(self, inputs, buffers, previous=None):
        d, normal, room = buffers.gradient, buffers.normal, buffers.activations
        self.activation.backward(buffers.activations, d)
        dbeta, dgamma = self.gradients["beta"], self.gradients["gamma"]
        d.sum(axis=-1, out=dbeta)
        np.multiply(d, normal, out=room).sum(axis=-1, out=dgamma)
        if previous is None:
            return
        if buffers.training:  # mean and variance depend on every sample of the batch
            n = d.shape[-1]
            normal *= (dgamma / n)[..., None]
            d -= normal
            d -= (dbeta / n)[..., None]
        np.multiply(d, (self.gamma * buffers.inverse)[..., None], out=previous)

    def config(self):
        return {"activation": self.activation.name, "momentum": self.momentum, "epsilon": self.epsilon}


LAYERS = {layer.__name__: layer for layer in (Dense, Dropout, BatchNorm)}
