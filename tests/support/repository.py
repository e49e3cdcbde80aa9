"""This repository, copies of its template, and git."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import copy, copytree

ROOT = Path(__file__).parents[2]

_TAG = re.compile(r"\{%.*?%\}")


def git(directory: Path, *arguments: str) -> str:
    """Run git and return its output."""
    return subprocess.run(
        ["git", *arguments], cwd=directory, capture_output=True, text=True, check=True
    ).stdout.strip()


def commit_all(directory: Path, message: str = "Template") -> None:
    """Initialise a repository if there is none, and commit every file."""
    git(directory, "init", "--quiet", "--initial-branch=main")
    git(directory, "add", "--all", "--force")
    git(directory, "commit", "--quiet", "--allow-empty", f"--message={message}")


def copy_template(directory: Path) -> Path:
    """Copy the template, uncommitted changes included."""
    directory.mkdir(parents=True)
    copy(ROOT / "copier.yml", directory)
    copytree(ROOT / "template", directory / "template")
    return directory


def template_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file of a template with its path in a project, conditions removed."""
    root = folder / "template"
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield _TAG.sub("", str(path.relative_to(root))).removesuffix(".jinja"), path


def list_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
