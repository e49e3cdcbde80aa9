// The commands that make the shown project, for sh, bash and zsh.

const FOLDER = "myservice";

function quoteForShell(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function isText(question) {
  return question.type === "str" || question.type === "path";
}

// Copier takes text as it is; `fastapi-service` reads it as YAML when it begins with a quote.
function writeValue(question, value, forCopier) {
  if (!isText(question)) return toJson(value, false);
  // No column is so far to the left that the text would be folded.
  return !forCopier && /^\s*['"]/.test(value) ? quoteDouble(value, -Infinity, 0) : value;
}

// The answers that differ from the defaults, or that have no default without a folder's name.
function listAssignments(revision, project, forCopier) {
  return revision.questions
    .filter(({ name }) => project.recorded.has(name))
    .filter(({ name }) => !equals(project.recorded.get(name), project.defaults.get(name)))
    .map((question) => {
      const value = writeValue(question, project.recorded.get(question.name), forCopier);
      return `-d ${quoteForShell(`${question.name}=${value}`)}`;
    });
}

// Returns no commands for a snapshot: no tag of the template has it.
function writeCommands(data, revision, project) {
  if (revision.ref === null) return null;
  const source = quoteForShell(data.location);
  const ref = quoteForShell(revision.ref);
  const lines = (parts) => parts.join(" \\\n  ");
  return {
    copier: lines([
      `copier copy --defaults --vcs-ref ${ref}`,
      ...listAssignments(revision, project, true),
      `${source} ${FOLDER}`,
    ]),
    service: lines([
      `fastapi-service new ${FOLDER} --defaults`,
      `--template ${source}`,
      `--ref ${ref}`,
      ...listAssignments(revision, project, false),
    ]),
  };
}
