"""Files: what is saved comes back bit for bit, what is broken or hostile is refused, and runs go on after a break."""

import inspect
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnlib as nn

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(23, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
OTHER = RNG.normal(size=(17, 2))
VALIDATION = OTHER, (OTHER[:, 0] * OTHER[:, 1] > 0).astype(int)
OTHER_NUMBERS = OTHER, OTHER[:, 0] * OTHER[:, 1]


def build(rng=0, loss="binary_cross_entropy", dtype="float64"):
    layers = [nn.Dense(4, "tanh"), nn.Dropout(0.3), nn.Dense(3), nn.BatchNorm("relu"), nn.Dense(1)]
    return nn.Network(2, layers, loss=loss, rng=rng, dtype=dtype)


def train(network, epochs=3, **options):
    return nn.train(network, X, Y, nn.Adam(0.05), epochs, batch_size=8, rng=1, **options)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "network.nn"


def content(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, entries, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def npy(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), version=(1, 0))
    return file.getvalue()


def same_network(one, two):
    """Whether predictions, parameters, state and the coming noise are the same, bit for bit."""
    states = [[rng and rng.bit_generator.state for rng in network._noise] for network in (one, two)]
    return (
        one.summary() == two.summary()
        and repr(one) == repr(two)
        and all((getattr(one, name) == getattr(two, name)).all() for name in ("theta", "state"))
        and (one.predict(np.ones((2, one.n_features))) == two.predict(np.ones((2, one.n_features)))).all()
        and states[0] == states[1]
    )


# Round trips

activations = st.sampled_from(sorted(nn.ACTIVATIONS))
hidden = st.one_of(
    st.builds(nn.Dense, st.integers(1, 4), activations),
    st.builds(nn.Dropout, st.floats(0, 0.9)),
    st.builds(nn.BatchNorm, activations, st.floats(0, 0.9), st.floats(1e-9, 1)),
)
losses = st.sampled_from(sorted(nn.LOSSES))
starts = st.one_of(st.integers(0, 99), st.lists(st.integers(0, 99), min_size=1, max_size=3))


@given(st.integers(1, 3), st.lists(hidden, max_size=4), losses, starts, st.sampled_from(["float32", "float64"]))
def test_a_network_comes_back_bit_for_bit(tmp_path_factory, n_features, layers, loss, rng, dtype):
    folder = tmp_path_factory.mktemp("round")
    network = nn.Network(n_features, [*layers, nn.Dense(2)], loss=loss, rng=rng, dtype=dtype)
    network.theta = network.theta + RNG.normal(size=network.theta.shape)
    network.state = RNG.uniform(0.5, 2, size=network.state.shape)
    nn.save(network, folder / "network.nn")
    twin = nn.load(folder / "network.nn")
    assert same_network(network, twin) and twin.theta.dtype == dtype
    nn.save(twin, folder / "again.nn")
    assert (folder / "network.nn").read_bytes() == (folder / "again.nn").read_bytes()
    with np.load(folder / "network.nn", allow_pickle=False) as file:
        assert json.loads(file["header.json"])["format"] == "nnlib network"
        np.testing.assert_array_equal(file[f"layers.{len(layers)}.W"], network.layers[-1].W)


@pytest.mark.parametrize("rng", [0, [0, 1, 2]])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_goes_on_as_without_the_file(path, rng, dtype):
    network = build(rng, dtype=dtype)
    train(network)
    nn.save(network, path)
    twin = nn.load(path)
    histories = [train(one) for one in (network, twin)]
    assert same_network(network, twin)
    np.testing.assert_array_equal(histories[0].loss, histories[1].loss)


def test_a_file_written_by_hand_is_read(path):
    """As another program would write it, from the module's description alone."""
    layers = [
        {"type": "Dense", "units": 2, "activation": "tanh"},
        {"type": "Dense", "units": 1, "activation": "identity"},
    ]
    network = {"n_features": 1, "layers": layers, "loss": "squared_error", "dtype": "float32"}
    network |= {"replicates": None, "generators": None}
    entries = {"header.json": json.dumps({"format": "nnlib network", "version": 1, "network": network})}
    arrays = {"0.W": [[1.0, 2.0]], "0.b": [0.0, 0.5], "1.W": [[3.0], [-1.0]], "1.b": [0.25]}
    for name, values in arrays.items():
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {np.shape(values)}, }}"
        header += " " * (-(10 + len(header) + 1) % 64) + "\n"
        magic = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
        entries[f"layers.{name}.npy"] = magic + header.encode() + np.array(values, "<f4").tobytes()
    write(path, entries)
    expected = 3 * np.tanh(0.7) - np.tanh(2 * 0.7 + 0.5) + 0.25
    np.testing.assert_allclose(nn.load(path).predict([[0.7]]), [[expected]], rtol=1e-6)


def test_functions_of_ones_own_are_saved_once_registered(path, monkeypatch):
    square = nn.Activation("square", lambda z: (z * z, lambda da: 2 * z * da))
    mine = nn.Loss("mine", *list(vars(nn.squared_error).values())[1:])
    network = nn.Network(2, [nn.Dense(2, square), nn.Dense(1)], loss=mine, rng=0)
    with pytest.raises(nn.FileError, match=r"square.*nn\.ACTIVATIONS\['square'\] = it"):
        nn.save(network, path)
    monkeypatch.setitem(nn.ACTIVATIONS, "square", square)
    with pytest.raises(nn.FileError, match=r"mine.*nn\.LOSSES\['mine'\] = it"):
        nn.save(network, path)
    monkeypatch.setitem(nn.LOSSES, "mine", mine)
    nn.save(network, path)
    assert same_network(network, nn.load(path))
    monkeypatch.undo()
    with pytest.raises(nn.FileError, match="unknown activation 'square'. Known: "):
        nn.load(path)


def test_what_cannot_be_loaded_is_not_saved(path):
    class Mine(nn.Dense):
        pass

    with pytest.raises(nn.FileError, match=r"layer 0, Mine\(2, 'identity'\), is a class of your own.*np.savez"):
        nn.save(nn.Network(2, [Mine(2), nn.Dense(1)], loss="squared_error", rng=0), path)
    network = build()
    nn.save(network, path)
    before = path.read_bytes()
    network.layers[2].W = np.full((4, 3), np.nan)
    with pytest.raises(nn.FileError, match=r"layers\.2\.W hold NaN or infinite"):
        nn.save(network, path)
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]


# Writing is all or nothing


def test_a_failing_write_leaves_the_old_file_and_no_other(path, monkeypatch):
    network = build()
    nn.save(network, path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    train(network)
    with pytest.raises(OSError, match="No space left"):
        nn.save(network, path)
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]


def test_paths_that_the_system_refuses_raise_oserror(tmp_path):
    for refused in (tmp_path, tmp_path / "missing" / "network.nn"):
        with pytest.raises(OSError):
            nn.save(build(), refused)
        with pytest.raises(OSError):
            nn.load(refused)
    assert os.listdir(tmp_path) == []


def test_a_link_stays_a_link(path, tmp_path):
    link = tmp_path / "link.nn"
    link.symlink_to(path)
    nn.save(build(), link)
    assert link.is_symlink() and path.is_file()
    assert same_network(build(), nn.load(link))


# Broken and hostile files


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "network.nn"
    network = build()
    nn.save(network, path)
    return network, path.read_bytes()


def assert_refused_or_the_same(path, network, data):
    path.write_bytes(data)
    try:
        twin = nn.load(path)
    except nn.FileError as error:
        assert str(path) in str(error)
    else:
        assert same_network(network, twin)


def test_a_truncated_file_is_refused(path, saved):
    data = saved[1]
    for length in [*range(0, len(data) - 25, 31), *range(len(data) - 25, len(data))]:
        path.write_bytes(data[:length])
        with pytest.raises(nn.FileError, match="truncated or altered.*Copy it again"):
            nn.load(path)


def test_a_flipped_byte_is_found_or_plays_no_part(path, saved):
    network, data = saved
    # More of the directory at the end, whose fields zipfile trusts, than of the rest.
    for place in [*range(0, len(data), 37), *range(data.index(b"PK\x01\x02"), len(data), 7)]:
        flipped = bytearray(data)
        flipped[place] ^= 1 << RNG.integers(8)
        assert_refused_or_the_same(path, network, bytes(flipped))


@given(st.data())
def test_altered_files_are_refused_or_play_no_part(tmp_path_factory, saved, data):
    network, original = saved
    path, changed = tmp_path_factory.mktemp("altered") / "network.nn", bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(changed)))
        stop = data.draw(st.integers(start, min(start + 60, len(changed))))
        changed[start:stop] = data.draw(st.binary(max_size=60))
    assert_refused_or_the_same(path, network, bytes(changed))


@given(st.binary(max_size=200))
def test_arrays_of_any_bytes_raise_nothing_else(tmp_path_factory, saved, data):
    """With a right CRC: what reaches the reader of the NPY format."""
    path = tmp_path_factory.mktemp("bytes") / "network.nn"
    path.write_bytes(saved[1])
    entries = content(path)
    header = b"\x93NUMPY\x01\x00" + len(data).to_bytes(2, "little")
    for replaced in (data, header + data, entries["layers.0.W.npy"][:10] + data):
        write(path, entries | {"layers.0.W.npy": replaced})
        with pytest.raises(nn.FileError, match=r"layers\.0\.W is not an array that nnlib writes"):
            nn.load(path)


class Payload:
    def __reduce__(self):
        return print, ("this must not run",)


def pickled():
    return npy(np.zeros((2, 4))).replace(b"'<f8'", b"'|O' ")[:128] + pickle.dumps(Payload())


W = "layers.0.W.npy"
ARRAYS = {
    "a pickle": (W, pickled(), r"layers\.0\.W .*dtype object; expected \(2, 4\) and float64"),
    "objects": (W, pickle.dumps(Payload()), r"layers\.0\.W is not an array"),
    "another shape": (W, npy(np.zeros((4, 2))), r"layers\.0\.W .*shape \(4, 2\).*expected \(2, 4\)"),
    "another dtype": (W, npy(np.zeros((2, 4), "f4")), r"layers\.0\.W .*dtype float32; expected .* float64"),
    "big-endian": (W, npy(np.zeros((2, 4), ">f8")), r"layers\.0\.W .*dtype >f8"),
    "Fortran order": (W, npy(np.ones((2, 4), order="F")), r"layers\.0\.W .*in Fortran order; expected .* in C order"),
    "too little": (W, npy(np.ones((2, 4)))[:-8], r"layers\.0\.W .*array of size 7 into shape"),
    "too much": (W, npy(np.ones((2, 4))) + b"\0", r"layers\.0\.W .*buffer size must be a multiple"),
    "a newer NPY": (W, npy(np.ones((2, 4))).replace(b"Y\x01", b"Y\x02", 1), r"layers\.0\.W .*version 1\.0"),
    "deep brackets": (W, b"\x93NUMPY\x01\x00\x00\x20" + b"(" * 8192, r"layers\.0\.W is not an array"),
    "NaN": (W, npy(np.full((2, 4), np.nan)), r"layers\.0\.W hold NaN or infinite values"),
    "missing": (W, None, r"missing: layers\.0\.W\.npy"),
    "extra": ("layers.9.W.npy", npy(np.zeros(2)), r"unexpected: layers\.9\.W\.npy"),
    "no header": ("header.json", None, "header.json is missing, or not what nnlib writes"),
    "no JSON": ("header.json", b"{", "header.json is missing, or not what nnlib writes"),
    "no text": ("header.json", b"\xff\xfe", "header.json is missing, or not what nnlib writes"),
    "a list": ("header.json", b"[]", "header.json is missing, or not what nnlib writes"),
    "deep JSON": ("header.json", b"[" * 100_000, "header.json is missing, or not what nnlib writes"),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_wrong_entries_are_named(path, saved, case, capsys):
    name, data, message = ARRAYS[case]
    path.write_bytes(saved[1])
    entries = content(path) | {name: data}
    write(path, {name: data for name, data in entries.items() if data is not None})
    with pytest.raises(nn.FileError, match=message):
        nn.load(path)
    assert capsys.readouterr().out == ""


def dense(units=4, activation="tanh", **more):
    return {"type": "Dense", "units": units, "activation": activation} | more


LAST = dense(1, "identity")
# What is changed in the header, or below "network" in it, and what the message must say.
HEADERS = {
    "another program": ({"format": "other"}, "holds 'other', not 'nnlib network'"),
    "a checkpoint": ({"format": "nnlib checkpoint"}, r"not 'nnlib network': .*nn\.Checkpoint\(path, resume=True\)"),
    "a newer version": ({"version": 2}, "has version 2, not 1: use the nnlib that wrote it"),
    "no version": ({"version": None}, "has version None, not 1"),
    "more keys": ({"run": {}}, "unexpected: run"),
    "no object": ({"network": 1}, "network is 1"),
    "n_features missing": ({"n_features": ...}, "in network: missing: n_features"),
    "n_features text": ({"n_features": "2"}, "n_features is '2'"),
    "n_features true": ({"n_features": True}, "n_features is True"),
    "n_features 0": ({"n_features": 0}, "n_features must be a whole number of at least 1, not 0"),
    "n_features huge": ({"n_features": 10**30}, r"layers\.0\.W .*expected \(10{30}, 4\)"),
    "units huge": ({"layers": [dense(10**15), *[LAST] * 4]}, "missing: .*"),
    "replicates 0": ({"replicates": 0}, "replicates must be a whole number of at least 1"),
    "replicates huge": ({"replicates": 10**12}, r"layers\.0\.W .*expected \(1000000000000, 2, 4\)"),
    "dtype": ({"dtype": "object"}, "dtype is 'object', not 'float64' or 'float32'"),
    "loss": ({"loss": "hinge"}, "unknown loss 'hinge'. Known: "),
    "no layers": ({"layers": []}, "unexpected: layers.0.W"),
    "layer unknown": ({"layers": [{"type": "Exec"}]}, "unknown layer 'Exec'. Known: BatchNorm, Dense, Dropout"),
    "layer no object": ({"layers": ["Dense"]}, "does not describe a network"),
    "layer argument": ({"layers": [dense(init="zeros")]}, r"layer 0 is .*'init': 'zeros'.*; Dense has"),
    "layer keyword": ({"layers": [dense(code="print(1)")]}, "unexpected keyword argument 'code'"),
    "activation unknown": ({"layers": [dense(activation="os.system")]}, "unknown activation 'os.system'"),
    "activation list": ({"layers": [dense(activation=["tanh"])]}, "unknown activation"),
    "units text": ({"layers": [dense("4")]}, "units must be a whole number of at least 1, not '4'"),
    "generators missing": ({"generators": None}, "generators must be null without random layers, else a list of 1"),
    "generators none": ({"generators": []}, "generators must be null .* a list of 1"),
    "generators many": ({"generators": [{}, {}]}, "generators must be null .* a list of 1"),
    "generator empty": ({"generators": [{}]}, "must have the keys bit_generator, state, has_uint32, uinteger"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_wrong_headers_are_explained(path, saved, case):
    change, message = HEADERS[case]
    path.write_bytes(saved[1])
    entries = content(path)
    header = json.loads(entries["header.json"])
    for key, value in change.items():
        record = header["network"] if key in header["network"] else header
        record[key] = value
        if value is ...:
            del record[key]
    write(path, entries | {"header.json": json.dumps(header)})
    tracemalloc.start()
    try:
        with pytest.raises(nn.FileError, match=message):
            nn.load(path)
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("changes", [{"state": -1}, {"state": 2**128}, {"inc": 1.5}, {"inc": "1"}, {"inc": True}])
def test_states_of_generators_are_checked(path, saved, changes):
    path.write_bytes(saved[1])
    entries = content(path)
    header = json.loads(entries["header.json"])
    header["network"]["generators"][0]["state"] |= changes
    write(path, entries | {"header.json": json.dumps(header)})
    with pytest.raises(nn.FileError, match="(state|inc) of a random generator cannot be"):
        nn.load(path)


def nested(entries, size):
    """A zip archive whose entries each hold all that follow: small, and large when every entry is read."""
    data, directory = bytes(size), b""
    for i in reversed(range(entries)):  # from the innermost; each has 35 bytes before its data
        fields = struct.pack("<5H3I2H", 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), 5, 0)
        data = b"PK\x03\x04" + fields + b"%05d" % i + data
        directory += b"PK\x01\x02\x14\x00" + fields + struct.pack("<3H2I", 0, 0, 0, 0, 35 * i) + b"%05d" % i
    return (
        data + directory + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, entries, entries, len(directory), len(data), 0)
    )


def test_a_small_file_cannot_unfold(path, saved):
    path.write_bytes(saved[1])
    write(path, content(path), zipfile.ZIP_DEFLATED)
    with pytest.raises(nn.FileError, match="entries are compressed, and must be stored"):
        nn.load(path)
    path.write_bytes(nested(200, 100_000))
    assert sum(map(len, content(path).values())) > 2e7  # other readers unfold it
    tracemalloc.start()
    with pytest.raises(nn.FileError, match="entries overlap"):
        nn.load(path)
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()


def test_entries_of_the_same_name_are_refused(path, saved):
    path.write_bytes(saved[1])
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("layers.0.W.npy", npy(np.zeros((2, 4))))
    with pytest.raises(nn.FileError, match="have the same name"):
        nn.load(path)


# Checkpoints


class Crash(Exception):
    pass


def crash_at(epoch):
    def crash(run):
        if run.epoch == epoch:
            raise Crash

    return crash


def outcome(fit, **options):
    """All that a run leaves behind: network, history, memory of the optimizer, random generators."""
    network, optimizer, rng, history = fit(**options)
    left = {"theta": network.theta, "state": network.state, "steps": optimizer.steps, **optimizer.memory()}
    left |= vars(history) | {"noise": [r and r.bit_generator.state for r in network._noise]}
    if rng is not None:
        left["rng"] = rng.get_state(legacy=False) if isinstance(rng, np.random.RandomState) else rng.bit_generator.state
    return left


def assert_resumes(path, fit, crash, every=1):
    """A crash at the end of that epoch, before it is saved; then everything is made anew, and goes on."""
    unbroken = outcome(fit)
    checkpoint = nn.Checkpoint(path, every)
    with pytest.raises(Crash):
        fit(checkpoint=checkpoint, callbacks=crash_at(crash))
    epochs = []
    checkpoint.resume = True
    resumed = outcome(fit, checkpoint=checkpoint, callbacks=lambda run: epochs.append(run.epoch))
    assert epochs[0] == crash // every * every  # the work before is not done again
    np.testing.assert_equal(resumed, unbroken)
    again = outcome(fit, checkpoint=checkpoint, callbacks=crash_at(crash))  # the run has ended
    for name in ("theta", "state", *nn.History.columns, "best_epoch", "diverged", "stopped", "noise"):
        np.testing.assert_equal(again[name], unbroken[name])
    assert os.listdir(path.parent) == [path.name]


def fitter(optimizer=lambda: nn.SGD(0.1), rng=lambda: np.random.default_rng(0), start=0, epochs=9, **options):
    def fit(**more):
        network, own, order = build(start, options.get("loss", "binary_cross_entropy")), optimizer(), rng()
        settings = {"batch_size": 8, "validation": VALIDATION} | options | more
        settings.pop("loss", None)
        stopping = settings.pop("stopping", None)
        if stopping is not None:
            settings["early_stopping"] = nn.EarlyStopping(**stopping)
        return network, own, order, nn.train(network, X, Y, own, epochs, rng=order, **settings)

    return fit


OPTIMIZERS = {
    "SGD": lambda: nn.SGD(0.1),
    "momentum": lambda: nn.SGD(0.1, momentum=0.9, weight_decay=0.01, clip=1.0),
    "Nesterov": lambda: nn.SGD(0.1, momentum=0.9, nesterov=True),
    "RMSProp": lambda: nn.RMSProp(0.01),
    "Adam": lambda: nn.Adam(0.05),
    "AdamW": lambda: nn.AdamW(0.05),
    "schedule": lambda: nn.Adam(nn.schedules.warmup(nn.schedules.cosine(0.1, steps=20), steps=5)),
    "chain": lambda: nn.Optimizer(0.1, [nn.Clip(1.0), nn.Momentum(0.5), nn.Momentum(0.5), nn.Decay(0.1)]),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_resumes(path, name):
    assert_resumes(path, fitter(OPTIMIZERS[name], start=[0, 1], epochs=6), crash=3)


GENERATORS = {
    name: lambda name=name: np.random.Generator(getattr(np.random, name)(3))
    for name in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
} | {"RandomState": lambda: np.random.RandomState(3)}


@pytest.mark.parametrize("name", GENERATORS)
def test_every_random_generator_resumes(path, name):
    assert_resumes(path, fitter(rng=GENERATORS[name], epochs=6), crash=3)


@pytest.mark.parametrize("options", [{"batch_size": None}, {"shuffle": False}, {"validation": None, "accuracy": False}])
def test_other_ways_through_the_data_resume(path, options):
    assert_resumes(path, fitter(**options), crash=4)


def test_checkpoints_may_be_rare(path):
    assert_resumes(path, fitter(), crash=7, every=3)


@pytest.mark.parametrize("monitor", ["validation_loss", "validation_accuracy", "loss"])
@pytest.mark.parametrize("start", [0, [0, 1, 2]])
def test_early_stopping_resumes_with_its_patience_partly_used(path, start, monitor):
    fit = fitter(lambda: nn.Adam(0.1), start=start, epochs=60, stopping={"patience": 4, "monitor": monitor})
    history = fit()[3]
    assert history.stopped.all() and len(history) < 60
    assert_resumes(path, fit, crash=len(history) - 1, every=3)


def test_networks_that_stopped_or_diverged_stay_so(path):
    rates = np.array([0.02, 1e200, 0.05])
    fit = fitter(
        lambda: nn.SGD(rates),
        start=[0, 1, 2],
        epochs=40,
        loss="squared_error",
        validation=OTHER_NUMBERS,
        stopping={"patience": 3},
    )
    history = fit()[3]
    assert history.diverged.tolist() == [False, True, False]
    assert_resumes(path, fit, crash=8, every=2)


def test_a_divergence_right_after_the_break_is_the_same(path):
    def fit(epochs=20, **options):
        network = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=0)
        with pytest.raises(nn.DivergenceError) as caught:
            nn.train(network, [[1.0], [2.0]], [1.0, 2.0], nn.SGD(1e60), epochs, **options)
        return network.theta.copy(), caught.value.history.loss, str(caught.value)

    whole = fit()
    fit(checkpoint=nn.Checkpoint(path))
    np.testing.assert_equal(fit(checkpoint=nn.Checkpoint(path, resume=True)), whole)


def test_more_epochs_may_follow(path):
    first = fitter(epochs=4)(checkpoint=nn.Checkpoint(path))[3]
    assert len(first) == 4
    longer = outcome(fitter(epochs=9), checkpoint=nn.Checkpoint(path, resume=True))
    np.testing.assert_equal(longer, outcome(fitter(epochs=9)))


def test_a_callback_that_ends_the_run_can_be_resumed_from(path):
    fit = fitter(epochs=9)
    part = fit(checkpoint=nn.Checkpoint(path, every=100), callbacks=lambda run: run.epoch == 3)[3]
    assert len(part) == 4
    np.testing.assert_equal(outcome(fit, checkpoint=nn.Checkpoint(path, resume=True)), outcome(fit))


def test_ctrl_c_can_be_resumed_from(path):
    def interrupt(run):
        if run.epoch == 4:
            raise KeyboardInterrupt

    fit = fitter()
    assert fit(checkpoint=nn.Checkpoint(path), callbacks=interrupt)[3].interrupted
    np.testing.assert_equal(outcome(fit, checkpoint=nn.Checkpoint(path, resume=True)), outcome(fit))


def test_a_stream_of_batches_resumes(path):
    def fit(**options):
        network, optimizer = build(), nn.Adam(0.1)
        batches = [(X[:10], Y[:10]), (X[10:], Y[10:])]
        return network, optimizer, None, nn.train(network, batches, None, optimizer, 8, **options)

    assert_resumes(path, fit, crash=5)


def long_run(path=None, every=1, resume=False):
    features = np.random.default_rng(0).normal(size=(20, 2))
    layers = [nn.Dense(3, "tanh"), nn.Dropout(0.2), nn.BatchNorm(), nn.Dense(1)]
    network = nn.Network(2, layers, loss="squared_error", rng=[0, 1])
    options = {"checkpoint": nn.Checkpoint(path, every, resume)} if path else {}
    history = nn.train(network, features, features[:, 0], nn.Adam(0.01), 250, batch_size=9, rng=0, **options)
    return network, history


@pytest.mark.slow
def test_a_killed_process_resumes(path):
    code = f"import sys, numpy as np, nnlib as nn\n{inspect.getsource(long_run)}\nlong_run(sys.argv[1])"
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT)
    try:
        patience = time.monotonic() + 60
        while not path.exists() and child.poll() is None and time.monotonic() < patience:
            time.sleep(0.01)
        time.sleep(0.03)
    finally:
        child.kill()  # SIGKILL, wherever it is
        child.wait()
    assert child.returncode == -9 and path.exists()
    network, history = long_run(path, every=1000, resume=True)
    whole, expected = long_run()
    np.testing.assert_array_equal(network.theta, whole.theta)
    np.testing.assert_array_equal(network.state, whole.state)
    np.testing.assert_array_equal(history.loss, expected.loss)


def test_without_a_file_resume_starts_afresh(path):
    fit = fitter()
    np.testing.assert_equal(outcome(fit, checkpoint=nn.Checkpoint(path, resume=True)), outcome(fit))
    assert path.exists()


def small(path, n=20, units=3, epochs=4, rng=0, optimizer=None, start=0, loss="squared_error", resume=True, **options):
    network = nn.Network(2, [nn.Dense(units, "tanh"), nn.Dense(1)], loss=loss, rng=start)
    settings = {"batch_size": 5, "rng": rng, "checkpoint": nn.Checkpoint(path, resume=resume)} | options
    nn.train(network, X[:n], Y[:n], optimizer or nn.Adam(0.1), epochs, **settings)


CHANGES = {
    "samples": ({"n": 19}, "samples was 20, and is now 19"),
    "batch size": ({"batch_size": 6}, "batch_size was 5, and is now 6"),
    "layers": ({"units": 4}, "layers was .*'units': 3.*and is now .*'units': 4"),
    "loss": ({"loss": "binary_cross_entropy"}, "loss was squared_error, and is now binary_cross_entropy; columns"),
    "setting of the optimizer": (
        {"optimizer": nn.Adam(0.1, beta1=0.5)},
        r"transforms was .*beta1=0.9.*, and is now .*beta1=0.5",
    ),
    "class weights": ({"sample_weight": np.arange(20)}, "weights was None, and is now"),
    "replicates": ({"start": [0, 1]}, r"replicates was None, and is now 2"),
    "epochs": ({"epochs": 3}, "holds 4 epochs, and epochs=3: pass no fewer"),
    "generator": ({"rng": np.random.RandomState(0)}, "rng was Generator PCG64, and is now RandomState MT19937"),
    "no generator": ({"shuffle": False}, "rng was Generator PCG64, and is now None"),
    "optimizer": ({"optimizer": nn.SGD(0.1)}, r"optimizer was Adam, and is now SGD; transforms was .*AdamScale"),
    "validation": ({"validation": OTHER_NUMBERS}, "validation was None, and is now"),
    "early stopping": (
        {"early_stopping": nn.EarlyStopping(7)},
        r"early_stopping was None, and is now EarlyStopping\(patience=7",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_checkpoint_of_another_run_is_refused(path, case):
    options, message = CHANGES[case]
    small(path, resume=False)
    before = path.read_bytes()
    with pytest.raises(nn.FileError, match=message):
        small(path, **options)
    assert path.read_bytes() == before


def test_samples_and_a_stream_are_two_runs(path):
    def run(*data, **options):
        network = nn.Network(2, [nn.Dense(1)], loss="squared_error", rng=0)
        nn.train(network, *data, nn.SGD(0.1), 3, checkpoint=nn.Checkpoint(path, resume=True), **options)

    run(X, Y)
    with pytest.raises(nn.FileError, match="samples was 23, and is now None; batch_size was 23, and is now None"):
        run([(X, Y)], None)


def test_the_transforms_of_a_chain_are_compared(path):
    small(path, optimizer=nn.Optimizer(0.1, [nn.Clip(1.0)]), resume=False)
    with pytest.raises(nn.FileError, match=r"transforms was .'Clip\(norm=1.0\)'., and is now .'Clip\(norm=2.0\)'."):
        small(path, optimizer=nn.Optimizer(0.1, [nn.Clip(2.0)]))


def test_without_resume_a_run_begins_anew(path):
    small(path, resume=False)
    before = path.read_bytes()
    small(path, n=19, resume=False)
    assert path.read_bytes() != before
    small(path, resume=False)
    assert path.read_bytes() == before


def altered_checkpoints(path):
    """The bytes of broken files, made from a good one, and what must be said of each."""
    entries, good = content(path), path.read_bytes()
    header = json.loads(entries["header.json"])
    cases = {"truncated": (good[:-1], "truncated or altered")}

    def written(name, message, header, without=None):
        write(path, {k: v for k, v in entries.items() if k != without} | {"header.json": json.dumps(header)})
        cases[name] = path.read_bytes(), message

    def altered(name, message, **changes):
        written(name, message, header | {"checkpoint": header["checkpoint"] | changes})

    states = header["checkpoint"]["generators"]
    altered("no list", "generators is 1", generators=1)
    altered("one too few", r"does not fit this run \(zip", generators=states[:-1])
    position = states[-1] | {"state": states[-1]["state"] | {"pos": 10**6}}  # NumPy would read past its buffer
    altered("position", "pos of a random generator cannot be 1000000", generators=[*states[:-1], position])
    short = states[-1] | {"state": states[-1]["state"] | {"key": [1, 2]}}
    altered("short", "key of a random generator must be a list of 624 numbers", generators=[*states[:-1], short])
    large = states[0] | {"has_uint32": 2**40}
    altered("large", "does not fit this run", generators=[large, *states[1:]])
    altered("text", "steps is 'many'", steps="many")
    altered("more", "unexpected: code", code="print(1)")
    altered("negative", "holds -1 epochs, and epochs=3", epochs=-1)
    altered("too long", r"history\.loss is not an array .*expected \(2, 2\)", epochs=2)
    altered("rates", "does not fit this run .*learning_rate has shape", rate=[0.1, 0.1, 0.1])
    altered("no rate", "does not fit this run .*learning_rate must be a finite number above 0", rate=-1.0)
    settings = header["checkpoint"]["settings"] | {"loss": "hinge"}
    altered("settings", "loss was hinge, and is now binary_cross_entropy", settings=settings)
    written("memory", r"missing: optimizer\.0\.mean\.npy", header, without="optimizer.0.mean.npy")
    written("an older version", "has version 1, not 2", header | {"version": 1})
    path.write_bytes(good)
    return cases


def everything(network, optimizer, rng):
    state = network.theta.copy(), network.state.copy(), [r.bit_generator.state for r in network._noise]
    memory = {name: np.array(array) for name, array in optimizer.memory().items()}
    return *state, optimizer.steps, optimizer.learning_rate, memory, rng.bit_generator.state


def test_broken_checkpoints_are_refused_and_change_nothing(path):
    make = {"early_stopping": nn.EarlyStopping(3), "checkpoint": nn.Checkpoint(path, resume=True)}
    make |= {"batch_size": 8, "validation": VALIDATION}
    nn.train(build([0, 1]), X, Y, nn.Adam(0.1), 3, rng=GENERATORS["MT19937"](), **make)
    network, optimizer, rng = build([0, 1]), nn.Adam(0.2), GENERATORS["MT19937"]()
    nn.train(network, X, Y, optimizer, 1)  # all have a past to lose
    before = everything(network, optimizer, rng)
    assert optimizer.steps == 1
    good = path.read_bytes()
    for data, message in altered_checkpoints(path).values():
        path.write_bytes(data)
        with pytest.raises(nn.FileError, match=message):
            nn.train(network, X, Y, optimizer, 3, rng=rng, **make)
        np.testing.assert_equal(everything(network, optimizer, rng), before)
        assert path.read_bytes() == data
    path.write_bytes(good)
    nn.train(network, X, Y, optimizer, 3, rng=rng, **make)  # this one is taken, and the past is forgotten
    assert optimizer.steps == 9 and optimizer.learning_rate == 0.1


def test_the_two_kinds_of_files_are_told_apart(path):
    small(path)
    with pytest.raises(nn.FileError, match="holds 'nnlib checkpoint', not 'nnlib network': .*nn.Checkpoint"):
        nn.load(path)
    nn.save(build(), path)
    with pytest.raises(nn.FileError, match=r"holds 'nnlib network', not 'nnlib checkpoint': nn\.load reads networks"):
        small(path)


def test_an_optimizer_that_does_not_fit_is_left_as_it_was(path):
    """What `start` refuses: a resumed run asks a copy first."""
    small(path, start=[0, 1], resume=False)
    optimizer = nn.Adam(0.1)
    optimizer.start(np.zeros(3))
    optimizer.step(np.zeros(3), np.ones(3))
    optimizer.learning_rate = [0.1, 0.1, 0.1]
    with pytest.raises(ValueError, match="learning_rate has shape"):
        small(path, start=[0, 1], optimizer=optimizer)
    assert optimizer.steps == 1 and optimizer.memory()["0.mean"].shape == (3,)


class Counting(nn.Transform):
    """Counts its steps in a number, which its repr shows."""

    def __init__(self):
        self.count = 0

    def apply(self, update, theta):
        self.count += 1


class CountingAfresh(Counting):
    def start(self, theta, decayed):
        super().start(theta, decayed)
        self.count = self.more = 0


class Plain:
    """A transform that has no more than it needs: its repr tells where it lies in memory."""

    memory = ()

    def start(self, theta, decayed):
        pass

    def apply(self, update, theta):
        update *= 0.5


@pytest.mark.parametrize("kind", [Counting, CountingAfresh, Plain])
@pytest.mark.parametrize("wrap", [list, lambda transforms: transforms[0]])
def test_transforms_that_count_resume(path, kind, wrap):
    assert_resumes(path, fitter(lambda: nn.Optimizer(0.1, wrap([kind(), nn.Momentum(0.9)])), epochs=6), crash=3)


@pytest.mark.parametrize("kind", [Counting, CountingAfresh])
def test_an_optimizer_resumes_that_was_used_before(path, kind):
    optimizer = nn.Optimizer(0.1, [kind(), nn.Momentum(0.9)])
    fit = fitter(lambda: optimizer, epochs=6)
    assert_resumes(path, fit, crash=3)
    path.unlink()
    fit(checkpoint=nn.Checkpoint(path), callbacks=lambda run: run.epoch == 3)
    np.testing.assert_equal(outcome(fit, checkpoint=nn.Checkpoint(path, resume=True)), outcome(fit))


LAYOUTS = {
    "strided": lambda a: np.repeat(a, 2, axis=0)[::2],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "Fortran": lambda a: np.asfortranarray(a),
    "columns": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "read-only": lambda a: np.broadcast_to(a, a.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_may_lie_in_memory_as_they_like(path, layout):
    lay, weight, Y2 = LAYOUTS[layout], RNG.uniform(0.5, 2, len(X)), np.column_stack([Y, 1.0 - Y])

    class Odd(nn.Transform):
        memory = ("mean",)

        def start(self, theta, decayed):
            self.mean = lay(np.zeros(theta.shape)) if layout != "read-only" else np.zeros(theta.shape)

        def apply(self, update, theta):
            self.mean += 0.1 * (update - self.mean)
            update[...] = self.mean

    def fitted(lay):
        def fit(**options):
            layers = [nn.Dense(3, "tanh"), nn.BatchNorm(), nn.Dense(2)]
            network = nn.Network(2, layers, loss="squared_error", rng=[0, 1])
            network.theta, network.layers[0].W = lay(network.theta + 0.1), lay(np.ones((2, 2, 3)))
            optimizer, data = nn.Optimizer(0.1, [Odd()]), (lay(X), lay(Y2), lay(weight))
            options |= {"validation": data, "sample_weight": data[2]}
            return network, optimizer, None, nn.train(network, *data[:2], optimizer, 5, batch_size=8, rng=0, **options)

        return fit

    assert_resumes(path, fitted(lay), crash=3)
    np.testing.assert_equal(outcome(fitted(lay)), outcome(fitted(np.ascontiguousarray)))
    small(path, sample_weight=lay(np.ones(40))[::2], resume=False)
    small(path, sample_weight=np.ones(20), epochs=5)  # the same numbers are the same run
    stack = fitted(lay)()[0]
    for network in (stack, stack[::-1], stack[0]):
        nn.save(network, path)
        assert same_network(network, nn.load(path))


def test_optimizers_without_memory_are_told_what_they_lack(path):
    class Plain:
        def start(self, theta, decayed):
            pass

        def step(self, theta, grad):
            theta -= 0.1 * grad

    with pytest.raises(TypeError, match=r"give .*Plain.* the methods memory\(\), a dict of arrays, and recall"):
        small(path, optimizer=Plain(), resume=False)


def test_every_is_a_number_of_epochs(path):
    with pytest.raises(ValueError, match="every must be a whole number of at least 1, not 0"):
        nn.Checkpoint(path, every=0)


def test_a_missing_folder_is_said_before_training(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder .*missing' for the checkpoint: make it first"):
        nn.Checkpoint(tmp_path / "missing" / "run.checkpoint")


def test_layers_and_functions_of_ones_own_resume(path):
    """The run has them, so the file need not."""

    class Noisy(nn.Dropout):
        def config(self):
            return {"rate": np.float64(self.rate), "about": object}

    square = nn.Activation("square", lambda z: (z * z, lambda da: 2 * z * da))

    def fit(**options):
        network = nn.Network(2, [nn.Dense(3, square), Noisy(0.2), nn.Dense(1)], loss="binary_cross_entropy", rng=0)
        optimizer = nn.Adam(0.01)
        return network, optimizer, None, nn.train(network, X, Y, optimizer, 6, **options)

    assert_resumes(path, fit, crash=3)


def test_a_learning_rate_that_a_callback_changed_comes_back(path):
    def halve(run):
        run.optimizer.learning_rate /= 2

    def run(epochs, **options):
        network = nn.Network(2, [nn.Dense(3, "tanh"), nn.Dense(1)], loss="squared_error", rng=0)
        history = nn.train(network, X, Y, nn.SGD(0.4), epochs, callbacks=halve, **options)
        return network.theta, history.loss

    run(3, checkpoint=nn.Checkpoint(path))
    resumed, expected = run(6, checkpoint=nn.Checkpoint(path, resume=True)), run(6)
    for one, two in zip(resumed, expected):
        np.testing.assert_array_equal(one, two)


def test_memory_that_is_no_array_is_named(tmp_path):
    class Counts(nn.Transform):
        memory = ("n",)

        def start(self, theta, decayed):
            self.n = 0

        def apply(self, update, theta):
            self.n += 1

    network = nn.Network(2, [nn.Dense(1)], loss="squared_error", rng=0)
    X = np.ones((4, 2))
    with pytest.raises(TypeError, match=r"memory 0.n is 1: keep it as an array, such as np.zeros\(\(\)\)"):
        nn.train(network, X, X[:, 0], nn.Optimizer(0.1, [Counts()]), 3, checkpoint=nn.Checkpoint(tmp_path / "run"))


def test_a_count_that_matters_goes_on(tmp_path):
    class Counts(nn.Transform):
        memory = ("n",)

        def start(self, theta, decayed):
            self.n = np.zeros(())

        def apply(self, update, theta):
            self.n += 1
            update /= self.n

    def run(epochs, **options):
        network = nn.Network(2, [nn.Dense(1)], loss="squared_error", rng=0)
        nn.train(network, np.eye(2), [1.0, 2.0], nn.Optimizer(0.3, [Counts()]), epochs, **options)
        return network.theta

    checkpoint = nn.Checkpoint(tmp_path / "run", resume=True)
    run(3, checkpoint=checkpoint)
    np.testing.assert_array_equal(run(6, checkpoint=checkpoint), run(6))


def test_a_config_that_leaves_something_out_is_refused(tmp_path, monkeypatch):
    """Derived from Dense, the layer would come back with another scale."""

    class Scaled(nn.Dense):
        def __init__(self, units, activation="identity", scale=1.0):
            super().__init__(units, activation)
            self.scale = scale

        def forward(self, x, training):
            a, back = super().forward(x, training)
            return a * self.scale, lambda da: back(da * self.scale)

    monkeypatch.setitem(nn.layers.LAYERS, "Scaled", Scaled)
    network = nn.Network(2, [Scaled(3, "tanh", scale=5.0), nn.Dense(1)], loss="squared_error", rng=0)
    with pytest.raises(nn.FileError, match=r"config\(\) leaves out .*scale"):
        nn.save(network, tmp_path / "net.nn")
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(Scaled, "config", lambda self: nn.Dense.config(self) | {"scale": self.scale})
    nn.save(network, tmp_path / "net.nn")
    np.testing.assert_array_equal(nn.load(tmp_path / "net.nn").predict(np.eye(2)), network.predict(np.eye(2)))
