"""What errors say: what is wrong, and the remedy. One function per check that has more than a line to say."""

import difflib

import numpy as np

# What other libraries call our losses and activations, where the letters are not much alike.
OTHER_NAMES = {"linear": "identity", "logistic": "sigmoid", "swish": "silu", "bce": "binary_cross_entropy"}
OTHER_NAMES |= dict.fromkeys(("log_loss", "bce_with_logits"), "binary_cross_entropy")
OTHER_NAMES |= dict.fromkeys(("mse", "l2"), "squared_error")
OTHER_NAMES |= dict.fromkeys(("nll", "cross_entropy", "crossentropy"), "categorical_cross_entropy")
MISSING_LOSSES = ("mae", "l1", "absolute_error", "mean_absolute_error", "huber", "hinge")


def unknown(kind, name, table):
    """A name that is not in the table."""
    lower = str(name).lower()
    close = OTHER_NAMES.get(lower) or next(iter(difflib.get_close_matches(lower, table, n=1)), None)
    hint = f" Did you mean {close!r}?" if close in table else ""
    if kind == "loss" and lower in MISSING_LOSSES:
        hint = " That one is missing, and can be written in two lines: see the example of nn.Loss."
    return f"unknown {kind} {name!r}. Known: {', '.join(sorted(table))}.{hint}"


def generator(rng):
    """Something that random numbers cannot come from."""
    seed = "a seed (a whole number of at least 0, or a numpy.random.SeedSequence)"
    return f"rng must be {seed}, a numpy.random.Generator or a RandomState, not {rng!r}."


def start(layer, name, parts, shape):
    """What a layer draws for its start, and does not fit."""
    if name not in parts:
        return f"draw of {type(layer).__name__} returned no {name!r}: it must return all parameters and state, by name."
    return f"{layer!r} starts with {name} of shape {np.shape(parts[name])}; expected {shape}."


def transform(given):
    """Something that cannot be a link of an optimizer's chain."""
    methods = "start(theta, decayed) and apply(update, theta)"
    return f"an optimizer takes transforms such as nn.Clip(1.0), or your nn.Transform with {methods}, not {given!r}."


def other_network(started_for, shape):
    """An optimizer that would go on with a network that it was not started for."""
    start = f"the optimizer was started for parameters of shape {started_for}"
    return f"{start}, and this network has {shape}, or other layers: leave out restart=False."


def other_memory(saved, own):
    """A checkpoint of another optimizer."""
    memories = f"the saved optimizer kept {saved or 'nothing'}, this one keeps {own or 'nothing'}"
    return f"{memories}: use the optimizer that the run began with."


def rates(rate, theta):
    """Learning rates that do not fit a stack."""
    stack = f"a stack of {theta.shape[0]}" if theta.ndim == 2 else "a single network"
    return f"learning_rate has shape {rate.shape}, but this is {stack}: pass a number, or one rate per replicate."


def last_layer(last, loss):
    """An activation of the last layer that the loss applies itself."""
    remedy = f"write Dense({last.units}). With loss='squared_error' any last activation will do."
    return f"{loss.name} takes logits and applies {loss.link.name} itself; the last layer, {last!r}, must not: {remedy}"


def samples(name, shape, n_features):
    """Samples of a shape that does not fit."""
    hint = "Flatten each sample to one row."
    if len(shape) == 1:
        hint = f"Write {name}.reshape(-1, 1)." if n_features == 1 else f"For one sample, write {name}.reshape(1, -1)."
    if len(shape) != 2:
        return f"{name} has shape {shape}; expected (n, {n_features}), samples in rows. {hint}"
    if shape[1] != n_features:
        hint = f" It looks transposed: try {name}.T." if shape[0] == n_features else ""
        expected = f"the network takes {n_features}: expected shape (n, {n_features})"
        return f"{name} has {shape[1]} features (shape {shape}), but {expected}.{hint}"
    return f"{name} is empty (shape {shape}): at least one sample is needed."


def targets(name, shape, n, n_outputs):
    """Targets of a shape that does not fit."""
    shapes, remedy = f"(n, {n_outputs})" + (" or (n,)" if n_outputs == 1 else ""), "Give each sample one row."
    if shape == (n_outputs, n):
        remedy = f"It looks transposed: try {name}.T."
    elif len(shape) in (1, 2) and shape[0] == n:
        columns = shape[1] if len(shape) == 2 else 1
        columns, units = (f"{k} {what}{'s' * (k != 1)}" for k, what in ((n_outputs, "column"), (columns, "unit")))
        remedy = f"Give {name} {columns}, or the last layer {units}."
        if len(shape) == 1:
            remedy += " For one class number per sample use loss='categorical_cross_entropy'."
    outputs = f"the outputs have shape ({n}, {n_outputs})"
    return f"{name} has shape {shape}, but {outputs}: expected {shapes}. Nothing is broadcast. {remedy}"


def not_numbers(name, dtype):
    """An array of something else than real numbers."""
    hint = " For class names, number them first: classes, y = np.unique(names, return_inverse=True)."
    tail = hint if name == "y" else ""
    return f"{name} has dtype {dtype}; real numbers are needed: try {name}.astype(float).{tail}"


def not_finite(name, array, dtype, piece=1 << 18):
    """Where an array, looked at piece by piece, holds its first number not finite in the dtype; None if nowhere."""
    array = np.atleast_1d(array)
    rows = max(1, piece * len(array) // max(array.size, 1))
    for start in range(0, len(array), rows):
        with np.errstate(over="ignore"):  # float64 values beyond float32 become inf
            bad = ~np.isfinite(array[start : start + rows].astype(dtype, copy=False))
        if bad.any():
            where = tuple(map(int, np.argwhere(bad)[0] + [start, *[0] * (array.ndim - 1)]))
            remedy = "Drop or impute them; for integers and large values, scale first."
            return f"{name} holds NaN or infinite values in {np.dtype(dtype)} (the first at {where}). {remedy}"
    return None


def binary_labels(low, high):
    """Labels that are not between 0 and 1."""
    labels, recipe = ("1 and 2", "y - 1") if (low, high) == (1, 2) else ("-1 and 1", "(y + 1) / 2")
    remedy = f"For labels {labels} write {recipe}; for more classes use loss='categorical_cross_entropy'."
    taken = "binary cross-entropy takes labels 0 and 1, or probabilities between them"
    return f"y ranges from {low:g} to {high:g}; {taken}. {remedy}"


def one_output(n_outputs):
    """A softmax over too few units."""
    remedy = "For two classes and one unit use loss='binary_cross_entropy'."
    return f"categorical cross-entropy needs a unit per class, at least 2; the last layer has {n_outputs}. {remedy}"


NOT_PROBABILITIES = "y holds rows that are not probabilities: pass class numbers, or rows of at least 0 that sum to 1."


def divergence(guard, what, epoch):
    """A training whose loss or parameters are no longer finite."""
    if not np.isfinite(guard.loss).any():
        remedy = "Scale X and y to a standard deviation of about 1, or start with smaller weights."
        return f"training cannot start: the {what} overflowed, to infinity or NaN, before the first step. {remedy}"
    network, rate = guard.network, getattr(guard.optimizer, "learning_rate", None)
    who = "diverged" if network.replicates is None else "of every network diverged, of the last one"
    if callable(rate):
        steps = getattr(guard.optimizer, "steps", None)
        rate = None if steps is None else rate(max(steps - 1, 0))  # that of the step that did it
    remedy = f"Take smaller steps than those of {guard.optimizer!r}"
    if np.asarray(rate).dtype.kind in "iuf":
        low, high = np.min(rate), np.max(rate)
        remedy = f"Lower the learning rate (now {low:g}" + (f" to {high:g})" if low < high else ")")
    if network.n_outputs > 1 and "squared" in network.loss_function.name:
        remedy += f" (the loss is a sum over {network.n_outputs} outputs, and that much larger than a mean)"
    fact = f"the {what} became infinite or NaN (the last finite loss was {np.nanmax(guard.loss):.4g})"
    remedy += ", or scale the inputs to a standard deviation of about 1"
    return f"training {who} in epoch {epoch}: {fact}. The network keeps its last finite parameters. {remedy}."
