/** The file of a network that `nn.load` reads: a zip archive of a JSON header and NPY arrays; see nnlib/files.py. */

const ascii = new TextEncoder();

/** The file's bytes, a Uint8Array. Throws an Error with a remedy where a parameter is not finite. */
export function networkFile(S, { layers, theta }) {
  if (!theta.every(Number.isFinite)) {
    throw new Error("A file holds finite weights only, and these are not finite. Reset, and lower the learning rate.");
  }
  const header = {
    format: "nnlib network",
    version: 1,
    network: {
      n_features: layers[0].fanIn,
      layers: layers.map(({ units, activation }) => ({ type: "Dense", units, activation })),
      loss: S.loss,
      dtype: "float64",
      replicates: null,
      generators: null,
    },
  };
  const arrays = layers.flatMap(({ fanIn, units, W, b }, i) => [
    [`layers.${i}.W.npy`, npy(theta.subarray(W, b), `(${fanIn}, ${units})`)],
    [`layers.${i}.b.npy`, npy(theta.subarray(b, b + units), `(${units},)`)],
  ]);
  return zip([["header.json", ascii.encode(JSON.stringify(header))], ...arrays]);
}

/** An array in the NPY format, version 1.0: numpy.lib.format. The data starts at a multiple of 64 bytes, here 128. */
function npy(values, shape) {
  const dict = `{'descr': '<f8', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117) + "\n";
  return join([[0x93], ascii.encode("NUMPY"), [1, 0, dict.length, 0], ascii.encode(dict), bytes(values)]);
}

/** A zip archive of stored entries, [name, bytes] each: PKWARE, APPNOTE.TXT, section 4.3. */
function zip(entries) {
  const [locals, directory] = [[], []];
  let offset = 0;
  for (const [name, data] of entries) {
    const size = words(data.length);
    // Version 2.0, no flags, stored, 1980-01-01 0:00: the same network gives the same bytes.
    const header = [20, 0, 0, 0, 0x21, ...words(crc32(data)), ...size, ...size, name.length, 0];
    const local = join([record(0x0403, ...header), ascii.encode(name), data]);
    directory.push(record(0x0201, 20, ...header, 0, 0, 0, 0, 0, ...words(offset)), ascii.encode(name));
    locals.push(local);
    offset += local.length;
  }
  const { length } = join(directory);
  const end = record(0x0605, 0, 0, entries.length, entries.length, ...words(length), ...words(offset), 0);
  return join([...locals, ...directory, end]);
}

/** "PK", the kind of record, and its fields of 16 bits; `words` makes two of a number of 32. */
const record = (kind, ...fields) => bytes(Uint16Array.of(0x4b50, kind, ...fields));
const words = (value) => [value & 0xffff, value >>> 16];

/** The memory of a typed array: little-endian, as both formats ask, on all that browsers run on. */
const bytes = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength);

function join(parts) {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function crc32(data) {
  let crc = -1;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}
