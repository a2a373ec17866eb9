"""Export to ONNX, the format that other programs run networks from. Needs the package `onnx`.

The operators are those of ONNX's own list, https://onnx.ai/onnx/operators, in version 17 of it.
"""

import numpy as np
from onnx import helper, numpy_helper

from nnlib.activations import LEAK, exponential, identity, leaky_relu, relu, sigmoid, softmax, softplus, tanh
from nnlib.files import replacing
from nnlib.layers import BatchNorm, Dense, Dropout
from nnlib.network import Network

# Old enough for runtimes of the last years, new enough for all that is used here.
OPSET, IR_VERSION = 17, 8

# Activations that are one operator; they work on the last axis where it matters.
OPERATORS = {
    sigmoid: "Sigmoid",
    tanh: "Tanh",
    relu: "Relu",
    softmax: "Softmax",
    exponential: "Exp",
}


def to_onnx(network, path=None):
    """A network as a model in ONNX: `predict`, from the samples to the outputs after the loss's inverse link.

    The model has one input, "X" of shape `(n, n_features)`, and one output, "outputs" of shape `(n, outputs)`, both
    of the network's dtype, for any n. `BatchNorm` uses its running means, and `Dropout` is left out.

    Parameters
    ----------
    network : Network
        A single one.
    path : str or path-like, optional
        Where to write the model, for instance "moons.onnx". The file is replaced as a whole, or left as it was.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ImportError
        The package `onnx` is missing.
    TypeError
        This is no `Network`.
    ValueError
        The network is a stack, or has a layer or an activation of your own.

    Notes
    -----
    onnxruntime rounds the sigmoid of float32 to about 6e-8, so that smaller probabilities may come out as 0.

    Examples
    --------
    >>> import nnlib as nn
    >>> network = nn.Network(2, [nn.Dense(8, "tanh"), nn.Dense(1)], loss="binary_cross_entropy", rng=0)
    >>> model = nn.to_onnx(network)
    >>> [node.op_type for node in model.graph.node]
    ['Gemm', 'Tanh', 'Gemm', 'Sigmoid']

    With the package onnxruntime, `nn.to_onnx(network, "moons.onnx")` and then
    `onnxruntime.InferenceSession("moons.onnx").run(None, {"X": X})[0]` give the outputs for an array X of its dtype.
    """
    if not isinstance(network, Network):
        raise TypeError(f"to_onnx(network, path) takes a Network, not {type(network).__name__}.")
    if network.replicates is not None:
        raise ValueError("ONNX takes a single network; this is a stack: export network.replicate(r), one by one.")
    graph = _Graph(network.dtype)
    for i, layer in enumerate(network.layers):
        graph.layer(f"layers.{i}", layer)
    graph.activation("link", network.loss_function.link)
    graph.nodes[-1].output[0] = "outputs"
    kind = helper.np_dtype_to_tensor_dtype(network.dtype)
    ends = (("X", network.n_features), ("outputs", network.n_outputs))
    inputs, outputs = ([helper.make_tensor_value_info(name, kind, ["n", width])] for name, width in ends)
    graph = helper.make_graph(graph.nodes, "network", inputs, outputs, graph.constants)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="nnlib")
    if path is not None:
        with replacing(path) as file:
            file.write(model.SerializeToString())
    return model


class _Graph:
    """Nodes and constants under construction; each node takes the value of the one before."""

    def __init__(self, dtype):
        self.dtype, self.nodes, self.constants, self.value = dtype, [], [], "X"

    def add(self, name, operator, *inputs, **attributes):
        self.nodes.append(helper.make_node(operator, [self.value, *inputs], [name], name, **attributes))
        self.value = name

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(np.array(values, self.dtype), name))
        return name

    def layer(self, name, layer):
        # Exactly these classes: one that is derived from them may compute something else.
        if type(layer) is Dense:
            parts = [self.constant(f"{name}.{part}", getattr(layer, part)) for part in ("W", "b")]
            self.add(name, "Gemm", *parts)
            self.activation(f"{name}.activation", layer.activation)
        elif type(layer) is BatchNorm:
            # Not ONNX's BatchNormalization, which knows epsilon in float32 only.
            scale = layer.gamma / np.sqrt(layer.variance + layer.epsilon)
            self.add(f"{name}.centered", "Sub", self.constant(f"{name}.mean", layer.mean))
            self.add(f"{name}.scaled", "Mul", self.constant(f"{name}.scale", scale))
            self.add(name, "Add", self.constant(f"{name}.beta", layer.beta))
            self.activation(f"{name}.activation", layer.activation)
        elif type(layer) is not Dropout:
            raise ValueError(
                f"{layer!r} is a layer of your own, which to_onnx cannot express; it knows those of nnlib."
            )

    def activation(self, name, function):
        if function in OPERATORS:
            self.add(name, OPERATORS[function])
        # The next two are operators too, but onnxruntime has them in float32 only.
        elif function == leaky_relu:
            z = self.value
            self.add(f"{name}.leak", "Mul", self.constant(f"{name}.rate", LEAK))
            self.add(name, "Max", z)
        elif function == softplus:  # max(z, 0) + log(1 + exp(-|z|)), which does not overflow
            z = self.value
            for operator in ("Abs", "Neg", "Exp"):
                self.add(f"{name}.{operator}", operator)
            self.add(f"{name}.sum", "Add", self.constant(f"{name}.one", 1))
            self.add(f"{name}.log", "Log")
            log, self.value = self.value, z
            self.add(f"{name}.positive", "Relu")
            self.add(name, "Add", log)
        elif function != identity:
            known = ", ".join(sorted(each.name for each in (*OPERATORS, leaky_relu, softplus, identity)))
            raise ValueError(f"{function!r} is of your own, which to_onnx cannot express; it knows {known}.")
