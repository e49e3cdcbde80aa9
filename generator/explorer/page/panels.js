// The cards below the files: commands, sizes, dependencies, proof, and the notes of releases.

function showCommands(container, commands, revision) {
  if (!commands) {
    const text = `Release ${revision.version} is known from a snapshot: the template has no tag of it.`;
    container.replaceChildren(create("p", {}, text));
    return;
  }
  const titles = { service: "With fastapi-service", copier: "With copier alone" };
  const blocks = Object.entries(titles).map(([name, title]) => {
    const text = commands[name];
    const button = create("button", { type: "button", "aria-label": `Copy: ${title}` }, "Copy");
    button.addEventListener("click", () => copyText(text, button));
    const head = create("div", { className: "head" }, create("h3", {}, title), button);
    const label = `Command: ${title}`;
    const pre = create(
      "pre",
      { tabIndex: 0, role: "region", "aria-label": label, id: `command-${name}` },
      text,
    );
    return create("div", {}, head, pre);
  });
  const hint = "Quoted for sh, bash and zsh. Answers that are defaults are left out.";
  container.replaceChildren(...blocks, create("p", { className: "hint" }, hint));
}

function createTable(headings, rows) {
  const head = create("tr", {}, ...headings.map((text) => create("th", { scope: "col" }, text)));
  const body = rows.map(([first, ...rest]) =>
    create(
      "tr",
      {},
      create("th", { scope: "row" }, first),
      ...rest.map((text) => create("td", {}, text)),
    ),
  );
  return create("table", {}, create("thead", {}, head), create("tbody", {}, ...body));
}

const SIZE_GROUPS = [
  ["app/", (path) => path.startsWith("app/")],
  ["tests/", (path) => path.startsWith("tests/")],
  ["other files", (path) => !/^(app|tests)\//.test(path)],
  ["all files", () => true],
];

const encoder = new TextEncoder();
const textSizes = new Map();

// Most texts are the same after a new answer, so their sizes are kept.
function measureText(text) {
  let size = textSizes.get(text);
  if (!size) {
    if (textSizes.size > 2000) textSizes.clear();
    size = { lines: splitLines(text).length, bytes: encoder.encode(text).length };
    textSizes.set(text, size);
  }
  return size;
}

function measure(files, isCounted) {
  const total = { files: 0, lines: 0, bytes: 0 };
  for (const [path, text] of files) {
    if (!isCounted(path)) continue;
    const { lines, bytes } = measureText(text);
    total.files += 1;
    total.lines += lines;
    total.bytes += bytes;
  }
  return total;
}

function formatDelta(now, before) {
  if (now === before) return `${now.toLocaleString("en")}`;
  const sign = now > before ? "+" : "−";
  return `${now.toLocaleString("en")} (${sign}${Math.abs(now - before).toLocaleString("en")})`;
}

function showSizes(container, files, baseFiles) {
  const rows = SIZE_GROUPS.map(([title, isCounted]) => {
    const now = measure(files, isCounted);
    const before = measure(baseFiles, isCounted);
    return [
      title,
      formatDelta(now.files, before.files),
      formatDelta(now.lines, before.lines),
      formatBytes(now.bytes),
    ];
  });
  container.replaceChildren(createTable(["", "files", "lines", "size"], rows));
}

function showDependencies(container, files, baseFiles) {
  const groups = listDependencies(files);
  const before = listDependencies(baseFiles);
  const blocks = [...groups].map(([name, items]) => {
    const old = before.get(name) ?? [];
    const list = create("ul", { className: "requirements" });
    for (const item of [...new Set([...items, ...old])].sort()) {
      const change = !old.includes(item) ? "added" : items.includes(item) ? "" : "removed";
      const entry = create("li", { className: change }, create("code", {}, item));
      if (change) entry.append(hiddenText(`, ${change}`));
      list.append(entry);
    }
    const title = `${name === "dependencies" ? "of the service" : `group ${name}`} (${items.length})`;
    return create("div", {}, create("h3", {}, title), list);
  });
  container.replaceChildren(...blocks);
}

// The rows of the report with the same answers to the architecture options, the closest first.
function findProof(data, revision, project) {
  const names = revision.questions
    .filter((question) => question.kind === "architecture" && project.recorded.has(question.name))
    .map((question) => question.name);
  const isEqual = (row, name) => {
    const proven = row.answers[name];
    const shown = project.recorded.get(name);
    // Lists have as many values as there are lists: empty and not empty.
    return Array.isArray(shown) ? shown.length > 0 === (proven ?? []).length > 0 : shown === proven;
  };
  const differences = (row) =>
    Object.keys(row.answers).filter((name) => project.recorded.has(name) && !isEqual(row, name));
  return data.proof.rows
    .filter((row) => names.every((name) => isEqual(row, name)))
    .map((row) => [row, differences(row)])
    .sort(([, left], [, right]) => left.length - right.length);
}

function showProof(container, data, revision, project) {
  if (!data.proof) {
    const text = "This page was built without a report of `fastapi-service verify --report`.";
    container.replaceChildren(create("p", {}, ...formatInline(text)));
    return;
  }
  const [best] = findProof(data, revision, project);
  const { started, version } = data.proof;
  const time = started.replace("T", " ").replace("+00:00", " UTC");
  if (!best) {
    const text = `The report of ${time} has no combination with these architecture answers.`;
    container.replaceChildren(create("p", {}, text));
    return;
  }
  const [row, differences] = best;
  const verdict = row.ok ? "passed" : "failed";
  const which = differences.length
    ? `The closest combination, with ${differences
        .map((name) => `${name}=${writeAnswer(row.answers[name])}`)
        .join(", ")},`
    : "This combination";
  const stages = row.stages.map((stage) => [
    stage.name,
    stage.ok ? "passed" : "failed",
    stage.shared ? "shared" : `${stage.seconds.toFixed(1)} s`,
  ]);
  const hint = "A shared stage had inputs equal to one that was proven in the same run.";
  container.replaceChildren(
    create("p", { className: row.ok ? "good" : "bad" }, `${which} ${verdict} on ${time}, at ${version}.`),
    createTable(["stage", "result", "time"], stages),
    create("p", { className: "hint" }, hint),
  );
}

// The entries of the changelog after the older revision, up to the newer one.
function listEntries(data, first, second) {
  const position = (revision) => data.revisions.indexOf(revision);
  const [newer, older] = position(first) < position(second) ? [first, second] : [second, first];
  const find = ({ version }) =>
    data.changelog.findIndex((entry) => entry.version === version.replace(/^v/, ""));
  const start = Math.max(0, find(newer));
  const end = find(older);
  return data.changelog.slice(start, end < 0 ? undefined : end).filter((entry) => entry.text);
}

function showNotes(section, container, data, base, current) {
  section.hidden = base === current;
  if (section.hidden) return;
  byId("notes-title").textContent = `From ${base.version} to ${current.version}`;
  const entries = listEntries(data, base, current).map((entry) => {
    const title = create("h3", {}, [entry.version, entry.date].filter(Boolean).join(", "));
    const text = entry.effect.charAt(0).toUpperCase() + entry.effect.slice(1);
    const effect = formatProse(text);
    const rest = create(
      "details",
      { open: !entry.effect },
      create("summary", {}, "All changes"),
      ...formatProse(entry.text),
    );
    return create("div", {}, title, ...effect, rest);
  });
  const missing = create("p", {}, "The changelog does not say.");
  container.replaceChildren(...(entries.length ? entries : [missing]));
}
