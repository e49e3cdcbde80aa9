// Small helpers for elements. Text is never parsed as HTML.

function byId(id) {
  return document.getElementById(id);
}

function create(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && !name.startsWith("aria")) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function hiddenText(text) {
  return create("span", { className: "hidden-text" }, text);
}

function plural(count, word) {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

function formatBytes(bytes) {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}

// Text with `code` between backticks.
function formatInline(text) {
  return text
    .split("`")
    .map((part, index) => (index % 2 ? create("code", {}, part) : part));
}

// Paragraphs and lists of a changelog.
function formatProse(text) {
  const blocks = [];
  let list = null;
  for (const block of text.split(/\n\s*\n|\n(?=[-*] )/)) {
    const line = block.replace(/\s*\n\s*/g, " ").trim();
    if (/^[-*] /.test(line)) {
      if (!list) blocks.push((list = create("ul")));
      list.append(create("li", {}, ...formatInline(line.slice(2))));
    } else if (line) {
      list = null;
      blocks.push(create("p", {}, ...formatInline(line.replaceAll("**", ""))));
    }
  }
  return blocks;
}

async function copyText(text, button) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Copying is not allowed here";
  }
  setTimeout(() => (button.textContent = label), 1500);
}
