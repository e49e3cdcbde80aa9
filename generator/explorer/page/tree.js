// The tree of files: one item of the tab order, moved through with the arrow keys.

const SIGNS = { added: "+", removed: "−", changed: "~" };

class FileTree {
  constructor(element, onSelect) {
    this.element = element;
    this.onSelect = onSelect;
    this.closed = new Set();
    this.selected = null;
    this.active = null;
    element.addEventListener("click", (event) => this.click(event));
    element.addEventListener("keydown", (event) => this.press(event));
  }

  // Show paths with their changes. Paths are strings with slashes.
  show(paths, changes, selected) {
    this.selected = selected;
    const hadFocus = this.element.contains(document.activeElement);
    const root = { folders: new Map(), files: [] };
    for (const path of paths) {
      const parts = path.split("/");
      let folder = root;
      for (const part of parts.slice(0, -1)) {
        if (!folder.folders.has(part)) folder.folders.set(part, { folders: new Map(), files: [] });
        folder = folder.folders.get(part);
      }
      folder.files.push(parts.at(-1));
    }
    this.element.replaceChildren(...this.createItems(root, "", 1, changes));
    const items = this.listVisible();
    const active =
      items.find((item) => item.dataset.path === this.active) ??
      items.find((item) => item.dataset.path === selected) ??
      items[0];
    if (active) this.activate(active, hadFocus);
  }

  createItems(folder, prefix, level, changes) {
    const items = [];
    for (const [name, content] of [...folder.folders].sort()) {
      const path = `${prefix}${name}/`;
      const children = this.createItems(content, path, level + 1, changes);
      const isOpen = !this.closed.has(path);
      const counts = [...changes.keys()].filter((changed) => changed.startsWith(path)).length;
      const row = create("span", { className: "row" }, create("span", { className: "name" }, name));
      if (counts) {
        row.append(create("span", { className: "count" }, `${counts}`, hiddenText(" changes")));
      }
      items.push(
        create(
          "li",
          { role: "treeitem", "aria-level": level, "aria-expanded": isOpen, tabIndex: -1 },
          row,
          create("ul", { role: "group" }, ...children),
        ),
      );
      items.at(-1).dataset.path = path;
    }
    for (const name of folder.files.sort()) {
      const path = prefix + name;
      const change = changes.get(path);
      const row = create("span", { className: `row file ${change ?? ""}` });
      row.append(create("span", { className: "name" }, name));
      if (change) {
        row.append(
          create("span", { className: "sign", "aria-hidden": "true" }, SIGNS[change]),
          hiddenText(`, ${change}`),
        );
      }
      const isSelected = path === this.selected;
      const properties = { role: "treeitem", "aria-level": level, "aria-selected": isSelected };
      items.push(create("li", { ...properties, tabIndex: -1 }, row));
      items.at(-1).dataset.path = path;
    }
    return items;
  }

  listVisible() {
    return [...this.element.querySelectorAll('[role="treeitem"]')].filter(
      (item) => !item.parentElement.closest('[aria-expanded="false"]'),
    );
  }

  // Scroll to the selected file, without moving the page.
  reveal() {
    const item = this.element.querySelector('[aria-selected="true"]');
    if (!item) return;
    const top = item.getBoundingClientRect().top - this.element.getBoundingClientRect().top;
    if (top < 0 || top > this.element.clientHeight - 40) {
      this.element.scrollTop += top - this.element.clientHeight / 3;
    }
  }

  activate(item, focus = true) {
    this.element.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    item.tabIndex = 0;
    this.active = item.dataset.path;
    if (focus) item.focus();
  }

  select(item) {
    this.element.querySelector('[aria-selected="true"]')?.setAttribute("aria-selected", "false");
    item.setAttribute("aria-selected", "true");
    this.selected = item.dataset.path;
    this.onSelect(this.selected);
  }

  toggle(item, isOpen) {
    item.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.closed.delete(item.dataset.path);
    else this.closed.add(item.dataset.path);
  }

  click(event) {
    const item = event.target.closest('[role="treeitem"]');
    if (!item) return;
    this.activate(item);
    const isOpen = item.getAttribute("aria-expanded");
    if (isOpen === null) this.select(item);
    else this.toggle(item, isOpen === "false");
  }

  press(event) {
    const items = this.listVisible();
    const item = document.activeElement;
    const index = items.indexOf(item);
    if (index < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const isOpen = item.getAttribute("aria-expanded");
    const steps = {
      ArrowDown: () => items[index + 1],
      ArrowUp: () => items[index - 1],
      Home: () => items[0],
      End: () => items.at(-1),
      ArrowRight: () => {
        if (isOpen === "true") return items[index + 1];
        if (isOpen === "false") this.toggle(item, true);
        return item;
      },
      ArrowLeft: () => {
        if (isOpen !== "true") return item.parentElement.closest('[role="treeitem"]');
        this.toggle(item, false);
        return item;
      },
      Enter: () => (item.firstElementChild.click(), item),
      " ": () => (item.firstElementChild.click(), item),
    };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const next = step();
    if (next) this.activate(next);
  }
}
