// scikit-learn's DecisionTreeClassifier(max_depth=5), LogisticRegression()

import { Run } from "./training.js";

const SAME = 1e-7; // scikit-learn does not split values this close

/** CART (Breiman et al. 1984): (x0, x1) -> class. Of equal splits the first; scikit-learn draws lots. */
export function decisionTree(X, y, n, maxDepth = 5) {
	const grow = (samples, depth) => {
		const m = samples.length;
		const ones = samples.reduce((sum, i) => sum + y[i], 0);
		const leaf = () => Number(2 * ones > m);
		if (depth === 0 || ones === 0 || ones === m) return leaf;
		let [least, feature, threshold] = [Infinity];
		for (const axis of [0, 1]) {
			const x = (k) => X[2 * samples[k] + axis];
			samples.sort((a, b) => X[2 * a + axis] - X[2 * b + axis]);
			for (let k = 1, onesLeft = 0; k < m; k++) {
				onesLeft += y[samples[k - 1]];
				const rest = impurity(onesLeft, k) + impurity(ones - onesLeft, m - k);
				if (rest < least && x(k) - x(k - 1) > SAME) [least, feature, threshold] = [rest, axis, (x(k - 1) + x(k)) / 2];
			}
		}
		if (least === Infinity) return leaf;
		const isLeft = (i) => X[2 * i + feature] <= threshold;
		const left = grow(samples.filter(isLeft), depth - 1);
		const right = grow(samples.filter((i) => !isLeft(i)), depth - 1);
		return (...x) => (x[feature] <= threshold ? left : right)(...x);
	};
	return grow([...Array(n).keys()], maxDepth);
}

/** Gini's, times n / 2. */
const impurity = (ones, n) => (ones * (n - ones)) / n;

/** A network without hidden layers: scikit-learn's penalty (C = 1) is a weight decay of 1 / n. */
export function logisticRegression(data) {
	const { X, n } = data.train;
	const bend = X.reduce((s, x) => s + x * x, n + 4) / n;
	const run = new Run({
		layers: [], loss: "binary_cross_entropy", init: "zeros", generator: "default_rng", seed: 0,
		optimizer: "momentum", rate: 12 / bend, batch: 0, l2: 1 / n,
	}, data);
	for (let epoch = 0; epoch < 600; epoch++) run.runEpoch();
	return run.network;
}
