"""`MLPClassifier` and `MLPRegressor`: networks of nnlib under scikit-learn's interface.

Parameters, defaults and fitted attributes are those of scikit-learn's classes of the same names: change the import,
and a program goes on as before. Two things are meant to be different. The L2 penalty is
`alpha / 2 * sum(W**2) / (sum of the sample weights)`, where scikit-learn divides by the size of each batch: there, a
smaller batch means a stronger penalty. With all samples in one batch both are the same. And the part that early
stopping splits off has its share of every class, however many there are, where scikit-learn cares for two: there, a
small class may be missing from the training. As with two classes, one of a single sample is an error.
"""

import warnings
from functools import partial
from numbers import Real

import numpy as np
from scipy.optimize import minimize
from sklearn import base, metrics, neural_network, preprocessing
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, column_or_1d, compute_sample_weight, metaestimators
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

import nnlib as nn
from nnlib.activations import get_activation, quiet
from nnlib.run import checks
from nnlib.run.samples import Samples

FORMATS = {"accept_sparse": ["csr", "csc"], "dtype": (np.float64, np.float32)}
# What scikit-learn calls the links of our losses, where the name is another.
LINKS = {"sigmoid": "logistic", "exponential": "exp"}


def _glorot(factor, of_bias, rng, fan_in, fan_out):
    """scikit-learn's start: Glorot & Bengio (2010), with a smaller bound for the sigmoid, and the same for biases."""
    bound = np.sqrt(factor / (fan_in + fan_out))
    return rng.uniform(-bound, bound, fan_out if of_bias else (fan_in, fan_out))


class _Penalty(nn.Decay):
    """Weight decay that keeps the value of the penalty at each step, for the loss curve."""

    def start(self, theta, decayed):
        super().start(theta, decayed)
        self.values = []

    def apply(self, update, theta):
        super().apply(update, theta)
        self.values.append(float(theta @ self.room) / 2)


class _AdamScale(nn.AdamScale):
    """Adam as scikit-learn has it: epsilon is added before the bias is removed (Kingma & Ba, end of section 2)."""

    def apply(self, update, theta):
        epsilon = self.epsilon
        self.epsilon = epsilon / np.sqrt(1 - self.beta2 ** (int(self.t) + 1))
        super().apply(update, theta)
        self.epsilon = epsilon


class _Views(list):
    """A list of parts of a network: what is assigned to an item is copied into the network."""

    def __setitem__(self, i, values):
        checks.overwrite(f"array {i} of coefs_ or intercepts_", self[i], values)


def _views_of(part, doc):
    def get(self):
        return _Views(getattr(layer, part) for layer in self.network_.layers if isinstance(layer, nn.Dense))

    def set_all(self, arrays):
        check_is_fitted(self, "network_")
        for i, values in enumerate(arrays):
            get(self)[i] = values

    return property(get, set_all, doc=doc)


class _MLP(base.ClassNamePrefixFeaturesOutMixin, base.TransformerMixin, base.BaseEstimator):
    """What both estimators share: everything but labels and scores."""

    # scikit-learn's own limits for the parameters that are its own. Only regressors have `loss`, only classifiers
    # `class_weight`.
    _parameter_constraints = neural_network.MLPRegressor._parameter_constraints | {
        "activation": [str, nn.Activation, "array-like"],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "dropout": [None, Interval(Real, 0, 1, closed="left")],
        "batch_norm": ["boolean"],
        "init": [None, str, callable],
        "optimizer": [None, nn.Optimizer],
        "schedule": [None, callable],
        "class_weight": [None, dict, list, StrOptions({"balanced"})],
    }

    coefs_ = _views_of("W", "Weights, layer by layer: a list of arrays of shape (inputs, units), views of `network_`.")
    intercepts_ = _views_of("b", "Biases, layer by layer: a list of arrays of shape (units,), views of `network_`.")

    def _keep(self, arguments):
        """The arguments of `__init__` as attributes of the same name, as scikit-learn asks for."""
        vars(self).update((name, value) for name, value in arguments.items() if name != "self")

    @base._fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Train on all samples, up to `max_iter` times.

        Parameters
        ----------
        X : array or sparse matrix of shape (n, features)
            Of a sparse matrix, one batch at a time becomes dense. From float32, a float32 network is made.
        y : array of shape (n,) or (n, outputs)
        sample_weight : array of shape (n,), optional
        X_val, y_val : like X and y, optional
            Measured after each epoch: see `validation_scores_` and `validation_loss_curve_`. With
            `early_stopping=True` they take the place of the part that is otherwise split off from `X`. The example
            shows how a pipeline transforms them.
        sample_weight_val : array of shape (n_val,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Parameters or shapes that do not fit; training diverged; early stopping cannot split off samples of every
            class, because there are too few.

        Warns
        -----
        ConvergenceWarning
            `max_iter` was reached; or training diverged, and early stopping went back to the best parameters.
        UserWarning
            The loss, with penalty, rose far above its start: the steps were too long.

        Examples
        --------
        >>> import nnlib as nn
        >>> from sklearn import config_context
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.pipeline import Pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> X, y = load_iris(return_X_y=True)
        >>> X_val, y_val = X[::3], y[::3]
        >>> with config_context(enable_metadata_routing=True):
        ...     mlp = nn.MLPClassifier(16, learning_rate_init=0.05, early_stopping=True, random_state=0)
        ...     steps = [("scale", StandardScaler()), ("mlp", mlp.set_fit_request(X_val=True, y_val=True))]
        ...     pipeline = Pipeline(steps, transform_input=["X_val"]).fit(X, y, X_val=X_val, y_val=y_val)
        >>> pipeline["mlp"].best_validation_score_ > 0.9
        True
        """
        return self._fit(X, y, sample_weight, X_val, y_val, sample_weight_val)

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

    def _check_X(self, X):
        check_is_fitted(self, "network_")
        return validate_data(self, X, reset=False, **FORMATS)

    def _check_pair(self, X, y, reset=False):
        numeric = base.is_regressor(self)
        X, y = validate_data(self, X, y, reset=reset, multi_output=True, y_numeric=numeric, **FORMATS)
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _check_weight(self, weight, X):
        return weight if weight is None else _check_sample_weight(weight, X, dtype=X.dtype, ensure_non_negative=True)

    def _is_stochastic(self):
        if self.optimizer is None and self.solver == "lbfgs":
            raise AttributeError("partial_fit needs a solver that goes batch by batch: set solver='adam' or 'sgd'.")
        return True

    def _fit(self, X, y, sample_weight, X_val=None, y_val=None, sample_weight_val=None, incremental=False):
        lbfgs = self.optimizer is None and self.solver == "lbfgs"
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True: measure scores between calls yourself.")
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val go together: pass both, or neither.")
        used = [name for name in ("dropout", "batch_norm", "schedule") if getattr(self, name)]
        used += ["X_val"] * (X_val is not None)
        if lbfgs and used:
            raise ValueError(f"solver='lbfgs' has no batches, so no {', '.join(used)}: set solver='adam' or 'sgd'.")

        first = not hasattr(self, "network_") or not (self.warm_start or incremental)
        X, y = self._check_pair(X, y, reset=first)
        weight = self._check_weight(sample_weight, X)
        if base.is_classifier(self):
            weight = self._learn_labels(y, weight, first, incremental)
        t = self._encode(y)
        rng = check_random_state(self.random_state)
        layers = self._layers(t.shape[1])
        if first:
            self._start(X, t, layers, rng)
        elif repr(layers) != repr(list(self.network_.layers)):
            was = f"training goes on with the network at hand, {[*self.network_.layers]}"
            raise ValueError(f"{was}, but now it would be {layers}. To begin anew, set warm_start=False.")
        if lbfgs:
            self._minimize(X, t, weight)
            return self
        data, validation = (X, t, weight), None
        if X_val is not None:
            X_val, y_val = self._check_pair(X_val, y_val)
            validation = X_val, self._encode(y_val, "y_val"), self._check_weight(sample_weight_val, X_val)
        elif self.early_stopping:
            data, validation = self._split(data, y, rng)
        self._descend(*data, validation, rng, incremental)
        return self

    def _layers(self, n_outputs):
        sizes = np.atleast_1d(self.hidden_layer_sizes).tolist()
        sizes = [checks.positive_int("hidden_layer_sizes", size) for size in sizes]
        one = isinstance(self.activation, (str, nn.Activation))
        names = [self.activation] * len(sizes) if one else list(self.activation)
        if len(names) != len(sizes):
            raise ValueError(f"activation lists {len(names)} names for {len(sizes)} hidden layers: give one, or all.")
        functions = [get_activation("sigmoid" if name == "logistic" else name) for name in names]

        def dense(units, activation, rule):
            start = [partial(_glorot, 2 if rule == "sigmoid" else 6, of_bias) for of_bias in (False, True)]
            return nn.Dense(units, activation, *(start if self.init is None else [self.init]))

        layers = []
        for size, function in zip(sizes, functions):
            layers.append(dense(size, "identity" if self.batch_norm else function, function.name))
            if self.batch_norm:
                layers.append(nn.BatchNorm(function))
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
        return [*layers, dense(n_outputs, "identity", functions[-1].name if functions else "identity")]

    def _start(self, X, t, layers, rng):
        self.network_ = nn.Network(X.shape[1], layers, loss=self._loss_name(), rng=rng, dtype=X.dtype)
        link = self.network_.loss_function.link.name
        self.out_activation_, self.n_outputs_ = LINKS.get(link, link), t.shape[1]
        self.n_layers_, self._n_features_out = 1 + len(self.coefs_), self.coefs_[-1].shape[0]
        self.n_iter_ = self.t_ = self._no_improvement_count = 0
        self.loss_curve_, self.validation_scores_, self.validation_loss_curve_ = [], None, None
        self.loss_ = self.best_loss_ = self.best_validation_score_ = self._optimizer = None

    def _split(self, data, y, rng):
        """Two parts of the data; the second, for validation, has its share of every class."""
        n, labels = len(data[1]), data[1] if self.n_outputs_ == 1 else y  # of two classes what scikit-learn takes
        stratify = labels if base.is_classifier(self) and y.ndim == 1 else None
        try:
            parts = train_test_split(range(n), test_size=self.validation_fraction, stratify=stratify, random_state=rng)
            if len(parts[1]) < 2:
                raise ValueError(f"The validation set is too small: {len(parts[1])} of {n} samples")
        except ValueError as error:
            remedy = "increase validation_fraction or the size of your dataset, or pass X_val and y_val to fit."
            raise ValueError(f"{error}. Early stopping splits off a share of every class: {remedy}") from error
        return [[each if each is None else each[rows] for each in data] for rows in parts]

    def _descend(self, X, t, weight, validation, rng, incremental):
        """Epochs of batches, for solvers sgd and adam and for optimizers of nnlib."""
        if validation is not None and self.validation_scores_ is None:
            self.validation_scores_, self.validation_loss_curve_, self.best_validation_score_ = [], [], -np.inf
        if self.early_stopping or self.best_loss_ is None:  # it may have changed since the last call
            self.best_loss_ = None if self.early_stopping else np.inf
        network, n = self.network_, X.shape[0]
        batch_size = min(200, n) if self.batch_size == "auto" else self.batch_size
        if batch_size > n:
            warnings.warn(f"batch_size={batch_size} is more than the {n} samples, and is clipped to {n}.")
        if not incremental or self._optimizer is None:
            self._optimizer = self._new_optimizer()
        penalty = self._optimizer.transforms[0]
        penalty.rate = self.alpha / (n if weight is None else float(weight.sum()))
        penalty.start(network.theta, network.decayed)  # partial_fit does not start it
        best = [network.theta.copy(), network.state.copy()]
        self.n_iter_ = 0
        try:
            history = nn.train(
                network, X, t, self._optimizer, 1 if incremental else self.max_iter, sample_weight=weight,
                batch_size=min(batch_size, n), shuffle=self.shuffle, rng=rng, accuracy=False,
                callbacks=lambda run: self._after_epoch(run, validation, best), restart=not incremental,
            )  # fmt: skip
        except nn.DivergenceError as error:
            if not (self.early_stopping and np.isfinite(self.best_validation_score_)):
                raise _not_finite(error) from error
            for curve in (self.loss_curve_, self.validation_scores_, self.validation_loss_curve_):
                curve.append(np.nan)
            self.n_iter_ += 1
            warnings.warn(f"{error} Early stopping went back to the best parameters before.", ConvergenceWarning)
        else:
            if history.interrupted:
                warnings.warn("Training interrupted by user.")
            elif not (incremental or history.risen or self._no_improvement_count > self.n_iter_no_change):
                remedy = "the loss still changes. Raise max_iter, tol or learning_rate_init."
                warnings.warn(f"not converged in max_iter={self.max_iter} epochs: {remedy}", ConvergenceWarning)
        if self.early_stopping:
            network.theta, network.state = best

    def _new_optimizer(self):
        if self.optimizer is not None:
            optimizer = base.clone(self.optimizer)
        else:
            momentum = nn.Momentum(self.momentum, self.nesterovs_momentum)
            scale = momentum if self.solver == "sgd" else _AdamScale(self.beta_1, self.beta_2, self.epsilon)
            optimizer = nn.Optimizer(self.learning_rate_init, scale)
        optimizer.transforms.insert(0, _Penalty(1))
        if self.schedule is not None:
            optimizer.learning_rate = self.schedule
        return optimizer

    def _set_rate(self, rate):
        # In scikit-learn the velocity is a sum of steps, here of gradients: what was gained at the old rate is kept.
        for velocity in self._optimizer.memory().values():
            velocity *= self._optimizer.learning_rate / rate
        self._optimizer.learning_rate = rate

    @np.errstate(all="ignore")  # before a divergence squares overflow
    def _after_epoch(self, run, validation, best):
        """Record an epoch; True if training has settled. `best` holds parameters and state, and is kept up to date."""
        penalties = run.optimizer.transforms[0].values
        run.history.loss[run.epoch] += np.mean(penalties)  # `train` warns of a rise of the penalty, too
        penalties.clear()
        self.loss_ = float(run.history.loss[run.epoch])
        self.n_iter_, self.t_ = run.epoch + 1, self.t_ + run.batches.n
        self.loss_curve_.append(self.loss_)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
        if validation is not None:
            score, loss = self._evaluate(*validation)
            self.validation_scores_.append(score)
            self.validation_loss_curve_.append(loss)
            if self.verbose:
                print(f"Validation score: {score:f}")
        if self.early_stopping:
            improved = score >= self.best_validation_score_ + self.tol
            if score > self.best_validation_score_:
                best[:] = run.network.theta.copy(), run.network.state.copy()
        else:
            improved = self.loss_ <= self.best_loss_ - self.tol
            self.best_loss_ = min(self.best_loss_, self.loss_)
        if validation is not None:
            self.best_validation_score_ = max(self.best_validation_score_, score)  # in this order: the score may be NaN
        self._no_improvement_count = 0 if improved else self._no_improvement_count + 1

        own_rate = self.solver == "sgd" and self.optimizer is None and self.schedule is None
        if own_rate and self.learning_rate == "invscaling":
            self._set_rate(self.learning_rate_init / (self.t_ + 1) ** self.power_t)
        waited = self._no_improvement_count > self.n_iter_no_change
        slower = waited and own_rate and self.learning_rate == "adaptive" and self._optimizer.learning_rate > 1e-6
        if slower:
            self._set_rate(self._optimizer.learning_rate / 5)
            self._no_improvement_count = 0
        if waited and self.verbose:
            what = "Validation score" if self.early_stopping else "Training loss"
            then = f"Setting learning rate to {self._optimizer.learning_rate:f}" if slower else "Stopping."
            print(f"{what} did not improve by tol={self.tol:f} for {self.n_iter_no_change} epochs. {then}")
        return waited and not slower

    def _evaluate(self, X, t, weight):
        """Score and loss without penalty."""
        loss, score = self.network_.evaluate(X, t, weight)
        if score is None:  # the loss has no classes
            outputs = self.network_.predict(X)
            score = metrics.r2_score(t, outputs, sample_weight=weight) if np.isfinite(outputs).all() else np.nan
        return float(score), float(loss)

    def _minimize(self, X, t, weight):
        """L-BFGS-B of SciPy on the loss of all samples: Byrd, Lu, Nocedal & Zhu (1995)."""
        network = self.network_
        most = network._pieces(X.shape[0])[0].stop  # of a sparse X, no more than that becomes dense at a time
        samples = Samples(network, X, t, weight, most, shuffle=False)
        total = samples.n if weight is None else float(weight.sum())

        @quiet
        def objective(theta):
            network.theta = theta
            gradient = self.alpha / total * network.decayed * theta
            loss = theta @ gradient / 2
            for batch in samples:
                share = (batch[0].shape[1] if weight is None else float(batch[2].sum())) / total
                loss += share * network._differentiate(*batch)
                gradient += share * network.grad
            return float(loss), gradient

        def show(intermediate_result):
            print(f"loss = {intermediate_result.fun:.8f}")

        result = minimize(
            objective, network.theta.astype(np.float64), jac=True, method="L-BFGS-B",
            options={"maxiter": self.max_iter, "maxfun": self.max_fun, "gtol": self.tol},
            callback=show if self.verbose else None,
        )  # fmt: skip
        for layer in network.layers:
            layer.kept.clear()  # as large as a piece
        if not (np.isfinite(result.fun) and np.isfinite(result.x).all()):
            raise _not_finite("The loss became infinite or NaN. Scale X and y to a standard deviation of about 1.")
        network.theta = result.x
        self.loss_, self.n_iter_ = result.fun, min(result.nit, self.max_iter)
        if result.status != 0:
            failure = f"lbfgs failed to converge after {self.n_iter_} iterations: {result.message}"
            warnings.warn(f"{failure}. Raise max_iter or max_fun, or scale X to unit variance.", ConvergenceWarning)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _not_finite(reason):
    cause = "The input data may contain large values and need to be preprocessed"
    return ValueError(f"Solver produced non-finite parameter weights. {cause}. {reason}")


# scikit-learn wants every parameter in the signature of each class; the order and the defaults are its own.
# fmt: off
class MLPClassifier(base.ClassifierMixin, _MLP):
    """A classifier: scikit-learn's `MLPClassifier`, and what its users ask for beyond.

    Two classes get one output with a sigmoid, more classes a softmax, and several labels per sample (`y` of shape
    (n, labels), of 0 and 1) a sigmoid each. The loss is the cross-entropy. Labels may be numbers or strings.

    Parameters
    ----------
    hidden_layer_sizes, solver, alpha, ..., max_fun
        All parameters of `sklearn.neural_network.MLPClassifier`, with the same meaning and the same defaults, but for
        `alpha` and the split of early stopping: see the top of this module.
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
        copy is used. `alpha` applies as before: set it to 0 if the optimizer decays weights. A search may go through
        its settings, as `optimizer__learning_rate`.
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
        The network itself: for `network_.activations(X)`, `nn.save(network_, path)`, `nn.to_onnx`.
    loss_, best_loss_ : float; loss_curve_ : list of float, one per epoch
        Loss with penalty; `best_loss_` is None with early stopping. There is no curve with solver lbfgs.
    validation_scores_, validation_loss_curve_ : list of float, one per epoch, or None
        Accuracy (of several labels, all must be right) and loss without penalty, on `X_val` or on the part that early
        stopping splits off; None if there is neither.
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

    def __init__(
        self, hidden_layer_sizes=(100,), activation="relu", *, solver="adam", alpha=0.0001, batch_size="auto",
        learning_rate="constant", learning_rate_init=0.001, power_t=0.5, max_iter=200, shuffle=True, random_state=None,
        tol=1e-4, verbose=False, warm_start=False, momentum=0.9, nesterovs_momentum=True, early_stopping=False,
        validation_fraction=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-8, n_iter_no_change=10, max_fun=15000,
        dropout=None, batch_norm=False, init=None, optimizer=None, schedule=None, class_weight=None,
    ):
        self._keep(locals())
    # fmt: on

    @metaestimators.available_if(_MLP._is_stochastic)
    @base._fit_context(prefer_skip_nested_validation=True)
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
            labels = y if type_of_target(y).startswith("multilabel") else classes
            self._binarizer = preprocessing.LabelBinarizer().fit(labels)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """The most probable class of each row of `X`, shape (n,); of several labels 1 or 0, shape (n, labels)."""
        X = self._check_X(X)
        # From the logits, whose signs are left where a probability rounds to 1/2.
        return self._binarizer.inverse_transform(self.network_.logits(X), threshold=0)

    def predict_proba(self, X):
        """Probabilities for each row of `X`, shape (n, classes), as `classes_` has them; of each of several labels."""
        X = self._check_X(X)
        p = self.network_.predict(X)
        return np.hstack([1 - p, p])[:, : len(self.classes_)] if self.n_outputs_ == 1 else p

    def predict_log_proba(self, X):
        """Logarithms of `predict_proba(X)`; minus infinity where a probability rounds to 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _learn_labels(self, y, weight, first, incremental):
        """Note the classes, unless `partial_fit` did; returns the samples' weights, times those of their classes."""
        if first and not incremental:
            self._binarizer = preprocessing.LabelBinarizer().fit(y)
            self.classes_ = self._binarizer.classes_
        elif not incremental and set(unique_labels(y).tolist()) != set(self.classes_.tolist()):
            rule = "warm_start can only be used where `y` has the same classes as in the previous call to fit"
            got = f"Previously got {self.classes_}, `y` has {unique_labels(y)}"
            raise ValueError(f"{rule}. {got}. To begin anew, set warm_start=False.")
        if self.class_weight is None:
            return weight
        if incremental and self.class_weight == "balanced":
            remedy = "pass a dict, from sklearn.utils.compute_class_weight('balanced', classes=classes, y=all_labels)"
            raise ValueError(f"class_weight='balanced' needs all labels, and partial_fit sees a part: {remedy}.")
        return compute_sample_weight(self.class_weight, y) * (1 if weight is None else weight)

    def _encode(self, y, name="y"):
        if strangers := set(unique_labels(y).tolist()) - set(self.classes_.tolist()):
            found = f"`{name}` has classes not in `self.classes_`: {sorted(strangers, key=str)}"
            remedy = "Name all classes at the first call of partial_fit, or drop those samples."
            raise ValueError(f"{found}; known are {self.classes_.tolist()}. {remedy}")
        return self._binarizer.transform(y).astype(bool)

    def _loss_name(self):
        return "categorical_cross_entropy" if self._binarizer.y_type_ == "multiclass" else "binary_cross_entropy"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


# fmt: off
class MLPRegressor(base.RegressorMixin, _MLP):
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

    def __init__(
        self, loss="squared_error", hidden_layer_sizes=(100,), activation="relu", *, solver="adam", alpha=0.0001,
        batch_size="auto", learning_rate="constant", learning_rate_init=0.001, power_t=0.5, max_iter=200, shuffle=True,
        random_state=None, tol=1e-4, verbose=False, warm_start=False, momentum=0.9, nesterovs_momentum=True,
        early_stopping=False, validation_fraction=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-8, n_iter_no_change=10,
        max_fun=15000, dropout=None, batch_norm=False, init=None, optimizer=None, schedule=None,
    ):
        self._keep(locals())
    # fmt: on

    @metaestimators.available_if(_MLP._is_stochastic)
    @base._fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Go once through a part of the data, and on from there with the next part.

        Parameters, result and errors are those of `fit`.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X):
        """Predictions for each row of `X`, shape (n,) or (n, outputs)."""
        X = self._check_X(X)
        outputs = self.network_.predict(X)
        return outputs[:, 0] if self.n_outputs_ == 1 else outputs

    def _encode(self, y, name="y"):
        return y.reshape(len(y), -1)

    def _loss_name(self):
        return "poisson" if self.loss == "poisson" else "half_squared_error"
