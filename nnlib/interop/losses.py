"""Losses that scikit-learn's estimators minimize: half the squared error, and half the Poisson deviance."""

import numpy as np

from nnlib.activations import Activation, identity
from nnlib.losses import LOSSES, Loss, squared_error
from nnlib.run import checks


def _exponential(z):
    a = np.exp(z, out=z)
    return a, lambda da: da * a


# The link of the Poisson loss. As an activation of hidden layers it overflows, so it has no name there.
exponential = Activation("exponential", _exponential, bounds=(0, np.inf))


def _half_squared_error(z, t):
    values, dz = squared_error.evaluate(z, t)
    return values / 2, dz / 2


def _poisson(z, t):
    # Half the deviance: t log(t / p) - t + p with p = exp(z), and t log t = 0 at t = 0.
    dz = np.exp(z)
    values = dz - z * t + (t * np.log(np.maximum(t, np.finfo(t.dtype).tiny)) - t)
    return values.sum(axis=-2), dz - t


def _encode_counts(y, n, n_outputs, dtype):
    t = checks.targets(y, n, n_outputs, dtype)
    if (t < 0).any():
        raise ValueError(f"y goes down to {t.min():g}; the Poisson loss takes counts, which are at least 0.")
    return t


half_squared_error = Loss("half_squared_error", identity, _half_squared_error)
"""`(z - t)**2 / 2`, whose gradient is `z - t`: what scikit-learn minimizes. A sum over the outputs, too."""
poisson = Loss("poisson", exponential, _poisson, _encode_counts)
"""For counts: half the Poisson deviance, `t log(t / p) - t + p`, where `p = exp(z)`. McCullagh & Nelder, *Generalized
Linear Models* (1989), section 2.3."""

LOSSES |= {loss.name: loss for loss in (half_squared_error, poisson)}
