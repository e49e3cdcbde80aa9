"""`fastapi-service update` and `set`: merge what is new, or other answers, into a project."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from generator.console import note, say, step
from generator.errors import UsageError
from generator.git import require_git
from generator.living import answers_file, repository
from generator.living.anew import rendered
from generator.living.hand_work import hand_work
from generator.living.merge import Merge, Project, Wish, merged
from generator.living.obstacles import obstacles
from generator.living.origin import found
from generator.living.outcome import Outcome
from generator.options import Value, assignment, parse_assignments, parse_definition


def update(folder: Path, wish: Wish, *, to: str | None, elsewhere: str | None) -> None:
    """Merge the latest release, or the revision `to`, from where the template is now.

    Raises NeedsAPersonError for edits that would be lost, and after a merge with conflicts.
    """
    with opened(folder, elsewhere) as project:
        origin = project.origin
        target = to or origin.latest
        if to:
            origin.require_newer(to)
        if "HEAD" in {to, origin.source.latest}:
            origin.source.require_clean("commit them first")
        if origin.source.commit(target) == origin.made_from and elsewhere is None:
            newest = "" if to else ", and nothing newer was released"
            say(f"{folder} is at {origin.recorded}{newest}: there is nothing to do.")
            return
        with _touching_nothing(f"Merging {target}"), rendered(project.recorded, origin) as anew:
            change = merged(project, {}, anew, wish, to=target)
        Outcome(project, change).conclude(wish)


def set_answers(folder: Path, assignments: Sequence[str], wish: Wish) -> None:
    """Merge what other answers bring, from the release that the project was made from.

    Raises UsageError for what cannot be answered, and what `update` raises.
    """
    with opened(folder) as project:
        definition, recorded = project.origin.definition, project.recorded.answers
        wanted = {
            option.name: value
            for option, value in parse_assignments(parse_definition(definition), assignments)
        }
        if wanted.items() <= recorded.items():
            say(f"{folder} has these answers already: there is nothing to do.")
            return
        with (
            _touching_nothing("Merging other answers"),
            rendered(project.recorded, project.origin) as anew,
        ):
            change = merged(project, wanted, anew, wish, to=None)
            _require_recorded(wanted, change)
            changed = [
                name for name, it in change.answers.answers.items() if recorded.get(name) != it
            ]
            left = hand_work(definition, changed, project.repository, anew())
        Outcome(project, change, left).conclude(wish)


@contextmanager
def opened(folder: Path, elsewhere: str | None = None) -> Iterator[Project]:
    """Open a project and its template; raises Problem for the first that stands in the way."""
    require_git()
    answers_file.require(folder)
    repo = repository.opened(folder)
    for problem in obstacles(repo):
        raise problem
    recorded = answers_file.read(folder)
    with found(recorded, elsewhere) as origin:
        yield Project(repo, recorded, origin)


@contextmanager
def _touching_nothing(text: str) -> Iterator[None]:
    """Show what is under way, and say how things are for whoever breaks it off."""
    try:
        with step(text):
            yield
    except (KeyboardInterrupt, SystemExit):
        note("Interrupted: nothing was touched.")
        raise


def _require_recorded(wanted: dict[str, Value], change: Merge) -> None:
    """Copier passes over an answer to a question that it does not ask."""
    for name, value in wanted.items():
        if change.answers.answers.get(name) != value:
            raise UsageError(
                f"{assignment(name, value)} decides nothing with the project's other answers: "
                "`fastapi-service options` says when it is asked."
            )
