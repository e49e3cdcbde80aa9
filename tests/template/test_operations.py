"""The files that deploy and check a service pass their linters, and each linter can fail."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from generator.template.options import Option
from generator.verify.matrix.rows import select_rows
from tests.support.linters import LINTERS, OVERLAY, unresolved_references
from tests.support.mutations import Mutation, replace_text
from tests.support.rendered import MATRIX, Render

WORKFLOW = ".github/workflows/ci.yml"
BASE = "deploy/kubernetes/base"
OVERLAY_FILE = f"{OVERLAY}/kustomization.yaml"
ANSWERS = (
    "container=true",
    "database=postgresql",
    "examples=true",
    "kubernetes=true",
)
WITH_WORKER = ("background=celery", "ci=github")

MakeProject = Callable[..., Path]

MISTAKES: list[tuple[str, Mutation]] = [
    ("hadolint", replace_text("Dockerfile", "FROM ${BASE}\n", "FROM python:latest\n")),
    ("hadolint", replace_text("Dockerfile", "STOPSIGNAL SIGTERM", "MAINTAINER me")),
    ("zizmor", replace_text(WORKFLOW, "persist-credentials: false", "clean: true")),
    ("zizmor", replace_text(WORKFLOW, "timeout-minutes", "timeout-minute")),
    (
        "zizmor",
        replace_text(
            WORKFLOW, "uv sync --locked\n", "uv sync --locked ${{ github.event.issue.title }}\n"
        ),
    ),
    ("zizmor", replace_text(WORKFLOW, "contents: read", "contents: write-all")),
    ("gitlab", replace_text(".gitlab-ci.yml", "  script:", "  scripts:")),
    ("compose", replace_text("compose.yaml", "    healthcheck:", "    healthchecks:")),
    (
        "compose",
        replace_text(".devcontainer/compose.yaml", "service_healthy", "service_is_healthy"),
    ),
    ("renovate", replace_text("renovate.json", '"7 days"', "7")),
    (
        "kubernetes",
        replace_text(f"{BASE}/deployment.yaml", "          image:", "          imagee:"),
    ),
    ("kubernetes", replace_text(f"{BASE}/deployment.yaml", "replicas: 2", "replicas: two")),
    ("kubernetes", replace_text(f"{BASE}/worker.yaml", "drop: [ALL]", "drop: ALL")),
]
DEPLOYMENT = f"{BASE}/deployment.yaml"
LISTED = f"{BASE}/kustomization.yaml"
SERVICE = f"{BASE}/service.yaml"
MOUNT = "              mountPath"
REFERENCE = "secretRef:\n                name: "
REFERENCES: list[Mutation] = [
    replace_text(LISTED, "  - service.yaml\n", ""),
    replace_text(LISTED, "  - service.yaml\n", "  - services.yaml\n"),
    replace_text(f"{BASE}/uploads.yaml", "-uploads", "-files"),
    replace_text(f"{BASE}/worker.yaml", f"uploads\n{MOUNT}", f"data\n{MOUNT}"),
    replace_text(SERVICE, 'io/name: "', 'io/name: "x'),
    replace_text(SERVICE, "targetPort: http", "targetPort: https"),
    replace_text(DEPLOYMENT, f'{REFERENCE}"', f'{REFERENCE}"x'),
    replace_text(OVERLAY_FILE, "images:\n", "images:\n  - name: x\n    newTag: y\n"),
    replace_text(OVERLAY_FILE, 'service"\n    count', 'x"\n    count'),
]


@pytest.fixture
def make_project(options: tuple[Option, ...], render: Render, tmp_path: Path) -> MakeProject:
    """Return a function that renders a project with every file for deployments."""

    def make(*answers: str) -> Path:
        row = select_rows(options, [*ANSWERS, *(answers or WITH_WORKER)])[0]
        return Path(shutil.copytree(render(row), tmp_path / "service"))

    return make


@pytest.mark.parametrize("name", LINTERS)
def test_distinct_files_pass(name: str, render: Render) -> None:
    linter = LINTERS[name]
    distinct = {path.read_bytes(): path for row in MATRIX for path in linter.files(render(row))}

    assert distinct
    assert linter.check(list(distinct.values())) == ""


def test_every_linter_has_a_mistake() -> None:
    assert {name for name, _ in MISTAKES} == LINTERS.keys()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "mutation"), MISTAKES)
def test_mistake_is_caught(name: str, mutation: Mutation, make_project: MakeProject) -> None:
    project = make_project("background=celery", f"ci={'gitlab' if name == 'gitlab' else 'github'}")
    linter = LINTERS[name]
    files = list(linter.files(project))
    assert linter.check(files) == ""
    mutation(project)

    assert linter.check(files) != ""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["null", "1e3"])
def test_name_stays_text(name: str, options: tuple[Option, ...], render: Render) -> None:
    """A name that YAML would read as another type."""
    for answers in (WITH_WORKER, ("background=background_tasks", "ci=gitlab")):
        row = select_rows(options, [*ANSWERS, *answers])[0]
        project = render(row, project_name=name)
        for linter in LINTERS.values():
            if files := list(linter.files(project)):
                assert linter.check(files) == ""
        assert unresolved_references(project) == []


def test_references_resolve(render: Render) -> None:
    deployed = [render(row) for row in MATRIX if row.answers.get("kubernetes")]

    assert deployed
    assert [unresolved_references(project) for project in deployed] == [[] for _ in deployed]


@pytest.mark.slow
@pytest.mark.parametrize("mutation", REFERENCES)
def test_unresolved_reference_is_caught(mutation: Mutation, make_project: MakeProject) -> None:
    project = make_project()
    mutation(project)

    assert unresolved_references(project) != []


@pytest.mark.slow
def test_jobs_have_optional_pods(make_project: MakeProject) -> None:
    """Jobs run in the service until a team lists their manifest, or starts their container."""
    project = make_project("background=background_tasks")
    compose = yaml.safe_load((project / "compose.yaml").read_text())
    enabled = [name for name, item in compose["services"].items() if "profiles" not in item]
    assert enabled == ["database", "migrate", "service"]
    assert compose["services"]["jobs"]["command"] == ["python", "-m", "app.jobs"]
    assert "jobs.yaml" not in yaml.safe_load((project / LISTED).read_text())["resources"]
    assert unresolved_references(project) == []

    replace_text(f"{BASE}/jobs.yaml", "-uploads", "-files")(project)

    assert unresolved_references(project) != []


def test_compose_builds_once(render: Render) -> None:
    """Builds of one tag at the same time would fail, and nobody has the image to be pulled."""
    for project in map(render, MATRIX):
        if not (project / "compose.yaml").exists():
            continue
        document = yaml.safe_load((project / "compose.yaml").read_text())
        image = document["x-service"]["image"]
        services = {n: s for n, s in document["services"].items() if s["image"] == image}
        policies = {name: service["pull_policy"] for name, service in services.items()}
        assert policies.pop("migrate") == "build"
        assert set(policies.values()) == {"never"}
        assert [name for name, item in services.items() if "build" in item] == ["migrate"]
        arguments = services["migrate"]["build"]["args"].keys()
        assert all(f"ARG {name}=" in (project / "Dockerfile").read_text() for name in arguments)


def test_example_has_credentials_of_compose(render: Render) -> None:
    """A fresh clone copies `.env.example`, and changes the passwords only."""
    for project in map(render, MATRIX):
        if not (project / "compose.yaml").exists():
            continue
        service = yaml.safe_load((project / "compose.yaml").read_text())["services"]["service"]
        lines = (project / ".env.example").read_text().splitlines()
        example = dict(line.split("=", 1) for line in lines if re.match("[A-Z]", line))
        for name in {"DATABASE_URL", "BROKER_URL"} & service["environment"].keys():
            inside = urlsplit(re.sub(r"\$\{.*?\}", "password", service["environment"][name]))
            outside = urlsplit(example[name])
            assert outside.username == inside.username, project
            assert bool(outside.password) == bool(inside.password), project


def test_redis_gives_up_root(make_project: MakeProject) -> None:
    """A command other than redis-server keeps the entrypoint of the image from doing so."""
    project = make_project("background=celery", "celery_broker=redis")
    compose = yaml.safe_load((project / "compose.yaml").read_text())

    assert "exec docker-entrypoint.sh redis-server " in compose["services"]["broker"]["command"][2]


def test_production_is_set_before_start(render: Render) -> None:
    """The generated settings are those of development."""
    for project in map(render, MATRIX):
        text = (project / "docs/deploying.md").read_text()
        assert "FASTAPI_ENV=development" in (project / ".env").read_text()
        before, compose, _ = text.partition("docker compose up")
        assert not compose or "`FASTAPI_ENV=production` in `.env`" in before
        assert "`FASTAPI_ENV=production`" in text.split("## Plain machine")[1]
