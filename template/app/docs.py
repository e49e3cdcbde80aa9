"""The OpenAPI schema and Swagger UI, served without a CDN."""

from base64 import b64encode
from copy import deepcopy
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from secrets import compare_digest
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from fastapi.staticfiles import StaticFiles

from app.settings import Settings

ASSETS = Path(str(files("fastapi_offline"))) / "static"
Credentials = Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]


def create_router(settings: Settings) -> APIRouter:
    """Return the documentation routes.

    In production there are none, unless DOCS_USERNAME and DOCS_PASSWORD protect them.
    """
    router = APIRouter(include_in_schema=False)
    if settings.docs_username is not None and settings.docs_password is not None:
        username = settings.docs_username.get_secret_value()
        expected = f"{username}:{settings.docs_password.get_secret_value()}".encode()

        async def require_password(given: Credentials) -> None:
            if not compare_digest(f"{given.username}:{given.password}".encode(), expected):
                raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})

        router.dependencies.append(Depends(require_password))
    elif settings.fastapi_env == "production":
        return router
    router.add_api_route("/openapi.json", get_schema)
    router.add_api_route("/docs", get_page)
    router.mount("/docs/assets", StaticFiles(directory=ASSETS))
    return router


async def get_schema(request: Request) -> JSONResponse:
    """Return the schema, with URLs below the prefix of a proxy."""
    schema = request.app.openapi()
    if prefix := request.scope.get("root_path", ""):
        schema = deepcopy(schema) | {"servers": [{"url": prefix}]}
        for scheme in schema.get("components", {}).get("securitySchemes", {}).values():
            for flow in scheme.get("flows", {}).values():
                flow["tokenUrl"] = prefix + flow["tokenUrl"]
    return JSONResponse(schema)


async def get_page(request: Request) -> HTMLResponse:
    root = request.scope.get("root_path", "").rstrip("/")
    page = get_swagger_ui_html(
        title=escape(request.app.title),
        openapi_url=f"{root}/openapi.json",
        swagger_js_url=f"{root}/docs/assets/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/docs/assets/swagger-ui.css",
        swagger_favicon_url=f"{root}/docs/assets/favicon.png",
        # The validator badge would be fetched from another host.
        swagger_ui_parameters={"validatorUrl": None},
    )
    page.headers["Content-Security-Policy"] = content_policy(bytes(page.body))
    return page


def content_policy(page: bytes) -> str:
    """Allow this host and the page's own script. Swagger UI sets styles and uses data images."""
    script = page.partition(b"<script>")[2].partition(b"</script>")[0]
    digest = b64encode(sha256(script).digest()).decode()
    return (
        f"default-src 'self'; script-src 'self' 'sha256-{digest}'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
    )
