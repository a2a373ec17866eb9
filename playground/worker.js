// Training, away from the page, so that the page stays responsive. The page sends orders and asks for frames;
// nothing is sent unasked but the data, the progress of the 20 starts, and news that an order has ended.

import { decisionTree, logisticRegression } from "./baselines.js";
import { makeData } from "./data.js";
import { MAX_EPOCHS } from "./state.js";
import { Run } from "./training.js";

const SLICE = 12; // milliseconds of training between two looks at the orders
const FIELD = 90; // points along a side of the boundary's field
const UNIT = 30; // and of a hidden unit's

let S, id, data, dataKey, run, grids, baselines;
let job = null; // what training is under way: {mode, speed, began, from}
let seeds = null; // the runs side by side
let pace = { time: 0, epoch: 0, rate: 0 };

const orders = {
  setup(message) {
    ({ S, id } = message);
    job = seeds = null;
    // The same data are not made anew: the tree takes longer than all the rest.
    const key = JSON.stringify([S.data, S.n, S.noise, S.data_seed, S.test, S.standardize]);
    if (key !== dataKey) {
      data = makeData(S);
      grids = { field: grid(data.box, FIELD), unit: grid(data.box, UNIT) };
      const { X, y, n } = data.train;
      baselines = { tree: onGrid(decisionTree(X, y, n)), line: onGrid(logisticRegression(X, y, n)) };
      dataKey = key;
    }
    run = new Run(S, data);
    post("data", { data, baselines, sizes: run.network.sizes, layers: run.network.layers, size: FIELD, k: UNIT });
  },
  train({ mode, speed }) {
    job = { mode, speed, began: performance.now(), from: run.epoch };
    pace = { time: job.began, epoch: run.epoch, rate: 0 };
    next();
  },
  speed({ speed }) {
    if (job) Object.assign(job, { speed, began: performance.now(), from: run.epoch });
  },
  pause() {
    if (job) end("paused");
  },
  frame({ since }) {
    const { network, epoch, batches, steps, history } = run;
    const { test, train } = data;
    const part = (column) => column.slice(since, history.length);
    const columns = ["loss", "accuracy", "testLoss", "testAccuracy"].map((name) => [name, part(history[name])]);
    post("frame", {
      epoch, batches, steps, since, length: history.length, history: Object.fromEntries(columns),
      training: job !== null, rate: pace.rate, theta: network.theta.slice(),
      field: Float32Array.from(network.probabilities(grids.field, FIELD * FIELD)),
      units: network.activity(grids.unit, UNIT * UNIT).slice(0, -1),
      dead: deadUnits(network.activity(train.X, train.n).slice(0, -1)),
      train: network.score(train.X, train.y, train.n),
      test: test.n ? network.score(test.X, test.y, test.n) : null,
    });
  },
  seeds({ count }) {
    const starts = Array.from({ length: count }, (_, i) => (S.seed + i) % 2 ** 32);
    seeds = starts.map((seed) => ({ seed, run: new Run({ ...S, seed }, data), done: false }));
    nextOfSeeds(performance.now());
  },
};

onmessage = ({ data: message }) => {
  try {
    orders[message.type](message);
  } catch (error) {
    fail(error);
  }
};

/** A task after those that wait: unlike timers, which browsers slow down, it begins at once. */
const { port1, port2 } = new MessageChannel();
const waiting = [];
port1.onmessage = () => waiting.shift()();
function soon(task) {
  waiting.push(() => {
    try {
      task();
    } catch (error) {
      fail(error);
    }
  });
  port2.postMessage(null);
}

function next() {
  const mine = job;
  const again = () => job === mine && next();
  const stop = performance.now() + SLICE;
  const speed = job.speed === "fastest" ? Infinity : Number(job.speed);
  do {
    const ended = over();
    if (ended) return end(...ended);
    if (run.epoch - job.from >= ((performance.now() - job.began) / 1000) * speed) return void setTimeout(again, 5);
    if (job.mode === "step") run.step();
    else run.runEpoch();
  } while (job.mode !== "step" && job.mode !== "epoch" && performance.now() < stop);
  measurePace();
  if (job.mode === "step" || job.mode === "epoch") return end(run.diverged ? "diverged" : "done", run.diverged ?? "");
  soon(again);
}

/** Why the training ends here, or null. */
function over() {
  if (run.diverged) return ["diverged", run.diverged];
  if (run.epoch >= MAX_EPOCHS) {
    return ["full", `The page keeps no more than ${MAX_EPOCHS} epochs: take the code and train in Python.`];
  }
  const reached = job.mode === "finish" && run.reached();
  return reached ? ["reached", reached] : null;
}

function end(why, text = "") {
  job = null;
  post("ended", { why, text });
}

function measurePace() {
  const now = performance.now();
  const seconds = (now - pace.time) / 1000;
  if (seconds > 0.5 || !pace.rate) pace.rate = (run.epoch - pace.epoch) / seconds;
  if (seconds > 0.5) Object.assign(pace, { time: now, epoch: run.epoch });
}

/** All starts go on side by side, a slice each in turn. */
function nextOfSeeds(told) {
  const mine = seeds;
  for (const start of seeds.filter(({ done }) => !done)) {
    const stop = performance.now() + SLICE / 4;
    do {
      start.done = Boolean(start.run.diverged || start.run.reached());
      if (!start.done) start.run.runEpoch();
    } while (!start.done && performance.now() < stop);
  }
  const finished = seeds.every(({ done }) => done);
  if (finished || performance.now() - told > 250) {
    told = performance.now();
    const results = seeds.map(({ seed, run: { network, epoch, diverged, history }, done }) => ({
      seed, epoch, done, diverged: Boolean(diverged),
      train: network.score(data.train.X, data.train.y, data.train.n),
      test: data.test.n ? network.score(data.test.X, data.test.y, data.test.n) : null,
      loss: finished ? Float32Array.from(history.loss.subarray(0, history.length)) : null,
    }));
    post("seeds", { finished, results });
  }
  if (finished) seeds = null;
  else soon(() => seeds === mine && nextOfSeeds(told));
}

/** Which hidden relus are silent for every training point: no gradient reaches their weights. */
function deadUnits(activity) {
  return activity.map((values) => S.activation === "relu" && values.every((value) => value === 0));
}

/** Points of a regular grid over the box, row by row from the lowest x1, as inputs of a network. */
function grid([left, right, bottom, top], side) {
  const X = new Float64Array(2 * side * side);
  for (let i = 0; i < side * side; i++) {
    X[2 * i] = left + ((i % side) / (side - 1)) * (right - left);
    X[2 * i + 1] = bottom + (Math.floor(i / side) / (side - 1)) * (top - bottom);
  }
  return X;
}

function onGrid(predict) {
  return Float32Array.from({ length: FIELD * FIELD }, (_, i) => predict(grids.field[2 * i], grids.field[2 * i + 1]));
}

function post(type, message) {
  postMessage({ type, id, ...message });
}

function fail(error) {
  job = seeds = null;
  post("failed", { text: error.message });
}
