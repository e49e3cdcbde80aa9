"""The contract of background jobs, and of the report job of the items feature."""

import json
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
# Codes that close a WebSocket.
_NORMAL = 1000
_UNAUTHORIZED = 4401
_FOREIGN = 4403
_UNKNOWN = 4404
# The worker may have to start first.
_SECONDS = 60


def checks(client: Client) -> list[Callable[[Client], None]]:
    operations = client.operations()
    applicable: list[Callable[[Client], None]] = []
    if f"{_JOBS}/{{job_id}}" in operations:
        applicable += [check_unknown_job, check_socket_errors]
    if _REPORTS in operations:
        applicable += [check_enqueue, check_result, check_socket, check_events]
    return applicable


def check_unknown_job(client: Client) -> None:
    """An unknown job returns 404 JOB_NOT_FOUND, a malformed id 422."""
    path = f"{_JOBS}/{uuid.uuid4()}"
    client.get(path).require_error(404, "JOB_NOT_FOUND", path)
    client.get(f"{_JOBS}/nonsense").require_validation_error("path")


def check_enqueue(client: Client) -> None:
    """POST /items/reports returns 202 with Location and the job, queued and unclaimed."""
    answer = client.send("POST", _REPORTS).require(202)
    job = answer.json
    answer.expect(set(job) == _KEYS, f"the keys {sorted(_KEYS)}")
    answer.expect(job["status"] == "queued", "status queued")
    answer.expect(job["attempts"] == 0, "no attempt")
    unset = ("error", "result", "started_at", "finished_at")
    answer.expect([job[key] for key in unset] == [None] * 4, f"null for {', '.join(unset)}")
    answer.expect(job["created_at"].endswith("Z"), "a time in UTC")
    answer.expect(answer.headers.get("location") == f"{_JOBS}/{job['id']}", "Location of the job")


def check_result(client: Client) -> None:
    """GET /jobs/{id} returns status `succeeded`, the times and the result of a finished job."""
    queued_job = client.send("POST", _REPORTS).require(202).json
    answer = _wait_for_job(client, queued_job["id"])
    job = answer.json
    answer.expect(job["status"] == "succeeded", "status succeeded")
    answer.expect(job["attempts"] >= 1, "an attempt")
    answer.expect(job["error"] is None, "no error")
    answer.expect(set(job["result"]) == {"items"}, "a count of items")
    times = [job["created_at"], job["started_at"], job["finished_at"]]
    answer.expect(times == sorted(times), "its times in order")
    constant = ("id", "name", "created_at")
    answer.expect(all(job[key] == queued_job[key] for key in constant), "the job as queued")


def check_socket(client: Client) -> None:
    """WS /jobs/{id}/events sends the job at once and when it has ended, then closes with 1000."""
    job_id = client.send("POST", _REPORTS).require(202).json["id"]
    answer = client.follow(f"{_JOBS}/{job_id}/events").require(_NORMAL)
    states = answer.json
    answer.expect(all(set(state) == _KEYS for state in states), f"the keys {sorted(_KEYS)}")
    answer.expect(states[-1] == client.get(f"{_JOBS}/{job_id}").json, "the job as it ended")
    answer.expect(states[-1]["status"] == "succeeded", "status succeeded")
    others = [state["finished_at"] for state in states[:-1]]
    answer.expect(not any(others), "no message after the end of the job")


def check_socket_errors(client: Client) -> None:
    """WS /jobs/{id}/events closes with 4404 for an unknown job, and 4403 for a foreign origin.

    It closes with 4401 without credentials; those of the first message are as good as headers.
    """
    path = f"{_JOBS}/{uuid.uuid4()}/events"
    client.follow(path).require(_UNKNOWN)
    client.follow(path, {"Origin": "https://foreign.example"}).require(_FOREIGN)
    client.follow(path, {"Origin": f"http://{client.host}:{client.port}"}).require(_UNKNOWN)
    if client.caller:
        anonymous = client.anonymous()
        anonymous.follow(path, first_message=dict(client.caller)).require(_UNKNOWN)
        anonymous.follow(path, first_message={}).require(_UNAUTHORIZED)


def check_events(client: Client) -> None:
    """GET /jobs/{id}/events sends the job as server-sent events, and ends with it.

    An unknown job returns 404 JOB_NOT_FOUND.
    """
    job_id = client.send("POST", _REPORTS).require(202).json["id"]
    answer = client.get(f"{_JOBS}/{job_id}/events").require(200)
    content_type = answer.headers.get("content-type", "")
    answer.expect(content_type.startswith("text/event-stream"), "text/event-stream")
    lines = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    last = json.loads(lines[-1].removeprefix("data: "))
    answer.expect(last == client.get(f"{_JOBS}/{job_id}").json, "the job as it ended")
    answer.expect(last["finished_at"], "the end of the job")
    path = f"{_JOBS}/{uuid.uuid4()}/events"
    client.get(path).require_error(404, "JOB_NOT_FOUND", path)


def _wait_for_job(client: Client, job_id: str) -> Answer:
    end = time.monotonic() + _SECONDS
    while True:
        answer = client.get(f"{_JOBS}/{job_id}").require(200)
        if answer.json["finished_at"] or time.monotonic() > end:
            return answer
        time.sleep(0.05)
