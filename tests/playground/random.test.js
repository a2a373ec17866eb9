// NumPy's streams, against the numbers that export_random.py has drawn from NumPy itself.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import test from "node:test";

import { Generator, RandomState } from "../../playground/random.js";

const reference = JSON.parse(readFileSync(new URL("../reference/playground/random.json", import.meta.url)));
const CLASSES = { RandomState, Generator };
const DRAWS = 200_000;
const TAIL = 3.6541528853610088;

const sha256 = (array) => createHash("sha256").update(new Uint8Array(array.buffer)).digest("hex");
const draw = (rng, method) => Float64Array.from({ length: DRAWS }, () => rng[method]());
const beyond = (draws, edge) => draws.reduce((count, x) => count + (Math.abs(x) > edge), 0);

// The logarithm of NumPy's C library and that of the browser may differ in the last digit.
function assertLastDigit(actual, expected, label) {
  assert.equal(actual.length, expected.length, label);
  actual.forEach((x, i) => {
    const error = Math.abs(x - expected[i]);
    assert.ok(error <= 4.5e-16 * Math.max(1, Math.abs(x)), `${label}[${i}]: ${x}, not ${expected[i]}`);
  });
}

for (const [name, cases] of Object.entries(reference)) {
  for (const expected of cases) {
    const { seed } = expected;
    const make = () => new CLASSES[name](seed);

    test(`${name}(${seed}).random()`, () => {
      const draws = draw(make(), "random");
      assert.deepEqual([...draws.slice(0, 4)], expected.random.first);
      assert.deepEqual([...draws.slice(10_000, 10_003)], expected.random.after);
      assert.equal(sha256(draws), expected.random.sha256);
    });

    test(`${name}(${seed}).uniform(low, high)`, () => {
      const bounds = [1, 4, 0.1, Math.sqrt(6 / 11), Math.sqrt(6 / 17), 1e-3];
      const rng = make();
      assert.deepEqual(expected.uniform.map((_, i) => rng.uniform(-bounds[i % 6], bounds[i % 6])), expected.uniform);
    });

    test(`${name}(${seed}).normal()`, () => {
      const draws = draw(make(), "normal");
      assertLastDigit([...draws.slice(0, 4)], expected.normal.first, "first");
      assertLastDigit([...draws.slice(10_000, 10_003)], expected.normal.after, "after 10,000");
      assert.deepEqual([1, 2, 3, 3.65, 4].map((edge) => beyond(draws, edge)), expected.normal.beyond);
      assertLastDigit([...draws.filter((x) => Math.abs(x) > TAIL)], expected.normal.tail, "tail");
      assert.equal(sha256(Float32Array.from(draws)), expected.normal["sha256 of float32"]);
      if (name === "Generator") {
        assert.equal(sha256(draws.map((x) => (Math.abs(x) > TAIL ? 0 : x))), expected.normal.sha256);
      }
    });

    test(`${name}(${seed}).permutation(n)`, () => {
      const rng = make();
      for (const { n, first, sha256: digest } of expected.permutation) {
        const order = rng.permutation(n);
        assert.ok(order instanceof Int32Array);
        assert.deepEqual([...order.slice(0, 8)], first, `n = ${n}`);
        assert.equal(sha256(order), digest, `n = ${n}`);
      }
    });

    test(`${name}(${seed}): draws of all kinds in turn`, () => {
      const rng = make();
      const draws = [];
      for (let n = 2; n < 8; n++) {
        const names = Array.from({ length: n }, (_, i) => i);
        draws.push(rng.random(), rng.normal());
        rng.shuffle(names);
        draws.push(...names, rng.uniform(-1, 2), ...rng.permutation(n), rng.normal(), rng.random());
      }
      assertLastDigit(draws, expected.mixed, "draw");
    });
  }
}

test("two generators of one seed do not share a state", () => {
  for (const Random of Object.values(CLASSES)) {
    const [one, other] = [new Random(7), new Random(7)];
    const first = [one.random(), one.normal(), one.random()];
    assert.deepEqual([other.random(), other.normal(), other.random()], first);
  }
});

test("shuffle keeps what it is given, in place", () => {
  for (const Random of Object.values(CLASSES)) {
    const letters = ["a", "b", "c", "d", "e"];
    assert.equal(new Random(3).shuffle(letters), letters);
    assert.notDeepEqual(letters, ["a", "b", "c", "d", "e"]);
    assert.deepEqual([...new Random(3).permutation(5)].map((i) => "abcde"[i]), letters);
  }
});
