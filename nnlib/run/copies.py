"""Copies, pickles and parts of networks: what `Network` inherits, apart from what it computes."""

import copy
from itertools import pairwise

import numpy as np

from nnlib.layers import Dense, size


class Copies:
    """Copies that share nothing with the original, the parts of a stack among them; and a summary."""

    def __getitem__(self, rows):
        if self.replicates is None:
            raise ValueError("this is a single network; a stack has rng=[seed, seed, ...].")
        chosen = np.arange(self.replicates)[rows]
        if chosen.ndim > 1 or not chosen.size:
            raise ValueError(f"stack[{rows!r}] names no network: write its number, or a slice, list or mask of some.")
        return self._like(self.theta[rows], self.state[rows], [self._noise[r] for r in np.atleast_1d(chosen)])

    def _take(self, rows, part):
        """Parameters, state and noise of some networks of the stack, by their numbers, from a part of it."""
        self.theta[rows], self.state[rows] = part.theta, part.state
        for r, rng in zip(rows, part._noise, strict=True):
            self._noise[r] = rng

    def copy(self):
        """A network with the same parameters that can be trained without changing this one."""
        return self._like(self.theta, self.state, self._noise)

    def _like(self, theta, state, noise):
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__, layers=tuple(map(copy.deepcopy, self.layers)))
        twin._bind(theta.copy(), state.copy(), [copy.deepcopy(rng) for rng in noise])
        return twin

    # The module `copy` and pickle would copy vector and views apart: the copy would train and not learn.
    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "grad"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        # Copies: joblib hands large arrays to its workers as read-only maps of a file.
        self._bind(np.array(self.theta), np.array(self.state), self._noise)

    def summary(self):
        """A table of the layers, their shapes and numbers of parameters, as text."""
        rows = [("layer", "activation", "shapes", "parameters")]
        for layer in self.layers:
            activation = layer.activation.name if hasattr(layer, "activation") else ""
            shapes = ", ".join(f"{name} {shape}" for name, shape in layer.shapes.items())
            rows.append((type(layer).__name__, activation, shapes, str(size(layer.shapes))))
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        lines.append(f"loss: {self.loss_function.name}; {self.theta.shape[-1]} parameters, {self.dtype}")
        for number, pair in enumerate(pairwise(self.layers), 1):
            if all(isinstance(layer, Dense) for layer in pair) and pair[0].activation.name == "identity":
                both = f"layers {number} and {number + 1}"
                lines.append(f"{both} are one linear layer: there is no activation between them")
        if self.replicates is not None:
            lines.append(f"replicates: {self.replicates}")
        return "\n".join(lines)
