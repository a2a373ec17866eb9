"""Batches: what one step sees, from samples in memory or on disk, or from an iterable.

A batch is a triple `(x, t, weight)`: samples in columns, `x` of shape `(n_features, n)`, targets `t` of shape
`(n_outputs, n)`, and weights of shape `(n,)`, or None where all count alike.
"""

import numpy as np

from nnlib.losses import expand
from nnlib.run import checks
from nnlib.run.labels import weights

# So many numbers are turned into floats at a time.
PIECE = 1 << 20


class Samples:
    """Checked samples, labels and weights, in their own type and place; an epoch goes through them in batches.

    Parameters
    ----------
    network : Network
        Says what fits.
    X, y, sample_weight : as for `train`; without `y`, batches have no targets
    size : int, optional
        Samples per batch; all by default.
    rng : int, SeedSequence, Generator or RandomState
        Draws the order of each epoch, where `size` is less than all.
    shuffle : bool
        False takes the samples as they lie.
    some_weight : bool
        Whether weights that are all zero are refused.
    """

    def __init__(self, network, X, y=None, sample_weight=None, size=None, rng=None, shuffle=True, some_weight=True):
        self.X, self.dtype, self.rng = checks.samples(X, network.n_features, network.dtype), network.dtype, None
        self.n = self.size = n = self.X.shape[0]
        self.n_outputs, self.weight, self.whole = network.n_outputs, None, None
        self.t = np.empty((n, 0)) if y is None else network.loss_function.encode(y, n, self.n_outputs, self.dtype)
        if sample_weight is not None:
            self.weight = weights(sample_weight, self.n, self.dtype, some_weight)
        if size is not None:
            self._divide(checks.positive_int("batch_size", size), rng, shuffle)

    def _divide(self, size, rng, shuffle):
        if size > self.n:
            raise ValueError(f"batch_size is {size}, but there are {self.n} samples. Leave it out to use all at once.")
        if size < self.n and shuffle:
            if rng is None:
                raise ValueError("batches are shuffled: pass rng=0, or any other seed or generator, with batch_size.")
            self.rng = checks.as_rng(rng)
        self.size = size
        if self.t.ndim == 1 and self.n * self.n_outputs <= PIECE:  # so few one-hot rows are quicker made once
            self.t = expand(self.t, self.n_outputs, self.dtype)

    def batch(self, rows=slice(None)):
        """The batch of a slice, or of an array of row numbers. A slice is a view, if the type is right already."""
        x, t, weight = self.X[rows], self.t[rows], None if self.weight is None else self.weight[rows]
        x = x.toarray() if hasattr(x, "toarray") else x
        t = expand(t, self.n_outputs, self.dtype) if t.ndim == 1 else t
        return x.astype(self.dtype, copy=False).T, t.astype(self.dtype, copy=False).T, weight

    def __iter__(self):
        if self.size < self.n:
            return self._parts()
        if self.whole is None:  # made once; a unit's samples next to each other are a little faster
            x, t, weight = self.batch()
            self.whole = np.ascontiguousarray(x), np.ascontiguousarray(t), weight
        return iter([self.whole])

    def _parts(self):
        order = None if self.rng is None else self.rng.permutation(self.n)
        slices = (slice(start, start + self.size) for start in range(0, self.n, self.size))
        return (self.batch(rows if order is None else order[rows]) for rows in slices)
