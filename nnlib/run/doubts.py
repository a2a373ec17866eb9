"""Warnings of what is allowed, and seldom meant."""

import warnings

import numpy as np


def warn_of_bounds(last, t):
    """Of targets, shape `(n, outputs)` or `(outputs, n)`, that the activation of the last layer cannot reach."""
    low, high = last.activation.bounds
    if t.min() < low or t.max() > high:
        what = f"y ranges from {t.min():g} to {t.max():g}, but the last layer, {last!r}, only from {low:g} to {high:g}"
        warnings.warn(f"{what}: leave out its activation, as in nn.Dense({last.units}), or scale y.", stacklevel=3)


def warn_of_rise(run, first, t):
    """Steps that are too long may grow without ever overflowing: the loss has risen far, and far above that of zeros.

    `first` is the loss of the first step, whose batch may be an easy one, and `t` the targets of the last. Those of
    samples in memory are looked at all over, or some thousands of them.
    """
    history, samples = run.history, run.batches
    if hasattr(samples, "batch"):
        t = samples.batch(slice(None, None, max(1, samples.n // 5000)))[1]
    first, last = np.atleast_1d(first), np.atleast_1d(history.loss[-1])
    of_zeros = run.network.loss_function.evaluate(np.zeros_like(t), t)[0].mean()
    risen = (last > 100 * np.maximum(first, of_zeros)) & (of_zeros > 0)
    history.risen = bool(risen.any())
    if history.risen:
        who = f"{risen.sum()} of {len(risen)} networks: " if history.loss.ndim > 1 else ""
        rise = f"from {first[risen].max():.3g} to {last[risen].max():.3g}, over 100 times that of zeros"
        remedy = "Lower the learning rate, or scale X and y to a standard deviation of about 1."
        warnings.warn(f"{who}the loss rose {rise}: the steps are too long. {remedy}", stacklevel=3)
