"""Where the programs of servers are looked for, with programs that are made up."""

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
    """A machine with nothing on it; takes folders and the programs to put there."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setattr(PostgreSQL, "account", lambda: None)
    looked_for = Programs(
        names=("postgres", "initdb"),
        debian=f"{str(tmp_path).removeprefix('/')}/debian/*/bin",
        wheel="carrier",
        inside="install*/bin",
    )
    monkeypatch.setattr(PostgreSQL, "programs", looked_for)

    def put(folder: str, *programs: str) -> Path:
        place = tmp_path / folder
        place.mkdir(parents=True)
        for program in programs or looked_for.names:
            (place / program).touch(mode=0o755)
        if folder.startswith("packages/"):
            (tmp_path / "packages/carrier/__init__.py").touch()
        return place

    return put


def test_path_goes_before_debian_before_the_wheel(machine: Installation) -> None:
    wheel = machine("packages/carrier/install18/bin")
    assert PostgreSQL.find() == wheel
    debian = machine("debian/9/bin")
    assert PostgreSQL.find() == debian
    path = machine("path")
    assert PostgreSQL.find() == path


def test_the_newest_version_is_taken(machine: Installation) -> None:
    machine("packages/carrier/install/bin")
    machine("packages/carrier/install9/bin")
    newest = machine("packages/carrier/install18/bin")
    assert PostgreSQL.find() == newest
    machine("debian/9/bin")
    newest = machine("debian/15/bin")
    assert PostgreSQL.find() == newest


def test_a_link_on_the_path_leads_to_its_neighbours(machine: Installation) -> None:
    elsewhere = machine("elsewhere")
    path = machine("path", "psql")
    (path / "postgres").symlink_to(elsewhere / "postgres")
    assert PostgreSQL.find() == elsewhere


def test_a_folder_without_all_programs_is_passed_over(machine: Installation) -> None:
    machine("path", "postgres")
    machine("debian/15/bin", "psql")
    complete = machine("debian/14/bin")
    assert PostgreSQL.find() == complete


def test_what_another_user_cannot_reach_is_passed_over(
    machine: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("path")
    debian = machine("debian/15/bin")
    monkeypatch.setattr(local, "open_to_others", lambda folder: folder == debian)
    assert PostgreSQL.find("nobody") == debian


def test_only_what_all_users_may_enter_is_open(tmp_path: Path) -> None:
    assert open_to_others(Path("/"))
    tmp_path.chmod(0o750)
    assert not open_to_others(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing_is_named_with_what_installs_it(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _ = KINDS[kind]
    monkeypatch.setattr(server, "programs", Programs(names=("no-such-program",)))
    monkeypatch.delenv(f"TEST_{kind.upper()}_URL", raising=False)
    services = Servers()
    with pytest.raises(UnavailableError) as caught:
        services.url(kind)
    sentence = str(caught.value)
    assert sentence.startswith(f"{server.title} is not installed: `sudo apt-get install ")
    assert sentence.endswith(f" installs it, or TEST_{kind.upper()}_URL can name a running one.")
    assert "\n" not in sentence


def test_the_environment_goes_before_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalServer, "running", None)  # Cannot be started.
    for kind, (_, scheme) in KINDS.items():
        monkeypatch.setenv(f"TEST_{kind.upper()}_URL", f"{scheme}://somewhere")
        assert Servers().url(kind) == f"{scheme}://somewhere"


def test_an_address_with_a_driver_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_POSTGRESQL_URL", "postgresql+psycopg://somewhere")
    with pytest.raises(CommandError, match=r"^TEST_POSTGRESQL_URL must begin with postgresql://"):
        Servers().url("postgresql")
