"""The record of the resources that `add resource` made, `.resources.yml`.

`set` renders their files again for other answers, and merges the difference.
"""

from pathlib import Path

import yaml

from generator.errors import Problem

RECORD = ".resources.yml"
_HEADER = """\
# Recorded by `fastapi-service add resource`. `fastapi-service set` merges the effect of new answers
# into the files of these resources; without its line here, it leaves a resource alone.
"""


def read_record(project: Path) -> list[str]:
    """Return the recorded arguments; raises Problem for a file that is no list of them."""
    path = project / RECORD
    if not path.is_file():
        return []
    try:
        commands = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (yaml.YAMLError, UnicodeDecodeError):
        commands = None
    if not isinstance(commands, list) or not all(isinstance(item, str) for item in commands):
        raise Problem(
            f"{RECORD} is not a list of commands any more",
            f"`git log -p -- {RECORD}` shows its changes; without the file, resources are left "
            "alone",
        )
    return commands


def extend_record(project: Path, command: str) -> bytes:
    """Return the record with one more command."""
    read_record(project)
    path = project / RECORD
    text = path.read_text(encoding="utf-8") if path.is_file() else _HEADER
    text += "" if text.endswith("\n") else "\n"
    return (text + yaml.safe_dump([command], width=10_000)).encode()
