"""Sentences of the contract that hold for a service with jobs, and with one to start."""

import time
import uuid
from collections.abc import Callable

from generator.verify.contract.client import Answer, Client

_JOBS = "/api/v1/jobs"
_REPORTS = "/api/v1/items/reports"
_KEYS = {
    "id",
    "name",
    "status",
    "attempts",
    "error",
    "result",
    "created_at",
    "started_at",
    "finished_at",
}
# A worker has to start, and to hear of the job.
_SECONDS = 60


def checks(client: Client) -> list[Callable[[Client], None]]:
    operations = client.operations()
    found: list[Callable[[Client], None]] = []
    if f"{_JOBS}/{{job_id}}" in operations:
        found.append(unknown)
    if _REPORTS in operations:
        found += [accepted, done]
    return found


def unknown(client: Client) -> None:
    """An unknown job is 404 JOB_NOT_FOUND, a malformed id 422."""
    path = f"{_JOBS}/{uuid.uuid4()}"
    client.get(path).refused(404, "JOB_NOT_FOUND", path)
    client.get(f"{_JOBS}/nonsense").invalid("path")


def accepted(client: Client) -> None:
    """POST /items/reports is 202 with Location and the job, which nobody has claimed yet."""
    answer = client.send("POST", _REPORTS).of(202)
    job = answer.json
    answer.expect(set(job) == _KEYS, f"the keys {sorted(_KEYS)}")
    answer.expect(job["status"] == "queued", "status queued")
    answer.expect(job["attempts"] == 0, "no attempt")
    unset = ("error", "result", "started_at", "finished_at")
    answer.expect([job[key] for key in unset] == [None] * 4, f"null for {', '.join(unset)}")
    answer.expect(job["created_at"].endswith("Z"), "a time in UTC")
    answer.expect(answer.headers.get("location") == f"{_JOBS}/{job['id']}", "Location of the job")


def done(client: Client) -> None:
    """GET /jobs/{id} tells in the end that it succeeded, when, and with which result."""
    accepted_job = client.send("POST", _REPORTS).of(202).json
    answer = _ended(client, accepted_job["id"])
    job = answer.json
    answer.expect(job["status"] == "succeeded", "status succeeded")
    answer.expect(job["attempts"] >= 1, "an attempt")
    answer.expect(job["error"] is None, "no error")
    answer.expect(set(job["result"]) == {"items"}, "a count of items")
    times = [job["created_at"], job["started_at"], job["finished_at"]]
    answer.expect(times == sorted(times), "its times in order")
    same = ("id", "name", "created_at")
    answer.expect(all(job[key] == accepted_job[key] for key in same), "the job that was accepted")


def _ended(client: Client, job_id: str) -> Answer:
    end = time.monotonic() + _SECONDS
    while True:
        answer = client.get(f"{_JOBS}/{job_id}").of(200)
        if answer.json["finished_at"] or time.monotonic() > end:
            return answer
        time.sleep(0.05)
