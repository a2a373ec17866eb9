"""Dropout and batch normalization: layers that do something else in training than when the network predicts."""

import numpy as np

from nnlib.activations import get_activation
from nnlib.layers import LAYERS, Layer
from nnlib.run.checks import positive, share


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

    def forward(self, x, training):
        if not training or self.rate == 0:
            return x, lambda da: da
        factor = np.empty((*self.lead, self.units, x.shape[-1]), self.dtype)
        # One generator per network, so that each of a stack draws what it would draw alone.
        for generator, part in zip(self.generators, factor.reshape(len(self.generators), -1)):
            generator.random(dtype=part.dtype, out=part)
        np.greater_equal(factor, self.rate, out=factor)
        factor *= 1 / (1 - self.rate)
        return x * factor, lambda da: np.multiply(da, factor, out=da)

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

    def __init__(self, activation="identity", momentum=0.9, epsilon=1e-5):
        self.activation = get_activation(activation)
        self.momentum = share("momentum", momentum)
        self.epsilon = positive("epsilon", epsilon)

    def build(self, fan_in):
        super().build(fan_in)
        self.shapes = {"gamma": (fan_in,), "beta": (fan_in,)}
        self.state_shapes = {"mean": (fan_in,), "variance": (fan_in,)}

    def draw(self, rng):
        zeros, ones = np.zeros(self.units), np.ones(self.units)
        return {"gamma": ones, "beta": zeros, "mean": zeros, "variance": ones}

    def forward(self, x, training):
        n = x.shape[-1]
        of_batch = training and n > 1
        if of_batch:
            mean = x.mean(axis=-1)
            normal = x - mean[..., None]
            variance = (normal * normal).sum(axis=-1) / n
            for running, new in ((self.mean, mean), (self.variance, variance * (n / (n - 1)))):
                running *= self.momentum
                running += (1 - self.momentum) * new
        else:
            variance, normal = self.variance, x - self.mean[..., None]
        inverse = 1 / np.sqrt(variance + self.epsilon)
        normal *= inverse[..., None]
        a, undo = self.activation.forward(normal * self.gamma[..., None] + self.beta[..., None])

        def backward(da):
            dz = undo(da)
            dbeta = np.add.reduce(dz, axis=-1, out=self.dbeta)
            dgamma = np.add.reduce(dz * normal, axis=-1, out=self.dgamma)
            if of_batch:  # mean and variance depend on every sample of the batch
                dz -= normal * (dgamma / n)[..., None]
                dz -= (dbeta / n)[..., None]
            dz *= (self.gamma * inverse)[..., None]
            return dz

        return a, backward

    def config(self):
        return {"activation": self.activation.name, "momentum": self.momentum, "epsilon": self.epsilon}


LAYERS |= {"Dropout": Dropout, "BatchNorm": BatchNorm}
