import json
from datetime import timedelta
from uuid import UUID, uuid4

import anyio
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from app.jobs.models import Job
from app.jobs.service import JobNotFound
from app.orm import utc_now
from app.websockets import WebSocketMiddleware
from tests.rows import insert_job


def insert_running(engine: Engine) -> UUID:
    lease = utc_now() + timedelta(hours=1)
    return insert_job(engine, "tests.slow", status="running", attempts=1, due_at=lease)


def finish(engine: Engine, job_id: UUID) -> None:
    values = {"status": "succeeded", "result": 7, "due_at": None, "finished_at": utc_now()}
    with engine.begin() as connection:
        connection.execute(update(Job).where(Job.id == job_id).values(values))


def read_close_code(client: TestClient, job_id: object, **headers: str) -> int:
    url = f"/api/v1/jobs/{job_id}/events"
    with (
        client.websocket_connect(url, headers=headers) as socket,
        pytest.raises(WebSocketDisconnect) as caught,
    ):
        socket.receive_text()
    return caught.value.code


def test_socket_follows_job(client: TestClient, engine: Engine) -> None:
    job_id = insert_running(engine)
    job = client.get(f"/api/v1/jobs/{job_id}").json()

    with client.websocket_connect(f"/api/v1/jobs/{job_id}/events") as socket:
        assert socket.receive_json() == job
        socket.send_text("ignored")
        finish(engine, job_id)
        assert socket.receive_json() == client.get(f"/api/v1/jobs/{job_id}").json()
        with pytest.raises(WebSocketDisconnect) as caught:
            socket.receive_text()

    assert caught.value.code == 1000


def test_events_end_with_job(client: TestClient, engine: Engine) -> None:
    job_id = insert_running(engine)
    finish(engine, job_id)

    response = client.get(f"/api/v1/jobs/{job_id}/events")

    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-accel-buffering"] == "no"
    events = [line.removeprefix("data: ") for line in response.text.splitlines() if line]
    assert [json.loads(event) for event in events] == [client.get(f"/api/v1/jobs/{job_id}").json()]


def test_unknown_job_has_no_events(client: TestClient) -> None:
    response = client.get(f"/api/v1/jobs/{uuid4()}/events")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == JobNotFound.code
    assert read_close_code(client, uuid4()) == 4404
    assert read_close_code(client, "nonsense") == 4422


def test_foreign_origin_is_refused(client: TestClient, engine: Engine) -> None:
    job_id = insert_running(engine)
    finish(engine, job_id)
    url = f"/api/v1/jobs/{job_id}/events"

    assert read_close_code(client, job_id, Origin="https://foreign.example") == 4403
    with client.websocket_connect(url, headers={"Origin": "http://testserver"}) as socket:
        assert socket.receive_json()["status"] == "succeeded"


def test_unhandled_error_closes_socket(client: TestClient, engine: Engine) -> None:
    """The stored status is none that the schema allows."""
    job_id = insert_job(engine, "tests.odd", status="odd", due_at=None)

    assert read_close_code(client, job_id) == 1011


def test_error_after_close_sends_nothing() -> None:
    """Servers reject a second close, and would log the error again."""
    sent: list[str] = []

    async def close_and_fail(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})
        raise ValueError

    async def receive() -> Message:
        return {"type": "websocket.disconnect"}

    async def record(message: Message) -> None:
        sent.append(message["type"])

    scope = {"type": "websocket", "headers": []}
    anyio.run(WebSocketMiddleware(close_and_fail), scope, receive, record)

    assert sent == ["websocket.accept", "websocket.close"]
