"""The HTTP contract of every rendered service, checked sentence by sentence on a running one.

The checks do not read the options of the service: /openapi.json lists its features.
"""

from collections.abc import Sequence
from types import ModuleType

from generator.verify.contract import auth, core, files, items, jobs, tokens, users
from generator.verify.contract.client import Client, ContractError

FEATURES = (core, items, jobs, files, auth, tokens, users)


def walk(client: Client, features: Sequence[ModuleType] = FEATURES) -> list[str]:
    """Run the checks that apply and return their sentences.

    Raises ContractError for a broken sentence.
    """
    checks = [check for feature in features for check in feature.checks(client)]
    sentences = []
    for check in checks:
        sentence = " ".join((check.__doc__ or check.__name__).split())
        try:
            check(client)
        except ContractError as error:
            raise ContractError(f"Broken: {sentence}\n{error}") from error
        except (LookupError, TypeError, AttributeError) as error:
            text = f"Broken: {sentence}\nThe JSON has another shape: {error!r}"
            raise ContractError(text) from error
        sentences.append(sentence)
    return sentences
