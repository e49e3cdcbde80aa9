"""The commands of docs/deploying.md: a backup, its restore, and the systemd unit."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from generator.processes import environment, run
from generator.template.options import Option
from generator.verify.runtime import fresh_database
from tests.support.live import install_row, run_service
from tests.support.rendered import MATRIX, Render, row_with
from tests.support.servers import ServersFor, skip_missing

pytestmark = pytest.mark.slow

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU"
    b"\0\0\0\nIDATx\x9cc\xfa\x0f\0\x01\x05\x01\x02\xcf\xa0.\xcd\0\0\0\0IEND\xaeB`\x82"
)
FORM = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
    b"Content-Type: image/png\r\n\r\n" + PNG + b"\r\n--x--\r\n"
)


# The containers of Compose are this machine.
DOCKER = """#!/bin/sh
until [ "$1" = database ] || [ "$1" = service ]; do shift; done
shift
exec "$@"
"""


def read_block(project: Path, title: str) -> str:
    """Return the shell commands below a comment."""
    text = (project / "docs/deploying.md").read_text()
    (block,) = re.findall(rf"(?ms)^```sh\n# {title}\n(.*?)^```$", text)
    return str(block)


@dataclass(frozen=True)
class Machine:
    """A folder of a service, which belongs to the user of the service."""

    folder: Path
    backup: Path
    owner: int = 10001 if os.geteuid() == 0 else os.geteuid()

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.give(self.folder)

    def give(self, path: Path) -> None:
        os.chown(path, self.owner, -1)

    def execute(self, script: str, url: str) -> None:
        """Run a script for the database of this machine."""
        parts = urlsplit(url)
        variables = environment(
            BACKUP=str(self.backup),
            UPLOADS=str(self.folder / "uploads"),
            DATABASE_URL=url,
            DATABASE=parts.path.removeprefix("/"),
            PATH=f"{self.folder.parent / 'bin'}:{os.environ['PATH']}",
            PGHOST=parts.hostname or "",
            PGPORT=str(parts.port or ""),
            PGPASSWORD=parts.password or "",
        )
        script = script.replace("/data/", f"{self.folder}/")
        # The last word of each command in the container of the database.
        script = re.sub(r"(?m)(-T database .*?)\w+( [<>].*)?$", rf"\1{parts.path[1:]}\2", script)
        run(["bash", "-eu", "-c", script], self.folder, variables=variables)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "postgresql with Compose"])
def test_backup_is_restored(
    kind: str,
    options: tuple[Option, ...],
    servers_for: ServersFor,
    workspace: Path,
    tmp_path: Path,
) -> None:
    """Rows and uploads of a running service are there on another machine."""
    database, *suffix = kind.split(maxsplit=1)
    answers = {"auth": "none", "background": "background_tasks", "container": "true"}
    row = row_with(options, database=database, **answers)
    servers_for(row)
    project = install_row(row, workspace)
    backup = read_block(project.folder, " ".join(["backup", *suffix]))
    restore = read_block(project.folder, " ".join(["restore", *suffix]))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/docker").write_text(DOCKER)
    (tmp_path / "bin/docker").chmod(0o755)
    first, second = [Machine(tmp_path / name, tmp_path / "backup") for name in ("first", "second")]

    with fresh_database(project) as url, fresh_database(project) as other_url:
        with run_service(project, first.folder, url, {}) as live:
            first.execute(backup, url)  # There is no upload yet.
            item = live.client.send_json("POST", "/api/v1/items", {"name": "lamp"}).require(201)
            form = {"Content-Type": "multipart/form-data; boundary=x"}
            file = live.client.send("POST", "/api/v1/files", form, FORM).require(201)
            first.execute(backup, url)
        if database == "sqlite":
            second.give(Path(urlsplit(other_url).path[1:]).parent)
        second.execute(restore, other_url)
        restored = list(second.folder.glob("uploads/**/*"))
        if database == "sqlite":
            restored.append(Path(urlsplit(other_url).path[1:]))
        if not suffix:  # A container has the user of the service.
            assert {path.stat().st_uid for path in restored} == {second.owner}
        with run_service(project, second.folder, other_url, {}) as live:
            assert live.client.get(f"/api/v1/items/{item.json['id']}").json == item.json
            content = live.client.get(f"/api/v1/files/{file.json['id']}/content").require(200)
            assert content.body == PNG
            assert live.client.get("/health").require(200)


def test_units_are_valid(render: Render, tmp_path: Path) -> None:
    analyzer = shutil.which("systemd-analyze")
    if analyzer is None:
        skip_missing("systemd is not installed")
    texts = {(render(row) / "docs/deploying.md").read_text() for row in MATRIX}
    units = {re.search(r"(?ms)^```ini\n(\[Unit\].*?)^```$", text)[1] for text in texts}  # type: ignore[index]
    program = "/bin/true"
    for number, unit in enumerate(sorted(units)):
        path = tmp_path / f"service-{number}.service"
        # The programs of another machine do not exist here.
        path.write_text(re.sub(r"(?m)^(Exec\w+)=\S+", rf"\1={program}", unit))
        result = subprocess.run(
            [analyzer, "verify", path],
            env=os.environ | {"SYSTEMD_LOG_LEVEL": "warning"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.stderr == ""
        assert result.returncode == 0
