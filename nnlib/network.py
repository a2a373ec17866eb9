"""The network: layers bound to one flat parameter vector."""

import copy
import math

import numpy as np

from nnlib.activations import ACTIVATIONS, quiet
from nnlib.layers import LAYERS, Dense, size, views
from nnlib.losses import LOSSES, Loss, average
from nnlib.run import checks, refusals
from nnlib.run.copies import Copies
from nnlib.run.contracts import try_pieces
from nnlib.run.samples import PIECE, Samples


class Vector:
    """An attribute of a network that its layers hold views of. New values are copied into it."""

    def __set_name__(self, owner, name):
        self.name = name

    def __set__(self, network, values):
        checks.overwrite(self.name, network.__dict__[self.name], values)


class Network(Copies):
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
        Parameters and gradients, shape `(n_parameters,)` or `(replicates, n_parameters)`. New values are copied into
        them, so that the layers see them.
    state : ndarray
        What layers keep but do not train, such as the running means of `BatchNorm`; shape `(size,)` or
        `(replicates, size)`.
    decayed : ndarray of bool, shape (n_parameters,)
        Which parameters weight decay applies to: the weights, and no biases.
    layers : tuple
        The layers, with their weights `W` and biases `b`.
    replicates : int or None
        Number of networks in the stack; None for a single network. `stack[r]` is network `r` as a single one,
        `stack[rows]` a stack of some, for a slice, a sequence of numbers or a mask; both have parameters of their own.

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
    >>> stack.theta.shape, stack[7].theta.shape, stack[:10].theta.shape
    ((100, 33), (33,), (10, 33))
    """

    theta, grad, state = Vector(), Vector(), Vector()

    def __init__(self, n_features, layers, *, loss, rng, dtype="float64"):
        if dtype not in ("float64", "float32", np.float64, np.float32):
            raise ValueError(f"dtype must be float64 or float32, not {dtype!r}.")
        self.n_features, self.dtype = checks.positive_int("n_features", n_features), np.dtype(dtype)
        # Copies: a layer that was passed to two networks must not be bound to both.
        self.layers, self.loss_function = tuple(map(copy.deepcopy, _as_layers(layers))), loss
        if not isinstance(loss, Loss):
            self.loss_function = checks.look_up("loss", LOSSES, loss)
        if not isinstance(last := self.layers[-1], Dense):
            raise ValueError(f"the last layer must be Dense, not {last!r}: it gives the outputs.")
        if self.loss_function.link.name != "identity" and last.activation.name != "identity":
            raise ValueError(refusals.last_layer(last, self.loss_function))
        self.n_outputs, decayed = self.n_features, []
        for layer in self.layers:
            layer.build(self.n_outputs)
            self.n_outputs = layer.units
            decayed += [np.full(math.prod(shape), name in layer.decayed) for name, shape in layer.shapes.items()]
        self.decayed = np.concatenate(decayed)
        stack = isinstance(rng, (list, tuple, range, np.ndarray)) and np.ndim(rng) == 1
        if stack and len(rng) == 0:
            raise ValueError("rng is an empty sequence; a stack needs at least one seed.")
        theta, state, noise = zip(*(self._start(checks.as_rng(seed)) for seed in (rng if stack else [rng])))
        theta, state = (np.array(rows if stack else rows[0], dtype=self.dtype) for rows in (theta, state))
        self._bind(theta, state, list(noise))
        pieces = [self.loss_function.evaluate, self.loss_function.decide or size, *map(type, self.layers)]
        pieces += [getattr(vars(layer).get("activation"), "forward", size) for layer in self.layers]
        if not all(getattr(piece, "__module__", "").startswith("nnlib.") for piece in pieces):  # some are your own
            try_pieces(self)

    def _start(self, rng):
        """Parameters, state and generator of noise of one network."""
        parameters, state = [], []
        for layer in self.layers:
            drawn = layer.draw(rng)
            parameters.append(_flat(layer, drawn, layer.shapes))
            state.append(_flat(layer, drawn, layer.state_shapes))
        # Without random layers, rng stays where the weights left it.
        noise = checks.spawn(rng) if any(layer.random for layer in self.layers) else None
        return np.concatenate(parameters), np.concatenate(state), noise

    def _bind(self, theta, state, noise):
        grad = np.zeros_like(theta)
        self.__dict__.update(theta=theta, grad=grad, state=state, _noise=noise)
        self.replicates = theta.shape[0] if theta.ndim == 2 else None
        for layer in self.layers:
            layer.bind(theta, grad, state, noise, first=layer is self.layers[0])
            theta, grad = theta[..., size(layer.shapes) :], grad[..., size(layer.shapes) :]
            state = state[..., size(layer.state_shapes) :]

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

    def logits(self, X):
        """What the last layer computes, before the loss's inverse link; with squared error, the outputs themselves.

        Parameters, returned shape and errors are those of `predict`.
        """
        return self._outputs(X, self.layers[-1:])[0]

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
        """The most probable class of each sample, numbered from 0; of two that are equally probable the first.

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
            instead = "round predict(X)" if self.n_outputs == 1 else "take predict(X).argmax(axis=-1)"
            raise ValueError(f"{self.loss_function.name} has no classes; {instead} yourself.")
        return self.loss_function.decide(self.logits(X).mT).astype(np.intp)

    def activations(self, X):
        """Activations of every layer, first hidden layer first, as a list; the last entry holds the logits.

        Each has shape `(n, units)` or `(replicates, n, units)`. Parameters and errors are those of `predict`.
        """
        return self._outputs(X, self.layers)

    @quiet
    def _outputs(self, X, layers):
        """What the last layers give for all samples, in rows."""
        samples = Samples(self, X)
        out = [np.empty((*self.theta.shape[:-1], samples.n, layer.units), self.dtype) for layer in layers]
        for rows in self._pieces(samples.n):
            outputs, _ = self._forward(samples.batch(rows)[0])
            for array, of_layer in zip(out, outputs[-len(layers) :]):
                array[..., rows, :] = of_layer.mT
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
        return self.evaluate(X, y, sample_weight)[0]

    def accuracy(self, X, y, sample_weight=None):
        """Share of samples whose class is predicted right.

        With several yes-or-no outputs, a sample is right if all of them are. Parameters and returned shape are
        those of `loss`, and so are the errors; one more comes if the loss has no classes.
        """
        if self.loss_function.decide is None:
            raise ValueError(f"{self.loss_function.name} has no classes, so no accuracy; use a cross-entropy.")
        return self.evaluate(X, y, sample_weight)[1]

    def evaluate(self, X, y, sample_weight=None):
        """Mean loss, and share of right classes, in one pass.

        Parameters and errors are those of `loss`.

        Returns
        -------
        loss : float, or ndarray of shape (replicates,)
        accuracy : the same, or None if the loss has no classes
        """
        samples = Samples(self, X, y, sample_weight)
        loss, right = self._evaluate(samples)
        return loss, None if right is None else np.average(right, axis=-1, weights=samples.weight)

    @quiet
    def _evaluate(self, samples):
        """Mean loss over `Samples`, and which of them are classified right, shape `(..., n)`, or None."""
        loss, total, right = 0.0, 0.0, []
        for rows in self._pieces(samples.n):
            x, t, weight = samples.batch(rows)
            outputs, _ = self._forward(x)
            of_piece, _ = average(*self.loss_function.evaluate(outputs[-1], t), weight)
            share = t.shape[1] if weight is None else float(weight.sum())
            loss, total = loss + share * of_piece, total + share
            if self.loss_function.decide is not None:
                right.append(self.loss_function.correct(outputs[-1], t))
        return loss / total, np.concatenate(right, axis=-1) if right else None

    @quiet
    def loss_and_gradient(self, X, y, sample_weight=None, training=False):
        """The loss and its gradient by all parameters. Parameters and errors are those of `loss`.

        Returns
        -------
        loss : float, or ndarray of shape (replicates,)
        gradient : ndarray of the shape of `theta`; see `unpack` for its parts
        """
        batch = Samples(self, X, y, sample_weight).batch()
        state, noise = self.state.copy(), copy.deepcopy(self._noise)
        try:
            loss = self._differentiate(*batch, training)
        finally:  # put back what a pass in training mode changes
            self.state = state
            self._noise[:] = noise  # in place: the layers hold the same list
            for layer in self.layers:
                layer.kept.clear()
        return loss, self.grad.copy()

    def _differentiate(self, x, t, weight, training=True):
        """The loss of a batch; the gradient goes to `grad`. (`train` writes out the same two loops, to be read.)"""
        outputs, ways_back = self._forward(x, training)
        loss, da = average(*self.loss_function.evaluate(outputs[-1], t), weight)
        for backward in reversed(ways_back):
            da = backward(da)
        return loss

    def _forward(self, x, training=False):
        """The outputs of every layer, and their ways back."""
        outputs, ways_back = [], []
        for layer in self.layers:
            x, backward = layer.forward(x, training)
            outputs.append(x)
            ways_back.append(backward)
        return outputs, ways_back

    def _pieces(self, n):
        """Slices of so many samples that the widest layer has about `PIECE` numbers."""
        width = max(self.n_features, (self.replicates or 1) * max(layer.units for layer in self.layers))
        most = max(1, PIECE // width)
        return [slice(start, min(start + most, n)) for start in range(0, n, most)]

    def __repr__(self):
        stack = "" if self.replicates is None else f", {self.replicates} replicates"
        return f"Network({self.n_features}, {list(self.layers)}, loss={self.loss_function.name!r}{stack})"


def _flat(layer, parts, shapes):
    for name, shape in shapes.items():
        if name not in parts or np.shape(parts[name]) != shape:
            raise ValueError(refusals.start(layer, name, parts, shape))
    return np.concatenate([np.zeros(0), *(np.ravel(parts[name]) for name in shapes)])


def _as_layers(layers):
    layers = layers if isinstance(layers, (list, tuple)) else [layers]
    if not layers:
        raise ValueError("a network needs at least one layer, for instance [nn.Dense(1)].")
    if wrong := [layer for layer in layers if isinstance(layer, type) or not hasattr(layer, "build")]:
        raise TypeError(f"layers must be layers such as nn.Dense(8, 'tanh'), not {wrong[0]!r}.")
    return layers
