"""The answers file of a project, `.copier-answers.yml`."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from generator.errors import Problem, UsageError
from generator.template.options import Answers, Value, format_assignment

ANSWERS_FILE = ".copier-answers.yml"

_RESTORE = (
    f"`git log -p -- {ANSWERS_FILE}` shows what it was, "
    f"`git checkout COMMIT -- {ANSWERS_FILE}` restores it"
)


@dataclass(frozen=True)
class AnswersFile:
    """`source` is the template's address, `commit` its revision in the form of `git describe`."""

    text: str
    source: str
    commit: str
    values: Answers

    def with_origin(self, source: str, commit: str) -> str:
        """Return the text with another source and revision; every other byte stays."""
        text = self.text
        for name, old, value in (
            ("_src_path", self.source, source),
            ("_commit", self.commit, commit),
        ):
            if value == old:
                continue
            line = yaml.safe_dump({name: value}, allow_unicode=True, width=10_000).rstrip()
            start, end = _locate(text, name)
            text = f"{text[:start]}{line}{text[end:]}"
        return text


def require_answers_file(project: Path) -> None:
    """Raise UsageError for a missing folder, and Problem for one without an answers file."""
    if not project.is_dir():
        missing = "is not a folder" if project.exists() else "does not exist"
        raise UsageError(f"{project} {missing}: name the folder of a project.")
    path = project / ANSWERS_FILE
    if not path.is_file():
        raise Problem(
            f"{project} has no {ANSWERS_FILE}, so its template is unknown", _suggest_folder(path)
        )


def read_answers(project: Path) -> AnswersFile:
    """Read the answers file; raises Problem when copier could not have written it."""
    path = project / ANSWERS_FILE
    try:
        text = path.read_text(encoding="utf-8")
        recorded = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Problem(f"{path} is not YAML any more", _RESTORE) from error
    if not isinstance(recorded, dict):
        raise Problem(f"{path} records no answers", _RESTORE)
    for name, meaning in (
        ("_src_path", "the template's address"),
        ("_commit", "the template's release"),
    ):
        if not isinstance(recorded.get(name), str):
            raise Problem(
                f"{path} does not record {meaning} ({name})",
                f"{_RESTORE}; a project made from uncommitted changes of a template, or outside "
                "of git, never had it and cannot be updated",
            )
    return AnswersFile(text, recorded["_src_path"], recorded["_commit"], _select_answers(recorded))


def read_recorded_values(project: Path) -> Answers:
    """Read the answers alone; a project made from uncommitted changes records no revision."""
    return _select_answers(yaml.safe_load((project / ANSWERS_FILE).read_text(encoding="utf-8")))


def require_consistent(project: AnswersFile, rendered: AnswersFile) -> None:
    """Raise Problem when the same release records other answers than the project has."""
    missing = object()
    names = sorted(
        name
        for name in project.values.keys() | rendered.values.keys()
        if project.values.get(name, missing) != rendered.values.get(name, missing)
    )
    if names:
        raise edited_problem(project, f"of {', '.join(names)}")


def require_recorded(requested: Answers, recorded: Answers) -> None:
    """Refuse answers to questions that copier does not ask, which it silently ignores."""
    for name, value in requested.items():
        if recorded.get(name) != value:
            raise UsageError(
                f"{format_assignment(name, value)} has no effect with the other answers: "
                "`fastapi-service options` says when it is asked."
            )


def edited_problem(project: AnswersFile, evidence: str) -> Problem:
    """Describe an answers file that was edited by hand."""
    return Problem(
        f"{ANSWERS_FILE} was edited: {project.commit} could not have recorded this {evidence}",
        f"{_RESTORE}; then `fastapi-service set` changes answers",
    )


def _select_answers(recorded: dict[object, Value]) -> Answers:
    return {str(name): value for name, value in recorded.items() if not str(name).startswith("_")}


def _locate(text: str, name: str) -> tuple[int, int]:
    """Return the start and end of a key and its value."""
    node = yaml.compose(text, yaml.SafeLoader)
    assert isinstance(node, yaml.MappingNode)
    (span,) = [
        (key.start_mark.index, value.end_mark.index)
        for key, value in node.value
        if key.value == name
    ]
    return span


def _suggest_folder(path: Path) -> str:
    for folder in path.parent.parents:
        if (folder / path.name).is_file():
            return f"the project is {folder}: name that folder"
    below = sorted(found.parent for found in path.parent.glob(f"*/{path.name}"))
    if below:
        return f"name the project's folder, such as {below[0]}"
    return "name the folder of a project made by `fastapi-service new` or copier"
