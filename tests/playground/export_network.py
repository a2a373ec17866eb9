"""Numbers for network.test.js and optimizers.test.js: passes and short trainings of nnlib from stored weights."""

import json
from pathlib import Path

import numpy as np

import nnlib as nn

NETWORKS = [
    ([8], "sigmoid", "binary_cross_entropy"),
    ([4, 3, 2, 5], "tanh", "binary_cross_entropy"),
    ([8], "relu", "categorical_cross_entropy"),
    ([4], "sigmoid", "squared_error"),
    ([3], "tanh", "half_squared_error"),
    ([], "sigmoid", "binary_cross_entropy"),
    ([6], "leaky_relu", "binary_cross_entropy"),
    ([3, 4], "tanh", "categorical_cross_entropy"),
    ([4], "identity", "binary_cross_entropy"),
]
OPTIMIZERS = {
    "sgd": lambda l2: nn.SGD(0.3, weight_decay=l2),
    "momentum": lambda l2: nn.SGD(0.05, momentum=0.9, weight_decay=l2),
    "adam": lambda l2: nn.Adam(0.02, weight_decay=l2),
}
RATES = {"sgd": 0.3, "momentum": 0.05, "adam": 0.02}
STEPS = 100
SHOWN = [0, 1, 2, 9, 49, 99]  # the sum of all losses stands for the others
EXTREMES = [1e-3, 37.0, 800.0, 1e6, 1e300]  # scales of the logits


def network(layers, activation, loss, rng):
    categorical, squared = loss == "categorical_cross_entropy", loss.endswith("squared_error")
    last = nn.Dense(2 if categorical else 1, "sigmoid" if squared else "identity", nn.normal(1))
    hidden = [nn.Dense(units, activation, nn.normal(1), bias_init=_biases) for units in layers]
    return nn.Network(2, [*hidden, last], loss=loss, rng=rng)


def _biases(rng, fan_in, units):
    return rng.standard_normal(units)


def short(values):
    """Thirteen digits: plenty for a comparison to 1e-9."""
    return [float(f"{value:.13g}") for value in values]


def one(settings, X, y, seed):
    layers, activation, loss = settings
    start = network(*settings, seed)
    value, gradient = start.loss_and_gradient(X, y)
    outputs = start.predict(X)
    right = (outputs.ravel() > 0.5) == y if outputs.shape[1] == 1 else start.classify(X) == y
    few = slice(0, 5)
    runs = []
    for name, make in OPTIMIZERS.items():
        for l2 in (0, 0.01):
            trained = start.copy()
            history = nn.train(trained, X, y, make(l2), STEPS)
            runs.append(
                {
                    "S": {"optimizer": name, "rate": RATES[name], "l2": l2},
                    "losses": short(history.loss[SHOWN]),
                    "sum": history.loss.sum(),
                    "theta": short(trained.theta),
                }
            )
    return {
        "S": {"layers": layers, "activation": activation, "loss": loss},
        "theta": start.theta.tolist(),
        "decayed": start.decayed.astype(int).tolist(),
        "loss": float(value),
        "hits": float(right.mean()),
        "grad": gradient.tolist(),
        "hidden": [a.T.tolist() for a in (layer[few] for layer in start.activations(X)[:-1])],
        "probabilities": outputs[few, -1].tolist(),
        "runs": runs,
    }


def extreme(loss, scale, y):
    """No hidden layer, logits of about the size of `scale`."""
    X, y = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), np.array(y)
    net = network([], "identity", loss, 0)
    W = np.array([[scale], [-scale]]) if net.n_outputs == 1 else np.array([[0, scale], [scale, -scale]])
    net.layers[0].W = W
    net.theta[-net.n_outputs :] = 0
    value, gradient = net.loss_and_gradient(X, y)
    return {
        "S": {"layers": [], "activation": "identity", "loss": loss},
        "X": X.ravel().tolist(),
        "y": y.tolist(),
        "theta": net.theta.tolist(),
        "loss": float(value),
        "grad": gradient.tolist(),
        "probabilities": net.predict(X)[:, -1].tolist(),
    }


def reference():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((71, 2)).round(3)  # more than a block of 64, and no multiple of four
    y = (X[:, 0] * X[:, 1] + 0.2 * rng.standard_normal(71) > 0).astype(int)
    losses = ("binary_cross_entropy", "categorical_cross_entropy", "squared_error")
    return {
        "X": X.ravel().tolist(),
        "y": y.tolist(),
        "shown": SHOWN,
        "networks": [one(settings, X, y, seed) for seed, settings in enumerate(NETWORKS)],
        "extremes": [
            *(extreme(loss, scale, [0, 1, 0, 1]) for loss in losses for scale in EXTREMES),
            *(extreme(loss, scale, [1, 1, 0, 0]) for loss in losses for scale in (20.0, 37.0)),  # all of them right
        ],
    }


if __name__ == "__main__":
    path = Path(__file__).parents[1] / "reference" / "playground" / "network.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(reference(), separators=(",", ":")) + "\n", encoding="utf-8")
