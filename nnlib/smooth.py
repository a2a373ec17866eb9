"""Smooth relatives of the relu: softplus, SiLU and GELU. Their derivatives need the input, or more than the output."""

import math

import numpy as np

from nnlib.activations import ACTIVATIONS, Activation, sigmoid, tanh


def _softplus(z):
    a = np.logaddexp(0, z, out=z)
    # softplus'(z) = sigmoid(z) = 1 - exp(-a), without the cancellation for small a
    return a, lambda da: np.multiply(da, -np.expm1(-a), out=da)


def _silu(z):
    s, undo = sigmoid.forward(z.copy())
    # s + z s', by the sigmoid's own way back, which overwrites s: it comes second
    return z * s, lambda da: da * s + undo(da * z)


def _gelu(z):
    # The approximation by tanh that GPT-2 and BERT use; it is within 0.0005 of z times the normal distribution.
    slope = math.sqrt(2 / math.pi)
    t, undo = tanh.forward(np.asarray(slope * (z + 0.044715 * z**3)))

    def backward(da):  # the way back of tanh overwrites t: it comes second
        return 0.5 * (1 + t) * da + undo(0.5 * z * da) * slope * (1 + 3 * 0.044715 * z**2)

    return 0.5 * z * (1 + t), backward


softplus = Activation("softplus", _softplus, bounds=(0, math.inf))
"""`log(1 + exp(z))`, a smooth relu. Dugas et al., "Incorporating second-order functional knowledge" (2001)."""
silu = Activation("silu", _silu)
"""`z * sigmoid(z)`, also called swish. Elfwing, Uchibe & Doya, "Sigmoid-weighted linear units" (2018)."""
gelu = Activation("gelu", _gelu)
"""`z / 2 * (1 + tanh(sqrt(2 / pi) * (z + 0.044715 z**3)))`. Hendrycks & Gimpel, "Gaussian error linear units"
(2016), section 2."""

ACTIVATIONS |= {f.name: f for f in (softplus, silu, gelu)}
