// From a gradient to a step, operation for operation as in nnlib.

const MOMENTUM = 0.9;
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/** The optimizer of the settings S for this network: `step(theta, grad)` changes theta in place. */
export function makeOptimizer({ optimizer, rate, l2 }, { decayed }) {
	const update = new Float64Array(decayed.length);
	const apply = rules[optimizer](decayed.length);
	return {
		step(theta, grad) {
			// The gradient of l2 / 2 times the sum of the squared weights.
			for (let i = 0; i < theta.length; i++) update[i] = decayed[i] ? grad[i] + theta[i] * l2 : grad[i];
			apply(update);
			for (let i = 0; i < theta.length; i++) theta[i] -= update[i] * rate;
		},
	};
}

// Each makes a function from a gradient to what the rate multiplies.
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
		const [mean, square] = [new Float64Array(size), new Float64Array(size)];
		let t = 0;
		return (update) => {
			t += 1;
			const [bias1, bias2] = [1 - BETA1 ** t, 1 - BETA2 ** t];
			for (let i = 0; i < size; i++) {
				square[i] = square[i] * BETA2 + update[i] ** 2 * (1 - BETA2);
				mean[i] = mean[i] * BETA1 + update[i] * (1 - BETA1);
				update[i] = (mean[i] / (Math.sqrt(square[i] / bias2) + EPSILON)) * (1 / bias1);
			}
		};
	},
};
