import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.application import create_app
from app.settings import Settings

PAGES = ["/docs", "/openapi.json", "/docs/swagger-ui.css"]


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


def test_only_the_parts_of_the_page_are_served(client: TestClient) -> None:
    assert client.get("/docs/redoc.standalone.js").status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_production_serves_no_docs_without_a_password(settings: Settings, path: str) -> None:
    with TestClient(production(settings)) as client:
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_production_serves_docs_behind_a_password(settings: Settings, path: str) -> None:
    app = production(settings, docs_username="reader", docs_password="correct horse")  # noqa: S106

    with TestClient(app) as client:
        for refused in (
            client.get(path),
            client.get(path, auth=("reader", "wrong")),
            client.get(path, headers={"Authorization": "Basic !"}),
        ):
            assert refused.status_code == 401
            assert refused.headers["WWW-Authenticate"].startswith("Basic")
            assert refused.json()["error"]["code"] == "UNAUTHORIZED"
        assert client.get(path, auth=("reader", "correct horse")).status_code == 200
