// The pictures: data in, pixels out. Nothing here knows of training or of the page's controls.

const COLORS = ["class0", "class1", "ground", "ink", "muted", "grid", "train", "test"];

/** Colors and type of the theme around `element`, from the custom properties of playground.css. */
export function palette(element) {
  const style = getComputedStyle(element);
  const colors = Object.fromEntries(COLORS.map((name) => [name, style.getPropertyValue(`--pg-${name}`).trim()]));
  const map = colorMap(colors.class0, colors.ground, colors.class1, Number(style.getPropertyValue("--pg-share")));
  return { ...colors, map, size: 0.86 * parseFloat(style.fontSize), family: style.fontFamily };
}

/** 256 pixels from `share` of the color `low` over `middle` to as much of `high`, each "#rrggbb". */
export function colorMap(low, middle, high, share = 1) {
  const [first, center, last] = [low, middle, high].map((c) => [1, 3, 5].map((i) => parseInt(c.slice(i, i + 2), 16)));
  const bytes = new Uint8ClampedArray(4 * 256).fill(255);
  for (let i = 0; i < 256; i++) {
    const end = i < 128 ? first : last;
    const part = share * Math.abs(i / 127.5 - 1);
    for (let k = 0; k < 3; k++) bytes[4 * i + k] = center[k] + part * (end[k] - center[k]);
  }
  return new Uint32Array(bytes.buffer);
}

/** About `count` round numbers from `low` to `high`; with `log` powers of ten, with halves and fifths if these are few. */
export function ticks(low, high, count, log = false) {
  if (log) {
    const [from, to] = [Math.floor(Math.log10(low)), Math.floor(Math.log10(high) + 1e-9)];
    const every = Math.max(1, Math.ceil((to - from) / count));
    const factors = to - from > 1 ? [1] : [1, 2, 5];
    const powers = Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, i) => to - i * every).reverse();
    const all = powers.flatMap((e) => factors.map((factor) => Number(`${factor}e${e}`)));
    return all.filter((value) => value >= low * 0.999 && value <= high * 1.001);
  }
  if (!(high > low)) return [low];
  const power = 10 ** Math.floor(Math.log10((high - low) / count));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power * count >= (high - low) * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  const all = Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
  return all.map((value) => Number(value.toPrecision(12)));
}

const format = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

/** A number as short as a picture needs it: 0.05, 20,000, 1e-6, 97.5%. */
export function label(value, percent = false) {
  if (percent) return `${format.format(100 * value)}%`;
  const isSmall = value !== 0 && Math.abs(value) < 1e-3;
  return isSmall ? Number(value.toPrecision(3)).toExponential() : format.format(value);
}

/** Indices of the lowest and highest value in each of `columns` parts, in order. NaN is left out. */
export function decimate(values, length, columns, log = false) {
  const kept = [];
  for (let i = 0, column = 1; column <= columns && i < length; column++) {
    const end = log ? length ** (column / columns) - 1e-9 : (length * column) / columns;
    let low = -1;
    let high = -1;
    for (; i < length && i < end; i++) {
      const value = values[i];
      if (low < 0) {
        if (value === value) low = high = i;
      } else if (value < values[low]) low = i;
      else if (value > values[high]) high = i;
    }
    if (low >= 0) kept.push(Math.min(low, high));
    if (low !== high) kept.push(Math.max(low, high));
  }
  return kept;
}

/**
 * Lines [x, y, x, y, ...], in steps of the grid, on which a square field crosses `level`: marching squares.
 * The segments are joined, for else dashes would begin anew in every cell.
 */
export function contour(field, size, level = 0.5) {
  // An edge is 2 * node if it leads from a node to the right, 2 * node + 1 if up; it links to the edges before and after.
  const links = new Map();
  const link = (a, b) => links.set(a, [...(links.get(a) ?? []), b]);
  for (let node = 0; node < size * (size - 1); node++) {
    if (node % size === size - 1) continue;
    const nodes = [node, node + 1, node + size + 1, node + size];
    const above = nodes.map((corner) => field[corner] >= level);
    const sides = [2 * node, 2 * node + 3, 2 * (node + size), 2 * node + 1];
    const crossed = sides.filter((_, i) => above[i] !== above[(i + 1) % 4]);
    // In a saddle, the mean decides which two corners belong together.
    const mean = () => nodes.reduce((sum, corner) => sum + field[corner], 0) / 4;
    if (crossed.length === 4 && mean() >= level !== above[0]) crossed.push(crossed.shift());
    for (let i = 0; i < crossed.length; i += 2) {
      link(crossed[i], crossed[i + 1]);
      link(crossed[i + 1], crossed[i]);
    }
  }
  const point = (edge) => {
    const node = edge >> 1;
    const up = edge & 1;
    const part = (level - field[node]) / (field[up ? node + size : node + 1] - field[node]);
    return [(node % size) + (up ? 0 : part), Math.floor(node / size) + (up ? part : 0)];
  };
  const follow = (start) => {
    const line = [];
    const isRing = links.get(start).length > 1;
    for (let edge = start; edge !== undefined; ) {
      line.push(...point(edge));
      const next = links.get(edge);
      links.delete(edge);
      edge = next.find((other) => links.has(other));
    }
    return isRing ? [...line, line[0], line[1]] : line;
  };
  const ends = [...links.keys()].filter((edge) => links.get(edge).length === 1);
  return [...ends, ...links.keys()].flatMap((edge) => (links.has(edge) ? [follow(edge)] : []));
}

/** A canvas as large as its box on the screen, empty: its context, its size in CSS pixels, and the size of its type. */
function open(canvas, { size, family }) {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const pixels = { width: Math.round(width * scale), height: Math.round(height * scale) };
  // Setting a size is slow, even the one that the canvas has.
  if (canvas.width !== pixels.width || canvas.height !== pixels.height) Object.assign(canvas, pixels);
  const c = canvas.getContext("2d");
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, width, height);
  Object.assign(c, { font: `${size}px ${family}`, textBaseline: "middle", lineJoin: "round", lineCap: "butt" });
  return { c, width, height, em: size };
}

function stroke(c, path, strokeStyle, lineWidth, dash = []) {
  Object.assign(c, { strokeStyle, lineWidth });
  c.setLineDash(dash);
  c.stroke(path);
}

function write(c, text, x, y, textAlign, fillStyle) {
  Object.assign(c, { textAlign, fillStyle });
  c.fillText(text, x, y);
}

function circle(path, x, y, radius) {
  path.moveTo(x + radius, y);
  path.arc(x, y, radius, 0, 2 * Math.PI);
}

function triangle(path, x, y, radius) {
  path.moveTo(x, y - radius);
  path.lineTo(x + 0.87 * radius, y + 0.5 * radius);
  path.lineTo(x - 0.87 * radius, y + 0.5 * radius);
  path.closePath();
}

const scratch = typeof document === "undefined" ? null : document.createElement("canvas");

/** A square field of size * size values as colors; `place` takes a value to [0, 1]. */
function drawField(c, field, size, x, y, side, map, place) {
  if (scratch.width !== size) scratch.width = scratch.height = size;
  const image = new ImageData(size, size);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < size * size; i++) {
    const row = size - 1 - Math.floor(i / size); // the picture's rows begin at the top
    pixels[row * size + (i % size)] = map[Math.max(0, Math.min(255, Math.floor(256 * place(field[i]))))];
  }
  scratch.getContext("2d").putImageData(image, 0, 0);
  // The values lie on the corners of the grid: half a pixel on each side is outside.
  c.drawImage(scratch, 0.5, 0.5, size - 1, size - 1, x, y, side, side);
}

/** The field of probabilities, the data, and the boundary, where the field crosses one half. */
export function drawBoundary(canvas, { field, size, box, train, test, showTest, tree, line }, colors) {
  const { c, width, height, em } = open(canvas, colors);
  const [left, top] = [2.2 * em, 0.5 * em];
  const side = Math.min(width - left - top, height - top - 1.6 * em);
  const unit = side / (size - 1);
  const [low, bottom] = [box[0], box[2]];
  const scale = (size - 1) / (box[1] - low);
  const x = (column) => left + column * unit;
  const y = (row) => top + side - row * unit;
  for (const value of ticks(low, box[1], 5)) {
    write(c, label(value), x((value - low) * scale), top + side + em, "center", colors.muted);
  }
  for (const value of ticks(bottom, box[3], 5)) {
    write(c, label(value), left - 0.5 * em, y((value - bottom) * scale), "right", colors.muted);
  }
  drawField(c, field, size, left, top, side, colors.map, (p) => p);
  const radius = Math.min(7, Math.max(2.2, 75 / Math.sqrt(train.n)));
  drawPoints(train, false);
  if (showTest && test) drawPoints(test, true);
  if (tree) drawLines(tree, 1.6, [8, 4]);
  if (line) drawLines(line, 2, [2, 3]);
  drawLines(field, 2.2);

  function drawLines(values, thick, dash) {
    const path = new Path2D();
    for (const points of contour(values, size)) {
      for (let i = 0; i < points.length; i += 2) path[i ? "lineTo" : "moveTo"](x(points[i]), y(points[i + 1]));
    }
    stroke(c, path, colors.ground, thick + 2);
    stroke(c, path, colors.ink, thick, dash);
  }

  function drawPoints({ X, y: classes, n }, isHollow) {
    const paths = [new Path2D(), new Path2D()];
    const wrong = new Path2D();
    for (let i = 0; i < n; i++) {
      const [column, row] = [(X[2 * i] - low) * scale, (X[2 * i + 1] - bottom) * scale];
      if (classes[i]) triangle(paths[1], x(column), y(row), 1.3 * radius);
      else circle(paths[0], x(column), y(row), radius);
      // From the field as it is drawn, so that the rings agree with the line.
      if (between(field, size, column, row) >= 0.5 !== classes[i] > 0) circle(wrong, x(column), y(row), radius + 2.5);
    }
    paths.forEach((path, k) => {
      const color = colors[`class${k}`];
      c.fillStyle = isHollow ? colors.ground : color;
      c.fill(path);
      stroke(c, path, isHollow ? color : colors.ground, isHollow ? 1.5 : 0.8);
    });
    stroke(c, wrong, colors.ink, 1.1);
  }
}

/** The value of a square field between its points: linear in both directions. */
export function between(field, size, column, row) {
  const at = Math.min(size - 2, Math.floor(row)) * size + Math.min(size - 2, Math.floor(column));
  const [right, up] = [column - (at % size), row - Math.floor(at / size)];
  const along = (i) => field[i] + right * (field[i + 1] - field[i]);
  return along(at) + up * (along(at + size) - along(at));
}

/** Units as small fields of their activations; weights as lines, the thicker the larger, dashed if negative. */
export function drawNetwork(canvas, { sizes, theta, layers, fields, k, activation, dead }, colors) {
  const { c, width, height, em } = open(canvas, colors);
  const top = 1.8 * em;
  const side = Math.min(3.5 * em, width / (2 * sizes.length - 1), (0.88 * (height - top)) / Math.max(...sizes));
  const x = (layer) => (layer / (sizes.length - 1)) * (width - side - 4 * em) + 2 * em;
  const y = (layer, unit) => top + ((unit + 0.5) / sizes[layer]) * (height - top) - side / 2;
  // One path for each thickness and sign: 800 strokes would take too long.
  const paths = new Map();
  layers.forEach(({ fanIn, units, W }, layer) => {
    const [from, to] = [x(layer) + side, x(layer + 1)];
    for (let i = 0; i < fanIn * units; i++) {
      const weight = theta[W + i];
      const thick = (Math.sign(weight) * Math.ceil((14 * Math.abs(weight)) / (Math.abs(weight) + 4))) / 2;
      if (!thick) continue;
      if (!paths.has(thick)) paths.set(thick, new Path2D());
      const [start, end] = [y(layer, Math.floor(i / units)) + side / 2, y(layer + 1, i % units) + side / 2];
      const path = paths.get(thick);
      path.moveTo(from, start);
      path.bezierCurveTo((from + to) / 2, start, (from + to) / 2, end, to, end);
    }
  });
  for (const [thick, path] of paths) {
    stroke(c, path, thick > 0 ? colors.class1 : colors.class0, Math.abs(thick), thick < 0 ? [5, 3] : []);
  }
  const inputs = [(i) => i % k, (i) => Math.floor(i / k)].map((at) => Float32Array.from({ length: k * k }, (_, i) => at(i)));
  const all = [...inputs, ...fields];
  let next = 0;
  sizes.forEach((count, layer) => {
    const isOutput = layer === sizes.length - 1;
    const heading = layer === 0 ? "inputs" : isOutput ? "output" : activation.replace("_", " ");
    write(c, heading, x(layer) + side / 2, 0.7 * em, "center", colors.muted);
    for (let unit = 0; unit < count; unit++, next++) {
      const [left, up] = [x(layer), y(layer, unit)];
      c.fillStyle = colors.ground;
      c.fillRect(left, up, side, side);
      const frame = new Path2D();
      frame.rect(left, up, side, side);
      if (!isOutput) drawField(c, all[next], k, left, up, side, colors.map, spanOf(all[next], layer && activation));
      else write(c, count > 1 ? unit : "p", left + side / 2, up + side / 2, "center", colors.ink);
      if (layer === 0) write(c, `x${unit + 1}`, left - 0.5 * em, up + side / 2, "right", colors.ink);
      if (layer && !isOutput && dead[next - 2]) {
        frame.moveTo(left, up);
        frame.lineTo(left + side, up + side);
        frame.moveTo(left + side, up);
        frame.lineTo(left, up + side);
      }
      stroke(c, frame, colors.ink, 1);
    }
  });
}

/** How a unit's values become colors: those with bounds against their bounds, the others against their largest. */
function spanOf(values, activation) {
  if (activation === "sigmoid") return (value) => value;
  let largest = activation === "tanh" ? 1 : 1e-9;
  if (activation === 0) return (value) => value / Math.sqrt(values.length);
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return (value) => 0.5 + value / largest / 2;
}

/**
 * Curves against epochs, with their names and last values at their ends. `faint` are further curves, without names.
 */
export function drawCurves(canvas, { series, faint = [], logX, logY, percent }, colors) {
  const { c, width, height, em } = open(canvas, colors);
  const [left, right, top, bottom] = [3.6 * em, width - 5.2 * em, 0.8 * em, height - 1.8 * em];
  const columns = Math.max(2, Math.round(right - left));
  const curves = [...faint.map((values) => ({ values, length: values.length })), ...series].map((curve) => ({
    ...curve, kept: decimate(curve.values, curve.length, columns, logX),
  }));
  let [low, high, epochs] = [Infinity, -Infinity, 10];
  for (const { values, kept, length } of curves) {
    epochs = Math.max(epochs, length);
    for (const i of kept) {
      if (logY && !(values[i] > 0)) continue;
      low = Math.min(low, values[i]);
      high = Math.max(high, values[i]);
    }
  }
  if (low > high) [low, high] = [0.5, 1];
  if (percent) [low, high] = [Math.min(0.9, Math.floor(10 * low) / 10), 1];
  else if (!logY) [low, high] = [0, high || 1];
  else if (high < 2 * low) [low, high] = [low / 2, high * 2];
  const x = (epoch) => left + (logX ? Math.log(epoch) / Math.log(epochs) : (epoch - 1) / (epochs - 1)) * (right - left);
  const part = (value) => (logY ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
  const y = (value) => bottom - part(value) * (bottom - top);

  const grid = new Path2D();
  for (const value of ticks(low, high, height / (3.5 * em), logY)) {
    grid.moveTo(left, y(value));
    grid.lineTo(right, y(value));
    write(c, label(value, percent), left - 0.5 * em, y(value), "right", colors.muted);
  }
  stroke(c, grid, colors.grid, 1);
  for (const value of ticks(1, epochs, width / (7 * em), logX)) {
    write(c, label(value), x(value), bottom + em, "center", colors.muted);
  }
  let lowest = -Infinity;
  const named = [];
  for (const { values, kept, name, style } of curves) {
    const path = new Path2D();
    const drawn = logY ? kept.filter((i) => values[i] > 0) : kept;
    drawn.forEach((i, at) => path[at ? "lineTo" : "moveTo"](x(i + 1), y(values[i])));
    const color = colors[style] ?? colors.muted;
    c.globalAlpha = name ? 1 : 0.4;
    stroke(c, path, color, name ? 1.8 : 1, style === "test" ? [5, 2] : []);
    if (!name || !drawn.length) continue;
    const last = drawn.at(-1);
    const end = new Path2D();
    circle(end, x(last + 1), y(values[last]), 2.5);
    c.fillStyle = color;
    c.fill(end);
    named.push({ text: name, color, at: y(values[last]) });
  }
  named.sort((a, b) => a.at - b.at);
  for (const { text, color, at } of named) {
    lowest = Math.max(at, lowest + 1.2 * em);
    write(c, text, right + 0.5 * em, lowest, "left", color);
  }
}

/** Accuracies of several starts as dots on an axis, equal ones on top of each other; `chosen` is filled. */
export function drawSpread(canvas, { values, chosen, best }, colors) {
  const { c, width, height, em } = open(canvas, colors);
  const [left, right, bottom] = [1.5 * em, width - 1.5 * em, height - 1.8 * em];
  const low = Math.min(0.9, Math.floor(10 * Math.min(...values)) / 10);
  const x = (value) => left + ((value - low) / (1 - low)) * (right - left);
  const radius = Math.min(0.4 * em, (bottom - 2) / values.length / 2);
  const axis = new Path2D();
  axis.moveTo(left, bottom);
  axis.lineTo(right, bottom);
  stroke(c, axis, colors.muted, 1);
  for (const value of ticks(low, 1, 5)) write(c, label(value, true), x(value), bottom + em, "center", colors.muted);
  const heights = new Map();
  values.forEach((value, i) => {
    const bin = Math.round(x(value) / (2 * radius));
    const count = heights.get(bin) ?? 0;
    heights.set(bin, count + 1);
    const dot = new Path2D();
    circle(dot, x(value), bottom - (2 * count + 1.4) * radius, 0.85 * radius);
    c.fillStyle = i === chosen ? colors.class1 : colors.ink;
    c.fill(dot);
  });
}
