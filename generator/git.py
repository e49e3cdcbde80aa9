"""Runs git without the hooks of the user, and with chosen settings."""

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
    """Run git and return its output, stripped; raises ProgramError."""
    return run(["git", *arguments], directory, variables=_environment()).strip()


def git_bytes(directory: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run a fast git command and return its output as bytes; raises ProgramError."""
    command = ["git", *arguments]
    result = subprocess.run(
        command,
        cwd=directory,
        env=_environment(),
        input=stdin,
        capture_output=True,
        check=False,
    )
    if result.returncode:
        reason = f"failed with exit code {result.returncode}"
        raise ProgramError(command, reason, result.stderr.decode(errors="replace"))
    return result.stdout


def git_settings(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return environment variables that override git settings, hooks included."""
    first = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    overrides = {"core.hooksPath": os.devnull, **(settings or {})}
    variables = {"GIT_CONFIG_COUNT": str(first + len(overrides))}
    for number, (key, value) in enumerate(overrides.items(), first):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables


def split_paths(output: bytes) -> list[str]:
    """Split the output of a git command that ran with `-z`."""
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def _environment() -> dict[str, str]:
    return environment(LC_ALL="C", **git_settings())
