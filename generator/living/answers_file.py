"""What a project remembers of how it was made: `.copier-answers.yml`."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from generator.errors import Problem, UsageError
from generator.options import Value

NAME = ".copier-answers.yml"

_RESTORE = f"`git log -p -- {NAME}` shows what it was, `git checkout COMMIT -- {NAME}` restores it"


@dataclass(frozen=True)
class AnswersFile:
    """`source` is where the template is, `commit` its revision as `git describe` names it."""

    text: str
    source: str
    commit: str
    answers: dict[str, Value]

    def pointing(self, source: str, commit: str) -> str:
        """The text with another source and revision, and each other character as it is."""
        text = self.text
        for name, old, value in (
            ("_src_path", self.source, source),
            ("_commit", self.commit, commit),
        ):
            if value == old:
                continue
            line = yaml.safe_dump({name: value}, allow_unicode=True, width=10_000).rstrip()
            start, end = _place(text, name)
            text = f"{text[:start]}{line}{text[end:]}"
        return text


def _place(text: str, name: str) -> tuple[int, int]:
    """Where a name and its value stand, however they are written."""
    node = yaml.compose(text, yaml.SafeLoader)
    assert isinstance(node, yaml.MappingNode)
    (place,) = [
        (key.start_mark.index, value.end_mark.index)
        for key, value in node.value
        if key.value == name
    ]
    return place


def require(project: Path) -> None:
    """Raises UsageError for what is no folder, Problem for a folder without such a file."""
    if not project.is_dir():
        missing = "is not a folder" if project.exists() else "does not exist"
        raise UsageError(f"{project} {missing}: name the folder of a project.")
    path = project / NAME
    if not path.is_file():
        raise Problem(
            f"{project} has no {NAME}, so nothing is known of what made it", _whereabouts(path)
        )


def read(project: Path) -> AnswersFile:
    """Raises Problem for what is not as copier writes it."""
    path = project / NAME
    try:
        text = path.read_text(encoding="utf-8")
        recorded = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Problem(f"{path} is not YAML any more", _RESTORE) from error
    if not isinstance(recorded, dict):
        raise Problem(f"{path} records no answers", _RESTORE)
    for name, meaning in (("_src_path", "where its template is"), ("_commit", "which release")):
        if not isinstance(recorded.get(name), str):
            raise Problem(
                f"{path} does not record {meaning} ({name})",
                f"{_RESTORE}; a project that was made from uncommitted changes of a template, or "
                "outside of git, never had it and cannot be updated",
            )
    answers = {str(name): it for name, it in recorded.items() if not str(name).startswith("_")}
    return AnswersFile(text, recorded["_src_path"], recorded["_commit"], answers)


def require_possible(project: AnswersFile, rendered: AnswersFile) -> None:
    """Compare with what the same release records for these answers; raises Problem."""
    missing = object()
    names = sorted(
        name
        for name in project.answers.keys() | rendered.answers.keys()
        if project.answers.get(name, missing) != rendered.answers.get(name, missing)
    )
    if names:
        raise Problem(
            f"{NAME} was edited: {project.commit} could not have recorded this of "
            + ", ".join(names),
            f"{_RESTORE}; then `fastapi-service set` changes answers",
        )


def refused(project: AnswersFile, reason: str) -> Problem:
    """What the template said of an answer that it cannot have accepted."""
    return Problem(
        f"{NAME} was edited: {project.commit} could not have recorded this ({reason.rstrip('.')})",
        f"{_RESTORE}; then `fastapi-service set` changes answers",
    )


def _whereabouts(path: Path) -> str:
    for folder in path.parent.parents:
        if (folder / path.name).is_file():
            return f"the project is {folder}: name that folder"
    below = sorted(found.parent for found in path.parent.glob(f"*/{path.name}"))
    if below:
        return f"name the project's folder, such as {below[0]}"
    return "name the folder of a project that `fastapi-service new` or copier has made"
