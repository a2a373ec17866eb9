// The pictures: data in, pixels out. Nothing here knows of training or of the page's controls.

const COLORS = ["class0", "class1", "ground", "ink", "muted", "grid", "train", "test"];

/** Colors and type of the theme around `element`, from the custom properties of playground.css. */
export function palette(element) {
  const style = getComputedStyle(element);
  const colors = Object.fromEntries(COLORS.map((name) => [name, style.getPropertyValue(`--pg-${name}`).trim()]));
  const map = (share) => colorMap(colors.class0, colors.ground, colors.class1, share);
  return { ...colors, pale: map(0.42), full: map(0.8), em: 0.86 * parseFloat(style.fontSize), font: style.fontFamily };
}

/** 256 pixels, 0xAABBGGRR, from `share` of the color `low` over `middle` to as much of `high`, each "#rrggbb". */
export function colorMap(low, middle, high, share = 1) {
  const [first, center, last] = [low, middle, high].map((c) => [5, 3, 1].map((i) => parseInt(c.slice(i, i + 2), 16)));
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const part = share * Math.abs(i / 127.5 - 1);
    const mixed = (i < 128 ? first : last).map((c, k) => Math.round(part * c + (1 - part) * center[k]));
    return mixed.reduce((pixel, c) => 256 * pixel + c, 255);
  });
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

/** A number as short as an axis needs it: 0.05, 20,000, 1e-6, 97.5%. */
export function label(value, percent = false) {
  if (percent) return `${format.format(100 * value)}%`;
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : format.format(value);
}

/** Indices of the lowest and the highest value in each of `columns` parts, in order, without NaN. */
export function decimate(values, columns, log = false) {
  const { length } = values;
  const kept = [];
  for (let i = 0, column = 1; column <= columns; column++) {
    const end = column === columns ? length : log ? length ** (column / columns) : (length * column) / columns;
    let low = -1;
    let high = -1;
    for (; i < end; i++) {
      if (low < 0 && !Number.isNaN(values[i])) low = high = i;
      else if (values[i] < values[low]) low = i;
      else if (values[i] > values[high]) high = i;
    }
    if (low >= 0) kept.push(Math.min(low, high));
    if (low !== high) kept.push(Math.max(low, high));
  }
  return kept;
}

/** Segments [x, y, x, y], in steps of the grid, on which a square field crosses one half: marching squares. */
export function contour(field, size) {
  const isHigh = Uint8Array.from(field, (value) => value >= 0.5);
  const segments = [];
  for (let node = 0; node < size * (size - 1); node++) {
    const cell = [node, node + 1, node + size + 1, node + size];
    if (node % size === size - 1 || cell.every((corner) => isHigh[corner] === isHigh[node])) continue;
    const points = cell.flatMap((from, i) => {
      const to = cell[(i + 1) % 4];
      if (isHigh[from] === isHigh[to]) return [];
      const part = (0.5 - field[from]) / (field[to] - field[from]);
      const [x, y] = [from % size, Math.floor(from / size)];
      return [[x + part * ((to % size) - x), y + part * (Math.floor(to / size) - y)]];
    });
    // In a saddle, the mean decides which two corners belong together.
    const isMeanHigh = cell.reduce((sum, corner) => sum + field[corner], 0) >= 2;
    if (points.length === 4 && isMeanHigh !== isHigh[node] > 0) points.push(points.shift());
    for (let i = 0; i < points.length; i += 2) segments.push([...points[i], ...points[i + 1]]);
  }
  return segments;
}

/** The value of a square field between its points. */
export function between(field, size, column, row) {
  const at = Math.min(size - 2, Math.floor(row)) * size + Math.min(size - 2, Math.floor(column));
  const across = (i) => field[i] + (column - (at % size)) * (field[i + 1] - field[i]);
  return across(at) + (row - Math.floor(at / size)) * (across(at + size) - across(at));
}

/** A canvas as sharp as the screen, empty: its context, and its size in CSS pixels. */
function open(canvas, { em, font }) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const pixels = [width, height].map((length) => Math.round(length * devicePixelRatio));
  // Setting a size takes long, even the one that the canvas has.
  if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) [canvas.width, canvas.height] = pixels;
  const c = canvas.getContext("2d");
  c.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  c.clearRect(0, 0, width, height);
  Object.assign(c, { font: `${em}px ${font}`, textBaseline: "middle", lineJoin: "round" });
  return [c, width, height];
}

function stroke(c, path, strokeStyle, lineWidth, dash = []) {
  c.setLineDash(dash);
  Object.assign(c, { strokeStyle, lineWidth }).stroke(path);
}

function fill(c, path, fillStyle) {
  Object.assign(c, { fillStyle }).fill(path);
}

function write(c, text, x, y, textAlign, fillStyle) {
  Object.assign(c, { textAlign, fillStyle }).fillText(text, x, y);
}

/** Lead a path along [x, y, x, y, ...]. */
function along(path, points) {
  for (let i = 0; i < points.length; i += 2) path[i ? "lineTo" : "moveTo"](points[i], points[i + 1]);
  return path;
}

function circle(path, x, y, radius) {
  path.moveTo(x + radius, y);
  path.arc(x, y, radius, 0, 7);
  return path;
}

let scratch;

/** Values of a square grid as colors, from `low` to `high`. */
function drawField(c, values, [x, y, side], map, low, high) {
  const size = Math.sqrt(values.length);
  const image = new ImageData(size, size);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < values.length; i++) {
    const row = size - 1 - Math.floor(i / size); // an image begins at the top
    pixels[row * size + (i % size)] = map[Math.max(0, Math.min(255, (256 * (values[i] - low)) / (high - low))) | 0];
  }
  scratch ??= document.createElement("canvas");
  if (scratch.width !== size) scratch.width = scratch.height = size;
  scratch.getContext("2d").putImageData(image, 0, 0);
  // The values stand for the middles of its pixels.
  c.drawImage(scratch, 0.5, 0.5, size - 1, size - 1, x, y, side, side);
}

/** The field of probabilities, the points, and the boundary, where the field crosses one half. */
export function drawBoundary(canvas, { field, size, box, train, test, showTest, tree, line }, colors) {
  const [c, width, height] = open(canvas, colors);
  const { em, ground, ink } = colors;
  const [left, top] = [2.2 * em, 0.5 * em];
  const side = Math.min(width - left - top, height - top - 1.6 * em);
  const last = size - 1;
  const place = (value, low, high) => (last * (value - low)) / (high - low); // on the grid
  const x = (column) => left + (column / last) * side;
  const y = (row) => top + side - (row / last) * side;
  const [x0, x1, y0, y1] = box;
  for (const value of ticks(x0, x1, 5)) {
    write(c, label(value), x(place(value, x0, x1)), top + side + em, "center", colors.muted);
  }
  for (const value of ticks(y0, y1, 5)) {
    write(c, label(value), left - em / 2, y(place(value, y0, y1)), "right", colors.muted);
  }
  drawField(c, field, [left, top, side], colors.pale, 0, 1);

  const radius = Math.max(2.2, Math.min(7, 75 / Math.sqrt(train.n)));
  for (const set of showTest ? [train, test] : [train]) {
    const paths = [new Path2D(), new Path2D()];
    const wrong = new Path2D();
    for (let i = 0; i < set.n; i++) {
      const [column, row] = [place(set.X[2 * i], x0, x1), place(set.X[2 * i + 1], y0, y1)];
      const [u, v] = [x(column), y(row)];
      const [w, h] = [1.15 * radius, 0.7 * radius];
      if (set.y[i] === 0) circle(paths[0], u, v, radius);
      else along(paths[1], [u, v - 2 * h, u + w, v + h, u - w, v + h]).closePath();
      // Judged by the field as it is drawn, so that the rings agree with the line.
      if (between(field, size, column, row) >= 0.5 !== set.y[i] > 0) circle(wrong, u, v, radius + 2.5);
    }
    stroke(c, wrong, ink, 1.2);
    paths.forEach((path, k) => {
      const color = colors[`class${k}`];
      fill(c, path, set === test ? ground : color);
      stroke(c, path, ...(set === test ? [color, 1.5] : [ground, 0.6]));
    });
  }

  // Told apart by their form: a thin line, a double one, and the network's own, which is thick.
  const styles = [[tree, ground, 3.2, ink, 1.2], [line, ink, 5, ground, 2.6], [field, ground, 4.5, ink, 2.4]];
  for (const [values, ...pens] of styles) {
    const path = new Path2D();
    for (const [u, v, w, z] of values ? contour(values, size) : []) along(path, [x(u), y(v), x(w), y(z)]);
    stroke(c, path, pens[0], pens[1]);
    stroke(c, path, pens[2], pens[3]);
  }
}

/** Units as small fields of their activations; weights as lines, the thicker the larger, dashed if negative. */
export function drawNetwork(canvas, { sizes, theta, layers, fields, output, activation, dead }, colors) {
  const [c, width, height] = open(canvas, colors);
  const { em, ink } = colors;
  const top = 1.8 * em;
  const side = Math.min(3.5 * em, width / (2 * sizes.length - 1), (0.88 * (height - top)) / Math.max(...sizes));
  const x = (layer) => 2 * em + (layer / (sizes.length - 1)) * (width - side - 4 * em);
  const y = (layer, unit) => top + ((unit + 0.5) / sizes[layer]) * (height - top) - side / 2;
  // A path for each thickness and sign, for a stroke for each weight takes too long; so do many curves and dashes.
  const paths = new Map();
  const isDense = theta.length > 150;
  layers.forEach(({ fanIn, units, W }, layer) => {
    const [from, to] = [x(layer) + side, x(layer + 1)];
    for (let i = 0; i < fanIn * units; i++) {
      const thick = Math.round((12 * theta[W + i]) / (Math.abs(theta[W + i]) + 2)) / 2;
      const path = paths.get(thick) ?? new Path2D();
      const [start, end] = [y(layer, Math.floor(i / units)) + side / 2, y(layer + 1, i % units) + side / 2];
      path.moveTo(from, start);
      if (isDense) path.lineTo(to, end);
      else path.bezierCurveTo((from + to) / 2, start, (from + to) / 2, end, to, end);
      paths.set(thick, path);
    }
  });
  for (const [thick, path] of paths) {
    const dash = thick < 0 && !isDense ? [5, 3] : [];
    if (thick) stroke(c, path, colors[thick > 0 ? "class1" : "class0"], Math.abs(thick), dash);
  }
  const ramp = Float32Array.from({ length: 400 }, (_, i) => (i % 20) / 9.5 - 1);
  const all = [ramp, ramp.map((_, i) => ramp[Math.floor(i / 20)]), ...fields];
  let next = 0;
  sizes.forEach((count, layer) => {
    const isOutput = layer === sizes.length - 1;
    const name = layer === 0 ? "inputs" : isOutput ? "output" : activation.replace("_", " ");
    write(c, name, x(layer) + side / 2, 0.7 * em, "center", colors.muted);
    for (let unit = 0; unit < count; unit++, next++) {
      const square = [x(layer), y(layer, unit), side];
      const [left, up] = square;
      const frame = new Path2D();
      frame.rect(left, up, side, side);
      fill(c, frame, colors.ground);
      const values = isOutput ? output : all[next];
      // From 0 to 1 what is a probability or a sigmoid; the others as far to both sides of 0 as their values reach.
      let [low, high] = isOutput && unit < count - 1 ? [1, 0] : [0, 1];
      if (layer === 0 || (!isOutput && activation !== "sigmoid")) {
        high = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
        low = -high;
      }
      drawField(c, values, square, colors.full, low, high);
      if (layer === 0) write(c, `x${unit + 1}`, left - 0.5 * em, up + side / 2, "right", ink);
      else if (!isOutput && dead[next - 2]) {
        along(frame, [left, up, left + side, up + side]);
        along(frame, [left, up + side, left + side, up]);
      }
      stroke(c, frame, ink, 1);
    }
  });
}

/** Curves against epochs, with their names at their ends; `faint` are further curves, without names. */
export function drawCurves(canvas, { series, faint = [], logX, logY, percent }, colors) {
  const [c, width, height] = open(canvas, colors);
  const { em, muted } = colors;
  const [left, right, top, bottom] = [3.4 * em, width - 5 * em, 0.8 * em, height - 1.8 * em];
  const isDrawn = (value) => Number.isFinite(value) && (!logY || value > 0);
  const curves = [...faint.map((values) => ({ values })), ...series].map((curve) => {
    const kept = decimate(curve.values, Math.max(1, right - left), logX);
    return { ...curve, kept: kept.filter((i) => isDrawn(curve.values[i])) };
  });
  const shown = curves.flatMap(({ values, kept }) => kept.map((i) => values[i]));
  const epochs = Math.max(10, ...curves.map(({ values }) => values.length));
  let low = shown.reduce((least, value) => Math.min(least, value), 1);
  let high = shown.reduce((most, value) => Math.max(most, value), percent || logY ? low : 0) || 1;
  if (percent) [low, high] = [Math.min(0.9, Math.floor(10 * low) / 10), 1];
  else if (!logY) low = 0;
  else if (high < 2 * low) [low, high] = [low / 2, 2 * high];
  const part = (v, from, to, log) => (log ? Math.log(v / from) / Math.log(to / from) : (v - from) / (to - from));
  const x = (i) => left + part(i + 1, 1, epochs, logX) * (right - left);
  const y = (value) => bottom - part(value, low, high, logY) * (bottom - top);

  const grid = new Path2D();
  for (const value of ticks(low, high, height / (3.5 * em), logY)) {
    along(grid, [left, y(value), right, y(value)]);
    write(c, label(value, percent), left - em / 2, y(value), "right", muted);
  }
  stroke(c, grid, colors.grid, 1);
  for (const epoch of ticks(1, epochs, (right - left) / (3.5 * em), logX)) {
    write(c, label(epoch), x(epoch - 1), bottom + em, "center", muted);
  }
  const ends = [];
  for (const { values, kept, name, style } of curves) {
    const path = along(new Path2D(), kept.flatMap((i) => [x(i), y(values[i])]));
    c.globalAlpha = name ? 1 : 0.4;
    stroke(c, path, colors[style] ?? muted, name ? 1.8 : 1, style === "test" ? [5, 2] : []);
    if (!name || !kept.length) continue;
    const at = y(values[kept.at(-1)]);
    fill(c, circle(new Path2D(), x(kept.at(-1)), at, 2.5), colors[style]);
    ends.push({ name, at, color: colors[style] });
  }
  // Names that would overlap move away from the nearer edge.
  const [side, edge] = ends.some(({ at }) => at < height / 2) ? [1, 0] : [-1, -height];
  let free = edge;
  for (const { name, at, color } of ends.sort((a, b) => side * (a.at - b.at))) {
    free = Math.max(side * at, free);
    write(c, name, right + em / 2, side * free, "left", color);
    free += 1.2 * em;
  }
}
