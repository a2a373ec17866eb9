"""nnlib: neural networks from scratch, in NumPy.

    import nnlib as nn

    network = nn.Network(2, [nn.Dense(8, "sigmoid"), nn.Dense(1)], loss="binary_cross_entropy", rng=0)
    history = nn.train(network, X, y, nn.SGD(0.5), epochs=1000)

Read the modules in this order: `activations`, `losses`, `initializers`, `layers`, `network`,
`optimizers`, `schedules`, `training`. `gradients` checks the derivatives, `autograd` finds them another way,
`files` saves and loads, `datasets` makes data, `plots` draws, `estimators` speaks scikit-learn's language, `export`
ONNX. Importing `nnlib` loads NumPy and nothing else; the last three load their packages when they are first used.
"""

import importlib

from nnlib import autograd, datasets, schedules
from nnlib.activations import (
    ACTIVATIONS,
    Activation,
    identity,
    leaky_relu,
    relu,
    sigmoid,
    softmax,
    softplus,
    tanh,
)
from nnlib.files import Checkpoint, FileError, load
from nnlib.gradients import check_gradient, numerical_gradient
from nnlib.initializers import he, normal, uniform, xavier, zeros
from nnlib.layers import BatchNorm, Dense, Dropout, Layer
from nnlib.losses import (
    LOSSES,
    Loss,
    binary_cross_entropy,
    categorical_cross_entropy,
    half_squared_error,
    poisson,
    squared_error,
)
from nnlib.network import Network
from nnlib.optimizers import SGD, Adam, AdamScale, AdamW, Clip, Decay, Momentum, Optimizer, RMSProp, RMSScale
from nnlib.training import DivergenceError, EarlyStopping, History, RangeTest, range_test, train

__version__ = "0.1.0"

__all__ = [
    "ACTIVATIONS", "Activation", "Adam", "AdamScale", "AdamW", "BatchNorm", "Checkpoint", "Clip", "Decay", "Dense",
    "DivergenceError", "Dropout", "EarlyStopping", "FileError", "History", "LOSSES", "Layer", "Loss", "Momentum",
    "Network", "Optimizer", "RMSProp", "RMSScale", "RangeTest", "SGD", "autograd", "binary_cross_entropy",
    "categorical_cross_entropy", "check_gradient", "datasets", "half_squared_error", "he", "identity", "leaky_relu",
    "load", "normal", "numerical_gradient", "poisson", "range_test", "relu", "schedules", "sigmoid", "softmax",
    "softplus", "squared_error", "tanh", "train", "uniform", "xavier", "zeros",
]  # fmt: skip

# Loaded when first used, because each needs a package that is not NumPy. A star import leaves them alone.
_LATER = {
    "plots": ("nnlib.plots", None, "matplotlib scikit-learn"),
    "estimators": ("nnlib.estimators", None, "scikit-learn scipy"),
    "MLPClassifier": ("nnlib.estimators", "MLPClassifier", "scikit-learn scipy"),
    "MLPRegressor": ("nnlib.estimators", "MLPRegressor", "scikit-learn scipy"),
    "to_onnx": ("nnlib.export", "to_onnx", "onnx"),
}


def __dir__():
    return sorted({*globals(), *_LATER})


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module 'nnlib' has no attribute {name!r}")
    # importlib, because `from nnlib import plots` would ask this function again.
    module, attribute, packages = _LATER[name]
    try:
        module = importlib.import_module(module)
    except ModuleNotFoundError as error:
        error.add_note(f"nnlib.{name} needs more packages: pip install {packages}")
        raise
    return module if attribute is None else getattr(module, attribute)
