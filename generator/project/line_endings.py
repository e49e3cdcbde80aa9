"""Projects that store files with CRLF: copier merges them as LF, and they get CRLF again."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.git import git, git_bytes, split_paths
from generator.project.lost_edits import list_files
from generator.project.repository import Repository

_LINK = "120000"


@dataclass(frozen=True)
class LineEndings:
    """The rendered files that HEAD has with CRLF; `prevail` if they are the majority."""

    repository: Repository
    crlf: list[str]
    prevail: bool

    def write_lf(self, folder: Path) -> None:
        """Rewrite the files of a worktree with LF, in git's index as well."""
        for path in self.crlf:
            content = (folder / path).read_bytes()
            (folder / path).write_bytes(content.replace(b"\r\n", b"\n"))
        if self.crlf:
            git(folder, "--literal-pathspecs", "add", "--force", "--", *self.crlf)

    def store_crlf(self, worktree: Path) -> None:
        """Store the files, and new ones where CRLF prevails, with CRLF in git's index.

        The filters that `.gitattributes` may name would store LF.
        """
        if not self.crlf:
            return
        prefix = self.repository.prefix
        known = self.repository.entries(self.repository.head)
        crlf = set(self.crlf)
        modes = {}
        for entry in split_paths(
            git_bytes(worktree, "ls-files", "-z", "--stage", "--", str(prefix))
        ):
            details, _, path = entry.partition("\t")
            name = str(Path(path).relative_to(prefix))
            is_new = self.prevail and name not in known
            if (name in crlf or is_new) and not details.startswith(_LINK):
                modes[path] = details.split()[0]
        for path in modes:
            content = (worktree / path).read_bytes()
            if b"\0" not in content:
                (worktree / path).write_bytes(_to_crlf(content))
        stdin = os.fsencode("".join(f"{path}\n" for path in modes))
        command = ("hash-object", "-w", "--no-filters", "--stdin-paths")
        blobs = git_bytes(worktree, *command, stdin=stdin).decode().split()
        lines = [
            f"{mode} {blob}\t{path}\0"
            for (path, mode), blob in zip(modes.items(), blobs, strict=True)
        ]
        git_bytes(worktree, "update-index", "-z", "--index-info", stdin=os.fsencode("".join(lines)))

    def convert_stages(self, stages: bytes) -> bytes:
        """Return the index entries of conflicts with CRLF in all versions of the files."""
        crlf = {str(self.repository.prefix / path) for path in self.crlf}
        entries = []
        for entry in split_paths(stages):
            details, _, path = entry.partition("\t")
            mode, blob, stage = details.split()
            if path in crlf:
                blob = self._store(_to_crlf(self.repository.contents([blob])[blob]))
            entries.append(f"{mode} {blob} {stage}\t{path}\0")
        return os.fsencode("".join(entries))

    def _store(self, content: bytes) -> str:
        command = ("hash-object", "-w", "--no-filters", "--stdin")
        return git_bytes(self.repository.root, *command, stdin=content).decode().strip()


def find_line_endings(
    repository: Repository, baseline: Path, origins: Mapping[str, str]
) -> LineEndings:
    """Examine the rendered files of HEAD. `origins` are the rendered paths of renamed files."""
    rendered = set(list_files(baseline))
    blobs = {
        path: blob
        for path, (_, blob) in repository.entries(repository.head).items()
        if origins.get(path, path) in rendered
    }
    contents = repository.contents(sorted(set(blobs.values())))
    texts = [path for path, blob in blobs.items() if contents[blob]]
    crlf = [path for path in texts if _is_crlf(contents[blobs[path]])]
    return LineEndings(repository, crlf, prevail=2 * len(crlf) > len(texts))


def _is_crlf(content: bytes) -> bool:
    """Return True if every line ends with CRLF."""
    return b"\r\n" in content and content.count(b"\r\n") == content.count(b"\n")


def _to_crlf(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
