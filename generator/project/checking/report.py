"""The findings of `check` about one project."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from generator.console import say, show_pairs
from generator.errors import Problem
from generator.project.lost_edits import Drift, Risk
from generator.project.releases import TITLE, Release
from generator.template.options import Answers, Value


@dataclass
class CheckReport:
    """The findings; None is unknown.

    `problems` block an update, `flaws` do not, `obstacles` block Renovate only, and
    `violations` are those of a policy. `compared` is False when the project or its template has a
    problem, and offline when the template is remote.
    """

    project: Path
    name: str = ""
    answers: Answers = field(default_factory=dict)
    # The values of each option of the template; none of an option with free values.
    choices: dict[str, list[Value]] = field(default_factory=dict)
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
    violations: list[Problem] = field(default_factory=list)
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

    @property
    def listed_problems(self) -> list[Problem]:
        return [*self.problems, *self.flaws, *self.violations]

    def as_json(self) -> dict[str, object]:
        return {
            "project": str(self.project),
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
                {"message": problem.message, "fix": problem.fix} for problem in self.listed_problems
            ],
        }

    def show(self) -> None:
        say(f"Made from {self.current or 'an unknown release'}. {self.describe_release()}")
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
        if problems := self.listed_problems:
            show_pairs("Problems", [(problem.message, problem.fix) for problem in problems])
        if self.obstacles:
            obstacles = [(problem.message, problem.fix) for problem in self.obstacles]
            show_pairs("Renovate cannot update the project", obstacles)

    def describe_release(self) -> str:
        if self.behind is None:
            return "The latest release is unknown."
        if not self.behind:
            return "No newer release."
        outcome = " would merge it cleanly" if self.clean else ""
        if not self.is_release:
            return f"The newest commit is {self.latest}: `fastapi-service update`{outcome}."
        return f"{self.latest} is released: `fastapi-service update`{outcome}."
