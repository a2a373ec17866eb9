"""nnlib: neural networks from scratch, in NumPy.

    import nnlib as nn

    network = nn.Network(2, [nn.Dense(8, "sigmoid"), nn.Dense(1)], loss="binary_cross_entropy", rng=0)
    history = nn.train(network, X, y, nn.SGD(0.5), epochs=1000)

Read `one_step` first: a network, and one step of its training by hand. Then, in this order: `activations`, `losses`,
`initializers`, `layers`, `network`, `optimizers`, `training`. `smooth` has more activations, `regularization` more
layers, `transforms` what optimizers are made of, `schedules` rates that change. `gradients` checks the derivatives,
`autograd` finds them another way, `datasets` makes data.

What stands around them has rooms of its own. In `run`: `run.guard`, `run.history`, `run.stopping`, `run.range_test`,
`run.parallel`, and checks, batches and messages, which users never call. In `files`: `files.networks`,
`files.checkpoints`, `files.archive`. In `interop`: `interop.losses`, `interop.plots`, `interop.estimators`, which
speaks scikit-learn's language, and `interop.onnx`. Importing `nnlib` loads NumPy and nothing else; the last three load
their packages when they are first used.
"""

import importlib

from nnlib import autograd, datasets, schedules
from nnlib.activations import ACTIVATIONS, Activation, identity, leaky_relu, relu, sigmoid, softmax, tanh
from nnlib.files.archive import FileError
from nnlib.files.checkpoints import Checkpoint
from nnlib.files.networks import load, save
from nnlib.gradients import check_gradient, numerical_gradient
from nnlib.initializers import he, normal, uniform, xavier, zeros
from nnlib.interop.losses import half_squared_error, poisson
from nnlib.layers import Dense, Layer
from nnlib.losses import LOSSES, Loss, binary_cross_entropy, categorical_cross_entropy, squared_error
from nnlib.network import Network
from nnlib.optimizers import SGD, Adam, AdamW, Optimizer, RMSProp
from nnlib.regularization import BatchNorm, Dropout
from nnlib.run import parallel
from nnlib.run.guard import DivergenceError
from nnlib.run.history import History
from nnlib.run.range_test import RangeTest, range_test
from nnlib.run.stopping import EarlyStopping
from nnlib.smooth import gelu, silu, softplus
from nnlib.training import train
from nnlib.transforms import AdamScale, Clip, Decay, Momentum, RMSScale, Transform

__version__ = "0.1.0"

__all__ = [
    "ACTIVATIONS", "Activation", "Adam", "AdamScale", "AdamW", "BatchNorm", "Checkpoint", "Clip", "Decay", "Dense",
    "DivergenceError", "Dropout", "EarlyStopping", "FileError", "History", "LOSSES", "Layer", "Loss", "Momentum",
    "Network", "Optimizer", "RMSProp", "RMSScale", "RangeTest", "SGD", "Transform", "autograd", "binary_cross_entropy",
    "categorical_cross_entropy", "check_gradient", "datasets", "gelu", "half_squared_error", "he", "identity",
    "leaky_relu", "load", "normal", "numerical_gradient", "parallel", "poisson", "range_test", "relu", "save",
    "schedules", "sigmoid", "silu", "softmax", "softplus", "squared_error", "tanh", "train", "uniform", "xavier",
    "zeros",
]  # fmt: skip

# Loaded when first used: most need a package that is not NumPy. A star import leaves them alone.
_LATER = {
    "one_step": ("nnlib.one_step", None, ""),  # a program, too
    "plots": ("nnlib.interop.plots", None, "matplotlib scikit-learn"),
    "estimators": ("nnlib.interop.estimators", None, "scikit-learn scipy"),
    "MLPClassifier": ("nnlib.interop.estimators", "MLPClassifier", "scikit-learn scipy"),
    "MLPRegressor": ("nnlib.interop.estimators", "MLPRegressor", "scikit-learn scipy"),
    "to_onnx": ("nnlib.interop.onnx", "to_onnx", "onnx"),
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
