"""Runs the shell steps of a rendered pipeline: those of GitHub's workflow, or of GitLab's file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from generator.errors import CommandError
from generator.git import git
from generator.processes import environment, run

WORKFLOW = ".github/workflows/ci.yml"
PIPELINE = ".gitlab-ci.yml"
# The shells of both forges end with the first error.
_GITHUB_SHELL = ("bash", "-e", "-c")
_GITLAB_SHELL = ("bash", "-eo", "pipefail", "-c")
# Keys of a pipeline that are no jobs.
_KEYWORDS = {"default", "variables", "workflow"}
_STEP_SECONDS = 900


@dataclass(frozen=True)
class Step:
    """A script of a job, the shell that runs it, and the variables of the file."""

    job: str
    script: str
    shell: tuple[str, ...]
    variables: Mapping[str, str]


def read_steps(project: Path) -> list[Step]:
    """Read the pipeline of the project, in the order of its file; raises CommandError without one.

    Actions such as the checkout are no steps of a shell.
    """
    if (project / WORKFLOW).exists():
        return _read_workflow(yaml.safe_load((project / WORKFLOW).read_text()))
    if (project / PIPELINE).exists():
        return _read_gitlab(yaml.safe_load((project / PIPELINE).read_text()))
    raise CommandError(f"{project} has no pipeline.")


def _read_workflow(document: dict[str, Any]) -> list[Step]:
    return [
        Step(name, step["run"], _GITHUB_SHELL, {**document["env"], **job.get("env", {})})
        for name, job in document["jobs"].items()
        for step in job["steps"]
        if "run" in step
    ]


def _read_gitlab(document: dict[str, Any]) -> list[Step]:
    return [
        Step(name, line, _GITLAB_SHELL, {**document["variables"], **job.get("variables", {})})
        for name, job in document.items()
        if name not in _KEYWORDS
        for line in job["script"]
    ]


class Clone:
    """A clean clone of a project, in which a forge runs its pipeline.

    `programs` is a folder with what an image or an action of the forge provides.
    """

    def __init__(self, project: Path, folder: Path, programs: Path) -> None:
        git(project, "clone", "--quiet", f"file://{project}", str(folder))
        self.folder = folder
        self.steps = read_steps(folder)
        self._programs = programs

    def step(self, text: str) -> Step:
        """Return the first step whose script contains the text."""
        return next(step for step in self.steps if text in step.script)

    def run(self, step: Step, **settings: str) -> str:
        """Run a step, with changed variables; raises ProgramError when it is red."""
        declared = {**step.variables, **self._predefined(), **settings}
        expanded = {
            # GitLab replaces references to other variables.
            name: re.sub(r"\$(\w+)", lambda found: declared.get(found[1], ""), value)
            for name, value in declared.items()
        }
        path = f"{self._programs}:{environment()['PATH']}"
        variables = environment(**{**expanded, "PATH": path})
        command = [*step.shell, step.script]
        return run(command, self.folder, variables=variables, seconds=_STEP_SECONDS)

    def _predefined(self) -> dict[str, str]:
        """Return the variables that forges set."""
        revision = git(self.folder, "rev-parse", "HEAD")
        return {
            "CI_COMMIT_SHA": revision,
            "CI_PROJECT_DIR": str(self.folder),
            "GITHUB_SHA": revision,
        }
