"""Train the networks of a stack in several processes, or on several machines."""

import copy
import importlib
import numbers
from functools import partial

import numpy as np

from nnlib import checks
from nnlib.training import DivergenceError, History, train


def train_in_parts(n_jobs, network, X, y, optimizer, epochs, settings):
    """What `nnlib.train` does with `n_jobs`: each job trains a part of the stack, as it would alone.

    Threads would do without copies, but they take turns: between two calls of NumPy on arrays as short as these,
    Python's lock changes hands too often.
    """
    try:
        joblib = importlib.import_module("joblib")
    except ModuleNotFoundError as error:
        error.add_note("n_jobs needs one more package: pip install joblib")
        raise
    if network.replicates is None:
        raise ValueError("n_jobs splits a stack; this is a single network. Leave it out.")
    if settings["rng"] is not None and not isinstance(settings["rng"], (numbers.Integral, np.random.SeedSequence)):
        raise TypeError("with n_jobs every job needs the same batches: pass a seed as rng, not a generator.")
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, numbers.Integral) or n_jobs == 0:
        raise ValueError(f"n_jobs must be a whole number of processes, or -1 for all cores, not {n_jobs!r}.")
    epochs = checks.positive_int("epochs", epochs)
    copy.deepcopy(optimizer).start(network.theta, network.decayed)  # complains of rates that do not fit the stack

    jobs = min(joblib.effective_n_jobs(n_jobs), network.replicates)
    bounds = np.linspace(0, network.replicates, jobs + 1).astype(int)
    parts = [slice(*pair) for pair in zip(bounds[:-1], bounds[1:])]
    results = joblib.Parallel(n_jobs)(
        joblib.delayed(_train_part)(network.part(rows), X, y, _part_of(optimizer, rows), epochs, settings)
        for rows in parts
    )
    for rows, (part, _, _) in zip(parts, results):
        network.theta[rows], network.state[rows], network._noise[rows] = part.theta, part.state, part._noise
    history = _join([history for _, history, _ in results])
    if history.diverged.all():
        raise DivergenceError(results[-1][2], history)
    return history


def _train_part(network, X, y, optimizer, epochs, settings):
    """The part, trained; its history; and the message if all of it diverged."""
    try:
        return network, train(network, X, y, optimizer, epochs, **settings), None
    except DivergenceError as error:
        return network, error.history, str(error)


def _part_of(optimizer, rows):
    twin = copy.deepcopy(optimizer)
    rate = getattr(twin, "learning_rate", 0.0)
    if callable(rate):
        twin.learning_rate = partial(_part_of_rate, rate, rows)
    elif np.ndim(rate) == 1:
        twin.learning_rate = rate[rows]
    return twin


def _part_of_rate(schedule, rows, step):
    rate = schedule(step)
    return rate[rows] if np.ndim(rate) == 1 else rate


def _join(histories):
    """One history of all parts; NaN where a part ended before the others."""
    whole, epochs = copy.copy(histories[0]), max(map(len, histories))
    for name in History.columns:
        columns = [getattr(history, name) for history in histories]
        if columns[0] is not None:
            padded = [np.pad(c, [(0, epochs - len(c)), (0, 0)], constant_values=np.nan) for c in columns]
            setattr(whole, name, np.concatenate(padded, axis=1))
    for name in ("diverged", "stopped", "best_epoch"):
        if getattr(whole, name) is not None:
            setattr(whole, name, np.concatenate([getattr(history, name) for history in histories]))
    return whole
