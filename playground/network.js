// A network for two inputs and two classes, with nnlib's formulas and its flat array of parameters. Samples pass in
// blocks, a unit's values side by side: long enough that layers are looked up rarely, short enough for the cache.

const BLOCK = 64;
const LEAK = 0.01;

/** forward: n sums z become activations; backward: n gradients d by the activations a become those by the sums. */
export const ACTIVATIONS = {
  sigmoid: {
    forward(z, n) { for (let i = 0; i < n; i++) z[i] = 1 / (1 + Math.exp(-z[i])); },
    backward(a, d, n) { for (let i = 0; i < n; i++) d[i] *= a[i] * (1 - a[i]); },
  },
  tanh: {
    forward(z, n) { for (let i = 0; i < n; i++) z[i] = Math.tanh(z[i]); },
    backward(a, d, n) { for (let i = 0; i < n; i++) d[i] *= 1 - a[i] * a[i]; },
  },
  relu: {
    forward(z, n) { for (let i = 0; i < n; i++) z[i] = Math.max(z[i], 0); },
    backward(a, d, n) { for (let i = 0; i < n; i++) d[i] *= a[i] > 0 ? 1 : 0; },
  },
  leaky_relu: {
    forward(z, n) { for (let i = 0; i < n; i++) z[i] = Math.max(z[i], LEAK * z[i]); },
    backward(a, d, n) { for (let i = 0; i < n; i++) d[i] *= a[i] > 0 ? 1 : LEAK; },
  },
  softplus: {
    forward(z, n) { for (let i = 0; i < n; i++) z[i] = Math.max(z[i], 0) + Math.log1p(Math.exp(-Math.abs(z[i]))); },
    backward(a, d, n) { for (let i = 0; i < n; i++) d[i] *= -Math.expm1(-a[i]); },
  },
  identity: { forward() {}, backward() {} },
};

/** Sum of the losses of n samples with outputs z and labels t; the gradient by z goes to d. */
export const LOSSES = {
  // log(1 + exp(z)) - t z, without overflow, and with all digits of a small loss.
  binary_cross_entropy(z, t, d, n) {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const e = Math.exp(-Math.abs(z[i]));
      d[i] = (z[i] >= 0 ? 1 : e) / (1 + e) - t[i];
      sum += Math.max(z[i], 0) - z[i] * t[i] + Math.log1p(e);
    }
    return sum;
  },
  // Two logits a sample: z[i] of class 0, z[n + i] of class 1.
  categorical_cross_entropy(z, t, d, n) {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const max = Math.max(z[i], z[n + i]);
      const shifted0 = Math.max(z[i] - max, -Number.MAX_VALUE);
      const shifted1 = Math.max(z[n + i] - max, -Number.MAX_VALUE);
      const e0 = Math.exp(shifted0);
      const e1 = Math.exp(shifted1);
      d[i] = e0 / (e0 + e1) - (1 - t[i]);
      d[n + i] = e1 / (e0 + e1) - t[i];
      sum += Math.log(e0 + e1) - (t[i] ? shifted1 : shifted0);
    }
    return sum;
  },
  squared_error: (z, t, d, n) => squaredError(z, t, d, n, 1),
  half_squared_error: (z, t, d, n) => squaredError(z, t, d, n, 0.5),
};

function squaredError(z, t, d, n, scale) {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const error = z[i] - t[i];
    d[i] = 2 * scale * error;
    sum += scale * error * error;
  }
  return sum;
}

/** The network of the settings S: parameters `theta`, per layer W (fanIn, units) row by row and then b, all zero. */
export class Network {
  #loss;
  #two; // outputs, not one
  #threshold; // of the one
  #values; // of the inputs and each layer's units, (units, samples of a block)
  #deltas; // gradients of the loss by them
  #labels = new Float64Array(BLOCK);

  constructor({ layers, activation, loss }) {
    const squared = loss.endsWith("squared_error");
    this.#loss = LOSSES[loss];
    this.#two = loss === "categorical_cross_entropy";
    this.#threshold = squared ? 0.5 : 0;
    this.sizes = [2, ...layers, this.#two ? 2 : 1];
    let size = 0;
    this.layers = this.sizes.slice(1).map((units, l) => {
      const [fanIn, W, b] = [this.sizes[l], size, size + this.sizes[l] * units];
      size = b + units;
      return { fanIn, units, W, b, activation: l < layers.length ? activation : squared ? "sigmoid" : "identity" };
    });
    this.theta = new Float64Array(size);
    this.grad = new Float64Array(size);
    this.decayed = new Uint8Array(size); // 1 for weights, 0 for biases
    for (const { W, b } of this.layers) this.decayed.fill(1, W, b);
    this.#values = this.sizes.map((units) => new Float64Array(units * BLOCK));
    this.#deltas = this.sizes.map((units) => new Float64Array(units * BLOCK));
  }

  /** Draw the parameters; init is a setting's name. */
  start(rng, init) {
    for (const [l, { fanIn, units, W, b }] of this.layers.entries()) {
      const bound = Math.sqrt(6 / (fanIn + units));
      const xavier = () => rng.uniform(-bound, bound);
      const normal = (scale) => () => rng.normal() * scale;
      const uniform = () => rng.uniform(0, 1);
      const zero = () => 0;
      const [weight, bias = zero] = {
        xavier: [xavier],
        he: [normal(Math.sqrt(2 / fanIn))],
        "normal-0.5": [normal(0.5)],
        "normal-2": [normal(2)],
        uniform: [uniform],
        "uniform-biases": [uniform, uniform],
        zeros: [zero],
        spread: l === 0 ? [normal(3), () => rng.uniform(-4, 4)] : [xavier],
      }[init];
      for (let i = W; i < b; i++) this.theta[i] = weight();
      for (let i = b; i < b + units; i++) this.theta[i] = bias();
    }
  }

  /** Mean loss and share of hits of samples rows[from..to-1] (rows null: from..to-1); their gradient goes to `grad`. */
  lossAndGradient(X, y, rows, from, to) {
    this.grad.fill(0);
    const { loss, accuracy } = this.#evaluate(X, y, rows, from, to, true);
    return { loss, hits: accuracy };
  }

  /** Mean loss, accuracy (a share) and counts [n00, n01, n10, n11], true class first, of n samples. */
  score(X, y, n) {
    return this.#evaluate(X, y, null, 0, n, false);
  }

  /** Probability of class 1 of each of n samples. */
  probabilities(X, n) {
    const p = new Float64Array(n);
    for (const [at, m] of this.#blocks(X, null, 0, n)) this.#link(p, at, m);
    return p;
  }

  /** What each hidden unit gives for n samples, an array a unit, and last the probability of class 1. */
  activity(X, n) {
    const p = new Float32Array(n);
    const columns = this.sizes.slice(1, -1).map((units) => Array.from({ length: units }, () => new Float32Array(n)));
    for (const [at, m] of this.#blocks(X, null, 0, n)) {
      for (const [l, units] of columns.entries()) {
        for (const [u, column] of units.entries()) column.set(this.#values[l + 1].subarray(u * m, (u + 1) * m), at);
      }
      this.#link(p, at, m);
    }
    return [...columns.flat(), p];
  }

  #evaluate(X, y, rows, from, to, gradient) {
    const [z, d] = [this.#values.at(-1), this.#deltas.at(-1)];
    const t = this.#labels;
    const count = to - from;
    const confusion = [0, 0, 0, 0];
    let loss = 0;
    for (const [at, n] of this.#blocks(X, rows, from, to)) {
      for (let i = 0; i < n; i++) {
        t[i] = y[rows ? rows[at + i] : at + i];
        const one = this.#two ? z[n + i] > z[i] : z[i] >= this.#threshold;
        confusion[2 * t[i] + (one ? 1 : 0)]++;
      }
      loss += this.#loss(z, t, d, n);
      if (gradient) this.#backward(n, 1 / count);
    }
    return { loss: loss / count, accuracy: (confusion[0] + confusion[3]) / count, confusion };
  }

  /** Sends samples forward, and yields [first row, number] of each block while its values are there. */
  *#blocks(X, rows, from, to) {
    const x = this.#values[0];
    for (let at = from; at < to; at += BLOCK) {
      const n = Math.min(BLOCK, to - at);
      for (let i = 0; i < n; i++) {
        const row = rows ? rows[at + i] : at + i;
        x[i] = X[2 * row];
        x[n + i] = X[2 * row + 1];
      }
      for (const [l, { fanIn, units, W, b, activation }] of this.layers.entries()) {
        const z = this.#values[l + 1];
        for (let u = 0; u < units; u++) z.fill(this.theta[b + u], u * n, (u + 1) * n);
        addProduct(this.theta, W, 1, units, this.#values[l], fanIn, z, units, n);
        ACTIVATIONS[activation].forward(z, units * n);
      }
      yield [at, n];
    }
  }

  /** Adds a block's gradient, times `share`, to `grad`. */
  #backward(n, share) {
    const last = this.#deltas.at(-1);
    for (let i = 0; i < this.sizes.at(-1) * n; i++) last[i] *= share;
    for (let l = this.layers.length - 1; l >= 0; l--) {
      const { fanIn, units, W, b, activation } = this.layers[l];
      const d = this.#deltas[l + 1];
      ACTIVATIONS[activation].backward(this.#values[l + 1], d, units * n);
      addGradient(this.grad, W, b, this.#values[l], fanIn, d, units, n);
      if (l === 0) return;
      this.#deltas[l].fill(0, 0, fanIn * n);
      addProduct(this.theta, W, units, 1, d, units, this.#deltas[l], fanIn, n);
    }
  }

  #link(p, at, n) {
    const z = this.#values.at(-1);
    for (let i = 0; i < n; i++) {
      if (this.#two) p[at + i] = 1 / (1 + Math.exp(z[i] - z[n + i])); // the softmax of two
      else p[at + i] = this.#threshold ? z[i] : 1 / (1 + Math.exp(-z[i]));
    }
  }
}

/** Adds the matrix (outs, ins) whose entries lie outStep and inStep apart in theta, from W on, times x (ins, n) to
 * z (outs, n): four samples at a time, so that a weight is fetched once and the sums stay in registers. */
function addProduct(theta, W, outStep, inStep, x, ins, z, outs, n) {
  for (let o = 0; o < outs; o++, W += outStep) {
    let i = o * n;
    for (let at = 0; at + 4 <= n; at += 4, i += 4) {
      let z0 = z[i];
      let z1 = z[i + 1];
      let z2 = z[i + 2];
      let z3 = z[i + 3];
      for (let k = 0, w = W, j = at; k < ins; k++, w += inStep, j += n) {
        const weight = theta[w];
        z0 += weight * x[j];
        z1 += weight * x[j + 1];
        z2 += weight * x[j + 2];
        z3 += weight * x[j + 3];
      }
      z[i] = z0;
      z[i + 1] = z1;
      z[i + 2] = z2;
      z[i + 3] = z3;
    }
    for (let at = n & ~3; at < n; at++, i++) {
      for (let k = 0, w = W, j = at; k < ins; k++, w += inStep, j += n) z[i] += theta[w] * x[j];
    }
  }
}

/** Adds sums over the samples: of x times d to the gradient by W, of d to that by b. */
function addGradient(grad, W, b, x, fanIn, d, units, n) {
  for (let u = 0; u < units; u++) {
    let sum = 0;
    for (let i = u * n; i < (u + 1) * n; i++) sum += d[i];
    grad[b + u] += sum;
    for (let k = 0; k < fanIn; k++) {
      sum = 0;
      for (let i = 0, j = k * n, m = u * n; i < n; i++) sum += x[j + i] * d[m + i];
      grad[W + k * units + u] += sum;
    }
  }
}
