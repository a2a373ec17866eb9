// The posts' data, point for point: scikit-learn's make_moons, make_circles and train_test_split, and nnlib.datasets.
import { Generator, RandomState } from "./random.js";

/** n samples `point(i)` = [x0, x1, class] as arrays, samples in rows. */
function samples(n, point) {
  const [X, y] = [new Float64Array(2 * n), new Float64Array(n)];
  for (let i = 0; i < n; i++) [X[2 * i], X[2 * i + 1], y[i]] = point(i);
  return { X, y, n };
}

const take = ({ X, y }, rows) => samples(rows.length, (i) => [X[2 * rows[i]], X[2 * rows[i] + 1], y[rows[i]]]);

/** scikit-learn's way from two curves to samples: first the random order, then the noise. */
function twoCurves({ n, noise, data_seed }, outer, inner) {
  const rng = new RandomState(data_seed);
  const half = Math.floor(n / 2);
  const points = samples(n, (i) => (i < half ? [...outer(i, half), 0] : [...inner(i - half, n - half), 1]));
  const shuffled = take(points, rng.permutation(n));
  shuffled.X.forEach((x, i, X) => (X[i] = x + noise * rng.normal()));
  return shuffled;
}

const onCircle = (angle) => [Math.cos(angle), Math.sin(angle)];

const SETS = {
  moons(S) {
    const outer = (i, n) => onCircle(i * (Math.PI / (n - 1)));
    return twoCurves(S, outer, (i, n) => outer(i, n).map((x, axis) => 1 - x - 0.5 * axis));
  },

  circles(S) {
    const outer = (i, n) => onCircle(i * ((2 * Math.PI) / n));
    return twoCurves(S, outer, (i, n) => outer(i, n).map((x) => 0.8 * x));
  },

  xor: () => samples(4, (i) => [i >> 1, i & 1, (i >> 1) ^ (i & 1)]),

  xor_square({ n, noise, data_seed }) {
    const rng = new Generator(data_seed);
    const X = Float64Array.from({ length: 2 * n }, () => 6 * rng.uniform(-1, 1));
    return samples(n, (i) => {
      const [x0, x1] = X.subarray(2 * i);
      return [x0 + noise * rng.normal(), x1 + noise * rng.normal(), x0 < 0 !== x1 < 0];
    });
  },

  spirals({ n, noise, data_seed }) {
    const rng = new RandomState(data_seed);
    const length = Math.floor(n / 2);
    const shifts = Float64Array.from({ length: 4 * length }, () => noise * rng.normal()); // arm, coordinate, point
    const points = samples(2 * length, (i) => {
      const arm = i < length ? 0 : 1;
      const theta = (i - arm * length) * ((4 * Math.PI) / (length - 1));
      const [x0, x1] = onCircle(theta).map((x) => (arm ? -theta : theta) * x);
      return [x0 + shifts[i + arm * length], x1 + shifts[i + (arm + 1) * length], arm];
    });
    return take(points, rng.permutation(2 * length));
  },
};

/** The data of the settings S: { train, test: { X (n * 2, row by row), y (0 or 1), n }, center, scale, box }. */
export function makeData(S) {
  const all = SETS[S.data](S);
  const held = S.data === "xor" ? 0 : Math.ceil(S.test * all.n);
  const order = new RandomState(0).permutation(all.n);
  const train = held ? take(all, order.subarray(held)) : all;
  const test = take(all, order.subarray(0, held));
  const [center, scale] = [[0, 0], [1, 1]];
  const box = [];
  for (const axis of [0, 1]) {
    const column = ({ X }) => X.filter((_, i) => i % 2 === axis);
    if (S.standardize) {
      const x = column(train);
      const mean = (values) => values.reduce((sum, value) => sum + value, 0) / train.n;
      center[axis] = mean(x);
      const deviation = Math.sqrt(mean(x.map((value) => (value - center[axis]) ** 2)));
      if (deviation > 1e-12) scale[axis] = deviation; // else all points share this coordinate
      for (const { X } of [train, test]) {
        for (let i = axis; i < X.length; i += 2) X[i] = (X[i] - center[axis]) / scale[axis];
      }
    }
    const x = [...column(train), ...column(test)];
    box.push(Math.min(...x), Math.max(...x));
  }
  const half = 0.6 * Math.max(box[1] - box[0], box[3] - box[2]); // a square with a tenth more on each side
  const [middle0, middle1] = [(box[0] + box[1]) / 2, (box[2] + box[3]) / 2];
  return { train, test, center, scale, box: [middle0 - half, middle0 + half, middle1 - half, middle1 + half] };
}
