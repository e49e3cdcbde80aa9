"""Where a project's template is now, and whether it still has what the project was made from."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from packaging.version import InvalidVersion, Version

from generator.addresses import holds_credentials, is_url
from generator.errors import CommandError, Problem, UsageError
from generator.git import git
from generator.living.answers_file import NAME, AnswersFile
from generator.source import Source, opened

_ELSEWHERE = "`fastapi-service update --from URL` takes it from elsewhere, and remembers that"


@dataclass(frozen=True)
class Origin:
    """The template of a project.

    `location` is what the project shall remember of it; `recorded` is the revision that it was made
    from, as it has recorded it, and `made_from` the hash of that.
    """

    source: Source
    location: str
    recorded: str
    made_from: str

    @property
    def definition(self) -> str:
        """Text of the copier.yml that the project was made from."""
        return replace(self.source, ref=self.made_from).definition()

    @cached_property
    def latest(self) -> str:
        """The latest release, or the project's own revision where nothing newer was released."""
        release = self.source.latest
        if not self._is_newer(release):
            return self.recorded
        return self.source.described(release) if release == "HEAD" else release

    @property
    def behind(self) -> bool:
        return self.latest != self.recorded

    def require_newer(self, ref: str) -> None:
        """Raises CommandError for a revision that the project's own has left behind."""
        commit = self.source.commit(ref)
        if commit != self.made_from and self.source.includes(commit, self.made_from):
            raise CommandError(
                f"{ref} is older than {self.recorded}, and an update goes forward only: "
                "`git revert` takes a committed update back."
            )

    def _is_newer(self, release: str) -> bool:
        if self.source.includes(self.source.commit(release), self.made_from):
            return False
        try:
            # What came after a release is `1.2.0-3-gabcdef0`.
            return Version(release) > Version(re.sub(r"-\d+-g[0-9a-f]+$", "", self.recorded))
        except InvalidVersion:
            return True


@contextmanager
def found(answers: AnswersFile, elsewhere: str | None = None) -> Iterator[Origin]:
    """Open the template that a project records, or the one that is named instead of it.

    Raises Problem when no update could come from there, UsageError for what cannot be named.
    """
    if elsewhere is None:
        _require_lasting(answers.source)
    elif not elsewhere:
        raise UsageError("--from is empty: name where the template is.")
    with ExitStack() as stack:
        try:
            source = stack.enter_context(opened(elsewhere or answers.source))
        except CommandError as error:
            if elsewhere is not None:
                raise
            raise Problem(str(error).rstrip("."), _ELSEWHERE) from error
        _require_complete(source)
        try:
            made_from = source.commit(answers.commit)
        except CommandError as error:
            raise Problem(
                f"The template {source.location} does not have {answers.commit}, from which the "
                "project was made, so nothing can be compared with it",
                f"`git fetch --tags` in a checkout may bring it; {_ELSEWHERE}",
            ) from error
        location = source.location if elsewhere else answers.source
        yield Origin(source, location, answers.commit, made_from)


def _require_lasting(location: str) -> None:
    """Refuse what the project should not have recorded."""
    if holds_credentials(location):
        raise Problem(
            f"{NAME} holds credentials in the address of the template",
            "`fastapi-service update --from URL`, without them, replaces it; they are in git's "
            "history, so revoke them",
        )
    if not is_url(location) and not Path(location).expanduser().is_absolute():
        raise Problem(
            f"{NAME} has the relative path {location!r} as its template, which means another "
            "folder wherever a command is run",
            "`fastapi-service update --from PATH` remembers the whole path",
        )


def _require_complete(source: Source) -> None:
    if git(source.tree, "rev-parse", "--is-shallow-repository") == "true":
        raise Problem(
            f"The template {source.location} is a shallow clone, which lacks older releases",
            f"`git -C {source.location} fetch --unshallow --tags` completes it"
            if source.is_checkout
            else _ELSEWHERE,
        )
