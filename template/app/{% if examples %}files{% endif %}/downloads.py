"""Downloads of stored files."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from anyio import AsyncFile, open_file
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from app.errors import AppError
from app.files.service import FileNotFound


class RangeNotSatisfiable(AppError):
    """Sent for the plain response of `FileResponse`, by `ErrorMiddleware`."""

    status = 416
    code = "RANGE_NOT_SATISFIABLE"
    message = "The requested range is outside of the file."


class Download(FileResponse):
    """A response that opens its file before it begins: all of it is sent, or FileNotFound raised.

    A deletion meanwhile removes only the name of the file.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            file = await open_file(self.path, "rb")
        except FileNotFoundError as error:
            raise FileNotFound from error
        async with file:
            self._file = file
            self.stat_result = os.fstat(file.wrapped.fileno())
            self.set_stat_headers(self.stat_result)
            await super().__call__(scope, receive, send)

    @asynccontextmanager
    async def _open_file(self) -> AsyncGenerator[AsyncFile[bytes], None]:
        """Replace Starlette's opening of the path."""
        yield self._file
