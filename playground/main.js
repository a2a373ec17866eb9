// The page: settings from the address and the controls, orders to the worker, and what it sends.

import { pythonCode } from "./code.js";
import { networkFile } from "./files.js";
import { fieldsOf, format, parse } from "./state.js";
import { drawBoundary, drawCurves, drawNetwork, palette } from "./view.js";

const STARTS = 20;
const $ = (id) => document.getElementById(id);
const [app, settings, views] = [$("playground"), $("settings"), $("views")];
const named = [...settings, ...views, $("speed")].filter(({ name }) => name);
const fields = fieldsOf(named);
const controls = Object.fromEntries(named.map((control) => [control.name, control]));
const layerControls = named.filter(({ name }) => name.startsWith("layer"));

let S; // the settings
let id = 0; // of the last set-up; messages from an earlier one are late
let shape, frame, history, starts; // what the workers sent: data and layers, the last frame, curves, starts
let training = false;
let scheduled = false; // a drawing
let began = {}; // when, and at which epoch
let startsWorker, colors, last; // the control that began the training

// --- workers

function newWorker(receive) {
	const made = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
	made.onmessage = ({ data: message }) => message.id === id && receive(message);
	made.onerror = ({ message = "the training did not load" }) => {
		setTraining(false);
		stopStarts();
		complain([`Something went wrong: ${message}. Load the page again, or without its settings.`]);
	};
	return made;
}

const worker = newWorker((message) => {
	frame = message;
	shape = frame.shape ?? shape;
	for (const [name, values] of Object.entries(frame.history)) for (const value of values) history[name].push(value);
	redraw();
	setTraining(frame.training);
	if (training) return;
	const { said, diverged } = frame;
	if (diverged) complain([diverged]);
	say(`${diverged ? "Stopped." : said} ${sentence()}`);
});

/** Back to epoch 0. */
function reset(said) {
	id += 1;
	frame = null; // none yet
	setTraining(false);
	stopStarts();
	showStarts([]);
	history = { loss: [], accuracy: [], testLoss: [], testAccuracy: [] };
	$("code").hidden = true;
	worker.postMessage({ type: "setup", S, id, said });
}

function train(mode, speed = "fastest") {
	complain([]);
	setTraining(true);
	began = { time: performance.now(), epoch: frame?.epoch ?? 0 };
	const pause = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : 40;
	worker.postMessage({ type: "train", mode, speed, pause });
}

function setTraining(now) {
	training = now;
	show("run", now ? "Pause" : "Run");
}

// --- starts side by side

function tryStarts() {
	if (startsWorker) {
		stopStarts();
		return say("Stopped.");
	}
	show("seeds", "Stop the seeds");
	say(`Training ${STARTS} starts, from seed ${S.seed} on.`);
	startsWorker = newWorker(({ finished, results }) => {
		if (results) showStarts(results);
		if (!finished) return;
		stopStarts();
		say(spread());
	});
	startsWorker.postMessage({ type: "setup", S, id });
	startsWorker.postMessage({ type: "starts", count: STARTS });
}

function stopStarts() {
	startsWorker?.terminate();
	startsWorker = null;
	show("seeds", `Try ${STARTS} seeds`);
}

function showStarts(results) {
	starts = results;
	$("starts").hidden = !starts.length;
	$("starts").lastElementChild.innerHTML = starts
		.map((start, i) => ({ ...start, seed: (S.seed + i) % 2 ** 32 }))
		.sort((a, b) => b.train.accuracy - a.train.accuracy)
		.map(({ seed, train, test }) => `<li style="--share: ${train.accuracy}">` +
			`<a href="${format(fields, { ...S, seed }) || "?"}">seed ${seed}</a> ${percent(train.accuracy)}` +
			`${test ? `, test ${percent(test.accuracy)}` : ""}</li>`)
		.join("");
	redraw();
}

function spread() {
	const sorted = starts.map(({ train }) => train.accuracy).sort((a, b) => a - b);
	const median = (sorted[STARTS / 2 - 1] + sorted[STARTS / 2]) / 2;
	return `${STARTS} starts, from seed ${S.seed} on: training accuracy ${percent(sorted[0])} to ` +
		`${percent(sorted.at(-1))}, median ${percent(median)}; ${sorted.filter((share) => share === 1).length} with all ` +
		`points right, ${starts.filter(({ diverged }) => diverged).length} diverged.`;
}

// --- settings

function fillControls() {
	for (const { name, type } of named) {
		if (name in S) controls[name][type === "checkbox" ? "checked" : "value"] = S[name];
	}
	for (const [i, input] of layerControls.entries()) input.value = S.layers[i] ?? 0;
	for (const key of ["n", "noise", "data_seed", "test"]) controls[key].disabled = S.data === "xor";
}

function readControls() {
	const layers = layerControls.map((input) => input.value).filter(Number).join("-") || "0";
	const query = new URLSearchParams({ layers });
	for (const { name, type, checked, value } of named) {
		if (name in fields) query.set(name, type === "checkbox" ? Number(checked) : value);
	}
	return parse(fields, query, S);
}

/** Settings go into the address, the controls and, unless only the view changes, a new training. */
function take({ S: next, problems }, said, control) {
	const trains = (key) => key === "layers" || controls[key].form === settings;
	const anew = Object.keys(fields).some((key) => trains(key) && `${S?.[key]}` !== `${next[key]}`);
	S = next;
	fillControls();
	complain(problems);
	const address = (format(fields, S) || location.pathname) + location.hash;
	// Changes by one control in a row are one entry of the history.
	window.history[control === last || !anew ? "replaceState" : "pushState"](null, "", address);
	if (anew) last = control;
	if (anew) reset(said);
	else worker.postMessage({ type: "speed", speed: S.speed });
	redraw();
}

function changed({ target }) {
	if (target.name === "stop") controls.goal.value = target.value === "loss" ? 0.1 : 0.95;
	take(readControls(), "Changed.", target);
}

function load(said) {
	S = last = null;
	take(parse(fields, location.search), said, null);
}

// --- buttons

const actions = {
	run() {
		if (training) worker.postMessage({ type: "pause" });
		else train("run", S.speed);
	},
	step: () => train("step"),
	epoch: () => train("epoch"),
	finish: () => train("finish", S.speed),
	reset: () => reset(`Reset to seed ${S.seed}.`),
	"new-seed"() {
		const seed = (S.seed + 1) % 2 ** 32;
		take({ S: { ...S, seed }, problems: [] }, `Seed ${seed}.`);
	},
	seeds: tryStarts,
	"copy-link": () => copy(location.href, "address"),
	"copy-code"() {
		const { epoch, batches, diverged, train, test } = frame ?? {};
		const seen = epoch > 0 && !batches && !diverged; // else nothing to compare
		const { loss = null, accuracy = null } = seen ? train : {};
		const { loss: testLoss = null, accuracy: testAccuracy = null } = (seen && test) || {};
		const epochs = seen ? epoch : S.epochs;
		const code = pythonCode(S, { epochs, loss, accuracy, testLoss, testAccuracy });
		show("code", code);
		$("code").hidden = false;
		copy(code, "code");
	},
	download() {
		if (!frame) return;
		const link = document.createElement("a");
		link.href = URL.createObjectURL(new Blob([networkFile(S, { ...shape, theta: frame.theta })]));
		link.download = "playground.nn";
		link.click();
		setTimeout(URL.revokeObjectURL, 60_000, link.href);
		say('Saved as playground.nn: nn.load("playground.nn") reads it.');
	},
};

function copy(text, name) {
	const failed = () => say(`This browser lets no page copy: select the ${name}.`);
	navigator.clipboard?.writeText(text).then(() => say(`The ${name} is copied.`), failed) ?? failed();
}

// --- what is shown

function redraw() {
	if (!scheduled) requestAnimationFrame(draw);
	scheduled = true;
}

function draw() {
	scheduled = false;
	if (!frame) return;
	colors ??= palette(app);
	const { train, test } = frame;
	const [tree, line] = [S["show-tree"] && shape.tree, S["show-line"] && shape.line];
	const overlays = { tree, line, showTest: S["show-test"] };
	drawBoundary($("boundary"), { ...frame, ...shape, ...shape.data, ...overlays }, colors);
	drawNetwork($("network"), { ...shape, ...frame, activation: S.activation }, colors);
	const drawHistory = (name, testName, faint, options) => {
		const curves = [...faint, { name: "training", values: history[name], style: "train" }];
		if (test) curves.push({ name: "test", values: history[testName], style: "test" });
		drawCurves($(name), { curves, logX: S["log-epochs"], ...options }, colors);
	};
	const faint = starts.map(({ loss }) => ({ values: loss, style: "faint" }));
	drawHistory("loss", "testLoss", faint, { logY: S["log-loss"] });
	drawHistory("accuracy", "testAccuracy", [], { percent: true });
	const pace = Math.round((1000 * (frame.epoch - began.epoch)) / (performance.now() - began.time));
	show("counter", moment() + (training && pace ? `, ${grouped(pace)} a second` : ""));
	const cells = $("confusion").querySelectorAll("tbody td"); // a row has two for training, two for test
	[0, 1, 4, 5].forEach((cell, i) => {
		cells[cell].textContent = train.confusion[i];
		cells[cell + 2].textContent = test?.confusion[i] ?? "–";
	});
	if ($("weights").parentElement.open) show("weights", weights());
}

function weights() {
	return shape.layers.map(({ units, W, b }, i) => {
		const numbers = Array.from(frame.theta.subarray(W, b + units), (weight) => weight.toPrecision(8));
		const rows = numbers.map((text, j) => text + ((j + 1) % units ? "  " : "\n"));
		return `layer ${i + 1}, a row for each input, the last one for the biases\n${rows.join("")}`;
	}).join("\n");
}

function moment() {
	return `Epoch ${grouped(frame.epoch)}${frame.batches ? ` + step ${frame.batches}` : ""}`;
}

function sentence() {
	const { train, test } = frame;
	const part = (name, score) => `${name} loss ${digits(score.loss)}, accuracy ${percent(score.accuracy)}`;
	const dead = frame.dead.filter(Boolean).length;
	return `${moment()}: ${part("training", train)}` +
		`${test ? `; ${part("test", test)}` : ""}${dead ? `; dead units: ${dead}` : ""}.`;
}

const grouped = (number) => number.toLocaleString("en");
const percent = (share) => `${(100 * share).toFixed(1)}%`;
const digits = (number) => (number >= 0.001 && number < 1e6 ? number.toFixed(4) : number.toPrecision(3));

function show(name, text) {
	if ($(name).textContent !== text) $(name).textContent = text;
}

const say = (text) => show("status", text);
const complain = (problems) => show("problems", problems.join("\n"));

// --- begin

for (const [name, action] of Object.entries(actions)) $(name).addEventListener("click", action);
for (const element of [settings, views, $("speed")]) element.addEventListener("change", changed);
for (const form of [settings, views]) form.addEventListener("submit", (event) => event.preventDefault());
$("weights").parentElement.addEventListener("toggle", redraw);
// Back, forward; links to headings keep the settings.
addEventListener("popstate", () => location.search !== format(fields, S) && load("Settings of this address."));
// Themes are a class or an attribute of <html> or <body>, according to the render engine.
const themes = new MutationObserver(() => {
	colors = null;
	redraw();
});
for (const root of [document.documentElement, document.body]) themes.observe(root, { attributes: true });
const sizes = new ResizeObserver(redraw);
for (const canvas of app.querySelectorAll("canvas")) sizes.observe(canvas);

app.hidden = false;
$("fallback").hidden = true;
load("Ready.");
