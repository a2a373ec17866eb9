import assert from "node:assert/strict";
import { test } from "node:test";
import * as zlib from "node:zlib";

import { networkFile } from "../../playground/files.js";

// A network 2-3-1 as far as a file is concerned.
const S = { loss: "binary_cross_entropy" };
const layers = [
  { fanIn: 2, units: 3, W: 0, b: 6, activation: "tanh" },
  { fanIn: 3, units: 1, W: 9, b: 12, activation: "identity" },
];
const network = { layers, theta: Float64Array.from({ length: 13 }, (_, i) => (-1) ** i / (i + 3)) };

/** What the central directory of a zip archive of stored entries tells, checked against the local headers. */
function unzip(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const u16 = (at) => view.getUint16(at, true);
  const u32 = (at) => view.getUint32(at, true);
  const end = file.length - 22;
  assert.equal(u32(end), 0x06054b50, "end of central directory");
  assert.equal(u32(end + 12) + u32(end + 16), end, "the directory fills the room before its end");
  const entries = new Map();
  let at = u32(end + 16);
  for (let i = 0; i < u16(end + 10); i++) {
    assert.equal(u32(at), 0x02014b50, "entry of the directory");
    const [method, crc, packed, size, local] = [u16(at + 10), u32(at + 16), u32(at + 20), u32(at + 24), u32(at + 42)];
    const name = new TextDecoder().decode(file.subarray(at + 46, at + 46 + u16(at + 28)));
    assert.equal(method, 0, "stored");
    assert.equal(packed, size);
    assert.equal(u32(local), 0x04034b50, "local header");
    assert.deepEqual(file.slice(local + 4, local + 30), file.slice(at + 6, at + 32), "both headers agree");
    const start = local + 30 + u16(local + 26);
    assert.equal(new TextDecoder().decode(file.subarray(local + 30, start)), name);
    const data = file.slice(start, start + size);
    if (zlib.crc32) assert.equal(zlib.crc32(data), crc, "CRC-32"); // from Node 20.15 on; Python looks again
    entries.set(name, data);
    at += 46 + u16(at + 28);
  }
  assert.equal(at, end);
  return entries;
}

test("the entries and the header are those that nnlib.load asks for", () => {
  const entries = unzip(networkFile(S, network));
  const arrays = ["layers.0.W.npy", "layers.0.b.npy", "layers.1.W.npy", "layers.1.b.npy"];
  assert.deepEqual([...entries.keys()], ["header.json", ...arrays]);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(entries.get("header.json"))), {
    format: "nnlib network",
    version: 1,
    network: {
      n_features: 2,
      layers: [
        { type: "Dense", units: 3, activation: "tanh" },
        { type: "Dense", units: 1, activation: "identity" },
      ],
      loss: "binary_cross_entropy",
      dtype: "float64",
      replicates: null,
      generators: null,
    },
  });
});

test("arrays are in the NPY format, version 1.0, with every bit of the parameters", () => {
  const entries = unzip(networkFile(S, network));
  const expected = { "layers.0.W": ["(2, 3)", 0, 6], "layers.0.b": ["(3,)", 6, 9], "layers.1.W": ["(3, 1)", 9, 12],
    "layers.1.b": ["(1,)", 12, 13] };
  for (const [name, [shape, from, to]] of Object.entries(expected)) {
    const entry = entries.get(`${name}.npy`);
    assert.deepEqual([...entry.subarray(0, 8)], [0x93, ...Buffer.from("NUMPY"), 1, 0]);
    const start = 10 + entry[8] + 256 * entry[9];
    assert.equal(start % 64, 0, "the data is aligned");
    const header = new TextDecoder().decode(entry.subarray(10, start));
    assert.match(header, / *\n$/);
    assert.equal(header.trim(), `{'descr': '<f8', 'fortran_order': False, 'shape': ${shape}, }`);
    assert.deepEqual(new Float64Array(entry.slice(start).buffer), network.theta.slice(from, to));
  }
});

test("two files of one network are equal, byte for byte", () => {
  assert.deepEqual(networkFile(S, network), networkFile(S, network));
});
