"""Numerical gradients: the slow and certain way to find out whether a derivative is right."""

import warnings

import numpy as np

from nnlib.activations import quiet
from nnlib.run.checks import as_rng, positive, positive_int


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
        shift = np.zeros_like(theta)
        shift[i] = step
        gradient[i] = (float(f(theta + shift)) - float(f(theta - shift))) / (2 * step)
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
        than 1e-7, a wrong one 1e-2 or more. A wrong gradient so small that rounding hides most of it gives something
        between: the denominator is at least `4 eps |loss| / (1e-7 step)`, which is 0.0009 `|loss|` at the default step.

    Warns
    -----
    UserWarning
        The loss has a kink within the step, where a relu's input is about 0: there is no derivative to agree with, and
        a right gradient may give any number up to 1. Move the parameters a little, and check again.

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
    exact, numerical, bends = np.zeros((3, directions, *np.shape(loss)))

    def loss_at(theta):
        network.theta = theta
        return network.loss(X, y, sample_weight, training)

    def along(direction, step):
        """Slope, and the difference of the slopes in front and behind."""
        above, below = loss_at(start + step * direction), loss_at(start - step * direction)
        return (above - below) / (2 * step), (above + below - 2 * loss) / step

    try:
        for i in range(directions):
            direction = rng.standard_normal(start.shape)
            direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
            exact[i] = (gradient * direction).sum(axis=-1)
            numerical[i], bend = along(direction, step)
            if not np.allclose(numerical[i], exact[i], rtol=1e-6):  # of a smooth loss, half the step halves the bend
                bends[i] = np.abs(bend - 2 * along(direction, step / 2)[1])
    finally:
        network.theta = start
    difference = np.linalg.norm(numerical - exact, axis=0)
    size = np.linalg.norm(numerical, axis=0) + np.linalg.norm(exact, axis=0)
    # The last bits of a loss are noise, and the quotient magnifies it. At a gradient of zero there is nothing
    # else to see, so noise alone must stay below 1e-7.
    noise = 4 * np.finfo(np.float64).eps * np.abs(loss) / step
    error = float(np.max(difference / np.maximum(size, np.maximum(noise / 1e-7, np.finfo(np.float64).tiny))))
    if error > 1e-7 and (bends > np.maximum(np.abs(numerical - exact) / 2, 100 * noise)).any():
        remedy = "Move off it, with network.theta += 0.01 * rng.normal(size=network.theta.shape), and check again."
        kink = "the loss has a kink here, where the input of a relu is about 0: there is no derivative to agree with"
        warnings.warn(f"{kink}. {remedy}", stacklevel=3)  # behind `quiet`
    return error
