"""`new` refuses in one sentence, and changes nothing."""

from pathlib import Path

import pytest

from generator.template.options import Option
from tests.support.command import Command, assert_refused
from tests.support.repository import commit_all, copy_template, git, list_files

NO_NETWORK = [
    {"UV_OFFLINE": "1", "UV_CACHE_DIR": "empty-cache"},
    {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_CACHE_DIR": "empty-cache"},
]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("databse=sqlite", ["'databse'", "did you mean 'database'", "fastapi-service options"]),
        ("nonsense=1", ["'nonsense'", "fastapi-service options"]),
        ("database", ["name=value"]),
        ("database=oracle", ["database", "oracle", "choose one of sqlite, postgresql"]),
        ("examples=maybe", ["examples", "maybe", "true or false"]),
        ('cors_origins=["*"]', ["cors_origins", "*"]),
        ("cors_origins=https://a.example", ["cors_origins", "list"]),
        ("cors_origins=[", ["cors_origins", "YAML"]),
        ("project_name=FastAPI", ["project_name", "fastapi", "choose another name"]),
        ("project_slug=fastapi", ["project_slug", "fastapi"]),
        ("project_name=a\nb", ["project_name", "control character"]),
        ("project_name=\x07bell", ["project_name", "control character"]),
        (f"project_name={'x' * 61}", ["project_name", "60"]),
        (f"description={'x' * 301}", ["description", "300"]),
        ("project_name=", ["project_name", "empty"]),
        ("celery_broker=rabbitmq", ["celery_broker", "no effect", "fastapi-service options"]),
    ],
)
def test_bad_answer_writes_nothing(
    command: Command, tmp_path: Path, answer: str, words: list[str]
) -> None:
    assert_refused(command("new", "made/shop", "-d", answer), 2, *words)
    assert list_files(tmp_path) == []


def test_computed_answer_is_refused(
    command: Command, tmp_path: Path, options: tuple[Option, ...]
) -> None:
    computed = next(option.name for option in options if option.computed)
    assert_refused(command("new", "shop", "-d", f"{computed}=x"), 2, computed, "computed")
    assert list_files(tmp_path) == []


def test_bad_answer_keeps_empty_folder(command: Command, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    assert_refused(command("new", "shop", "-d", 'cors_origins=["*"]'), 2)
    assert list_files(tmp_path) == ["shop"]


def test_folder_with_files_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/mine").write_text("kept")
    assert_refused(command("new", "shop"), 2, "not empty")
    assert list_files(tmp_path) == ["shop", "shop/mine"]


@pytest.mark.parametrize("destination", ["file", "file/shop"])
def test_file_is_refused(command: Command, tmp_path: Path, destination: str) -> None:
    (tmp_path / "file").write_text("kept")
    assert_refused(command("new", destination), 2, "is a file")
    assert (tmp_path / "file").read_text() == "kept"


def test_unread_pipeline_is_refused(command: Command, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    result = command("new", "services/shop", "-d", "ci=gitlab")
    assert_refused(result, 2, "ci=gitlab has no effect inside of another repository")
    assert not (tmp_path / "services").exists()


@pytest.mark.parametrize("inside", [".", "shop", "template/shop"])
def test_template_is_no_destination(command: Command, checkout: Path, inside: str) -> None:
    assert_refused(command("new", checkout / inside), 2, "inside the template")
    assert git(checkout, "status", "--porcelain") == ""


def test_dirty_template_is_refused(command: Command, tmp_path: Path) -> None:
    template = copy_template(tmp_path / "template")
    commit_all(template)
    (template / "template/draft.txt").touch()
    assert_refused(command("new", "shop", "--template", template), 1, "--allow-dirty", "updated")
    assert not (tmp_path / "shop").exists()
    result = command("new", "shop", "--template", template, "--allow-dirty")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "shop/draft.txt").exists()


def test_template_without_git_is_refused(command: Command, tmp_path: Path) -> None:
    template = copy_template(tmp_path / "template")
    assert_refused(command("new", "shop", "--template", template), 1, "not a git repository")
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("missing", 1),
        ("git+file:///missing/template", 1),
        ("https://ada:secret@forge.example/template.git", 2),
        ("https://secret@forge.example/template.git", 2),
        ("git+https://forge.example/template?token=secret", 2),
        ("HTTPS://ada:secret@forge.example/template.git", 2),
        ("gh:ada:secret@org/template", 2),
        ("ada:secret@forge.example:template", 2),
    ],
)
def test_bad_template_is_refused(command: Command, tmp_path: Path, source: str, code: int) -> None:
    result = command("new", "shop", "--template", source)
    assert_refused(result, code, "template")
    assert "secret" not in result.stderr
    assert list_files(tmp_path) == []


@pytest.mark.parametrize("scheme", ["", "git+file://"])
def test_unknown_revision_is_refused(
    command: Command, checkout: Path, tmp_path: Path, scheme: str
) -> None:
    template = f"{scheme}{checkout}"
    result = command("new", "shop", "--ref", "v9", "--template", template)
    assert_refused(result, 1, f"{template} has no revision v9")
    assert list_files(tmp_path) == []


@pytest.mark.parametrize("arguments", [["new"], ["new", "a", "b"], ["new", "a", "--nonsense"]])
def test_bad_usage_is_2(command: Command, arguments: list[str], tmp_path: Path) -> None:
    result = command(*arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert list_files(tmp_path) == []


# ---------------------------------------------------------------------- missing requirements


def test_git_is_required(command: Command, tmp_path: Path) -> None:
    assert_refused(command("new", "shop", PATH="/nowhere"), 1, "git is not installed")
    assert list_files(tmp_path) == []


@pytest.mark.parametrize("no_network", NO_NETWORK, ids=["offline", "unreachable"])
def test_no_network_keeps_project(
    command: Command, tmp_path: Path, no_network: dict[str, str]
) -> None:
    result = command("new", "shop", **no_network)
    assert_refused(result, 1, "uv lock", str(tmp_path / "shop"))
    project = tmp_path / "shop"
    assert git(project, "status", "--porcelain") == ""
    assert "uv.lock" not in git(project, "ls-files").splitlines()
    assert "pyproject.toml" in git(project, "ls-files").splitlines()
