// What the playground's buttons give, for test_exports.py: reads {name: settings} in JSON from standard input, trains
// each for its number of epochs, and writes the weights, the file, the program and the numbers shown as JSON.

import { readFileSync } from "node:fs";

import { pythonCode } from "../../playground/code.js";
import { makeData } from "../../playground/data.js";
import { networkFile } from "../../playground/files.js";
import { Run } from "../../playground/training.js";

function exported(S) {
  const { train, test } = makeData(S);
  const run = new Run(S, { train, test });
  while (run.epoch < S.epochs && !run.diverged) run.runEpoch();
  const { network } = run;
  const { loss, accuracy } = network.score(train.X, train.y, train.n);
  const held = test.n ? network.score(test.X, test.y, test.n) : { loss: null, accuracy: null };
  const shown = { epochs: run.epoch, loss, accuracy, testLoss: held.loss, testAccuracy: held.accuracy };
  return {
    X: [...train.X],
    y: [...train.y],
    theta: [...network.theta],
    probabilities: [...network.probabilities(train.X, train.n)],
    file: Buffer.from(networkFile(S, network)).toString("base64"),
    code: pythonCode(S, shown),
    shown,
  };
}

const cases = Object.entries(JSON.parse(readFileSync(0, "utf8")));
process.stdout.write(JSON.stringify(Object.fromEntries(cases.map(([name, S]) => [name, exported(S)]))));
