"""The explorer in a browser, used as a person uses it."""

import json
import re
import subprocess
from pathlib import Path

from generator.template.options import Answers
from tests.support.devtools import Page

_SECRET = re.compile(rb"[0-9a-f]{64}")


def show(page: Page, version: str, choice: Answers) -> None:
    """Choose a release and answers in the fields, in the order of the choice."""
    page.evaluate(f"""(() => {{
        history.replaceState(null, "", "#");
        explorer.readAddress();
        const release = document.getElementById("release");
        release.value = {json.dumps(version)};
        release.dispatchEvent(new Event("change"));
        const change = (input) => {{
            document.body.getBoundingClientRect(); // As between two answers of a person.
            input.dispatchEvent(new Event("input", {{bubbles: true}}));
        }};
        for (const [name, value] of Object.entries({json.dumps(choice)})) {{
            const field = document.getElementById(`answer-${{name}}`);
            if (field) {{
                field.value = Array.isArray(value) ? value.join("\\n") : value;
                change(field);
                continue;
            }}
            const inputs = [...document.querySelectorAll(`input[name="${{name}}"]`)];
            const input = inputs.find((item) => item.dataset.value === JSON.stringify(value));
            if (input.checked) continue;
            input.checked = true;
            change(input);
        }}
    }})()""")


def select(page: Page, name: str, value: str) -> None:
    """Choose an entry of a list."""
    page.evaluate(f"""(() => {{
        const list = document.getElementById({json.dumps(name)});
        list.value = {json.dumps(value)};
        list.dispatchEvent(new Event("change"));
    }})()""")


def click_file(page: Page, path: str) -> str:
    """Click a file in the tree, and return its text there."""
    text: str = page.evaluate(f"""(() => {{
        const items = [...document.querySelectorAll("#tree [data-path]")];
        const item = items.find((item) => item.dataset.path === {json.dumps(path)});
        item.firstElementChild.click();
        return item.textContent;
    }})()""")
    return text


def texts(page: Page, selector: str) -> list[str]:
    found = f"[...document.querySelectorAll({json.dumps(selector)})]"
    listed: list[str] = page.evaluate(f"{found}.map((element) => element.textContent)")
    return listed


def text(page: Page, name: str) -> str:
    """Return the text of the element with this id."""
    (found,) = texts(page, f"#{name}")
    return found


def versions_of(page: Page) -> list[str]:
    versions: list[str] = page.evaluate("explorer.data.revisions.map((item) => item.version)")
    return versions


def files_of(page: Page) -> dict[str, str]:
    files: dict[str, str] = page.evaluate("Object.fromEntries(explorer.project.files)")
    return files


def changes_of(page: Page) -> dict[str, str]:
    changes: dict[str, str] = page.evaluate("Object.fromEntries(explorer.changes)")
    return changes


def read_project(folder: Path) -> dict[str, str]:
    """Read the files as the page shows them: without secrets and git's folder."""
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }
    files[".env"] = _SECRET.sub(b"<random>", files[".env"])
    return {path: content.decode() for path, content in files.items()}


def compare_projects(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    """Return the changes of files by path."""
    return {
        path: "added" if path not in before else "removed" if path not in after else "changed"
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    }


def split_command(command: str, folder: Path) -> list[str]:
    """Let a shell read a copied command, and return its words."""
    program, rest = command.split(" ", 1)
    script = f"program() {{ printf '%s\\0' {program} \"$@\"; }}\nprogram {rest}"
    output = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, check=True)
    return output.stdout.decode().split("\0")[:-1]
