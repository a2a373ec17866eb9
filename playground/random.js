// NumPy's random numbers, bit for bit: numpy/random; Matsumoto & Nishimura 1998 (Mersenne Twister), O'Neill 2014 (PCG),
// Marsaglia & Tsang 2000 (ziggurat).

/** Subclasses have random(), normal() and uint32(). */
class Stream {
	spare = []; // the other half of 64 bits, or of a pair of normal numbers

	uniform(low, high) {
		return low + (high - low) * this.random();
	}

	/** In place; returns the array. */
	shuffle(array) {
		for (let i = array.length - 1; i > 0; i--) {
			const mask = -1 >>> Math.clz32(i);
			let j;
			do j = this.uint32() & mask; while (j > i);
			[array[i], array[j]] = [array[j], array[i]];
		}
		return array;
	}

	/** 0..n-1 in random order, an Int32Array. */
	permutation(n) {
		return this.shuffle(Int32Array.from({ length: n }, (_, i) => i));
	}
}

/** `np.random.RandomState(seed)`; seed < 2**32. */
export class RandomState extends Stream {
	key = new Uint32Array(624);
	position = 0;

	constructor(seed) {
		super();
		for (let i = 0, word = seed; i < 624; i++) {
			this.key[i] = word;
			word = Math.imul(1812433253, word ^ (word >>> 30)) + i + 1;
		}
	}

	uint32() {
		const { key, position } = this;
		this.position = (position + 1) % 624;
		const joined = (key[position] & 0x80000000) | (key[this.position] & 0x7fffffff);
		let y = key[(position + 397) % 624] ^ (joined >>> 1) ^ (-(joined & 1) & 0x9908b0df);
		key[position] = y;
		y ^= y >>> 11;
		y ^= (y << 7) & 0x9d2c5680;
		y ^= (y << 15) & 0xefc60000;
		return y ^ (y >>> 18);
	}

	random() {
		return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
	}

	/** The polar method; NumPy's logarithm may differ in the last digit. */
	normal() {
		if (this.spare.length) return this.spare.pop();
		let x, y, square;
		do {
			[x, y] = [this.uniform(-1, 1), this.uniform(-1, 1)];
			square = x * x + y * y;
		} while (square >= 1 || square === 0);
		const factor = Math.sqrt((-2 * Math.log(square)) / square);
		this.spare.push(factor * x);
		return factor * y;
	}
}

/** `np.random.default_rng(seed)`; seed < 2**32. */
export class Generator extends Stream {
	constructor(seed) {
		super();
		const [state, stateLow, stream, streamLow] = new BigUint64Array(seedWords(seed).buffer);
		this.increment = (((stream << 64n) | streamLow) << 1n) | 1n;
		this.state = this.increment + ((state << 64n) | stateLow);
		this.next();
	}

	/** 64 bits. */
	next() {
		this.state = BigInt.asUintN(128, this.state * 0x2360ed051fc65da44385df649fccf645n + this.increment);
		const folded = BigInt.asUintN(64, this.state ^ (this.state >> 64n));
		const turn = this.state >> 122n;
		return BigInt.asUintN(64, (folded >> turn) | (folded << (64n - turn)));
	}

	uint32() {
		if (this.spare.length) return this.spare.pop();
		const bits = this.next();
		this.spare.push(Number(bits >> 32n));
		return Number(BigInt.asUintN(32, bits));
	}

	random() {
		return Number(this.next() >> 11n) / 2 ** 53;
	}

	normal() {
		for (;;) {
			const bits = this.next();
			const strip = Number(bits & 255n);
			const [inner, outer] = strip ? [EDGES[strip - 1], EDGES[strip]] : [TAIL, BASE];
			const share = Number(BigInt.asUintN(52, bits >> 9n)) / 2 ** 52;
			const x = bits & 256n ? -share * outer : share * outer;
			if (share < inner / outer) return x;
			if (strip && (curve(inner) - curve(outer)) * this.random() + curve(outer) < curve(x)) return x;
			while (!strip) {
				const beyond = -Math.log1p(-this.random()) * (1 / TAIL);
				if (-2 * Math.log1p(-this.random()) > beyond * beyond) return bits & 0x20000n ? -TAIL - beyond : TAIL + beyond;
			}
		}
	}
}

/** NumPy's SeedSequence. */
function seedWords(seed) {
	let constant = 0x43b0d7e5;
	const fold = (word) => word ^ (word >>> 16);
	const hash = (word, multiplier) => {
		const mixed = word ^ constant;
		constant = Math.imul(constant, multiplier);
		return fold(Math.imul(mixed, constant));
	};
	const pool = [seed, 0, 0, 0].map((word) => hash(word, 0x931e8875));
	for (const from of pool.keys()) {
		for (const to of pool.keys()) {
			if (from === to) continue;
			pool[to] = fold(Math.imul(0xca01f9dd, pool[to]) - Math.imul(0x4973f715, hash(pool[from], 0x931e8875)));
		}
	}
	constant = 0x8b51f9dd;
	return Uint32Array.from([...pool, ...pool], (word) => hash(word, 0x58f38ded));
}

// The ziggurat: strips of one area under the curve. Strip i ends at EDGES[i], strip 0, of width BASE, has the tail.
// Browsers differ in the last places of computed edges, so LAST_BITS has five bits of each, in base 32.
const TAIL = 3.6541528853610088;
const BASE = 3.9107579595249118;
const LAST_BITS =
	"06k1csnk3d3nl0lfl7kmatg6n3nqoa6cpgs9qij1b8g3ju0e68eccqsgbjvbeu1uk8bev9vrvrqjeng1la4303kt4tmfts52qf8okptjo32binhr" +
	"ikb6sv9j9r7vmlt5d3s7f7saehvchair84t8emqr037se230ds5nbgne0735gensm85a8q91d82v5bl7b7u8nk48gjm1ldrj1cekp11e40eoinle" +
	"330aq6lqkls7212rpuca3ikjckkmbqh";
const curve = (x) => Math.exp(-0.5 * x * x);
const EDGES = new Float64Array(256);
const bits = new BigInt64Array(EDGES.buffer);
EDGES[255] = TAIL;
for (let i = 254; i > 0; i--) {
	const x = EDGES[i + 1];
	EDGES[i] = Math.sqrt(x * x - 2 * Math.log1p((BASE * curve(TAIL)) / (x * curve(x))));
	bits[i] += BigInt.asIntN(5, BigInt(parseInt(LAST_BITS[i], 32)) - bits[i]);
}
