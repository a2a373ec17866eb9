import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { makeData } from "../../playground/data.js";
import { Run } from "../../playground/training.js";

const read = (name) => JSON.parse(readFileSync(new URL(`../reference/${name}.json`, import.meta.url)));
const reference = read("playground/training");
const tutorials = read("tutorials");
const COLUMNS = ["loss", "accuracy", "testLoss", "testAccuracy"];
const { S: PLAIN } = reference.runs[0];

const newRun = (S) => new Run(S, makeData(S));

function trained(S, epochs = S.epochs) {
  const run = newRun(S);
  while (run.epoch < epochs && !run.diverged) run.runEpoch();
  return run;
}

function close(actual, expected, message) {
  if (expected === null) return assert.ok(Number.isNaN(actual), `${message}: ${actual}, nnlib has NaN`);
  const allowed = 1e-9 * (1 + Math.abs(expected));
  assert.ok(Math.abs(actual - expected) <= allowed, `${message}: ${actual}, nnlib has ${expected}`);
}

function sameAsStored(run, stored) {
  assert.equal(run.history.loss.length, stored.loss.length);
  assert.equal(run.epoch, stored.loss.length);
  for (const name of COLUMNS) {
    stored[name]?.forEach((value, epoch) => close(run.history[name][epoch], value, `${name} in epoch ${epoch}`));
  }
  stored.theta.forEach((value, i) => close(run.network.theta[i], value, `parameter ${i}`));
}

test("every start is the one that nnlib draws", () => {
  for (const { S, theta } of reference.starts) {
    const { network, epoch, batches, history } = newRun(S);
    const name = `${S.generator} ${S.init}`;
    theta.forEach((value, i) => assert.ok(Math.abs(network.theta[i] - value) <= 1e-15, `${name}, parameter ${i}`));
    assert.deepEqual([network.theta.length, epoch, batches, history.loss.length], [theta.length, 0, 0, 0]);
  }
});

for (const stored of reference.runs) {
  const { S } = stored;
  const name = [S.data, S.layers.join("-"), S.activation, S.loss, S.optimizer, S.batch].join(" ");
  test(`${name}: the history is nnlib's`, () => {
    const run = trained(S);
    sameAsStored(run, stored);
    assert.equal(run.diverged, null);
    if (!S.test) assert.ok(run.history.testLoss.every(Number.isNaN));
  });
}

for (const [i, stored] of reference.divergences.entries()) {
  test(`overflow ${i} ends the run where nnlib's ends, at the last finite parameters`, () => {
    const run = trained(stored.S);
    sameAsStored(run, stored);
    const words = ["diverged", `epoch ${stored.loss.length - (i === 2 ? 1 : 0)}:`];
    words.push("Lower the learning rate (now 100)");
    for (const part of words) assert.ok(run.diverged.includes(part), `${part} is not in: ${run.diverged}`);
    assert.equal(run.diverged.includes("standardize"), !stored.S.standardize);

    const theta = run.network.theta.slice();
    run.step();
    run.runEpoch();
    assert.deepEqual([run.network.theta, run.history.loss.length], [theta, stored.loss.length]);
  });
}

test("what overflows before the first step ends the run, too", () => {
  const run = newRun(PLAIN);
  run.network.theta.fill(1e308);
  run.runEpoch();
  assert.match(run.diverged, /diverged in epoch 0: .* standardize/);
  assert.equal(run.history.loss.length, 0);
});

test("infinite parameters end the run though their loss is finite", () => {
  const run = newRun({ ...PLAIN, loss: "squared_error", batch: 10 });
  run.step();
  run.step();
  run.network.theta[run.network.theta.length - 1] = Infinity; // the last bias: an output of 1
  run.step();
  assert.match(run.diverged, /weights became infinite/);
  assert.ok(run.network.theta.every(Number.isFinite));
});

const tutorial = (run, changes) => ({
  ...PLAIN, n: 500, noise: 0.2, data_seed: 42, test: 0, layers: [run.hidden], init: "normal-0.5", optimizer: "sgd",
  generator: run.init.includes("legacy") ? "RandomState" : "default_rng", seed: Number(run.init.match(/\d+$/)[0]),
  rate: run.lr, ...changes,
});

function sameAsTutorial(stored, changes) {
  const epochs = Math.max(...Object.keys(stored.loss).map(Number));
  const S = tutorial(stored, changes);
  const run = trained(S, epochs);
  const { X, n } = makeData(S).train;
  const predictions = run.network.probabilities(X, n);
  run.runEpoch();
  const { loss, accuracy } = run.history;
  for (const [epoch, value] of Object.entries(stored.loss)) close(loss[epoch], value, `loss in epoch ${epoch}`);
  return { accuracy: accuracy[epochs], predictions };
}

for (const stored of tutorials.moons.runs) {
  test(`the tutorial's moons, ${stored.hidden} units, rate ${stored.lr}, ${stored.init}`, () => {
    close(sameAsTutorial(stored, { data: "moons" }).accuracy, stored.last_forward_accuracy, "accuracy");
  });
}

for (const stored of tutorials.xor_mse.runs) {
  test(`the tutorial's XOR, ${stored.hidden} units, rate ${stored.lr}, ${stored.epochs} epochs`, () => {
    const { predictions } = sameAsTutorial(stored, { data: "xor", loss: "squared_error" });
    stored.last_forward_predictions.forEach((value, i) => close(predictions[i], value, `prediction ${i}`));
  });
}

test("the first entry is the untrained network's, that of the test set comes after the first epoch", () => {
  const data = makeData(PLAIN);
  const run = new Run(PLAIN, data);
  const before = run.network.score(data.train.X, data.train.y, data.train.n);
  run.runEpoch();
  const after = run.network.score(data.test.X, data.test.y, data.test.n);
  const { loss, accuracy, testLoss, testAccuracy } = run.history;
  assert.deepEqual([loss[0], accuracy[0]], [before.loss, before.accuracy]);
  assert.deepEqual([testLoss[0], testAccuracy[0]], [after.loss, after.accuracy]);
});

test("accuracy with a squared error counts outputs above 0.5 as class 1", () => {
  const S = { ...PLAIN, loss: "squared_error" };
  const data = makeData(S);
  const run = new Run(S, data);
  const outputs = run.network.probabilities(data.train.X, data.train.n);
  run.runEpoch();
  const right = outputs.filter((p, i) => (p > 0.5 ? 1 : 0) === data.train.y[i]).length;
  assert.equal(run.history.accuracy[0], right / data.train.n);
});

test("single steps and whole epochs are the same run", () => {
  const S = { ...PLAIN, batch: 10 }; // 48 training points: four batches of 10 and one of 8
  const [stepped, whole] = [newRun(S), newRun(S)];
  const seen = [];
  for (let i = 0; i < 7; i++) {
    stepped.step();
    seen.push([stepped.epoch, stepped.batches, stepped.history.loss.length]);
  }
  assert.deepEqual(seen, [
    [0, 1, 0], [0, 2, 0], [0, 3, 0], [0, 4, 0], [1, 0, 1], [1, 1, 1], [1, 2, 1],
  ]);
  stepped.runEpoch();
  assert.deepEqual([stepped.epoch, stepped.batches], [2, 0]);
  whole.runEpoch();
  whole.runEpoch();
  assert.deepEqual(stepped.network.theta, whole.network.theta);
  assert.deepEqual(stepped.history, whole.history);
});

test("two runs of the same settings are equal, and share nothing", () => {
  const S = { ...PLAIN, batch: 16 };
  const data = makeData(S);
  const copy = structuredClone([S, data]);
  const runs = [new Run(S, data), new Run(S, data)];
  for (let i = 0; i < 12; i++) for (const run of runs) run.step();
  assert.deepEqual(runs[0].network.theta, runs[1].network.theta);
  assert.deepEqual([S, data], copy);
});

const untilReached = (changes) => {
  const run = newRun({ ...PLAIN, ...changes });
  let sentence = run.reached();
  while (!sentence) {
    run.runEpoch();
    sentence = run.reached();
  }
  return { run, sentence };
};

test("the stop conditions", () => {
  const epochs = untilReached({ epochs: 1234 });
  assert.equal(epochs.run.epoch, 1234);
  assert.match(epochs.sentence, /1,234 epochs/);
  assert.equal(untilReached({ epochs: 1, stop: "loss", goal: 0.1 }).run.epoch, 1);

  const loss = untilReached({ epochs: 10_000, stop: "loss", goal: 0.3 });
  const { loss: losses } = loss.run.history;
  assert.ok(losses[loss.run.epoch - 1] <= 0.3 && losses[loss.run.epoch - 2] > 0.3);
  assert.match(loss.sentence, /loss .* 0\.3\./);

  const accuracy = untilReached({ epochs: 10_000, stop: "accuracy", goal: 0.875 });
  const { accuracy: accuracies } = accuracy.run.history;
  assert.ok(accuracies[accuracy.run.epoch - 1] >= 0.875 && accuracies[accuracy.run.epoch - 2] < 0.875);
  assert.match(accuracy.sentence, /accuracy .* 0\.875\./);
});

test("goals out of reach leave the epochs as the end", () => {
  for (const stop of ["loss", "accuracy"]) {
    const goal = stop === "loss" ? 0 : 100;
    assert.match(untilReached({ epochs: 3, stop, goal }).sentence, /3 epochs/);
  }
});
