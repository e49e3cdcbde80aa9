"""Notice of a shutdown, for responses that do not end by themselves."""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def calling_on_shutdown(callback: Callable[[], None]) -> Generator[None, None, None]:
    """Call back on SIGTERM and SIGINT, before the handlers of the server.

    uvicorn ends the lifespan after the last response, and waits for it without a limit.
    """
    # Only the main thread receives signals. Tests run the lifespan in another one.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        callback()
        handler = handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)
        else:
            signal.signal(number, handler)
            signal.raise_signal(number)

    for number in handlers:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
