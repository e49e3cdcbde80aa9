"""A fork with an own option, six services, three releases, as a platform team lives with them."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator.template.options import Value
from tests.support.command import Command
from tests.support.history import CURRENT, build_history, tag
from tests.support.projects import (
    answers_of,
    commit,
    list_conflicts,
    render_release,
    run_copier,
    version_of,
)
from tests.support.repository import git, template_files

pytestmark = pytest.mark.slow

# Few files, and no lock: the rest of the template would only take time.
KEPT = re.compile(
    r"README|migrations/versions/0001|\.(gitignore|gitattributes|pre-commit)|.*answers_file|tests/test_items|"
    r"app/(main|settings|pagination)\.|app/items/(routes|schemas|service)\."
)
FIRST = "2000.0.0"
SECOND = "2001.0.0"
THIRD = "2002.0.0"
REGION = """
region:
  type: str
  default: north
  help: Region of the data center
  choices:
    "north": north
    "none: not recorded": none
"""
CHANGELOG = f"""# Changelog

## {THIRD}

**Effect of an update:** a line in `app/main.py`.

## {SECOND}

**Effect of an update:** a fix in each module of `items`.
"""
FIX = "# Fixed by the platform team."
FEATURE = {
    "app/orders/service.py": "from app.items.schemas import ItemCreate\n",
    "app/orders/__init__.py": "",
}


@dataclass(frozen=True)
class Service:
    """A service of the story. `live` makes its team's changes."""

    answers: dict[str, Value]
    live: Callable[[Path], None]


def add_own_feature(project: Path) -> None:
    for path, text in FEATURE.items():
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_text(text)
    extend(project / "app/main.py", "# Ours.")


def rename_and_edit(project: Path) -> None:
    """Rename a feature, and delete its tests, which are written anew elsewhere."""
    (project / "app/items").rename(project / "app/products")
    for path in (project / "app").rglob("*.py"):
        path.write_text(path.read_text().replace("app.items", "app.products"))
    extend(project / "app/products/routes.py", "# Ours.")
    (project / "tests/test_items.py").unlink()


def store_crlf(project: Path) -> None:
    (project / ".gitattributes").write_text("* -text\n")
    for path in project.rglob("*"):
        if path.is_file() and ".git" not in path.relative_to(project).parts[:1]:
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def move_into_monorepo(project: Path) -> None:
    """Put the service below `services/`, beside another folder."""
    shutil.rmtree(project / ".git")
    service = project / "services/shop"
    service.mkdir(parents=True)
    for path in list(project.iterdir()):
        if path.name != "services":
            path.rename(service / path.name)
    (project / "library.py").write_text("LIBRARY = 1\n")
    git(project, "init", "--quiet")


def use_hooks(project: Path) -> None:
    """Install a hook that refuses every commit, and configure another."""
    extend(project / ".pre-commit-config.yaml", "# Ours.")
    commit(project, "Ours")
    hook = project / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)


SERVICES = {
    "feature": Service({}, add_own_feature),
    "bare": Service({"examples": False, "auth": "none"}, lambda _: None),
    "renamed": Service({}, rename_and_edit),
    "crlf": Service({"region": "none"}, store_crlf),
    "mono": Service({"database": "postgresql"}, move_into_monorepo),
    "hooks": Service({"sqlalchemy": "sync"}, use_hooks),
}


def extend(path: Path, line: str) -> None:
    path.write_text(f"{path.read_text()}{line}\n")


def folder_of(services: Path, name: str) -> Path:
    return services / name / ("services/shop" if name == "mono" else "")


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fork the template with an option of its own, and release it."""
    repository = build_history(
        tmp_path_factory.mktemp("fork") / "template", lambda name: KEPT.match(name) is not None
    )
    git(repository, "checkout", "--quiet", "-b", "fork", f"v{CURRENT}")
    definition = repository / "copier.yml"
    text = definition.read_text().replace("\nexamples:\n", f"{REGION}\nexamples:\n", 1)
    definition.write_text(text.replace("  add-on: [", "  add-on: [region, ", 1))
    (repository / "template/{% if region != 'none' %}REGION{% endif %}.jinja").write_text(
        "{{ region }}\n"
    )
    for version in git(repository, "tag").splitlines():
        git(repository, "tag", "--delete", version)
    tag(repository, FIRST)
    return repository


@pytest.fixture(scope="module")
def services(fork: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the services from the first release; then the fork releases twice."""
    folder = tmp_path_factory.mktemp("services")
    for name, service in SERVICES.items():
        project = render_release(fork, folder / name, service.answers, FIRST)
        git(project, "init", "--quiet")
        commit(project, "Start")
        service.live(project)
        if name != "hooks":
            commit(project, "Ours")
    (fork / "CHANGELOG.md").write_text(CHANGELOG)
    files = dict(template_files(fork))
    for path in ("app/items/routes.py", "app/items/schemas.py", "tests/test_items.py"):
        first, _, rest = files[path].read_text().partition("\n")
        files[path].write_text(f"{first}\n{FIX}\n{rest}")
    tag(fork, SECOND)
    extend(files["app/settings.py"], FIX)
    tag(fork, THIRD)
    return folder


@pytest.fixture
def copies(services: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(services, tmp_path / "services", symlinks=True))


def fixes(project: Path) -> list[str]:
    return sorted(
        str(path.relative_to(project))
        for path in project.rglob("*.py")
        if FIX.encode() in path.read_bytes()
    )


ITEMS = ["app/items/routes.py", "app/items/schemas.py", "app/settings.py", "tests/test_items.py"]
PRODUCTS = ["app/products/routes.py", "app/products/schemas.py", "app/settings.py"]
FIXES = {"bare": ["app/settings.py"], "renamed": PRODUCTS}


def merge_second_release(command: Command, project: Path) -> None:
    """Merge one of two releases, with its loss."""
    result = command("update", project, "--to", f"v{SECOND}")
    assert result.returncode == 3
    assert "tests/test_items.py: you deleted it, and the template changes 1" in result.stdout
    assert fixes(project) == []
    result = command("update", project, "--to", f"v{SECOND}", "--accept-losses")
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"v{THIRD}" not in result.stdout
    assert fixes(project) == ["app/products/routes.py", "app/products/schemas.py"]
    commit(project, "Second release")


@pytest.mark.parametrize("name", SERVICES)
def test_update_by_command(command: Command, copies: Path, name: str) -> None:
    project = folder_of(copies, name)
    ours = {path: path.read_bytes() for path in project.rglob("*.py")}

    if name == "renamed":
        # Release by release: a loss that was accepted once is not reported again.
        merge_second_release(command, project)

    result = command("update", project)

    assert result.returncode == 0, result.stdout + result.stderr
    crosses_both = f"v{SECOND}: a fix in each module of `items`." in result.stdout
    assert crosses_both == (name != "renamed")
    assert f"v{THIRD}: a line in `app/main.py`." in result.stdout
    assert version_of(project) == f"v{THIRD}"
    assert answers_of(project)["region"] == SERVICES[name].answers.get("region", "north")
    assert fixes(project) == FIXES.get(name, ITEMS)
    assert list_conflicts(project) == []
    for path, content in ours.items():
        assert {*content.splitlines()} <= {*path.read_bytes().splitlines()}
    if name == "crlf":
        content = (project / "app/settings.py").read_bytes()
        assert content.count(b"\r\n") == content.count(b"\n")
    git(project, "commit", "--quiet", "--all", "--no-verify", "--message=Update")
    assert "nothing to do" in command("update", project).stdout


# Plain copier conflicts in each changed file with CRLF, and loses the fixes of renamed files.
CONFLICTS = {"crlf": ITEMS}
COPIER_FIXES = {**FIXES, "renamed": ["app/settings.py"]}


@pytest.mark.parametrize("name", SERVICES)
def test_update_by_copier(copies: Path, name: str) -> None:
    project = folder_of(copies, name)

    for version in [SECOND, THIRD] if name == "feature" else [THIRD]:
        command = ["update", "--skip-answered", "--defaults", f"--vcs-ref=v{version}"]
        result = run_copier(project, *command)
        assert result.returncode == 0, result.stderr
        if version == SECOND:
            assert fixes(project) == [path for path in ITEMS if path != "app/settings.py"]
            commit(project, "Second release")

    assert version_of(project) == f"v{THIRD}"
    assert set(CONFLICTS.get(name, [])) <= set(list_conflicts(project))
    assert fixes(project) == COPIER_FIXES.get(name, ITEMS)
    if name == "feature":
        assert (project / "app/orders/service.py").is_file()
        assert (project / "app/main.py").read_text().endswith("# Ours.\n")


def test_examples_that_a_feature_imports_stay(command: Command, copies: Path) -> None:
    result = command("set", "examples=false", copies / "feature")

    assert result.returncode == 3
    assert "app/orders/service.py: it imports app.items.schemas" in result.stdout
    assert git(copies / "feature", "status", "--porcelain") == ""


def test_fleet_is_judged(command: Command, services: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yml"
    policy.write_text(f'oldest_release: "{FIRST}"\nforbidden_answers: {{auth: [none]}}\n')

    result = command("check", services, "--json", "--policy", policy, "--html", tmp_path / "page")

    assert result.returncode == 3, result.stderr
    reports = {
        Path(report["project"]).relative_to(services).parts[0]: report
        for report in json.loads(result.stdout)["projects"]
    }
    assert reports.keys() == SERVICES.keys()
    assert all(report["behind"] for report in reports.values())
    assert {name for name, report in reports.items() if not report["clean"]} == {"renamed"}
    assert reports["renamed"]["at_risk"] == ["tests/test_items.py"]
    assert "app/items/routes.py" in reports["renamed"]["drift"]
    assert [name for name, report in reports.items() if report["problems"]] == ["bare"]
    assert "forbids auth=none" in reports["bare"]["problems"][0]["message"]
    page = (tmp_path / "page").read_text()
    assert all(name in page for name in SERVICES)
