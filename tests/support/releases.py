"""Releases of the template, and the script that cuts one.

A clone may have no tags, and updates are tested from every release. So each release leaves a
snapshot of `copier.yml` and `template/` in `tests/releases/`.

`python -m tests.support.releases 0.7.0` cuts a release from the working tree.
"""

import gzip
import io
import re
import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import uv
from packaging.version import Version

from tests.support.repository import ROOT

FOLDER = ROOT / "tests" / "releases"

_UNRELEASED = "## Unreleased"


def versions(folder: Path = FOLDER) -> list[str]:
    """Return the released versions, oldest first."""
    names = [path.name.removesuffix(".tar.gz") for path in folder.glob("*.tar.gz")]
    return sorted(names, key=Version)


def unpack(version: str, destination: Path) -> None:
    with tarfile.open(FOLDER / f"{version}.tar.gz") as archive:
        for entry in archive:
            path = destination / entry.name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content := archive.extractfile(entry):
                path.write_bytes(content.read())


def unpack_releases(folder: Path) -> dict[str, Path]:
    """Unpack every release below a folder; returns the folders by version."""
    unpacked = {version: folder / "releases" / version for version in versions()}
    for version, destination in unpacked.items():
        unpack(version, destination)
    return unpacked


def is_in_tree(version: str, root: Path = ROOT) -> bool:
    """Return True if the working tree has the template of this release, unchanged."""
    with tarfile.open(FOLDER / f"{version}.tar.gz") as archive:
        released = {entry.name: archive.extractfile(entry) for entry in archive}
        contents = {name: file.read() for name, file in released.items() if file}
    paths = [root / "copier.yml", *(root / "template").rglob("*")]
    return contents == {
        str(path.relative_to(root)): path.read_bytes() for path in paths if path.is_file()
    }


def snapshot(root: Path = ROOT) -> bytes:
    """Return an archive without times and owners: equal templates give equal bytes."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "copier.yml", "template"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for name in sorted(filter(None, tracked.stdout.split("\0"))):
            content = (root / name).read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def cut(version: str, root: Path = ROOT) -> None:
    """Write version, changelog and snapshot; exits with a message on invalid input."""
    project = root / "pyproject.toml"
    changelog = root / "CHANGELOG.md"
    folder = root / "tests" / "releases"
    released = versions(folder)
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        sys.exit(f"{version!r} is not a version such as 0.7.0.")
    if released and Version(version) <= Version(released[-1]):
        sys.exit(f"{version} is not newer than {released[-1]}.")
    changes = changelog.read_text(encoding="utf-8").partition(_UNRELEASED)[2].partition("\n## ")[0]
    if "Effect of an update" not in changes:
        sys.exit(
            f'Describe the changes under "{_UNRELEASED}" in CHANGELOG.md, with a paragraph '
            '"Effect of an update".'
        )
    heading = f"{_UNRELEASED}\n\n## {version} - {datetime.now(UTC):%Y-%m-%d}"
    _replace(changelog, re.escape(_UNRELEASED), heading)
    _replace(project, r'(?m)^version = ".*"$', f'version = "{version}"')
    folder.mkdir(exist_ok=True)
    (folder / f"{version}.tar.gz").write_bytes(snapshot(root))
    subprocess.run([uv.find_uv_bin(), "lock", "--quiet"], cwd=root, check=True)


def _replace(path: Path, pattern: str, text: str) -> None:
    old = path.read_text(encoding="utf-8")
    path.write_text(re.sub(pattern, lambda _: text, old, count=1), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.support.releases VERSION")
    cut(sys.argv[1])
