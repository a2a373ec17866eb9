// Training step by step, with the history and the care for overflow of nnlib's train.

import { Network } from "./network.js";
import { makeOptimizer } from "./optimizers.js";
import { Generator, RandomState } from "./random.js";

const STALL = 100; // epochs over which the loss has to fall
const COLUMNS = ["loss", "accuracy", "testLoss", "testAccuracy"];

/** A training under way, from the settings S and the data of makeData(S). */
export class Run {
  #S;
  #data;
  #optimizer;
  #good; // the parameters before the last step, and their loss: both finite
  #goodLoss = null;
  #size; // of a batch
  #rng; // of the order of the batches
  #order = null;
  #sums;

  constructor(S, data) {
    const { n } = data.train;
    this.#S = S;
    this.#data = data;
    this.network = new Network(S);
    this.network.start(S.generator === "RandomState" ? new RandomState(S.seed) : new Generator(S.seed), S.init);
    this.#good = this.network.theta.slice();
    this.#optimizer = makeOptimizer(S, this.network);
    this.#size = S.batch > 0 && S.batch < n ? S.batch : n;
    this.#rng = this.#size < n ? new Generator(S.seed) : null;
    /** Whole epochs done, steps done in all, and in the epoch under way. */
    this.epoch = this.steps = this.batches = 0;
    /** An entry an epoch, up to `length`: means over its batches, each measured just before its step (so that entry 0
     * of a single batch is the untrained network's), and of the test set after the last step (NaN without one). */
    this.history = { length: 0 };
    for (const name of COLUMNS) this.history[name] = new Float64Array(1024);
    /** A sentence for the reader when numbers have overflowed, which ends the run; else null. */
    this.diverged = null;
  }

  /** One batch. */
  step() {
    if (this.diverged) return;
    const { network } = this;
    const { X, y, n } = this.#data.train;
    const from = this.batches * this.#size;
    const to = Math.min(from + this.#size, n);
    if (from === 0) {
      if (this.#rng) this.#order = this.#rng.permutation(n);
      this.#sums = { loss: 0, hits: 0 };
    }
    const { loss, hits } = network.lossAndGradient(X, y, this.#order, from, to);
    if (!Number.isFinite(loss) || !network.theta.every(Number.isFinite)) return this.#goBack(loss);
    this.#good.set(network.theta);
    this.#goodLoss = loss;
    this.#optimizer.step(network.theta, network.grad);
    this.steps += 1;
    this.batches += 1;
    this.#sums.loss += (to - from) * loss;
    this.#sums.hits += (to - from) * hits;
    if (to === n) this.#endEpoch();
  }

  /** The rest of the epoch under way. */
  runEpoch() {
    do this.step();
    while (this.batches > 0 && !this.diverged);
  }

  /** A sentence if a stop condition of the settings holds after the last whole epoch, else null. */
  reached() {
    const { epochs, stop, goal } = this.#S;
    const { loss, accuracy, length } = this.history;
    const last = length - 1;
    const after = `after ${count(length)}`;
    if (stop === "loss" && loss[last] <= goal) return `Training loss ${digits(loss[last])} ${after}: the goal is ${goal}.`;
    if (stop === "accuracy" && accuracy[last] >= goal) {
      return `Training accuracy ${percent(accuracy[last])} ${after}: the goal is ${percent(goal)}.`;
    }
    if (stop === "stall" && last >= STALL) {
      const before = loss[last - STALL];
      if (loss[last] >= before || before - loss[last] < goal * before) {
        return `Stalled ${after}: in the last ${STALL} the training loss fell by less than ${percent(goal)}.`;
      }
    }
    return length >= epochs ? `All ${count(epochs)} are done.` : null;
  }

  #endEpoch() {
    const { network, history } = this;
    const { train, test } = this.#data;
    const finite = network.theta.every(Number.isFinite); // here no next loss would tell
    if (!finite) this.#goBack(this.#goodLoss);
    const { loss, accuracy } = finite && test.n ? network.score(test.X, test.y, test.n) : { loss: NaN, accuracy: NaN };
    const entry = [this.#sums.loss / train.n, this.#sums.hits / train.n, loss, accuracy];
    for (const [i, name] of COLUMNS.entries()) {
      const column = history[name];
      if (history.length === column.length) (history[name] = new Float64Array(2 * column.length)).set(column);
      history[name][history.length] = entry[i];
    }
    this.epoch = history.length += 1;
    this.batches = 0;
  }

  #goBack(loss) {
    this.network.theta.set(this.#good);
    const { rate, standardize } = this.#S;
    // Infinite parameters may have a finite loss: a sigmoid of them is 0 or 1.
    const what = Number.isFinite(loss) ? "parameters" : "loss";
    this.diverged = this.#goodLoss === null
      ? `Training cannot start: the ${what} overflowed before the first step. Start with smaller weights.`
      : `Training diverged in epoch ${this.epoch}: the ${what} became infinite or NaN (the last finite loss was ` +
        `${digits(this.#goodLoss)}). The network keeps its last finite parameters. Lower the learning rate (now ` +
        `${rate})${standardize ? "" : ", or standardize the data"}.`;
  }
}

const digits = (value) => String(Number(value.toPrecision(4)));
const percent = (share) => `${digits(100 * share)}%`;
const count = (epochs) => `${epochs.toLocaleString("en")} ${epochs === 1 ? "epoch" : "epochs"}`;
