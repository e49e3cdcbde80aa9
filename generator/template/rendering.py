"""Calls copier, and turns its errors into one sentence. The only importer of `run_*`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from copier import VcsRef, run_copy, run_update
from copier.errors import CopierError, InvalidTypeError, UnsupportedVersionError
from jinja2 import TemplateError
from plumbum import ProcessExecutionError, local

from generator.errors import CommandError, Problem, UsageError
from generator.git import git_settings
from generator.template.memory import make_copier_remember
from generator.template.options import Answers

make_copier_remember()

# With other values, which a user may have set, copier loses edits silently, or cannot clone a
# template from a folder.
_SETTINGS_FOR_COPIER = {
    "apply.whitespace": "nowarn",
    "status.showUntrackedFiles": "normal",
    "protocol.file.allow": "always",
}


def render(
    location: str, destination: Path, answers: Answers, *, ref: str | None, ask: bool
) -> None:
    """Render a new project; raises UsageError for a rejected answer."""
    with local.env(**git_settings(_SETTINGS_FOR_COPIER)), _translated_errors():
        run_copy(location, destination, answers, vcs_ref=ref, defaults=not ask, quiet=True)


def update(project: Path, answers: Answers, *, ref: str | None) -> None:
    """Merge a revision of the template into a project, or only new answers without `ref`.

    New questions get their defaults. Raises UsageError for a rejected answer. Copier leaves the
    project half merged when it fails, and does not report conflicts.
    """
    with local.env(**git_settings(_SETTINGS_FOR_COPIER)), _translated_errors():
        run_update(
            project,
            answers,
            vcs_ref=ref or VcsRef.CURRENT,
            defaults=True,
            overwrite=True,
            quiet=True,
        )


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:  # Copier's CopierAnswersInterrupt is a CopierError, too.
        raise
    except InvalidTypeError as error:
        raise UsageError(_to_sentence(error)) from error
    except UnsupportedVersionError as error:
        raise Problem(
            _to_sentence(error).rstrip("."),
            "upgrade it where this command is installed, such as with "
            "`uv tool upgrade fastapi-service-generator` or `pip install --upgrade copier`",
        ) from error
    except CopierError as error:
        raise CommandError(_to_sentence(error)) from error
    except ProcessExecutionError as error:
        lines = str(error.stderr).split("\n")
        reason = next((line for line in reversed(lines) if line.strip()), "no message")
        raise CommandError(f"Copier's git failed: {reason.strip()}") from error
    except TemplateError as error:
        raise CommandError(f"The template has a mistake: {_to_sentence(error)}") from error
    except UnicodeError:  # A subclass of ValueError; raised for files that are not UTF-8.
        raise
    except ValueError as error:  # Copier raises it for a rejected answer.
        raise UsageError(_to_sentence(error)) from error


def _to_sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    rejected = re.fullmatch(
        r"(?:Validation error for question|Invalid choice for) '(\w+)': (.*)", text
    )
    return f"{rejected[1]}: {rejected[2]}" if rejected else text
