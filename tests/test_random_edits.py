"""Whatever a team does to its project, an update or other answers lose no line without a word.

`RANDOM_EDITS=1000 pytest tests/test_random_edits.py` looks at so many projects for each change, and
at others each time.
"""

import itertools
import os
import re
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from generator.errors import CommandError, NeedsAPersonError
from generator.living.merge import Wish
from generator.living.update import set_answers, update
from tests.conftest import git
from tests.living import THE_NEXT_AFTER, commit, release, render, tag
from tests.random_edits import EDITS, Edit
from tests.releases import NEXT, versions
from tests.update_rules import files
from tests.updating import Service

# Enough of the template to be merged, added, removed and switched; all of it takes three times as
# long.
KEPT = re.compile(
    r"README|\.gitignore|.*answers_file|app/(main|settings|auth|database|errors)\.|"
    r"app/(items/(routes|service)|jobs/models)\."
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A first release, the newest, and one after it that moves, drops and changes files."""
    repository = tmp_path_factory.mktemp("small") / "template"
    repository.mkdir()
    git(repository, "init", "--quiet")
    for version in (versions()[0], NEXT):
        release(repository, version)
        for name, path in list(files(repository)):
            if not KEPT.match(name):
                path.unlink()
        git(repository, "tag", "--delete", f"v{version}")
        tag(repository, version)
    named = dict(files(repository))
    named["app/main.py"].rename(named["app/main.py"].with_name("start.py"))
    named["app/items/service.py"].unlink()
    for name in ("README.md", "app/settings.py", "app/items/routes.py"):
        lines = named[name].read_text().splitlines(keepends=True)
        new = ["# New in the template.\n" if line == "\n" else line for line in lines]
        named[name].write_text("".join(new))
    tag(repository, THE_NEXT_AFTER)
    return repository


def _updated(folder: Path, wish: Wish) -> None:
    update(folder, wish, to=None, elsewhere=None)


def _answered(*assignments: str) -> Callable[[Path, Wish], None]:
    return lambda folder, wish: set_answers(folder, assignments, wish)


# The release that a project is made from, and what then happens to it.
CHANGES: dict[str, tuple[str, Callable[[Path, Wish], None]]] = {
    "update": (versions()[0], _updated),
    "update that moves files": (NEXT, _updated),
    "examples": (NEXT, _answered("examples=false")),
    "other answers": (NEXT, _answered("sqlalchemy=sync", "auth=none", "database=postgresql")),
}


EXAMPLES = int(os.environ.get("RANDOM_EDITS", "50"))


@pytest.mark.parametrize("change", CHANGES)
def test_no_line_of_the_team_is_lost_without_a_word(
    change: str, template: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    version, act = CHANGES[change]
    original = render(template, tmp_path / "original", {}, version)
    git(original, "init", "--quiet")
    commit(original, "Start")

    @settings(
        max_examples=EXAMPLES,
        derandomize="RANDOM_EDITS" not in os.environ,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(EDITS, min_size=1, max_size=6))
    @example([Edit("insert", 0.5, 0.5, "")])
    def keeps(edits: Sequence[Edit]) -> None:
        with TemporaryDirectory(dir=tmp_path) as name:
            service = Service(Path(shutil.copytree(original, Path(name) / "service")), template, [])
            written = itertools.count(1)
            for edit in edits:
                edit.apply(service.folder, written)
            service.commit()
            ours = lines(service.folder)
            before = service.everything()
            capfd.readouterr()
            try:
                act(service.folder, Wish())
            except NeedsAPersonError:
                outcomes.append("a person")
            except CommandError as error:
                outcomes.append(str(error))
            else:
                outcomes.append("clean")
            named = at_risk(capfd.readouterr().out)
            if named or outcomes[-1] not in {"clean", "a person"}:
                assert service.everything() == before
            else:
                assert [line for line in ours if line not in lines(service.folder)] == []
            if named:
                act_regardless(act, service.folder)
                gone = ours.keys() - lines(service.folder).keys()
                assert {ours[line] for line in gone} <= named

    outcomes: list[str] = []
    keeps()
    counted = {outcome: outcomes.count(outcome) for outcome in dict.fromkeys(outcomes)}
    assert len(outcomes) >= EXAMPLES
    assert {"clean", "a person"} <= counted.keys()
    # Copier stumbles over a few, which changes nothing; it must stay rare.
    assert counted["clean"] + counted["a person"] > 0.9 * len(outcomes), counted


def act_regardless(act: Callable[[Path, Wish], None], folder: Path) -> None:
    with suppress(NeedsAPersonError):  # Other edits may overlap.
        act(folder, Wish(accept_losses=True))


def lines(folder: Path) -> dict[str, str]:
    """Each line that the team wrote, and the file where it is."""
    return {
        line: str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
        for line in path.read_text().splitlines()
        if line.startswith("our line ")
    }


def at_risk(said: str) -> set[str]:
    """The files that were named."""
    _, found, listed = said.partition("Edits at risk:\n")
    named = re.findall(r"(?m)^    (.*?): (?:you edited|it is yours|\d+ lines? of yours)", listed)
    return set(named) if found else set()
