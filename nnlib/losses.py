"""Losses on logits, each with its inverse link.

A logit is what the last layer computes, before any squashing. A loss knows the function that turns
logits into outputs (its inverse link: sigmoid, softmax or identity), because loss and link belong
together: their joint gradient is `outputs - targets`, and computed together they do not overflow, where
`log(sigmoid(z))` alone is `-inf` for `z = -800`. Small losses keep their digits with the binary
cross-entropy; with the categorical one, what is below the rounding of 1 is lost.

Every loss is a sum over outputs and a mean over samples, weighted if the samples have weights. The functions here
give the values sample by sample; `average` takes the mean, in one place for all.

Formulas: Bishop, *Pattern Recognition and Machine Learning* (2006), section 5.2.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnlib.activations import Activation, identity, quiet, sigmoid, softmax
from nnlib.run import checks, refusals
from nnlib.run.contracts import check_loss
from nnlib.run.labels import class_numbers, weights


@dataclass(frozen=True)
class Loss:
    """What is minimized: a number per network, and its gradient by the logits.

    Parameters
    ----------
    name : str
    link : Activation
        Turns logits into outputs.
    evaluate : callable
        `evaluate(z, t)` for logits `z` of shape `(..., outputs, n)` and targets `t` of shape `(outputs, n)`, which
        it leaves as they are: returns the loss of each sample, shape `(..., n)`, and its gradient by the logits, a new
        array of the shape of `z`.
    encode : callable, optional
        `encode(y, n, n_outputs, dtype)` checks labels and returns targets of shape `(n, n_outputs)`, or class
        numbers of shape `(n,)`, which become one-hot rows batch by batch. By default, `y` are numbers.
    decide : callable or None
        `decide(z)`: the class of each sample from its logits `(..., outputs, n)`, as `(..., n)`; several
        yes-or-no labels per sample give `(..., n, outputs)`. The class of a target `t` is `decide(t - 0.5)`: as a
        logit of 0 is the border between the classes, so is a probability of 1/2. None where there are no classes.

    Raises
    ------
    TypeError, ValueError
        `evaluate` returns something else: when it is called, or when a network is made with it.

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> float(nn.binary_cross_entropy([[0.0], [0.0]], [0, 1]).round(4))
    0.6931
    >>> float(nn.binary_cross_entropy([[-800.0]], [1]))
    800.0

    One of your own, the logarithm of the hyperbolic cosine:

    >>> def log_cosh(z, t):
    ...     return np.log(np.cosh(z - t)).sum(axis=-2), np.tanh(z - t)
    >>> loss = nn.Loss("log_cosh", nn.identity, log_cosh)
    >>> network = nn.Network(2, [nn.Dense(1)], loss=loss, rng=0)
    >>> nn.check_gradient(network, [[1.0, 2.0]], [3.0], rng=0) < 1e-7
    True
    """

    name: str
    link: Activation
    evaluate: Callable
    encode: Callable = checks.targets
    decide: Callable | None = None

    def __post_init__(self):
        if not isinstance(self.link, Activation):
            raise TypeError(f"link must be an Activation such as nn.sigmoid, not {self.link!r}.")

    @quiet
    def __call__(self, logits, y, sample_weight=None):
        """The mean loss of `logits`, shape `(n, outputs)` or `(replicates, n, outputs)`, against labels `y`."""
        logits = checks.real_array(logits, "logits").astype(np.float64)
        if logits.ndim < 2 or logits.shape[-2] == 0:
            raise ValueError(f"logits have shape {logits.shape}; expected (n, outputs), samples in rows, n at least 1.")
        check_loss(self, logits.shape[:-2], logits.shape[-1], logits.dtype)
        t = self.encode(y, *logits.shape[-2:], logits.dtype)
        t = expand(t, logits.shape[-1], logits.dtype) if t.ndim == 1 else t.astype(logits.dtype)
        return average(*self.evaluate(logits.mT, t.T), weights(sample_weight, logits.shape[-2], logits.dtype))[0]

    def correct(self, z, t):
        """Whether each sample is classified right, `(..., n)`; of several labels all must be."""
        right = self.decide(z) == self.decide(t - 0.5)
        return right if right.ndim < z.ndim else right.all(axis=-1)

    def __repr__(self):
        return f"<loss {self.name}>"


def expand(t, n_outputs, dtype):
    """Class numbers as one-hot rows, shape `(n, n_outputs)`."""
    rows = np.zeros((len(t), n_outputs), dtype)
    rows[np.arange(len(t)), t] = 1
    return rows


def average(values, dz, weight):
    """Mean loss over the samples, from the loss of each, shape `(..., n)`; and the gradient of the mean, in `dz`.

    `weight` has shape `(n,)`, or is None for equal weights. In a batch whose weights are all zero nothing counts:
    loss and gradient are zero.
    """
    share = 1 / values.shape[-1] if weight is None else weight / (weight.sum() or 1)
    dz *= share
    # np.add.reduce is what values.sum() calls, without the detour.
    return (np.add.reduce(values, axis=-1) * share if weight is None else values @ share), dz


def _binary_cross_entropy(z, t):
    # -t log p - (1 - t) log(1 - p) with p = sigmoid(z) is max(z, 0) - t z + log(1 + e), where e = exp(-|z|) cannot
    # overflow and a small loss keeps all its digits. The sigmoid is exp(min(z, 0)) / (1 + e).
    e, below = np.exp(-np.abs(z)), np.minimum(z, 0)
    values = z - below - z * t + np.log1p(e)
    return np.add.reduce(values, axis=-2), np.exp(below) / (1 + e) - t


def _categorical_cross_entropy(z, t):
    # -sum(t log p) with p = softmax(z) is log(sum(exp(z - max))) - sum(t (z - max)), as the t sum to 1.
    shifted = z - np.maximum.reduce(z, axis=-2, keepdims=True)
    # Logits may be so far apart that the difference is infinite, and infinity times a target of zero would be NaN.
    np.maximum(shifted, np.finfo(z.dtype).min, out=shifted)
    dz = np.exp(shifted)
    total = np.add.reduce(dz, axis=-2, keepdims=True)
    dz /= total
    dz -= t
    shifted *= t
    return np.log(total[..., 0, :]) - np.add.reduce(shifted, axis=-2), dz


def _squared_error(z, t):
    dz = z - t
    values = (dz * dz).sum(axis=-2)
    dz *= 2
    return values, dz


def _encode_binary(y, n, n_outputs, dtype):
    t = checks.targets(y, n, n_outputs, dtype)
    if (t < 0).any() or (t > 1).any():
        raise ValueError(refusals.binary_labels(t.min(), t.max()))
    return t


def _encode_categories(y, n, n_outputs, dtype):
    if n_outputs < 2:
        raise ValueError(refusals.one_output(n_outputs))
    y = checks.real_array(y, "y")
    if y.ndim != 2 or y.shape[1] == 1:
        return class_numbers(y, n, n_outputs)
    t = checks.targets(y, n, n_outputs, dtype)
    if (t < 0).any() or not np.allclose(t.sum(axis=1), 1, rtol=0, atol=1e-5):
        raise ValueError(refusals.NOT_PROBABILITIES)
    return t


def _decide_binary(z):
    return (z[..., 0, :] if z.shape[-2] == 1 else z.mT) > 0  # a tie goes to class 0, as it does with argmax


def _decide_category(z):
    return z.argmax(axis=-2)


binary_cross_entropy = Loss("binary_cross_entropy", sigmoid, _binary_cross_entropy, _encode_binary, _decide_binary)
"""For labels 0 and 1, one or several per sample: `-t log p - (1 - t) log(1 - p)`, where `p = sigmoid(logit)`."""
categorical_cross_entropy = Loss(
    "categorical_cross_entropy", softmax, _categorical_cross_entropy, _encode_categories, _decide_category
)
"""For one class per sample: `-log p` of the true class, where `p = softmax(logits)`."""
squared_error = Loss("squared_error", identity, _squared_error)
"""For numbers: `(z - t)**2`, summed over the outputs where Keras and PyTorch take the mean: with k outputs, both loss
and gradient are k times theirs, so divide the learning rate by k to follow them."""
LOSSES = {loss.name: loss for loss in (binary_cross_entropy, categorical_cross_entropy, squared_error)}
