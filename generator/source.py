"""Where the template comes from, and whether a project made from it could be updated."""

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

from generator.addresses import git_address, holds_credentials, is_url, recorded
from generator.console import step
from generator.errors import CommandError, UsageError
from generator.git import git, require_git
from generator.processes import ProgramError

_DISTRIBUTION = "fastapi-service-generator"
_VARIABLE = "FASTAPI_SERVICE_TEMPLATE"


@dataclass(frozen=True)
class Source:
    """A template that copier can render.

    `location` is what a project records as its origin, `ref` the revision to render, `tree` a
    local folder with copier.yml at that revision (for a checkout: as it lies there).
    """

    location: str
    ref: str
    tree: Path
    is_checkout: bool

    @property
    def version(self) -> str:
        """The release, or the commits since then, as projects record it."""
        return self.described(self.ref)

    def described(self, ref: str) -> str:
        return git(self.tree, "describe", "--tags", "--always", ref)

    def definition(self) -> str:
        """Text of copier.yml at the revision; for a dirty checkout with its changes."""
        if self.ref != "HEAD":
            try:
                return git(self.tree, "show", f"{self.ref}:copier.yml")
            except ProgramError as error:
                raise CommandError(
                    f"{self.location} is no template at {self.ref}: it has no copier.yml."
                ) from error
        path = self.tree / "copier.yml"
        if not path.is_file():
            raise CommandError(f"{self.location} is no template: it has no copier.yml.")
        return path.read_text(encoding="utf-8")

    @property
    def latest(self) -> str:
        """The tag of the latest release, or HEAD where nothing was released: copier's rule."""
        return _latest_release(git(self.tree, "tag").splitlines())

    def commit(self, ref: str) -> str:
        """Hash of the commit that a tag, a branch or what a project recorded stands for.

        Raises CommandError when the template has no such commit.
        """
        for name in (ref, f"refs/remotes/origin/{ref}"):
            with suppress(ProgramError):
                return git(self.tree, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        raise CommandError(f"The template {self.location} has no revision {ref}.")

    def includes(self, old: str, new: str) -> bool:
        """Whether the second commit came after the first, or is the same."""
        try:
            git(self.tree, "merge-base", "--is-ancestor", old, new)
        except ProgramError:
            return False
        return True

    def require_clean(self, mend: str = "commit them, or pass --allow-dirty") -> None:
        """Refuse changes without a commit: a project rendered from them cannot be updated."""
        if self.is_checkout and self.ref == "HEAD" and git(self.tree, "status", "--porcelain"):
            raise CommandError(
                f"The template {self.location} has uncommitted changes, so the project could not "
                f"be updated: {mend}."
            )


@contextmanager
def opened(template: str | None, ref: str | None = None) -> Iterator[Source]:
    """Find the template that was asked for, or else the one this command was installed from.

    Raises CommandError when there is none, UsageError when its address holds credentials.
    """
    require_git()
    wanted = template or os.environ.get(_VARIABLE) or _installed_from()
    path = Path(wanted).expanduser()
    if path.is_dir() and not _is_bare(path):
        yield _checkout(path.resolve(), ref)
        return
    if path.is_dir():
        wanted = f"git+file://{path.resolve()}"
    if holds_credentials(wanted):
        raise UsageError(
            "The template's address holds credentials, which the project would record: "
            "use SSH or a git credential helper, and an address without them."
        )
    if not is_url(wanted):
        raise CommandError(f"There is no template at {wanted}: name a git checkout or a git URL.")
    with tempfile.TemporaryDirectory(prefix="fastapi-service-") as folder:
        with step(f"Fetching {wanted}"):
            source = _cloned(wanted, ref, Path(folder))
        yield source


def _is_bare(path: Path) -> bool:
    try:
        return git(path, "rev-parse", "--is-bare-repository") == "true"
    except ProgramError:
        return False


def _checkout(path: Path, ref: str | None) -> Source:
    try:
        root = git(path, "rev-parse", "--show-toplevel")
        git(path, "rev-parse", "--verify", "--quiet", f"{ref or 'HEAD'}^{{commit}}")
    except ProgramError as error:
        known = "not a git repository" not in error.output
        problem = f"has no revision {ref or 'HEAD'}" if known else "is not a git repository"
        if "dubious ownership" in error.output:
            raise CommandError(
                f"The template {path} belongs to another user, and git refuses to read it: "
                f"`git config --global --add safe.directory {path}` allows it."
            ) from error
        raise CommandError(
            f"The template {path} {problem}: a project made from it could not be updated."
        ) from error
    if Path(root).resolve() != path:
        raise CommandError(f"The template {path} is not the root of its git repository {root}.")
    return Source(str(path), ref or "HEAD", path, is_checkout=True)


def _cloned(url: str, ref: str | None, folder: Path) -> Source:
    try:
        git(folder, "clone", "--quiet", "--no-checkout", "--", git_address(url), "template")
        tree = folder / "template"
        revision = ref or _latest_release(git(tree, "tag").splitlines())
        git(tree, "checkout", "--quiet", "--detach", revision)
    except ProgramError as error:
        raise CommandError(f"The template {url} cannot be read: {error}") from error
    return Source(recorded(url), revision, tree, is_checkout=False)


def _latest_release(tags: list[str]) -> str:
    """The highest version that is not a pre-release, or HEAD: the rule of copier."""
    releases: dict[Version, str] = {}
    for tag in tags:
        try:
            version = Version(tag)
        except InvalidVersion:
            continue
        if not version.is_prerelease:
            releases[version] = tag
    return releases[max(releases)] if releases else "HEAD"


def _installed_from() -> str:
    """Where this distribution was installed from (PEP 610), else the URL in its metadata."""
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
