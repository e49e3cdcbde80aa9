"""A client that lies about what a service answers, and ways to lie."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

from generator.contract.client import Answer, Client, Headers

Change = Callable[[Answer], Answer]
# Before a request of a lie: only of a client who does not say who it is.
NOBODY = "nobody: "


class Lie(NamedTuple):
    """How to change the answers to some requests, which breaks the sentence that begins so."""

    sentence: str
    request: str
    # Only answers with this status are changed.
    status: int | None
    change: Change

    def __str__(self) -> str:
        return f"{self.sentence}: {self.request} {self.status}"


def status(code: int) -> Change:
    return lambda answer: replace(answer, status=code)


def header(name: str, value: str) -> Change:
    return lambda answer: replace(answer, headers={**answer.headers, name: value})


def body(change: Callable[[Any], object]) -> Change:
    def changed(answer: Answer) -> Answer:
        document = answer.json
        change(document)
        return replace(answer, body=json.dumps(document).encode())

    return changed


def error(**fields: object) -> Change:
    return body(lambda document: document["error"].update(fields))


def text(added: bytes) -> Change:
    return lambda answer: replace(answer, body=answer.body + added)


def of_code(code: str, change: Change) -> Change:
    """Only errors with this code."""
    return lambda answer: change(answer) if answer.json["error"]["code"] == code else answer


def later(first: int, change: Change) -> Change:
    """From the `first` matching answer on, counted from 1."""
    number = count(1)
    return lambda answer: change(answer) if next(number) >= first else answer


def always_the_first(name: str) -> Change:
    """The value that stood there at first."""
    seen: list[object] = []

    def changed(it: dict[str, object]) -> None:
        seen.append(it[name])
        it[name] = seen[0]

    return body(changed)


class LyingClient(Client):
    """Changes the answers to the requests that match."""

    def __init__(self, honest: Client, lie: Lie) -> None:
        super().__init__(honest.host, honest.port)
        self.caller, self.admin = honest.caller, honest.admin
        self.lie = lie

    def send(
        self,
        method: str,
        path: str,
        headers: Headers | None = None,
        body: bytes | Iterator[bytes] | None = None,
    ) -> Answer:
        answer = super().send(method, path, headers, body)
        said = [answer.request] if self.caller else [answer.request, NOBODY + answer.request]
        matches = any(line.startswith(self.lie.request) for line in said)
        wanted = self.lie.status in (None, answer.status)
        return self.lie.change(answer) if matches and wanted else answer
