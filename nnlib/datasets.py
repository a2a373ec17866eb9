"""Toy data that scikit-learn lacks: XOR, as four points and as a square, and the double spiral.

Each function returns samples in rows, `X` of shape `(n, 2)`, and class numbers `y` of shape `(n,)`.
"""

import numpy as np

from nnlib.run.checks import as_rng, positive, positive_int


def xor():
    """The four points of the exclusive or: class 1 where exactly one of the two inputs is 1.

    No straight line separates the classes, so a single neuron cannot learn them: Minsky & Papert,
    *Perceptrons* (1969).

    Returns
    -------
    X : ndarray of float, shape (4, 2)
    y : ndarray of int, shape (4,)

    Examples
    --------
    >>> from nnlib.datasets import xor
    >>> X, y = xor()
    >>> for row, label in zip(X, y):
    ...     print(row, label)
    [0. 0.] 0
    [0. 1.] 1
    [1. 0.] 1
    [1. 1.] 0
    """
    return np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])


def xor_square(n, noise=0.0, half_width=1.0, *, rng):
    """XOR of two signs: points uniform on a square around the origin, class 1 where their coordinates differ in sign.

    Parameters
    ----------
    n : int
        Number of points.
    noise : float
        Standard deviation of the Gaussian noise added to each coordinate after the labels are drawn, in the
        units of the coordinates. It carries points across the axes, so the classes then overlap.
    half_width : float
        The square is `[-half_width, half_width]` in both coordinates.
    rng : int, SeedSequence, Generator or RandomState of numpy.random

    Returns
    -------
    X : ndarray of float, shape (n, 2)
    y : ndarray of int, shape (n,)

    Raises
    ------
    TypeError
        `rng` is none of the above.
    ValueError
        `n` is not a whole number of at least 1, `noise` is negative, or `half_width` not above 0.

    Examples
    --------
    >>> from nnlib.datasets import xor_square
    >>> X, y = xor_square(200, rng=0)
    >>> X.shape, y.shape
    ((200, 2), (200,))
    >>> bool(((X[:, 0] * X[:, 1] < 0) == y).all())
    True
    """
    n, rng, noise = positive_int("n", n), as_rng(rng), _noise(noise)
    half_width = positive("half_width", half_width)
    X = half_width * rng.uniform(-1, 1, size=(n, 2))
    y = ((X[:, 0] < 0) != (X[:, 1] < 0)).astype(int)
    return X + noise * rng.standard_normal((n, 2)), y


def double_spiral(n_per_arm=500, noise=0.2, turns=2.0, *, rng):
    """Two Archimedean spirals wound into each other, one class each, in random order.

    The first arm is `r = theta` in polar coordinates, `theta` evenly spaced from 0 to `2 pi turns`; the
    second is the first one turned by half a circle. Neighboring turns lie `pi` apart, one of each class.

    Parameters
    ----------
    n_per_arm : int
        Points of each class.
    noise : float
        Standard deviation of the Gaussian noise added to each coordinate.
    turns : float
        How often each arm goes round the origin.
    rng : int, SeedSequence, Generator or RandomState of numpy.random
        It draws the noise, first arm first, all first coordinates of an arm before the second ones; then it
        shuffles the rows.

    Returns
    -------
    X : ndarray of float, shape (2 * n_per_arm, 2)
    y : ndarray of int, shape (2 * n_per_arm,)

    Raises
    ------
    TypeError
        `rng` is none of the above.
    ValueError
        `n_per_arm` is not a whole number of at least 1, `noise` is negative, or `turns` not above 0.

    Notes
    -----
    A test for networks since Lang & Witbrock, "Learning to tell two spirals apart" (1988), whose spirals
    have three turns, 97 points each and no noise.

    Examples
    --------
    >>> import numpy as np
    >>> from nnlib.datasets import double_spiral
    >>> X, y = double_spiral(rng=0, noise=0)
    >>> X.shape, np.bincount(y)
    ((1000, 2), array([500, 500]))
    >>> float(np.hypot(X[:, 0], X[:, 1]).max() / np.pi)  # where an arm ends, after two turns
    4.0
    """
    rng, n, noise = as_rng(rng), positive_int("n_per_arm", n_per_arm), _noise(noise)
    theta = np.linspace(0, 2 * np.pi * positive("turns", turns), n)
    arm = theta * np.array([np.cos(theta), np.sin(theta)])
    arms = np.array([arm, -arm]) + noise * rng.standard_normal((2, 2, n))  # arm, coordinate, point
    order = np.arange(2 * n)
    rng.shuffle(order)
    return arms.transpose(0, 2, 1).reshape(-1, 2)[order], np.repeat([0, 1], n)[order]


def _noise(noise):
    return positive("noise", noise, hint=" For none, write 0.") if noise else 0.0
