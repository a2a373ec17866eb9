// Settings as the address writes them. What they may be, the page's controls say.

const LAYERS = 4;

/** Fields by name, from the page's controls: `{value, choices}`, `{value, min, max, whole}`, or `{value}` for a switch;
 * `layers`, from layer1 to layer4, is `{value, units}`, units the most of each. */
export function fieldsOf(controls) {
	const fields = {};
	for (const { name, type, options, defaultChecked, defaultValue, min, max, dataset, inputMode } of controls) {
		const value = Number(defaultValue);
		if (type === "select-one") {
			const choices = [...options].map((option) => option.value);
			fields[name] = { value: [...options].find((option) => option.defaultSelected).value, choices };
		} else if (type === "checkbox") fields[name] = { value: defaultChecked };
		else if (/^layer\d$/.test(name)) {
			fields.layers = { value: [...(fields.layers?.value ?? []), value].filter(Boolean), units: Number(max) };
		} else fields[name] = { value, min: Number(dataset.min ?? min), max: Number(max), whole: inputMode === "numeric" };
	}
	return fields;
}

/** Settings from a query, and sentences on problems. What it does not say well is as in `instead`. */
export function parse(fields, query, instead = defaults(fields)) {
	const S = { ...instead };
	const problems = [];
	for (const [key, given] of new URLSearchParams(query)) {
		const text = given.trim();
		if (!Object.hasOwn(fields, key)) {
			problems.push(`The address names “${key.slice(0, 30)}”, which is no setting: it is ignored.`);
			continue;
		}
		const [value, rule] = read({ ...fields[key], value: instead[key] }, text);
		S[key] = value;
		if (rule) problems.push(`${key}${text && "="}${text.slice(0, 30)} is not ${rule}; ${write(value)} is used.`);
	}
	if (S.stop === "accuracy" && S.goal > 1) problems.push("No accuracy is above 1 (100%): lower the goal.");
	if (S.data === "xor") S.test = 0; // four points: none to spare
	const points = S.data === "xor" ? 4 : S.data === "spirals" ? 2 * Math.floor(S.n / 2) : S.n;
	const training = points - Math.ceil(points * S.test);
	if (S.batch > training) {
		problems.push(`batch=${S.batch} is more than the ${training} training points; all are used in each step.`);
		S.batch = 0;
	}
	return { S, problems };
}

/** The query for what differs from the defaults, `?` included; "" if nothing does. */
export function format(fields, S) {
	const changed = Object.keys(fields).filter((key) => write(S[key]) !== write(fields[key].value));
	return changed.length ? `?${new URLSearchParams(changed.map((key) => [key, write(S[key])]))}` : "";
}

const defaults = (fields) => Object.fromEntries(Object.entries(fields).map(([key, { value }]) => [key, value]));

function write(value) {
	if (typeof value === "boolean") return value ? "1" : "0";
	return Array.isArray(value) ? value.join("-") || "0" : String(value);
}

/** A value, and the rule if the text breaks it. */
function read({ value, choices, min, max, whole, units }, text) {
	if (choices) return choices.includes(text) ? [text] : [value, `one of ${choices.join(", ")}`];
	if (typeof value === "boolean") return /^[01]$/.test(text) ? [text === "1"] : [value, "1 (on) or 0 (off)"];
	if (units) {
		const rule = `up to ${LAYERS} numbers of units from 1 to ${units}, such as 8 or 8-8`;
		if (text === "0") return [[]];
		if (!/^\d+(-\d+)*$/.test(text)) return [value, rule];
		const counts = text.split("-").slice(0, LAYERS).map((count) => clip(Number(count), 1, units));
		return [counts, counts.join("-") === text ? "" : rule];
	}
	const rule = `a ${whole ? "whole " : ""}number from ${min} to ${max}`;
	const number = text === "" ? NaN : Number(text);
	if (!Number.isFinite(number)) return [value, rule];
	const used = clip(whole ? Math.round(number) : number, min, max);
	return [used, used === number ? "" : rule];
}

const clip = (value, min, max) => Math.min(Math.max(value, min), max);
