"""The source of the template: a checkout or a git URL, at a revision."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.version import InvalidVersion, Version

from generator.console import step
from generator.errors import CommandError, Problem, UsageError
from generator.git import git, require_git
from generator.processes import ProgramError
from generator.template.addresses import expand, holds_credentials, is_remote, is_url, to_plain

_DISTRIBUTION = "fastapi-service-generator"
_VARIABLE = "FASTAPI_SERVICE_TEMPLATE"
_MOVE = "fastapi-service update --from"


@dataclass(frozen=True)
class Source:
    """A template that copier can render.

    `location` is the origin that projects record, `ref` the revision to render, and `tree` a
    local folder with that revision (the working tree for a checkout).
    """

    location: str
    ref: str
    tree: Path
    is_checkout: bool

    @property
    def version(self) -> str:
        """The release, or the commits since then, as projects record it."""
        return self.describe(self.ref)

    @property
    def latest(self) -> str:
        """The tag of the latest release, or HEAD without one: copier's rule."""
        return _latest_release(git(self.tree, "tag").splitlines())

    def is_release(self, ref: str) -> bool:
        """Return True for the tag of a release."""
        return ref in git(self.tree, "tag").splitlines() and _latest_release([ref]) == ref

    def find_obstacles(self, recorded: str, commit: str) -> list[Problem]:
        """List the reasons for which Renovate cannot follow a project, with their fixes."""
        obstacles = []
        if not is_remote(recorded):
            message = f"{recorded} is a folder of this machine"
            obstacles.append(Problem(message, f"`{_MOVE} {self._find_url()}` records a URL"))
        elif recorded.startswith(("git+", "gh:", "gl:")):
            fix = f"`{_MOVE} URL` records another one, such as one that ends in .git"
            obstacles.append(Problem(f"{recorded} is an address for copier only", fix))
        if not self.is_release(commit):
            latest = self.latest
            fix = f"`--ref {latest}` renders the latest release; the next one is merged by `update`"
            if latest == "HEAD":
                fix = "a tag such as v1.0.0 in the template makes a release"
            obstacles.append(Problem(f"{commit} is no release of the template", fix))
        return obstacles

    def _find_url(self) -> str:
        """Return the URL that the template was cloned from, if it may be recorded."""
        try:
            url = git(self.tree, "remote", "get-url", "origin") if self.is_checkout else ""
        except ProgramError:
            url = ""
        return to_plain(url) if is_remote(url) and not holds_credentials(url) else "URL"

    def describe(self, ref: str) -> str:
        return git(self.tree, "describe", "--tags", "--always", ref)

    def definition(self) -> str:
        """Return the text of copier.yml at the revision."""
        if self.ref != "HEAD":
            try:
                return git(self.tree, "show", f"{self.ref}:copier.yml")
            except ProgramError as error:
                raise CommandError(
                    f"{self.location} is not a template at {self.ref}: it has no copier.yml."
                ) from error
        path = self.tree / "copier.yml"
        if not path.is_file():
            raise CommandError(f"{self.location} is not a template: it has no copier.yml.")
        return path.read_text(encoding="utf-8")

    def resolve(self, ref: str) -> str:
        """Return the commit hash of a tag, a branch or a recorded revision.

        Raises CommandError when the template has no such commit.
        """
        for name in (ref, f"refs/remotes/origin/{ref}"):
            with suppress(ProgramError):
                return git(self.tree, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        raise CommandError(f"The template {self.location} has no revision {ref}.")

    def is_ancestor(self, old: str, new: str) -> bool:
        """Return True when `new` contains `old`."""
        try:
            git(self.tree, "merge-base", "--is-ancestor", old, new)
        except ProgramError:
            return False
        return True

    def require_clean(self, fix: str = "commit them, or pass --allow-dirty") -> None:
        """Refuse uncommitted changes: a project rendered from them cannot be updated."""
        if self.is_checkout and self.ref == "HEAD" and git(self.tree, "status", "--porcelain"):
            raise CommandError(
                f"The template {self.location} has uncommitted changes, so the project could not "
                f"be updated: {fix}."
            )


@contextmanager
def open_template(template: str | None, ref: str | None = None) -> Iterator[Source]:
    """Open the given template, or by default the one this command was installed from.

    Raises CommandError when there is none, and UsageError for an address with credentials.
    """
    require_git()
    address = template or os.environ.get(_VARIABLE) or _installed_from()
    path = Path(address).expanduser()
    if path.is_dir() and not _is_bare(path):
        yield _open_checkout(path.resolve(), ref)
        return
    if path.is_dir():
        address = f"git+file://{path.resolve()}"
    if holds_credentials(address):
        raise UsageError(
            "The template's address holds credentials, which the project would record: "
            "use SSH or a git credential helper, and an address without them."
        )
    if not is_url(address):
        raise CommandError(f"There is no template at {address}: name a git checkout or a git URL.")
    with tempfile.TemporaryDirectory(prefix="fastapi-service-") as folder:
        with step(f"Fetching {address}"):
            source = _clone(address, ref, Path(folder))
        yield source


def _is_bare(path: Path) -> bool:
    try:
        return git(path, "rev-parse", "--is-bare-repository") == "true"
    except ProgramError:
        return False


def _open_checkout(path: Path, ref: str | None) -> Source:
    try:
        root = git(path, "rev-parse", "--show-toplevel")
        git(path, "rev-parse", "--verify", "--quiet", f"{ref or 'HEAD'}^{{commit}}")
    except ProgramError as error:
        if "dubious ownership" in error.output:
            raise CommandError(
                f"The template {path} belongs to another user, and git refuses to read it: "
                f"`git config --global --add safe.directory {path}` allows it."
            ) from error
        is_repository = "not a git repository" not in error.output
        problem = f"has no revision {ref or 'HEAD'}" if is_repository else "is not a git repository"
        raise CommandError(
            f"The template {path} {problem}: a project made from it could not be updated."
        ) from error
    if Path(root).resolve() != path:
        raise CommandError(f"The template {path} is not the root of its git repository {root}.")
    return Source(str(path), ref or "HEAD", path, is_checkout=True)


def _clone(url: str, ref: str | None, folder: Path) -> Source:
    tree = folder / "template"
    try:
        git(folder, "clone", "--quiet", "--no-checkout", "--", expand(url), tree.name)
    except ProgramError as error:
        raise CommandError(f"The template {url} cannot be read: {error}") from error
    revision = ref or _latest_release(git(tree, "tag").splitlines())
    try:
        git(tree, "checkout", "--quiet", "--detach", revision)
    except ProgramError as error:
        raise CommandError(f"The template {url} has no revision {revision}.") from error
    return Source(_find_recorded(url, tree), revision, tree, is_checkout=False)


def _find_recorded(url: str, tree: Path) -> str:
    """Return the address to record: the plain URL if git can read it, since Renovate can then."""
    plain = to_plain(url)
    if plain.removeprefix("git+") == expand(url):
        return plain
    try:
        git(tree, "ls-remote", "--quiet", "--exit-code", "--", plain, "HEAD")
    except ProgramError:
        return f"git+{expand(url)}"
    return plain


def _latest_release(tags: list[str]) -> str:
    """Return the highest version that is not a pre-release, or HEAD."""
    releases: dict[Version, str] = {}
    for tag in tags:
        with suppress(InvalidVersion):
            releases[Version(tag)] = tag
    final = [version for version in releases if not version.is_prerelease]
    return releases[max(final)] if final else "HEAD"


def _installed_from() -> str:
    """Return the origin of this distribution (PEP 610), or the URL in its metadata."""
    try:
        installed = distribution(_DISTRIBUTION)
    except PackageNotFoundError as error:
        raise CommandError(f"Name the template: pass --template or set {_VARIABLE}.") from error
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    url = str(origin.get("url", ""))
    if "vcs_info" in origin:
        return f"git+{url}"
    if "dir_info" in origin:
        return unquote(urlsplit(url).path)
    for entry in installed.metadata.get_all("Project-URL") or []:
        label, _, address = entry.partition(", ")
        if label == "Repository":
            return str(address)
    raise CommandError(f"Name the template: pass --template or set {_VARIABLE}.")
