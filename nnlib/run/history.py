"""What a training recorded."""

import numpy as np


class History:
    """What `train` recorded, one entry per epoch; for a stack one column per replicate.

    Attributes
    ----------
    loss : ndarray of shape (epochs,) or (epochs, replicates)
        Mean loss over the samples, each measured just before its batch's step. With full batches, entry
        0 is the loss of the untrained network.
    accuracy : ndarray or None
        Share of right predictions, measured at the same moments; None for a loss without classes, or if
        `train` was told not to record it.
    validation_loss, validation_accuracy : ndarray or None
        On the validation set, after the last step of each epoch.
    diverged, stopped : ndarray of bool, shape () or (replicates,)
        Which networks stopped before the end: because their loss or their parameters were no longer finite, or by
        early stopping. Their later entries are NaN.
    best_epoch : ndarray of int, shape () or (replicates,), or None
        With early stopping, the epoch whose parameters were restored.
    interrupted : bool
        Whether training was ended by Ctrl-C.
    risen : bool
        Whether the loss ended far above that of the first step; `train` warns then.

    Examples
    --------
    >>> import nnlib as nn
    >>> stack = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=range(5))
    >>> history = nn.train(stack, [[1.0], [2.0]], [1.0, 2.0], nn.SGD(0.1), epochs=30)
    >>> history.loss.shape
    (30, 5)
    """

    columns = ("loss", "accuracy", "validation_loss", "validation_accuracy")

    def __init__(self, epochs, lead, accuracy):
        self.loss, second = np.full((2, epochs, *lead), np.nan)
        self.accuracy = second if accuracy else None
        self.validation_loss = self.validation_accuracy = self.best_epoch = None
        (self.diverged, self.stopped), self.interrupted, self.risen = np.zeros((2, *lead), bool), False, False

    def record(self, epoch, guard, **numbers):
        """For `train`: what was measured in an epoch, by its column; NaN for networks that have stopped."""
        for name, value in numbers.items():
            if getattr(self, name) is not None:
                getattr(self, name)[epoch] = np.where(guard.stopped, np.nan, value) if guard.any_stopped else value

    def cut(self, epochs):
        """For `train`: leave out what comes after so many epochs."""
        for name in self.columns:
            if getattr(self, name) is not None:
                setattr(self, name, getattr(self, name)[:epochs])

    def memory(self, epochs):
        """For a checkpoint: what was recorded in so many epochs, as a dict of arrays."""
        memory = {name: getattr(self, name) for name in (*self.columns, "diverged", "stopped", "best_epoch")}
        return {k: v[:epochs] if k in self.columns else v for k, v in memory.items() if v is not None}

    def recall(self, memory):
        """Go on from a copy of `memory`."""
        self.diverged, self.stopped = memory["diverged"][()], memory["stopped"][()]
        self.best_epoch = memory.get("best_epoch")
        for name in memory.keys() & set(self.columns):
            getattr(self, name)[: len(memory[name])] = memory[name]

    def __len__(self):
        return len(self.loss)

    def __repr__(self):
        if len(self) == 0:
            return "<history of 0 epochs>"
        if self.loss.ndim == 1:
            return f"<history of {len(self)} epochs: {self.describe(len(self) - 1)}>"
        diverged = f", {self.diverged.sum()} diverged" if self.diverged.any() else ""
        return f"<history of {len(self)} epochs, {self.loss.shape[1]} replicates{diverged}>"

    def describe(self, epoch):
        """One line about an epoch: the numbers, or their median over the replicates."""
        parts = []
        for name in self.columns:
            column = getattr(self, name)
            if column is not None:
                values = column[epoch][~np.isnan(column[epoch])]
                parts.append(f"{name.replace('_', ' ')} {np.median(values) if values.size else np.nan:.4g}")
        return "  ".join(parts)
