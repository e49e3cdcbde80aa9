"""Runs an image as a container: as its user, on a read-only root, with one writable folder."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.processes import run

# Runs in a mount namespace of its own, and becomes the program: it gets the signals.
_ENTER = """
set -e
root=$1; data=$2; user=$3; folder=$4; chroot=$5; shift 5
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --rbind /dev "$root/dev"
mount --bind /proc "$root/proc"
if [ -d "$root/data" ]; then mount --bind "$data" "$root/data"; fi
exec "$chroot" --userspec="$user" "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""
# Names of programs and files that no image may contain.
_COMPILERS = {"as", "c++", "cc", "clang", "cpp", "g++", "gcc", "ld", "make", "rustc"}
_UNWANTED = {".env", "uv", "uvx", *_COMPILERS}
_SERVICE_FILES = {".venv", "app", "migrations", "pyproject.toml", "uv.lock"}
_KERNEL_FOLDERS = {"dev", "proc", "sys"}


@dataclass(frozen=True)
class Image:
    """An image whose files are in `root`; `config` is the configuration of Docker."""

    name: str
    root: Path
    config: Mapping[str, Any]
    megabytes: float
    build_seconds: float

    @property
    def command(self) -> list[str]:
        return list(self.config["Cmd"])

    @property
    def health_check(self) -> list[str]:
        kind, *command = self.config["Healthcheck"]["Test"]
        if kind != "CMD":
            raise ValueError(f"The health check is not in exec form: {kind}")
        return list(command)

    def variables(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of the image, changed by settings."""
        own = dict(pair.split("=", 1) for pair in self.config["Env"])
        return own | dict(settings)

    def enter(self, command: Sequence[str], data: Path) -> list[str]:
        """Return the command that runs another one inside, with `data` mounted at /data."""
        user = self.config["User"]
        folder = self.config["WorkingDir"]
        paths = [str(self.root), str(data), user, folder, _find("chroot")]
        return [_find("unshare"), "--mount", "/bin/sh", "-c", _ENTER, "sh", *paths, *command]

    def call(
        self,
        command: Sequence[str],
        data: Path,
        settings: Mapping[str, str],
        stdin: str | None = None,
    ) -> str:
        """Run a command inside and return its output; raises ProgramError."""
        variables = self.variables(settings)
        return run(self.enter(command, data), data, variables=variables, seconds=120, stdin=stdin)

    def make_data(self, folder: Path) -> Path:
        """Make a folder that belongs to the user of the image."""
        folder.mkdir()
        user, group = map(int, self.config["User"].split(":"))
        os.chown(folder, user, group)
        return folder


def find_unwanted(image: Image, secrets: Sequence[str]) -> list[str]:
    """Return files that an image must not contain, and places of secrets in it."""
    home = image.root / image.config["WorkingDir"].removeprefix("/")
    unwanted = [str(path) for path in home.iterdir() if path.name not in _SERVICE_FILES]
    for folder, folders, files in os.walk(image.root):
        if Path(folder) == image.root:
            folders[:] = [name for name in folders if name not in _KERNEL_FOLDERS]
        unwanted += [f"{folder}/{name}" for name in _UNWANTED & set(files)]
        unwanted += [f"{folder}/{name}" for name in folders if name == ".git"]
        own = home in (Path(folder), *Path(folder).parents) and ".venv" not in Path(folder).parts
        for name in files if own else ():
            text = (Path(folder) / name).read_bytes()
            unwanted += [f"{folder}/{name}: a secret" for item in secrets if item.encode() in text]
    configuration = str(image.config)
    return unwanted + [f"configuration: {item}" for item in secrets if item in configuration]


def _find(program: str) -> str:
    """Return the path of a program, which the PATH of an image does not lead to."""
    for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"):
        if os.access(f"{folder}/{program}", os.X_OK):
            return f"{folder}/{program}"
    raise FileNotFoundError(program)
