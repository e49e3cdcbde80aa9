"""No trace of what was not chosen."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

from generator.matrix import Row
from generator.options import Option, Value
from tests.rendered import MATRIX, Render


class Trace(NamedTuple):
    """What a choice brings: patterns of whole words in any case, and names of dependencies."""

    words: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()


# Option, then the choice as copier.yml writes it: what stands in no project that chose otherwise.
# "some" is any list that is not empty.
TRACES: Mapping[str, Mapping[str, Trace]] = {
    "sqlalchemy": {
        "async": Trace(
            ("AsyncSession", "async_sessionmaker", "create_async_engine", "aiosqlite", "asyncio"),
            ("aiosqlite", "greenlet"),
        ),
        "sync": Trace(("sessionmaker", "_wait_for_turn")),
    },
    "database": {
        "sqlite": Trace(("sqlite3?", "pragma", "wal"), ("aiosqlite",)),
        "postgresql": Trace(("postgres", "postgresql", "psycopg"), ("psycopg",)),
    },
    "auth": {
        "jwt": Trace(
            (
                r"secret_key\w*",
                r"refresh\w*",
                r"registration\w*",
                r"log_?ins?",
                r"login_\w+",
                "argon2",
                "pwdlib",
                "OAuth2PasswordBearer",
                "create-admin",
            ),
            ("pwdlib",),
        ),
        "oidc": Trace((r"oidc\w*", r"jwks_\w+", r"providers?", "cryptography")),
        "api_key": Trace((r"api_keys?", "APIKeyHeader", "mint")),
        "none": Trace(),
    },
    "cors_origins": {"some": Trace(("cors", r"cors_\w+", "origins?", "preflight"))},
    "background": {
        "background_tasks": Trace(("job_concurrency", "Bell")),
        "celery": Trace(
            (
                # Who has none is told how to get it.
                "(?<!background=)celery",
                r"brokers?",
                r"broker_\w+",
                r"job_handover\w*",
                "Publisher",
                "last_seen",
            ),
            ("celery", "celery-types"),
        ),
    },
    "celery_broker": {
        "redis": Trace(("redis",)),
        "rabbitmq": Trace(("rabbitmq", "amqp")),
    },
    "examples": {
        "true": Trace(
            (
                # Not the key under which every page has its rows.
                r"""(?<![."])items?(?![":])""",
                r"item_\w+",
                r"Item[A-Z]\w+",
                r"uploads?",
                r"upload_\w+",
                "examples",
                "lamp",
                r"webhooks?",
                r"webhook_\w+",
                r"announce\w*",
                r"reports?",
                "HttpClient",
                "open_http_client",
                "http_client",
                "UPSTREAM_FAILED",
            ),
        ),
        "false": Trace(),
    },
    # Asserted where it is used: a version is no word that could be searched for.
    "python_version": {"3.11": Trace(), "3.12": Trace(), "3.13": Trace(), "3.14": Trace()},
    "license": {
        "none": Trace(),
        "MIT": Trace(("MIT",)),
        "Apache-2.0": Trace(("apache",)),
        "BSD-3-Clause": Trace(("BSD",)),
    },
}

# The same for what several choices bring, each for itself.
SHARED: Mapping[tuple[tuple[str, str], ...], Trace] = {
    (("auth", "jwt"), ("auth", "oidc"), ("auth", "api_key")): Trace(
        (r"callers?", "CallerDep", "InvalidToken", r"roles?", "anonymous", "(?<!-)authenticate")
    ),
    (("auth", "jwt"), ("auth", "oidc")): Trace(("jwt", "PyJWTError"), ("pyjwt",)),
    (("auth", "jwt"), ("examples", "true")): Trace(
        ("next_cursor", "pagination"), ("python-multipart",)
    ),
}

# The answers themselves, and the words of lawyers.
NOT_SEARCHED = {".copier-answers.yml", "LICENSE"}


def written(value: Value) -> str:
    if isinstance(value, list):
        return "some" if value else "none"
    return value if isinstance(value, str) else json.dumps(value)


def not_chosen(row: Row) -> list[tuple[str, Trace]]:
    """What must not be found, and which choice would have brought it."""
    chosen = {(option, written(value)) for option, value in row.answers.items()}
    single = [
        (f"{option}={choice}", trace)
        for option, choices in TRACES.items()
        for choice, trace in choices.items()
        if (option, choice) not in chosen
    ]
    shared = [(str(any_of), trace) for any_of, trace in SHARED.items() if not chosen & {*any_of}]
    return [*single, *shared]


def texts(project: Path) -> dict[str, str]:
    paths = [path for path in project.rglob("*") if path.is_file()]
    return {str(path.relative_to(project)): path.read_text() for path in paths}


def test_the_table_names_every_choice(options: tuple[Option, ...]) -> None:
    for option in options:
        if option.kind in {"architecture", "add-on"}:
            choices = {written(choice.value) for choice in option.choices}
            if option.type == "bool":
                choices = {"true", "false"}
            elif not choices:
                choices = {"some"}
            assert TRACES[option.name].keys() == choices, option.name


def test_every_trace_stands_where_it_is_chosen(render: Render) -> None:
    """A pattern that matches nowhere would prove nothing by its absence."""
    everything = "\n".join(
        text
        for row in MATRIX
        for name, text in texts(render(row)).items()
        if name not in NOT_SEARCHED
    )
    single = [trace for choices in TRACES.values() for trace in choices.values()]
    for trace in [*single, *SHARED.values()]:
        for word in trace.words:
            assert re.search(rf"\b{word}\b", everything, re.IGNORECASE), word


def test_a_project_has_no_trace_of_what_was_not_chosen(row: Row, render: Render) -> None:
    project = render(row)
    names = {Requirement(text).name for text in dependencies(project)}
    for choice, trace in not_chosen(row):
        assert not names & set(trace.dependencies), choice
        for word in trace.words:
            pattern = re.compile(rf"\b{word}\b", re.IGNORECASE)
            for file, text in texts(project).items():
                if file in NOT_SEARCHED:
                    continue
                assert not pattern.search(f"{file}\n{text}"), (choice, file)


def dependencies(project: Path) -> list[str]:
    declared = tomllib.loads((project / "pyproject.toml").read_text())
    groups = declared["dependency-groups"].values()
    return [*declared["project"]["dependencies"], *(text for group in groups for text in group)]
