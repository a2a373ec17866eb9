"""The network: layers bound to one flat parameter vector."""

import copy
import numbers
from contextlib import contextmanager
from itertools import pairwise

import numpy as np

from nnlib import checks
from nnlib.activations import quiet
from nnlib.layers import Dense, size, views
from nnlib.losses import average, expand, get_loss

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
        "binary_cross_entropy", "categorical_cross_entropy", "squared_error", or another name in `nn.LOSSES`. A
        sum over the outputs and a mean over the samples.
    rng : int, SeedSequence, Generator or RandomState of numpy.random, or a sequence of these
        Where the starting weights come from. An int is a seed for `numpy.random.default_rng`. A sequence
        of R makes R replicates, each with the start that its seed would give to a single network.
    dtype : {"float64", "float32"}

    Attributes
    ----------
    theta, grad : ndarray
        Parameters and gradients, shape `(n_parameters,)` or `(replicates, n_parameters)`. New values for
        `theta` are copied into it, so that the layers see them; `grad` cannot be replaced.
    state : ndarray
        What layers keep but do not train, such as the running means of `BatchNorm`; shape `(size,)` or
        `(replicates, size)`.
    decayed : ndarray of bool, shape (n_parameters,)
        Which parameters weight decay applies to: the weights, and no biases.
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

        fan_in = self.n_features
        for layer in self.layers:
            layer.build(fan_in)
            fan_in = layer.units
        self.n_outputs = fan_in

        generators = _generators(rng)
        stack = isinstance(generators, list)
        starts = [self._start(generator) for generator in (generators if stack else [generators])]
        theta, state, noise = zip(*starts)
        theta, state = (np.array(rows if stack else rows[0], dtype=self.dtype) for rows in (theta, state))
        self._bind(theta, state, list(noise))

    def _start(self, rng):
        """Parameters, state and generator of noise of one network."""
        parameters = [_flat(layer, layer.draw(rng), layer.shapes) for layer in self.layers]
        state = [_flat(layer, layer.initial_state(), layer.state_shapes) for layer in self.layers]
        noise = None
        if any(layer.random for layer in self.layers):  # otherwise leave rng where the weights left it
            draw = rng.integers if isinstance(rng, np.random.Generator) else rng.randint
            noise = np.random.default_rng(draw(2**31, size=4))
        return np.concatenate(parameters), np.concatenate(state), noise

    def _check_last_layer(self):
        last, loss = self.layers[-1], self.loss_function
        if not isinstance(last, Dense):
            raise ValueError(f"the last layer must be Dense, not {last!r}: it gives the outputs.")
        if loss.link.name != "identity" and last.activation.name != "identity":
            raise ValueError(
                f"{loss.name} takes logits and applies {loss.link.name} itself; the last layer, {last!r}, must "
                f"not: write Dense({last.units}). With loss='squared_error' any last activation will do."
            )

    def _bind(self, theta, state, noise):
        self._theta, self._grad, self._state, self._noise = theta, np.zeros_like(theta), state, noise
        start = start_of_state = 0
        for layer in self.layers:
            stop, stop_of_state = start + size(layer.shapes), start_of_state + size(layer.state_shapes)
            own, own_state = np.s_[..., start:stop], np.s_[..., start_of_state:stop_of_state]
            layer.bind(theta[own], self._grad[own], state[own_state], noise)
            start, start_of_state = stop, stop_of_state

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
    def state(self):
        return self._state

    @state.setter
    def state(self, values):
        checks.overwrite("state", self._state, values)

    @property
    def decayed(self):
        parts = [np.full(shape, name in layer.decayed) for layer in self.layers for name, shape in layer.shapes.items()]
        return np.concatenate([part.ravel() for part in parts])

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
        return self._like(self.theta[r], self.state[r], [self._noise[r]])

    def part(self, rows):
        """Some networks of the stack, as a stack with parameters of its own.

        Parameters
        ----------
        rows : slice, sequence of int, or sequence of R bool
            As an index of NumPy takes them; numbers may come more than once.
        """
        if self.replicates is None:
            raise ValueError("this is a single network; a stack has rng=[seed, seed, ...].")
        chosen = np.arange(self.replicates)[rows]
        if chosen.ndim != 1 or not chosen.size:
            raise ValueError(f"rows must name at least one network, by a slice or a sequence, not {rows!r}.")
        noise = [copy.deepcopy(self._noise[r]) for r in chosen]  # one by one: copies of a network draw apart
        return self._like(self.theta[chosen], self.state[chosen], noise)

    def copy(self):
        """A network with the same parameters that can be trained without changing this one."""
        return self._like(self.theta, self.state, self._noise)

    def _like(self, theta, state, noise):
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__, layers=[copy.copy(layer) for layer in self.layers])
        twin._bind(theta.copy(), state.copy(), copy.deepcopy(noise))
        return twin

    def save(self, path):
        """Write the network to one file, which `nn.load(path)` reads; see `nnlib.files` for the format.

        The file is replaced as a whole, or, if something fails, left as it was.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        FileError
            A layer, an activation or the loss is of your own and not registered, or parameters are not finite.
        """
        from nnlib.files import save  # files imports this module

        save(self, path)

    # The module `copy` and pickle would copy vector and views apart: the copy would train and not learn.
    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_grad"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        # Copies: joblib hands large arrays to its workers as read-only maps of a file.
        self._bind(np.array(self._theta), np.array(self._state), self._noise)

    def unpack(self, vector):
        """The parts of a flat vector, as `[(W, b), ...]`: one tuple per layer, in the shapes of the parameters.

        A layer without parameters gives an empty tuple, `BatchNorm` gives `(gamma, beta)`.

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
        stops = np.cumsum([size(layer.shapes) for layer in self.layers])[:-1]
        pairs = zip(self.layers, np.split(vector, stops, axis=-1))
        return [tuple(views(part, layer.shapes).values()) for layer, part in pairs]

    # Predictions

    @quiet
    def logits(self, X):
        """What the last layer computes, before the loss's inverse link; with squared error, the outputs themselves.

        Parameters, returned shape and errors are those of `predict`.
        """
        X = checks.samples(X, self.n_features, self.dtype)
        out = np.empty((*self.theta.shape[:-1], X.shape[0], self.n_outputs), self.dtype)
        for rows, outputs in self._pieces(X):
            out[..., rows, :] = _in_rows(outputs[-1])
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
        for rows, outputs in self._pieces(X):
            for array, of_layer in zip(out, outputs):
                array[..., rows, :] = _in_rows(of_layer)
        return out

    # Loss and gradient

    def loss(self, X, y, sample_weight=None, training=False):
        """Mean loss over the samples.

        Parameters
        ----------
        X : array of shape (n, n_features)
        y : labels as for `train`
        sample_weight : array of shape (n,), optional
            Makes the mean a weighted one.
        training : bool, default False
            Whether layers do what they do in training: `Dropout` drops, `BatchNorm` uses the mean and variance of
            `X`. State and generators are put back, so a second call gives the same number; one thread at a time.

        Returns
        -------
        float, or ndarray of shape (replicates,)

        Raises
        ------
        ValueError
            As `predict`; or labels of a shape or value that does not fit the outputs and the loss.
        """
        if training:
            return self.loss_and_gradient(X, y, sample_weight, training)[0]
        return self.score(self.encode(X, y, sample_weight))[0]

    def accuracy(self, X, y):
        """Share of samples whose class is predicted right.

        With several yes-or-no outputs, a sample is right if all of them are. Parameters and returned shape are
        those of `loss`, and so are the errors; one more comes if the loss has no classes.
        """
        if self.loss_function.decide is None:
            raise ValueError(f"{self.loss_function.name} has no classes, so no accuracy; use a cross-entropy.")
        return self.score(self.encode(X, y))[1]

    @quiet
    def loss_and_gradient(self, X, y, sample_weight=None, training=False):
        """The loss and its gradient by all parameters. Parameters and errors are those of `loss`.

        Returns
        -------
        loss : float, or ndarray of shape (replicates,)
        gradient : ndarray of the shape of `theta`; see `unpack` for its parts
        """
        samples = self.encode(X, y, sample_weight)
        with self._unchanged():
            loss, _ = self.differentiate(samples.batch(), self.workspace(len(samples)), training=training)
        return loss, self.grad.copy()

    @contextmanager
    def _unchanged(self):
        """Put back what a pass in training mode changes: the state and the generators."""
        state, noise = self.state.copy(), copy.deepcopy(self._noise)
        try:
            yield
        finally:
            self.state = state
            self._noise[:] = noise  # in place: the layers hold the same list

    # For `train`, not for users: checked data in, nothing copied

    def encode(self, X, y, sample_weight=None):
        """For `train`: check samples, labels and weights once; return them as `Samples`."""
        X = checks.samples(X, self.n_features, self.dtype)
        t = self.loss_function.encode(y, X.shape[0], self.n_outputs, self.dtype)
        return Samples(X, t, checks.weights(sample_weight, X.shape[0], self.dtype), self)

    def workspace(self, n):
        """For `train`: the arrays that `differentiate` needs for `n` samples, to be used at every step."""
        scratch = np.empty((2, *self.theta.shape[:-1], self.n_outputs, n), self.dtype)
        return self._allocate(n, gradient=True), scratch

    def differentiate(self, batch, workspace, accuracy=False, training=True):
        """For `train`: loss and, if asked for, accuracy of a `Batch`; the gradient goes to `grad`."""
        buffers, scratch = workspace
        outputs = self._forward(batch.x, buffers, training)
        z, last = outputs[-1][..., :-1, :], buffers[-1]
        hits = self._accuracy(z, batch.t) if accuracy else None
        values = self.loss_function.evaluate(z, batch.t, last.gradient, scratch)
        loss = average(values, batch.weight, last.gradient)
        for i in range(len(self.layers) - 1, 0, -1):
            self.layers[i].backward(outputs[i - 1], buffers[i], buffers[i - 1].gradient)
        self.layers[0].backward(batch.x, buffers[0])
        return loss, hits

    @quiet
    def score(self, samples):
        """For `train`: mean loss and accuracy (None without classes) over `Samples`, without gradients."""
        n, loss, hits = len(samples), 0.0, 0.0
        total = n if samples.weight is None else samples.weight.sum()
        classes = self.loss_function.decide is not None
        for rows, outputs in self._pieces(samples.X):
            z, t = outputs[-1][..., :-1, :], samples.targets(rows)
            hits = hits + t.shape[1] / n * self._accuracy(z, t) if classes else None
            weight = None if samples.weight is None else samples.weight[rows]
            dz, *scratch = np.empty((3, *z.shape), z.dtype)
            values = self.loss_function.evaluate(z, t, dz, scratch)
            loss = loss + (t.shape[1] if weight is None else weight.sum()) / total * average(values, weight)
        return loss, hits

    def _accuracy(self, z, t):
        return self.loss_function.correct(z, t).mean(axis=-1)

    def _forward(self, x, buffers, training):
        """The outputs of every layer, with their rows of ones."""
        outputs = []
        for layer, of_layer in zip(self.layers, buffers):
            x = layer.forward(x, of_layer, training)
            outputs.append(x)
        return outputs

    def _allocate(self, n, gradient):
        return [layer.allocate(self.theta.shape[:-1], n, self.dtype, gradient) for layer in self.layers]

    def _pieces(self, X):
        """Slices of `X` and the outputs of all layers, piece by piece.

        The buffers are made anew at each call, as calls may come from many threads at a time.
        """
        n = X.shape[0]
        widest = max(layer.units for layer in self.layers)
        width = max(self.n_features, (self.replicates or 1) * widest)
        most = min(n, max(1, PIECE // width))
        buffers = self._allocate(most, gradient=False)
        for start in range(0, n, most):
            if start + most > n:  # the last and shorter piece
                buffers = self._allocate(n - start, gradient=False)
            rows = slice(start, min(start + most, n))
            yield rows, self._forward(_with_ones(X[rows], self.dtype).T, buffers, training=False)

    def summary(self):
        """A table of the layers, their shapes and numbers of parameters, as text."""
        rows = [("layer", "activation", "shapes", "parameters")]
        for layer in self.layers:
            activation = layer.activation.name if hasattr(layer, "activation") else ""
            shapes = ", ".join(f"{name} {shape}" for name, shape in layer.shapes.items())
            rows.append((type(layer).__name__, activation, shapes, str(size(layer.shapes))))
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        lines.append(f"loss: {self.loss_function.name}; {self.theta.shape[-1]} parameters, {self.dtype}")
        for number, pair in enumerate(pairwise(self.layers), 1):
            if all(isinstance(layer, Dense) for layer in pair) and pair[0].activation.name == "identity":
                both = f"layers {number} and {number + 1}"
                lines.append(f"{both} are one linear layer: there is no activation between them")
        if self.replicates is not None:
            lines.append(f"replicates: {self.replicates}")
        return "\n".join(lines)

    def __repr__(self):
        stack = "" if self.replicates is None else f", {self.replicates} replicates"
        return f"Network({self.n_features}, {self.layers}, loss={self.loss_function.name!r}{stack})"


class Batch:
    """What one step sees: `x` `(n_features + 1, n)` with a last row of ones, `t` `(outputs, n)`, `weight` `(n,)`."""

    def __init__(self, x, t, weight):
        self.x, self.t, self.weight = x, t, weight

    def __len__(self):
        return self.x.shape[1]

    @property
    def total(self):
        """The sum of the weights; without weights the number of samples."""
        return len(self) if self.weight is None else float(self.weight.sum())


class Samples:
    """Checked samples, in their own type and place; a batch is copied, with its ones, when its turn comes."""

    def __init__(self, X, t, weight, network):
        self.n_outputs, self.dtype = network.n_outputs, network.dtype
        if t.ndim == 1 and len(t) * self.n_outputs <= PIECE:  # so few one-hot rows are quicker made once
            t = expand(t, self.n_outputs, self.dtype)
        self.X, self.t, self.weight = X, t, weight

    def __len__(self):
        return self.X.shape[0]

    def batch(self, rows=slice(None), room=None):
        """The `Batch` of a slice or of an array of row numbers; `room` is a dict for arrays that may be used again."""
        weight = None if self.weight is None else self.weight[rows]
        return Batch(_with_ones(self._take(rows, room), self.dtype, room).T, self.targets(rows), weight)

    def targets(self, rows):
        """The targets of some rows, shape `(outputs, n)`."""
        return expand(self.t[rows], self.n_outputs, self.dtype).T

    def _take(self, rows, room):
        if isinstance(rows, slice) or room is None or not isinstance(self.X, np.ndarray):
            return self.X[rows]
        shape = len(rows), self.X.shape[1]
        if shape not in room:
            room[shape] = np.empty(shape, self.X.dtype)
        return self.X.take(rows, axis=0, out=room[shape], mode="clip")  # the mode that needs no copy; rows are right


def _with_ones(X, dtype, room=None):
    """`X` and a column of ones. A new array as large as a batch of images costs more than to fill it."""
    shape = X.shape[0], X.shape[1] + 1
    x = room.get(("ones", shape)) if room is not None else None
    if x is None:
        x = np.ones(shape, dtype)
        if room is not None:
            room["ones", shape] = x
    x[:, :-1] = X.toarray() if hasattr(X, "toarray") else X
    return x


def _in_rows(outputs):
    """`(..., units + 1, n)` as users see it: `(..., n, units)`."""
    return outputs[..., :-1, :].swapaxes(-1, -2)


def _flat(layer, parts, shapes):
    for name, shape in shapes.items():
        if np.shape(parts[name]) != shape:
            raise ValueError(f"{layer!r} starts with {name} of shape {np.shape(parts[name])}; expected {shape}.")
    return np.concatenate([np.zeros(0), *(np.ravel(parts[name]) for name in shapes)])


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
