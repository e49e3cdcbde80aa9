"""The documentation page, served from this host: no browser asks another one for its parts."""

from importlib.resources import files
from pathlib import Path
from secrets import compare_digest
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from app.errors import NotFound
from app.settings import Settings

ASSETS = Path(str(files("fastapi_offline"))) / "static"
SERVED = {"swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"}
Credentials = Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def schema(request: Request) -> JSONResponse:
    return JSONResponse(request.app.openapi())


@router.get("/docs")
async def page(request: Request) -> HTMLResponse:
    root = request.scope.get("root_path", "").rstrip("/")
    return get_swagger_ui_html(
        title=request.app.title,
        openapi_url=f"{root}/openapi.json",
        swagger_js_url=f"{root}/docs/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/docs/swagger-ui.css",
        swagger_favicon_url=f"{root}/docs/favicon.png",
        # The badge of the validator would be fetched from another host.
        swagger_ui_parameters={"validatorUrl": None},
    )


@router.get("/docs/{asset}")
async def serve_asset(asset: str) -> FileResponse:
    if asset not in SERVED:
        raise NotFound
    return FileResponse(ASSETS / asset, headers={"Cache-Control": "max-age=86400"})


def mount_docs(app: FastAPI, settings: Settings) -> None:
    """In production: nothing until DOCS_USERNAME and DOCS_PASSWORD are set, then behind them."""
    if settings.docs_username is None or settings.docs_password is None:
        if settings.fastapi_env == "development":
            app.include_router(router)
        return
    expected = f"{settings.docs_username}:{settings.docs_password.get_secret_value()}".encode()

    async def require_password(given: Credentials) -> None:
        if not compare_digest(f"{given.username}:{given.password}".encode(), expected):
            raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})

    app.include_router(router, dependencies=[Depends(require_password)])
