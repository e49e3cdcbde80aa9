"""RabbitMQ for tests, with the port mapper of Erlang."""

import json
import shutil
import struct
from pathlib import Path

from generator.processes import environment, stop
from generator.project.serve import HOST
from generator.verify.servers.local import LocalServer, Process, UnavailableError, pick_port
from generator.verify.servers.programs import Programs


class RabbitMQ(LocalServer):
    title = "RabbitMQ"
    programs = Programs(
        # The program on PATH is Debian's wrapper, which changes the user.
        names=("rabbitmq-server", "rabbitmq-env"),
        debian="usr/lib/rabbitmq/lib/*/sbin",
    )
    install = ("sudo apt-get install rabbitmq-server",)
    greeting = b"AMQP\x00\x00\x09\x01"
    # Each adds a second to the start.
    HOSTS = 4
    answer = b"\x01"  # A method frame: the server accepts this version.

    def __init__(self, programs: Path, folder: Path, user: str | None) -> None:
        super().__init__(programs, folder, user)
        self.nodes_port = pick_port()
        self.mapper_port = pick_port()
        self.mapper: Process | None = None

    @classmethod
    def find(cls, user: str | None = None) -> Path:
        if not shutil.which("epmd"):
            raise UnavailableError(cls.how_to_install())
        return super().find(user)

    @property
    def url(self) -> str:
        return f"amqp://tests:{self.password}@{HOST}:{self.port}/0"

    def prepare(self) -> None:
        settings = {
            "listeners.tcp.1": f"{HOST}:{self.port}",
            "load_definitions": self.folder / "definitions.json",
        }
        (self.folder / "definitions.json").write_text(json.dumps(self._definitions()))
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        (self.folder / "rabbitmq.conf").write_text(lines)
        (self.folder / "environment.conf").touch()
        (self.folder / "plugins").write_text("[].\n")

    def _definitions(self) -> dict[str, object]:
        """Return one user, and virtual hosts numbered like the databases of Redis."""
        names = [str(number) for number in range(self.HOSTS)]
        full_access = {"configure": ".*", "write": ".*", "read": ".*"}
        return {
            "users": [{"name": "tests", "password": self.password, "tags": ""}],
            "vhosts": [{"name": name} for name in names],
            "permissions": [{"user": "tests", "vhost": name, **full_access} for name in names],
        }

    def command(self) -> list[str]:
        return [str(self.directory / "rabbitmq-server")]

    def variables(self) -> dict[str, str]:
        folder = str(self.folder)
        return environment(
            HOME=folder,  # Erlang stores its cookie there.
            ERL_EPMD_ADDRESS=HOST,
            ERL_EPMD_PORT=str(self.mapper_port),
            RABBITMQ_CONF_ENV_FILE=f"{folder}/environment.conf",
            RABBITMQ_CONFIG_FILE=f"{folder}/rabbitmq.conf",
            RABBITMQ_DIST_PORT=str(self.nodes_port),
            RABBITMQ_ENABLED_PLUGINS_FILE=f"{folder}/plugins",
            RABBITMQ_LOG_BASE=f"{folder}/log",
            RABBITMQ_MNESIA_BASE=f"{folder}/data",
            RABBITMQ_NODENAME="rabbit@localhost",
            RABBITMQ_PID_FILE=f"{folder}/pid",
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}",
        )

    def start(self) -> None:
        """Start the mapper first: one started by Erlang is a daemon that outlives the server."""
        port = self.mapper_port
        self.mapper = self.spawn(["epmd", "-address", HOST, "-port", str(port)], "epmd.log")
        names = struct.pack("!Hc", 1, b"n")
        self.wait_for(self.mapper, port, names, struct.pack("!I", port), "epmd.log")
        super().start()

    def stop(self) -> None:
        super().stop()
        if self.mapper:
            stop(self.mapper, seconds=10)
        self.mapper = None
