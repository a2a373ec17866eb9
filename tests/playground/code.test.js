import assert from "node:assert/strict";
import { test } from "node:test";

import { pythonCode } from "../../playground/code.js";

const DEFAULTS = {
  data: "moons", n: 500, noise: 0.2, data_seed: 42, test: 0.2, standardize: false,
  layers: [8], activation: "sigmoid", init: "xavier", generator: "default_rng", seed: 0,
  loss: "binary_cross_entropy", optimizer: "adam", rate: 0.05, batch: 0, l2: 0, epochs: 1000, stop: "none", goal: 0.95,
};
const RUN = { epochs: 1000, loss: 0.0512345, accuracy: 0.9875, testLoss: 0.0000123456, testAccuracy: 1 };
const code = (changes = {}, run = {}) => pythonCode({ ...DEFAULTS, ...changes }, { ...RUN, ...run });

/** The lines of the program with these settings that the program of the defaults does not have, and the reverse. */
function difference(changes, run) {
  const [old, now] = [code(), code(changes, run)].map((program) => program.split("\n"));
  return { more: now.filter((line) => !old.includes(line)), less: old.filter((line) => !now.includes(line)) };
}

test("the program of the defaults", () => {
  assert.equal(code(), `\
import matplotlib.pyplot as plt
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split

import nnlib as nn

X, y = make_moons(500, noise=0.2, random_state=42)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, random_state=0)

layers = [
    nn.Dense(8, "sigmoid"),
    nn.Dense(1),
]
network = nn.Network(2, layers, loss="binary_cross_entropy", rng=0)
optimizer = nn.Adam(0.05)
nn.train(network, X, y, optimizer, epochs=1000)

print(f"training: loss {network.loss(X, y):.4g}, accuracy {network.accuracy(X, y):.4g}")
print(f"test: loss {network.loss(X_test, y_test):.4g}, accuracy {network.accuracy(X_test, y_test):.4g}")
nn.plots.decision_boundary(network, X, y)
plt.show()

# The playground showed:
# training: loss 0.05123, accuracy 0.9875
# test: loss 0.00001235, accuracy 1.000
`);
});

test("XOR with a squared error: no test set, and an accuracy of our own", () => {
  const S = { data: "xor", test: 0, layers: [2], activation: "tanh", loss: "squared_error", optimizer: "sgd", rate: 1 };
  assert.equal(code(S, { epochs: 500, loss: 0.25, accuracy: 0.5, testLoss: null, testAccuracy: null }), `\
import matplotlib.pyplot as plt
import numpy as np

import nnlib as nn

X, y = nn.datasets.xor()

layers = [
    nn.Dense(2, "tanh"),
    nn.Dense(1, "sigmoid"),
]
network = nn.Network(2, layers, loss="squared_error", rng=0)
optimizer = nn.SGD(1)
nn.train(network, X, y, optimizer, epochs=500)


def accuracy(X, y):
    return np.mean((network.predict(X)[:, 0] > 0.5) == y)


print(f"training: loss {network.loss(X, y):.4g}, accuracy {accuracy(X, y):.4g}")
nn.plots.decision_boundary(network, X, y)
plt.show()

# The playground showed:
# training: loss 0.2500, accuracy 0.5000
`);
});

test("each data set as the posts make it", () => {
  const line = (changes) => difference(changes).more.find((text) => text.startsWith("X, y = "));
  assert.equal(line({ data: "circles" }), "X, y = make_circles(500, noise=0.2, random_state=42)");
  assert.equal(line({ data: "xor_square" }), "X, y = nn.datasets.xor_square(500, 0.2, half_width=6, rng=42)");
  const spirals = "X, y = nn.datasets.double_spiral(250, 0.2, rng=np.random.RandomState(42))";
  assert.equal(line({ data: "spirals" }), spirals);
  assert.equal(line({ data: "spirals", n: 501 }), spirals);
  assert.match(code({ data: "spirals" }), /^import numpy as np$/m);
});

test("initializers are named where they are not the layer's own", () => {
  const layers = (changes) => code(changes).match(/(?<=^ {4})nn\.Dense.*(?=,$)/gm);
  assert.deepEqual(layers({ activation: "relu", init: "he" }), ['nn.Dense(8, "relu")', 'nn.Dense(1, init="he")']);
  assert.deepEqual(layers({ activation: "relu" }), ['nn.Dense(8, "relu", init="xavier")', "nn.Dense(1)"]);
  assert.deepEqual(layers({ layers: [] }), ["nn.Dense(1)"]);
  assert.deepEqual(layers({ activation: "identity" }), ["nn.Dense(8)", "nn.Dense(1)"]);
  assert.deepEqual(layers({ loss: "categorical_cross_entropy" }), ['nn.Dense(8, "sigmoid")', "nn.Dense(2)"]);
  assert.deepEqual(layers({ init: "normal-0.5" }),
    ['nn.Dense(8, "sigmoid", init=nn.normal(0.5))', "nn.Dense(1, init=nn.normal(0.5))"]);
  const uniform = "init=nn.uniform(0, 1), bias_init=biases";
  assert.deepEqual(layers({ init: "uniform-biases" }), [`nn.Dense(8, "sigmoid", ${uniform})`, `nn.Dense(1, ${uniform})`]);
  assert.deepEqual(layers({ layers: [4, 3], activation: "leaky_relu", init: "spread" }), [
    'nn.Dense(4, "leaky_relu", init=nn.normal(3), bias_init=biases)',
    'nn.Dense(3, "leaky_relu", init="xavier")',
    "nn.Dense(1)",
  ]);
  const { more } = difference({ init: "spread" });
  assert.ok(more.includes("def biases(rng, fan_in, units):"));
  assert.ok(more.includes("    return rng.uniform(-4, 4, units)"));
});

test("what is set appears in its place, and nothing else changes", () => {
  assert.deepEqual(difference({ optimizer: "momentum", rate: 0.5, l2: 0.001 }), {
    more: ["optimizer = nn.SGD(0.5, momentum=0.9, weight_decay=0.001)"],
    less: ["optimizer = nn.Adam(0.05)"],
  });
  assert.deepEqual(difference({ batch: 32, seed: 7 }), {
    more: [
      'network = nn.Network(2, layers, loss="binary_cross_entropy", rng=7)',
      "nn.train(network, X, y, optimizer, epochs=1000, batch_size=32, rng=7)",
    ],
    less: [
      'network = nn.Network(2, layers, loss="binary_cross_entropy", rng=0)',
      "nn.train(network, X, y, optimizer, epochs=1000)",
    ],
  });
  assert.deepEqual(difference({ generator: "RandomState" }).more, [
    "import numpy as np",
    'network = nn.Network(2, layers, loss="binary_cross_entropy", rng=np.random.RandomState(0))',
  ]);
  assert.deepEqual(difference({ standardize: true }), {
    more: [
      "mean, std = X.mean(axis=0), X.std(axis=0)",
      "X = (X - mean) / std",
      "X_test = (X_test - mean) / std",
    ],
    less: [],
  });
  assert.doesNotMatch(code({ standardize: true, test: 0 }), /X_test/);
});

test("no setting leaves a gap or a word of JavaScript in the program", () => {
  const choices = {
    data: ["moons", "circles", "xor", "xor_square", "spirals"], test: [0, 0.2], standardize: [false, true],
    init: ["xavier", "spread"], generator: ["default_rng", "RandomState"], batch: [0, 32], l2: [0, 0.1],
    loss: ["binary_cross_entropy", "squared_error"],
  };
  const all = Object.entries(choices).reduce(
    (sets, [key, values]) => sets.flatMap((set) => values.map((value) => ({ ...set, [key]: value }))), [{}]);
  for (const changes of all) {
    const program = code(changes, changes.test ? {} : { testLoss: null, testAccuracy: null });
    assert.doesNotMatch(program, /false|true|null|undefined|NaN|\n{4}| \n|, \)|\(,/, program);
    assert.equal(/^import numpy as np$/m.test(program), /\bnp\./.test(program), program);
    for (const name of ["make_moons", "make_circles", "train_test_split"]) {
      const uses = program.split(name).length - 1;
      assert.ok(uses === 0 || uses === 2, `${name}: imported and called, or neither`);
    }
  }
});

test("without numbers there is nothing to tell", () => {
  const unknown = { loss: null, accuracy: null, testLoss: null, testAccuracy: null };
  assert.doesNotMatch(code({}, unknown), /#/);
});
