"""Files: networks saved and loaded, and training that goes on after a break. No pickle, so reading one runs nothing.

A file is a zip archive that `numpy.load(path, allow_pickle=False)` opens too. This is all that it holds, so that
another program can write one:

- Every entry is stored, not compressed, with its size and its CRC-32.
- `header.json`, in UTF-8, is an object with these keys and no others:
  `"format"`: `"nnlib network"`; `"version"`: 1; and `"network"`, an object with
    - `"n_features"`: number of inputs;
    - `"layers"`: a list of objects, each with `"type"`, a name in `nnlib.layers.LAYERS`, and what the layer's
      `config()` returns: `{"type": "Dense", "units": 8, "activation": "tanh"}`, `{"type": "Dropout", "rate": 0.5}`,
      `{"type": "BatchNorm", "activation": "relu", "momentum": 0.9, "epsilon": 1e-05}`;
    - `"loss"`: a name in `nn.LOSSES`; `"dtype"`: `"float64"` or `"float32"`;
    - `"replicates"`: the number of networks of a stack, or null for a single network;
    - `"generators"`: null, if no layer is random. Otherwise a list with the state of one generator of noise per
      network, as NumPy gives it: `{"bit_generator": "PCG64", "state": {"state": 1, "inc": 1}, "has_uint32": 0,
      "uinteger": 0}`, the first two being whole numbers of up to 128 bits, `inc` odd.
- `layers.I.NAME.npy` for each array of layer I, from 0: `W` `(fan_in, units)` and `b` `(units,)` of Dense; `gamma`,
  `beta`, `mean` and `variance`, all `(units,)`, of BatchNorm. A stack has the replicates as one more axis, the first.
  Each is in the NPY format, version 1.0, C order, descr `'<f8'` or `'<f4'` as the dtype says; all values are finite.

Initializers are not saved: the weights are there. A checkpoint is such an archive as well, with the format
`"nnlib checkpoint"` and more entries; it is for this module alone, and may change with the version.

NPY format: numpy.lib.format. Zip format: PKWARE, *APPNOTE.TXT*, section 4.
"""

import copy
import io
import json
import math
import os
import secrets
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from nnlib import checks
from nnlib.activations import ACTIVATIONS
from nnlib.layers import LAYERS
from nnlib.losses import LOSSES
from nnlib.network import Network

VERSION = 1


class FileError(ValueError):
    """A file cannot be read, or a network not be written; the message says why and what to do.

    Files that do not exist, or that the system cannot read or write, raise `OSError` as everywhere.

    Examples
    --------
    >>> import tempfile, nnlib as nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/broken.nn"
    ...     with open(path, "w") as file:
    ...         _ = file.write("PK, or not")
    ...     try:
    ...         nn.load(path)
    ...     except nn.FileError as error:
    ...         print("not a zip archive" in str(error))
    True
    """


def save(network, path):
    """What `network.save(path)` does."""
    for i, layer in enumerate(network.layers):
        kind, activation = type(layer), getattr(layer, "activation", None)
        if LAYERS.get(kind.__name__) is not kind:
            raise FileError(
                f"layer {i}, {layer!r}, is a class of your own, and a file names layers of nnlib only: save the "
                "numbers with np.savez(path, theta=network.theta, state=network.state), and set both on a new network."
            )
        if activation is not None:
            _registered(activation, ACTIVATIONS, "ACTIVATIONS")
    _registered(network.loss_function, LOSSES, "LOSSES")
    arrays = _parts(network)
    _check_finite(path, arrays)
    drawing = any(layer.random for layer in network.layers)
    generators = [_state(rng) for rng in network._noise] if drawing else None
    _write(path, "network", {"network": _architecture(network) | {"generators": generators}}, arrays)


def load(path):
    """The network that `network.save` wrote to `path`. It predicts the same, and training goes on the same.

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
    >>> network = nn.Network(2, [nn.Dense(8, "tanh"), nn.Dense(1)], loss="binary_cross_entropy", rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     network.save(f"{folder}/moons.nn")
    ...     twin = nn.load(f"{folder}/moons.nn")
    >>> bool((twin.predict([[0.5, 1.0]]) == network.predict([[0.5, 1.0]])).all())
    True
    """
    saved, entries = _read(path, "network", "network")
    with _suspicion(path, "the header does not describe a network"):
        return _network(path, saved, entries)


def _network(path, saved, entries):
    null, types = type(None), {"n_features": (int,), "layers": (list,), "loss": (str,), "dtype": (str,)}
    _fields(saved, "network", types | {"replicates": (int, null), "generators": (list, null)})
    replicates, layers, fan_in = saved["replicates"], [], checks.positive_int("n_features", saved["n_features"])
    if saved["dtype"] not in ("float64", "float32"):
        raise ValueError(f"dtype is {saved['dtype']!r}, not 'float64' or 'float32'")
    lead = () if replicates is None else (checks.positive_int("replicates", replicates),)
    for i, record in enumerate(saved["layers"]):
        layers.append(_layer(i, record))
        layers[-1].build(fan_in)  # sets the shapes, and makes no array yet
        fan_in = layers[-1].units
    expected = {
        f"layers.{i}.{name}": ((*lead, *shape), np.dtype(saved["dtype"]))
        for i, layer in enumerate(layers)
        for name, shape in (layer.shapes | layer.state_shapes).items()
    }
    arrays = _arrays(path, entries, expected)  # from here on, the sizes are known to be those of the file
    _check_finite(path, arrays)
    network = Network(saved["n_features"], layers, loss=saved["loss"], rng=0, dtype=saved["dtype"])
    size, states = replicates or 1, saved["generators"]
    drawing = any(layer.random for layer in layers)
    if drawing == (states is None) or (drawing and len(states) != size):
        raise ValueError(f"generators must be null without random layers, else a list of {size}")
    noise = [np.random.default_rng(0) if drawing else None for _ in range(size)]
    for rng, state in zip(noise, states or []):
        _set_state(rng, _fit(_state(rng), state))
    network = network._like(*(np.empty((*lead, v.size), v.dtype) for v in (network.theta, network.state)), noise)
    _put(network, arrays)
    return network


def _layer(i, record):
    config = dict(record)
    kind = checks.look_up("layer", LAYERS, config.pop("type", None))
    layer = kind(**config)
    if layer.config() != config:
        raise ValueError(f"layer {i} is {config}; {kind.__name__} has {layer.config()}")
    return layer


class Checkpoint:
    """Saves a run of `train` at the end of epochs, so that it can go on after a break.

    The run that goes on equals the unbroken one bit for bit: parameters, running statistics, the optimizer's memory,
    the history, early stopping and all random generators are saved. The file is replaced as a whole, so that a crash
    while it is written leaves the one before.

    Parameters
    ----------
    path : str or path-like
    every : int, default 1
        Save after so many epochs, and at the end; not after Ctrl-C, which may come in the middle of an epoch.

    Raises
    ------
    FileError
        By `train`, with `resume=True`: the file is truncated or altered, or is a checkpoint of another run; the
        message names what differs. Nothing is changed then.
    FileNotFoundError
        There is no such folder.
    TypeError
        By `train`: the optimizer has no methods `memory()` and `recall(steps, memory)`; see `Optimizer`.

    Notes
    -----
    With `resume=True`, make network, optimizer and data as for the first call, and pass the same arguments; more
    epochs are allowed, a run that has ended comes back at once, and one that a callback ended goes on. The learning
    rate comes from the file, as a callback may have changed it, unless it is a schedule. Samples are not saved, nor
    what callbacks or an iterable of batches remember.

    Examples
    --------
    >>> import tempfile, nnlib as nn
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> def run(epochs, **options):
    ...     network = nn.Network(2, [nn.Dense(4, "tanh"), nn.Dense(1)], loss="binary_cross_entropy", rng=1)
    ...     nn.train(network, X, y, nn.Adam(0.1), epochs, batch_size=2, rng=0, **options)
    ...     return network.theta
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoint = nn.Checkpoint(f"{folder}/xor.checkpoint", every=10)
    ...     _ = run(50, checkpoint=checkpoint)
    ...     theta = run(100, checkpoint=checkpoint, resume=True)
    >>> bool((theta == run(100)).all())
    True
    """

    def __init__(self, path, every=1):
        self.path, self.every = os.fspath(path), checks.positive_int("every", every)
        folder = os.path.dirname(os.path.abspath(self.path))
        if not os.path.isdir(folder):  # better now than at the end of the first epoch
            raise FileNotFoundError(f"there is no folder {folder!r} for the checkpoint: make it first.")

    def is_due(self, run):
        """For `train`: whether to save at the end of this epoch."""
        done = run.epoch + 1
        return done % self.every == 0 or done == run.epochs

    def save(self, run):
        """For `train`: write the run as it is at the end of an epoch."""
        record = _settings(run) | {
            "epochs": run.epoch + 1,
            "steps": getattr(run.optimizer, "steps", 0),
            "rate": _rate(run.optimizer),
            "generators": [_state(rng) for rng in _generators(run, run.noise)],
        }
        _write(self.path, "checkpoint", {"run": record}, _run_arrays(run, run.epoch + 1))

    def restore(self, run):
        """For `train`: bring a run that has not begun to where the file left off; without a file, leave it."""
        settings = json.loads(_dump(_settings(run)))
        try:
            saved, entries = _read(self.path, "checkpoint", "run")
        except FileNotFoundError:
            return
        with _suspicion(self.path, "the header does not describe a run"):
            types = {"epochs": (int,), "steps": (int,), "generators": (list,)}
            types["rate"] = (float, list, type(None))
            _fields({name: saved[name] for name in set(saved) - set(settings)}, "run", types)
        changed = [name for name in settings if saved.get(name) != settings[name]]
        if changed:
            changes = [f"{name} was {saved.get(name)}, and is now {settings[name]}" for name in changed]
            raise FileError(
                f"{self.path} is a checkpoint of another run: {'; '.join(changes)}. Pass the arguments of that run, or "
                "give this one a checkpoint at another path."
            )
        done = saved["epochs"]
        if not 1 <= done <= run.epochs:
            raise FileError(
                f"{self.path} holds {done} epochs, but epochs={run.epochs}: pass at least as many, or give this run a "
                "checkpoint at another path."
            )
        now = _run_arrays(run, done)
        arrays = _arrays(self.path, entries, {name: (array.shape, array.dtype) for name, array in now.items()})
        frozen = arrays["history.diverged"] | arrays["history.stopped"]
        noise = {r: copy.deepcopy(run.network._noise[r]) for r in np.flatnonzero(frozen).tolist()}
        with _suspicion(self.path, "the states of the random generators do not fit"):
            generators = _generators(run, noise)
            states = [_fit(_state(rng), state) for rng, state in zip(generators, saved["generators"], strict=True)]
            for rng, state in zip(copy.deepcopy(generators), states):
                _set_state(rng, state)
        # All is checked, so that an error leaves network and optimizer as they were.
        for rng, state in zip(generators, states):
            _set_state(rng, state)
        _put(run.network, arrays)
        run.noise, run.frozen = noise, frozen[()] if frozen.any() else None
        if saved["rate"] is not None:  # a callback may have changed it
            run.optimizer.learning_rate = saved["rate"]
        _put_run(run, done, saved["steps"], arrays)


def _settings(run):
    """What must be equal for one run to go on with another."""
    batches = run.batches
    return _architecture(run.network) | {
        "samples": len(batches.data) if hasattr(batches, "data") else None,
        "batch_size": getattr(batches, "size", None),
        "rng": None if batches.rng is None else f"{type(batches.rng).__name__} {_state(batches.rng)['bit_generator']}",
        "validation": None if run.validation is None else len(run.validation),
        "columns": [name for name in run.history.columns if getattr(run.history, name) is not None],
        "early_stopping": None if run.early_stopping is None else repr(run.early_stopping),
        "optimizer": [repr(transform) for transform in getattr(run.optimizer, "transforms", [])],
        "optimizer_memory": list(run.optimizer.memory()),
        "targets": _sum(getattr(batches, "data", None)),
    }


def _sum(samples):
    """A sum over targets and weights, to tell one data set from another; None for a stream."""
    if samples is None:
        return None
    return zlib.crc32(np.ascontiguousarray(samples.t), zlib.crc32(b"" if samples.weight is None else samples.weight))


def _rate(optimizer):
    """The learning rate, if it is made of numbers; a schedule comes from the caller again."""
    rate = getattr(optimizer, "learning_rate", None)
    return rate.tolist() if isinstance(rate, np.ndarray) else rate if isinstance(rate, float) else None


def _run_arrays(run, epochs):
    """The arrays of a run, by their names in the file; the history up to so many epochs."""
    history, stopping = run.history, run.early_stopping
    loss = np.full(history.diverged.shape, np.nan if run.good_loss is None else run.good_loss, np.float64)
    arrays = _parts(run.network) | {"run.good": run.good, "run.good_loss": loss}
    arrays |= {f"optimizer.{name}": array for name, array in run.optimizer.memory().items()}
    columns = {name: getattr(history, name) for name in history.columns}
    arrays |= {f"history.{name}": column[:epochs] for name, column in columns.items() if column is not None}
    arrays |= {"history.diverged": history.diverged, "history.stopped": history.stopped}
    if stopping is not None:
        arrays["history.best_epoch"] = history.best_epoch
        arrays |= {f"early_stopping.{name}": getattr(stopping, name) for name in stopping.memory_names}
    return {name: np.asarray(array) for name, array in arrays.items()}


def _put_run(run, epochs, steps, arrays):
    history, stopping, optimizer = run.history, run.early_stopping, run.optimizer
    optimizer.recall(steps, {name: arrays[f"optimizer.{name}"] for name in optimizer.memory()})
    run.epoch, run.good_loss = epochs, arrays["run.good_loss"][()]
    run.good[...], run.good_state[...] = arrays["run.good"], run.network.state
    for name in history.columns:
        if getattr(history, name) is not None:
            getattr(history, name)[:epochs] = arrays[f"history.{name}"]
    history.diverged, history.stopped = arrays["history.diverged"][()], arrays["history.stopped"][()]
    if stopping is not None:
        history.best_epoch[...] = arrays["history.best_epoch"]
        for name in stopping.memory_names:
            getattr(stopping, name)[...] = arrays[f"early_stopping.{name}"]
    if run.frozen is not None and run.frozen.all():  # the run had ended before its last epoch
        run.epochs = epochs
        history._cut(epochs)


def _generators(run, noise):
    """All random generators of a run: of the noise, of that in networks when they stopped, and of the order."""
    generators = [*run.network._noise, *(noise[r] for r in sorted(noise)), run.batches.rng]
    return [rng for rng in generators if rng is not None]


# Networks as records and arrays


def _architecture(network):
    return {
        "n_features": network.n_features,
        "layers": [{"type": type(layer).__name__} | layer.config() for layer in network.layers],
        "loss": network.loss_function.name,
        "dtype": network.dtype.name,
        "replicates": network.replicates,
    }


def _parts(network):
    return {f"layers.{i}.{name}": part for i, layer in enumerate(network.layers) for name, part in layer.parts.items()}


def _put(network, arrays):
    for name, part in _parts(network).items():
        part[...] = arrays[name]


def _registered(function, table, table_name):
    if table.get(function.name) != function:
        raise FileError(
            f"{function!r} is not in nn.{table_name}, and a file keeps its name only. Where it is saved and "
            f"where it is loaded, register it first: nn.{table_name}[{function.name!r}] = it."
        )


def _check_finite(path, arrays):
    bad = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if bad:
        raise FileError(
            f"{path}: {', '.join(bad)} hold NaN or infinite values; a network is saved with finite ones. Train it "
            "again with a lower learning rate."
        )


# States of random generators


def _state(rng):
    return rng.get_state(legacy=False) if isinstance(rng, np.random.RandomState) else rng.bit_generator.state


def _set_state(rng, state):
    if isinstance(rng, np.random.RandomState):
        rng.set_state(state)
    else:
        rng.bit_generator.state = state


# MT19937 and Philox use these as indices into a buffer, and do not look where they point.
_LAST_POSITION = {"pos": 624, "buffer_pos": 4}


def _fit(own, saved, name="state"):
    """`saved`, from JSON, in the types of `own`, a state of the same kind of generator; or a ValueError."""
    if isinstance(own, dict):
        if not isinstance(saved, dict) or set(saved) != set(own):
            raise ValueError(f"{name} of a random generator must have the keys {', '.join(own)}")
        return {key: _fit(value, saved[key], key) for key, value in own.items()}
    if isinstance(own, np.ndarray):
        if not isinstance(saved, list) or len(saved) != own.size:
            raise ValueError(f"{name} of a random generator must be a list of {own.size} numbers")
        return np.array([_fit(0, value, name) for value in saved], own.dtype).reshape(own.shape)
    kind = str if isinstance(own, str) else float if isinstance(own, float) else int
    wrong = type(saved) is not kind or (kind is str and saved != own)
    if wrong or (kind is int and not 0 <= saved <= _LAST_POSITION.get(name, 2**128 - 1)):
        raise ValueError(f"{name} of a random generator cannot be {saved!r}")
    return saved


# Archives


@contextmanager
def replacing(path):
    """A file to write to that takes the place of `path` when all is written, or leaves it as it was."""
    path = Path(os.path.realpath(path))  # a link stays a link
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}: make it first.")
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:  # Ctrl-C as well
        part.unlink(missing_ok=True)
        raise


def _dump(record):
    def plain(value):
        return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else repr(value)

    return json.dumps(record, default=plain)


def _write(path, kind, header, arrays):
    header = {"format": f"nnlib {kind}", "version": VERSION} | header
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        # ZipInfo without a date: the same network gives the same bytes.
        archive.writestr(zipfile.ZipInfo("header.json"), _dump(header))
        for name, array in arrays.items():
            entry = io.BytesIO()
            array = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
            np.lib.format.write_array(entry, array, version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getbuffer())


def _read(path, kind, record):
    """The object of that name in the header, and the other entries as bytes."""
    data = Path(path).read_bytes()
    with _suspicion(path, "not a zip archive, or truncated or altered"):
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = archive.infolist()
        names = [info.filename for info in infos]
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            raise ValueError("entries are compressed, and must be stored")
        # With this, a small file cannot unfold to a large one: entries may point to the same bytes.
        if sum(info.file_size for info in infos) > len(data) or len(set(names)) < len(names):
            raise ValueError("entries overlap, or have the same name")
        entries = dict(zip(names, map(archive.read, infos)))
    if "header.json" not in entries:
        raise FileError(f"{path} has no entry header.json: it is not a {kind} saved by nnlib.")
    with _suspicion(path, "header.json is not what nnlib writes"):
        header = json.loads(entries.pop("header.json").decode())
        _check_format(path, kind, header)
        _fields(header, "header.json", {"format": (str,), "version": (int,), record: (dict,)})
    return header[record], entries


def _check_format(path, kind, header):
    found, version = header.get("format"), header.get("version")
    if found != f"nnlib {kind}":
        hint = {"nnlib network": "use nn.load(path)", "nnlib checkpoint": "use train(..., resume=True)"}.get(found)
        raise FileError(f"{path} holds {found!r}, not 'nnlib {kind}'" + (f": {hint}." if hint else "."))
    if type(version) is int and version > VERSION:
        raise FileError(f"{path} has version {version}; this nnlib reads up to {VERSION}. Install a newer nnlib.")
    if version != VERSION:
        raise ValueError(f"version is {version!r}")


def _fields(record, where, types):
    """Refuse a record from JSON whose keys or types are not those."""
    problems = _differences(types, record)
    known = types.keys() & record.keys()
    problems += [f"{name} is {record[name]!r}" for name in sorted(known) if type(record[name]) not in types[name]]
    if problems:
        raise ValueError(f"in {where}: {'; '.join(problems)}")


def _differences(expected, found):
    missing, extra = (sorted(set(a) - set(b)) for a, b in ((expected, found), (found, expected)))
    return [f"{kind} {', '.join(names)}" for kind, names in (("missing:", missing), ("unexpected:", extra)) if names]


def _arrays(path, entries, expected):
    """The arrays of a file; `expected` has their shapes and dtypes, by name."""
    problems = _differences({f"{name}.npy" for name in expected}, entries)
    if problems:
        raise FileError(f"the entries of {path} are not those that its header tells of: {'; '.join(problems)}.")
    arrays = {}
    for name, (shape, dtype) in expected.items():
        with _suspicion(path, f"{name} is not an array that nnlib writes"):
            arrays[name] = _array(entries[f"{name}.npy"], shape, dtype.newbyteorder("<"))
    return arrays


def _array(entry, shape, dtype):
    file = io.BytesIO(entry)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("not version 1.0 of the NPY format")
    found_shape, fortran_order, found_dtype = np.lib.format.read_array_header_1_0(file)
    if found_shape != shape or found_dtype != dtype:
        raise ValueError(f"shape {found_shape} and dtype {found_dtype}; expected {shape} and {dtype}")
    if fortran_order:
        raise ValueError("in Fortran order; expected C order")
    if len(entry) - file.tell() != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{len(entry) - file.tell()} bytes of data; shape {shape} needs another number")
    return np.frombuffer(entry, dtype, offset=file.tell()).reshape(shape).astype(dtype.newbyteorder("="))


@contextmanager
def _suspicion(path, what):
    """A FileError for whatever the readers of zip, JSON and NPY raise at bytes made to confuse them."""
    try:
        yield
    except FileError:
        raise
    except Exception as error:
        message = f"{path}: {what} ({error or type(error).__name__}). Copy the file again, or save it anew."
        raise FileError(message) from error
