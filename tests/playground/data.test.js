// The data sets, against the points that export_data.py has made with scikit-learn and nnlib.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { makeData } from "../../playground/data.js";

const reference = JSON.parse(readFileSync(new URL("../reference/playground/data.json", import.meta.url)));
const DEFAULTS = { data: "moons", n: 500, noise: 0.2, data_seed: 42, test: 0.2, standardize: false };

function assertClose(actual, expected, label, tolerance = 1e-12) {
  assert.equal(actual.length, expected.length, label);
  expected.forEach((x, i) => {
    const error = Math.abs(actual[i] - x);
    assert.ok(error <= tolerance * Math.max(1, Math.abs(x)), `${label}[${i}]: ${actual[i]}, not ${x}`);
  });
}

function sums({ X, n }) {
  const total = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    for (const j of [0, 1]) {
      total[j] += Math.cos(i) * X[2 * i + j];
      total[2 + j] += Math.cos(i) * X[2 * i + j] ** 2;
    }
  }
  return total;
}

for (const { S, ...expected } of reference) {
  test(JSON.stringify(S), () => {
    const data = makeData(S);
    for (const name of ["train", "test"]) {
      const part = data[name];
      assert.equal(part.n, expected[name].n, name);
      assert.ok(part.X instanceof Float64Array && part.y instanceof Float64Array);
      assert.deepEqual([part.X.length, part.y.length], [2 * part.n, part.n]);
      assert.equal(part.y.join(""), expected[name].y, name);
      assertClose(part.X.slice(0, 24), expected[name].X.flat(), `${name}.X`);
      assertClose(part.X.slice(-2), expected[name].last.flat(), `the last of ${name}.X`);
      assertClose(sums(part), expected[name].sums, `sums of ${name}`, 1e-11);
    }
    assertClose(data.box, expected.box, "box");
  });
}

test("the box is square and holds all points with a margin of a tenth", () => {
  for (const data of ["moons", "circles", "xor", "xor_square", "spirals"]) {
    const { train, test: held, box } = makeData({ ...DEFAULTS, data, standardize: true });
    assertClose([box[1] - box[0]], [box[3] - box[2]], data);
    const X = [...train.X, ...held.X];
    const side = (axis) => X.filter((_, i) => i % 2 === axis);
    const widths = [0, 1].map((axis) => Math.max(...side(axis)) - Math.min(...side(axis)));
    assertClose([box[1] - box[0]], [1.2 * Math.max(...widths)], data);
    X.forEach((x, i) => assert.ok(x > box[2 * (i % 2)] && x < box[2 * (i % 2) + 1]));
  }
});

test("standardize: the training part has mean 0 and standard deviation 1", () => {
  const { train } = makeData({ ...DEFAULTS, data: "spirals", standardize: true });
  for (const axis of [0, 1]) {
    const x = train.X.filter((_, i) => i % 2 === axis);
    const mean = (values) => values.reduce((sum, value) => sum + value) / train.n;
    assertClose([mean(x), mean(x.map((value) => value ** 2))], [0, 1], "mean, variance");
  }
});

test("a coordinate that all training points share, but for rounding, is centered only", () => {
  // Of these ten points without noise two are left to train on, with some seeds mirror images of each other.
  const cases = Array.from({ length: 200 }, (_, data_seed) =>
    makeData({ data: "circles", n: 10, noise: 0, test: 0.8, standardize: true, data_seed }));
  const isShared = ({ X }) => [0, 1].some((axis) => [0, 2].every((i) => Math.abs(X[i + axis]) < 1e-12));
  assert.equal(cases.filter(({ train }) => isShared(train)).length, 23);
  for (const { train, test: held } of cases) assert.ok([...train.X, ...held.X].every((x) => Math.abs(x) < 100));
});

test("the same settings give the same data, and other arrays", () => {
  const [one, other] = [makeData(DEFAULTS), makeData(DEFAULTS)];
  assert.deepEqual(one, other);
  assert.notEqual(one.train.X, other.train.X);
});
