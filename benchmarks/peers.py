"""The contestants. Each gets ready for a `Work`, untimed, and returns what is timed.

`ready(work, epochs)` starts from the parameters of `work.network()`. What it returns is called once: it trains, and
returns the mean loss of each epoch, shape `(epochs,)` or `(epochs, replicates)`.
"""

import importlib.util
import warnings

import numpy as np

import nnlib as nn


def with_nnlib(work, epochs):
    network, (X, y) = work.network(), work.samples()
    n_jobs = work.threads if work.replicates else None
    if n_jobs:  # joblib keeps its processes: their start is not timed, nor is JAX's compilation
        nn.train(work.network(), X, y, nn.SGD(work.rate), 1, accuracy=False, n_jobs=n_jobs)
    return lambda: (
        nn.train(network, X, y, nn.SGD(work.rate), epochs, accuracy=False, n_jobs=n_jobs, **batches(work)).loss
    )


def batches(work):
    return {"batch_size": work.batch, "shuffle": work.shuffle, "rng": 0} if work.batch else {}


def with_sklearn(work, epochs):
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    X, y = work.samples()
    activation = {"sigmoid": "logistic"}.get(work.activation, work.activation)
    model = MLPClassifier(
        (work.hidden,),
        activation,
        solver="sgd",
        alpha=0,
        momentum=0,
        nesterovs_momentum=False,
        learning_rate_init=work.rate,
        batch_size=work.batch or len(X),
        shuffle=work.shuffle,
        random_state=0,
        warm_start=True,
        tol=0,
        n_iter_no_change=epochs + 1,  # no early stop: the loss may stand still for as long as it likes
    )
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    # An epoch, on a part of the data if the batches allow it, makes the arrays; a warm start goes on from them.
    part = 1000 if work.batch else len(X)
    model.set_params(max_iter=1).fit(X[:part], y[:part])
    for layer, W, b in zip(work.network().layers, model.coefs_, model.intercepts_):
        W[...], b[...] = layer.W, layer.b
    model.set_params(max_iter=epochs)
    return lambda: model.fit(X, y).loss_curve_[-epochs:]


def with_torch(work, epochs):
    import torch

    torch.set_num_threads(work.threads)
    if work.replicates:
        return _torch_stack(work, epochs)
    X, y = map(torch.tensor, work.samples())
    binary = work.outputs == 1
    y = y.to(X.dtype)[:, None] if binary else y
    activation = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU}[work.activation]()
    first, second = torch.nn.Linear(X.shape[1], work.hidden), torch.nn.Linear(work.hidden, work.outputs)
    model = torch.nn.Sequential(first, activation, second).to(X.dtype)
    for layer, linear in zip(work.network().layers, (first, second)):
        linear.weight.data, linear.bias.data = torch.tensor(layer.W.T.copy()), torch.tensor(layer.b)
    optimizer = torch.optim.SGD(model.parameters(), lr=work.rate)
    criterion = torch.nn.BCEWithLogitsLoss() if binary else torch.nn.CrossEntropyLoss()
    n, size = len(X), work.batch or len(X)
    generator = torch.Generator().manual_seed(0)

    def pairs():
        if not work.shuffle:
            return zip(X.split(size), y.split(size))
        return ((X[rows], y[rows]) for rows in torch.randperm(n, generator=generator).split(size))

    def run():
        losses = []
        for _ in range(epochs):
            total = 0.0
            for x, t in pairs():
                optimizer.zero_grad()
                loss = criterion(model(x), t)
                loss.backward()
                optimizer.step()
                total += loss.item() * len(x)
            losses.append(total / n)
        return losses

    return run


def _torch_stack(work, epochs):
    """The networks as stacked matrices. Samples lie in columns: faster than in rows, as for nnlib."""
    import torch

    X, y = work.samples()
    x = torch.tensor(X.T.copy()).expand(work.replicates, -1, -1)
    t = torch.tensor(y.astype(X.dtype)).expand(work.replicates, 1, -1)
    parameters = []
    for layer in work.network().layers:
        parameters += [torch.tensor(layer.W.swapaxes(1, 2).copy()), torch.tensor(layer.b[:, :, None].copy())]
    W1, b1, W2, b2 = (parameter.requires_grad_() for parameter in parameters)
    optimizer = torch.optim.SGD(parameters, lr=work.rate)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits

    def run():
        losses = []
        for _ in range(epochs):
            optimizer.zero_grad()
            logits = torch.baddbmm(b2, W2, torch.sigmoid(torch.baddbmm(b1, W1, x)))
            loss = entropy(logits, t, reduction="none").mean((1, 2))
            loss.sum().backward()
            optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses).numpy()

    return run


def with_jax(work, epochs):
    """One compiled program for all epochs; its compilation is not timed."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    X, y = work.samples()
    x, t = jnp.asarray(X), jnp.asarray(y, X.dtype)[:, None]
    rate = jnp.asarray(work.rate, X.dtype)
    start = [(jnp.asarray(layer.W), jnp.asarray(layer.b)) for layer in work.network().layers]

    def mean_loss(parameters):
        (W1, b1), (W2, b2) = parameters
        z = jax.nn.sigmoid(x @ W1 + b1) @ W2 + b2
        return jnp.mean(jnp.maximum(z, 0) - z * t + jnp.log1p(jnp.exp(-jnp.abs(z))))

    def step(parameters, _):
        loss, gradient = jax.value_and_grad(mean_loss)(parameters)
        return jax.tree.map(lambda p, g: p - rate * g, parameters, gradient), loss

    def train(parameters):
        return jax.lax.scan(step, parameters, length=epochs)

    program = jax.jit(jax.vmap(train, out_axes=(0, 1))).lower(start).compile()
    return lambda: np.asarray(program(start)[1])


# Name: the module it needs, how to get ready.
SINGLE = {
    "nnlib": ("nnlib", with_nnlib),
    "scikit-learn": ("sklearn", with_sklearn),
    "PyTorch": ("torch", with_torch),
}
STACK = {"nnlib": ("nnlib", with_nnlib), "PyTorch": ("torch", with_torch), "JAX": ("jax", with_jax)}


def contestants(work):
    """Those that are installed, by name, and the names of the others."""
    field = STACK if work.replicates else SINGLE
    missing = [name for name, (module, _) in field.items() if importlib.util.find_spec(module) is None]
    return {name: ready for name, (_, ready) in field.items() if name not in missing}, missing
