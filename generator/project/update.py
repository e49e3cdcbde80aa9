"""`fastapi-service update` and `set`: merge a release, or new answers, into a project."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from generator.console import note, say, step
from generator.project.answers import require_recorded
from generator.project.baseline import rendering_baseline
from generator.project.manual_changes import find_manual_changes, read_own_lines
from generator.project.merge import MergeOptions, merge
from generator.project.nesting import require_effect
from generator.project.origin import open_origin
from generator.project.placeholders import show_placeholders
from generator.project.preflight import preflight
from generator.project.releases import list_releases
from generator.project.report import Report
from generator.template.options import parse_assignments, parse_definition


def update(
    folder: Path, options: MergeOptions, *, to: str | None = None, moved_to: str | None = None
) -> None:
    """Merge the latest release, or the revision `to`, from the recorded or the new address.

    Raises NeedsAttentionError for edits that would be lost, and after a merge with conflicts.
    """
    project = preflight(folder)
    project.require_no_problems()
    with open_origin(project.recorded, moved_to) as origin:
        target = to or origin.latest
        if to:
            origin.require_newer(to)
        if "HEAD" in {to, origin.source.latest}:
            origin.source.require_clean("commit them first")
        if origin.source.resolve(target) == origin.commit and moved_to is None:
            reason = "" if to else ", and there is no newer release"
            say(f"{folder} is at {origin.recorded}{reason}: there is nothing to do.")
            return
        with (
            _announced(f"Merging {target}"),
            rendering_baseline(project.recorded, origin) as baseline,
        ):
            result = merge(project, origin, {}, baseline, options, to=target)
        Report(project, result, releases=list_releases(origin, target)).conclude(options)


def set_answers(folder: Path, assignments: Sequence[str], options: MergeOptions) -> None:
    """Merge the effect of new answers, at the revision that the project was made from.

    Raises UsageError for an invalid answer, and everything that `update` raises.
    """
    project = preflight(folder)
    project.require_no_problems()
    recorded = project.recorded
    with open_origin(recorded) as origin:
        parsed = parse_assignments(parse_definition(origin.definition), assignments)
        requested = {option.name: value for option, value in parsed}
        if requested.items() <= recorded.values.items():
            say(f"{folder} has these answers already: there is nothing to do.")
            return
        if project.repository.is_nested:
            require_effect(origin.definition, requested)
        with (
            _announced("Merging the new answers"),
            rendering_baseline(recorded, origin) as baseline,
        ):
            result = merge(project, origin, requested, baseline, options, to=None)
            require_recorded(requested, result.answers.values)
            values = result.answers.values
            changed = [
                name for name, old in recorded.values.items() if values.get(name, old) != old
            ]
            own_lines = read_own_lines(project.repository, baseline(), result.moves.origins)
            manual_changes = find_manual_changes(origin.definition, changed, values, own_lines)
        Report(project, result, manual_changes).conclude(options)
        if not options.preview:
            show_placeholders(origin.definition, folder)


@contextmanager
def _announced(text: str) -> Iterator[None]:
    """Show progress, and say after an interrupt that nothing was changed."""
    try:
        with step(text):
            yield
    except (KeyboardInterrupt, SystemExit):
        note("Interrupted: nothing was changed.")
        raise
