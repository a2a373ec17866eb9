"""The works that are timed: data, network, batches, precision, and how fast nnlib should be at them."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

import nnlib as nn

MOONS, CLASSES, LARGE, SOME = 500, 5000, 60_000, 10_000


@dataclass(frozen=True)
class Work:
    """Plain gradient descent, or Adam, on a network of some hidden layers; the mean loss of each epoch is recorded.

    `epochs` are timed in each round. `at_most` holds the targets: time of nnlib / time of the peer. Batches are
    slices of the data in their given order, the same for all contestants; with `shuffle`, each contestant shuffles
    anew for each epoch, in its own way. `epsilon` is that of Adam.
    """

    title: str
    data: Callable
    hidden: tuple
    activation: str
    outputs: int
    rate: float
    epochs: int
    at_most: dict = field(default_factory=dict, compare=False)
    dtype: str = "float64"
    batch: int | None = None
    shuffle: bool = False
    replicates: int | None = None
    threads: int = 1
    adam: bool = False
    epsilon: float = 1e-8

    def samples(self):
        X, y = self.data()
        return X.astype(self.dtype, copy=False), y

    @property
    def binary(self):
        return self.outputs == 1

    def network(self, activation=None):
        """The start of all contestants; a part of the benchmark may ask for another activation."""
        n_features = self.data()[0].shape[1]
        layers = [nn.Dense(units, activation or self.activation) for units in self.hidden]
        loss = "binary_cross_entropy" if self.binary else "categorical_cross_entropy"
        rng = 0 if self.replicates is None else range(self.replicates)
        return nn.Network(n_features, [*layers, nn.Dense(self.outputs)], loss=loss, rng=rng, dtype=self.dtype)

    def optimizer(self):
        return nn.Adam(self.rate, epsilon=self.epsilon) if self.adam else nn.SGD(self.rate)

    def products(self):
        """Floating-point operations of the matrix products of one epoch: forward, and by weights and activations.

        A product of (n, k) and (k, m) takes n k m multiplications and as many additions. Nobody needs the gradient
        by the inputs of the first layer.
        """
        n, n_features = self.data()[0].shape
        first, *others = (a * b for a, b in pairwise((n_features, *self.hidden, self.outputs)))
        return 2 * n * (2 * first + 3 * sum(others)) * (self.replicates or 1)


@functools.cache
def moons():
    from sklearn.datasets import make_moons

    return make_moons(n_samples=MOONS, noise=0.2, random_state=42)


@functools.cache
def digits():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    X, y = load_digits(return_X_y=True)
    X, _, y, _ = train_test_split(X / 16, y, test_size=0.2, random_state=0)  # 1437 to train on
    return X, y


@functools.cache
def classes(n_features):
    """Ten classes, normally distributed around centers that are as far apart as the samples of one class."""
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=CLASSES)
    return rng.normal(size=(CLASSES, n_features)) + rng.normal(size=(10, n_features))[y], y


@functools.cache
def large():
    """Ten blurred patterns of 784 numbers from 0 to 1, in the amount and the shape of MNIST."""
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=LARGE)
    X = rng.random((LARGE, 784), dtype=np.float32)
    X += rng.random((10, 784), dtype=np.float32)[y]
    X *= 0.5
    return X, y


def some():
    X, y = large()
    return X[:SOME], y[:SOME]


# Nowhere should the library be slower than what a reader writes by hand.
_LOOP, _LARGE_LOOP = {"tutorial loop": 1.0}, {"tutorial loop": 0.97}

_MOONS = Work("two moons, 500 x 2-8-1", moons, hidden=(8,), activation="sigmoid", outputs=1, rate=0.5, epochs=500)
_DIGITS = Work("digits, 1437 x 64-128-10", digits, hidden=(128,), activation="relu", outputs=10, rate=0.1, epochs=60)
_BATCHES = replace(_DIGITS, batch=32, epochs=10)
_ADAM = replace(_DIGITS, rate=0.001, epochs=5, adam=True, shuffle=True)
# Epochs are so many that the first touch of memory counts little.
_LARGE = replace(
    _DIGITS, title="synthetic, 60,000 x 784-128-10", data=large, rate=0.05, epochs=2, dtype="float32", batch=128
)
_WIDE = replace(_LARGE, title="synthetic, 10,000 x 784-1024-10", data=some, hidden=(1024,), batch=None, epochs=5)
# At a rate of 0.05, what float32 rounds off grows beyond the tolerance within two epochs.
_DEEP = replace(_LARGE, title="synthetic, 10,000 x 784-512-512-10", data=some, hidden=(512, 512), batch=256, rate=0.01)
_STACK = replace(
    _MOONS,
    title="100 networks, two moons, 500 x 2-8-1",
    replicates=100,
    threads=2,
    epochs=50,
    at_most=_LOOP | {"PyTorch": 0.50, "JAX": 0.50},
)

WORKS = {
    "moons": replace(_MOONS, at_most=_LOOP | {"scikit-learn": 0.50, "PyTorch": 0.40}),
    "digits-float64": replace(_DIGITS, at_most=_LOOP | {"scikit-learn": 0.45, "PyTorch": 0.75}),
    "digits-float32": replace(_DIGITS, dtype="float32", at_most=_LOOP | {"PyTorch": 0.85}),
    "batches-float64": replace(_BATCHES, at_most=_LOOP | {"scikit-learn": 0.45}),
    "batches-float32": replace(_BATCHES, dtype="float32", at_most=_LOOP | {"PyTorch": 0.45}),
    "batches-shuffled": replace(_BATCHES, dtype="float32", shuffle=True, at_most=_LOOP),
    "adam": replace(
        _ADAM,
        title="synthetic, 5,000 x 50-100-10, Adam",
        data=functools.partial(classes, 50),
        hidden=(100,),
        activation="tanh",
        batch=200,
        epochs=10,
        at_most=_LOOP | {"scikit-learn": 0.60},
    ),
    "adam-deep": replace(
        _ADAM,
        title="synthetic, 5,000 x 200-256-128-10, Adam",
        data=functools.partial(classes, 200),
        hidden=(256, 128),
        batch=128,
        at_most=_LOOP | {"scikit-learn": 0.70},
    ),
    "large": replace(_LARGE, at_most=_LARGE_LOOP | {"PyTorch": 0.90, "scikit-learn": 0.60}),
    "large-shuffled": replace(_LARGE, shuffle=True, at_most=_LARGE_LOOP),
    "wide": replace(_WIDE, at_most=_LARGE_LOOP),
    "deep": replace(_DEEP, at_most=_LARGE_LOOP),
    "deep-cores": replace(_DEEP, threads=2, at_most=_LARGE_LOOP),
    "stack-float64": _STACK,
    "stack-float32": replace(_STACK, dtype="float32"),
}
