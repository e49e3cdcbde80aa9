"""The files that no update merges: they are the team's own from the first render on."""

import yaml
from pathspec import GitIgnoreSpec

from generator.conditions import rendered_text
from generator.living.answers_file import AnswersFile


def owned(definition: str, recorded: AnswersFile) -> GitIgnoreSpec:
    """What copier excludes from updates, or skips because it exists, with these answers."""
    settings = yaml.safe_load(definition)
    patterns = [*settings.get("_exclude", ()), *settings.get("_skip_if_exists", ())]
    known = {**recorded.answers, "_copier_operation": "update"}
    return GitIgnoreSpec.from_lines(
        line for pattern in patterns for line in rendered_text(pattern, known).splitlines()
    )
