"""Training: go through the data, step down the gradient, keep the history."""

from dataclasses import dataclass

import numpy as np

from nnlib.losses import average
from nnlib.network import Network
from nnlib.optimizers import Optimizer
from nnlib.run import checks, watchers
from nnlib.run.contracts import checked_step
from nnlib.run.doubts import warn_of_bounds, warn_of_rise
from nnlib.run.guard import Guard
from nnlib.run.history import History
from nnlib.run.labels import weigh_classes
from nnlib.run.progress import ProgressBar
from nnlib.run.samples import Samples
from nnlib.run.stream import Stream


# fmt: off
def train(
    network, X, y, optimizer, epochs, *, batch_size=None, rng=None, shuffle=True, validation=None, sample_weight=None,
    class_weight=None, early_stopping=None, callbacks=(), accuracy=True, progress=False, checkpoint=None, restart=True,
):
    # fmt: on
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
        Measured at the end of each epoch, never learned from. Weights count for its loss and its accuracy.
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
        Where, and how often, to save the run; and whether to go on from there.
    restart : bool, default True
        False does not call `optimizer.start` if it was called before: momentum and step count go on from the last
        call. (An optimizer of your own says that it was started by an attribute `steps`.)

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

    Warns
    -----
    UserWarning
        The loss rose to more than 100 times its start, and that of outputs of zero; the last activation cannot
        reach the targets; or an optimizer of your own changed no parameter in its first step.

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
    step = optimizer.step if isinstance(optimizer, Optimizer) else checked_step(optimizer)
    epochs, loss_function = checks.positive_int("epochs", epochs), network.loss_function
    if y is None:
        batches = Stream(network, X, epochs, unused=(batch_size, sample_weight, class_weight))
    else:
        if class_weight is not None:
            sample_weight = weigh_classes(network, y, sample_weight, class_weight)
        batches = Samples(network, X, y, sample_weight, batch_size, rng, shuffle)
        if loss_function.link.name == "identity":
            warn_of_bounds(network.layers[-1], batches.t)
    history = History(epochs, network.theta.shape[:-1], accuracy and loss_function.decide is not None)
    guard, endings = Guard(network, optimizer, history), [layer.kept.clear for layer in network.layers]
    run = Run(network, optimizer, batches, epochs, history, guard, endings)
    # What looks on at the end of each epoch, in this order; one that returns True ends the training.
    given = validation, early_stopping, progress or None, callbacks or None, checkpoint
    watching = [watcher(run, setting) for watcher, setting in zip(WATCHERS, given) if setting is not None]
    if checkpoint is None or not checkpoint.restore(run):
        if restart or getattr(optimizer, "steps", None) is None:
            optimizer.start(network.theta, network.decayed)
        elif hasattr(optimizer, "check_fit"):
            optimizer.check_fit(network.theta, network.decayed)

    first = None
    try:
        for run.epoch in range(run.done, run.epochs):
            loss_sum = weight_sum = right = n = 0
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # the guard reports what diverges
                for x, t, weight in batches:
                    a, ways_back = x, []
                    for layer in network.layers:
                        a, backward = layer.forward(a, training=True)
                        ways_back.append(backward)
                    loss, da = average(*loss_function.evaluate(a, t), weight)
                    guard.check(run.epoch, loss)
                    first = loss if first is None else first
                    if history.accuracy is not None:
                        right = right + loss_function.correct(a, t).sum(axis=-1)
                    for backward in reversed(ways_back):
                        da = backward(da)
                    step(network.theta, network.grad)
                    guard.passed()
                    share = t.shape[1] if weight is None else float(weight.sum())
                    loss_sum, weight_sum, n = loss_sum + share * loss, weight_sum + share, n + t.shape[1]
                history.record(run.epoch, guard, loss=loss_sum / weight_sum, accuracy=right / n)
                guard.check(run.epoch)
            run.done = run.epoch + 1
            for watch in watching:
                run.over = bool(watch(run)) or run.over
            if run.over:
                history.cut(run.done)
                break
    except KeyboardInterrupt:
        guard.undo()
        history.cut(run.done)
        history.interrupted = True
    finally:
        for end in run.endings:
            end()
        if guard.noise:
            guard.finish()
    if first is not None and history.best_epoch is None and np.any(history.loss[-1:] > first):
        warn_of_rise(run, first, t)
    return history


WATCHERS = watchers.Validation, watchers.early_stopping, ProgressBar, watchers.callbacks, watchers.checkpoint


@dataclass
class Run:
    """A training under way: what callbacks see, and what a checkpoint saves.

    Attributes
    ----------
    network : Network
    optimizer : Optimizer
    epochs : int
        How many there will be.
    history : History
    epoch : int
        The epoch under way, from 0.
    done : int
        How many epochs are over.
    """

    network: Network
    optimizer: object
    batches: object
    epochs: int
    history: History
    guard: Guard
    endings: list
    early_stopping: object = None
    validation: object = None
    epoch: int = 0
    done: int = 0
    over: bool = False
