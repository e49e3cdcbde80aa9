"""Follows rendered files that the team renamed or deleted.

Copier changes only files at their rendered paths. Before it merges, renamed files are moved back to
them, and deleted ones are restored; afterwards they are moved and deleted again.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from pathspec import GitIgnoreSpec

from generator.git import git, git_bytes, split_paths
from generator.project.lost_edits import Risk, count_changed_lines, format_count, list_files
from generator.project.repository import Repository

_LITERAL = ("--literal-pathspecs",)


@dataclass(frozen=True)
class Moves:
    """Rendered paths that a project lacks: `renamed` with their new paths, and `deleted` ones."""

    renamed: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)

    @property
    def origins(self) -> dict[str, str]:
        """The rendered path of each renamed file."""
        return {new: old for old, new in self.renamed.items()}

    def put_back(self, folder: Path, baseline: Path) -> None:
        """Move and restore the files to their rendered paths, in git's index as well."""
        if not self.renamed and not self.deleted:
            return
        contents = {old: (folder / new).read_bytes() for old, new in self.renamed.items()}
        modes = {old: (folder / new).stat().st_mode for old, new in self.renamed.items()}
        for new in self.renamed.values():
            (folder / new).unlink()
        for path, content in contents.items():
            _make_parent(folder / path)
            (folder / path).write_bytes(content)
            (folder / path).chmod(modes[path])
        for path in self.deleted:
            _make_parent(folder / path)
            shutil.copy2(baseline / path, folder / path, follow_symlinks=False)
        git(folder, *_LITERAL, "add", "--force", "--", *self.renamed, *self.deleted)
        git(folder, "add", "--all", "--", ".")

    def take_away(self, folder: Path, baseline: Path, head: str) -> list[Risk]:
        """Undo `put_back` after a merge, and list the changes that have no file to go to."""
        risks = []
        for old, new in self.renamed.items():
            if (folder / new).exists():
                risks.append(Risk(new, "the template adds a file of that name; yours is kept"))
            _make_parent(folder / new)
            if (folder / old).is_file():
                (folder / old).replace(folder / new)
            else:  # The change deletes the file; the renamed one belongs to the team.
                git(folder, *_LITERAL, "checkout", head, "--", new)
        for path in self.deleted:
            if not (folder / path).is_file():
                continue
            changed = (folder / path).read_bytes()
            if changed != (baseline / path).read_bytes():
                count = format_count(count_changed_lines(baseline / path, changed))
                risks.append(Risk(path, f"you deleted it, and the template changes {count} of it"))
            (folder / path).unlink()
        return risks


def find_moves(repository: Repository, baseline: Path, owned: GitIgnoreSpec) -> Moves:
    """Compare HEAD with the baseline. Files that belong to the team are left out."""
    entries = repository.entries(repository.head)
    above = {str(parent) for path in entries for parent in Path(path).parents}
    missing = [
        path
        for path in list_files(baseline)
        if path not in entries
        and not owned.match_file(path)
        and not (baseline / path).is_symlink()
        and _is_free(path, entries, above)
    ]
    if not missing:
        return Moves()
    renamed = _find_renamed(repository, baseline)
    return Moves(
        {path: renamed[path] for path in missing if path in renamed},
        sorted(path for path in missing if path not in renamed),
    )


def _is_free(path: str, entries: Iterable[str], folders: Iterable[str]) -> bool:
    """Return False when the project has a folder at the path, or a file or a link above it."""
    return path not in folders and not any(str(parent) in entries for parent in Path(path).parents)


def _find_renamed(repository: Repository, baseline: Path) -> dict[str, str]:
    """Return the files that git considers renamed: at least half of their content is equal."""
    root = repository.root
    objects = git(root, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    below = "" if repository.folder == root else repository.prefix
    head = git(root, "rev-parse", f"{repository.head}:{below}")
    hashes = git(root, "rev-parse", "--show-object-format")
    with TemporaryDirectory(prefix="fastapi-service-") as name:
        folder = Path(name)
        git(folder, "init", "--quiet", "--bare", f"--object-format={hashes}")
        (folder / "objects/info/alternates").write_text(f"{objects}\n")
        here = (f"--git-dir={folder}", f"--work-tree={baseline}")
        git(baseline, *here, "add", "--all", "--force")
        tree = git(folder, *here, "write-tree")
        options = ("-r", "-z", "-M", "-l0", "--no-rename-empty", "--name-status", "--diff-filter=R")
        output = split_paths(git_bytes(folder, *here, "diff-tree", *options, tree, head))
    return dict(zip(output[1::3], output[2::3], strict=True))


def _make_parent(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
