"""The search for the programs of servers: environment, PATH, Debian's folders, wheels."""

from collections.abc import Callable
from pathlib import Path

import pytest

from generator.errors import CommandError
from generator.verify.servers import KINDS, Servers, UnavailableError, local
from generator.verify.servers.local import LocalServer
from generator.verify.servers.postgresql import PostgreSQL
from generator.verify.servers.programs import Programs, open_to_others

Installation = Callable[..., Path]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Hide the programs of this machine; return a function that installs empty programs."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setattr(PostgreSQL, "account", lambda: None)
    searched = Programs(
        names=("postgres", "initdb"),
        debian=f"{str(tmp_path).removeprefix('/')}/debian/*/bin",
        wheel="carrier",
        inside="install*/bin",
    )
    monkeypatch.setattr(PostgreSQL, "programs", searched)

    def install(folder: str, *programs: str) -> Path:
        path = tmp_path / folder
        path.mkdir(parents=True)
        for program in programs or searched.names:
            (path / program).touch(mode=0o755)
        if folder.startswith("packages/"):
            (tmp_path / "packages/carrier/__init__.py").touch()
        return path

    return install


def test_order_is_path_debian_wheel(machine: Installation) -> None:
    wheel = machine("packages/carrier/install18/bin")
    assert PostgreSQL.find() == wheel
    debian = machine("debian/9/bin")
    assert PostgreSQL.find() == debian
    path = machine("path")
    assert PostgreSQL.find() == path


def test_newest_version_wins(machine: Installation) -> None:
    machine("packages/carrier/install/bin")
    machine("packages/carrier/install9/bin")
    newest = machine("packages/carrier/install18/bin")
    assert PostgreSQL.find() == newest
    machine("debian/9/bin")
    newest = machine("debian/15/bin")
    assert PostgreSQL.find() == newest


def test_link_on_path_is_followed(machine: Installation) -> None:
    elsewhere = machine("elsewhere")
    path = machine("path", "psql")
    (path / "postgres").symlink_to(elsewhere / "postgres")
    assert PostgreSQL.find() == elsewhere


def test_incomplete_folder_is_skipped(machine: Installation) -> None:
    machine("path", "postgres")
    machine("debian/15/bin", "psql")
    complete = machine("debian/14/bin")
    assert PostgreSQL.find() == complete


def test_unreachable_folder_is_skipped(
    machine: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("path")
    debian = machine("debian/15/bin")
    monkeypatch.setattr(local, "open_to_others", lambda folder: folder == debian)
    assert PostgreSQL.find("nobody") == debian


def test_closed_folder_is_not_open(tmp_path: Path) -> None:
    assert open_to_others(Path("/"))
    tmp_path.chmod(0o750)
    assert not open_to_others(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_error_names_install_command(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server, _ = KINDS[kind]
    monkeypatch.setattr(server, "programs", Programs(names=("no-such-program",)))
    monkeypatch.delenv(f"TEST_{kind.upper()}_URL", raising=False)
    servers = Servers()
    with pytest.raises(UnavailableError) as caught:
        servers.url(kind)
    sentence = str(caught.value)
    assert sentence.startswith(f"{server.title} is not installed: `sudo apt-get install ")
    assert sentence.endswith(f" installs it, or TEST_{kind.upper()}_URL can name a running one.")
    assert "\n" not in sentence


def test_variable_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalServer, "running", None)  # No server can be started.
    for kind, (_, scheme) in KINDS.items():
        monkeypatch.setenv(f"TEST_{kind.upper()}_URL", f"{scheme}://somewhere")
        assert Servers().url(kind) == f"{scheme}://somewhere"


def test_url_with_driver_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_POSTGRESQL_URL", "postgresql+psycopg://somewhere")
    with pytest.raises(CommandError, match=r"^TEST_POSTGRESQL_URL must begin with postgresql://"):
        Servers().url("postgresql")
