// Training, away from the page, which so stays responsive: the page gives orders, and gets frames to show.

import { decisionTree, logisticRegression } from "./baselines.js";
import { makeData } from "./data.js";
import { Run } from "./training.js";

const SLICE = 48; // milliseconds of training between two looks at the orders
const FIELD = 75; // points along a side of the boundary's field
const UNIT = 30; // and of a hidden unit's
const MOST = 100_000; // epochs whose history is kept

let S, id, data, dataKey, grids, baselines, run, job;
let told, shown; // epochs whose history the page has; when it got its last frame

const orders = {
	setup(message) {
		({ S, id } = message);
		[job, told] = [null, 0];
		// The tree takes longer than all the rest.
		const key = [S.data, S.n, S.noise, S.data_seed, S.test, S.standardize].join();
		if (key !== dataKey) {
			data = makeData(S);
			grids = { field: grid(data.box, FIELD), unit: grid(data.box, UNIT) };
			const { X, y, n } = data.train;
			const isOne = decisionTree(X, y, n);
			const tree = Float32Array.from({ length: FIELD ** 2 }, (_, i) => isOne(grids.field[2 * i], grids.field[2 * i + 1]));
			baselines = { tree, line: logisticRegression(data).probabilities(grids.field, FIELD ** 2) };
			dataKey = key;
		}
		run = new Run(S, data);
		const { sizes, layers } = run.network;
		sendFrame({ said: message.said, shape: { data, ...baselines, sizes, layers, size: FIELD } });
	},
	/** `mode`: run, finish (at a stop condition), epoch or step. `pause`: milliseconds between frames. */
	train({ mode, speed, pause }) {
		job = { mode, pause };
		orders.speed({ speed });
		next(job);
	},
	speed({ speed }) {
		if (job) Object.assign(job, { speed: Number(speed) || Infinity, began: performance.now(), from: run.epoch });
	},
	pause() {
		if (job) end("Paused.");
	},
	starts({ count }) {
		nextOfStarts(Array.from({ length: count }, (_, i) => new Run({ ...S, seed: (S.seed + i) % 2 ** 32 }, data)));
	},
};

onmessage = ({ data: message }) => orders[message.type](message);

function next(mine) {
	if (job !== mine) return;
	const slice = performance.now();
	do {
		if (job.mode === "finish" && run.reached()) return end(run.reached());
		if (run.epoch >= MOST) return end(`The page keeps ${MOST} epochs; for more, run the code.`);
		if (run.epoch - job.from >= ((performance.now() - job.began) / 1000) * job.speed) break;
		if (job.mode === "step") run.step();
		else run.runEpoch();
		if (run.diverged || job.mode === "step" || job.mode === "epoch") return end("");
	} while (performance.now() - slice < SLICE);
	if (performance.now() - shown > job.pause) sendFrame();
	setTimeout(next, 0, mine);
}

function end(said) {
	job = null;
	sendFrame({ said });
}

/** `news`: what the page says at the end of an order, the shape of a new network. */
function sendFrame(news) {
	const { network, epoch, batches, diverged, history } = run;
	const { train, test } = data;
	postMessage({
		...news, id, training: job !== null, epoch, batches, diverged, theta: network.theta.slice(), ...scores(network),
		history: Object.fromEntries(Object.entries(history).map(([name, values]) => [name, values.slice(told)])),
		output: network.probabilities(grids.field, FIELD ** 2),
		trainOutput: network.probabilities(train.X, train.n), testOutput: network.probabilities(test.X, test.n),
		fields: network.activity(grids.unit, UNIT ** 2),
		// A relu that is silent for every training point is dead: no gradient reaches its weights.
		dead: network.activity(train.X, train.n).map((values) => S.activation === "relu" && !values.some(Boolean)),
	});
	told = history.loss.length;
	shown = performance.now();
}

/** All starts go on side by side, a slice each in turn. */
function nextOfStarts(runs) {
	const over = (start) => start.diverged ?? start.reached();
	for (const start of runs) {
		const slice = performance.now();
		while (!over(start) && performance.now() - slice < SLICE / 2) start.runEpoch();
	}
	const finished = runs.every(over);
	const results = runs.map(({ network, diverged, history: { loss } }) => (
		{ diverged, ...scores(network), loss: finished ? loss : [] }
	));
	postMessage({ id, finished, results });
	if (!finished) setTimeout(nextOfStarts, 0, runs);
}

function scores(network) {
	const score = ({ X, y, n }) => (n ? network.score(X, y, n) : null);
	return { train: score(data.train), test: score(data.test) };
}

/** Points of a regular grid over the box, row by row from the lowest x1. */
function grid([left, right, bottom, top], side) {
	const along = (i, low, high) => low + (i / (side - 1)) * (high - low);
	const point = (_, i) => [along(i % side, left, right), along(Math.floor(i / side), bottom, top)];
	return Float64Array.from(Array.from({ length: side ** 2 }, point).flat());
}
