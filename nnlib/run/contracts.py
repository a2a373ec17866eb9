"""What activations, losses and layers of one's own must return: tried once, on a few numbers, before they are used.

What they return is what is used, so a forgotten `return`, or an array of another shape, would train something else
without a word.
"""

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
    t = loss.link.forward(_numbers((units, N), dtype))[0]  # outputs of the link are targets that any loss takes
    result = loss.evaluate(z, t)
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"{what} must return values, of shape (..., n), and their gradient dz, not {_kind(result)}.")
    _like(result[0], ((*lead, N), dtype), what, "the values, one per sample")
    _like(result[1], (z.shape, dtype), what, "the gradient dz")


def check_layer(layer, lead, dtype):
    """Refuse a layer that returns the wrong things, or does not write the gradients of its parameters."""
    what, outputs = type(layer).__name__, (*lead, layer.units, N)
    inputs = (*(() if layer.first else lead), layer.fan_in, N)  # the samples are the same for all networks of a stack
    if hasattr(layer, "activation"):
        forward_of(layer.activation, _numbers(outputs, dtype))[1](_numbers(outputs, dtype))
    result = layer.forward(_numbers(inputs, dtype), training=False)
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
