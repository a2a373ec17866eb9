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

from nnlib import checks
from nnlib.activations import Activation, exponential, identity, quiet, sigmoid, softmax
from nnlib.checks import look_up


@dataclass(frozen=True)
class Loss:
    """What is minimized: a number per network, and its gradient by the logits.

    Parameters
    ----------
    name : str
    link : Activation
        Turns logits into outputs.
    evaluate : callable
        `evaluate(z, t, dz, scratch)` for logits `z` of shape `(..., outputs, n)` and targets `t` of shape
        `(outputs, n)`: returns the loss of each sample, shape `(..., n)`, and writes its gradient by the
        logits to `dz`. `scratch` is room for two more arrays of the shape of `z`.
    encode : callable
        `encode(y, n, n_outputs, dtype)` checks labels and returns targets of shape `(n, n_outputs)`, or class
        numbers of shape `(n,)`, which become one-hot rows batch by batch.
    decide : callable or None
        `decide(z)`: the class of each sample from its logits `(..., outputs, n)`, as `(..., n)`; several
        yes-or-no labels per sample give `(..., n, outputs)`. None where there are no classes.
    correct : callable or None
        `correct(z, t)`: whether each sample is classified right, as `(..., n)`; of several yes-or-no labels,
        all must be.

    Examples
    --------
    >>> import nnlib as nn
    >>> float(nn.binary_cross_entropy([[0.0], [0.0]], [0, 1]).round(4))
    0.6931
    >>> float(nn.binary_cross_entropy([[-800.0]], [1]))
    800.0
    """

    name: str
    link: Activation
    evaluate: Callable
    encode: Callable
    decide: Callable | None = None
    correct: Callable | None = None

    def __post_init__(self):
        if (self.decide is None) != (self.correct is None):
            raise ValueError("a loss with classes needs both decide and correct; one without has neither.")

    @quiet
    def __call__(self, logits, y, sample_weight=None):
        """The mean loss of `logits`, shape `(n, outputs)` or `(replicates, n, outputs)`, against labels `y`."""
        logits = checks.real_array(logits, "logits").astype(np.float64)
        if logits.ndim < 2 or logits.shape[-2] == 0:
            raise ValueError(f"logits have shape {logits.shape}; expected (n, outputs), samples in rows, n at least 1.")
        t = expand(self.encode(y, *logits.shape[-2:], logits.dtype), logits.shape[-1], logits.dtype)
        z = logits.swapaxes(-1, -2)
        values = self.evaluate(z, t.T, np.empty(z.shape), np.empty((2, *z.shape)))
        return average(values, checks.weights(sample_weight, z.shape[-1], z.dtype))

    def __repr__(self):
        return f"<loss {self.name}>"


def expand(t, n_outputs, dtype):
    """Targets of shape `(n, n_outputs)`, from what `encode` returned or a part of it."""
    if t.ndim == 2:
        return t.astype(dtype, copy=False)
    rows = np.zeros((len(t), n_outputs), dtype)
    rows[np.arange(len(t)), t] = 1
    return rows


def average(values, weight, dz=None):
    """Mean over the samples of `values`, shape `(..., n)`; turns the gradients of the values, in `dz`, into its own.

    `weight` has shape `(n,)`, or is None for equal weights. In a batch whose weights are all zero nothing counts:
    loss and gradient are zero.
    """
    if weight is None:
        n = values.shape[-1]
        if dz is not None:
            dz *= 1 / n
        return np.add.reduce(values, axis=-1) / n  # what values.sum() calls, without the detour
    total = weight.sum()
    share = weight / total if total > 0 else weight
    if dz is not None:
        dz *= share
    return values @ share


def _binary_cross_entropy(z, t, dz, scratch):
    # -t log p - (1 - t) log(1 - p) with p = sigmoid(z) is max(z, 0) - t z + log(1 + e), where e = exp(-|z|) cannot
    # overflow and a small loss keeps all its digits. The sigmoid is (1 or e) / (1 + e).
    values, e = scratch
    np.abs(z, out=e)
    np.negative(e, out=e)
    np.exp(e, out=e)
    np.add(e, 1, out=values)
    np.greater_equal(z, 0, out=dz)
    np.maximum(dz, e, out=dz)
    dz /= values
    dz -= t
    np.log1p(e, out=e)
    np.maximum(z, 0, out=values)
    values -= z * t
    values += e
    return values.sum(axis=-2)


def _categorical_cross_entropy(z, t, dz, scratch):
    # -sum(t log p) with p = softmax(z) is log(sum(exp(z - max))) - sum(t (z - max)), as the t sum to 1.
    _, shifted = scratch
    np.subtract(z, np.maximum.reduce(z, axis=-2, keepdims=True), out=shifted)
    # Logits may be so far apart that the difference is infinite, and infinity times a target of zero would be NaN.
    np.maximum(shifted, _LOWEST[z.dtype], out=shifted)
    np.exp(shifted, out=dz)
    total = np.add.reduce(dz, axis=-2, keepdims=True)
    dz /= total
    dz -= t
    shifted *= t
    return np.log(total[..., 0, :]) - np.add.reduce(shifted, axis=-2)


_LOWEST = {np.dtype(dtype): np.finfo(dtype).min for dtype in (np.float32, np.float64)}


def _squared_error(z, t, dz, scratch):
    values, _ = scratch
    np.subtract(z, t, out=dz)
    np.multiply(dz, dz, out=values)
    dz *= 2
    return values.sum(axis=-2)


def _half_squared_error(z, t, dz, scratch):
    values = _squared_error(z, t, dz, scratch)
    values *= 0.5
    dz *= 0.5
    return values


def _poisson(z, t, dz, scratch):
    # Half the deviance: t log(t / p) - t + p with p = exp(z), and t log t = 0 at t = 0.
    values, term = scratch
    np.exp(z, out=dz)
    np.multiply(z, t, out=term)
    np.subtract(dz, term, out=values)
    dz -= t
    return values.sum(axis=-2) + (t * np.log(np.maximum(t, np.finfo(t.dtype).tiny)) - t).sum(axis=-2)


def _encode_binary(y, n, n_outputs, dtype):
    t = checks.targets(y, n, n_outputs, dtype)
    if (t < 0).any() or (t > 1).any():
        low, high = t.min(), t.max()
        labels, recipe = ("1 and 2", "y - 1") if (low, high) == (1, 2) else ("-1 and 1", "(y + 1) / 2")
        raise ValueError(
            f"y ranges from {low:g} to {high:g}; binary cross-entropy takes labels 0 and 1, or probabilities between "
            f"them. For labels {labels} write {recipe}; for more classes use "
            "loss='categorical_cross_entropy'."
        )
    return t


def _encode_categories(y, n, n_outputs, dtype):
    if n_outputs < 2:
        raise ValueError(
            "categorical cross-entropy needs an output unit per class, at least 2; the last layer has "
            f"{n_outputs}. For two classes and one unit use loss='binary_cross_entropy'."
        )
    y = checks.real_array(y, "y")
    if y.ndim != 2 or y.shape[1] == 1:
        return checks.class_labels(y, n, n_outputs)
    t = checks.targets(y, n, n_outputs, dtype)
    if (t < 0).any() or not np.allclose(t.sum(axis=1), 1, rtol=0, atol=1e-5):
        raise ValueError(
            "y holds rows that are not probabilities: each row must be at least 0 and sum to 1. "
            "Pass class numbers of shape (n,), or one-hot rows."
        )
    return t


def _encode_counts(y, n, n_outputs, dtype):
    t = checks.targets(y, n, n_outputs, dtype)
    if (t < 0).any():
        raise ValueError(f"y goes down to {t.min():g}; the Poisson loss takes counts, which are at least 0.")
    return t


def _decide_binary(z):
    labels = z >= 0
    return labels[..., 0, :] if z.shape[-2] == 1 else labels.swapaxes(-1, -2)


def _correct_binary(z, t):
    return ((z >= 0) == (t >= 0.5)).all(axis=-2)


def _decide_category(z):
    return z.argmax(axis=-2)


def _correct_category(z, t):
    return z.argmax(axis=-2) == t.argmax(axis=-2)


binary_cross_entropy = Loss(
    "binary_cross_entropy", sigmoid, _binary_cross_entropy, _encode_binary, _decide_binary, _correct_binary
)
"""For labels 0 and 1, one or several per sample: `-t log p - (1 - t) log(1 - p)`, where `p = sigmoid(logit)`."""
categorical_cross_entropy = Loss(
    "categorical_cross_entropy",
    softmax,
    _categorical_cross_entropy,
    _encode_categories,
    _decide_category,
    _correct_category,
)
"""For one class per sample: `-log p` of the true class, where `p = softmax(logits)`."""
squared_error = Loss("squared_error", identity, _squared_error, checks.targets)
"""For numbers: `(z - t)**2`."""
half_squared_error = Loss("half_squared_error", identity, _half_squared_error, checks.targets)
"""`(z - t)**2 / 2`, whose gradient is `z - t`: what scikit-learn minimizes."""
poisson = Loss("poisson", exponential, _poisson, _encode_counts)
"""For counts: half the Poisson deviance, `t log(t / p) - t + p`, where `p = exp(z)`. McCullagh & Nelder, *Generalized
Linear Models* (1989), section 2.3."""

LOSSES = {
    loss.name: loss
    for loss in (binary_cross_entropy, categorical_cross_entropy, squared_error, half_squared_error, poisson)
}


def get_loss(name):
    """The loss of that name; a `Loss` is returned as it is."""
    return name if isinstance(name, Loss) else look_up("loss", LOSSES, name)
