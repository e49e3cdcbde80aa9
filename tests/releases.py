"""Releases of the template: cut one, and rebuild a repository that holds them all.

A clone may have no tags and no history, and updates must be tested from every release, so each
release leaves a snapshot of `copier.yml` and `template/` in `tests/releases/`.

`python -m tests.releases 0.2.0` cuts a release from the working tree.
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

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests" / "releases"
# The working tree, released as newer than everything.
NEXT = "1000.0.0"

_UNRELEASED = "## Unreleased"


def versions(folder: Path = FOLDER) -> list[str]:
    """All that were released, the oldest first."""
    names = [path.name.removesuffix(".tar.gz") for path in folder.glob("*.tar.gz")]
    return sorted(names, key=Version)


def unpack(version: str, destination: Path) -> None:
    with tarfile.open(FOLDER / f"{version}.tar.gz") as archive:
        archive.extractall(destination, filter="data")


def snapshot(root: Path = ROOT) -> bytes:
    """The same bytes for the same template: no times, no owners, sorted by name."""
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
    """Write version, changelog and snapshot; exits with a sentence when something is amiss."""
    project, changelog = root / "pyproject.toml", root / "CHANGELOG.md"
    folder = root / "tests" / "releases"
    released = versions(folder)
    if released and Version(version) <= Version(released[-1]):
        sys.exit(f"{version} is not newer than {released[-1]}.")
    changes = changelog.read_text(encoding="utf-8").partition(_UNRELEASED)[2].partition("\n## ")[0]
    if "What your update will show" not in changes:
        sys.exit(f'Say under "{_UNRELEASED}" in CHANGELOG.md what changed, and in a paragraph '
                 '"What your update will show" what users will see.')  # fmt: skip
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
    cut(sys.argv[1])
