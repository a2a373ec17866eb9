"""nnlib: neural networks from scratch, in NumPy.

    import nnlib as nn

    network = nn.Network(2, [nn.Dense(8, "sigmoid"), nn.Dense(1)], loss="binary_cross_entropy", rng=0)
    history = nn.train(network, X, y, nn.SGD(0.5), epochs=1000)

Read the modules in this order: `activations`, `losses`, `initializers`, `layers`, `network`,
`optimizers`, `training`. `gradients` checks the derivatives, `plots` draws. Importing `nnlib`
loads NumPy and nothing else; `nnlib.plots` loads matplotlib when it is first used.
"""

from nnlib.activations import ACTIVATIONS, Activation, identity, leaky_relu, relu, sigmoid, softmax, tanh
from nnlib.gradients import check_gradient, numerical_gradient
from nnlib.initializers import he, normal, uniform, xavier, zeros
from nnlib.layers import Dense
from nnlib.losses import LOSSES, Loss, binary_cross_entropy, categorical_cross_entropy, squared_error
from nnlib.network import Network
from nnlib.optimizers import SGD, Adam
from nnlib.training import DivergenceError, History, train

__version__ = "0.1.0"

__all__ = [
    "ACTIVATIONS", "LOSSES", "SGD", "Activation", "Adam", "Dense", "DivergenceError", "History", "Loss", "Network",
    "binary_cross_entropy", "categorical_cross_entropy", "check_gradient", "he", "identity", "leaky_relu",
    "normal", "numerical_gradient", "relu", "sigmoid", "softmax", "squared_error", "tanh", "train",
    "uniform", "xavier", "zeros",
]  # fmt: skip


# Not in `__all__`: a star import would load matplotlib.
def __dir__():
    return sorted({*globals(), "plots"})


def __getattr__(name):
    if name == "plots":
        # importlib, because `from nnlib import plots` would ask this function again.
        import importlib

        try:
            return importlib.import_module("nnlib.plots")
        except ModuleNotFoundError as error:
            error.add_note("nnlib.plots needs two more packages: pip install matplotlib scikit-learn")
            raise
    raise AttributeError(f"module 'nnlib' has no attribute {name!r}")
