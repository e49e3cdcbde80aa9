"""The result of `check` as one HTML page, without scripts and other files."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from generator.project.checking.fleet import describe_drift, describe_update, shorten_paths
from generator.project.checking.report import CheckReport
from generator.project.releases import Release

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class _Row:
    """A project of the page, with everything that the table only counts."""

    path: str
    report: CheckReport

    @property
    def update(self) -> str:
        return describe_update(self.report)

    @property
    def drift(self) -> str:
        return describe_drift(self.report)

    @property
    def details(self) -> Iterator[tuple[str, Pairs]]:
        report = self.report
        lists: dict[str, Pairs] = {
            "Problems": [(problem.message, problem.fix) for problem in report.listed_problems],
            "An update would damage": [(risk.path, risk.reason) for risk in report.at_risk],
            "An update would leave conflict markers": [(path, "") for path in report.conflicts],
            "Renovate cannot update the project": [
                (problem.message, problem.fix) for problem in report.obstacles
            ],
            "Changed files": [(str(drift), drift.kind) for drift in report.drift],
        }
        return ((heading, pairs) for heading, pairs in lists.items() if pairs)


def write_page(reports: Sequence[CheckReport], path: Path, policy: Path | None) -> None:
    """Write the page; raises OSError."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rows = [
        _Row(name, report) for name, report in zip(shorten_paths(reports), reports, strict=True)
    ]
    page = environment.get_template("page.html.jinja").render(
        title="Projects of the template" if len(rows) > 1 else f"Project {rows[0].path}",
        summary=_summarize(reports),
        policy=policy and policy.name,
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
        rows=rows,
        releases=_list_releases(reports),
    )
    path.write_text(page, encoding="utf-8")


def _summarize(reports: Sequence[CheckReport]) -> str:
    behind = sum(bool(report.behind) for report in reports)
    clean = sum(bool(report.behind and report.clean) for report in reports)
    problems = sum(bool(report.listed_problems) for report in reports)
    return (
        f"{len(reports)} checked, {behind} behind the latest release ({clean} would update "
        f"cleanly), {problems} with problems."
    )


def _list_releases(reports: Iterable[CheckReport]) -> list[Release]:
    """Return the releases that projects have not merged yet, once each."""
    return list(dict.fromkeys(release for report in reports for release in report.releases))
