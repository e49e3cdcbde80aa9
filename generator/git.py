"""Git, which holds templates and projects."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from generator.errors import CommandError
from generator.processes import ProgramError, environment, run


def require_git() -> None:
    if not shutil.which("git"):
        raise CommandError(
            "git is not installed; on Debian `sudo apt-get install git` installs it."
        )


def git(directory: Path, *arguments: str) -> str:
    """Run git and return what it printed, without the line's end."""
    return run(["git", *arguments], directory, variables=_environment()).strip()


def git_bytes(directory: Path, *arguments: str, reads: bytes = b"") -> bytes:
    """Run a quick command of git on bytes, as contents of files and names after `-z` are."""
    command = ["git", *arguments]
    done = subprocess.run(
        command,
        cwd=directory,
        env=_environment(),
        input=reads,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        reason = f"failed with exit code {done.returncode}"
        raise ProgramError(command, reason, done.stderr.decode(errors="replace"))
    return done.stdout


def configured(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment variables with which git has these settings, whatever a user has set.

    Hooks have no say: nothing that this command does with git is an act of whoever owns a
    repository.
    """
    first = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    wanted = {"core.hooksPath": os.devnull, **(settings or {})}
    variables = {"GIT_CONFIG_COUNT": str(first + len(wanted))}
    for number, (key, value) in enumerate(wanted.items(), first):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def _environment() -> dict[str, str]:
    return environment(LC_ALL="C", **configured())


def paths(listed: bytes) -> list[str]:
    """Names that git listed after `-z`."""
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]
