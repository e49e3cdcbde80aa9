"""Load on a running service: requests, and the codes of their answers."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from generator.verify.contract.client import Answer, Client

ITEMS = "/api/v1/items"
BURST_SIZE = 200


def send_request(client: Client, number: int) -> Answer:
    """Create an item with every second request, and list items with the others."""
    if number % 2:
        return client.send_json("POST", ITEMS, {"name": f"{number} at {time.monotonic_ns()}"})
    return client.get(f"{ITEMS}?limit=100")


def extract_code(answer: Answer) -> str:
    """Return the error code of an answer, or `served`."""
    if answer.status < 400:
        return "served"
    return str(
        answer.require_error(answer.status, answer.json["error"]["code"]).json["error"]["code"]
    )


def send_burst(client: Client) -> Counter[str]:
    """Send requests in parallel, and count the codes."""
    with ThreadPoolExecutor(BURST_SIZE) as threads:
        answers = threads.map(lambda number: send_request(client, number), range(BURST_SIZE))
        return Counter(map(extract_code, answers))
