import logging

import anyio
import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.types import Message, Receive, Scope, Send

from app.application import create_app
from app.error_handlers import ErrorMiddleware
from app.settings import Settings


class Parcel(BaseModel):
    weight: int


@pytest.fixture(scope="module")
def app(settings: Settings) -> FastAPI:
    app = create_app(settings)

    @app.post("/parcels")
    def create_parcel(parcel: Parcel) -> Parcel:
        return parcel

    @app.get("/parcels")
    def list_parcels() -> list[Parcel]:
        message = "a secret of the service"
        raise RuntimeError(message)

    @app.get("/teapots")
    def get_teapot() -> None:
        raise HTTPException(400, "no teapot") from ValueError()

    return app


def test_unknown_route_is_404(client: TestClient) -> None:
    response = client.get("/nowhere?token=secret")

    assert response.status_code == 404
    assert response.json() == {
        "error": {
            "code": "NOT_FOUND",
            "message": "Not Found",
            "path": "/nowhere",
            "request_id": response.headers["X-Request-ID"],
        },
    }


def test_wrong_method_lists_allowed_ones(client: TestClient) -> None:
    response = client.delete("/parcels")

    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, POST"
    assert response.json()["error"]["code"] == "METHOD_NOT_ALLOWED"


def test_unhandled_error_is_only_logged(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = client.get("/parcels", headers={"X-Request-ID": "abc"})

    assert response.status_code == 500
    assert response.headers["X-Request-ID"] == "abc"
    assert response.json()["error"]["code"] == "INTERNAL_ERROR"
    assert "secret" not in response.text
    assert "a secret of the service" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"weight": "\xff"}',
        '{"weight": 1}'.encode("utf-16"),
        '{"weight": 1}'.encode("utf-32-le"),
        b"[" * 100_000,
        b'{"weight": ' + b"1" * 5000 + b"}",
    ],
    ids=["empty", "malformed", "not UTF-8", "UTF-16", "UTF-32", "nested", "long number"],
)
def test_malformed_json_is_invalid(client: TestClient, content: bytes) -> None:
    response = client.post(
        "/parcels", content=content, headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 422
    assert response.json()["error"]["code"] == "VALIDATION_FAILED"
    assert response.json()["error"]["details"][0]["loc"][0] == "body"


def test_plain_response_becomes_an_envelope(client: TestClient) -> None:
    response = client.get("/docs/assets/swagger-ui.css", headers={"Range": "bytes=99999999-"})

    assert response.status_code == 416
    assert response.headers["Content-Range"].startswith("bytes */")
    assert response.json()["error"]["code"] == "RANGE_NOT_SATISFIABLE"
    assert response.json()["error"]["request_id"] == response.headers["X-Request-ID"]


def test_http_exception_keeps_its_status(client: TestClient) -> None:
    error = client.get("/teapots").json()["error"]

    assert (error["code"], error["message"]) == ("BAD_REQUEST", "no teapot")


def test_wrong_content_type_is_invalid(client: TestClient) -> None:
    for headers in ({}, {"Content-Type": "text/plain"}):
        response = client.post("/parcels", content=b'{"weight": 1}', headers=headers)
        assert response.status_code == 422


def test_invalid_value_is_not_repeated(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    response = client.post("/parcels", json={"weight": "hunter2"})

    detail = response.json()["error"]["details"][0]
    assert detail.keys() == {"loc", "msg", "type"}
    assert (detail["loc"], detail["type"]) == (["body", "weight"], "int_parsing")
    assert "hunter2" not in response.text + caplog.text
    assert [detail] in [getattr(record, "details", None) for record in caplog.records]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("excess", "status"), [(0, 422), (1, 413)])
def test_body_size_is_limited(
    client: TestClient, settings: Settings, *, chunked: bool, excess: int, status: int
) -> None:
    content = b"x" * (settings.max_body_bytes + excess)

    response = client.post(
        "/parcels",
        content=iter([content[:1000], content[1000:]]) if chunked else content,
        headers={"Content-Type": "application/json"},
    )

    assert response.status_code == status
    if excess:
        assert response.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"


def test_openapi_declares_the_envelope(app: FastAPI) -> None:
    schema = app.openapi()

    assert schema["components"]["schemas"].keys() >= {"ErrorEnvelope", "Error", "ErrorDetail"}
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status >= "400" and path.startswith("/api/"):
                    reference = response["content"]["application/json"]["schema"]["$ref"]
                    assert reference == "#/components/schemas/ErrorEnvelope", (path, status)


def test_client_that_reads_nothing_is_disconnected(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr("app.error_handlers.SEND_SECONDS", 0.01)

    async def respond(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def wait_for_client(_message: Message) -> None:
        await anyio.sleep_forever()

    async def call() -> None:
        with anyio.fail_after(10):
            await ErrorMiddleware(respond)({"type": "http"}, receive, wait_for_client)

    anyio.run(call)

    assert "client disconnected" in caplog.text
