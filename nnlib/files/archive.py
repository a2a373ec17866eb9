"""Archives: zip files of a JSON header and NPY arrays, written as a whole, and read with suspicion.

What holds for every archive is in the docstring of `nnlib.files.networks`.

NPY format: numpy.lib.format. Zip format: PKWARE, *APPNOTE.TXT*, section 4.
"""

import io
import json
import os
import re
import secrets
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

# Of each kind of file. A checkpoint is read by the nnlib that wrote it, a network by others, too.
VERSIONS = {"network": 1, "checkpoint": 2}


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


def dump(record):
    """`record` as JSON; what has no place there, such as a transform, by its `repr`, but for addresses in memory."""

    def plain(value):
        return value.tolist() if hasattr(type(value), "tolist") else re.sub(" at 0x[0-9a-fA-F]+", "", repr(value))

    return json.dumps(record, default=plain)


def write(path, kind, record, arrays):
    """An archive of that kind; `record` goes to the header, `arrays` by their names to entries."""
    header = {"format": f"nnlib {kind}", "version": VERSIONS[kind], kind: record}
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        # ZipInfo without a date: the same network gives the same bytes.
        archive.writestr(zipfile.ZipInfo("header.json"), dump(header))
        for name, array in arrays.items():
            entry = io.BytesIO()
            array = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
            np.lib.format.write_array(entry, array, version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getbuffer())


def read(path, kind):
    """The record in the header, and the other entries as bytes."""
    data = Path(path).read_bytes()
    with suspicion(path, "not a zip archive, or truncated or altered"):
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = archive.infolist()
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            raise ValueError("entries are compressed, and must be stored")
        # With this, a small file cannot unfold to a large one: entries may point to the same bytes.
        if sum(info.file_size for info in infos) > len(data) or len({i.filename for i in infos}) < len(infos):
            raise ValueError("entries overlap, or have the same name")
        entries = {info.filename: archive.read(info) for info in infos}
    with suspicion(path, "header.json is missing, or not what nnlib writes"):
        header = json.loads(entries.pop("header.json").decode())
        if (found := header.get("format")) != f"nnlib {kind}":
            readers = "nn.load reads networks, nn.Checkpoint(path, resume=True) checkpoints"
            raise FileError(f"{path} holds {found!r}, not 'nnlib {kind}': {readers}.")
        if (version := header.get("version")) != VERSIONS[kind]:
            raise FileError(f"{path} has version {version}, not {VERSIONS[kind]}: use the nnlib that wrote it.")
        check_fields(header, "header.json", {"format": (str,), "version": (int,), kind: (dict,)})
    return header[kind], entries


def check_fields(record, where, types):
    """Refuse a record from JSON whose keys or types are not those."""
    problems = _differences(types, record)
    problems += [f"{k} is {record[k]!r}" for k in sorted(types.keys() & record) if type(record[k]) not in types[k]]
    if problems:
        raise ValueError(f"in {where}: {'; '.join(problems)}")


def _differences(expected, found):
    kinds = {"missing": set(expected) - set(found), "unexpected": set(found) - set(expected)}
    return [f"{kind}: {', '.join(sorted(names))}" for kind, names in kinds.items() if names]


def read_arrays(path, entries, expected):
    """The arrays of a file; `expected` has their shapes and dtypes, by name."""
    if problems := _differences({f"{name}.npy" for name in expected}, entries):
        raise FileError(f"the entries of {path} are not those that its header tells of: {'; '.join(problems)}.")
    return {name: _array(path, name, entries[f"{name}.npy"], *kind) for name, kind in expected.items()}


def _array(path, name, entry, shape, dtype):
    file, stored = io.BytesIO(entry), dtype.newbyteorder("<")
    with suspicion(path, f"{name} is not an array that nnlib writes"):
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("not version 1.0 of the NPY format")
        found_shape, fortran_order, found_dtype = np.lib.format.read_array_header_1_0(file)
        if found_shape != shape or found_dtype != stored or fortran_order:
            found = f"shape {found_shape} and dtype {found_dtype}{' in Fortran order' * fortran_order}"
            raise ValueError(f"{found}; expected {shape} and {stored} in C order")
        return np.frombuffer(file.read(), stored).reshape(shape).astype(dtype)  # complains of other sizes


@contextmanager
def suspicion(path, what):
    """A FileError for whatever the readers of zip, JSON and NPY raise at bytes made to confuse them."""
    try:
        yield
    except FileError:
        raise
    except Exception as error:
        raise FileError(f"{path}: {what} ({error or type(error).__name__}). Copy it again, or save it anew.") from error


# States of random generators


def get_state(rng):
    """The state of a `Generator` or `RandomState`, as NumPy gives it."""
    return rng.get_state(legacy=False) if isinstance(rng, np.random.RandomState) else rng.bit_generator.state


def set_state(rng, saved):
    """Set a state that was read from JSON; one that does not fit is a ValueError."""
    state = _fit(get_state(rng), saved)
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
    wrong = type(saved) is not type(own) or (isinstance(own, str) and saved != own)
    if wrong or (isinstance(own, int) and not 0 <= saved <= _LAST_POSITION.get(name, 2**128 - 1)):
        raise ValueError(f"{name} of a random generator cannot be {saved!r}")
    return saved
