"""`new` makes a complete project under git."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.command import Command
from tests.support.repository import commit_all, copy_template, git

pytestmark = pytest.mark.slow


def test_project_is_rendered_locked_committed(command: Command, tmp_path: Path) -> None:
    result = command("new", "shop")
    assert result.returncode == 0, result.stderr
    project = tmp_path / "shop"
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "rev-list", "--count", "HEAD") == "1"
    assert git(project, "branch", "--show-current") == "main"
    tracked = git(project, "ls-files").splitlines()
    assert {"uv.lock", ".copier-answers.yml"} <= set(tracked)
    assert ".env" not in tracked
    assert (project / ".env").stat().st_mode & 0o777 == 0o600
    assert f"cd {project}" in result.stdout


def test_choice_may_have_any_case(command: Command, tmp_path: Path) -> None:
    result = command("new", "shop", "-d", "license=mit", "-d", "background=CELERY")
    assert result.returncode == 0, result.stderr
    recorded = yaml.safe_load((tmp_path / "shop/.copier-answers.yml").read_text())
    assert (recorded["license"], recorded["background"]) == ("MIT", "celery")
    assert "run celery -A app.worker worker" in result.stdout


def test_origin_is_recorded(command: Command, checkout: Path, tmp_path: Path) -> None:
    relative = os.path.relpath(checkout, tmp_path)
    assert command("new", "shop", "--template", relative).returncode == 0
    answers = yaml.safe_load((tmp_path / "shop/.copier-answers.yml").read_text())
    assert answers["_src_path"] == str(checkout)
    assert answers["_commit"] == "v0.1.0"


def test_defaults_are_printed(command: Command, tmp_path: Path) -> None:
    result = command("new", "shop")
    recorded = yaml.safe_load((tmp_path / "shop/.copier-answers.yml").read_text())
    for name in recorded:
        assert name.startswith("_") or f"{name}=" in result.stdout


def test_last_answer_wins(command: Command, tmp_path: Path) -> None:
    name = "{{ 7 * 7 }} 'shop'"
    result = command("new", "shop", "-d", "project_name=a", "-d", f"project_name={name}")
    assert result.returncode == 0, result.stderr
    recorded = yaml.safe_load((tmp_path / "shop/.copier-answers.yml").read_text())
    assert recorded["project_name"] == name


def test_current_folder_becomes_project(command: Command, tmp_path: Path) -> None:
    assert command("new", ".").returncode == 0
    assert (tmp_path / ".git").is_dir()


def test_old_release_is_rendered(command: Command, tmp_path: Path) -> None:
    template = release_twice(tmp_path / "template")
    result = command("new", "shop", "--template", template, "--ref", "v0.1.0")
    assert result.returncode == 0, result.stderr
    assert not (tmp_path / "shop/second.txt").exists()


def test_url_gives_latest_release(command: Command, tmp_path: Path) -> None:
    template = release_twice(tmp_path / "template")
    (template / "template/third.txt").touch()
    commit_all(template)
    result = command("new", "shop", "--template", f"git+file://{template}")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "shop/second.txt").exists()
    assert not (tmp_path / "shop/third.txt").exists()
    answers = yaml.safe_load((tmp_path / "shop/.copier-answers.yml").read_text())
    assert answers["_commit"] == "v0.2.0"
    assert answers["_src_path"] == f"git+file://{template}"


def release_twice(folder: Path) -> Path:
    template = copy_template(folder)
    for tag, name in (("v0.1.0", "first.txt"), ("v0.2.0", "second.txt")):
        (template / "template" / name).touch()
        commit_all(template)
        git(template, "tag", tag)
    return template


def test_bare_repository_is_a_template(command: Command, checkout: Path, tmp_path: Path) -> None:
    bare = tmp_path / "templates" / "ours"
    git(tmp_path, "clone", "--quiet", "--bare", str(checkout), str(bare))

    made = command("new", "shop", "--template", bare)

    assert made.returncode == 0, made.stderr
    answers = yaml.safe_load((tmp_path / "shop/.copier-answers.yml").read_text())
    assert answers["_src_path"] == f"git+file://{bare}"
    assert answers["_commit"] == "v0.1.0"
    checked = command("check", "shop", "--offline")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_monorepo_gets_no_repository(command: Command, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    result = command("new", "services/shop")
    assert result.returncode == 0, result.stderr
    assert not (tmp_path / "services/shop/.git").exists()
    assert (tmp_path / "services/shop/uv.lock").is_file()
    assert f"Rendered into the repository {tmp_path}" in result.stdout
    assert git(tmp_path, "status", "--porcelain") == "?? services/"
    assert not (tmp_path / "services/shop/.github").exists()
    assert "Forges read pipelines at the root of a repository only" in result.stderr


def test_names_to_fill_in_are_listed(command: Command) -> None:
    """The lock fails without the network, after which the names are still listed."""
    deployed = ["-d", "database=postgresql", "-d", "kubernetes=true"]
    result = command("new", "shop", *deployed, UV_OFFLINE="1", UV_NO_CACHE="1")
    names = result.stdout.partition("Names to fill in:\n")[2].splitlines()
    assert [line.split(":")[0].strip() for line in names[:2]] == [
        "deploy/kubernetes/overlays/production/kustomization.yaml",
        "docs/deploying.md",
    ]
    assert "registry.invalid/shop" in names[0]


def test_unknown_git_user_can_commit(command: Command, tmp_path: Path) -> None:
    result = command("new", "shop", GIT_CONFIG_GLOBAL="/dev/null")
    assert result.returncode == 0, result.stderr
    assert git(tmp_path / "shop", "log", "--format=%an") == "fastapi-service"


def test_installed_command_runs() -> None:
    script = Path(sys.executable).parent / "fastapi-service"
    result = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", result.stdout)
