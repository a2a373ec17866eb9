"""Training: go through the data, step down the gradient, keep the history."""

import copy
import itertools
from contextlib import nullcontext

import numpy as np

from nnlib import checks
from nnlib.activations import quiet
from nnlib.network import Batch, Network


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

    def __reduce__(self):  # exceptions are pickled by their args, and lose the history
        return type(self), (self.args[0], self.history)


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

    Examples
    --------
    >>> import nnlib as nn
    >>> stack = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=range(5))
    >>> history = nn.train(stack, [[1.0], [2.0]], [1.0, 2.0], nn.SGD(0.1), epochs=30)
    >>> history.loss.shape
    (30, 5)
    """

    columns = ("loss", "accuracy", "validation_loss", "validation_accuracy")

    def __init__(self, epochs, lead, accuracy, validation, validation_accuracy):
        wanted = (True, accuracy, validation, validation and validation_accuracy)
        for name, is_wanted in zip(self.columns, wanted):
            setattr(self, name, np.full((epochs, *lead), np.nan) if is_wanted else None)
        self.diverged, self.stopped = np.zeros((2, *lead), dtype=bool)
        self.best_epoch, self.interrupted = None, False

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

    def _cut(self, epochs):
        for name in self.columns:
            if getattr(self, name) is not None:
                setattr(self, name, getattr(self, name)[:epochs])


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

    def start(self, network, history):
        """For `train`: prepare for this run."""
        name = self.monitor or ("loss" if history.validation_loss is None else "validation_loss")
        self.column = getattr(history, name)
        if self.column is None:
            lacks = history.validation_loss is None and name.startswith("validation")
            remedy = (
                "pass validation=(X, y)" if lacks else "it needs a loss with classes and accuracy=True; or watch a loss"
            )
            raise ValueError(f"early stopping watches the {name}, which is not recorded: {remedy}.")
        self.validated = name.startswith("validation")
        self.sign = -1 if name.endswith("accuracy") else 1
        self.best = np.full(network.theta.shape[:-1], np.inf)
        self.waited = np.zeros(network.theta.shape[:-1])
        self.theta, self.state = network.theta.copy(), network.state.copy()
        history.best_epoch = np.zeros(network.theta.shape[:-1], dtype=int)

    def look(self, run):
        """For `train`: keep what is the best so far; which networks have waited long enough."""
        network, history, epoch = run.network, run.history, run.epoch
        # What was measured on the way was measured before the last step, and is finite there.
        theta = network.theta if self.validated else run.good
        value = self.sign * self.column[epoch]
        better = value < self.best - self.min_delta
        np.copyto(self.best, value, where=better)
        np.copyto(history.best_epoch, epoch, where=better)
        np.copyto(self.theta, theta, where=better[..., None])
        np.copyto(self.state, network.state, where=better[..., None])
        self.waited = np.where(better, 0, self.waited + 1)
        return self.waited >= self.patience

    def finish(self, network):
        """For `train`: the best parameters of all networks that ever had a finite number."""
        seen = np.isfinite(self.best)[..., None]
        np.copyto(network.theta, self.theta, where=seen)
        np.copyto(network.state, self.state, where=seen)

    memory_names = ("best", "waited", "theta", "state")

    def __repr__(self):
        return f"EarlyStopping(patience={self.patience}, min_delta={self.min_delta}, monitor={self.monitor!r})"


def train(
    network,
    X,
    y,
    optimizer,
    epochs,
    *,
    batch_size=None,
    rng=None,
    shuffle=True,
    validation=None,
    sample_weight=None,
    class_weight=None,
    early_stopping=None,
    callbacks=(),
    accuracy=True,
    progress=False,
    checkpoint=None,
    resume=False,
    restart=True,
    n_jobs=None,
):
    """Train a network, or a stack of them, in place.

    Parameters
    ----------
    network : Network
    X : array of shape (n, n_features), or an iterable of batches
        An array on disk (`numpy.memmap`) or a sparse matrix is read batch by batch. With `y=None`, an iterable of
        pairs `(X, y)` or triples `(X, y, sample_weight)`, or a function that returns one; it is gone through once
        per epoch. Memory is then needed for one batch only.
    y : array of shape (n,) or (n, outputs), or None
        Labels 0 and 1 for binary cross-entropy, class numbers or one-hot rows for categorical
        cross-entropy, numbers for squared error.
    optimizer : Optimizer, or any object with these two methods
        `start(theta, decayed)` is called once, so that an optimizer starts afresh at each call of `train`;
        `step(theta, grad)` at each step, and changes `theta` in place.
    epochs : int
        How often all samples are used.
    batch_size : int, optional
        Samples per step; all by default. The last batch of an epoch may be smaller.
    rng : int, SeedSequence, Generator or RandomState
        Needed with `batch_size`: shuffles the rows anew in each epoch. All networks of a stack see the same
        batches in the same order.
    shuffle : bool, default True
        False takes the batches in the order of the rows.
    validation : (X, y) or (X, y, sample_weight), optional
        Measured at the end of each epoch, never learned from.
    sample_weight : array of shape (n,), optional
        Makes every mean over samples a weighted one; that of a batch has the batch's own sum of weights below.
    class_weight : dict or "balanced", optional
        A weight for each class, by its number: multiplies the weights of its samples; 1 for classes that are not
        named. "balanced" takes `n / (classes * samples of the class)`.
    early_stopping : EarlyStopping, optional
    callbacks : callable or sequence of callables
        Each is called as `callback(run)` at the end of each epoch, with `run.epoch`, `run.network`, `run.history`
        (whose entries up to `run.epoch` are filled) and `run.optimizer`; one that returns True ends the training.
    accuracy : bool, default True
        Whether to record the accuracy too (with a loss that has classes). Samples count alike in it.
    progress : bool, default False
        Show a progress bar, if standard error is a terminal; needs tqdm.
    checkpoint : Checkpoint, optional
        Where, and how often, to save the run.
    resume : bool, default False
        Go on from the checkpoint, if there is one: the result equals that of an unbroken run bit for bit. All other
        arguments must be those of the first call.
    restart : bool, default True
        False does not call `optimizer.start` if it was called before: momentum and step count go on from the last
        call. (An optimizer of your own says that it was started by an attribute `steps`.)
    n_jobs : int, optional
        Split a stack between so many processes; -1 takes all cores. Needs joblib, which scikit-learn brings, and
        follows `joblib.parallel_config`. Not with callbacks, progress, checkpoints or `restart=False`; Ctrl-C then
        leaves the stack as it was.

    Returns
    -------
    History
        After Ctrl-C as well: training ends with the parameters after the last whole step.

    Raises
    ------
    ValueError
        Shapes that do not fit, values that are not finite, labels outside the classes, fewer than one
        epoch, a batch larger than the data. Nothing is changed then; but the batches of an iterable are checked
        when they come.
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
    _check_arguments(network, optimizer, early_stopping, checkpoint, resume)
    if n_jobs not in (None, 1):
        from nnlib.parallel import train_in_parts  # it imports this module

        alone = dict(callbacks=callbacks, progress=progress, checkpoint=checkpoint, restart=not restart)
        if any(alone.values()):
            raise ValueError(f"with n_jobs, leave out {', '.join(name for name, used in alone.items() if used)}.")
        settings = dict(batch_size=batch_size, rng=rng, shuffle=shuffle, validation=validation, accuracy=accuracy)
        settings |= dict(sample_weight=sample_weight, class_weight=class_weight, early_stopping=early_stopping)
        return train_in_parts(n_jobs, network, X, y, optimizer, epochs, settings)
    callbacks = list(callbacks or ()) if isinstance(callbacks, (list, tuple, type(None))) else [callbacks]
    for callback in callbacks:
        if not callable(callback):
            raise TypeError(f"callbacks must be a function callback(run), or a list of them, not {callback!r}.")
    epochs = checks.positive_int("epochs", epochs)
    if y is None:
        if batch_size is not None or sample_weight is not None or class_weight is not None:
            raise ValueError(
                "without y, X is an iterable of batches: they have a size and may hold weights of their own, as "
                "triples (X, y, sample_weight). Leave out batch_size, sample_weight and class_weight."
            )
        batches = _Stream(network, X, epochs)
    else:
        data = network.encode(X, y, _weights(network, y, sample_weight, class_weight))
        batches = _Batches(data, batch_size, rng, shuffle)
    if validation is not None:
        if not isinstance(validation, (tuple, list)) or len(validation) not in (2, 3):
            kind = type(validation).__name__
            raise ValueError(f"validation must be a pair (X, y), or a triple (X, y, sample_weight), not a {kind}.")
        try:
            validation = network.encode(*validation)
        except (TypeError, ValueError) as error:
            raise type(error)(f"validation: {error}") from None
    run = Run(network, optimizer, batches, epochs, validation, bool(accuracy), early_stopping, restart)
    if resume:
        checkpoint.restore(run)
    return run.go(callbacks, progress, checkpoint)


def _check_arguments(network, optimizer, early_stopping, checkpoint, resume):
    if not isinstance(network, Network):
        raise TypeError(f"train(network, X, y, optimizer, epochs) takes a Network first, not {type(network).__name__}.")
    if isinstance(optimizer, type) or not (hasattr(optimizer, "start") and hasattr(optimizer, "step")):
        raise TypeError(
            "optimizer must be an optimizer such as nn.SGD(0.5), or have its methods start(theta, decayed) and "
            f"step(theta, grad), not {optimizer!r}."
        )
    if early_stopping is not None and not isinstance(early_stopping, EarlyStopping):
        raise TypeError(f"early_stopping must be nn.EarlyStopping(patience=10) or the like, not {early_stopping!r}.")
    if checkpoint is not None and (isinstance(checkpoint, type) or not hasattr(checkpoint, "restore")):
        raise TypeError(f"checkpoint must be nn.Checkpoint(path), not {checkpoint!r}.")
    if checkpoint is not None and not hasattr(optimizer, "memory"):
        raise TypeError(
            f"a checkpoint saves what the optimizer remembers, and {optimizer!r} does not say it: give it the methods "
            "memory(), a dict of arrays, and recall(steps, memory)."
        )
    if resume and checkpoint is None:
        raise ValueError("resume=True needs the checkpoint to go on from: pass checkpoint=nn.Checkpoint(path).")
    if not np.isfinite(network.theta).all():
        raise ValueError("the parameters are NaN or infinite before the first step: check theta and the initializers.")


def _weights(network, y, sample_weight, class_weight):
    """One weight per sample, or None, from both kinds of weights."""
    if class_weight is None:
        return sample_weight
    if network.loss_function.decide is None or (network.n_outputs > 1 and network.loss_function.link.elementwise):
        loss, n = network.loss_function.name, network.n_outputs
        raise ValueError(f"class_weight needs one class per sample, not {loss} with {n} outputs; use sample_weight.")
    n_classes = max(network.n_outputs, 2)
    labels = checks.real_array(y, "y")
    if labels.ndim == 2 and labels.shape[1] > 1:
        labels = labels.argmax(axis=1)
    labels = checks.class_labels(labels, labels.shape[0] if labels.ndim else 0, n_classes)
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
    given = checks.weights(sample_weight, len(labels), np.float64)
    return table[labels] if given is None else given * table[labels]


class _Batches:
    """The batches of an epoch, from samples that lie in memory or on disk."""

    def __init__(self, data, size, rng, shuffle):
        n = len(data)
        self.data, self.size = data, n if size is None else checks.positive_int("batch_size", size)
        if self.size > n:
            raise ValueError(f"batch_size is {size}, but there are {n} samples. Leave it out to use all at once.")
        if self.size < n and shuffle and rng is None:
            raise ValueError("batches are shuffled: pass rng=0, or any other seed or generator, with batch_size.")
        self.rng = checks.as_rng(rng) if self.size < n and shuffle else None
        self.whole, self.room = None, {}

    def __iter__(self):
        if self.size == len(self.data):
            if self.whole is None:  # made once; rows of the transpose next to each other are a little faster
                batch = self.data.batch()
                self.whole = Batch(np.ascontiguousarray(batch.x), np.ascontiguousarray(batch.t), batch.weight)
            yield self.whole
            return
        order = None if self.rng is None else self.rng.permutation(len(self.data))
        for start in range(0, len(self.data), self.size):
            rows = slice(start, start + self.size)
            yield self.data.batch(rows if order is None else order[rows], self.room)


class _Stream:
    """Batches that the user's iterable yields, each checked when it comes."""

    rng = None

    def __init__(self, network, source, epochs):
        self.network, self.source = network, source
        if not (callable(source) or hasattr(source, "__iter__")) or isinstance(source, np.ndarray):
            raise ValueError("y is missing: without it, X must be an iterable of batches (X, y), or return one.")
        if epochs > 1 and not callable(source) and iter(source) is source:
            raise ValueError(
                f"{source!r} can be gone through only once, and epochs={epochs}: pass a list, or a function that "
                "returns a new iterator for each epoch."
            )

    def __iter__(self):
        number = -1
        source = self.source() if callable(self.source) else self.source
        if not hasattr(source, "__iter__"):
            raise TypeError(f"the function of batches returned {source!r}; it must return an iterator of pairs (X, y).")
        for number, item in enumerate(source):
            if not isinstance(item, (tuple, list)) or len(item) not in (2, 3):
                kind = type(item).__name__
                raise ValueError(
                    f"batch {number} is not a pair (X, y) or a triple (X, y, sample_weight), but a {kind}."
                )
            try:
                yield self.network.encode(*item).batch()
            except (TypeError, ValueError) as error:
                raise type(error)(f"batch {number}: {error}") from None
        if number < 0:
            raise ValueError(
                "the iterable of batches is empty, or was gone through before: pass a list, or a function that returns "
                "a new iterator for each epoch."
            )


class Run:
    """A training under way: what callbacks see, and what a checkpoint saves.

    Attributes
    ----------
    network : Network
    optimizer : Optimizer
    history : History
    epoch : int
        The epoch under way, from 0.
    """

    def __init__(self, network, optimizer, batches, epochs, validation, accuracy, early_stopping, restart):
        self.network, self.optimizer, self.batches, self.validation = network, optimizer, batches, validation
        classes = network.loss_function.correct is not None
        early_stopping = copy.copy(early_stopping)  # it counts for this run alone
        self.early_stopping, self.accuracy, self.epochs, self.epoch = early_stopping, accuracy and classes, epochs, 0
        lead = network.theta.shape[:-1]
        self.history = History(epochs, lead, self.accuracy, validation is not None, classes)
        self.workspaces = {}  # at most two: for a batch, and for the last and shorter one
        self.good, self.good_state, self.good_loss = network.theta.copy(), network.state.copy(), None
        self.frozen = None  # which networks have stopped; None while all are training
        self.noise = {}  # the generators of those, which are drawn from until all have stopped
        self.in_step, self.has_state = False, network.state.size > 0
        self.single = network.replicates is None
        self.zeros = np.zeros(network.theta.shape[-1], network.dtype)
        if early_stopping is not None:
            early_stopping.start(network, self.history)
        if restart or getattr(optimizer, "steps", None) is None:
            optimizer.start(network.theta, network.decayed)
        elif getattr(optimizer, "shape", network.theta.shape) != network.theta.shape:
            raise ValueError(
                f"the optimizer was started for parameters of shape {optimizer.shape}, and this network has "
                f"{network.theta.shape}: leave out restart=False."
            )

    def go(self, callbacks, progress, checkpoint):
        """Train up to the last epoch, or until something ends it."""
        history, first = self.history, self.epoch
        done = first
        try:
            with _bar(progress, first, self.epochs) as bar:
                for epoch in range(first, self.epochs):
                    self.epoch = epoch
                    self._one_epoch()
                    done = epoch + 1
                    if bar is not None:
                        bar.set_postfix_str(history.describe(self.epoch), refresh=False)
                        bar.update()
                    said = [callback(self) for callback in callbacks]  # True, or the True of a comparison of NumPy's
                    over = any(isinstance(answer, (bool, np.bool_)) and answer for answer in said)
                    over = over or (self.frozen is not None and bool(self.frozen.all()))
                    if checkpoint is not None and (over or checkpoint.is_due(self)):
                        checkpoint.save(self)
                    if over:
                        history._cut(self.epoch + 1)
                        break
        except KeyboardInterrupt:
            # The step may be half done, or have left numbers that are not finite: no step has looked at them yet.
            undo = np.full(history.diverged.shape, self.in_step) | ~np.isfinite(self.network.theta).all(axis=-1)
            np.copyto(self.network.theta, self.good, where=undo[..., None])
            self.network.state = self.good_state
            history._cut(done)
            history.interrupted = True
        finally:
            for r, generator in self.noise.items():
                self.network._noise[r] = generator
            if self.early_stopping is not None:
                self.early_stopping.finish(self.network)
        return history

    def _one_epoch(self):
        history, epoch, loss, hits, total, n = self.history, self.epoch, 0.0, 0.0, 0.0, 0
        for batch in self.batches:
            batch_loss, batch_hits = self.step(batch)
            weight = batch.total
            loss, total, n = loss + weight * batch_loss, total + weight, n + len(batch)
            if self.accuracy:
                hits = hits + len(batch) * batch_hits
        history.loss[epoch] = loss / total
        if self.accuracy:
            history.accuracy[epoch] = hits / n
        self.check_parameters()
        if self.validation is not None:
            loss, hits = self.network.score(self.validation)
            history.validation_loss[epoch] = loss if self.frozen is None else np.where(self.frozen, np.nan, loss)
            if hits is not None:
                hits = hits if self.frozen is None else np.where(self.frozen, np.nan, hits)
                history.validation_accuracy[epoch] = hits
        if self.early_stopping is not None:
            tired = self.early_stopping.look(self)
            if tired.any():
                history.stopped |= tired & ~history.diverged
                self.freeze()

    def freeze(self):
        """Networks that have stopped, for one of two reasons, stay as they are while others go on."""
        before = np.zeros_like(self.history.diverged) if self.frozen is None else self.frozen
        self.frozen = self.history.stopped | self.history.diverged
        for r in np.flatnonzero(self.frozen & ~before):
            self.noise[r] = copy.deepcopy(self.network._noise[r])

    @quiet
    def step(self, batch):
        """One step on one batch: its loss and accuracy, measured before the step."""
        network, n = self.network, len(batch)
        if n not in self.workspaces:
            if len(self.workspaces) == 2:  # batches of an iterable may have any size
                self.workspaces.clear()
            self.workspaces[n] = network.workspace(n)
        loss, hits = network.differentiate(batch, self.workspaces[n], self.accuracy)
        # Zero times infinity is NaN, so the product is 0 if all parameters are finite, and BLAS is quick to tell.
        total = loss + network.theta @ self.zeros
        if self.has_state:
            total = total + network.state.sum(axis=-1)
        finite = np.isfinite(total)
        if not (finite if self.single else finite.all()):
            self.go_back(finite, loss, recorded=self.epoch)
        if self.frozen is not None:
            loss = np.where(self.frozen, np.nan, loss)
            hits = np.where(self.frozen, np.nan, hits) if self.accuracy else None
        self.good_loss = loss
        np.copyto(self.good, network.theta)
        self.in_step = True
        self.optimizer.step(network.theta, network.grad)
        if self.frozen is not None:
            network.theta[self.frozen] = self.good[self.frozen]
            network.state[self.frozen] = self.good_state[self.frozen]
        if self.has_state:
            np.copyto(self.good_state, network.state)
        self.in_step = False
        return loss, hits

    @quiet
    def check_parameters(self):
        """For the last step of an epoch, which has no loss after it in that epoch."""
        finite = np.isfinite(self.network.theta @ self.zeros)
        if not finite.all():
            self.go_back(finite, self.good_loss, recorded=self.epoch + 1)

    def go_back(self, finite, loss, recorded):
        network, history = self.network, self.history
        network.theta[~finite] = self.good[~finite]
        network.state[~finite] = self.good_state[~finite]
        # A relu that overflowed, or a sigmoid, can make a finite loss from infinite parameters.
        newly = ~finite & ~history.diverged
        what = "parameters" if np.isfinite(np.asarray(loss)[newly]).any() else "loss"
        history.diverged |= ~finite
        self.freeze()
        if history.diverged.all():
            history._cut(recorded)
            raise DivergenceError(self._message(what), history)

    def _message(self, what):
        if self.good_loss is None:
            return (
                f"training cannot start: the {what} overflowed, to infinity or NaN, before the first step. Scale X "
                "and y to a standard deviation of about 1, or start with smaller weights."
            )
        who = "diverged" if self.network.replicates is None else "of every network diverged, of the last one"
        rate = getattr(self.optimizer, "learning_rate", None)
        if callable(rate):
            rate = rate(max(self.optimizer.steps - 1, 0))  # that of the step that did it
        if rate is not None:
            rates = np.unique(rate)
            rate = f"{rates[0]:g}" if len(rates) == 1 else f"{rates[0]:g} to {rates[-1]:g}"
            remedy = f"Lower the learning rate (now {rate})"
        else:
            remedy = f"Take smaller steps than those of {self.optimizer!r}"
        return (
            f"training {who} in epoch {self.epoch}: the {what} became infinite or NaN (the last finite loss was "
            f"{np.nanmax(self.good_loss):.4g}). The network keeps its last finite parameters. {remedy}, or scale the "
            "inputs to a standard deviation of about 1."
        )


def _bar(wanted, first, epochs):
    """A bar of tqdm that is silent where nobody watches, or a context that does nothing."""
    if not isinstance(wanted, (bool, np.bool_)):
        raise TypeError(f"progress must be True or False, not {wanted!r}.")
    if not wanted:
        return nullcontext()
    try:
        from tqdm import tqdm
    except ModuleNotFoundError as error:
        error.add_note("progress=True needs one more package: pip install tqdm")
        raise
    return tqdm(total=epochs, initial=first, unit="epoch", disable=None)


class RangeTest:
    """What `range_test` measured.

    Attributes
    ----------
    rates, losses : ndarray of shape (steps,)
        The learning rate of each step, and the loss of its batch before the step.
    smooth : ndarray of shape (steps,)
        Mean of the losses of the 15 steps around each.
    suggestion : float
        The rate at which `smooth` falls fastest, within the last factor of 10 before it is lowest; NaN if it is lowest
        at the first rate, and so falls at none.

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> rates = np.geomspace(0.001, 1, 30)
    >>> nn.RangeTest(rates, losses=np.abs(np.log10(rates) + 1))  # lowest at 0.1
    <range test of 30 steps, suggested learning rate 0.014>
    """

    def __init__(self, rates, losses):
        self.rates, self.losses = rates, losses
        window = np.ones(min(15, len(losses)))
        self.smooth = np.convolve(losses, window, "same") / np.convolve(np.ones(len(losses)), window, "same")
        # The climb behind the lowest place is the divergence. More than a decade before it, slopes are mostly noise.
        lowest = int(self.smooth.argmin())
        slopes = np.gradient(self.smooth, np.log(rates))
        slopes[(rates < rates[lowest] / 10) | (rates > rates[lowest])] = np.inf
        self.suggestion = float(rates[slopes.argmin()]) if lowest > 0 else float("nan")

    def __repr__(self):
        if np.isnan(self.suggestion):
            return (
                f"<range test: the loss fell at no rate from {self.rates[0]:.2g} to {self.rates[-1]:.2g}. Pass a "
                "smaller low; or is the gradient 0, from a start at zero or dead relus?>"
            )
        return f"<range test of {len(self.rates)} steps, suggested learning rate {self.suggestion:.2g}>"


def range_test(network, X, y, optimizer, *, low=1e-5, high=10.0, steps=100, batch_size=None, rng=None):
    """Raise the learning rate from step to step, and suggest the one at which the loss falls fastest.

    A copy of the network is trained with a copy of the optimizer; the test ends when the mean loss of ten steps is
    above four times its lowest value. Draw it with `nn.plots.range_test`.

    Parameters
    ----------
    network : Network
        A single one; not changed.
    X, y, batch_size, rng : as for `train`
    optimizer : Optimizer
        Its learning rate plays no part.
    low, high : float
        The first and the last rate; those between are evenly spaced on a logarithmic scale.
    steps : int, at least 10

    Returns
    -------
    RangeTest

    Notes
    -----
    Smith, "Cyclical learning rates for training neural networks" (2017), section 3.3.

    Examples
    --------
    >>> import nnlib as nn
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> network = nn.Network(2, [nn.Dense(8, "tanh"), nn.Dense(1)], loss="squared_error", rng=0)
    >>> result = nn.range_test(network, X, X[:, 0] * X[:, 1], nn.SGD(0.1))
    >>> 0.1 < result.suggestion < 1
    True
    """
    _check_arguments(network, optimizer, None, None, False)
    if not hasattr(optimizer, "learning_rate"):
        raise TypeError(f"the range test sets optimizer.learning_rate, which {optimizer!r} lacks: use an nn.Optimizer.")
    if network.replicates is not None:
        raise ValueError("the range test takes a single network: pass network.replicate(0).")
    low, high = checks.positive("low", low), checks.positive("high", high)
    if not low < high or checks.positive_int("steps", steps) < 10:
        raise ValueError(f"low must be below high, and steps at least 10; not {low:g}, {high:g} and {steps}.")
    rates, losses, lowest = np.geomspace(low, high, steps), [], np.inf
    twin, optimizer = network.copy(), copy.deepcopy(optimizer)
    optimizer.learning_rate = lambda step: rates[step]
    batches = _Batches(twin.encode(X, y), batch_size, rng, shuffle=True)
    try:
        run = Run(
            twin, optimizer, batches, epochs=steps, validation=None, accuracy=False, early_stopping=None, restart=True
        )
        for batch in itertools.chain.from_iterable(itertools.repeat(batches)):
            losses.append(float(run.step(batch)[0]))
            if len(losses) >= 10:  # means, because the losses of small batches jump
                mean = np.mean(losses[-10:])
                lowest = min(lowest, mean)
            if len(losses) == steps or (len(losses) >= 20 and mean > 4 * lowest):
                break
    except DivergenceError:
        pass
    if len(losses) < 10:
        raise ValueError(f"the loss overflowed within {len(losses)} steps from rate {low:g}: pass a smaller low.")
    return RangeTest(rates[: len(losses)], np.array(losses))
