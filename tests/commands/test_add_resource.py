"""`add resource` writes a feature and mounts it, or refuses in one sentence and writes nothing."""

import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.project.resources.resource import parse_command, parse_resource
from tests.support.command import Command, assert_refused
from tests.support.rendered import MATRIX, OPTIONS, Render, row_with
from tests.support.resources import THREE

RUFF = Path(sysconfig.get_path("scripts")) / "ruff"
APPLICATION = "app/application.py"


@pytest.fixture
def project(render: Render, tmp_path: Path) -> Path:
    return Path(shutil.copytree(render(MATRIX[0]), tmp_path / "service"))


@pytest.fixture(scope="module")
def unchanged(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project for requests that are refused."""
    return Path(shutil.copytree(render(MATRIX[0]), tmp_path_factory.mktemp("one") / "service"))


def contents(project: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(project)): path.read_bytes()
        for path in sorted(project.rglob("*"))
        if path.is_file()
    }


def assert_nothing_written(project: Path, before: dict[str, bytes]) -> None:
    assert contents(project) == before
    assert not (project / "app/lamps").exists()


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("auth", ["none", "jwt"])
def test_resources_are_written_and_mounted(
    command: Command, render: Render, tmp_path: Path, mode: str, auth: str
) -> None:
    row = row_with(OPTIONS, sqlalchemy=mode, auth=auth)
    project = Path(shutil.copytree(render(row), tmp_path / "service"))
    before = contents(project)
    owned = ["--owned"] if auth != "none" else []

    for arguments in THREE:
        result = command("add", "resource", *arguments, *owned, project)
        assert result.returncode == 0, result.stderr

    assert "the table order_lines, and the routes /api/v1/order-lines" in result.stdout
    assert "uv run alembic upgrade head" in result.stdout.replace("/uv ", "uv ")
    after = contents(project)
    assert {path for path in before if after[path] != before[path]} == {APPLICATION}
    added = after.keys() - before.keys()
    assert {path for path in added if path.startswith(("app/customers", "tests/"))} >= {
        "app/customers/__init__.py",
        "app/customers/models.py",
        "app/customers/routes.py",
        "app/customers/schemas.py",
        "app/customers/service.py",
        "tests/customer_rows.py",
        "tests/test_customers.py",
    }
    for command_line in (["check"], ["format", "--check"]):
        subprocess.run([RUFF, *command_line, "--no-cache"], cwd=project, check=True)
    service = (project / "app/invoices/service.py").read_text()
    assert ("await session" in service) == (mode == "async")
    assert ("owner_id" in service) == bool(owned)


def test_revision_follows_the_head(command: Command, project: Path) -> None:
    for arguments in THREE:
        command("add", "resource", *arguments, project)

    versions = sorted(path.stem for path in (project / "migrations/versions").glob("*.py"))
    text = (project / f"migrations/versions/{versions[-1]}.py").read_text()
    assert versions[-1].endswith("_order_lines")
    assert f'revision = "{versions[-1]}"\ndown_revision = "{versions[-2]}"\n' in text


@pytest.mark.parametrize(
    ("arguments", "folder", "class_name"),
    [
        ("category", "categories", "Category"),
        ("order-lines", "order_lines", "OrderLine"),
        ("people", "people", "Person"),
        ("lens --plural lenses", "lenses", "Lens"),
    ],
)
def test_name_is_singular_or_plural(
    command: Command, project: Path, arguments: str, folder: str, class_name: str
) -> None:
    result = command("add", "resource", *arguments.split(), "size:integer", project)

    assert result.returncode == 0, result.stderr
    assert f"class {class_name}(Base):" in (project / f"app/{folder}/models.py").read_text()


@pytest.mark.parametrize("length", [2, 26])
def test_long_names_are_formatted(command: Command, project: Path, length: int) -> None:
    singular = ("x_" * 30)[:length].rstrip("_") + "y"[: length % 2]
    field = f"{'f' * 30}:decimal(15,15)"

    assert command("add", "resource", singular, field, "--owned", project).returncode == 0
    target = f"{'r' * 20}:ref({singular})"
    assert command("add", "resource", "box", target, "--owned", project).returncode == 0

    for command_line in (["check"], ["format", "--check"]):
        subprocess.run([RUFF, *command_line, "--no-cache"], cwd=project, check=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lamp"], ["lamp", "field"]),
        (["Lamp", "a:text"], ["'Lamp'", "lower-case"]),
        (["lamp__x", "a:text"], ["'lamp__x'"]),
        (["class", "a:text"], ["class"]),
        (["filter", "a:text"], ["filter"]),
        (["exception", "a:text"], ["exception"]),
        (["session", "a:text"], ["session"]),
        (["x" * 28, "a:text"], ["27 characters"]),
        (["items", "a:text"], ["app/items exists already"]),
        (["item", "a:text"], ["app/items exists already"]),
        (["settings", "a:text"], ["app/settings.py exists already"]),
        (["job_runner", "a:text"], ["table job_runners"]),
        (["sequence", "a:text"], ["resource cannot be called sequence", "define Sequence twice"]),
        (["lamp", "x_1:text", "x1:text"], ["field of lamp", "called x1 beside x_1", "LampX1"]),
        (["json", "value:text"], ["field of json cannot be called value:", "JsonValue"]),
        (["lamp", "name"], ["'name'", "neither a field nor a folder"]),
        (["lamp", "name", "a:text"], ["'name'", "name:type"]),
        (["lamp", "a:text", "a:integer"], ["a", "twice"]),
        (["lamp", *(f"f{number}:integer" for number in range(51))], ["50", "51"]),
        (["lamp", "Name:text"], ["'Name'"]),
        (["lamp", f"{'n' * 31}:text"], ["30 characters"]),
        (["lamp", "id:uuid"], ["id"]),
        (["lamp", "metadata:json"], ["metadata"]),
        (["lamp", "class:text"], ["class"]),
        (["lamp", "owner_id:text", "--owned"], ["owner_id"]),
        (["lamp", "owner_id:uuid"], ["owner_id"]),
        (["lamp", "self:text"], ["self"]),
        (["lamp", "a:string"], ["'string'", "text(200)", "ref(other)"]),
        (["lamp", "a:text(0)"], ["'0'", "1 to 100000"]),
        (["lamp", "a:text(x)"], ["'x'"]),
        (["lamp", "a:decimal(16,2)"], ["'16'", "1 to 15"]),
        (["lamp", "a:decimal(4,16)"], ["'16'", "0 to 15"]),
        (["lamp", "a:decimal(1,9)"], ["decimal(10,9)", "1 before the point and 9 after it"]),
        (["lamp", "a:decimal(8,9)"], ["decimal(15,9)", "6 before the point and 9 after it"]),
        (["lamp", "a:integer(4)"], ["integer", "no argument"]),
        (["lamp", "a:enum"], ["enum"]),
        (["lamp", "a:enum(x)"], ["2 to 50"]),
        (["lamp", "a:enum(x|x)"], ["different"]),
        (["lamp", 'a:enum(x|")'], ["letters"]),
        (["lamp", "a:ref"], ["ref(customers)"]),
        (["lamp", "a:ref(nothing)"], ["'nothing'", "items"]),
        (["lamp", "a:ref(lamp)"], ["own resource", "a:ref(lamp)?"]),
        (["lamp", "a:text", "nowhere"], ["'nowhere'", "folder"]),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_bad_request_writes_nothing(
    command: Command, unchanged: Path, arguments: list[str], words: list[str]
) -> None:
    before = contents(unchanged)
    folder = [] if arguments[-1] in {"name", "nowhere"} else [unchanged]

    assert_refused(command("add", "resource", *arguments, *folder), 2, *words)

    assert_nothing_written(unchanged, before)


@pytest.mark.parametrize(("name", "plural"), [("lamp", None), ("lens", "lenses")])
@pytest.mark.parametrize("owned", [True, False])
def test_recorded_command_is_parsed(name: str, plural: str | None, *, owned: bool) -> None:
    resource = parse_resource(name, ["a:enum(x|y)?"], plural=plural, owned=owned)

    assert parse_command(resource.command) == resource


def test_second_run_is_refused(command: Command, project: Path) -> None:
    assert command("add", "resource", "lamp", "size:integer", project).returncode == 0
    before = contents(project)

    result = command("add", "resource", "lamps", "size:integer", project)

    assert_refused(result, 2, "app/lamps exists already")
    assert contents(project) == before


def test_owned_needs_callers(command: Command, render: Render, tmp_path: Path) -> None:
    row = row_with(OPTIONS, auth="none")
    project = Path(shutil.copytree(render(row), tmp_path / "service"))

    result = command("add", "resource", "lamp", "size:integer", "--owned", project)

    assert_refused(result, 2, "--owned", "no authentication")


def test_reference_to_owned_rows_is_owned(command: Command, project: Path) -> None:
    command("add", "resource", "box", "size:integer", "--owned", project)

    result = command("add", "resource", "lamp", "box_id:ref(boxes)", project)

    assert_refused(result, 2, "boxes belong to their callers", "--owned")


def break_comment(project: Path) -> None:
    text = (project / APPLICATION).read_text()
    (project / APPLICATION).write_text(text.replace("# Your features below.", ""))


def break_module(project: Path) -> None:
    (project / "app/orm.py").write_text("def f(:\n")


def drop_building_block(project: Path) -> None:
    text = (project / "app/schemas.py").read_text()
    (project / "app/schemas.py").write_text(text.replace("TEXT_PATTERN", "PATTERN"))


def add_head(project: Path) -> None:
    (project / "migrations/versions/other.py").write_text('revision = "other"\n')


def spoil_record(project: Path) -> None:
    (project / ".resources.yml").write_text("a: 1\n")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (break_comment, [APPLICATION, "# Your features below."]),
        (break_module, ["app/orm.py", "line 1"]),
        (drop_building_block, ["app/schemas.py has no TEXT_PATTERN", "fastapi-service update"]),
        (add_head, ["several heads", "other", "alembic merge heads"]),
        (spoil_record, [".resources.yml"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_damaged_project_is_refused(
    command: Command, project: Path, damage: Callable[[Path], None], words: list[str]
) -> None:
    damage(project)
    before = contents(project)

    assert_refused(command("add", "resource", "lamp", "name:text", project), 1, *words)
    assert_nothing_written(project, before)


def test_failed_write_is_undone(command: Command, project: Path) -> None:
    (project / ".resources.yml").mkdir()
    before = contents(project)

    result = command("add", "resource", "lamp", "name:text", project)

    assert_refused(result, 1, ".resources.yml cannot be written", "nothing was changed")
    assert_nothing_written(project, before)


def test_folder_without_project_is_refused(command: Command, project: Path) -> None:
    result = command("add", "resource", "lamp", "name:text", project / "app")

    assert_refused(result, 1, ".copier-answers.yml", str(project))


def test_crlf_is_kept(command: Command, project: Path) -> None:
    text = (project / APPLICATION).read_bytes()
    (project / APPLICATION).write_bytes(text.replace(b"\n", b"\r\n"))

    assert command("add", "resource", "lamp", "name:text", project).returncode == 0

    for path in (APPLICATION, "app/lamps/models.py"):
        written = (project / path).read_bytes()
        assert written.count(b"\r\n") == written.count(b"\n") > 0
