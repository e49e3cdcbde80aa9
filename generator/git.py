"""Git, which holds templates and projects."""

import os
import shutil
import subprocess
from pathlib import Path

from generator.errors import CommandError
from generator.processes import ProgramError, environment, run

# Hooks of whoever owns a repository have no say in what this command does in passing.
WITHOUT_HOOKS = ("-c", f"core.hooksPath={os.devnull}")


def require_git() -> None:
    if not shutil.which("git"):
        raise CommandError(
            "git is not installed; on Debian `sudo apt-get install git` installs it."
        )


def git(directory: Path, *arguments: str) -> str:
    """Run git and return what it printed, without the line's end."""
    return run(["git", *arguments], directory, variables=environment(LC_ALL="C")).strip()


def git_bytes(directory: Path, *arguments: str, reads: bytes = b"") -> bytes:
    """Run a quick command of git on bytes, as contents of files and names after `-z` are."""
    command = ["git", *arguments]
    done = subprocess.run(
        command,
        cwd=directory,
        env=environment(LC_ALL="C"),
        input=reads,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        reason = f"failed with exit code {done.returncode}"
        raise ProgramError(command, reason, done.stderr.decode(errors="replace"))
    return done.stdout


def paths(listed: bytes) -> list[str]:
    """Names that git listed after `-z`."""
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]
