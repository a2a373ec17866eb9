"""Early stopping: end a training that no longer improves, and keep the best parameters."""

import numpy as np

from nnlib.run import checks
from nnlib.run.history import History


class EarlyStopping:
    """Stop a network that has not become better for a while, and give it its best parameters back.

    Parameters
    ----------
    patience : int, default 10
        So many epochs in a row without an improvement end the training.
    min_delta : float, default 0
        By how much the number must be better than the best so far to count as an improvement.
    monitor : str, optional
        "validation_loss" (the default if there is a validation set), "validation_accuracy", "loss" (the default
        otherwise) or "accuracy". These two are measured on the way through the epoch; restored are then the
        parameters before its last step.

    Notes
    -----
    Prechelt, "Early stopping, but when?" (1998). The best parameters are restored at the end of training in any
    case, also when all epochs were used or Ctrl-C was pressed. Each network of a stack stops for itself.

    Examples
    --------
    >>> import nnlib as nn
    >>> network = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=0)
    >>> data, other = ([[0.0], [2.0]], [0.0, 1.0]), ([[1.0], [3.0]], [2.0, 2.0])
    >>> stopping = nn.EarlyStopping(patience=5)
    >>> history = nn.train(network, *data, nn.SGD(0.1), 1000, validation=other, early_stopping=stopping)
    >>> int(len(history) - 1 - history.best_epoch)
    5
    """

    def __init__(self, patience=10, min_delta=0.0, monitor=None):
        self.patience = checks.positive_int("patience", patience)
        self.min_delta = checks.positive("min_delta", min_delta) if min_delta else 0.0
        if monitor is not None and monitor not in History.columns:
            raise ValueError(f"monitor must be one of {', '.join(History.columns)}, not {monitor!r}.")
        self.monitor = monitor

    def start(self, run):
        """For `train`: prepare for this run."""
        network, history = run.network, run.history
        name = self.monitor or ("loss" if history.validation_loss is None else "validation_loss")
        self.column = getattr(history, name)
        if self.column is None:
            remedy = "it needs a loss with classes and accuracy=True; or watch a loss"
            if history.validation_loss is None and name.startswith("validation"):
                remedy = "pass validation=(X, y)"
            raise ValueError(f"early stopping watches the {name}, which is not recorded: {remedy}.")
        self.validated = name.startswith("validation")
        self.sign = -1 if name.endswith("accuracy") else 1
        self.best, self.waited = np.full(history.diverged.shape, np.inf), np.zeros(history.diverged.shape)
        self.theta, self.state = network.theta.copy(), network.state.copy()
        history.best_epoch = np.zeros(history.diverged.shape, dtype=int)
        run.endings.append(lambda: self.finish(network))

    def look(self, run):
        """For `train`: keep the best so far, and stop the networks that have waited long enough; whether all have."""
        network, history = run.network, run.history
        # What was measured on the way was measured before the last step, and is finite there.
        theta = network.theta if self.validated else run.guard.theta
        value = self.sign * self.column[run.epoch]
        better = value < self.best - self.min_delta
        np.copyto(self.best, value, where=better)
        np.copyto(history.best_epoch, run.epoch, where=better)
        np.copyto(self.theta, theta, where=better[..., None])
        np.copyto(self.state, network.state, where=better[..., None])
        self.waited = np.where(better, 0, self.waited + 1)
        history.stopped |= (self.waited >= self.patience) & ~history.diverged
        run.guard.stop(history.stopped)
        return run.guard.stopped.all()

    def finish(self, network):
        """For `train`: the best parameters of all networks that ever had a finite number."""
        seen = np.isfinite(self.best)[..., None]
        np.copyto(network.theta, self.theta, where=seen)
        np.copyto(network.state, self.state, where=seen)

    def memory(self):
        """For a checkpoint: what is carried from epoch to epoch, as a dict of arrays."""
        return {"best": self.best, "waited": self.waited, "theta": self.theta, "state": self.state}

    def recall(self, memory):
        """Go on, after `start`, from a copy of `memory()`."""
        for name, array in self.memory().items():
            array[...] = memory[name]

    def __repr__(self):
        return f"EarlyStopping(patience={self.patience}, min_delta={self.min_delta}, monitor={self.monitor!r})"
