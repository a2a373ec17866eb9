"""Numerical gradients: the slow and certain way to find out whether a derivative is right."""

import numpy as np

from nnlib.activations import quiet
from nnlib.checks import as_rng, positive, positive_int


def numerical_gradient(f, theta, step=1e-5):
    """Central differences of `f` at `theta`, one coordinate at a time.

    Parameters
    ----------
    f : callable
        Takes an array of the shape of `theta`, returns a number.
    theta : array
        Where; any shape. It is not changed.
    step : float
        The error of the formula shrinks with its square, that of rounding grows with its inverse; 1e-5
        is near the best for float64.

    Returns
    -------
    ndarray of the shape of `theta`

    Notes
    -----
    Press et al., *Numerical Recipes* (2007), section 5.7.

    Examples
    --------
    >>> import nnlib as nn
    >>> nn.numerical_gradient(lambda v: v[0] ** 2 + 3 * v[1], [2.0, 1.0]).round(6)
    array([4., 3.])
    """
    step = positive("step", step)
    theta = np.array(theta, dtype=np.float64)
    gradient = np.empty_like(theta)
    for i in np.ndindex(theta.shape):
        value = theta[i]
        theta[i] = value + step
        above = float(f(theta))  # a copy: f may return a view of theta
        theta[i] = value - step
        below = float(f(theta))
        theta[i] = value
        gradient[i] = (above - below) / (2 * step)
    return gradient


@quiet
def check_gradient(network, X, y, rng, directions=5, step=1e-5, sample_weight=None, training=False):
    """Compare the network's gradient with central differences along random directions.

    One direction tests all parameters at once, so the check costs a few forward passes, however large the
    network is.

    Parameters
    ----------
    network : Network
        Single or a stack, float64; unchanged afterwards.
    X, y : arrays as for `train`
    rng : int, Generator or RandomState
    directions : int
        How many directions to try.
    step : float
    sample_weight, training : as for `Network.loss`
        `training=True` checks the gradient that `train` uses: through `Dropout` and the batch's own mean and variance.

    Returns
    -------
    float
        The relative error `|numerical - exact| / (|numerical| + |exact|)`, where both are vectors of the
        slopes along the directions; for a stack the largest one. In float64 a right gradient gives less
        than 1e-7, a wrong one 1e-2 or more. A relu whose kink lies within the step gives something between.
        So does a wrong gradient so small that rounding hides most of it: the denominator is at least
        `4 eps |loss| / (1e-7 step)`, which is 0.0009 `|loss|` at the default step.

    Examples
    --------
    >>> import nnlib as nn
    >>> network = nn.Network(2, [nn.Dense(3, "tanh"), nn.Dense(1)], loss="squared_error", rng=0)
    >>> nn.check_gradient(network, [[0.0, 1.0], [1.0, -1.0]], [1.0, 0.0], rng=0) < 1e-7
    True
    """
    if not hasattr(network, "loss_and_gradient"):
        raise TypeError(f"check_gradient(network, X, y, rng) takes a Network first, not {type(network).__name__}.")
    if network.dtype != np.float64:
        raise ValueError("float32 is too coarse for differences: check a float64 network of the same layers.")
    rng, directions, step = as_rng(rng), positive_int("directions", directions), positive("step", step)
    loss, gradient = network.loss_and_gradient(X, y, sample_weight, training)
    start = network.theta.copy()
    exact, numerical = np.empty((2, directions, *np.shape(loss)))
    try:
        for i in range(directions):
            direction = rng.standard_normal(start.shape)
            direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
            exact[i] = (gradient * direction).sum(axis=-1)
            network.theta = start + step * direction
            above = network.loss(X, y, sample_weight, training)
            network.theta = start - step * direction
            below = network.loss(X, y, sample_weight, training)
            numerical[i] = (above - below) / (2 * step)
    finally:
        network.theta = start
    difference = np.linalg.norm(numerical - exact, axis=0)
    size = np.linalg.norm(numerical, axis=0) + np.linalg.norm(exact, axis=0)
    # The last bits of a loss are noise, and the quotient magnifies it. At a gradient of zero there is nothing
    # else to see, so noise alone must stay below 1e-7.
    noise = 4 * np.finfo(np.float64).eps * np.abs(loss) / step
    return float(np.max(difference / np.maximum(size, np.maximum(noise / 1e-7, np.finfo(np.float64).tiny))))
