"""`explore` writes a page, a schema and a form; it refuses other folders and other documents."""

import base64
import gzip
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.explorer.explore import write_explorer
from generator.template.conditions import resolve_default
from generator.template.options import Option
from generator.template.revisions import list_revisions
from generator.template.source import open_template
from tests.support.command import Command
from tests.support.linters import call
from tests.support.rendered import MATRIX, OPTIONS
from tests.support.repository import ROOT, commit_all, git

FILES = {"answers.schema.json", "backstage.yaml", "badge.svg", "index.html"}
ASKED = [option for option in OPTIONS if not option.computed]
CONDITIONAL = [option for option in ASKED if option.when is not True]
STAGE = {"name": "boot", "ok": True, "seconds": 2.5, "shared": False, "output": ""}
REPORT = {
    "template": {"source": "x", "version": "v0.1.0"},
    "started": "2026-11-30T00:00:00+00:00",
    "seconds": 3,
    "rows": [{"answers": MATRIX[0].answers, "ok": True, "stages": [STAGE], "repeat": ""}],
}
SMALL = """
_subdirectory: template
_kinds: {add-on: [color]}
color: {type: str, default: red, help: A color}
"""


@pytest.fixture(scope="module")
def folder(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a page with a report."""
    folder = tmp_path_factory.mktemp("explorer")
    report = tmp_path_factory.mktemp("report") / "report.json"
    report.write_text(json.dumps(REPORT))
    with open_template(str(checkout)) as source:
        return write_explorer(source, folder, report).parent


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Make a small template with one file."""
    template = tmp_path / "template"
    (template / "template").mkdir(parents=True)
    (template / "copier.yml").write_text(SMALL)
    (template / "template/color.txt.jinja").write_text("{{ color }}\n")
    commit_all(template)
    return template


def read_data(page: Path) -> dict[str, Any]:
    """Return the data of a page."""
    (packed,) = re.findall(r'id="data">([^<]*)<', page.read_text())
    data: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed)))
    return data


def list_invalid(
    schema: Path, answers: Mapping[str, Mapping[str, object]], folder: Path
) -> list[str]:
    """Return the names of answers that the schema refuses."""
    for name, document in answers.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    paths = [folder / f"{name}.json" for name in answers]
    output = call("check-jsonschema", "--output-format", "json", "--schemafile", schema, *paths)
    errors = json.loads(output)["errors"] if output else []
    return sorted({Path(error["filename"]).stem for error in errors})


def test_files_are_written_twice(command: Command, small: Path, tmp_path: Path) -> None:
    arguments = ("explore", "--out", "page", "--template", small)
    for _ in range(2):
        result = command(*arguments)
        assert result.returncode == 0, result.stderr
        assert result.stdout == f"{tmp_path / 'page/index.html'}\n"
        assert {path.name for path in (tmp_path / "page").iterdir()} == FILES


def test_other_folder_is_refused(command: Command, small: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/index.html").write_text("<p>Made without fastapi-service explore</p>")

    result = command("explore", "--out", "mine", "--template", small)

    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["index.html"]


def change_report(**fields: object) -> str:
    return json.dumps(REPORT | fields)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "x",
        "[" * 100_000,
        "[]",
        "{}",
        change_report(template=1),
        change_report(started=None),
        change_report(started="yesterday"),
        change_report(seconds=float("nan")),
        change_report(rows=[{"answers": None, "ok": True, "stages": []}]),
        change_report(rows=[{"answers": {}, "ok": "yes", "stages": []}]),
        change_report(template={"version": "\ud800"}),
    ],
)
def test_other_report_is_refused(
    command: Command, small: Path, tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "report.json").write_text(text)

    result = command("explore", "--report", "report.json", "--template", small)

    assert result.returncode == 2
    assert "verify --report" in result.stderr
    assert not (tmp_path / "explorer").exists()


def test_changes_need_a_flag(command: Command, small: Path, tmp_path: Path) -> None:
    (small / "template/new.txt").write_text("New\n")

    refused = command("explore", "--template", small)
    shown = command("explore", "--template", small, "--allow-dirty")

    assert refused.returncode == 1
    assert shown.returncode == 0, shown.stderr
    (current,) = read_data(tmp_path / "explorer/index.html")["revisions"]
    assert [parts for parts, _ in current["files"]] == [[["color.txt"]], [["new.txt"]]]


def test_unknown_jinja_is_named(command: Command, small: Path, tmp_path: Path) -> None:
    (small / "template/color.txt.jinja").write_text("{{ color | wordcount }}\n")

    result = command("explore", "--template", small, "--allow-dirty")

    assert result.returncode == 1
    assert "color.txt.jinja: the explorer does not know the Jinja construct" in result.stderr
    assert "wordcount" in result.stderr
    assert not (tmp_path / "explorer").exists()


def test_releases_are_tags_and_snapshots(small: Path) -> None:
    git(small, "tag", "v0.7.0")
    snapshots = small / "tests/releases"
    snapshots.mkdir(parents=True)
    shutil.copy(ROOT / "tests/releases/0.6.0.tar.gz", snapshots)
    shutil.copy(ROOT / "tests/releases/0.7.0.tar.gz", snapshots)
    commit_all(small, "Snapshots")
    git(small, "tag", "v1.0.0")
    (small / "template/later.txt").touch()
    commit_all(small, "Later")
    git(small, "tag", "v1.1.0rc1")

    with open_template(str(small)) as source:
        current, *releases = list_revisions(source)
    with open_template(str(small), "v1.0.0") as source:
        earlier = list(list_revisions(source))
    with open_template(str(small), "v0.7.0") as source:
        assert [item.ref for item in list_revisions(source)] == ["v0.7.0"]

    assert (current.version, current.ref) == ("v1.1.0rc1", "HEAD")
    assert "later.txt" in current.files
    assert releases == earlier
    assert [(item.version, item.ref) for item in earlier] == [
        ("v1.0.0", "v1.0.0"),
        ("v0.7.0", "v0.7.0"),
        ("0.6.0", None),
    ]
    assert list(earlier[0].files) == ["color.txt.jinja"]
    assert "README.md.jinja" in earlier[2].files


def test_url_has_releases(command: Command, small: Path, tmp_path: Path) -> None:
    git(small, "tag", "v1.0.0")
    (small / "template/later.txt").touch()
    commit_all(small, "Later")
    git(small, "tag", "v1.1.0")

    result = command("explore", "--template", f"git+file://{small}")

    assert result.returncode == 0, result.stderr
    data = read_data(tmp_path / "explorer/index.html")
    assert data["location"] == f"git+file://{small}"
    assert [revision["ref"] for revision in data["revisions"]] == ["v1.1.0", "v1.0.0"]


def test_badge_counts_rows(folder: Path) -> None:
    assert "1 of 1 combinations passed, 2026-11-30" in (folder / "badge.svg").read_text()


def test_proof_is_in_page(folder: Path) -> None:
    proof = read_data(folder / "index.html")["proof"]

    assert proof["version"] == "v0.1.0"
    assert proof["rows"][0]["answers"] == MATRIX[0].answers
    assert proof["rows"][0]["stages"][0]["seconds"] == 2.5


def test_page_allows_no_request(folder: Path) -> None:
    page = (folder / "index.html").read_text()

    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert (
        re.findall(r'(?:src|href)="(?!#|data:,|answers\.schema\.json|backstage\.yaml)', page) == []
    )


def test_schema_accepts_rows(folder: Path, tmp_path: Path) -> None:
    rows = {row.id: {**row.answers, "project_name": "Orders"} for row in MATRIX}

    assert list_invalid(folder / "answers.schema.json", rows, tmp_path) == []


def test_schema_refuses_what_copier_refuses(folder: Path, tmp_path: Path) -> None:
    refused: dict[str, dict[str, object]] = {
        "unknown": {"colour": "red"},
        "computed": {next(option.name for option in OPTIONS if option.computed): "x"},
    }
    for option in ASKED:
        if option.choices:
            refused[f"value-{option.name}"] = {option.name: "other"}
    for option in CONDITIONAL:
        # The defaults of the answers that the condition names do not fulfil it.
        value = True if option.type == "bool" else option.choices[0].value
        refused[f"unasked-{option.name}"] = {option.name: value}

    invalid = list_invalid(folder / "answers.schema.json", refused, tmp_path)

    assert CONDITIONAL
    assert invalid == sorted(refused)


def test_schema_and_form_are_copier_yml(folder: Path) -> None:
    schema = json.loads((folder / "answers.schema.json").read_text())
    form = yaml.safe_load((folder / "backstage.yaml").read_text())
    pages = form["spec"]["parameters"]
    fields: dict[str, Any] = {}
    for page in pages:
        fields |= page["properties"]
        for rule in page.get("allOf", []):
            fields |= rule["then"]["properties"]

    assert list(schema["properties"]) == [option.name for option in ASKED]
    assert fields == schema["properties"]
    assert [page["title"].lower() for page in pages] == list(
        dict.fromkeys(option.kind for option in ASKED)
    )
    assert pages[0]["required"] == ["project_name"]
    assert [option.name for option in ASKED if not _is_described(option, fields[option.name])] == []
    (step,) = form["spec"]["steps"]
    assert list(step["input"]["values"]) == [option.name for option in ASKED]


def _is_described(option: Option, field: Mapping[str, Any]) -> bool:
    """Return True if the field has the help, choices and default of copier.yml."""
    written = yaml.safe_load((ROOT / "copier.yml").read_text())[option.name]
    choices = {choice["const"]: choice["title"] for choice in field.get("oneOf", [])}
    helped = {value: label for label, value in dict(written.get("choices") or {}).items()}
    default = resolve_default(option).default
    is_default = "{{" in str(default) or field["default"] == default
    return is_default and field["description"] == written["help"] and choices == helped
