"""What a command says when it cannot go on, and the exit code it then has."""


class CommandError(Exception):
    """One sentence for the user; the command ends with `exit_code`."""

    exit_code = 1


class UsageError(CommandError):
    """The user asked for something that cannot be: nothing has been written."""

    exit_code = 2
