"""Checks at the border: what comes in is looked at once, and refused with a remedy.

Inside, arrays are trusted. NumPy would broadcast labels of shape (500,) against outputs of shape
(500, 1) into (500, 500) without a word; after these checks it cannot.
"""

import difflib
import numbers

import numpy as np


def look_up(kind, table, name):
    """`table[name]`, or a ValueError that lists the known names."""
    if isinstance(name, str) and name in table:
        return table[name]
    close = difflib.get_close_matches(str(name).lower(), table, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"unknown {kind} {name!r}. Known: {', '.join(sorted(table))}.{hint}")


def positive_int(name, value):
    """`value` as an int of at least 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}.")
    return int(value)


def positive(name, value, hint="", most_dimensions=0):
    """`value` as a finite float above 0; with `most_dimensions=1`, it may be a sequence of them."""
    try:
        array = np.array(value)
    except ValueError:  # rows of different lengths
        array = np.array(None)
    number = array.dtype.kind in "iuf" and array.size > 0 and array.ndim <= most_dimensions
    if not number or not (np.isfinite(array) & (array > 0)).all():
        raise ValueError(f"{name} must be a finite number above 0, not {value!r}.{hint}")
    return float(array) if array.ndim == 0 else array.astype(np.float64)


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
    raise TypeError(
        "rng must be a seed (a whole number of at least 0, or a numpy.random.SeedSequence), a numpy.random.Generator "
        f"or a RandomState, not {rng!r}."
    )


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
    sparse = hasattr(X, "tocsr")
    X = X.tocsr() if sparse else real_array(X, name)
    if sparse and X.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {X.dtype}; real numbers are needed: try {name}.astype(float).")
    if X.ndim != 2:
        hint = "Flatten each sample to one row."
        if X.ndim == 1:
            hint = (
                f"Write {name}.reshape(-1, 1)." if n_features == 1 else f"For one sample, write {name}.reshape(1, -1)."
            )
        raise ValueError(f"{name} has shape {X.shape}; expected (n, {n_features}), samples in rows. {hint}")
    if X.shape[1] != n_features:
        transposed = X.shape[0] == n_features
        hint = f" It looks transposed: try {name}.T." if transposed else ""
        raise ValueError(
            f"{name} has {X.shape[1]} features (shape {X.shape}), but the network takes {n_features}: "
            f"expected shape (n, {n_features}).{hint}"
        )
    if X.shape[0] == 0:
        raise ValueError(f"{name} is empty (shape {X.shape}): at least one sample is needed.")
    _finite(X.data if sparse else X, dtype, f"{name}.data" if sparse else name)
    return X


def targets(y, n, n_outputs, dtype, name="y"):
    """`y` as an array of shape `(n, n_outputs)` whose values are finite in the given dtype.

    Shape `(n,)` is taken for `(n, 1)` where the network has one output: it can mean nothing else.
    """
    y = real_array(y, name)
    if y.shape != (n, n_outputs) and not (y.shape == (n,) and n_outputs == 1):
        shapes = f"(n, {n_outputs})" + (" or (n,)" if n_outputs == 1 else "")
        if y.shape == (n_outputs, n):
            remedy = f"It looks transposed: try {name}.T."
        elif y.ndim in (1, 2) and len(y) == n:
            columns = y.shape[1] if y.ndim == 2 else 1
            columns, units = (f"{k} {what}{'s' * (k != 1)}" for k, what in ((n_outputs, "column"), (columns, "unit")))
            remedy = f"Give {name} {columns}, or the last layer {units}."
            if y.ndim == 1:
                remedy += " For one class number per sample use loss='categorical_cross_entropy'."
        else:
            remedy = "Give each sample one row."
        raise ValueError(
            f"{name} has shape {y.shape}, but the outputs have shape ({n}, {n_outputs}): expected {shapes}. "
            f"Nothing is broadcast. {remedy}"
        )
    _finite(y, dtype, name)
    return y.reshape(n, n_outputs)


def weights(sample_weight, n, dtype, name="sample_weight"):
    """`sample_weight` as a float array of shape `(n,)`, at least 0, of a finite sum above 0; None stays None."""
    if sample_weight is None:
        return None
    weight = real_array(sample_weight, name)
    if weight.shape != (n,):
        raise ValueError(f"{name} has shape {weight.shape}; expected ({n},), one weight per sample.")
    _finite(weight, dtype, name)
    weight = weight.astype(dtype, copy=False)
    with np.errstate(over="ignore"):
        total = weight.sum()
    if (weight < 0).any() or not 0 < total < np.inf:
        raise ValueError(
            f"{name} must hold numbers of at least 0 with a finite sum above 0; they range from {weight.min():g} to "
            f"{weight.max():g} in {weight.dtype}, and the sum is {total:g}."
        )
    return weight


def class_labels(y, n, n_classes, name="y"):
    """`y`, of shape `(n,)` or `(n, 1)`, as whole numbers from 0 to `n_classes - 1`, shape `(n,)`."""
    y = real_array(y, name)
    if y.shape not in ((n,), (n, 1)):
        raise ValueError(
            f"{name} has shape {y.shape}; expected ({n},), one class number per sample, "
            f"or ({n}, {n_classes}), one probability per class."
        )
    _finite(y, np.float64, name)
    y = y.reshape(n)
    fractions = y != np.floor(y)
    if fractions.any():
        raise ValueError(f"{name} holds {_some(y[fractions])}; the classes are the whole numbers 0 to {n_classes - 1}.")
    wrong = (y < 0) | (y >= n_classes)
    if wrong.any():
        remedy = "Number the classes from 0, or give the output layer as many units as there are classes."
        if y.min() == 1 and y.max() == n_classes:
            remedy = f"It counts from 1: write {name} - 1."
        raise ValueError(f"{name} holds {_some(y[wrong])}, outside the classes 0 to {n_classes - 1}. {remedy}")
    return y.astype(np.intp)


def real_array(values, name):
    """`values` as an array of integers, floats or booleans."""
    if hasattr(values, "toarray"):
        raise TypeError(f"{name} is a sparse matrix; call {name}.toarray() first.")
    if np.ma.is_masked(values):  # np.asarray would bring back what the mask hides
        raise ValueError(f"{name} has masked values. Drop those samples, or fill them: {name}.filled(0).")
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{name} has rows of different lengths. Give every sample the same number of values."
        ) from None
    if array.dtype.kind not in "biuf":
        hint = " For class names, number them first: classes, y = np.unique(names, return_inverse=True)."
        raise TypeError(
            f"{name} has dtype {array.dtype}; real numbers are needed: try {name}.astype(float)."
            + (hint if name == "y" else "")
        )
    return array


PIECE = 1 << 18


def _finite(array, dtype, name):
    """Refuse NaN and infinity, looking at one piece after the other: a check must not double the memory."""
    rows = max(1, PIECE * len(array) // max(array.size, 1)) if array.ndim else 1
    for start in range(0, len(array) if array.ndim else 1, rows):
        piece = array[start : start + rows] if array.ndim else array
        with np.errstate(over="ignore"):  # float64 values beyond float32 become inf, and are named below
            bad = ~np.isfinite(piece.astype(dtype, copy=False))
        if bad.any():
            where = np.argwhere(bad)[0] + [start, *[0] * (array.ndim - 1)]
            raise ValueError(
                f"{name} holds NaN or infinite values in {np.dtype(dtype)} (the first at {tuple(map(int, where))}). "
                "Drop or impute them; for integers and large values, scale first."
            )


def _some(values, most=3):
    distinct = np.unique(values)
    shown = ", ".join(f"{v:g}" for v in distinct[:most])
    return shown + (", ..." if len(distinct) > most else "")
