"""Errors of the command: one sentence for the user, and an exit code."""


class CommandError(Exception):
    """The command failed. The message is one sentence."""

    exit_code = 1


class UsageError(CommandError):
    """The request is invalid. Nothing was written."""

    exit_code = 2


class Problem(CommandError):  # noqa: N818 - `check` lists problems without failing
    """A condition that blocks an update, and the command that fixes it."""

    def __init__(self, message: str, fix: str) -> None:
        self.message = message
        self.fix = fix
        super().__init__(message, fix)

    def __str__(self) -> str:
        return f"{self.message}: {self.fix}."


class NeedsAttentionError(CommandError):
    """Nothing failed, but the user has to decide."""

    exit_code = 3
