"""Numbers for training.test.js: starts, histories and divergences of nnlib for settings of the playground."""

import json
from pathlib import Path

import numpy as np
from sklearn.datasets import make_circles, make_moons
from sklearn.model_selection import train_test_split

import nnlib as nn

DEFAULTS = {
    "data": "moons",
    "n": 60,
    "noise": 0.2,
    "data_seed": 42,
    "test": 0.2,
    "standardize": False,
    "layers": [8],
    "activation": "sigmoid",
    "init": "xavier",
    "generator": "default_rng",
    "seed": 0,
    "loss": "binary_cross_entropy",
    "optimizer": "adam",
    "rate": 0.05,
    "batch": 0,
    "l2": 0,
    "epochs": 25,
    "stop": "none",
    "goal": 0.95,
}
INITS = ["xavier", "he", "normal-0.5", "normal-2", "uniform", "uniform-biases", "zeros", "spread"]
RUNS = [
    {},
    {"batch": 10, "seed": 3},
    {"batch": 7, "seed": 7, "test": 0, "optimizer": "sgd", "rate": 0.5, "generator": "RandomState", "init": "spread"},
    {"data": "xor", "batch": 3, "test": 0, "loss": "squared_error", "optimizer": "momentum", "layers": [4]},
    {"data": "xor_square", "batch": 16, "layers": [5, 3], "activation": "tanh", "loss": "categorical_cross_entropy"},
    {"data": "spirals", "n": 41, "batch": 8, "standardize": True, "layers": [9, 6], "activation": "relu", "init": "he"},
    {"data": "circles", "noise": 0.1, "loss": "half_squared_error", "activation": "leaky_relu", "batch": 1, "epochs": 5},
    {"batch": 48, "l2": 0.01, "activation": "tanh", "init": "uniform-biases"},  # 48 is the training set
]
DIVERGENCES = [
    {"optimizer": "sgd", "rate": 100, "activation": "identity", "layers": [4, 4, 4], "init": "he", "test": 0},
    {"optimizer": "sgd", "rate": 100, "activation": "identity", "layers": [4, 4], "batch": 10},
    {"optimizer": "sgd", "rate": 100, "l2": 1, "loss": "squared_error", "standardize": True},
    {"optimizer": "sgd", "rate": 100, "l2": 1, "loss": "squared_error", "batch": 7},
    {"optimizer": "momentum", "rate": 100, "l2": 1, "activation": "tanh", "batch": 7, "layers": [3], "seed": 1},
]


def data(S):
    kinds = {
        "moons": lambda: make_moons(S["n"], noise=S["noise"], random_state=S["data_seed"]),
        "circles": lambda: make_circles(S["n"], noise=S["noise"], random_state=S["data_seed"]),
        "xor": nn.datasets.xor,
        "xor_square": lambda: nn.datasets.xor_square(S["n"], S["noise"], half_width=6, rng=S["data_seed"]),
        "spirals": lambda: nn.datasets.double_spiral(
            S["n"] // 2, S["noise"], turns=2.0, rng=np.random.RandomState(S["data_seed"])
        ),
    }
    X, y = kinds[S["data"]]()
    validation = None
    if S["test"]:
        X, X_test, y, y_test = train_test_split(X, y, test_size=S["test"], random_state=0)
        validation = X_test, y_test
    if S["standardize"]:
        mean, std = X.mean(axis=0), X.std(axis=0)
        X, validation = (X - mean) / std, validation and ((validation[0] - mean) / std, validation[1])
    return X, y, validation


def network(S):
    named = {"normal-0.5": nn.normal(0.5), "normal-2": nn.normal(2), "uniform": nn.uniform(0, 1)}
    init, bias = named.get(S["init"], S["init"]), None
    if init == "uniform-biases":
        init, bias = nn.uniform(0, 1), lambda rng, fan_in, units: rng.uniform(0, 1, units)
    categorical, squared = S["loss"] == "categorical_cross_entropy", S["loss"].endswith("squared_error")
    sizes = [*S["layers"], 2 if categorical else 1]
    names = [S["activation"]] * len(S["layers"]) + ["sigmoid" if squared else "identity"]
    if init == "spread":
        first = nn.Dense(
            sizes[0], names[0], nn.normal(3), bias_init=lambda rng, fan_in, units: rng.uniform(-4, 4, units)
        )
        layers = [first] + [nn.Dense(units, name, "xavier") for units, name in zip(sizes[1:], names[1:])]
    else:
        layers = [nn.Dense(units, name, init, bias) for units, name in zip(sizes, names)]
    rng = np.random.RandomState(S["seed"]) if S["generator"] == "RandomState" else S["seed"]
    return nn.Network(2, layers, loss=S["loss"], rng=rng)


def optimizer(S):
    kinds = {"sgd": nn.SGD, "momentum": lambda rate, **more: nn.SGD(rate, momentum=0.9, **more), "adam": nn.Adam}
    return kinds[S["optimizer"]](S["rate"], weight_decay=S["l2"])


def train(S):
    """What nnlib records. With a squared error it knows no accuracy."""
    X, y, validation = data(S)
    net, result = network(S), {"S": S}
    batches = {"batch_size": S["batch"], "rng": S["seed"]} if S["batch"] else {}
    try:
        history = nn.train(net, X, y, optimizer(S), S["epochs"], validation=validation, **batches)
    except nn.DivergenceError as error:
        history = error.history
        message = str(error)
        result["what"] = "loss" if "the loss became" in message else "parameters"
        result["lastLoss"] = message.partition("last finite loss was ")[2].partition(")")[0]
    for key, column in {
        "loss": history.loss,
        "accuracy": history.accuracy,
        "testLoss": history.validation_loss,
        "testAccuracy": history.validation_accuracy,
    }.items():
        if column is not None:
            result[key] = [None if np.isnan(value) else short(value) for value in column]
    result["theta"] = [short(value) for value in net.theta]
    return result


def short(value):
    """Thirteen digits: plenty for a comparison to 1e-9."""
    return float(f"{value:.13g}")


def start(generator, init, layers):
    S = DEFAULTS | {"generator": generator, "init": init, "layers": layers, "seed": 5}
    return {"S": S, "theta": network(S).theta.tolist()}


def reference():
    kinds = ("default_rng", "RandomState")
    return {
        "starts": [start(kind, init, layers) for kind in kinds for init in INITS for layers in ([3, 2], [])],
        "runs": [train(DEFAULTS | changes) for changes in RUNS],
        "divergences": [train(DEFAULTS | changes | {"epochs": 200}) for changes in DIVERGENCES],
    }


if __name__ == "__main__":
    path = Path(__file__).parents[1] / "reference" / "playground" / "training.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(reference(), separators=(",", ":")) + "\n", encoding="utf-8")
