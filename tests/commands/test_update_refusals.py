"""Invalid usage of `update`, `set` and `check` changes nothing."""

from pathlib import Path

import pytest

from generator.project.answers import ANSWERS_FILE
from tests.support.command import Command, assert_refused
from tests.support.history import FIRST
from tests.support.team import TeamProject


def test_project_folder_is_suggested(
    command: Command, outdated: TeamProject, tmp_path: Path
) -> None:
    assert_refused(command("update", outdated.folder / "app"), 1, str(outdated.folder))
    assert_refused(command("update", tmp_path), 1, str(outdated.folder))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["update", "nowhere"], 2, ["nowhere does not exist"]),
        (["check", "nowhere"], 2, ["nowhere does not exist"]),
        (["update", "service/README.md"], 2, ["README.md is not a folder"]),
        (["set", "license=MIT", "nowhere"], 2, ["nowhere does not exist"]),
        (["set", "service"], 2, ["'service'", "name=value"]),
        (["set", "license", "examples=false", "service"], 2, ["'license'", "name=value"]),
        (["set", "licence=MIT", "service"], 2, ["'licence'", "did you mean 'license'"]),
        (["set", "async_=x", "service"], 2, ["async_", "computed"]),
        (["set", "database=oracle", "service"], 2, ["database", "oracle"]),
        (["set", "examples=perhaps", "service"], 2, ["examples", "true or false"]),
        (["set", "project_name=", "service"], 2, ["project_name", "empty"]),
        (["update", "service", "--to", "v9.9.9"], 1, ["no revision v9.9.9"]),
        (["update", "service", "--from", "missing"], 1, ["There is no template"]),
        (["update", "service", "--from", ""], 2, ["--from is empty"]),
        (["update", "service", "--from", "https://a:secret@b.example/c"], 2, ["credentials"]),
    ],
)
def test_bad_usage_changes_nothing(
    command: Command, outdated: TeamProject, arguments: list[str], code: int, words: list[str]
) -> None:
    before = outdated.state()

    result = command(*arguments)

    assert_refused(result, code, *words)
    assert "secret" not in result.stderr
    assert outdated.state() == before


def test_older_revision_is_refused(command: Command, newest: TeamProject) -> None:
    assert_refused(command("update", newest.folder, "--to", f"v{FIRST}"), 1, "older", "git revert")


def test_dirty_template_is_refused(command: Command, newest: TeamProject, tmp_path: Path) -> None:
    template = newest.fork_template(tmp_path / "template")
    (template / "template/draft.md").write_text("Not yet.\n")
    before = newest.state()

    result = command("update", newest.folder, "--to", "HEAD")

    assert_refused(result, 1, "uncommitted changes", "commit them")
    assert newest.state() == before


@pytest.mark.parametrize("arguments", [["update"], ["set", "license=MIT"], ["check"]])
def test_git_is_required(command: Command, outdated: TeamProject, arguments: list[str]) -> None:
    before = outdated.state()
    result = command(*arguments, str(outdated.folder), PATH="/nowhere")
    assert_refused(result, 1, "git is not installed")
    assert outdated.state() == before


def test_credentials_are_never_shown(command: Command, outdated: TeamProject) -> None:
    source = "HTTPS://ada:s3kr1t@127.0.0.1:9/template.git"
    outdated.edit(ANSWERS_FILE, str(outdated.template), source)
    outdated.commit()

    results = [
        command("update", outdated.folder),
        command("check", outdated.folder),
        command("check", outdated.folder, "--json"),
        command("update", outdated.folder, "--preview", "--from", outdated.template),
    ]

    assert [result.returncode for result in results] == [1, 1, 1, 0]
    assert not [result for result in results if "s3kr1t" in result.stdout + result.stderr]
