"""The baseline: the project rendered from its own revision and answers, without any edit.

Another process renders it, so that its temporary files can be deleted whenever it is stopped.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import yaml

from generator.errors import CommandError, Problem, UsageError
from generator.processes import environment, start, stop
from generator.project.answers import (
    ANSWERS_FILE,
    AnswersFile,
    edited_problem,
    read_answers,
    require_consistent,
)
from generator.project.origin import Origin
from generator.template.rendering import render

Baseline = Callable[[], Path]

# Files in a folder that both processes share.
_REQUEST = "request.yml"
_RESULT = "result.yml"
_PROJECT = "project"
_SECONDS = 300


@contextmanager
def rendering_baseline(recorded: AnswersFile, origin: Origin) -> Iterator[Baseline]:
    """Start rendering, and yield a function that waits for it and returns the folder.

    The function raises Problem for answers that the template could not have recorded.
    """
    with tempfile.TemporaryDirectory(prefix="fastapi-service-") as name:
        folder = Path(name)
        request = [str(origin.source.tree), origin.commit, recorded.values]
        (folder / _REQUEST).write_text(yaml.safe_dump(request), encoding="utf-8")
        # -P: import no module from the current folder.
        command = [sys.executable, "-P", "-m", "generator.project.baseline", name]
        # Whatever copier leaves behind when it is stopped is deleted with the folder.
        variables = environment(TMPDIR=name)
        process = start(command, folder, variables, subprocess.DEVNULL)
        try:
            yield cache(lambda: _wait(process, folder, recorded))
        finally:
            stop(process, seconds=0)


def _wait(process: subprocess.Popen[str], folder: Path, recorded: AnswersFile) -> Path:
    with suppress(subprocess.TimeoutExpired):
        process.wait(_SECONDS)
    result = folder / _RESULT
    if not result.exists():
        ending = "did not end" if process.poll() is None else f"ended with {process.returncode}"
        raise CommandError(f"Rendering the project without its edits {ending}.")
    rejected, message, fix = yaml.safe_load(result.read_text(encoding="utf-8"))
    if rejected:
        raise edited_problem(recorded, f"({message.rstrip('.')})")
    if fix:
        raise Problem(message, fix)
    if message:
        raise CommandError(message)
    project = folder / _PROJECT
    rendered = read_answers(project)
    require_consistent(recorded, rendered)
    text = rendered.with_origin(recorded.source, recorded.commit)
    (project / ANSWERS_FILE).write_text(text, encoding="utf-8")
    return project


def _render(folder: Path) -> None:
    """Serve the request in the folder. Runs in the other process."""
    location, ref, answers = yaml.safe_load((folder / _REQUEST).read_text(encoding="utf-8"))
    result: tuple[bool, str, str] = (False, "", "")
    try:
        render(location, folder / _PROJECT, answers, ref=ref, ask=False)
    except Problem as problem:
        result = (False, problem.message, problem.fix)
    except CommandError as error:
        result = (isinstance(error, UsageError), str(error), "")
    (folder / _RESULT).write_text(yaml.safe_dump(list(result)), encoding="utf-8")


if __name__ == "__main__":
    _render(Path(sys.argv[1]))
