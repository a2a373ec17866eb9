// From a gradient to a step: the formulas of nnlib's optimizers, in the same order of operations.

const MOMENTUM = 0.9;
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/** The optimizer of the settings S for this network: `step(theta, grad)` changes theta in place. */
export function makeOptimizer({ optimizer, rate, l2 }, network) {
  if (!Object.hasOwn(rules, optimizer)) {
    throw new RangeError(`optimizer must be one of ${Object.keys(rules).join(", ")}, not ${optimizer}.`);
  }
  const size = network.theta.length;
  const update = new Float64Array(size);
  const apply = rules[optimizer](size);
  return {
    step(theta, grad) {
      update.set(grad);
      // The gradient of the penalty l2 / 2 * (sum of the squared weights); biases are spared.
      if (l2 > 0) for (let i = 0; i < size; i++) if (network.decayed[i]) update[i] += theta[i] * l2;
      apply(update);
      for (let i = 0; i < size; i++) theta[i] -= update[i] * rate;
    },
  };
}

// Each makes a function that turns a gradient, in place, into what the rate multiplies.
const rules = {
  sgd: () => () => {},
  // Polyak, "Some methods of speeding up the convergence of iteration methods" (1964).
  momentum(size) {
    const velocity = new Float64Array(size);
    return (update) => {
      for (let i = 0; i < size; i++) update[i] = velocity[i] = velocity[i] * MOMENTUM + update[i];
    };
  },
  // Kingma & Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1.
  adam(size) {
    const mean = new Float64Array(size);
    const square = new Float64Array(size);
    let t = 0;
    return (update) => {
      t += 1;
      const bias1 = 1 / (1 - BETA1 ** t);
      const bias2 = 1 - BETA2 ** t;
      for (let i = 0; i < size; i++) {
        const g = update[i];
        square[i] = square[i] * BETA2 + g * g * (1 - BETA2);
        mean[i] = mean[i] * BETA1 + g * (1 - BETA1);
        update[i] = (mean[i] / (Math.sqrt(square[i] / bias2) + EPSILON)) * bias1;
      }
    };
  },
};
