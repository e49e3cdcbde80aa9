"""Copier remembers, and still does what it did."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jinja2.sandbox import SandboxedEnvironment

from generator.template import rendering
from tests.support.repository import ROOT, commit_all, git

_RENDER = """
import sys
from pathlib import Path
from generator.template.rendering import render
render(sys.argv[1], Path(sys.argv[2]), {"project_name": "Shop"}, ref="HEAD", ask=False)
"""


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """A template with a file that becomes executable in its second release."""
    template = tmp_path / "template"
    template.mkdir()
    (template / "copier.yml").write_text("_subdirectory: files\nname: shop\n")
    (template / "files").mkdir()
    (template / "files/run.sh").write_text("echo {{ 'run' }}\n")
    (template / "files/{{ _copier_conf.answers_file }}.jinja").write_text(
        "{{ _copier_answers | to_nice_yaml -}}\n"
    )
    commit_all(template)
    git(template, "tag", "v1.0.0")
    (template / "files/run.sh").chmod(0o755)
    commit_all(template)
    git(template, "tag", "v2.0.0")
    return template


def test_git_is_asked_once(checkout: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    command = [sys.executable, "-c", _RENDER, str(checkout), "shop"]
    environment = os.environ | {"GIT_TRACE": str(trace), "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    questions = [line for line in trace.read_text().splitlines() if "core.fileMode" in line]
    assert (tmp_path / "shop/app/main.py").is_file()
    assert len(questions) == 1


def compile_twice(text: str) -> tuple[object, object]:
    """Compile the text in two environments, as copier makes them."""
    extensions = ["jinja2_ansible_filters.AnsibleCoreFiltersExtension"]
    first, second = (SandboxedEnvironment(extensions=extensions) for _ in range(2))
    return first.compile(text), second.compile(text)


@pytest.mark.parametrize(
    "text",
    ["{% if database == 'sqlite' %}app.py{% endif %}", "{{ name | upper | replace('A', 'B') }}"],
)
def test_equal_texts_are_compiled_once(text: str) -> None:
    first, second = compile_twice(text)
    assert first is second


@pytest.mark.parametrize(
    "text",
    [
        "{{ 99999999 | ans_random }}",
        "{{ [1, 2]|random }}",
        "{% filter shuffle %}abc{% endfilter %}",
    ],
)
def test_random_texts_are_compiled_each_time(text: str) -> None:
    """Jinja computes the result when it compiles them."""
    first, second = compile_twice(text)
    assert first is not second


def test_other_settings_compile_anew() -> None:
    text = "{% if 1 %}\na{% endif %}"
    environments = [SandboxedEnvironment(trim_blocks=trim) for trim in (True, False)]
    assert [item.from_string(text).render() for item in environments] == ["a", "\na"]


@pytest.mark.parametrize(("tracked", "mode"), [("true", "100644"), ("false", "100755")])
def test_executable_bit_reaches_the_index(
    scripts: Path, tmp_path: Path, tracked: str, mode: str
) -> None:
    """Copier writes it where git ignores the modes of files."""
    project = tmp_path / "project"
    rendering.render(str(scripts), project, {}, ref="v1.0.0", ask=False)
    commit_all(project)
    git(project, "config", "core.fileMode", tracked)
    rendering.update(project, {}, ref="v2.0.0")
    assert git(project, "ls-files", "--stage", "run.sh").split()[0] == mode
    assert os.access(project / "run.sh", os.X_OK)


def test_secrets_differ(checkout: Path, tmp_path: Path) -> None:
    """Jinja computes a random number when it compiles a text."""
    secrets = set()
    for name in ("first", "second"):
        rendering.render(str(checkout), tmp_path / name, {}, ref="HEAD", ask=False)
        secrets |= set(re.findall("[0-9a-f]{64}", (tmp_path / name / ".env").read_text()))
    assert len(secrets) == 2
