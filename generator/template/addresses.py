"""Addresses of templates: for git, for the answers file, and their credentials."""

import re
from urllib.parse import urlsplit

_SHORTCUTS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
_RECOGNISED = tuple(_SHORTCUTS.values())


def is_url(text: str) -> bool:
    return bool(re.match(r"(?i)(git\+)?[a-z]+://|gh:|gl:|[\w.-]+@[\w.-]+:", text))


def is_remote(address: str) -> bool:
    """Return True when reading the address needs a network."""
    return is_url(address) and urlsplit(address.removeprefix("git+")).scheme != "file"


def expand(url: str) -> str:
    """Return the URL that git understands."""
    for shortcut, address in _SHORTCUTS.items():
        if url.startswith(shortcut):
            return address + url.removeprefix(shortcut).strip("/")
    return url.removeprefix("git+")


def to_plain(url: str) -> str:
    """Return the URL without a shortcut or prefix, in a form that copier takes for git's.

    Copier recognises two hosts, the user `git` and the ending `.git`. A folder keeps its prefix.
    """
    plain = expand(url)
    if not is_remote(plain):
        return f"git+{plain}"
    is_recognised = plain.startswith((*_RECOGNISED, "git@")) or plain.endswith(".git")
    return plain if is_recognised else f"{plain.rstrip('/')}.git"


def holds_credentials(address: str) -> bool:
    """Return True when the address may hold a password or a token. SSH users are neither."""
    if not is_url(address) or address.startswith(tuple(_SHORTCUTS)):
        return "@" in address and ":" in address.partition("@")[0]
    parts = urlsplit(address.removeprefix("git+"))
    token_as_user = bool(parts.username) and parts.scheme in {"http", "https"}
    return token_as_user or bool(parts.password or parts.query)
