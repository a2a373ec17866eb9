/** scikit-learn's DecisionTreeClassifier(max_depth=5) and LogisticRegression(). X: row-major (n, 2). */

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

/** Least losses plus |w|^2 / 2 (C = 1): (x0, x1) -> probability of class 1. By Newton's method (Bishop 2006, section
 * 4.3.3), with steps shortened so that the loss always falls (Bach 2010). */
export function logisticRegression(X, y, n) {
	if (y.every((t) => t === y[0])) return () => y[0]; // the intercept would grow forever
	const rows = Array.from({ length: n }, (_, i) => [X[2 * i], X[2 * i + 1], 1]);
	let w = [0, 0, 0]; // two weights and the intercept
	const probability = (x0, x1) => 1 / (1 + Math.exp(-dot(w, [x0, x1, 1])));
	let reach; // of a step: the largest change of a logit
	do {
		const gradient = [w[0], w[1], 0];
		const hessian = [[1, 0, 0], [0, 1, 0], [0, 0, 0]];
		rows.forEach((x, i) => {
			const p = probability(...x);
			for (let j = 0; j < 3; j++) {
				gradient[j] += (p - y[i]) * x[j];
				for (let k = 0; k < 3; k++) hessian[j][k] += p * (1 - p) * x[j] * x[k];
			}
		});
		const step = solve(hessian, gradient);
		reach = Math.max(...rows.map((x) => Math.abs(dot(step, x))));
		w = w.map((wj, j) => wj - step[j] / (1 + reach / 2));
	} while (reach > 1e-9);
	return probability;
}

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** A x = b for a symmetric A of 3 rows, by Cramer's rule. */
function solve(A, b) {
	const cross = ([a, b, c], [d, e, f]) => [b * f - c * e, c * d - a * f, a * e - b * d];
	const columns = [cross(A[1], A[2]), cross(A[2], A[0]), cross(A[0], A[1])];
	return columns.map((c) => dot(b, c) / dot(A[0], columns[0]));
}
