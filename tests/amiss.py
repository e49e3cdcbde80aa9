"""What can be amiss with a project or its template, and what `update` has to say of it."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.conftest import git
from tests.living import ANSWERS_FILE, THE_NEXT_AFTER, tag
from tests.updating import Service, released

OF_ANOTHER_SYSTEM = "<<<<<<< a\r\n1\r\n=======\r\n2\r\n>>>>>>> b\r\n"

Break = Callable[[Service, Path], object]


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
    service.record(_src_path=str(template))


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
        lambda service, _: service.commit_file(
            "ours.txt", "<<<<<<< a\r\n1\r\n=======\r\n2\r\n>>>>>>> b\r\n"
        ),
        ["markers are left in ours.txt"],
    ),
    "source with hidden credentials": (
        lambda service, _: service.record(_src_path="ada:secret@forge.example:template"),
        ["credentials", "--from"],
    ),
    "unresolved conflict": (conflicts_of_an_update, ["not resolved in app/main.py", "git add"]),
    "markers left": (markers_that_were_committed, ["markers are left in app/main.py", "git grep"]),
    "rejects left": (
        lambda service, _: service.commit_file("app/main.py.rej", "@@\n"),
        ["app/main.py.rej", "git rm"],
    ),
    "answers are no YAML": (
        lambda service, _: service.commit_file(ANSWERS_FILE, "a: [\n"),
        ["not YAML", "git log"],
    ),
    "answers are a list": (
        lambda service, _: service.commit_file(ANSWERS_FILE, "[1]\n"),
        ["records no answers", "git log"],
    ),
    "no commit recorded": (
        lambda service, _: service.record(_commit=None),
        ["_commit", "uncommitted changes of a template"],
    ),
    "no source recorded": (
        lambda service, _: service.record(_src_path=None),
        ["_src_path", "git log"],
    ),
    "impossible value": (
        lambda service, _: service.record(database="oracle"),
        ["could not have recorded", "database", "git log", "fastapi-service set"],
    ),
    "unknown answer": (
        lambda service, _: service.record(cache="redis"),
        ["could not have recorded", "cache", "fastapi-service set"],
    ),
    "missing answer": (
        lambda service, _: service.record(license=None),
        ["could not have recorded", "license", "fastapi-service set"],
    ),
    "computed answer": (
        lambda service, _: service.record(async_="async "),
        ["could not have recorded", "async_", "fastapi-service set"],
    ),
    "relative source": (
        lambda service, _: service.record(_src_path="../template"),
        ["relative path '../template'", "--from"],
    ),
    "source with credentials": (
        lambda service, _: service.record(_src_path="https://ada:secret@forge.example/t"),
        ["credentials", "--from"],
    ),
    "source is gone": (
        lambda service, folder: service.record(_src_path=str(folder / "gone")),
        ["There is no template", "--from"],
    ),
    "source cannot be reached": (
        lambda service, _: service.record(_src_path="https://127.0.0.1:9/template.git"),
        ["cannot be read", "--from"],
    ),
    "source is no repository": (
        lambda service, folder: service.record(_src_path=str(folder)),
        ["not a git repository", "--from"],
    ),
    "shallow source": (shallow, ["shallow", "fetch --unshallow --tags"]),
    "release is gone": (rewritten, ["does not have", "git fetch --tags", "--from"]),
    "newer copier needed": (of_a_newer_copier, ["Copier version >= 99.0", "upgrade"]),
    "copier stumbles": (a_folder_where_a_file_comes, ["cannot merge this", "nothing was touched"]),
}
