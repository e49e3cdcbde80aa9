"""Builds images with buildah, without a daemon and without a registry.

The base image, which a Dockerfile names, is made of Debian's packages: Python and the libraries
of the official image.
"""

import json
import platform
import re
import shlex
import shutil
import ssl
import time
from pathlib import Path
from typing import Any

from filelock import FileLock

from generator.errors import CommandError
from generator.processes import environment, run
from generator.verify.images.container import Image
from generator.verify.servers import UnavailableError

PROGRAMS = ("buildah", "mmdebstrap")
_BUILD_SECONDS = 600
# Without a registry, and with the network of this machine. Only Docker's format has health checks.
_BUILD_OPTIONS = [
    *("--isolation", "chroot"),
    *("--network", "host"),
    *("--format", "docker"),
    "--pull-never",
]
_PACKAGES = (
    "base-files,base-passwd,bash,coreutils,dash,debconf,diffutils,findutils,grep,gzip,libc-bin,"
    "libstdc++6,netbase,perl-base,python3-venv,sed,tar,tzdata"
)
_CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
_COMMIT_BASE = """
container=$("$@" from scratch)
root=$("$@" mount "$container")
cp --archive "$files/." "$root"
"$@" config --env PATH=/usr/local/bin:/usr/bin:/bin "$container"
"$@" config --env PIP_CERT="$certificates" --env SSL_CERT_FILE="$certificates" "$container"
"$@" commit --rm "$container" localhost/base
"""
_COPY_FILES = """
container=$("$@" from --pull-never "$image")
root=$("$@" mount "$container")
cp --archive "$root/." "$target"
"$@" rm "$container"
"""


class Buildah:
    """A store of images in a workspace, which all processes share."""

    def __init__(self, workspace: Path) -> None:
        self._folder = workspace / "images"
        self._folder.mkdir(exist_ok=True)
        self._lock = FileLock(workspace / "images.lock")

    @staticmethod
    def require() -> None:
        """Raise UnavailableError unless images can be built here."""
        missing = [program for program in PROGRAMS if shutil.which(program) is None]
        if missing:
            raise UnavailableError(
                f"{missing[0]} is not installed: `sudo apt-get install {' '.join(PROGRAMS)}` "
                "installs it."
            )
        try:
            run(["unshare", "--mount", "true"], Path("/"))
        except (CommandError, OSError) as error:
            raise UnavailableError(
                "Images need mounts, which only root may make: use sudo, or a privileged container."
            ) from error

    def build(self, project: Path, name: str) -> Image:
        """Build the image of a project and copy its files, once for all processes."""
        self.require()
        root = self._folder / name
        with self._lock:
            report = self._folder / f"{name}.json"
            if not report.exists():
                report.write_text(json.dumps(self._build(project, name)))
                root.mkdir()
                self._run(_COPY_FILES, image=f"localhost/{name}", target=str(root))
        built: dict[str, Any] = json.loads(report.read_text())
        return Image(name, root, built["config"], built["megabytes"], built["seconds"])

    def docker(self, project: Path) -> str:
        """Return a shell command that takes the arguments of `docker build` for the project."""
        with self._lock:
            self._provide_base(_read_base(project))
        return shlex.join(self._command("bud", *_BUILD_OPTIONS))

    def _build(self, project: Path, name: str) -> dict[str, object]:
        self._provide_base(_read_base(project))
        began = time.monotonic()
        tag = f"localhost/{name}"
        self._call("bud", *_BUILD_OPTIONS, "--tag", tag, str(project))
        seconds = time.monotonic() - began
        config = json.loads(self._call("inspect", "--type", "image", tag))["Docker"]["config"]
        (listed,) = json.loads(self._call("images", "--json", tag))
        return {"config": config, "megabytes": _to_megabytes(listed["size"]), "seconds": seconds}

    def _provide_base(self, name: str) -> None:
        """Give the base the name in the Dockerfile, whose Python may be another one."""
        if not (self._folder / "base").exists():
            self._make_base()
        self._call("tag", "localhost/base", name)

    def _make_base(self) -> None:
        root = self._folder / "unfinished"
        suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
        options = ["--mode=root", "--variant=custom", f"--include={_PACKAGES}"]
        options += ["--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/doc/*"]
        command = ["unshare", "--mount", "mmdebstrap", *options, suite, str(root)]
        run(command, self._folder, seconds=_BUILD_SECONDS)
        # Builds reach the package index as this machine does.
        authorities = ssl.get_default_verify_paths().cafile
        if authorities:
            (root / _CERTIFICATES).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(authorities, root / _CERTIFICATES)
        # An environment, since Debian's own Python refuses `pip install`.
        run(["chroot", str(root), "python3", "-m", "venv", "/usr/local"], self._folder)
        self._run(_COMMIT_BASE, files=str(root), certificates=f"/{_CERTIFICATES}")
        root.rename(self._folder / "base")

    def _command(self, command: str, *arguments: str) -> list[str]:
        """Return a command whose mounts end with it."""
        return ["unshare", "--mount", *self._store(), command, *arguments]

    def _store(self) -> list[str]:
        store = [f"--root={self._folder}/storage", f"--runroot={self._folder}/run"]
        return ["buildah", *store, "--storage-driver", _storage_driver()]

    def _call(self, command: str, *arguments: str) -> str:
        return run(self._command(command, *arguments), self._folder, seconds=_BUILD_SECONDS)

    def _run(self, script: str, **variables: str) -> None:
        """Run a script with buildah as its arguments."""
        command = ["unshare", "--mount", "/bin/sh", "-euc", script, "sh", *self._store()]
        settings = environment(**variables)
        run(command, self._folder, variables=settings, seconds=_BUILD_SECONDS)


def _storage_driver() -> str:
    """Return overlay where it is possible: not on top of another overlay."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return "vfs" if ["/", "overlay"] in [mount[1:3] for mount in mounts] else "overlay"


def _read_base(project: Path) -> str:
    found = re.search(r"(?m)^ARG BASE=(\S+)$", (project / "Dockerfile").read_text())
    if not found:
        raise CommandError("The Dockerfile names no base: `ARG BASE=...` is missing.")
    return found[1]


def _to_megabytes(size: str) -> float:
    number, unit = size.split()
    return float(number) * {"kB": 0.001, "KB": 0.001, "MB": 1, "GB": 1000}[unit]
