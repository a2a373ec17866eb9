// The pictures: data in, pixels out.

/** Colors and type around `element`, from the properties of playground.css. */
export function palette(element) {
	const style = getComputedStyle(element);
	const names = ["class0", "class1", "ground", "ink", "muted", "grid", "train", "test"];
	const colors = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--pg-${name}`).trim()]));
	const [em, map] = [0.86 * parseFloat(style.fontSize), colorMap(colors.class0, colors.class1)];
	return { ...colors, faint: `${colors.muted}66`, map, em, font: `${em}px ${style.fontFamily}` };
}

/** 256 pixels, 0xAABBGGRR, from the color `low` over transparency to `high`, each "#rrggbb". */
export function colorMap(low, high) {
	const [first, last] = [low, high].map((color) => parseInt(color.replace(/#(..)(..)(..)/, "$3$2$1"), 16));
	return Uint32Array.from({ length: 256 }, (_, i) => 2 ** 24 * Math.abs(2 * i - 255) + (i < 128 ? first : last));
}

/** About `count` round numbers from `low` to `high`; on a logarithmic axis powers of ten, if it has two. */
export function ticks(low, high, count, log = false) {
	if (log) {
		const powers = ticks(Math.log10(low), Math.log10(high), count).filter(Number.isInteger);
		if (powers.length > 1) return powers.map((power) => Number(`1e${power}`));
	}
	const rough = (high - low) / count;
	const power = 10 ** Math.floor(Math.log10(rough));
	const step = power * [1, 2, 5, 10].find((factor) => factor * power >= 0.999 * rough);
	const first = Math.ceil(low / step - 1e-9);
	const length = Math.floor(high / step + 1e-9) - first + 1;
	return Array.from({ length }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

const format = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

/** A number as short as an axis needs it: 0.05, 20,000, 1e-6, 2e9. */
export function label(value) {
	const size = Math.abs(value);
	return value && (size < 1e-3 || size > 1e5) ? value.toExponential().replace("+", "") : format.format(value);
}

/** Indices of the lowest and the highest value in each of `columns` parts, in order, without NaN. */
export function decimate(values, columns, log = false) {
	const { length } = values;
	const kept = new Set();
	for (let i = 0, column = 1; column <= columns; column++) {
		const end = log ? length ** (column / columns) : (length * column) / columns;
		let [low, high] = [-1, -1];
		for (; i < end; i++) {
			if (Number.isNaN(values[i])) continue;
			if (low < 0 || values[i] < values[low]) low = i;
			if (high < 0 || values[i] > values[high]) high = i;
		}
		if (low >= 0) kept.add(Math.min(low, high)).add(Math.max(low, high));
	}
	return [...kept];
}

/** Segments [[x, y], [x, y]] of the grid on which a square field crosses one half: marching squares. */
export function contour(field, size) {
	const segments = [];
	for (let node = 0; node < size * (size - 1); node++) {
		const cell = [node, node + 1, node + size + 1, node + size];
		const isHigh = cell.map((corner) => field[corner] > 0.5);
		if (node % size === size - 1 || !isHigh.includes(!isHigh[0])) continue;
		const points = cell.flatMap((from, i) => {
			const [to, next] = [cell[(i + 1) % 4], isHigh[(i + 1) % 4]];
			const part = (0.5 - field[from]) / (field[to] - field[from]);
			const [x, y] = [from % size, Math.floor(from / size)];
			return next === isHigh[i] ? [] : [[x + part * ((to % size) - x), y + part * (Math.floor(to / size) - y)]];
		});
		while (points.length) segments.push(points.splice(0, 2)); // two in a saddle
	}
	return segments;
}

function open(canvas, { font }) {
	const { clientWidth: width, clientHeight: height } = canvas;
	canvas.width = Math.round(width * devicePixelRatio); // which empties it
	canvas.height = Math.round(height * devicePixelRatio);
	const c = canvas.getContext("2d");
	c.scale(devicePixelRatio, devicePixelRatio);
	Object.assign(c, { font, textBaseline: "middle", lineJoin: "round" });
	return [c, width, height];
}

function stroke(c, path, strokeStyle, lineWidth, dash = []) {
	c.setLineDash(dash);
	Object.assign(c, { strokeStyle, lineWidth }).stroke(path);
}

function write(c, text, x, y, textAlign, fillStyle) {
	Object.assign(c, { textAlign, fillStyle }).fillText(text, x, y);
}

function polyline(points, path = new Path2D()) {
	points.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
	return path;
}

function circle(x, y, radius, path = new Path2D()) {
	path.moveTo(x + radius, y);
	path.arc(x, y, radius, 0, 7);
	return path;
}

function scale(low, high, start, end, log = false) {
	const of = log ? Math.log : Number;
	return (value) => start + ((of(value) - of(low)) / (of(high) - of(low))) * (end - start);
}

/** Returns the scales, from values to pixels. */
function drawAxes(c, [left, right, top, bottom], [x0, x1, y0, y1], { em, muted, grid }, { logX, logY, percent }) {
	const [x, y] = [scale(x0, x1, left, right, logX), scale(y0, y1, bottom, top, logY)];
	for (const value of ticks(x0, x1, (right - left) / (3.5 * em), logX)) {
		write(c, label(value), x(value), bottom + em, "center", muted);
	}
	for (const value of ticks(y0, y1, 1 + (bottom - top) / (4 * em), logY)) {
		write(c, percent ? `${label(100 * value)}%` : label(value), left - em / 2, y(value), "right", muted);
		stroke(c, polyline([[left, y(value)], [right, y(value)]]), grid, 1);
	}
	return [x, y];
}

let scratch;

/** Values of a square grid, from `low` to `high`. */
function drawField(c, values, [x, y, side], map, alpha, low, high) {
	const size = Math.sqrt(values.length);
	const image = new ImageData(size, size);
	const pixels = new Uint32Array(image.data.buffer);
	for (let i = 0; i < values.length; i++) {
		const row = size - 1 - Math.floor(i / size); // an image begins at the top
		pixels[row * size + (i % size)] = map[Math.round((255 * (values[i] - low)) / (high - low))];
	}
	scratch ??= document.createElement("canvas");
	scratch.width = scratch.height = size;
	scratch.getContext("2d").putImageData(image, 0, 0);
	c.clearRect(x, y, side, side);
	c.globalAlpha = alpha;
	// The values stand for the middles of its pixels.
	c.drawImage(scratch, 0.5, 0.5, size - 1, size - 1, x, y, side, side);
	c.globalAlpha = 1;
}

/** The field of probabilities, its lines at one half, and the points, the misclassified ones in rings. */
export function drawBoundary(canvas, picture, colors) {
	const { output: field, size, box, train, test, trainOutput, testOutput, showTest, tree, line } = picture;
	const [c, width, height] = open(canvas, colors);
	const { em, ground, ink, map, class0, class1 } = colors;
	const [left, top] = [2.2 * em, 0.5 * em];
	const side = Math.min(width - left - top, height - top - 1.6 * em);
	const [x, y] = drawAxes(c, [left, left + side, top, top + side], box, colors, {});
	drawField(c, field, [left, top, side], map, 0.42, 0, 1);

	const radius = Math.max(2.2, Math.min(7, 75 / Math.sqrt(train.n)));
	const [w, h] = [1.15 * radius, 0.7 * radius];
	for (const [set, output] of showTest ? [[train, trainOutput], [test, testOutput]] : [[train, trainOutput]]) {
		const [rings, circles, triangles] = [new Path2D(), new Path2D(), new Path2D()];
		for (let i = 0; i < set.n; i++) {
			const [u, v] = [x(set.X[2 * i]), y(set.X[2 * i + 1])];
			if (set.y[i]) polyline([[u, v - 2 * h], [u + w, v + h], [u - w, v + h]], triangles).closePath();
			else circle(u, v, radius, circles);
			if (output[i] > 0.5 !== set.y[i] > 0) circle(u, v, radius + 2.5, rings);
		}
		stroke(c, rings, ink, 1.2);
		for (const [path, color] of [[circles, class0], [triangles, class1]]) {
			c.fillStyle = set === test ? ground : color;
			c.fill(path);
			stroke(c, path, ...(set === test ? [color, 1.5] : [ground, 0.6]));
		}
	}

	// A thin line, a double one, and the network's own, which is thick.
	for (const [values, ...pens] of [
		[tree, [ground, 3.2], [ink, 1.2]], [line, [ink, 5], [ground, 2.6]], [field, [ground, 4.5], [ink, 2.4]],
	]) {
		const [path, onGrid, step] = [new Path2D(), new Path2D(), side / (size - 1)];
		for (const segment of values ? contour(values, size) : []) polyline(segment, onGrid);
		path.addPath(onGrid, { a: step, d: -step, e: left, f: top + side });
		for (const pen of pens) stroke(c, path, ...pen);
	}
}

const INPUTS = [[-1, 0, 1, -1, 0, 1, -1, 0, 1], [-1, -1, -1, 0, 0, 0, 1, 1, 1]];

/** Units as fields of their activations; weights as lines, the thicker the larger, dashed if negative. */
export function drawNetwork(canvas, { sizes, theta, layers, fields, output, activation, dead }, colors) {
	const [c, width, height] = open(canvas, colors);
	const { em, ink, muted, map, class0, class1 } = colors;
	const top = 1.8 * em;
	const side = Math.min(3.5 * em, width / (2 * sizes.length - 1), (0.88 * (height - top)) / Math.max(...sizes));
	const x = scale(0, sizes.length - 1, 2 * em, width - side - 2 * em);
	const y = (layer, unit) => top + ((unit + 0.5) / sizes[layer]) * (height - top);
	layers.forEach(({ fanIn, units, W }, layer) => {
		for (let i = 0; i < fanIn * units; i++) {
			const weight = theta[W + i];
			const ends = [[x(layer) + side, y(layer, Math.floor(i / units))], [x(layer + 1), y(layer + 1, i % units)]];
			const thickness = 6.01 - 12 / (Math.abs(weight) + 2); // a width of 0 would be ignored
			const dash = weight < 0 && theta.length < 150 ? [5, 3] : []; // many dashes take long
			stroke(c, polyline(ends), weight < 0 ? class0 : class1, thickness, dash);
		}
	});

	const values = [...INPUTS, ...fields, ...[output.map((p) => 1 - p), output].slice(-sizes.at(-1))];
	const isDead = [false, false, ...dead];
	["inputs", ...sizes.slice(2).fill(activation), "output"].forEach((name, layer) => {
		const [left, right] = [x(layer), x(layer) + side];
		write(c, name, left + side / 2, 0.7 * em, "center", muted);
		for (let unit = 0; unit < sizes[layer]; unit++) {
			const [middle, activity] = [y(layer, unit), values.shift()];
			const [upper, lower] = [middle - side / 2, middle + side / 2];
			const reach = activity.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
			const range = name === "output" || name === "sigmoid" ? [0, 1] : [-reach, reach];
			drawField(c, activity, [left, upper, side], map, 0.8, ...range);
			const cross = [[left, upper], [right, lower], [right, upper], [left, lower]];
			const frame = polyline(isDead.shift() ? cross : []);
			frame.rect(left, upper, side, side);
			stroke(c, frame, ink, 1);
			if (layer === 0) write(c, `x${unit + 1}`, left - em / 2, middle, "right", ink);
		}
	});
}

const PENS = { train: [1.8], test: [1.8, [5, 2]], faint: [1] }; // width, dash

/** Curves against epochs: `values`, `style` (a pen), and a `name` for the end of some. */
export function drawCurves(canvas, { curves, logX, logY, percent }, colors) {
	const [c, width, height] = open(canvas, colors);
	const { em } = colors;
	const [left, right, top, bottom] = [3.4 * em, width - 5 * em, 0.8 * em, height - 1.8 * em];
	const points = curves.map(({ values }) => decimate(values, Math.floor(right - left), logX)
		.map((i) => [i + 1, values[i]])
		.filter(([, value]) => Number.isFinite(logY ? Math.log(value) : value)));
	const [epochs, values] = [0, 1].map((k) => points.flat().map((point) => point[k]));
	const [least, most] = [Math.min(1, ...values), Math.max(values[0] ? 1e-9 : 1, ...values)];
	const low = percent ? Math.min(0.9, Math.floor(10 * least) / 10) : logY ? Math.min(least, most / 2) : 0;
	const box = [1, Math.max(10, ...epochs), low, percent ? 1 : most];
	const [x, y] = drawAxes(c, [left, right, top, bottom], box, colors, { logX, logY, percent });

	const ends = [];
	curves.forEach(({ name, style }, k) => {
		const path = points[k].map(([epoch, value]) => [x(epoch), y(value)]);
		const [color, end] = [colors[style], path.at(-1)];
		stroke(c, polyline(path), color, ...PENS[style]);
		if (!name || !end) return;
		stroke(c, circle(...end, 1.25), color, 2.5);
		ends.push({ name, color, at: end[1] });
	});
	// Names that would overlap make way for each other.
	ends.sort((a, b) => a.at - b.at).reduce((free, { name, color, at }, i) => {
		const place = Math.max(free, Math.min(at, bottom - 1.2 * em * (ends.length - 1 - i)));
		write(c, name, right + em / 2, place, "left", color);
		return place + 1.2 * em;
	}, 0);
}
