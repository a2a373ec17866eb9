"""One step of training, by hand: read this file first, and run it with `python -m nnlib.one_step`.

A network with two inputs, three hidden units and one output learns the exclusive or, with nnlib's own pieces. This is
what `nnlib.train` does at every step; what it adds are checks, batches, a history and a guard against divergence.
"""

import numpy as np

import nnlib as nn


def one_step(network, x, t, learning_rate):
    """The loss before the step; the network's parameters are changed in place.

    Parameters
    ----------
    network : Network
    x : array of shape (n_features, n)
        Samples in columns: inside, the numbers of one unit for all samples lie next to each other.
    t : array of shape (n_outputs, n)
        Targets.
    learning_rate : float

    Examples
    --------
    >>> import numpy as np
    >>> import nnlib as nn
    >>> network = nn.Network(1, [nn.Dense(1)], loss="squared_error", rng=0)
    >>> x, t = np.array([[1.0]]), np.array([[2.0]])
    >>> losses = [nn.one_step.one_step(network, x, t, learning_rate=0.1) for _ in range(2)]
    >>> bool(losses[1] < losses[0])
    True
    """
    # Forward: each layer turns the outputs of the one before into its own, and returns its way back.
    a, ways_back = x, []
    for layer in network.layers:
        a, backward = layer.forward(a, training=True)
        ways_back.append(backward)

    # The last outputs are logits. The loss gives a value for each sample, and its gradient by each logit.
    values, da = network.loss_function.evaluate(a, t)
    n = x.shape[1]
    da /= n  # because the loss of all samples is the mean

    # Back: each way back takes the gradient by its layer's outputs, writes the gradients of the layer's weights and
    # biases, and returns the gradient by the layer's inputs. That is backpropagation.
    for backward in reversed(ways_back):
        da = backward(da)

    # The step: all weights and biases are one vector, theta, and all gradients another, grad.
    network.theta -= learning_rate * network.grad
    return values.mean()


def main():
    """Print the loss of XOR on its way down."""
    X, y = nn.datasets.xor()
    layers = [nn.Dense(3, "tanh"), nn.Dense(1)]
    network = nn.Network(2, layers, loss="binary_cross_entropy", rng=0)
    for step in range(1001):
        loss = one_step(network, X.T, y[np.newaxis].astype(float), learning_rate=1.0)
        if step % 200 == 0:
            print(f"step {step:4}: loss {loss:.4f}")
    print("outputs:", network.predict(X)[:, 0].round(3))


if __name__ == "__main__":
    main()
