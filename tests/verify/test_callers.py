"""The callers of a service follow from its answers, and API keys from its printed output."""

from hashlib import sha256
from pathlib import Path

import pytest

from generator.errors import CommandError
from generator.verify.callers import Callers, callers_of
from generator.verify.matrix.rows import Row
from generator.verify.rendered import RenderedProject

KEY = "a-key_of-letters-and-more=="
ENTRY = f'{{"verify": ["{sha256(KEY.encode()).hexdigest()}"]}}'


class StubProject(RenderedProject):
    """A project with a fixed output of its programs."""

    output = ""

    def call(self, *_: str, **__: object) -> str:
        return self.output


@pytest.fixture
def project(tmp_path: Path) -> StubProject:
    project = StubProject(Row("row", {}), tmp_path)
    project.folder.mkdir(parents=True)
    return project


def callers_for(project: RenderedProject, answers: str) -> Callers:
    """Record the answers and return their callers."""
    (project.folder / ".copier-answers.yml").write_text(f"_commit: v1\n{answers}\n")
    return callers_of(project)


@pytest.mark.parametrize("answers", ["auth: none", "project_name: Shop", ""])
def test_no_auth_means_anonymous_callers(project: RenderedProject, answers: str) -> None:
    assert type(callers_for(project, answers)) is Callers


@pytest.mark.parametrize(
    "output",
    [
        f"{KEY}\n\nAPI_KEYS='{ENTRY}'\n",
        f"The entry:\n    API_KEYS='{ENTRY}'\nThe key, shown once:\n    {KEY}\n",
    ],
)
def test_printed_key_and_entry_are_parsed(
    project: StubProject, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.setattr(StubProject, "output", output)
    callers = callers_for(project, "auth: api_key")

    with callers.prepared() as settings:
        assert settings == {"API_KEYS": ENTRY}


@pytest.mark.parametrize("output", ["", KEY, f"API_KEYS='{ENTRY}'", f"API_KEYS={{}}\n{KEY}"])
def test_unusable_output_is_an_error(
    project: StubProject, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.setattr(StubProject, "output", output)
    callers = callers_for(project, "auth: api_key")

    with pytest.raises(CommandError, match="API_KEYS"), callers.prepared():
        pass
