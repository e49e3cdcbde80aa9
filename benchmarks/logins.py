"""Logins at a steady rate, in a process of its own.

    python -m benchmarks.logins PORT PER_SECOND SECONDS

Each has a wrong password for an unknown user, which costs as much as a right one for a known user.
"""

import secrets
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.client import HTTPConnection
from urllib.parse import urlencode

from benchmarks.load import PASSWORD, form_type
from generator.project.serve import HOST


def try_login(port: int) -> None:
    name = f"{secrets.token_hex(8)}@example.com"
    form = urlencode({"username": name, "password": PASSWORD}).encode()
    connection = HTTPConnection(HOST, port, timeout=30)
    connection.request("POST", "/api/v1/auth/token", form, form_type())
    response = connection.getresponse()
    response.read()
    connection.close()
    if response.status != HTTPStatus.UNAUTHORIZED:
        sys.exit(f"A login returned {response.status} instead of 401.")


def main(port: int, per_second: int, seconds: int) -> None:
    with ThreadPoolExecutor(per_second) as threads:
        attempts = []
        for _ in range(per_second * seconds):
            attempts.append(threads.submit(try_login, port))
            time.sleep(1 / per_second)
        for attempt in attempts:
            attempt.result()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
