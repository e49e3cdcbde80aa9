"""ETags of the features: their form, and responses to If-None-Match."""

import re

from generator.verify.contract.client import Answer, Client


def is_strong(etag: str) -> bool:
    return re.fullmatch(r'"[!#-~]+"', etag) is not None


def check_not_modified(client: Client, path: str, etag: str) -> Answer:
    """Require 304 for this ETag and `*`, and the response for others; return the response."""
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = client.get(path, {"If-None-Match": known}).require(304)
        answer.expect(not answer.body, "no body")
        answer.expect(answer.headers.get("etag") == etag, f"the ETag {etag}")
        answer.expect("x-request-id" in answer.headers, "X-Request-ID")
    answer = client.get(path, {"If-None-Match": '"other"'}).require(200)
    answer.expect(answer.headers.get("etag") == etag, f"the ETag {etag}")
    answer.expect("no-cache" in answer.headers.get("cache-control", ""), "Cache-Control: no-cache")
    return answer
