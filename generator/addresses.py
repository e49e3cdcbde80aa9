"""Addresses of templates: what git makes of them, what projects record, what they must not hold."""

import re
from urllib.parse import urlsplit

_SHORTCUTS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}


def is_url(text: str) -> bool:
    return bool(re.match(r"(?i)(git\+)?[a-z]+://|gh:|gl:|[\w.-]+@[\w.-]+:", text))


def is_remote(address: str) -> bool:
    """Whether reading it needs a network."""
    return is_url(address) and urlsplit(address.removeprefix("git+")).scheme != "file"


def git_address(url: str) -> str:
    for shortcut, address in _SHORTCUTS.items():
        if url.startswith(shortcut):
            return address + url.removeprefix(shortcut).strip("/")
    return url.removeprefix("git+")


def recorded(url: str) -> str:
    """The address in the form that copier takes for a git repository wherever it points."""
    is_plain = "://" in url and not url.startswith("git+") and not url.endswith(".git")
    return f"git+{url}" if is_plain else url


def holds_credentials(address: str) -> bool:
    """Whether a password or a token may be in it; users of SSH are none."""
    if not is_url(address) or address.startswith(tuple(_SHORTCUTS)):
        return "@" in address and ":" in address.partition("@")[0]
    parts = urlsplit(address.removeprefix("git+"))
    secret_user = bool(parts.username) and parts.scheme in {"http", "https"}
    return secret_user or bool(parts.password or parts.query)
