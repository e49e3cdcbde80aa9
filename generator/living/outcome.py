"""How an update ends: what is shown, what the project takes, and what its team does next."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from generator.addresses import holds_credentials
from generator.console import in_colour, say, show_pairs
from generator.errors import CommandError, NeedsAPersonError
from generator.living.hand_over import add, take, take_back
from generator.living.hand_work import HandWork
from generator.living.losses import counted
from generator.living.merge import Merge, Project, Wish
from generator.living.repository import some
from generator.options import assignment
from generator.processes import undisturbed, uv_command


@dataclass(frozen=True)
class Outcome:
    """What was found out of a change, before anything is touched."""

    project: Project
    change: Merge
    left: Sequence[HandWork] = field(default_factory=list)

    def conclude(self, wish: Wish) -> None:
        """Show it, and let the project take it if that was wished.

        Raises NeedsAPersonError for edits at risk, which nobody accepted, and for conflicts.
        """
        if wish.preview:
            shown = self.project.repository.diff(self.change.tree, colour=in_colour())
            recorded = self.project.recorded.source
            say(shown.replace(recorded, "...") if holds_credentials(recorded) else shown)
        if lost := self.change.lost:
            show_pairs("Edits at risk", [(loss.path, loss.reason) for loss in lost])
            if not wish.accept_losses:
                raise NeedsAPersonError(
                    f"Edits would be lost in {some([loss.path for loss in lost])}; nothing "
                    "was touched. What you rename stays yours (`git mv`, commit, start again); "
                    "--accept-losses goes on, and they stay in git's history."
                )
        if wish.preview:
            self._foretell()
        else:
            self._apply()

    def _foretell(self) -> None:
        self._summary("would be")
        if self.change.conflicts:
            raise NeedsAPersonError(
                f"Your edits and the change overlap in {some(self.change.conflicts)}: it would "
                "leave conflict markers there; nothing was touched."
            )
        say("\nNothing was touched: without --preview it would be merged cleanly.")

    def _apply(self) -> None:
        repository, change = self.project.repository, self.change
        with undisturbed():
            take(repository, change.tree, change.touched, change.stages)
            became = add(repository.folder, change.ignored, {"uv.lock"})
        self._summary("are")
        for path, what in became.items():
            if not change.owned.match_file(path):
                say(f"{path} is {what}")
        self._say_next()
        if change.conflicts:
            raise NeedsAPersonError(
                f"Your edits and the change overlap in {some(change.conflicts)}: resolve what "
                "stands between <<<<<<< and >>>>>>> there, then `git add` these files."
            )
        if change.unlocked:
            raise CommandError(
                f"The change is merged, but uv.lock is as it was: {change.unlocked}; "
                f"`{uv_command()} lock` in {repository.folder} tries again."
            )

    def _summary(self, verb: str) -> None:
        repository, recorded = self.project.repository, self.project.recorded
        now = self.change.answers
        before, after = repository.entries(repository.head), repository.entries(self.change.tree)
        both = before.keys() & after.keys()
        changed = sum(before[path] != after[path] for path in both)
        counts = f"{changed} changed, {len(after) - len(both)} added, {len(before) - len(both)}"
        versions = dict.fromkeys([recorded.commit, now.commit])
        say(f"\n{' -> '.join(versions)}: {counts} removed files.")
        if len(self.change.touched) > 1:
            say(f"Outside of the project: {', '.join(self.change.touched[1:])}")
        if recorded.source != now.source:
            say(f"The template's address {verb} {now.source}")
        answers = [
            assignment(name, value)
            for name, value in now.answers.items()
            if recorded.answers.get(name) != value
        ]
        if answers:
            say(f"Answers that {verb} new: {', '.join(answers)}")
        for work in self.left:
            lines = [(path, counted(count)) for path, count in work.modules.items()]
            show_pairs(f"Left to you, {work.help}", lines)

    def _say_next(self) -> None:
        folder, change = self.project.repository.folder, self.change
        commands = [("git diff", "what came, in one piece; nothing is committed")]
        if uv_command() != "uv":
            commands.insert(0, (f"alias uv={uv_command()}", ""))
        if folder != Path.cwd():
            commands.insert(0, (f"cd {shlex.quote(str(folder))}", ""))
        if change.conflicts:
            commands.append(("git diff --check", "where markers are left"))
        if "pyproject.toml" in change.conflicts:
            commands.append(("uv lock", "once they are resolved"))
        migrate = "uv run alembic upgrade head"
        commands += [
            ("diff .env .env.example", "settings that are new, or that a changed answer changed"),
            ("uv sync", ""),
            (migrate, ""),
            ("uv run alembic check", "does it find changed tables? Then:"),
            (f'uv run alembic revision --autogenerate -m "update" && {migrate}', ""),
            ("uv run pytest", ""),
        ]
        undo = take_back(self.project.repository, change.touched[1:])
        say(f"`{undo}` takes it back. Next:\n")
        width = max(len(command) for command, about in commands if about)
        for command, about in commands:
            say(f"    {command:{width}}  # {about}" if about else f"    {command}")
