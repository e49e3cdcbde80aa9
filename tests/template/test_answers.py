"""Answers that copier.yml accepts, computes or rejects, by copier itself."""

import shutil
from pathlib import Path

import copier
import pytest

from tests.support.repository import ROOT


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """A template with our questions and without files."""
    (tmp_path / "questions/template").mkdir(parents=True)
    shutil.copy(ROOT / "copier.yml", tmp_path / "questions")
    return tmp_path / "questions"


def answer(questions: Path, **data: object) -> dict[str, object]:
    service = questions.parent / "service"
    return dict(
        copier.run_copy(str(questions), service, data, defaults=True, quiet=True).answers.combined
    )


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Über uns", "uber-uns"),
        ("U\u0308ber uns", "uber-uns"),
        ("Łódź Straße", "lodz-strasse"),
        ("İzmir", "izmir"),
        ("数据", "service"),
        ("--Orders_&_co--", "orders-co"),
    ],
)
def test_name_becomes_slug(questions: Path, name: str, slug: str) -> None:
    assert answer(questions, project_name=name)["project_slug"] == slug


def test_package_name_needs_a_slug(questions: Path) -> None:
    with pytest.raises(ValueError, match=r"project_name.*choose another name"):
        answer(questions, project_name="FastAPI")

    answers = answer(questions, project_name="FastAPI", project_slug="gateway")
    assert (answers["project_name"], answers["project_slug"]) == ("FastAPI", "gateway")


@pytest.mark.parametrize(
    "origin",
    [
        "https://a.example",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        "capacitor://localhost",
        "tauri://localhost",
        "http://localhost:443",
    ],
)
def test_origin_is_accepted(questions: Path, origin: str) -> None:
    assert answer(questions, cors_origins=[origin])["cors_origins"] == [origin]


@pytest.mark.parametrize(
    ("origin", "reason"),
    [
        ("https://A.example", 'upper-case.*write "https://a.example"'),
        ("HTTPS://a.example", 'upper-case.*write "https://a.example"'),
        ("https://a.example:443", 'default port.*write "https://a.example"'),
        ("http://[::1]:80", r'default port.*write "http://\[::1\]"'),
        ("a.example", '"a.example" is not an origin'),
        ("https://a.example/", "without path"),
        ("*", "is not an origin"),
        ("null", "is not an origin"),
        (5, "5 is not an origin"),
    ],
)
def test_origin_is_rejected(questions: Path, origin: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        answer(questions, cors_origins=["https://first.example", origin])
