import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { decisionTree, logisticRegression } from "../../playground/baselines.js";

const cases = JSON.parse(readFileSync(new URL("../reference/playground/baselines.json", import.meta.url)));

function lineOf(X, y) {
  const network = logisticRegression({ train: { X: Float64Array.from(X), y, n: y.length }, test: { n: 0 } });
  return { probability: (x0, x1) => network.probabilities([x0, x1], 1)[0], found: [...network.theta] };
}

for (const [name, { X, y: digits, tree, line }] of Object.entries(cases)) {
  const y = Float64Array.from(digits);
  const n = y.length;
  const points = Array.from(y, (_, i) => [X[2 * i], X[2 * i + 1]]);
  const accuracy = (decide) => points.filter(([x0, x1], i) => decide(x0, x1) === y[i]).length / n;

  test(`${name}: the tree has the accuracy of scikit-learn's and answers as it does on a grid`, () => {
    const predict = decisionTree(Float64Array.from(X), y, n);
    assert.equal(accuracy(predict), tree.accuracy);
    const [first, second] = tree.sides;
    const answers = first.flatMap((x0) => second.map((x1) => predict(x0, x1)));
    const agreeing = answers.filter((answer, i) => String(answer) === tree.answers[i]).length / answers.length;
    // Two points are parted by either coordinate equally well, and scikit-learn's draw happens to take the second.
    assert.ok(agreeing > (name === "two" ? 0.49 : 0.995), `${agreeing}`);
  });

  // The playground's points lie within 20 of the origin; for larger ones 600 steps are too few.
  if (Math.max(...X.map(Math.abs)) > 20) continue;
  test(`${name}: logistic regression is at the minimum that scikit-learn comes close to`, () => {
    const { probability, found } = lineOf(X, y);
    const b = found[2];

    const gradient = [found[0], found[1], 0]; // of the penalty; then that of each sample
    points.forEach(([x0, x1], i) => {
      const d = probability(x0, x1) - y[i];
      [x0, x1, 1].forEach((x, j) => { gradient[j] += d * x; });
    });
    gradient.forEach((g) => assert.ok(Math.abs(g) < 1e-5, `gradient ${gradient}`));

    // "exact" is scikit-learn's Newton solver. The default, lbfgs, stops at a gradient of 1e-4, up to 3e-3 away.
    found.forEach((c, j) => assert.ok(Math.abs(c - line.exact[j]) < 1e-4, `${found} instead of ${line.exact}`));
    found.forEach((c, j) => assert.ok(Math.abs(c - line.coefficients[j]) < 3e-3));
    if (Math.abs(b) > 1e-9) { // XOR has no line: all points are on the border
      assert.ok(Math.abs(accuracy((x0, x1) => Number(probability(x0, x1) > 0.5)) - line.accuracy) < 1.5 / n);
    }
  });
}

test("few points far from the origin: logistic regression takes steps short enough", () => {
  const X = Float64Array.of(-12, 0, -6, 1, 3, 0, 15, 2);
  const { found, probability } = lineOf(X, Float64Array.of(0, 0, 1, 1));
  const slope = [0, 1, 2, 3].reduce((sum, i) => sum + X[2 * i] * (probability(X[2 * i], X[2 * i + 1]) - (i > 1)), found[0]);
  assert.ok(Math.abs(slope) < 1e-5, `${slope}`);
});

test("the site's numbers: on the moons 0.986 for the tree, 0.856 for the line", () => {
  const { X, y, tree, line } = cases.moons;
  assert.equal(y.length, 500);
  assert.equal(tree.accuracy, 0.986);
  assert.equal(line.accuracy, 0.856);
  const { probability } = lineOf(X, Float64Array.from(y));
  const right = Array.from(y).filter((t, i) => (probability(X[2 * i], X[2 * i + 1]) > 0.5) === (t === "1"));
  assert.equal(right.length / 500, 0.856);
});

test("a shallower tree asks less", () => {
  const { X, y } = cases.moons;
  const stump = decisionTree(X, Float64Array.from(y), 500, 1);
  const along = (x0s, x1s) => new Set(x0s.flatMap((x0) => x1s.map((x1) => stump(x0, x1))));
  const [left, middle, right] = [-1.2, 0.5, 2.2];
  const asked = along([left, middle, right], [0.5]).size + along([0.5], [-0.7, 0.2, 1.2]).size;
  assert.equal(asked, 3, "one of the two coordinates decides, the other does not matter");
  assert.equal(new Set([decisionTree(X, Float64Array.from(y), 500, 0)(0, 1)]).size, 1);
});

test("one class only: both answer with it everywhere", () => {
  for (const label of [0, 1]) {
    const X = Float64Array.of(0, 0, 1, 2, -1, 3);
    const y = new Float64Array(3).fill(label);
    assert.equal(decisionTree(X, y, 3)(9, -9), label);
    assert.ok(Math.abs(lineOf(X, y).probability(0, 2) - label) < 0.01);
  }
});

test("2,000 points take the tree less than 20 ms", () => {
  const n = 2000;
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const X = Float64Array.from({ length: 2 * n }, random);
  const y = Float64Array.from({ length: n }, () => Number(random() < 0.5));
  // The processor's time, as others may be busy on the machine; the first runs still compile.
  const times = Array.from({ length: 20 }, () => {
    const begin = process.cpuUsage();
    decisionTree(X, y, n);
    return process.cpuUsage(begin).user / 1000;
  });
  assert.ok(Math.min(...times) < 20, `${times}`);
});
