"""The address and the revision that a project records, and the warnings about them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from generator.project.answers import ANSWERS_FILE
from generator.template.addresses import to_plain
from tests.support.command import Command
from tests.support.repository import commit_all, copy_template, git

pytestmark = pytest.mark.slow

PLAIN = {
    "gh:org/template": "https://github.com/org/template",
    "gl:org/template": "https://gitlab.com/org/template",
    "git+https://github.com/org/template": "https://github.com/org/template",
    "https://github.com/org/template": "https://github.com/org/template",
    "git+https://forge.example/template.git": "https://forge.example/template.git",
    "https://forge.example/template/": "https://forge.example/template.git",
    "git+ssh://git@forge.example/template": "ssh://git@forge.example/template.git",
    "git@forge.example:org/template": "git@forge.example:org/template",
    "git+file:///srv/template": "git+file:///srv/template",
}


@pytest.mark.parametrize("url", PLAIN)
def test_plain_url(url: str) -> None:
    assert to_plain(url) == PLAIN[url]


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder with repositories over HTTP."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def bare(checkout: Path, tmp_path: Path) -> Path:
    """Clone the template as a repository that a web server can serve."""
    folder = tmp_path / "www/template"
    git(tmp_path, "clone", "--quiet", "--bare", str(checkout), str(folder))
    git(folder, "update-server-info")
    return folder


def test_plain_url_is_recorded(command: Command, bare: Path, tmp_path: Path) -> None:
    bare.with_name("template.git").symlink_to(bare)

    with served(bare.parent) as url:
        result = command("new", "shop", "--template", f"git+{url}/template")

        assert result.returncode == 0, result.stderr
        assert "Warning" not in result.stderr
        answers = yaml.safe_load((tmp_path / "shop" / ANSWERS_FILE).read_text())
        assert answers["_src_path"] == f"{url}/template.git"
        assert "Renovate" not in command("check", "shop").stdout


def test_prefix_is_recorded_with_warning(command: Command, bare: Path, tmp_path: Path) -> None:
    with served(bare.parent) as url:
        result = command("new", "shop", "--template", f"{url}/template")

        assert result.returncode == 0, result.stderr
        assert f"git+{url}/template is an address for copier only" in result.stderr
        answers = yaml.safe_load((tmp_path / "shop" / ANSWERS_FILE).read_text())
        assert answers["_src_path"] == f"git+{url}/template"
        report = command("check", "shop")
        assert report.returncode == 0, report.stderr
        assert "`fastapi-service update --from URL`" in report.stdout


def test_path_and_commit_are_warned_of(command: Command, tmp_path: Path) -> None:
    template = copy_template(tmp_path / "template")
    commit_all(template)
    git(template, "remote", "add", "origin", "https://forge.example/template.git")

    result = command("new", "shop", "--template", template)

    assert result.returncode == 0, result.stderr
    commit = git(template, "rev-parse", "--short", "HEAD")
    path, revision = [line for line in result.stderr.splitlines() if "Warning" in line]
    assert f"{template} is a folder of this machine" in path
    assert "update --from https://forge.example/template.git`" in path
    assert f"{commit} is no release" in revision
    assert "a tag such as v1.0.0" in revision
    report = command("check", "shop")
    assert report.returncode == 0, report.stderr
    assert "is a folder of this machine" in report.stdout
    assert f"{commit} is no release" in report.stdout

    (template / "template/more.txt").touch()
    commit_all(template)
    report = command("check", "shop")
    assert report.returncode == 3
    assert "The newest commit is" in report.stdout
    assert "released" not in report.stdout
