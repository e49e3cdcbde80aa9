"""What a command says when it cannot go on, and the exit code it then has."""


class CommandError(Exception):
    """One sentence for the user; the command ends with `exit_code`."""

    exit_code = 1


class UsageError(CommandError):
    """The user asked for something that cannot be: nothing has been written."""

    exit_code = 2


class Problem(CommandError):  # noqa: N818 - `check` lists them, nothing has failed there
    """What stands in the way of an update, and the command that mends it."""

    def __init__(self, what: str, mend: str) -> None:
        self.what, self.mend = what, mend
        super().__init__(f"{what}: {mend}.")


class NeedsAPersonError(CommandError):
    """Nothing failed, but somebody has to decide."""

    exit_code = 3
