"""Connections to brokers through TLS: a certificate that cannot be verified ends them."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
import trustme

from generator.template.options import Option
from generator.verify.rendered import RenderedProject
from generator.verify.runtime import fresh_broker
from tests.support.live import install_row
from tests.support.rendered import row_with

pytestmark = pytest.mark.slow

PROBE = """
import os
from pydantic import SecretStr
from app.broker import create_celery
try:
    with create_celery(SecretStr(os.environ["URL"])).connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=5)
    print("connected")
except Exception as error:
    print(repr(error))
"""


@pytest.fixture(params=["redis", "rabbitmq"])
def project(
    request: pytest.FixtureRequest, options: tuple[Option, ...], workspace: Path
) -> RenderedProject:
    row = row_with(options, background="celery", celery_broker=request.param, database="sqlite")
    return install_row(row, workspace)


@contextmanager
def terminate_tls(target: str, certificate: trustme.LeafCert) -> Iterator[int]:
    """Listen for TLS and forward to the target; yield the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    address = urlsplit(target)

    def copy(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def serve(accepted: socket.socket) -> None:
        with (
            suppress(OSError),
            context.wrap_socket(accepted, server_side=True) as client,
            socket.create_connection((address.hostname, address.port)) as server,
        ):
            back = Thread(target=copy, args=(server, client), daemon=True)
            back.start()
            copy(client, server)
            back.join()

    def listen(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=listen, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("name", "trusted", "result"),
    [
        ("127.0.0.1", True, "connected"),
        ("127.0.0.1", False, "CERTIFICATE_VERIFY_FAILED"),
        ("broker.example", True, "CERTIFICATE_VERIFY_FAILED"),
    ],
    ids=["trusted", "unknown authority", "other host"],
)
def test_broker_certificate_is_verified(
    project: RenderedProject, tmp_path: Path, name: str, *, trusted: bool, result: str
) -> None:
    authority = trustme.CA()
    known = authority if trusted else trustme.CA()
    known.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with (
        fresh_broker(project) as broker,
        terminate_tls(broker["BROKER_URL"], authority.issue_cert(name)) as port,
    ):
        plain = urlsplit(broker["BROKER_URL"])
        location = f"{plain.username or ''}:{plain.password}@127.0.0.1:{port}"
        url = plain._replace(scheme=f"{plain.scheme}s", netloc=location).geturl()
        variables = {"URL": url, "SSL_CERT_FILE": str(tmp_path / "authority.pem")}
        output = project.call("python", "-c", PROBE, seconds=60, **variables)

    assert result in output
