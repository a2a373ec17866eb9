"""Networks saved and loaded.

A file is a zip archive that `numpy.load(path, allow_pickle=False)` opens too. This is all that it holds, so that
another program can write one:

- Every entry is stored, not compressed, with its size and its CRC-32.
- `header.json`, in UTF-8, is an object with these keys and no others:
  `"format"`: `"nnlib network"`; `"version"`: 1; and `"network"`, an object with
    - `"n_features"`: number of inputs;
    - `"layers"`: a list of objects, each with `"type"`, a name in `nnlib.layers.LAYERS`, and what the layer's
      `config()` returns: `{"type": "Dense", "units": 8, "activation": "tanh"}`, `{"type": "Dropout", "rate": 0.5}`,
      `{"type": "BatchNorm", "activation": "relu", "momentum": 0.9, "epsilon": 1e-05}`, with activations named as in
      `nn.ACTIVATIONS`;
    - `"loss"`: a name in `nn.LOSSES`; `"dtype"`: `"float64"` or `"float32"`;
    - `"replicates"`: the number of networks of a stack, or null for a single network;
    - `"generators"`: null, if no layer is random. Otherwise a list with the state of one generator of noise per
      network, as NumPy gives it: `{"bit_generator": "PCG64", "state": {"state": 1, "inc": 1}, "has_uint32": 0,
      "uinteger": 0}`, the first two being whole numbers of up to 128 bits, `inc` odd.
- `layers.I.NAME.npy` for each array of layer I, from 0: `W` `(fan_in, units)` and `b` `(units,)` of Dense; `gamma`,
  `beta`, `mean` and `variance`, all `(units,)`, of BatchNorm. A stack has the replicates as one more axis, the first.
  Each is in the NPY format, version 1.0, C order, descr `'<f8'` or `'<f4'` as the dtype says; all values are finite.

Initializers are not saved: the weights are there.
"""

import inspect

import numpy as np

from nnlib.activations import ACTIVATIONS
from nnlib.files.archive import FileError, check_fields, get_state, read, read_arrays, set_state, suspicion, write
from nnlib.layers import LAYERS
from nnlib.losses import LOSSES
from nnlib.network import Network
from nnlib.run import checks


def save(network, path):
    """Write a network to one file, which `nn.load(path)` reads; see `nnlib.files.networks` for the format.

    The file is replaced as a whole, or, if something fails, left as it was.

    Parameters
    ----------
    network : Network
    path : str or path-like

    Raises
    ------
    FileError
        A layer, an activation or the loss is of your own and not registered, or parameters are not finite.

    Examples
    --------
    >>> import tempfile, nnlib as nn
    >>> network = nn.Network(2, [nn.Dense(8, "tanh"), nn.Dense(1)], loss="binary_cross_entropy", rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.save(network, f"{folder}/moons.nn")
    ...     twin = nn.load(f"{folder}/moons.nn")
    >>> bool((twin.predict([[0.5, 1.0]]) == network.predict([[0.5, 1.0]])).all())
    True
    """
    if not isinstance(network, Network):
        raise TypeError(f"save(network, path) takes a Network first, not {type(network).__name__}.")
    for i, layer in enumerate(network.layers):
        if LAYERS.get(type(layer).__name__) is not type(layer):
            remedy = "save the numbers with np.savez(path, theta=network.theta, state=network.state)"
            raise FileError(f"layer {i}, {layer!r}, is a class of your own, which a file cannot name: {remedy}.")
        # How a Dense layer starts is not saved: the weights are there.
        forgotten = inspect.signature(type(layer)).parameters.keys() - layer.config().keys() - {"init", "bias_init"}
        if forgotten:
            raise FileError(f"layer {i}, {layer!r}: config() leaves out {sorted(forgotten)}: let it return all.")
        if activation := getattr(layer, "activation", None):
            _check_registered(activation, ACTIVATIONS, "ACTIVATIONS")
    _check_registered(network.loss_function, LOSSES, "LOSSES")
    arrays = _parts(network)
    _check_finite(path, arrays)
    generators = None if None in network._noise else [get_state(rng) for rng in network._noise]
    write(path, "network", architecture(network) | {"generators": generators}, arrays)


def load(path):
    """The network that `nn.save` wrote to `path`. It predicts the same, and training goes on the same.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    Network

    Raises
    ------
    FileError
        The file is truncated, altered, of another kind or of a newer version, or its entries are not those that
        its header tells of. Nothing in a file is run, and no file needs more memory than a few times its size.
    OSError
        There is no such file, or it cannot be read.

    Examples
    --------
    >>> import tempfile, nnlib as nn
    >>> stack = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=range(3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.save(stack, f"{folder}/stack.nn")
    ...     nn.load(f"{folder}/stack.nn").replicates
    3
    """
    saved, entries = read(path, "network")
    with suspicion(path, "the header does not describe a network"):
        return _network(path, saved, entries)


def _network(path, saved, entries):
    null, types = type(None), {"n_features": (int,), "layers": (list,), "loss": (str,), "dtype": (str,)}
    check_fields(saved, "network", types | {"replicates": (int, null), "generators": (list, null)})
    replicates, states, layers, expected = saved["replicates"], saved["generators"], [], {}
    if saved["dtype"] not in ("float64", "float32"):
        raise ValueError(f"dtype is {saved['dtype']!r}, not 'float64' or 'float32'")
    lead = () if replicates is None else (checks.positive_int("replicates", replicates),)
    fan_in = checks.positive_int("n_features", saved["n_features"])
    for i, record in enumerate(saved["layers"]):
        config = dict(record)
        kind = checks.look_up("layer", LAYERS, config.pop("type", None))
        layers.append(kind(**config))
        if layers[i].config() != config:
            raise ValueError(f"layer {i} is {config}; {kind.__name__} has {layers[i].config()}")
        layers[i].build(fan_in)  # sets the shapes, and makes no array yet
        fan_in = layers[i].units
        for name, shape in (layers[i].shapes | layers[i].state_shapes).items():
            expected[f"layers.{i}.{name}"] = (*lead, *shape), np.dtype(saved["dtype"])
    arrays = read_arrays(path, entries, expected)  # from here on, the sizes are known to be those of the file
    _check_finite(path, arrays)
    network = Network(saved["n_features"], layers, loss=saved["loss"], rng=[0] if lead else 0, dtype=saved["dtype"])
    needed = None if None in network._noise else replicates or 1
    if needed != (None if states is None else len(states)):
        raise ValueError(f"generators must be null without random layers, else a list of {replicates or 1}")
    if lead:
        network = network[np.zeros(replicates, int)]  # so many copies, each with a generator of its own
    for name, part in _parts(network).items():
        part[...] = arrays[name]
    for rng, state in zip(network._noise, states or []):
        set_state(rng, state)
    return network


def architecture(network):
    """What a header says of a network, but for its generators."""
    return {
        "n_features": network.n_features,
        "layers": [{"type": type(layer).__name__} | layer.config() for layer in network.layers],
        "loss": network.loss_function.name,
        "dtype": network.dtype.name,
        "replicates": network.replicates,
    }


def _parts(network):
    return {f"layers.{i}.{name}": part for i, layer in enumerate(network.layers) for name, part in layer.parts.items()}


def _check_registered(function, table, table_name):
    if table.get(function.name) != function:
        remedy = f"register it first, when saving and when loading: nn.{table_name}[{function.name!r}] = it"
        raise FileError(f"{function!r} is not in nn.{table_name}, and a file keeps its name only: {remedy}.")


def _check_finite(path, arrays):
    if bad := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
        raise FileError(f"{path}: {', '.join(bad)} hold NaN or infinite values: train with a lower learning rate.")
