"""What stops an update is said in one sentence with what mends it, and nothing is touched."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.conftest import Command, contents, git
from tests.living import ANSWERS_FILE, THE_NEXT_AFTER, tag
from tests.test_new_refusals import assert_refused
from tests.updating import Service, released

Break = Callable[[Service, Path], object]


def recorded(service: Service, **changes: object) -> None:
    """Edit the answers by hand, as nobody should."""
    known = yaml.safe_load(service.read(ANSWERS_FILE)) | changes
    left = {name: value for name, value in known.items() if value is not None}
    service.write(ANSWERS_FILE, yaml.safe_dump(left))
    service.commit("By hand")


def written(service: Service, path: str, text: str) -> None:
    service.write(path, text)
    service.commit()


def not_under_git(service: Service, _: Path) -> None:
    shutil.rmtree(service.folder / ".git")


def without_a_commit(service: Service, folder: Path) -> None:
    not_under_git(service, folder)
    service.git("init", "--quiet")


def not_a_project(service: Service, _: Path) -> None:
    service.git("rm", "--quiet", ANSWERS_FILE)
    service.commit()


def ignored_answers(service: Service, _: Path) -> None:
    service.git("rm", "--quiet", "--cached", ANSWERS_FILE)
    service.write(".gitignore", f"{service.read('.gitignore')}{ANSWERS_FILE}\n")
    service.commit()


def a_merge_under_way(service: Service, _: Path) -> None:
    service.git("checkout", "--quiet", "-b", "other")
    service.write("app/main.py", "OTHER = 1\n")
    service.commit()
    service.git("checkout", "--quiet", "main")
    service.write("app/main.py", "OURS = 1\n")
    service.commit()
    subprocess.run(["git", "merge", "other"], cwd=service.folder, capture_output=True, check=False)


def a_rebase_under_way(service: Service, folder: Path) -> None:
    a_merge_under_way(service, folder)
    service.git("merge", "--abort")
    subprocess.run(["git", "rebase", "other"], cwd=service.folder, capture_output=True, check=False)


def an_am_under_way(service: Service, folder: Path) -> None:
    a_merge_under_way(service, folder)
    service.git("merge", "--abort")
    patch = service.git("format-patch", "-1", "other", "--output-directory", str(folder))
    subprocess.run(["git", "am", patch], cwd=service.folder, capture_output=True, check=False)


def conflicts_of_an_update(service: Service, folder: Path) -> None:
    """As plain copier leaves them, exit code 0."""
    template = service.own_template(folder / "template")
    service.edit("app/main.py", '"""', '"""Ours. ')
    service.commit()
    released(template, "app/main.py", '"""', '"""Theirs. ')
    subprocess.run(
        ["copier", "update", "--defaults", "--quiet"], cwd=service.folder, check=True,
        capture_output=True,
    )  # fmt: skip


def markers_that_were_committed(service: Service, folder: Path) -> None:
    conflicts_of_an_update(service, folder)
    service.commit("Done, or so it seemed")


def shallow(service: Service, folder: Path) -> None:
    template = folder / "shallow"
    origin = f"file://{service.template}"
    git(folder, "clone", "--quiet", "--depth=1", origin, str(template))
    recorded(service, _src_path=str(template))


def rewritten(service: Service, folder: Path) -> None:
    """The template's history does not have the release any more."""
    template = service.own_template(folder / "template")
    git(template, "checkout", "--quiet", "--orphan", "rewritten")
    git(template, "commit", "--quiet", "--message=From the start")
    for name in git(template, "tag").splitlines():
        git(template, "tag", "--delete", name)
    tag(template, THE_NEXT_AFTER)


def of_a_newer_copier(service: Service, folder: Path) -> None:
    template = service.own_template(folder / "template")
    text = (template / "copier.yml").read_text()
    newer = re.sub(r"_min_copier_version: .*", "_min_copier_version: '99.0'", text)
    (template / "copier.yml").write_text(newer)
    tag(template, THE_NEXT_AFTER)


def a_folder_where_a_file_comes(service: Service, folder: Path) -> None:
    template = service.own_template(folder / "template")
    (template / "template/PLANS").write_text("New.\n")
    tag(template, THE_NEXT_AFTER)
    service.write("PLANS/ours.md", "Ours.\n")
    service.commit()


# What is amiss, its making, and words of the sentence.
REFUSALS: dict[str, tuple[Break, list[str]]] = {
    "not a project": (not_a_project, [ANSWERS_FILE, "fastapi-service new"]),
    "not under git": (not_under_git, ["not under git", "git init"]),
    "nothing committed": (without_a_commit, ["Nothing is committed", "git add --all"]),
    "answers ignored": (ignored_answers, ["not committed", "git add --force"]),
    "uncommitted change": (
        lambda service, _: service.edit("README.md", "#", "# Our"),
        ["uncommitted changes (README.md)", "git stash"],
    ),
    "untracked file": (
        lambda service, _: service.write("notes/one.md", "ours"),
        ["uncommitted changes (notes/one.md)", "git stash"],
    ),
    "merge under way": (a_merge_under_way, ["`git merge` is under way", "git merge --abort"]),
    "rebase under way": (a_rebase_under_way, ["`git rebase` is under way", "git rebase --abort"]),
    "am under way": (an_am_under_way, ["`git am` is under way", "git am --abort"]),
    "sparse checkout": (
        lambda service, _: service.git("sparse-checkout", "set", "app", "migrations"),
        ["sparse checkout", "git sparse-checkout disable"],
    ),
    "markers of another system": (
        lambda service, _: written(
            service, "ours.txt", "<<<<<<< a\r\n1\r\n=======\r\n2\r\n>>>>>>> b\r\n"
        ),
        ["markers are left in ours.txt"],
    ),
    "source with hidden credentials": (
        lambda service, _: recorded(service, _src_path="ada:secret@forge.example:template"),
        ["credentials", "--from"],
    ),
    "unresolved conflict": (conflicts_of_an_update, ["not resolved in app/main.py", "git add"]),
    "markers left": (markers_that_were_committed, ["markers are left in app/main.py", "git grep"]),
    "rejects left": (
        lambda service, _: written(service, "app/main.py.rej", "@@\n"),
        ["app/main.py.rej", "git rm"],
    ),
    "answers are no YAML": (
        lambda service, _: written(service, ANSWERS_FILE, "a: [\n"),
        ["not YAML", "git log"],
    ),
    "answers are a list": (
        lambda service, _: written(service, ANSWERS_FILE, "[1]\n"),
        ["records no answers", "git log"],
    ),
    "no commit recorded": (
        lambda service, _: recorded(service, _commit=None),
        ["_commit", "uncommitted changes of a template"],
    ),
    "no source recorded": (
        lambda service, _: recorded(service, _src_path=None),
        ["_src_path", "git log"],
    ),
    "impossible value": (
        lambda service, _: recorded(service, database="oracle"),
        ["could not have recorded", "database", "git log", "fastapi-service set"],
    ),
    "unknown answer": (
        lambda service, _: recorded(service, cache="redis"),
        ["could not have recorded", "cache", "fastapi-service set"],
    ),
    "missing answer": (
        lambda service, _: recorded(service, license=None),
        ["could not have recorded", "license", "fastapi-service set"],
    ),
    "computed answer": (
        lambda service, _: recorded(service, async_="async "),
        ["could not have recorded", "async_", "fastapi-service set"],
    ),
    "relative source": (
        lambda service, _: recorded(service, _src_path="../template"),
        ["relative path '../template'", "--from"],
    ),
    "source with credentials": (
        lambda service, _: recorded(service, _src_path="https://ada:secret@forge.example/t"),
        ["credentials", "--from"],
    ),
    "source is gone": (
        lambda service, folder: recorded(service, _src_path=str(folder / "gone")),
        ["There is no template", "--from"],
    ),
    "source cannot be reached": (
        lambda service, _: recorded(service, _src_path="https://127.0.0.1:9/template.git"),
        ["cannot be read", "--from"],
    ),
    "source is no repository": (
        lambda service, folder: recorded(service, _src_path=str(folder)),
        ["not a git repository", "--from"],
    ),
    "shallow source": (shallow, ["shallow", "fetch --unshallow --tags"]),
    "release is gone": (rewritten, ["does not have", "git fetch --tags", "--from"]),
    "newer copier needed": (of_a_newer_copier, ["Copier version >= 99.0", "upgrade"]),
    "copier stumbles": (a_folder_where_a_file_comes, ["cannot merge this", "nothing was touched"]),
}


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
