/** The settings as a program with nnlib, which computes what the playground shows. */

const sklearn = (S) => `make_${S.data}(${S.n}, noise=${S.noise}, random_state=${S.data_seed})`;
const DATA = {
  moons: sklearn,
  circles: sklearn,
  xor: () => "nn.datasets.xor()",
  xor_square: (S) => `nn.datasets.xor_square(${S.n}, ${S.noise}, half_width=6, rng=${S.data_seed})`,
  spirals: (S) => `nn.datasets.double_spiral(${S.n >> 1}, ${S.noise}, rng=np.random.RandomState(${S.data_seed}))`,
};
const INITS = {
  xavier: '"xavier"', he: '"he"', zeros: '"zeros"', "normal-0.5": "nn.normal(0.5)", "normal-2": "nn.normal(2)",
  uniform: "nn.uniform(0, 1)", "uniform-biases": "nn.uniform(0, 1)",
};
const BIASES = { "uniform-biases": "0, 1", spread: "-4, 4" };
const OPTIMIZERS = { sgd: ["SGD"], momentum: ["SGD", "momentum=0.9"], adam: ["Adam"] };
const IMPORTS = [
  "import matplotlib.pyplot as plt",
  "import numpy as np",
  "from sklearn.datasets import make_circles",
  "from sklearn.datasets import make_moons",
  "from sklearn.model_selection import train_test_split",
];

/** The program. `run`: the epochs trained; the present loss, accuracy, testLoss and testAccuracy, or null. */
export function pythonCode(S, run) {
  const test = S.data === "xor" ? 0 : S.test;
  const lines = [`X, y = ${DATA[S.data](S)}`];
  if (test) lines.push(`X, X_test, y, y_test = train_test_split(X, y, test_size=${test}, random_state=0)`);
  if (S.standardize) {
    lines.push("mean, std = X.mean(axis=0), X.std(axis=0)");
    lines.push(test ? "X, X_test = (X - mean) / std, (X_test - mean) / std" : "X = (X - mean) / std");
  }
  lines.push("");
  const range = BIASES[S.init];
  if (range) lines.push("", "def biases(rng, fan_in, units):", `    return rng.uniform(${range}, units)`, "", "");
  const rng = S.generator === "RandomState" ? `np.random.RandomState(${S.seed})` : S.seed;
  lines.push(layers(S), `network = nn.Network(2, layers, loss="${S.loss}", rng=${rng})`);
  if (run.epochs) lines.push(...training(S, test, run.epochs));
  lines.push("", ...report(S, test), "nn.plots.decision_boundary(network, X, y)", "plt.show()");
  const digits = (value) => Number(value.toPrecision(4));
  const shown = (name, loss, accuracy) => `# ${name}: loss ${digits(loss)}, accuracy ${digits(accuracy)}`;
  if (run.loss !== null) lines.push("", "# The playground showed:", shown("training", run.loss, run.accuracy));
  if (run.testLoss !== null) lines.push(shown("test", run.testLoss, run.testAccuracy));

  const program = lines.join("\n");
  const imports = IMPORTS.filter((line) => new RegExp(`\\b${line.split(" ").at(-1)}\\b`).test(program));
  return `${imports.join("\n")}\n\nimport nnlib as nn\n\n${program}\n`;
}

function layers(S) {
  const last = S.loss === "categorical_cross_entropy" ? [2] : [1, S.loss.endsWith("squared_error") && "sigmoid"];
  const calls = [...S.layers.map((units) => [units, S.activation]), last].map(([units, activation], i) => {
    const spread = i === 0 ? "nn.normal(3)" : INITS.xavier;
    const init = INITS[S.init] ?? spread;
    const own = /relu/.test(activation) ? INITS.he : INITS.xavier; // what Dense takes without being told
    const settings = [units];
    if (activation && activation !== "identity") settings.push(`"${activation}"`);
    if (init !== own) settings.push(`init=${init}`);
    if (BIASES[S.init] && (i === 0 || S.init !== "spread")) settings.push("bias_init=biases");
    return `nn.Dense(${settings.join(", ")})`;
  });
  const line = `layers = [${calls.join(", ")}]`;
  return line.length <= 88 ? line : `layers = [\n${calls.map((call) => `    ${call},\n`).join("")}]`;
}

function training(S, test, epochs) {
  const [name, ...settings] = OPTIMIZERS[S.optimizer];
  if (S.l2) settings.push(`weight_decay=${S.l2}`);
  const n = { xor: 4, spirals: 2 * (S.n >> 1) }[S.data] ?? S.n;
  const isFull = !S.batch || S.batch >= n - Math.ceil(test * n); // scikit-learn rounds the test set up
  const batches = isFull ? "" : `, batch_size=${S.batch}, rng=${S.seed}`;
  return [
    `optimizer = nn.${name}(${[S.rate, ...settings].join(", ")})`,
    `nn.train(network, X, y, optimizer, epochs=${epochs}${batches})`,
  ];
}

function report({ loss }, test) {
  const own = "np.mean((network.predict(X)[:, 0] >= 0.5) == y)"; // nnlib's squared errors know no classes
  const lines = [
    `accuracy = ${loss.endsWith("squared_error") ? own : "network.accuracy(X, y)"}`,
    `print(f"${test ? "{name}" : "training"}: loss {network.loss(X, y):.4g}, accuracy {accuracy:.4g}")`,
  ];
  if (!test) return lines;
  const calls = ['report("training", X, y)', 'report("test", X_test, y_test)'];
  return ["", "def report(name, X, y):", ...lines.map((line) => `    ${line}`), "", "", ...calls];
}
