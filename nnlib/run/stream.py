"""Batches from an iterable: memory is needed for one at a time."""

import numpy as np

from nnlib.run.doubts import warn_of_bounds
from nnlib.run.samples import Samples


AGAIN = "pass a list, or a function that returns a new iterator for each epoch."


class Stream:
    """Batches that the user's iterable yields, each checked when it comes.

    Parameters
    ----------
    source : iterable of pairs (X, y) or triples (X, y, sample_weight), or a function that returns one
    epochs : int
        How often it will be gone through.
    """

    rng = None

    def __init__(self, network, source, epochs, unused=()):
        self.network, self.source, self.new = network, source, True
        if any(setting is not None for setting in unused):
            settings = "batch_size, sample_weight and class_weight"
            raise ValueError(f"without y, X yields batches, (X, y) or (X, y, sample_weight). Leave out {settings}.")
        if not (callable(source) or hasattr(source, "__iter__")) or isinstance(source, np.ndarray):
            raise ValueError("y is missing: without it, X must be an iterable of batches (X, y), or return one.")
        if epochs > 1 and not callable(source) and iter(source) is source:
            raise ValueError(f"{source!r} can be gone through only once, and epochs={epochs}: {AGAIN}")

    def __iter__(self):
        number, weight = -1, 0.0
        source = self.source() if callable(self.source) else self.source
        if not hasattr(source, "__iter__"):
            raise TypeError(f"the function of batches returned {source!r}; it must return an iterator of pairs (X, y).")
        for number, item in enumerate(source):
            batch = checked(f"batch {number}", item, Samples, self.network, some_weight=False).batch()
            if self.new:
                self.new = warn_of_bounds(self.network.layers[-1], batch[1])
            weight += 1.0 if batch[2] is None else batch[2].sum()
            yield batch
        if number < 0:
            raise ValueError(f"the iterable of batches is empty, or was gone through before: {AGAIN}")
        if weight == 0:
            raise ValueError("the weights of all batches are zero, so there is nothing to learn from.")


def checked(name, item, kind, *first, **options):
    """`kind(*first, *item, **options)` of a pair (X, y) or triple (X, y, sample_weight); errors begin with `name`."""
    if not isinstance(item, (tuple, list)) or len(item) not in (2, 3):
        raise ValueError(f"{name} must be a pair (X, y) or triple (X, y, sample_weight), not a {type(item).__name__}.")
    try:
        return kind(*first, *item, **options)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None
