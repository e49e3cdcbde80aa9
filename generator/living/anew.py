"""The project as it would be without any edit.

It takes as long as a fifth of a merge, so a process of its own renders it meanwhile.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import yaml

from generator import rendering
from generator.errors import CommandError, Problem, UsageError
from generator.living import answers_file
from generator.living.answers_file import AnswersFile
from generator.living.origin import Origin
from generator.processes import environment, start, stop

# In a folder that both processes know: what is asked, what came of it, and the project.
_REQUEST, _RESULT, _PROJECT = "request.yml", "result.yml", "project"
_SECONDS = 300


@contextmanager
def rendered(recorded: AnswersFile, origin: Origin) -> Iterator[Callable[[], Path]]:
    """Begin to render; what is given waits for the end and returns the folder.

    It raises Problem for answers that the template could not have recorded.
    """
    with tempfile.TemporaryDirectory(prefix="fastapi-service-") as name:
        folder = Path(name)
        request = [str(origin.source.tree), origin.made_from, recorded.answers]
        (folder / _REQUEST).write_text(yaml.safe_dump(request), encoding="utf-8")
        # -P: no module of the folder that it runs in is imported.
        command = [sys.executable, "-P", "-m", "generator.living.anew", name]
        # Whatever copier leaves when it is stopped goes with the folder.
        variables = environment(TMPDIR=name)
        process = start(command, folder, variables, subprocess.DEVNULL)
        try:
            yield cache(lambda: _ended(process, folder, recorded))
        finally:
            stop(process, seconds=0)


def _ended(process: subprocess.Popen[str], folder: Path, recorded: AnswersFile) -> Path:
    with suppress(subprocess.TimeoutExpired):
        process.wait(_SECONDS)
    result = folder / _RESULT
    if not result.exists():
        ending = "did not end" if process.poll() is None else f"ended with {process.returncode}"
        raise CommandError(f"Rendering the project without its edits {ending}.")
    refused, what, mend = yaml.safe_load(result.read_text(encoding="utf-8"))
    if refused:
        raise answers_file.refused(recorded, what)
    if mend:
        raise Problem(what, mend)
    if what:
        raise CommandError(what)
    project = folder / _PROJECT
    anew = answers_file.read(project)
    answers_file.require_possible(recorded, anew)
    text = anew.pointing(recorded.source, recorded.commit)
    (project / answers_file.NAME).write_text(text, encoding="utf-8")
    return project


def _render(folder: Path) -> None:
    """Do what is asked in the folder: in the other process."""
    request = yaml.safe_load((folder / _REQUEST).read_text(encoding="utf-8"))
    location, ref, answers = request
    result: tuple[bool, str, str] = (False, "", "")
    try:
        rendering.render(location, folder / _PROJECT, answers, ref=ref, ask=False)
    except Problem as problem:
        result = (False, problem.what, problem.mend)
    except CommandError as error:
        result = (isinstance(error, UsageError), str(error), "")
    (folder / _RESULT).write_text(yaml.safe_dump(list(result)), encoding="utf-8")


if __name__ == "__main__":
    _render(Path(sys.argv[1]))
