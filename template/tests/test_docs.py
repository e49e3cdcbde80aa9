import re
from base64 import b64encode

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.application import create_app
from app.settings import Settings

PAGES = ["/docs", "/openapi.json", "/docs/assets/swagger-ui.css"]

NOT_ASCII = f"Basic {b64encode(bytes([0xFF])).decode()}"


def production(settings: Settings, **changes: str) -> FastAPI:
    values = {**settings.model_dump(), "fastapi_env": "production", **changes}
    return create_app(settings.model_validate(values))


def test_the_page_loads_only_from_this_host(client: TestClient) -> None:
    page = client.get("/docs")

    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    for asset in re.findall(r'(?:href|src)="([^"]+)"', page.text):
        assert client.get(asset).status_code == 200
    assert client.get("/openapi.json").json()["openapi"].startswith("3.")


def test_the_name_of_the_service_is_text(app: FastAPI, client: TestClient) -> None:
    app.title = "</title><script>"

    assert "</title><script>" not in client.get("/docs").text


@pytest.mark.parametrize("path", PAGES)
def test_production_serves_no_docs_without_a_password(settings: Settings, path: str) -> None:
    with TestClient(production(settings)) as client:
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", PAGES[:2])
def test_production_serves_docs_behind_a_password(settings: Settings, path: str) -> None:
    app = production(settings, docs_username="reader", docs_password="correct horse")  # noqa: S106

    with TestClient(app) as client:
        for refused in (
            client.get(path),
            client.get(path, auth=("reader", "wrong")),
            client.get(path, headers={"Authorization": "Basic !"}),
            client.get(path, headers={"Authorization": NOT_ASCII}),
        ):
            assert refused.status_code == 401
            assert refused.headers["WWW-Authenticate"].startswith("Basic")
            assert refused.json()["error"]["code"] == "UNAUTHORIZED"
        assert client.get(path, auth=("reader", "correct horse")).status_code == 200
