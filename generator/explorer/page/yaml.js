// Dumps answers exactly as PyYAML does: one line for each short text, folded at 80 columns.

const YAML_WIDTH = 80;

// Plain texts that YAML 1.1 reads as another type, from the resolver of PyYAML.
const YAML_OTHER_TYPES = [
  /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/,
  /^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
  /^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/,
  /^(?:<<)$/,
  /^(?:~|null|Null|NULL|)$/,
  /^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)$/,
  /^(?:=)$/,
  /^(?:!|&|\*)$/,
];

const YAML_PRINTABLE = /^[\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10fffe}]*$/u;

// Return "plain", "single" or "double", for a text on one line.
function chooseStyle(text) {
  if (!YAML_PRINTABLE.test(text)) return "double";
  if (text === "" || text.startsWith(" ") || text.endsWith(" ")) return "single";
  if (YAML_OTHER_TYPES.some((pattern) => pattern.test(text))) return "single";
  const startsAsIndicator =
    /^(?:---|\.\.\.)/.test(text) || /^[#,[\]{}&*!|>'"%@`]/.test(text) || /^[-?:](?: |$)/.test(text);
  const containsIndicator = /:(?: |$)| #/.test(text);
  return startsAsIndicator || containsIndicator ? "single" : "plain";
}

// Break a text at single spaces once a column is beyond the width.
function fold(text, column, indent, quote) {
  let line = quote;
  let written = "";
  let width = column + quote.length;
  const runs = text.match(/ +|[^ ]+/g) ?? [];
  let position = 0;
  for (const run of runs) {
    const isInside = !quote || (position > 0 && position + run.length < text.length);
    if (run === " " && isInside && width > YAML_WIDTH) {
      written += `${line}\n`;
      line = " ".repeat(indent);
      width = indent;
    } else {
      const shown = quote ? run.replaceAll("'", "''") : run;
      line += shown;
      width += [...shown].length;
    }
    position += run.length;
  }
  return written + line + quote;
}

function escapeCharacter(letter) {
  if (letter === '"' || letter === "\\") return `\\${letter}`;
  const code = letter.codePointAt(0);
  const digits = code.toString(16).toUpperCase();
  return code <= 0xffff ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
}

// As PyYAML writes it: escapes count with their length, and a break escapes the next space.
function quoteDouble(text, column, indent) {
  const letters = [...text];
  let written = '"';
  let width = column + 1;
  let start = 0;
  const isPlain = (letter) => !/["\\\u{10000}-\u{10ffff}]/u.test(letter) && YAML_PRINTABLE.test(letter);
  for (let end = 0; end <= letters.length; end++) {
    const letter = letters[end];
    if (letter === undefined || !isPlain(letter)) {
      if (start < end) {
        written += letters.slice(start, end).join("");
        width += end - start;
        start = end;
      }
      if (letter !== undefined) {
        const escape = escapeCharacter(letter);
        written += escape;
        width += escape.length;
        start = end + 1;
      }
    }
    const isInside = end > 0 && end < letters.length - 1;
    if (isInside && (letter === " " || start >= end) && width + (end - start) > YAML_WIDTH) {
      written += `${letters.slice(start, end).join("")}\\\n${" ".repeat(indent)}`;
      width = indent;
      start = Math.max(start, end);
      if (letters[start] === " ") {
        written += "\\";
        width += 1;
      }
    }
  }
  return `${written}"`;
}

function dumpScalar(value, column, indent) {
  if (value === true || value === false) return String(value);
  if (value === null) return "null";
  if (typeof value === "number") return String(value);
  const style = chooseStyle(value);
  if (style === "double") return quoteDouble(value, column, indent);
  return fold(value, column, indent, style === "single" ? "'" : "");
}

// Dump a mapping of texts to scalars and lists of scalars, with sorted keys and an indent of 4.
function dumpYaml(mapping) {
  const lines = [];
  for (const name of [...mapping.keys()].sort()) {
    const value = mapping.get(name);
    if (!Array.isArray(value)) {
      lines.push(`${name}: ${dumpScalar(value, name.length + 2, 4)}`);
    } else if (!value.length) {
      lines.push(`${name}: []`);
    } else {
      lines.push(`${name}:`, ...value.map((item) => `- ${dumpScalar(item, 2, 4)}`));
    }
  }
  return `${lines.join("\n")}\n`;
}
