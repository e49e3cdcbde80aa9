// The form of the options.

const DESCRIPTIONS = new Map([
  ["identity", "Names"],
  ["architecture", "Architecture"],
  ["add-on", "Add-ons"],
]);

// Reads and writes one question. `read` returns undefined for the default.
class Field {
  constructor(question, element, read, write) {
    this.question = question;
    this.element = element;
    this.read = read;
    this.write = write;
    this.condition = element.querySelector(".condition");
    this.objection = element.querySelector(".objection");
  }

  update(project) {
    const { name } = this.question;
    const isAsked = project.recorded.has(name);
    this.element.classList.toggle("not-asked", !isAsked);
    for (const input of this.element.querySelectorAll("input, textarea")) {
      input.disabled = !isAsked;
    }
    const objection = project.objections.get(name) ?? "";
    this.objection.textContent = objection;
    this.objection.hidden = !objection;
    this.write(project.names[name], project);
  }
}

function createMessages(question) {
  const messages = [];
  const condition = question.condition ? `Asked if ${question.condition}.` : "";
  messages.push(create("p", { className: "condition", hidden: !condition }, condition));
  const id = `objection-${question.name}`;
  messages.push(create("p", { className: "objection", id, role: "alert", hidden: true }));
  return messages;
}

function createLabel(question) {
  return [create("code", {}, question.name), create("span", { className: "help" }, question.help)];
}

function createChoiceField(question, choices) {
  const list = choices.map(({ value, help, isDefault }) => {
    const input = create("input", { type: "radio", name: question.name });
    input.dataset.value = JSON.stringify(value);
    const title = create("span", { className: "value" }, String(value));
    const text = help.startsWith(`${value}`) ? help.replace(/^[^:]*(: )?/, "") : help;
    const label = create("label", { className: "choice" }, input, title);
    if (isDefault) label.append(create("span", { className: "default" }, "default"));
    if (text) label.append(create("span", { className: "help" }, text));
    return label;
  });
  const id = `question-${question.name}`;
  const title = create("div", { id }, ...createLabel(question));
  const fields = create(
    "div",
    { className: "field", role: "radiogroup", "aria-labelledby": id },
    title,
    ...createMessages(question),
    create("div", { className: "choices" }, ...list),
  );
  const inputs = () => [...fields.querySelectorAll("input")];
  return new Field(
    question,
    fields,
    () => JSON.parse(inputs().find((input) => input.checked)?.dataset.value ?? "null"),
    (value) => {
      const text = JSON.stringify(value);
      for (const input of inputs()) input.checked = input.dataset.value === text;
    },
  );
}

function createTextField(question) {
  const id = `answer-${question.name}`;
  const describedby = `objection-${question.name}`;
  const input = create("input", { id, type: "text", "aria-describedby": describedby });
  const label = create("label", { htmlFor: id }, ...createLabel(question));
  const element = create("div", { className: "field" }, label, input, ...createMessages(question));
  return new Field(
    question,
    element,
    () => {
      if (input.value === "" && input.placeholder) return undefined;
      return castAnswer(question, input.value);
    },
    (value, project) => {
      // An empty field has the computed default, where there is one.
      const isComputed = Array.isArray(question.default) && project.defaults.get(question.name);
      input.placeholder = isComputed ? project.defaults.get(question.name) : "";
      if (document.activeElement === input) return;
      input.value = isComputed && value === input.placeholder ? "" : value;
    },
  );
}

function createListField(question) {
  const id = `answer-${question.name}`;
  const describedby = `objection-${question.name}`;
  const example = JSON.parse(question.placeholder || "[]").join("\n");
  const input = create("textarea", { id, rows: 2, "aria-describedby": describedby });
  input.placeholder = example;
  const label = create("label", { htmlFor: id }, ...createLabel(question));
  label.append(create("span", { className: "help" }, "One on each line."));
  const element = create("div", { className: "field" }, label, input, ...createMessages(question));
  return new Field(
    question,
    element,
    () => input.value.split("\n").map((line) => line.trim()).filter(Boolean),
    (value) => {
      if (document.activeElement !== input) input.value = value.join("\n");
    },
  );
}

// A mapping: it has the default here, and other values on the command line.
function createFixedField(question) {
  const label = create("div", {}, ...createLabel(question));
  const hint = create("span", { className: "help" }, "The page shows the default.");
  const element = create("div", { className: "field" }, label, hint, ...createMessages(question));
  return new Field(question, element, () => undefined, () => {});
}

function createField(question) {
  const preset = Array.isArray(question.default) ? undefined : question.default.value;
  if (question.choices.length) {
    const choices = question.choices.map((choice) => {
      return { ...choice, isDefault: choice.value === question.preset };
    });
    return createChoiceField(question, choices);
  }
  if (question.type === "bool") {
    const choices = [true, false].map((value) => {
      return { value, help: "", isDefault: value === question.preset };
    });
    return createChoiceField(question, choices);
  }
  if (Array.isArray(preset)) return createListField(question);
  const isFixed = preset !== null && typeof preset === "object";
  return isFixed ? createFixedField(question) : createTextField(question);
}

class OptionsForm {
  constructor(form, onChange) {
    this.form = form;
    this.fields = [];
    form.addEventListener("input", () => onChange(this.read()));
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  // Build the form of a revision.
  build(revision) {
    const asked = revision.questions.filter((question) => question.when !== false);
    const { defaults } = answerQuestions(revision, new Map());
    for (const question of asked) question.preset = defaults.get(question.name);
    const kinds = [...new Set(asked.map((question) => question.kind))];
    this.fields = [];
    const groups = kinds.map((kind) => {
      const fields = asked.filter((question) => question.kind === kind).map(createField);
      this.fields.push(...fields);
      const title = create("h3", {}, DESCRIPTIONS.get(kind) ?? kind);
      return create("section", {}, title, ...fields.map((field) => field.element));
    });
    this.form.replaceChildren(...groups);
  }

  read() {
    const choice = new Map();
    for (const field of this.fields) {
      const value = field.read();
      if (value !== undefined && value !== null) choice.set(field.question.name, value);
    }
    return choice;
  }

  update(project) {
    for (const field of this.fields) field.update(project);
  }
}
