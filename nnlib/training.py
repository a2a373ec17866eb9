"""Training: go through the data, step down the gradient, keep the history."""

import numbers

import numpy as np

from nnlib import checks
from nnlib.activations import quiet
from nnlib.network import Network


class DivergenceError(ArithmeticError):
    """The loss or the parameters stopped being finite.

    Attributes
    ----------
    history : History
        What was recorded up to the epoch of the failure. The network holds the last finite parameters.

    Examples
    --------
    >>> import nnlib as nn
    >>> network = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=0)
    >>> try:
    ...     nn.train(network, [[1.0], [2.0]], [1.0, 2.0], nn.SGD(1e150), epochs=100)
    ... except nn.DivergenceError as error:
    ...     print(len(error.history), "epochs; finite now:", bool(np.isfinite(network.theta).all()))
    2 epochs; finite now: True
    """

    def __init__(self, message, history):
        super().__init__(message)
        self.history = history


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
    diverged : ndarray of bool, shape () or (replicates,)
        Which networks stopped early because their loss or their parameters were no longer finite. Their later
        entries are NaN.

    Examples
    --------
    >>> import nnlib as nn
    >>> stack = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=range(5))
    >>> history = nn.train(stack, [[1.0], [2.0]], [1.0, 2.0], nn.SGD(0.1), epochs=30)
    >>> history.loss.shape
    (30, 5)
    """

    def __init__(self, epochs, lead, accuracy, validation, validation_accuracy):
        def column(wanted):
            return np.full((epochs, *lead), np.nan) if wanted else None

        self.loss = column(True)
        self.accuracy = column(accuracy)
        self.validation_loss = column(validation)
        self.validation_accuracy = column(validation and validation_accuracy)
        self.diverged = np.zeros(lead, dtype=bool)

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
        for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
            column = getattr(self, name)
            if column is not None:
                values = column[epoch][~np.isnan(column[epoch])]
                parts.append(f"{name.replace('_', ' ')} {np.median(values) if values.size else np.nan:.4g}")
        return "  ".join(parts)

    def _cut(self, epochs):
        for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
            if getattr(self, name) is not None:
                setattr(self, name, getattr(self, name)[:epochs])


@quiet
def train(network, X, y, optimizer, epochs, *, batch_size=None, rng=None, validation=None, accuracy=True, progress=0):
    """Train a network, or a stack of them, in place.

    Parameters
    ----------
    network : Network
    X : array of shape (n, n_features)
    y : array of shape (n,) or (n, outputs)
        Labels 0 and 1 for binary cross-entropy, class numbers or one-hot rows for categorical
        cross-entropy, numbers for squared error.
    optimizer : SGD, Adam, or any object with these two methods
        `start(theta)` is called once, so that an optimizer starts afresh at each call of `train`;
        `step(theta, grad)` at each step, and changes `theta` in place.
    epochs : int
        How often all samples are used.
    batch_size : int, optional
        Samples per step; all by default. The last batch of an epoch may be smaller.
    rng : int, SeedSequence, Generator or RandomState
        Needed with `batch_size`: shuffles the rows anew in each epoch. All networks of a stack see the same
        batches in the same order.
    validation : (X, y), optional
        Measured at the end of each epoch, never learned from.
    accuracy : bool, default True
        Whether to record the accuracy too (with a loss that has classes).
    progress : int, default 0
        Print a line at every so many epochs; 0 prints nothing.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        Shapes that do not fit, values that are not finite, labels outside the classes, fewer than one
        epoch, a batch larger than the data. Nothing is changed then.
    DivergenceError
        The loss or the parameters are no longer finite. Training stops at that step, and the network keeps
        the last parameters that were finite and had a finite loss. In a stack, only the networks concerned
        stop; the error comes if none is left. No loss is computed after the very last step: there, finite
        parameters are enough, though a loss computed from them may be infinite.

    Examples
    --------
    >>> import nnlib as nn
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> network = nn.Network(2, [nn.Dense(4, "tanh"), nn.Dense(1)], loss="binary_cross_entropy", rng=1)
    >>> history = nn.train(network, X, y, nn.SGD(0.5), epochs=500)
    >>> network.classify(X)
    array([0, 1, 1, 0])
    """
    if not isinstance(network, Network):
        raise TypeError(f"train(network, X, y, optimizer, epochs) takes a Network first, not {type(network).__name__}.")
    if isinstance(optimizer, type) or not (hasattr(optimizer, "start") and hasattr(optimizer, "step")):
        raise TypeError(
            "optimizer must be an optimizer such as nn.SGD(0.5), or have its methods start(theta) and "
            f"step(theta, grad), not {optimizer!r}."
        )
    if not isinstance(progress, numbers.Integral) or progress < 0:
        raise ValueError(f"progress must be a whole number of epochs, or 0 for no lines, not {progress!r}.")
    if not np.isfinite(network.theta).all():
        raise ValueError("the parameters are NaN or infinite before the first step: check theta and the initializers.")
    data = network.encode(X, y)
    n = len(data)
    epochs = checks.positive_int("epochs", epochs)
    batch_size = n if batch_size is None else checks.positive_int("batch_size", batch_size)
    if batch_size > n:
        raise ValueError(f"batch_size is {batch_size}, but there are {n} samples. Leave it out to use all at once.")
    if batch_size < n and rng is None:
        raise ValueError("batches are shuffled: pass rng=0, or any other seed or generator, with batch_size.")
    rng = checks.as_rng(rng) if batch_size < n else None
    if validation is not None:
        if not isinstance(validation, (tuple, list)) or len(validation) != 2:
            raise ValueError("validation must be a pair (X, y).")
        try:
            validation = network.encode(*validation)
        except (TypeError, ValueError) as error:
            raise type(error)(f"validation: {error}") from None

    classes = network.loss_function.correct is not None
    accuracy = bool(accuracy) and classes
    lead = network.theta.shape[:-1]
    history = History(epochs, lead, accuracy, validation is not None, classes)
    batches = _Batches(data, batch_size, rng)
    steps = _Steps(network, optimizer, history)

    for epoch in range(epochs):
        loss, hits = 0.0, 0.0
        for x, t in batches:
            share = x.shape[1] / n
            batch_loss, batch_hits = steps.take(x, t, accuracy, epoch)
            loss = loss + share * batch_loss
            if accuracy:
                hits = hits + share * batch_hits
        history.loss[epoch] = loss
        if accuracy:
            history.accuracy[epoch] = hits
        if validation is not None:
            steps.check_parameters(epoch)
            loss, hits = network.score(validation)
            history.validation_loss[epoch] = np.where(history.diverged, np.nan, loss)
            if classes:
                history.validation_accuracy[epoch] = np.where(history.diverged, np.nan, hits)
        if progress and (epoch % progress == 0 or epoch == epochs - 1):
            print(f"epoch {epoch:>{len(str(epochs - 1))}}  {history.describe(epoch)}")
    steps.check_parameters(epoch)
    return history


class _Batches:
    """The batches of an epoch, transposed to `(features + 1, size)` and `(outputs, size)`."""

    def __init__(self, data, size, rng):
        self.data, self.size, self.rng = data, size, rng
        if rng is None:
            # Rows of the transpose next to each other: a little faster, and done once.
            self.whole = [(np.ascontiguousarray(data.x.T), np.ascontiguousarray(data.t.T))]

    def __iter__(self):
        return iter(self.whole) if self.rng is None else self._shuffled()

    def _shuffled(self):
        x, t = self.data.x, self.data.t
        order = self.rng.permutation(len(x))
        for start in range(0, len(x), self.size):
            rows = order[start : start + self.size]
            yield x.take(rows, axis=0).T, t.take(rows, axis=0).T


class _Steps:
    """Takes steps as long as they are finite, and goes back to the last finite parameters if not."""

    def __init__(self, network, optimizer, history):
        self.network, self.optimizer, self.history = network, optimizer, history
        self.good = network.theta.copy()
        self.good_loss = None
        self.some_diverged = False
        self.workspaces = {}  # at most two: for a batch, and for the last and shorter one
        optimizer.start(network.theta)

    def take(self, x, t, accuracy, epoch):
        """One step on one batch: its loss and accuracy, measured before the step."""
        network = self.network
        n = x.shape[1]
        if n not in self.workspaces:
            self.workspaces[n] = network.workspace(n)
        loss, hits = network.differentiate(x, t, self.workspaces[n], accuracy)
        # A sum is finite only if all its terms are, and cheaper than looking at each of them.
        finite = np.isfinite(loss + network.theta.sum(axis=-1))
        if not finite.all():
            self.go_back(finite, loss, epoch, recorded=epoch)
        if self.some_diverged:
            loss = np.where(self.history.diverged, np.nan, loss)
            hits = np.where(self.history.diverged, np.nan, hits) if accuracy else None
        self.good_loss = loss
        np.copyto(self.good, network.theta)
        self.optimizer.step(network.theta, network.grad)
        if self.some_diverged:
            network.theta[self.history.diverged] = self.good[self.history.diverged]
        return loss, hits

    def check_parameters(self, epoch):
        """For the last step of an epoch, which has no loss after it in that epoch."""
        finite = np.isfinite(self.network.theta.sum(axis=-1))
        if not finite.all():
            self.go_back(finite, self.good_loss, epoch, recorded=epoch + 1)

    def go_back(self, finite, loss, epoch, recorded):
        network, history = self.network, self.history
        network.theta[~finite] = self.good[~finite]
        # A relu that overflowed, or a sigmoid, can make a finite loss from infinite parameters.
        newly = ~finite & ~history.diverged
        what = "parameters" if np.isfinite(np.asarray(loss)[newly]).any() else "loss"
        history.diverged |= ~finite
        self.some_diverged = True
        if history.diverged.all():
            history._cut(recorded)
            raise DivergenceError(self._message(what, epoch), history)

    def _message(self, what, epoch):
        if self.good_loss is None:
            return (
                f"training cannot start: the {what} overflowed, to infinity or NaN, before the first step. Scale X "
                "and y to a standard deviation of about 1, or start with smaller weights."
            )
        who = "diverged" if self.network.replicates is None else "of every network diverged, of the last one"
        if hasattr(self.optimizer, "learning_rate"):
            rates = np.unique(self.optimizer.learning_rate)
            rate = f"{rates[0]:g}" if len(rates) == 1 else f"{rates[0]:g} to {rates[-1]:g}"
            remedy = f"Lower the learning rate (now {rate})"
        else:
            remedy = f"Take smaller steps than those of {self.optimizer!r}"
        return (
            f"training {who} in epoch {epoch}: the {what} became infinite or NaN (the last finite loss was "
            f"{np.nanmax(self.good_loss):.4g}). The network keeps its last finite parameters. {remedy}, or scale the "
            "inputs to a standard deviation of about 1."
        )
