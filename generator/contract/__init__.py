"""The HTTP contract of every rendered service, checked sentence by sentence on a running one.

The checks know no option: what a service offers is read from its own /openapi.json.
"""

from generator.contract import core, files, items
from generator.contract.client import Client, ContractError


def walk(client: Client) -> list[str]:
    """Check all that applies and return the sentences; raises ContractError for a broken one."""
    checks = [*core.checks(client), *items.checks(client), *files.checks(client)]
    sentences = []
    for check in checks:
        sentence = " ".join((check.__doc__ or check.__name__).split())
        try:
            check(client)
        except ContractError as error:
            raise ContractError(f"Broken: {sentence}\n{error}") from error
        sentences.append(sentence)
    return sentences
