"""A project has no residue of options that were not chosen."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

from generator.template.options import Option, Value
from generator.verify.matrix.rows import Row
from tests.support.rendered import MATRIX, Render, list_dependencies


class Trace(NamedTuple):
    """The residue of a choice: patterns of whole words, and names of dependencies."""

    words: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()


# Option, choice, and its traces, which no project without the choice may contain.
# "some" is any list that is not empty.
TRACES: Mapping[str, Mapping[str, Trace]] = {
    "sqlalchemy": {
        "async": Trace(
            ("AsyncSession", "async_sessionmaker", "create_async_engine", "aiosqlite", "asyncio"),
            ("aiosqlite", "greenlet"),
        ),
        "sync": Trace(("sessionmaker", "run_in_threadpool")),
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
    "cors_origins": {"some": Trace(("cors", r"cors_\w+", "preflight"))},
    "background": {
        "background_tasks": Trace(("JOB_CONCURRENCY=0",)),
        "celery": Trace(
            (
                # The README of other services says how to switch.
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
                # Except the key of a page.
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
            ),
        ),
        "false": Trace(),
    },
    "ci": {
        "github": Trace(("github/workflows", "runs-on")),
        "gitlab": Trace((r"gitlab\w*",)),
        "none": Trace(),
    },
    "container": {
        "true": Trace(("compose", "dockerfile", "devcontainers?")),
        "false": Trace(),
    },
    "kubernetes": {
        "true": Trace(("kubernetes", "kubectl", r"kustomiz\w+", "pods?", "networkpolicy")),
        "false": Trace(),
    },
    "telemetry": {
        "none": Trace(),
        "prometheus": Trace(("prometheus", r"metrics_\w+", "monitoring"), ("prometheus-client",)),
        "opentelemetry": Trace(
            ("opentelemetry", "otel", r"otel_\w+", "otlp", "tracing", "traces", r"trace_\w+"),
            ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"),
        ),
    },
    # A version is not a word to search for; `test_render` checks its use.
    "python_version": {"3.11": Trace(), "3.12": Trace(), "3.13": Trace(), "3.14": Trace()},
    "license": {
        "none": Trace(),
        "MIT": Trace(("MIT",)),
        "Apache-2.0": Trace(("apache",)),
        "BSD-3-Clause": Trace(("BSD",)),
    },
}

# Traces that several choices bring.
SHARED: Mapping[tuple[tuple[str, str], ...], Trace] = {
    (("auth", "jwt"), ("auth", "oidc"), ("auth", "api_key")): Trace(
        (r"callers?", "CallerDep", "InvalidToken", r"roles?", "anonymous", "(?<!-)authenticate")
    ),
    (("auth", "jwt"), ("auth", "oidc")): Trace(("jwt", "PyJWTError"), ("pyjwt",)),
    (("auth", "jwt"), ("examples", "true")): Trace((), ("python-multipart",)),
    (("telemetry", "prometheus"), ("telemetry", "opentelemetry")): Trace(("metrics", "telemetry")),
    (("ci", "github"), ("ci", "gitlab")): Trace(("renovate", "pipeline")),
}

NOT_SEARCHED = {".copier-answers.yml", "LICENSE"}


def written(value: Value) -> str:
    if isinstance(value, list):
        return "some" if value else "none"
    return value if isinstance(value, str) else json.dumps(value)


def not_chosen(row: Row) -> list[tuple[str, Trace]]:
    """Return the traces that must be absent, with their choices."""
    chosen = {(option, written(value)) for option, value in row.answers.items()}
    single = [
        (f"{option}={choice}", trace)
        for option, choices in TRACES.items()
        for choice, trace in choices.items()
        if (option, choice) not in chosen
    ]
    shared = [(str(any_of), trace) for any_of, trace in SHARED.items() if not chosen & {*any_of}]
    return [*single, *shared]


def read_searched(project: Path) -> dict[str, str]:
    """Return the texts that are searched, each with its path."""
    texts = {}
    for path in project.rglob("*"):
        name = str(path.relative_to(project))
        if path.is_file() and name not in NOT_SEARCHED:
            texts[name] = f"{name}\n{path.read_text()}"
    return texts


def test_table_has_every_choice(options: tuple[Option, ...]) -> None:
    for option in options:
        if option.kind in {"architecture", "add-on"}:
            choices = {written(choice.value) for choice in option.choices}
            if option.type == "bool":
                choices = {"true", "false"}
            elif not choices:
                choices = {"some"}
            assert TRACES[option.name].keys() == choices, option.name


def test_every_trace_occurs(render: Render) -> None:
    """The absence of a pattern that matches nowhere would prove nothing."""
    texts = {text for row in MATRIX for text in read_searched(render(row)).values()}
    everything = "\n".join(texts)
    single = [trace for choices in TRACES.values() for trace in choices.values()]
    for trace in [*single, *SHARED.values()]:
        for word in trace.words:
            assert re.search(rf"\b{word}\b", everything, re.IGNORECASE), word


def test_no_residue(row: Row, render: Render) -> None:
    project = render(row)
    names = {Requirement(text).name for text in list_dependencies(project)}
    texts = read_searched(project)
    for choice, trace in not_chosen(row):
        assert not names & set(trace.dependencies), choice
        for word in trace.words:
            pattern = re.compile(rf"\b{word}\b", re.IGNORECASE)
            for file, text in texts.items():
                assert not pattern.search(text), (choice, file)
