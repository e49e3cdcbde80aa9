// A project: the answers to a revision's questions as copier would record them, and its files.

const ANSWERS_FILE = ".copier-answers.yml";
const FALSE_TEXTS = new Set(["", "0", "f", "false", "n", "no", "none", "null", "off", "~"]);
// Copier records where a project comes from; nothing was passed as data or answered before.
const COPIER_SETTINGS = new Map([
  ["answers_file", ANSWERS_FILE],
  ["data", new Map()],
]);

function toMaps(value) {
  if (Array.isArray(value)) return value.map(toMaps);
  if (value === null || typeof value !== "object") return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, toMaps(item)]));
}

function castAnswer(question, text) {
  if (question.type === "bool") return !FALSE_TEXTS.has(text.trim().toLowerCase());
  const isNumber = question.type === "int" || question.type === "float";
  return isNumber && text.trim() && !Number.isNaN(Number(text)) ? Number(text) : text;
}

// The default after these answers, or undefined when it needs an answer of the user.
function computeDefault(question, names) {
  if (!Array.isArray(question.default)) return toMaps(question.default.value);
  try {
    return castAnswer(question, render(question.default, names));
  } catch (error) {
    if (error instanceof TemplateError) return undefined;
    throw error;
  }
}

function isAsked(question, names) {
  if (typeof question.when === "boolean") return question.when;
  return !FALSE_TEXTS.has(render(question.when, names).trim().toLowerCase());
}

function listChoices(question, names) {
  return question.choices.filter((choice) => !render(choice.validator, names).trim());
}

// Answer every question: with the choice where there is one, else with the default.
//
// Returns the names for templates, the recorded answers, the defaults, and the objections. A default
// that needs the name of a folder is undefined; its question then has the placeholder.
function answerQuestions(revision, choice) {
  const names = { _copier_conf: COPIER_SETTINGS };
  const recorded = new Map();
  const defaults = new Map();
  const objections = new Map();
  for (const question of revision.questions) {
    const { name } = question;
    const computed = computeDefault(question, names);
    const preset = computed ?? question.placeholder;
    defaults.set(name, computed);
    const asked = isAsked(question, names);
    const allowed = listChoices(question, names).map((item) => item.value);
    const given = asked && choice.has(name) ? choice.get(name) : preset;
    names[name] = allowed.length && !allowed.includes(given) ? preset : given;
    if (!asked) continue;
    recorded.set(name, names[name]);
    const objection = render(question.validator, names).trim();
    if (objection) objections.set(name, objection);
  }
  return { names, recorded, defaults, objections };
}

// Render every file. Returns the texts by path, sorted.
function renderProject(data, revision, choice) {
  const answered = answerQuestions(revision, choice);
  const files = new Map();
  if (answered.objections.size) return { ...answered, files };
  const origin = [
    ["_commit", revision.version],
    ["_src_path", data.location],
  ];
  answered.names._copier_answers = new Map([...origin, ...answered.recorded]);
  for (const [parts, number] of revision.files) {
    const rendered = parts.map((part) => render(part, answered.names));
    if (rendered.some((part) => !part)) continue;
    const body = data.texts[number];
    files.set(rendered.join("/"), typeof body === "string" ? body : render(body, answered.names));
  }
  const sorted = new Map([...files].sort(([left], [right]) => (left < right ? -1 : 1)));
  return { ...answered, files: sorted };
}

// Compare the files of two projects. Returns "added", "removed" or "changed" by path.
function compareFiles(before, after) {
  const changes = new Map();
  for (const [path, text] of after) {
    if (!before.has(path)) changes.set(path, "added");
    else if (before.get(path) !== text) changes.set(path, "changed");
  }
  for (const path of before.keys()) if (!after.has(path)) changes.set(path, "removed");
  return changes;
}

// The requirements that pyproject.toml declares, by group.
function listDependencies(files) {
  const text = files.get("pyproject.toml") ?? "";
  const groups = new Map();
  for (const [, name, body] of text.matchAll(/^([\w-]+) = \[\n((?: {4}.*\n)*?)\]/gm)) {
    const items = [...body.matchAll(/^ {4}"([^"]+)",?$/gm)].map((match) => match[1]);
    if (items.length && items.every((item) => /^[A-Za-z0-9]/.test(item))) groups.set(name, items);
  }
  return groups;
}
