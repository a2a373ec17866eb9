// NumPy's random numbers, draw by draw. Sources: numpy/random; Matsumoto & Nishimura, "Mersenne Twister" (1998);
// O'Neill, "PCG" (2014); Marsaglia & Tsang, "The ziggurat method" (2000).

/** What both have in common; each has its own random() in [0, 1), standard normal(), and uint32(), of 32 bits. */
class Stream {
  spare = []; // normal numbers and halves of 64 bits come in pairs: the one not used yet

  uniform(low, high) {
    return low + (high - low) * this.random();
  }

  /** In place. */
  shuffle(array) {
    for (let i = array.length - 1; i > 0; i--) {
      const mask = -1 >>> Math.clz32(i);
      let j;
      do j = this.uint32() & mask; while (j > i);
      [array[i], array[j]] = [array[j], array[i]];
    }
  }

  /** 0..n-1 in random order, an Int32Array. */
  permutation(n) {
    const order = new Int32Array(n).map((_, i) => i);
    this.shuffle(order);
    return order;
  }
}

/** `np.random.RandomState(seed)`, the Mersenne Twister; seed < 2**32. */
export class RandomState extends Stream {
  constructor(seed) {
    super();
    this.key = new Uint32Array(624);
    this.position = 624;
    for (let i = 0, word = seed; i < 624; i++) {
      this.key[i] = word;
      word = Math.imul(1812433253, word ^ (word >>> 30)) + i + 1;
    }
  }

  uint32() {
    if (this.position === 624) this.twist();
    let y = this.key[this.position++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return y ^ (y >>> 18);
  }

  twist() {
    const { key } = this;
    for (let i = 0; i < 624; i++) {
      const y = (key[i] & 0x80000000) | (key[(i + 1) % 624] & 0x7fffffff);
      key[i] = key[(i + 397) % 624] ^ (y >>> 1) ^ (-(y & 1) & 0x9908b0df);
    }
    this.position = 0;
  }

  random() {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  /** By the polar method. NumPy takes the C library's logarithm: the last digit may differ. */
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

/** `np.random.default_rng(seed)`, PCG64; seed < 2**32. */
export class Generator extends Stream {
  word = new BigUint64Array(1);
  halves = new Uint32Array(this.word.buffer);

  constructor(seed) {
    super();
    const [state, stateLow, stream, streamLow] = new BigUint64Array(seedWords(seed).buffer);
    this.increment = (((stream << 64n) | streamLow) << 1n) | 1n;
    this.state = this.increment + ((state << 64n) | stateLow);
    this.next();
  }

  /** The next 64 bits as [low, high], good until the call after. */
  next() {
    this.state = BigInt.asUintN(128, this.state * 0x2360ed051fc65da44385df649fccf645n + this.increment);
    const folded = BigInt.asUintN(64, this.state ^ (this.state >> 64n));
    const turn = this.state >> 122n;
    this.word[0] = (folded >> turn) | (folded << (64n - turn)); // which drops all above 64 bits
    return this.halves;
  }

  uint32() {
    if (this.spare.length) return this.spare.pop();
    const [low, high] = this.next();
    this.spare.push(high);
    return low;
  }

  random() {
    const [low, high] = this.next();
    return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53;
  }

  normal() {
    for (;;) {
      const [low, high] = this.next();
      const strip = low & 255;
      const [inner, outer] = strip ? [EDGES[strip - 1], EDGES[strip]] : [TAIL, BASE];
      const share = ((high & 0x1fffffff) * 2 ** 23 + (low >>> 9)) / 2 ** 52;
      const x = low & 256 ? -share * outer : share * outer;
      if (share < inner / outer) return x;
      if (strip && (curve(inner) - curve(outer)) * this.random() + curve(outer) < curve(x)) return x;
      while (!strip) {
        const beyond = -Math.log1p(-this.random()) * (1 / TAIL);
        if (-2 * Math.log1p(-this.random()) > beyond * beyond) return low & 0x20000 ? -TAIL - beyond : TAIL + beyond;
      }
    }
  }
}

/** NumPy's SeedSequence: the seed stirred into eight words of 32 bits. */
function seedWords(seed) {
  let constant = 0x43b0d7e5;
  const hash = (word, multiplier) => {
    word ^= constant;
    constant = Math.imul(constant, multiplier);
    word = Math.imul(word, constant);
    return word ^ (word >>> 16);
  };
  const pool = [seed, 0, 0, 0].map((word) => hash(word, 0x931e8875));
  for (let i = 0; i < 16; i++) {
    const [from, to] = [i >> 2, i & 3];
    if (from === to) continue;
    const mixed = Math.imul(0xca01f9dd, pool[to]) - Math.imul(0x4973f715, hash(pool[from], 0x931e8875));
    pool[to] = mixed ^ (mixed >>> 16);
  }
  constant = 0x8b51f9dd;
  return Uint32Array.from([...pool, ...pool], (word) => hash(word, 0x58f38ded));
}

// The ziggurat: strips of one area under the curve. Strip i ends at EDGES[i], strip 0, of width BASE, has the tail.
// Computed, an edge may miss NumPy's by some last places, in each browser by others: a digit to base 32 mends it.
const TAIL = 3.6541528853610088;
const BASE = 3.9107579595249118;
const LAST_BITS =
  "06k1csnk3d3nl0lfl7kmatg6n3nqoa6cpgs9qij1b8g3ju0e68eccqsgbjvbeu1uk8bev9vrvrqjeng1la4303kt4tmfts52qf8okptjo32binhrikb" +
  "6sv9j9r7vmlt5d3s7f7saehvchair84t8emqr037se230ds5nbgne0735gensm85a8q91d82v5bl7b7u8nk48gjm1ldrj1cekp11e40eoinle330aq6" +
  "lqkls7212rpuca3ikjckkmbqh";
const curve = (x) => Math.exp(-0.5 * x * x);
const EDGES = new Float64Array(256);
const bits = new BigInt64Array(EDGES.buffer);
EDGES[255] = TAIL;
for (let i = 254; i > 0; i--) {
  const x = EDGES[i + 1];
  EDGES[i] = Math.sqrt(x * x - 2 * Math.log1p((BASE * curve(TAIL)) / (x * curve(x))));
  bits[i] += BigInt.asIntN(5, BigInt(parseInt(LAST_BITS[i], 32)) - bits[i]);
}
