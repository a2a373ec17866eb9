"""Reverse-mode automatic differentiation: what `loss.backward()` does, for arrays.

Every operation on a `Tensor` records, next to its value, which tensors it was computed from and, for each of
them, the local gradient: a function that turns the gradient of the loss by the result into the gradient by
that parent. `backward` walks this record (the tape, or graph) from the loss back to the inputs and applies the
chain rule at each step. That is all; the rest of this file is a list of derivatives.

    x, w, b = np.array([1.0, 2.0]), Tensor([0.5, -0.5]), Tensor(0.1)
    loss = (sigmoid(x @ w + b) - 1) ** 2
    loss.backward()
    w.grad, b.grad

Sources: Baydin, Pearlmutter, Radul & Siskind, "Automatic differentiation in machine learning: a survey" (2018),
section 3.2; Griewank & Walther, *Evaluating Derivatives* (2008), chapter 3; for the rule of the matrix product,
Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation" (2008).
"""

import math
import numbers

import numpy as np

from nnlib import activations
from nnlib.activations import LEAK
from nnlib.run.checks import real_array


# Operations, as the tape records them


def _node(op, value, *edges):
    """The tensor that operation `op` makes; `edges` are pairs of a parent and its local gradient."""
    tensor = object.__new__(Tensor)
    tensor._record(op, value, edges)
    return tensor


def _operator(op, ufunc, by_left, by_right):
    """Two methods: the operation of a tensor and what stands on its right, and that with the tensor on the right.

    `by_left` and `by_right` make the gradients by both sides from the gradient `g` by the result, and both values.
    """

    def on_the_left(self, other):
        a, b = self, self._beside(other)
        by_a, by_b = (lambda g: by_left(g, a.value, b.value)), (lambda g: by_right(g, a.value, b.value))
        try:
            return _node(op, ufunc(a.value, b.value), (a, by_a), (b, by_b))
        except ValueError:
            rule = "counted from the right, two sizes must be equal, or one of them 1"
            if ufunc is np.matmul:
                rule = "for (n, k) @ (k, m) the two k must be equal, and neither side may be a single number"
            raise ValueError(f"{ufunc.__name__} of shapes {a.shape} and {b.shape}: they do not fit; {rule}.") from None

    return on_the_left, lambda self, other: on_the_left(self._beside(other), self)


def _matrices(g, a, b):
    """A vector on the left of `@` counts as a row, on the right as a column; the result then lacks that axis."""
    lacking = (-2,) * (a.ndim == 1) + (-1,) * (b.ndim == 1)
    return np.expand_dims(g, lacking), np.atleast_2d(a), b[:, np.newaxis] if b.ndim == 1 else b


def _by_left_matrix(g, a, b):
    G, _, B = _matrices(g, a, b)
    return G @ B.mT


def _by_right_matrix(g, a, b):
    G, A, _ = _matrices(g, a, b)
    product = A.mT @ G
    return product[..., 0] if b.ndim == 1 else product


class Tensor:
    """An array that remembers how it was computed.

    Tensors combine with each other, with arrays and with numbers by `+ - * / @`, with broadcasting, and by
    `** number`. Arrays and numbers are constants: they get no gradient, and a Python number or an integer array
    takes the precision of the tensor beside it.

    Parameters
    ----------
    values : array
        Any shape. It is copied; integers become float64, float32 stays.

    Attributes
    ----------
    value : ndarray
        Read-only, because the way back needs it as it was on the way there.
    grad : ndarray or None
        Gradient by this tensor, of the shape and precision of `value`, of the tensor whose `backward` was last
        called and that depends on this one. None before.
    op : str
        The operation that made it: "+", "@", "sigmoid", ...; "leaf" if it was made from values, "constant" if
        it was an array or number beside a tensor.
    parents : tuple of Tensor
        What the operation took. See `graph` for all ancestors.

    Raises
    ------
    TypeError
        Values that are not real numbers; operations in place.
    ValueError
        Shapes that do not fit together.

    Examples
    --------
    >>> from nnlib.autograd import Tensor
    >>> w = Tensor([1.0, 2.0, 3.0])
    >>> loss = (w * w).sum() / 2  # w is used twice: both uses count
    >>> loss.backward()
    >>> w.grad
    array([1., 2., 3.])
    >>> [tensor.op for tensor in loss.graph()]
    ['leaf', '*', 'sum', 'constant', '/']
    """

    # Makes `array + tensor` call our __radd__; NumPy would add the tensor to each entry of the array on its own.
    __array_ufunc__ = None
    __iter__ = None  # Python would try tensor[0], tensor[1], ..., and take a scalar for an empty list

    def __init__(self, values):
        self._record("leaf", _floats(values, np.float64))

    def _record(self, op, value, edges=()):
        self._value = np.asarray(value)
        self._value.flags.writeable = False
        self.grad = None
        self.op = op
        self.parents, self._local_gradients = zip(*edges) if edges else ((), ())

    @property
    def value(self):
        return self._value

    @property
    def shape(self):
        return self._value.shape

    def __repr__(self):
        return f"<Tensor {self.op}, shape {self.shape}: {np.array2string(self.value, threshold=10, precision=4)}>"

    # The way back

    def graph(self):
        """Every tensor that this one was computed from, and itself at the end, as a list: parents before children."""
        order, seen, stack = [], set(), [(self, False)]  # a stack of our own: Python's ends after 1,000 calls
        while stack:
            tensor, parents_are_done = stack.pop()
            if parents_are_done:
                order.append(tensor)
            elif tensor not in seen:
                seen.add(tensor)
                stack.append((tensor, True))
                stack.extend((parent, False) for parent in reversed(tensor.parents))
        return order

    def backward(self, seed=None):
        """Set `grad` of every tensor that this one depends on, and of itself.

        Each call starts from zero, so `grad` never mixes two losses, and calling twice changes nothing. (PyTorch adds
        to what is there, and one has to remember `zero_grad`.) To add the gradients of two losses, add the losses.

        Parameters
        ----------
        seed : array of the shape of this tensor, optional
            Gradient of some later quantity by this tensor. May be left out where this is a single number: 1.

        Raises
        ------
        ValueError
            No seed for more than one number; a seed of another shape.
        """
        if seed is None and self.value.size != 1:
            raise ValueError(f"this tensor has shape {self.shape}: reduce it to a number, with .sum(), or pass a seed.")
        seed = real_array(np.ones(self.shape) if seed is None else seed, "seed")
        if seed.shape != self.shape:
            raise ValueError(f"seed has shape {seed.shape}; expected {self.shape}, the shape of the tensor.")
        graph = [tensor for tensor in self.graph() if tensor.op != "constant"]
        for tensor in graph:
            tensor.grad = np.zeros_like(tensor.value)
        self.grad += seed
        for tensor in reversed(graph):  # children first: when its turn comes, a tensor's own gradient is complete
            for parent, local_gradient in zip(tensor.parents, tensor._local_gradients):
                if parent.op != "constant":
                    parent.grad += _sum_to(parent.shape, local_gradient(tensor.grad))

    # Arithmetic: each operator with the gradients by its left and its right side

    __add__, __radd__ = _operator("+", np.add, lambda g, a, b: g, lambda g, a, b: g)
    __sub__, __rsub__ = _operator("-", np.subtract, lambda g, a, b: g, lambda g, a, b: -g)
    __mul__, __rmul__ = _operator("*", np.multiply, lambda g, a, b: g * b, lambda g, a, b: g * a)
    __truediv__, __rtruediv__ = _operator("/", np.divide, lambda g, a, b: g / b, lambda g, a, b: -g * (a / b) / b)
    __matmul__, __rmatmul__ = _operator("@", np.matmul, _by_left_matrix, _by_right_matrix)

    def __neg__(self):
        return _node("neg", -self.value, (self, lambda g: -g))

    def __pow__(self, exponent):
        if not isinstance(exponent, numbers.Real):
            raise TypeError(f"the exponent must be a number, not {exponent!r}; or write exp(exponent * log(x)).")
        x, n = self.value, float(exponent)
        below = n - 1 if n else 0  # the derivative of x**0 is 0, at x = 0 as well, where 0 * x**-1 would be NaN
        return _node(f"**{n:g}", x**n, (self, lambda g: g * n * x**below))

    def _beside(self, other):
        """`other` as a tensor: itself, or a constant."""
        return other if isinstance(other, Tensor) else _node("constant", _floats(other, self.value.dtype))

    def _refuse_in_place(self, *_):
        raise TypeError("a tensor cannot be changed in place. Make a new one: w = Tensor(w.value - 0.1 * w.grad).")

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = __imatmul__ = __setitem__ = _refuse_in_place
    value = value.setter(_refuse_in_place)

    def __array__(self, *_, **__):
        raise TypeError("NumPy's functions record nothing. Use those of nnlib.autograd, or take the array: x.value.")

    # Shapes: what moves an entry on the way there moves its gradient on the way back

    def reshape(self, *shape):
        """The same entries in another shape, as in NumPy."""
        return _node("reshape", self.value.reshape(*shape), (self, lambda g: g.reshape(self.shape)))

    @property
    def T(self):
        return _node("transpose", self.value.T, (self, lambda g: g.T))

    def __getitem__(self, index):
        def spread(g):
            whole = np.zeros(self.shape, g.dtype)
            np.add.at(whole, index, g)  # an entry that was taken twice gets both gradients
            return whole

        return _node("[]", self.value[index], (self, spread))

    def sum(self, axis=None, keepdims=False):
        """Sum over one axis, a tuple of axes, or all."""
        kept = self.value.sum(axis=axis, keepdims=True)
        value = kept if keepdims else kept.squeeze(axis)
        return _node("sum", value, (self, lambda g: np.broadcast_to(g.reshape(kept.shape), self.shape)))

    def mean(self, axis=None, keepdims=False):
        """Mean over one axis, a tuple of axes, or all."""
        total = self.sum(axis, keepdims)
        return total / (self.value.size // max(total.value.size, 1))


# Functions of one tensor, entry by entry


def exp(x):
    """The exponential function.

    >>> exp(Tensor(0.0)).value
    array(1.)
    """
    return _entrywise("exp", x, np.exp, lambda x, y: y)


def log(x):
    """The natural logarithm.

    >>> log(Tensor(1.0)).value
    array(0.)
    """
    return _entrywise("log", x, np.log, lambda x, y: 1 / x)


def sigmoid(x):
    """`1 / (1 + exp(-x))`, at any `x` without overflow.

    >>> sigmoid(Tensor([-800.0, 0.0])).value
    array([0. , 0.5])
    """
    return _entrywise("sigmoid", x, activations.sigmoid, lambda x, y: y * (1 - y))


def tanh(x):
    """The hyperbolic tangent.

    >>> tanh(Tensor(0.0)).value
    array(0.)
    """
    return _entrywise("tanh", x, np.tanh, lambda x, y: 1 - y**2)


def relu(x):
    """`max(x, 0)`. At 0, where there is no derivative, it is taken to be 0.

    >>> relu(Tensor([-2.0, 3.0])).value
    array([0., 3.])
    """
    return _entrywise("relu", x, lambda x: np.maximum(x, 0), lambda x, y: x > 0)


def leaky_relu(x):
    """`max(x, 0.01 x)`. At 0, where there is no derivative, it is taken to be 0.01.

    >>> leaky_relu(Tensor([-2.0, 3.0])).value
    array([-0.02,  3.  ])
    """
    return _entrywise("leaky_relu", x, lambda x: np.maximum(x, LEAK * x), lambda x, y: np.where(x > 0, 1, LEAK))


def softplus(x):
    """`log(1 + exp(x))`, without overflow.

    >>> softplus(Tensor([-800.0, 800.0])).value
    array([  0., 800.])
    """
    return _entrywise("softplus", x, lambda x: np.logaddexp(0, x), lambda x, y: activations.sigmoid(x))


def silu(x):
    """`x * sigmoid(x)`.

    >>> silu(Tensor([-800.0, 0.0, 800.0])).value
    array([ -0.,   0., 800.])
    """
    x = _tensor(x)
    return x * sigmoid(x)


def gelu(x):
    """`x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x**3)))`.

    >>> gelu(Tensor([-80.0, 0.0, 80.0])).value
    array([-0.,  0., 80.])
    """
    x = _tensor(x)
    return 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


# Functions that compare or combine entries


def _larger(g, a, b):
    return g * ((a > b) + (a == b) / 2)


_maximum, _ = _operator("maximum", np.maximum, _larger, lambda g, a, b: _larger(g, b, a))


def maximum(a, b):
    """The larger of two entries, with broadcasting. Where they are equal, each gets half of the gradient.

    >>> maximum(Tensor([-2.0, 3.0]), 1).value
    array([1., 3.])
    """
    a, b = (a, b) if isinstance(a, Tensor) else (b, a)
    return _maximum(_tensor(a), b)


def logsumexp(x, axis=-1, keepdims=False):
    """`log(sum(exp(x)))` along an axis, without overflow: the largest exponent is brought to 0.

    >>> logsumexp(Tensor([[1000.0, 1000.0]])).value.round(4)
    array([1000.6931])
    """
    x = _tensor(x)
    largest = x.value.max(axis=axis, keepdims=True)
    terms = np.exp(x.value - largest)
    total = terms.sum(axis=axis, keepdims=True)
    kept = largest + np.log(total)
    value = kept if keepdims else kept.squeeze(axis)
    return _node("logsumexp", value, (x, lambda g: g.reshape(kept.shape) * terms / total))


def softmax(x, axis=-1):
    """`exp(x) / sum(exp(x))` along an axis: a chain of operations above, so it needs no derivative of its own.

    >>> softmax(Tensor([0.0, 0.0, 1000.0])).value
    array([0., 0., 1.])
    """
    x = _tensor(x)
    return exp(x - logsumexp(x, axis, keepdims=True))


# Helpers


def _tensor(x):
    return x if isinstance(x, Tensor) else Tensor(x)


def _floats(values, default):
    """A copy as floats: of the values' own float type, or of `default` where they have none."""
    array = real_array(values, "values")
    own = hasattr(values, "dtype") and array.dtype.kind == "f"
    return array.astype(np.result_type(array, np.float32) if own else default)


def _entrywise(op, x, f, derivative):
    """`f` of each entry; the derivative takes an entry and its `f`."""
    x = _tensor(x)
    y = f(x.value)
    return _node(op, y, (x, lambda g: g * derivative(x.value, y)))


def _sum_to(shape, g):
    """Undo broadcasting: of an entry that was copied along an axis, the gradients of all copies add up."""
    if g.shape == shape:
        return g
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    copied = tuple(i for i, size in enumerate(shape) if size == 1)
    return g.sum(axis=copied, keepdims=True)
