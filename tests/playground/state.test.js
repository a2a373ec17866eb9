import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { fieldsOf, format, parse } from "../../playground/state.js";

/** The page's controls, with the properties that a browser gives them. */
function controlsOf(page) {
  const attributes = (tag) => Object.fromEntries(
    [...tag.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].slice(1).map(([, name, value]) => [name, value ?? ""]),
  );
  const tags = page.matchAll(/<input [^>]*>|<select [^>]*name="[^"]*"[^>]*>[^]*?<\/select>/g);
  return [...tags].map(([tag]) => {
    const { name, type, value, min, max, checked, inputmode, "data-min": lowest } = attributes(tag.split(">")[0]);
    const options = [...tag.matchAll(/<option [^>]*>/g)].map(([option]) => attributes(option));
    return {
      name, min, max, defaultValue: value, defaultChecked: checked !== undefined, inputMode: inputmode,
      type: tag.startsWith("<select") ? "select-one" : type, dataset: lowest === undefined ? {} : { min: lowest },
      options: options.map((option) => ({ value: option.value, defaultSelected: "selected" in option })),
    };
  });
}

const page = readFileSync(new URL("../../playground.qmd", import.meta.url), "utf8");
const fields = fieldsOf(controlsOf(page));
const read = (query, instead) => parse(fields, query, instead);
const usual = Object.fromEntries(Object.entries(fields).map(([key, { value }]) => [key, value]));

const FULL = {
  data: "spirals", n: "400", noise: "0.1", data_seed: "7", test: "0.5", standardize: "1", layers: "8-4",
  activation: "tanh", init: "spread", generator: "RandomState", seed: "4294967295", loss: "squared_error",
  optimizer: "momentum", rate: "0.001", batch: "50", l2: "0.01", epochs: "30", stop: "accuracy", goal: "0.9",
  speed: "10", "show-test": "0", "show-tree": "1", "show-line": "1", "log-epochs": "1", "log-loss": "1",
};

test("an empty query gives the page's values, and these an empty query", () => {
  assert.deepEqual(read(""), { S: usual, problems: [] });
  assert.deepEqual(read("").S.layers, [8]);
  assert.equal(read("").S.rate, 0.05);
  assert.equal(format(fields, usual), "");
});

test("every setting survives the way through the address", () => {
  assert.deepEqual(Object.keys(FULL).sort(), Object.keys(fields).sort());
  const { S, problems } = read(new URLSearchParams(FULL));
  assert.deepEqual(problems, []);
  for (const key of Object.keys(fields)) assert.notDeepEqual(S[key], usual[key], key);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(format(fields, S))), FULL);
});

test("a network without hidden layers", () => {
  assert.deepEqual(read("?layers=0").S.layers, []);
  assert.equal(format(fields, read("?layers=0").S), "?layers=0");
});

for (const [query, key, value, words] of [
  ["?rate=abc", "rate", 0.05, ["rate=abc is not a number", "0.05 is used"]],
  ["?rate=", "rate", 0.05, ["rate is not a number"]],
  ["?rate=NaN", "rate", 0.05, ["not a number"]],
  ["?rate=1e999", "rate", 0.05, ["not a number"]],
  ["?rate=-1", "rate", 1e-6, ["from 0.000001 to 100", "0.000001 is used"]],
  ["?rate=0", "rate", 1e-6, ["from 0.000001 to 100"]],
  ["?rate=1000", "rate", 100, ["100 is used"]],
  ["?n=1e9", "n", 2000, ["from 10 to 2000"]],
  ["?n=-5", "n", 10, ["10 is used"]],
  ["?seed=1.5", "seed", 2, ["whole number"]],
  ["?seed=99999999999", "seed", 4294967295, ["4294967295 is used"]],
  ["?data=foo", "data", "moons", ["moons, circles, xor"]],
  ["?standardize=yes", "standardize", false, ["1 (on)"]],
  ["?layers=99", "layers", [16], ["up to 4", "1 to 16"]],
  ["?layers=8-8-8-8-8", "layers", [8, 8, 8, 8], ["8-8-8-8 is used"]],
  ["?layers=-3", "layers", [8], ["such as 8 or 8-8"]],
  ["?layers=0-4", "layers", [1, 4], ["1-4 is used"]],
  ["?epochs=1e7", "epochs", 100000, ["100000 is used"]],
  ["?epochs=0", "epochs", 1, ["1 is used"]],
  ["?batch=900", "batch", 0, ["400 training points"]],
  ["?stop=accuracy&goal=95", "goal", 95, ["lower the goal"]],
  ["?data=xor&batch=5", "batch", 0, ["4 training points"]],
]) {
  test(`${query} is mended, and the sentence says how`, () => {
    const { S, problems } = read(query);
    assert.deepEqual(S[key], value);
    assert.equal(problems.length, 1);
    for (const part of words) assert.ok(problems[0].includes(part), problems[0]);
  });
}

test("an unknown name is told, shortened, and ignored", () => {
  const { S, problems } = read(`?${"x".repeat(500)}=1&toString=1&__proto__=2`);
  assert.deepEqual(S, usual);
  assert.equal(problems.length, 3);
  assert.ok(problems.every((problem) => problem.length < 120));
});

test("what cannot be used stays as it was", () => {
  const before = read("?rate=7&layers=3").S;
  const { S, problems } = read("rate=fast&layers=2.5&seed=3", before);
  assert.deepEqual([S.rate, S.layers, S.seed, problems.length], [7, [3], 3, 2]);
  assert.equal(before.seed, 0);
});

test("the four points of XOR are all for training", () => {
  assert.equal(read("?data=xor&test=0.5").S.test, 0);
});
