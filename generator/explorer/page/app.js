// The page: one choice that is shown, one that it is compared with, and one file.

const PREVIOUS = "previous";
const DEFAULTS = "defaults";
const KEPT = "kept";
const RELEASE = "release:";

class Explorer {
  constructor(data) {
    this.data = data;
    this.revision = data.revisions[0];
    this.choice = new Map();
    this.baseKind = PREVIOUS;
    // What `previous` and `kept` stand for: [revision, choice].
    this.previous = null;
    this.kept = null;
    this.path = null;
    this.rendered = [];
    // The wanted view; a file without a difference is shown as it is.
    this.wantsDifference = true;
    this.form = new OptionsForm(byId("options"), (choice) => this.choose(choice));
    this.tree = new FileTree(byId("tree"), (path) => this.open(path));
    this.narrow = matchMedia("(max-width: 1150px)");
    this.connect();
    if (data.omitted.length) {
      const omitted = data.omitted.join(", ");
      byId("lead").textContent += ` Left out, since the page cannot evaluate them: ${omitted}.`;
    }
  }

  connect() {
    byId("release").addEventListener("change", (event) => {
      this.remember();
      this.revision = this.data.revisions[event.target.selectedIndex];
      this.form.build(this.revision);
      this.show();
    });
    byId("base").addEventListener("change", (event) => {
      this.baseKind = event.target.value;
      this.show();
    });
    byId("keep").addEventListener("click", () => {
      this.kept = [this.revision, this.choice];
      this.baseKind = KEPT;
      this.show();
    });
    byId("only-changes").addEventListener("change", () => this.showTree());
    byId("view-file").addEventListener("click", () => this.setView(false));
    byId("view-diff").addEventListener("click", () => this.setView(true));
    byId("copy-link").addEventListener("click", (event) => {
      this.writeAddress();
      copyText(location.href, event.currentTarget);
    });
    this.narrow.addEventListener("change", () => this.showCode());
    addEventListener("hashchange", () => {
      if (location.hash !== this.address) this.readAddress();
    });
  }

  remember() {
    this.previous = [this.revision, this.choice];
  }

  choose(choice) {
    performance.mark("answer");
    this.remember();
    this.choice = choice;
    this.show();
    performance.measure("answer-to-tree", "answer", "tree");
    performance.measure("answer-to-page", "answer");
  }

  // Render a choice. The last projects are kept: the one before a change is compared with.
  render(revision, choice) {
    const isSame = (entry) => entry.revision === revision && entry.choice === choice;
    let entry = this.rendered.find(isSame);
    if (!entry) {
      entry = { revision, choice, project: renderProject(this.data, revision, choice) };
      this.rendered = [entry, ...this.rendered].slice(0, 4);
    }
    return entry.project;
  }

  open(path) {
    this.path = path;
    this.showCode();
    this.scheduleAddress();
  }

  setView(wantsDifference) {
    this.wantsDifference = wantsDifference;
    this.showCode();
    this.scheduleAddress();
  }

  // The revision and choice to compare with.
  findBase() {
    if (this.baseKind === DEFAULTS) return [this.revision, this.identity()];
    if (this.baseKind === KEPT && this.kept) return this.kept;
    if (this.baseKind.startsWith(RELEASE)) {
      const version = this.baseKind.slice(RELEASE.length);
      const revision = this.data.revisions.find((item) => item.version === version);
      if (revision) return [revision, this.choice];
    }
    return this.previous ?? [this.revision, this.choice];
  }

  // The names alone: the defaults of a project with these names.
  identity() {
    const names = this.revision.questions.filter((question) => question.kind === "identity");
    return new Map([...this.choice].filter(([name]) => names.some((item) => item.name === name)));
  }

  show() {
    const project = this.render(this.revision, this.choice);
    this.form.update(project);
    this.showSelectors();
    if (project.objections.size) {
      this.showRefused(project);
      return;
    }
    this.showProject(project);
    this.tellSummary();
    performance.mark("tree");
    this.showRest();
    this.scheduleAddress();
  }

  // A refused answer leaves the last project in view; a link has none yet.
  showRefused(project) {
    if (!this.project) {
      const accepted = [...this.choice].filter(([name]) => !project.objections.has(name));
      this.showProject(this.render(this.revision, new Map(accepted)));
      this.showRest();
    }
    const [name, text] = [...project.objections][0];
    byId("summary").textContent = `${name}: ${text}`;
    byId("summary").classList.add("objection");
  }

  showProject(project) {
    this.project = project;
    const [baseRevision, baseChoice] = this.findBase();
    this.baseRevision = baseRevision;
    this.base = this.render(baseRevision, baseChoice);
    this.changes = compareFiles(this.base.files, project.files);
    this.choosePath();
    this.showTree();
  }

  showRest() {
    this.showCode();
    this.showPanels();
  }

  tellSummary() {
    const { files } = this.project;
    const count = (kind) => [...this.changes.values()].filter((value) => value === kind).length;
    const kinds = ["added", "removed", "changed"].filter(count);
    const differences = kinds.map((kind) => `${count(kind)} ${kind}`).join(", ");
    const { bytes } = measure(files, () => true);
    const totals = `${plural(files.size, "file")}, ${formatBytes(bytes)}.`;
    byId("summary").classList.remove("objection");
    byId("summary").textContent = `${totals} ${differences ? `${differences}.` : "No difference."}`;
  }

  // Keep the file in view, or show the first changed one.
  choosePath() {
    const isThere = this.project.files.has(this.path) || this.base.files.has(this.path);
    if (isThere) return;
    const changed = [...this.changes.keys()].sort();
    const candidates = [...changed.filter((path) => !path.startsWith(".")), ...changed];
    const [first] = this.project.files.keys();
    this.path = candidates[0] ?? (this.project.files.has("README.md") ? "README.md" : first);
  }

  showSelectors() {
    const releases = byId("release");
    releases.replaceChildren(
      ...this.data.revisions.map((revision, index) => {
        const note = index === 0 && revision.ref === "HEAD" ? " (not released)" : "";
        const selected = revision === this.revision;
        return create("option", { value: revision.version, selected }, revision.version + note);
      }),
    );
    const kinds = [
      [PREVIOUS, "the choice before the last change"],
      [DEFAULTS, "the defaults"],
    ];
    if (this.kept) kinds.push([KEPT, "the kept choice"]);
    for (const revision of this.data.revisions) {
      if (revision === this.revision) continue;
      kinds.push([RELEASE + revision.version, `release ${revision.version}, with these answers`]);
    }
    if (!kinds.some(([kind]) => kind === this.baseKind)) this.baseKind = PREVIOUS;
    byId("base").replaceChildren(
      ...kinds.map(([value, text]) =>
        create("option", { value, selected: value === this.baseKind }, text),
      ),
    );
  }

  showTree() {
    const isFiltered = byId("only-changes").checked;
    const all = new Set([...this.project.files.keys(), ...this.changes.keys()]);
    const paths = isFiltered ? [...this.changes.keys()] : [...all];
    this.tree.show(paths, this.changes, this.path);
    byId("tree").hidden = paths.length === 0;
    byId("tree-empty").hidden = paths.length > 0;
    byId("tree").getBoundingClientRect(); // Lay out the tree before the rest of the page.
  }

  showCode() {
    const before = this.base.files.get(this.path);
    const after = this.project.files.get(this.path);
    const change = this.changes.get(this.path);
    const text = after ?? before ?? "";
    const showsDifference = Boolean(change) && this.wantsDifference;
    byId("path").textContent = this.path;
    const { lines, bytes } = measureText(text);
    const meta = [change ?? "", plural(lines, "line"), formatBytes(bytes)];
    byId("file-meta").textContent = meta.filter(Boolean).join(", ");
    byId("view-file").setAttribute("aria-pressed", String(!showsDifference));
    byId("view-diff").setAttribute("aria-pressed", String(showsDifference));
    byId("view-diff").disabled = !change;
    const container = byId("code");
    if (showsDifference) showDifference(container, this.path, before, after, this.narrow.matches);
    else showFile(container, this.path, text);
  }

  showPanels() {
    const { data, revision, project } = this;
    showCommands(byId("commands"), writeCommands(data, revision, project), revision);
    showSizes(byId("sizes"), project.files, this.base.files);
    showDependencies(byId("dependencies"), project.files, this.base.files);
    showProof(byId("proof"), data, revision, project);
    showNotes(byId("notes"), byId("notes-text"), data, this.baseRevision, revision);
  }

  // Browsers limit how often an address may be replaced.
  scheduleAddress() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.writeAddress(), 300);
  }

  writeAddress() {
    clearTimeout(this.timer);
    const { revisions } = this.data;
    const parameters = writeChoice(this.revision, this.choice, new URLSearchParams());
    if (this.revision !== revisions[0]) parameters.set("release", this.revision.version);
    const isChoice = this.baseKind === PREVIOUS || this.baseKind === KEPT;
    if (isChoice && this.changes.size) {
      const [revision, choice] = this.findBase();
      const base = writeChoice(revision, choice, new URLSearchParams());
      base.set("release", revision.version);
      parameters.set("from", base.toString());
    } else if (!isChoice) {
      parameters.set("from", this.baseKind);
    }
    if (this.path) parameters.set("file", this.path);
    if (!this.wantsDifference) parameters.set("view", "file");
    this.address = `#${parameters}`;
    history.replaceState(null, "", this.address);
  }

  findRevision(version) {
    return this.data.revisions.find((revision) => revision.version === version);
  }

  readAddress() {
    const parameters = new URLSearchParams(location.hash.slice(1));
    const version = parameters.get("release");
    this.revision = this.findRevision(version) ?? this.data.revisions[0];
    const isMissing = version && version !== this.revision.version;
    byId("notice").hidden = !isMissing;
    byId("notice").textContent = isMissing ? `This page does not have release ${version}.` : "";
    this.choice = readChoice(this.revision, parameters);
    this.path = parameters.get("file");
    this.wantsDifference = parameters.get("view") !== "file";
    this.readBase(parameters.get("from"));
    this.form.build(this.revision);
    this.show();
    this.tree.reveal();
  }

  readBase(text) {
    this.baseKind = PREVIOUS;
    if (text === null) return;
    if (text === DEFAULTS || text.startsWith(RELEASE)) {
      this.baseKind = text;
      return;
    }
    const parameters = new URLSearchParams(text);
    const revision = this.findRevision(parameters.get("release")) ?? this.revision;
    this.kept = [revision, readChoice(revision, parameters)];
    this.baseKind = KEPT;
  }
}

async function unpack() {
  const packed = Uint8Array.from(atob(byId("data").textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

async function start() {
  try {
    if (matchMedia("(max-width: 700px)").matches) byId("options-panel").open = false;
    const explorer = new Explorer(await unpack());
    explorer.readAddress();
    // For the console of a browser: `explorer.project.files` has every text.
    globalThis.explorer = explorer;
    document.documentElement.dataset.ready = "true";
  } catch (error) {
    byId("notice").hidden = false;
    byId("notice").textContent = `The page cannot be shown: ${error.message}`;
    throw error;
  }
}

start();
