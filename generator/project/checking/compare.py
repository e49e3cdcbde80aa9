"""`fastapi-service check`: compares a project with its template and changes neither."""

from pathlib import Path

from generator.errors import CommandError, Problem
from generator.project.answers import ANSWERS_FILE
from generator.project.baseline import rendering_baseline
from generator.project.checking.report import CheckReport
from generator.project.imports import find_deleted_imports
from generator.project.lost_edits import find_drift, list_files, owned_files
from generator.project.merge import MergeOptions, merge
from generator.project.moves import find_moves
from generator.project.origin import Fetched, open_origin
from generator.project.preflight import Project, preflight
from generator.project.releases import list_releases
from generator.template.addresses import is_remote
from generator.template.options import parse_definition


def check(folder: Path, *, offline: bool, fetched: Fetched | None = None) -> CheckReport:
    """Compare a project with its template, which `fetched` may have.

    Raises UsageError for a missing folder; the report has every other problem.
    """
    report = CheckReport(folder)
    try:
        project = preflight(folder)
        report.problems += project.problems
        report.answers = project.recorded.values
        report.name = str(report.answers.get("project_name", folder.name))
        report.current = project.recorded.commit
        is_committed = ANSWERS_FILE in project.repository.entries(project.repository.head)
        if is_committed and not (offline and is_remote(project.recorded.source)):
            _compare(report, project, fetched or {})
    except Problem as problem:
        report.problems.append(problem)
    return report


def _compare(report: CheckReport, project: Project, fetched: Fetched) -> None:
    recorded = project.recorded
    with open_origin(recorded, fetched=fetched) as origin:
        report.latest = origin.latest
        report.behind = origin.behind
        report.is_release = origin.source.is_release(origin.latest)
        report.obstacles = origin.source.find_obstacles(recorded.source, recorded.commit)
        report.choices = {
            option.name: [choice.value for choice in option.choices]
            for option in parse_definition(origin.definition_at(origin.latest))
            if not option.computed
        }
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
