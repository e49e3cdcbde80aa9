"""Sizes of a rendered service and of the Jinja in its template; run it to see them.

A line of code is one that is neither empty nor only a comment, in a Python file outside tests/;
docstrings count. `python -m tests.sizes [FOLDER]` counts a rendered
service, without FOLDER the Jinja of the template.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CORE_LINES = 700
# What a choice may add to the core.
ADDED_LINES = {
    "auth": {"jwt": 460, "oidc": 120, "api_key": 70},
    "background": {"background_tasks": 390, "celery": 390 + 105},
}
FILE_LINES = 200
TAG_LINES = 80
TAG_LINES_IN_A_FILE = 10

_TAG = re.compile(r"\{%-?\s*(\w+)")
_OPENING = {"if", "for", "macro", "call", "filter", "block", "raw", "with"}
# Prefixes of the asynchronous mode, and what may follow them.
_PREFIX = re.compile(r"\{\{ (async_|await_) \}\}")
_ALLOWED = {
    "async_": re.compile(r"(def|with|for) "),
    "await_": re.compile(r"\(*[\w.]+(\[[^\]]*\])?\("),
}


def code_lines(text: str) -> int:
    lines = (line.strip() for line in text.splitlines())
    return sum(bool(line) and not line.startswith("#") for line in lines)


def service_files(project: Path) -> dict[str, str]:
    """The Python of a rendered service outside its tests, by path."""
    found = {}
    for path in sorted(project.rglob("*.py")):
        name = path.relative_to(project)
        if name.parts[0] != "tests":
            found[str(name)] = path.read_text(encoding="utf-8")
    return found


def service_lines(project: Path) -> int:
    return sum(map(code_lines, service_files(project).values()))


def template_files() -> dict[str, str]:
    """The Python of the template, by path; conditions may stand in the names."""
    root = ROOT / "template"
    paths = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(root)): path.read_text(encoding="utf-8")
        for path in paths
        if path.name.removesuffix(".jinja").removesuffix("{% endif %}").endswith(".py")
    }


def tag_lines(text: str) -> int:
    return sum("{%" in line for line in text.splitlines())


def deepest_tag(text: str) -> int:
    """How many blocks are open at once: 1 where none is nested."""
    depth = deepest = 0
    for tag in _TAG.findall(text):
        depth += (tag in _OPENING) - tag.startswith("end")
        deepest = max(deepest, depth)
    return deepest


def misplaced_prefixes(text: str) -> list[str]:
    """Lines where a prefix does not stand before `def`, `with`, `for` or a call."""
    return [
        line.strip()
        for line in text.splitlines()
        for found in _PREFIX.finditer(line)
        if not _ALLOWED[found[1]].match(line, found.end())
    ]


def main() -> None:
    if len(sys.argv) > 1:
        files = service_files(Path(sys.argv[1]))
        rows = {name: code_lines(text) for name, text in files.items()}
    else:
        rows = {name: tag_lines(text) for name, text in template_files().items()}
    for name, count in rows.items():
        sys.stdout.write(f"{count:5} {name}\n")
    sys.stdout.write(f"{sum(rows.values()):5} in all\n")


if __name__ == "__main__":
    main()
