"""`fastapi-service check`: compares a project with its template and changes neither."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from generator.console import say, show_pairs, step
from generator.errors import CommandError, Problem
from generator.project.answers import ANSWERS_FILE
from generator.project.baseline import rendering_baseline
from generator.project.imports import find_deleted_imports
from generator.project.lost_edits import Drift, Risk, find_drift, list_files, owned_files
from generator.project.merge import MergeOptions, merge
from generator.project.moves import find_moves
from generator.project.origin import open_origin
from generator.project.preflight import Project, preflight
from generator.project.releases import TITLE, Release, list_releases
from generator.template.addresses import is_remote


@dataclass
class CheckReport:
    """The findings; None is unknown.

    `problems` block an update, `flaws` do not, and `obstacles` block Renovate only. `compared` is
    False when the project or its template has a problem, and offline when the template is remote.
    """

    current: str | None = None
    latest: str | None = None
    behind: bool | None = None
    at_risk: Sequence[Risk] = ()
    conflicts: Sequence[str] = ()
    drift: Sequence[Drift] = ()
    problems: list[Problem] = field(default_factory=list)
    releases: Sequence[Release] = ()
    flaws: list[Problem] = field(default_factory=list)
    obstacles: Sequence[Problem] = ()
    is_release: bool = False
    compared: bool = False

    @property
    def clean(self) -> bool | None:
        """True when an update would need no attention."""
        if self.problems:
            return False
        return not (self.at_risk or self.conflicts) if self.compared else None

    @property
    def exit_code(self) -> int:
        """1 when nothing could be compared, 3 when something needs attention, 0 otherwise."""
        if self.problems and not self.compared:
            return 1
        return 3 if self.problems or self.flaws or self.behind or self.drift else 0

    def as_json(self) -> dict[str, object]:
        return {
            "current": self.current,
            "latest": self.latest,
            "behind": self.behind,
            "clean": self.clean,
            "at_risk": list(dict.fromkeys(risk.path for risk in self.at_risk)),
            "conflicts": list(self.conflicts),
            "drift": [drift.path for drift in self.drift],
            "releases": [
                {"version": release.version, "shows": release.shows} for release in self.releases
            ],
            "problems": [
                {"message": problem.message, "fix": problem.fix}
                for problem in (*self.problems, *self.flaws)
            ],
        }

    def show(self) -> None:
        say(f"Made from {self.current or 'an unknown release'}. {self._describe_release()}")
        if self.releases:
            show_pairs(TITLE, [(release.version, release.shows) for release in self.releases])
        if self.at_risk:
            risks = [(risk.path, risk.reason) for risk in self.at_risk]
            show_pairs("An update would damage", risks)
        if self.conflicts:
            say(f"An update would leave conflict markers in {', '.join(self.conflicts)}.")
        if self.drift:
            say("Rendered files that differ:")
            say("\n".join(f"    {drift.kind}: {drift}" for drift in self.drift))
        if problems := [*self.problems, *self.flaws]:
            show_pairs("Problems", [(problem.message, problem.fix) for problem in problems])
        if self.obstacles:
            obstacles = [(problem.message, problem.fix) for problem in self.obstacles]
            show_pairs("Renovate cannot update the project", obstacles)

    def _describe_release(self) -> str:
        if self.behind is None:
            return "The latest release is unknown."
        if not self.behind:
            return "No newer release."
        outcome = " would merge it cleanly" if self.clean else ""
        if not self.is_release:
            return f"The newest commit is {self.latest}: `fastapi-service update`{outcome}."
        return f"{self.latest} is released: `fastapi-service update`{outcome}."


def check(folder: Path, *, offline: bool) -> CheckReport:
    """Compare a project with its template.

    Raises UsageError for a missing folder; the report has every other problem.
    """
    report = CheckReport()
    try:
        project = preflight(folder)
        report.problems += project.problems
        report.current = project.recorded.commit
        is_committed = ANSWERS_FILE in project.repository.entries(project.repository.head)
        if is_committed and not (offline and is_remote(project.recorded.source)):
            with step("Comparing with the template"):
                _compare(report, project)
    except Problem as problem:
        report.problems.append(problem)
    return report


def _compare(report: CheckReport, project: Project) -> None:
    recorded = project.recorded
    with open_origin(recorded) as origin:
        report.latest = origin.latest
        report.behind = origin.behind
        report.is_release = origin.source.is_release(origin.latest)
        report.obstacles = origin.source.find_obstacles(recorded.source, recorded.commit)
        with rendering_baseline(recorded, origin) as baseline:
            if origin.behind:
                report.releases = list_releases(origin, origin.latest)
                options = MergeOptions(preview=True)
                try:
                    result = merge(project, origin, {}, baseline, options, to=origin.latest)
                except Problem:
                    raise
                except CommandError as error:
                    fix = "`fastapi-service update --preview` shows when it is fixed"
                    raise Problem(str(error).rstrip("."), fix) from error
                report.conflicts = result.conflicts
                report.at_risk = result.risks
            owned = owned_files(origin.definition, recorded.values)
            imports = find_deleted_imports(project.repository, list_files(baseline()))
            report.flaws = [
                Problem(f"{risk.path}: {risk.reason}", "delete the file, or change the import")
                for risk in imports
            ]
            moves = find_moves(project.repository, baseline(), owned)
            report.drift = find_drift(project.folder, baseline(), owned, moves.renamed)
    report.compared = True
