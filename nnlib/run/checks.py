"""Checks at the border: what comes in is looked at once, and refused with a remedy.

Inside, arrays are trusted. NumPy would broadcast labels of shape (500,) against outputs of shape
(500, 1) into (500, 500) without a word; after these checks it cannot.
"""

import numbers

import numpy as np

from nnlib.run import refusals


def look_up(kind, table, name):
    """`table[name]`, or a ValueError that lists the known names."""
    if isinstance(name, str) and name in table:
        return table[name]
    raise ValueError(refusals.unknown(kind, name, table))


def positive_int(name, value):
    """`value` as an int of at least 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}.")
    return int(value)


def positive(name, value, hint=""):
    """`value` as a finite float above 0."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real) or not 0 < value < np.inf:
        raise ValueError(f"{name} must be a finite number above 0, not {value!r}.{hint}")
    return float(value)


def share(name, value):
    """`value` as a float of at least 0 and below 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, not {value!r}.")
    return float(value)


def as_rng(rng):
    """A `Generator` from a seed; a `Generator` or `RandomState` is returned as it is."""
    if isinstance(rng, (np.random.Generator, np.random.RandomState)):
        return rng
    seed = isinstance(rng, numbers.Integral) and not isinstance(rng, bool) and rng >= 0
    if seed or isinstance(rng, np.random.SeedSequence):
        return np.random.default_rng(rng)
    raise TypeError(refusals.generator(rng))


def spawn(rng):
    """A generator of its own, from numbers drawn from `rng`."""
    draw = rng.integers if isinstance(rng, np.random.Generator) else rng.randint
    return np.random.default_rng(draw(2**31, size=4))


def overwrite(name, array, values):
    """Copy `values` into `array`; shapes must be equal."""
    values = real_array(values, name)
    if values.shape != array.shape:
        hint = f" It looks transposed: try {name}.T." if values.shape == array.shape[::-1] else ""
        raise ValueError(f"{name} has shape {values.shape}; expected {array.shape}. Nothing is broadcast.{hint}")
    array[...] = values


def samples(X, n_features, dtype, name="X"):
    """`X` as an array of shape `(n, n_features)` whose values are finite in the given dtype; not copied.

    Values become floats batch by batch, so that an array on disk never needs room in memory. They do so before any
    arithmetic: in uint8, the type of most images, 200 + 100 is 44. A sparse matrix of SciPy comes back as CSR.
    """
    values = real_array(X.tocsr().data if hasattr(X, "tocsr") else X, name)
    shape = X.shape if hasattr(X, "tocsr") else values.shape
    if len(shape) != 2 or shape[1] != n_features or shape[0] == 0:
        raise ValueError(refusals.samples(name, shape, n_features))
    finite(values, dtype, name)
    # Read-only, because a layer that works in place would change the caller's data.
    return X.tocsr() if hasattr(X, "tocsr") else np.broadcast_to(values, shape)


def targets(y, n, n_outputs, dtype, name="y"):
    """`y` as an array of shape `(n, n_outputs)` whose values are finite in the given dtype.

    Shape `(n,)` is taken for `(n, 1)` where the network has one output: it can mean nothing else.
    """
    y = real_array(y, name)
    if y.shape != (n, n_outputs) and not (y.shape == (n,) and n_outputs == 1):
        raise ValueError(refusals.targets(name, y.shape, n, n_outputs))
    finite(y, dtype, name)
    return y.reshape(n, n_outputs)


def real_array(values, name):
    """`values` as an array of integers, floats or booleans."""
    if hasattr(values, "toarray"):
        raise TypeError(f"{name} is a sparse matrix; call {name}.toarray() first.")
    if np.ma.is_masked(values):  # np.asarray would bring back what the mask hides
        raise ValueError(f"{name} has masked values. Drop those samples, or fill them: {name}.filled(0).")
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} has rows of different lengths. Give each sample the same number of values.") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(refusals.not_numbers(name, array.dtype))
    return array


def finite(array, dtype, name):
    """Refuse NaN and infinity in the given dtype, without a copy of the array."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = array.sum(dtype=dtype)
    if not np.isfinite(total) and (message := refusals.not_finite(name, array, dtype)):  # a sum may overflow alone
        raise ValueError(message)
