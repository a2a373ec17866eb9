"""The network: layers bound to one flat parameter vector."""

import copy
import numbers

import numpy as np

from nnlib import checks
from nnlib.activations import quiet
from nnlib.losses import get_loss

# Predictions are computed in pieces, so that their memory does not grow with the number of samples.
PIECE = 1 << 20


class Network:
    """A feed-forward network, or a stack of replicates of it trained side by side.

    All weights and biases are views of one array, `theta`; all gradients are views of one array, `grad`.
    An optimizer, a gradient check or a snapshot then acts on a vector.

    Parameters
    ----------
    n_features : int
        Number of inputs.
    layers : sequence of layers
        For instance `[nn.Dense(8, "sigmoid"), nn.Dense(1)]`. The last layer gives logits: the loss applies
        the sigmoid or softmax, so leave the last activation out with a cross-entropy.
    loss : str or Loss
        "binary_cross_entropy", "categorical_cross_entropy" or "squared_error".
    rng : int, SeedSequence, Generator or RandomState of numpy.random, or a sequence of these
        Where the starting weights come from. An int is a seed for `numpy.random.default_rng`. A sequence
        of R makes R replicates, each with the start that its seed would give to a single network.
    dtype : {"float64", "float32"}

    Attributes
    ----------
    theta, grad : ndarray
        Parameters and gradients, shape `(n_parameters,)` or `(replicates, n_parameters)`. New values for
        `theta` are copied into it, so that the layers see them; `grad` cannot be replaced.
    layers : list
        The layers, with their weights `W` and biases `b`.

    Raises
    ------
    ValueError
        Unknown names, a loss that does not fit the last layer, an empty list of layers.

    Examples
    --------
    >>> import nnlib as nn
    >>> network = nn.Network(2, [nn.Dense(8, "sigmoid"), nn.Dense(1)], loss="binary_cross_entropy", rng=0)
    >>> network.theta.shape, network.layers[0].W.shape
    ((33,), (2, 8))
    >>> network.predict([[0.0, 0.0], [1.0, 1.0]]).shape
    (2, 1)
    >>> stack = nn.Network(2, [nn.Dense(8, "sigmoid"), nn.Dense(1)], loss="binary_cross_entropy", rng=range(100))
    >>> stack.theta.shape
    (100, 33)
    """

    def __init__(self, n_features, layers, *, loss, rng, dtype="float64"):
        self.n_features = checks.positive_int("n_features", n_features)
        # Copies: a layer that was passed to two networks must not be bound to both.
        self.layers = [copy.copy(layer) for layer in _as_layers(layers)]
        if not self.layers:
            raise ValueError("a network needs at least one layer, for instance [nn.Dense(1)].")
        self.loss_function = get_loss(loss)
        self._check_last_layer()
        self.dtype = _float_dtype(dtype)

        fan_in, sizes = self.n_features, []
        for layer in self.layers:
            sizes.append(layer.build(fan_in))
            fan_in = layer.units
        self.n_outputs = fan_in
        self._splits = np.cumsum(sizes)

        generators = _generators(rng)
        starts = [
            np.concatenate([layer.draw(generator) for layer in self.layers])
            for generator in (generators if isinstance(generators, list) else [generators])
        ]
        self._bind(np.array(starts if isinstance(generators, list) else starts[0], dtype=self.dtype))

    def _check_last_layer(self):
        last, loss = self.layers[-1], self.loss_function
        if loss.link.name != "identity" and last.activation.name != "identity":
            raise ValueError(
                f"{loss.name} takes logits and applies {loss.link.name} itself; the last layer, {last!r}, must "
                f"not: write Dense({last.units}). With loss='squared_error' any last activation will do."
            )

    def _bind(self, theta):
        self._theta, self._grad = theta, np.zeros_like(theta)
        start = 0
        for layer, stop in zip(self.layers, self._splits):
            layer.bind(theta[..., start:stop], self._grad[..., start:stop])
            start = stop

    @property
    def theta(self):
        return self._theta

    @theta.setter
    def theta(self, values):
        checks.overwrite("theta", self._theta, values)

    @property
    def grad(self):  # without a setter: another array would not be the one that the layers write to
        return self._grad

    @property
    def replicates(self):
        """Number of networks in the stack; None for a single network."""
        return self.theta.shape[0] if self.theta.ndim == 2 else None

    def replicate(self, r):
        """Network `r` of the stack, as a single network with parameters of its own."""
        if self.replicates is None:
            raise ValueError("this is a single network; a stack has rng=[seed, seed, ...].")
        if not isinstance(r, numbers.Integral):
            raise TypeError(f"r must be the number of one network, 0 to {self.replicates - 1}, not {r!r}.")
        return self._like(self.theta[r].copy())

    def copy(self):
        """A network with the same parameters that can be trained without changing this one."""
        return self._like(self.theta.copy())

    def _like(self, theta):
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__, layers=[copy.copy(layer) for layer in self.layers])
        twin._bind(theta)
        return twin

    # The module `copy` and pickle would copy vector and views apart: the copy would train and not learn.
    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_grad"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._bind(self._theta)

    def unpack(self, vector):
        """The parts of a flat vector, as `[(W, b), ...]`: one pair per layer, in the shapes of the parameters.

        Examples
        --------
        >>> import nnlib as nn
        >>> network = nn.Network(2, [nn.Dense(3, "tanh"), nn.Dense(1)], loss="squared_error", rng=0)
        >>> loss, gradient = network.loss_and_gradient([[0.0, 1.0]], [1.0])
        >>> [(dW.shape, db.shape) for dW, db in network.unpack(gradient)]
        [((2, 3), (3,)), ((3, 1), (1,))]
        """
        vector = np.asarray(vector)
        if vector.shape[-1:] != self.theta.shape[-1:]:
            raise ValueError(f"vector has shape {vector.shape}; expected {self.theta.shape[-1]} numbers per network.")
        parts = []
        for layer, part in zip(self.layers, np.split(vector, self._splits[:-1], axis=-1)):
            matrix = part.reshape(*part.shape[:-1], layer.fan_in + 1, layer.units)
            parts.append((matrix[..., :-1, :], matrix[..., -1, :]))
        return parts

    # Predictions

    @quiet
    def logits(self, X):
        """What the last layer computes, before the loss's inverse link; with squared error, the outputs themselves.

        Parameters, returned shape and errors are those of `predict`.
        """
        X = checks.samples(X, self.n_features, self.dtype)
        out = np.empty((*self.theta.shape[:-1], X.shape[0], self.n_outputs), self.dtype)
        for rows, buffers in self._pieces(X.shape[0]):
            self._forward(_with_ones(X[rows]).T, buffers)
            out[..., rows, :] = buffers[-1].activations.swapaxes(-1, -2)
        return out

    def predict(self, X):
        """Outputs: the logits after the loss's inverse link, so probabilities with a cross-entropy.

        Any number of threads may ask one network at the same time, as long as none changes it.

        Parameters
        ----------
        X : array of shape (n, n_features)

        Returns
        -------
        ndarray of shape (n, outputs) or (replicates, n, outputs)

        Raises
        ------
        ValueError
            Wrong number of features, no samples, NaN or infinite values.
        """
        return self.loss_function.link(self.logits(X))

    def classify(self, X):
        """The most probable class of each sample, numbered from 0.

        Parameters
        ----------
        X : array of shape (n, n_features)

        Returns
        -------
        ndarray of int, shape (n,) or (replicates, n)
            With binary cross-entropy and several outputs, each is a yes or no of its own: 1 or 0, in shape
            `(n, outputs)` or `(replicates, n, outputs)`.

        Raises
        ------
        ValueError
            As `predict`; or the loss has no classes.
        """
        if self.loss_function.decide is None:
            raise ValueError(f"{self.loss_function.name} has no classes; round predict(X) yourself.")
        return self.loss_function.decide(self.logits(X).swapaxes(-1, -2)).astype(np.intp)

    @quiet
    def activations(self, X):
        """Activations of every layer, first hidden layer first, as a list; the last entry holds the logits.

        Each has shape `(n, units)` or `(replicates, n, units)`. Parameters and errors are those of `predict`.
        """
        X = checks.samples(X, self.n_features, self.dtype)
        lead = self.theta.shape[:-1]
        out = [np.empty((*lead, X.shape[0], layer.units), self.dtype) for layer in self.layers]
        for rows, buffers in self._pieces(X.shape[0]):
            self._forward(_with_ones(X[rows]).T, buffers)
            for array, of_layer in zip(out, buffers):
                array[..., rows, :] = of_layer.activations.swapaxes(-1, -2)
        return out

    # Loss and gradient

    def loss(self, X, y):
        """Mean loss over the samples.

        Parameters
        ----------
        X : array of shape (n, n_features)
        y : labels as for `train`

        Returns
        -------
        float, or ndarray of shape (replicates,)

        Raises
        ------
        ValueError
            As `predict`; or labels of a shape or value that does not fit the outputs and the loss.
        """
        return self.score(self.encode(X, y))[0]

    def accuracy(self, X, y):
        """Share of samples whose class is predicted right.

        With several yes-or-no outputs, a sample is right if all of them are. Parameters and returned shape are
        those of `loss`, and so are the errors; one more comes if the loss has no classes.
        """
        if self.loss_function.decide is None:
            raise ValueError(f"{self.loss_function.name} has no classes, so no accuracy; use a cross-entropy.")
        return self.score(self.encode(X, y))[1]

    @quiet
    def loss_and_gradient(self, X, y):
        """The loss and its gradient by all parameters. Parameters and errors are those of `loss`.

        Returns
        -------
        loss : float, or ndarray of shape (replicates,)
        gradient : ndarray of the shape of `theta`; see `unpack` for its parts
        """
        data = self.encode(X, y)
        loss, _ = self.differentiate(data.x.T, data.t.T, self.workspace(len(data)))
        return loss, self.grad.copy()

    # For `train`, not for users: checked data in, nothing copied

    def encode(self, X, y):
        """For `train`: check samples and labels once; return `Samples` in the form that the next two need."""
        X = checks.samples(X, self.n_features, self.dtype)
        t = self.loss_function.encode(y, X.shape[0], self.n_outputs, self.dtype)
        return Samples(_with_ones(X), t)

    def workspace(self, n):
        """For `train`: the arrays that `differentiate` needs for `n` samples, to be used at every step."""
        scratch = np.empty((2, *self.theta.shape[:-1], self.n_outputs, n), self.dtype)
        return self._allocate(n, gradient=True), scratch

    def differentiate(self, x, t, workspace, accuracy=False):
        """For `train`: loss and, if asked for, accuracy of one batch; the gradient goes to `grad`.

        `x` has shape `(n_features + 1, n)`, `t` has shape `(outputs, n)`: transposed parts of `Samples`.
        """
        buffers, scratch = workspace
        self._forward(x, buffers)
        last = buffers[-1]
        hits = self._accuracy(last.activations, t) if accuracy else None
        loss = self.loss_function.evaluate(last.activations, t, last.gradient, scratch)
        for i in range(len(self.layers) - 1, 0, -1):
            self.layers[i].backward(buffers[i - 1].outputs, buffers[i], buffers[i - 1].gradient)
        self.layers[0].backward(x, buffers[0])
        return loss, hits

    @quiet
    def score(self, samples):
        """For `train`: mean loss and accuracy (None without classes) over `Samples`, without gradients."""
        n, loss, hits = len(samples), 0.0, 0.0
        classes = self.loss_function.decide is not None
        for rows, buffers in self._pieces(n):
            self._forward(samples.x[rows].T, buffers)
            z, t = buffers[-1].activations, samples.t[rows].T
            share = t.shape[1] / n
            hits = hits + share * self._accuracy(z, t) if classes else None
            dz, *scratch = np.empty((3, *z.shape), z.dtype)
            loss = loss + share * self.loss_function.evaluate(z, t, dz, scratch)
        return loss, hits

    def _accuracy(self, z, t):
        return self.loss_function.correct(z, t).mean(axis=-1)

    def _forward(self, x, buffers):
        for layer, of_layer in zip(self.layers, buffers):
            x = layer.forward(x, of_layer)

    def _allocate(self, n, gradient):
        return [layer.allocate(self.theta.shape[:-1], n, self.dtype, gradient) for layer in self.layers]

    def _pieces(self, n):
        """Slices of `n` samples, each with buffers for it: new ones per call, as calls may come from many threads."""
        widest = max(layer.units for layer in self.layers)
        width = max(self.n_features, (self.replicates or 1) * widest)
        size = min(n, max(1, PIECE // width))
        buffers = self._allocate(size, gradient=False)
        for start in range(0, n, size):
            if start + size > n:  # the last and shorter piece
                buffers = self._allocate(n - start, gradient=False)
            yield slice(start, min(start + size, n)), buffers

    def summary(self):
        """A table of the layers, their shapes and numbers of parameters, as text."""
        rows = [("layer", "activation", "W", "b", "parameters")]
        for layer in self.layers:
            shapes = f"({layer.fan_in}, {layer.units})", f"({layer.units},)"
            rows.append((type(layer).__name__, layer.activation.name, *shapes, str((layer.fan_in + 1) * layer.units)))
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        lines.append(f"loss: {self.loss_function.name}; {self.theta.shape[-1]} parameters, {self.dtype}")
        if self.replicates is not None:
            lines.append(f"replicates: {self.replicates}")
        return "\n".join(lines)

    def __repr__(self):
        stack = "" if self.replicates is None else f", {self.replicates} replicates"
        return f"Network({self.n_features}, {self.layers}, loss={self.loss_function.name!r}{stack})"


class Samples:
    """Checked samples: `x` of shape `(n, features + 1)` with a last column of ones, `t` of shape `(n, outputs)`."""

    def __init__(self, x, t):
        self.x, self.t = x, t

    def __len__(self):
        return len(self.x)


def _with_ones(X):
    x = np.ones((X.shape[0], X.shape[1] + 1), X.dtype)
    x[:, :-1] = X
    return x


def _as_layers(layers):
    layers = layers if isinstance(layers, (list, tuple)) else [layers]
    for layer in layers:
        if isinstance(layer, type) or not hasattr(layer, "build"):
            raise TypeError(f"layers must be layers such as nn.Dense(8, 'tanh'), not {layer!r}.")
    return layers


def _float_dtype(dtype):
    try:
        if np.dtype(dtype) in (np.float64, np.float32):
            return np.dtype(dtype)
    except TypeError:  # not a dtype at all
        pass
    raise ValueError(f"dtype must be float64 or float32, not {dtype!r}.")


def _generators(rng):
    """One generator, or a list of them where `rng` is a sequence."""
    if isinstance(rng, (list, tuple, range, np.ndarray)) and np.ndim(rng) == 1:
        if len(rng) == 0:
            raise ValueError("rng is an empty sequence; a stack needs at least one seed.")
        return [checks.as_rng(seed) for seed in rng]
    return checks.as_rng(rng)
