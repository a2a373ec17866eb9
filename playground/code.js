/** The settings as a program with nnlib. */

const sklearn = (S) => `make_${S.data}(${S.n}, noise=${S.noise}, random_state=${S.data_seed})`;
const DATA = {
	moons: sklearn,
	circles: sklearn,
	xor: () => "nn.datasets.xor()",
	xor_square: (S) => `nn.datasets.xor_square(${S.n}, ${S.noise}, half_width=6, rng=${S.data_seed})`,
	spirals: (S) => `nn.datasets.double_spiral(${S.n >> 1}, ${S.noise}, rng=np.random.RandomState(${S.data_seed}))`,
};
const INITS = { // the others are names in nnlib
	"normal-0.5": "nn.normal(0.5)",
	"normal-2": "nn.normal(2)",
	uniform: "nn.uniform(0, 1)",
	"uniform-biases": "nn.uniform(0, 1), bias_init=biases",
	spread: "nn.normal(3), bias_init=biases",
};
const BIASES = { "uniform-biases": "0, 1", spread: "-4, 4" };
const OPTIMIZERS = { sgd: ["SGD"], momentum: ["SGD", "momentum=0.9"], adam: ["Adam"] };

const list = (...items) => items.filter(Boolean).join(", ");

/** The program. `run`: the epochs to train; the loss, accuracy, testLoss and testAccuracy shown, or null. */
export function pythonCode(S, run) {
	const [isTested, isLegacy] = [S.test > 0, S.generator === "RandomState"];
	const isSquared = S.loss.endsWith("squared_error"); // for which nnlib knows no accuracy
	const accuracy = isSquared ? "accuracy" : "network.accuracy";
	const [optimizer, ...options] = OPTIMIZERS[S.optimizer];
	const score = (part, data) =>
		`print(f"${part}: loss {network.loss(${data}):.4g}, accuracy {${accuracy}(${data}):.4g}")`;
	const shown = (part, loss, share) => `# ${part}: loss ${loss.toPrecision(4)}, accuracy ${share.toPrecision(4)}`;
	return `\
import matplotlib.pyplot as plt
${(isSquared || isLegacy || S.data === "spirals") && "import numpy as np"}
${DATA[S.data] === sklearn && `from sklearn.datasets import make_${S.data}`}
${isTested && "from sklearn.model_selection import train_test_split"}

import nnlib as nn

X, y = ${DATA[S.data](S)}
${isTested && `X, X_test, y, y_test = train_test_split(X, y, test_size=${S.test}, random_state=0)`}
${S.standardize && "mean, std = X.mean(axis=0), X.std(axis=0)\nX = (X - mean) / std"}
${S.standardize && isTested && "X_test = (X_test - mean) / std"}

${S.init in BIASES && `\ndef biases(rng, fan_in, units):\n    return rng.uniform(${BIASES[S.init]}, units)\n\n`}
layers = [
${layers(S, isSquared)}
]
network = nn.Network(2, layers, loss="${S.loss}", rng=${isLegacy ? `np.random.RandomState(${S.seed})` : S.seed})
optimizer = nn.${optimizer}(${list(S.rate, ...options, S.l2 && `weight_decay=${S.l2}`)})
nn.train(network, X, y, optimizer, epochs=${list(run.epochs, S.batch && `batch_size=${S.batch}, rng=${S.seed}`)})

${isSquared && "\ndef accuracy(X, y):\n    return np.mean((network.predict(X)[:, 0] > 0.5) == y)\n\n"}
${score("training", "X, y")}
${isTested && score("test", "X_test, y_test")}
nn.plots.decision_boundary(network, X, y)
plt.show()
${run.loss !== null && `\n# The playground showed:\n${shown("training", run.loss, run.accuracy)}`}
${run.testLoss !== null && shown("test", run.testLoss, run.testAccuracy)}
`.replace(/^false\n/gm, ""); // lines not needed
}

function layers({ layers, activation, init, loss }, isSquared) {
	const last = [loss === "categorical_cross_entropy" ? 2 : 1, isSquared ? "sigmoid" : "identity"];
	return [...layers.map((units) => [units, activation]), last].map(([units, name], i) => {
		const drawn = init === "spread" && i > 0 ? "xavier" : init;
		const own = /relu/.test(name) ? "he" : "xavier"; // what Dense takes without being told
		const weights = drawn !== own && `init=${INITS[drawn] ?? `"${drawn}"`}`;
		return `    nn.Dense(${list(units, name !== "identity" && `"${name}"`, weights)}),`;
	}).join("\n");
}
