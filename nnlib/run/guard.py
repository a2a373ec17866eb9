"""The guard: keeps the last finite parameters while others are tried, and stops the networks that left them."""

import copy
import math

import numpy as np

from nnlib.run import refusals


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


class Guard:
    """Watches over the parameters of a training: `check` looks at them before each step, `passed` ends the step.

    Attributes
    ----------
    theta, state : ndarray
        Those of the network that were finite last, and had a finite loss.
    loss : float or ndarray of shape (replicates,)
        That loss; NaN before the first step.
    stopped : ndarray of bool, shape () or (replicates,)
        The networks that train no longer, because they diverged or were told to stop: they stay as they are while
        others of the stack go on.
    """

    def __init__(self, network, optimizer, history):
        if not np.isfinite(network.theta).all():
            raise ValueError("the parameters are NaN or infinite before the first step: check theta and initializers.")
        self.network, self.optimizer, self.history = network, optimizer, history
        self.theta, self.state, self.in_step = network.theta.copy(), network.state.copy(), False
        self.single = network.replicates is None
        self.stopped, self.any_stopped, self.noise = np.zeros(history.diverged.shape, bool), False, {}
        self.loss = np.full(self.stopped.shape, np.nan)

    def check(self, epoch, loss=None):
        """Go back where loss, parameters or state are no longer finite, and keep the parameters elsewhere.

        Behind the last step of an epoch there is no loss; the parameters are looked at all the same.
        """
        # A finite sum of squares has finite terms, and BLAS is quick to tell. One that is not asks for a closer look.
        total = np.vdot(self.network.theta, self.network.theta) + np.vdot(self.network.state, self.network.state)
        if not math.isfinite(total if loss is None else total + (loss if self.single else loss.sum())):
            loss = self._look_closer(loss, epoch)
        if loss is not None:
            np.copyto(self.theta, self.network.theta)
            self.loss, self.in_step = loss, True

    def passed(self):
        """A step is done: networks that have stopped take it back."""
        if self.any_stopped:
            self._restore(self.stopped)
        np.copyto(self.state, self.network.state)
        self.in_step = False

    def _restore(self, which):
        self.network.theta[which], self.network.state[which] = self.theta[which], self.state[which]

    def stop(self, which):
        """These networks train no longer."""
        for r in np.flatnonzero(which & ~self.stopped):  # others go on drawing from the generators
            self.noise[int(r)] = copy.deepcopy(self.network._noise[r])
        self.stopped = self.stopped | which
        self.any_stopped = bool(self.stopped.any())

    def finish(self):
        """Give networks that stopped early the generators of their last step back."""
        for r, generator in self.noise.items():
            self.network._noise[r] = generator

    def undo(self):
        """After Ctrl-C: a step may be half done, or have left numbers that are not finite and that nobody has seen."""
        back = np.full(self.stopped.shape, self.in_step) | ~np.isfinite(self.network.theta).all(axis=-1)
        np.copyto(self.network.theta, self.theta, where=back[..., None])
        self.network.state = self.state

    def memory(self):
        """For a checkpoint: what is carried from epoch to epoch, as a dict of arrays; beside `noise`."""
        return {"theta": self.theta, "loss": np.asarray(self.loss, np.float64), "stopped": self.stopped}

    def recall(self, memory):
        """Go on from a copy of `memory()`, behind the network; the states in `noise` are left to set."""
        self.theta[...], self.state[...], self.loss = memory["theta"], self.network.state, memory["loss"]
        self.stop(memory["stopped"])

    def _look_closer(self, loss, epoch):
        network, history, last = self.network, self.history, self.loss if loss is None else loss
        finite = np.isfinite(network.theta).all(axis=-1) & np.isfinite(network.state).all(axis=-1) & np.isfinite(last)
        if finite.all():
            return loss
        self._restore(~finite)
        # A relu that overflowed, or a sigmoid, can make a finite loss from infinite parameters.
        newly = ~finite & ~history.diverged
        what = "parameters" if np.isfinite(np.asarray(last)[newly]).any() else "loss"
        history.diverged |= ~finite
        self.stop(history.diverged)
        if history.diverged.all():
            history.cut(epoch + (loss is None))
            raise DivergenceError(refusals.divergence(self, what, epoch), history)
        return None if loss is None else np.where(finite, loss, self.loss)
