"""The commands of docs/deploying.md for containers, run in the image of the service."""

import argparse
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from generator.processes import ProgramError
from generator.project.serve import HOST, free_port, serving
from generator.template.options import Option
from generator.verify.contract.accounts import ME, Account
from generator.verify.contract.client import Client
from generator.verify.images.proof import ContainedProject, contained
from generator.verify.runtime import fresh_broker
from tests.support.images import lock_image_row, read_blocks, record_docker
from tests.support.servers import ServersFor

pytestmark = pytest.mark.slow

# Prints the address that uvicorn takes a request of the second argument for.
RESOLVE = """
import asyncio, sys
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

async def print_client(scope, receive, send):
    print(scope["client"][0])

headers = [(b"x-forwarded-for", b"203.0.113.7")]
scope = {"type": "http", "scheme": "http", "client": (sys.argv[2], 1), "headers": headers}
asyncio.run(ProxyHeadersMiddleware(print_client, sys.argv[1])(scope, None, None))
"""


def parse_run(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the arguments of `docker run`."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("--rm", "--detach", "--read-only", "--no-healthcheck"):
        parser.add_argument(name, action="store_true")
    for name in ("env-file", "name", "publish", "restart", "stop-timeout", "volume"):
        parser.add_argument(f"--{name}")
    for name in ("--cap-drop", "--security-opt"):
        parser.add_argument(name, action="append")
    parser.add_argument("image")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser.parse_args(arguments)


class Deployment:
    """Containers of a service that know the settings of production alone."""

    def __init__(self, inside: ContainedProject, settings: Mapping[str, str]) -> None:
        self.inside = inside
        self.settings = settings
        self.log = inside.data.parent / "service.log"

    def call(self, *command: str, stdin: str | None = None, **variables: str) -> str:
        settings = {**self.settings, **variables}
        return self.inside.image.call(command, self.inside.data, settings, stdin)

    def serve(self, stack: ExitStack) -> Client:
        """Run the command of the image until the stack is closed."""
        port = free_port()
        image = self.inside.image
        command = image.enter(image.command, self.inside.data)
        output = stack.enter_context(self.log.open("ab")).fileno()
        variables = image.variables(self.settings)
        stack.enter_context(serving(command, self.inside.data, port, variables, output))
        return Client(HOST, port)


def test_documented_containers(
    options: tuple[Option, ...], workspace: Path, servers_for: ServersFor, tmp_path: Path
) -> None:
    """Containers migrate, serve, get a first user, and are backed up and restored."""
    answers = {"database": "sqlite", "auth": "jwt", "celery_broker": "redis"}
    project = lock_image_row(options, workspace, servers_for, background="celery", **answers)
    (started,) = read_blocks(project.folder, "docker run")
    (build, *runs) = record_docker(started, tmp_path / "started")
    migrate, service, worker = [parse_run(arguments[1:]) for arguments in runs]
    assert build[-3:] == ["--tag", service.image, "."]
    for container in (migrate, service, worker):
        assert container.read_only
        assert container.image == service.image
        assert container.volume == f"{service.image}:/data"
        assert container.env_file == "production.env"
    assert service.command == []
    (operated,) = read_blocks(project.folder, "app.jobs list")
    create_admin, list_jobs = record_docker(operated, tmp_path / "operated")
    assert create_admin[:3] == list_jobs[:3] == ["compose", "exec", "service"]

    with contained(project) as inside, fresh_broker(project) as broker:
        settings = {"SECRET_KEY": secrets.token_hex(32), **broker}
        deployment = Deployment(inside, settings)
        deployment.call(*migrate.command)
        assert "--help" in deployment.call(*worker.command, "--help")
        admin = Account(create_admin[-1], secrets.token_hex(8))
        with ExitStack() as stack:
            client = deployment.serve(stack)
            Account.new().register(client).require_error(403, "FORBIDDEN")
            deployment.call(*create_admin[3:], stdin=f"{admin.password}\n")
            tokens = admin.obtain_tokens(client)
            user = client.with_caller(tokens.headers).get(ME).require(200)
            assert user.json["role"] == "admin"
            deployment.call(*list_jobs[3:])
            run_in_shell(deployment, "# backup\n")

        (inside.data / "app.db").unlink()
        run_in_shell(deployment, "# restore\n")
        with ExitStack() as stack:
            admin.obtain_tokens(deployment.serve(stack))
        with pytest.raises(ProgramError, match="already exists"):
            deployment.call(*create_admin[3:], stdin=f"{admin.password}\n")

        text = (project.folder / "docs/deploying.md").read_text()
        (trusted,) = re.findall(r"FORWARDED_ALLOW_IPS=(\S+)`", text)
        for gateway in ("172.17.0.1", "172.31.0.1", "192.168.240.1"):
            assert deployment.call("python", "-c", RESOLVE, trusted, gateway) == "203.0.113.7\n"
        assert deployment.call("python", "-c", RESOLVE, trusted, "8.8.8.8") == "8.8.8.8\n"


def run_in_shell(deployment: Deployment, title: str) -> None:
    """Run the lines below a title in the shell that the text opens in a container."""
    project = deployment.inside.folder
    (shell,) = read_blocks(project, "service bash\n")
    variables = shell.splitlines()[-1]
    (lines,) = read_blocks(project, title)
    # The only volume of these containers.
    script = f"{variables}\n{lines}".replace("=/backups/", "=/data/backups/")
    deployment.call("bash", "-euc", script)
