"""Starting weights: each initializer is a function of `(rng, fan_in, fan_out)`.

`fan_in` is the number of inputs of a unit, `fan_out` the number of units; the result has shape
`(fan_in, fan_out)`. `rng` is a `numpy.random.Generator` or, to repeat an old tutorial's numbers, a
`numpy.random.RandomState`. Biases start at zero. The functions that draw are at module level, not inside
the public ones, so that a network can be pickled.
"""

import numbers
from functools import partial

import numpy as np

from nnlib.run.checks import look_up, positive


def normal(scale=0.01):
    """Normal distribution with mean 0 and standard deviation `scale`.

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> nn.normal(0.5)(np.random.default_rng(0), 2, 3).shape
    (2, 3)
    """
    return partial(_normal, positive("scale", scale))


def _normal(scale, rng, fan_in, fan_out):
    return rng.standard_normal((fan_in, fan_out)) * scale


def uniform(low=0.0, high=1.0):
    """Uniform distribution on `[low, high)`.

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> W = nn.uniform(-1, 1)(np.random.default_rng(0), 20, 10)
    >>> bool((abs(W) <= 1).all() and (W < 0).any())
    True
    """
    if not all(isinstance(bound, numbers.Real) and np.isfinite(bound) for bound in (low, high)) or not low < high:
        raise ValueError(f"uniform needs finite numbers low < high, not low={low!r} and high={high!r}.")
    return partial(_uniform, low, high)


def _uniform(low, high, rng, fan_in, fan_out):
    return rng.uniform(low, high, (fan_in, fan_out))


def xavier():
    """Uniform with variance `2 / (fan_in + fan_out)`: keeps the size of signals and gradients in tanh layers.

    Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks"
    (2010), equation 16.

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> W = nn.xavier()(np.random.default_rng(0), 300, 500)
    >>> float(W.var().round(4)), 2 / (300 + 500)
    (0.0025, 0.0025)
    """
    return _xavier


def _xavier(rng, fan_in, fan_out):
    bound = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, (fan_in, fan_out))


def he():
    """Normal with variance `2 / fan_in`: as xavier, but for relu layers, which silence half of their units.

    He et al., "Delving deep into rectifiers" (2015), equation 10.

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> W = nn.he()(np.random.default_rng(0), 200, 500)
    >>> float(W.var().round(4)), 2 / 200
    (0.01, 0.01)
    """
    return _he


def _he(rng, fan_in, fan_out):
    return rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / fan_in)


def zeros():
    """All weights zero: the start from which hidden units can never become different.

    Examples
    --------
    >>> import nnlib as nn
    >>> network = nn.Network(2, [nn.Dense(3, "tanh", "zeros"), nn.Dense(1, init="zeros")], loss="squared_error", rng=0)
    >>> history = nn.train(network, [[0.0, 1.0], [1.0, 3.0]], [1.0, 5.0], nn.SGD(0.1), epochs=100)
    >>> network.layers[0].W
    array([[0., 0., 0.],
           [0., 0., 0.]])
    """
    return _zeros


def _zeros(rng, fan_in, fan_out):
    return np.zeros((fan_in, fan_out))


INITIALIZERS = {"normal": normal, "uniform": uniform, "xavier": xavier, "he": he, "zeros": zeros}


def get_initializer(init):
    """The initializer itself, from a name or a function of `(rng, fan_in, fan_out)`."""
    if any(init is factory for factory in INITIALIZERS.values()):
        raise ValueError(f"init={init.__name__} is not an initializer yet: write {init.__name__}(), with parentheses.")
    return init if callable(init) else look_up("initializer", INITIALIZERS, init)()


def get_bias_initializer(init):
    """A function of `(rng, fan_in, units)` that returns biases, shape `(units,)`, from a name or such a function."""
    if callable(init):
        return init
    # Xavier's and He's variances are those of sums of weights; a bias is not in the sum.
    names = {name: INITIALIZERS[name] for name in ("zeros", "normal", "uniform")}
    return partial(_row, look_up("initializer of biases", names, init)())


def _row(init, rng, fan_in, units):
    return init(rng, 1, units)[0]
