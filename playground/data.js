// The posts' data, point for point: scikit-learn's make_moons, make_circles and train_test_split, and nnlib.datasets.
import { Generator, RandomState } from "./random.js";

const list = (n, item) => Array.from({ length: n }, (_, i) => item(i));
const pick = (points, order) => Array.from(order, (i) => points[i]);
const noisy = (noise, rng) => ([x0, x1, label]) => [x0 + noise * rng.normal(), x1 + noise * rng.normal(), label];

/** scikit-learn's way: first the random order, then the noise. */
function twoCurves({ n, noise }, rng, step, inner) {
	const half = Math.floor(n / 2);
	const circle = (count) => list(count, (i) => [Math.cos(i * step(count)), Math.sin(i * step(count))]);
	const points = [...circle(half).map((x) => [...x, 0]), ...circle(n - half).map((x) => [...inner(...x), 1])];
	return pick(points, rng.permutation(n)).map(noisy(noise, rng));
}

/** Points [x0, x1, class] by the settings. */
const SETS = {
	moons: (S, rng) => twoCurves(S, rng, (n) => Math.PI / (n - 1), (x0, x1) => [1 - x0, 1 - x1 - 0.5]),
	circles: (S, rng) => twoCurves(S, rng, (n) => (2 * Math.PI) / n, (x0, x1) => [0.8 * x0, 0.8 * x1]),
	xor: () => [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]],
	xor_square({ n, noise }, rng) {
		const points = list(n, () => [6 * rng.uniform(-1, 1), 6 * rng.uniform(-1, 1)]);
		return points.map(([x0, x1]) => [x0, x1, x0 < 0 !== x1 < 0]).map(noisy(noise, rng));
	},
	spirals({ n, noise }, rng) {
		const half = Math.floor(n / 2);
		const step = (4 * Math.PI) / (half - 1);
		const points = [1, -1].flatMap((sign, label) => {
			const along = (wave) => list(half, (i) => sign * i * step * wave(i * step) + noise * rng.normal());
			const [x0, x1] = [along(Math.cos), along(Math.sin)];
			return list(half, (i) => [x0[i], x1[i], label]);
		});
		return pick(points, rng.permutation(2 * half));
	},
};

/** From settings: { train, test: { X (n * 2, row by row), y (0 or 1), n }, box: [left, right, bottom, top] }. */
export function makeData(S) {
	const Stream = S.data === "xor_square" ? Generator : RandomState;
	const points = SETS[S.data](S, new Stream(S.data_seed));
	const order = new RandomState(0).permutation(points.length);
	const held = Math.ceil(S.test * points.length);
	const train = held ? pick(points, order.subarray(held)) : points;
	const test = pick(points, order.subarray(0, held));
	const sides = [0, 1].map((axis) => {
		if (S.standardize) {
			const mean = (value) => train.reduce((sum, point) => sum + value(point[axis]), 0) / train.length;
			const center = mean((x) => x);
			const deviation = Math.sqrt(mean((x) => (x - center) ** 2));
			const scale = deviation > 1e-12 ? deviation : 1; // else all points share this coordinate
			for (const point of points) point[axis] = (point[axis] - center) / scale;
		}
		const x = points.map((point) => point[axis]);
		return [Math.min(...x), Math.max(...x)];
	});
	const half = 0.6 * Math.max(...sides.map(([low, high]) => high - low)); // a square, with margins
	const box = sides.flatMap(([low, high]) => [(low + high) / 2 - half, (low + high) / 2 + half]);
	return { train: columns(train), test: columns(test), box };
}

const columns = (points) => ({
	X: Float64Array.from(points.flatMap(([x0, x1]) => [x0, x1])),
	y: Float64Array.from(points, ([, , label]) => label),
	n: points.length,
});
