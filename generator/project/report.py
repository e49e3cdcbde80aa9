"""Reports a merge to the user, applies it if requested, and prints the next steps."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from generator.console import say, show_pairs, shows_color
from generator.errors import CommandError, NeedsAttentionError
from generator.processes import ignoring_interrupts
from generator.project.apply import apply_tree, undo_command, write_ignored
from generator.project.manual_changes import ManualChange
from generator.project.merge import MergeOptions, MergeResult
from generator.project.preflight import Project
from generator.project.releases import TITLE, Release
from generator.project.repository import shorten
from generator.project.variables import compare_variables
from generator.template.addresses import holds_credentials
from generator.template.options import format_assignment
from generator.uv import uv_command


@dataclass(frozen=True)
class Report:
    """A merge, before anything is changed."""

    project: Project
    merge: MergeResult
    manual_changes: Sequence[ManualChange] = field(default_factory=list)
    releases: Sequence[Release] = ()

    def conclude(self, options: MergeOptions) -> None:
        """Print the result, and apply it unless it is a preview.

        Raises NeedsAttentionError for lost edits that were not accepted, and for conflicts.
        """
        if options.preview:
            self._print_diff()
        if risks := self.merge.risks:
            show_pairs("Edits at risk", [(risk.path, risk.reason) for risk in risks])
            if not options.accept_losses:
                paths = list(dict.fromkeys(risk.path for risk in risks))
                raise NeedsAttentionError(
                    f"Your code is at risk in {shorten(paths)}; nothing was changed. A renamed "
                    "file stays yours (`git mv`, commit, start again); --accept-losses continues, "
                    "and lost edits stay in git's history."
                )
        if options.preview:
            self._conclude_preview()
        else:
            self._apply()

    def _print_diff(self) -> None:
        diff = self.project.repository.diff(self.merge.tree, color=shows_color())
        source = self.project.recorded.source
        say(diff.replace(source, "...") if holds_credentials(source) else diff)

    def _conclude_preview(self) -> None:
        self._print_summary("would be")
        if self.merge.conflicts:
            raise NeedsAttentionError(
                f"Your edits and the change overlap in {', '.join(self.merge.conflicts)}: it would "
                "leave conflict markers there; nothing was changed."
            )
        say("\nNothing was changed: without --preview it would be merged cleanly.")

    def _apply(self) -> None:
        repository = self.project.repository
        merge = self.merge
        with ignoring_interrupts():
            apply_tree(repository, merge.tree, merge.changed_paths, merge.stages)
            outcomes = write_ignored(repository.folder, merge.ignored, {"uv.lock"})
        self._print_summary("are")
        for path, outcome in outcomes.items():
            if not merge.owned.match_file(path):
                say(f"{path} is {outcome}")
        self._print_next_steps()
        if merge.conflicts:
            raise NeedsAttentionError(
                f"Your edits and the change overlap in {', '.join(merge.conflicts)}: resolve the "
                "parts between <<<<<<< and >>>>>>> there, then `git add` these files."
            )
        if merge.lock_error:
            raise CommandError(
                f"The change is merged, but uv.lock is as it was: {merge.lock_error}; "
                f"`{uv_command()} lock` in {repository.folder} tries again."
            )

    def _print_summary(self, verb: str) -> None:
        repository = self.project.repository
        recorded = self.project.recorded
        answers = self.merge.answers
        before = repository.entries(repository.head)
        after = repository.entries(self.merge.tree)
        common = before.keys() & after.keys()
        changed = sum(before[path] != after[path] for path in common)
        counts = f"{changed} changed, {len(after) - len(common)} added"
        versions = " -> ".join(dict.fromkeys([recorded.commit, answers.commit]))
        say(f"\n{versions}: {counts}, {len(before) - len(common)} deleted files.")
        if self.releases:
            show_pairs(TITLE, [(release.version, release.shows) for release in self.releases])
        if outside := self.merge.changed_paths[1:]:
            say(f"Outside of the project: {', '.join(outside)}")
        if recorded.source != answers.source:
            say(f"The template's address {verb} {answers.source}")
        changes = [
            format_assignment(name, value)
            for name, value in answers.values.items()
            if recorded.values.get(name) != value
        ]
        if changes:
            say(f"Answers that {verb} new: {', '.join(changes)}")
        if imports := self.merge.deleted_imports:
            pairs = [(risk.path, risk.reason) for risk in imports]
            show_pairs("Imports that are broken already", pairs)
        if self.manual_changes:
            show_pairs("Left to do", self.manual_changes)
        if variables := compare_variables(repository, self.merge.tree):
            show_pairs("Variables", variables)

    def _print_next_steps(self) -> None:
        folder = self.project.folder
        commands = [("git diff", "all changes; nothing is committed")]
        if uv_command() != "uv":
            commands.insert(0, (f"alias uv={uv_command()}", ""))
        if folder != Path.cwd():
            commands.insert(0, (f"cd {shlex.quote(str(folder))}", ""))
        if self.merge.conflicts:
            commands.append(("git diff --check", "remaining conflict markers"))
        if "pyproject.toml" in self.merge.conflicts:
            commands.append(("uv lock", "after they are resolved"))
        migrate = "uv run alembic upgrade head"
        commands += [
            ("uv sync", ""),
            (migrate, ""),
            ("uv run alembic check", "fails when tables changed; then:"),
            (f'uv run alembic revision --autogenerate -m "update" && {migrate}', ""),
            ("uv run pytest", ""),
        ]
        undo = undo_command(self.project.repository, self.merge.changed_paths[1:])
        say(f"`{undo}` undoes it. Next:\n")
        width = max(len(command) for command, comment in commands if comment)
        for command, comment in commands:
            say(f"    {command:{width}}  # {comment}" if comment else f"    {command}")
