"""Class numbers and weights of samples, checked."""

import numpy as np

from nnlib.run import checks


def weights(sample_weight, n, dtype, some=True, name="sample_weight"):
    """`sample_weight` as a float array of shape `(n,)`, at least 0, of a finite sum; None stays None.

    With `some`, the sum must be above 0.
    """
    if sample_weight is None:
        return None
    weight = checks.real_array(sample_weight, name)
    if weight.shape != (n,):
        raise ValueError(f"{name} has shape {weight.shape}; expected ({n},), one weight per sample.")
    checks.finite(weight, dtype, name)
    weight = weight.astype(dtype, copy=False)
    with np.errstate(over="ignore"):
        total = weight.sum()
    if (weight < 0).any() or not total < np.inf or (some and total == 0):
        found = f"they range from {weight.min():g} to {weight.max():g} in {weight.dtype}, and the sum is {total:g}"
        raise ValueError(f"{name} must hold numbers of at least 0 with a finite sum{' above 0' * some}; {found}.")
    return weight


def class_numbers(y, n, n_classes, name="y"):
    """`y`, of shape `(n,)` or `(n, 1)`, as whole numbers from 0 to `n_classes - 1`, shape `(n,)`."""
    y = checks.real_array(y, name)
    if y.shape not in ((n,), (n, 1)):
        shapes = f"({n},), one class number per sample, or ({n}, {n_classes}), one probability per class"
        raise ValueError(f"{name} has shape {y.shape}; expected {shapes}.")
    checks.finite(y, np.float64, name)
    y = y.reshape(n)
    wrong = y[(y < 0) | (y >= n_classes) | (y != np.floor(y))]
    if wrong.size:
        remedy = "Number the classes from 0, or give the output layer as many units as there are classes."
        if y.min() == 1 and y.max() == n_classes:
            remedy = f"It counts from 1: write {name} - 1."
        distinct = [f"{label:g}" for label in np.unique(wrong)]
        shown = ", ".join(distinct[:3] + ["..."] * (len(distinct) > 3))
        raise ValueError(f"{name} holds {shown}; the classes are the whole numbers 0 to {n_classes - 1}. {remedy}")
    return y.astype(np.intp)


def weigh_classes(network, y, sample_weight, class_weight):
    """One weight per sample from both kinds of weights."""
    if network.loss_function.decide is None or (network.n_outputs > 1 and network.loss_function.link.elementwise):
        loss, n = network.loss_function.name, network.n_outputs
        raise ValueError(f"class_weight needs one class per sample, not {loss} with {n} outputs; use sample_weight.")
    n_classes = max(network.n_outputs, 2)
    labels = checks.real_array(y, "y")
    if labels.ndim == 2 and labels.shape[1] > 1:
        labels = labels.argmax(axis=1)
    labels = class_numbers(labels, len(np.atleast_1d(labels)), n_classes)
    table = np.ones(n_classes)
    if isinstance(class_weight, dict):
        for label, weight in class_weight.items():
            if label not in range(n_classes):
                raise ValueError(f"class_weight names {label!r}, but the classes are 0 to {n_classes - 1}.")
            table[int(label)] = checks.positive(f"class_weight[{label!r}]", weight) if weight != 0 else 0
    elif isinstance(class_weight, str) and class_weight == "balanced":
        counts = np.bincount(labels, minlength=n_classes)
        table = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    else:
        raise TypeError(f'class_weight must be a dict, such as {{0: 1, 1: 5}}, or "balanced", not {class_weight!r}.')
    given = weights(sample_weight, len(labels), np.float64)
    return table[labels] if given is None else given * table[labels]
