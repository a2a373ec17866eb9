import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { ACTIVATIONS, LOSSES, Network } from "../../playground/network.js";

const reference = JSON.parse(readFileSync(new URL("../reference/playground/network.json", import.meta.url)));
const X = Float64Array.from(reference.X);
const y = Float64Array.from(reference.y);
const n = y.length;

function close(actual, expected, message, tolerance = 1e-12) {
  const [a, b] = [[actual].flat(), [expected].flat()];
  assert.equal(a.length, b.length, message);
  for (const [i, value] of b.entries()) {
    const allowed = tolerance * (1 + Math.abs(value));
    assert.ok(Math.abs(a[i] - value) <= allowed, `${message}, entry ${i}: ${a[i]}, nnlib has ${value}`);
  }
}

function networkOf({ S, theta }) {
  const network = new Network(S);
  network.theta.set(theta);
  return network;
}

const nameOf = ({ S: { layers, activation, loss } }) => `${["2", ...layers, "out"].join("-")} ${activation} ${loss}`;

for (const stored of reference.networks) {
  test(`${nameOf(stored)}: loss, gradient and outputs are nnlib's`, () => {
    const network = networkOf(stored);
    const { loss, accuracy } = network.lossAndGradient(X, y, null, 0, n);
    close(loss, stored.loss, "loss");
    close(accuracy, stored.hits, "accuracy");
    close([...network.grad], stored.grad, "gradient");
    assert.deepEqual([...network.decayed], stored.decayed);

    close([...network.probabilities(X, 5)], stored.probabilities, "probabilities");
    const activity = network.activity(X, n);
    assert.equal(activity.length, stored.S.layers.reduce((sum, units) => sum + units, 0));
    for (const [u, values] of stored.hidden.flat().entries()) {
      assert.ok(activity[u] instanceof Float32Array && activity[u].length === n);
      close([...activity[u].slice(0, 5)], values, `unit ${u}`, 1e-6);
    }

    const score = network.score(X, y, n);
    assert.equal(score.loss, loss);
    assert.equal(score.accuracy, accuracy);
  });

  test(`${nameOf(stored)}: where its parts lie`, () => {
    const { sizes, layers, theta } = networkOf(stored);
    assert.deepEqual(sizes, [2, ...stored.S.layers, stored.S.loss === "categorical_cross_entropy" ? 2 : 1]);
    let end = 0;
    for (const [l, { fanIn, units, W, b }] of layers.entries()) {
      assert.deepEqual([fanIn, units, W, b], [sizes[l], sizes[l + 1], end, end + sizes[l] * sizes[l + 1]]);
      end = b + units;
    }
    assert.equal(end, theta.length);
    const last = stored.S.loss.endsWith("squared_error") ? "sigmoid" : "identity";
    const hidden = stored.S.layers.map(() => stored.S.activation);
    assert.deepEqual(layers.map(({ activation }) => activation), [...hidden, last]);
    assert.deepEqual(structuredClone(layers), layers); // a worker sends them
  });
}

test("a batch is what its rows are, in their order", () => {
  for (const stored of reference.networks) {
    const network = networkOf(stored);
    const rows = Int32Array.from({ length: n }, (_, i) => (i * 37) % n);
    for (const [from, to] of [[0, 1], [3, 10], [0, 64], [0, n], [5, 70], [n - 3, n]]) {
      const chosen = rows.subarray(from, to);
      const own = Float64Array.from([...chosen].flatMap((row) => [X[2 * row], X[2 * row + 1]]));
      const batch = network.lossAndGradient(X, y, rows, from, to);
      const gradient = network.grad.slice();
      const alone = network.lossAndGradient(own, Float64Array.from(chosen, (row) => y[row]), null, 0, to - from);
      assert.deepEqual(batch, alone);
      assert.deepEqual(network.grad, gradient);
      const single = (row) => networkOf(stored).lossAndGradient(X, y, null, row, row + 1).loss;
      close(batch.loss, [...chosen].reduce((sum, row) => sum + single(row), 0) / (to - from), "mean of the losses");
    }
  }
});

test("gradients of every activation and loss agree with central differences", () => {
  const step = 1e-5;
  for (const activation of Object.keys(ACTIVATIONS)) {
    for (const loss of Object.keys(LOSSES)) {
      const network = new Network({ layers: [4, 3], activation, loss });
      network.theta.forEach((_, i, theta) => (theta[i] = Math.sin(7 * i + 1)));
      network.lossAndGradient(X, y, null, 0, n);
      let [difference, size] = [0, 0];
      for (const [i, exact] of network.grad.slice().entries()) {
        const value = network.theta[i];
        const at = (other) => {
          network.theta[i] = other;
          return network.score(X, y, n).loss;
        };
        const numerical = (at(value + step) - at(value - step)) / (2 * step);
        at(value);
        difference += (numerical - exact) ** 2;
        size += (Math.abs(numerical) + Math.abs(exact)) ** 2;
      }
      assert.ok(size > 1e-6, "a gradient of zero would show nothing");
      assert.ok(Math.sqrt(difference / size) < 1e-7, `${activation} ${loss}: ${Math.sqrt(difference / size)}`);
    }
  }
});

for (const stored of reference.extremes) {
  const { S: { loss: name }, theta } = stored;
  test(`${name} at logits of ${Math.max(...theta)}, labels ${stored.y}, is nnlib's, and finite`, () => {
    const network = networkOf(stored);
    const { loss } = network.lossAndGradient(stored.X, stored.y, null, 0, stored.y.length);
    // Relative, without a part for small numbers: what is left of a saturated output has all its digits.
    const same = (a, b, size = Math.abs(b)) => assert.ok(Math.abs(a - b) <= 4e-15 * size, `${a}, nnlib has ${b}`);
    assert.ok(Number.isFinite(loss));
    // nnlib's categorical one loses what is below the rounding of 1; the difference of the logits keeps it.
    same(loss, stored.loss, name.startsWith("categorical") ? Math.max(stored.loss, 1) : undefined);
    network.grad.forEach((value, i) => same(value, stored.grad[i], 0.1)); // sums, in which terms cancel
    network.probabilities(stored.X, stored.y.length).forEach((p, i) => same(p, stored.probabilities[i]));
  });
}

test("infinite sums end in a loss that is not finite, never in a number that looks right", () => {
  for (const activation of ["relu", "leaky_relu", "identity"]) {
    const network = new Network({ layers: [2], activation, loss: "binary_cross_entropy" });
    network.theta.fill(NaN);
    assert.ok(Number.isNaN(network.score(X, y, n).loss), activation);
  }
});

test("the counts of right and wrong, true class first", () => {
  const points = [-3, 0, -1, 0, 2, 0, 0, 0, 4, 0]; // class 1 is predicted where x0 > 0
  const truth = [0, 1, 0, 0, 1];
  for (const loss of Object.keys(LOSSES)) {
    const network = new Network({ layers: [], activation: "sigmoid", loss });
    network.theta[loss === "categorical_cross_entropy" ? 1 : 0] = 1; // x0's weight for the logit of class 1
    const { confusion, accuracy } = network.score(points, truth, 5);
    assert.deepEqual([confusion, accuracy], [[2, 1, 1, 1], 0.6], loss);
  }
});

test("no samples have no loss", () => {
  const { loss, accuracy, confusion } = networkOf(reference.networks[0]).score(X, y, 0);
  assert.deepEqual([loss, accuracy, confusion], [NaN, NaN, [0, 0, 0, 0]]);
});
