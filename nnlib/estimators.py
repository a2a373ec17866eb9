"""`MLPClassifier` and `MLPRegressor`: networks of nnlib under scikit-learn's interface.

Parameters, defaults and fitted attributes are those of scikit-learn's classes of the same names: change the import,
and a program goes on as before. One thing is meant to be different. The L2 penalty is
`alpha / 2 * sum(W**2) / (sum of the sample weights)`, where scikit-learn divides by the size of each batch: there, a
smaller batch means a stronger penalty. With all samples in one batch both are the same.
"""

import copy
import warnings
from functools import partial
from numbers import Real

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import issparse
from sklearn import neural_network
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    RegressorMixin,
    TransformerMixin,
    _fit_context,
    is_classifier,
    is_regressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from nnlib import checks
from nnlib.activations import Activation, get_activation, quiet
from nnlib.layers import BatchNorm, Dense, Dropout
from nnlib.network import PIECE, Network
from nnlib.optimizers import AdamScale, Momentum, Optimizer, Transform
from nnlib.training import DivergenceError, train


# scikit-learn's start: Glorot & Bengio (2010), with a smaller bound for the sigmoid, and the same for biases.
def _glorot(factor, rng, fan_in, fan_out):
    bound = np.sqrt(factor / (fan_in + fan_out))
    return rng.uniform(-bound, bound, (fan_in, fan_out))


def _glorot_bias(factor, rng, fan_in, fan_out):
    bound = np.sqrt(factor / (fan_in + fan_out))
    return rng.uniform(-bound, bound, fan_out)


class _Penalty(Transform):
    """Add the gradient of `rate / 2 * sum(W**2)`, and keep the value of each step for the loss curve."""

    def __init__(self):
        self.rate, self.values = 0.0, []

    def start(self, theta, decayed):
        super().start(theta, decayed)
        self.decayed, self.values = decayed.astype(theta.dtype), []

    def apply(self, update, theta):
        if self.rate:
            np.multiply(theta, self.decayed, out=self.room)
            self.room *= self.rate
            self.values.append(float(theta @ self.room) / 2)
            update += self.room

    def mean(self):
        """The mean over the steps since the last call."""
        values, self.values = self.values, []
        return np.mean(values) if values else 0.0


class _AdamScale(AdamScale):
    """Adam as scikit-learn has it: epsilon is added before the bias is removed (Kingma & Ba, end of section 2)."""

    def __init__(self, beta1, beta2, epsilon):
        super().__init__(beta1, beta2, epsilon)
        self.epsilon_hat = self.epsilon

    def apply(self, update, theta):
        self.epsilon = self.epsilon_hat / np.sqrt(1 - self.beta2 ** (int(self.t) + 1))
        super().apply(update, theta)


class _Views(list):
    """A list of parts of a network: what is assigned to an item is copied into the network."""

    def __setitem__(self, i, values):
        checks.overwrite(f"array {i} of coefs_ or intercepts_", self[i], values)


def _views_of(part, doc):
    def get(self):
        return _Views(getattr(layer, part) for layer in self.network_.layers if isinstance(layer, Dense))

    def set_all(self, arrays):
        check_is_fitted(self, "network_")
        for i, values in enumerate(arrays):
            get(self)[i] = values

    return property(get, set_all, doc=doc)


class _MLP(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """What both estimators share: everything but labels and scores."""

    # scikit-learn's own limits for the parameters that are its own.
    _parameter_constraints = neural_network.MLPClassifier._parameter_constraints | {
        "activation": [str, Activation, "array-like"],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "dropout": [None, Interval(Real, 0, 1, closed="left")],
        "batch_norm": ["boolean"],
        "init": [None, str, callable],
        "optimizer": [None, Optimizer],
        "schedule": [None, callable],
    }

    coefs_ = _views_of("W", "Weights, layer by layer: a list of arrays of shape (inputs, units), views of `network_`.")
    intercepts_ = _views_of("b", "Biases, layer by layer: a list of arrays of shape (units,), views of `network_`.")

    def _keep(self, arguments):
        """The arguments of `__init__` as attributes of the same name, as scikit-learn asks for."""
        vars(self).update((name, value) for name, value in arguments.items() if name != "self")

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, validation_data=None):
        """Train on all samples, up to `max_iter` times.

        Parameters
        ----------
        X : array or sparse matrix of shape (n, features)
            Of a sparse matrix, one batch at a time becomes dense. From float32, a float32 network is made.
        y : array of shape (n,) or (n, outputs)
        sample_weight : array of shape (n,), optional
        validation_data : (X, y) or (X, y, sample_weight), optional
            Measured after each epoch: see `validation_scores_` and `validation_loss_curve_`. With
            `early_stopping=True` it takes the place of the part that is otherwise split off from `X`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Parameters or shapes that do not fit; training diverged.
        """
        return self._fit(X, y, sample_weight, validation_data)

    def transform(self, X):
        """Activations of the last hidden layer, shape (n, units); `network_.activations(X)` has those of all layers.

        Parameters
        ----------
        X : array or sparse matrix of shape (n, features)

        Raises
        ------
        ValueError
            Wrong number of features; or there is no hidden layer.
        """
        X = self._check_X(X)
        if self.n_layers_ == 2:
            raise ValueError("there is no hidden layer to transform to: set hidden_layer_sizes, for instance (100,).")
        return self.network_.activations(X)[-2]

    @property
    def _n_features_out(self):
        return self.coefs_[-1].shape[0]

    def _check_X(self, X):
        check_is_fitted(self, "network_")
        return validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)

    def _outputs(self, X):
        X = self._check_X(X)
        return self.network_.predict(X)

    def _check_pair(self, X, y, reset=False):
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, y_numeric=is_regressor(self),
            dtype=(np.float64, np.float32), reset=reset,
        )  # fmt: skip
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _check_weight(self, weight, X):
        return weight if weight is None else _check_sample_weight(weight, X, dtype=X.dtype, ensure_non_negative=True)

    def _is_stochastic(self):
        if self.optimizer is None and self.solver == "lbfgs":
            raise AttributeError("partial_fit needs a solver that goes batch by batch: set solver='adam' or 'sgd'.")
        return True

    def _fit(self, X, y, sample_weight, validation_data=None, incremental=False):
        lbfgs = self.optimizer is None and self.solver == "lbfgs"
        if incremental and self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it sees a part of the data at a time. "
                "Measure the score between the calls, and stop calling."
            )
        extras = {"dropout": self.dropout, "batch_norm": self.batch_norm, "schedule": self.schedule is not None,
                  "validation_data": validation_data is not None}  # fmt: skip
        if lbfgs and any(extras.values()):
            names = ", ".join(name for name, used in extras.items() if used)
            raise ValueError(f"solver='lbfgs' has no batches and no epochs, so no {names}: set solver='adam' or 'sgd'.")

        first = not hasattr(self, "network_") or not (self.warm_start or incremental)
        X, y = self._check_pair(X, y, reset=first)
        self._learn_labels(y, first, incremental)
        t = self._encode(y)
        weight = self._weigh(y, self._check_weight(sample_weight, X), incremental)
        rng = check_random_state(self.random_state)
        layers = self._layers(t.shape[1])
        if first:
            self._start(X, t, layers, rng)
        elif repr(layers) != repr(self.network_.layers):
            raise ValueError(
                f"training goes on with the network at hand, {self.network_.layers}, but parameters and y now ask "
                f"for {layers}. To begin anew, call fit with warm_start=False."
            )
        if lbfgs:
            self._minimize(X, t, weight)
        else:
            self._descend(X, t, weight, validation_data, rng, incremental)
        return self

    def _layers(self, n_outputs):
        sizes = self.hidden_layer_sizes if np.iterable(self.hidden_layer_sizes) else [self.hidden_layer_sizes]
        sizes = [checks.positive_int("hidden_layer_sizes", size) for size in sizes]
        names = [self.activation] * len(sizes)
        if not isinstance(self.activation, (str, Activation)):
            names = list(self.activation)
        if len(names) != len(sizes):
            raise ValueError(
                f"activation lists {len(names)} names for {len(sizes)} hidden layers: give one name, or one per layer."
            )
        functions = [get_activation("sigmoid" if name == "logistic" else name) for name in names]

        def dense(units, activation, rule):
            if self.init is not None:
                return Dense(units, activation, self.init)
            factor = 2 if rule.name == "sigmoid" else 6
            return Dense(units, activation, partial(_glorot, factor), partial(_glorot_bias, factor))

        layers = []
        for size, function in zip(sizes, functions):
            if self.batch_norm:
                layers += [dense(size, "identity", function), BatchNorm(function)]
            else:
                layers.append(dense(size, function, function))
            if self.dropout:
                layers.append(Dropout(self.dropout))
        return [*layers, dense(n_outputs, "identity", functions[-1] if functions else get_activation("identity"))]

    def _start(self, X, t, layers, rng):
        loss, self.out_activation_ = self._loss()
        self.network_ = Network(X.shape[1], layers, loss=loss, rng=rng, dtype=X.dtype)
        self.n_outputs_ = t.shape[1]
        self.n_layers_ = 1 + sum(isinstance(layer, Dense) for layer in layers)
        self.n_iter_ = self.t_ = self._no_improvement_count = 0
        self.loss_curve_, self.validation_scores_, self.validation_loss_curve_ = [], None, None
        self.best_loss_ = self.best_validation_score_ = None
        for name in ("_optimizer", "loss_"):
            vars(self).pop(name, None)

    def _descend(self, X, t, weight, validation_data, rng, incremental):
        """Epochs of batches, for solvers sgd and adam and for optimizers of nnlib."""
        validation = None
        if validation_data is not None:
            validation = self._check_validation(validation_data)
        elif self.early_stopping:
            X, t, weight, validation = self._split(X, t, weight, rng)
        if validation is not None and self.validation_scores_ is None:
            self.validation_scores_, self.validation_loss_curve_, self.best_validation_score_ = [], [], -np.inf
        if self.early_stopping or self.best_loss_ is None:  # it may have changed since the last call
            self.best_loss_ = None if self.early_stopping else np.inf
        n = X.shape[0]
        if self.batch_size != "auto" and self.batch_size > n:
            warnings.warn(f"batch_size={self.batch_size} is more than the {n} samples, and is clipped to {n}.")
        if not incremental or not hasattr(self, "_optimizer"):
            self._optimizer = self._new_optimizer()
        self._optimizer.transforms[0].rate = self.alpha / (n if weight is None else float(weight.sum()))
        best = [self.network_.theta.copy(), self.network_.state.copy()]
        settled, self.n_iter_ = False, 0

        def after_epoch(run):
            nonlocal settled
            settled = self._after_epoch(run, n, validation, best)
            return settled

        try:
            history = train(
                self.network_, X, t, self._optimizer, 1 if incremental else self.max_iter, sample_weight=weight,
                batch_size=min(200 if self.batch_size == "auto" else self.batch_size, n), shuffle=self.shuffle,
                rng=rng, callbacks=after_epoch, accuracy=False, restart=not incremental,
            )  # fmt: skip
        except DivergenceError as error:
            if not (self.early_stopping and np.isfinite(self.best_validation_score_)):
                raise _not_finite(error) from error
            for curve in (self.loss_curve_, self.validation_scores_, self.validation_loss_curve_):
                curve.append(np.nan)
            self.n_iter_ += 1
            warnings.warn(f"{error} Early stopping went back to the best parameters before.", ConvergenceWarning)
        else:
            if history.interrupted:
                warnings.warn("Training interrupted by user.")
            elif not settled and not incremental:
                warnings.warn(
                    f"The optimization has not converged in max_iter={self.max_iter} epochs: the loss still changes. "
                    "Raise max_iter, tol or learning_rate_init.",
                    ConvergenceWarning,
                )
        if self.early_stopping:
            self.network_.theta, self.network_.state = best

    def _check_validation(self, data):
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            kind = type(data).__name__
            raise ValueError(f"validation_data must be a pair (X, y), or (X, y, sample_weight), not a {kind}.")
        X, y = self._check_pair(*data[:2])
        return X, self._encode(y, "validation y"), self._check_weight(data[2] if len(data) == 3 else None, X)

    def _split(self, X, t, weight, rng):
        one_label = is_classifier(self) and self.n_outputs_ == 1
        kept, out = train_test_split(
            np.arange(len(t)), random_state=rng, test_size=self.validation_fraction, stratify=t if one_label else None
        )
        if len(out) < 2:
            raise ValueError(
                f"The validation set is too small: {len(out)} of {len(t)} samples. Increase 'validation_fraction' or "
                "the size of your dataset, or pass validation_data to fit."
            )
        X = X.tocsr() if issparse(X) else X
        parts = [(X[rows], t[rows], None if weight is None else weight[rows]) for rows in (kept, out)]
        return *parts[0], parts[1]

    def _new_optimizer(self):
        if self.optimizer is not None:
            optimizer = copy.deepcopy(self.optimizer)
        elif self.solver == "sgd":
            momentum = [Momentum(self.momentum, self.nesterovs_momentum)] if self.momentum else []
            optimizer = Optimizer(self.learning_rate_init, momentum)
        else:
            optimizer = Optimizer(self.learning_rate_init, [_AdamScale(self.beta_1, self.beta_2, self.epsilon)])
        optimizer.transforms.insert(0, _Penalty())
        if self.schedule is not None:
            optimizer.learning_rate = self.schedule
        return optimizer

    def _set_rate(self, rate):
        # In scikit-learn the velocity is a sum of steps, here of gradients: what was gained at the old rate is kept.
        for velocity in self._optimizer.memory().values():
            velocity *= self._optimizer.learning_rate / rate
        self._optimizer.learning_rate = rate

    def _after_epoch(self, run, n, validation, best):
        """Record an epoch; True if training has settled. `best` holds parameters and state, and is kept up to date."""
        self.loss_ = float(run.history.loss[run.epoch] + self._optimizer.transforms[0].mean())
        self.n_iter_ = run.epoch + 1
        self.t_ += n
        self.loss_curve_.append(self.loss_)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
        if validation is not None:
            X, t, weight = validation
            z = self.network_.logits(X)
            with np.errstate(all="ignore"):  # just before a divergence the squares of R2 overflow
                score = float(self._score(z, t, weight))
            self.validation_scores_.append(score)
            self.validation_loss_curve_.append(float(self.network_.loss_function(z, t, weight)))
            if self.verbose:
                print(f"Validation score: {score:f}")
        if self.early_stopping:
            better = score > self.best_validation_score_
            improved = score >= self.best_validation_score_ + self.tol
            if better:
                best[:] = self.network_.theta.copy(), self.network_.state.copy()
        else:
            improved = self.loss_ <= self.best_loss_ - self.tol
            self.best_loss_ = min(self.best_loss_, self.loss_)
        if validation is not None:
            self.best_validation_score_ = max(self.best_validation_score_, score)  # in this order: the score may be NaN
        self._no_improvement_count = 0 if improved else self._no_improvement_count + 1

        own_rate = self.solver == "sgd" and self.optimizer is None and self.schedule is None
        if own_rate and self.learning_rate == "invscaling":
            self._set_rate(self.learning_rate_init / (self.t_ + 1) ** self.power_t)
        if self._no_improvement_count <= self.n_iter_no_change:
            return False
        what = "Validation score" if self.early_stopping else "Training loss"
        message = f"{what} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} consecutive epochs."
        if own_rate and self.learning_rate == "adaptive" and self._optimizer.learning_rate > 1e-6:
            self._set_rate(self._optimizer.learning_rate / 5)
            self._no_improvement_count = 0
            settled, then = False, f"Setting learning rate to {self._optimizer.learning_rate:f}"
        else:
            settled, then = True, "Stopping."
        if self.verbose:
            print(f"{message} {then}")
        return settled

    def _minimize(self, X, t, weight):
        """L-BFGS-B of SciPy on the loss of all samples: Byrd, Lu, Nocedal & Zhu (1995)."""
        network = self.network_
        samples = network.encode(X, t, weight)
        n = len(samples)
        total = n if weight is None else float(weight.sum())
        most = min(n, max(1, PIECE // X.shape[1])) if issparse(X) else n  # no more than that becomes dense at a time
        pieces = [slice(start, start + most) for start in range(0, n, most)]
        whole = samples.batch() if len(pieces) == 1 else None
        workspaces = {}

        @quiet
        def objective(theta):
            network.theta = theta
            gradient = self.alpha / total * network.decayed * theta
            loss = theta @ gradient / 2
            for rows in pieces:
                batch = whole or samples.batch(rows)
                if len(batch) not in workspaces:
                    workspaces[len(batch)] = network.workspace(len(batch))
                mean, _ = network.differentiate(batch, workspaces[len(batch)])
                loss += batch.total / total * mean
                gradient += batch.total / total * network.grad
            return float(loss), gradient

        def show(intermediate_result):
            print(f"loss = {intermediate_result.fun:.8f}")

        result = minimize(
            objective, network.theta.astype(np.float64), jac=True, method="L-BFGS-B",
            options={"maxiter": self.max_iter, "maxfun": self.max_fun, "gtol": self.tol},
            callback=show if self.verbose else None,
        )  # fmt: skip
        if not (np.isfinite(result.fun) and np.isfinite(result.x).all()):
            raise _not_finite("The loss became infinite or NaN. Scale X and y to a standard deviation of about 1.")
        network.theta = result.x
        self.loss_, self.n_iter_ = result.fun, min(result.nit, self.max_iter)
        if result.status != 0:
            warnings.warn(
                f"lbfgs failed to converge after {self.n_iter_} iterations: {result.message}. Raise max_iter or "
                "max_fun, or scale X to a standard deviation of about 1.",
                ConvergenceWarning,
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _not_finite(reason):
    return ValueError(
        "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
        f"preprocessed. {reason}"
    )


# scikit-learn wants every parameter in the signature of each class; the order and the defaults are its own.
# fmt: off
class MLPClassifier(ClassifierMixin, _MLP):
    """A classifier: scikit-learn's `MLPClassifier`, and what its users ask for beyond.

    Two classes get one output with a sigmoid, more classes a softmax, and several labels per sample (`y` of shape
    (n, labels), of 0 and 1) a sigmoid each. The loss is the cross-entropy. Labels may be numbers or strings.

    Parameters
    ----------
    hidden_layer_sizes, solver, alpha, ..., max_fun
        All parameters of `sklearn.neural_network.MLPClassifier`, with the same meaning and the same defaults, but for
        the penalty `alpha`: see the top of this module.
    activation : str or Activation, or a sequence with one per hidden layer, default "relu"
        scikit-learn's names (identity, logistic, tanh, relu) or those of `nn.ACTIVATIONS`.
    dropout : float in [0, 1), optional
        Rate of a `Dropout` behind each hidden layer.
    batch_norm : bool, default False
        Whether each hidden layer has a `BatchNorm` before its activation.
    init : str or callable, optional
        An initializer of nnlib for the weights, such as "he"; biases are then zero. By default scikit-learn's rule.
    optimizer : Optimizer, optional
        An optimizer of nnlib such as `nn.AdamW(0.01)`. Takes the place of `solver` and of the parameters for it; a
        copy is used. `alpha` applies as before: set it to 0 if the optimizer decays weights.
    schedule : callable, optional
        The learning rate as a function of the number of the step, from 0, such as those of `nn.schedules`. Takes the
        place of the learning rate of solver or optimizer.
    class_weight : dict {label: weight}, "balanced" or list of dicts, optional
        Multiplies the sample weights, as in other classifiers of scikit-learn.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Weights and biases of the layers, views of those of `network_`. New values are copied into it.
    network_ : Network
        The network itself: for `network_.activations(X)`, `network_.save(path)`, `nn.to_onnx`.
    loss_, best_loss_ : float; loss_curve_ : list of float, one per epoch
        Loss with penalty; `best_loss_` is None with early stopping. There is no curve with solver lbfgs.
    validation_scores_, validation_loss_curve_ : list of float, one per epoch, or None
        Accuracy (of several labels, all must be right) and loss without penalty, on `validation_data` or on the part
        that early stopping splits off; None if there is neither.
    best_validation_score_ : float or None
    classes_ : ndarray
        The labels in sorted order, as in the columns of `predict_proba`; with several labels per sample their numbers.
    n_iter_, t_, n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    ValueError
        By `fit`: parameters out of range, data that do not fit, training that diverged.

    Examples
    --------
    >>> import nnlib as nn
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> model = nn.MLPClassifier(16, ["tanh"], optimizer=nn.AdamW(0.05), max_iter=50, tol=0.01, random_state=0)
    >>> bool(cross_val_score(make_pipeline(StandardScaler(), model), X, y).mean() > 0.9)
    True
    """

    _parameter_constraints = _MLP._parameter_constraints | {
        "class_weight": [dict, list, StrOptions({"balanced"}), None]
    }

    def __init__(
        self, hidden_layer_sizes=(100,), activation="relu", *, solver="adam", alpha=0.0001, batch_size="auto",
        learning_rate="constant", learning_rate_init=0.001, power_t=0.5, max_iter=200, shuffle=True, random_state=None,
        tol=1e-4, verbose=False, warm_start=False, momentum=0.9, nesterovs_momentum=True, early_stopping=False,
        validation_fraction=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-8, n_iter_no_change=10, max_fun=15000,
        dropout=None, batch_norm=False, init=None, optimizer=None, schedule=None, class_weight=None,
    ):
        self._keep(locals())
    # fmt: on

    @available_if(_MLP._is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Go once through a part of the data, and on from there with the next part.

        Parameters
        ----------
        X, y, sample_weight : as for `fit`
        classes : array of shape (n_classes,)
            All labels that will ever come. Needed at the first call, and may be left out afterwards.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `fit`; or no or other `classes`, or labels that are not among them.
        """
        if _check_partial_fit_first_call(self, classes):
            self._binarizer = LabelBinarizer().fit(y if type_of_target(y).startswith("multilabel") else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """The most probable class of each row of `X`, shape (n,); of several labels 1 or 0, shape (n, labels)."""
        outputs = self._outputs(X)
        return self._binarizer.inverse_transform(outputs[:, 0] if self.n_outputs_ == 1 else outputs)

    def predict_proba(self, X):
        """Probabilities for each row of `X`, shape (n, classes), as `classes_` has them; of each of several labels."""
        p = self._outputs(X)
        return np.hstack([1 - p, p])[:, : len(self.classes_)] if self.n_outputs_ == 1 else p

    def predict_log_proba(self, X):
        """Logarithms of `predict_proba(X)`; minus infinity where a probability rounds to 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _learn_labels(self, y, first, incremental):
        if incremental:
            return
        if first:
            self._binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._binarizer.classes_
        elif set(unique_labels(y).tolist()) != set(self.classes_.tolist()):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously "
                f"got {self.classes_}, `y` has {unique_labels(y)}. To begin anew, call fit with warm_start=False."
            )

    def _encode(self, y, name="y"):
        strangers = set(unique_labels(y).tolist()) - set(self.classes_.tolist())
        if strangers:
            raise ValueError(
                f"`{name}` has classes not in `self.classes_`: {sorted(strangers, key=str)}; known are "
                f"{self.classes_.tolist()}. Name all classes at the first call of partial_fit, or drop those samples."
            )
        t = self._binarizer.transform(y)
        return (t.toarray() if issparse(t) else t).astype(bool)

    def _weigh(self, y, weight, incremental):
        if self.class_weight is None:
            return weight
        if incremental and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all labels, and partial_fit sees a part of them: pass a dict, from "
                "sklearn.utils.compute_class_weight('balanced', classes=classes, y=all_labels)."
            )
        of_class = compute_sample_weight(self.class_weight, y)
        return of_class if weight is None else of_class * weight

    def _loss(self):
        if self._binarizer.y_type_ == "multiclass":
            return "categorical_cross_entropy", "softmax"
        return "binary_cross_entropy", "logistic"

    def _score(self, z, t, weight):
        return np.average(self.network_.loss_function.correct(z.T, t.T), weights=weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


# fmt: off
class MLPRegressor(RegressorMixin, _MLP):
    """A regressor: scikit-learn's `MLPRegressor`, and what its users ask for beyond.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, default "squared_error"
        Half the squared error, or half the Poisson deviance with an exponential output, for `y` of at least 0.
    hidden_layer_sizes, ..., max_fun, dropout, batch_norm, init, optimizer, schedule
        As for `MLPClassifier`.

    Attributes
    ----------
    validation_scores_ : list of float or None
        The coefficient of determination R2, one per epoch. All others are as for `MLPClassifier`.

    Raises
    ------
    ValueError
        By `fit`: parameters out of range, data that do not fit, training that diverged.

    Examples
    --------
    >>> import nnlib as nn
    >>> import numpy as np
    >>> X = np.linspace(-3, 3, 100).reshape(-1, 1)
    >>> model = nn.MLPRegressor("squared_error", 20, "tanh", solver="lbfgs", random_state=0).fit(X, np.sin(X[:, 0]))
    >>> bool(model.score(X, np.sin(X[:, 0])) > 0.99)
    True
    >>> model.transform(X).shape
    (100, 20)
    """

    _parameter_constraints = _MLP._parameter_constraints | {"loss": [StrOptions({"squared_error", "poisson"})]}

    def __init__(
        self, loss="squared_error", hidden_layer_sizes=(100,), activation="relu", *, solver="adam", alpha=0.0001,
        batch_size="auto", learning_rate="constant", learning_rate_init=0.001, power_t=0.5, max_iter=200, shuffle=True,
        random_state=None, tol=1e-4, verbose=False, warm_start=False, momentum=0.9, nesterovs_momentum=True,
        early_stopping=False, validation_fraction=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-8, n_iter_no_change=10,
        max_fun=15000, dropout=None, batch_norm=False, init=None, optimizer=None, schedule=None,
    ):
        self._keep(locals())
    # fmt: on

    @available_if(_MLP._is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Go once through a part of the data, and on from there with the next part.

        Parameters, result and errors are those of `fit`.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """Predictions for each row of `X`, shape (n,) or (n, outputs)."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self.n_outputs_ == 1 else outputs

    def _learn_labels(self, y, first, incremental):
        pass

    def _encode(self, y, name="y"):
        return y.reshape(len(y), -1)

    def _weigh(self, y, weight, incremental):
        return weight

    def _loss(self):
        if self.loss == "poisson":
            return "poisson", "exp"
        return "half_squared_error", "identity"

    def _score(self, z, t, weight):
        outputs = self.network_.loss_function.link(z)
        return r2_score(t, outputs, sample_weight=weight) if np.isfinite(outputs).all() else np.nan
