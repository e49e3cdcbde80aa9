"""Searches locked packages for known vulnerabilities, where their index can be reached."""

from generator.processes import ProgramError


def is_unreachable(error: ProgramError) -> bool:
    """Return True if `uv audit` got no answer from the index of vulnerabilities."""
    return "error sending request for url (https://api.osv.dev" in error.output
