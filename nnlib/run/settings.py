"""The settings of an optimizer by name: for searches, and for the eye."""

import copy
import inspect
from functools import partial

import numpy as np

from nnlib.run.checks import positive


class Settings:
    """What `Optimizer` inherits, apart from taking steps."""

    def get_params(self, deep=True):
        """The settings by name, as scikit-learn's searches ask for them."""
        return {"learning_rate": self.learning_rate} | self.settings

    def set_params(self, **settings):
        """Change settings, as in `search.set_params(optimizer__learning_rate=0.1)`; the past is forgotten."""
        known = self.get_params()
        if unknown := sorted(settings.keys() - known.keys()):
            raise ValueError(f"{type(self).__name__} has no {', '.join(unknown)}: it has {', '.join(known)}.")
        if settings.keys() == {"learning_rate"}:  # a class of your own may have other arguments
            self.learning_rate, self.steps = settings["learning_rate"], None
        else:
            self.__init__(**known | settings)
        return self

    def __sklearn_clone__(self):
        twin = copy.deepcopy(self)
        twin.steps = None  # a clone has no past
        return twin

    def __repr__(self):
        rate = self.learning_rate
        if isinstance(rate, partial):
            rate = f"{rate.func.__name__.strip('_')}{rate.args}"
        shown = [str(getattr(rate, "__name__", rate))]
        defaults = inspect.signature(type(self)).parameters
        for name, value in self.settings.items():
            if name not in defaults or not np.array_equal(value, defaults[name].default):
                shown.append(f"{name}={value}")
        return f"{type(self).__name__}({', '.join(shown)})"


UPHILL = " To go up the gradient, negate the loss instead."


def other_rate(rate):
    """A learning rate that is no float: a schedule, a whole number, or one for each network of a stack."""
    if callable(rate):
        return rate
    if not isinstance(rate, (list, tuple, np.ndarray)) or isinstance(rate, np.ndarray) and rate.ndim == 0:
        return positive("learning_rate", rate, UPHILL)
    try:
        return np.array([positive("learning_rate", each) for each in rate] or positive("learning_rate", None))
    except ValueError:
        raise ValueError(f"learning_rate must be a finite number above 0, not {rate!r}.{UPHILL}") from None
