"""Images of rendered services: built, searched, and run as containers."""

import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest

from generator.errors import CommandError
from generator.processes import run, stop
from generator.project.serve import HOST
from generator.template.options import Option
from generator.verify.contract.client import Client, ContractError
from generator.verify.images.buildah import Buildah
from generator.verify.images.container import Image, find_unwanted
from generator.verify.images.proof import (
    contained,
    database_settings,
    prove_image,
    run_service,
)
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject
from tests.support.images import lock_image_row
from tests.support.mutations import replace_text
from tests.support.servers import ServersFor

IMAGES = {
    "async-sqlite": {"sqlalchemy": "async", "database": "sqlite", "background": "background_tasks"},
    "sync-postgresql": {"sqlalchemy": "sync", "database": "postgresql", "auth": "none"},
    "redis": {"background": "celery", "celery_broker": "redis", "auth": "jwt"},
    "rabbitmq": {"background": "celery", "celery_broker": "rabbitmq", "database": "postgresql"},
}
REPLICAS = 3

MakeProject = Callable[[str], RenderedProject]


@pytest.fixture
def make_project(
    options: tuple[Option, ...], workspace: Path, servers_for: ServersFor
) -> MakeProject:
    """Return a function that renders and locks the project of an image."""

    def make(name: str) -> RenderedProject:
        return lock_image_row(options, workspace, servers_for, **IMAGES[name])

    return make


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGES)
def test_image_keeps_contract(
    name: str, make_project: MakeProject, record_property: Callable[[str, object], None]
) -> None:
    measurements = prove_image(make_project(name))
    record_property("report", f"image {name}: {measurements}")


@pytest.mark.slow
def test_replicas_start_at_once(make_project: MakeProject) -> None:
    """Three containers migrate one database, and one of them is killed under load."""
    project = make_project("sync-postgresql")
    with contained(project) as inside, database_settings(inside) as settings, ExitStack() as stack:
        migrate = ["alembic", "upgrade", "head"]
        with ThreadPoolExecutor(REPLICAS) as threads:
            outputs = list(
                threads.map(
                    lambda _: inside.image.call(
                        migrate, inside.data, {**inside.contained_settings, **settings}
                    ),
                    range(REPLICAS),
                )
            )
        assert sum("Running upgrade  -> 0001_jobs" in output for output in outputs) == 1

        log = stack.enter_context((inside.data.parent / "replicas.log").open("wb"))
        replicas = [
            stack.enter_context(run_service(inside, settings, log.fileno()))
            for _ in range(REPLICAS)
        ]
        killed = Event()

        def load(number: int) -> list[bool]:
            """Send requests to one replica until well after the kill."""
            client = Client(HOST, replicas[number].port)
            answers = []
            for request in range(120):
                body = {"name": f"{number} {request}"}
                try:
                    answer = client.send_json("POST", "/api/v1/items", body)
                except ContractError:
                    answers.append(False)
                    break
                answers.append(answer.status == 201)
                if number == 0 and request == 20:
                    killed.set()
            return answers

        with ThreadPoolExecutor(REPLICAS) as threads:
            loads = [threads.submit(load, number) for number in range(REPLICAS)]
            assert killed.wait(60)
            stop(replicas[0].process, seconds=0)
            first, *others = [item.result() for item in loads]

    assert not first[-1]
    assert [all(answers) for answers in others] == [True, True]
    assert [len(answers) for answers in others] == [120, 120]


# ---------------------------------------------------------------------------------- content


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """An image with the files of a service, and nothing else."""
    home = tmp_path / "service"
    for folder in (".venv/bin", "app", "migrations"):
        (home / folder).mkdir(parents=True)
    for name in ("pyproject.toml", "uv.lock"):
        (home / name).touch()
    return Image("test", tmp_path, {"WorkingDir": "/service", "Env": []}, 0, 0)


def test_wanted_files_are_accepted(image: Image) -> None:
    assert find_unwanted(image, ["secret"]) == []


@pytest.mark.parametrize(
    "path",
    [
        "service/.env",
        "service/.git/HEAD",
        "service/tests/test_items.py",
        "service/app.db",
        "service/uploads/x",
        "usr/bin/gcc",
        "usr/local/bin/uv",
        "service/.venv/bin/uv",
    ],
)
def test_unwanted_file_is_found(image: Image, path: str) -> None:
    (image.root / path).parent.mkdir(parents=True, exist_ok=True)
    (image.root / path).touch()

    assert find_unwanted(image, []) != []


def test_secret_is_found(image: Image) -> None:
    (image.root / "service/app/settings.py").write_text("KEY = 'secret'")

    assert find_unwanted(image, ["secret"]) == [f"{image.root}/service/app/settings.py: a secret"]
    assert find_unwanted(image, ["WorkingDir"]) == ["configuration: WorkingDir"]


@pytest.mark.slow
def test_context_without_rules_is_noticed(make_project: MakeProject) -> None:
    """A Dockerfile that copies everything, without .dockerignore, brings .env and the tests."""
    broken = copy_without_packages(make_project("async-sqlite"), "broken")
    (broken.folder / ".dockerignore").unlink()
    replace_text("Dockerfile", "COPY app app", "COPY . .")(broken.folder)

    with pytest.raises(CommandError, match="The image contains"):
        prove_image(broken)


@pytest.mark.slow
def test_private_checkout_is_readable(make_project: MakeProject, tmp_path: Path) -> None:
    """The user of an image can read files that only their owner can read in the checkout."""
    project = copy_without_packages(make_project("async-sqlite"), "private")
    run(["chmod", "--recursive", "go=", str(project.folder)], tmp_path)
    image = Buildah(project.workspace).build(project.folder, "service-private")
    data = image.make_data(tmp_path / "data")

    image.call(["sh", "-c", "find . -type f -exec cat {} + >/dev/null"], data, {})


def copy_without_packages(project: RenderedProject, name: str) -> RenderedProject:
    """Copy a project, without the packages of its image, which take most of the time."""
    copied = RenderedProject(Row(f"image-{name}", project.row.answers), project.workspace)
    shutil.copytree(project.folder, copied.folder)
    dockerfile = copied.folder / "Dockerfile"
    text, count = re.subn(r"(pip install|uv sync) .*", "true", dockerfile.read_text())
    assert count == 2
    dockerfile.write_text(text)
    return copied
