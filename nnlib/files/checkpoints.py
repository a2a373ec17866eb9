"""Checkpoints: a training saved at the end of epochs, that goes on after a break.

A checkpoint is an archive as in `nnlib.files.networks`, with the format `"nnlib checkpoint"`; it is for this module
alone, and may change with the version. It holds what each part of a run answers to `memory()`, and what the run was
set to, so that another one is told from it.
"""

import copy
import json
import os
import zlib
from types import SimpleNamespace

import numpy as np

from nnlib.files.archive import FileError, check_fields, dump, get_state, read, read_arrays, set_state, suspicion, write
from nnlib.files.networks import architecture
from nnlib.optimizers import Optimizer
from nnlib.run import checks
from nnlib.run.samples import Samples


class Checkpoint:
    """Saves a run of `train` at the end of epochs, so that it can go on after a break.

    The run that goes on equals the unbroken one bit for bit: parameters, running statistics, the optimizer's memory,
    the history, early stopping and all random generators are saved. The file is replaced as a whole, so that a crash
    while it is written leaves the one before.

    Parameters
    ----------
    path : str or path-like
    every : int, default 1
        Save after so many epochs, and at the end; not after Ctrl-C, which may come in the middle of an epoch.
    resume : bool, default False
        Go on from the file, if there is one; otherwise begin anew, and replace it.

    Raises
    ------
    FileError
        By `train`, with `resume=True`: the file is truncated or altered, or is a checkpoint of another run; the
        message names what differs. Nothing is changed then.
    FileNotFoundError
        There is no such folder.
    TypeError
        By `train`: the optimizer has no methods `memory()` and `recall(steps, memory)`; see `Optimizer`.

    Notes
    -----
    To go on, make network, optimizer and data as for the first call, and pass the same arguments; more epochs are
    allowed, a run that has ended comes back at once, and one that a callback ended goes on. The learning rate comes
    from the file, as a callback may have changed it, unless it is a schedule. Samples are not saved, nor what
    callbacks or an iterable of batches remember, or a transform beside the arrays that its `memory` names.

    Examples
    --------
    >>> import tempfile, nnlib as nn
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> def run(epochs, **options):
    ...     network = nn.Network(2, [nn.Dense(4, "tanh"), nn.Dense(1)], loss="binary_cross_entropy", rng=1)
    ...     nn.train(network, X, y, nn.Adam(0.1), epochs, batch_size=2, rng=0, **options)
    ...     return network.theta
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoint = nn.Checkpoint(f"{folder}/xor.checkpoint", every=10, resume=True)
    ...     _ = run(50, checkpoint=checkpoint)
    ...     theta = run(100, checkpoint=checkpoint)
    >>> bool((theta == run(100)).all())
    True
    """

    def __init__(self, path, every=1, resume=False):
        self.path, self.every, self.resume = os.fspath(path), checks.positive_int("every", every), resume
        # Better now than at the end of the first epoch.
        if not os.path.isdir(folder := os.path.dirname(os.path.abspath(self.path))):
            raise FileNotFoundError(f"there is no folder {folder!r} for the checkpoint: make it first.")

    def look(self, run):
        """For `train`, at the end of each epoch: save, if it is time."""
        if run.over or run.done % self.every == 0 or run.done == run.epochs:
            self.save(run)

    def save(self, run):
        """Write a run as it is at the end of an epoch."""
        rate = getattr(run.optimizer, "learning_rate", None)
        record = {
            "settings": run.settings,
            "epochs": run.done,
            "steps": getattr(run.optimizer, "steps", 0),
            "rate": rate if isinstance(rate, (float, np.ndarray)) else None,  # a schedule comes from the caller again
            "generators": [get_state(rng) for rng in _generators(run)],
        }
        write(self.path, "checkpoint", record, _memory(run))

    def restore(self, run):
        """For `train`: bring a run that has not begun to where the file left off, if there is one to go on from."""
        run.settings = json.loads(dump(_settings(run)))  # before anything of one's own counts the steps to come
        if not self.resume or not os.path.exists(self.path):
            return False
        saved, entries = read(self.path, "checkpoint")
        with suspicion(self.path, "the header does not describe a run"):
            types = {"settings": (dict,), "epochs": (int,), "steps": (int,), "generators": (list,)}
            check_fields(saved, "checkpoint", types | {"rate": (float, list, type(None))})
        self._compare(run, saved["settings"], saved["epochs"])
        # All is done with copies first, so that an error leaves network, optimizer and rng as they were.
        changing = {name: getattr(run, name) for name in ("network", "optimizer", "guard", "history", "early_stopping")}
        twin = SimpleNamespace(**copy.deepcopy(changing | {"batches": SimpleNamespace(rng=run.batches.rng)}))
        twin.optimizer.start(twin.network.theta, twin.network.decayed)
        twin.done = saved["epochs"]
        expected = {name: (array.shape, array.dtype) for name, array in _memory(twin).items()}
        arrays = read_arrays(self.path, entries, expected)
        with suspicion(self.path, "what it holds does not fit this run"):
            _recall(twin, saved, arrays)
        _recall(run, saved, arrays)
        return True

    def _compare(self, run, then, epochs):
        now, other = run.settings, f"give this run a checkpoint at another path than {self.path}."
        if changed := [name for name in now | then if then.get(name) != now.get(name)]:
            changes = "; ".join(f"{name} was {then.get(name)}, and is now {now.get(name)}" for name in changed)
            raise FileError(f"the checkpoint is of another run: {changes}. Pass the arguments of that run, or {other}")
        if not 1 <= epochs <= run.epochs:
            raise FileError(f"the checkpoint holds {epochs} epochs, and epochs={run.epochs}: pass no fewer, or {other}")


def _settings(run):
    """What must be equal for one run to go on with another."""
    batches, optimizer, stopping = run.batches, run.optimizer, run.early_stopping
    settings = architecture(run.network) | {
        "rng": batches.rng and f"{type(batches.rng).__name__} {get_state(batches.rng)['bit_generator']}",
        "validation": run.validation and run.validation.n,
        "columns": [name for name in run.history.columns if getattr(run.history, name) is not None],
        "early_stopping": stopping and repr(stopping),
        "optimizer": type(optimizer).__name__,
        # As they were passed: the optimizer's copies may have counted, if it was used before.
        "transforms": isinstance(optimizer, Optimizer) and optimizer.settings.get("transforms", optimizer.transforms),
    }
    if isinstance(batches, Samples):  # an iterable of batches says nothing of itself
        settings |= {"samples": batches.n, "batch_size": batches.size}
        for name, array in (("targets", batches.t), ("weights", batches.weight)):  # to tell one data set from another
            settings[name] = None if array is None else zlib.crc32(np.ascontiguousarray(array))
    return settings


def _generators(run):
    """All random generators of a run: of the noise, of that in networks when they stopped, and of the order."""
    generators = [*run.network._noise, *(run.guard.noise[r] for r in sorted(run.guard.noise)), run.batches.rng]
    return [rng for rng in generators if rng is not None]


def _memory(run):
    """What all parts of a run remember, by the names in the file."""
    for name, value in run.optimizer.memory().items():
        if not isinstance(value, np.ndarray):
            raise TypeError(f"the optimizer's memory {name} is {value!r}: keep it as an array, such as np.zeros(()).")
    memories = {
        "network": {"theta": run.network.theta, "state": run.network.state},
        "guard": run.guard.memory(),
        "history": run.history.memory(run.done),
        "early_stopping": run.early_stopping.memory() if run.early_stopping else {},
        "optimizer": run.optimizer.memory(),
    }
    return {f"{part}.{name}": np.asarray(array) for part in memories for name, array in memories[part].items()}


def _recall(run, saved, arrays):
    """Let all parts go on from what was saved."""

    def of(part):
        return {name.partition(".")[2]: array for name, array in arrays.items() if name.startswith(f"{part}.")}

    network, optimizer = run.network, run.optimizer
    network.theta, network.state = arrays["network.theta"], arrays["network.state"]
    for part in ("guard", "history", "early_stopping"):
        if getattr(run, part) is not None:
            getattr(run, part).recall(of(part))
    for rng, state in zip(_generators(run), saved["generators"], strict=True):
        set_state(rng, state)
    if saved["rate"] is not None:  # a callback may have changed it
        optimizer.learning_rate = saved["rate"]
    optimizer.start(network.theta, network.decayed)
    optimizer.recall(saved["steps"], of("optimizer"))
    run.epoch = run.done = saved["epochs"]
    if run.guard.stopped.all():  # the run had ended before its last epoch
        run.epochs = run.done
        run.history.cut(run.done)
