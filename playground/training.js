// Training step by step, as nnlib's train does it.

import { Network } from "./network.js";
import { makeOptimizer } from "./optimizers.js";
import { Generator, RandomState } from "./random.js";

/** A training of the settings S on the data of makeData(S). */
export class Run {
	/** Whole epochs done, and steps done of the epoch under way. */
	epoch = 0;
	batches = 0;
	/** Per epoch: training loss and accuracy just before each batch's step, the test's after the last. */
	history = { loss: [], accuracy: [], testLoss: [], testAccuracy: [] };
	/** A sentence once numbers overflowed: the run is over. */
	diverged = null;
	#S;
	#data;
	#optimizer;
	#size; // of a batch
	#rng;
	#order = null; // of the samples
	#good; // the last parameters with a finite loss
	#sums;

	constructor(S, data) {
		[this.#S, this.#data, this.#size] = [S, data, S.batch || data.train.n];
		this.network = new Network(S);
		this.network.start(new { RandomState, default_rng: Generator }[S.generator](S.seed), S.init);
		this.#good = this.network.theta.slice();
		this.#optimizer = makeOptimizer(S, this.network);
		this.#rng = new Generator(S.seed);
	}

	/** One batch. */
	step() {
		if (this.diverged) return;
		const { network } = this;
		const { X, y, n } = this.#data.train;
		const from = this.batches * this.#size;
		const to = Math.min(from + this.#size, n);
		if (from === 0) {
			if (this.#size < n) this.#order = this.#rng.permutation(n);
			this.#sums = { loss: 0, accuracy: 0 };
		}
		const { loss, accuracy } = network.lossAndGradient(X, y, this.#order, from, to);
		if (!Number.isFinite(loss) || !allFinite(network.theta)) return this.#goBack();
		this.#good.set(network.theta);
		this.#optimizer.step(network.theta, network.grad);
		this.batches += 1;
		this.#sums.loss += (to - from) * loss;
		this.#sums.accuracy += (to - from) * accuracy;
		if (to === n) this.#endEpoch();
	}

	runEpoch() {
		do this.step();
		while (this.batches > 0 && !this.diverged);
	}

	/** A sentence if a stop condition of the settings holds, else null. */
	reached() {
		const { epochs, stop, goal } = this.#S;
		const { loss, accuracy } = this.history;
		if (stop === "loss" && loss.at(-1) <= goal) return `The training loss has reached the goal of ${goal}.`;
		if (stop === "accuracy" && accuracy.at(-1) >= goal) return `The training accuracy has reached the goal of ${goal}.`;
		return this.epoch >= epochs ? `All ${epochs.toLocaleString("en")} epochs are done.` : null;
	}

	#endEpoch() {
		const { network, history } = this;
		const { train, test } = this.#data;
		const finite = allFinite(network.theta); // no later step may be there to tell
		if (!finite) this.#goBack();
		const { loss, accuracy } = finite && test.n ? network.score(test.X, test.y, test.n) : { loss: NaN, accuracy: NaN };
		history.loss.push(this.#sums.loss / train.n);
		history.accuracy.push(this.#sums.accuracy / train.n);
		history.testLoss.push(loss);
		history.testAccuracy.push(accuracy);
		this.epoch += 1;
		this.batches = 0;
	}

	#goBack() {
		this.network.theta.set(this.#good);
		const { rate, standardize } = this.#S;
		this.diverged = `Training diverged in epoch ${this.epoch}: loss or weights became infinite or NaN. The network keeps ` +
			`its last finite weights. Lower the learning rate (now ${rate})${standardize ? "" : ", or standardize the data"}.`;
	}
}

function allFinite(values) {
	let sum = 0;
	for (let i = 0; i < values.length; i++) sum += 0 * values[i]; // 0 * infinity is NaN
	return sum === 0;
}
