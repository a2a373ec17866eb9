import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Network } from "../../playground/network.js";
import { makeOptimizer } from "../../playground/optimizers.js";

const reference = JSON.parse(readFileSync(new URL("../reference/playground/network.json", import.meta.url)));
const X = Float64Array.from(reference.X);
const y = Float64Array.from(reference.y);

const STEPS = 100;

function close(actual, expected, message) {
  const allowed = 1e-9 * (1 + Math.abs(expected));
  assert.ok(Math.abs(actual - expected) <= allowed, `${message}: ${actual}, nnlib has ${expected}`);
}

for (const { S, theta, runs } of reference.networks) {
  for (const run of runs) {
    const { optimizer: name, l2 } = run.S;
    const shape = ["2", ...S.layers, "out"].join("-");
    test(`${shape} ${S.activation} ${S.loss}, ${name}, l2 ${l2}: 100 steps are nnlib's`, () => {
      const network = new Network(S);
      network.theta.set(theta);
      const optimizer = makeOptimizer(run.S, network);
      const losses = Array.from({ length: STEPS }, () => {
        const { loss } = network.lossAndGradient(X, y, null, 0, y.length);
        optimizer.step(network.theta, network.grad);
        return loss;
      });
      for (const [i, step] of reference.shown.entries()) close(losses[step], run.losses[i], `loss at step ${step}`);
      close(losses.reduce((sum, loss) => sum + loss, 0), run.sum, "sum of the losses of all steps");
      for (const [i, value] of run.theta.entries()) close(network.theta[i], value, `parameter ${i}`);
    });
  }
}

test("a step leaves the gradient as it is, and two optimizers do not share their memory", () => {
  const network = new Network({ layers: [], activation: "sigmoid", loss: "binary_cross_entropy" });
  for (const optimizer of ["sgd", "momentum", "adam"]) {
    const S = { optimizer, rate: 0.1, l2: 0.5 };
    const grad = Float64Array.of(1, -2, 3);
    const after = (steps) => {
      const theta = Float64Array.of(4, 5, 6);
      const own = makeOptimizer(S, network);
      for (let i = 0; i < steps; i++) own.step(theta, grad);
      return [...theta];
    };
    const [once, twice] = [after(1), after(2)];
    assert.deepEqual([...grad], [1, -2, 3]);
    assert.deepEqual([after(1), after(2)], [once, twice]);
    assert.notDeepEqual(once, twice);
  }
});

test("weights decay, biases do not", () => {
  const network = new Network({ layers: [], activation: "sigmoid", loss: "binary_cross_entropy" });
  const theta = Float64Array.of(10, 10, 10);
  makeOptimizer({ optimizer: "sgd", rate: 0.5, l2: 0.2 }, network).step(theta, new Float64Array(3));
  assert.deepEqual([...theta], [9, 9, 10]);
});
