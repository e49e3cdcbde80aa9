"""Commands that the documents of a service name are those that a stage or a test runs."""

import re

from tests.support.rendered import MATRIX, Render

DOCUMENTS = ("README.md", "AGENTS.md", "docs/deploying.md", "docs/auth.md", "docs/jobs.md")
# By the start of a command, the proof that runs it.
PROVEN = {
    "uv sync": "stage install",
    "uv run alembic upgrade head": "stage migrate",
    "uv run alembic revision": "tests/support/proofs.py",
    "uv run celery -A app.worker worker": "stage boot",
    "uv run fastapi dev": "tests/commands/test_new_process.py",
    "uv run fastapi run": "stage boot",
    "uv run mypy": "stage types",
    "uv run pytest": "stage test",
    "uv run python -m app.auth mint": "stage boot",
    "uv run python -m app.jobs": "tests/services/test_job_workers.py",
    "uv run python -m app.users": "stage boot",
    "uv run ruff": "stage lint",
    "uv run uvicorn app.main:app": "tests/verify/test_images.py, as the command of the image",
    "uv audit": "tests/verify/test_pipelines.py",
    "uv lock": "stage install",
    "uv export": "tests/template/test_supply_chain.py",
    "uv run --no-dev": "tests/template/test_supply_chain.py",
    "docker build": "tests/verify/test_images.py",
    "docker compose": "tests/verify/test_documented_containers.py; `up` by its schema only",
    "docker run": "tests/verify/test_documented_containers.py, except servers of the user",
    "kubectl": "tests/template/test_operations.py, by schemas and kustomize only",
    "pg_dump": "tests/services/test_backups.py",
    "pg_restore": "tests/services/test_backups.py",
    "uvx pre-commit install": "nothing: writes a hook, whose commands are those of the stages",
    "copier update": "tests/projects/",
    "uv tool install": "nothing: installs a tool of the user",
}
_COMMAND = re.compile(
    r"(?m)(?:^|`|&& )((?:uv|uvx|docker|kubectl|copier(?= update)|pg_\w+) [a-z-][^`\n]*)"
)


def test_documented_commands_are_proven(render: Render) -> None:
    commands = {
        command
        for row in MATRIX
        for name in DOCUMENTS
        if (path := render(row) / name).exists()
        for command in _COMMAND.findall(path.read_text())
    }

    assert len(commands) > len(PROVEN)
    assert [text for text in sorted(commands) if not text.startswith(tuple(PROVEN))] == []
    assert [start for start in PROVEN if not any(text.startswith(start) for text in commands)] == []
