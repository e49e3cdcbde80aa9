// Shows a file with highlighted lines, and the difference of two files.

const LANGUAGES = new Map([
  ["py", "python"],
  ["md", "markdown"],
  ["toml", "toml"],
  ["yml", "yaml"],
  ["yaml", "yaml"],
  ["json", "json"],
  ["mako", "python"],
  ["env", "ini"],
  ["example", "ini"],
  ["Dockerfile", "docker"],
  ["editorconfig", "editorconfig"],
  ["gitignore", "ignore"],
  ["dockerignore", "ignore"],
]);
const CONTEXT_LINES = 3;

function findGrammar(path) {
  const name = path.split("/").at(-1);
  const language = LANGUAGES.get(name.split(".").at(-1));
  return language && Prism.languages[language];
}

// Return the lines of a text, each as pieces of [kind, text].
function highlightLines(path, text) {
  const grammar = findGrammar(path);
  const lines = [[]];
  const add = (content, kind) => {
    if (typeof content === "string") {
      content.split("\n").forEach((part, index) => {
        if (index) lines.push([]);
        if (part) lines.at(-1).push([kind, part]);
      });
    } else if (Array.isArray(content)) {
      content.forEach((item) => add(item, kind));
    } else {
      add(content.content, content.type);
    }
  };
  add(grammar ? Prism.tokenize(text, grammar) : text, "");
  if (text.endsWith("\n")) lines.pop();
  return lines;
}

function createPieces(pieces) {
  return pieces.map(([kind, text]) =>
    kind ? create("span", { className: `token ${kind}` }, text) : text,
  );
}

function showFile(container, path, text) {
  const code = create("code");
  highlightLines(path, text).forEach((pieces) => {
    code.append(create("span", { className: "line" }, ...createPieces(pieces), "\n"));
  });
  const label = `Text of ${path}`;
  container.replaceChildren(
    create("pre", { tabIndex: 0, role: "region", "aria-label": label }, code),
  );
}

// Return rows of [kind, old index, new index]; a changed line stands beside its new version.
function pairLines(before, after) {
  const rows = [];
  let left = 0;
  let right = 0;
  let removed = [];
  const flush = (added) => {
    for (let index = 0; index < Math.max(removed.length, added.length); index++) {
      const kinds = [removed[index] !== undefined, added[index] !== undefined];
      const kind = kinds[0] && kinds[1] ? "changed" : kinds[0] ? "removed" : "added";
      rows.push([kind, removed[index], added[index]]);
    }
    removed = [];
  };
  for (const part of Diff.diffArrays(before, after)) {
    const indices = (start) => part.value.map((_, index) => start + index);
    if (part.removed) {
      removed = indices(left);
      left += part.count;
    } else if (part.added) {
      flush(indices(right));
      right += part.count;
    } else {
      flush([]);
      part.value.forEach((_, index) => rows.push(["equal", left + index, right + index]));
      left += part.count;
      right += part.count;
    }
  }
  flush([]);
  return rows;
}

// Return the indices of the rows to show: changes, the lines around them, and short runs between.
function listShown(rows) {
  const shown = new Set();
  rows.forEach(([kind], index) => {
    if (kind === "equal") return;
    for (let near = index - CONTEXT_LINES; near <= index + CONTEXT_LINES; near++) shown.add(near);
  });
  for (let start = 0, index = 0; index <= rows.length; index++) {
    if (index < rows.length && !shown.has(index)) continue;
    if (index - start <= CONTEXT_LINES) for (let gap = start; gap < index; gap++) shown.add(gap);
    start = index + 1;
  }
  return shown;
}

function splitLines(text) {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function createCell(lines, index, sign) {
  const number = create("td", { className: "line-number" }, index === undefined ? "" : `${index + 1}`);
  const kind = index === undefined ? "blank" : { "+": "added", "-": "removed" }[sign] ?? "equal";
  const code = create("td", { className: `code ${kind}` });
  if (index !== undefined) {
    if (sign) code.append(create("span", { className: "sign" }, sign));
    code.append(...createPieces(lines[index]));
  }
  return [number, code];
}

// One column on narrow screens, two columns on others.
function showDifference(container, path, before, after, isNarrow) {
  const texts = [before ?? "", after ?? ""];
  const rows = pairLines(splitLines(texts[0]), splitLines(texts[1]));
  const [left, right] = texts.map((text) => highlightLines(path, text));
  const shown = listShown(rows);
  const body = create("tbody");
  let skipped = 0;
  const addRow = (...cells) => body.append(create("tr", {}, ...cells));
  const addGap = () => {
    if (!skipped) return;
    const text = `${plural(skipped, "equal line")}`;
    addRow(create("td", { className: "gap", colSpan: isNarrow ? 3 : 4 }, text));
    skipped = 0;
  };
  rows.forEach(([kind, old, now], index) => {
    if (!shown.has(index)) {
      skipped += 1;
      return;
    }
    addGap();
    const isEqual = kind === "equal";
    if (!isNarrow) {
      addRow(
        ...createCell(left, old, isEqual ? "" : "-"),
        ...createCell(right, now, isEqual ? "" : "+"),
      );
    } else if (isEqual) {
      addRow(create("td", { className: "line-number" }, `${old + 1}`), ...createCell(right, now, ""));
    } else {
      const blank = () => create("td", { className: "line-number" });
      if (old !== undefined) {
        const [number, code] = createCell(left, old, "-");
        addRow(number, blank(), code);
      }
      if (now !== undefined) addRow(blank(), ...createCell(right, now, "+"));
    }
  });
  addGap();
  const label = `Difference of ${path}: lines with - are removed, lines with + are added`;
  const kinds = isNarrow ? ["number", "number", "code"] : ["number", "code", "number", "code"];
  const columns = kinds.map((kind) => create("col", { className: `${kind}-column` }));
  const table = create(
    "table",
    { className: isNarrow ? "diff narrow" : "diff" },
    create("colgroup", {}, ...columns),
    body,
  );
  const region = { className: "scroll", tabIndex: 0, role: "region", "aria-label": label };
  container.replaceChildren(create("div", region, table));
}
