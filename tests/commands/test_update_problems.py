"""Problems that block an update: each is one sentence with its fix, and nothing is changed."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.project.answers import ANSWERS_FILE
from tests.support.command import Command, assert_refused
from tests.support.history import AFTER_LATEST, release_change, tag
from tests.support.projects import run_copier
from tests.support.repository import git, list_files
from tests.support.team import TeamProject

pytestmark = pytest.mark.slow

Break = Callable[[TeamProject, Path], object]


def not_under_git(project: TeamProject, _: Path) -> None:
    shutil.rmtree(project.folder / ".git")


def without_a_commit(project: TeamProject, folder: Path) -> None:
    not_under_git(project, folder)
    project.git("init", "--quiet")


def not_a_project(project: TeamProject, _: Path) -> None:
    project.git("rm", "--quiet", ANSWERS_FILE)
    project.commit()


def ignored_answers(project: TeamProject, _: Path) -> None:
    project.git("rm", "--quiet", "--cached", ANSWERS_FILE)
    project.write(".gitignore", f"{project.read('.gitignore')}{ANSWERS_FILE}\n")
    project.commit()


def a_merge_in_progress(project: TeamProject, _: Path) -> None:
    project.git("checkout", "--quiet", "-b", "other")
    project.write("app/orm.py", "OTHER = 1\n")
    project.commit()
    project.git("checkout", "--quiet", "main")
    project.write("app/orm.py", "OURS = 1\n")
    project.commit()
    subprocess.run(["git", "merge", "other"], cwd=project.folder, capture_output=True, check=False)


def a_rebase_in_progress(project: TeamProject, folder: Path) -> None:
    a_merge_in_progress(project, folder)
    project.git("merge", "--abort")
    subprocess.run(["git", "rebase", "other"], cwd=project.folder, capture_output=True, check=False)


def an_am_in_progress(project: TeamProject, folder: Path) -> None:
    a_merge_in_progress(project, folder)
    project.git("merge", "--abort")
    patch = project.git("format-patch", "-1", "other", "--output-directory", str(folder))
    subprocess.run(["git", "am", patch], cwd=project.folder, capture_output=True, check=False)


def conflicts_of_an_update(project: TeamProject, folder: Path) -> None:
    """Plain copier leaves them with exit code 0."""
    template = project.fork_template(folder / "template")
    first = project.read("app/orm.py").splitlines()[0]
    project.edit("app/orm.py", first, "# Ours.")
    project.commit()
    release_change(template, "app/orm.py", "# Changed by the latest release.", "# Theirs.")
    run_copier(project.folder, "update", "--defaults", "--quiet")


def markers_that_were_committed(project: TeamProject, folder: Path) -> None:
    conflicts_of_an_update(project, folder)
    project.commit("Resolve the conflicts")


def shallow(project: TeamProject, folder: Path) -> None:
    template = folder / "shallow"
    origin = f"file://{project.template}"
    git(folder, "clone", "--quiet", "--depth=1", origin, str(template))
    project.record(_src_path=str(template))


def rewritten(project: TeamProject, folder: Path) -> None:
    """Remove the recorded release from the template's history."""
    template = project.fork_template(folder / "template")
    git(template, "checkout", "--quiet", "--orphan", "rewritten")
    git(template, "commit", "--quiet", "--message=From the start")
    for name in git(template, "tag").splitlines():
        git(template, "tag", "--delete", name)
    tag(template, AFTER_LATEST)


def of_a_newer_copier(project: TeamProject, folder: Path) -> None:
    template = project.fork_template(folder / "template")
    text = (template / "copier.yml").read_text()
    newer = re.sub(r"_min_copier_version: .*", "_min_copier_version: '99.0'", text)
    (template / "copier.yml").write_text(newer)
    tag(template, AFTER_LATEST)


def a_folder_where_a_file_comes(project: TeamProject, folder: Path) -> None:
    template = project.fork_template(folder / "template")
    (template / "template/PLANS").write_text("New.\n")
    tag(template, AFTER_LATEST)
    project.write("PLANS/ours.md", "Ours.\n")
    project.commit()


# A function that makes the problem, and words of the sentence.
PROBLEMS: dict[str, tuple[Break, list[str]]] = {
    "not a project": (not_a_project, [ANSWERS_FILE, "fastapi-service new"]),
    "not under git": (not_under_git, ["not under git", "git init"]),
    "nothing committed": (without_a_commit, ["Nothing is committed", "git add --all"]),
    "answers ignored": (ignored_answers, ["not committed", "git add --force"]),
    "uncommitted change": (
        lambda project, _: project.edit("README.md", "#", "# Our"),
        ["uncommitted changes (README.md)", "git stash"],
    ),
    "untracked file": (
        lambda project, _: project.write("notes/one.md", "ours"),
        ["uncommitted changes (notes/one.md)", "git stash"],
    ),
    "merge in progress": (a_merge_in_progress, ["`git merge` is in progress", "git merge --abort"]),
    "rebase in progress": (
        a_rebase_in_progress,
        ["`git rebase` is in progress", "git rebase --abort"],
    ),
    "am in progress": (an_am_in_progress, ["`git am` is in progress", "git am --abort"]),
    "sparse checkout": (
        lambda project, _: project.git("sparse-checkout", "set", "app", "migrations"),
        ["sparse checkout", "git sparse-checkout disable"],
    ),
    "markers of another system": (
        lambda project, _: project.commit_file(
            "ours.txt", "<<<<<<< a\r\n1\r\n=======\r\n2\r\n>>>>>>> b\r\n"
        ),
        ["markers are left in ours.txt"],
    ),
    "source with hidden credentials": (
        lambda project, _: project.record(_src_path="ada:secret@forge.example:template"),
        ["credentials", "--from"],
    ),
    "unresolved conflict": (conflicts_of_an_update, ["not resolved in app/orm.py", "git add"]),
    "markers left": (markers_that_were_committed, ["markers are left in app/orm.py", "git grep"]),
    "rejects left": (
        lambda project, _: project.commit_file("app/orm.py.rej", "@@\n"),
        ["app/orm.py.rej", "git rm"],
    ),
    "answers are no YAML": (
        lambda project, _: project.commit_file(ANSWERS_FILE, "a: [\n"),
        ["not YAML", "git log"],
    ),
    "answers are a list": (
        lambda project, _: project.commit_file(ANSWERS_FILE, "[1]\n"),
        ["records no answers", "git log"],
    ),
    "no commit recorded": (
        lambda project, _: project.record(_commit=None),
        ["_commit", "uncommitted changes of a template"],
    ),
    "no source recorded": (
        lambda project, _: project.record(_src_path=None),
        ["_src_path", "git log"],
    ),
    "impossible value": (
        lambda project, _: project.record(database="oracle"),
        ["could not have recorded", "database", "git log", "fastapi-service set"],
    ),
    "unknown answer": (
        lambda project, _: project.record(cache="redis"),
        ["could not have recorded", "cache", "fastapi-service set"],
    ),
    "missing answer": (
        lambda project, _: project.record(license=None),
        ["could not have recorded", "license", "fastapi-service set"],
    ),
    "computed answer": (
        lambda project, _: project.record(async_="async "),
        ["could not have recorded", "async_", "fastapi-service set"],
    ),
    "relative source": (
        lambda project, _: project.record(_src_path="../template"),
        ["relative path '../template'", "--from"],
    ),
    "source with credentials": (
        lambda project, _: project.record(_src_path="https://ada:secret@forge.example/t"),
        ["credentials", "--from"],
    ),
    "source is gone": (
        lambda project, folder: project.record(_src_path=str(folder / "gone")),
        ["There is no template", "--from"],
    ),
    "source cannot be reached": (
        lambda project, _: project.record(_src_path="https://127.0.0.1:9/template.git"),
        ["cannot be read", "--from"],
    ),
    "source is no repository": (
        lambda project, folder: project.record(_src_path=str(folder)),
        ["not a git repository", "--from"],
    ),
    "shallow source": (shallow, ["shallow", "fetch --unshallow --tags"]),
    "release is gone": (rewritten, ["does not have", "git fetch --tags", "--from"]),
    "newer copier needed": (of_a_newer_copier, ["Copier version >= 99.0", "upgrade"]),
    "copier stumbles": (a_folder_where_a_file_comes, ["cannot merge this", "nothing was changed"]),
}

UNKNOWN_TO_GIT = {"not under git", "nothing committed"}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_update_and_check_report(
    command: Command, outdated: TeamProject, tmp_path: Path, problem: str
) -> None:
    break_it, words = PROBLEMS[problem]
    break_it(outdated, tmp_path)
    before = list_files(outdated.folder) if problem in UNKNOWN_TO_GIT else outdated.state()

    result = command("update", outdated.folder)
    assert_refused(result, 1, *words)
    assert "secret" not in result.stderr
    report = command("check", outdated.folder, "--json")
    assert report.returncode in {1, 3}, report.stdout + report.stderr
    assert "Traceback" not in report.stderr
    assert "secret" not in report.stdout
    problems = json.loads(report.stdout)["problems"]
    texts = " ".join(f"{entry['message']} {entry['fix']}" for entry in problems)
    for word in words:
        assert word in " ".join(texts.split())

    after = list_files(outdated.folder) if problem in UNKNOWN_TO_GIT else outdated.state()
    assert after == before


# Problems that `set` meets, too: all but those of a newer release.
SHARED = [
    "not under git",
    "uncommitted change",
    "markers left",
    "impossible value",
    "shallow source",
]


@pytest.mark.parametrize("problem", SHARED)
def test_set_reports(command: Command, outdated: TeamProject, tmp_path: Path, problem: str) -> None:
    break_it, words = PROBLEMS[problem]
    break_it(outdated, tmp_path)
    before = list_files(outdated.folder)

    assert_refused(command("set", "license=MIT", outdated.folder), 1, *words)
    assert list_files(outdated.folder) == before
