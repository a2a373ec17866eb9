// Training, away from the page, which so stays responsive. The page gives orders and asks for frames; unasked it gets
// the data, the progress of the starts side by side, and word that an order has ended.

import { decisionTree, logisticRegression } from "./baselines.js";
import { makeData } from "./data.js";
import { Run } from "./training.js";

const SLICE = 12; // milliseconds of training between two looks at the orders
const FIELD = 90; // points along a side of the boundary's field
const UNIT = 30; // and of a hidden unit's
const MOST = 100_000; // epochs whose history is kept

let S, id, data, dataKey, grids, baselines, run, job;
let told; // epochs whose history the page has

const orders = {
  setup(message) {
    ({ S, id } = message);
    job = null;
    told = 0;
    // The same data are not made anew: the tree takes longer than all the rest.
    const key = [S.data, S.n, S.noise, S.data_seed, S.test, S.standardize].join();
    if (key !== dataKey) {
      data = makeData(S);
      grids = { field: grid(data.box, FIELD), unit: grid(data.box, UNIT) };
      const { X, y, n } = data.train;
      baselines = { tree: onGrid(decisionTree(X, y, n)), line: onGrid(logisticRegression(X, y, n)) };
      dataKey = key;
    }
    run = new Run(S, data);
    const { sizes, layers } = run.network;
    post("data", { data, ...baselines, sizes, layers, size: FIELD });
    orders.frame({ said: message.said });
  },
  /** `mode` is run, finish (run to a stop condition), epoch or step. */
  train({ mode, speed }) {
    job = { mode };
    orders.speed({ speed });
    next(job);
  },
  speed({ speed }) {
    if (job) Object.assign(job, { speed: Number(speed) || Infinity, began: performance.now(), from: run.epoch });
  },
  pause() {
    if (job) end("Paused.");
  },
  /** `said` is what the page tells its reader, besides the numbers. */
  frame({ said, trouble }) {
    const { network, epoch, batches, history } = run;
    const columns = ["loss", "accuracy", "testLoss", "testAccuracy"];
    post("frame", {
      said, trouble, epoch, batches, theta: network.theta.slice(), ...scores(network),
      history: Object.fromEntries(columns.map((name) => [name, history[name].slice(told, history.length)])),
      field: Float32Array.from(network.probabilities(grids.field, FIELD ** 2)),
      units: hidden(grids.unit, UNIT ** 2),
      // A relu that is silent for every training point is dead: no gradient reaches its weights.
      dead: hidden(data.train.X, data.train.n).map((values) => S.activation === "relu" && !values.some(Boolean)),
    });
    told = history.length;
  },
  starts({ count }) {
    const seeds = Array.from({ length: count }, (_, i) => (S.seed + i) % 2 ** 32);
    nextOfStarts(seeds.map((seed) => new Run({ ...S, seed }, data)), performance.now());
  },
};

const guarded = (task) => (argument) => {
  try {
    task(argument);
  } catch (error) {
    job = null;
    post("failed", { text: error.message });
  }
};

onmessage = guarded(({ data: message }) => orders[message.type](message));

// A message to itself begins a task after the orders that wait, and at once; timers are slowed down by browsers.
const { port1, port2 } = new MessageChannel();
const tasks = [];
port1.onmessage = guarded(() => tasks.shift()());
function soon(task) {
  tasks.push(task);
  port2.postMessage(null);
}

function next(mine) {
  if (job !== mine) return;
  const slice = performance.now();
  do {
    const single = job.mode === "step" || job.mode === "epoch";
    const due = ((performance.now() - job.began) / 1000) * job.speed;
    if (run.diverged) return end(run.diverged, true);
    if (run.epoch >= MOST) return end(`The page keeps ${MOST} epochs; for more, run the code.`, true);
    if (job.mode === "finish" && run.reached()) return end(run.reached());
    if (run.epoch - job.from >= due) return void setTimeout(guarded(next), 5, mine);
    if (job.mode === "step") run.step();
    else run.runEpoch();
    if (single) return end(run.diverged ?? "", Boolean(run.diverged));
  } while (performance.now() - slice < SLICE);
  soon(() => next(mine));
}

function end(said, trouble = false) {
  job = null;
  orders.frame({ said, trouble });
}

/** All starts go on side by side, a slice each in turn. */
function nextOfStarts(runs, last) {
  let finished = true;
  for (const start of runs) {
    const slice = performance.now();
    const over = () => start.diverged ?? start.reached();
    while (!over() && performance.now() - slice < SLICE / 4) start.runEpoch();
    finished &&= Boolean(over());
  }
  if (finished || performance.now() - last > 250) {
    last = performance.now();
    const results = runs.map(({ network, epoch, diverged, history }) => ({
      epoch, diverged, ...scores(network), loss: finished ? history.loss.slice(0, history.length) : [],
    }));
    post("starts", { finished, results });
  }
  if (!finished) soon(() => nextOfStarts(runs, last));
}

function scores(network) {
  const score = ({ X, y, n }) => (n ? network.score(X, y, n) : null);
  return { train: score(data.train), test: score(data.test) };
}

const hidden = (X, n) => run.network.activity(X, n).slice(0, -1);

/** Points of a regular grid over the box, row by row from the lowest x1, as inputs of a network. */
function grid([left, right, bottom, top], side) {
  const along = (i, low, high) => low + (i / (side - 1)) * (high - low);
  const points = Array.from({ length: side ** 2 }, (_, i) => [
    along(i % side, left, right), along(Math.floor(i / side), bottom, top),
  ]);
  return Float64Array.from(points.flat());
}

function onGrid(predict) {
  return Float32Array.from({ length: FIELD ** 2 }, (_, i) => predict(grids.field[2 * i], grids.field[2 * i + 1]));
}

const post = (type, message) => postMessage({ type, id, ...message });
