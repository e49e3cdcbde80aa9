"""How `verify` and the tests come to call a service, from what the service itself prints."""

from hashlib import sha256
from pathlib import Path

import pytest

from generator.errors import CommandError
from generator.verify.callers import Callers, callers_of
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject

KEY = "a-key_of-letters-and-more=="
ENTRY = f'{{"verify": ["{sha256(KEY.encode()).hexdigest()}"]}}'


class Minting(RenderedProject):
    """A project whose program prints this."""

    printed = ""

    def call(self, *_: str, **__: object) -> str:
        return self.printed


@pytest.fixture
def project(tmp_path: Path) -> Minting:
    made = Minting(Row("row", {}), tmp_path)
    made.folder.mkdir(parents=True)
    return made


def answered(project: RenderedProject, answers: str) -> Callers:
    (project.folder / ".copier-answers.yml").write_text(f"_commit: v1\n{answers}\n")
    return callers_of(project)


@pytest.mark.parametrize("answers", ["auth: none", "project_name: Shop", ""])
def test_a_service_that_asks_for_nobody_is_called_by_nobody(
    project: RenderedProject, answers: str
) -> None:
    assert type(answered(project, answers)) is Callers


@pytest.mark.parametrize(
    "printed",
    [
        f"{KEY}\n\nAPI_KEYS='{ENTRY}'\n",
        f"The entry:\n    API_KEYS='{ENTRY}'\nThe key, shown once:\n    {KEY}\n",
    ],
)
def test_a_key_and_its_entry_are_found_whatever_else_is_said(
    project: Minting, monkeypatch: pytest.MonkeyPatch, printed: str
) -> None:
    monkeypatch.setattr(Minting, "printed", printed)
    callers = answered(project, "auth: api_key")

    with callers.prepared() as settings:
        assert settings == {"API_KEYS": ENTRY}


@pytest.mark.parametrize("printed", ["", KEY, f"API_KEYS='{ENTRY}'", f"API_KEYS={{}}\n{KEY}"])
def test_what_is_no_key_with_its_entry_is_said(
    project: Minting, monkeypatch: pytest.MonkeyPatch, printed: str
) -> None:
    monkeypatch.setattr(Minting, "printed", printed)
    callers = answered(project, "auth: api_key")

    with pytest.raises(CommandError, match="API_KEYS"), callers.prepared():
        pass
