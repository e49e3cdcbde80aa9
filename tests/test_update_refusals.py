"""What stops an update is said in one sentence with what mends it, and nothing is touched."""

from pathlib import Path

import pytest

from tests.amiss import REFUSALS
from tests.conftest import Command, contents
from tests.living import ANSWERS_FILE
from tests.test_new_refusals import assert_refused
from tests.updating import Service


@pytest.mark.parametrize("amiss", REFUSALS)
def test_an_update_that_cannot_be_is_refused_and_check_says_the_same(
    command: Command, service: Service, tmp_path: Path, amiss: str
) -> None:
    break_it, words = REFUSALS[amiss]
    break_it(service, tmp_path)
    before = contents(service.folder) if amiss in UNKNOWN_TO_GIT else service.everything()

    done = command("update", service.folder)
    assert_refused(done, 1, *words)
    assert "secret" not in done.stderr
    for arguments in ([], ["--json"]):
        found = command("check", service.folder, *arguments)
        assert found.returncode in {1, 3}, found.stdout + found.stderr
        assert "Traceback" not in found.stderr
        assert "secret" not in found.stdout
        for word in words:
            assert word in " ".join(found.stdout.replace("\\\\", "\\").split())

    after = contents(service.folder) if amiss in UNKNOWN_TO_GIT else service.everything()
    assert after == before


UNKNOWN_TO_GIT = {"not under git", "nothing committed"}


# What `set` meets as well: all but what is wrong with a newer release.
SHARED = [
    "not under git",
    "uncommitted change",
    "markers left",
    "impossible value",
    "shallow source",
]


@pytest.mark.parametrize("amiss", SHARED)
def test_other_answers_are_refused_likewise(
    command: Command, service: Service, tmp_path: Path, amiss: str
) -> None:
    break_it, words = REFUSALS[amiss]
    break_it(service, tmp_path)
    before = contents(service.folder)

    assert_refused(command("set", "license=MIT", service.folder), 1, *words)
    assert contents(service.folder) == before


def test_the_folder_of_the_project_is_named_for_whoever_is_elsewhere(
    command: Command, service: Service, tmp_path: Path
) -> None:
    assert_refused(command("update", service.folder / "app"), 1, str(service.folder))
    assert_refused(command("update", tmp_path), 1, str(service.folder))


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
def test_bad_usage_touches_nothing(
    command: Command, service: Service, arguments: list[str], code: int, words: list[str]
) -> None:
    before = service.everything()

    done = command(*arguments)

    assert_refused(done, code, *words)
    assert "secret" not in done.stderr
    assert service.everything() == before


def test_an_update_does_not_go_back(command: Command, newest: Service) -> None:
    assert_refused(command("update", newest.folder, "--to", "v0.1.0"), 1, "older", "git revert")


def test_uncommitted_changes_of_a_template_are_no_release(
    command: Command, newest: Service, tmp_path: Path
) -> None:
    template = newest.own_template(tmp_path / "template")
    (template / "template/draft.md").write_text("Not yet.\n")
    before = newest.everything()

    done = command("update", newest.folder, "--to", "HEAD")

    assert_refused(done, 1, "uncommitted changes", "commit them")
    assert newest.everything() == before


@pytest.mark.parametrize("arguments", [["update"], ["set", "license=MIT"], ["check"]])
def test_without_git_nothing_is_done(
    command: Command, service: Service, arguments: list[str]
) -> None:
    before = service.everything()
    done = command(*arguments, str(service.folder), PATH="/nowhere")
    assert_refused(done, 1, "git is not installed")
    assert service.everything() == before


def test_addresses_with_credentials_are_shown_nowhere(command: Command, service: Service) -> None:
    source = "HTTPS://ada:s3kr1t@127.0.0.1:9/template.git"
    service.edit(ANSWERS_FILE, str(service.template), source)
    service.commit()

    found = [
        command("update", service.folder),
        command("check", service.folder),
        command("check", service.folder, "--json"),
        command("update", service.folder, "--preview", "--from", service.template),
    ]

    assert [done.returncode for done in found] == [1, 1, 1, 0]
    assert not [done for done in found if "s3kr1t" in done.stdout + done.stderr]
