// NumPy's random numbers, draw by draw. Sources: numpy/random (2.4); Matsumoto & Nishimura, "Mersenne Twister" (1998);
// O'Neill, "PCG" (2014); Marsaglia & Tsang, "The ziggurat method" (2000).

/** What both streams share; each has its own `random()` in [0, 1), standard `normal()` and `uint32()`, 32 bits. */
class Stream {
  uniform(low, high) {
    return low + (high - low) * this.random();
  }

  /** In place. */
  shuffle(array) {
    for (let i = array.length - 1; i > 0; i--) {
      const mask = -1 >>> Math.clz32(i);
      let j;
      do j = this.uint32() & mask; while (j > i);
      const last = array[i];
      array[i] = array[j];
      array[j] = last;
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
    this.spare = null; // normal numbers come in pairs
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
    const high = this.uint32() >>> 5;
    return (high * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  /** By the polar method. NumPy takes the C library's logarithm: the last digit may differ. */
  normal() {
    const { spare } = this;
    this.spare = null;
    if (spare !== null) return spare;
    let x, y, square;
    do {
      [x, y] = [this.uniform(-1, 1), this.uniform(-1, 1)];
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt((-2 * Math.log(square)) / square);
    this.spare = factor * x;
    return factor * y;
  }
}

// 128 bits as limbs of 16, lowest first: sums of their products are exact in doubles.
const MULTIPLIER = Float64Array.of(0xf645, 0x9fcc, 0xdf64, 0x4385, 0x5da4, 0x1fc6, 0xed05, 0x2360);

/** `np.random.default_rng(seed)`, PCG64; seed < 2**32. */
export class Generator extends Stream {
  constructor(seed) {
    super();
    const parts = new Uint16Array(seedWords(seed).buffer);
    this.increment = MULTIPLIER.map((_, i) => 2 * parts[8 + (i ^ 4)] + (i === 0));
    this.state = this.increment.map((limb, i) => limb + parts[i ^ 4]);
    this.half = null; // the unused 32 of 64 bits
    this.next();
  }

  /** Sets `low` and `high` to the next 64 bits. */
  next() {
    const { state, increment } = this;
    // state * MULTIPLIER + increment, from the top limb down to work in place; then the carries
    for (let k = 7; k >= 0; k--) {
      let sum = increment[k];
      for (let i = 0; i <= k; i++) sum += state[i] * MULTIPLIER[k - i];
      state[k] = sum;
    }
    for (let k = 0, carry = 0; k < 8; k++) {
      const sum = state[k] + carry;
      carry = Math.floor(sum / 65536);
      state[k] = sum - 65536 * carry;
    }
    const low = (state[0] ^ state[4]) | ((state[1] ^ state[5]) << 16);
    const high = (state[2] ^ state[6]) | ((state[3] ^ state[7]) << 16);
    const turn = state[7] >>> 10; // the six top bits: how far to rotate
    const [right, left] = turn & 32 ? [high, low] : [low, high];
    const by = turn & 31;
    this.low = (right >>> by) | ((left << 1) << (31 - by));
    this.high = (left >>> by) | ((right << 1) << (31 - by));
  }

  uint32() {
    const { half } = this;
    this.half = null;
    if (half !== null) return half;
    this.next();
    this.half = this.high;
    return this.low;
  }

  random() {
    this.next();
    return ((this.high >>> 0) * 2 ** 21 + (this.low >>> 11)) / 2 ** 53;
  }

  normal() {
    for (;;) {
      this.next();
      const { low, high } = this;
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
// Computed edges miss NumPy's by a few last places, not the same in all browsers: the string has each one's last byte.
const TAIL = 3.6541528853610088;
const BASE = 3.9107579595249118;
const LAST_BYTES = atob(
  "AMa0YQy893TDrUN39YD1L1WndJbqPXCmd0N3mpjqRixZMJwpOjLzYYtIEMNT/gDOJoiurOya/BALE39r7r5BHjSIyy6f6R/7fxvaU47XMKHVamQD4I" +
  "N0XaRdNi9d3AViWk/IeBRZPdM4w6ILcjexu1JU68bcH0mTCfvnH3YVvcUtQ5wnj0f8iu4xvywRSpJbiKQ9CM42GlsAAyc8bqKDoC0cBRerkDduIEcj" +
  "pXAONxz2iCUKCDqpIW1ogr+FC3VHq8d+aBdUxEgwk7ZBNW0782GsjpQ5AYHuJOAueFKX9e6jo0AK+qZ12pQVvCcCQUIb2f5M6sMyNHOMNBSWq1qx",
);
const curve = (x) => Math.exp(-0.5 * x * x);
const EDGES = new Float64Array(256);
const bits = new BigInt64Array(EDGES.buffer);
EDGES[255] = TAIL;
for (let i = 254; i > 0; i--) {
  EDGES[i] = Math.sqrt(-2 * Math.log((BASE * curve(TAIL)) / EDGES[i + 1] + curve(EDGES[i + 1])));
  bits[i] += BigInt.asIntN(8, BigInt(LAST_BYTES.charCodeAt(i)) - bits[i]);
}
