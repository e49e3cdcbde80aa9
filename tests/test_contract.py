"""Every sentence of the contract can be broken, and is noticed when it is."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from generator import contract
from generator.contract.client import Client, ContractError
from tests.lies import LIES
from tests.live import Live, installed, running_on_a_fresh_database
from tests.lying import Lie, LyingClient
from tests.rendered import MATRIX


@pytest.fixture(scope="module")
def live(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service with everything, which counts no login that fails."""
    folder = tmp_path_factory.mktemp("contract")
    with running_on_a_fresh_database(
        installed(MATRIX[0], workspace), folder, LOGIN_FAILURES_PER_ADDRESS="100000"
    ) as live:
        yield live


@pytest.fixture
def honest(live: Live) -> Client:
    """Signed in for this test, since access tokens expire."""
    return live.as_caller()


def test_an_honest_service_keeps_the_whole_contract(honest: Client) -> None:
    sentences = contract.walk(honest)
    lies = [lie.sentence for told in LIES.values() for lie in told]
    assert {next((s for s in sentences if s.startswith(lie)), lie) for lie in lies} == set(
        sentences
    )
    assert tuple(LIES) == contract.FEATURES


EVERY_LIE = [
    pytest.param(feature, lie, id=f"{lie} {number}")
    for feature, lies in LIES.items()
    for number, lie in enumerate(lies)
]


@pytest.mark.parametrize(("feature", "lie"), EVERY_LIE)
def test_a_broken_sentence_is_named(honest: Client, feature: ModuleType, lie: Lie) -> None:
    with pytest.raises(ContractError) as caught:
        contract.walk(LyingClient(honest, lie), [feature])
    assert str(caught.value).startswith(f"Broken: {lie.sentence}")
