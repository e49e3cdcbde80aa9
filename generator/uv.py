"""The uv program, which is installed together with this command."""

import os
import shlex
import shutil
from pathlib import Path

import uv

from generator.errors import CommandError
from generator.processes import run


def uv_program() -> str:
    """Return the path of uv."""
    try:
        return os.fspath(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise CommandError("uv is not installed; `pip install uv` installs it.") from error


def uv_command() -> str:
    """Return uv as the user would type it: it may not be on PATH."""
    return "uv" if shutil.which("uv") else shlex.quote(uv_program())


def lock(project: Path) -> None:
    """Write uv.lock; raises ProgramError."""
    run([uv_program(), "lock"], project)
