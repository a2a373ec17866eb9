// The parts of the pictures that need no canvas.

import assert from "node:assert/strict";
import { test } from "node:test";

import { colorMap, contour, decimate, label, ticks } from "../../playground/view.js";

function field(size, value) {
  return Float32Array.from({ length: size * size }, (_, i) => value(i % size, Math.floor(i / size)));
}

test("ticks are round numbers inside the range", () => {
  assert.deepEqual(ticks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(0, 0.7123, 4), [0, 0.2, 0.4, 0.6]);
  assert.deepEqual(ticks(-1.9, 2.9, 5), [-1, 0, 1, 2]);
  assert.deepEqual(ticks(1, 1000, 2), [500, 1000]);
});

test("ticks stay few for every range", () => {
  for (const low of [-7, 0, 0.3, 1]) {
    for (const width of [1e-7, 0.01, 0.37, 1, 9.99, 12345]) {
      for (const count of [2, 3, 5, 8]) {
        const found = ticks(low, low + width, count);
        assert.ok(found.length <= count + 1, `${found.length} ticks on ${low} + ${width}, wanted ${count}`);
        const tolerance = 1e-6 * width + 1e-11 * Math.abs(low);
        for (const tick of found) assert.ok(tick >= low - tolerance && tick <= low + width + tolerance);
      }
    }
  }
});

test("ticks of a logarithmic axis are powers of ten", () => {
  assert.deepEqual(ticks(0.0007, 1.2, 5, true), [0.001, 0.01, 0.1, 1]);
  assert.deepEqual(ticks(1, 100_000, 3, true), [1, 100, 10_000]);
  assert.deepEqual(ticks(1e-9, 1, 5, true), [1e-8, 1e-6, 1e-4, 0.01, 1]);
});

test("less than two powers of ten: other round numbers", () => {
  assert.deepEqual(ticks(0.2, 0.9, 4, true), [0.2, 0.4, 0.6, 0.8]);
  assert.deepEqual(ticks(0.3, 3, 3, true), [1, 2, 3]);
});

test("labels are short", () => {
  const values = [0, 0.05, 1000, 100_000, -2, 1e-6, 2e178];
  assert.deepEqual(values.map((value) => label(value)), ["0", "0.05", "1,000", "100,000", "-2", "1e-6", "2e178"]);
  assert.equal(label(97.5), "97.5");
});

test("a short curve keeps each of its points", () => {
  assert.deepEqual(decimate([3, 1, 2], 100), [0, 1, 2]);
  assert.deepEqual(decimate([3, 1, 2], 100, true), [0, 1, 2]);
  assert.deepEqual(decimate([5], 100), [0]);
  assert.deepEqual(decimate([5], 100, true), [0]);
  assert.deepEqual(decimate([], 100), []);
});

for (const log of [false, true]) {
  test(`a long curve keeps its peaks, in order${log ? ", on a logarithmic axis" : ""}`, () => {
    const values = Float64Array.from({ length: 100_000 }, (_, i) => Math.sin(i / 3000));
    values[77_777] = 50;
    values[5] = -50;
    const kept = decimate(values, 300, log);
    assert.ok(kept.length <= 600);
    assert.ok(kept.includes(77_777) && kept.includes(5));
    assert.ok(kept.every((index, i) => i === 0 || index > kept[i - 1]));
  });
}

test("NaN leaves a gap and hides no peak", () => {
  assert.deepEqual(decimate([NaN, 2, NaN, 7, 1, NaN], 2), [1, 3, 4]);
  assert.deepEqual(decimate([NaN, NaN], 1), []);
});

test("a contour lies where the field is one half", () => {
  const size = 21;
  const tilted = field(size, (x, y) => 0.5 + 0.03 * (x - 2 * y + 3.3));
  const segments = contour(tilted, size);
  assert.ok(segments.length > size);
  for (const [[x0, y0], [x1, y1]] of segments) {
    assert.ok(Math.abs(x0 - 2 * y0 + 3.3) < 1e-4 && Math.abs(x1 - 2 * y1 + 3.3) < 1e-4);
  }
  const length = segments.reduce((sum, [[x0, y0], [x1, y1]]) => sum + Math.hypot(x1 - x0, y1 - y0), 0);
  assert.ok(Math.abs(length - Math.hypot(20, 10)) < 1e-3); // from the left side to the right one
});

test("the segments of a ring follow each other and close", () => {
  const size = 30;
  const segments = contour(field(size, (x, y) => 0.5 + 0.1 * (Math.hypot(x - 14.2, y - 15.1) - 8)), size);
  const key = (x, y) => `${x.toFixed(6)} ${y.toFixed(6)}`;
  const ends = segments.flatMap(([[x0, y0], [x1, y1]]) => [key(x0, y0), key(x1, y1)]);
  const counts = [...new Set(ends)].map((end) => ends.filter((other) => other === end).length);
  assert.ok(counts.length > 40 && counts.every((count) => count === 2));
});

test("a field on one side of one half has no contour", () => {
  assert.deepEqual(contour(field(5, () => 0.5), 5), []);
  assert.deepEqual(contour(field(5, () => 0.1), 5), []);
});

test("a saddle has two segments, which do not cross", () => {
  const segments = contour(Float32Array.from([1, 0.2, 0.2, 1]), 2);
  assert.equal(segments.length, 2);
  const side = ([x, y]) => x > y; // each keeps to one side of a diagonal
  assert.ok([side, ([x, y]) => x + y > 1].some((half) => (
    segments.every(([start, end]) => half(start) === half(end)) && half(segments[0][0]) !== half(segments[1][0])
  )));
});

test("a color map leads from one color over transparency to the other", () => {
  const map = colorMap("#102030", "#d9660f");
  const bytes = (pixel) => [...new Uint8Array(Uint32Array.of(pixel).buffer)];
  assert.equal(map.length, 256);
  assert.deepEqual(bytes(map[0]), [0x10, 0x20, 0x30, 255]);
  assert.deepEqual(bytes(map[255]), [0xd9, 0x66, 0x0f, 255]);
  assert.deepEqual([map[127], map[128]].map((pixel) => bytes(pixel)[3]), [1, 1]);
});
