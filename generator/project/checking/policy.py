"""The rules of an organization for its projects: the oldest release, and forbidden answers.

oldest_release: 0.6.0
forbidden_answers:
  auth: [none]
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from packaging.version import InvalidVersion, Version

from generator.errors import Problem, UsageError
from generator.project.checking.report import CheckReport
from generator.template.options import Value, format_assignment

_OLDEST = "oldest_release"
_FORBIDDEN = "forbidden_answers"


@dataclass(frozen=True)
class Policy:
    """A policy file."""

    path: Path
    oldest: Version | None
    forbidden: Mapping[str, list[Value]]

    def judge(self, report: CheckReport) -> list[Problem]:
        """List the rules that a project violates. An unreadable project violates the policy."""
        if report.current is None:
            return [Problem(f"{self.path} cannot be applied", "fix the other problems first")]
        violations = []
        if self.oldest and not self._is_allowed(report.current):
            message = f"{report.current} is older than {self.oldest}, which {self.path} demands"
            violations.append(Problem(message, "`fastapi-service update` merges a newer release"))
        violations += [
            Problem(
                f"{self.path} forbids {format_assignment(name, answer)}",
                f"`fastapi-service set {name}=VALUE` changes it",
            )
            for name, answer in report.answers.items()
            if any(_equal(answer, value) for value in self.forbidden.get(name, []))
        ]
        return violations

    def require_known(self, reports: Iterable[CheckReport]) -> None:
        """Refuse options and values that no template of the projects has."""
        known = [report.choices for report in reports if report.choices]
        for name, values in self.forbidden.items() if known else ():
            choices = [option[name] for option in known if name in option]
            if not choices:
                raise UsageError(f"{self.path} forbids answers of {name!r}: no such option exists.")
            for value in values:
                if not any(not c or any(_equal(value, each) for each in c) for c in choices):
                    raise UsageError(f"{self.path}: {value!r} is not a value of {name!r}.")

    def _is_allowed(self, current: str) -> bool:
        try:
            # Commits after a release are recorded as `1.2.0-3-gabcdef0`.
            version = Version(re.sub(r"-\d+-g[0-9a-f]+$", "", current))
        except InvalidVersion:
            return False
        return self.oldest is None or version >= self.oldest


def read_policy(path: Path) -> Policy:
    """Read a policy file; raises UsageError for anything but its two keys."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"The policy {path} cannot be read: {reason}.") from error
    if not isinstance(document, dict) or not document or document.keys() - {_OLDEST, _FORBIDDEN}:
        raise UsageError(f"The policy {path} is a mapping of {_OLDEST}, {_FORBIDDEN}, or both.")
    forbidden = document.get(_FORBIDDEN, {})
    if not isinstance(forbidden, dict) or not all(isinstance(v, list) for v in forbidden.values()):
        raise UsageError(f"{_FORBIDDEN} in {path} maps options to lists, such as `auth: [none]`.")
    oldest = document.get(_OLDEST)
    if oldest is not None:
        try:
            oldest = Version(oldest)
        except (InvalidVersion, TypeError) as error:
            raise UsageError(
                f'{_OLDEST} in {path} is a release in quotes, such as "0.6.0", not {oldest!r}.'
            ) from error
    return Policy(path, oldest, {str(name): values for name, values in forbidden.items()})


def _equal(answer: Value, value: Value) -> bool:
    """Compare values as written: YAML reads an unquoted 3.12 as a number."""
    return answer == value or str(answer).lower() == str(value).lower()
