"""What copier does for us, and its errors as one sentence."""

import re
from collections.abc import Callable
from pathlib import Path

from copier import VcsRef, run_copy, run_update
from copier.errors import CopierError, InvalidTypeError, UnsupportedVersionError
from jinja2 import TemplateError
from plumbum import local

from generator.errors import CommandError, Problem, UsageError
from generator.git import configured
from generator.options import Value

Answers = dict[str, Value]

# With other values than these, which a user may have set, copier loses edits without a word.
_FOR_COPIER = {"apply.whitespace": "nowarn", "status.showUntrackedFiles": "normal"}


def render(
    location: str, destination: Path, answers: Answers, *, ref: str | None, ask: bool
) -> None:
    """Render a fresh project; raises UsageError for an answer that the template refuses."""
    _called(
        lambda: run_copy(
            location, destination, answers, vcs_ref=ref, defaults=not ask, quiet=True
        )
    )  # fmt: skip


def merge(project: Path, answers: Answers, *, ref: str | None) -> None:
    """Merge a revision of the template into a project under git, or other answers without `ref`.

    What was not asked before takes its default. Raises UsageError for an answer that the template
    refuses; copier leaves a project half merged when it fails, and exits cleanly over conflicts.
    """
    with local.env(**configured(_FOR_COPIER)):
        _called(
            lambda: run_update(
                project,
                answers,
                vcs_ref=ref or VcsRef.CURRENT,
                defaults=True,
                overwrite=True,
                quiet=True,
            )
        )


def _called(function: Callable[[], object]) -> None:
    try:
        function()
    except KeyboardInterrupt:  # Also an error of copier's, at a question.
        raise
    except InvalidTypeError as error:
        raise UsageError(_sentence(error)) from error
    except UnsupportedVersionError as error:
        raise Problem(
            _sentence(error).rstrip("."),
            "upgrade it where this command is installed, such as with "
            "`uv tool upgrade fastapi-service-generator` or `pip install --upgrade copier`",
        ) from error
    except CopierError as error:
        raise CommandError(_sentence(error)) from error
    except TemplateError as error:
        raise CommandError(f"The template has a mistake: {_sentence(error)}") from error
    except UnicodeError:  # Of a file, and a ValueError, too.
        raise
    except ValueError as error:  # What copier raises for a bad answer.
        raise UsageError(_sentence(error)) from error


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    refused = re.fullmatch(
        r"(?:Validation error for question|Invalid choice for) '(\w+)': (.*)", text
    )
    return f"{refused[1]}: {refused[2]}" if refused else text
