// The settings of the playground: what they may be, and how they are written in the address of the page.

const choice = (value, ...choices) => ({ kind: "choice", value, choices });
const whole = (value, min, max) => ({ kind: "whole", value, min, max });
const number = (value, min, max) => ({ kind: "number", value, min, max });
const flag = (value) => ({ kind: "flag", value });
const SEED = 2 ** 32 - 1;

export const MAX_LAYERS = 4;
export const MAX_UNITS = 16;
export const MAX_EPOCHS = 100_000;

/** What the network and its training depend on, by the name in the address. */
export const SETTINGS = {
  data: choice("moons", "moons", "circles", "xor", "xor_square", "spirals"),
  n: whole(500, 10, 2000),
  noise: number(0.2, 0, 2),
  data_seed: whole(42, 0, SEED),
  test: number(0.2, 0, 0.8),
  standardize: flag(false),
  layers: { kind: "layers", value: [8] },
  activation: choice("sigmoid", "sigmoid", "tanh", "relu", "leaky_relu", "softplus", "identity"),
  init: choice(
    "xavier", "xavier", "he", "normal-0.5", "normal-2", "uniform", "uniform-biases", "zeros", "spread",
  ),
  generator: choice("default_rng", "default_rng", "RandomState"),
  seed: whole(0, 0, SEED),
  loss: choice(
    "binary_cross_entropy",
    "binary_cross_entropy", "categorical_cross_entropy", "squared_error", "half_squared_error",
  ),
  optimizer: choice("adam", "sgd", "momentum", "adam"),
  rate: number(0.05, 1e-6, 100),
  batch: whole(0, 0, 2000),
  l2: number(0, 0, 1),
  epochs: whole(1000, 1, MAX_EPOCHS),
  stop: choice("none", "none", "loss", "accuracy", "stall"),
  goal: number(0.95, 0, 100),
};

/** How it is shown; changing these does not start the training anew. */
export const VIEWS = {
  speed: choice("fastest", "1", "10", "100", "1000", "fastest"),
  "show-test": flag(true),
  "show-tree": flag(false),
  "show-line": flag(false),
  "log-epochs": flag(false),
  "log-loss": flag(false),
};

const FIELDS = { ...SETTINGS, ...VIEWS };

/** The settings with which the page opens. */
export const defaults = () => structuredClone(
  Object.fromEntries(Object.entries(FIELDS).map(([key, field]) => [key, field.value])),
);

/** Settings from a query: `{S, problems}`, the latter sentences about what had to be changed. What the query does not
 * say, or not in a way that can be used, is as in `instead`. */
export function parse(query, instead = defaults()) {
  const S = structuredClone(instead);
  const problems = [];
  for (const [key, text] of new URLSearchParams(query)) {
    if (!Object.hasOwn(FIELDS, key)) {
      problems.push(`The address names “${shorten(key)}”, which is no setting here: it is ignored.`);
      continue;
    }
    const [value, problem] = read(key, { ...FIELDS[key], value: instead[key] }, text.trim());
    S[key] = value;
    if (problem) problems.push(problem);
  }
  return { S, problems: [...problems, ...reconcile(S)] };
}

/** The query of an address, `?` included, with what differs from the defaults; "" if nothing does. */
export function format(S) {
  const query = new URLSearchParams();
  for (const [key, field] of Object.entries(FIELDS)) {
    const text = write(field, S[key]);
    if (text !== write(field, field.value)) query.set(key, text);
  }
  return query.size ? `?${query}` : "";
}

function write(field, value) {
  if (field.kind === "flag") return value ? "1" : "0";
  if (field.kind === "layers") return value.join("-") || "0";
  return String(value);
}

/** A value, and a sentence if it is not what the text says. */
function read(key, field, text) {
  const given = text === "" ? `${key} without a value` : `${key}=${shorten(text)}`;
  const used = (value, why) => [value, `${given} ${why}; ${write(field, value)} is used.`];
  if (field.kind === "choice") {
    if (field.choices.includes(text)) return [text];
    return used(field.value, `is not one of ${field.choices.join(", ")}`);
  }
  if (field.kind === "flag") {
    return text === "1" || text === "0" ? [text === "1"] : used(field.value, "is neither 1 (on) nor 0 (off)");
  }
  if (field.kind === "layers") return readLayers(field, text, used);
  const value = text === "" ? NaN : Number(text);
  const range = `from ${field.min} to ${field.max}`;
  if (!Number.isFinite(value)) return used(field.value, `is not a number ${range}`);
  if (field.kind === "whole" && !Number.isInteger(value)) {
    return used(clip(Math.round(value), field), `is not a whole number ${range}`);
  }
  return value === clip(value, field) ? [value] : used(clip(value, field), `is not ${range}`);
}

function readLayers(field, text, used) {
  if (text === "0") return [[]];
  const rule = `is not up to ${MAX_LAYERS} numbers of units from 1 to ${MAX_UNITS}, such as 8 or 8-8`;
  if (!/^\d+(-\d+)*$/.test(text)) return used(field.value, rule);
  const asked = text.split("-").map(Number);
  const units = asked.slice(0, MAX_LAYERS).map((count) => Math.min(Math.max(count, 1), MAX_UNITS));
  return units.join("-") === asked.join("-") ? [units] : used(units, rule);
}

/** Make settings agree with each other, in place; sentences about what changed. */
function reconcile(S) {
  const points = S.data === "xor" ? 4 : S.data === "spirals" ? 2 * Math.floor(S.n / 2) : S.n;
  if (S.data === "xor") S.test = 0; // four points: none to spare
  const training = points - Math.ceil(points * S.test);
  if (S.batch > training) {
    const problem = `batch=${S.batch} is more than the ${training} training points; all are used in each step.`;
    S.batch = 0;
    return [problem];
  }
  return [];
}

const clip = (value, { min, max }) => Math.min(Math.max(value, min), max);
const shorten = (text) => (text.length > 30 ? `${text.slice(0, 30)}…` : text);
