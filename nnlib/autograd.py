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

import numbers

import numpy as np

from nnlib import activations
from nnlib.activations import LEAK
from nnlib.checks import real_array


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
        if seed is None:
            if self.value.size != 1:
                raise ValueError(
                    f"backward starts from a single number, and this tensor has shape {self.shape}. Reduce it first, "
                    "with .sum() or .mean(), or pass a seed of its shape: backward(seed)."
                )
            seed = np.ones(self.shape)
        seed = real_array(seed, "seed")
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

    # Arithmetic: in each function, the value and beside it the local gradient of each parent

    def __add__(self, other):
        a, b = self, self._beside(other)
        return _node("+", _compute(np.add, a, b), (a, lambda g: g), (b, lambda g: g))

    def __sub__(self, other):
        a, b = self, self._beside(other)
        return _node("-", _compute(np.subtract, a, b), (a, lambda g: g), (b, lambda g: -g))

    def __mul__(self, other):
        a, b = self, self._beside(other)
        return _node("*", _compute(np.multiply, a, b), (a, lambda g: g * b.value), (b, lambda g: g * a.value))

    def __truediv__(self, other):
        a, b = self, self._beside(other)
        ratio = _compute(np.divide, a, b)
        return _node("/", ratio, (a, lambda g: g / b.value), (b, lambda g: -g * ratio / b.value))

    def __neg__(self):
        return _node("neg", -self.value, (self, lambda g: -g))

    def __pow__(self, exponent):
        if not isinstance(exponent, numbers.Real):
            raise TypeError(
                f"the exponent must be a number, not {exponent!r}. For others write exp(exponent * log(x))."
            )
        x, n = self.value, float(exponent)
        below = n - 1 if n else 0  # the derivative of x**0 is 0, at x = 0 as well, where 0 * x**-1 would be NaN
        return _node(f"**{n:g}", x**n, (self, lambda g: g * n * x**below))

    def __matmul__(self, other):
        a, b = self, self._beside(other)
        product = _compute(np.matmul, a, b)
        # A vector on the left counts as a row, on the right as a column; the result then lacks that axis.
        row, column = a.value.ndim == 1, b.value.ndim == 1
        A = a.value[np.newaxis, :] if row else a.value
        B = b.value[:, np.newaxis] if column else b.value
        lacking = (-2,) * row + (-1,) * column

        def by_a(g):
            return np.expand_dims(g, lacking) @ B.swapaxes(-1, -2)

        def by_b(g):
            G = A.swapaxes(-1, -2) @ np.expand_dims(g, lacking)
            return G[..., 0] if column else G

        return _node("@", product, (a, by_a), (b, by_b))

    def __radd__(self, other):
        return self._beside(other) + self

    def __rsub__(self, other):
        return self._beside(other) - self

    def __rmul__(self, other):
        return self._beside(other) * self

    def __rtruediv__(self, other):
        return self._beside(other) / self

    def __rmatmul__(self, other):
        return self._beside(other) @ self

    def _beside(self, other):
        """`other` as a tensor: itself, or a constant."""
        return other if isinstance(other, Tensor) else _node("constant", _floats(other, self.value.dtype))

    def _refuse_in_place(self, *_):
        raise TypeError(
            "a tensor cannot be changed in place: the way back needs its old value. Make a new one: "
            "total = total + x, or w = Tensor(w.value - 0.1 * w.grad)."
        )

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
    x = _tensor(x)
    y = np.exp(x.value)
    return _node("exp", y, (x, lambda g: g * y))


def log(x):
    """The natural logarithm.

    >>> log(Tensor(1.0)).value
    array(0.)
    """
    x = _tensor(x)
    return _node("log", np.log(x.value), (x, lambda g: g / x.value))


def sigmoid(x):
    """`1 / (1 + exp(-x))`, at any `x` without overflow.

    >>> sigmoid(Tensor([-800.0, 0.0])).value
    array([0. , 0.5])
    """
    x = _tensor(x)
    y = activations.sigmoid(x.value)
    return _node("sigmoid", y, (x, lambda g: g * y * (1 - y)))


def tanh(x):
    """The hyperbolic tangent.

    >>> tanh(Tensor(0.0)).value
    array(0.)
    """
    x = _tensor(x)
    y = np.tanh(x.value)
    return _node("tanh", y, (x, lambda g: g * (1 - y**2)))


def relu(x):
    """`max(x, 0)`. At 0, where there is no derivative, it is taken to be 0.

    >>> relu(Tensor([-2.0, 3.0])).value
    array([0., 3.])
    """
    x = _tensor(x)
    return _node("relu", np.maximum(x.value, 0), (x, lambda g: g * (x.value > 0)))


def leaky_relu(x):
    """`max(x, 0.01 x)`. At 0, where there is no derivative, it is taken to be 0.01.

    >>> leaky_relu(Tensor([-2.0, 3.0])).value
    array([-0.02,  3.  ])
    """
    x = _tensor(x)
    return _node("leaky_relu", np.maximum(x.value, LEAK * x.value), (x, lambda g: g * np.where(x.value > 0, 1, LEAK)))


def softplus(x):
    """`log(1 + exp(x))`, without overflow.

    >>> softplus(Tensor([-800.0, 800.0])).value
    array([  0., 800.])
    """
    x = _tensor(x)
    return _node("softplus", np.logaddexp(0, x.value), (x, lambda g: g * activations.sigmoid(x.value)))


# Functions that compare or combine entries


def maximum(a, b):
    """The larger of two entries, with broadcasting. Where they are equal, each gets half of the gradient.

    >>> maximum(Tensor([-2.0, 3.0]), 1).value
    array([1., 3.])
    """
    a, b = (a, b) if isinstance(a, Tensor) else (b, a)
    a = _tensor(a)
    b = a._beside(b)
    value = _compute(np.maximum, a, b)

    def share(mine, its):
        return lambda g: g * ((mine.value > its.value) + (mine.value == its.value) / 2)

    return _node("maximum", value, (a, share(a, b)), (b, share(b, a)))


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


def _node(op, value, *edges):
    """The tensor that operation `op` makes; `edges` are pairs of a parent and its local gradient."""
    tensor = object.__new__(Tensor)
    tensor._record(op, value, edges)
    return tensor


def _compute(ufunc, a, b):
    try:
        return ufunc(a.value, b.value)
    except ValueError:
        rule = "counted from the right, two sizes must be equal, or one of them 1"
        if ufunc is np.matmul:
            rule = "for (n, k) @ (k, m) the two k must be equal, and neither side may be a single number"
        raise ValueError(f"{ufunc.__name__} of shapes {a.shape} and {b.shape}: they do not fit; {rule}.") from None


def _sum_to(shape, g):
    """Undo broadcasting: of an entry that was copied along an axis, the gradients of all copies add up."""
    if g.shape == shape:
        return g
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    copied = tuple(i for i, size in enumerate(shape) if size == 1)
    return g.sum(axis=copied, keepdims=True)
