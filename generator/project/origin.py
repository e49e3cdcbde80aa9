"""The template of an existing project, with the revision that the project was made from."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from packaging.version import InvalidVersion, Version

from generator.errors import CommandError, Problem, UsageError
from generator.git import git
from generator.project.answers import ANSWERS_FILE, AnswersFile
from generator.template.addresses import holds_credentials, is_url
from generator.template.source import Source, open_template

# Sources by their recorded address.
Fetched: TypeAlias = Mapping[str, Source]

_MOVED = "`fastapi-service update --from URL` uses and records another address"


@dataclass(frozen=True)
class Origin:
    """The template of a project.

    `location` is the address to record, `recorded` the revision in the answers file, and
    `commit` the hash of that revision.
    """

    source: Source
    location: str
    recorded: str
    commit: str

    @property
    def definition(self) -> str:
        """The text of copier.yml at the project's revision."""
        return self.definition_at(self.commit)

    def definition_at(self, ref: str) -> str:
        return replace(self.source, ref=ref).definition()

    @cached_property
    def latest(self) -> str:
        """The latest release, or the project's own revision when there is none newer."""
        release = self.source.latest
        if not self._is_newer(release):
            return self.recorded
        return self.source.describe(release) if release == "HEAD" else release

    @property
    def behind(self) -> bool:
        return self.latest != self.recorded

    def require_newer(self, ref: str) -> None:
        """Raise CommandError for a revision older than the project's."""
        commit = self.source.resolve(ref)
        if commit != self.commit and self.source.is_ancestor(commit, self.commit):
            raise CommandError(
                f"{ref} is older than {self.recorded}, and an update only goes forward: "
                "`git revert` undoes a committed update."
            )

    def _is_newer(self, release: str) -> bool:
        if self.source.is_ancestor(self.source.resolve(release), self.commit):
            return False
        try:
            # Commits after a release are recorded as `1.2.0-3-gabcdef0`.
            return Version(release) > Version(re.sub(r"-\d+-g[0-9a-f]+$", "", self.recorded))
        except InvalidVersion:
            return True


@contextmanager
def open_origin(
    recorded: AnswersFile, moved_to: str | None = None, *, fetched: Fetched | None = None
) -> Iterator[Origin]:
    """Open the recorded template, unless it is fetched already, or its new address.

    Raises Problem when no update can come from there, and UsageError for a bad address.
    """
    if moved_to is None:
        _require_permanent(recorded.source)
    elif not moved_to:
        raise UsageError("--from is empty: name the address of the template.")
    with ExitStack() as stack:
        try:
            source = (fetched or {}).get(recorded.source) or stack.enter_context(
                open_template(moved_to or recorded.source)
            )
        except CommandError as error:
            if moved_to is not None:
                raise
            raise Problem(str(error).rstrip("."), _MOVED) from error
        _require_complete(source)
        try:
            commit = source.resolve(recorded.commit)
        except CommandError as error:
            raise Problem(
                f"The template {source.location} does not have {recorded.commit}, from which the "
                "project was made",
                f"`git fetch --tags` in a checkout may fetch it; {_MOVED}",
            ) from error
        location = source.location if moved_to else recorded.source
        yield Origin(source, location, recorded.commit, commit)


def _require_permanent(address: str) -> None:
    """Raise Problem for an address that should not have been recorded."""
    if holds_credentials(address):
        raise Problem(
            f"{ANSWERS_FILE} holds credentials in the address of the template",
            "`fastapi-service update --from URL`, without them, replaces it; they are in git's "
            "history, so revoke them",
        )
    if not is_url(address) and not Path(address).expanduser().is_absolute():
        raise Problem(
            f"{ANSWERS_FILE} has the relative path {address!r} as its template, which depends on "
            "the current folder",
            "`fastapi-service update --from PATH` records the absolute path",
        )


def _require_complete(source: Source) -> None:
    if git(source.tree, "rev-parse", "--is-shallow-repository") == "true":
        raise Problem(
            f"The template {source.location} is a shallow clone, which lacks older releases",
            f"`git -C {source.location} fetch --unshallow --tags` completes it"
            if source.is_checkout
            else _MOVED,
        )
