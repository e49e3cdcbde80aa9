// Evaluates the nodes of generator/template/syntax.py as Jinja, with Python's values, would.

const UNDEFINED = Symbol("undefined");

class TemplateError extends Error {}

function truth(value) {
  if (value === UNDEFINED) throw new TemplateError("a name is undefined");
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  return Boolean(value);
}

// Python's str() of a value.
function toText(value) {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null) return "None";
  if (value === UNDEFINED) throw new TemplateError("a name is undefined");
  throw new TemplateError("a list or a mapping is no text");
}

function equals(left, right) {
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => equals(item, right[index]));
  }
  return left === right;
}

function contains(container, item) {
  if (typeof container === "string") return container.includes(item);
  if (Array.isArray(container)) return container.some((other) => equals(other, item));
  if (container instanceof Map) return container.has(item);
  throw new TemplateError("a value contains nothing");
}

const COMPARISONS = {
  eq: equals,
  ne: (left, right) => !equals(left, right),
  gt: (left, right) => left > right,
  gteq: (left, right) => left >= right,
  lt: (left, right) => left < right,
  lteq: (left, right) => left <= right,
  in: (left, right) => contains(right, left),
  notin: (left, right) => !contains(right, left),
};

function getItem(owner, key) {
  if (owner instanceof Map) return owner.has(key) ? owner.get(key) : UNDEFINED;
  const items = typeof owner === "string" ? [...owner] : owner;
  if (Array.isArray(items) && Number.isInteger(key)) return items.at(key) ?? UNDEFINED;
  if (owner === UNDEFINED) throw new TemplateError("a name is undefined");
  return UNDEFINED;
}

// A Python pattern; the names of groups and the flags of Python are not used.
function toRegExp(pattern, flags) {
  const source = pattern.replace(/\\([\s\S])/g, (escape, letter) =>
    letter === "A" ? "^" : letter === "Z" ? "$(?![\\s\\S])" : escape,
  );
  return new RegExp(source, `u${flags}`);
}

function expandGroups(replacement, groups) {
  return replacement.replace(/\\(?:g<(\d+)>|(\d)|([\s\S]))/g, (_, named, digit, letter) =>
    letter === undefined ? (groups[Number(named ?? digit)] ?? "") : letter,
  );
}

function toJson(value, ascii) {
  if (Array.isArray(value)) return `[${value.map((item) => toJson(item, ascii)).join(", ")}]`;
  if (value instanceof Map) {
    const pairs = [...value].map(([key, item]) => `${toJson(key, ascii)}: ${toJson(item, ascii)}`);
    return `{${pairs.join(", ")}}`;
  }
  const text = JSON.stringify(value);
  if (!ascii) return text;
  return text.replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function stripCharacters(text, characters) {
  const units = [...text];
  while (units.length && characters.includes(units[0])) units.shift();
  while (units.length && characters.includes(units.at(-1))) units.pop();
  return units.join("");
}

function fallback(value, other = "", forFalse = false) {
  return value === UNDEFINED || (forFalse && !truth(value)) ? other : value;
}

const FILTERS = {
  d: fallback,
  default: fallback,
  join: (items, separator = "") => items.map(toText).join(separator),
  length: (value) => (value instanceof Map ? value.size : [...value].length),
  list: (value) => [...value],
  lower: (text) => toText(text).toLowerCase(),
  upper: (text) => toText(text).toUpperCase(),
  regex_replace: (text, pattern, replacement) =>
    toText(text).replace(toRegExp(pattern, "g"), (...groups) => expandGroups(replacement, groups)),
  regex_search: (text, pattern) => toRegExp(pattern, "").exec(text)?.[0] ?? null,
  replace: (text, old, other) => toText(text).replaceAll(old, () => other),
  string: toText,
  to_json: (value, options = new Map()) => toJson(value, options.get("ensure_ascii") ?? true),
  to_nice_yaml: dumpYaml,
  trim: (text, characters) =>
    characters === undefined ? toText(text).trim() : stripCharacters(text, characters),
  // Jinja compares without regard to case.
  unique: (items) => {
    const seen = new Set();
    return items.filter((item) => {
      const key = typeof item === "string" ? item.toLowerCase() : item;
      return !seen.has(key) && seen.add(key);
    });
  },
};

const METHODS = {
  count: (text, part) => text.split(part).length - 1,
  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
  maketrans: (_, table) => table,
  translate: (text, table) => [...text].map((letter) => table.get(letter) ?? letter).join(""),
};

const TESTS = {
  defined: (value) => value !== UNDEFINED,
  undefined: (value) => value === UNDEFINED,
  iterable: (value) => typeof value === "string" || Array.isArray(value) || value instanceof Map,
  mapping: (value) => value instanceof Map,
  string: (value) => typeof value === "string",
};

function evaluateArguments(positional, named, names) {
  const values = positional.map((node) => evaluate(node, names));
  if (named.length) values.push(new Map(named.map(([key, node]) => [key, evaluate(node, names)])));
  return values;
}

const EXPRESSIONS = {
  const: (names, value) => value,
  name: (names, name) => (name in names ? names[name] : UNDEFINED),
  list: (names, items) => items.map((item) => evaluate(item, names)),
  dict: (names, pairs) =>
    new Map(pairs.map(([key, value]) => [evaluate(key, names), evaluate(value, names)])),
  choose: (names, test, first, second) =>
    truth(evaluate(test, names))
      ? evaluate(first, names)
      : second
        ? evaluate(second, names)
        : UNDEFINED,
  and: (names, left, right) => {
    const value = evaluate(left, names);
    return truth(value) ? evaluate(right, names) : value;
  },
  or: (names, left, right) => {
    const value = evaluate(left, names);
    return truth(value) ? value : evaluate(right, names);
  },
  not: (names, operand) => !truth(evaluate(operand, names)),
  concat: (names, parts) => parts.map((part) => toText(evaluate(part, names))).join(""),
  compare: (names, left, operands) => {
    let value = evaluate(left, names);
    return operands.every(([operator, node]) => {
      const other = evaluate(node, names);
      if (value === UNDEFINED || other === UNDEFINED) truth(UNDEFINED);
      const result = COMPARISONS[operator](value, other);
      value = other;
      return result;
    });
  },
  item: (names, owner, key) => getItem(evaluate(owner, names), evaluate(key, names)),
  filter: (names, name, operand, positional, named) =>
    FILTERS[name](evaluate(operand, names), ...evaluateArguments(positional, named, names)),
  test: (names, name, operand) => TESTS[name](evaluate(operand, names)),
  call: (names, name, owner, positional, named) =>
    METHODS[name](evaluate(owner, names), ...evaluateArguments(positional, named, names)),
};

function evaluate([kind, ...parts], names) {
  return EXPRESSIONS[kind](names, ...parts);
}

const STATEMENTS = {
  if: (names, branches, otherwise) => {
    const branch = branches.find(([test]) => truth(evaluate(test, names)));
    return renderInto(branch ? branch[1] : otherwise, names);
  },
  for: (names, target, iterable, test, body, otherwise) => {
    const scope = Object.create(names);
    const items = [...evaluate(iterable, names)].filter((item) => {
      scope[target] = item;
      return test === null || truth(evaluate(test, scope));
    });
    if (!items.length) return renderInto(otherwise, names);
    return items
      .map((item, index) => {
        scope[target] = item;
        scope.loop = new Map([
          ["first", index === 0],
          ["last", index === items.length - 1],
          ["index", index + 1],
          ["index0", index],
          ["length", items.length],
        ]);
        return renderInto(body, scope);
      })
      .join("");
  },
  set: (names, targets, node) => {
    const value = evaluate(node, names);
    targets.forEach((target, index) => (names[target] = targets.length > 1 ? value[index] : value));
    return "";
  },
};

function renderInto(body, names) {
  let text = "";
  for (const node of body) {
    if (typeof node === "string") text += node;
    else if (node[0] in STATEMENTS) text += STATEMENTS[node[0]](names, ...node.slice(1));
    else text += toText(evaluate(node, names));
  }
  return text;
}

// Render a body without changing `names`.
function render(body, names) {
  return renderInto(body, Object.create(names));
}
