"""`fastapi-service check`: is there a newer release, would it merge, what stands in its way."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from generator.addresses import is_remote
from generator.console import say, show_pairs, step
from generator.errors import CommandError, Problem
from generator.git import require_git
from generator.living import answers_file, origin, repository
from generator.living.anew import rendered
from generator.living.answers_file import AnswersFile
from generator.living.losses import Loss, drift
from generator.living.merge import Project, Wish, merged
from generator.living.obstacles import obstacles
from generator.living.owned import owned
from generator.living.repository import Repository


@dataclass
class Report:
    """What was found; `None` is what could not be found out.

    `compared` says whether the project was compared with its template: not when something is wrong
    with either, and not without a network where one is needed.
    """

    current: str | None = None
    latest: str | None = None
    behind: bool | None = None
    at_risk: Sequence[Loss] = ()
    conflicts: Sequence[str] = ()
    drift: Sequence[str] = ()
    problems: list[Problem] = field(default_factory=list)
    compared: bool = False

    @property
    def clean(self) -> bool | None:
        """Whether an update would do its work and leave nothing to a person."""
        if self.problems:
            return False
        return not (self.at_risk or self.conflicts) if self.compared else None

    @property
    def exit_code(self) -> int:
        """As `update` would end: 1 where nothing could be compared, 3 where a person is needed."""
        if self.problems and not self.compared:
            return 1
        return 3 if self.problems or self.behind or self.drift else 0

    def as_json(self) -> dict[str, object]:
        return {
            "current": self.current,
            "latest": self.latest,
            "behind": self.behind,
            "clean": self.clean,
            "at_risk": [loss.path for loss in self.at_risk],
            "conflicts": list(self.conflicts),
            "drift": list(self.drift),
            "problems": [{"what": problem.what, "mend": problem.mend} for problem in self.problems],
        }

    def show(self) -> None:
        """Print it for people."""
        say(f"Made from {self.current or 'an unknown release'}. {self._about_release()}")
        if self.at_risk:
            show_pairs(
                "An update would lose edits", [(loss.path, loss.reason) for loss in self.at_risk]
            )
        if self.conflicts:
            say(f"An update would leave conflict markers in {', '.join(self.conflicts)}.")
        if self.drift:
            say("Rendered files that are not as they were rendered:")
            say("\n".join(f"    {path}" for path in self.drift))
        if self.problems:
            show_pairs("In the way", [(problem.what, problem.mend) for problem in self.problems])

    def _about_release(self) -> str:
        if self.behind is None:
            return "Whether there is a newer release is not known."
        if not self.behind:
            return "No newer release."
        how = " would merge it cleanly" if self.clean else ""
        return f"{self.latest} is released: `fastapi-service update`{how}."


def check(folder: Path, *, offline: bool) -> Report:
    """Compare a project with its template, and touch neither.

    Raises UsageError for no folder; whatever else is wrong is in the report.
    """
    require_git()
    report = Report()
    try:
        answers_file.require(folder)
        repo = repository.opened(folder)
        report.problems += obstacles(repo)
        recorded = answers_file.read(folder)
        report.current = recorded.commit
        committed = answers_file.NAME in repo.entries(repo.head)
        if committed and not (offline and is_remote(recorded.source)):
            with step("Comparing with the template"):
                _compare(report, repo, recorded)
    except Problem as problem:
        report.problems.append(problem)
    return report


def _compare(report: Report, repo: Repository, recorded: AnswersFile) -> None:
    with origin.found(recorded) as template:
        report.latest, report.behind = template.latest, template.behind
        project = Project(repo, recorded, template)
        with rendered(recorded, template) as anew:
            if template.behind:
                try:
                    change = merged(project, {}, anew, Wish(preview=True), to=template.latest)
                except Problem:
                    raise
                except CommandError as error:
                    mend = "`fastapi-service update --preview` tells whether it is mended"
                    raise Problem(str(error).rstrip("."), mend) from error
                report.conflicts = change.conflicts
                report.at_risk = change.lost
            report.drift = drift(repo.folder, anew(), owned(template.definition, recorded))
    report.compared = True
