"""Layers: what a network is made of. Each goes forward, and returns its own way back.

`forward(x, training)` takes the outputs of the layer before, and returns its own and a function `backward(da)`: that
takes the gradient of the loss by these outputs, writes the gradients of the layer's parameters, and returns the
gradient by `x`. Whatever the way back needs, it finds in the variables of `forward`.

Arrays between layers have shape `(..., units, n)`: one row per unit, one column per sample. Samples lie next to
each other in memory, because a hidden layer of 8 is too short for NumPy's loops, and 500 samples are not. (Users see
samples in rows; the network transposes at its border.) Leading axes, if any, number the replicates; `.mT` swaps the
last two.
"""

import math
from types import MappingProxyType

import numpy as np

from nnlib.activations import get_activation
from nnlib.initializers import get_bias_initializer, get_initializer
from nnlib.run.checks import overwrite, positive_int


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
    parts, gradients : dict of arrays
        Parameters and state, and the gradients of the parameters: views of the network's vectors, of the shapes above
        behind the axis of replicates, if there is one. They are attributes too, the gradient of `W` as `dW`; what is
        assigned to one of these is copied into the vector.
    generators : list of Generator
        For random layers: one for each network of a stack.
    first : bool
        Whether nothing comes before, so that nobody needs the gradient by the inputs.

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
    ...     def forward(self, x, training):
    ...         def backward(da):
    ...             self.dgain = (x * da).sum(axis=(-1, -2))[..., None]
    ...             return da * self.gain[..., None]
    ...
    ...         return x * self.gain[..., None], backward
    >>> network = nn.Network(2, [Gain(), nn.Dense(1)], loss="squared_error", rng=0)
    >>> nn.check_gradient(network, [[1.0, 2.0]], [3.0], rng=0) < 1e-7
    True
    """

    shapes = state_shapes = views = MappingProxyType({})  # read-only, because all layers share it
    decayed, random = (), False

    def build(self, fan_in):
        """Take note of the number of inputs; set `units`, `shapes` and `state_shapes`."""
        self.fan_in = self.units = fan_in

    def bind(self, theta, grad, state, generators, first):
        """Keep views of this layer's part of the network's vectors: it is what they begin with."""
        self.lead, self.dtype, self.product = theta.shape[:-1], theta.dtype, _product if theta.ndim == 1 else _products
        self.generators, self.first, self.kept = generators, first, {}
        self.parts = views(theta, self.shapes) | views(state, self.state_shapes)
        self.gradients = views(grad, self.shapes)
        self.views = self.parts | {f"d{name}": gradient for name, gradient in self.gradients.items()}
        self.__dict__.update(self.views)

    def __setattr__(self, name, values):
        if name in self.views:
            overwrite(name, self.views[name], values)
        else:
            super().__setattr__(name, values)

    def __getattr__(self, name):  # only asked for what is not there
        hint = " Networks copy their layers, and only those copies have weights: see network.layers."
        raise AttributeError(f"this {type(self).__name__} has no {name}.{'' if 'lead' in self.__dict__ else hint}")

    def draw(self, rng):
        """The start of one network: its parameters, and the state of what has seen nothing, as a dict of arrays."""
        return {}

    def forward(self, x, training):
        """Outputs `(..., units, n)` of inputs `(..., fan_in, n)`, and the way back.

        `x` must stay as it is. The way back, `backward(da)`, may overwrite `da`; what it returns, the layer before may
        overwrite in turn.
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward(x, training): see the example of nn.Layer.")

    def arrays(self, n, training):
        """In training, arrays for outputs and gradient that serve at every step: new ones cost more than arithmetic.

        Predictions need new ones, as many threads may ask at a time: None lets NumPy make them.
        """
        if not training:
            return None, None
        if n not in self.kept:
            self.kept.clear()
            # Where samples are fewer than units, the units of a sample lie together: BLAS is up to 5 % faster there.
            shapes = [(*self.lead, rows, n) for rows in (self.units, 0 if self.first else self.fan_in)]
            self.kept[n] = [np.empty(s, self.dtype, "F" if n <= s[0] and len(s) == 2 else "C") for s in shapes]
        return self.kept[n]

    def config(self):
        """What `type(layer)(**config)` needs to make this layer again, in strings and numbers."""
        return {}

    def __getstate__(self):
        # A copy or a pickle without the views: the network that it comes into binds it to its own vectors.
        return {name: value for name, value in self.__dict__.items() if name not in (*self.views, *_BOUND)}

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(repr(value) for value in self.config().values())})"


# What `bind` sets, beside the views.
_BOUND = "views", "parts", "gradients", "lead", "dtype", "product", "generators", "first", "kept"


def size(shapes):
    """How many numbers `shapes` hold."""
    return sum(math.prod(shape) for shape in shapes.values())


def views(vector, shapes):
    """What `vector`, shape `(..., size or more)`, begins with, as a dict of views in the shapes of a layer."""
    stops = np.cumsum([math.prod(shape) for shape in shapes.values()], dtype=int)
    pairs = zip(shapes.items(), np.split(vector, stops, axis=-1))
    return {name: part.reshape((*vector.shape[:-1], *shape)) for (name, shape), part in pairs}


def _product(a, b, out=None):
    if out is None or out.flags.c_contiguous:
        return np.dot(a, b, out=out)
    return np.dot(b.T, a.T, out=out.T).T


def _products(a, b, out=None):
    # NumPy hands no outer products of a stack to BLAS, and broadcasting is faster than what it does instead.
    return (np.multiply if a.shape[-1] == 1 and b.ndim > 1 else np.matmul)(a, b, out=out)


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
    bias_init : str or callable, optional
        "zeros" (the default), "normal" or "uniform", or `f(rng, fan_in, units)` that returns them, shape `(units,)`.

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

    def __init__(self, units, activation="identity", init=None, bias_init=None):
        self.units, self.activation = positive_int("units", units), get_activation(activation)
        by_default = "he" if self.activation.name in ("relu", "leaky_relu") else "xavier"
        self.init = get_initializer(by_default if init is None else init)
        self.bias_init = None if bias_init is None else get_bias_initializer(bias_init)

    def build(self, fan_in):
        self.fan_in = fan_in
        self.shapes = {"W": (fan_in, self.units), "b": (self.units,)}

    def draw(self, rng):
        W = self.init(rng, self.fan_in, self.units)
        return {"W": W, "b": self.bias_init(rng, self.fan_in, self.units) if self.bias_init else np.zeros(self.units)}

    def forward(self, x, training):
        z, dx = self.arrays(x.shape[-1], training)
        z = self.product(self.W.mT, x, out=z)
        z += self.b[..., None]
        a, undo = self.activation.forward(z)

        def backward(da):
            dz = undo(da)
            self.product(x, dz.mT, out=self.dW)
            self.product(dz, np.ones(dz.shape[-1], dz.dtype), out=self.db)  # the sum over the samples: BLAS adds faster
            return None if self.first else self.product(self.W, dz, out=dx)

        return a, backward

    def config(self):
        return {"units": self.units, "activation": self.activation.name}


LAYERS = {"Dense": Dense}
"""The layers that files may name."""
