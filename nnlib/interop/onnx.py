"""Export to ONNX, the format that other programs run networks from. Needs the package `onnx`.

The operators are those of ONNX's own list, https://onnx.ai/onnx/operators, in version 17 of it.
"""

import math

import numpy as np
from onnx import helper, numpy_helper

import nnlib as nn
from nnlib.activations import LEAK
from nnlib.files.archive import replacing

# Old enough for runtimes of the last years, new enough for all that is used here.
OPSET, IR_VERSION = 17, 8

# Activations as chains of operators, each with its second input, if it has one: "z" or a number. ONNX has LeakyRelu,
# Softplus and Gelu, too, but onnxruntime the first two in float32 only, and this version not the third.
CHAINS = {
    nn.identity: [],
    nn.sigmoid: [("Sigmoid",)],
    nn.tanh: [("Tanh",)],
    nn.relu: [("Relu",)],
    nn.leaky_relu: [("Mul", LEAK), ("Max", "z")],
    nn.softplus: [("Min", 40), ("Exp",), ("Add", 1), ("Log",), ("Max", "z")],  # above 40 it is z, in every digit
    nn.silu: [("Sigmoid",), ("Mul", "z")],
    nn.gelu: [("Mul", "z"), ("Mul", 0.044715), ("Add", 1), ("Mul", "z"), ("Mul", math.sqrt(2 / math.pi)), ("Tanh",),
           ("Add", 1), ("Mul", "z"), ("Mul", 0.5)],
    nn.softmax: [("Softmax",)],  # over the last axis
    nn.poisson.link: [("Exp",)],
}  # fmt: skip


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
    if not isinstance(network, nn.Network):
        raise TypeError(f"to_onnx(network, path) takes a Network, not {type(network).__name__}.")
    if network.replicates is not None:
        raise ValueError("ONNX takes a single network; this is a stack: export stack[r], one by one.")
    graph = _Graph(network.dtype)
    for i, layer in enumerate(network.layers):
        graph.layer(f"layers.{i}", layer)
    graph.activation("link", network.loss_function.link)
    graph.nodes[-1].output[0] = "outputs"
    kind = helper.np_dtype_to_tensor_dtype(network.dtype)
    x = helper.make_tensor_value_info("X", kind, ["n", network.n_features])
    outputs = helper.make_tensor_value_info("outputs", kind, ["n", network.n_outputs])
    graph = helper.make_graph(graph.nodes, "network", [x], [outputs], graph.constants)
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

    def add(self, name, operator, *inputs):
        self.nodes.append(helper.make_node(operator, [self.value, *inputs], [name], name))
        self.value = name

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(np.array(values, self.dtype), name))
        return name

    def layer(self, name, layer):
        # Exactly these classes: one that is derived from them may compute something else.
        if type(layer) is nn.Dense:
            self.add(name, "Gemm", self.constant(f"{name}.W", layer.W), self.constant(f"{name}.b", layer.b))
            self.activation(f"{name}.activation", layer.activation)
        elif type(layer) is nn.BatchNorm:
            # Not ONNX's BatchNormalization, which knows epsilon in float32 only.
            scale = layer.gamma / np.sqrt(layer.variance + layer.epsilon)
            self.add(f"{name}.centered", "Sub", self.constant(f"{name}.mean", layer.mean))
            self.add(f"{name}.scaled", "Mul", self.constant(f"{name}.scale", scale))
            self.add(name, "Add", self.constant(f"{name}.beta", layer.beta))
            self.activation(f"{name}.activation", layer.activation)
        elif type(layer) is not nn.Dropout:
            raise ValueError(f"{layer!r} is a layer of your own, which to_onnx cannot express; nnlib's it can.")

    def activation(self, name, function):
        if function not in CHAINS:
            known = ", ".join(sorted(each.name for each in CHAINS))
            raise ValueError(f"{function!r} is of your own, which to_onnx cannot express; it knows {known}.")
        z, chain = self.value, CHAINS[function]
        for i, (operator, *second) in enumerate(chain, 1):
            step = name if i == len(chain) else f"{name}.{i}"
            self.add(step, operator, *(z if each == "z" else self.constant(f"{step}.by", each) for each in second))
