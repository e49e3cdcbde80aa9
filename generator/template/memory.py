"""Makes copier remember what it asks and compiles again and again: a third of an update's time.

It starts git for each file that it writes, to ask the same question, and compiles each name and
each file in every render. See docs/decisions/0018-copier-remembers.md.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from copier import run_copy
from jinja2.filters import FILTERS
from jinja2.sandbox import SandboxedEnvironment

from generator.git import git
from generator.processes import ProgramError

_WORKER = "Worker"
_SYNC_MODE = "_sync_git_index_executable_bit"
_MOST_TEXTS = 5000

_PURE_FILTERS = FILTERS.keys() - {"random"}
_FILTER = re.compile(r"(?:\||\bfilter\b)\s*(\w+)")


def make_copier_remember() -> None:
    """Wrap two of its methods, as far as the installed version has them."""
    worker = getattr(sys.modules[run_copy.__module__], _WORKER, None)
    if sync_mode := getattr(worker, _SYNC_MODE, None):
        setattr(worker, _SYNC_MODE, _ask_once(sync_mode))
    compile_once = _compile_once(SandboxedEnvironment.compile)
    # Copier makes the environments, so only the class can be changed.
    SandboxedEnvironment.compile = compile_once  # type: ignore[method-assign]


def _ask_once(sync_mode: Callable[[Any, Path, int], None]) -> Callable[[Any, Path, int], None]:
    """Ask once per render whether the executable bit has to be written into git's index."""

    def wrapper(worker: Any, path: Path, mode: int) -> None:  # noqa: ANN401 - copier's class is private
        memory = vars(worker)
        if "ignores_modes" not in memory:
            memory["ignores_modes"] = _ignores_modes(worker.subproject.local_abspath)
        if memory["ignores_modes"]:
            sync_mode(worker, path, mode)

    return wrapper


def _ignores_modes(folder: Path) -> bool:
    try:
        return git(folder, "config", "--type=bool", "--get", "core.fileMode") == "false"
    except ProgramError:  # No repository, or no such setting.
        return False


def _compile_once(compile_text: Callable[..., Any]) -> Callable[..., Any]:
    """Compile equal texts once per process. Errors are not remembered."""
    codes: dict[tuple[object, ...], Any] = {}

    def wrapper(
        environment: SandboxedEnvironment,
        source: object,
        name: str | None = None,
        filename: str | None = None,
        **others: bool,
    ) -> Any:  # noqa: ANN401 - what Jinja compiles to
        if not isinstance(source, str) or others or not _is_pure(source):
            return compile_text(environment, source, name, filename, **others)
        # Environments with equal settings share a lexer.
        key = (environment.lexer, *environment.extensions, source, name)
        code = codes.get(key)
        if code is None:
            if len(codes) >= _MOST_TEXTS:
                codes.clear()
            code = codes[key] = compile_text(environment, source, name, filename)
        return code

    return wrapper


def _is_pure(text: str) -> bool:
    """Return whether the text always compiles to the same result.

    Jinja applies filters to constants when it compiles; `ans_random` makes secrets.
    """
    return _PURE_FILTERS.issuperset(_FILTER.findall(text))
