"""The HTTP contract of every rendered service, checked sentence by sentence on a running one.

The checks know no option: what a service offers is read from its own /openapi.json.
"""

from collections.abc import Sequence
from types import ModuleType

from generator.verify.contract import auth, core, files, items, jobs, tokens, users
from generator.verify.contract.client import Client, ContractError

FEATURES = (core, items, jobs, files, auth, tokens, users)


def walk(client: Client, features: Sequence[ModuleType] = FEATURES) -> list[str]:
    """Check all that applies and return the sentences; raises ContractError for a broken one."""
    checks = [check for feature in features for check in feature.checks(client)]
    sentences = []
    for check in checks:
        sentence = " ".join((check.__doc__ or check.__name__).split())
        try:
            check(client)
        except ContractError as error:
            raise ContractError(f"Broken: {sentence}\n{error}") from error
        sentences.append(sentence)
    return sentences
