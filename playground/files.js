// Files for nn.load: a zip archive of a JSON header and NPY arrays; see nnlib/files/networks.py.

export function networkFile({ loss }, { layers, theta }) {
	const network = {
		n_features: 2,
		layers: layers.map(({ units, activation }) => ({ type: "Dense", units, activation })),
		loss, dtype: "float64", replicates: null, generators: null,
	};
	const header = JSON.stringify({ format: "nnlib network", version: 1, network });
	const arrays = layers.flatMap(({ fanIn, units, W, b }, i) => [
		[`layers.${i}.W.npy`, npy(theta.slice(W, b), `(${fanIn}, ${units})`)],
		[`layers.${i}.b.npy`, npy(theta.slice(b, b + units), `(${units},)`)],
	]);
	return zip([["header.json", ascii(header)], ...arrays]);
}

// Little-endian, as the memory of all that browsers run on.
const bytes = (numbers) => [...new Uint8Array(numbers.buffer)];
const ascii = (text) => [...new TextEncoder().encode(text)];
/** "PK", the kind of record, and its fields of 16 bits; `words` makes two of 32. */
const record = (kind, ...fields) => bytes(Uint16Array.of(0x4b50, kind, ...fields));
const words = (value) => [value & 0xffff, value >>> 16];

/** An array in the NPY format, version 1.0 (numpy.lib.format); data begin at a multiple of 64 bytes, here 128. */
function npy(values, shape) {
	const dict = `{'descr': '<f8', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117) + "\n";
	return [0x93, ...ascii("NUMPY"), 1, 0, dict.length, 0, ...ascii(dict), ...bytes(values)];
}

/** A zip archive of stored entries, [name, bytes] each: PKWARE, APPNOTE.TXT, section 4.3. */
function zip(entries) {
	const [file, directory] = [[], []];
	for (const [name, data] of entries) {
		const size = words(data.length);
		// Version 2.0, no flags, stored, 1980-01-01 0:00.
		const header = [20, 0, 0, 0, 0x21, ...words(crc32(data)), ...size, ...size, name.length, 0];
		directory.push(...record(0x0201, 20, ...header, 0, 0, 0, 0, 0, ...words(file.length)), ...ascii(name));
		file.push(...record(0x0403, ...header), ...ascii(name), ...data);
	}
	const { length } = entries;
	const end = record(0x0605, 0, 0, length, length, ...words(directory.length), ...words(file.length), 0);
	return Uint8Array.from([...file, ...directory, ...end]);
}

function crc32(data) {
	let crc = -1;
	for (const byte of data) {
		crc ^= byte;
		for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}
