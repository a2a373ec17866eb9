// A network for two inputs and two classes, as nnlib computes it.

const BLOCK = 64; // samples that pass together: few enough for the cache
const LEAK = 0.01;

const sigmoid = (z) => 1 / (1 + Math.exp(-z));
/** Activations of n sums z, and the way back of gradients d from activations a. With a common loop, each number would
 * be a function call as soon as several activations were used. */
export const ACTIVATIONS = {
	sigmoid: [
		(z, n) => { for (let i = 0; i < n; i++) z[i] = sigmoid(z[i]); },
		(d, a, n) => { for (let i = 0; i < n; i++) d[i] *= a[i] * (1 - a[i]); },
	],
	tanh: [
		(z, n) => { for (let i = 0; i < n; i++) z[i] = Math.tanh(z[i]); },
		(d, a, n) => { for (let i = 0; i < n; i++) d[i] *= 1 - a[i] * a[i]; },
	],
	relu: [
		(z, n) => { for (let i = 0; i < n; i++) z[i] = Math.max(z[i], 0); },
		(d, a, n) => { for (let i = 0; i < n; i++) d[i] *= a[i] > 0 ? 1 : 0; },
	],
	leaky_relu: [
		(z, n) => { for (let i = 0; i < n; i++) z[i] = Math.max(z[i], LEAK * z[i]); },
		(d, a, n) => { for (let i = 0; i < n; i++) d[i] *= a[i] > 0 ? 1 : LEAK; },
	],
	identity: [() => {}, () => {}],
};

// log(1 + exp(z)) - z t in the order that keeps the digits of a small loss
const crossEntropy = [
	(z, t) => Math.max(z, 0) - z * t + Math.log1p(Math.exp(-Math.abs(z))), (z, t) => sigmoid(z) - t,
];

/** Losses of an output z and a label t, and their derivatives by z: in the categorical one the difference of both
 * logits, whose sigmoid is the softmax. */
export const LOSSES = {
	binary_cross_entropy: crossEntropy,
	categorical_cross_entropy: crossEntropy,
	squared_error: [(z, t) => (z - t) ** 2, (z, t) => 2 * (z - t)],
	half_squared_error: [(z, t) => (z - t) ** 2 / 2, (z, t) => z - t],
};

/** Parameters `theta`: per layer W (fanIn, units) row by row, then b; zero at first. */
export class Network {
	#loss;
	#two; // outputs, not one
	#threshold; // above which an output means class 1
	#link; // from an output to a probability
	#values; // of the inputs and each layer's units, (units, samples of a block)
	#deltas; // gradients of the loss by them

	constructor({ layers, activation, loss }) {
		const squared = loss.endsWith("squared_error");
		this.#loss = LOSSES[loss];
		this.#two = loss === "categorical_cross_entropy";
		this.#threshold = squared ? 0.5 : 0;
		this.#link = squared ? (z) => z : sigmoid;
		this.sizes = [2, ...layers, this.#two ? 2 : 1];
		let size = 0;
		this.layers = this.sizes.slice(1).map((units, l) => {
			const [fanIn, W, b] = [this.sizes[l], size, size + this.sizes[l] * units];
			size = b + units;
			return { fanIn, units, W, b, activation: l < layers.length ? activation : squared ? "sigmoid" : "identity" };
		});
		[this.theta, this.grad] = [new Float64Array(size), new Float64Array(size)];
		this.decayed = new Uint8Array(size); // 1 for weights
		for (const { W, b } of this.layers) this.decayed.fill(1, W, b);
		[this.#values, this.#deltas] = [0, 1].map(() => this.sizes.map((units) => new Float64Array(units * BLOCK)));
	}

	/** Draws the parameters; init is a setting. */
	start(rng, init) {
		for (const [l, { fanIn, units, W, b }] of this.layers.entries()) {
			const uniform = (low, high) => () => rng.uniform(low, high);
			const normal = (scale) => () => rng.normal() * scale;
			const zero = () => 0;
			const bound = Math.sqrt(6 / (fanIn + units));
			const xavier = [uniform(-bound, bound)];
			const [weight, bias = zero] = {
				xavier, he: [normal(Math.sqrt(2 / fanIn))], "normal-0.5": [normal(0.5)], "normal-2": [normal(2)],
				uniform: [uniform(0, 1)], "uniform-biases": [uniform(0, 1), uniform(0, 1)], zeros: [zero],
				spread: l === 0 ? [normal(3), uniform(-4, 4)] : xavier,
			}[init];
			for (let i = W; i < b + units; i++) this.theta[i] = i < b ? weight() : bias();
		}
	}

	/** Mean loss and accuracy of samples rows[from..to-1] (rows null: from..to-1); the gradient goes to `grad`. */
	lossAndGradient(X, y, rows, from, to) {
		this.grad.fill(0);
		return this.#evaluate(X, y, rows, from, to, true);
	}

	/** Mean loss, accuracy and counts [n00, n01, n10, n11], true class first, of n samples. */
	score(X, y, n) {
		return this.#evaluate(X, y, null, 0, n, false);
	}

	/** Probability of class 1 of each of n samples. */
	probabilities(X, n) {
		const p = new Float64Array(n);
		for (const [at, m, z] of this.#blocks(X, null, 0, n)) {
			for (let i = 0; i < m; i++) p[at + i] = this.#link(z[i]);
		}
		return p;
	}

	/** Activations for n samples, an array for each hidden unit. */
	activity(X, n) {
		const layers = this.sizes.slice(1, -1).map((units) => Array.from({ length: units }, () => new Float32Array(n)));
		for (const [at, m] of this.#blocks(X, null, 0, n)) {
			layers.forEach((units, l) => units.forEach((unit, u) => {
				unit.set(this.#values[l + 1].subarray(u * m, (u + 1) * m), at);
			}));
		}
		return layers.flat();
	}

	#evaluate(X, y, rows, from, to, gradient) {
		const [d, two, threshold] = [this.#deltas.at(-1), this.#two, this.#threshold];
		const [value, slope] = this.#loss;
		const count = to - from;
		const confusion = [0, 0, 0, 0];
		let loss = 0;
		for (const [at, n, z] of this.#blocks(X, rows, from, to)) {
			for (let i = 0; i < n; i++) {
				const t = y[rows ? rows[at + i] : at + i];
				confusion[2 * t + (z[i] > threshold ? 1 : 0)]++;
				loss += value(z[i], t);
				d[i] = slope(z[i], t) / count;
				if (two) [d[n + i], d[i]] = [d[i], -d[i]];
			}
			if (gradient) this.#backward(n);
		}
		return { loss: loss / count, accuracy: (confusion[0] + confusion[3]) / count, confusion };
	}

	/** Sends samples forward; yields [first row, number, outputs] of each block, of two logits the difference. */
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
				ACTIVATIONS[activation][0](z, units * n);
			}
			const z = this.#values.at(-1);
			if (this.#two) for (let i = 0; i < n; i++) z[i] = z[n + i] - z[i];
			yield [at, n, z];
		}
	}

	/** Adds a block's gradient to `grad`. */
	#backward(n) {
		for (let l = this.layers.length - 1; l >= 0; l--) {
			const { fanIn, units, W, b, activation } = this.layers[l];
			const d = this.#deltas[l + 1];
			ACTIVATIONS[activation][1](d, this.#values[l + 1], units * n);
			addGradient(this.grad, W, b, this.#values[l], fanIn, d, units, n);
			if (l === 0) return;
			this.#deltas[l].fill(0, 0, fanIn * n);
			addProduct(this.theta, W, units, 1, d, units, this.#deltas[l], fanIn, n);
		}
	}
}

/** z (outs, n) += the matrix (outs, ins) with entries outStep and inStep apart in theta, from W on, times x (ins, n). */
function addProduct(theta, W, outStep, inStep, x, ins, z, outs, n) {
	for (let o = 0; o < outs; o++) {
		for (let k = 0; k < ins; k++) {
			const weight = theta[W + o * outStep + k * inStep];
			for (let i = o * n, j = k * n; i < (o + 1) * n; i++, j++) z[i] += weight * x[j];
		}
	}
}

/** Adds to the gradients by W and b. */
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
