"""Train the networks of a stack in several processes, or on several machines."""

import copy
import numbers
from functools import partial

import numpy as np

from nnlib import training
from nnlib.run import checks
from nnlib.run.guard import DivergenceError
from nnlib.run.history import History


def train(network, X, y, optimizer, epochs, *, n_jobs=-1, **settings):
    """What `nnlib.train` does, with the stack split between processes: each trains a part, as it would alone.

    Threads would do without copies, but they take turns: between two calls of NumPy on arrays as short as these,
    Python's lock changes hands too often.

    Parameters
    ----------
    network : Network
        A stack.
    X, y, optimizer, epochs : as for `nnlib.train`
    n_jobs : int, default -1
        How many processes; -1 takes all cores. Needs joblib, which scikit-learn brings, and follows
        `joblib.parallel_config`.
    **settings
        Those of `nnlib.train`, but callbacks, progress, checkpoint and restart; `rng` must be a seed.

    Returns
    -------
    History
        Of all networks. Ctrl-C leaves the stack as it was.

    Raises
    ------
    TypeError, ValueError
        As `nnlib.train`; or this is a single network, or a setting that cannot be split.
    DivergenceError
        No network is left.

    Examples
    --------
    >>> import nnlib as nn
    >>> X, y = nn.datasets.xor()
    >>> stack = nn.Network(2, [nn.Dense(4, "tanh"), nn.Dense(1)], loss="binary_cross_entropy", rng=range(10))
    >>> nn.parallel.train(stack, X, y, nn.SGD(0.5), epochs=50, n_jobs=1).loss.shape
    (50, 10)
    """
    if alone := sorted({"callbacks", "progress", "checkpoint", "restart"} & settings.keys()):
        raise ValueError(f"processes cannot share {', '.join(alone)}: leave out, or use nn.train.")
    try:
        import joblib
    except ModuleNotFoundError as error:
        error.add_note("nn.parallel needs one more package: pip install joblib")
        raise
    if network.replicates is None:
        raise ValueError("a stack is split, and this is a single network: use nn.train.")
    if not isinstance(settings.get("rng"), (numbers.Integral, np.random.SeedSequence, type(None))):
        raise TypeError("every job needs the same batches: pass a seed as rng, not a generator.")
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, numbers.Integral) or n_jobs == 0:
        raise ValueError(f"n_jobs must be a whole number of processes, or -1 for all cores, not {n_jobs!r}.")
    epochs = checks.positive_int("epochs", epochs)
    copy.deepcopy(optimizer).start(network.theta, network.decayed)  # complains of rates that do not fit the stack

    jobs = min(joblib.effective_n_jobs(n_jobs), network.replicates)
    parts, job = np.array_split(np.arange(network.replicates), jobs), joblib.delayed(_train_part)
    calls = (job(network[rows], X, y, _part_of(optimizer, rows), epochs, settings) for rows in parts)
    results = joblib.Parallel(n_jobs)(calls)
    for rows, (part, _, _) in zip(parts, results):
        network._take(rows, part)
    history = _join([history for _, history, _ in results])
    if history.diverged.all():
        raise DivergenceError(results[-1][2], history)
    return history


def _train_part(network, X, y, optimizer, epochs, settings):
    """The part, trained; its history; and the message if all of it diverged."""
    try:
        return network, training.train(network, X, y, optimizer, epochs, **settings), None
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
    for name in (*History.columns, "diverged", "stopped", "best_epoch"):
        parts = [getattr(history, name) for history in histories]
        if name in History.columns and parts[0] is not None:
            parts = [np.pad(part, [(0, epochs - len(part)), (0, 0)], constant_values=np.nan) for part in parts]
        setattr(whole, name, None if parts[0] is None else np.concatenate(parts, axis=-1))
    whole.risen = any(history.risen for history in histories)
    whole.interrupted = any(history.interrupted for history in histories)
    return whole
