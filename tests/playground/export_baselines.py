"""Numbers of scikit-learn's decision tree and logistic regression, which tests/playground/baselines.test.js compares.

A tree is stored as its answers on a grid. Of splits that are equally good scikit-learn draws one; the playground takes
the first. So the trees agree as far as the data decide, and which share of the grid that is, the test says.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.datasets import make_circles, make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import nnlib as nn

SIDE = 31  # points along a side of the grid
PATH = Path(__file__).parents[1] / "reference" / "playground" / "baselines.json"


def samples():
    """Data sets by name. Rounded coordinates are shorter, and have ties."""
    rng = np.random.default_rng(0)
    square, quadrants = nn.datasets.xor_square(150, 0.5, half_width=6, rng=1)
    spirals, arms = nn.datasets.double_spiral(100, 0.2, rng=np.random.RandomState(2))
    circles, rings = make_circles(200, noise=0.1, random_state=3)
    lattice = rng.integers(0, 4, (120, 2))
    return {
        "moons": make_moons(500, noise=0.2, random_state=42),
        "circles": (circles.round(2), rings),
        "xor": nn.datasets.xor(),
        "xor_square": (square.round(1), quadrants),
        "spirals": (spirals.round(1), arms),
        "lattice": (lattice, rng.integers(0, 2, 120)),  # many points in one place, of both classes
        "column": (np.column_stack([np.full(20, 3), rng.integers(0, 9, 20)]), rng.integers(0, 2, 20)),
        "row": (np.column_stack([rng.integers(0, 9, 20), np.full(20, 3)]), rng.integers(0, 2, 20)),
        "place": (np.ones((5, 2)), np.array([0, 1, 1, 0, 1])),
        "apart": (np.array([[-2.0, 0.0], [-1.0, 1.0], [1.0, 0.0], [2.0, 1.0]]), np.array([0, 0, 1, 1])),
        "two": (np.array([[0.0, 0.0], [100.0, 1.0]]), np.array([1, 0])),
    }


def reference():
    return {name: _case(X, y) for name, (X, y) in samples().items()}


def _case(X, y):
    tree = DecisionTreeClassifier(max_depth=5, random_state=0).fit(X, y)
    # A grid around the points that hits no threshold: these lie half-way between rounded coordinates.
    sides = [np.linspace(low - 0.1234, high + 0.1432, SIDE) for low, high in zip(X.min(axis=0), X.max(axis=0))]
    line = LogisticRegression().fit(X, y)
    exact = LogisticRegression(solver="newton-cholesky", tol=1e-14, max_iter=1000).fit(X, y)
    return {
        "X": np.ravel(X).tolist(),
        "y": _digits(y),
        "tree": {
            "accuracy": tree.score(X, y),
            "sides": [side.tolist() for side in sides],
            "answers": _digits(tree.predict(np.array([(x0, x1) for x0 in sides[0] for x1 in sides[1]]))),
        },
        "line": {
            "accuracy": line.score(X, y),
            "coefficients": [*line.coef_[0].tolist(), *line.intercept_.tolist()],
            "exact": [*exact.coef_[0].tolist(), *exact.intercept_.tolist()],
        },
    }


def _digits(classes):
    return "".join(map(str, classes.tolist()))


if __name__ == "__main__":
    PATH.write_text(json.dumps(reference(), separators=(",", ":")) + "\n")
