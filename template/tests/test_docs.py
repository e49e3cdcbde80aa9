import json
import re
from base64 import b64encode
from hashlib import sha256
from runpy import run_module

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.application import create_app
from app.settings import Settings
from tests.clients import connect
from tests.settings import replace

PATHS = ["/docs", "/openapi.json", "/docs/assets/swagger-ui.css"]

NOT_ASCII = f"Basic {b64encode(bytes([0xFF])).decode()}"


def test_page_loads_only_from_this_host(client: TestClient) -> None:
    page = client.get("/docs")

    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    for asset in re.findall(r'(?:href|src)="([^"]+)"', page.text):
        assert client.get(asset).status_code == 200
    assert client.get("/openapi.json").json()["openapi"].startswith("3.")


def test_page_runs_only_its_own_script(client: TestClient) -> None:
    page = client.get("/docs")
    script = page.text.partition("<script>")[2].partition("</script>")[0]
    digest = b64encode(sha256(script.encode()).digest()).decode()

    policy = page.headers["Content-Security-Policy"]
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_prefix_of_a_proxy_is_kept(app: FastAPI, client: TestClient) -> None:
    prefixed = connect(client, root_path="/svc")

    page = prefixed.get("/svc/docs")
    for asset in re.findall(r'(?:href|src)="([^"]+)"', page.text):
        assert asset.startswith("/svc/")
        assert prefixed.get(asset).status_code == 200
    schema = prefixed.get("/svc/openapi.json").json()
    assert schema["servers"] == [{"url": "/svc"}]
    schemes = schema.get("components", {}).get("securitySchemes", {}).values()
    flows = [flow for scheme in schemes for flow in scheme.get("flows", {}).values()]
    assert all(flow["tokenUrl"].startswith("/svc/api/") for flow in flows)
    assert "servers" not in app.openapi()
    assert prefixed.delete("/svc/docs").headers["Allow"] == "GET"


def test_schema_is_printed(
    app: FastAPI,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("app.settings.load_settings", lambda: settings)

    run_module("app.openapi", run_name="__main__")

    assert json.loads(capsys.readouterr().out) == app.openapi()


def test_title_is_escaped(
    app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "title", "</title><script>")

    assert "</title><script>" not in client.get("/docs").text


def test_production_needs_password(settings: Settings) -> None:
    with TestClient(create_app(replace(settings, fastapi_env="production"))) as client:
        for path in PATHS:
            assert client.get(path).status_code == 404


def test_password_is_checked(settings: Settings) -> None:
    password = "correct horse"  # noqa: S105  # for the tests only
    settings = replace(
        settings, fastapi_env="production", docs_username="reader", docs_password=password
    )

    with TestClient(create_app(settings)) as client:
        for path in PATHS[:2]:
            for refused in (
                client.get(path),
                client.get(path, auth=("reader", "wrong")),
                client.get(path, headers={"Authorization": "Basic !"}),
                client.get(path, headers={"Authorization": NOT_ASCII}),
            ):
                assert refused.status_code == 401
                assert refused.headers["WWW-Authenticate"].startswith("Basic")
                assert refused.json()["error"]["code"] == "UNAUTHORIZED"
            assert client.get(path, auth=("reader", password)).status_code == 200
