"""The contestants. Each gets ready for a `Work`, untimed, and returns what is timed.

`ready(work, epochs)` starts from the parameters of `work.network()`. What it returns is called once: it trains, and
returns the mean loss of each epoch, shape `(epochs,)` or `(epochs, replicates)`.
"""

import functools
import importlib.util
import warnings

import numpy as np

import nnlib as nn


def with_nnlib(work, epochs, change=None, activation=None, accuracy=False):
    """The last three are for `benchmarks.switches`: what is done to each layer, its activation, more to record."""
    network, (X, y) = work.network(activation), work.samples()
    for layer in network.layers if change else ():
        change(layer)
    train, settings = nn.train, {"accuracy": accuracy} | batches(work)
    if work.replicates and work.threads > 1:
        train = functools.partial(nn.parallel.train, n_jobs=work.threads)
        # joblib keeps its processes: their start is not timed, nor is JAX's compilation.
        train(work.network(), X, y, work.optimizer(), 1, **settings)
    return lambda: train(network, X, y, work.optimizer(), epochs, **settings).loss


def batches(work):
    return {"batch_size": work.batch, "shuffle": work.shuffle, "rng": 0} if work.batch else {}


def with_loop(work, epochs):
    """What the tutorials write: samples in rows, and a new array for each result. A stack is trained one by one."""
    X, y = work.samples()
    n, size = len(X), work.batch or len(X)
    T = y.astype(X.dtype)[:, None] if work.binary else np.eye(work.outputs, dtype=X.dtype)[y]
    rng, stack = np.random.default_rng(0), work.network()
    networks = [stack] if work.replicates is None else [stack[r] for r in range(work.replicates)]
    f, slope = {
        "sigmoid": (lambda Z: 1 / (1 + np.exp(-Z)), lambda A: A * (1 - A)),
        "relu": (lambda Z: np.maximum(0, Z), lambda A: A > 0),
        "tanh": (np.tanh, lambda A: 1 - A**2),
    }[work.activation]

    def train(parameters):
        losses, memory = [], [({}, {}) for _ in parameters]
        for _ in range(epochs):
            order, total = rng.permutation(n) if work.shuffle else None, 0.0
            for start in range(0, n, size):
                rows = slice(start, start + size) if order is None else order[start : start + size]
                x, t = X[rows], T[rows]
                A = [x]
                for W, b in parameters[:-1]:
                    Z = A[-1] @ W + b
                    A.append(f(Z))
                W, b = parameters[-1]
                Z = A[-1] @ W + b
                if work.binary:
                    P = 1 / (1 + np.exp(-Z))
                    loss = -np.mean(t * np.log(P) + (1 - t) * np.log(1 - P))
                else:
                    E = np.exp(Z - Z.max(axis=1, keepdims=True))
                    P = E / E.sum(axis=1, keepdims=True)
                    loss = -np.mean(np.sum(t * np.log(P), axis=1))
                total += loss * len(x)
                dZ = (P - t) / len(x)
                for i in range(len(parameters) - 1, -1, -1):
                    W, b = parameters[i]
                    dW, db = A[i].T @ dZ, dZ.sum(axis=0)
                    if i > 0:
                        dZ = dZ @ W.T * slope(A[i])
                    if work.adam:
                        dW, db = (adam(g, m, work.epsilon) for g, m in zip((dW, db), memory[i]))
                    W -= work.rate * dW
                    b -= work.rate * db
            losses.append(total / n)
        return losses

    starts = [[(layer.W.copy(), layer.b.copy()) for layer in network.layers] for network in networks]
    return lambda: train(starts[0]) if work.replicates is None else np.transpose([train(start) for start in starts])


def adam(g, memory, epsilon, beta1=0.9, beta2=0.999):
    """What is subtracted in place of the gradient, as the tutorials have it."""
    t = memory["t"] = memory.get("t", 0) + 1
    memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
    memory["s"] = beta2 * memory.get("s", 0) + (1 - beta2) * g**2
    m_hat = memory["m"] / (1 - beta1**t)
    s_hat = memory["s"] / (1 - beta2**t)
    return m_hat / (np.sqrt(s_hat) + epsilon)


def with_sklearn(work, epochs):
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    X, y = work.samples()
    activation = {"sigmoid": "logistic"}.get(work.activation, work.activation)
    model = MLPClassifier(
        work.hidden,
        activation,
        solver="adam" if work.adam else "sgd",
        epsilon=work.epsilon,  # added before the bias correction, where all others add it behind
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
    y = y.to(X.dtype)[:, None] if work.binary else y
    activation = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[work.activation]
    modules = []
    for layer in work.network().layers:
        linear = torch.nn.Linear(*layer.W.shape).to(X.dtype)
        linear.weight.data, linear.bias.data = torch.tensor(layer.W.T.copy()), torch.tensor(layer.b)
        modules += [linear, activation()]
    model = torch.nn.Sequential(*modules[:-1])
    kind = functools.partial(torch.optim.Adam, eps=work.epsilon) if work.adam else torch.optim.SGD
    optimizer = kind(model.parameters(), lr=work.rate)
    criterion = torch.nn.BCEWithLogitsLoss() if work.binary else torch.nn.CrossEntropyLoss()
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
    program, arguments = compiled(work, epochs)
    return lambda: np.asarray(program(*arguments)[1])


@functools.cache
def compiled(work, epochs):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    X, y = work.samples()
    n, size = len(X), work.batch or len(X)
    whole = n // size * size  # what comes in full batches
    x = jnp.asarray(X)
    t = jnp.asarray(y, X.dtype)[:, None] if work.binary else jax.nn.one_hot(y, work.outputs, dtype=X.dtype)
    rate = jnp.asarray(work.rate, X.dtype)
    activation = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu, "tanh": jnp.tanh}[work.activation]
    start = [(jnp.asarray(layer.W), jnp.asarray(layer.b)) for layer in work.network().layers]

    def mean_loss(parameters, x, t):
        for W, b in parameters[:-1]:
            x = activation(x @ W + b)
        W, b = parameters[-1]
        z = x @ W + b
        if work.binary:
            return jnp.mean(jnp.maximum(z, 0) - z * t + jnp.log1p(jnp.exp(-jnp.abs(z))))
        return -jnp.mean(jnp.sum(t * jax.nn.log_softmax(z), axis=1))

    def step(state, x, t):
        parameters, *memory = state
        loss, gradient = jax.value_and_grad(mean_loss)(parameters, x, t)
        if work.adam:
            m, s, i = memory
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
            s = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g**2, s, gradient)
            memory, of_m, of_s = (m, s, i + 1), 1 - 0.9 ** (i + 1), 1 - 0.999 ** (i + 1)
            gradient = jax.tree.map(lambda m, s: m / of_m / (jnp.sqrt(s / of_s) + work.epsilon), m, s)
        return (jax.tree.map(lambda p, g: p - rate * g, parameters, gradient), *memory), loss

    def train(parameters, x, t):
        def epoch(state, key):
            if size == n:
                return step(state, x, t)
            order = jax.random.permutation(key, n) if work.shuffle else None

            def batch(state, first):
                if order is None:
                    return step(state, *(jax.lax.dynamic_slice_in_dim(a, first, size) for a in (x, t)))
                rows = jax.lax.dynamic_slice_in_dim(order, first, size)
                return step(state, x[rows], t[rows])

            state, losses = jax.lax.scan(batch, state, jnp.arange(0, whole, size))
            total = size * losses.sum()
            if whole < n:
                rest = slice(whole, None) if order is None else order[whole:]
                state, loss = step(state, x[rest], t[rest])
                total += (n - whole) * loss
            return state, total / n

        zeros = jax.tree.map(jnp.zeros_like, parameters)
        state = (parameters, zeros, zeros, jnp.zeros((), X.dtype)) if work.adam else (parameters,)
        return jax.lax.scan(epoch, state, jax.random.split(jax.random.key(0), epochs))

    if work.replicates:
        train = jax.vmap(train, (0, None, None), out_axes=(0, 1))
    return jax.jit(train).lower(start, x, t).compile(), (start, x, t)


# Name: the module it needs, how to get ready.
SINGLE = {
    "nnlib": ("nnlib", with_nnlib),
    "tutorial loop": ("numpy", with_loop),
    "scikit-learn": ("sklearn", with_sklearn),
    "PyTorch": ("torch", with_torch),
    "JAX": ("jax", with_jax),
}
STACK = {name: SINGLE[name] for name in ("nnlib", "tutorial loop", "PyTorch", "JAX")}


def contestants(work):
    """Those that are installed, by name, and the names of the others."""
    field = STACK if work.replicates else SINGLE
    missing = [name for name, (module, _) in field.items() if importlib.util.find_spec(module) is None]
    return {name: ready for name, (_, ready) in field.items() if name not in missing}, missing
