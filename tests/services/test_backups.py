"""The commands of docs/deploying.md: a backup, its restore, and the systemd unit."""

import os
import re
import shutil
import subprocess
from pathlib import Path

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


def read_block(project: Path, title: str) -> str:
    """Return the shell commands below a comment."""
    text = (project / "docs/deploying.md").read_text()
    (block,) = re.findall(rf"(?ms)^```sh\n# {title}\n(.*?)^```$", text)
    return str(block)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_backup_is_restored(
    database: str,
    options: tuple[Option, ...],
    servers_for: ServersFor,
    workspace: Path,
    tmp_path: Path,
) -> None:
    """Rows and uploads of a running service are there on another machine."""
    row = row_with(options, database=database, auth="none", background="background_tasks")
    servers_for(row)
    project = install_row(row, workspace)
    places = {"BACKUP": str(tmp_path / "backup"), "UPLOADS": str(tmp_path / "uploads")}
    (tmp_path / "backup").mkdir()

    def execute(title: str, url: str, uploads: str) -> None:
        path = url.removeprefix("sqlite:///")
        variables = environment(
            **{**places, "UPLOADS": uploads, "DATABASE_URL": url, "DATABASE": path}
        )
        script = read_block(project.folder, title)
        run(["bash", "-eu", "-c", script], tmp_path, variables=variables)

    with fresh_database(project) as url, fresh_database(project) as other_url:
        with run_service(project, tmp_path, url, {}) as live:
            item = live.client.send_json("POST", "/api/v1/items", {"name": "lamp"}).require(201)
            form = {"Content-Type": "multipart/form-data; boundary=x"}
            file = live.client.send("POST", "/api/v1/files", form, FORM).require(201)
            execute("backup", url, places["UPLOADS"])
        shutil.rmtree(tmp_path / "uploads")
        execute("restore", other_url, places["UPLOADS"])
        with run_service(project, tmp_path, other_url, {}) as live:
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
