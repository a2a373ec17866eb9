"""What activations, losses and layers of one's own must return: tried once, on a few numbers, before they are used.

What they return is what is used, so a forgotten `return`, or an array of another shape, would train something else
without a word.
"""

import warnings

import numpy as np

N = 7  # samples of a trial


def forward_of(activation, z):
    """`activation.forward(z)`, checked: activations like `z`, and the way back, which is checked when it is taken."""
    form = z.shape, z.dtype
    a, backward = _pair(activation.forward(z), form, f"forward of {activation!r}", "the activations")
    return a, lambda da: _like(backward(da), form, f"the way back of {activation!r}", "the gradient")


def try_pieces(network):
    """Whether layers, activations and loss of a network keep their promises."""
    lead = network.theta.shape[:-1]
    for layer in network.layers:
        check_layer(layer, lead, network.dtype)
    check_loss(network.loss_function, lead, network.n_outputs, network.dtype)


def check_loss(loss, lead, units, dtype):
    """Refuse a loss whose evaluate does not return a value per sample, and the gradient by the logits."""
    z, what = _numbers((*lead, units, N), dtype), f"evaluate of {loss!r}"
    t = forward_of(loss.link, _numbers((units, N), dtype))[0]  # outputs of the link are targets that any loss takes
    result = _leaving(what, "z and t", loss.evaluate, z, t)
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"{what} must return values, of shape (..., n), and their gradient dz, not {_kind(result)}.")
    _like(result[0], ((*lead, N), dtype), what, "the values, one per sample")
    _like(result[1], (z.shape, dtype), what, "the gradient dz")
    if np.shares_memory(result[1], z) or np.shares_memory(result[1], t):
        raise ValueError(f"{what} returned z or t itself as dz, which is scaled in place: return a new array.")
    if loss.decide is not None and np.shape(loss.decide(z)) not in ((*lead, N), (*lead, N, units)):
        shape = np.shape(loss.decide(z))
        raise ValueError(f"decide of {loss!r} returned shape {shape}; expected one class per sample, {(*lead, N)}.")


def check_layer(layer, lead, dtype):
    """Refuse a layer that returns the wrong things, or does not write the gradients of its parameters."""
    what, outputs = type(layer).__name__, (*lead, layer.units, N)
    inputs = (*(() if layer.first else lead), layer.fan_in, N)  # the samples are the same for all networks of a stack
    if hasattr(getattr(layer, "activation", None), "forward"):
        forward_of(layer.activation, _numbers(outputs, dtype))[1](_numbers(outputs, dtype))
    if isinstance(layer.decayed, str):
        raise TypeError(f"decayed of {what} must be a tuple of names, such as ('W',), not {layer.decayed!r}.")
    # As in predictions: in training a layer may draw, keep statistics, or need batches of a certain size.
    result = _leaving(f"forward of {what}", "x", layer.forward, _numbers(inputs, dtype), False)
    _, backward = _pair(result, (outputs, dtype), f"forward of {what}", "the outputs")
    for gradient in layer.gradients.values():
        gradient[...] = np.nan
    dx = backward(_numbers(outputs, dtype))
    if not layer.first:  # otherwise nobody asks for it
        _like(dx, (inputs, dtype), f"the way back of {what}", "the gradient by the inputs")
    for name, gradient in layer.gradients.items():
        if np.isnan(gradient).any():
            raise ValueError(f"the way back of {what} leaves out the gradient of {name!r}: write self.d{name} = ...")
        gradient[...] = 0


def checked_step(optimizer):
    """`step` of an optimizer of one's own, which must change `theta` in place: looked at the first time."""
    if isinstance(optimizer, type) or not (hasattr(optimizer, "start") and hasattr(optimizer, "step")):
        methods = "its methods start(theta, decayed) and step(theta, grad)"
        raise TypeError(f"optimizer must be an optimizer such as nn.SGD(0.5), or have {methods}, not {optimizer!r}.")
    first, what = [True], f"step of {type(optimizer).__name__}"

    def step(theta, grad):
        before = theta.copy() if first else None
        if optimizer.step(theta, grad) is not None:
            raise TypeError(f"{what} returned a value, and must change theta in place: theta -= ...")
        if first and grad.any() and (theta == before).all():
            warnings.warn(f"{what} changed no parameter: theta -= ... does, theta = ... does not.", stacklevel=3)
        first.clear()

    return step


def _leaving(what, names, call, *arrays):
    """The result of a call that must leave its arguments as they are."""
    for array in arrays:
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    try:
        return call(*arrays)
    except ValueError as error:
        if "read-only" in str(error):
            raise ValueError(f"{what} overwrites {names}, which must stay: make a new array.") from error
        raise


def _numbers(shape, dtype):
    return np.linspace(0.1, 0.9, int(np.prod(shape))).reshape(shape).astype(dtype)


def _pair(result, form, what, first):
    """The result of a forward: an array of some form, (shape, dtype), and a function."""
    if not isinstance(result, tuple) or len(result) != 2 or not callable(result[1]):
        raise TypeError(f"{what} must return two things, {first} and a function for the way back, not {_kind(result)}.")
    _like(result[0], form, what, first)
    return result


def _like(array, form, what, name):
    if not isinstance(array, (np.ndarray, np.generic)) or (array.shape, array.dtype) != form:
        raise ValueError(f"{what} returned {_kind(array)} as {name}; expected shape {form[0]} and {form[1]}.")
    return array


def _kind(value):
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and {value.dtype}"
    return "None (is a return missing?)" if value is None else f"a {type(value).__name__}"
