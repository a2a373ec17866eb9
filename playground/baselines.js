/** scikit-learn's DecisionTreeClassifier(max_depth=5, random_state=0) and LogisticRegression(). X: row-major (n, 2). */

const SAME = Math.fround(1e-7); // scikit-learn's FEATURE_THRESHOLD: values this close are not split

/** CART with Gini impurity (Breiman et al. 1984, chapter 4). Returns (x0, x1) -> class 0 or 1. */
export function decisionTree(X, y, n, maxDepth = 5) {
  // In float32, as scikit-learn does: it decides on which side of a threshold the nearest points are.
  const values = [0, 1].map((feature) => Float32Array.from({ length: n }, (_, i) => X[2 * i + feature]));
  const sorted = values.map((v) => Uint32Array.from(v.keys()).sort((a, b) => v[a] - v[b]));
  const root = grow(sorted, maxDepth, 2, { values, y, order: featureOrder() });
  return (x0, x1) => {
    let node = root;
    while (node.left) node = (node.feature ? x1 : x0) <= node.threshold ? node.left : node.right;
    return node.label;
  };
}

/** A node and all below it. `sorted`: its samples by each feature; `varying`: how many features vary in the parent. */
function grow(sorted, depth, varying, data) {
  const { values, y, order } = data;
  const n = sorted[0].length;
  const ones = sorted[0].reduce((sum, i) => sum + y[i], 0);
  const leaf = { label: Number(2 * ones > n) };
  if (depth === 0 || ones === 0 || ones === n) return leaf;

  const varies = values.map((v, f) => v[sorted[f][n - 1]] > Math.fround(v[sorted[f][0]] + SAME));
  let best = { impurity: Infinity };
  for (const feature of order(varying, varies)) {
    const split = bestSplit(sorted[feature], values[feature], y, ones);
    if (split.impurity < best.impurity) best = { feature, ...split };
  }
  if (best.impurity === Infinity) return leaf; // all samples lie in one place
  const isLeft = (i) => values[best.feature][i] <= best.threshold;
  const [left, right] = [true, false].map((side) => {
    const part = sorted.map((samples) => samples.filter((i) => isLeft(i) === side));
    return grow(part, depth - 1, varies.filter(Boolean).length, data);
  });
  return { ...best, left, right };
}

/** The threshold on v that leaves the least impurity, a sum over the samples, which are sorted by v. */
function bestSplit(samples, v, y, ones) {
  const n = samples.length;
  let [impurity, threshold] = [Infinity, NaN];
  for (let k = 1, onesLeft = 0; k < n; k++) {
    const [below, above] = [v[samples[k - 1]], v[samples[k]]];
    onesLeft += y[samples[k - 1]];
    if (above <= Math.fround(below + SAME)) continue;
    const rest = (n - k) * gini(ones - onesLeft, n - k) + k * gini(onesLeft, k);
    if (rest < impurity) [impurity, threshold] = [rest, below / 2 + above / 2];
  }
  return { impurity, threshold };
}

const gini = (ones, n) => 1 - ((n - ones) * (n - ones) + ones * ones) / (n * n);

/**
 * The order in which scikit-learn tries the features of a node: the first of equal splits wins. Drawn by xorshift from
 * np.random.RandomState(0).randint(2**31 - 1), depth first, left first; see sklearn/tree/_splitter.pyx.
 */
function featureOrder() {
  let state = 209652396;
  const drawBit = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 1;
  };
  let [a, b] = [0, 1];
  return (varying, varies) => {
    const second = drawBit();
    if (varying === 2 || !second) drawBit(); // for the other feature, of which there is no choice
    if (varying < 2) return [a, b];
    const order = second ? [b, a] : [a, b];
    [a, b] = varies[order[0]] ? [...order].reverse() : order;
    return order;
  };
}

/**
 * The least sum of losses plus |w|^2 / 2 (C = 1). Returns (x0, x1) -> probability of class 1. By Newton's method
 * (Bishop 2006, section 4.3.3) to the last digits, where scikit-learn stops after three or so.
 */
export function logisticRegression(X, y, n) {
  if (y.every((t) => t === y[0])) return () => y[0]; // the intercept would grow forever
  let now = penalizedLoss(X, y, n, [0, 0, 0]); // two weights and the intercept
  for (let i = 0; i < 100 && now.gradient.some((g) => Math.abs(g) > 1e-11 * n); i++) {
    const { w, loss, gradient, hessian } = now;
    const step = solve(hessian, gradient);
    let share = 1;
    do { // half of a step that leads too far; at the minimum, rounding alone lets the loss rise
      now = penalizedLoss(X, y, n, w.map((wj, j) => wj - share * step[j]));
      share /= 2;
    } while (now.loss > loss * (1 + 1e-12));
  }
  return (x0, x1) => sigmoid(dot(now.w, [x0, x1, 1]));
}

const sigmoid = (z) => 1 / (1 + Math.exp(-z));
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function penalizedLoss(X, y, n, w) {
  const gradient = [w[0], w[1], 0];
  let loss = dot(gradient, gradient) / 2;
  const hessian = [[1, 0, 0], [0, 1, 0], [0, 0, 0]];
  for (let i = 0; i < n; i++) {
    const x = [X[2 * i], X[2 * i + 1], 1];
    const z = dot(w, x);
    const p = sigmoid(z);
    loss += Math.max(z, 0) - y[i] * z + Math.log1p(Math.exp(-Math.abs(z)));
    for (let j = 0; j < 3; j++) {
      gradient[j] += (p - y[i]) * x[j];
      for (let k = 0; k < 3; k++) hessian[j][k] += p * (1 - p) * x[j] * x[k];
    }
  }
  return { w, loss, gradient, hessian };
}

/** x with A x = b for a symmetric A of 3 rows, by Cramer's rule. */
function solve(A, b) {
  const cross = ([a, b, c], [d, e, f]) => [b * f - c * e, c * d - a * f, a * e - b * d];
  const columns = [cross(A[1], A[2]), cross(A[2], A[0]), cross(A[0], A[1])];
  return columns.map((c) => dot(b, c) / dot(A[0], columns[0]));
}
