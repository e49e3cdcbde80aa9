// The state of the page in its address: answers that differ from the defaults, and the view.

function writeAnswer(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function readAnswer(question, text) {
  if (isText(question)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// Write a choice, without answers that are the defaults.
function writeChoice(revision, choice, parameters) {
  const { defaults } = answerQuestions(revision, choice);
  for (const question of revision.questions) {
    const value = choice.get(question.name);
    if (value !== undefined && !equals(value, defaults.get(question.name))) {
      parameters.set(question.name, writeAnswer(value));
    }
  }
  return parameters;
}

// Read a choice; names and values that the revision does not have are ignored.
function readChoice(revision, parameters) {
  const choice = new Map();
  for (const question of revision.questions) {
    const text = parameters.get(question.name);
    if (text === null || question.when === false) continue;
    const value = readAnswer(question, text);
    const values = question.choices.map((item) => item.value);
    const isKnown = values.length
      ? values.includes(value)
      : question.type === "bool"
        ? typeof value === "boolean"
        : isText(question) || Array.isArray(value) || typeof value === "number";
    if (isKnown) choice.set(question.name, value);
  }
  return choice;
}
