// The parts of the pictures that need no canvas.

import assert from "node:assert/strict";
import { test } from "node:test";

import { between, colorMap, contour, decimate, label, ticks } from "../../playground/view.js";

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
  const values = [0, 0.05, 1000, 100_000, -2, 1e-6];
  assert.deepEqual(values.map((value) => label(value)), ["0", "0.05", "1,000", "100,000", "-2", "1e-6"]);
  assert.deepEqual([0.9, 0.975, 1].map((value) => label(value, true)), ["90%", "97.5%", "100%"]);
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
  for (const [x0, y0, x1, y1] of segments) {
    assert.ok(Math.abs(x0 - 2 * y0 + 3.3) < 1e-4 && Math.abs(x1 - 2 * y1 + 3.3) < 1e-4);
  }
  const length = segments.reduce((sum, [x0, y0, x1, y1]) => sum + Math.hypot(x1 - x0, y1 - y0), 0);
  assert.ok(Math.abs(length - Math.hypot(20, 10)) < 1e-3); // from the left side to the right one
});

test("the segments of a ring follow each other and close", () => {
  const size = 30;
  const segments = contour(field(size, (x, y) => 0.5 + 0.1 * (Math.hypot(x - 14.2, y - 15.1) - 8)), size);
  const key = (x, y) => `${x.toFixed(6)} ${y.toFixed(6)}`;
  const ends = segments.flatMap(([x0, y0, x1, y1]) => [key(x0, y0), key(x1, y1)]);
  const counts = [...new Set(ends)].map((end) => ends.filter((other) => other === end).length);
  assert.ok(counts.length > 40 && counts.every((count) => count === 2));
});

test("a field on one side of one half has no contour", () => {
  assert.deepEqual(contour(field(5, () => 0.5), 5), []);
  assert.deepEqual(contour(field(5, () => 0.1), 5), []);
});

test("in a saddle, the mean decides which corners belong together", () => {
  const corners = (low) => Float32Array.from([1, low, low, 1]); // rows from below: high at the lower left, upper right
  const midpoints = (segments) => segments.map(([x0, y0, x1, y1]) => [(x0 + x1) / 2 > 0.5, (y0 + y1) / 2 > 0.5]);
  // High mean: the low corners, lower right and upper left, are cut off; low mean: the high ones.
  assert.deepEqual(midpoints(contour(corners(0.2), 2)), [[true, false], [false, true]]);
  assert.deepEqual(midpoints(contour(corners(-0.2), 2)).sort(), [[false, false], [true, true]]);
});

test("between its points a field is linear in both directions", () => {
  const plane = field(6, (x, y) => 2 * x - 3 * y + 1);
  for (const [x, y] of [[0, 0], [1.25, 3.5], [5, 5], [4.9, 0.1], [5, 2]]) {
    assert.ok(Math.abs(between(plane, 6, x, y) - (2 * x - 3 * y + 1)) < 1e-5);
  }
});

test("a color map leads from one color over the middle to the other", () => {
  const map = colorMap("#102030", "#ffffff", "#d9660f");
  const bytes = (pixel) => [...new Uint8Array(Uint32Array.of(pixel).buffer)];
  assert.equal(map.length, 256);
  assert.deepEqual(bytes(map[0]), [0x10, 0x20, 0x30, 255]);
  assert.deepEqual(bytes(map[255]), [0xd9, 0x66, 0x0f, 255]);
  assert.ok(bytes(map[127]).every((byte) => byte >= 253));
  assert.deepEqual(bytes(colorMap("#000000", "#ffffff", "#000000", 0.5)[0]), [128, 128, 128, 255]);
});
