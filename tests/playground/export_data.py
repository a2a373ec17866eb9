"""The data sets of playground/data.js, from their Python: `python tests/playground/export_data.py` writes the file."""

import json
from pathlib import Path

import numpy as np
from sklearn.datasets import make_circles, make_moons
from sklearn.model_selection import train_test_split

import nnlib as nn

DEFAULTS = {"data": "moons", "n": 500, "noise": 0.2, "data_seed": 42, "test": 0.2, "standardize": False}
DIFFERENCES = [
    {"data": "moons"},
    {"data": "moons", "n": 10, "test": 0},
    {"data": "moons", "n": 11, "noise": 0, "test": 0.8, "data_seed": 2**32 - 1},
    {"data": "moons", "n": 151, "test": 0.25, "standardize": True, "data_seed": 0},
    {"data": "moons", "n": 2000, "noise": 2, "test": 0.3, "data_seed": 7},
    {"data": "moons", "n": 19, "test": 1e-9, "standardize": True},
    {"data": "circles"},
    {"data": "circles", "n": 10, "noise": 0.05, "test": 0},
    {"data": "circles", "n": 13, "noise": 0, "test": 0.8, "data_seed": 2**31},
    {"data": "circles", "n": 301, "noise": 0.1, "standardize": True, "data_seed": 3},
    {"data": "xor", "test": 0},
    {"data": "xor", "n": 77, "noise": 2, "test": 0, "data_seed": 5},
    {"data": "xor", "standardize": True, "test": 0},
    {"data": "xor_square"},
    {"data": "xor_square", "n": 10, "noise": 0, "test": 0},
    {"data": "xor_square", "n": 15, "noise": 1.5, "test": 0.8, "data_seed": 2**32 - 1},
    {"data": "xor_square", "n": 257, "noise": 0.7, "test": 0.35, "standardize": True, "data_seed": 1},
    {"data": "spirals"},
    {"data": "spirals", "n": 11, "noise": 0, "test": 0},
    {"data": "spirals", "n": 21, "noise": 0.5, "test": 0.8, "data_seed": 0},
    {"data": "spirals", "n": 1999, "noise": 0.3, "test": 0.1, "standardize": True, "data_seed": 12345},
    {"data": "spirals", "n": 50, "standardize": True, "test": 0},
]


def points(data, n, noise, data_seed, **_):
    if data == "moons":
        return make_moons(n, noise=noise, random_state=data_seed)
    if data == "circles":
        return make_circles(n, noise=noise, random_state=data_seed)
    if data == "xor":
        return nn.datasets.xor()
    if data == "xor_square":
        return nn.datasets.xor_square(n, noise, half_width=6, rng=data_seed)
    return nn.datasets.double_spiral(n // 2, noise, turns=2.0, rng=np.random.RandomState(data_seed))


def make_data(S):
    X, y = points(**S)
    X_test, y_test = np.empty((0, 2)), np.empty(0, int)
    if S["test"]:
        X, X_test, y, y_test = train_test_split(X, y, test_size=S["test"], random_state=0)
    if S["standardize"]:
        center, scale = X.mean(axis=0), X.std(axis=0)
        X, X_test = (X - center) / scale, (X_test - center) / scale

    everything = np.vstack([X, X_test])
    low, high = everything.min(axis=0), everything.max(axis=0)
    half = 0.6 * (high - low).max()  # a tenth more on each side than the larger side needs
    box = np.column_stack([(low + high) / 2 - half, (low + high) / 2 + half])
    return {
        "train": part(X, y),
        "test": part(X_test, y_test),
        "box": box.ravel().tolist(),
    }


def part(X, y):
    """Some points, all classes, and sums that tell of each point and its place."""
    place = np.cos(np.arange(len(X)))
    return {
        "n": len(X),
        "X": X[:12].tolist(),
        "last": X[-1:].tolist(),
        "sums": [*(place @ X), *(place @ (X * X))],
        "y": "".join(map(str, y)),
    }


def reference():
    return [{"S": (S := DEFAULTS | difference), **make_data(S)} for difference in DIFFERENCES]


if __name__ == "__main__":
    path = Path(__file__).parents[1] / "reference" / "playground" / "data.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(reference(), separators=(",", ":")) + "\n", encoding="utf-8")
