"""Clients of an application that is already running."""

from typing import Any

from fastapi.testclient import TestClient


def connect(running: TestClient, **options: Any) -> TestClient:
    """Return another client, with its own headers and cookies, for a running application."""
    client = TestClient(running.app, **options)
    client.portal = running.portal
    client.app_state.update(running.app_state)
    return client
